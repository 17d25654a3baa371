//! The dialect: DESIGN's example read whole, and a configuration with twenty planted faults.

mod files;
mod reference;

use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::protocol::Event;

const EXAMPLE: &str = include_str!("tests/example.toml");
const STAFF: &str = include_str!("tests/staff.toml");
const FAULTY: &str = include_str!("tests/faulty.toml");
const FAULTY_STAFF: &str = include_str!("tests/faulty_staff.toml");

fn read(text: &str) -> Reading {
    Reading::of(Sources::from_text("/etc/textsender/textsender.toml", text))
}

fn shown(faults: &[Fault]) -> Vec<String> {
    faults.iter().map(Fault::to_string).collect()
}

#[test]
fn the_example_of_the_design_is_read_whole() {
    let sources = Sources::from_text("/etc/textsender/textsender.toml", EXAMPLE)
        .with_text("/etc/textsender/policies/staff.toml", STAFF);
    let config = Reading::of(sources).into_config().unwrap();

    assert_eq!(
        config.plugins.folder,
        Path::new("/usr/lib/textsender/plugins")
    );
    assert_eq!(config.plugins.trust, Trust::Owner);
    let state = config.state.folder.as_deref();
    assert_eq!(state, Some(Path::new("/var/lib/textsender")));
    assert_eq!(config.state.ledger, Ledger::Required);
    assert_eq!(config.defaults.sender.as_ref().unwrap().value, "twilio");
    assert_eq!(config.defaults.policy.as_ref().unwrap().value, "Everyone");
    assert_eq!(config.sending.timeout, Duration::from_secs(30));
    assert_eq!(
        config.http.proxy.as_ref().unwrap().as_url(),
        "http://proxy.example.org:3128"
    );

    let recipient = &config.limits.recipient;
    assert_eq!(
        recipient.limits,
        [(5, 600), (20, 86_400)].map(|(count, seconds)| Limit::of(count, seconds))
    );
    assert_eq!(recipient.mode, Mode::Enforce);
    assert_eq!(config.limits.prefix.mode, Mode::Record);

    let helpdesk = config.helpdesk.as_ref().unwrap();
    assert_eq!(helpdesk.options.fallback[0].value, "gateway");
    assert!(!helpdesk.new_password);
    let text = &helpdesk.helpdesk_code_text.as_ref().unwrap().text;
    assert_eq!(text.value, "Your helpdesk code is %code%");

    let twilio = &config.senders["twilio"];
    assert_eq!(twilio.plugin.value, "twilio");
    assert_eq!(twilio.timeout, Duration::from_secs(10));
    let from = toml::Value::String("+447700900100".into());
    assert_eq!(twilio.settings["from"].value, Setting::Value(from));

    assert!(config.containers[0].block_inheritance);
    let container = &config.containers[0].dn.value;
    assert_eq!(container, "OU=Contractors,DC=example,DC=org");

    let staff = &config.policies[0];
    assert_eq!(staff.name.value, "Staff");
    assert_eq!(staff.events, Some(vec![Event::Enroll, Event::Reset]));
    assert_eq!(staff.links[0].order, 1);
    assert_eq!(staff.filter.groups.len(), 1);
    let Regions::Only(regions) = &staff.reach.regions else {
        panic!("{:?}", staff.reach.regions);
    };
    let regions: Vec<&str> = regions.iter().map(|region| region.as_str()).collect();
    assert_eq!(regions, ["GB", "IE"]);
    let code = staff.verification_code.as_ref().unwrap();
    assert_eq!(code.options.max_segments, Some(1));
    assert_eq!(code.options.on_unknown, Some(OnUnknown::FailOver));
    assert_eq!(
        code.text.translations["cy"].value,
        "Rhowch y cod hwn: %code%"
    );
}

