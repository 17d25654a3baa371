//! Every provider that is known: its definition has no fault, its request is what `requests.txt` says
//! field by field, and each of its answers means what its documents say.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::{Value, json};
use textsender_plugin_api::{
    Sender, Verdict,
    testing::{FakeHost, Reply, Request, block_on, message},
};

use crate::{
    Http, check,
    definition::{Definition, Judgement},
    hosts, presets,
};

#[test]
fn definitions_have_no_fault() {
    for presets::Preset { id, source, .. } in presets::ALL {
        let definition = check::read(source).unwrap_or_else(|faults| panic!("{id}: {faults:?}"));
        assert!(definition.name.is_some(), "{id}: no name");
        assert!(
            definition
                .source
                .is_some_and(|it| it.starts_with("https://")),
            "{id}: no source"
        );
        assert!(
            definition.settings.values().all(|it| !it.help.is_empty()),
            "{id}: no help"
        );
    }
    assert!(presets::ALL.len() >= 25);
}

/// Each start of a process says which hosts it may talk to, without reading thirty definitions.
#[test]
fn the_hosts_in_the_table_are_those_of_the_definitions() {
    for preset in presets::ALL {
        let definition = preset.definition().unwrap();
        assert_eq!(hosts(&definition, |_| None), preset.hosts, "{}", preset.id);
    }
}

/// Those whose documents, or whose own client, show how a text is taken, refused, slowed down and lost.
#[test]
fn most_providers_have_all_four_answers_documented() {
    let kinds: [fn(Judgement) -> bool; 4] = [
        |it| it == Judgement::Accepted,
        is_refusal,
        |it| it == Judgement::Failed(Verdict::Throttled),
        |it| it == Judgement::Failed(Verdict::Unknown),
    ];
    let has_all = |definition: &Definition| {
        let examples = || definition.example.iter().map(|it| it.as_ref());
        let has = |is: &fn(Judgement) -> bool| {
            examples().any(|example| example.documented && is(example.verdict))
        };
        kinds.iter().all(has)
    };
    let documented = presets::definitions().filter(|(_, definition)| has_all(definition));
    let documented: Vec<_> = documented.map(|(id, _)| id).collect();
    assert!(documented.len() >= 15, "{documented:?}");
    for (id, definition) in presets::definitions() {
        let examples = definition.example.iter().map(|it| it.as_ref());
        let mut sources = examples.filter_map(|it| it.source.as_ref());
        assert!(sources.all(|it| it.starts_with("https://")), "{id}");
    }
}

fn is_refusal(verdict: Judgement) -> bool {
    !matches!(
        verdict,
        Judgement::Accepted | Judgement::Failed(Verdict::Throttled | Verdict::Unknown)
    )
}

#[test]
fn answers_mean_what_the_documents_say() {
    for (id, definition) in presets::definitions() {
        let kinds: Vec<_> = definition
            .example
            .iter()
            .map(|it| it.as_ref().verdict)
            .collect();
        let failed = |verdict| kinds.contains(&Judgement::Failed(verdict));
        assert!(kinds.contains(&Judgement::Accepted), "{id}");
        assert!(
            failed(Verdict::Throttled) && failed(Verdict::Unknown),
            "{id}"
        );
        assert!(kinds.iter().any(|it| is_refusal(*it)), "{id}");
        for example in definition.example.iter().map(|it| it.as_ref()) {
            let (host, http) = configured(id, &definition);
            answer_the_rest(&host);
            host.answer_with({
                let (status, body) = (example.status, example.body.clone());
                move |request| provider(request, status, &body)
            });
            let result = block_on(http.send(&message()));
            let shown = format!("{id}: {} {}: {result:?}", example.status, example.body);
            match (&result, example.verdict) {
                (Ok(receipt), Judgement::Accepted) => {
                    assert_eq!(receipt.provider_id, example.id, "{shown}")
                }
                (Err(error), Judgement::Failed(verdict)) => {
                    assert_eq!(error.verdict, verdict, "{shown}")
                }
                _ => panic!("{shown}"),
            }
            host.assert_no_secret_leaked(&result);
        }
    }
}

