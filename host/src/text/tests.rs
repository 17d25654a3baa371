//! Texts as policies have them, from configuration to what is sent.

use std::borrow::Cow;
use std::time::Duration;

use proptest::prelude::*;

use super::*;

const CODE: TextValues<'static> = TextValues {
    code: Some("beK989vc"),
    password: None,
    user: Some("ada"),
    name: Some("Ada L."),
    message: None,
    expires_in: Some(Duration::from_secs(600)),
};

fn translations(texts: &[(&str, &str)]) -> BTreeMap<String, String> {
    let texts = texts.iter();
    texts
        .map(|(tag, text)| (tag.to_string(), text.to_string()))
        .collect()
}

/// The texts of a verification code with nothing but a text.
fn texts(text: &str) -> Texts {
    let none = BTreeMap::new();
    Texts::compile(&TextSource::new(Purpose::VerificationCode, text, &none)).unwrap()
}

#[test]
fn writes_the_users_text() {
    let cases = [
        (
            "Please enter this verification code: %code%",
            "Please enter this verification code: beK989vc",
        ),
        (
            "%name|you%, %code% (%minutes|10% min)",
            "Ada L., beK989vc (10 min)",
        ),
        ("%user|you%: %code%, 100%%", "ada: beK989vc, 100%"),
    ];
    for (text, expected) in cases {
        assert_eq!(texts(text).render(None, &CODE).unwrap().text, expected);
    }
    let bare = TextValues {
        code: Some("123456"),
        ..TextValues::default()
    };
    let text = texts("%name|there%: %code%, %minutes|a few% minutes");
    assert_eq!(
        text.render(None, &bare).unwrap().text,
        "there: 123456, a few minutes"
    );
}

#[test]
fn chooses_the_language_and_says_why() {
    let translations = translations(&[("cy", "Cod: %code%"), ("de-CH", "Code (CH): %code%")]);
    let texts = Texts::compile(&TextSource::new(
        Purpose::VerificationCode,
        "Code: %code%",
        &translations,
    ))
    .unwrap();
    let cases = [
        (
            Some("cy-GB"),
            "Cod: beK989vc",
            Some("cy"),
            LocaleReason::Language,
        ),
        (
            Some("de-ch"),
            "Code (CH): beK989vc",
            Some("de-CH"),
            LocaleReason::Exact,
        ),
        (
            Some("de"),
            "Code: beK989vc",
            None,
            LocaleReason::NoTranslation,
        ),
        (None, "Code: beK989vc", None, LocaleReason::NoLocale),
    ];
    for (locale, text, tag, reason) in cases {
        let rendered = texts.render(locale, &CODE).unwrap();
        assert_eq!(
            (
                rendered.text.as_str(),
                rendered.locale.as_deref(),
                rendered.reason
            ),
            (text, tag, reason)
        );
    }
}

#[test]
fn finds_all_faults_at_once_and_points_at_them() {
    let translations = translations(&[
        ("cy", "Cod: %cod%"),
        ("CY", "Cod: %code%"),
        ("de", "Kennwort: %password%"),
        ("english_gb", "Code %code% for %name%"),
    ]);
    let source = TextSource {
        origin: Some("https://reset.example.com"),
        ..TextSource::new(Purpose::VerificationCode, "no placeholder", &translations)
    };
    let faults = Texts::compile(&source).unwrap_err();
    let found: Vec<_> = faults
        .iter()
        .map(|f| (f.key(), f.span(), f.to_string()))
        .collect();
    let translation = |tag: &str| Key::Translation(tag.to_owned());
    let expected = [
        (
            Key::Origin,
            None,
            "`https://reset.example.com` is not a host name such as `reset.example.com`; leave the `https://` out",
        ),
        (
            translation("cy"),
            None,
            "`cy` and `CY` are the same language tag; keep one",
        ),
        (
            translation("english_gb"),
            None,
            "`english_gb` is not a language tag; write it as `cy` or `en-GB`",
        ),
        (
            Key::Text,
            Some(0..14),
            "`%code%` is missing; put it where the code should stand",
        ),
        (
            translation("cy"),
            Some(5..10),
            "unknown placeholder `%cod%`; did you mean `%code%`?",
        ),
        (
            translation("de"),
            Some(10..20),
            "`%password%` cannot be used here; use `%code%`, `%user%`, `%name%`, `%minutes%`",
        ),
        (
            translation("de"),
            Some(0..20),
            "`%code%` is missing; put it where the code should stand",
        ),
        (
            translation("english_gb"),
            Some(16..22),
            "`%name%` may have no value; give it a default, such as `%name|there%`",
        ),
    ];
    let expected = expected.map(|(key, span, message)| (key, span, message.to_owned()));
    assert_eq!(found, expected);
}

