//! Where foreign text comes in, times where text goes out: none comes out as it is. That no secret, no number and
//! nothing that a terminal acts upon is shown, the harness looks for in every output; that no line is forged, here.

use std::fs;

use jiff::Timestamp;
use serde_json::{Value, json};
use textsender_tests::harness::{Run, Test, each};
use textsender_tests::sandbox::smtp::Command;
use textsender_tests::sandbox::{Fault, SmtpFault, When, twilio};

/// What begins a line that none of ours begins with.
const FORGED: &str = "forged-line";

/// Clears a terminal, gives it a title, turns words around, hides among them, and begins a line.
const TRICKS: &str = "\u{1b}[2J\u{1b}]0;t\u{7}\u{202e}\u{2066}\u{61c}\u{200b}\u{feff}\u{9b}31m\u{2028}\u{2029}\r\nforged-line";

/// Names of files and of settings are the administrator's: a line end in one is shown as such.
const NAME: &str =
    "\u{1b}[2J\u{1b}]0;t\u{7}\u{202e}\u{2066}\u{61c}\u{200b}\u{feff}\u{9b}31m\u{2028}\u{2029}name";

/// What a header and a line of mail can hold of it.
const VISIBLE_TRICKS: &str = "\u{202e}\u{2066}\u{61c}\u{200b}\u{feff}\u{2028}forged-line";

