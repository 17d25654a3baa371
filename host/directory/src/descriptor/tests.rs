use proptest::prelude::*;

use super::*;
use crate::tests::hex;

// Descriptors of group policy objects as Samba stores them, of a domain S-1-5-21-216091211-2878210206-740657538.

/// As consoles make them: Authenticated Users read and apply.
const EVERYONE: &str = "\
    0100179814000000300000004c000000c40000000105000000000005150000004b4ae10c9e008eab8289252c00020000010500000000\
    0005150000004b4ae10c9e008eab8289252c000200000400780002000000075a38002000000003000000be3b0ef3f09fd111b6030000\
    f80367c1a57a96bfe60dd011a28500aa003049e2010100000000000100000000075a38002000000003000000bf3b0ef3f09fd111b603\
    0000f80367c1a57a96bfe60dd011a28500aa003049e20101000000000001000000000400c8000700000000022400ff000f0001050000\
    00000005150000004b4ae10c9e008eab8289252c0002000000022400ff000f000105000000000005150000004b4ae10c9e008eab8289\
    252c07020000000a1400ff000f0001010000000000030000000000021400ff000f000101000000000005120000000002140094000200\
    010100000000000509000000000214009400020001010000000000050b0000000502280000010000010000008ffdacedb3ffd111b41d\
    00a0c968f93901010000000000050b000000";

/// Authenticated Users read; the group 1113 reads and applies.
const FILTERED: &str = "\
    0100179814000000300000004c000000c40000000105000000000005150000004b4ae10c9e008eab8289252c00020000010500000000\
    0005150000004b4ae10c9e008eab8289252c000200000400780002000000075a38002000000003000000be3b0ef3f09fd111b6030000\
    f80367c1a57a96bfe60dd011a28500aa003049e2010100000000000100000000075a38002000000003000000bf3b0ef3f09fd111b603\
    0000f80367c1a57a96bfe60dd011a28500aa003049e20101000000000001000000000400fc000800000000022400ff000f0001050000\
    00000005150000004b4ae10c9e008eab8289252c0002000000022400ff000f000105000000000005150000004b4ae10c9e008eab8289\
    252c07020000000a1400ff000f0001010000000000030000000000021400ff000f000101000000000005120000000002140094000200\
    010100000000000509000000000214009400020001010000000000050b00000000022400940002000105000000000005150000004b4a\
    e10c9e008eab8289252c590400000502380000010000010000008ffdacedb3ffd111b41d00a0c968f939010500000000000515000000\
    4b4ae10c9e008eab8289252c59040000";

/// The group 1114 is denied; all others apply.
const DENIED: &str = "\
    0100179814000000300000004c000000c40000000105000000000005150000004b4ae10c9e008eab8289252c00020000010500000000\
    0005150000004b4ae10c9e008eab8289252c000200000400780002000000075a38002000000003000000be3b0ef3f09fd111b6030000\
    f80367c1a57a96bfe60dd011a28500aa003049e2010100000000000100000000075a38002000000003000000bf3b0ef3f09fd111b603\
    0000f80367c1a57a96bfe60dd011a28500aa003049e2010100000000000100000000040000010800000000022400ff000f0001050000\
    00000005150000004b4ae10c9e008eab8289252c0002000000022400ff000f000105000000000005150000004b4ae10c9e008eab8289\
    252c07020000000a1400ff000f0001010000000000030000000000021400ff000f000101000000000005120000000002140094000200\
    0101000000000005090000000602380000010000010000008ffdacedb3ffd111b41d00a0c968f9390105000000000005150000004b4a\
    e10c9e008eab8289252c5a040000000214009400020001010000000000050b0000000502280000010000010000008ffdacedb3ffd111\
    b41d00a0c968f93901010000000000050b000000";

/// The group 1113 alone reads and applies.
const HIDDEN: &str = "\
    0100179814000000300000004c000000c40000000105000000000005150000004b4ae10c9e008eab8289252c00020000010500000000\
    0005150000004b4ae10c9e008eab8289252c000200000400780002000000075a38002000000003000000be3b0ef3f09fd111b6030000\
    f80367c1a57a96bfe60dd011a28500aa003049e2010100000000000100000000075a38002000000003000000bf3b0ef3f09fd111b603\
    0000f80367c1a57a96bfe60dd011a28500aa003049e20101000000000001000000000400e8000700000000022400ff000f0001050000\
    00000005150000004b4ae10c9e008eab8289252c0002000000022400ff000f000105000000000005150000004b4ae10c9e008eab8289\
    252c07020000000a1400ff000f0001010000000000030000000000021400ff000f000101000000000005120000000002140094000200\
    01010000000000050900000000022400940002000105000000000005150000004b4ae10c9e008eab8289252c59040000050238000001\
    0000010000008ffdacedb3ffd111b41d00a0c968f9390105000000000005150000004b4ae10c9e008eab8289252c59040000";

const GROUP: &str = "S-1-5-21-216091211-2878210206-740657538-1113";
const OTHER: &str = "S-1-5-21-216091211-2878210206-740657538-1114";

fn token(sids: &[&str]) -> HashSet<Sid> {
    let sids = sids.iter().map(|sid| sid.parse().unwrap());
    sids.chain(Sid::HELD_BY_ALL).collect()
}

