use super::*;

const SID: &[u8] = &[
    1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 0x4b, 0x4a, 0xe1, 0x0c, 0x9e, 0, 0x8e, 0xab, 0x82, 0x89,
    0x25, 0x2c, 0x4e, 4, 0, 0,
];

fn attributes() -> Attributes {
    Attributes {
        phone: vec!["mobile".to_owned(), "telephoneNumber".to_owned()],
        locale: "preferredLanguage".to_owned(),
        hold_after_change: Some(SignedDuration::from_hours(24)),
    }
}

/// A user as the directory has one; `None` takes an attribute away.
fn read_with(changes: &[(&str, Option<&str>)]) -> Result<FoundUser, DirectoryError> {
    let mut all: Vec<(&str, &[u8])> = vec![
        ("sAMAccountName", b"ada"),
        ("objectSid", SID),
        ("userAccountControl", b"512"),
        ("accountExpires", b"9223372036854775807"),
        ("preferredLanguage", b"cy-GB"),
        ("mobile", b" +44 7700 900123 "),
    ];
    let mut token: Vec<(&str, &[u8])> = vec![("tokenGroups", SID)];
    for (name, value) in changes {
        all.retain(|(other, _)| other != name);
        token.retain(|(other, _)| other != name);
        if let Some(value) = value {
            all.push((name, value.as_bytes()));
        }
    }
    let entry = Entry::of("CN=Ada,DC=example,DC=org", &all);
    read(
        &entry,
        &Entry::of("", &token),
        &attributes(),
        Timestamp::from_second(1_800_000_000).unwrap(),
    )
}

fn code(changes: &[(&str, Option<&str>)]) -> Code {
    read_with(changes).unwrap_err().code
}

#[test]
fn a_user_has_name_groups_number_and_language() {
    let user = read_with(&[]).unwrap();
    assert_eq!(
        (user.phone.as_deref(), user.phone_from.as_deref()),
        (Some("+44 7700 900123"), Some("mobile"))
    );
    assert_eq!(user.locale.as_deref(), Some("cy-GB"));
    assert_eq!(token(&user).len(), 4);
    assert!(!format!("{user:?}").contains("7700"));
}

/// A hardened domain leaves these out without an error.
#[test]
fn what_decides_and_is_left_out_is_unreadable() {
    for attribute in [
        "tokenGroups",
        "userAccountControl",
        "accountExpires",
        "objectSid",
    ] {
        assert_eq!(
            code(&[(attribute, None)]),
            Code::DirectoryUnreadable,
            "{attribute}"
        );
    }
    for (attribute, value) in [
        ("userAccountControl", "x"),
        ("accountExpires", ""),
        ("objectSid", "S-1-5"),
    ] {
        assert_eq!(
            code(&[(attribute, Some(value))]),
            Code::DirectoryUnreadable,
            "{attribute}"
        );
    }
    assert_eq!(
        read_with(&[("preferredLanguage", None)]).unwrap().locale,
        None
    );
}

#[test]
fn the_first_attribute_with_a_value_is_the_number() {
    let user = read_with(&[
        ("mobile", Some(" ")),
        ("telephoneNumber", Some("07700 900124")),
    ])
    .unwrap();
    assert_eq!(user.phone_from.as_deref(), Some("telephoneNumber"));
    let without = read_with(&[("mobile", None)]).unwrap();
    let error = has_phone(&without, &attributes(), Timestamp::now()).unwrap_err();
    assert_eq!(error.code, Code::PhoneMissing);
}

/// Only where it is known when the number was changed; the number of a day before counts.
#[test]
fn a_number_that_was_changed_is_held_back_for_as_long_as_is_said() {
    let mut user = read_with(&[]).unwrap();
    let changed = Timestamp::from_second(1_800_000_000).unwrap();
    let day = SignedDuration::from_hours(24);
    let code = |user: &FoundUser, hold_after_change, after: SignedDuration| {
        let attributes = Attributes {
            hold_after_change,
            ..attributes()
        };
        let texted = has_phone(user, &attributes, changed + after);
        texted.err().map(|error| error.code)
    };
    let second = SignedDuration::from_secs(1);
    assert_eq!(code(&user, Some(day), second), None);
    user.phone_changed = Some(changed);
    assert_eq!(
        code(&user, Some(day), day - second),
        Some(Code::PhoneChanged)
    );
    // A server's clock that is ahead.
    assert_eq!(code(&user, Some(day), -second), Some(Code::PhoneChanged));
    assert_eq!(code(&user, Some(day), day), None);
    assert_eq!(code(&user, None, second), None);
    assert_eq!(
        code(&user, Some(SignedDuration::MAX), day),
        Some(Code::PhoneChanged)
    );
}

#[test]
fn disabled_and_expired_accounts_get_nothing_and_these_alone() {
    assert_eq!(
        code(&[("userAccountControl", Some("514"))]),
        Code::AccountDisabled
    );
    // 2020-01-01.
    assert_eq!(
        code(&[("accountExpires", Some("132223104000000000"))]),
        Code::AccountDisabled
    );
    for expires in ["0", "9223372036854775807", "133700000000000000"] {
        let is_past = expires.starts_with("1337");
        assert_eq!(
            read_with(&[("accountExpires", Some(expires))]).is_err(),
            is_past,
            "{expires}"
        );
    }
    // Locked out, the password expired, must be changed: those who need a reset.
    for control in ["528", "8389120", "544", "66048"] {
        assert!(
            read_with(&[("userAccountControl", Some(control))]).is_ok(),
            "{control}"
        );
    }
    for (attribute, value) in [("lockoutTime", "133700000000000000"), ("pwdLastSet", "0")] {
        assert!(
            read_with(&[(attribute, Some(value))]).is_ok(),
            "{attribute}"
        );
    }
}

#[test]
fn a_name_has_four_forms() {
    let of = |name: &str| name.parse::<UserName>().unwrap();
    assert_eq!(of(" ada "), UserName::Account("ada".to_owned()));
    assert_eq!(
        of("ada@example.org"),
        UserName::Principal("ada@example.org".to_owned())
    );
    let (domain, account) = ("EXAMPLE".to_owned(), "ada".to_owned());
    assert_eq!(of(r"EXAMPLE\ada"), UserName::InDomain { domain, account });
    assert_eq!(
        of("S-1-5-21-1-2-3-4"),
        UserName::Sid("S-1-5-21-1-2-3-4".parse().unwrap())
    );
    assert!("".parse::<UserName>().is_err());
}

/// Active Directory finds "zoe" for "zoë".
#[test]
fn a_name_that_only_looks_alike_is_another_user() {
    let entry = Entry::of(
        "",
        &[
            ("sAMAccountName", b"zoe"),
            ("userPrincipalName", b"zoe@example.org"),
        ],
    );
    let is = |name: &str| is_named(&entry, &name.parse().unwrap());
    assert!(is("ZOE") && is("zoe@EXAMPLE.org"));
    assert!(!is("zoë") && !is("zoë@example.org") && !is("zo*"));
}
