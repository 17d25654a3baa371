//! Security filtering: whom the security descriptor of a group policy object lets read *and* apply it (MS-DTYP 2.4.6,
//! MS-ADTS 5.1.3).
//!
//! Of a descriptor only the entries of its access list that say something about these two rights are kept, in
//! their order: for each right the first entry for someone whom the user is, or for a group that he is in, decides.
//! An entry that may say something about them and can't be understood makes the whole list unreadable, as it may
//! be the one that denies.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use textsender_names::Sid;

/// One entry of an access list, as far as it concerns group policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Whether it allows, or denies.
    pub allow: bool,
    /// Whom.
    pub trustee: Sid,
    /// To read the object.
    pub read: bool,
    /// To have its policy applied.
    pub apply: bool,
}

/// The descriptor can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadDescriptor {
    /// It ends too early, or points outside itself.
    #[error("the security descriptor is cut short or points outside itself")]
    Malformed,
    /// It has no access list.
    #[error("the security descriptor has no access list")]
    NoList,
    /// An entry is of a kind that is not known here, such as a conditional one.
    #[error("the access list has an entry of type {0}, which is not supported")]
    UnknownEntry(u8),
}

/// The extended right "Apply Group Policy", edacfd8f-ffb3-11d1-b41d-00a0c968f939, as its bytes are stored.
const APPLY: [u8; 16] = [
    0x8f, 0xfd, 0xac, 0xed, 0xb3, 0xff, 0xd1, 0x11, 0xb4, 0x1d, 0x00, 0xa0, 0xc9, 0x68, 0xf9, 0x39,
];

/// Control bit: there is an access list.
const LIST_PRESENT: u16 = 0x0004;
/// Control bit: offsets are from the descriptor's start.
const SELF_RELATIVE: u16 = 0x8000;
/// Flag of an entry: it concerns what is below the object only.
const INHERIT_ONLY: u8 = 0x08;
/// To read properties, "RP".
const READ_PROPERTY: u32 = 0x0000_0010;
/// An extended right, "CR".
const EXTENDED_RIGHT: u32 = 0x0000_0100;
/// To write properties, "WP".
const WRITE_PROPERTY: u32 = 0x0000_0020;
const GENERIC_ALL: u32 = 0x1000_0000;
const GENERIC_WRITE: u32 = 0x4000_0000;
const GENERIC_READ: u32 = 0x8000_0000;
/// An object entry's flags: it names a right or property; and a class that inherits it.
const HAS_OBJECT_TYPE: u32 = 1;
const HAS_INHERITED_TYPE: u32 = 2;

/// Reads the entries of a self-relative descriptor's access list.
///
/// # Errors
///
/// It can't be read as a whole.
pub fn parse(bytes: &[u8]) -> Result<Vec<Entry>, BadDescriptor> {
    let entries = access_list(bytes)?;
    Ok(entries.iter().filter_map(Access::of_policy).collect())
}

/// Whether users may write an attribute of their own entry, which has this descriptor. `names`: the ids of the
/// attribute and of the property set that it is in.
///
/// # Errors
///
/// The descriptor can't be read as a whole.
pub fn lets_self_write(bytes: &[u8], names: &[[u8; 16]]) -> Result<bool, BadDescriptor> {
    let is_self = |sid: &Sid| Sid::HELD_BY_ALL.contains(sid) || *sid == Sid::SELF;
    let entries = access_list(bytes)?;
    let mut entries = entries.iter().filter(|entry| {
        let concerns = entry.right.is_none_or(|right| names.contains(&right));
        concerns
            && entry.has(WRITE_PROPERTY | GENERIC_WRITE | GENERIC_ALL)
            && is_self(&entry.trustee)
    });
    Ok(entries.next().is_some_and(|entry| entry.allow))
}

/// One entry of an access list.
struct Access {
    allow: bool,
    trustee: Sid,
    mask: u32,
    /// The right, the property or the set of properties that it is about; `None`: all.
    right: Option<[u8; 16]>,
}