fn is_for(descriptor: &str, sids: &[&str]) -> bool {
    passes(&parse(&hex(descriptor)).unwrap(), &token(sids))
}

#[test]
fn each_object_is_for_whom_its_list_lets_read_and_apply() {
    for (descriptor, sids, expected) in [
        (EVERYONE, &[][..], true),
        (EVERYONE, &[GROUP], true),
        (FILTERED, &[], false),
        (FILTERED, &[OTHER], false),
        (FILTERED, &[GROUP], true),
        (DENIED, &[], true),
        (DENIED, &[OTHER], false),
        (DENIED, &[GROUP, OTHER], false),
        (HIDDEN, &[], false),
        (HIDDEN, &[GROUP], true),
    ] {
        assert_eq!(is_for(descriptor, sids), expected, "{sids:?}");
    }
}

/// Administrators may do anything but apply: the default of consoles.
#[test]
fn full_control_without_the_extended_right_is_not_apply() {
    let entries = parse(&hex(FILTERED)).unwrap();
    let admins: Sid = "S-1-5-21-216091211-2878210206-740657538-512"
        .parse()
        .unwrap();
    let own: Vec<_> = entries
        .iter()
        .filter(|entry| entry.trustee == admins)
        .collect();
    assert!(own.iter().all(|entry| entry.allow && entry.read));
    assert!(!passes(&entries, &token(&[&admins.to_string()])));
}

/// A descriptor with these entries.
fn with(entries: &[Vec<u8>]) -> Vec<u8> {
    let list: Vec<u8> = entries.concat();
    let mut bytes = hex("01 00 04 80 00000000 00000000 00000000 14000000 04 00");
    bytes.extend((list.len() as u16 + 8).to_le_bytes());
    bytes.extend((entries.len() as u16).to_le_bytes());
    bytes.extend([0, 0]);
    bytes.extend(list);
    bytes
}

/// An entry of a kind, with flags, for these rights, for a SID.
fn entry_of(kind: u8, flags: u8, mask: u32, sid: &str) -> Vec<u8> {
    let sid = sid.parse::<Sid>().unwrap().to_bytes();
    let mut bytes = vec![kind, flags];
    bytes.extend((8 + sid.len() as u16).to_le_bytes());
    bytes.extend(mask.to_le_bytes());
    bytes.extend(sid);
    bytes
}

#[test]
fn the_first_match_decides_for_each_right() {
    let all = READ_PROPERTY | EXTENDED_RIGHT;
    let allow = entry_of(0, 0, all, GROUP);
    let deny = entry_of(1, 0, EXTENDED_RIGHT, GROUP);
    let deny_read = entry_of(1, 0, READ_PROPERTY, GROUP);
    let inherited = entry_of(1, INHERIT_ONLY, all, GROUP);
    for (entries, expected) in [
        (vec![allow.clone()], true),
        (vec![allow.clone(), deny.clone()], true),
        (vec![deny, allow.clone()], false),
        (vec![deny_read, allow.clone()], false),
        (vec![inherited, allow], true),
        (vec![entry_of(0, 0, GENERIC_ALL, GROUP)], true),
        (vec![entry_of(0, 0, READ_PROPERTY, GROUP)], false),
        (vec![entry_of(0, 0, EXTENDED_RIGHT, GROUP)], false),
        (vec![], false),
    ] {
        let parsed = parse(&with(&entries)).unwrap();
        assert_eq!(passes(&parsed, &token(&[GROUP])), expected, "{parsed:?}");
        assert!(!passes(&parsed, &token(&[OTHER])));
    }
}

#[test]
fn an_entry_that_is_not_understood_makes_the_list_unreadable() {
    let allow = entry_of(0, 0, READ_PROPERTY | EXTENDED_RIGHT, GROUP);
    for kind in [2, 3, 9, 10, 11, 12, 17, 255] {
        let strange = entry_of(kind, 0, 0, GROUP);
        let list = with(&[allow.clone(), strange]);
        assert_eq!(parse(&list), Err(BadDescriptor::UnknownEntry(kind)));
        // It says nothing about the object itself.
        let below = entry_of(kind, INHERIT_ONLY, 0, GROUP);
        assert!(parse(&with(&[allow.clone(), below])).is_ok());
    }
}

#[test]
fn without_a_list_or_cut_short_it_is_unreadable() {
    let whole = hex(FILTERED);
    for length in 0..whole.len() {
        assert!(parse(&whole[..length]).is_err(), "{length}");
    }
    let mut no_list = whole.clone();
    no_list[2] &= !(LIST_PRESENT as u8);
    assert_eq!(parse(&no_list), Err(BadDescriptor::NoList));
    let mut outside = whole;
    outside[16..20].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(parse(&outside), Err(BadDescriptor::Malformed));
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&bytes);
    }

    #[test]
    fn a_damaged_descriptor_is_read_or_refused(
        damage in prop::collection::vec((0_usize..300, any::<u8>()), 0..8),
    ) {
        let mut bytes = hex(DENIED);
        for (at, byte) in damage {
            let end = bytes.len();
            bytes[at % end] = byte;
        }
        let _ = parse(&bytes);
    }
}
