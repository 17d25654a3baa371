//! Distinguished names: parsed as RFC 4514 writes them (and the older forms that RFC 2253 and 1779
//! allowed), compared as RFC 4517 `caseIgnoreMatch` says.
//!
//! A [`Dn`] keeps one normal form as a single string, so that two spellings of a name are equal
//! strings, and a name's containers are its suffixes: the keys of an index.

mod attribute;

use std::fmt;

use self::attribute::{ber_string, is_attribute_type, short_name};
use crate::prepare::prepare;

/// Longest name that is read, in bytes; directories keep theirs far below it.
pub const MAX_BYTES: usize = 4096;

/// Most relative names in one name. Looking up each suffix takes time with the square of this.
pub const MAX_DEPTH: usize = 128;

/// A distinguished name in normal form: attribute types by their short names in small letters,
/// values prepared by RFC 4518, the parts of a multi-valued name sorted, no needless spaces or
/// escapes. Displays as a DN that parses to itself.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dn {
    normal: String,
    /// First byte of each relative name, from the left.
    starts: Vec<u32>,
}

/// Why a text is not a distinguished name. `at` counts characters from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DnError {
    /// Nothing but spaces.
    #[error("it is empty")]
    Empty,
    /// More than [`MAX_BYTES`] or [`MAX_DEPTH`].
    #[error("it is longer than {MAX_BYTES} bytes or {MAX_DEPTH} parts")]
    TooLong,
    /// A part that is not `type=value`.
    #[error("character {at} should start a part such as OU=Staff")]
    NoType {
        /// Where the part starts.
        at: usize,
    },
    /// A backslash that escapes nothing.
    #[error(
        "the backslash at character {at} is not followed by two hex digits or a special character"
    )]
    BadEscape {
        /// Where the backslash is.
        at: usize,
    },
    /// A `#` value that is not pairs of hex digits.
    #[error("the # value at character {at} is not pairs of hex digits")]
    BadHex {
        /// Where the `#` is.
        at: usize,
    },
    /// A quoted value that does not end, or goes on after its end.
    #[error("the quoted value at character {at} does not end where the part ends")]
    BadQuotes {
        /// Where the quote is.
        at: usize,
    },
    /// Hex pairs that do not spell UTF-8.
    #[error("the value at character {at} is not UTF-8")]
    NotUtf8 {
        /// Where the value starts.
        at: usize,
    },
    /// A NUL.
    #[error("character {at} is a NUL; write it as \\00")]
    Nul {
        /// Where it is.
        at: usize,
    },
}

impl Dn {
    /// Parses a name in any spelling.
    pub fn parse(text: &str) -> Result<Dn, DnError> {
        if text.len() > MAX_BYTES {
            return Err(DnError::TooLong);
        }
        Parser { text, at: 0 }.name()
    }

    /// The normal form.
    pub fn as_str(&self) -> &str {
        &self.normal
    }

    /// How many relative names it has.
    pub fn depth(&self) -> usize {
        self.starts.len()
    }

    /// The normal forms of the name itself and of every container that holds it, the closest first.
    pub fn suffixes(&self) -> impl DoubleEndedIterator<Item = &str> {
        self.starts
            .iter()
            .map(|start| &self.normal[*start as usize..])
    }

    /// The value that names the entry itself, in its normal form.
    pub fn name(&self) -> &str {
        let first = first_part(&self.normal);
        first.split_once('=').map_or("", |(_, value)| value)
    }

    /// The domain: the run of `DC=` parts at the end. A name without one is in a domain that has no name.
    pub fn domain(&self) -> &str {
        let is_domain_part = |part: &&str| part.starts_with("dc=") && !part.contains('+');
        let parts = self.suffixes().rev();
        let parts = parts.take_while(|suffix| is_domain_part(&first_part(suffix)));
        parts.last().unwrap_or_default()
    }

