//! National forms, read by the number library (`rlibphonenumber`).
//!
//! What a national form means takes libphonenumber's rules: trunk prefixes, carrier codes, area codes that
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
//! other is checked by its authors against the original in C++ and follows each of its releases. Only `parse`
//! and the plain E.164 form are used, so a change of library stays in this file.

use std::sync::atomic::{AtomicBool, Ordering};

use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat};
use textsender_plugin_api::Phone;

use super::error::RecipientError;
use super::region::Region;

static USED: AtomicBool = AtomicBool::new(false);

/// Whether this process has loaded the number library. It never is for numbers in international form.
#[must_use]
pub fn number_library_used() -> bool {
    USED.load(Ordering::Relaxed)
}

/// Reads digits as they are dialled in `home`.
pub(super) fn read(digits: &str, home: Region) -> Result<Phone, RecipientError> {
    let not_national = || RecipientError::NotNational {
        region: home,
        calling_code: home.place().calling_code,
    };
    let region = rlibphonenumber::Region::from_code(home.as_str()).map_err(|_| not_national())?;

    USED.store(true, Ordering::Relaxed);
    let number = PHONE_NUMBER_UTIL
        .parse(digits, Some(region))
        .map_err(|_| not_national())?;
    let e164 = PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164);
    Phone::parse(&e164).map_err(|_| not_national())
}
