//! SHA-256 of a library, as `sha256sum` shows it.

use std::{fmt, str::FromStr};

use ring::digest;
use serde::{Deserialize, Serialize};

/// A SHA-256.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checksum([u8; 32]);

/// Text that is no checksum.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a checksum is 64 hexadecimal digits, as sha256sum shows them")]
pub struct NotAChecksum;

impl Checksum {
    /// The checksum of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        let digest = digest::digest(&digest::SHA256, bytes);
        let mut checksum = [0; 32];
        checksum.copy_from_slice(digest.as_ref());
        Self(checksum)
    }
}

impl fmt::Display for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Checksum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Checksum {
    type Err = NotAChecksum;

    fn from_str(text: &str) -> Result<Self, NotAChecksum> {
        let digit = |byte: u8| char::from(byte).to_digit(16).ok_or(NotAChecksum);
        let (pairs, rest) = text.as_bytes().as_chunks::<2>();
        let pairs: &[[u8; 2]; 32] = pairs.try_into().map_err(|_| NotAChecksum)?;
        if !rest.is_empty() {
            return Err(NotAChecksum);
        }
        let mut checksum = [0; 32];
        for (byte, [high, low]) in checksum.iter_mut().zip(pairs) {
            // Two digits of 16 fit a byte.
            *byte = (digit(*high)? * 16 + digit(*low)?) as u8;
        }
        Ok(Self(checksum))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_sha256sum_shows_it() {
        // FIPS 180-2, appendix B.1.
        let shown = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Checksum::of(b"abc").to_string(), shown);
        assert_eq!(shown.parse(), Ok(Checksum::of(b"abc")));
        assert_eq!(shown.to_uppercase().parse(), Ok(Checksum::of(b"abc")));
    }

    #[test]
    fn nothing_else_is_a_checksum() {
        let long = "a".repeat(65);
        for text in ["", "abc", &long, &long[..63], &"g".repeat(64)] {
            assert_eq!(text.parse::<Checksum>(), Err(NotAChecksum), "{text}");
        }
    }
}
