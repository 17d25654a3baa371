//! Active Directory for textsender: who a user is, and which group policy objects decide for him.
//!
//! A program of its own, `textsender-directory`: what a server sends is read where no sender's secret and no message
//! is, and `textsender` carries none of it. `textsender directory check`, `sync` and `user` go on as this program
//! ([`cli`]), and say on its standard input which directory; `orders` is kept by what sends.
//!
//! | file | what it knows |
//! |---|---|
//! | [`ldap`] | connections, messages, searches |
//! | [`descriptor`] | security filtering: whom an access list lets read and apply an object |
//! | [`gplink`] | the links of a container |
//! | [`snapshot`] | the file that a sync writes |
//! | [`resolve`] | which objects decide for a user: group policy's order |
//! | [`directory`] | a directory that is asked |
//! | [`user`] | looking a user up |
//! | [`group_names`] | groups that filters name by distinguished name |
//! | [`sync`] | reading the links, and keeping what worked |
//! | [`changed`] | when an attribute was last changed |
//! | [`own_rights`] | whether users may change their own number, and whether that can be seen |
//! | [`look`] | how the servers are, and what of them runs out |
//! | [`orders`] | what a program asks: its lines are [described](textsender_names::lines) where both programs see them |
//! | [`error`] | what a directory's answer comes to |
//! | [`cli`] | the commands; the only file that prints |
//!
//! Everything that decides (`resolve`, `descriptor`, `gplink`) is a pure function of what was read.

pub mod changed;
pub mod cli;
pub mod descriptor;
pub mod directory;
pub mod error;
#[cfg(any(test, fuzzing))]
pub mod fuzz;
pub mod gplink;
pub mod group_names;
pub mod ldap;
pub mod look;
pub mod orders;
pub mod own_rights;
pub mod resolve;
pub mod snapshot;
pub mod sync;
#[cfg(test)]
mod tests;
pub mod user;
