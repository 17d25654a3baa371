//! A mail as it is written: addresses, headers and body.

use lettre::{
    Address, Message,
    message::{Mailbox, header::ContentType},
};
use textsender_plugin_api::{FailureKind, Mail};

/// A mail, ready to be submitted. It has no `Debug`: it holds the message.
pub struct OutgoingMail {
    /// The envelope's sender.
    pub from: Address,
    /// The envelope's recipient; `None` where the server is only asked.
    pub to: Option<Address>,
    /// Headers and body; empty where the server is only asked.
    pub content: Vec<u8>,
}

impl OutgoingMail {
    /// Writes a mail: `From`, `To`, `Subject`, `Date`, `Message-ID`, and a `text/plain` body, 7bit
    /// where it can be.
    ///
    /// Plugins refuse what breaks a header before they ask for an exchange. It is refused here once
    /// more, with everything that would need an extension of the server's, such as SMTPUTF8.
    pub fn new(mail: &Mail) -> Result<Self, FailureKind> {
        let from = address(&mail.from)?;
        if mail.to.is_empty() {
            return Ok(Self {
                from,
                to: None,
                content: Vec::new(),
            });
        }
        let to = address(&mail.to)?;
        let id = &mail.message_id;
        let bad_id = |byte: u8| !byte.is_ascii_graphic() || matches!(byte, b'<' | b'>');
        if id.is_empty() || id.bytes().any(bad_id) || mail.subject.chars().any(char::is_control) {
            return Err(FailureKind::Malformed);
        }

        let mut message = Message::builder()
            .from(Mailbox::new(None, from.clone()))
            .to(Mailbox::new(None, to.clone()))
            .message_id(Some(format!("<{id}>")))
            .header(ContentType::TEXT_PLAIN);
        if !mail.subject.is_empty() {
            message = message.subject(&mail.subject);
        }
        // A carriage return of its own is a line break to some servers and none to others.
        let body = mail.body.replace("\r\n", "\n").replace('\r', "\n");
        let message = message.body(body).map_err(|_| FailureKind::Malformed)?;
        Ok(Self {
            from,
            to: Some(to),
            content: message.formatted(),
        })
    }
}

fn address(text: &str) -> Result<Address, FailureKind> {
    let address = text.is_ascii().then(|| text.parse().ok()).flatten();
    address.ok_or(FailureKind::Malformed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail() -> Mail {
        let mut mail = Mail::new("mail.example.org", 587);
        mail.from = "reset@example.org".into();
        mail.to = "447700900123@sms.example".into();
        mail.body = "Your code is beK989vc".into();
        mail.message_id = "5f0c1d@example.org".into();
        mail
    }

    fn written(mail: &Mail) -> String {
        String::from_utf8(OutgoingMail::new(mail).unwrap().content).unwrap()
    }

    #[test]
    fn says_no_more_than_it_must() {
        let written = written(&mail());
        let date = written
            .lines()
            .find(|line| line.starts_with("Date: "))
            .unwrap();
        let expected = [
            "From: reset@example.org",
            "To: 447700900123@sms.example",
            "Message-ID: <5f0c1d@example.org>",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: 7bit",
            date,
            "",
            "Your code is beK989vc",
        ];
        assert_eq!(written, expected.join("\r\n"));
    }

    #[test]
    fn what_is_not_ascii_is_encoded() {
        let mut mail = mail();
        mail.subject = "Grüße".into();
        mail.body = "Ihr Code: 12€".into();
        let written = written(&mail);
        assert!(
            written.contains("Subject: =?utf-8?b?R3LDvMOfZQ==?=\r\n"),
            "{written}"
        );
        assert!(written.contains("Content-Transfer-Encoding: quoted-printable\r\n"));
        assert!(written.ends_with("\r\n\r\nIhr Code: 12=E2=82=AC"));
    }

    #[test]
    fn line_breaks_are_of_one_kind() {
        let mut mail = mail();
        mail.body = "a\nb\r\nc\rd\n.\r.\r\n".into();
        assert!(written(&mail).ends_with("\r\n\r\na\r\nb\r\nc\r\nd\r\n.\r\n.\r\n"));
    }

    #[test]
    fn what_would_break_a_header_is_malformed() {
        let broken: [fn(&mut Mail); 9] = [
            |mail| mail.to = "447700900123".into(),
            |mail| mail.to = "a@sms.example>\r\nRCPT TO:<b@c.example".into(),
            |mail| mail.to = "a@sms.example, b@sms.example".into(),
            |mail| mail.to = "jürgen@sms.example".into(),
            |mail| mail.from = String::new(),
            |mail| mail.subject = "a\r\nBcc: b@c.example".into(),
            |mail| mail.message_id = String::new(),
            |mail| mail.message_id = "a\r\nBcc: b@c.example".into(),
            |mail| mail.message_id = "a> <b".into(),
        ];
        for (at, break_it) in broken.into_iter().enumerate() {
            let mut mail = mail();
            break_it(&mut mail);
            assert_eq!(
                OutgoingMail::new(&mail).err(),
                Some(FailureKind::Malformed),
                "{at}"
            );
        }
    }
}