    /// The normal forms of the name itself and of every container of its domain that holds it, the closest
    /// first.
    pub fn containers(&self) -> impl Iterator<Item = &str> {
        let domain = self.domain().len();
        self.suffixes()
            .take_while(move |suffix| suffix.len() >= domain)
    }

    /// Whether `container` holds this name, or is it: the subtree of an LDAP search.
    pub fn is_within(&self, container: &Dn) -> bool {
        self.suffixes().any(|suffix| suffix == container.normal)
    }
}

impl fmt::Display for Dn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.normal)
    }
}

struct Parser<'t> {
    text: &'t str,
    /// Byte offset, always at the start of a character.
    at: usize,
}

impl<'t> Parser<'t> {
    fn name(mut self) -> Result<Dn, DnError> {
        let mut name = Dn {
            normal: String::with_capacity(self.text.len()),
            starts: Vec::with_capacity(8),
        };
        self.skip_spaces();
        if self.peek().is_none() {
            return Err(DnError::Empty);
        }
        loop {
            if name.starts.len() == MAX_DEPTH {
                return Err(DnError::TooLong);
            }
            name.starts.push(name.normal.len() as u32);
            self.relative_name(&mut name.normal)?;
            if self.peek().is_none() {
                break;
            }
            self.at += 1; // A comma or a semicolon, or the part would not have ended.
            name.normal.push(',');
        }
        // Expanding letters could outgrow what a suffix may cost.
        match name.normal.len() <= 4 * MAX_BYTES {
            true => Ok(name),
            false => Err(DnError::TooLong),
        }
    }

    /// One relative name, whose parts are joined by `+` in any order.
    fn relative_name(&mut self, normal: &mut String) -> Result<(), DnError> {
        let start = normal.len();
        self.attribute(normal)?;
        if self.peek() != Some(b'+') {
            return Ok(());
        }
        let mut parts = vec![normal.split_off(start)];
        while self.peek() == Some(b'+') {
            self.at += 1;
            let mut part = String::new();
            self.attribute(&mut part)?;
            parts.push(part);
        }
        parts.sort();
        parts.dedup();
        normal.push_str(&parts.join("+"));
        Ok(())
    }

    /// `type=value`, up to a separator or the end.
    fn attribute(&mut self, normal: &mut String) -> Result<(), DnError> {
        self.skip_spaces();
        let start = self.at;
        let no_type = DnError::NoType {
            at: self.character(start),
        };
        let rest = &self.text[start..];
        let Some(length) = rest.find(['=', ',', '+', ';', '\\', '"']) else {
            return Err(no_type);
        };
        let kind = rest[..length].trim_end_matches(' ');
        if rest.as_bytes()[length] != b'=' || !is_attribute_type(kind) {
            return Err(no_type);
        }
        self.at += length + 1;
        normal.push_str(&short_name(kind));
        normal.push('=');

        self.skip_spaces();
        match self.peek() {
            Some(b'#') => self.hex_value(normal),
            Some(b'"') => self.quoted_value(normal),
            _ => self.plain_value(normal),
        }
    }

    fn plain_value(&mut self, normal: &mut String) -> Result<(), DnError> {
        let start = self.at;
        let rest = &self.text[start..];
        // Most values have no escape: they are prepared where they stand.
        let end = rest.find([',', '+', ';', '\\', '\0']).unwrap_or(rest.len());
        if !rest[end..].starts_with(['\\', '\0']) {
            self.at += end;
            push_value(normal, &rest[..end]);
            return Ok(());
        }
        let mut value = Vec::new();
        while let Some(byte) = self.peek() {
            match byte {
                b',' | b'+' | b';' => break,
                b'\\' => value.push(self.escaped()?),
                0 => {
                    return Err(DnError::Nul {
                        at: self.character(self.at),
                    });
                }
                _ => {
                    value.push(byte);
                    self.at += 1;
                }
            }
        }
        self.push_bytes(normal, value, start)
    }

