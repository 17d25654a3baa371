//! What `docs/callers.md` shows is so: its command is run, and its tables hold what the schemas hold.

use std::collections::BTreeSet;
use std::process::Command;

use serde_json::Value;
use textsender_tests::harness::{artifacts, outcomes};
use textsender_tests::sandbox::Sandbox;

use crate::connectors::{said, shell, site};

const GUIDE: &str = include_str!("../../../docs/callers.md");

const SCHEMAS: [(&str, &str); 2] = [
    (
        "request",
        include_str!("../../../docs/schemas/request.json"),
    ),
    (
        "response",
        include_str!("../../../docs/schemas/response.json"),
    ),
];

/// The first block of this language after a heading.
fn block(heading: &str, language: &str) -> &'static str {
    let (_, section) = GUIDE.split_once(heading).unwrap();
    let (_, block) = section.split_once(&format!("```{language}\n")).unwrap();
    block.split_once("```").unwrap().0
}

/// What stands in back quotes at the start of each row of the table after a heading, each with its row.
fn rows(heading: &str) -> Vec<(Vec<&'static str>, &'static str)> {
    let (_, section) = GUIDE.split_once(heading).unwrap();
    let table = section.lines().skip_while(|line| !line.starts_with("|---"));
    let rows = table.skip(1).take_while(|line| line.starts_with('|'));
    rows.map(|row| {
        let first = row.split('|').nth(1).unwrap();
        (first.split('`').skip(1).step_by(2).collect(), row)
    })
    .collect()
}

#[test]
fn the_schemas_are_those_that_are_kept() {
    for (of, kept) in SCHEMAS {
        let output = Command::new(&artifacts().textsender)
            .args(["schema", of])
            .output()
            .unwrap();
        let kept: Value = serde_json::from_str(kept).unwrap();
        let now: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(
            now, kept,
            "the protocol has changed: textsender schema {of} > docs/schemas/{of}.json"
        );
    }
}

#[test]
fn every_field_of_the_schemas_is_in_the_tables_and_no_other() {
    let [request, response] = SCHEMAS.map(|(_, kept)| serde_json::from_str::<Value>(kept).unwrap());
    let names = |schema: &Value| -> BTreeSet<String> {
        schema["properties"]
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect()
    };
    let of_user = names(&request["properties"]["user"])
        .into_iter()
        .map(|name| format!("user.{name}"));
    let mut expected = names(&request);
    expected.remove("user");
    expected.extend(of_user);
    let told = |heading| -> BTreeSet<String> {
        let rows = rows(heading).into_iter();
        rows.flat_map(|(names, _)| names)
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(told("## The request"), expected);
    assert_eq!(told("## The response"), names(&response));
}

#[test]
fn every_outcome_has_its_exit_code_and_what_to_do() {
    let rows = rows("## What to do for each outcome");
    let told: Vec<_> = rows
        .iter()
        .map(|(names, row)| {
            let exit: i32 = row.split('|').nth(2).unwrap().trim().parse().unwrap();
            (names[0], exit)
        })
        .collect();
    let promised = outcomes::PROMISES.map(|promise| (promise.outcome, promise.exit));
    assert_eq!(told, promised);
}

#[test]
fn the_first_command_sends_a_text() {
    let sandbox = Sandbox::start();
    let site = site(&sandbox);
    let output = shell(&site, "sh", &["-c", block("## One message", "sh")]);
    let response: Value = serde_json::from_str(said(&output)).unwrap();
    assert_eq!(
        (&response["outcome"], &response["id"]),
        (&"accepted".into(), &"reset-4711".into())
    );
    assert_eq!(sandbox.text_count(), 1);
}