/// A place where foreign text comes in.
type Source = (&'static str, fn() -> Test);

const SOURCES: &[Source] = &[
    ("a plugin's log", || Test::new().misbehaving("log_secrets")),
    ("a plugin's error", || {
        Test::new().misbehaving("fail_with_secrets")
    }),
    ("a plugin's words about settings", || {
        Test::new().misbehaving("quote_settings")
    }),
    ("a plugin's long error", || {
        Test::new().misbehaving("huge_error")
    }),
    ("a plugin's long id", || Test::new().misbehaving("huge_id")),
    ("a plugin's id, a code", || {
        Test::new().misbehaving("secret_for_id")
    }),
    ("a plugin's id, words", || {
        Test::new().misbehaving("words_for_id")
    }),
    ("a plugin's panic", || {
        Test::new().misbehaving("panic_in_send")
    }),
    ("a plugin's printing", || Test::new().misbehaving("print")),
    ("hosts that are asked for", || {
        Test::new().misbehaving("ask_for_secret_host")
    }),
    ("URLs, headers, codes", || {
        Test::new().misbehaving("speak_in_tricks")
    }),
    ("a provider's body and headers", provider),
    ("a mail server's reply", mail_server),
    ("a request's values", request_values),
    ("who asks for a message", || {
        Test::new().with(json!({ "actor": TRICKS }))
    }),
    ("a request's id", || {
        Test::new().with(json!({ "id": TRICKS }))
    }),
    ("a request's fields", || {
        Test::new().with(json!({ TRICKS: 1 }))
    }),
    ("a request's purpose", || {
        Test::new().with(json!({ "purpose": TRICKS }))
    }),
    ("names in the configuration", names),
    ("names of files and folders", files),
    ("why something is paused", paused),
    ("when secrets end", expiries),
    ("a directory's snapshot", snapshot),
];

/// Where text goes out. `SITE` is the folder of the installation.
const OUT: &[&[&str]] = &[
    &["log"],
    &["log", "--json"],
    &["log", "--csv"],
    &["log", "--changes"],
    &["explain", "--id", "shown"],
    &["explain"],
    &["preview", "--phone", "+447700900123"],
    &["stats"],
    &["stats", "--json"],
    &["stats", "--plot"],
    &["status"],
    &["status", "--json"],
    &["health"],
    &["health", "--json"],
    &["health", "--alert"],
    &["expiring"],
    &["expiring", "--json"],
    &["rotate", "--plan"],
    &["rotate", "--plan", "--json"],
    &["limits", "list"],
    &["limits", "list", "--json"],
    &["limits", "try", "recipient", "1/10m"],
    &["limits", "propose"],
    &["provider", "list"],
    &["check"],
    &["check", "--json"],
    &["doctor", "--offline"],
    &["doctor", "--offline", "--json"],
    &["sender", "list"],
    &["sender", "list", "--json"],
    &["sender", "show", "misbehaving"],
    &["sender", "check", "misbehaving"],
    &["plugin", "list"],
    &["plugin", "list", "--json"],
    &["plugin", "show", "misbehaving"],
    &["plugin", "show", "misbehaving", "--json"],
    &["policy", "list"],
    &["policy", "list", "--json"],
    &["policy", "show", "Everyone"],
    &["text", "show", "--policy", "Everyone"],
    &["secret", "list"],
    &["helpdesk", "show"],
    &["person", "export", "--phone", "-"],
];

#[test]
fn no_foreign_text_comes_out_as_it_is() {
    each(SOURCES, |(source, prepared)| {
        for format in ["text", "json"] {
            let id = json!({ "id": format!("shown-{format}") });
            let is_own = *source == "a request's id";
            let test = alerted(prepared());
            let test = if is_own { test } else { test.with(id) };
            let alert = test.site().folder().join("alert");
            let metrics = test.site().folder().join("metrics.prom");
            let run = test.args(["--log-format", format]).run();
            forges_nothing(source, "send", &run);
            if format == "json" {
                continue;
            }
            for words in OUT {
                let beside = run.test().beside().command(words.iter().copied());
                let beside = match *words {
                    ["person", ..] => beside.stdin("+447700900123\n"),
                    ["explain"] => beside,
                    _ => beside.stdin(""),
                };
                forges_nothing(source, words[0], &beside.run());
            }
            let prometheus = ["stats", "--prometheus", metrics.to_str().unwrap()];
            run.test().beside().stdin("").command(prometheus).run();
            for written in [&alert, &metrics] {
                // There is an alert only where something is wrong.
                let text = fs::read_to_string(written).unwrap_or_default();
                run.shows_nothing_secret_in(source, &text);
                forges_no_line(source, &text, &run);
            }
        }
    });
}

#[track_caller]
fn forges_nothing(source: &str, command: &str, run: &Run) {
    for output in [run.stdout.as_deref().unwrap_or_default(), &run.stderr] {
        forges_no_line(&format!("{source}, {command}"), output, run);
    }
}

#[track_caller]
fn forges_no_line(what: &str, output: &str, run: &Run) {
    for line in output.split(['\n', '\r']) {
        let line = line.trim_start_matches([' ', '|', '-', '>']);
        assert!(!line.starts_with(FORGED), "{what}: {output:?}: {run}");
    }
}

fn provider() -> Test {
    let test = Test::new();
    let words = format!(
        "{TRICKS} {} +447700900123 {}",
        test.code(),
        twilio::AUTH_TOKEN
    );
    let header = format!("{VISIBLE_TRICKS} {} +447700900123", test.code());
    let body = json!({ "code": 20003, "message": words, "more_info": words, "sid": words });
    let fault = Fault::status(400)
        .header("X-Words", &header)
        .header("Retry-After", &header)
        .body(body.to_string());
    test.fault(When::always(), fault)
}

fn mail_server() -> Test {
    let test = Test::new().all_senders().through("email-gateway");
    let reply = format!("550 5.1.1 {VISIBLE_TRICKS} {} +447700900123", test.code());
    let fault = SmtpFault::reply(&reply);
    test.sandbox()
        .smtp()
        .fault(Command::Rcpt, When::always(), fault);
    test
}

fn request_values() -> Test {
    let user = json!({
        "phone": "+447700900123",
        "name": TRICKS,
        "display_name": TRICKS,
        "dn": format!("CN={TRICKS},DC=example"),
        "groups": [TRICKS],
        "locale": TRICKS,
    });
    Test::new().with(json!({ "actor": TRICKS, "user": user }))
}

/// A setting that the plugin does not know, a sender, a key and a policy.
fn names() -> Test {
    let name = toml_string(NAME);
    Test::new()
        .misbehaving("deliver")
        .config(&format!("[senders.misbehaving.settings]\n{name} = {name}"))
        .config(&format!(
            "[senders.{name}]\nplugin = {name}\n[{name}]\nkey = 1\n[callers.{name}]\nproduct = {name}\n\
             [directories.{name}]\nservers = [{name}]\nbind = {name}\n[prices]\n{name} = {name}\n\
             [containers.{name}]\nblock_inheritance = {name}\n[log]\nto = {name}"
        ))
        .change(|site| {
            let policy = format!("name = {name}\n{name} = 1\n[verification_code]\ntext = {name}");
            site.policy("tricks", &policy).unwrap();
        })
}

fn files() -> Test {
    let name = NAME;
    Test::new().change(|site| {
        let policies = site.policies().join(format!("{name}.toml"));
        fs::write(policies, "not = [toml").unwrap();
        let plugins = site.plugins();
        fs::write(plugins.join(format!("libtextsender_{name}.so")), "").unwrap();
        fs::create_dir(plugins.join(name)).unwrap();
        let secrets = site.state().join("secrets");
        fs::write(secrets.join(format!("twilio.{name}")), "x").unwrap();
        fs::write(secrets.join(name), "x").unwrap();
    })
}

fn paused() -> Test {
    let test = Test::new();
    for what in [["--sender", "twilio"], ["--caller", TRICKS]] {
        let words = ["pause", "--reason", TRICKS].into_iter().chain(what);
        test.beside().stdin("").command(words).run();
    }
    test
}

fn expiries() -> Test {
    Test::new().change(|site| {
        let expiries = json!({ TRICKS: "2027-01-01", "twilio.auth_token": TRICKS });
        fs::write(site.state().join("expiry.json"), expiries.to_string()).unwrap();
    })
}

/// What a domain controller wrote of its objects, to one of which a policy is bound.
fn snapshot() -> Test {
    let (bound, other) = (
        "{8CAB271A-A7F5-4F31-9C47-3A8D4C7B5A6E}",
        "{8CAB271A-A7F5-4F31-9C47-3A8D4C7B5A6F}",
    );
    let gpo = |id: &str, state: &str| {
        json!({
            "id": id, "name": TRICKS, "state": state, "user_half": true, "version": 2, "wmi_filter": true,
            "entries": [{ "allow": true, "trustee": "S-1-5-21-1-2-3-1113", "read": true, "apply": true }],
        })
    };
    let link = json!({ "gpo": bound, "order": 1, "enabled": true, "enforced": false });
    let snapshot = json!({
        "format": 1,
        "server": TRICKS,
        "taken": Timestamp::now().to_string(),
        "base": TRICKS,
        "containers": [
            { "dn": format!("OU={TRICKS},DC=example,DC=org"), "links": [link] },
            { "dn": "DC=example,DC=org", "unreadable": true },
        ],
        "gpos": [gpo(bound, "readable"), gpo(other, "unreadable")],
        "trustees": { "S-1-5-21-1-2-3-1113": format!("CN={TRICKS},DC=example,DC=org") },
    });
    let user = json!({ "dn": "CN=Ada,DC=example,DC=org", "groups": ["S-1-5-11"] });
    Test::new()
        .with(json!({ "user": user }))
        .secret("directories.example.password", "a password of its own")
        .config(
            "[directories.example]\nservers = [\"ldaps://127.0.0.1:9\"]\nbind = \"svc@example.org\"",
        )
        .change(|site| {
            let policy = format!(
                "name = \"Bound\"\nregion = \"GB\"\nevents = [\"reset\"]\n[gpo]\nid = \"{bound}\"\n\
                 [verification_code]\ntext = \"%code%\"\n"
            );
            site.policy("bound", &policy).unwrap();
            let folder = site.state().join("directories");
            fs::create_dir(&folder).unwrap();
            fs::write(folder.join("example.json"), snapshot.to_string()).unwrap();
        })
}

/// Writes each alert into a file of the installation.
fn alerted(test: Test) -> Test {
    let file = test.site().folder().join("alert");
    let script = format!("cat > {}", file.display());
    test.config(&format!(
        "[alerts]\ncommand = [\"/bin/sh\", \"-c\", {script:?}]"
    ))
}

/// A TOML string may hold any character, if it is escaped as JSON has it; JSON leaves some as they are.
fn toml_string(text: &str) -> String {
    let json = Value::from(text).to_string();
    let escape = |c: char| match c.is_ascii() {
        true => c.to_string(),
        false => format!("\\u{:04x}", u32::from(c)),
    };
    json.chars().map(escape).collect()
}
