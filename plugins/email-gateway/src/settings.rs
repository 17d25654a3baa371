//! What an administrator fills in. The doc comments below are the help that `textsender` shows.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Deserialize;
use textsender_plugin_api::{
    Secret, SettingsError, SmtpSecurity,
    alphabet::{is_ascii, is_gsm, septets},
    template::{Placeholder, Placeholders, Rules, Template},
};

/// A mail server, and how the gateway wants its mails.
///
/// In the templates `to`, `subject` and `body`, %phone% is the number as +447700900123, %digits% as
/// 447700900123 and %national% as 07700900123; %message% is the whole text, %code% or %password%
/// what is in it; %secret% is the setting `secret`.
#[derive(Deserialize, JsonSchema)]
#[schemars(example = serde_json::json!({
    "server": "smtp.example.org",
    "from": "resets@example.org",
    "to": "%digits%@sms.example.com",
}))]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The mail server that takes the mails: its host name, such as smtp.example.org.
    #[schemars(extend("x-textsender-host" = true))]
    pub server: String,
    /// The server's port. Left out: 587 with starttls, 465 with tls, 25 with none.
    #[schemars(extend("x-textsender-port" = true))]
    port: Option<u16>,
    /// How the connection is protected: starttls (usual on port 587), tls (from the first byte,
    /// usual on port 465), or none, to a server on this machine only.
    #[serde(default)]
    security: Security,
    /// The account at the mail server, where it wants one.
    pub user: Option<String>,
    /// The account's password.
    pub password: Option<Secret>,
    /// The address that the mails come from, in the envelope and in From. Many gateways know their
    /// customer by it.
    pub from: String,
    /// The address that a number has at the gateway, such as %digits%@sms.example.com.
    pub to: Template,
    /// The subject. Left out, there is none.
    pub subject: Option<Template>,
    /// The body: what the gateway sends, and what it wants before or after, such as %message%##.
    #[serde(default = "message")]
    pub body: Template,
    /// A secret that the gateway wants in the address, the subject or the body, where %secret%
    /// stands for it. Mail servers log addresses, and some log subjects.
    pub secret: Option<Secret>,
    /// The longest text that the gateway takes, without what the templates put around it. With the
    /// alphabet gsm, characters such as € count twice, as they do on the air.
    #[schemars(extend("x-textsender-carries" = "max_characters"))]
    pub max_length: Option<usize>,
    /// What the gateway carries: any (all characters), gsm (the GSM alphabet) or ascii. A user's
    /// name is written so that it fits, or left out; a text that does not fit is not sent.
    #[serde(default)]
    #[schemars(extend("x-textsender-carries" = "alphabet"))]
    pub alphabet: Alphabet,
}

#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Security {
    #[default]
    StartTls,
    Tls,
    None,
}

/// The characters that a gateway carries.
#[derive(Clone, Copy, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Alphabet {
    /// All.
    #[default]
    Any,
    /// The GSM 7-bit default alphabet and its extension table.
    Gsm,
    /// ASCII.
    Ascii,
}

fn message() -> Template {
    Placeholder::Message.into()
}

/// An address may hold the number and the secret: whatever else a message has comes from people.
const ADDRESS: Rules = Rules {
    offered: Placeholders::of(&[
        Placeholder::Phone,
        Placeholder::Digits,
        Placeholder::National,
        Placeholder::Secret,
    ]),
    ..Rules::SENDER_SETTING
};

const CONTENT: Rules = Rules {
    offered: Placeholders::ALL,
    ..Rules::SENDER_SETTING
};

impl Settings {
    /// The server's port.
    pub fn port(&self) -> u16 {
        self.port.unwrap_or(match self.security {
            Security::StartTls => 587,
            Security::Tls => 465,
            Security::None => 25,
        })
    }

    /// How the connection is protected.
    pub fn security(&self) -> SmtpSecurity {
        match self.security {
            Security::StartTls => SmtpSecurity::StartTls,
            Security::Tls => SmtpSecurity::Tls,
            Security::None => SmtpSecurity::None,
        }
    }

    /// Checks the settings, each for itself and against each other.
    ///
    /// # Errors
    ///
    /// Names the first setting that can't be right.
    pub fn validate(&self) -> Result<(), SettingsError> {
        let fault = |key, fault: &str| Err(SettingsError::new(key, fault));
        if !is_host(&self.server) {
            let words = "give a host name, such as smtp.example.org; its port is `port`";
            return fault("server", words);
        }
        if matches!(self.security, Security::None) && !is_loopback(&self.server) {
            let words = "none is for a server on this machine only: use starttls or tls";
            return fault("security", words);
        }
        if self.user.is_some() != self.password.is_some() {
            let words = "an account has a user and a password: give both, or neither";
            return fault("user", words);
        }
        if !is_address(&self.from) {
            let words = "give an address and nothing else, such as reset@example.org";
            return fault("from", words);
        }
        self.validate_templates()
    }

    fn validate_templates(&self) -> Result<(), SettingsError> {
        let fault = |key, fault: &str| Err(SettingsError::new(key, fault));
        let to = ("to", Some(&self.to), ADDRESS);
        let subject = ("subject", self.subject.as_ref(), CONTENT);
        let body = ("body", Some(&self.body), CONTENT);
        for (key, template, rules) in [to, subject, body] {
            let Some(template) = template else {
                continue;
            };
            if let Some(found) = template.check(&rules).first() {
                return fault(key, &found.to_string());
            }
            if template.uses().contains(Placeholder::Secret) && self.secret.is_none() {
                return fault("secret", &format!("`{key}` asks for %secret%: store it"));
            }
        }
        if !self.to.as_str().contains('@') {
            let words = "give the address of a number, such as %digits%@sms.example.com";
            return fault("to", words);
        }
        Ok(())
    }
}

impl Alphabet {
    /// Whether the gateway carries a character.
    pub fn carries(self, character: char) -> bool {
        match self {
            Self::Any => true,
            Self::Gsm => is_gsm(character),
            Self::Ascii => is_ascii(character),
        }
    }

    /// A text's length as the gateway counts it.
    pub fn length(self, text: &str) -> usize {
        match self {
            Self::Gsm => text.chars().filter_map(septets).sum(),
            Self::Any | Self::Ascii => text.chars().count(),
        }
    }
}

/// Whether this is one address and nothing else: no name, no comment, no list, no quoted part, none
/// of which a gateway asks for.
pub fn is_address(text: &str) -> bool {
    let is_part = |part: &str, specials: &str| {
        let allowed = |c: char| c.is_ascii_alphanumeric() || specials.contains(c);
        !part.is_empty() && part.chars().all(allowed)
    };
    // RFC 5322, 3.2.3: an atom's characters; in a domain, those of host names.
    text.rsplit_once('@').is_some_and(|(local, domain)| {
        is_part(local, "!#$%&'*+-/=?^_`{|}~.") && is_part(domain, "-.")
    })
}

fn is_host(server: &str) -> bool {
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_');
    let name = !server.is_empty() && server.chars().all(is_name);
    name || server.parse::<IpAddr>().is_ok()
}

fn is_loopback(server: &str) -> bool {
    let address = server.parse::<IpAddr>();
    server.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}
