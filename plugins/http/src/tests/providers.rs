//! Every provider that is known: its definition has no fault, its request is what `requests.txt` says
//! field by field, and each of its answers means what its documents say.

use std::{collections::BTreeMap, fmt::Write as _, path::Path};

use serde_json::{Value, json};
use textsender_plugin_api::{
    Sender,
    testing::{FakeHost, Reply, Request, block_on, message},
};

use crate::{
    Http, check,
    definition::{Definition, Judgement},
    presets,
};

/// Set to take the requests as they are now: then read the difference.
const BLESS: &str = "TEXTSENDER_BLESS";

#[test]
fn definitions_have_no_fault() {
    for (id, source) in presets::ALL {
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

#[test]
fn answers_mean_what_the_documents_say() {
    for (id, definition) in presets::definitions() {
        let kinds: Vec<_> = definition.example.iter().map(|it| it.verdict).collect();
        let is_refusal = |it: &Judgement| {
            !matches!(
                it,
                Judgement::Accepted | Judgement::Throttled | Judgement::Unknown
            )
        };
        assert!(
            kinds.contains(&Judgement::Accepted) && kinds.contains(&Judgement::Throttled),
            "{id}"
        );
        assert!(
            kinds.contains(&Judgement::Unknown) && kinds.iter().any(is_refusal),
            "{id}"
        );
        for example in &definition.example {
            let (host, http) = configured(id, &definition);
            answer_the_rest(&host);
            host.answer_with({
                let (status, body) = (example.status, example.body.clone());
                move |request| provider(request, status, &body)
            });
            let result = block_on(http.send(&message()));
            let shown = format!("{id}: {} {}: {result:?}", example.status, example.body);
            match (&result, example.verdict.failure()) {
                (Ok(receipt), None) => assert_eq!(receipt.provider_id, example.id, "{shown}"),
                (Err(error), Some((verdict, _))) => assert_eq!(error.verdict, verdict, "{shown}"),
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

#[test]
fn requests_are_what_they_were() {
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
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/requests.txt");
    if std::env::var_os(BLESS).is_some() {
        std::fs::write(&golden, &requests).unwrap();
    }
    let expected = std::fs::read_to_string(golden).unwrap();
    assert_eq!(
        expected, requests,
        "accept it with {BLESS}=1, and read the difference"
    );
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
