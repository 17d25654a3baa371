//! Providers by settings: every provider that the plugin http knows is added, looked at and sent with by the commands of
//! `docs/providers.md`; its definition of one's own; and what `check` says of a definition with a mistake.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use textsender_tests::harness::{Preset, artifacts, each};
use textsender_tests::sandbox::{Sandbox, echo::Script};

use super::Admin;

const GUIDE: &str = include_str!("../../../../docs/providers.md");

/// What the guide shows in fences of this kind.
fn blocks(kind: &str) -> impl Iterator<Item = &'static str> {
    let parts = GUIDE.split("```").skip(1).step_by(2);
    parts.filter_map(move |block| block.strip_prefix(kind)?.strip_prefix('\n'))
}

fn with(plugins: &[&str]) -> Admin {
    let admin = Admin::new();
    let folder = admin.folder().display().to_string();
    let init = ["init", "--region", "GB", "--folder", &folder];
    admin.run(&init).ok();
    for plugin in plugins {
        let file = artifacts().plugin(plugin).display().to_string();
        admin.run(&["plugin", "install", &file]).ok();
    }
    admin
}

/// Leads a sender to the sandbox, whatever host it talks to.
fn connect(admin: &Admin, sender: &str, sandbox: &Sandbox) {
    let mut config = fs::File::options()
        .append(true)
        .open(admin.config())
        .unwrap();
    let address = sandbox.echo().address();
    writeln!(
        config,
        "\n[senders.{sender}.http]\nconnect_to = \"{address}\""
    )
    .unwrap();
}

fn test_send(admin: &Admin, sender: &str) -> serde_json::Value {
    let number = ["--phone", "+447700900123", "--code", "beK989vc"];
    let mut command = vec!["test-send", "--json", "--sender", sender];
    command.extend(number);
    admin.run(&command).json()
}

#[test]
fn every_provider_is_set_up_by_the_commands_of_the_guide() {
    let presets = Preset::all();
    assert!(presets.len() >= 25);
    each(presets, |preset| {
        let sandbox = Sandbox::start();
        sandbox.echo().script(preset.script());
        let admin = with(&["http"]);
        let id = preset.id.as_str();
        let settings = preset.settings.iter();
        let settings: Vec<_> = settings
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        let mut add = vec!["sender", "add", "acme", "--provider", id];
        add.extend(settings.iter().map(String::as_str));
        admin.run(&add).ok();
        for (key, secret) in &preset.secrets {
            let name = format!("acme.{key}");
            admin.feed(&["secret", "set", &name], secret).ok();
        }
        connect(&admin, "acme", &sandbox);
        admin.run(&["select-sender", "acme"]).ok();
        admin.run(&["check"]).ok();
        let check = admin.run(&["sender", "check", "acme"]);
        match preset.has_check() {
            true => check.ok(),
            // Nothing was asked, so nothing is proven.
            false => check.failed(76),
        };
        let response = test_send(&admin, "acme");
        assert_eq!(response["outcome"], "accepted", "{id}: {response:#}");
        let asked = sandbox.echo().shown().concat();
        assert!(
            asked.contains("447700900123") && asked.contains("beK989vc"),
            "{id}: {asked}"
        );
    });
}

#[test]
fn the_list_has_coded_and_declared_providers() {
    let admin = with(&["http", "vonage", "twilio"]);
    let list = admin.run(&["provider", "list", "--json"]);
    let list = list.ok().json();
    let plugin_of = |id: &str| {
        let all = list.as_array().unwrap().iter();
        let known = all.clone().find(|it| it["id"] == id);
        known.map(|known| known["plugin"].as_str().unwrap().to_owned())
    };
    for Preset { id, .. } in Preset::all() {
        assert_eq!(plugin_of(&id).as_deref(), Some("http"), "{id}");
    }
    assert_eq!(plugin_of("vonage").as_deref(), Some("vonage"));
    assert_eq!(plugin_of("twilio").as_deref(), Some("twilio"));
    let table = admin.run(&["provider", "list"]);
    table.ok().says("telnyx").says("vonage");

    let telnyx = admin
        .run(&["provider", "show", "telnyx", "--json"])
        .ok()
        .json();
    assert_eq!(telnyx["hosts"], serde_json::json!(["api.telnyx.com"]));
    assert!(
        telnyx["source"]
            .as_str()
            .unwrap()
            .starts_with("https://developers.telnyx.com/")
    );
    let needs = telnyx["needs"].as_array().unwrap().iter();
    let needs: Vec<_> = needs.map(|it| it["key"].as_str().unwrap()).collect();
    assert_eq!(needs, ["api_key", "from", "messaging_profile_id"]);
    let shown = admin.run(&["provider", "show", "telnyx"]);
    shown.ok().says("api_key (secret): An API key");
    for (id, keeps) in [
        ("twilio", "Twilio keeps texts for 400 days"),
        ("plivo", "Plivo keeps texts for 7 days"),
    ] {
        admin.run(&["provider", "show", id]).ok().says(keeps);
    }
    let unknown = admin.run(&["provider", "show", "telnix"]);
    assert_ne!(unknown.exit, 0);
    unknown.says("telnix").says("textsender provider list");
}