/// Whatever stands in for a provider, it is never taken for one that took the text.
#[test]
fn what_is_not_the_provider_accepts_nothing() {
    let replies = || {
        [200, 201, 202, 302, 400, 401, 403, 404, 429, 500, 503]
            .into_iter()
            .flat_map(|status| {
                [
                    Reply::html(status),
                    Reply::empty(status),
                    Reply::json(status, json!({})),
                    Reply::json(status, json!([])),
                ]
            })
    };
    for (id, definition) in presets::definitions() {
        for reply in replies() {
            let (host, http) = configured(id, &definition);
            let shown = format!("{id}: {reply:?}");
            host.answer_with(move |request| match request.delivers {
                true => reply.clone(),
                false => helper(request),
            });
            block_on(http.send(&message())).expect_err(&shown);
        }
    }
}

/// Each request field by field, as it was read in the provider's documents: `requests.txt` is written by
/// hand, and a definition that no longer renders it has to be held against the documents again.
#[test]
fn requests_are_as_documented() {
    let mut requests = String::new();
    for (id, definition) in presets::definitions() {
        let (host, http) = configured(id, &definition);
        host.answer_with(|request| provider(request, 500, ""));
        let _ = block_on(http.send(&message()));
        let request = host.requests().pop().unwrap();
        let _ = writeln!(
            requests,
            "{id}: {} {}",
            request.method.as_str(),
            request.url
        );
        for (name, value) in &request.headers {
            let _ = writeln!(requests, "  {name}: {value}");
        }
        for line in String::from_utf8_lossy(&request.body).lines() {
            let _ = writeln!(requests, "  {line}");
        }
        assert!(request.delivers, "{id}");
    }
    let documented = include_str!("requests.txt");
    for (documented, rendered) in documented.lines().zip(requests.lines()) {
        assert_eq!(documented, rendered);
    }
    assert_eq!(documented, requests);
}

/// The definition of the guide: checked, and asked to send.
#[test]
fn the_guides_definition_sends() {
    let guide = include_str!("../../../../docs/providers.md");
    let start = guide.find("name = \"Acme SMS\"").unwrap();
    let (definition, _) = guide[start..].split_once("```").unwrap();
    let host = FakeHost::new();
    let settings = json!({
        "definition": { "path": "acme.toml", "$content": definition },
        "from": "Helpdesk",
    });
    let http: Http = host.configure(settings, [("key", "k3y-of-acme")]).unwrap();
    assert_eq!(http.configured_info().hosts, ["api.acme.example"]);

    host.answer(Reply::json(200, json!({ "id": "a1" })));
    let receipt = block_on(http.send(&message())).unwrap();
    assert_eq!(receipt.provider_id.as_deref(), Some("a1"));
    let request = host.request();
    assert_eq!(request.url, "https://api.acme.example/v1/sms");
    assert_eq!(request.bearer_auth(), Some("k3y-of-acme"));
    let expected = json!({ "to": "+447700900123", "from": "Helpdesk", "text": message().text });
    assert_eq!(request.json(), expected);

    host.answer(Reply::json(400, json!({ "error": "bad_number" })));
    let error = block_on(http.send(&message())).unwrap_err();
    assert_eq!(error.verdict, Verdict::Rejected);
}

/// A GET that sends hands a message over, too: losing its answer leaves a doubt.
#[test]
fn a_get_that_sends_delivers() {
    let definition = r#"
        method = "GET"
        url = "https://api.acme.example/send"
        query = { to = "%number%", text = "%message%" }
        [[answer]]
        status = 200
        id = "/id"
        verdict = "accepted"
    "#;
    let host = FakeHost::new();
    let settings = json!({ "definition": { "path": "acme.toml", "$content": definition } });
    let http: Http = host.configure(settings, []).unwrap();
    host.answer(Reply::json(200, json!({ "id": "a1" })));
    block_on(http.send(&message())).unwrap();
    let request = host.request();
    assert!(request.delivers);
    assert_eq!(request.method.as_str(), "GET");
}

