//! What an administrator fills in. The doc comments below are the help that `textsender` shows.

use schemars::JsonSchema;
use serde::Deserialize;
use textsender_plugin_api::{BaseUrl, Phone, Secret, SettingsError};

/// A Twilio account, and who its texts come from.
#[derive(Deserialize, JsonSchema)]
#[schemars(example = serde_json::json!({
    "account_sid": "AC00000000000000000000000000000001",
    "auth_token": "the account's Auth Token",
    "from": "+447700900100",
}))]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The Account SID, from the first page of the Twilio Console: AC and 32 hexadecimal digits.
    pub account_sid: String,
    /// The account's Auth Token, 32 hexadecimal digits. Twilio advises an API key instead.
    #[schemars(regex(pattern = "^[0-9a-f]{32}$"))]
    auth_token: Option<Secret>,
    /// The SID of an API key, SK and 32 hexadecimal digits. Goes with `api_key_secret`.
    api_key_sid: Option<String>,
    /// The API key's secret, which Twilio shows once, when the key is made.
    api_key_secret: Option<Secret>,
    /// Who texts come from: a number of the account such as +447700900100, a short code, or a name
    /// of up to 11 characters where the recipient's country allows one.
    pub from: Option<String>,
    /// The SID of a Messaging Service, which chooses the number: MG and 32 hexadecimal digits. With
    /// `from` as well, that number must be one of the service's.
    pub messaging_service_sid: Option<String>,
    /// The region that handles the texts, such as ie1 or au1; us1 when left out. Goes with `edge`.
    /// Each region has its own Auth Token and API keys.
    region: Option<String>,
    /// Where to enter Twilio's network, such as dublin or sydney. Goes with `region`.
    edge: Option<String>,
    /// Another address than <https://api.twilio.com>, for a gateway or a test. Not with `region`.
    base_url: Option<BaseUrl>,
    /// Whether to replace look-alike characters, such as curly quotes, so that a text needs fewer
    /// segments. Left out, the Messaging Service decides.
    pub smart_encoded: Option<bool>,
    /// Whether Twilio checks for SMS pumping fraud, where the account has that check. Left out, the
    /// account decides; Twilio advises true for codes.
    pub risk_check: Option<bool>,
    /// Whether Twilio keeps the texts, and the codes in them, once they are sent: true when left
    /// out. With false, a text that may have been sent can't be found again.
    pub content_retention: Option<bool>,
    /// Whether Twilio keeps whole phone numbers once texts are sent: true when left out. With false,
    /// a text that may have been sent can't be found again.
    pub address_retention: Option<bool>,
    /// Where Twilio reports what became of each text: a web address of the reset server.
    pub status_callback: Option<String>,
}

/// User and password of HTTP Basic authentication.
pub struct Credentials {
    pub user: String,
    pub password: Secret,
    /// A standard API key may do less than an Auth Token.
    pub is_api_key: bool,
}

const FROM: &str = "expected + and a number with its country code, or a short code, or a name of \
                    up to 11 letters, digits, spaces and +-_&";

const CALLBACK: &str = "expected http:// or https://, a host name without underscores, and no more \
                        than 4,000 characters, all ASCII";

/// A fault names the key to change and what to do, never a value.
fn fault<T>(key: &str, words: &str) -> Result<T, SettingsError> {
    Err(SettingsError::new(key, words))
}

impl Settings {
    /// The rules that types can't carry.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let service = self.messaging_service_sid.as_ref();
        let sids = [
            ("account_sid", "AC", Some(&self.account_sid)),
            ("api_key_sid", "SK", self.api_key_sid.as_ref()),
            ("messaging_service_sid", "MG", service),
        ];
        for (key, prefix, sid) in sids {
            if sid.is_some_and(|sid| !is_sid(prefix, sid)) {
                return fault(key, &format!("expected {prefix} and 32 hexadecimal digits"));
            }
        }
        match &self.from {
            None if service.is_none() => return fault("from", "give it or messaging_service_sid"),
            Some(from) if !is_from(from) => return fault("from", FROM),
            _ => {}
        }
        match &self.status_callback {
            Some(url) if !is_callback(url) => fault("status_callback", CALLBACK),
            _ => Ok(()),
        }
    }

    /// The Auth Token or the API key: one of them, whole.
    pub fn credentials(&self) -> Result<Credentials, SettingsError> {
        let (user, password) = match (&self.auth_token, &self.api_key_sid, &self.api_key_secret) {
            (Some(token), None, None) => (&self.account_sid, token),
            (None, Some(sid), Some(secret)) => (sid, secret),
            (None, None, None) => return fault("auth_token", "store it, or an API key instead"),
            (None, Some(_), None) => return fault("api_key_secret", "store it with api_key_sid"),
            (None, None, Some(_)) => return fault("api_key_sid", "give it with api_key_secret"),
            (Some(_), ..) => return fault("auth_token", "remove it or the API key: one is used"),
        };
        Ok(Credentials {
            user: user.clone(),
            password: password.clone(),
            is_api_key: self.api_key_sid.is_some(),
        })
    }

    /// The account's address, such as `https://api.twilio.com/2010-04-01/Accounts/AC...`.
    ///
    /// Region and edge go together: `api.REGION.twilio.com` stopped on 28 April 2026, and an edge
    /// alone leads to region us1, which does not know another region's credentials.
    pub fn account_url(&self) -> Result<String, SettingsError> {
        let base = match (&self.base_url, &self.region, &self.edge) {
            (None, None, None) => "https://api.twilio.com".to_owned(),
            (Some(base), None, None) => base.as_str().to_owned(),
            (None, Some(region), _) if !is_label(region) => {
                return fault("region", "expected a name such as ie1");
            }
            (None, _, Some(edge)) if !is_label(edge) => {
                return fault("edge", "expected a name such as dublin");
            }
            (None, Some(region), Some(edge)) => format!("https://api.{edge}.{region}.twilio.com"),
            (None, Some(_), None) => return fault("edge", "give it with region: dublin for ie1"),
            (None, None, Some(_)) => return fault("region", "give it with edge: ie1 for dublin"),
            (Some(_), ..) => return fault("base_url", "remove it, or remove region and edge"),
        };
        Ok(format!("{base}/2010-04-01/Accounts/{}", self.account_sid))
    }
}

/// Whether this is one of Twilio's ids: two letters and 32 hexadecimal digits.
pub fn is_sid(prefix: &str, sid: &str) -> bool {
    let digits = sid.strip_prefix(prefix).unwrap_or_default();
    digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit())
}

/// Region and edge become labels of a host name: no dot or slash may lead elsewhere.
fn is_label(label: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !label.is_empty() && label.bytes().all(allowed)
}

/// A number, a short code or an alphanumeric sender id. Eleven digits are a number that lacks its
/// country code.
fn is_from(from: &str) -> bool {
    let all_digits = from.bytes().all(|b| b.is_ascii_digit());
    let in_name = |b: u8| b.is_ascii_alphanumeric() || b" +-_&".contains(&b);
    let is_name = from.len() <= 11 && from.bytes().all(in_name);
    match all_digits {
        true => (3..=8).contains(&from.len()),
        false => Phone::parse(from).is_ok() || (is_name && !from.starts_with('+')),
    }
}

/// What Twilio takes as a call-back address (error 21609).
fn is_callback(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or(url.strip_prefix("http://"));
    let host = rest.and_then(|rest| rest.split(['/', '?', '#']).next());
    url.len() <= 4000
        && url.bytes().all(|b| b.is_ascii_graphic())
        && host.is_some_and(|host| !host.is_empty() && !host.contains('_'))
}
