//! The way to another machine, for every protocol: HTTP, e-mail, and whatever follows.
//!
//! | file | what it knows |
//! |---|---|
//! | `resolve` | how a name becomes addresses, and how many look-ups may run at a time |
//! | `pace` | how fast new connections are made |
//! | `share` | what of both one sender may have |
//! | `connect` | how addresses become one connection: the first that answers (RFC 8305) |
//! | `tls` | whom to trust, and as whom to be trusted |
//! | `certificate` | until when a certificate is valid |
//! | `error` | which peer was not reached or not trusted, and why |
//!
//! Which names may be asked for, and which addresses they may lead to, is decided above: a
//! [`Resolver`] is given that rule, and the [`Lookups`] that it may run, by the room that owns them.

mod certificate;
mod connect;
mod error;
mod pace;
mod resolve;
mod share;
mod tls;

pub use certificate::{last_valid_until, valid_until, valid_until_of};
pub use connect::connect;
pub use error::{Cause, NetError, chain, peer};
pub use pace::Pace;
pub use resolve::{Admits, Lookups, Resolver};
pub use share::Share;
pub use tls::{client, handshake, server, without_roots};
