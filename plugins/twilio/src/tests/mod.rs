//! The plugin on the fake host.

mod damaged;
mod questions;
mod requests;
mod settings;
mod verdicts;

use serde_json::{Value, json};
use textsender_plugin_api::{Sender, testing::FakeHost};

use crate::Twilio;

const ACCOUNT: &str = "AC00000000000000000000000000000001";
const SERVICE: &str = "MG00000000000000000000000000000001";
const KEY: &str = "SK00000000000000000000000000000001";
const TEXT: &str = "SM0123456789abcdef0123456789abcdef";
const TOKEN: &str = "t0k3n";

/// The settings that most tests begin with.
fn settings() -> Value {
    json!({ "account_sid": ACCOUNT, "from": "+15005550006" })
}

/// The same and some more, or others.
fn settings_with(more: Value) -> Value {
    let mut settings = settings();
    for (key, value) in more.as_object().unwrap() {
        settings[key] = value.clone();
    }
    settings
}

/// A sender with an Auth Token.
fn twilio(host: &FakeHost) -> Twilio {
    host.configure(settings(), [("auth_token", TOKEN)]).unwrap()
}

/// A sender with an API key.
fn twilio_with_key(host: &FakeHost) -> Twilio {
    let settings = settings_with(json!({ "api_key_sid": KEY }));
    host.configure(settings, [("api_key_secret", TOKEN)])
        .unwrap()
}
