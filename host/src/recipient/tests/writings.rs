//! Every region's example mobile in twelve writings, and mobiles of the world as bare digits: each is read as
//! the number that was meant, or refused, and none is ever read as another subscriber's.

use std::collections::BTreeMap;

use super::{expected, region};
use crate::config::WithoutPlus;
use crate::recipient::RecipientError::{Ambiguous, Extension};
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

#[test]
fn every_regions_mobile_in_twelve_writings_is_read_right_or_refused() {
    let mut right: BTreeMap<&str, usize> = BTreeMap::new();
    let mut unclear: BTreeMap<&str, usize> = BTreeMap::new();
    let mut regions = 0;
    for example in examples() {
        regions += 1;
        for (writing, written) in example.writings() {
            match read(&written, example.region, WithoutPlus::Ask) {
                Ok(e164) => {
                    assert_eq!(e164, example.e164(), "{writing}: {written}");
                    *right.entry(writing).or_default() += 1;
                }
                Err(Ambiguous { .. }) => *unclear.entry(writing).or_default() += 1,
                Err(error) if writing == "extension" => assert_eq!(error, Extension),
                Err(_) => {}
            }
        }
    }
    for always in [
        "E.164",
        "brackets",
        "spaces",
        "dots",
        "slashes",
        "invisible characters",
    ] {
        assert_eq!(right.get(always), Some(&regions), "{always}");
    }
    // Those that are left are refused: most are unclear, or the prefix is no prefix there.
    let most = [
        ("digits alone", 225),
        ("00", 235),
        ("national", 225),
        ("bare national digits", 205),
        ("(0)", 225),
        ("trunk prefix after the calling code", 240),
    ];
    for (writing, least) in most {
        let found = right.get(writing).copied().unwrap_or_default();
        assert!(
            found >= least,
            "{writing}: {found} of {regions}; unclear: {unclear:?}"
        );
    }
    assert_eq!(right.get("extension"), None);
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

/// `expected.tsv` has random valid numbers of every region.
#[test]
fn mobiles_of_the_world_as_bare_digits_are_sent_nowhere_else() {
    let mobiles: Vec<&str> = expected()
        .filter(|[_, code, kind, _]| *code != "001" && kind.ends_with("mobile"))
        .map(|[e164, ..]| e164)
        .collect();
    assert!(mobiles.len() > 400, "{}", mobiles.len());
    let homes = HOMES.map(region);
    for e164 in mobiles {
        for home in homes {
            if let Ok(read) = read(&e164[1..], home, WithoutPlus::Ask) {
                assert_eq!(read, e164, "{home}");
            }
        }
    }
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