#[test]
fn a_password_text_holds_a_password() {
    let none = BTreeMap::new();
    let source = TextSource::new(
        Purpose::NewPassword,
        "Your new password is %password%",
        &none,
    );
    let values = TextValues {
        password: Some("“x” %code%"),
        ..TextValues::default()
    };
    let rendered = Texts::compile(&source)
        .unwrap()
        .render(None, &values)
        .unwrap()
        .text;
    assert_eq!(rendered, "Your new password is “x” %code%");

    let bound = TextSource {
        origin: Some("reset.example.com"),
        ..source
    };
    assert_eq!(
        Texts::compile(&bound).unwrap_err(),
        [TextFault::OriginWithoutCode]
    );
    for purpose in [
        Purpose::VerificationCode,
        Purpose::HelpdeskCode,
        Purpose::Test,
    ] {
        assert!(Texts::compile(&TextSource { purpose, ..source }).is_err());
    }
}

#[test]
fn binds_the_code_to_its_origin() {
    let none = BTreeMap::new();
    let source = TextSource {
        origin: Some("Reset.example.com"),
        ..TextSource::new(Purpose::VerificationCode, "%code% is your code", &none)
    };
    let texts = Texts::compile(&source).unwrap();
    let rendered = texts.render(None, &CODE).unwrap();
    assert_eq!(
        rendered.text,
        "beK989vc is your code\n@reset.example.com #beK989vc"
    );
    assert!(rendered.origin_bound);

    let unfit = TextValues {
        code: Some("12#45"),
        ..CODE
    };
    let rendered = texts.render(None, &unfit).unwrap();
    assert_eq!(rendered.text, "12#45 is your code");
    assert!(!rendered.origin_bound);
}

#[test]
fn folds_only_where_it_saves() {
    let none = BTreeMap::new();
    let fold = |text| {
        let source = TextSource {
            fold: true,
            ..TextSource::new(Purpose::VerificationCode, text, &none)
        };
        Texts::compile(&source).unwrap()
    };
    let cases = [
        // Template, name, text, replaced.
        (
            "“%code%” – %name|it’s you%",
            "D’Arcy",
            "\"beK989vc\" - D'Arcy",
            "“”–’",
        ),
        ("%code% %name|it’s you%", "", "beK989vc it's you", "’"),
        ("%code% %name|you%", "D’Arcy", "beK989vc D'Arcy", "’"),
        // Nothing is gained: the template or the name is in another script.
        ("«%code%» — ваш код", "D’Arcy", "«beK989vc» — ваш код", ""),
        ("“%code%” %name|you%", "Ольга", "“beK989vc” Ольга", ""),
        // A name that is not put in is not reported.
        ("“%code%”", "D’Arcy", "\"beK989vc\"", "“”"),
    ];
    for (text, name, expected, replaced) in cases {
        let texts = fold(text);
        let values = TextValues {
            name: Some(name),
            ..CODE
        };
        let rendered = texts.render(None, &values).unwrap();
        let changes: String = rendered.folded.iter().map(|change| change.from).collect();
        assert_eq!(
            (rendered.text.as_str(), changes.as_str()),
            (expected, replaced),
            "{text}"
        );
    }

    let texts = fold("“%code%”");
    let code = TextValues {
        code: Some("a’b"),
        ..CODE
    };
    assert_eq!(
        texts.render(None, &code).unwrap().text,
        "“a’b”",
        "a code is as it came"
    );
}

