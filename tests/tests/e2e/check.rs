//! `check`: every fault at once, each at its line; and what is no fault.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use serde_json::Value;
use textsender_tests::harness::{Run, Test, artifacts, each};
use textsender_tests::sandbox::twilio;

/// Each line that ends in a mark has one fault; the mark is its key.
const FAULTY: &str = r##"
[plugins]
folder = "plugins"
truts = "owner" #! plugins.truts
[state]
folder = "state"
[defaults]
sender = "twillio" #! defaults.sender
policy = "Everyone"
[http]
proxy = "proxy.example.org" #! http.proxy
[limits]
recipient = { limits = ["5 per day"] } #! limits.recipient.limits[0]
[helpdesk]
region = "UK" #! helpdesk.region
sender = "twilio"
[helpdesk.texts]
helpdesk_code = "Your code" #! helpdesk.texts.helpdesk_code
[senders.twilio]
plugin = "twilio"
[senders.twilio.settings]
account_sid = "AC00000000000000000000000000000001"
form = "+447700900100" #! senders.twilio.settings.form
auth_token = { env = "NOT_SET_ANYWHERE" } #! senders.twilio.settings.auth_token
[senders.open]
plugin = "twilio"
[senders.open.settings]
account_sid = 5 #! senders.open.settings.account_sid
auth_token = "hunter2hunter2" #! senders.open.settings.auth_token
[senders.gateway]
plugin = "email-gatway" #! senders.gateway.plugin
[senders.bare] #! senders.bare.settings.account_sid
plugin = "twilio"
[senders.wrong]
plugin = "twilio"
[senders.wrong.settings]
account_sid = "AC1" #! senders.wrong.settings.account_sid
auth_token = { file = "token" }
[containers."OU=Staff,example"] #! containers
block_inheritance = true
[[policies]]
name = "Everyone"
[policies.verification_code]
sender = "twilio"
text = "%code%"
"##;

const FAULTY_STAFF: &str = r##"
name = "Staff"
kinds = ["premum"] #! kinds
[[link]]
container = "OU=Staff,DC=example,DC=org"
[verification_code]
sender = "bare"
max_segments = 1
text = "Hello %nmae%, %code%" #! verification_code.text
[verification_code.translations]
cy = "Rhowch y cod ŵŷ hwn i gadarnhau mai chi sydd yno, os gwelwch yn dda: %code%" #! verification_code.translations.cy
de = "Hallo %name%, %code%" #! verification_code.translations.de
"##;

const FAULTY_LEADERS: &str = r##"
name = "Leaders"
[[link]] #! link.order
container = "ou=staff, dc=example, dc=org"
[verification_code]
sender = "twilio"
text = "%code%"
"##;

const FAULTY_LATE: &str = r##"
name = "Late" #! name
[[link]]
container = "OU=Staff,DC=example,DC=org"
order = 2
[verification_code]
sender = "twilio"
text = "%code%"
"##;

fn check(test: Test) -> (Run, Value) {
    let run = test.command(["check", "--json"]).run();
    let json = serde_json::from_str(run.stdout.as_deref().unwrap_or_default());
    let json = json.unwrap_or_else(|error| panic!("{error}: {run}"));
    (run, json)
}

/// `FILE:LINE: KEY` of each fault.
fn places(report: &Value) -> Vec<String> {
    let faults = report["faults"].as_array().unwrap().iter();
    let place = |fault: &Value| {
        let file = fault["file"].as_str().unwrap();
        let file = file.rsplit('/').next().unwrap();
        let key = fault["key"].as_str().unwrap();
        format!("{file}:{}: {key}", fault["line"])
    };
    faults.map(place).collect()
}

/// A fault that a configuration of a case has, by its words.
fn only_fault(test: Test) -> String {
    let (run, report) = check(test);
    let faults = report["faults"].as_array().unwrap();
    assert_eq!((faults.len(), run.exit), (1, 78), "{run}");
    let fault = &faults[0];
    let part = |name: &str| fault[name].as_str().unwrap().to_owned();
    format!("{}: {}; {}", part("key"), part("message"), part("remedy"))
}

