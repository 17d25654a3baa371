//! Spellings of distinguished names: which are the same name, which are none.

use proptest::prelude::*;

use super::*;

fn dn(text: &str) -> Dn {
    Dn::parse(text).unwrap_or_else(|error| panic!("{text:?}: {error}"))
}

#[test]
fn spellings_of_one_name_are_equal() {
    let cases = [
        // Case, of types and of values, in any script.
        ("OU=Staff,DC=example", "ou=STAFF,dc=EXAMPLE"),
        ("CN=Ærøskøbing", "cn=ærØSKØBING"),
        ("CN=STRASSE", "cn=Straße"),
        ("CN=ΣΊΣΥΦΟΣ", "cn=σίσυφος"),
        ("CN=Łódź", "cn=łÓDŹ"),
        // Spaces around separators, at the ends and in the middle.
        ("OU=Staff,DC=example", "  OU = Staff , DC= example  "),
        ("OU=Sales  and   Service", "OU=Sales and Service"),
        ("OU=\\ Staff\\ ", "OU=Staff"),
        ("OU=A\u{a0}B", "OU=A B"),
        ("OU=A\u{3000}B\tC", "OU=A B C"),
        // Escapes.
        ("CN=Doe\\, John", "CN=Doe\\2C John"),
        ("CN=Doe\\2c\\20John", "CN=\"Doe, John\""),
        ("CN=L\\C3\\BCbeck", "CN=LÜBECK"),
        ("CN=\\#1", "CN=\\231"),
        ("CN=a\\+b\\;c\\<d\\>e\\\\f\\=g", "CN=\"a+b;c<d>e\\\\f=g\""),
        ("CN=say \\\"hi\\\"", "CN=\"say \\\"hi\\\"\""),
        // Values in BER: UTF8String, PrintableString, BMPString, UniversalString.
        ("CN=#0C024869", "CN=hi"),
        ("CN=#13024869", "CN=Hi"),
        ("CN=#1E0400480069", "CN=hi"),
        ("CN=#1C080000004800000069", "CN=hi"),
        ("CN=#0c81024869", "CN=hi"),
        ("1.2.3.4=#0402AbCd", "1.2.3.4=#0402abcd"),
        // Types by long name and by number.
        (
            "2.5.4.3=Ada,OID.2.5.4.11=Staff",
            "commonName=Ada,organizationalUnitName=Staff",
        ),
        ("0.9.2342.19200300.100.1.25=org", "DC=org"),
        ("ST=Kent", "stateOrProvinceName=Kent"),
        ("UID=ada", "userid=ada"),
        // The older separator, several parts in one name, one of them twice.
        ("OU=Staff;DC=example", "OU=Staff,DC=example"),
        ("CN=Ada+UID=al,DC=example", "uid=AL + cn=ada, dc=example"),
        ("CN=Ada+CN=ada", "CN=Ada"),
        // Compatibility forms, composed and decomposed letters, characters that are nothing.
        ("CN=ＡＤＡ", "CN=ada"),
        ("CN=e\u{301}te\u{301}", "CN=été"),
        ("CN=so\u{ad}ft", "CN=soft"),
        ("CN=", "CN=\\ "),
    ];
    for (left, right) in cases {
        assert_eq!(dn(left), dn(right), "{left} | {right}");
    }
}

#[test]
fn names_that_differ_stay_different() {
    let cases = [
        ("OU=Staff,DC=example", "OU=Staff,DC=example,DC=org"),
        ("OU=Staff", "CN=Staff"),
        ("CN=Doe\\,OU=x", "CN=Doe,OU=x"),
        ("CN=a\\+CN=b", "CN=a+CN=b"),
        ("CN=ab", "CN=a b"),
        ("CN=é", "CN=e"),
        ("CN=\\#0C024869", "CN=#0C024869"),
        ("CN=#0402abcd", "CN=\\#0402abcd"),
    ];
    for (left, right) in cases {
        assert_ne!(dn(left), dn(right), "{left} | {right}");
    }
}

