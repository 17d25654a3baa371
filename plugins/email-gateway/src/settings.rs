//! What an administrator fills in. The doc comments below are the help that `textsender` shows.

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::Deserialize;
use textsender_plugin_api::{
    BaseUrl, Secret, SettingsError, SmtpSecurity,
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
    /// Where access tokens come from, for a mail server that takes no password (XOAUTH2): for
    /// Microsoft 365 https://login.microsoftonline.com/TENANT/oauth2/v2.0/token, for Google
    /// https://oauth2.googleapis.com/token.
    pub token_url: Option<BaseUrl>,
    /// The client that the token server knows.
    pub client_id: Option<String>,
    /// The client's secret.
    pub client_secret: Option<Secret>,
    /// The refresh token that Google gave; without it the client asks for itself, as Microsoft 365
    /// wants it.
    pub refresh_token: Option<Secret>,
    /// What the token is for: https://outlook.office365.com/.default for Microsoft 365.
    pub scope: Option<String>,
    /// The name that this machine gives itself at the mail server (EHLO), where the server wants one
    /// that the DNS knows, such as mail.example.org. Left out: its address.
    pub hello: Option<String>,
    /// The most mails on one connection. Left out: 10, as Exim keeps later ones for up to half an
    /// hour.
    #[schemars(range(min = 1, max = 1000))]
    pub mails_per_connection: Option<u32>,
    /// The most connections at a time. Left out: 2; Microsoft 365 takes 3.
    #[schemars(range(min = 1, max = 20))]
    pub connections: Option<u32>,
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

/// How an access token is asked for.
pub struct OAuth<'a> {
    /// The token server.
    pub token_url: &'a str,
    /// The client.
    pub client_id: &'a str,
    /// Its secret.
    pub client_secret: Option<&'a Secret>,
    /// Where the grant is a refresh token.
    pub refresh_token: Option<&'a Secret>,
    /// What the token is for.
    pub scope: Option<&'a str>,
}

impl Settings {
    /// How an access token is asked for, where one is wanted.
    pub fn oauth(&self) -> Option<OAuth<'_>> {
        Some(OAuth {
            token_url: self.token_url.as_ref()?.as_str(),
            client_id: self.client_id.as_deref()?,
            client_secret: self.client_secret.as_ref(),
            refresh_token: self.refresh_token.as_ref(),
            scope: self.scope.as_deref(),
        })
    }

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
        self.validate_login()?;
        if self.hello.as_deref().is_some_and(|name| !is_hello(name)) {
            let words =
                "give a host name with a dot in it, such as mail.example.org, or [192.0.2.1]";
            return fault("hello", words);
        }
        if !is_address(&self.from) {
            let words = "give an address and nothing else, such as reset@example.org";
            return fault("from", words);
        }
        self.validate_templates()
    }

    fn validate_login(&self) -> Result<(), SettingsError> {
        let fault = |key, fault: &str| Err(SettingsError::new(key, fault));
        if self.token_url.is_none() {
            if self.client_id.is_some() {
                return fault("token_url", "client_id has no use without it");
            }
            if self.user.is_some() != self.password.is_some() {
                let words = "an account has a user and a password: give both, or neither";
                return fault("user", words);
            }
            return Ok(());
        }
        if self.user.is_none() {
            return fault(
                "user",
                "with token_url, name the account that the token is for",
            );
        }
        if self.client_id.is_none() {
            return fault(
                "client_id",
                "with token_url, name the client that asks for tokens",
            );
        }
        if self.password.is_some() {
            return fault("password", "with token_url there is none: remove it");
        }
        if self.client_secret.is_none() && self.refresh_token.is_none() {
            return fault(
                "client_secret",
                "with token_url, store it, or a refresh_token",
            );
        }
        Ok(())
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

/// A name that a server may look up, or an address in brackets (RFC 5321, 4.1.3).
fn is_hello(name: &str) -> bool {
    let in_brackets = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'));
    let address = in_brackets.map(|name| name.strip_prefix("IPv6:").unwrap_or(name));
    match address {
        Some(address) => address.parse::<IpAddr>().is_ok(),
        None => is_host(name) && name.contains('.'),
    }
}

fn is_loopback(server: &str) -> bool {
    let address = server.parse::<IpAddr>();
    server.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}
