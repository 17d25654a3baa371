//! What people write, and what becomes of it.

use proptest::prelude::*;
use textsender_plugin_api::{Phone, PhoneError};

use super::{expected, international, read, region};
use crate::config::WithoutPlus;
use crate::recipient::RecipientError::*;
use crate::recipient::{Recipient, Region, prefixes};

#[test]
fn reads_what_people_write() {
    let same = [
        "+447700900123",
        "+44 7700 900123",
        "+44 (0)7700 900123",
        "+44(0) 7700-900-123",
        "+4407700900123",
        "(+44) 7700.900.123",
        "  +44 7700/900123  ",
        "tel:+44-7700-900123",
        "TEL:07700900123",
        "tel: +44 7700 900123",
        "00447700900123",
        "00 44 (0) 7700 900123",
        "07700 900123",
        "07700\u{a0}900\u{a0}123",
        "07700\u{202f}900\u{3000}123",
        "7700900123",
        "447700900123",
        "(0)7700 900123",
        "０７７００　９００１２３",
        "＋４４ ７７００ ９００１２３",
        "٠٧٧٠٠٩٠٠١٢٣",
        "۰۷۷۰۰۹۰۰۱۲۳",
        "07700–900−123",
        "\u{202a}+44 7700 900123\u{202c}",
        "\u{feff}07700\u{200b}900123",
        "+44\u{fe0d}7700\u{200c}900\u{61c}123",
        "44 (0)7700 900123",
        "tel:7700900123;phone-context=+44",
        "tel:07700900123;phone-context=+44",
        "tel:07700900123;phone-context=example.com",
        "tel:900123;phone-context=+44-7700",
        "tel:900-123;Phone-Context=+44(7700)",
        "tel:+447700900123;phone-context=+1-201",
        "0044 (0)7700 900123",
    ];
    for raw in same {
        let recipient = read(raw, "GB").unwrap_or_else(|error| panic!("{raw}: {error}"));
        assert_eq!(recipient.phone.e164(), "+447700900123", "{raw}");
        assert_eq!(recipient.national, "07700900123", "{raw}");
    }
}

#[test]
fn reads_national_forms_by_the_home_region() {
    let cases = [
        ("GB", "020 7946 0018", "+442079460018"),
        ("GB", "(01632) 960 123", "+441632960123"),
        ("IE", "087 123 4567", "+353871234567"),
        ("US", "(201) 555-0123", "+12015550123"),
        ("US", "1-201-555-0123", "+12015550123"),
        ("US", "011 44 7700 900123", "+447700900123"),
        ("JM", "876 210 1234", "+18762101234"),
        ("AI", "235 1234", "+12642351234"),
        ("FR", "06 39 98 12 34", "+33639981234"),
        ("DE", "0171 / 39200 55", "+491713920055"),
        ("IT", "06 1234 5678", "+390612345678"),
        ("IT", "347 123 4567", "+393471234567"),
        ("ES", "612 34 56 78", "+34612345678"),
        ("RU", "8 (912) 345-67-89", "+79123456789"),
        ("RU", "8 10 44 7700 900123", "+447700900123"),
        ("KZ", "8 (771) 000 9998", "+77710009998"),
        ("HU", "06 20 123 4567", "+36201234567"),
        ("JP", "090-1234-5678", "+819012345678"),
        ("JP", "010 44 7700 900123", "+447700900123"),
        ("AU", "0491 570 156", "+61491570156"),
        ("AU", "0011 44 7700 900123", "+447700900123"),
        ("AR", "011 15-2345-6789", "+5491123456789"),
        ("BR", "(11) 96123-4567", "+5511961234567"),
        ("IN", "098765 43210", "+919876543210"),
        ("GL", "22 12 34", "+299221234"),
    ];
    for (home, raw, e164) in cases {
        let recipient = read(raw, home).unwrap_or_else(|error| panic!("{home} {raw}: {error}"));
        assert_eq!(recipient.phone.e164(), e164, "{home} {raw}");
    }
}