#[test]
fn twenty_planted_faults_are_all_found_at_their_lines() {
    let files = [
        ("textsender.toml", FAULTY),
        ("1-staff.toml", FAULTY_STAFF),
        ("2-leaders.toml", FAULTY_LEADERS),
        ("3-late.toml", FAULTY_LATE),
    ];
    let planted = files.iter().flat_map(|(file, text)| {
        let lines = text.lines().enumerate();
        lines.filter_map(move |(place, line)| {
            let (_, key) = line.split_once("#! ")?;
            Some(format!("{file}:{}: {key}", place + 1))
        })
    });
    let planted: Vec<String> = planted.collect();
    assert!(planted.len() >= 20, "{}", planted.len());

    let test = Test::new()
        .hide("a secret in the open", "hunter2hunter2")
        .change(|site| {
            site.raw_config(FAULTY).unwrap();
            site.remove_policy("everyone").unwrap();
            for (file, text) in &files[1..] {
                site.policy(file.trim_end_matches(".toml"), text).unwrap();
            }
            fs::remove_dir_all(site.state()).unwrap();
            let token = site.folder().join("token");
            fs::write(&token, "t0k3n-t0k3n").unwrap();
            fs::set_permissions(&token, Permissions::from_mode(0o600)).unwrap();
        });
    let (json, report) = check(test.beside());
    assert_eq!(places(&report), planted, "{json}");
    assert_eq!(json.exit, 78);

    // For people: a caret below each line, and what to do.
    let run = test.command(["check"]).run();
    let stdout = run.stdout.as_deref().unwrap();
    assert_eq!(stdout.matches(" --> ").count(), planted.len(), "{run}");
    assert_eq!(stdout.matches("= help: ").count(), planted.len(), "{run}");
    assert!(
        stdout.ends_with(&format!("{} faults\n", planted.len())),
        "{run}"
    );
    assert!(!stdout.contains('\u{1b}'), "no colour but on a terminal");
}

#[test]
fn what_is_right_has_no_fault() {
    let run = Test::new().command(["check"]).run();
    assert_eq!(run.exit, 0, "{run}");
    // It sends new passwords, too, and its provider keeps texts.
    let stdout = run.stdout.as_deref().unwrap();
    let kept = "the provider of sender twilio keeps each new password in its text";
    assert!(stdout.contains(kept), "{run}");
    let end = "\n1 sender, 1 policy: no faults, 1 warning\n";
    assert!(stdout.ends_with(end), "{run}");
    run.requests(0);
    let answered = Test::new().config("[senders.twilio]\nkeeps_texts = false");
    let run = answered.command(["check"]).run();
    let stdout = run.exit(0).stdout.as_deref().unwrap();
    assert!(!stdout.contains(kept), "{run}");
}

#[test]
fn a_sender_that_is_not_whole_is_no_fault_until_somebody_sends_with_it() {
    let settings = format!("account_sid = \"{}\"", twilio::ACCOUNT_SID);
    let fragment =
        format!("[senders.new]\nplugin = \"twilio\"\n[senders.new.settings]\n{settings}");
    let (run, report) = check(Test::new().config(&fragment));
    assert_eq!(run.exit, 0, "{run}");
    let new = &report["incomplete"][0];
    assert_eq!(
        (&new["sender"], &new["plugin"]),
        (&"new".into(), &"twilio".into())
    );
    // The schema can't say it: it needs one of two.
    assert_eq!(new["needs"][0]["key"], "from");
    assert_eq!(new["needs"][0]["help"], "give it or messaging_service_sid");

    let test = Test::new()
        .config(&fragment)
        .verification_code("fallback = [\"new\"]");
    assert_eq!(
        only_fault(test),
        "senders.new.settings.from: is missing, and policy \"Everyone\" sends with \"new\"; textsender sender \
         set new from=VALUE (give it or messaging_service_sid)"
    );
}

