//! Numbers that are kept free for tests, films and manuals. They are unassigned on purpose.

use textsender_plugin_api::Phone;

/// Blocks of numbers that their keeper never assigns.
struct Reserved {
    keeper: &'static str,
    /// How many digits the numbers have, calling code included.
    digits: usize,
    /// What they begin with, calling code included, separated by spaces.
    beginnings: &'static str,
}

/// Who keeps the number free, and for what, if it is kept: `Ofcom, for drama`.
pub(super) fn keeper(phone: &Phone) -> Option<&'static str> {
    let digits = phone.digits();
    if is_fictitious_in_north_america(phone) {
        return Some("the North American Numbering Plan, for fiction");
    }
    RESERVED
        .iter()
        .filter(|reserved| reserved.digits == digits.len())
        .find(|reserved| {
            reserved
                .beginnings
                .split(' ')
                .any(|beginning| digits.starts_with(beginning))
        })
        .map(|reserved| reserved.keeper)
}

/// 555-0100 to 555-0199 in every area (ATIS-0300115, 555 line number assignment guidelines).
fn is_fictitious_in_north_america(phone: &Phone) -> bool {
    phone.calling_code() == "1" && phone.national_number().get(3..8) == Some("55501")
}

/// Sources, in order: Twilio's documentation, "Test credentials" (magic numbers); Ofcom, "Numbers for use in
/// TV and radio drama" (Notify's test numbers 07700 900000, 900002, 900003, 900111 and 900222 are among its
/// mobile ones); ARCEP's numbering plan, decision 2018-0881; Bundesnetzagentur, notice 148/2021 in Amtsblatt
/// 7/2021; ACMA, "Phone numbers for use in TV shows, films and creative works".
static RESERVED: &[Reserved] = &[
    Reserved {
        keeper: "Twilio, for tests",
        digits: 11,
        beginnings: "1500555000",
    },
    Reserved {
        keeper: "Ofcom, for drama",
        digits: 12,
        beginnings: "447700900 448081570 449098790 443069990 441632960 \
                     441134960 441144960 441154960 441164960 441174960 441184960 441214960 441314960 \
                     441414960 441514960 441614960 441914980 442079460 442896496 442920180",
    },
    Reserved {
        keeper: "ARCEP, for fiction",
        digits: 11,
        beginnings: "3319900 3326191 3335301 3346571 3353649 3363998",
    },
    Reserved {
        keeper: "Bundesnetzagentur, for fiction",
        digits: 12,
        beginnings: "493023125 496990009 494066969 492214710 498999998 4917139200 \
                     491729925904 491729968532 491729973185 491729973186 491729980752 \
                     491749091317 491749464308",
    },
    Reserved {
        keeper: "Bundesnetzagentur, for fiction",
        digits: 13,
        beginnings: "49176040690 4915228817386 4915228895456 4915254599371",
    },
    Reserved {
        keeper: "ACMA, for fiction",
        digits: 11,
        beginnings: "6125550 6127010 6135550 6137010 6175550 6177010 6185550 6187010 \
                     61491570006 61491570110 61491570156 61491570157 61491570158 61491570159 \
                     61491570313 61491570737 61491571266 61491571491 61491571804 61491572549 \
                     61491572665 61491572983 61491573087 61491573770 61491574118 61491574632 \
                     61491575254 61491575789 61491576398 61491576801 61491577426 61491577644 \
                     61491578148 61491578888 61491578957 61491579212 61491579455 61491579760",
    },
];
