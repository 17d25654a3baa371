//! The same answers as Python's `phonenumbers`, for every region and kind (`expected.tsv`).

use std::collections::BTreeSet;

use super::{expected, international, region};
use crate::config::WithoutPlus;
use crate::recipient::RecipientError::ShortCode;
use crate::recipient::{Kind, Recipient};

#[test]
fn agrees_with_another_implementation_on_region_and_kind() {
    let mut regions = BTreeSet::new();
    let mut kinds = BTreeSet::new();
    for [e164, code, kind, _] in expected() {
        let recipient = international(e164);
        assert_eq!(
            (recipient.region.as_str(), recipient.kind.as_str()),
            (code, kind),
            "{e164}"
        );
        regions.insert(recipient.region);
        kinds.insert(recipient.kind);
    }
    assert!(regions.len() > 240, "{}", regions.len());
    assert_eq!(kinds.len(), Kind::ALL.len());
}

#[test]
fn agrees_with_another_implementation_on_national_forms() {
    let plain = |text: &str| {
        text.chars()
            .filter(char::is_ascii_digit)
            .collect::<String>()
    };
    for [e164, code, kind, written] in expected().filter(|line| line[1] != "001") {
        let national = WithoutPlus::National;
        let recipient = match Recipient::read(written, Some(region(code)), national) {
            // Only as long as a short code, and no mobile: such as the Dutch 14 020, or Suriname's 211-234.
            Err(ShortCode { .. }) if kind != "mobile" => continue,
            other => other.unwrap_or_else(|error| panic!("{code} {written}: {error}")),
        };
        assert_eq!(recipient.phone.e164(), e164, "{code} {written}");
        // Argentina's mobile numbers have no plain trunk prefix.
        if kind == "mobile" && code != "AR" {
            assert_eq!(recipient.national, plain(written), "{e164}");
        }
    }
}
