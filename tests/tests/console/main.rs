//! The console: a browser's requests against the port, and in a real browser.
//!
//! Every response is searched for secrets, codes and full numbers ([`served::Served`]).

#![allow(
    clippy::unwrap_used,
    reason = "what fails here fails the test, and is an error of nothing else"
)]

mod accessible;
mod accounts;
mod browser;
mod changes;
mod fleet;
mod limits;
mod log;
mod page;
mod plots;
mod plugins;
mod policies;
mod procedure;
mod security;
mod served;
mod test_send;
mod tree;
mod unsaved;
