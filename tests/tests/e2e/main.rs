//! textsender as its callers meet it: the real binary, the real plugins, providers on loopback.
//!
//! | module | what it shows |
//! |---|---|
//! | `admin` | the administrator's tool, and its guide |
//! | `callers_guide` | that what `docs/callers.md` shows is so |
//! | `connectors` | clients and scripts for other programs, run as these run them |
//! | `first_contact` | the first text, and what a new installation lacks |
//! | `configuration` | configurations that are wrong |
//! | `check` | every fault of a configuration at once, each at its line |
//! | `explain` | why a message would go where it would go, and what an edit would change |
//! | `policies_guide` | that what `docs/policies.md` shows is so |
//! | `ledger` | death at every step, bad ground, and what the files tell |
//! | `breaker` | a sender that fails is spared, and noticed when it works again |
//! | `log` | what is told afterwards: `log`, `explain --id`, `stats` |
//! | `deliveries` | what became of an accepted message: `status`, `send --wait`, and a lost answer found again |
//! | `readme` | that what `README.md` shows is so |
//! | `repeats` | the same id again, limits, and processes that die in the middle |
//! | `requests` | requests that are wrong, large, slow, or refused by policy |
//! | `verdicts` | what each of the provider's answers comes to |
//! | `faults` | networks, TLS, time, and processes that die |
//! | `three_senders` | one message, three providers; what each can carry of a text |
//! | `mail` | mail servers: how they are reached, and what each of their replies comes to |
//! | `access_tokens` | mail servers that take no password, and the token servers beside them |
//! | `mail_servers` | the same through real Exim and Postfix |
//! | `notify` | GOV.UK Notify: what it changes, and how it is not asked too fast |
//! | `numbers` | numbers as directories and users write them |
//! | `hostile` | providers that mean harm |
//! | `plugins` | the plugins folder, and plugins that fail |
//! | `trust` | plugins that must be approved, and a grant of connections |
//! | `misbehaving` | every way in which a plugin misbehaves, alone and in a stream |
//! | `foreign` | where foreign text comes in, times where text goes out |
//! | `paths` | every path that a command opens, as others could have had their hands on it |
//! | `secrecy` | where secrets come from, and that nothing shows them |
//! | `serve` | the hub: requests over a Unix socket and HTTP, callers, abuse, its end |
//! | `standard_error` | a log that is not read |
//! | `limits` | limits of a service: the real cause is named |
//! | `stream` | `send --stream`: lines, ends, edits, processes, ten thousand messages |
//! | `official_clients` | that a provider can't tell ours from its own clients |
//! | `outcomes_page` | that the page of outcomes says what the program says |
//! | `sandbox_run` | `sandbox run -- COMMAND` itself |

#![allow(clippy::unwrap_used)]

mod access_tokens;
mod admin;
mod breaker;
mod callers_guide;
mod check;
mod configuration;
mod connectors;
mod deliveries;
mod explain;
mod faults;
mod first_contact;
mod foreign;
mod hostile;
mod ledger;
mod limits;
mod log;
mod mail;
mod mail_servers;
mod misbehaving;
mod notify;
mod numbers;
mod official_clients;
mod outcomes_page;
mod paths;
mod plugins;
mod policies_guide;
mod readme;
mod repeats;
mod requests;
mod sandbox_run;
mod secrecy;
mod serve;
mod shared_ledger;
mod standard_error;
mod stream;
mod three_senders;
mod trust;
mod verdicts;
