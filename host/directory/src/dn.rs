//! Distinguished names, as far as group policy needs them: which containers are above a user, in his own domain.

use std::borrow::Cow;

/// A distinguished name whose parts can be compared: escapes resolved, blanks around parts gone, in small letters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dn {
    /// From the entry up; each `(type, value)`.
    parts: Vec<(String, String)>,
}

/// Longest name that is read, in bytes.
const MAX_BYTES: usize = 16 * 1024;

/// The text is no distinguished name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a distinguished name like OU=Staff,DC=example,DC=org")]
pub struct NotADn(String);

impl Dn {
    /// Reads a name as RFC 4514 writes it.
    ///
    /// # Errors
    ///
    /// It is no such name.
    pub fn parse(text: &str) -> Result<Dn, NotADn> {
        let wrong = || NotADn(text.chars().take(200).collect());
        if text.len() > MAX_BYTES {
            return Err(wrong());
        }
        let parts = split(text, b',').map(|part| {
            let (kind, value) = part.split_once('=')?;
            let kind = kind.trim();
            let is_kind = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
            if kind.is_empty() || !kind.chars().all(is_kind) {
                return None;
            }
            Some((kind.to_lowercase(), value_of(value)?))
        });
        let parts: Option<Vec<_>> = parts.collect();
        Ok(Dn {
            parts: parts.ok_or_else(wrong)?,
        })
    }

    /// The containers whose links reach an entry: itself, and all above it up to its domain. Links do not cross
    /// domains, so those above its domain are not among them.
    pub fn containers(&self) -> impl Iterator<Item = Dn> {
        let domain = self.domain_parts();
        let count = match domain {
            0 => self.parts.len(),
            _ => self.parts.len() - domain + 1,
        };
        (0..count).map(|from| Dn {
            parts: self.parts[from..].to_vec(),
        })
    }

    /// Whether both are of one domain: the run of `DC=` parts at the end.
    #[must_use]
    pub fn has_domain_of(&self, other: &Dn) -> bool {
        let domain = |dn: &Dn| dn.parts[dn.parts.len() - dn.domain_parts()..].to_vec();
        domain(self) == domain(other)
    }

    /// The value of the part that names the entry itself.
    #[must_use]
    pub fn name(&self) -> &str {
        self.parts.first().map_or("", |(_, value)| value)
    }

    fn domain_parts(&self) -> usize {
        self.parts
            .iter()
            .rev()
            .take_while(|(kind, _)| kind == "dc")
            .count()
    }
}

/// Splits where `separator` stands that no `\` is before.
fn split(text: &str, separator: u8) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let mut escaped = false;
        let end = text.bytes().position(|byte| {
            let ends = byte == separator && !escaped;
            escaped = byte == b'\\' && !escaped;
            ends
        });
        rest = end.map(|end| &text[end + 1..]);
        Some(&text[..end.unwrap_or(text.len())])
    })
}

/// A value without its escapes. `None`: an escape is broken.
fn value_of(written: &str) -> Option<String> {
    let written = trim(written);
    let mut bytes = Vec::with_capacity(written.len());
    let mut rest = written.as_bytes();
    while let Some((&byte, more)) = rest.split_first() {
        rest = more;
        if byte != b'\\' {
            bytes.push(byte);
            continue;
        }
        let &next = rest.first()?;
        match rest
            .get(..2)
            .filter(|pair| pair.iter().all(u8::is_ascii_hexdigit))
        {
            Some(pair) => {
                // Two hexadecimal digits.
                let pair = std::str::from_utf8(pair).ok()?;
                bytes.push(u8::from_str_radix(pair, 16).ok()?);
                rest = &rest[2..];
            }
            None => {
                bytes.push(next);
                rest = &rest[1..];
            }
        }
    }
    let value = String::from_utf8(bytes).ok()?;
    (!value.is_empty()).then(|| value.to_lowercase())
}

/// Without the spaces around it, but for one at the end that is escaped.
fn trim(written: &str) -> Cow<'_, str> {
    let start = written.trim_start_matches(' ');
    let end = start.trim_end_matches(' ');
    let backslashes = end.bytes().rev().take_while(|byte| *byte == b'\\').count();
    match backslashes % 2 == 1 && end.len() < start.len() {
        true => Cow::Owned(format!("{end} ")),
        false => Cow::Borrowed(end),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dn(text: &str) -> Dn {
        Dn::parse(text).unwrap()
    }

    #[test]
    fn one_name_has_many_writings() {
        let one = dn(r"OU=Sales\, North & \22East\22,OU=Staff,DC=example,DC=org");
        for other in [
            r#"ou=sales\2C north & \"east\",ou=staff,dc=EXAMPLE,dc=org"#,
            r" OU = Sales\, North & \22East\22 , OU=Staff, DC=example , DC=org",
        ] {
            assert_eq!(dn(other), one, "{other}");
        }
        assert_eq!(dn("OU=Z\\C3\\BCrich"), dn("ou=ZÜRICH"));
        assert_eq!(dn(r"CN=a\ ").name(), "a ");
        assert_ne!(dn("OU=Staff,DC=example"), dn("OU=Staffs,DC=example"));
    }

    #[test]
    fn containers_end_at_the_domain() {
        let user = dn("CN=Ada,OU=Staff,DC=eu,DC=example,DC=org");
        let above: Vec<_> = user.containers().collect();
        assert_eq!(
            above,
            [
                user.clone(),
                dn("OU=Staff,DC=eu,DC=example,DC=org"),
                dn("DC=eu,DC=example,DC=org")
            ]
        );
        assert!(!user.has_domain_of(&dn("DC=example,DC=org")));
        assert!(user.has_domain_of(&dn("CN={X},CN=Policies,DC=eu,DC=example,DC=org")));
    }

    #[test]
    fn what_is_no_name_is_not_read() {
        for text in [
            "",
            "Ada",
            "CN=",
            "=Ada",
            r"CN=a\",
            "CN=a,,DC=b",
            r"CN=\FF\FE",
        ] {
            assert!(Dn::parse(text).is_err(), "{text}");
        }
    }
}
