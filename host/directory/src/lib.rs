//! Active Directory for textsender: who a user is, and which group policy objects decide for him.
//!
//! A process of its own, `textsender-directory`, which `textsender` starts where a directory is configured: what
//! a server sends is read where no sender's secret and no message is, and a `textsender` without a directory
//! carries none of it.
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
//! | [`orders`] | what `textsender` asks, and the answers: a line of JSON each |
//! | [`error`] | what a directory's answer comes to |
//!
//! Everything that decides (`resolve`, `descriptor`, `gplink`) is a pure function of what was read.

pub mod descriptor;
pub mod directory;
pub mod dn;
pub mod error;
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
