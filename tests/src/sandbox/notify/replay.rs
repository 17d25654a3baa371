//! Replays the exchanges that were recorded with Notify's real server and compares the answers.
//!
//! The recordings are not part of the project: the test runs where `$TEXTSENDER_CONTRACTS` names the folder that
//! has them in `govuk-notify/recordings`. Their facts are in the tables of the tests beside this one.

#![allow(clippy::unwrap_used)]

use std::collections::HashMap;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::Value;

use super::tests::{send, sign};
use super::*;
use crate::sandbox::Sandbox;

/// The services that were recorded, by what is special about them.
const MAIN: &str = "f7d983b1-388c-4d5b-afd5-72f56eaf62ee";
const REVOKED: &str = "22deede9-f9ab-493c-954a-afe5818729d3";
const ARCHIVED: &str = "4d335cbe-e164-4d90-bb1a-fed233e197d6";
const NO_INTERNATIONAL: &str = "4e5855e6-95ed-4ece-9427-8a874f241d09";
const TRIAL: &str = "43a60e0a-7a5a-43aa-b43d-b338bcf67f47";
const RATE_LIMITED: &str = "b40f8b6c-d613-4546-8c79-a5d0fe34cf00";
const DAY_LIMITED: &str = "f5172849-df0f-41dc-b911-ba7ea3bd5b62";

const SECRET: &str = "secret";
const LIVE_SECRET: &str = "live secret";

