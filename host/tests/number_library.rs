//! A request in E.164, however it is spaced, never loads the number library; all other writing does.
//!
//! Alone in its file, and so in its process: the library, once loaded, stays.

#![allow(clippy::unwrap_used)]

use textsender::config::WithoutPlus;
use textsender::recipient::{Kind, Recipient, Region, number_library_used};

#[test]
fn only_what_is_not_e164_loads_it() {
    let home = Region::parse("GB").unwrap();
    let cases = [
        ("+1 876 210 1234", "JM", Kind::Mobile),
        ("+44 7781 123456", "GG", Kind::Mobile),
        ("+44 909 876 5432", "GB", Kind::Premium),
        ("\u{202a}+44\u{a0}7400\u{200b}123456", "GB", Kind::Mobile),
        ("tel:+39 06 1234 5678", "IT", Kind::Fixed),
        ("+2250123456789", "CI", Kind::Mobile),
        ("+80012345678", "001", Kind::TollFree),
    ];
    for (raw, region, kind) in cases {
        let recipient = Recipient::read(raw, Some(home), WithoutPlus::Ask).unwrap();
        assert_eq!(
            (recipient.region.as_str(), recipient.kind),
            (region, kind),
            "{raw}"
        );
    }
    assert!(!number_library_used());

    for raw in [
        "+999",
        "+44770090",
        "+2101234567",
        "07700 900123 ext 5",
        "85058",
        "0800 FLOWERS",
    ] {
        Recipient::read(raw, Some(home), WithoutPlus::Ask).unwrap_err();
    }
    Recipient::read("07700 900123", None, WithoutPlus::Ask).unwrap_err();
    Recipient::read("07700 900123", Some(home), WithoutPlus::Ask).unwrap();
    assert!(number_library_used());
}
