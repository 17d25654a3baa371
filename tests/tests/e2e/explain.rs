//! `explain`, `preview` and `policy diff`: what they say is what is sent, and they need and leave nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::{Value, json};
use textsender_tests::harness::{Run, Test, each};

const ADA: &str = "CN=Ada,OU=Sales,OU=Staff,DC=example,DC=org";
const VPN: &str = "CN=VPN,OU=Groups,DC=example,DC=org";

/// Links at three depths, a filter, a translation, and a fallback.
const POLICIES: [(&str, &str); 3] = [
    (
        "everyone",
        r#"name = "Everyone"
region = "GB"
regions = ["GB", "IE"]
[[link]]
container = "DC=example,DC=org"
[verification_code]
text = "Your verification code is %code%"
"#,
    ),
    (
        "staff",
        r#"name = "Staff"
region = "GB"
events = ["reset"]
[[link]]
container = "OU=Staff,DC=example,DC=org"
[verification_code]
sender = "second"
fallback = ["twilio"]
origin = "reset.example.com"
fold = true
text = "It’s %code% for %name|you%"
[verification_code.translations]
cy = "Rhowch y cod ŵ: %code%"
"#,
    ),
    (
        "vpn",
        r#"name = "VPN"
region = "GB"
[[link]]
container = "OU=Sales,OU=Staff,DC=example,DC=org"
[filter]
groups = ["CN=VPN,OU=Groups,DC=example,DC=org"]
[verification_code]
max_segments = 1
text = "VPN %code%"
"#,
    ),
];

/// A case with these policies, and a second sender that is as good as the first.
fn test() -> Test {
    Test::new().change(|site| {
        let twilio = site.config()["senders"]["twilio"].clone();
        let base_url = twilio["settings"]["base_url"].as_str().unwrap().to_owned();
        site.add_twilio("second", &base_url).unwrap();
        for (stem, text) in POLICIES {
            site.policy(stem, text).unwrap();
        }
    })
}

fn explained(test: Test) -> (Run, Value) {
    let run = test.command(["explain", "--json"]).run();
    let json = serde_json::from_str(run.stdout.as_deref().unwrap_or_default());
    let json = json.unwrap_or_else(|error| panic!("{error}: {run}"));
    (run, json)
}

#[test]
fn a_policy_that_lost_is_told_with_what_beat_it_and_why() {
    each(
        [
            (
                json!({ "dn": ADA, "groups": [VPN] }),
                "Staff (at OU=Staff,DC=example,DC=org, order 1) lost: VPN beats it: it is linked closer to the \
                 user, at OU=Sales,OU=Staff,DC=example,DC=org",
            ),
            (
                json!({ "dn": ADA, "groups": ["S-1-5-21-1-2-3-513"] }),
                "VPN (at OU=Sales,OU=Staff,DC=example,DC=org, order 1) lost: the filter names \
                 CN=VPN,OU=Groups,DC=example,DC=org; the request's 1 group does not hold it",
            ),
            (
                json!({ "dn": "CN=Bob,DC=example,DC=org" }),
                "Staff (at OU=Staff,DC=example,DC=org, order 1) lost: the container does not hold the user",
            ),
            (json!({}), "lost: the request has no user.dn"),
        ],
        |(user, line)| {
            let run = test()
                .with(json!({ "user": user }))
                .command(["explain"])
                .run();
            let stdout = run.stdout.as_deref().unwrap();
            assert!(stdout.contains(line), "{stdout}");
        },
    );
}

