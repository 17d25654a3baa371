use super::*;
use crate::config::{Fault, Reading, Sources};

fn read(text: &str) -> (BTreeMap<String, Caller>, Vec<Fault>) {
    let reading = Reading::of(Sources::from_text("/etc/textsender/textsender.toml", text));
    (reading.config.callers, reading.faults)
}

#[track_caller]
fn shape(text: &str) -> Shape {
    let (mut callers, faults) = read(text);
    assert!(faults.is_empty(), "{faults:?}");
    callers.remove("idp").unwrap().shape.unwrap()
}

#[test]
fn each_product_fills_all_of_it() {
    for name in products::NAMES {
        let shape = shape(&format!("[callers.idp]\nproduct = {name:?}"));
        assert!(!shape.reveal, "{name}");
        assert!(!shape.fields.phone.is_empty(), "{name}");
        let has_id = !shape.fields.id.is_empty() || shape.ids == Ids::Content;
        assert!(has_id, "{name}: a repeat would be sent twice");
    }
}

#[test]
fn each_product_says_where_its_bodies_come_from() {
    for name in products::NAMES {
        let text = products::text(name).unwrap();
        let head: Vec<_> = text
            .lines()
            .take_while(|line| line.starts_with('#'))
            .collect();
        assert!(head.iter().any(|line| line.contains("Made by")), "{name}");
    }
}

#[test]
fn keys_take_the_place_of_the_products_one_by_one() {
    let shape = shape(
        "[callers.idp]\nproduct = \"kratos\"\ntimeout = \"3s\"\nreveal = true\nfields.phone = \"/to\"",
    );
    assert_eq!(shape.timeout, Duration::from_secs(3));
    assert!(shape.reveal);
    assert_eq!(shape.fields.phone, [Field::Pointer("/to".to_owned())]);
    assert_eq!(shape.fields.code.len(), 4);
    assert_eq!(shape.ids, Ids::Content);
}

#[test]
fn a_caller_without_a_product_says_where_things_are() {
    let shape = shape(
        "[callers.idp]\nid = \"content\"\nevent = \"reset\"\n\
         [callers.idp.fields]\nphone = \"to\"\ncode = [\"/a~1b\", \"code\"]\nuser.name = \"/user\"\n\
         [callers.idp.answer]\ngood = \"OK\"",
    );
    let code = [
        Field::Pointer("/a~1b".to_owned()),
        Field::Name("code".to_owned()),
    ];
    assert_eq!(shape.fields.code, code);
    assert_eq!(shape.fields.user_name, [Field::Pointer("/user".to_owned())]);
    assert_eq!((shape.good.as_str(), shape.bad), ("OK", None));
    assert_eq!(shape.event, Some(Event::Reset));
    assert_eq!(shape.timeout, TIMEOUT);
}

#[test]
fn without_product_and_fields_it_has_no_shape() {
    let (callers, faults) = read("[callers.portal]");
    assert!(faults.is_empty(), "{faults:?}");
    assert!(callers["portal"].shape.is_none());
}

#[test]
fn what_cannot_be_read_is_not_said_to_be_missing_too() {
    let sections = [
        "fields = { phone = 5, code = \"c\" }",
        "fields = { phone = [], code = \"c\" }",
        "fields = { phone = \"/to\", code = \"/a~2\" }",
        "fields = { phone = \"p\", text = \"t\" }\ncode_pattern = '[0-9]+'",
    ];
    for section in sections {
        let (_, faults) = read(&format!("[callers.a]\n{section}"));
        assert_eq!(faults.len(), 1, "{section}: {faults:?}");
    }
}

#[test]
fn each_fault_has_its_line_and_says_what_to_do() {
    let fields = "fields = { phone = \"/to\", code = \"/code\" }";
    let cases = [
        (
            "product = \"kratoss\"".to_owned(),
            2,
            "product",
            "did you mean \"kratos\"?",
        ),
        (
            "fields = { code = \"/code\" }".to_owned(),
            1,
            "fields.phone",
            "is missing",
        ),
        (
            "fields = { phone = \"/to\" }".to_owned(),
            1,
            "fields.code",
            "is missing",
        ),
        (
            "fields = { phone = \"/to~2\", code = \"c\" }".to_owned(),
            2,
            "phone",
            "JSON pointer",
        ),
        (
            "fields = { phone = \"/to\", text = \"/t\" }".to_owned(),
            1,
            "code_pattern",
            "is missing",
        ),
        (
            format!("{fields}\ncode_pattern = '([0-9]+)'"),
            1,
            "code_pattern",
            "no text",
        ),
        (
            format!("{fields}\ncode_pattern = '[0-9]+'"),
            3,
            "code_pattern",
            "one group",
        ),
        (
            format!("{fields}\ncode_pattern = '([0-9]+'"),
            3,
            "code_pattern",
            "regular expression",
        ),
        (
            format!("{fields}\nid = \"body\""),
            3,
            "id",
            "choose one of content",
        ),
        (
            format!("{fields}\npurpose = \"new_password\""),
            3,
            "purpose",
            "choose one of",
        ),
        (
            format!("{fields}\nsignature = \"hmac\""),
            3,
            "signature",
            "standard-webhooks",
        ),
        (
            format!("{fields}\ntimeout = \"soon\""),
            3,
            "timeout",
            "length of time",
        ),
        (
            format!("{fields}\nreveals = true"),
            3,
            "reveals",
            "did you mean \"reveal\"?",
        ),
        (
            format!("{fields}\nanswer = {{ god = \"\" }}"),
            3,
            "answer.god",
            "good",
        ),
    ];
    for (keys, line, key, words) in cases {
        let (_, faults) = read(&format!("[callers.idp]\n{keys}"));
        let said = |fault: &Fault| {
            let shown = fault.to_string();
            fault.line == line && shown.contains(key) && shown.contains(words)
        };
        assert!(faults.iter().any(said), "{keys}: {faults:#?}");
    }
}

#[test]
fn names_are_those_of_stored_secrets() {
    let (_, faults) = read("[callers.\"a b\"]\nproduct = \"kratos\"");
    assert!(
        faults[0].message.contains("not a caller's name"),
        "{faults:?}"
    );
}

#[test]
fn a_group_that_fits_an_empty_text_is_no_code() {
    let told = |pattern: &str| {
        let text = format!(
            "[callers.idp]\nfields = {{ phone = \"p\", text = \"t\" }}\ncode_pattern = '{pattern}'"
        );
        let reading = Reading::of(Sources::from_text("/etc/textsender/textsender.toml", text));
        assert!(reading.faults.is_empty(), "{pattern}: {:?}", reading.faults);
        let told = reading.config.for_check.iter();
        told.map(|fault| (fault.line, fault.key.clone()))
            .collect::<Vec<_>>()
    };
    let here = [(3, "callers.idp.code_pattern".to_owned())];
    for pattern in [
        "()",
        "code is ([0-9]*)",
        "(?:code|pin) ([0-9]{0,8})",
        "code (?P<code>[a-z]?)!",
        "[(] (a|)",
        r"\( (\b)",
        "((?:[0-9])*)",
    ] {
        assert_eq!(told(pattern), here, "{pattern}");
    }
    for pattern in [
        "([0-9]{4,8})",
        "code is ([0-9A-Za-z]{4,64})",
        "(?i)pin: (?<pin>(?:[0-9]-?){6})",
        "[(]([0-9]+)[)]",
    ] {
        assert_eq!(told(pattern), [], "{pattern}");
    }
}
