//! Changes of the configuration and of stored secrets. Each takes a typed order, and returns what it
//! came to: typed too, with the difference. Commands render both; so may anything else.
//!
//! | to | use |
//! |---|---|
//! | change the configuration | [`Editor::apply`] with an [`Order`]: [`senders`], [`policies`], [`links`], [`bind`], [`limits`], [`texts`], [`helpdesk`], [`defaults`] |
//! | replace a file that a person edited | [`whole::ReplaceFile`] |
//! | see what an order would do | [`Editor::preview`] |
//! | take the last change back | [`undo::Undo`] |
//! | put owners and modes right | [`repair`] |
//! | store or remove a secret | [`secrets`] |
//! | approve a plugin | [`approve`] |
//! | read who changed what, and when | [`journal`] |
//! | copy everything, and put it back | [`backup`] |
//!
//! What holds for every change:
//!
//! - **It can't break sending.** The result is checked as `textsender check` does. A fault that was not
//!   there before refuses the change, unless it is forced. What is incomplete may be built step by step,
//!   as long as nothing depends on it.
//! - **Every byte that is not meant stays**: comments, order, spaces, line ends.
//! - **All or nothing, one at a time**, by a lock; and it stands in the journal, with the account that
//!   made it and never with a secret.

pub mod approve;
pub mod backup;
pub mod bind;
pub mod defaults;
mod difference;
mod draft;
mod editor;
mod error;
pub mod files;
pub mod helpdesk;
pub mod journal;
mod judge;
pub mod limits;
pub mod links;
pub mod names;
mod order;
mod place;
pub mod policies;
pub mod repair;
pub mod secrets;
mod seen;
pub mod senders;
mod splice;
pub mod tables;
pub mod texts;
pub mod undo;
pub mod whole;

pub use difference::{Difference, FileDifference, Line, LineKind};
pub use draft::Draft;
pub use editor::{Applied, Editor};
pub use error::EditError;
pub use order::Order;
pub use seen::AsSeen;