#[test]
fn the_rest_of_the_dialect_is_read() {
    let config = read(
        r#"
        [send]
        concurrency = 8
        [state]
        ledger = "best_effort"
        retention_days = 30
        [plugins]
        folder = "plugins"
        trust = "pinned"
        seal = "required"
        [limits]
        test_send = { limits = ["3/1m"] }
        exempt = ["+447700900123"]
        [helpdesk]
        regions = ["*"]
        max_segments = 2
        [helpdesk.texts]
        helpdesk_code = "Code %code%"
        [helpdesk.translations.helpdesk_code]
        de = "Code: %code%"
        [senders.own]
        plugin = "email-gateway"
        network = { ports = [25, 587] }
        [senders.own.http]
        connect_to = "127.0.0.1:8443"
        ca_file = "ca.pem"
        [senders.own.settings]
        one = { file = "one.secret" }
        two = { env = "TWO" }
        three = { credential = "three" }
        four = { file = "is the plugin's", and = "no reference" }
        [[policies]]
        name = "Inline"
        kinds = ["premium"]
        [[policies.link]]
        container = "DC=example"
        enabled = false
        [policies.filter]
        deny_groups = ["S-1-5-11"]
        [policies.verification_code]
        origin = "reset.example.com"
        code_length = 8
        fold = true
        text = "%code%"
        "#,
    );
    let config = config.into_config().unwrap();

    assert_eq!(config.sending.concurrency, 8);
    assert_eq!(config.state.ledger, Ledger::BestEffort);
    assert_eq!(config.state.retention, Duration::from_secs(30 * 86_400));
    assert_eq!(config.plugins.folder, Path::new("/etc/textsender/plugins"));
    assert_eq!(config.plugins.seal, crate::os::seal::Demand::Required);
    assert_eq!(config.limits.exempt[0].as_e164(), "+447700900123");

    let helpdesk = config.helpdesk.as_ref().unwrap();
    assert_eq!(helpdesk.reach.regions, Regions::Any);
    let text = helpdesk.helpdesk_code_text.as_ref().unwrap();
    assert_eq!(text.translations["de"].value, "Code: %code%");

    let own = &config.senders["own"];
    assert_eq!(own.network.as_ref().unwrap().ports, [25, 587]);
    assert_eq!(own.http.connect_to.as_deref(), Some("127.0.0.1:8443"));
    let setting = |name: &str| &own.settings[name].value;
    let secret = |secret| Setting::Secret(secret);
    let one = SecretRef::File("/etc/textsender/one.secret".into());
    assert_eq!(setting("one"), &secret(one));
    assert_eq!(setting("two"), &secret(SecretRef::Env("TWO".into())));
    let three = SecretRef::Credential("three".into());
    assert_eq!(setting("three"), &secret(three));
    assert!(matches!(setting("four"), Setting::Value(_)));

    let inline = &config.policies[0];
    assert!(!inline.links[0].enabled);
    assert_eq!(inline.reach.kinds[0].value, "premium");
    assert!(inline.verification_code.as_ref().unwrap().options.fold);
}

#[test]
fn a_sender_overrides_http_key_by_key() {
    let config = read(
        "[http]\nproxy = \"http://p:1\"\nca_file = \"/host.pem\"\n\
         [senders.a]\nplugin = \"a\"\nhttp = { ca_file = \"/own.pem\" }",
    );
    let config = config.into_config().unwrap();
    let http = config.senders["a"].http.over(&config.http);
    assert_eq!(http.ca_file.as_deref(), Some(Path::new("/own.pem")));
    assert_eq!(http.proxy, config.http.proxy);
}

/// The key and the line of each fault are in the files, as `#! KEY` at the end of the line.
#[test]
fn twenty_planted_faults_are_all_found_at_their_lines() {
    let planted = |file: &str, text: &str| -> Vec<String> {
        let lines = text.lines().enumerate();
        let marked = lines.filter_map(|(n, line)| Some((n + 1, line.split_once("#! ")?.1)));
        marked
            .map(|(line, key)| format!("{file}:{line}: {key}"))
            .collect()
    };
    let (main, staff) = ("/t/textsender.toml", "/t/policies/staff.toml");
    let mut expected = planted(main, FAULTY);
    expected.extend(planted(staff, FAULTY_STAFF));
    assert_eq!(expected.len(), 20);

    let sources = Sources::from_text(main, FAULTY).with_text(staff, FAULTY_STAFF);
    let reading = Reading::of(sources);
    let mut faults = reading.faults;
    let config = std::sync::Arc::new(reading.config);
    let (policies, of_policies) = crate::policy::Policies::with_faults(config.clone());
    faults.extend(of_policies);
    faults.extend(relations(&config));
    faults.extend(crate::policy::check(&policies));
    let faults = sorted(faults);

    let found: Vec<String> = faults
        .iter()
        .map(|fault| {
            let key = if fault.key.is_empty() {
                "(syntax)"
            } else {
                &fault.key
            };
            format!("{}:{}: {key}", fault.file, fault.line)
        })
        .collect();
    assert_eq!(found, expected, "{:#?}", shown(&faults));

    let report = render::render(&faults, &config.sources, false);
    assert_eq!(report, include_str!("tests/faulty.txt"), "{report}");
}

