//! What a sender is asked to deliver.

use std::{borrow::Cow, fmt, ops::Range, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    Phone, Secret, secret,
    template::{Placeholder, Values},
};

/// Why a message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Purpose {
    /// A code that a user types in, to enrol or to reset a password.
    VerificationCode,
    /// A code that a user reads out to a helpdesk.
    HelpdeskCode,
    /// The new password, after a helpdesk reset it.
    NewPassword,
    /// An administrator's test.
    Test,
    /// Something to know, without code or password, such as that a password was changed. A plugin
    /// of ABI 1.0 is never handed one.
    Information,
}

impl Purpose {
    /// The word used in requests, configuration and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VerificationCode => "verification_code",
            Self::HelpdeskCode => "helpdesk_code",
            Self::NewPassword => "new_password",
            Self::Test => "test",
            Self::Information => "information",
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One text message, finished: the policy is applied and the text is rendered.
///
/// `Debug` shows nothing that the phone's owner alone may see.
#[derive(Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Message {
    /// The message's id, the same at every attempt. Offer it to the provider as a reference where
    /// it takes one, so that a message can be found again.
    pub id: String,
    /// Why it is sent.
    pub purpose: Purpose,
    /// The recipient, E.164.
    pub to: Phone,
    /// The recipient as dialled within its country, such as `07700900123`.
    pub national: String,
    /// The finished text. It holds the code or the password: use it, never log it.
    pub text: String,
    /// The code in the text, for providers whose own template takes it.
    #[serde(with = "secret::exposed")]
    pub code: Option<Secret>,
    /// The password in the text, for providers whose own template takes it.
    #[serde(with = "secret::exposed")]
    pub password: Option<Secret>,
    /// The user's account name.
    pub user: Option<String>,
    /// The user's display name.
    pub name: Option<String>,
    /// The language of the text, as a BCP 47 tag, where it is known.
    pub locale: Option<String>,
    /// What is left of the code's life. Nothing should reach the phone after it.
    pub expires_in: Option<Duration>,
    /// Where the user's names stand in the text, in its order: [`alphabet::fit`](crate::alphabet::fit) writes them
    /// otherwise for a provider that can't carry them. A host of ABI 1.0 does not say it.
    #[serde(default)]
    pub names_in_text: Vec<NameInText>,
}

/// A user's name in a finished text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct NameInText {
    /// Its bytes in the text.
    pub range: Range<usize>,
    /// What the text has for a user without a name, such as `there`.
    pub default: String,
}

impl NameInText {
    /// A name that stands there.
    pub fn new(range: Range<usize>, default: impl Into<String>) -> Self {
        let default = default.into();
        Self { range, default }
    }
}

impl Message {
    /// A message with the fields that every message has. The rest is public, and empty.
    pub fn new(
        id: impl Into<String>,
        purpose: Purpose,
        to: Phone,
        text: impl Into<String>,
    ) -> Self {
        Self {
            id: id.into(),
            purpose,
            national: to.digits().to_owned(),
            to,
            text: text.into(),
            code: None,
            password: None,
            user: None,
            name: None,
            locale: None,
            expires_in: None,
            names_in_text: Vec::new(),
        }
    }
}

/// Whole minutes to show the user: rounded down, so that a text does not promise more than there is, and at
/// least 1. Five seconds are given back first: a code that was good for ten minutes when the request came, a
/// moment ago, is not said to be good for nine.
pub fn minutes(left: Duration) -> u64 {
    const GRACE: u64 = 5;
    (left.as_secs().saturating_add(GRACE) / 60).max(1)
}

/// What templates in a sender's settings can insert.
impl Values for Message {
    fn value(&self, placeholder: Placeholder) -> Option<Cow<'_, str>> {
        let value = match placeholder {
            Placeholder::Code => self.code.as_ref().map(Secret::expose),
            Placeholder::Password => self.password.as_ref().map(Secret::expose),
            Placeholder::User => self.user.as_deref(),
            Placeholder::Name => self.name.as_deref(),
            Placeholder::Message => Some(self.text.as_str()),
            Placeholder::Phone => Some(self.to.e164()),
            Placeholder::Digits => Some(self.to.digits()),
            Placeholder::National => Some(self.national.as_str()),
            // Not the message's, but a sender's own.
            Placeholder::Secret => None,
            Placeholder::Minutes => {
                return Some(minutes(self.expires_in?).to_string().into());
            }
        };
        value.map(Cow::from)
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message")
            .field("id", &self.id)
            .field("purpose", &self.purpose)
            .field("to", &self.to)
            .field("expires_in", &self.expires_in)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A sender gets the message a moment after the request: its template shows what the policy's text does.
    #[test]
    fn ten_minutes_are_ten_a_moment_later() {
        let to = Phone::parse("+447700900123").unwrap();
        let mut message = Message::new("id", Purpose::VerificationCode, to, "text");
        for (millis, shown) in [(600_000, "10"), (599_990, "10"), (594_999, "9"), (5, "1")] {
            message.expires_in = Some(Duration::from_millis(millis));
            let minutes = message.value(Placeholder::Minutes);
            assert_eq!(minutes.as_deref(), Some(shown), "{millis} ms");
        }
    }
}
