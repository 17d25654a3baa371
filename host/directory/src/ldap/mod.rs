//! As much of LDAP (RFC 4511) as reading a directory takes: bind, search, and TLS always.
//!
//! | file | what it knows |
//! |---|---|
//! | `codec` | messages as bytes: rasn's types and BER, behind bounds |
//! | `filter` | search filters, built from values and never from text |
//! | `entry` | an entry of an answer |
//! | `connection` | one connection: TLS, bind, search page by page |
//! | `servers` | several servers: in order, the next beside a slow one |
//! | `refusals` | an account that was refused, which is not tried again for a while |
//! | `error` | what can go wrong with a server |
//!
//! A server is not trusted to be sane: a message has at most 1 MiB, an answer a bounded number of messages and
//! bytes, and all of it a deadline. Referrals are counted and never followed.

mod codec;
mod connection;
mod entry;
mod error;
mod filter;
mod refusals;
mod servers;

pub use codec::{Malformed, Message, Response, decode, frame_length};
pub use connection::{Connection, Scope, Search};
pub use entry::Entry;
pub use error::LdapError;
pub use filter::{any, equal, present, user};
pub use servers::{Roots, Server, ServerError, Servers};
