//! The prefix table: region and kind of any E.164 number, without the number library.
//!
//! An E.164 number is a whole number, and numbers with more digits are greater. So the table is the sorted
//! list of those numbers at which region or kind changes, and a look-up is one binary search: the last row
//! that does not exceed the number speaks for it. It is exact: for every number that libphonenumber calls
//! valid, the answer is libphonenumber's [97,195 numbers of all regions and kinds compared, none differs].
//! `prefixes/generate.py` makes `prefixes/data.rs` and says how.
//!
//! Nothing is built when the program starts: 11,022 rows of eight bytes are packed by the compiler into
//! read-only data (88 KB; places and calling codes add 4 KB). A whole `Recipient::read` of a number in
//! international form, look-up and allocations included, takes 0.2 µs; the first one 15 µs [release build].

use textsender_plugin_api::Phone;

use super::kind::Kind;

#[rustfmt::skip]
mod data;

pub(super) use data::PLACES;

/// What the table knows of a region beside its numbers.
pub(super) struct Place {
    /// ISO 3166-1 alpha-2, or `001`; the places are sorted by it.
    pub region: Short,
    /// The calling code; 0 for `001`, which has many.
    pub calling_code: u16,
    /// What is written before a mobile number inside the country: `0`, `8`, `06`, or nothing.
    pub trunk: Short,
    /// Of a thousand mobile numbers written as bare national digits, how many can be another line's number
    /// too, with the first digits as its calling code.
    pub unclear: u16,
}

/// A text of at most three bytes, in the table itself: an address of it would be bound at each start of the
/// program.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Short {
    bytes: [u8; 3],
    length: u8,
}

impl Short {
    const fn new(text: &str) -> Self {
        let mut bytes = [0; 3];
        let mut length = 0;
        while length < text.len() {
            bytes[length] = text.as_bytes()[length];
            length += 1;
        }
        Self {
            bytes,
            length: length as u8,
        }
    }

    /// The text.
    pub(super) fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..usize::from(self.length)]).unwrap_or_default()
    }
}

/// One calling code of the world.
pub(super) struct CallingCode {
    /// Without the plus sign.
    pub code: u16,
    /// How many digits may follow it.
    pub lengths: Lengths,
}

/// The numbers of digits that may follow a calling code: bit 9 stands for nine.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Lengths(u16);

impl Lengths {
    /// Whether this many digits may follow.
    pub(super) fn contains(self, digits: usize) -> bool {
        self.iter().any(|length| length == digits)
    }

    /// From the shortest to the longest.
    pub(super) fn iter(self) -> impl Iterator<Item = usize> {
        (0..16).filter(move |length| self.0 >> length & 1 == 1)
    }
}

/// What the table says of a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meaning {
    /// It is, or would be, one of these: the index of its region's place, and its kind.
    Number(u8, Kind),
    /// Numbers that begin so have other lengths: a digit is missing or too many.
    WrongLength,
}

/// The calling code of a number, if any country has it.
pub(super) fn calling_code(phone: &Phone) -> Option<&'static CallingCode> {
    named(phone.calling_code())
}

/// Whether the digits are a calling code.
pub(super) fn is_calling_code(digits: &str) -> bool {
    named(digits).is_some()
}

fn named(digits: &str) -> Option<&'static CallingCode> {
    let code = digits.parse().ok().filter(|_| !digits.starts_with('0'))?;
    let index = data::CODES
        .binary_search_by_key(&code, |known| known.code)
        .ok()?;
    Some(&data::CODES[index])
}

/// Region and kind of a number whose calling code is known and has numbers of its length.
pub(super) fn look_up(phone: &Phone) -> Meaning {
    // Fifteen digits at most, so it is a number and fits.
    let number = phone.digits().parse().unwrap_or(0);
    let after = data::ROWS.partition_point(|row| row >> MEANING_BITS <= number);
    let row = after.checked_sub(1).map_or(0, |index| data::ROWS[index]);
    unpack(row).unwrap_or(Meaning::WrongLength)
}

// A row: the first number (50 bits hold fifteen digits), the place of its region, its kind.
const REGION_BITS: u32 = 8;
const KIND_BITS: u32 = 4;
const MEANING_BITS: u32 = REGION_BITS + KIND_BITS;
/// Stands where a kind would, for numbers of a wrong length.
const NO_KIND: u64 = (1 << KIND_BITS) - 1;

const fn row(start: u64, region: u8, kind: Kind) -> u64 {
    start << MEANING_BITS | (region as u64) << KIND_BITS | kind as u64
}

const fn wrong_length(start: u64) -> u64 {
    start << MEANING_BITS | NO_KIND
}

fn unpack(row: u64) -> Option<Meaning> {
    let kind = Kind::ALL.get((row & NO_KIND) as usize)?;
    let place = (row >> KIND_BITS) as u8;
    (usize::from(place) < PLACES.len()).then_some(Meaning::Number(place, *kind))
}

const fn place(region: &str, calling_code: u16, trunk: &str, unclear: u16) -> Place {
    Place {
        region: Short::new(region),
        calling_code,
        trunk: Short::new(trunk),
        unclear,
    }
}

const fn code(code: u16, lengths: u16) -> CallingCode {
    CallingCode {
        code,
        lengths: Lengths(lengths),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn the_table_is_sorted_and_small() {
        assert!(data::ROWS.is_sorted_by(|a, b| a >> MEANING_BITS < b >> MEANING_BITS));
        assert!(data::CODES.is_sorted_by_key(|known| known.code));
        assert!(data::PLACES.is_sorted_by_key(|place| place.region.as_str()));
        assert!(
            size_of_val(&data::ROWS) < 100_000,
            "{} bytes",
            size_of_val(&data::ROWS)
        );
    }

    /// Else a number could fall to the row of another country.
    #[test]
    fn each_length_of_each_calling_code_begins_with_a_row() {
        for known in &data::CODES {
            for length in known.lengths.iter() {
                let first = u64::from(known.code) * 10_u64.pow(length as u32);
                let found = data::ROWS.binary_search_by_key(&first, |row| row >> MEANING_BITS);
                assert!(found.is_ok(), "+{} with {length} digits", known.code);
            }
        }
    }
}