#[test]
fn names_give_way_to_max_segments() {
    let none = BTreeMap::new();
    let padding = "x".repeat(100);
    let text = format!("{padding} %code% %name|there%");
    let source = TextSource {
        max_segments: Some(1),
        ..TextSource::new(Purpose::VerificationCode, &text, &none)
    };
    let texts = Texts::compile(&source).unwrap();
    assert_eq!(texts.check(), []);
    let cases = [
        ("Ada", "Ada", Names::Given),
        ("Łukasz", "Lukasz", Names::Gsm),
        ("Ольга", "there", Names::Gsm),
    ];
    for (name, written, names) in cases {
        let values = TextValues {
            name: Some(name),
            ..CODE
        };
        let rendered = texts.render(None, &values).unwrap();
        assert_eq!(rendered.text, format!("{padding} beK989vc {written}"));
        assert_eq!((rendered.names, rendered.segments.count), (names, 1));
    }

    // A code longer than `code_length` takes the room of the name.
    let code = "9".repeat(30);
    let name = "x".repeat(40);
    let values = TextValues {
        code: Some(&code),
        name: Some(&name),
        ..CODE
    };
    let rendered = texts.render(None, &values).unwrap();
    assert_eq!(rendered.text, format!("{padding} {code} there"));
    assert_eq!(rendered.names, Names::LeftOut);

    let long = "9".repeat(64);
    let values = TextValues {
        code: Some(&long),
        ..CODE
    };
    let error = texts.render(None, &values).unwrap_err();
    assert_eq!(
        error,
        RenderError::TooLong {
            segments: 2,
            max: 1
        }
    );
}

#[test]
fn check_reckons_with_the_longest() {
    let translations = translations(&[(
        "cy",
        "Rhowch y cod ŵŷ hwn: %code% a rhywbeth hir iawn iawn iawn iawn iawn iawn",
    )]);
    let text = "x".repeat(112) + "%code%%name|there%";
    let source = TextSource {
        max_segments: Some(1),
        ..TextSource::new(Purpose::VerificationCode, &text, &translations)
    };
    let texts = Texts::compile(&source).unwrap();
    let faults = texts.check();
    assert_eq!(
        faults.len(),
        1,
        "112 and a code of 8 and a name of 40 are 160"
    );
    assert_eq!(faults[0].key(), Key::Translation("cy".to_owned()));
    assert_eq!(
        faults[0].to_string(),
        "with a code of 8 characters and names of 40 this text takes 2 segments (74 UTF-16 units), but `max_segments` is 1; costly characters: `ŵ` `ŷ`; shorten it, replace those characters, or raise `max_segments`"
    );

    let longer = Texts::compile(&TextSource {
        code_length: 9,
        ..source
    })
    .unwrap();
    assert_eq!(longer.check()[0].key(), Key::Text);
    let bound = Texts::compile(&TextSource {
        origin: Some("a.example"),
        ..source
    })
    .unwrap();
    assert_eq!(bound.check()[0].key(), Key::Text);
    let free = Texts::compile(&TextSource {
        max_segments: None,
        ..source
    })
    .unwrap();
    assert_eq!(free.check(), []);
}

/// A default may cost more than any value: its length or its characters.
#[test]
fn check_reckons_with_defaults() {
    let none = BTreeMap::new();
    let longest = |text| {
        let source = TextSource::new(Purpose::VerificationCode, text, &none);
        Texts::compile(&source).unwrap().longest()[0].segments.units
    };
    assert_eq!(longest("%code%"), 8);
    assert_eq!(longest("%code%%name|x%%minutes|x%"), 8 + 40 + 3);
    assert_eq!(longest("%code%%name|x%%minutes|a few%"), 8 + 40 + 5);
}

#[test]
fn says_what_the_texts_use() {
    let translations = translations(&[("cy", "%code% %minutes|x%")]);
    let source = TextSource::new(Purpose::Test, "%code% %user|x%", &translations);
    let uses = Texts::compile(&source).unwrap().uses();
    assert_eq!(
        uses,
        Placeholders::of(&[Placeholder::Code, Placeholder::User, Placeholder::Minutes])
    );
}

#[test]
fn debug_hides_the_text() {
    let texts = texts("code %code%");
    let rendered = texts.render(None, &CODE).unwrap();
    assert!(!format!("{rendered:?}").contains("beK989vc"));
}

