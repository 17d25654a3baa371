//! Why a written number is not a number that can be texted.

use std::fmt;

use textsender_plugin_api::{Phone, PhoneError};

use super::prefixes::Lengths;
use super::region::Region;

/// Why a text can't be read as one telephone number, and what to write instead.
///
/// Messages carry counts, positions, single odd characters and masked numbers: never more digits than those
/// that a mask leaves.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecipientError {
    /// There is no digit in it.
    #[error(
        "the phone number is empty; write it with + and the country's calling code, such as +44..."
    )]
    Empty,
    /// A line break, tab or other control character.
    #[error("character {position} of the phone number is a control character; remove it")]
    ControlCharacter {
        /// Which character it is, counted from 1.
        position: usize,
    },
    /// `ext. 12`, `x12`, `;ext=12`, `#12`.
    #[error(
        "the phone number has an extension, which can't be texted; give a number that reaches the telephone"
    )]
    Extension,
    /// `0800 FLOWERS`, `n/a`.
    #[error("character {position} of the phone number is a letter; write digits")]
    Letters {
        /// Which character the first letter is, counted from 1.
        position: usize,
    },
    /// More than one number in one text.
    #[error(
        "character {position} of the phone number begins a second number; give one number only"
    )]
    SeveralNumbers {
        /// Which character separates them, counted from 1.
        position: usize,
    },
    /// Digits that are one number with a calling code and another without.
    #[error(
        "the phone number can be read as {international} and as {national}; write it with + and the calling code, or say \
         which is meant with `numbers_without_plus = \"international\"` or `\"national\"` in the policy or in \
         [defaults]"
    )]
    Ambiguous {
        /// What it is if it begins with a calling code.
        international: Phone,
        /// What it is in the policy's region.
        national: Phone,
    },
    /// A character that no way of writing a number has.
    #[error(
        "character {position} of the phone number is {found:?}, which has no place in a number; remove it"
    )]
    OddCharacter {
        /// The character, which is neither digit nor letter.
        found: char,
        /// Which character it is, counted from 1.
        position: usize,
    },
    /// Six digits or fewer: the number of a service, not of a telephone.
    #[error(
        "the phone number has only {digits} digits: it is a short code, and those can't be texted"
    )]
    ShortCode {
        /// How many there are.
        digits: usize,
    },
    /// A national form, and nothing says of which country.
    #[error(
        "the phone number has no calling code and no region is set; \
         write it with + and the calling code, or set `region` in the policy"
    )]
    NoRegion,
    /// A national form that no number of the region has.
    #[error(
        "the phone number can't be read as a number of {region}; \
         write it with + and the calling code (+{calling_code}... for {region})"
    )]
    NotNational {
        /// The region whose national forms were tried.
        region: Region,
        /// Its calling code.
        calling_code: u16,
    },
    /// The international form breaks E.164.
    #[error(transparent)]
    NotE164(#[from] PhoneError),
    /// No country has this calling code.
    #[error(
        "no country has the calling code that the phone number begins with; check the digits after the +"
    )]
    UnknownCallingCode,
    /// Fewer digits than any number with this calling code.
    #[error(
        "the phone number is too short: {digits} digits after +{calling_code}, where numbers have {possible}"
    )]
    TooShort {
        /// The calling code.
        calling_code: u16,
        /// How many digits follow it.
        digits: usize,
        /// How many digits numbers there have.
        possible: Lengths,
    },
    /// More digits than any number with this calling code.
    #[error(
        "the phone number is too long: {digits} digits after +{calling_code}, where numbers have {possible}"
    )]
    TooLong {
        /// The calling code.
        calling_code: u16,
        /// How many digits follow it.
        digits: usize,
        /// How many digits numbers there have.
        possible: Lengths,
    },
    /// Other numbers have this many digits, but not those that begin so.
    #[error(
        "the phone number has {digits} digits after +{calling_code}, and no number there that begins so has \
         as many; a digit is missing or too many"
    )]
    WrongLength {
        /// The calling code.
        calling_code: u16,
        /// How many digits follow it.
        digits: usize,
    },
}

impl RecipientError {
    /// Whether digits after a plus sign are no number, whatever prefix is among them.
    pub(super) fn is_beyond_repair(&self) -> bool {
        matches!(
            self,
            Self::UnknownCallingCode
                | Self::TooShort { .. }
                | Self::NotE164(PhoneError::TooShort { .. } | PhoneError::LeadingZero)
        )
    }
}

impl fmt::Display for Lengths {
    /// `7, 9 or 10`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lengths: Vec<String> = self.iter().map(|length| length.to_string()).collect();
        match lengths.split_last() {
            Some((last, [])) => f.write_str(last),
            Some((last, others)) => write!(f, "{} or {last}", others.join(", ")),
            None => f.write_str("none"),
        }
    }
}

impl fmt::Debug for Lengths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}
