//! The grammar as tables, and what holds for any input.

use std::borrow::Cow;

use proptest::prelude::*;

use super::*;

/// Values for a test: pairs of placeholder and value.
struct Given<'a>(&'a [(Placeholder, &'a str)]);

impl Values for Given<'_> {
    fn value(&self, placeholder: Placeholder) -> Option<Cow<'_, str>> {
        let given = self.0.iter().find(|(name, _)| *name == placeholder);
        given.map(|(_, value)| Cow::from(*value))
    }
}

#[test]
fn renders() {
    let given = Given(&[
        (Placeholder::Code, "beK989vc"),
        (Placeholder::User, "%password%"),
        (Placeholder::Name, ""),
    ]);
    let cases = [
        ("", ""),
        ("no placeholder", "no placeholder"),
        ("%code%", "beK989vc"),
        ("%code%%code%", "beK989vcbeK989vc"),
        ("Code: %code%.", "Code: beK989vc."),
        ("100%% sure: %code%", "100% sure: beK989vc"),
        ("%%code%%", "%code%"),
        ("%%%code%%%", "%beK989vc%"),
        // An empty value is none, and a default may be empty.
        ("Hello %name|there%", "Hello there"),
        ("Hello%name|%!", "Hello!"),
        ("%name|%%code%", "beK989vc"),
        ("%code|none%", "beK989vc"),
        ("%name|a|b%", "a|b"),
        (
            "%minutes|ein paar%\u{a0}Min\u{fc}ten",
            "ein paar\u{a0}Min\u{fc}ten",
        ),
        // What is inserted is not read again.
        ("%user%", "%password%"),
    ];
    for (source, expected) in cases {
        let template = Template::parse(source).unwrap();
        assert_eq!(template.render(&given).unwrap(), expected, "{source}");
    }
}

#[test]
fn says_what_is_wrong_and_where() {
    let cases = [
        (
            "Code %cod%",
            "%cod%",
            "unknown placeholder `%cod%`; did you mean `%code%`?",
        ),
        (
            "%Code%",
            "%Code%",
            "unknown placeholder `%Code%`; did you mean `%code%`?",
        ),
        (
            "%otp%",
            "%otp%",
            "unknown placeholder `%otp%`; did you mean `%code%`?",
        ),
        (
            "%user-name%",
            "%user-name%",
            "unknown placeholder `%user-name%`; did you mean `%user%`?",
        ),
        (
            "%weather%",
            "%weather%",
            "unknown placeholder `%weather%`; there are `%code%`, `%password%`, `%user%`, `%name%`, `%minutes%`, `%message%`, `%phone%`, `%digits%`, `%national%`",
        ),
        (
            "ü %pasword|x%",
            "%pasword|x%",
            "unknown placeholder `%pasword%`; did you mean `%password%`?",
        ),
        (
            "Code %code",
            "%code",
            "unclosed `%code`; end a placeholder with `%`, or write `%%` for a percent sign",
        ),
        (
            "Hi %name|there",
            "%name",
            "unclosed `%name`; end a placeholder with `%`, or write `%%` for a percent sign",
        ),
        (
            "50% off, %code%",
            "%",
            "a `%` that begins no placeholder; write `%%` for a percent sign",
        ),
        (
            "%code%%",
            "%",
            "a `%` that begins no placeholder; write `%%` for a percent sign",
        ),
        (
            "% code %",
            "%",
            "a `%` that begins no placeholder; write `%%` for a percent sign",
        ),
        (
            "%",
            "%",
            "a `%` that begins no placeholder; write `%%` for a percent sign",
        ),
    ];
    for (source, blamed, message) in cases {
        let error = Template::parse(source).unwrap_err();
        assert_eq!(error.to_string(), message, "{source}");
        assert_eq!(&source[error.span()], blamed, "{source}");
    }
    assert_eq!(Template::parse("%code%%").unwrap_err().span(), 6..7);
}

#[test]
fn keeps_the_rules_of_its_place() {
    let rules = Rules {
        offered: Placeholders::of(&[Placeholder::Code, Placeholder::Name]),
        optional: Placeholders::of(&[Placeholder::Name]),
        mandatory: Placeholders::of(&[Placeholder::Code]),
    };
    let cases: [(&str, &[&str]); 5] = [
        ("%code% for %name|you%", &[]),
        (
            "%code% for %name%",
            &["`%name%` may have no value; give it a default, such as `%name|there%`"],
        ),
        (
            "%code% to %phone%",
            &["`%phone%` cannot be used here; use `%code%`, `%name%`"],
        ),
        (
            "nothing",
            &["`%code%` is missing; put it where the code should stand"],
        ),
        (
            "%name% %phone|x%",
            &[
                "`%name%` may have no value; give it a default, such as `%name|there%`",
                "`%phone%` cannot be used here; use `%code%`, `%name%`",
                "`%code%` is missing; put it where the code should stand",
            ],
        ),
    ];
    for (source, expected) in cases {
        let faults = Template::parse(source).unwrap().check(&rules);
        let messages: Vec<String> = faults.iter().map(ToString::to_string).collect();
        assert_eq!(messages, expected, "{source}");
    }
    let faults = Template::parse("%code% for %name%").unwrap().check(&rules);
    assert_eq!(faults[0].span(), 11..17);
}

