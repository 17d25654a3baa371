//! The id of a message.

use std::fmt;

use serde::Serialize;

/// What names a message to the caller, the ledger and, where it takes a reference, the provider.
///
/// 1 to 128 printable ASCII characters without spaces.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize)]
pub struct MessageId(String);

impl MessageId {
    /// The longest id, in characters.
    pub const MAX: usize = 128;

    /// The caller's id, if it has the shape.
    pub fn parse(id: &str) -> Option<Self> {
        let fits = (1..=Self::MAX).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
        fits.then(|| Self(id.to_owned()))
    }

    /// A new id: 128 random bits.
    ///
    /// # Errors
    ///
    /// The system has no randomness to give.
    pub fn random() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Self(format!("{:032x}", u128::from_be_bytes(bytes))))
    }

    /// The id's characters.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MessageId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
