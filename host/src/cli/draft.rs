//! The request that `explain` and `preview` look at: from standard input, or from flags.

use std::io::{self, IsTerminal, Read};

use clap::builder::PossibleValuesParser;
use serde_json::{Map, Value, json};
use textsender_plugin_api::Purpose;

use super::phone;
use crate::{
    explain,
    protocol::{Draft, ErrorCode, Event, Failure, MAX_REQUEST},
};

/// A request by its fields. Without any of these, it is read from standard input as `send` reads it,
/// but number and code may be missing.
#[derive(clap::Args)]
pub(super) struct DraftOptions {
    /// Where the user is in the directory
    #[arg(
        long,
        visible_alias = "dn",
        value_name = "DN",
        help_heading = "Request"
    )]
    user_dn: Option<String>,
    /// A group of the user, a DN or SID; may be given several times
    #[arg(long = "group", value_name = "DN", help_heading = "Request")]
    groups: Vec<String>,
    /// The user's number; - reads it from standard input
    #[arg(
        long,
        value_name = "NUMBER",
        allow_hyphen_values = true,
        help_heading = "Request"
    )]
    phone: Option<String>,
    /// The user's language
    #[arg(long, value_name = "TAG", help_heading = "Request")]
    locale: Option<String>,
    /// The user's account name
    #[arg(long, value_name = "NAME", help_heading = "Request")]
    user: Option<String>,
    /// The user's name for people
    #[arg(long, value_name = "NAME", help_heading = "Request")]
    display_name: Option<String>,
    #[command(flatten)]
    occasion: Occasion,
    /// The sender to test; only with --purpose test
    #[arg(long, value_name = "NAME", help_heading = "Request")]
    sender: Option<String>,
    /// How many seconds the code is good for
    #[arg(long, value_name = "SECONDS", help_heading = "Request")]
    expires_in: Option<u64>,
}

/// Why messages are sent.
#[derive(clap::Args)]
pub(super) struct Occasion {
    /// Why the message is sent; verification_code if not given
    #[arg(long, help_heading = "Request", value_parser = PossibleValuesParser::new(PURPOSES.map(|p| p.as_str())))]
    purpose: Option<String>,
    /// What the user is doing
    #[arg(long, help_heading = "Request", value_parser = PossibleValuesParser::new(EVENTS.map(|e| e.as_str())))]
    event: Option<String>,
}

/// Why a message may be sent, in the order of the help.
pub(super) const PURPOSES: [Purpose; 5] = [
    Purpose::VerificationCode,
    Purpose::HelpdeskCode,
    Purpose::NewPassword,
    Purpose::Test,
    Purpose::Information,
];

const EVENTS: [Event; 2] = [Event::Enroll, Event::Reset];

impl Occasion {
    /// The purpose, that of verification codes if none is named.
    pub(super) fn purpose(&self) -> Purpose {
        let named = |purpose: &Purpose| Some(purpose.as_str()) == self.purpose.as_deref();
        let named = PURPOSES.into_iter().find(named);
        named.unwrap_or(Purpose::VerificationCode)
    }

    /// The event, if one is named.
    pub(super) fn event(&self) -> Option<Event> {
        let named = |event: &Event| Some(event.as_str()) == self.event.as_deref();
        EVENTS.into_iter().find(named)
    }
}

impl DraftOptions {
    /// The draft, without the code or password that it may hold.
    pub(super) fn read(&self) -> Result<Draft, Failure> {
        let phone = self.phone.as_deref().map(phone::read).transpose();
        let phone =
            phone.map_err(|error| Failure::with_detail(ErrorCode::BadField, error.to_string()))?;
        let json = match self.as_json(phone) {
            Some(json) => json.to_string().into_bytes(),
            None => from_standard_input()?,
        };
        explain::read(&json)
    }

    /// The flags as the request that they stand for; `None` if there is none.
    fn as_json(&self, phone: Option<String>) -> Option<Value> {
        let user = fields([
            ("dn", json!(self.user_dn)),
            ("groups", json!(self.groups)),
            ("phone", json!(phone)),
            ("locale", json!(self.locale)),
            ("name", json!(self.user)),
            ("display_name", json!(self.display_name)),
        ]);
        let mut request = fields([
            ("purpose", json!(self.occasion.purpose)),
            ("event", json!(self.occasion.event)),
            ("sender", json!(self.sender)),
            ("expires_in", json!(self.expires_in)),
        ]);
        if user.is_empty() && request.is_empty() {
            return None;
        }
        request.insert("user".to_owned(), user.into());
        request
            .entry("purpose")
            .or_insert_with(|| self.occasion.purpose().as_str().into());
        Some(request.into())
    }
}

/// Those fields that are there.
fn fields<const N: usize>(all: [(&str, Value); N]) -> Map<String, Value> {
    let is_there = |value: &Value| !value.is_null() && *value != json!([]);
    let there = all.into_iter().filter(|(_, value)| is_there(value));
    there
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

fn from_standard_input() -> Result<Vec<u8>, Failure> {
    let mut stdin = io::stdin().lock();
    if stdin.is_terminal() {
        let remedy = "give one on standard input, or by flags such as --user-dn";
        return Err(Failure::with_detail(ErrorCode::MissingField, remedy));
    }
    let mut json = Vec::new();
    let most = MAX_REQUEST as u64 + 1;
    match stdin.by_ref().take(most).read_to_end(&mut json) {
        Ok(_) => Ok(json),
        Err(error) => Err(Failure::with_detail(ErrorCode::BadJson, error.to_string())),
    }
}