/// The one promise of `explain`, for what is sent and what is not.
#[test]
fn what_is_explained_is_what_is_sent() {
    each(
        [
            json!({}),
            json!({ "user": { "dn": ADA, "groups": [VPN] } }),
            json!({ "user": { "dn": ADA, "display_name": "Ada L.", "locale": "en" } }),
            json!({ "user": { "dn": ADA, "locale": "cy-GB" } }),
            json!({ "user": { "dn": "CN=Bob,DC=example,DC=org", "phone": "07700 900123" } }),
            json!({ "user": { "phone": "+353850123456" } }),
            json!({ "user": { "phone": "+1 212 555 0123" } }),
            json!({ "user": { "phone": "+44 909 876 5432" } }),
            json!({ "user": { "phone": "+44 7700" } }),
            json!({ "user": { "dn": "no name" } }),
            json!({ "user": { "dn": ADA }, "event": "enroll" }),
            json!({ "user": { "dn": ADA, "groups": [VPN] }, "code": "漢".repeat(64) }),
            json!({ "purpose": "helpdesk_code" }),
            json!({ "purpose": "test", "sender": "second" }),
            json!({ "purpose": "test", "sender": "third" }),
        ],
        |patch| {
            let test = test().with(patch);
            let (explain, said) = explained(test.beside());
            let send = test.run();

            assert_eq!(explain.exit, send.exit, "{explain}\n{send}");
            let sent = &send.response;
            assert_eq!(said["policy"], sent["policy"], "{explain}\n{send}");
            assert_eq!(
                said["number"]["e164"], sent["recipient"],
                "{explain}\n{send}"
            );
            assert_eq!(said["text"]["locale"], sent["locale"], "{explain}\n{send}");
            assert_eq!(said["text"]["segments"]["count"], sent["segments"]);
            assert_eq!(said["senders"][0]["name"], sent["sender"]);
            assert_eq!(said["output"]["refused"]["code"], sent["error"]["code"]);
            assert_eq!(
                said["output"]["refused"]["message"],
                sent["error"]["message"]
            );
            if send.exit == 0 {
                assert_eq!(said["output"]["sent_by"][0], sent["sender"]);
            }
        },
    );
}

/// A preview is the text that arrives, but for the code.
#[test]
fn a_preview_is_what_arrives() {
    each(["en", "cy"], |locale| {
        let user = json!({ "dn": ADA, "display_name": "Siân’s", "locale": locale });
        let test = test().with(json!({ "user": user, "code": "12345678" }));
        let preview = test.beside().command(["preview", "--json"]).run();
        let preview: Value = serde_json::from_str(preview.stdout.as_deref().unwrap()).unwrap();
        let run = test.run();
        let arrived = run.the_text().body.replace("12345678", "xxxxxxxx");
        assert_eq!(preview["text"], arrived, "{run}");
        assert_eq!(preview["envelope"]["to"]["e164"], "+44*******123");
        assert_eq!(preview["envelope"]["secret_characters"], 8);
    });
}

#[test]
fn without_a_code_a_stand_in_has_its_length() {
    let test = test().verification_code("code_length = 12");
    let run = test.command(["preview", "--phone", "+447700900123"]).run();
    let stdout = run.stdout.as_deref().unwrap();
    assert!(
        stdout.ends_with("\nYour verification code is xxxxxxxxxxxx\n"),
        "{run}"
    );
}

#[test]
fn flags_are_a_request() {
    let flags = [
        "--dn",
        ADA,
        "--group",
        VPN,
        "--group",
        "S-1-5-11",
        "--phone",
        "+447700900123",
        "--event",
        "reset",
        "--locale",
        "cy",
        "--user",
        "ada",
        "--display-name",
        "Ada",
        "--expires-in",
        "600",
    ];
    let request = json!({
        "purpose": "verification_code",
        "event": "reset",
        "user": {
            "dn": ADA, "groups": [VPN, "S-1-5-11"], "phone": "+447700900123",
            "locale": "cy", "name": "ada", "display_name": "Ada",
        },
        "expires_in": 600,
    });
    let test = test();
    for command in ["explain", "preview"] {
        let by_stdin = test.beside().request(request.clone());
        let by_stdin = by_stdin.command([command, "--json"]).run();
        let by_flags = test.beside().command([command, "--json"]).args(flags).run();
        assert_eq!(by_flags.stdout, by_stdin.stdout);
        assert_eq!(by_flags.exit, 0, "{by_flags}");
    }
}

#[test]
fn a_new_password_is_refused_with_the_command_that_switches_it_on() {
    let command = "switch it on with: textsender helpdesk enable new_password";
    let test = || {
        let test = Test::new().config("[helpdesk]\nnew_password = false");
        test.request(json!({
            "purpose": "new_password",
            "user": { "phone": "+447700900123" },
            "password": "Fz7%dq+Lm2pX",
        }))
    };
    let (run, said) = explained(test());
    assert_eq!(run.exit, 77, "{run}");
    let message = said["output"]["refused"]["message"].as_str().unwrap();
    assert!(message.ends_with(command), "{message}");
    let run = test().command(["preview"]).run();
    assert_eq!(run.exit, 77, "{run}");
    assert!(run.stderr.contains(command), "{run}");
    test().run().outcome("refused").says(command).requests(0);
}

