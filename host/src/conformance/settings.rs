//! Settings: the schema, the good ones, and bad ones of every kind.

use std::time::Duration;

use serde_json::{Map, Value, json};
use textsender_plugin_api::SECRET_KEY;

use super::{
    answers,
    bench::{Bench, message},
    report::Findings,
    sample::is_secret,
};
use crate::{
    plugins::{self, Work},
    redact::VALUE,
};

/// A start that a single send can wait for.
const START: Duration = Duration::from_millis(250);

/// Words for secrets, as parts of a setting's name.
const SECRET_WORDS: [&str; 5] = ["token", "password", "secret", "passphrase", "private_key"];

/// Words for hosts, as the last part of a setting's name.
const HOST_WORDS: [&str; 5] = ["host", "hostname", "server", "endpoint", "url"];

/// A setting that no plugin has.
const UNKNOWN: &str = "no_such_setting";

/// What stands in the open where a secret should not.
const IN_THE_OPEN: &str = "in-the-0pen-4711";

/// What the schema says.
pub(super) fn of_schema(report: &mut Findings, schema: &Value) {
    let is_object = schema["type"] == "object";
    report.expect("S1", is_object, "the schema is not one of an object");
    report.expect(
        "S10",
        schema["examples"][0].is_object(),
        "there is no example of whole settings",
    );
    report.tried("S2");
    report.tried("S3");
    report.tried("S11");
    for (key, property) in properties(schema) {
        let help = property["description"].as_str().unwrap_or_default();
        report.expect("S2", !help.trim().is_empty(), format!("{key} has no help"));
        let named = SECRET_WORDS.iter().any(|word| key.contains(word));
        let names_none = ["_id", "_sid", "_url"].iter().any(|end| key.ends_with(end));
        let marked = is_secret(schema, key);
        report.expect(
            "S3",
            marked || !named || names_none,
            format!("{key} is not marked"),
        );
        report.expect(
            "S11",
            !names_host(key) || plugins::is_marked_host(schema, key),
            format!("{key} is not marked"),
        );
    }
}

/// Whether a setting's name is one of a host that the plugin talks to. One that only stands in what it
/// says, such as the address of a receipt, has a name that says so.
fn names_host(key: &str) -> bool {
    let is_word = |word: &&str| key.split('_').next_back() == Some(word);
    HOST_WORDS.iter().any(is_word) && !key.contains("callback")
}

/// Starts the plugin with the sample. Without that there is nothing more to try.
pub(super) async fn good(bench: &mut Bench) -> bool {
    let mut fastest: Option<Duration> = None;
    for _ in 0..3 {
        match bench.time_start().await {
            Ok(taken) => fastest = Some(fastest.map_or(taken, |best| best.min(taken))),
            Err(words) => {
                bench
                    .report
                    .fail("S4", format!("the sample is refused: {words}"));
                return false;
            }
        }
    }
    bench.report.tried("S4");
    if let Some(fastest) = fastest {
        let milliseconds = fastest.as_millis();
        bench.report.start_ms = u64::try_from(milliseconds).ok();
        bench.report.expect(
            "F2",
            fastest <= START,
            format!("it takes {milliseconds} ms"),
        );
    }
    true
}

/// Bad settings, each in a process of its own.
pub(super) async fn bad(bench: &mut Bench, schema: &Value) {
    let good = bench.sample.settings.clone();
    missing(bench, schema, &good).await;

    let mut unknown = good.clone();
    unknown.insert(UNKNOWN.into(), json!("x"));
    refused(
        bench,
        "S6",
        &unknown,
        UNKNOWN,
        "with a setting that does not exist",
    )
    .await;

    for (key, property) in properties(schema) {
        let mut wrong = good.clone();
        wrong.insert(key.clone(), of_another_type(property));
        refused(
            bench,
            "S7",
            &wrong,
            key,
            &format!("with {key} of another type"),
        )
        .await;
        if is_secret(schema, key) {
            in_the_open(bench, &good, key).await;
        }
        if takes_text(property) || is_secret(schema, key) {
            hostile(bench, schema, &good, key).await;
        }
    }
}

async fn missing(bench: &mut Bench, schema: &Value, good: &Map<String, Value>) {
    let required = schema["required"].as_array().into_iter().flatten();
    for key in required.filter_map(Value::as_str) {
        let mut settings = good.clone();
        settings.remove(key);
        refused(bench, "S5", &settings, key, &format!("without {key}")).await;
    }
}

/// Tries settings that the plugin should refuse by the name of one.
async fn refused(
    bench: &mut Bench,
    rule: &'static str,
    settings: &Map<String, Value>,
    key: &str,
    case: &str,
) {
    match bench.start(settings, case).await {
        Ok(_) => bench.report.fail(rule, format!("{case}: it is accepted")),
        Err(words) => {
            let named = words.contains(key);
            let finding = format!("{case}: the refusal does not name it: \"{words}\"");
            bench.report.expect(rule, named, finding);
        }
    }
}

