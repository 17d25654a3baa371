//! `textsender`: sends the text messages of password-reset and helpdesk systems.
//!
//! A reset server writes one JSON request; policy decides which sender and which text this user
//! gets; the sender's plugin, a shared library in a process of its own, composes the exchange with
//! its provider; the answer comes back as one JSON response.
//!
//! The rooms, in the order in which each may know those before it:
//!
//! | room | what it knows |
//! |---|---|
//! | [`failpoint`] | what tests may make happen in the middle of a run |
//! | [`redact`] | how foreign text is made safe to show |
//! | [`budget`] | what one sender may use of what all share |
//! | [`protocol`] | request, response, outcomes and their codes |
//! | [`os`] | what differs between operating systems |
//! | [`trust`] | which files may be believed |
//! | [`config`] | the one dialect, and every fault in it |
//! | [`secrets`] | where senders' secrets are |
//! | [`policy`] | who decides for a user |
//! | [`recipient`] | numbers: form, region, kind |
//! | [`text`] | templates, languages, segments |
//! | [`net`] | names, connections and TLS, for every protocol |
//! | [`ledger`] | at most once per id, limits, health of senders, the audit |
//! | [`decision`] | one configuration, worked out, and what it comes to for one request |
//! | [`directory`] | who a user is, asked of a directory |
//! | [`transport`] | HTTP and SMTP, and how far an exchange came |
//! | [`plugins`] | the plugins folder, and the process that each plugin runs in |
//! | [`route`] | who is asked, how often, and what several answers come to |
//! | [`privilege`] | whose account root's commands act as |
//! | [`check`] | the whole configuration, every fault at once |
//! | [`edit`] | every change of the configuration: what is ordered, and what came of it |
//! | [`site`] | an installation as it is looked at: configuration, state, plugins, providers |
//! | [`explain`] | why a message would go where it would go |
//! | [`dispatch`] | one request's way through all of them |
//! | [`serve`] | the pipeline behind a socket, as HTTP: the hub |
//! | [`conformance`] | what a plugin must do, and whether it does |
//! | [`cli`] | a file for each command |

use std::process::ExitCode;

pub mod budget;
pub mod check;
pub mod cli;
pub mod config;
pub mod conformance;
pub mod decision;
pub mod directory;
pub mod dispatch;
pub mod edit;
pub mod explain;
pub mod failpoint;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod ledger;
#[cfg(test)]
mod messages;
pub mod net;
pub mod os;
pub mod plugins;
pub mod policy;
pub mod privilege;
pub mod protocol;
pub mod recipient;
pub mod redact;
pub mod route;
pub mod secrets;
pub mod serve;
pub mod site;
pub mod text;
pub mod transport;
pub mod trust;
#[cfg(test)]
mod walls;

/// What a program of textsender does: it is a host process, or runs the command line of this process.
///
/// Looked at by hand: a host process starts with every send, and needs no command line.
#[must_use]
pub fn run(failpoints: failpoint::Failpoints) -> ExitCode {
    let first = std::env::args_os().nth(1);
    match first.is_some_and(|first| first == plugins::plugin_host::SUBCOMMAND) {
        true => plugins::plugin_host::run(),
        false => cli::run(failpoints),
    }
}