#[test]
fn one_fault_is_one_line_that_says_where_what_and_how_to_mend_it() {
    let cases = [
        (
            "[send]\ntimeout = 30",
            "2: send.timeout: expected a length of time, found a whole number; write a whole \
             number and ms, s, m, h or d in quotes, such as \"30s\" or \"10m\"",
        ),
        (
            "[sender.twilio]",
            "1: sender: unknown key; did you mean \"senders\"?",
        ),
        (
            "[state]\nledger = \"besteffort\"",
            "2: state.ledger: \"besteffort\" is not a choice here; did you mean \"best_effort\"?",
        ),
        (
            "[[policies]]\nregion = \"GB\"",
            "1: policies[0].name: is missing; add name = \"NAME\"",
        ),
        (
            "[[policies]]\nname = \"A\"\n[policies.link]\ncontainer = \"DC=a\"",
            "3: policies[0].link: is one section, not a list of them; write its header with \
             two brackets, as in [[link]]",
        ),
        (
            "[helpdesk.texts]\nhelpdesk_code = \"\\u001b[31m%code%\"",
            "2: helpdesk.texts.helpdesk_code: holds a control character; take it out: it can't be read",
        ),
        (
            "[senders.\"a b\"]\nplugin = \"x\"",
            "1: senders.\"a b\": is not a sender's name; use 1 to 64 letters, digits, hyphens and \
             underscores",
        ),
        (
            "[senders.a]\nplugin = \"x\"\nsettings = { token = { file = 1 } }",
            "3: senders.a.settings.token.file: expected a string, found a whole number; write it \
             in quotes",
        ),
    ];
    for (text, expected) in cases {
        let error = read(text).into_config().unwrap_err().to_string();
        let expected = format!("/etc/textsender/textsender.toml:{expected}");
        assert_eq!(error, expected);
    }
}

#[test]
fn a_send_is_told_the_first_fault_and_how_many_more_there_are() {
    let error = read("[send]\ntimeout = 1\nx = 2\ny = 3").into_config();
    let error = error.unwrap_err().to_string();
    assert!(
        error.ends_with("(and 2 more: run `textsender check`)"),
        "{error}"
    );
    assert!(!error.contains('\n'), "{error}");
}

#[test]
fn a_proxy_is_an_address_that_can_be_read() {
    for bad in [
        "proxy.example.org",
        "ftp://proxy.example.org",
        "http://",
        "http://:3128",
        "http://proxy.example.org:99999",
        "http://proxy example.org:3128",
        "http://[::1:3128",
    ] {
        let reading = read(&format!("[http]\nproxy = {bad:?}"));
        assert_eq!(reading.faults.len(), 1, "{bad}");
        assert!(reading.config.http.proxy.is_none(), "{bad}");
    }
    for good in [
        "http://proxy.example.org",
        "https://ada:x%40y@proxy.example.org:3128",
    ] {
        let reading = read(&format!("[http]\nproxy = {good:?}"));
        assert!(reading.faults.is_empty(), "{good}: {:?}", reading.faults);
    }
}

#[test]
fn neither_reports_nor_debug_show_settings_proxies_numbers_or_values_of_unknown_keys() {
    let texts = [
        "[senders.a]\nplugin = 1\nsettings = { token = \"hunter2\", x = { file = 1 } }",
        "[senders.a.settings]\ntoken = \"hunter2\nplugin = 1",
        "[senders.a]\nplugin = \"a\"\n[senders.a.settings]\ntoken = \"hunter2\" \"hunter2\"",
        "senders.a.settings.token = \"hunter2",
        "[senders.a]\nplugin = \"a\"\nauth_token = \"hunter2\"",
        "[callers.a]\ntoken = \"hunter2\"",
        "[serve]\ntokens = { a = \"hunter2\", b = [\"hunter2\"] }",
        "[state.shared]\npassword = \"hunter2\"",
        "[state.shared]\nurl = \"postgresql://ada:hunter2@db",
        "auth_token = \"hunter2\"",
        "[http]\nproxy = \"ftp://ada:hunter2@proxy\"",
        "[http]\nproxy = \"http://ada:hunter2@proxy\"\nx = 1",
        "[limits]\nexempt = [\"+44 hunter2\"]",
        "[limits]\nexempt = [\n\"+44 hunter2,\n]",
    ];
    for text in texts {
        let reading = read(text);
        assert!(!reading.faults.is_empty());
        let report = render::render(&reading.faults, &reading.config.sources, false);
        let debug = format!("{reading:?} {:?}", shown(&reading.faults));
        assert!(!report.contains("hunter2"), "{report}");
        assert!(!debug.contains("hunter2"), "{debug}");
    }
}

