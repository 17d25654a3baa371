//! The id of a group policy object: `{8CAB271A-A7F5-4F31-9C47-3A8D4C7B5A6E}`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The lengths of the groups of digits.
const GROUPS: [usize; 5] = [8, 4, 4, 4, 12];

/// A GUID as it is written, in capitals. The name of a GPO's entry, `CN={...}`, not its objectGUID.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Guid(String);

/// The text is no GUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is not an id of the form {{8CAB271A-A7F5-4F31-9C47-3A8D4C7B5A6E}}")]
pub struct NotAGuid;

impl FromStr for Guid {
    type Err = NotAGuid;

    fn from_str(text: &str) -> Result<Self, NotAGuid> {
        let text = text.trim();
        let inner = text
            .strip_prefix('{')
            .and_then(|text| text.strip_suffix('}'));
        let inner = inner.unwrap_or(text).to_ascii_uppercase();
        let mut lengths = GROUPS.iter();
        let is_guid = inner.split('-').all(|group| {
            let is_hex = group.bytes().all(|byte| byte.is_ascii_hexdigit());
            is_hex && lengths.next() == Some(&group.len())
        });
        match is_guid && lengths.next().is_none() {
            true => Ok(Guid(format!("{{{inner}}}"))),
            false => Err(NotAGuid),
        }
    }
}

impl Guid {
    /// As it is written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Guid {
    type Error = NotAGuid;

    fn try_from(text: String) -> Result<Self, NotAGuid> {
        text.parse()
    }
}

impl From<Guid> for String {
    fn from(guid: Guid) -> String {
        guid.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_read_with_and_without_braces_in_any_case() {
        let id = "{8CAB271A-A7F5-4F31-9C47-3A8D4C7B5A6E}";
        for text in [id, &id.to_lowercase(), id.trim_matches(['{', '}'])] {
            assert_eq!(text.parse::<Guid>().unwrap().to_string(), id);
        }
        for text in [
            "",
            "{}",
            "8CAB271A",
            "{8CAB271A-A7F5-4F31-9C47-3A8D4C7B5A6E-}",
            "{8CAB271A-A7F5-4F31-9C47-3A8D4C7B5A6G}",
        ] {
            assert_eq!(text.parse::<Guid>(), Err(NotAGuid), "{text}");
        }
    }
}
