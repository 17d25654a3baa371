//! What an administrator is told of settings, and how typed values are read.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde_json::json;
use textsender_plugin_api::{BaseUrl, PluginInfo, Secret, Template};

use super::*;

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
#[expect(dead_code, reason = "only its shape matters")]
struct Settings {
    /// The account.
    account: String,
    token: Secret,
    port: Option<u16>,
    speed: Option<Speed>,
    names: Vec<String>,
    #[schemars(regex(pattern = "^[0-9]{4}$"))]
    pin: String,
    body: Template,
    #[serde(default)]
    fields: BTreeMap<String, Template>,
    base_url: Option<BaseUrl>,
    test: Option<bool>,
}

#[derive(JsonSchema)]
#[serde(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its shape matters")]
enum Speed {
    /// Fast.
    Fast,
    Slow,
}

fn described(settings: Value) -> Description {
    Description {
        info: PluginInfo::new("acme", "Acme", "1"),
        settings,
        providers: Vec::new(),
        faults: Vec::new(),
    }
}

#[test]
fn fields_tell_what_an_administrator_has_to_know() {
    let fields = fields(&described(schemars::schema_for!(Settings).into()));
    let required: Vec<_> = fields.iter().filter(|field| field.is_required).collect();
    let required: Vec<_> = required.iter().map(|field| field.name.as_str()).collect();
    assert_eq!(required, ["account", "body", "names", "pin", "token"]);
    assert_eq!(fields[0].help, "The account.");
    assert!(field(&fields, "token").unwrap().is_secret);
    assert_eq!(field(&fields, "acount").unwrap_err(), Some("account"));
}

#[test]
fn values_are_read_as_the_schema_says() {
    let cases = [
        ("account", "0123", Ok(json!("0123"))),
        ("port", "25", Ok(json!(25))),
        ("port", "x", Err("expected a whole number")),
        (
            "port",
            "70000",
            Err("is out of range; write a number from 0 to 65535"),
        ),
        ("speed", "slow", Ok(json!("slow"))),
        ("speed", "slower", Err("is not a choice here; did you mean")),
        ("names", "a, b", Ok(json!(["a", "b"]))),
        ("pin", "0123", Ok(json!("0123"))),
        ("pin", "123", Err("it does not have the right form")),
        ("body", "%cod%", Err("unknown placeholder")),
        ("fields", "x", Err("expected KEY.NAME=VALUE for each name")),
        ("fields.code", "%code%", Ok(json!("%code%"))),
        ("fields.code", "%cod%", Err("unknown placeholder")),
        ("account.part", "x", Err("expected a text")),
        (
            "base_url",
            "ftp://x",
            Err("the address must begin with https://"),
        ),
        ("test", "true", Ok(json!(true))),
        ("test", "yes", Err("expected true or false")),
    ];
    let described = described(schemars::schema_for!(Settings).into());
    let fields = fields(&described);
    for (key, typed, expected) in cases {
        let (name, part) = match key.split_once('.') {
            Some((name, part)) => (name, Some(part)),
            None => (key, None),
        };
        let found = field(&fields, name).unwrap().read(part, typed, &described);
        match (found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{key}"),
            (Err(found), Err(expected)) => {
                assert!(found.to_string().starts_with(expected), "{key}: {found}");
            }
            (found, _) => panic!("{key} = {typed}: {found:?}"),
        }
    }
}

#[test]
fn what_is_no_schema_has_no_fields_or_lets_everything_pass() {
    let itself = json!({ "properties": { "a": { "$ref": "#/properties/a" } } });
    for settings in [Value::Null, json!([]), itself] {
        let described = described(settings);
        for field in fields(&described) {
            assert_eq!(field.read(None, "x", &described), Ok(json!("x")));
        }
    }
}