#[test]
#[ignore = "needs TEXTSENDER_CONTRACTS, the folder of recordings"]
fn recordings_are_answered_as_the_real_server_answered() {
    let folder = std::env::var_os("TEXTSENDER_CONTRACTS").unwrap();
    let sandbox = Sandbox::start();
    add_services(&sandbox);
    let mut ids: HashMap<String, String> = HashMap::new();
    let recordings = load(&Path::new(&folder).join("govuk-notify/recordings"));
    assert!(recordings.len() >= 109, "{}", recordings.len());
    let mut wrong = Vec::new();
    for recording in &recordings {
        let name = recording["name"].as_str().unwrap();
        let (request, expected) = (
            &recording["request"],
            &as_of_today(name, &recording["response"]),
        );
        let mut target = request["path"].as_str().unwrap().to_owned();
        for (theirs, ours) in &ids {
            target = target.replace(theirs, ours);
        }
        let body = match &request["body"] {
            Value::Null => String::new(),
            Value::String(raw) => raw.clone(),
            object => object.to_string(),
        };
        let authorization = request["headers"]["Authorization"]
            .as_str()
            .map(|header| renew(header, expected, name));
        let reply = send(
            &sandbox,
            request["method"].as_str().unwrap(),
            &target,
            authorization.as_deref(),
            &body,
        );
        let answer = reply.json();
        if let (Some(theirs), Some(ours)) = (expected["body"]["id"].as_str(), answer["id"].as_str())
        {
            ids.insert(theirs.to_owned(), ours.to_owned());
        }
        if reply.status != expected["status"] || !alike("", &answer, &expected["body"]) {
            wrong.push(format!(
                "{name}: {} {answer}\n   not: {} {}",
                reply.status, expected["status"], expected["body"]
            ));
        }
        for (header, value) in expected["headers"].as_object().unwrap() {
            let varies =
                header.starts_with("X-B3") || ["Date", "Content-Length"].contains(&header.as_str());
            let found = reply.header(header);
            if !varies && found != value.as_str() {
                wrong.push(format!("{name}: {header}: {found:?}, not {value}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// What was recorded in August 2026, and is otherwise since September: Notify carries every character.
fn as_of_today(name: &str, recorded: &Value) -> Value {
    let mut expected = recorded.clone();
    if name == "body-unicode" {
        expected["body"]["content"]["body"] = "Your verification code is ŵ你好😀.".into();
    }
    expected
}

fn add_services(sandbox: &Sandbox) {
    let code = "Your verification code is ((code)).";
    let service = |id: &str, template: &str| {
        Service::new(id)
            .key(SECRET, KeyKind::Test)
            .template(template, "Verify verify", code)
    };
    let sender = "cabc019a-5996-47f5-adc2-4b20cb79922d";
    let mut all = [
        service(MAIN, "b2dc6658-831f-4fa8-9c9e-cbe6ca7e0425"),
        service(REVOKED, "0a75bd98-60af-418e-ae29-0d63b8c89601"),
        service(ARCHIVED, "47b0519d-76c8-4759-a013-ec9eb8cbbdc5"),
        service(NO_INTERNATIONAL, "f0871722-b1ba-477d-a714-a9d8309f6df2"),
        service(TRIAL, "64ecfa37-6a63-43ca-b706-b95fa33fe622").key(LIVE_SECRET, KeyKind::Live),
        service(RATE_LIMITED, "407daed0-109e-47e5-844d-6f1dfc73b8c0"),
        service(DAY_LIMITED, "e6f872db-0c1c-4b1a-b20d-8e6784efefc8"),
    ];
    all[1].keys[0].revoked = true;
    all[2].archived = true;
    all[3].international = false;
    all[4].trial = true;
    all[5].rate_per_minute = 3;
    all[6].keys[0].kind = KeyKind::Live;
    all[6].daily_limit = 2;
    for service in all {
        sandbox
            .notify()
            .add_service(service.sender(sender, "VERIFYAPP"));
    }
}

/// The recordings in the order in which they were made.
fn load(folder: &Path) -> Vec<Value> {
    let mut files: Vec<(u32, std::path::PathBuf)> = std::fs::read_dir(folder)
        .unwrap_or_else(|error| panic!("{}: {error}", folder.display()))
        .map(|entry| entry.unwrap().path())
        .filter_map(|path| {
            Some((
                path.file_name()?
                    .to_str()?
                    .split('-')
                    .next()?
                    .parse()
                    .ok()?,
                path,
            ))
        })
        .collect();
    files.sort();
    let parse = |(_, path): &(u32, std::path::PathBuf)| {
        serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
    };
    files.iter().map(parse).collect()
}

/// The recorded token as it would be now: the same header and claims, the same distance to the server's clock,
/// signed with a secret of ours in place of one that is not known.
fn renew(header: &str, expected: &Value, name: &str) -> String {
    let parts: Vec<&str> = header.split(['.', ' ']).collect();
    let [scheme, first, second, _] = parts[..] else {
        return header.to_owned();
    };
    let decode = |part: &str| String::from_utf8(URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap();
    let mut claims: Value = serde_json::from_str(&decode(second)).unwrap();
    let date = expected["headers"]["Date"].as_str().unwrap();
    let recorded = Timestamp::strptime("%a, %d %b %Y %H:%M:%S %z", date.replace("GMT", "+0000"))
        .unwrap()
        .as_second();
    let shift = Timestamp::now().as_second() - recorded;
    for claim in ["iat", "exp"] {
        let moved = match &claims[claim] {
            Value::String(text) => (text.parse::<i64>().unwrap() + shift).to_string().into(),
            Value::Number(number) if number.is_i64() => (number.as_i64().unwrap() + shift).into(),
            Value::Number(number) => (number.as_f64().unwrap() + shift as f64).into(),
            _ => continue,
        };
        claims[claim] = moved;
    }
    let secret = match name {
        "auth-wrong-secret" => "wrong",
        "trial-live-key" => LIVE_SECRET,
        _ => SECRET,
    };
    format!(
        "{scheme} {}",
        sign(&decode(first), &claims.to_string(), secret)
    )
}

/// Whether two bodies say the same, apart from ids, addresses and times, of which only the type is compared.
fn alike(name: &str, ours: &Value, theirs: &Value) -> bool {
    const VARY: [&str; 9] = [
        "id",
        "uri",
        "current",
        "next",
        "created_at",
        "created_by",
        "sent_at",
        "completed_at",
        "updated_at",
    ];
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            ours.len() == theirs.len()
                && theirs
                    .iter()
                    .all(|(key, theirs)| ours.get(key).is_some_and(|ours| alike(key, ours, theirs)))
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            ours.len() == theirs.len()
                && ours
                    .iter()
                    .zip(theirs)
                    .all(|(ours, theirs)| alike(name, ours, theirs))
        }
        (Value::String(_), Value::String(_)) if VARY.contains(&name) => true,
        _ => ours == theirs,
    }
}
