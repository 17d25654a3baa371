//! Every region's example mobile in twelve writings, and mobiles of the world as bare digits: each is read as
//! the number that was meant, or refused with the reason, and none is ever read as another subscriber's.

use std::collections::BTreeMap;

use super::region;
use crate::config::WithoutPlus;
use crate::recipient::RecipientError::{
    Ambiguous, Extension, NotNational, ShortCode, TooLong, TooShort, WrongLength,
};
use crate::recipient::{Recipient, RecipientError, Region};

/// One line of `writings.tsv`.
struct Example {
    region: Region,
    calling_code: &'static str,
    digits: &'static str,
    national_prefix: &'static str,
    national: &'static str,
}

fn examples() -> impl Iterator<Item = Example> {
    let lines = include_str!("writings.tsv").lines();
    lines.filter(|line| !line.starts_with('#')).map(|line| {
        let mut parts = line.split('\t');
        let mut next = || parts.next().unwrap();
        Example {
            region: region(next()),
            calling_code: next(),
            digits: next(),
            national_prefix: next(),
            national: next(),
        }
    })
}

impl Example {
    fn e164(&self) -> String {
        format!("+{}{}", self.calling_code, self.digits)
    }

    /// The writings that the table asks for, by name.
    fn writings(&self) -> [(&'static str, String); 13] {
        let Self {
            calling_code: code,
            digits,
            ..
        } = *self;
        let grouped = |separator: &str| {
            let pairs = digits.as_bytes().chunks(2);
            let pairs = pairs.map(|pair| std::str::from_utf8(pair).unwrap());
            pairs.collect::<Vec<_>>().join(separator)
        };
        // Where there is no prefix, this is the number with a blank more.
        let trunk = self.national_prefix;
        [
            ("E.164", self.e164()),
            ("digits alone", format!("{code}{digits}")),
            ("00", format!("00{code} {digits}")),
            ("national", self.national.to_owned()),
            ("bare national digits", digits.to_owned()),
            ("brackets", format!("(+{code}) {}", grouped("-"))),
            ("(0)", format!("+{code} (0){}", grouped(" "))),
            (
                "trunk prefix after the calling code",
                format!("+{code} {trunk} {digits}"),
            ),
            ("spaces", format!("+{code} {}", grouped(" "))),
            ("dots", format!("+{code}.{}", grouped("."))),
            ("slashes", format!("+{code}/{}", grouped("/"))),
            (
                "invisible characters",
                format!(
                    "\u{202a}+{code}\u{200c}{}\u{fe0d}\u{2069}",
                    grouped("\u{61c}\u{a0}")
                ),
            ),
            ("extension", format!("+{code} {digits} ext. 12")),
        ]
    }
}

fn read(raw: &str, home: Region, without_plus: WithoutPlus) -> Result<String, RecipientError> {
    let recipient = Recipient::read(raw, Some(home), without_plus)?;
    Ok(recipient.phone.e164().to_owned())
}

/// What becomes of one writing in all regions.
#[derive(Debug, Default, PartialEq, Eq)]
struct Tally {
    right: usize,
    /// Two numbers are possible.
    unclear: usize,
    /// No number there is written so: of another length, or only as long as a short code.
    refused: usize,
}

#[test]
fn every_regions_mobile_in_twelve_writings_is_read_right_or_refused_with_the_reason() {
    let mut tallies: BTreeMap<&str, Tally> = BTreeMap::new();
    for example in examples() {
        for (writing, written) in example.writings() {
            let tally = tallies.entry(writing).or_default();
            match read(&written, example.region, WithoutPlus::Ask) {
                Ok(e164) => {
                    assert_eq!(e164, example.e164(), "{writing}: {written}");
                    tally.right += 1;
                }
                Err(Ambiguous { .. }) => tally.unclear += 1,
                Err(Extension) if writing == "extension" => tally.refused += 1,
                Err(
                    NotNational { .. }
                    | ShortCode { .. }
                    | TooShort { .. }
                    | TooLong { .. }
                    | WrongLength { .. },
                ) => tally.refused += 1,
                Err(error) => panic!("{writing}: {written}: {error}"),
            }
        }
    }
    let expected = [
        // Writing, read right, unclear, refused: of 245 regions.
        ("E.164", 245, 0, 0),
        ("brackets", 245, 0, 0),
        ("spaces", 245, 0, 0),
        ("dots", 245, 0, 0),
        ("slashes", 245, 0, 0),
        ("invisible characters", 245, 0, 0),
        ("digits alone", 242, 3, 0),
        ("00", 245, 0, 0),
        ("national", 242, 3, 0),
        ("bare national digits", 237, 8, 0),
        ("(0)", 242, 3, 0),
        ("trunk prefix after the calling code", 244, 0, 1),
        ("extension", 0, 0, 245),
    ];
    let expected = expected.map(|(writing, right, unclear, refused)| {
        let tally = Tally {
            right,
            unclear,
            refused,
        };
        (writing, tally)
    });
    assert_eq!(tallies, BTreeMap::from(expected));
}

/// A plus sign says which country is meant, wherever the reader is.
#[test]
fn a_number_with_a_plus_sign_is_the_same_in_every_home() {
    let homes = [
        (region("US"), WithoutPlus::National),
        (region("DE"), WithoutPlus::International),
    ];
    for example in examples() {
        for (writing, written) in example.writings() {
            if !written.contains('+') {
                continue;
            }
            let at_home = read(&written, example.region, WithoutPlus::Ask);
            for (home, meant) in homes {
                let elsewhere = read(&written, home, meant);
                assert_eq!(elsewhere, at_home, "{home}: {writing}: {written}");
            }
        }
    }
}

#[test]
fn two_numbers_in_one_field_are_never_read_as_a_third() {
    for example in examples() {
        let mut second = example.digits.to_owned();
        let last = second.pop().unwrap();
        second.push(if last == '7' { '3' } else { '7' });
        let trunk = example.national_prefix;
        for between in [
            "/",
            " / ",
            ", ",
            "; ",
            " ",
            " or ",
            "\u{a0}|\u{a0}",
            " \u{2013} ",
        ] {
            let written = format!("{trunk}{}{between}{trunk}{second}", example.digits);
            for meant in [
                WithoutPlus::Ask,
                WithoutPlus::National,
                WithoutPlus::International,
            ] {
                if let Ok(e164) = read(&written, example.region, meant) {
                    panic!("{}: {written} is read as {e164}", example.region);
                }
            }
        }
    }
}

#[test]
fn a_policy_that_says_how_digits_are_meant_refuses_none_of_them() {
    for example in examples() {
        let (home, e164) = (example.region, example.e164());
        let national = read(example.digits, home, WithoutPlus::National);
        assert_eq!(national.as_ref(), Ok(&e164), "{home}, national");
        let bare = format!("{}{}", example.calling_code, example.digits);
        let international = read(&bare, home, WithoutPlus::International);
        assert_eq!(international.as_ref(), Ok(&e164), "{home}, international");
    }
}

/// Homes on every continent, with and without trunk prefixes.
const HOMES: [&str; 40] = [
    "GB", "IE", "FR", "DE", "AT", "CH", "IT", "ES", "PT", "NL", "BE", "LU", "DK", "NO", "SE", "FI",
    "IS", "PL", "CZ", "SK", "HU", "RO", "BG", "GR", "HR", "EE", "LV", "LT", "RU", "US", "CA", "MX",
    "BR", "AR", "AU", "NZ", "IN", "ID", "JP", "ZA",
];

/// Each line of `mobiles.tsv`: a region, and a random valid number of it.
fn mobiles() -> impl Iterator<Item = (Region, &'static str)> {
    let lines = include_str!("mobiles.tsv").lines();
    let lines = lines.filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.split_once('\t').unwrap())
        .map(|(code, e164)| (region(code), e164))
}

