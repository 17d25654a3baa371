//! The recipient: one telephone number, its region and its kind, from what a user or directory wrote.
//!
//! | written | read by | takes |
//! |---|---|---|
//! | `+447700900123`, `+44 7700 900123` | the prefix table (`prefixes`) | 0.2 µs, 100 KB of read-only data |
//! | all else: `+44 (0)7700-900123`, `0044 7700 900123`, `07700 900123` | the number library (`library`), then the table | 2.6 ms once, then 30 µs |
//!
//! So a request in E.164 never loads the number library, and an unassigned number is never refused for being
//! unassigned: plans change faster than tables. What is refused has no calling code, or a number of digits
//! that no number there has.
//!
//! **Digits that can be two numbers are never guessed.** `491713920055` is a mobile telephone's in Germany if
//! it begins with a calling code, and a landline's in another German town if it does not. Where the
//! numbering plans have both, the number is refused, unless the configuration says how such digits are meant.
//!
//! ```
//! use textsender::{config::WithoutPlus, recipient::{Kind, Recipient, Region}};
//!
//! let home = Region::parse("GB")?;
//! let recipient = Recipient::read("07700 900123", Some(home), WithoutPlus::Ask)?;
//! assert_eq!(recipient.phone.e164(), "+447700900123");
//! assert_eq!(recipient.national, "07700900123");
//! assert_eq!((recipient.region, recipient.kind), (home, Kind::Mobile));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod error;
mod kind;
mod library;
mod prefixes;
mod region;
mod reserved;
mod several;
mod written;

use std::fmt;

use textsender_plugin_api::Phone;

pub use error::RecipientError;
pub use kind::Kind;
pub use library::number_library_used;
pub use prefixes::Lengths;
pub use region::{Region, UnknownRegion};

use library::{Reading, Standing};
use prefixes::Meaning;
use written::Written;

use crate::config::WithoutPlus;

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
    /// Whether it was written with its calling code, so that it was not for us to say which country is meant.
    pub had_calling_code: bool,
}

impl Recipient {
    /// Reads a number as people write it. `home` is the region whose national forms are understood, the
    /// policy's `region`; without one a number needs `+` and its calling code. `without_plus` says what is
    /// meant by digits that can be read with and without a calling code.
    ///
    /// Blanks and invisible characters of any kind, dots, dashes, slashes, parentheses, `(0)`, `tel:` and
    /// full-width digits are understood. Anything else that is no digit is an error.
    ///
    /// # Errors
    ///
    /// [`RecipientError`] says what is wrong and what to write, and repeats no digit but those that a masked
    /// number shows.
    pub fn read(
        raw: &str,
        home: Option<Region>,
        without_plus: WithoutPlus,
    ) -> Result<Self, RecipientError> {
        let home = home.filter(|home| *home != Region::WORLD);
        let read = Self::read_one(raw, home, without_plus);
        let second = several::second_number(raw, &read, home, |part| {
            Self::read_one(part, home, without_plus).ok()
        });
        match second {
            Some(position) => Err(RecipientError::SeveralNumbers { position }),
            None => read,
        }
    }

    fn read_one(
        raw: &str,
        home: Option<Region>,
        without_plus: WithoutPlus,
    ) -> Result<Self, RecipientError> {
        let written = written::read(raw, prefixes::is_calling_code)?;
        if written.is_international {
            return Self::from_international(&written);
        }
        let digits = written.digits.len();
        let recipient = match (home, without_plus) {
            (Some(home), _) => Self::place_reading(from_digits(&written, home, without_plus)?)?,
            (None, _) if digits <= SHORT_CODE => {
                return Err(RecipientError::ShortCode { digits });
            }
            (None, WithoutPlus::International) => {
                Self::from_international(&written.without_dialled_plus())?
            }
            (None, _) => return Err(RecipientError::NoRegion),
        };
        Ok(Self {
            had_calling_code: false,
            ..recipient
        })
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

    /// Whether the number has the country code of this region, or the region none of its own.
    #[must_use]
    pub fn has_code_of(&self, region: Region) -> bool {
        let code = region.place().calling_code.to_string();
        region == Region::WORLD || self.phone.calling_code() == code
    }

    /// Who keeps the number free for tests or fiction, if it is so kept: `Ofcom, for drama`. A message to it
    /// reaches no one.
    #[must_use]
    pub fn reserved_by(&self) -> Option<&'static str> {
        reserved::keeper(&self.phone)
    }

    /// Whether the numbering plan gives the number to a landline for sure: most take no texts. Numbers kept
    /// free for tests and fiction are not refused for it.
    #[must_use]
    pub fn is_landline(&self) -> bool {
        self.kind == Kind::Fixed
            && self.reserved_by().is_none()
            && library::is_landline(&self.phone)
    }

