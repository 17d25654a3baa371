//! A request in international form never loads the number library.
//!
//! Alone in its file, and so in its process: the library, once loaded, stays.

#![allow(clippy::unwrap_used)]

use textsender::recipient::{Kind, Recipient, Region, number_library_used};

#[test]
fn only_national_forms_load_it() {
    let home = Region::parse("GB").unwrap();
    let cases = [
        ("+1 876 210 1234", "JM", Kind::Mobile),
        ("+44 7781 123456", "GG", Kind::Mobile),
        ("+44 909 876 5432", "GB", Kind::Premium),
        ("+44 (0)7700 900123", "GB", Kind::Mobile),
        ("tel:+39-06-1234-5678", "IT", Kind::Fixed),
        ("00 353 85 012 3456", "IE", Kind::Mobile),
        ("+80012345678", "001", Kind::TollFree),
    ];
    for (raw, region, kind) in cases {
        let recipient = Recipient::read(raw, Some(home)).unwrap();
        assert_eq!(
            (recipient.region.as_str(), recipient.kind),
            (region, kind),
            "{raw}"
        );
    }
    for raw in [
        "+999",
        "+44770090",
        "+2101234567",
        "07700 900123 ext 5",
        "85058",
        "0800 FLOWERS",
    ] {
        Recipient::read(raw, Some(home)).unwrap_err();
    }
    Recipient::read("07700 900123", None).unwrap_err();
    assert!(!number_library_used());

    Recipient::read("07700 900123", Some(home)).unwrap();
    assert!(number_library_used());
}