/// A gateway that is reached by mail is picked by name, too.
#[test]
fn a_gateway_is_picked_by_name() {
    let admin = with(&["email-gateway"]);
    let add =
        "sender add gateway --provider txtlocal server=smtp.example.org from=reset@example.org";
    let add: Vec<_> = add.split(' ').collect();
    admin.run(&add).ok().says("of the plugin email-gateway");
    let config = admin.config_text();
    let settings = ["to = \"%digits%@txtlocal.co.uk\"", "max_length = 612"];
    assert!(settings.iter().all(|it| config.contains(it)), "{config}");
    let shown = admin.run(&["provider", "show", "txtlocal"]);
    shown.ok().says("talks to: the host that a setting names");
    let any = ["sender", "add", "other", "--provider", "email-gateway"];
    admin.run(&any).ok();
}

/// The guide from its first command to its last.
#[test]
fn the_guide_is_walked() {
    let sandbox = Sandbox::start();
    let script = "[[answer]]\nstatus = 200\njson = { id = \"a1\" }\n";
    sandbox.echo().script(Script::parse(script).unwrap());
    let admin = with(&["http"]);
    let definition = blocks("toml").next().unwrap();
    fs::write(admin.folder().join("acme.toml"), definition).unwrap();
    let commands = blocks("sh").flat_map(str::lines);
    let mut count = 0;
    for command in commands {
        let input = match command {
            _ if command.starts_with("textsender secret set") => "k3y-of-mine",
            _ if command.starts_with("textsender test-send") => "+447700900123\nbeK989vc\n",
            _ => "",
        };
        admin.shell(command, input).ok();
        if let Some(added) = command.strip_prefix("textsender sender add ") {
            connect(&admin, added.split(' ').next().unwrap(), &sandbox);
        }
        count += 1;
    }
    assert!(count >= 9, "{count}");
    let asked = sandbox.echo().shown().concat();
    assert!(
        asked.contains("POST https://api.acme.example/v1/sms"),
        "{asked}"
    );
    assert!(
        asked.contains("authorization: Bearer k3y-of-mine"),
        "{asked}"
    );
}

/// What is right, the mistake, and what `check` says of it.
const MISTAKES: [(&str, &str, &str); 9] = [
    // Rules that overlap.
    (
        "is = \"bad_number\"\nverdict = \"rejected\"",
        "is = \"bad_number\"\nverdict = \"rejected\"\n\n[[answer]]\nstatus = 400\nat = \"/error\"\nin = [\"bad_number\", \"late\"]\nverdict = \"throttled\"",
        "match the same answers and say different things",
    ),
    // One that can't match.
    (
        "[[answer]]\nstatus = 400",
        "[[answer]]\nstatus = 400\nverdict = \"misconfigured\"\n\n[[answer]]\nstatus = 400",
        "this rule never matches",
    ),
    // One that accepts on nothing.
    ("id = \"/id\"\nverdict", "verdict", "accepted on nothing"),
    // A pointer into nothing.
    (
        "at = \"/error\"",
        "at = \"/errors/0\"",
        "leads nowhere in any example",
    ),
    // A secret in an address, outside auth.
    (
        "/v1/sms",
        "/v1/sms?key=%key%",
        "the secret %key% stands in an address",
    ),
    // National numbers of any country.
    (
        "\"%number%\"",
        "\"%national%\"",
        "name the one country with calling_code",
    ),
    // JSON pasted.
    (
        "json = { to = \"%number%\", from = \"%from%\", text = \"%message%\" }",
        "text = '{\"to\":\"%number%\",\"text\":\"%message%\"}'",
        "JSON is not pasted from text",
    ),
    // A host from a message's value.
    (
        "api.acme.example",
        "%name%",
        "the host may not come from the message",
    ),
    // No TOML.
    ("status = 200\nid", "status = \nid", "acme.toml"),
];

