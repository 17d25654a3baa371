//! When an attribute of an entry was last changed, as the domain's replication knows it.
//!
//! Active Directory says so by the attribute's name (`msDS-ReplAttributeMetaData`, a piece of XML for each). Samba has
//! only the stored form (`replPropertyMetaData`): 16 bytes, and 48 for each attribute, which it knows by number.

use jiff::Timestamp;

use crate::ldap::Entry;

/// Where it stands. Both need the right to read the second.
pub const ATTRIBUTES: [&str; 2] = ["msDS-ReplAttributeMetaData", "replPropertyMetaData"];

/// 1601-01-01 to 1970-01-01, in seconds: where the domain's clock begins.
pub const EPOCH: i64 = 11_644_473_600;

const HEADER: usize = 16;
const STAMP: usize = 48;

/// The prefixes of object identifiers that attributes have which hold numbers, and what each is in an attribute's
/// number (MS-DRSR 5.16.4). Later attributes have theirs in the schema.
const PREFIXES: [(&str, u32); 4] = [
    ("2.5.4", 0),
    ("1.2.840.113556.1.2", 2),
    ("1.2.840.113556.1.4", 9),
    ("0.9.2342.19200300.100.1", 21),
];

/// When this attribute of the entry was last changed; `None`: that can't be read. `number` is the attribute's, if it
/// is known.
#[must_use]
pub fn at(entry: &Entry, attribute: &str, number: Option<u32>) -> Option<Timestamp> {
    let [by_name, stored] = ATTRIBUTES;
    let mut named = entry.values(by_name).iter();
    let named = named.find_map(|xml| said(std::str::from_utf8(xml).ok()?, attribute));
    named.or_else(|| stamped(entry.bytes(stored)?, number?))
}

/// The time in a piece of XML that is about this attribute.
fn said(xml: &str, attribute: &str) -> Option<Timestamp> {
    let is_its = element(xml, "pszAttributeName")?.eq_ignore_ascii_case(attribute);
    let time = element(xml, "ftimeLastOriginatingChange").filter(|_| is_its)?;
    time.parse().ok()
}

fn element<'x>(xml: &'x str, name: &str) -> Option<&'x str> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once("</")?;
    Some(text.trim())
}

/// The time in the stored form.
fn stamped(bytes: &[u8], number: u32) -> Option<Timestamp> {
    let (header, stamps) = bytes.split_at_checked(HEADER)?;
    if header[..4] != [1, 0, 0, 0] {
        return None;
    }
    let mut stamps = stamps.chunks_exact(STAMP);
    let stamp = stamps.find(|stamp| stamp[..4] == number.to_le_bytes())?;
    let seconds = u64::from_le_bytes(*stamp[8..].first_chunk()?);
    let seconds = i64::try_from(seconds).ok()?.checked_sub(EPOCH)?;
    Timestamp::from_second(seconds).ok()
}

/// An attribute's number, by its entry in the schema.
#[must_use]
pub fn number(schema: &Entry) -> Option<u32> {
    if let Some(given) = schema.number("msDS-IntId") {
        // A number without a sign, written as one with a sign.
        return u32::try_from(given)
            .or(i32::try_from(given).map(i32::cast_unsigned))
            .ok();
    }
    let (prefix, last) = schema.text("attributeID")?.rsplit_once('.')?;
    let (_, known) = PREFIXES.iter().find(|(known, _)| *known == prefix)?;
    let last: u16 = last.parse().ok()?;
    // Two bytes of seven bits hold it; larger ones are numbered in another way.
    (last < 1 << 14).then_some(known << 16 | u32::from(last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tests::hex;

    const MOBILE: u32 = 0x0015_0029;

    /// As Samba stored it: objectClass at 2026-11-27, mobile two days later.
    fn stored() -> Vec<u8> {
        hex("01000000 00000000 02000000 00000000
             00000000 01000000 8a481d2103000000 decd796275aff546807119439ff56750 670f000000000000 670f000000000000
             29001500 01000000 0aeb1f2103000000 decd796275aff546807119439ff56750 680f000000000000 680f000000000000")
    }

    fn xml(attribute: &str) -> Vec<u8> {
        // With a zero at its end, as Windows has it.
        format!(
            "<DS_REPL_ATTR_META_DATA>\n\t<pszAttributeName>{attribute}</pszAttributeName>\n\t<dwVersion>2</dwVersion>\n\t\
             <ftimeLastOriginatingChange>2026-03-01T10:00:00Z</ftimeLastOriginatingChange>\n</DS_REPL_ATTR_META_DATA>\n\0"
        )
        .into_bytes()
    }

    fn of(name: &str, value: &[u8]) -> Option<i64> {
        let entry = Entry::of("CN=Ada", &[(name, value)]);
        at(&entry, "mobile", Some(MOBILE)).map(Timestamp::as_second)
    }

    #[test]
    fn both_forms_say_when_the_attribute_was_changed_and_no_other() {
        assert_eq!(
            of("replPropertyMetaData", &stored()),
            Some(0x03_211f_eb0a - EPOCH)
        );
        assert_eq!(
            of("msDS-ReplAttributeMetaData", &xml("Mobile")),
            Some(1_772_359_200)
        );
        assert_eq!(of("msDS-ReplAttributeMetaData", &xml("otherMobile")), None);
        let entry = Entry::of("CN=Ada", &[("replPropertyMetaData", &stored())]);
        assert_eq!(at(&entry, "pager", Some(MOBILE + 1)), None);
        assert_eq!(at(&entry, "pager", None), None);
        assert_eq!(at(&Entry::default(), "mobile", Some(MOBILE)), None);
    }

    /// Bytes of a server: each cut, and each changed byte, is a time or none.
    #[test]
    fn whatever_stands_there_is_read_without_a_fault() {
        for good in [stored(), xml("mobile")] {
            for end in 0..=good.len() {
                of("replPropertyMetaData", &good[..end]);
                of("msDS-ReplAttributeMetaData", &good[..end]);
            }
            for place in 0..good.len() {
                let mut bad = good.clone();
                bad[place] = 0xff;
                of("replPropertyMetaData", &bad);
                of("msDS-ReplAttributeMetaData", &bad);
            }
        }
    }

    #[test]
    fn an_attribute_has_its_number_from_its_identifier_or_from_the_schema() {
        for (name, value, expected) in [
            ("attributeID", "0.9.2342.19200300.100.1.41", Some(MOBILE)),
            ("attributeID", "2.5.4.20", Some(20)),
            ("attributeID", "1.2.840.113556.1.4.721", Some(0x0009_02d1)),
            ("attributeID", "1.2.840.113556.1.2.16384", None),
            ("attributeID", "1.3.6.1.4.1.99999.1", None),
            ("msDS-IntId", "-1963717297", Some(0x8af4_0d4f)),
            ("msDS-IntId", "x", None),
        ] {
            let schema = Entry::of("", &[(name, value.as_bytes())]);
            assert_eq!(number(&schema), expected, "{value}");
        }
    }
}