/// Settings and their faults: the key is named, and no value is shown.
#[test]
fn settings_are_held_against_the_definition() {
    let host = FakeHost::new();
    let fault = |settings: Value, secrets: Vec<(&'static str, &'static str)>| {
        let configured = host.configure::<Http>(settings, secrets);
        configured
            .err()
            .map(|error| error.to_string())
            .unwrap_or_default()
    };
    let elks = || json!({ "provider": "46elks", "username": "u1234", "from": "Helpdesk" });
    let with = |key: &str, value: Value| {
        let mut settings = elks();
        settings[key] = value;
        settings
    };
    let secret = || vec![("api_password", "not-a-real-secret")];
    assert_eq!(fault(elks(), secret()), "");
    let cases = [
        (fault(json!({}), vec![]), "provider: name one of"),
        (
            fault(json!({ "provider": "none" }), vec![]),
            "provider: no such provider",
        ),
        (fault(elks(), vec![]), "api_password: is missing"),
        (
            fault(with("form", json!("x")), secret()),
            "form: no such setting; there are api_password, from, username",
        ),
        (
            fault(with("from", json!(["x"])), secret()),
            "from: expected a text",
        ),
        (
            fault(with("api_password", json!("s3cr3t")), vec![]),
            "api_password: this is a secret",
        ),
        (
            fault(with("definition", json!("acme.toml")), secret()),
            "definition: give provider or definition",
        ),
        (
            fault(json!({ "definition": "acme.toml" }), vec![]),
            "definition: acme.toml was not read",
        ),
        (
            fault(
                json!({ "definition": { "path": "acme.toml", "$content": "\nurl = \"ftp://x\"" } }),
                vec![],
            ),
            "definition: line 2, column 7: an address begins with https://",
        ),
    ];
    for (fault, expected) in cases {
        assert!(fault.starts_with(expected), "{fault} is not {expected}");
        assert!(!fault.contains("s3cr3t"), "{fault}");
    }
}

/// A token is fetched once while it holds, and anew after a refusal.
#[test]
fn tokens_are_kept_while_they_hold() {
    let definition = presets::named("orange").unwrap();
    let (host, http) = configured("orange", &definition);
    let taken = definition.example[0].as_ref().body.clone();
    host.answer_with(move |request| provider(request, 201, &taken));
    block_on(http.send(&message())).unwrap();
    block_on(http.send(&message())).unwrap();
    assert_eq!(host.requests().len(), 3);
    host.answer(Reply::empty(401));
    block_on(http.send(&message())).unwrap_err();
    block_on(http.send(&message())).unwrap();
    assert_eq!(host.requests().len(), 6);
}

/// A token of the account's own is exchanged for one that holds for a while (RFC 7523).
#[test]
fn an_assertion_is_exchanged_for_a_token() {
    let definition = presets::named("ringcentral").unwrap();
    let (host, http) = configured("ringcentral", &definition);
    host.answer_with(|request| provider(request, 200, r#"{"id":1}"#));
    block_on(http.send(&message())).unwrap();
    let [exchange, text] = &host.requests()[..] else {
        panic!()
    };
    assert_eq!(exchange.path(), "/restapi/oauth/token");
    assert!(!exchange.delivers);
    let form: BTreeMap<_, _> = form_urlencoded::parse(&exchange.body)
        .into_owned()
        .collect();
    assert_eq!(
        form["grant_type"],
        "urn:ietf:params:oauth:grant-type:jwt-bearer"
    );
    assert!(form["assertion"].starts_with("c2VjcmV0LW9mjwt"));
    assert_eq!(exchange.basic_auth().unwrap().0, "AbCdEfGhIjKlMnOpQrStUv");
    assert_eq!(text.bearer_auth(), Some("t0k3n"));
}

/// A sender of this provider, with each setting's example or a value that fits.
fn configured(id: &str, definition: &Definition) -> (FakeHost, Http) {
    let mut settings = json!({ "provider": id });
    let mut secrets = BTreeMap::new();
    for (key, setting) in &definition.settings {
        // What a provider's own key may be made of; base64 for those that must be.
        let secret = format!("c2VjcmV0LW9m{}", key.replace('_', ""));
        match (setting.secret, &setting.example) {
            (true, _) => drop(secrets.insert(key.clone(), format!("{secret:A<32}"))),
            (false, Some(example)) => settings[key] = Value::from(example.as_str()),
            (false, None) => {}
        }
    }
    let host = FakeHost::new();
    let secrets = secrets
        .iter()
        .map(|(key, value)| (key.as_str(), value.as_str()));
    let http = host
        .configure(settings, secrets)
        .unwrap_or_else(|error| panic!("{id}: {error}"));
    (host, http)
}

fn answer_the_rest(host: &FakeHost) {
    host.answer_with(helper);
}

fn provider(request: &Request, status: u16, body: &str) -> Reply {
    match request.delivers {
        true => Reply::text(status, body),
        false => helper(request),
    }
}

/// What is asked beside a text: a token, the provider's clock.
fn helper(request: &Request) -> Reply {
    match request.path().ends_with("/time") {
        true => Reply::text(200, "1767225600"),
        false => Reply::json(
            200,
            json!({ "access_token": "t0k3n", "expires_in": "3600" }),
        ),
    }
}