async fn in_the_open(bench: &mut Bench, good: &Map<String, Value>, key: &str) {
    let mut settings = good.clone();
    settings.insert(key.to_owned(), json!(IN_THE_OPEN));
    let case = format!("with {key} in the open");
    match bench.start(&settings, &case).await {
        Ok(_) => bench.report.fail("S8", format!("{case}: it is accepted")),
        Err(words) => {
            // The host takes the value out of what the plugin says: that it was there is seen by its place.
            let hidden = !words.contains(IN_THE_OPEN) && !words.contains(VALUE);
            bench
                .report
                .expect("S8", hidden, format!("{case}: the refusal shows it"));
        }
    }
}

/// Dangerous text in one setting. What is accepted is sent with.
async fn hostile(bench: &mut Bench, schema: &Value, good: &Map<String, Value>, key: &str) {
    for (what, text) in hostile_texts() {
        let case = format!("with {what} in {key}");
        let mut settings = good.clone();
        let value = match is_secret(schema, key) {
            true => json!({ SECRET_KEY: text }),
            false => json!(text),
        };
        settings.insert(key.to_owned(), value);
        bench.report.tried("S9");
        let panics = bench.report.count("C8");
        if let Ok(process) = bench.start(&settings, &case).await {
            // What the host refuses to carry for a value like this is the administrator's, not
            // the plugin's: only what it does of itself counts here.
            let script = answers::html(500);
            bench.provider.play(bench.with_reading(script));
            let deadline = tokio::time::Instant::now() + super::bench::PATIENCE;
            let end = process.call(Work::Send(message()), deadline).await;
            let end = super::bench::End::of(end.result);
            bench.look_at_end(&end, &case);
        }
        if bench.report.count("C8") > panics {
            bench
                .report
                .fail("S9", format!("{case}: it panics or ends"));
        }
    }
}

fn hostile_texts() -> [(&'static str, String); 8] {
    [
        ("nothing", String::new()),
        ("100,000 characters", "x".repeat(100_000)),
        ("line breaks", "a\r\nX-Injected: yes\r\n\r\nb".into()),
        ("a zero byte", "a\0b".into()),
        ("another address", "https://evil.example/?a=b#c".into()),
        ("a path", "../../../etc/passwd".into()),
        ("quotes and braces", r#"'"`${}%s%n{{}}<>&;"#.into()),
        ("other scripts", "\u{202e}дом ñ 🔑 ﷽".into()),
    ]
}

fn properties(schema: &Value) -> impl Iterator<Item = (&String, &Value)> {
    schema["properties"].as_object().into_iter().flatten()
}

fn takes_text(property: &Value) -> bool {
    let is_text = |form: &Value| match &form["type"] {
        Value::Array(types) => types.iter().any(|name| name == "string"),
        name => name == "string",
    };
    let forms = property["anyOf"].as_array().into_iter().flatten();
    forms.chain([property]).any(is_text) && property["enum"].is_null()
}

/// A list where a table is expected, and a table anywhere else.
fn of_another_type(property: &Value) -> Value {
    match property["type"] == "object" {
        true => json!(["odd"]),
        false => json!({ "odd": true, "odder": [] }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_schema_can_break() {
        let good = json!({
            "type": "object",
            "properties": {
                "token": { "description": "The token.", "anyOf": [
                    { "type": "string", "writeOnly": true },
                    { "type": "null" },
                ] },
                "token_id": { "description": "Its id.", "type": "string" },
                "base_url": { "description": "Where.", "$ref": "#/$defs/Url" },
                "token_url": { "description": "Where.", "$ref": "#/$defs/Url" },
            },
            "examples": [{ "token": "x" }],
            "$defs": { "Url": { "type": "string", "x-textsender-host": true } },
        });
        let with = |path: &str, value: Value| {
            let mut schema = good.clone();
            *schema.pointer_mut(path).unwrap() = value;
            schema
        };
        let cases: [(Value, &[&str]); 7] = [
            (good.clone(), &[]),
            (json!(null), &["S1", "S10"]),
            (with("/type", json!("string")), &["S1"]),
            (with("/examples", json!([])), &["S10"]),
            (with("/properties/token/description", json!(" ")), &["S2"]),
            (
                with("/properties/token/anyOf/0/writeOnly", json!(false)),
                &["S3"],
            ),
            (with("/$defs/Url/x-textsender-host", json!(false)), &["S11"]),
        ];
        for (schema, broken) in cases {
            let mut report = Findings::default();
            of_schema(&mut report, &schema);
            assert_eq!(report.broken(), broken, "{schema}");
        }
    }
}