#[test]
fn a_missing_secret_is_told_with_the_command_that_stores_it() {
    let test = Test::new().change(|site| {
        fs::remove_file(site.state().join("secrets/twilio.auth_token")).unwrap();
    });
    let fault = only_fault(test);
    assert!(
        fault.contains("textsender secret set twilio.auth_token"),
        "{fault}"
    );
}

#[test]
fn a_secret_of_no_setting_is_found_by_its_file() {
    let test = Test::new().secret("twilio.auth_tokn", "not used by anything");
    let fault = only_fault(test);
    assert!(
        fault.contains("auth_tokn: the plugin has no such setting; did you mean"),
        "{fault}"
    );
}

#[test]
fn a_text_that_a_sender_cannot_carry_is_a_fault() {
    let long = "x".repeat(1593);
    each(
        [
            // Twilio takes 1,600 characters.
            (
                "twilio",
                format!("text = \"{long}%code%\""),
                "it can grow to 1601 characters, and the sender takes 1600 at most",
            ),
            (
                "notify-own-text",
                "text = \"%code% for %name|you%\"".to_owned(),
                "sender \"notify-own-text\" can't carry `%name%`; it carries `%code%`; use these, or name \
                 another sender",
            ),
            (
                "notify-own-text",
                "origin = \"reset.example.com\"\ntext = \"%code%\"".to_owned(),
                "sends its provider's own text, without the line for the origin",
            ),
            (
                "ascii-gateway",
                "text = \"Grüße: %code%\"".to_owned(),
                "it carries no `ü` `ß`",
            ),
            (
                "ascii-gateway",
                format!("text = \"{}%code%\"", "x".repeat(153)),
                "it can grow to 161 characters, and the sender takes 160 at most",
            ),
        ],
        |(sender, lines, words)| {
            let test = Test::new().change(|site| {
                for plugin in ["govuk-notify", "email-gateway"] {
                    site.plugin(&artifacts().plugin(plugin)).unwrap();
                }
                let url = "http://127.0.0.1:9";
                site.add_notify("govuk-notify", url).unwrap();
                site.add_notify("notify-own-text", url).unwrap();
                site.merge("[senders.notify-own-text.settings.personalisation]\notp = \"%code%\"")
                    .unwrap();
                site.add_gateway("ascii-gateway", 9).unwrap();
                site.merge("[senders.ascii-gateway.settings]\nalphabet = \"ascii\"\nmax_length = 160")
                    .unwrap();
                let policy = format!(
                    "name = \"Everyone\"\nregion = \"GB\"\n[verification_code]\nsender = \"{sender}\"\n{lines}\n"
                );
                site.policy("everyone", &policy).unwrap();
            });
            let fault = only_fault(test);
            assert!(fault.contains(words), "{fault}");
        },
    );
}

#[test]
fn files_that_others_can_write_are_told_once_each() {
    let test = Test::new();
    let policy = test.site().policies().join("everyone.toml");
    let library = test.site().plugins();
    for (path, mode) in [(&policy, 0o666), (&library, 0o777)] {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
    }
    let (run, report) = check(test);
    assert_eq!(run.exit, 78);
    let faults = report["faults"].as_array().unwrap();
    let remedies: Vec<_> = faults
        .iter()
        .map(|fault| fault["remedy"].as_str().unwrap())
        .collect();
    let remedy = |path: &std::path::Path| format!("chmod go-w {}", path.display());
    assert_eq!(remedies, [remedy(&library), remedy(&policy)], "{run}");
}

/// It shows no secret either: the harness looks for it.
#[test]
fn a_plugin_that_misbehaves_when_it_is_configured_is_a_fault_and_nothing_more() {
    each(
        [
            ("panic_in_configure", "it panicked when it was configured"),
            ("quote_settings", "auth_token: [redacted]"),
        ],
        |(does, words)| {
            let fault = only_fault(Test::new().misbehaving(does));
            assert!(fault.contains(words), "{fault}");
        },
    );
}