#[test]
fn names_the_missing_value() {
    let template = Template::parse("%code% %minutes%").unwrap();
    let given = Given(&[(Placeholder::Code, "123456")]);
    let missing = template.render(&given).unwrap_err();
    assert_eq!(missing, MissingValue(Placeholder::Minutes));
    assert_eq!(
        missing.to_string(),
        "the message has no value for `%minutes%`, and the template no default (`%minutes|default%`)"
    );
}

#[test]
fn is_a_string_in_settings() {
    let template: Template = serde_json::from_str("\"##%message%##\"").unwrap();
    assert_eq!(
        serde_json::to_string(&template).unwrap(),
        "\"##%message%##\""
    );
    assert_eq!(format!("{template:?}"), "\"##%message%##\"");

    let error = serde_json::from_str::<Template>(r#""to %numer%""#).unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("unknown placeholder `%numer%`"),
        "{error}"
    );
    assert!(error.to_string().contains("(in `to %numer%`)"), "{error}");

    let schema = serde_json::to_value(schemars::schema_for!(Template)).unwrap();
    assert_eq!(schema["type"], "string");
    assert_eq!(schema["format"], "textsender-template");
}

#[test]
fn sets_are_lists_of_names() {
    let set = Placeholders::of(&[Placeholder::National, Placeholder::Code]);
    assert_eq!(
        serde_json::to_string(&set).unwrap(),
        r#"["code","national"]"#
    );
    assert_eq!(
        serde_json::from_str::<Placeholders>(r#"["national","code"]"#).unwrap(),
        set
    );
    assert!(serde_json::from_str::<Placeholders>(r#"["pin"]"#).is_err());
    assert_eq!(
        set - Placeholders::of(&[Placeholder::Code]),
        Placeholders::of(&[Placeholder::National])
    );
    assert_eq!(Placeholders::ALL.iter().count(), 10);
    for placeholder in Placeholder::ALL {
        assert_eq!(
            Template::from(placeholder),
            Template::parse(&placeholder.to_string()).unwrap()
        );
        assert_eq!(
            Template::from(placeholder).uses(),
            Placeholders::of(&[placeholder])
        );
    }
}

/// Sources made of the pieces that the grammar cares about, right and wrong.
fn sources() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        Just("%"),
        Just("|"),
        Just("code"),
        Just("%code%"),
        Just("%name|x%"),
        Just("%%"),
        Just(" "),
        Just("ü"),
        Just("\n")
    ];
    prop::collection::vec(pieces, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn never_panics_and_blames_a_part_of_the_source(source in prop_oneof![any::<String>(), sources()]) {
        match Template::parse(&source) {
            Ok(template) => {
                let spans: Vec<_> = template.placeholders().map(Slot::span).collect();
                prop_assert!(spans.windows(2).all(|pair| pair[0].end <= pair[1].start));
                prop_assert!(spans.iter().all(|span| source[span.clone()].starts_with('%')));
            }
            Err(error) => prop_assert!(!source[error.span()].is_empty()),
        }
    }

    /// Whatever the values hold, each stands in the text exactly once and as it came.
    #[test]
    fn inserted_text_is_never_read_again(
        value in prop_oneof![any::<String>(), sources()].prop_filter("not empty", |value| !value.is_empty()),
        other in sources().prop_filter("not empty", |value| !value.is_empty()),
    ) {
        let template = Template::parse("a%user%b%name%c%password|%d").unwrap();
        let values = [(Placeholder::User, value.as_str()), (Placeholder::Name, other.as_str())];
        prop_assert_eq!(template.render(&Given(&values)).unwrap(), format!("a{value}b{other}cd"));
    }

    /// Any text can be written as a template, by doubling its percent signs.
    #[test]
    fn doubled_percent_signs_are_the_text(text in prop_oneof![any::<String>(), sources()]) {
        let template = Template::parse(&text.replace('%', "%%")).unwrap();
        prop_assert_eq!(template.render(&Given(&[])).unwrap(), text);
    }
}
