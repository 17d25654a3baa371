//! What `README.md` shows is so: its commands are run, and their output compared.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use textsender_tests::harness::{artifacts, outcomes};

const README: &str = include_str!("../../../README.md");
const CI: &str = include_str!("../../../.ci/run");

/// What differs from one run to the next.
const VARIABLE: [&str; 3] = ["id", "provider_id", "ms"];

#[test]
fn the_first_command_sends_a_text_and_shows_what_it_says() {
    let [command, shown] = after("## Two commands");
    let (build, send) = command.split_once(" && ").unwrap();
    assert_eq!(build, "cargo build");
    assert_eq!(said(&shell(send)), said(shown));
}

#[test]
fn the_second_command_is_what_ci_runs() {
    let [_, _, command] = after("## Two commands");
    assert!(command.starts_with("cargo test --workspace"), "{command}");
    // CI takes it from the README, and nothing else there begins like it.
    assert!(CI.contains("grep -m1 '^cargo test' README.md"));
    assert_eq!(
        README.lines().find(|line| line.starts_with("cargo test")),
        Some(command)
    );
}

#[test]
fn a_wrong_token_looks_as_it_is_shown() {
    let [command, shown] = after("## When something is wrong");
    let folder = tempfile::tempdir().unwrap();
    let request = folder.path().join("request.json");
    fs::write(&request, request_of_the_first_command()).unwrap();
    let command = command.replace("request.json", request.to_str().unwrap());
    let output = shell(&command);
    let (response, phones) = said(&output);
    assert_eq!(
        (response, phones.as_str()),
        (said(shown).0, "No phone got a text.")
    );
}

#[test]
fn a_missing_plugin_looks_as_it_is_shown() {
    let [_, _, shown] = after("## When something is wrong");
    let request = request_of_the_first_command();
    let take_away = "rm $(dirname $TEXTSENDER_CONFIG)/plugins/libtextsender_twilio.so";
    let output = shell(&format!(
        "echo '{request}' | target/debug/sandbox run -- sh -c '{take_away}; textsender send'"
    ));
    let (mut response, (expected, _)) = (said(&output).0, said(shown));
    // The message ends with the folder, which is another one here.
    let message = response["error"]["message"].as_str().unwrap();
    let (words, folder) = message.rsplit_once(" in ").unwrap();
    assert!(Path::new(folder).is_absolute(), "{message}");
    let message = format!("{words} in /usr/lib/textsender/plugins");
    response["error"]["message"] = message.into();
    assert_eq!(response, expected);
}

#[test]
fn the_outcomes_are_those_of_the_promise() {
    let rows = README.lines().filter_map(|line| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let exit: i32 = cells.get(3)?.parse().ok()?;
        Some((cells[1].trim_matches('`'), exit))
    });
    let promised = outcomes::PROMISES.map(|promise| (promise.outcome, promise.exit));
    assert_eq!(rows.collect::<Vec<_>>(), promised);
}

/// The first blocks behind a heading, without their fences.
fn after<const N: usize>(heading: &str) -> [&'static str; N] {
    let (_, section) = README.split_once(heading).unwrap();
    let mut fences = section.split("```");
    std::array::from_fn(|_| {
        let block = fences.nth(1).unwrap();
        block.split_once('\n').unwrap().1.trim_end()
    })
}

fn request_of_the_first_command() -> &'static str {
    let [command] = after("## Two commands");
    command.split('\'').nth(1).unwrap()
}

/// Runs a command as it is written, with the artifacts under test for those of the first command.
fn shell(command: &str) -> String {
    let here = artifacts().plugins.to_str().unwrap();
    let command = command.replace("target/debug", here);
    let output = Command::new("sh").args(["-c", &command]).output().unwrap();
    assert!(
        output.stderr.is_empty() || !output.status.success(),
        "{output:?}"
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The response, without what differs from run to run, and what follows it.
fn said(output: &str) -> (Value, String) {
    let (response, rest) = output.split_once('\n').unwrap_or((output, ""));
    let mut response = serde_json::from_str(response).unwrap();
    forget_variable(&mut response);
    (response, rest.trim_end().to_owned())
}

fn forget_variable(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !VARIABLE.contains(&name.as_str()));
            fields.values_mut().for_each(forget_variable);
        }
        Value::Array(items) => items.iter_mut().for_each(forget_variable),
        _ => {}
    }
}
