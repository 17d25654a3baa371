//! Who is who in a directory: distinguished names, SIDs and the ids of group policy objects, read in any spelling and
//! compared as a directory compares them; the [lines] that go between `textsender` and `textsender-directory`; and
//! which characters of a stranger's words are [visible] as they are.
//!
//! One piece for policy, which decides by what a caller brings, and for the directory's program, which decides by what
//! a server says: two readings of one name would be two users.

pub mod dn;
mod effect;
mod guid;
pub mod lines;
mod prepare;
pub mod sid;
pub mod visible;

pub use dn::{Dn, DnError};
pub use effect::GpoEffect;
pub use guid::{Guid, NotAGuid};
pub use sid::{Sid, SidError};