#[test]
fn a_caret_points_into_a_text() {
    let reading =
        read("[[policies]]\nname = \"A\"\n[policies.verification_code]\ntext = \"Hi %cod%\"");
    let config = reading.config;
    let text = &config.policies[0]
        .verification_code
        .as_ref()
        .unwrap()
        .text
        .text;
    let place = config.sources.within(text, 3..8);
    let fault = config.sources.fault(place, "text", "unknown", "remedy");
    assert_eq!((fault.line, fault.column), (4, 12));
    assert_eq!(&config.sources.files[0].text[place.range()], "%cod%");
}

#[test]
fn a_syntax_error_does_not_hide_the_other_faults() {
    let text = "[send]\ntimeout = \nx = 1\n[state]\nledger = \"of\"\n";
    let lines: Vec<usize> = read(text).faults.iter().map(|fault| fault.line).collect();
    assert_eq!(lines, [2, 3, 5]);
}

#[test]
fn parts_that_do_not_fit_each_other_are_faults_of_check() {
    const SENDER: &str = "[senders.twilio]\nplugin = \"twilio\"\n";
    const POLICY: &str =
        "[[policies]]\nname = \"Staff\"\n[policies.verification_code]\ntext = \"%code%\"\n";
    let cases = [
        (
            "[defaults]\npolicy = \"Stuff\"\nsender = \"twilio\"\n",
            "2: defaults.policy: there is no policy \"Stuff\"; did you mean \"Staff\"?",
        ),
        (
            "",
            "4: verification_code.sender: no sender is named, and there is no default; add \
             sender = \"NAME\" to it or to [defaults]",
        ),
        (
            "[defaults]\nsender = \"other\"\n",
            "2: defaults.sender: there is no sender \"other\"; add [senders.other], or name another",
        ),
        (
            "[defaults]\nsender = \"twilio\"\n[helpdesk]\nfallback = [\"twilio\"]\n",
            "4: helpdesk.fallback: \"twilio\" is named twice; name each sender once",
        ),
        (
            "[defaults]\nsender = \"twilio\"\n[helpdesk]\nnew_password = true\n",
            "3: helpdesk.texts.new_password: is missing, though new_password is switched on; add \
             new_password = \"... %password%\" to [helpdesk.texts]",
        ),
        ("[defaults]\nsender = \"twilio\"\npolicy = \"Staff\"\n", ""),
    ];
    for (head, expected) in cases {
        let reading = read(&format!("{head}{SENDER}{POLICY}"));
        assert!(reading.faults.is_empty(), "{:?}", shown(&reading.faults));
        let found = shown(&relations(&reading.config)).join("\n");
        let expected = match expected {
            "" => String::new(),
            fault => format!("/etc/textsender/textsender.toml:{fault}"),
        };
        assert_eq!(found, expected);
    }
}

#[test]
fn two_policies_of_one_name_are_a_fault_that_names_both_places() {
    let sources = Sources::from_text("t.toml", "[[policies]]\nname = \"A\"")
        .with_text("policies/a.toml", "\n\nname = \"A\"");
    let faults = Reading::of(sources).faults;
    let expected = "policies/a.toml:3: name: policy \"A\" is already at t.toml:2; give one of them \
                    another name";
    assert_eq!(shown(&faults), [expected]);
}

proptest! {
    #[test]
    fn no_text_makes_reading_or_rendering_panic(text in ".{0,200}", edit in 0..EXAMPLE.len(), cut in 0..40usize) {
        let mut edited = EXAMPLE.to_owned();
        if edited.is_char_boundary(edit) {
            edited.insert_str(edit, &text);
            let end = (edit + cut).min(edited.len());
            if edited.is_char_boundary(end) {
                edited.replace_range(edit..end, "");
            }
        }
        for text in [text, edited] {
            let reading = read(&text);
            let report = render::render(&reading.faults, &reading.config.sources, true);
            prop_assert_eq!(report.is_empty(), reading.faults.is_empty());
        }
    }
}

#[test]
fn a_setting_in_curly_quotes_is_hidden_whole() {
    for written in ["“hunter2hunter2”", "«hunter2hunter2»", "‘hunter2hunter2’"] {
        let text = format!(
            "[senders.a]\nplugin = \"twilio\"\n[senders.a.settings]\nauth_token = {written}\n"
        );
        let reading = Reading::of(Sources::from_text("textsender.toml", text));
        assert_eq!(reading.faults.len(), 1, "{written}: {:?}", reading.faults);
        let shown = render::render(&reading.faults, &reading.config.sources, false);
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(!render::masked(&reading.config.sources.files[0]).contains("hunter2"));
    }
}
