//! What a sender would get: the text and its envelope.

use serde::Serialize;

use super::{Evaluation, explained::Number};
use crate::{
    protocol::Failure,
    text::{segments::Segments, user_value},
};

/// A message as the first sender would get it. Without a code, a password or a full number.
#[derive(Debug, Serialize)]
pub struct Preview<'w> {
    /// The sender and its fallbacks.
    pub senders: Vec<&'w str>,
    /// What is around the text.
    pub envelope: Envelope<'w>,
    /// The text, with a stand-in for code or password.
    pub text: &'w str,
    /// What a carrier makes of it.
    pub segments: &'w Segments,
}

/// The message but for its text.
#[derive(Debug, Serialize)]
pub struct Envelope<'w> {
    /// What the message is for.
    pub purpose: &'static str,
    /// The number; `None` if none was given.
    pub to: Option<Number>,
    /// The account name.
    pub user: Option<String>,
    /// The name for people.
    pub name: Option<String>,
    /// The language of the text; `None` for the policy's own.
    pub locale: Option<&'w str>,
    /// Characters of the code or password.
    pub secret_characters: usize,
    /// Whether the request gave it.
    pub secret_given: bool,
    /// How long it is good for, in seconds.
    pub expires_in: Option<u64>,
}

impl Evaluation<'_> {
    /// What the first sender would get.
    ///
    /// # Errors
    ///
    /// Why nothing would be sent.
    pub fn preview(&self) -> Result<Preview<'_>, Failure> {
        if let Some(failure) = self.failure() {
            return Err(failure.clone());
        }
        let decision = self.decision.as_ref().map_err(Failure::clone)?;
        let text = decision.text.as_ref().map_err(Failure::clone)?;
        let fitted = self.carried.as_ref().and_then(|it| it.fitted.as_ref());
        let request = self.request();
        let clean =
            |value: &Option<String>| value.as_deref().map(|value| user_value(value).into_owned());
        Ok(Preview {
            senders: decision.senders(),
            envelope: Envelope {
                purpose: request.purpose.as_str(),
                to: decision.recipient.as_ref().ok().map(Number::of),
                user: clean(&request.user.name),
                name: clean(&request.user.display_name),
                locale: text.locale.as_deref(),
                secret_characters: request
                    .secret()
                    .map_or(0, |secret| secret.expose().chars().count()),
                secret_given: self.draft.has_secret,
                expires_in: request.expires_in.map(|life| life.as_secs()),
            },
            text: fitted.map_or(&text.text, |fitted| &fitted.text),
            segments: fitted.map_or(&text.segments, |fitted| &fitted.segments),
        })
    }
}
