//! The bodies of other products, as their own sources make them, and the answers that these expect.

use std::collections::BTreeSet;
use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::hmac;
use serde_json::Value;
use textsender_tests::harness::{Test, each};

use super::http::{Answer, Hub, TOKEN, ask_over_tcp};

/// The file of each product.
const PRODUCTS: [(&str, &str); 9] = [
    ("authentik", include_str!("products/authentik.json")),
    ("keycloak-mfa", include_str!("products/keycloak-mfa.json")),
    ("kratos", include_str!("products/kratos.json")),
    ("lemonldap-ng", include_str!("products/lemonldap-ng.json")),
    ("logto", include_str!("products/logto.json")),
    ("privacyidea", include_str!("products/privacyidea.json")),
    ("pwm", include_str!("products/pwm.json")),
    ("supabase", include_str!("products/supabase.json")),
    ("zitadel", include_str!("products/zitadel.json")),
];

/// The key of Standard Webhooks within the secret `whsec_...`.
const KEY: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

#[test]
fn each_product_is_understood_and_gets_the_answer_that_it_expects() {
    each(PRODUCTS, |(product, file)| {
        let file: Value = serde_json::from_str(file).unwrap();
        let cases = file["cases"].as_array().unwrap();
        let sections: BTreeSet<&str> = cases.iter().map(section).collect();
        for of in sections {
            let (hub, address) = hub(product, of, cases);
            let mut texts = 0;
            for case in cases.iter().filter(|case| section(case) == of) {
                texts = played(&hub, address, product, (&file["accepts"], case), texts);
            }
            hub.end().texts(texts);
        }
    });
}

#[test]
fn there_are_bodies_of_each_product() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../host/src/config/callers/products");
    let files = fs::read_dir(folder).unwrap();
    let presets: BTreeSet<String> = files
        .map(|file| file.unwrap().path())
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
        .collect();
    let shown = PRODUCTS.map(|(product, _)| product.to_owned());
    assert_eq!(presets, BTreeSet::from(shown));
    for (product, file) in PRODUCTS {
        let file: Value = serde_json::from_str(file).unwrap();
        let cases = file["cases"].as_array().unwrap();
        let has = |good: bool| cases.iter().any(|case| (case["status"] == 200) == good);
        assert!(has(true) && has(false), "{product}: good and bad ones");
        assert!(file["made_by"].as_str().unwrap().contains('/'), "{product}");
    }
}

fn section(case: &Value) -> &str {
    case["section"].as_str().unwrap_or_default()
}

/// A hub for this product; no code of its cases may be shown.
fn hub(product: &str, section: &str, cases: &[Value]) -> (Hub, SocketAddr) {
    let config = format!("[callers.{product}]\nproduct = \"{product}\"\n{section}");
    let secret = match product {
        "supabase" => format!("v1,whsec_{}", BASE64_STANDARD.encode(KEY)),
        _ => KEY.to_owned(),
    };
    let test = Test::new().config(&config);
    let mut test = test.secret(&format!("serve.{product}"), &secret);
    for code in cases.iter().filter_map(|case| case["code"].as_str()) {
        test = test.hide("a code", code);
    }
    Hub::with_http(test)
}

/// Sends one, and says how many texts there are by then.
fn played(
    hub: &Hub,
    address: SocketAddr,
    product: &str,
    (accepts, case): (&Value, &Value),
    before: usize,
) -> usize {
    let what = format!("{product}: {}", case["what"]);
    let answer = post(address, product, case);
    assert_eq!(answer.status, case["status"], "{what}: {answer:?}");
    let is_good = answer.status == 200;
    assert_eq!(is_accepted(accepts, &answer), is_good, "{what}: {answer:?}");
    if let Some(body) = case["answer"].as_str() {
        assert_eq!(answer.body, body, "{what}");
    }
    let texts = hub.running.sandbox().texts();
    let (Some(phone), Some(code)) = (case["phone"].as_str(), case["code"].as_str()) else {
        assert_eq!(texts.len(), before, "{what}");
        return before;
    };
    let wanted = before + usize::from(case["repeats"] != true);
    assert_eq!(texts.len(), wanted, "{what}");
    let text = texts.last().unwrap();
    assert_eq!(text.to, phone, "{what}");
    // The policy's own words.
    assert_eq!(
        text.body,
        format!("Your verification code is {code}"),
        "{what}"
    );
    wanted
}

fn post(address: SocketAddr, product: &str, case: &Value) -> Answer {
    let (kind, body) = match (&case["body"], &case["text"]) {
        (_, Value::String(text)) => ("application/json", text.clone()),
        (Value::String(form), _) => ("application/x-www-form-urlencoded", form.clone()),
        (json, _) => ("application/json", json.to_string()),
    };
    let mut headers = vec![("Content-Type", kind.to_owned())];
    headers.extend(proof(product, case, &body));
    let headers: Vec<_> = headers
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    ask_over_tcp(
        address,
        &format!("POST /callers/{product}"),
        &headers,
        &body,
    )
}

