//! A message becomes a mail.

use std::{borrow::Cow, fmt::Write};

use textsender_plugin_api::{
    Mail, Message, Secret, SendError, alphabet,
    template::{Placeholder, Template, Values},
};

use crate::settings::{Settings, is_address};

/// The mail for one message.
///
/// # Errors
///
/// The message does not go into this gateway's mails.
pub fn compose(settings: &Settings, message: &Message) -> Result<Mail, SendError> {
    let message = fit(settings, message)?;
    let values = Filling {
        message: &message,
        secret: settings.secret.as_ref(),
    };
    let fill = |key: &str, template: &Template| {
        let filled = template.render(&values);
        filled.map_err(|missing| match missing.0 {
            // The host gives it for numbers of the policy's own country only: those of two countries
            // may be the same without the code.
            Placeholder::National => SendError::misconfigured(format!(
                "{key}: %national% is for numbers of the policy's region, and this one has another \
                 country's code: use %digits% or %phone%"
            )),
            _ => SendError::misconfigured(format!("{key}: {missing}")),
        })
    };
    let to = one_line("to", fill("to", &settings.to)?)?;
    if !is_address(&to) {
        let fault = "to: the template's result is not an address: see it with `check`";
        return Err(SendError::misconfigured(fault));
    }

    let mut mail = blank(settings);
    mail.message_id = message_id(&message.id, &settings.from);
    mail.to = to;
    if let Some(subject) = &settings.subject {
        mail.subject = one_line("subject", fill("subject", subject)?)?;
    }
    mail.body = fill("body", &settings.body)?;
    Ok(mail)
}

/// A mail without a recipient, by the server and the account of the settings.
pub fn blank(settings: &Settings) -> Mail {
    let mut mail = Mail::new(settings.server.as_str(), settings.port());
    mail.security = settings.security();
    mail.user = settings.user.clone();
    mail.password = settings.password.clone();
    mail.from = settings.from.clone();
    mail.hello = settings.hello.clone();
    mail.mails_per_connection = settings.mails_per_connection;
    mail.connections = settings.connections;
    mail
}

/// The message as the gateway carries it.
fn fit(settings: &Settings, message: &Message) -> Result<Message, SendError> {
    let alphabet = settings.alphabet;
    let fitted = alphabet::fit(message, |character| alphabet.carries(character))?;
    let length = alphabet.length(&fitted.text);
    match settings.max_length {
        Some(max) if length > max => Err(SendError::misconfigured(format!(
            "the text has {length} characters, and the gateway takes {max}: shorten it"
        ))),
        _ => Ok(fitted),
    }
}

/// What stands in a header may not end its line, for then it could go on with another header.
fn one_line(key: &str, value: String) -> Result<String, SendError> {
    if value.chars().any(char::is_control) {
        return Err(SendError::rejected(format!(
            "{key}: it would hold a line break or another control character"
        )));
    }
    Ok(value)
}

/// The same for the same message, in the domain that the mail comes from. What is not plain in the
/// id is written in hexadecimal, so that two ids never become one.
fn message_id(id: &str, from: &str) -> String {
    let domain = from.rsplit_once('@').map_or("", |(_, domain)| domain);
    let mut message_id = String::with_capacity(id.len() + domain.len() + 1);
    for byte in id.bytes() {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'-' | b'_' => message_id.push(byte.into()),
            // Writing to a string can't fail.
            _ => _ = write!(message_id, "={byte:02X}"),
        }
    }
    message_id.push('@');
    message_id.push_str(domain);
    message_id
}

/// A message's values, and the sender's secret.
pub struct Filling<'a> {
    /// The message.
    pub message: &'a Message,
    /// What stands for `%secret%`.
    pub secret: Option<&'a Secret>,
}

impl Values for Filling<'_> {
    fn value(&self, placeholder: Placeholder) -> Option<Cow<'_, str>> {
        match placeholder {
            Placeholder::Secret => Some(Cow::from(self.secret?.expose())),
            _ => self.message.value(placeholder),
        }
    }
}
