//! The console: a browser's requests against the port, and in a real browser.
//!
//! Every response is searched for secrets, codes and full numbers ([`served::Served`]).

#![allow(
    clippy::unwrap_used,
    reason = "what fails here fails the test, and is an error of nothing else"
)]

mod accessible;
mod browser;
mod changes;
mod log;
mod page;
mod plots;
mod plugins;
mod procedure;
mod security;
mod served;
mod test_send;
mod tree;
