//! What an administrator fills in.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use textsender_plugin_api::{
    BaseUrl, Secret, SettingsError,
    template::{Placeholder, Rules, Template},
};

/// The form of a UUID, for the JSON Schema.
const UUID: &str = "^[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$";
const UUID_OR_EMPTY: &str = "^([0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})?$";

/// A service at GOV.UK Notify, and how it is used.
#[derive(Deserialize, JsonSchema)]
#[schemars(example = serde_json::json!({
    "template_id": "f33517ff-2a88-4f6e-b855-c550268ce08a",
    "api_key": "resets-26785a09-ab16-4eb0-8407-a37497a57506-3d844edf-8d35-48ac-975b-e847b4f122b0",
}))]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The text message template: its id, a UUID, from its page in GOV.UK Notify.
    #[schemars(regex(pattern = UUID))]
    pub template_id: String,
    /// Who the text comes from: the id (a UUID, not the name) of one of the service's text message
    /// senders. Leave it empty for the service's default.
    #[serde(default)]
    #[schemars(regex(pattern = UUID_OR_EMPTY))]
    pub sender_id: String,
    /// An API key of the service, whole, as GOV.UK Notify shows it once when it is made.
    pub api_key: Secret,
    /// Another address than <https://api.notifications.service.gov.uk>, for a gateway or a test.
    base_url: Option<BaseUrl>,
    /// What fills the template's ((placeholders)): for each its value, in which %code%,
    /// %password%, %message% (the whole text of the policy), %user%, %name%, %minutes%, %phone%,
    /// %digits% and %national% stand for those of the message. A value that a message does not
    /// have, such as the password when a code is sent, is left out.
    #[serde(default = "personalisation")]
    pub personalisation: BTreeMap<String, Template>,
}

/// Notify ignores what its template does not ask for, so that all can be offered.
fn personalisation() -> BTreeMap<String, Template> {
    [
        Placeholder::Code,
        Placeholder::Message,
        Placeholder::Password,
    ]
    .map(|placeholder| (placeholder.as_str().to_owned(), placeholder.into()))
    .into()
}

impl Settings {
    /// Where Notify's API is, without a slash at its end.
    pub fn base_url(&self) -> &str {
        let given = self.base_url.as_ref().map(BaseUrl::as_str);
        given.unwrap_or("https://api.notifications.service.gov.uk")
    }

    /// Checks the settings against each other, and takes the key apart.
    ///
    /// # Errors
    ///
    /// Names the first setting that can't be right.
    pub fn check(&self) -> Result<ApiKey, SettingsError> {
        if !is_uuid(&self.template_id) {
            let fault = "a template's id is a UUID: copy it from the template's page";
            return Err(SettingsError::new("template_id", fault));
        }
        if !self.sender_id.is_empty() && !is_uuid(&self.sender_id) {
            let fault = "give the sender's id, a UUID, not its name; or leave it empty";
            return Err(SettingsError::new("sender_id", fault));
        }
        for (key, value) in &self.personalisation {
            if let Some(fault) = value.check(&Rules::SENDER_SETTING).first() {
                let key = format!("personalisation.{key}");
                return Err(SettingsError::new(&key, &fault.to_string()));
            }
        }
        ApiKey::parse(self.api_key.expose()).ok_or_else(|| {
            let fault = "a key ends in two UUIDs, the service's and its own: copy it whole";
            SettingsError::new("api_key", fault)
        })
    }
}

/// An API key, taken apart: `NAME-SERVICE-SECRET`.
pub struct ApiKey {
    /// The service's id.
    pub service: String,
    /// What signs the tokens.
    pub secret: Secret,
}

impl ApiKey {
    /// Cuts from the end, for the name may hold dashes too.
    fn parse(key: &str) -> Option<Self> {
        const UUID: usize = 36;
        let (rest, secret) = split_before_last(key.trim(), UUID)?;
        let (_, service) = split_before_last(rest.strip_suffix('-')?, UUID)?;
        (is_uuid(service) && is_uuid(secret)).then(|| Self {
            service: service.to_owned(),
            secret: Secret::new(secret),
        })
    }
}

/// Splits before the last `count` bytes, if there are so many and a character starts there.
fn split_before_last(text: &str, count: usize) -> Option<(&str, &str)> {
    text.split_at_checked(text.len().checked_sub(count)?)
}

/// Whether this is a UUID in its usual form (RFC 9562, 4).
pub fn is_uuid(text: &str) -> bool {
    let groups = text.split('-').map(|group| {
        let hex = group.bytes().all(|byte| byte.is_ascii_hexdigit());
        if hex { group.len() } else { 0 }
    });
    groups.eq([8, 4, 4, 4, 12])
}

#[cfg(test)]
mod tests {
    use super::*;

    const SERVICE: &str = "8dd8c332-f7cf-42f9-8adb-ba578fcfe7fe";
    const SECRET: &str = "0f2cbb6d-9d9e-4b1c-8b9e-0a4f3f1f7a11";

    #[test]
    fn keys_are_cut_from_the_end() {
        for name in ["", "live", "reset-server-2026", "schlüssel-ä"] {
            let key = ApiKey::parse(&format!("{name}-{SERVICE}-{SECRET}\n")).unwrap();
            assert_eq!(key.service, SERVICE, "{name}");
            assert_eq!(key.secret.expose(), SECRET, "{name}");
        }
    }

    #[test]
    fn a_key_that_is_not_whole_is_no_key() {
        let cases = [
            String::new(),
            SECRET.to_owned(),
            format!("live-{SECRET}"),
            format!("live-{SERVICE}{SECRET}"),
            format!("live-{SERVICE}-{}", &SECRET[1..]),
            format!("live-{SERVICE}-{SECRET}0"),
            format!("ä{}", "é".repeat(40)),
        ];
        for key in cases {
            assert!(ApiKey::parse(&key).is_none(), "{key}");
        }
    }

    #[test]
    fn uuids() {
        assert!(is_uuid(SERVICE));
        assert!(is_uuid(&SERVICE.to_uppercase()));
        for text in ["", "VERIFYAPP", "8dd8c332f7cf42f98adbba578fcfe7fe", "----"] {
            assert!(!is_uuid(text), "{text}");
        }
        assert!(!is_uuid(&SERVICE.replace('c', "g")));
        assert!(!is_uuid(&format!("{SERVICE}-")));
    }
}
