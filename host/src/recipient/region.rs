//! [`Region`]: a country or territory as the prefix table knows it.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::prefixes::{self, Place};

/// A country or territory by its ISO 3166-1 alpha-2 code, or `001` (the world) for numbers that belong to
/// none, such as +800 freephone and +881 satellite telephones.
///
/// Only regions with telephone numbers exist. Beside ISO's own there are `AC` (Ascension), `TA` (Tristan da
/// Cunha) and `XK` (Kosovo), as in libphonenumber.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Region(u8);

impl Region {
    /// `001`, the region of numbers that belong to no country.
    pub const WORLD: Self = Self(0);

    /// Reads a code such as `GB`, in capitals or not.
    ///
    /// # Errors
    ///
    /// [`UnknownRegion`] if no region with telephone numbers has this code.
    pub fn parse(code: &str) -> Result<Self, UnknownRegion> {
        let wanted = code.to_ascii_uppercase();
        match prefixes::PLACES.binary_search_by(|place| place.region.as_str().cmp(&wanted)) {
            Ok(index) => Ok(Self(index as u8)),
            Err(_) => Err(UnknownRegion {
                code: code.to_owned(),
            }),
        }
    }

    /// The code in capitals: `GB`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        self.place().region.as_str()
    }

    /// Whether mobile numbers are dialled inside the region as they are, without a 0 or another prefix.
    #[must_use]
    pub fn has_no_trunk_prefix(self) -> bool {
        self != Self::WORLD && self.place().trunk.as_str().is_empty()
    }

    /// Of a thousand of the region's mobile numbers written as bare national digits, how many could be
    /// another country's number too. A sample: see `prefixes/generate.py`.
    #[must_use]
    pub fn unclear_per_mille(self) -> u16 {
        self.place().unclear
    }

    /// What the prefix table knows of the region.
    pub(super) fn place(self) -> &'static Place {
        &prefixes::PLACES[usize::from(self.0)]
    }

    /// Whether numbers of both begin with the same calling code, as those of the United States and Canada.
    pub fn has_same_code(self, other: Self) -> bool {
        self.place().calling_code == other.place().calling_code
    }

    /// The region at a place that the table names.
    pub(super) fn at(place: u8) -> Self {
        Self(place)
    }
}

impl fmt::Display for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Region {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Region({self})")
    }
}

impl FromStr for Region {
    type Err = UnknownRegion;

    fn from_str(code: &str) -> Result<Self, UnknownRegion> {
        Self::parse(code)
    }
}

impl TryFrom<String> for Region {
    type Error = UnknownRegion;

    fn try_from(code: String) -> Result<Self, UnknownRegion> {
        Self::parse(&code)
    }
}

impl From<Region> for String {
    fn from(region: Region) -> Self {
        region.as_str().to_owned()
    }
}

/// A text is not the code of any region that has telephone numbers.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{code:?} is not a region; use the two letters of ISO 3166-1, such as \"GB\" for the United Kingdom"
)]
pub struct UnknownRegion {
    /// The text as it was given.
    pub code: String,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn reads_codes_in_any_case_and_only_those_that_exist() {
        for (code, expected) in [("GB", "GB"), ("gb", "GB"), ("XK", "XK"), ("001", "001")] {
            assert_eq!(Region::parse(code).unwrap().as_str(), expected);
        }
        assert_eq!(Region::parse("001"), Ok(Region::WORLD));
        for code in ["UK", "", "G", "GBR", "ZZ", "999", "+44", " GB", "ＧＢ"] {
            assert_eq!(
                Region::parse(code),
                Err(UnknownRegion {
                    code: code.to_owned()
                })
            );
        }
    }

    #[test]
    fn is_a_string_in_configuration() {
        let regions: Vec<Region> = serde_json::from_str(r#"["GB", "IE"]"#).unwrap();
        assert_eq!(serde_json::to_string(&regions).unwrap(), r#"["GB","IE"]"#);
        let error = serde_json::from_str::<Region>("\"UK\"")
            .unwrap_err()
            .to_string();
        assert!(error.starts_with("\"UK\" is not a region; use"), "{error}");
    }
}
