//! Active Directory for textsender: who a user is, and which group policy objects decide for him.
//!
//! A program of its own, `textsender-directory`: what a server sends is read where no sender's secret and no message
//! is, and `textsender` carries none of it. It reads `directory.toml` ([`config`]) and has the commands `check`, `sync`
//! and `user` ([`cli`]); `orders` is for a program that asks much.
//!
//! | file | what it knows |
//! |---|---|
//! | [`ldap`] | connections, messages, searches |
//! | [`sid`], [`guid`], [`dn`] | names |
//! | [`descriptor`] | security filtering: whom an access list lets read and apply an object |
//! | [`gplink`] | the links of a container |
//! | [`snapshot`] | the file that a sync writes |
//! | [`resolve`] | which objects decide for a user: group policy's order |
//! | [`directory`] | a directory that is asked |
//! | [`user`] | looking a user up |
//! | [`sync`] | reading the links, and keeping what worked |
//! | [`orders`] | what a program asks, and the answers: a line of JSON each |
//! | [`error`] | what a directory's answer comes to |
//! | [`config`] | `directory.toml` |
//! | [`cli`] | the commands; the only file that prints |
//!
//! Everything that decides (`resolve`, `descriptor`, `gplink`) is a pure function of what was read.

pub mod cli;
pub mod config;
pub mod descriptor;
pub mod directory;
pub mod dn;
pub mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod gplink;
pub mod guid;
pub mod ldap;
pub mod orders;
pub mod resolve;
pub mod sid;
pub mod snapshot;
pub mod sync;
#[cfg(test)]
mod tests;
pub mod user;
