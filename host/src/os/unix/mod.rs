//! What any Unix has.

pub mod accounts;
pub mod acl;
pub mod disk;
pub mod folders;
pub mod identity;
pub mod library;
pub mod limits;
pub mod log;
pub mod pipes;
pub mod process;
pub mod rights;
pub mod signals;
pub mod socket;
pub mod terminal;