#[test]
fn refuses_what_is_no_single_number_and_says_why() {
    let gb = region("GB");
    let possible = prefixes::calling_code(&Phone::parse("+447700900123").unwrap())
        .unwrap()
        .lengths;
    let cases = [
        ("", Empty),
        ("  ", Empty),
        ("+", Empty),
        ("tel:", Empty),
        ("07700\n900123", ControlCharacter { position: 6 }),
        ("07700\t900123", ControlCharacter { position: 6 }),
        ("07700900123\0", ControlCharacter { position: 12 }),
        ("020 7946 0018 ext. 12", Extension),
        ("020 7946 0018 EXTENSION 12", Extension),
        ("020 7946 0018x12", Extension),
        ("020 7946 0018 x 12", Extension),
        ("020 7946 0018#12", Extension),
        ("tel:+442079460018;ext=12", Extension),
        ("tel:02079460018;ext=12;phone-context=+44", Extension),
        ("tel:02079460018;phone-context=+44;ext=12", Extension),
        ("0800 FLOWERS", Letters { position: 6 }),
        ("n/a", Letters { position: 1 }),
        ("sip:bob", Letters { position: 1 }),
        ("０７７００ ｅ", Letters { position: 7 }),
        ("07700900123, 07700900124", SeveralNumbers { position: 12 }),
        ("07700900123;07700900124", SeveralNumbers { position: 12 }),
        (
            "+447700900123 +447700900124",
            SeveralNumbers { position: 15 },
        ),
        ("++447700900123", SeveralNumbers { position: 2 }),
        ("07700900123 & 124", SeveralNumbers { position: 13 }),
        (
            "*100#",
            OddCharacter {
                found: '*',
                position: 1,
            },
        ),
        (
            "07700_900123",
            OddCharacter {
                found: '_',
                position: 6,
            },
        ),
        (
            "📞07700900123",
            OddCharacter {
                found: '📞',
                position: 1,
            },
        ),
        ("999", ShortCode { digits: 3 }),
        ("85058", ShortCode { digits: 5 }),
        ("+44999", NotE164(PhoneError::TooShort { digits: 5 })),
        (
            "+4477009001231234",
            NotE164(PhoneError::TooLong { digits: 16 }),
        ),
        ("+07700900123", NotE164(PhoneError::LeadingZero)),
        ("+2101234567", UnknownCallingCode),
        (
            "+44770090",
            TooShort {
                calling_code: 44,
                digits: 6,
                possible,
            },
        ),
        (
            "+4477009001234",
            TooLong {
                calling_code: 44,
                digits: 11,
                possible,
            },
        ),
        (
            "+44 00 7700 900123",
            TooLong {
                calling_code: 44,
                digits: 12,
                possible,
            },
        ),
        (
            "+44 77009001",
            WrongLength {
                calling_code: 44,
                digits: 8,
            },
        ),
        (
            "+44 7700 90012",
            WrongLength {
                calling_code: 44,
                digits: 9,
            },
        ),
        (
            "07700 90012",
            WrongLength {
                calling_code: 44,
                digits: 9,
            },
        ),
        (
            "07700 9001234",
            TooLong {
                calling_code: 44,
                digits: 11,
                possible,
            },
        ),
        (
            "0770 0900 1234 5678 9",
            NotNational {
                region: gb,
                calling_code: 44,
            },
        ),
        ("07700 900123 07700 900124", SeveralNumbers { position: 14 }),
        ("07700900123/07700900124", SeveralNumbers { position: 13 }),
        (
            "07700900123 or +447700900124",
            SeveralNumbers { position: 16 },
        ),
    ];
    for (raw, error) in cases {
        assert_eq!(
            Recipient::read(raw, Some(gb), WithoutPlus::Ask),
            Err(error),
            "{raw:?}"
        );
    }
}

