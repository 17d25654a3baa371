//! Windows security identifiers, `S-1-5-21-...`: as MS-DTYP section 2.4.2.1 writes them, and as the bytes of section
//! 2.4.2.2.

use std::fmt;
use std::str::FromStr;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

/// Most sub-authorities that a SID has.
const MAX_PARTS: usize = 15;

/// A security identifier.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Sid {
    /// 48 bits.
    authority: u64,
    /// What is beyond `length` is 0.
    parts: [u32; MAX_PARTS],
    length: u8,
}

/// The text is not a SID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("it is not of the form S-1-5-21-...")]
pub struct SidError;

impl Sid {
    /// `Authenticated Users`, S-1-5-11: the user the request is for.
    pub const AUTHENTICATED_USERS: Sid = Sid::of_one_part(5, 11);

    /// `Self`, S-1-5-10: in an entry's access list, the one whom the entry is of.
    pub const SELF: Sid = Sid::of_one_part(5, 10);

    /// The SIDs that every user of a domain holds and no attribute lists: Everyone, Authenticated Users, This
    /// Organization.
    pub const HELD_BY_ALL: [Sid; 3] = [
        Sid::of_one_part(1, 0),
        Sid::AUTHENTICATED_USERS,
        Sid::of_one_part(5, 15),
    ];

    const fn of_one_part(authority: u64, part: u32) -> Sid {
        let mut parts = [0; MAX_PARTS];
        parts[0] = part;
        Sid {
            authority,
            parts,
            length: 1,
        }
    }

    /// Whether the text is meant as a SID, rightly written or not.
    pub fn is_meant(text: &str) -> bool {
        let text = text.trim_start().as_bytes();
        matches!(text, [b'S' | b's', b'-', b'0'..=b'9', ..])
    }

    /// Reads a SID as directory libraries give it: its bytes (MS-DTYP section 2.4.2.2) in Base64. `None` if the
    /// text is no such thing, which a distinguished name never is.
    pub fn from_base64(text: &str) -> Option<Sid> {
        let text = text.trim();
        // The first byte is the revision, 1.
        if !text.starts_with("AQ") {
            return None;
        }
        Sid::from_bytes(&STANDARD.decode(text).ok()?).ok()
    }

    /// Reads bytes that are one SID and nothing else.
    ///
    /// # Errors
    ///
    /// They are not.
    pub fn from_bytes(bytes: &[u8]) -> Result<Sid, SidError> {
        match Sid::read(bytes) {
            Some((sid, [])) => Ok(sid),
            _ => Err(SidError),
        }
    }

    /// Reads the SID that begins `bytes`, and returns what follows it.
    pub fn read(bytes: &[u8]) -> Option<(Sid, &[u8])> {
        let (&[revision, length], rest) = bytes.split_first_chunk::<2>()?;
        let (authority, rest) = rest.split_first_chunk::<6>()?;
        let count = usize::from(length);
        if revision != 1 || !(1..=MAX_PARTS).contains(&count) {
            return None;
        }
        let (bytes, rest) = rest.split_at_checked(count * 4)?;
        let authority = authority.iter();
        let mut sid = Sid {
            authority: authority.fold(0, |all, byte| all << 8 | u64::from(*byte)),
            parts: [0; MAX_PARTS],
            length,
        };
        for (part, bytes) in sid.parts.iter_mut().zip(bytes.as_chunks::<4>().0) {
            *part = u32::from_le_bytes(*bytes);
        }
        Some((sid, rest))
    }

    /// Its bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![1, self.length];
        bytes.extend(&self.authority.to_be_bytes()[2..]);
        bytes.extend(self.parts().iter().flat_map(|part| part.to_le_bytes()));
        bytes
    }

    /// Whether a domain gave it out: one of a user or group that has a name there.
    pub fn is_of_a_domain(&self) -> bool {
        self.authority == 5 && self.parts().first() == Some(&21)
    }

    /// Whether it is the `Domain Users` of some domain: S-1-5-21-x-y-z-513.
    pub fn is_domain_users(&self) -> bool {
        self.authority == 5 && matches!(self.parts(), [21, _, _, _, 513])
    }

    fn parts(&self) -> &[u32] {
        &self.parts[..usize::from(self.length)]
    }
}

impl FromStr for Sid {
    type Err = SidError;

    fn from_str(text: &str) -> Result<Sid, SidError> {
        let mut numbers = text.trim().split('-');
        let starts_well = numbers.next().is_some_and(|s| s.eq_ignore_ascii_case("S"))
            && numbers.next() == Some("1");
        if !starts_well {
            return Err(SidError);
        }
        let authority = numbers.next().and_then(parse_authority).ok_or(SidError)?;
        let mut sid = Sid {
            authority,
            parts: [0; MAX_PARTS],
            length: 0,
        };
        for number in numbers {
            let part = sid.parts.get_mut(usize::from(sid.length)).ok_or(SidError)?;
            *part = decimal(number)
                .and_then(|n| u32::try_from(n).ok())
                .ok_or(SidError)?;
            sid.length += 1;
        }
        match sid.length {
            0 => Err(SidError),
            _ => Ok(sid),
        }
    }
}

impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.authority >> 32 {
            0 => write!(f, "S-1-{}", self.authority)?,
            _ => write!(f, "S-1-0x{:012X}", self.authority)?,
        }
        self.parts()
            .iter()
            .try_for_each(|part| write!(f, "-{part}"))
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl TryFrom<String> for Sid {
    type Error = SidError;

    fn try_from(text: String) -> Result<Sid, SidError> {
        text.parse()
    }
}

impl From<Sid> for String {
    fn from(sid: Sid) -> String {
        sid.to_string()
    }
}

/// Decimal below 2^32, else twelve hex digits.
fn parse_authority(text: &str) -> Option<u64> {
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let authority = match hex {
        Some(hex) if hex.len() == 12 && hex.bytes().all(|b| b.is_ascii_hexdigit()) => {
            u64::from_str_radix(hex, 16).ok()
        }
        Some(_) => None,
        None => decimal(text),
    };
    authority.filter(|a| *a < 1 << 48)
}

fn decimal(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sids_are_read_in_any_case_and_printed_in_one() {
        let cases = [
            ("S-1-5-11", Some("S-1-5-11")),
            (" s-1-5-21-1-2-3-513 ", Some("S-1-5-21-1-2-3-513")),
            ("S-1-5-021-1-2-3-0513", Some("S-1-5-21-1-2-3-513")),
            ("S-1-0x000000000005-11", Some("S-1-5-11")),
            ("S-1-0x0100000000ff-1", Some("S-1-0x0100000000FF-1")),
            ("S-1-5-4294967295", Some("S-1-5-4294967295")),
            ("S-1-5-4294967296", None),
            ("S-1-281474976710656-1", None),
            ("S-1-0x05-1", None),
            ("S-1-5", None),
            ("S-1-5-", None),
            ("S-1-5-+1", None),
            ("S-2-5-11", None),
            ("S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16", None),
            ("CN=S-1-5-11", None),
            ("", None),
        ];
        for (text, expected) in cases {
            let sid = text.parse::<Sid>().ok().map(|sid| sid.to_string());
            assert_eq!(sid.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn bytes_in_base64_are_read_as_the_sid() {
        let cases = [
            (
                "AQUAAAAAAAUVAAAAAQAAAAIAAAADAAAAAQIAAA==",
                Some("S-1-5-21-1-2-3-513"),
            ),
            (" AQEAAAAAAAULAAAA ", Some("S-1-5-11")),
            ("AQIAAAAAAAULAAAA", None), // two parts are said, and one is there
            ("AQUAAAAAAAUVAAAAAQAAAAIAAAADAAAAAQI=", None),
            ("AQ==", None),
            ("AQAAAAAAAAU=", None),
            ("CN=Staff", None),
        ];
        for (text, expected) in cases {
            let sid = Sid::from_base64(text).map(|sid| sid.to_string());
            assert_eq!(sid.as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn bytes_text_and_json_are_the_same_sid() {
        // MS-DTYP's form: revision, count, authority with the high byte first, parts with the low byte first.
        let bytes = [
            1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 0x4b, 0x4a, 0xe1, 0x0c, 0x9e, 0, 0x8e, 0xab, 0x82,
            0x89, 0x25, 0x2c, 0x59, 4, 0, 0,
        ];
        let sid = Sid::from_bytes(&bytes).unwrap();
        let text = "S-1-5-21-216091211-2878210206-740657538-1113";
        assert_eq!(sid.to_string(), text);
        assert_eq!(sid.to_bytes(), bytes);
        let json = serde_json::to_string(&sid).unwrap();
        assert_eq!(json, format!("{text:?}"));
        assert_eq!(serde_json::from_str::<Sid>(&json).unwrap(), sid);
        assert!(sid.is_of_a_domain() && !Sid::AUTHENTICATED_USERS.is_of_a_domain());
        let longer = [&bytes[..], &[7]].concat();
        let (first, rest) = Sid::read(&longer).unwrap();
        assert_eq!((first, rest), (sid, &[7][..]));
    }

    #[test]
    fn bytes_that_are_cut_or_too_many_are_no_sid() {
        let whole = Sid::AUTHENTICATED_USERS.to_bytes();
        assert_eq!(whole.len(), 12);
        for cut in 0..whole.len() {
            assert_eq!(Sid::from_bytes(&whole[..cut]), Err(SidError), "{cut}");
        }
        assert!(Sid::from_bytes(&[&whole[..], &[0]].concat()).is_err());
        assert!(Sid::from_bytes(&[2, 1, 0, 0, 0, 0, 0, 5, 11, 0, 0, 0]).is_err());
        let mut many = vec![1, 16, 0, 0, 0, 0, 0, 5];
        many.extend([0; 64]);
        assert!(Sid::read(&many).is_none());
    }

    #[test]
    fn domain_users_are_known_by_the_last_part_in_a_domain_only() {
        let cases = [
            ("S-1-5-21-1-2-3-513", true),
            ("S-1-5-21-9-9-9-513", true),
            ("S-1-5-21-1-2-3-512", false),
            ("S-1-5-32-513", false),
            ("S-1-5-21-1-2-513", false),
            ("S-1-1-21-1-2-3-513", false),
        ];
        for (text, expected) in cases {
            let sid: Sid = text.parse().unwrap();
            assert_eq!(sid.is_domain_users(), expected, "{text}");
        }
    }
}
