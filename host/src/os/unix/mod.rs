//! What any Unix has.

pub mod accounts;
pub mod disk;
pub mod identity;
pub mod library;
pub mod pipes;
pub mod process;
pub mod rights;
pub mod signals;
pub mod terminal;