/// Argentina's 15, Hungary's 06 and Lithuania's 8, and a carrier's code in Brazil.
#[test]
fn a_national_prefix_after_the_calling_code_is_taken_off() {
    let cases = [
        ("+54 11 15 2345 6789", "+5491123456789"),
        ("+36 06 20 123 4567", "+36201234567"),
        ("+370 (8) 612 34567", "+37061234567"),
        ("+7 8 912 345 67 89", "+79123456789"),
        ("+375 80 29 123 45 67", "+375291234567"),
        ("+5501511961234567", "+5511961234567"),
    ];
    for (raw, e164) in cases {
        assert_eq!(international(raw).phone.e164(), e164, "{raw}");
    }
}

#[test]
fn digits_that_can_be_two_numbers_are_never_guessed() {
    let unclear = [
        ("DE", "491713920055"),
        ("DE", "436641234567"),
        // A landline, and mobiles of a range that the number library does not know yet.
        ("DE", "4915410284359"),
        ("DE", "(49) 171 3920055"),
        ("US", "201 555 0123"),
    ];
    for (home, raw) in unclear {
        let error = read(raw, home).unwrap_err();
        assert!(matches!(error, Ambiguous { .. }), "{home} {raw}: {error}");
    }
    let error = read("491713920055", "DE").unwrap_err().to_string();
    assert_eq!(
        error,
        "the phone number can be read as +49*******055 and as +49*********055; write it with + and the calling code, or \
         say which is meant with `numbers_without_plus = \"international\"` or `\"national\"` in the policy or \
         in [defaults]"
    );
    let with = |without_plus| {
        let home = Some(region("DE"));
        let recipient = Recipient::read("491713920055", home, without_plus).unwrap();
        recipient.phone.e164().to_owned()
    };
    assert_eq!(with(WithoutPlus::International), "+491713920055");
    let nowhere = Recipient::read("0049 171 3920055", None, WithoutPlus::International);
    assert_eq!(nowhere.unwrap().phone.e164(), "+491713920055");
    assert_eq!(with(WithoutPlus::National), "+49491713920055");
    // Only one of the readings is a number, or the zero in brackets says what comes before it.
    let clear = [
        ("DE", "49 (0)171 3920055", "+491713920055"),
        ("BR", "0055 11 96123-4567", "+5511961234567"),
        ("GB", "33612345678", "+33612345678"),
        ("US", "(201) 555-0123", "+12015550123"),
        ("AT", "06641234567", "+436641234567"),
        ("AT", "436641234567", "+436641234567"),
    ];
    for (home, raw, e164) in clear {
        let recipient = read(raw, home).unwrap_or_else(|error| panic!("{home} {raw}: {error}"));
        assert_eq!(recipient.phone.e164(), e164, "{home} {raw}");
    }
}

#[test]
fn a_landline_is_one_where_the_plan_says_so() {
    let landlines = ["+442071838750", "+4930123456", "+390612345678"];
    // Mobile, both in one, not assigned, and kept free for drama.
    let others = [
        "+447400123456",
        "+12015550123",
        "+441632000000",
        "+442079460018",
    ];
    assert!(landlines.iter().all(|raw| international(raw).is_landline()));
    for raw in others {
        assert!(!international(raw).is_landline(), "{raw}");
    }
}

#[test]
fn needs_a_home_region_for_national_forms() {
    for raw in ["07700 900123", "00447700900123", "7700900123"] {
        assert_eq!(
            Recipient::read(raw, None, WithoutPlus::Ask),
            Err(NoRegion),
            "{raw}"
        );
        assert_eq!(
            Recipient::read(raw, Some(Region::WORLD), WithoutPlus::Ask),
            Err(NoRegion),
            "{raw}"
        );
    }
    assert_eq!(
        Recipient::read("85058", None, WithoutPlus::Ask),
        Err(ShortCode { digits: 5 })
    );
}