    /// E.164 is what it says it is. All other writing, and digits that may hold a prefix dialled inside the
    /// country only, are the number library's to read.
    fn from_international(written: &Written) -> Result<Self, RecipientError> {
        let as_written = Phone::parse(&format!("+{}", written.digits)).map_err(Into::into);
        let placed = as_written.and_then(Self::place);
        if written.is_strict
            && let Ok(recipient) = &placed
            && !recipient.begins_with_trunk_prefix()
        {
            return placed;
        }
        // A prefix only makes a number longer: what has too few digits is none.
        if written.is_strict && placed.as_ref().is_err_and(RecipientError::is_beyond_repair) {
            return placed;
        }
        let Some(reading) = without_or_with_zero(written)? else {
            return placed;
        };
        match reading.standing {
            // The table says by how many digits.
            Standing::Impossible => placed,
            _ => Self::place_reading(reading),
        }
    }

    /// What still begins with a trunk prefix after the library took one off has two of them.
    fn place_reading(reading: Reading) -> Result<Self, RecipientError> {
        let recipient = Self::place(reading.phone)?;
        if reading.standing == Standing::Possible && recipient.begins_with_trunk_prefix() {
            return Err(RecipientError::WrongLength {
                calling_code: recipient.region.place().calling_code,
                digits: recipient.phone.national_number().len(),
            });
        }
        Ok(recipient)
    }

    fn begins_with_trunk_prefix(&self) -> bool {
        let trunk = self.region.place().trunk.as_str();
        !trunk.is_empty() && self.phone.national_number().starts_with(trunk)
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
        let Meaning::Number(place, kind) = prefixes::look_up(&phone) else {
            return Err(RecipientError::WrongLength {
                calling_code,
                digits,
            });
        };
        let region = Region::at(place);
        let national = format!(
            "{}{}",
            region.place().trunk.as_str(),
            phone.national_number()
        );
        Ok(Self {
            phone,
            national,
            region,
            kind,
            had_calling_code: true,
        })
    }
}

/// Digits up to which a number that can't be read is taken for a service's.
const SHORT_CODE: usize = 6;

/// Reads digits without a plus sign: with a calling code first, and as they are dialled in `home`. The
/// reading that the numbering plans know is meant, unless it is a landline and the other one may be a mobile
/// telephone; where they know both, or neither, it is not ours to say.
fn from_digits(
    written: &Written,
    home: Region,
    without_plus: WithoutPlus,
) -> Result<Reading, RecipientError> {
    let digits = written.digits.as_str();
    let international = match digits.strip_prefix('0') {
        _ if written.has_area_code => None,
        None => library::international(digits),
        // 00 goes before a calling code nearly everywhere; a single 0 is a trunk prefix, or begins a number.
        Some(rest) => rest.strip_prefix('0').and_then(library::international),
    };
    let national = library::national(digits, home);
    let fits = |reading: &Reading| reading.standing > Standing::Impossible;
    match (international.filter(fits), national.clone().filter(fits)) {
        (Some(international), Some(national)) => meant(international, national, without_plus),
        (Some(one), None) | (None, Some(one)) => Ok(one),
        (None, None) if digits.len() <= SHORT_CODE => Err(RecipientError::ShortCode {
            digits: digits.len(),
        }),
        // Too short or too long: the table says by how much.
        (None, None) => national.ok_or(RecipientError::NotNational {
            region: home,
            calling_code: home.place().calling_code,
        }),
    }
}

fn meant(
    international: Reading,
    national: Reading,
    without_plus: WithoutPlus,
) -> Result<Reading, RecipientError> {
    if international.phone == national.phone {
        return Ok(national);
    }
    let is_clear = |known: &Reading, other: &Reading| {
        known.standing > other.standing && !is_outdone(known, other)
    };
    if is_clear(&national, &international) {
        return Ok(national);
    }
    if is_clear(&international, &national) {
        return Ok(international);
    }
    match without_plus {
        WithoutPlus::National => Ok(national),
        WithoutPlus::International => Ok(international),
        WithoutPlus::Ask => Err(RecipientError::Ambiguous {
            international: international.phone,
            national: national.phone,
        }),
    }
}

/// Whether a reading that the numbering plan knows is a landline, which gets no texts, and the other one would be a
/// mobile telephone: plans get new mobile numbers faster than they are known here.
fn is_outdone(known: &Reading, other: &Reading) -> bool {
    let is_mobile = |phone: &Phone| {
        Recipient::place(phone.clone()).is_ok_and(|recipient| recipient.kind == Kind::Mobile)
    };
    library::is_landline(&known.phone) && is_mobile(&other.phone)
}

/// What the number library reads. A `(0)` is left out where only that makes a number, as in Spain.
fn without_or_with_zero(written: &Written) -> Result<Option<Reading>, RecipientError> {
    let digits = &written.digits;
    let with = library::international(digits);
    let Some(at) = written.optional_zero else {
        return Ok(with);
    };
    let without = library::international(&format!("{}{}", &digits[..at], &digits[at + 1..]));
    match (with, without) {
        (Some(with), Some(without)) if with.standing == without.standing && with != without => {
            Err(RecipientError::Ambiguous {
                international: without.phone,
                national: with.phone,
            })
        }
        (Some(with), Some(without)) if with.standing < without.standing => Ok(Some(without)),
        (with, without) => Ok(with.or(without)),
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
