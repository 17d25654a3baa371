//! Whatever a message holds, a request keeps its structure; whatever is answered, one verdict comes of it.

use std::collections::BTreeMap;

use proptest::prelude::*;
use textsender_plugin_api::{HttpResponse, Message, testing::message};

use super::invariants::hold;
use crate::{
    answer::{Compiled, judge},
    check,
    definition::{Definition, Number},
    presets,
    render::{Composed, Values, compose},
};

fn definition(body: &str) -> Definition {
    let source = format!(
        r#"
        url = "https://api.acme.example/a/%name%/b"
        query = {{ q = "%name%" }}
        headers = {{ X-Name = "%name%", X-To = "%number%" }}
        {body}
        [[answer]]
        status = 200
        id = "/id"
        verdict = "accepted"
        "#
    );
    check::read(&source).unwrap()
}

fn composed(definition: &Definition, name: &str) -> Result<Composed, String> {
    let mut message: Message = message();
    message.name = Some(name.to_owned());
    message.text = format!("Hello {name}");
    let settings = BTreeMap::new();
    compose(
        definition,
        Values {
            settings: &settings,
            message: Some(&message),
            number: Number::E164,
            id: None,
        },
    )
}

/// What of a request no value may change, with every value taken out.
fn address_and_headers(request: &Composed, name: &str) {
    let rest = request
        .url
        .strip_prefix("https://api.acme.example/a/")
        .unwrap();
    let (path, query) = rest.split_once('?').unwrap();
    let segment = path.strip_suffix("/b").unwrap();
    assert!(
        !segment.contains(['/', '#', '?', ' ']) && segment != "." && segment != "..",
        "{}",
        request.url
    );
    let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes()).collect();
    assert_eq!(pairs, [("q".into(), name.into())]);
    assert_eq!(request.headers.len(), 2);
    let mut values = request.headers.iter().map(|(_, value)| value);
    assert!(values.all(|value| !value.contains(['\r', '\n'])));
}

proptest! {
    #[test]
    fn a_value_never_changes_the_structure(name in "\\PC{1,40}|[ -~]{1,20}|[\\x00-\\x20\"'<>&%{}\\[\\]\\\\=/?#.;:]{1,10}") {
        let json = definition(r#"json = { text = "%message%", list = ["%name%"] }"#);
        if let Ok(request) = composed(&json, &name) {
            address_and_headers(&request, &name);
            let body: serde_json::Value = serde_json::from_slice(&request.body.unwrap().1).unwrap();
            prop_assert_eq!(body, serde_json::json!({ "text": format!("Hello {name}"), "list": [name] }));
        }
        let form = definition(r#"form = { text = "%message%", other = "1" }"#);
        if let Ok(request) = composed(&form, &name) {
            let body = request.body.unwrap().1;
            let pairs: Vec<_> = form_urlencoded::parse(&body).collect();
            prop_assert_eq!(pairs, [("other".into(), "1".into()), ("text".into(), format!("Hello {name}").into())]);
        }
        let xml = definition(r#"xml = "<sms to='%name%'><text>%message%</text></sms>""#);
        if let Ok(request) = composed(&xml, &name) {
            let body = String::from_utf8(request.body.unwrap().1).unwrap();
            prop_assert_eq!(body.matches('<').count(), 4);
            prop_assert_eq!(body.matches('>').count(), 4);
            prop_assert_eq!(body.matches('\'').count(), 2);
            prop_assert!(body.split('&').skip(1).all(|it| ["amp;", "lt;", "gt;", "quot;", "apos;", "#9;", "#10;", "#13;"].iter().any(|known| it.starts_with(known))));
        }
    }

    #[test]
    fn every_answer_ends_in_one_verdict(status in 100u16..600, body in "\\PC{0,200}|\\{\"[a-z]{1,8}\":[0-9\"\\[\\]{}a-z,]{0,40}\\}") {
        let answer = HttpResponse { status, headers: Vec::new(), body: body.into_bytes() };
        for (id, definition) in presets::definitions() {
            let rules: Vec<_> = definition.answer.iter().map(|it| Compiled::new(it.as_ref()).unwrap()).collect();
            let judged = judge(&rules, &answer);
            // Nothing made up has a provider's id in its place, and sipgate's 204 is all that it says.
            prop_assert!(judged.is_err() || (id == "sipgate" && status == 204) || answer.body.windows(4).any(|it| it == b"\"id\""), "{} {:?}", id, answer.status);
            // Without rules nothing is ever accepted.
            prop_assert!(judge(&[], &answer).is_err());
        }
    }

    /// What the fuzzer asks of every definition and answer, asked of broken definitions of known providers.
    #[test]
    fn a_broken_definition_has_faults_in_itself(
        preset in 0..presets::ALL.len(),
        (at, len) in (0usize..2000, 0usize..40),
        inserted in "[ -~]{0,12}|\\PC{0,4}|[\"'=\\[\\]{}%\n]{0,6}",
        status in 100u16..600,
    ) {
        let mut source = presets::ALL[preset].source.to_owned();
        let floor = |at: usize| (0..=at.min(source.len())).rev().find(|at| source.is_char_boundary(*at));
        let (start, end) = (floor(at).unwrap(), floor(at + len).unwrap());
        source.replace_range(start..end, &inserted);
        let bodies = presets::ALL[preset].definition().unwrap().example.into_iter();
        for body in bodies.map(|example| example.into_inner().body) {
            hold(&source, status, body.as_bytes());
        }
    }
}
