//! A mail as it was taken: its envelope, its bytes, and the text in it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;

use super::Security;

/// A mail that the gateway took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mail {
    /// The id in the final reply.
    pub id: String,
    /// When it was taken.
    pub at: Timestamp,
    /// The port that it came through.
    pub security: Security,
    /// What the client called itself.
    pub helo: String,
    /// Who had logged in, if anybody.
    pub user: Option<String>,
    /// The sender on the envelope.
    pub from: String,
    /// What stood behind the sender: `BODY=8BITMIME`, `SIZE=...`.
    pub parameters: String,
    /// The recipients on the envelope.
    pub to: Vec<String>,
    /// The mail itself, dots unstuffed, without the final dot.
    pub raw: Bytes,
}

impl Mail {
    /// The value of the first header of this name, unfolded.
    pub fn header(&self, name: &str) -> Option<String> {
        let (head, _) = self.parts();
        let unfolded = head.replace("\r\n ", " ").replace("\r\n\t", " ");
        unfolded.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        })
    }

    /// The body as text: decoded, line ends made `\n`, none at the end.
    pub fn text(&self) -> String {
        let (_, body) = self.parts();
        let encoding = self.header("Content-Transfer-Encoding").unwrap_or_default();
        let bytes = match encoding.to_ascii_lowercase().as_str() {
            "quoted-printable" => unquote(&body),
            "base64" => {
                let dense: String = body.split_whitespace().collect();
                STANDARD
                    .decode(dense)
                    .unwrap_or_else(|_| body.clone().into_bytes())
            }
            _ => body.clone().into_bytes(),
        };
        let text = String::from_utf8_lossy(&bytes).replace("\r\n", "\n");
        text.trim_end_matches('\n').to_owned()
    }

    fn parts(&self) -> (String, String) {
        let whole = String::from_utf8_lossy(&self.raw);
        match whole.split_once("\r\n\r\n") {
            Some((head, body)) => (head.to_owned(), body.to_owned()),
            None => (whole.into_owned(), String::new()),
        }
    }
}

/// The phone that a gateway would text for this address: the digits of its local part, in international form; else
/// the address itself.
pub(super) fn phone(address: &str) -> String {
    let local = address
        .split('@')
        .next()
        .unwrap_or_default()
        .trim_start_matches('+');
    let end = local
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(local.len());
    match &local[..end] {
        digits if digits.len() < 8 => address.to_owned(),
        digits if digits.starts_with('0') => digits.to_owned(),
        digits => format!("+{digits}"),
    }
}

/// Quoted-printable (RFC 2045, 6.7), as leniently as mail programs read it.
fn unquote(text: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        let hex = |digits: &[u8]| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
        match (byte, behind) {
            (b'=', [b'\r', b'\n', behind @ ..]) => rest = behind,
            (b'=', [high, low, behind @ ..]) if hex(&[*high, *low]).is_some() => {
                bytes.extend(hex(&[*high, *low]));
                rest = behind;
            }
            _ => {
                bytes.push(byte);
                rest = behind;
            }
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(raw: &str) -> Mail {
        Mail {
            id: String::new(),
            at: Timestamp::UNIX_EPOCH,
            security: Security::None,
            helo: String::new(),
            user: None,
            from: String::new(),
            parameters: String::new(),
            to: Vec::new(),
            raw: raw.to_owned().into(),
        }
    }

    #[test]
    fn bodies_are_decoded() {
        for (encoding, body, text) in [
            ("7bit", "Your code is 1\r\n", "Your code is 1"),
            (
                "quoted-printable",
                "gr=C3=BC=C3=9Fe =3D =\r\nok=\r\n\r\n",
                "grüße = ok",
            ),
            ("quoted-printable", "100=% =\r\n", "100=% "),
            ("base64", "Z3LDvMOf\r\nZQ==\r\n", "grüße"),
            ("base64", "not base64!\r\n", "not base64!"),
            ("8bit", "grüße\r\n\r\nzwei\r\n", "grüße\n\nzwei"),
        ] {
            let mail = mail(&format!(
                "Subject: a\r\n b\r\ncontent-transfer-encoding: {encoding}\r\n\r\n{body}"
            ));
            assert_eq!(mail.text(), text, "{encoding} {body}");
            assert_eq!(mail.header("subject").as_deref(), Some("a b"));
        }
        assert_eq!(mail("no empty line").text(), "");
    }

    #[test]
    fn addresses_lead_to_phones() {
        for (address, expected) in [
            ("447700900123@sms.example", "+447700900123"),
            ("+447700900123.PIN@sms.example", "+447700900123"),
            ("07700900123@sms.example", "07700900123"),
            ("sms@gateway.example", "sms@gateway.example"),
            ("123@sms.example", "123@sms.example"),
        ] {
            assert_eq!(phone(address), expected);
        }
    }
}