#[test]
fn what_is_no_name_says_where_and_why() {
    let cases = [
        ("", "it is empty"),
        ("  ", "it is empty"),
        ("Staff", "character 1 should start a part such as OU=Staff"),
        (
            "OU=Staff,",
            "character 10 should start a part such as OU=Staff",
        ),
        (
            "OU=é,,DC=x",
            "character 6 should start a part such as OU=Staff",
        ),
        ("=x", "character 1 should start a part such as OU=Staff"),
        ("1..2=x", "character 1 should start a part such as OU=Staff"),
        ("O U=x", "character 1 should start a part such as OU=Staff"),
        (
            "CN=a\\",
            "the backslash at character 5 is not followed by two hex digits or a special character",
        ),
        (
            "CN=a\\é",
            "the backslash at character 5 is not followed by two hex digits or a special character",
        ),
        (
            "CN=#",
            "the # value at character 4 is not pairs of hex digits",
        ),
        (
            "CN=#0",
            "the # value at character 4 is not pairs of hex digits",
        ),
        (
            "CN=#0g",
            "the # value at character 4 is not pairs of hex digits",
        ),
        (
            "CN=\"a",
            "the quoted value at character 4 does not end where the part ends",
        ),
        (
            "CN=\"a\"b",
            "the quoted value at character 4 does not end where the part ends",
        ),
        ("CN=\\FF", "the value at character 4 is not UTF-8"),
        ("CN=a\0", "character 5 is a NUL; write it as \\00"),
    ];
    for (text, expected) in cases {
        assert_eq!(
            Dn::parse(text).unwrap_err().to_string(),
            expected,
            "{text:?}"
        );
    }
    let long = format!("CN={}", "a".repeat(MAX_BYTES));
    assert_eq!(Dn::parse(&long), Err(DnError::TooLong));
    let deep = vec!["DC=a"; MAX_DEPTH + 1].join(",");
    assert_eq!(Dn::parse(&deep), Err(DnError::TooLong));
}

#[test]
fn a_container_holds_itself_and_what_is_below_it() {
    let ada = dn("CN=Ada,OU=Staff,DC=example,DC=org");
    let cases = [
        ("dc=org", true),
        ("DC=Example, DC=Org", true),
        ("OU=staff,DC=example,DC=org", true),
        ("CN=Ada,OU=Staff,DC=example,DC=org", true),
        ("OU=Staff,DC=example", false),
        ("OU=taff,DC=example,DC=org", false),
        ("CN=Bob,CN=Ada,OU=Staff,DC=example,DC=org", false),
    ];
    for (container, expected) in cases {
        assert_eq!(ada.is_within(&dn(container)), expected, "{container}");
    }
    // A comma inside a value starts no container.
    assert!(!dn("CN=Ada\\,OU=Staff,DC=org").is_within(&dn("OU=Staff,DC=org")));
}

proptest! {
    #[test]
    fn parsing_never_panics_and_what_is_printed_parses_to_itself(
        text in r##"(([a-zA-Z]{1,3}|2\.5\.4\.[0-9]{1,2}) ?= ?[ -~\PC\\,+"#;]{0,12}[,+; ]){0,5}.{0,8}"##,
    ) {
        if let Ok(parsed) = Dn::parse(&text) {
            let printed = parsed.to_string();
            prop_assert_eq!(Dn::parse(&printed), Ok(parsed), "{}", printed);
        }
    }

    #[test]
    fn any_value_can_be_named_once_it_is_escaped(value in "\\PC{0,20}") {
        let hex: String = value.bytes().map(|byte| format!("\\{byte:02x}")).collect();
        let quoted = format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""));
        let name = dn(&format!("CN={hex},DC=org"));
        prop_assert_eq!(name.depth(), 2);
        prop_assert_eq!(dn(&format!("CN={quoted},DC=org")), name);
    }

    #[test]
    fn case_never_matters(value in "\\PC{0,20}") {
        let hex = |text: &str| -> String {
            text.bytes().map(|byte| format!("\\{byte:02x}")).collect()
        };
        // Only letters whose cases fold to one: a few upper-case forms are shared by two letters.
        let simple: String = value.chars().filter(|c| c.is_ascii() || ('\u{c0}'..'\u{130}').contains(c)).collect();
        let upper = dn(&format!("CN={}", hex(&simple.to_uppercase())));
        prop_assert_eq!(dn(&format!("cn={}", hex(&simple.to_lowercase()))), upper);
    }
}

#[test]
fn the_domain_is_the_run_of_dc_at_the_end() {
    let cases = [
        ("CN=Ada,OU=Staff,DC=example,DC=org", "dc=example,dc=org", 3),
        ("DC=example,DC=org", "dc=example,dc=org", 1),
        ("CN=Ada,DC=host,OU=DNS,DC=org", "dc=org", 4),
        ("CN=Ada,O=Acme", "", 2),
        ("CN=Ada\\,DC=x,DC=org", "dc=org", 2),
    ];
    for (name, domain, containers) in cases {
        let name = dn(name);
        assert_eq!(name.domain(), domain, "{name}");
        assert_eq!(name.containers().count(), containers, "{name}");
    }
}
