//! A mail as it is written: addresses, headers and body.

use lettre::{
    Address, Message,
    message::{
        Body, Mailbox, MessageBuilder,
        header::{ContentTransferEncoding, ContentType, MIME_VERSION_1_0},
    },
};
use textsender_plugin_api::{FailureKind, Mail};

use super::session::Offers;

/// The longest line that any server takes, without its end (RFC 5321, 4.5.3.1.6).
const MAX_LINE: usize = 998;

/// A mail, ready to be submitted. It has no `Debug`: it holds the message.
pub struct OutgoingMail {
    /// The envelope's sender.
    pub from: Address,
    /// The envelope's recipient; `None` where the server is only asked.
    pub to: Option<Address>,
    head: MessageBuilder,
    /// Its line ends are CRLF.
    body: String,
}

impl OutgoingMail {
    /// Reads a mail: `From`, `To`, `Subject`, `Date`, `Message-ID`, and a `text/plain` body.
    ///
    /// Plugins refuse what breaks a header before they ask for an exchange. It is refused here once
    /// more, with everything that would need an extension of the server's, such as SMTPUTF8.
    pub fn new(mail: &Mail) -> Result<Self, FailureKind> {
        let from = address(&mail.from)?;
        if mail.to.is_empty() {
            return Ok(Self {
                from,
                to: None,
                head: Message::builder(),
                body: String::new(),
            });
        }
        let to = address(&mail.to)?;
        let id = &mail.message_id;
        let bad_id = |byte: u8| !byte.is_ascii_graphic() || matches!(byte, b'<' | b'>');
        if id.is_empty() || id.bytes().any(bad_id) || mail.subject.chars().any(char::is_control) {
            return Err(FailureKind::Malformed);
        }

        let mut head = Message::builder()
            .from(Mailbox::new(None, from.clone()))
            .to(Mailbox::new(None, to.clone()))
            .date_now()
            .message_id(Some(format!("<{id}>")))
            .header(MIME_VERSION_1_0)
            .header(ContentType::TEXT_PLAIN);
        if !mail.subject.is_empty() {
            head = head.subject(&mail.subject);
        }
        // A carriage return of its own is a line break to some servers and none to others.
        let body = mail.body.replace("\r\n", "\n").replace('\r', "\n");
        Ok(Self {
            from,
            to: Some(to),
            head,
            body: body.replace('\n', "\r\n"),
        })
    }

    /// Whether the body goes as it is, though it is not ASCII: the server must be told with MAIL (RFC
    /// 6152, 3).
    pub fn needs_eight_bit(&self, offers: &Offers) -> bool {
        self.encoding(offers) == Some(ContentTransferEncoding::EightBit)
    }

    /// Headers and body as this server takes them: as they are wherever it can be, for a gateway may
    /// not decode.
    pub fn content(&self, offers: &Offers) -> Result<Vec<u8>, FailureKind> {
        let body = match self.encoding(offers) {
            Some(plain) => Body::dangerous_pre_encoded(self.body.clone().into_bytes(), plain),
            None => Body::new(self.body.clone()),
        };
        let message = self.head.clone().body(body);
        Ok(message.map_err(|_| FailureKind::Malformed)?.formatted())
    }

    /// The encoding that changes nothing, where the body may go so.
    fn encoding(&self, offers: &Offers) -> Option<ContentTransferEncoding> {
        let fits = self.body.split("\r\n").all(|line| line.len() <= MAX_LINE);
        match (fits, self.body.is_ascii(), offers.eight_bit) {
            (true, true, _) => Some(ContentTransferEncoding::SevenBit),
            (true, false, true) => Some(ContentTransferEncoding::EightBit),
            _ => None,
        }
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
        written_to(mail, &Offers::default())
    }

    fn written_to(mail: &Mail, offers: &Offers) -> String {
        let content = OutgoingMail::new(mail).unwrap().content(offers);
        String::from_utf8(content.unwrap()).unwrap()
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
            date,
            "Message-ID: <5f0c1d@example.org>",
            "MIME-Version: 1.0",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: 7bit",
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

    /// A gateway may look at the body alone.
    #[test]
    fn a_body_goes_as_it_is_wherever_it_can() {
        let plain = Offers::default();
        let eight_bit = Offers {
            eight_bit: true,
            ..Offers::default()
        };
        let cases = [
            ("a".repeat(76), &plain, "7bit"),
            ("a".repeat(998), &plain, "7bit"),
            ("a".repeat(998), &eight_bit, "7bit"),
            ("Код 123456 ваш".into(), &eight_bit, "8bit"),
            ("ü".repeat(499), &eight_bit, "8bit"),
        ];
        for (body, offers, encoding) in cases {
            let mut mail = mail();
            mail.body = body.clone();
            let written = written_to(&mail, offers);
            let header = format!("Content-Transfer-Encoding: {encoding}\r\n");
            assert!(written.contains(&header), "{written}");
            assert!(written.ends_with(&format!("\r\n\r\n{body}")), "{written}");
            let outgoing = OutgoingMail::new(&mail).unwrap();
            assert_eq!(outgoing.needs_eight_bit(offers), encoding == "8bit");
        }
        for (body, offers) in [
            ("a".repeat(999), &plain),
            ("ü".repeat(500), &eight_bit),
            ("ü".into(), &plain),
        ] {
            let mut mail = mail();
            mail.body = body;
            let written = written_to(&mail, offers);
            assert!(written.is_ascii() && written.lines().all(|line| line.len() <= 78));
        }
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