#[test]
fn messages_say_what_to_do_and_repeat_no_digit_of_the_number() {
    let cases = [
        (
            "07700 90012 ext 6",
            "the phone number has an extension, which can't be texted; give a number that reaches the telephone",
        ),
        (
            "+4477009001234",
            "the phone number is too long: 11 digits after +44, where numbers have 7, 9 or 10",
        ),
        (
            "+1201555012",
            "the phone number is too short: 9 digits after +1, where numbers have 10",
        ),
        (
            "0770 0900 1234 5678 9",
            "the phone number can't be read as a number of GB; write it with + and the calling code (+44... for GB)",
        ),
    ];
    for (raw, message) in cases {
        assert_eq!(read(raw, "GB").unwrap_err().to_string(), message);
    }
}

#[test]
fn a_trunk_zero_goes_where_no_number_begins_with_one() {
    let cases = [
        ("+81 (0)90-1234-5678", "+819012345678"),
        ("+62 (0)812 3456 7890", "+6281234567890"),
        ("+49 (0)171 3920055", "+491713920055"),
        ("+34 (0)612 345 678", "+34612345678"),
        ("0034 (0)612 345 678", "+34612345678"),
        ("+39 (0)6 1234 5678", "+390612345678"), // Rome's numbers begin with 0
        ("+225 (0)1 23 45 67 89", "+2250123456789"), // so do Côte d'Ivoire's
        // Further on, it is a digit like any other.
        ("+44 7700 9(0)0123", "+447700900123"),
        ("+3 5(8) 1.81/5/1-8(0) 3-0-", "+358181518030"),
    ];
    for (raw, e164) in cases {
        assert_eq!(international(raw).phone.e164(), e164, "{raw}");
    }
}

#[test]
fn debug_masks() {
    let printed = format!("{:?}", international("+447700900123"));
    assert_eq!(
        printed,
        "Recipient { phone: Phone(+44*******123), region: Region(GB), kind: Mobile, .. }"
    );
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(raw in "\\PC*", home in prop::sample::select(vec!["GB", "US", "IT", "AR", "001"])) {
        let _ = read(&raw, home);
    }

    #[test]
    fn anything_like_a_number_is_read_or_refused(
        raw in "(tel:)?[+＋]{0,2}[0-9０-９ ()./x;,#-]{0,24}",
        home in prop::sample::select(vec!["GB", "DE", "RU", "AU", "BR", "MX"]),
    ) {
        let _ = read(&raw, home);
    }

    /// However a number is dressed, it is the same number; and what was read is read again as itself.
    #[test]
    fn dress_changes_nothing(
        e164 in prop::sample::select(expected().map(|line| line[0]).collect::<Vec<_>>()),
        dress in prop::collection::vec(prop::sample::select(vec!["", "", " ", "-", ".", "\u{a0}", "(", ") ", "/"]), 16),
    ) {
        let dressed: String = e164.chars().zip(dress).flat_map(|(digit, dress)| [digit.to_string(), dress.to_owned()]).collect();
        let bare = international(e164);
        // Behind the calling code a (0) is no dress: it says that it may have to go.
        prop_assume!(!bare.phone.national_number().starts_with('0') || !dressed.contains("(0)"));
        prop_assert_eq!(&international(&dressed), &bare);
        prop_assert_eq!(bare.phone.e164(), e164);
    }

    #[test]
    fn errors_never_repeat_the_number(digits in "[1-9][0-9]{6,17}", dress in "[x#,*_a]?") {
        for raw in [format!("+{digits}{dress}1"), format!("{digits}{dress}1")] {
            if let Err(error) = read(&raw, "GB") {
                prop_assert!(!error.to_string().contains(&digits[..5]), "{}", error);
                let debugged = format!("{error:?}");
                prop_assert!(!debugged.contains(&digits[..5]), "{}", debugged);
            }
        }
    }
}
