//! Security identifiers, `S-1-5-21-...`: their bytes (MS-DTYP 2.4.2.2) and how they are written (2.4.2.1).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// Most sub-authorities that a SID has.
const MAX_PARTS: usize = 15;

/// A user or a group, by what group policy's filters call it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sid {
    /// 48 bits.
    authority: u64,
    parts: Vec<u32>,
}

/// The text or the bytes are no SID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not a SID: it is not of the form S-1-5-21-...")]
pub struct NotASid;

impl Sid {
    /// The SIDs that every user of a domain holds and no attribute lists: Everyone, Authenticated Users, This
    /// Organization.
    #[must_use]
    pub fn held_by_all() -> [Sid; 3] {
        [(1, 0), (5, 11), (5, 15)].map(|(authority, part)| Sid {
            authority,
            parts: vec![part],
        })
    }

    /// Reads the SID that begins `bytes`, and returns what follows it.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<(Sid, &[u8])> {
        let (&[revision, count], rest) = bytes.split_first_chunk::<2>()?;
        let (authority, rest) = rest.split_first_chunk::<6>()?;
        let count = usize::from(count);
        if revision != 1 || count == 0 || count > MAX_PARTS || rest.len() < count * 4 {
            return None;
        }
        let (parts, rest) = rest.split_at(count * 4);
        let (parts, _) = parts.as_chunks::<4>();
        let authority = authority
            .iter()
            .fold(0, |all, byte| all << 8 | u64::from(*byte));
        let parts = parts.iter().map(|part| u32::from_le_bytes(*part)).collect();
        Some((Sid { authority, parts }, rest))
    }

    /// Reads bytes that are one SID and nothing else.
    ///
    /// # Errors
    ///
    /// They are not.
    pub fn from_bytes(bytes: &[u8]) -> Result<Sid, NotASid> {
        match Sid::read(bytes) {
            Some((sid, [])) => Ok(sid),
            _ => Err(NotASid),
        }
    }

    /// Whether a domain gave it out: one of a user or group that has a name there.
    #[must_use]
    pub fn is_of_a_domain(&self) -> bool {
        self.authority == 5 && self.parts.first() == Some(&21)
    }

    /// Whether it is a domain's group `Domain Users`.
    #[must_use]
    pub fn is_domain_users(&self) -> bool {
        self.is_of_a_domain() && self.parts.last() == Some(&513)
    }

    /// Its bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![1, self.parts.len() as u8];
        bytes.extend(&self.authority.to_be_bytes()[2..]);
        bytes.extend(self.parts.iter().flat_map(|part| part.to_le_bytes()));
        bytes
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "S-1-{}", self.authority)?;
        self.parts.iter().try_for_each(|part| write!(f, "-{part}"))
    }
}

impl FromStr for Sid {
    type Err = NotASid;

    fn from_str(text: &str) -> Result<Self, NotASid> {
        let mut numbers = text
            .trim()
            .strip_prefix("S-1-")
            .or_else(|| text.trim().strip_prefix("s-1-"))
            .ok_or(NotASid)?
            .split('-')
            .map(|number| match number.bytes().all(|b| b.is_ascii_digit()) {
                true => number.parse::<u64>().map_err(|_| NotASid),
                false => Err(NotASid),
            });
        let authority = numbers.next().ok_or(NotASid)??;
        let parts = numbers.map(|number| u32::try_from(number?).map_err(|_| NotASid));
        let parts: Vec<u32> = parts.collect::<Result<_, _>>()?;
        match authority < 1 << 48 && (1..=MAX_PARTS).contains(&parts.len()) {
            true => Ok(Sid { authority, parts }),
            false => Err(NotASid),
        }
    }
}

impl TryFrom<String> for Sid {
    type Error = NotASid;

    fn try_from(text: String) -> Result<Self, NotASid> {
        text.parse()
    }
}

impl From<Sid> for String {
    fn from(sid: Sid) -> String {
        sid.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_and_text_are_the_same_sid() {
        let domain_users = "0105000000000005150000004b4ae10c9e008eab8289252c59040000";
        let bytes = crate::tests::hex(domain_users);
        let sid = Sid::from_bytes(&bytes).unwrap();
        assert_eq!(
            sid.to_string(),
            "S-1-5-21-216091211-2878210206-740657538-1113"
        );
        assert_eq!(sid.to_string().parse(), Ok(sid.clone()));
        assert_eq!(sid.to_bytes(), bytes);
    }

    #[test]
    fn what_is_no_sid_is_not_read() {
        for text in [
            "",
            "S-1-5",
            "S-2-5-1",
            "S-1-5-+1",
            "S-1-5-4294967296",
            "S-1-281474976710656-1",
        ] {
            assert_eq!(text.parse::<Sid>(), Err(NotASid), "{text}");
        }
        for bytes in [
            "",
            "0100000000000005",
            "010100000000000b",
            "0210000000000005",
        ] {
            assert_eq!(Sid::from_bytes(&crate::tests::hex(bytes)), Err(NotASid));
        }
    }
}
