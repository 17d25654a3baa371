//! What the schemas of real settings types allow, and schemas that no sane author would write.

use std::collections::BTreeMap;

use proptest::prelude::*;
use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::json;
use textsender_plugin_api::{BaseUrl, Secret, Template};

use super::*;

/// Settings with everything that plugins use.
#[derive(JsonSchema, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its shape matters")]
struct Settings {
    /// The account.
    ///
    /// More about it.
    account: String,
    /// The token.
    token: Secret,
    spare: Option<Secret>,
    port: Option<u16>,
    #[serde(default)]
    security: Security,
    base_url: Option<BaseUrl>,
    body: Option<Template>,
    fill: Option<BTreeMap<String, Template>>,
    numbers: Option<Vec<u8>>,
    #[schemars(length(min = 2, max = 4))]
    name: Option<String>,
    nested: Option<Nested>,
}

#[derive(Default, JsonSchema, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum Security {
    #[default]
    Tls,
    /// Without.
    None,
}

#[derive(JsonSchema, serde::Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "only its shape matters")]
struct Nested {
    depth: u8,
}

fn schema() -> Value {
    let generator = SchemaSettings::draft2020_12().into_generator();
    generator.into_root_schema_for::<Settings>().into()
}

/// Each finding on a line.
fn found(settings: Value) -> Vec<String> {
    let settings = settings.as_object().unwrap();
    let shown = |finding| match finding {
        Finding::Missing { key, secret, help } => format!("{key} ({secret}): {help}"),
        Finding::Wrong {
            path,
            message,
            remedy,
            ..
        } => format!("{path}: {message}; {remedy}"),
    };
    findings(&schema(), settings)
        .into_iter()
        .map(shown)
        .collect()
}

#[test]
fn whole_settings_have_no_fault() {
    let marked = json!({ SECRET_KEY: "" });
    let settings = json!({
        "account": "a", "token": marked, "spare": marked, "port": 587, "security": "none",
        "base_url": "https://api.acme.example", "body": "%message%##", "fill": {"otp": "%code%"},
        "numbers": [1, 255], "name": "abc", "nested": {"depth": 1},
    });
    assert_eq!(found(settings), Vec::<String>::new());
}

#[test]
fn what_is_missing_is_told_with_its_help() {
    let expected = ["account (false): The account.", "token (true): The token."];
    assert_eq!(found(json!({})), expected);
}

#[test]
fn each_fault_is_named_and_no_value_is_shown() {
    let marked = json!({ SECRET_KEY: "" });
    let cases = [
        (
            json!({"account": 5}),
            "account: expected a string, found a whole number; write it in quotes",
        ),
        (
            json!({"acount": "hunter2"}),
            "acount: the plugin has no such setting; did you mean \"account\"?",
        ),
        (
            json!({"port": "hunter2"}),
            "port: expected a whole number, found a string; write a whole number, without quotes",
        ),
        (
            json!({"port": 70000}),
            "port: is out of range; write a number from 0 to 65535",
        ),
        (
            json!({"port": 1.5}),
            "port: expected a whole number, found a decimal number; write a whole number, without quotes",
        ),
        (
            json!({"security": "nome"}),
            "security: is not a choice here; did you mean \"none\"?",
        ),
        (
            json!({"account": marked}),
            "account: is not a secret; write its value, or remove the stored secret",
        ),
        (
            json!({"base_url": "http://api.acme.example"}),
            "base_url: only https://, or http:// to this machine; write it like \"https://api.example.org\"",
        ),
        (
            json!({"body": "%mesage%"}),
            "body: unknown placeholder `%mesage%`; did you mean `%message%`?",
        ),
        (
            json!({"fill": {"otp": "50%"}}),
            "fill.otp: a `%` that begins no placeholder; write `%%` for a percent sign",
        ),
        (
            json!({"numbers": [1, 256]}),
            "numbers[1]: is out of range; write a number from 0 to 255",
        ),
        (
            json!({"name": "a"}),
            "name: is out of range; write a text with a length from 2 to 4",
        ),
        (
            json!({"nested": {}}),
            "nested.depth: is missing; add depth = ...",
        ),
        (
            json!({"nested": {"depth": 1, "width": 1}}),
            "nested.width: the plugin has no such setting; its settings are depth",
        ),
    ];
    for (mut settings, expected) in cases {
        let given = settings.as_object_mut().unwrap();
        given.entry("account").or_insert("a".into());
        given.entry("token").or_insert(marked.clone());
        assert_eq!(found(settings), [expected]);
    }
}

#[test]
fn a_secret_may_not_stand_in_the_open() {
    for key in ["token", "spare"] {
        let mut settings = json!({"account": "a", "token": { SECRET_KEY: "" }});
        settings[key] = "hunter2".into();
        let found = found(settings);
        assert_eq!(found.len(), 1);
        let expected = format!("{key}: is a secret, and may not stand in the configuration");
        assert!(found[0].starts_with(&expected), "{found:?}");
        assert!(!found[0].contains("hunter2"), "{found:?}");
    }
}

#[test]
fn a_schema_that_is_none_allows_everything_and_ends() {
    let schemas = [
        Value::Null,
        json!(true),
        json!([]),
        json!({"$ref": "#"}),
        json!({"properties": {"a": {"$ref": "#/properties/a"}}}),
        json!({"properties": {"a": {"anyOf": [{"$ref": "#/properties/a"}]}}}),
        json!({"additionalProperties": {"$ref": "#"}, "$defs": 5}),
    ];
    let mut deep = json!("x");
    for _ in 0..100 {
        deep = json!({ "a": deep });
    }
    for schema in schemas {
        let settings = json!({ "a": deep });
        let _ = findings(&schema, settings.as_object().unwrap());
        let _ = templates(&schema, &settings);
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        "[a-z%]{0,6}".prop_map(Value::from),
        prop::sample::select(vec!["string", "integer", "object", "#", "#/$defs/a"])
            .prop_map(Value::from),
    ];
    let keys = prop::sample::select(vec![
        "type",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "anyOf",
        "$ref",
        "$defs",
        "enum",
        "format",
        "a",
        "b",
    ]);
    leaf.prop_recursive(5, 40, 5, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(keys.clone().prop_map(str::to_owned), inner, 0..5)
                .prop_map(|map| Value::from(Map::from_iter(map))),
        ]
    })
}

proptest! {
    #[test]
    fn no_schema_makes_it_panic(schema in any_json(), settings in any_json()) {
        if let Some(settings) = settings.as_object() {
            let _ = findings(&schema, settings);
        }
        let _ = templates(&schema, &settings);
        let _ = value_carrying(&schema, &settings, "alphabet");
    }
}