/// What `check --json` lists under a key, each as its own key and message.
fn listed(test: Test, key: &str) -> Vec<(String, String)> {
    let run = test.command(["check", "--json"]).stdin([]).run();
    let report: Value = serde_json::from_str(run.stdout.as_deref().unwrap()).unwrap();
    let word = |fault: &Value, key: &str| fault[key].as_str().unwrap_or_default().to_owned();
    let listed = report[key].as_array().into_iter().flatten();
    listed
        .map(|fault| (word(fault, "key"), word(fault, "message")))
        .collect()
}

/// A gateway that addresses by the number as it is dialled in its country.
fn by_national_numbers(reach: &str) -> Test {
    Test::new()
        .all_senders()
        .through("email-gateway")
        .config("[senders.email-gateway.settings]\nto = \"%national%@sms.example\"\n")
        .policy(&format!(
            "name = \"Everyone\"\n{reach}\n[verification_code]\ntext = \"%code%\"\n"
        ))
}

#[test]
fn national_numbers_are_of_one_country() {
    let national = |fault: &(String, String)| fault.1.contains("uses %national%");
    for reach in [
        "region = \"GB\"\nregions = [\"GB\", \"IQ\"]",
        "regions = [\"*\"]",
        "regions = [\"FR\", \"DE\"]",
    ] {
        let faults = listed(by_national_numbers(reach), "faults");
        assert!(faults.iter().any(national), "{reach}: {faults:?}");
        assert!(
            faults.iter().any(|fault| fault.0 == "regions"),
            "{faults:?}"
        );
    }
    // One calling code is one country; and what is not sent so does not matter.
    for reach in [
        "region = \"GB\"",
        "region = \"GB\"\nregions = [\"GB\", \"JE\", \"IM\"]",
        "region = \"US\"\nregions = [\"US\", \"CA\"]",
    ] {
        let faults = listed(by_national_numbers(reach), "faults");
        assert!(!faults.iter().any(national), "{reach}: {faults:?}");
    }
    let by_digits = by_national_numbers("regions = [\"*\"]")
        .config("[senders.email-gateway.settings]\nto = \"%digits%@sms.example\"\n");
    let faults = listed(by_digits, "faults");
    assert!(!faults.iter().any(national), "{faults:?}");
}

#[test]
fn a_code_that_may_change_its_order_is_warned_of() {
    let policy = |text: &str| {
        format!("name = \"Everyone\"\nregion = \"GB\"\n[verification_code]\ntext = {text:?}\n")
    };
    let by_notify = |text: &str| {
        Test::new()
            .all_senders()
            .through("govuk-notify")
            .policy(&policy(text))
    };
    let of_order = |test: Test| {
        let warnings = listed(test, "warnings");
        warnings.iter().any(|warning| warning.1.contains("order"))
    };
    let own_text = "[senders.govuk-notify.settings.personalisation]\ncode = \"%code%\"\n";
    assert!(of_order(by_notify("הקוד: %code%").config(own_text)));
    assert!(!of_order(by_notify("הקוד: %code%")));
    assert!(!of_order(by_notify("Code: %code%").config(own_text)));
}

#[test]
fn a_caller_without_a_stored_secret_is_warned_of_where_one_is_needed() {
    let callers = "[callers.login]\nproduct = \"kratos\"\n[callers.portal]\n";
    let by_http = |test: Test| test.config(&format!("[serve]\nhttp = \"127.0.0.1:0\"\n{callers}"));
    let of = |test: Test| {
        let warnings = listed(test, "warnings").into_iter();
        let of_callers = warnings.filter(|(key, _)| key.starts_with("callers."));
        of_callers.map(|(key, _)| key).collect::<Vec<_>>()
    };
    assert_eq!(
        of(by_http(Test::new())),
        ["callers.login", "callers.portal"]
    );
    let next = "0123456789abcdef0123456789abcdef";
    let stored = Test::new()
        .secret("serve.login", next)
        .secret("serve.portal.next", next);
    assert_eq!(of(by_http(stored)), [""; 0]);
    // Through the socket the system says who calls.
    assert_eq!(of(Test::new().config(callers)), [""; 0]);
}
