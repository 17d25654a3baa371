//! `textsender-console`: the configuration of textsender, in a browser.
//!
//! | process | what it does |
//! |---|---|
//! | the front ([`front`]) | serves HTTP on loopback or a Unix socket; holds the session; looks at no file of textsender |
//! | a worker ([`worker`]) for each page | makes one page or one change, as one command would, and ends |
//! | a host process | runs a plugin for a worker, as for every command |
//!
//! A worker is a process of its own because a command is one: where root runs the console, reading and sending
//! happen as the account that sends, and a process changes its account for good. What a page can do is so what
//! a command can do, by the same functions of the library, and no more.

mod call;
mod command;
mod front;
mod pages;
mod worker;

use std::process::ExitCode;

use textsender::ledger::{POSTGRES, share};
use textsender::plugins::plugin_host;

fn main() -> ExitCode {
    share(&POSTGRES);
    match std::env::args_os().nth(1) {
        Some(first) if first == plugin_host::SUBCOMMAND => plugin_host::run(),
        Some(first) if first == worker::SUBCOMMAND => worker::run(),
        _ => front::run(),
    }
}