#[test]
fn mobiles_of_the_world_as_bare_digits_are_sent_nowhere_else() {
    let homes = HOMES.map(region);
    let (mut right, mut unclear) = (0, 0);
    let mut others = Vec::new();
    for (_, e164) in mobiles() {
        for home in homes {
            match read(&e164[1..], home, WithoutPlus::Ask) {
                Ok(read) if read == e164 => right += 1,
                Err(Ambiguous { .. }) => unclear += 1,
                other => others.push(format!("{home}: {e164}: {other:?}")),
            }
        }
    }
    assert!(others.is_empty(), "{}: {others:#?}", others.len());
    assert!(right > 10 * unclear, "{right}, {unclear}");
}

#[test]
fn a_regions_own_mobiles_as_they_are_dialled_there_are_sent_nowhere_else() {
    let (mut right, mut unclear) = (0, 0);
    let mut others = Vec::new();
    for (home, e164) in mobiles() {
        let recipient = Recipient::read(e164, None, WithoutPlus::Ask).unwrap();
        let national = recipient.phone.national_number();
        for digits in [recipient.national.as_str(), national] {
            match read(digits, home, WithoutPlus::Ask) {
                Ok(read) if read == e164 => right += 1,
                Err(Ambiguous { .. }) => unclear += 1,
                other => others.push(format!("{home}: {digits}: {other:?}")),
            }
        }
    }
    assert!(others.is_empty(), "{}: {others:#?}", others.len());
    assert!(right > 20 * unclear, "{right}, {unclear}");
}

/// What the note of a landline, a policy's warning and `init` go by.
#[test]
fn it_is_known_of_how_many_mobiles_the_bare_digits_are_unclear() {
    let share = |code: &str| region(code).unclear_per_mille();
    assert_eq!(share("GB"), 0);
    assert!(share("DE") > 400, "{}", share("DE"));
    assert!((80..130).contains(&share("US")), "{}", share("US"));
    let without_prefix = ["US", "ES", "PL", "DK", "IT"];
    assert!(
        without_prefix
            .iter()
            .all(|code| region(code).has_no_trunk_prefix())
    );
    let with_prefix = ["GB", "DE", "HU", "RU"];
    assert!(
        !with_prefix
            .iter()
            .any(|code| region(code).has_no_trunk_prefix())
    );
}
