//! The names that a template may use, and sets of them.

use std::fmt;
use std::ops::{BitOr, Sub};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A value that a template may ask for.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Placeholder {
    /// The one-time code. Any printable characters, not only digits.
    Code,
    /// The new password.
    Password,
    /// The user's account name.
    User,
    /// The user's display name.
    Name,
    /// Whole minutes until code or password expires.
    Minutes,
    /// The finished text. In senders' settings only.
    Message,
    /// The recipient's number as E.164, `+447700900123`. In senders' settings only.
    Phone,
    /// The recipient's number as E.164 without the plus, `447700900123`. In senders' settings only.
    Digits,
    /// The recipient's number as dialled at home, digits only, `07700900123`. In senders' settings only.
    National,
    /// The secret in the sender's own settings, for providers that want one in a text. Only where a plugin says so.
    Secret,
}

impl Placeholder {
    /// Every placeholder, in the order of the documentation.
    pub const ALL: [Self; 10] = [
        Self::Code,
        Self::Password,
        Self::User,
        Self::Name,
        Self::Minutes,
        Self::Message,
        Self::Phone,
        Self::Digits,
        Self::National,
        Self::Secret,
    ];

    /// Its name, as it stands between the percent signs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Password => "password",
            Self::User => "user",
            Self::Name => "name",
            Self::Minutes => "minutes",
            Self::Message => "message",
            Self::Phone => "phone",
            Self::Digits => "digits",
            Self::National => "national",
            Self::Secret => "secret",
        }
    }

    /// The placeholder of exactly this name.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == name)
    }

    /// What was most likely meant by `name`: what other products call it, or a typing error.
    pub(super) fn nearest(name: &str) -> Option<Self> {
        let name = name.to_ascii_lowercase().replace(['-', '_'], "");
        match name.as_str() {
            "pin" | "otp" | "token" => return Some(Self::Code),
            "pwd" | "pass" => return Some(Self::Password),
            "username" | "login" | "account" => return Some(Self::User),
            "displayname" | "fullname" => return Some(Self::Name),
            "expires" | "expiresin" | "expiry" => return Some(Self::Minutes),
            "text" | "body" => return Some(Self::Message),
            "number" | "to" | "recipient" | "mobile" => return Some(Self::Phone),
            _ => {}
        }
        let distance = |known: &Self| edit_distance(&name, known.as_str());
        let nearest = Self::ALL.into_iter().min_by_key(distance)?;
        (distance(&nearest) <= 2 && name.len() > 2).then_some(nearest)
    }

    /// How it is written with a default, for errors that ask for one.
    pub(super) fn with_sample_default(self) -> String {
        let default = match self {
            Self::User | Self::Name => "there",
            Self::Minutes => "a few",
            _ => "default",
        };
        format!("%{}|{default}%", self.as_str())
    }
}

/// As it is written in a template: `%code%`.
impl fmt::Display for Placeholder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "%{}%", self.as_str())
    }
}

/// A set of placeholders: what a plugin can carry, what a text may use. Its serde form is a list of names.
#[derive(Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(from = "Vec<Placeholder>", into = "Vec<Placeholder>")]
pub struct Placeholders(u16);

impl Placeholders {
    /// The empty set.
    pub const NONE: Self = Self(0);

    /// All of them.
    pub const ALL: Self = Self::of(&Placeholder::ALL);

    /// Those that have their values from the message: what senders' settings may use.
    pub const OF_MESSAGE: Self = Self(Self::ALL.0 & !Self::of(&[Placeholder::Secret]).0);

    /// Those that a request need not bring.
    pub const OPTIONAL: Self =
        Self::of(&[Placeholder::User, Placeholder::Name, Placeholder::Minutes]);

    /// The set of these placeholders.
    pub const fn of(placeholders: &[Placeholder]) -> Self {
        let mut bits = 0;
        let mut at = 0;
        while at < placeholders.len() {
            bits |= 1 << placeholders[at] as u16;
            at += 1;
        }
        Self(bits)
    }

    /// Whether it holds this placeholder.
    pub const fn contains(self, placeholder: Placeholder) -> bool {
        self.0 & 1 << placeholder as u16 != 0
    }

    /// Whether it holds none.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Its members, in the order of [`Placeholder::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Placeholder> {
        let members = move |placeholder: &Placeholder| self.contains(*placeholder);
        Placeholder::ALL.into_iter().filter(members)
    }
}

/// Those in either set.
impl BitOr for Placeholders {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

/// Those in the first set that are not in the second.
impl Sub for Placeholders {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }
}

impl FromIterator<Placeholder> for Placeholders {
    fn from_iter<I: IntoIterator<Item = Placeholder>>(placeholders: I) -> Self {
        let add = |set, placeholder| set | Self::of(&[placeholder]);
        placeholders.into_iter().fold(Self::NONE, add)
    }
}

impl From<Vec<Placeholder>> for Placeholders {
    fn from(placeholders: Vec<Placeholder>) -> Self {
        Self::of(&placeholders)
    }
}

impl From<Placeholders> for Vec<Placeholder> {
    fn from(placeholders: Placeholders) -> Self {
        placeholders.iter().collect()
    }
}

/// As a list for people: `` `%code%`, `%user%` ``.
impl fmt::Display for Placeholders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, placeholder) in self.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}`{placeholder}`")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Placeholders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

/// Levenshtein's distance in bytes; the names compared are ASCII and short.
fn edit_distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let replaced = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}