/// No secret, no plugin, no state folder; and nothing is there afterwards that was not before.
#[test]
fn nothing_is_needed_and_nothing_is_left() {
    for command in [["explain", "--json"], ["preview", "--json"]] {
        let test = test().change(|site| {
            fs::remove_dir_all(site.state()).unwrap();
            fs::remove_dir_all(site.plugins()).unwrap();
            let missing = "{ file = \"/nowhere/token\" }";
            site.merge(&format!(
                "[senders.twilio.settings]\nauth_token = {missing}"
            ))
            .unwrap();
        });
        let folder = test.site().folder().to_owned();
        let before = files_in(&folder);
        let run = test.command(command).run();
        assert_eq!(run.exit, 0, "{run}");
        if command[0] == "explain" {
            let shown = run.stdout.as_deref().unwrap_or_default();
            assert!(
                shown.contains("\"unusable\": \"the sender's plugin is not there"),
                "{run}"
            );
        }
        run.requests(0);
        assert_eq!(files_in(&folder), before);
    }
}

/// Every file and folder below a folder, with its size.
fn files_in(folder: &Path) -> BTreeMap<String, u64> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_in(&path));
        }
        let size = fs::metadata(&path).unwrap().len();
        found.insert(path.display().to_string(), size);
    }
    found
}

#[test]
fn a_request_that_is_wrong_is_told_apart_from_a_policy_that_refuses() {
    each(
        [
            (
                r#"{"purpose":"verification_code","user":{"fone":"1"}}"#,
                "user.fone",
            ),
            ("{}", "the request lacks a field: purpose"),
            ("", "the request is not JSON"),
        ],
        |(request, words)| {
            let run = test().stdin(request).command(["explain"]).run();
            assert_eq!(run.exit, 65, "{run}");
            assert!(run.stderr.contains(words), "{run}");
        },
    );
}

#[test]
fn an_edit_is_held_against_users() {
    let users = [
        json!({ "dn": ADA }),
        json!({ "dn": "CN=Bob,DC=example,DC=org", "locale": "cy" }),
        json!({ "dn": "CN=Eve,OU=Staff,DC=example,DC=org", "locale": "cy" }),
        json!({ "dn": ADA, "groups": [VPN] }),
        json!({ "name": "mallory" }),
    ];
    let (old, new) = (test(), test());
    let staff = POLICIES[1].1;
    let edited = staff
        .replace("\"Staff\"", "\"All staff\"")
        .replace("It’s %code%", "Code: %code%, “%user|you%”,")
        .replace(
            "cy = \"Rhowch y cod ŵ: %code%\"",
            "cy = \"Rhowch y cod ŵ: %code%\"\nde = \"%code%\"",
        );
    new.site().policy("staff", &edited).unwrap();
    let lines: Vec<String> = users.iter().map(Value::to_string).collect();
    let file = old.site().folder().join("users.jsonl");
    fs::write(&file, lines.join("\n") + "\n\n").unwrap();
    let diff = |more: &[&str]| {
        let run = old.beside().command(["policy", "diff"]);
        run.args([old.site().folder(), &new.site().config_file()])
            .args([Path::new("--users"), &file])
            .args(["--event", "reset"])
            .args(more)
            .run()
    };

    let run = diff(&["--json"]);
    assert_eq!(run.exit, 0, "{run}");
    let report: Value = serde_json::from_str(run.stdout.as_deref().unwrap()).unwrap();
    assert_eq!(report["users"], 5);
    let changed = report["changed"].as_array().unwrap();
    // Of the staff those who get the policy's own text: Eve's is the Welsh one as before.
    assert_eq!(changed.len(), 1, "{run}");
    let change = &changed[0];
    assert_eq!((&change["line"], &change["user"]), (&json!(1), &json!(ADA)));
    assert_eq!(change["before"]["senders"], json!(["second", "twilio"]));
    assert_eq!(change["before"]["senders"], change["after"]["senders"]);
    assert!(
        change["after"]["text"]
            .as_str()
            .unwrap()
            .starts_with("Code: xxxxxxxx")
    );

    let run = diff(&[]);
    let stdout = run.stdout.as_deref().unwrap();
    assert!(stdout.starts_with(&format!(
        "{ADA}\n  policy\n  - Staff\n  + All staff\n  text\n"
    )));
    assert!(
        stdout.ends_with("\n1 of 5 users would see a change\n"),
        "{stdout}"
    );

    fs::write(&file, "{\"dn\":\"CN=Ada\"}\n{\"dm\":1}\n").unwrap();
    let run = diff(&[]);
    assert_eq!(run.exit, 65, "{run}");
    assert!(run.stderr.contains("users.jsonl: line 2: "), "{run}");
}