fn access_list(bytes: &[u8]) -> Result<Vec<Access>, BadDescriptor> {
    let malformed = BadDescriptor::Malformed;
    let header = bytes.first_chunk::<20>().ok_or(malformed)?;
    let [revision, _, control @ ..] = header;
    let control = u16::from_le_bytes([control[0], control[1]]);
    if *revision != 1 || control & SELF_RELATIVE == 0 {
        return Err(malformed);
    }
    let offset = u32::from_le_bytes([header[16], header[17], header[18], header[19]]);
    if control & LIST_PRESENT == 0 || offset == 0 {
        return Err(BadDescriptor::NoList);
    }
    let list = bytes.get(offset as usize..).ok_or(malformed)?;
    let (&[_, _, size_low, size_high, count_low, count_high, _, _], _) =
        list.split_first_chunk::<8>().ok_or(malformed)?;
    let size = usize::from(u16::from_le_bytes([size_low, size_high]));
    let mut rest = list.get(8..size).ok_or(malformed)?;
    let mut entries = Vec::new();
    for _ in 0..u16::from_le_bytes([count_low, count_high]) {
        let (&[kind, flags, size_low, size_high], _) =
            rest.split_first_chunk::<4>().ok_or(malformed)?;
        let size = usize::from(u16::from_le_bytes([size_low, size_high]));
        let body = rest.get(4..size).ok_or(malformed)?;
        rest = &rest[size..];
        if flags & INHERIT_ONLY == 0 {
            entries.push(access(kind, body)?);
        }
    }
    Ok(entries)
}

/// Whether one who holds these SIDs may read the object and have its policy applied.
#[must_use]
pub fn passes(entries: &[Entry], token: &HashSet<Sid>) -> bool {
    let decides = |concerns: fn(&Entry) -> bool| {
        let mut entries = entries.iter().filter(|entry| concerns(entry));
        entries
            .find(|entry| token.contains(&entry.trustee))
            .is_some_and(|entry| entry.allow)
    };
    decides(|entry| entry.read) && decides(|entry| entry.apply)
}

/// One entry's body.
fn access(kind: u8, body: &[u8]) -> Result<Access, BadDescriptor> {
    let (allow, is_object) = match kind {
        0 => (true, false),
        1 => (false, false),
        5 => (true, true),
        6 => (false, true),
        other => return Err(BadDescriptor::UnknownEntry(other)),
    };
    let malformed = BadDescriptor::Malformed;
    let (mask, mut rest) = body.split_first_chunk::<4>().ok_or(malformed)?;
    let mask = u32::from_le_bytes(*mask);
    let mut right = None;
    if is_object {
        let (flags, after) = rest.split_first_chunk::<4>().ok_or(malformed)?;
        let flags = u32::from_le_bytes(*flags);
        rest = after;
        if flags & HAS_OBJECT_TYPE != 0 {
            let (id, after) = rest.split_first_chunk::<16>().ok_or(malformed)?;
            (right, rest) = (Some(*id), after);
        }
        if flags & HAS_INHERITED_TYPE != 0 {
            rest = rest.get(16..).ok_or(malformed)?;
        }
    }
    let (trustee, _) = Sid::read(rest).ok_or(malformed)?;
    Ok(Access {
        allow,
        trustee,
        mask,
        right,
    })
}

impl Access {
    fn has(&self, bits: u32) -> bool {
        self.mask & bits != 0
    }

    /// What it says about group policy, if it says something.
    fn of_policy(&self) -> Option<Entry> {
        // An entry that names a right or a property says nothing about all others.
        let read = self.right.is_none() && self.has(READ_PROPERTY | GENERIC_READ | GENERIC_ALL);
        let apply =
            self.right.is_none_or(|right| right == APPLY) && self.has(EXTENDED_RIGHT | GENERIC_ALL);
        (read || apply).then_some(Entry {
            allow: self.allow,
            trustee: self.trustee,
            read,
            apply,
        })
    }
}

#[cfg(test)]
mod tests;