/// How the product proves who it is.
fn proof(product: &str, case: &Value, body: &str) -> Vec<(&'static str, String)> {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let signed = match case["sign"].as_str() {
        Some("no") => return Vec::new(),
        Some(_) => format!("{body} "),
        None => body.to_owned(),
    };
    let key = hmac::Key::new(hmac::HMAC_SHA256, KEY.as_bytes());
    let sign = |message: String| hmac::sign(&key, message.as_bytes()).as_ref().to_vec();
    let token = case["token"].as_str().unwrap_or(KEY);
    match product {
        "supabase" => {
            let id = "0d3e5c4e-3b5c-4d8c-9a57-2a7b6a0d6a55";
            let signature = BASE64_STANDARD.encode(sign(format!("{id}.{now}.{signed}")));
            vec![
                ("webhook-id", id.to_owned()),
                ("webhook-timestamp", now.to_string()),
                ("webhook-signature", format!("v1,{signature}")),
                ("Accept-Encoding", "identity".to_owned()),
            ]
        }
        "zitadel" => {
            let signature = sign(format!("{now}.{signed}"));
            let hex: String = signature.iter().map(|byte| format!("{byte:02x}")).collect();
            vec![("ZITADEL-Signature", format!("t={now},v1={hex}"))]
        }
        _ if case["basic"] == true => {
            let credentials = BASE64_STANDARD.encode(format!("hub:{token}"));
            vec![("Authorization", format!("Basic {credentials}"))]
        }
        _ => vec![("Authorization", format!("Bearer {token}"))],
    }
}

/// Whether the product takes this answer for a good one.
fn is_accepted(accepts: &Value, answer: &Answer) -> bool {
    let status = match accepts["statuses"].as_str() {
        Some("2xx") => (200..300).contains(&answer.status),
        Some("below 400") => answer.status < 400,
        _ => {
            let statuses = accepts["statuses"].as_array().unwrap();
            statuses.iter().any(|status| *status == answer.status)
        }
    };
    let kind = accepts["type"].as_str();
    let kind = kind.is_none_or(|kind| answer.headers["content-type"].starts_with(kind));
    let json = accepts.get("json");
    let json = json.is_none_or(|json| {
        let body: Option<Value> = serde_json::from_str(&answer.body).ok();
        body.as_ref() == Some(json)
    });
    status && kind && json
}

/// `TOKEN` is the token of another caller.
#[test]
fn a_callers_token_is_for_its_own_path() {
    let section = "[callers.idp]\nproduct = \"kratos\"\n[callers.bare]";
    let test = Test::new().config(section).secret("serve.idp", KEY);
    let (hub, address) = Hub::with_http(test);
    let bearer = |token: &str| format!("Bearer {token}");
    let post = |path: &str, token: &str| {
        let authorization = bearer(token);
        let headers = [("Authorization", authorization.as_str())];
        ask_over_tcp(address, &format!("POST /callers/{path}"), &headers, "{}").status
    };
    // The token is its own, and the body is none of its product.
    assert_eq!(post("idp", KEY), 400);
    for (path, token) in [
        ("idp", TOKEN),
        ("idp", "wrong"),
        ("none", "wrong"),
        ("bare", "wrong"),
    ] {
        assert_eq!(post(path, token), 401, "{path} {token}");
    }
    let without = ask_over_tcp(address, "POST /callers/idp", &[], "{}");
    assert_eq!(without.is(401).headers["www-authenticate"], "Bearer");
    // Who is known is told what is missing.
    for path in ["none", "bare"] {
        assert_eq!(post(path, KEY), 404, "{path}");
    }
    // Through the socket by its account alone.
    hub.ask("POST /callers/idp", &[], "{}").is(400);
    let get = ask_over_tcp(
        address,
        "GET /callers/idp",
        &[("Authorization", &bearer(KEY))],
        "",
    );
    get.is(405);
    hub.end().texts(0);
}

/// Who signs never shows the secret, so that nothing which holds it may do without a signature.
#[test]
fn the_secret_of_a_caller_that_signs_is_no_token() {
    each(["supabase", "zitadel"], |product| {
        let file = PRODUCTS
            .iter()
            .find(|(name, _)| *name == product)
            .unwrap()
            .1;
        let file: Value = serde_json::from_str(file).unwrap();
        let cases = file["cases"].as_array().unwrap();
        let secret = match product {
            "supabase" => format!("v1,whsec_{}", BASE64_STANDARD.encode(KEY)),
            _ => KEY.to_owned(),
        };
        let (hub, address) = hub(product, "", cases);
        let bearer = format!("Bearer {secret}");
        let basic = format!("Basic {}", BASE64_STANDARD.encode(format!("hub:{secret}")));
        let request = r#"{"purpose":"verification_code","user":{"phone":"+447700900123"},"code":"4Hk92mQz7RtW"}"#;
        let shaped = format!("POST /callers/{product}");
        let good = cases.iter().find(|case| case["status"] == 200).unwrap();
        let body = good["body"].to_string();
        for authorization in [&bearer, &basic] {
            let headers = [("Authorization", authorization.as_str())];
            for (what, body) in [
                ("POST /v1/messages", request),
                ("GET /v1/messages/4711", ""),
                ("POST /v1/messages/4711/used", ""),
                (&shaped, &body),
            ] {
                ask_over_tcp(address, what, &headers, body).is(401);
            }
        }
        // What it signs is taken.
        assert_eq!(post(address, product, good).status, 200);
        hub.end().texts(1);
    });
}