#[test]
fn without_its_code_there_is_no_text() {
    let none = TextValues { code: None, ..CODE };
    let error = texts("%code%").render(None, &none).unwrap_err();
    assert!(matches!(error, RenderError::Missing(missing) if missing.0 == Placeholder::Code));
}

proptest! {
    /// Whatever a user is called, the code stands where the text has it, and nothing else is filled in.
    #[test]
    fn a_value_is_never_read_as_a_template(
        name in "(%code%|%password%|%name\\|x%|%%|%|[a-z ’Ł]){1,8}",
        fold in any::<bool>(),
        max_segments in prop_oneof![Just(None), Just(Some(1))],
    ) {
        let none = BTreeMap::new();
        let source = TextSource { fold, max_segments, ..TextSource::new(Purpose::VerificationCode, "<%code%>%name|there%", &none) };
        let values = TextValues { name: Some(&name), ..CODE };
        let texts = Texts::compile(&source).unwrap();
        let rendered = texts.render(None, &values).unwrap();
        let inserted = rendered.text.strip_prefix("<beK989vc>").unwrap();
        let clean = user_value(&name);
        let expected = match inserted {
            _ if clean.is_empty() => Cow::from("there"),
            _ if rendered.folded.is_empty() => clean,
            _ => Cow::from(fold::look_alikes(&clean).text.into_owned()),
        };
        prop_assert_eq!(inserted, expected);
    }

    #[test]
    fn compiling_never_panics(text in any::<String>(), tag in any::<String>(), origin in any::<String>(), fold in any::<bool>()) {
        let translations = BTreeMap::from([(tag, text.clone())]);
        let source = TextSource { fold, origin: Some(&origin), max_segments: Some(1), ..TextSource::new(Purpose::Test, &text, &translations) };
        if let Err(faults) = Texts::compile(&source) {
            for fault in faults {
                let in_text = fault.span().is_none_or(|span| text.get(span).is_some());
                prop_assert!(in_text && !fault.to_string().is_empty());
            }
        }
    }
}

#[test]
fn a_code_of_several_groups_keeps_its_order_in_text_from_right_to_left() {
    let none = BTreeMap::new();
    let cases = [
        (
            "رمز التحقق: %code%",
            "123-456",
            "رمز التحقق: \u{2068}123-456\u{2069}",
        ),
        ("הקוד: %code%", "123 456", "הקוד: \u{2068}123 456\u{2069}"),
        ("הקוד: %code%", "123456", "הקוד: 123456"),
        ("Your code: %code%", "123-456", "Your code: 123-456"),
        ("Ваш код: %code%", "123-456", "Ваш код: 123-456"),
    ];
    for (text, code, shown) in cases {
        let texts = Texts::compile(&TextSource::new(Purpose::Test, text, &none)).unwrap();
        let values = TextValues {
            code: Some(code),
            ..TextValues::default()
        };
        assert_eq!(texts.render(None, &values).unwrap().text, shown);
    }
}

#[test]
fn a_password_keeps_its_order_too() {
    let none = BTreeMap::new();
    let source = TextSource::new(Purpose::NewPassword, "הסיסמה: %password%", &none);
    let texts = Texts::compile(&source).unwrap();
    for (password, shown) in [
        ("Ab-7!", "הסיסמה: \u{2068}Ab-7!\u{2069}"),
        ("Ab7", "הסיסמה: Ab7"),
    ] {
        let values = TextValues {
            password: Some(password),
            ..TextValues::default()
        };
        assert_eq!(texts.render(None, &values).unwrap().text, shown);
    }
}

#[test]
fn a_name_from_right_to_left_does_not_turn_the_code() {
    let none = BTreeMap::new();
    let texts =
        Texts::compile(&TextSource::new(Purpose::Test, "%name|Hi%: %code%", &none)).unwrap();
    for (name, shown) in [
        ("أحمد", "أحمد: \u{2068}123-456\u{2069}"),
        ("דוד", "דוד: \u{2068}123-456\u{2069}"),
        ("Ada", "Ada: 123-456"),
        ("Ольга", "Ольга: 123-456"),
    ] {
        let values = TextValues {
            code: Some("123-456"),
            name: Some(name),
            ..TextValues::default()
        };
        assert_eq!(texts.render(None, &values).unwrap().text, shown);
    }
}
