//! What the number library (`rlibphonenumber`) makes of digits.
//!
//! What a written number means takes libphonenumber's rules: trunk prefixes, carrier codes, area codes that
//! may be left out, Argentina's moved digits. They are regular expressions for 245 regions, and only here
//! are they loaded, on first use.
//!
//! Of the two ports to Rust, measured on the same machine (release build, first call, then the binary's size):
//!
//! | | first use | later | alone in a binary | metadata |
//! |---|---|---|---|---|
//! | `phonenumber` 0.3.10 | 48 ms | 20 µs | 3.6 MB | 9.0.33 |
//! | `rlibphonenumber` 2.2.15 | 6.4 ms | 6 µs | 2.6 MB | 9.0.42 |
//! | `rlibphonenumber` 2.2.15, feature `lite` | **2.6 ms** | 10 µs | **0.9 MB** | 9.0.42 |
//!
//! `phonenumber` reads its expressions through `regex-cache`, which brings a second, older `regex-syntax`; the
//! other is checked by its authors against the original in C++ and follows each of its releases. Only a few
//! calls of it are used, so a change of library stays in this file.

use std::sync::atomic::{AtomicBool, Ordering};

use rlibphonenumber::{
    NumberLengthType, PHONE_NUMBER_UTIL, PhoneNumber, PhoneNumberFormat, PhoneNumberType,
};
use textsender_plugin_api::Phone;

use super::region::Region;
use super::reserved;

static USED: AtomicBool = AtomicBool::new(false);

/// Whether this process has loaded the number library. It never is for numbers in E.164.
#[must_use]
pub fn number_library_used() -> bool {
    USED.load(Ordering::Relaxed)
}

/// One way to read digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    pub phone: Phone,
    pub standing: Standing,
}

/// How well a number fits the numbering plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Standing {
    /// It has too few or too many digits.
    Impossible,
    /// It has as many digits as numbers there have, and is not assigned as far as is known.
    Possible,
    /// It is assigned, or kept free for tests.
    Valid,
}

/// Reads digits that begin with a calling code.
pub(super) fn international(digits: &str) -> Option<Reading> {
    read(&format!("+{digits}"), None)
}

/// Reads digits as they are dialled in `home`.
pub(super) fn national(digits: &str, home: Region) -> Option<Reading> {
    let region = rlibphonenumber::Region::from_code(home.as_str()).ok()?;
    read(digits, Some(region))
}

/// Whether the numbering plan gives the number to a landline and to nothing else. Never of a number that is
/// not assigned: plans change faster than tables.
pub(super) fn is_landline(phone: &Phone) -> bool {
    USED.store(true, Ordering::Relaxed);
    PHONE_NUMBER_UTIL
        .parse(phone.e164(), None)
        .is_ok_and(|number| {
            PHONE_NUMBER_UTIL.get_number_type(&number) == PhoneNumberType::FixedLine
        })
}

/// Whether the numbering plan knows the number, or it is kept free for tests.
pub(super) fn is_known(phone: &Phone) -> bool {
    let standing = international(phone.digits()).map(|reading| reading.standing);
    standing == Some(Standing::Valid)
}

fn read(text: &str, home: Option<rlibphonenumber::Region>) -> Option<Reading> {
    USED.store(true, Ordering::Relaxed);
    let number = PHONE_NUMBER_UTIL.parse(text, home).ok()?;
    let e164 = PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164);
    let phone = Phone::parse(&e164).ok()?;
    Some(Reading {
        standing: standing(&number, &phone),
        phone,
    })
}

fn standing(number: &PhoneNumber, phone: &Phone) -> Standing {
    let is_possible = || {
        let length = PHONE_NUMBER_UTIL.is_possible_number_with_reason(number);
        length == Ok(NumberLengthType::IsPossible)
    };
    match () {
        () if reserved::keeper(phone).is_some() => Standing::Valid,
        () if PHONE_NUMBER_UTIL.is_valid_number(number) => Standing::Valid,
        () if is_possible() => Standing::Possible,
        () => Standing::Impossible,
    }
}
