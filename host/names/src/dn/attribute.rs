//! Attribute types by their many names, and attribute values in BER.

use std::borrow::Cow;

/// A name (`keystring`) or a dotted number (`numericoid`), which old forms prefix with `OID.`.
pub(super) fn is_attribute_type(kind: &str) -> bool {
    let bytes = without_oid_prefix(kind).as_bytes();
    match bytes.first() {
        Some(b'0'..=b'9') => bytes
            .split(|b| *b == b'.')
            .all(|number| !number.is_empty() && number.iter().all(u8::is_ascii_digit)),
        Some(first) => {
            first.is_ascii_alphabetic()
                && bytes
                    .iter()
                    .all(|b| b.is_ascii_alphanumeric() || *b == b'-')
        }
        None => false,
    }
}

fn without_oid_prefix(kind: &str) -> &str {
    match kind.get(..4) {
        Some(prefix) if prefix.eq_ignore_ascii_case("OID.") => &kind[4..],
        _ => kind,
    }
}

/// Long names and object identifiers of the attributes that names are made of (RFC 4519, RFC 4524;
/// RFC 2985 for `emailAddress`), by their short names.
const ALIASES: &[(&str, &[&str])] = &[
    ("cn", &["commonname", "2.5.4.3"]),
    ("ou", &["organizationalunitname", "2.5.4.11"]),
    ("dc", &["domaincomponent", "0.9.2342.19200300.100.1.25"]),
    ("o", &["organizationname", "2.5.4.10"]),
    ("c", &["countryname", "2.5.4.6"]),
    ("l", &["localityname", "2.5.4.7"]),
    ("st", &["stateorprovincename", "s", "2.5.4.8"]),
    ("street", &["streetaddress", "2.5.4.9"]),
    ("uid", &["userid", "0.9.2342.19200300.100.1.1"]),
    ("sn", &["surname", "2.5.4.4"]),
    ("givenname", &["gn", "g", "2.5.4.42"]),
    ("initials", &["2.5.4.43"]),
    ("title", &["2.5.4.12"]),
    ("serialnumber", &["2.5.4.5"]),
    ("mail", &["rfc822mailbox", "0.9.2342.19200300.100.1.3"]),
    ("emailaddress", &["email", "e", "1.2.840.113549.1.9.1"]),
];

pub(super) fn short_name(kind: &str) -> Cow<'static, str> {
    let kind = without_oid_prefix(kind);
    let known = ALIASES.iter().find(|(short, others)| {
        short.eq_ignore_ascii_case(kind) || others.iter().any(|o| o.eq_ignore_ascii_case(kind))
    });
    match known {
        Some((short, _)) => Cow::Borrowed(short),
        None => Cow::Owned(kind.to_ascii_lowercase()),
    }
}

/// The text in a BER-encoded string of X.680: UTF8String, NumericString, PrintableString, IA5String,
/// UniversalString or BMPString.
pub(super) fn ber_string(bytes: &[u8]) -> Option<String> {
    let [tag, length, rest @ ..] = bytes else {
        return None;
    };
    let (length, content) = match length {
        0x00..=0x7f => (usize::from(*length), rest),
        0x81 => (usize::from(*rest.first()?), &rest[1..]),
        0x82 => (
            usize::from(*rest.first()?) << 8 | usize::from(*rest.get(1)?),
            &rest[2..],
        ),
        _ => return None,
    };
    if content.len() != length {
        return None;
    }
    match tag {
        0x0c | 0x12 | 0x13 | 0x16 => String::from_utf8(content.to_vec()).ok(),
        0x1c => {
            let (units, []) = content.as_chunks::<4>() else {
                return None;
            };
            let characters = units.iter().map(|u| char::from_u32(u32::from_be_bytes(*u)));
            characters.collect()
        }
        0x1e => {
            let (units, []) = content.as_chunks::<2>() else {
                return None;
            };
            let units: Vec<u16> = units.iter().map(|u| u16::from_be_bytes(*u)).collect();
            String::from_utf16(&units).ok()
        }
        _ => None,
    }
}
