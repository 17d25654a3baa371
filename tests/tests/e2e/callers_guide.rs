//! What `docs/callers.md` shows is so: its command and the clients in `connectors` are run, and its tables hold
//! what the schemas hold.

use std::collections::BTreeSet;
use std::fs;
use std::process::{Command, Output};

use serde_json::Value;
use textsender_tests::harness::{artifacts, outcomes};
use textsender_tests::sandbox::site::Site;
use textsender_tests::sandbox::{Fault, Sandbox, When};

const GUIDE: &str = include_str!("../../../docs/callers.md");
/// The clients to take over.
const PYTHON: &str = include_str!("../../../connectors/python/textsender.py");
const NODE: &str = include_str!("../../../connectors/node/textsender.js");

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

/// A shell with textsender in `$PATH` and a site that leads to the sandbox.
fn shell(site: &Site, program: &str, arguments: &[&str]) -> Output {
    let programs = artifacts().textsender.parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    Command::new(program)
        .args(arguments)
        .env("PATH", format!("{}:{path}", programs.display()))
        .env("TEXTSENDER_CONFIG", site.config_file())
        .current_dir(site.folder())
        .output()
        .unwrap()
}

fn said(output: &Output) -> &str {
    assert!(output.status.success(), "{output:?}");
    std::str::from_utf8(&output.stdout).unwrap().trim()
}

fn site(sandbox: &Sandbox) -> Site {
    Site::for_sandbox(sandbox, &artifacts().twilio).unwrap()
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

/// Runs the Python client with an expression, and gives what it prints.
fn python(site: &Site, expression: &str) -> String {
    let program = format!("{PYTHON}\nprint({expression})\n");
    fs::write(site.folder().join("client.py"), program).unwrap();
    said(&shell(site, "python3", &["client.py"])).to_owned()
}

#[test]
#[cfg_attr(not(has_python), ignore = "needs python3")]
fn the_python_client_sends_once_and_tells_how_to_go_on() {
    let sandbox = Sandbox::start();
    let site = site(&sandbox);
    let call = "text_code({'phone': '+447700900123'}, 'beK989vc', 'reset-1')";

    // Whether it was sent is not known; the client repeats the id, and never sends twice.
    sandbox.twilio().fault(When::next(), Fault::drop().taken());
    assert_eq!(python(&site, call), "enter code");
    assert_eq!(sandbox.text_count(), 1);
    assert_eq!(python(&site, call), "enter code");
    assert_eq!(sandbox.text_count(), 1);

    sandbox.twilio().fault(When::always(), Fault::status(401));
    let call = "text_code({'phone': '+33612345678'}, 'beK989vc', 'reset-2')";
    assert_eq!(python(&site, call), "other way");
    let call = "text_code({'phone': '07700 9001'}, 'beK989vc', 'reset-3')";
    assert_eq!(python(&site, call), "correct number");
}

#[test]
#[cfg_attr(not(has_python), ignore = "needs python3")]
fn the_python_client_knows_a_program_that_never_ran_from_one_that_died() {
    let sandbox = Sandbox::start();
    let site = site(&sandbox);
    let with = |command: &str| {
        let call = format!("text_code({{'phone': '+447700900123'}}, 'beK989vc', 'r', {command})");
        python(&site, &call)
    };
    assert_eq!(with("('no-such-program',)"), "other way");
    for exit in [1, 2, 126, 127] {
        assert_eq!(with(&format!("('sh', '-c', 'exit {exit}')")), "other way");
    }
    assert_eq!(with("('sh', '-c', 'kill -9 $$')"), "enter code");
    assert_eq!(
        with("('sh', '-c', 'echo half of an answer; exit 1')"),
        "enter code"
    );
}

/// Runs the Node client with more lines, and gives what they print.
fn node(site: &Site, lines: &str) -> String {
    let request = r#"
const request = (n) => ({ id: `reset-${n}`, purpose: "verification_code", event: "reset",
  user: { phone: `+4477009001${n}` }, code: "beK989vc", expires_in: 600 });
const print = (responses) => console.log(responses.map(({ id, outcome }) => `${id}:${outcome}`).join(" "));
"#;
    fs::write(
        site.folder().join("client.js"),
        format!("{NODE}{request}{lines}"),
    )
    .unwrap();
    said(&shell(site, "node", &["client.js"])).to_owned()
}

#[test]
#[cfg_attr(not(has_node), ignore = "needs node")]
fn the_node_client_keeps_a_stream_open() {
    let sandbox = Sandbox::start();
    let site = site(&sandbox);
    let lines = r#"
const textsender = new Textsender();
Promise.all([10, 11, 12, 10].map((n) => textsender.send(request(n)))).then((responses) => {
  print(responses);
  textsender.close();
});
"#;
    // The id that comes twice is sent once, and both get its answer.
    assert_eq!(
        node(&site, lines),
        "reset-10:accepted reset-11:accepted reset-12:accepted reset-10:accepted"
    );
    assert_eq!(sandbox.text_count(), 3);
}

#[test]
#[cfg_attr(not(has_node), ignore = "needs node")]
fn the_node_client_survives_a_missing_program_and_one_that_dies() {
    let sandbox = Sandbox::start();
    let site = site(&sandbox);
    let lines = r#"
const missing = new Textsender("no-such-program");
const never = new Textsender("sh", ["-c", "exit 127"]);
const dying = new Textsender("sh", ["-c", "read line; kill -9 $$"]);
(async () => {
  print([await missing.send(request(10)), await missing.send(request(11))]);
  print([await never.send(request(12))]);
  // After the process died, the next request gets another one.
  print([await dying.send(request(13)), await dying.send(request(14))]);
  dying.command = "textsender";
  dying.args = ["send", "--stream"];
  print([await dying.send(request(15))]);
  dying.close();
})();
"#;
    assert_eq!(
        node(&site, lines),
        "reset-10:misconfigured reset-11:misconfigured\nreset-12:misconfigured\n\
         reset-13:unknown reset-14:unknown\nreset-15:accepted"
    );
}

#[test]
#[cfg_attr(not(has_node), ignore = "needs node")]
fn the_node_client_waits_no_longer_than_it_is_told() {
    let sandbox = Sandbox::start();
    let site = site(&sandbox);
    let lines = r#"
const silent = new Textsender("sh", ["-c", "read line; read never"], 50);
silent.send(request(10)).then((response) => { print([response]); silent.close(); });
"#;
    assert_eq!(node(&site, lines), "reset-10:unknown");
}