    /// `"value"`, as RFC 1779 allowed it: separators need no escape inside.
    fn quoted_value(&mut self, normal: &mut String) -> Result<(), DnError> {
        let start = self.at;
        let bad = DnError::BadQuotes {
            at: self.character(start),
        };
        self.at += 1;
        let mut value = Vec::new();
        loop {
            match self.peek() {
                None | Some(0) => return Err(bad),
                Some(b'"') => break,
                Some(b'\\') => value.push(self.escaped()?),
                Some(byte) => {
                    value.push(byte);
                    self.at += 1;
                }
            }
        }
        self.at += 1;
        self.skip_spaces();
        if !matches!(self.peek(), None | Some(b',' | b'+' | b';')) {
            return Err(bad);
        }
        self.push_bytes(normal, value, start)
    }

    /// `#` and the BER encoding in hex. That of a string is the string; others are kept as they are.
    fn hex_value(&mut self, normal: &mut String) -> Result<(), DnError> {
        let bad = DnError::BadHex {
            at: self.character(self.at),
        };
        let rest = &self.text[self.at + 1..];
        let end = rest.find([',', '+', ';']).unwrap_or(rest.len());
        let digits = rest[..end].trim_end_matches(' ').as_bytes();
        let pairs = digits.chunks(2).map(|pair| match pair {
            [high, low] => hex_pair(*high, *low),
            _ => None,
        });
        let bytes: Option<Vec<u8>> = pairs.collect();
        let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) else {
            return Err(bad);
        };
        self.at += 1 + end;
        match ber_string(&bytes) {
            Some(value) => push_value(normal, &value),
            None => {
                normal.push('#');
                for byte in bytes {
                    normal.push_str(&format!("{byte:02x}"));
                }
            }
        }
        Ok(())
    }

    /// The byte that a backslash stands for. A special character of more than one byte does not exist.
    fn escaped(&mut self) -> Result<u8, DnError> {
        let rest = &self.text.as_bytes()[self.at + 1..];
        if let [high, low, ..] = rest
            && let Some(byte) = hex_pair(*high, *low)
        {
            self.at += 3;
            return Ok(byte);
        }
        match rest.first() {
            Some(special) if br##" "#+,;<=>\"##.contains(special) => {
                self.at += 2;
                Ok(*special)
            }
            _ => Err(DnError::BadEscape {
                at: self.character(self.at),
            }),
        }
    }

    fn push_bytes(&self, normal: &mut String, bytes: Vec<u8>, start: usize) -> Result<(), DnError> {
        let value = String::from_utf8(bytes).map_err(|_| DnError::NotUtf8 {
            at: self.character(start),
        })?;
        push_value(normal, &value);
        Ok(())
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_spaces(&mut self) {
        let rest = &self.text[self.at..];
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\r', '\n']).len();
    }

    /// The number of the character at a byte, from 1: only errors count it.
    fn character(&self, byte: usize) -> usize {
        self.text[..byte].chars().count() + 1
    }
}

/// A name's first relative name. A comma inside a value is escaped.
fn first_part(name: &str) -> &str {
    let mut escaped = false;
    let end = name.find(|c| {
        let ends = c == ',' && !escaped;
        escaped = c == '\\' && !escaped;
        ends
    });
    &name[..end.unwrap_or(name.len())]
}

/// Appends a prepared value, with only those characters escaped that would read as something else.
fn push_value(normal: &mut String, value: &str) {
    let prepared = prepare(value);
    if !prepared.starts_with('#') && !prepared.contains([',', '+', ';', '\\', '"']) {
        normal.push_str(&prepared);
        return;
    }
    for (index, c) in prepared.chars().enumerate() {
        let special = matches!(c, ',' | '+' | ';' | '\\' | '"') || (index == 0 && c == '#');
        if special {
            normal.push('\\');
        }
        normal.push(c);
    }
}

fn hex_pair(high: u8, low: u8) -> Option<u8> {
    let digit = |b: u8| (b as char).to_digit(16);
    Some((digit(high)? * 16 + digit(low)?) as u8)
}

#[cfg(test)]
mod tests;
