//! The recipient: one telephone number, its region and its kind, from what a user or directory wrote.
//!
//! | written | read by | takes |
//! |---|---|---|
//! | `+44 (0)7700 900123`, `tel:+44-7700-900123` | the prefix table (`prefixes`) | 0.2 µs, 100 KB of read-only data |
//! | `0044 7700 900123`, with a home region | the same, after its international prefix | the same |
//! | `07700 900123`, with a home region | the number library (`national`), then the table | 2.6 ms once, then 10 µs |
//!
//! So a request in international form never loads the number library, and an unassigned number is never
//! refused for being unassigned: plans change faster than tables. What is refused has no calling code, or a
//! number of digits that no number there has.
//!
//! ```
//! use textsender::recipient::{Kind, Recipient, Region};
//!
//! let home = Region::parse("GB")?;
//! let recipient = Recipient::read("07700 900123", Some(home))?;
//! assert_eq!(recipient.phone.e164(), "+447700900123");
//! assert_eq!(recipient.national, "07700900123");
//! assert_eq!((recipient.region, recipient.kind), (home, Kind::Mobile));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod kind;
mod national;
mod prefixes;
mod region;
mod reserved;
mod written;

use std::fmt;

use textsender_plugin_api::Phone;

pub use error::RecipientError;
pub use kind::Kind;
pub use national::number_library_used;
pub use prefixes::Lengths;
pub use region::{Region, UnknownRegion};

use prefixes::Meaning;
use written::Written;

/// Who is to be texted. `Debug` masks the number.
#[derive(Clone, PartialEq, Eq)]
pub struct Recipient {
    /// The number in international form.
    pub phone: Phone,
    /// The number as dialled inside its country, digits only: trunk prefix and national number,
    /// `07700900123`. The trunk prefix is the one written before mobile numbers, so there is none where
    /// there is none for these (North America, Spain, Brazil) or where the prefix changes the number
    /// (Argentina's 011 15...). Personal data like [`phone`](Self::phone): mask it or leave it out.
    pub national: String,
    /// The region the number belongs to; for an unassigned number, the most likely one.
    pub region: Region,
    /// The sort of line; for an unassigned number, the most likely one.
    pub kind: Kind,
}

impl Recipient {
    /// Reads a number as people write it. `home` is the region whose national forms are understood, the
    /// policy's `region`; without one a number needs `+` and its calling code.
    ///
    /// Spaces of any kind, dots, dashes, slashes, parentheses, `(0)`, `tel:`, full-width digits and the
    /// invisible marks of copied text are taken off. Anything else that is no digit is an error.
    ///
    /// # Errors
    ///
    /// [`RecipientError`] says what is wrong and what to write, and repeats no digit.
    pub fn read(raw: &str, home: Option<Region>) -> Result<Self, RecipientError> {
        match written::read(raw)? {
            Written::International(digits) => Self::from_international(&digits),
            Written::National(digits) => {
                Self::from_national(&digits, home.filter(|home| *home != Region::WORLD))
            }
        }
    }

    /// Whether the number is of a kind that is not texted unless the administrator allows it
    /// ([`Kind::is_refused_by_default`] says why). Numbers kept free for tests and fiction cost
    /// nothing and are never of such a kind here.
    #[must_use]
    pub fn is_refused_by_default(&self) -> bool {
        self.kind.is_refused_by_default() && self.reserved_by().is_none()
    }

    /// Whether the number belongs to one of the regions that may be texted. Where none are listed, that is
    /// the policy's own region; where there is none either, nothing limits it.
    #[must_use]
    pub fn is_in(&self, regions: &[Region], home: Option<Region>) -> bool {
        match home {
            _ if !regions.is_empty() => regions.contains(&self.region),
            Some(home) => self.region == home,
            None => true,
        }
    }

    /// Who keeps the number free for tests or fiction, if it is so kept: `Ofcom, for drama`. A message to it
    /// reaches no one.
    #[must_use]
    pub fn reserved_by(&self) -> Option<&'static str> {
        reserved::keeper(&self.phone)
    }

    fn from_international(digits: &str) -> Result<Self, RecipientError> {
        Self::place(without_trunk_zero(Phone::parse(&format!("+{digits}"))?)?)
    }

    fn from_national(digits: &str, home: Option<Region>) -> Result<Self, RecipientError> {
        let shortest = home.map_or(SHORT_CODE + 1, |home| usize::from(home.place().shortest));
        if digits.len() <= SHORT_CODE && digits.len() < shortest {
            return Err(RecipientError::ShortCode {
                digits: digits.len(),
            });
        }
        let home = home.ok_or(RecipientError::NoRegion)?;
        match after_international_prefix(digits, home) {
            Some(international) => Self::from_international(international),
            // The library keeps the 0 of what is too short to be a number without it.
            None => Self::place(without_trunk_zero(national::read(digits, home)?)?),
        }
    }

    /// Finds region and kind in the prefix table.
    fn place(phone: Phone) -> Result<Self, RecipientError> {
        let known = prefixes::calling_code(&phone).ok_or(RecipientError::UnknownCallingCode)?;
        let (calling_code, possible) = (known.code, known.lengths);
        let digits = phone.national_number().len();
        if !possible.contains(digits) {
            return Err(match (possible.iter().min(), possible.iter().max()) {
                (Some(shortest), _) if digits < shortest => RecipientError::TooShort {
                    calling_code,
                    digits,
                    possible,
                },
                (_, Some(longest)) if digits > longest => RecipientError::TooLong {
                    calling_code,
                    digits,
                    possible,
                },
                _ => RecipientError::WrongLength {
                    calling_code,
                    digits,
                },
            });
        }
        let Meaning::Number(region, kind) = prefixes::look_up(&phone) else {
            return Err(RecipientError::WrongLength {
                calling_code,
                digits,
            });
        };
        let national = format!("{}{}", region.place().trunk, phone.national_number());
        Ok(Self {
            phone,
            national,
            region,
            kind,
        })
    }
}

/// Digits up to which a number without calling code is a service's, unless the region's mobiles are as short.
const SHORT_CODE: usize = 6;

/// `00 44 7700 900123` without the `00`, if that is what the region dials before a calling code. No calling
/// code begins with 0.
fn after_international_prefix(digits: &str, home: Region) -> Option<&str> {
    let prefix = home.place().international;
    let rest = digits.strip_prefix(prefix).filter(|_| !prefix.is_empty())?;
    (!rest.starts_with('0')).then_some(rest)
}

/// `+44 (0)7700 900123` and `+4407700900123` without the 0 that is only dialled inside the country. It stays
/// where numbers begin with 0, as in Italy; two of them are no trunk prefix.
fn without_trunk_zero(phone: Phone) -> Result<Phone, RecipientError> {
    let zero_is_trunk = prefixes::calling_code(&phone).is_some_and(|known| known.zero_is_trunk);
    match phone.national_number().strip_prefix('0') {
        Some(rest) if zero_is_trunk && !rest.starts_with('0') => {
            Ok(Phone::parse(&format!("+{}{rest}", phone.calling_code()))?)
        }
        _ => Ok(phone),
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Recipient")
            .field("phone", &self.phone)
            .field("region", &self.region)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