/// The guide's definition, by which the selected sender sends: its file, and what is in it.
fn acme(admin: &Admin) -> (PathBuf, &'static str) {
    let good = blocks("toml").next().unwrap();
    let file = admin.folder().join("acme.toml");
    fs::write(&file, good).unwrap();
    let add = "sender add acme --plugin http definition=acme.toml from=Helpdesk";
    let add: Vec<_> = add.split(' ').collect();
    admin.run(&add).ok();
    admin
        .feed(&["secret", "set", "acme.key"], "k3y-of-mine")
        .ok();
    admin.run(&["select-sender", "acme"]).ok();
    (file, good)
}

#[test]
fn each_mistake_in_a_definition_is_a_fault_with_its_line_and_a_caret() {
    let admin = with(&["http"]);
    let (file, good) = acme(&admin);
    admin.run(&["check"]).ok();
    for (right, wrong, words) in MISTAKES {
        assert!(good.contains(right), "{right}");
        fs::write(&file, good.replacen(right, wrong, 1)).unwrap();
        let check = admin.run(&["check"]);
        check.failed(78).says(words).says("acme.toml:").says("^");
        let json = admin.run(&["check", "--json"]).json();
        let faults = json["faults"].as_array().unwrap();
        let is_placed = |fault: &serde_json::Value| {
            let is_ours = fault["key"] == "senders.acme.settings.definition";
            is_ours && fault["line"].as_u64() > Some(0) && fault["column"].as_u64() > Some(0)
        };
        assert!(!faults.is_empty(), "{words}: {json:#}");
        assert!(faults.iter().all(is_placed), "{words}: {json:#}");
    }
}

/// What is wrong is the setting, and not the plugin.
#[test]
fn a_definition_that_cannot_be_read_is_a_fault_of_its_setting() {
    let admin = with(&["http"]);
    let (file, _) = acme(&admin);
    let found = |words: &str| {
        let check = admin.run(&["check"]);
        check.failed(78).says(words).says("definition = ");
        let json = admin.run(&["check", "--json"]).json();
        let key = &json["faults"][0]["key"];
        assert_eq!(key, "senders.acme.settings.definition", "{json:#}");
    };
    fs::write(&file, b"name = \"\xe9\"").unwrap();
    found("acme.toml: is not UTF-8 text");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    found("acme.toml can be written by others");
    fs::remove_file(&file).unwrap();
    found("acme.toml: ");
}

/// The coded plugin stays beside the definition of the same provider.
#[test]
fn a_configuration_with_the_plugin_vonage_goes_on_working() {
    let sandbox = Sandbox::start();
    let answer = r#"{"message-count":"1","messages":[{"to":"447700900123","message-id":"0C000000217B7F02","status":"0"}]}"#;
    let script = format!("[[answer]]\nstatus = 200\nbody = '''{answer}'''\n");
    sandbox.echo().script(Script::parse(&script).unwrap());
    let admin = with(&["http", "vonage"]);
    let mut config = fs::File::options()
        .append(true)
        .open(admin.config())
        .unwrap();
    let sender = "\n[senders.vonage]\nplugin = \"vonage\"\n[senders.vonage.settings]\napi_key = \"abcd1234\"\nfrom = \"Helpdesk\"\n";
    config.write_all(sender.as_bytes()).unwrap();
    let name = ["secret", "set", "vonage.api_secret"];
    admin.feed(&name, "not-a-real-one").ok();
    connect(&admin, "vonage", &sandbox);
    admin.run(&["select-sender", "vonage"]).ok();
    admin.run(&["check"]).ok();
    let response = test_send(&admin, "vonage");
    assert_eq!(response["outcome"], "accepted", "{response:#}");
    // By its name alone it is the plugin that is meant.
    admin
        .run(&["sender", "add", "second", "--provider", "vonage"])
        .ok()
        .says("of the plugin vonage");
}
