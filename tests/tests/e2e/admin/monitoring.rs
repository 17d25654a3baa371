//! What monitoring sees: each outage is a number within one run, and the alerts that come with the package
//! look at numbers that there are.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use serde_json::{Value, json};
use textsender_tests::harness::check_metrics;
use textsender_tests::sandbox::{Authority, Certificate, Sandbox};

use super::Admin;
use super::changes::{sending, sends};

/// Writes the metrics, and returns them.
fn metrics(admin: &Admin) -> String {
    let file = admin.folder().with_file_name("textsender.prom");
    // An old file is not taken for a new one.
    let _ = fs::remove_file(&file);
    admin
        .run(&["stats", "--prometheus", &file.display().to_string()])
        .ok();
    let metrics = fs::read_to_string(file).unwrap();
    check_metrics(&metrics);
    metrics
}

#[track_caller]
fn has(metrics: &str, samples: &[&str]) {
    for sample in samples {
        let is_there = metrics.lines().any(|line| line == *sample);
        assert!(is_there, "no {sample} in\n{metrics}");
    }
}

#[test]
fn each_outage_is_a_number_within_one_run() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let good = [
        "textsender_config_ok 1",
        "textsender_config_faults 0",
        "textsender_ledger_ok 1",
        "textsender_sender_ready{sender=\"twilio\"} 1",
        "textsender_sender_sealed{sender=\"twilio\"} 1",
    ];
    // Before the first message, and after it.
    has(&metrics(&admin), &good);
    sends(&admin);
    let after = metrics(&admin);
    has(&after, &good);
    assert!(
        after.contains("textsender_last_accepted_timestamp_seconds 1"),
        "{after}"
    );

    let config = admin.config_text();
    admin.write_config(&format!("{config}[prices]\nGB = \"0.04 EUR\"\n"));
    let price = "textsender_segment_price{region=\"GB\",currency=\"EUR\"} 0.04";
    has(&metrics(&admin), &[price]);
    for broken in [config.clone() + "[sned]\n", config.clone() + "[senders"] {
        admin.write_config(&broken);
        has(&metrics(&admin), &["textsender_config_ok 0"]);
    }
    fs::remove_file(admin.config()).unwrap();
    has(&metrics(&admin), &["textsender_config_ok 0"]);
    admin.write_config(&config);

    let secret = admin.state().join("secrets/twilio.auth_token");
    let token = fs::read(&secret).unwrap();
    fs::remove_file(&secret).unwrap();
    has(
        &metrics(&admin),
        &["textsender_sender_ready{sender=\"twilio\"} 0"],
    );
    // As a person would put it back: for the owner alone.
    admin
        .feed(
            &["secret", "set", "twilio.auth_token"],
            &String::from_utf8(token).unwrap(),
        )
        .ok();

    admin
        .run(&["pause", "--sender", "twilio", "--reason", "a trial"])
        .ok();
    let paused = "textsender_paused{what=\"sender\",name=\"twilio\"} 1";
    has(&metrics(&admin), &[paused]);
    admin.run(&["resume", "--sender", "twilio"]).ok();
    assert!(!metrics(&admin).contains(paused));

    sandbox
        .twilio()
        .set_auth_token("5ec2e700000000000000000000000077");
    let request = r#"{"purpose":"verification_code","event":"reset","user":{"phone":"+447700900124"},"code":"beK989vc"}"#;
    admin.feed(&["send"], request).failed(78);
    has(
        &metrics(&admin),
        &[
            "textsender_sender_paused{sender=\"twilio\"} 1",
            "textsender_sender_failing_info{sender=\"twilio\",reason=\"unauthorized\"} 1",
            "textsender_sender_failures{sender=\"twilio\"} 1",
        ],
    );

    fs::write(admin.state().join("ledger.sqlite3"), "").unwrap();
    has(&metrics(&admin), &["textsender_ledger_ok 0"]);
}

#[test]
fn a_seal_that_is_lost_is_a_number_within_one_run() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let file = admin.folder().with_file_name("outside.prom");
    let outside = "escapes-outside without landlock eperm textsender stats --prometheus";
    let outside = || {
        admin.shell(&format!("{outside} {}", file.display()), "");
        let metrics = fs::read_to_string(&file).unwrap();
        check_metrics(&metrics);
        metrics
    };
    // A plugin that has to be sealed is refused; one that need not be works without.
    has(
        &outside(),
        &[
            "textsender_config_ok 0",
            "textsender_sender_ready{sender=\"twilio\"} 0",
        ],
    );
    let config = admin.config_text();
    admin.write_config(&config.replace("seal = \"required\"", "seal = \"best\""));
    has(
        &outside(),
        &[
            "textsender_config_ok 1",
            "textsender_sender_ready{sender=\"twilio\"} 1",
            "textsender_sender_sealed{sender=\"twilio\"} 0",
        ],
    );
}

/// Of the hub's own door, and of a provider's, which is known from the first message that fails by it.
#[test]
fn a_certificate_that_has_expired_is_a_number_within_one_run() {
    let sandbox = Sandbox::builder()
        .certificate(Certificate::Expired)
        .start()
        .unwrap();
    let admin = sending(&sandbox);
    let ca_file = admin.folder().join("ca.pem");
    sandbox.write_ca(&ca_file).unwrap();
    let authority = Authority::new(Certificate::Expired).unwrap();
    let file = admin.folder().join("hub.pem");
    fs::write(&file, &authority.certificate_pem).unwrap();
    let twilio = sandbox.twilio();
    let config = admin
        .config_text()
        .replace(&twilio.url(), &twilio.https_url());
    admin.write_config(&format!(
        "{config}\n[http]\nca_file = {ca_file:?}\n[serve.tls]\ncertificate = {file:?}\nkey = {file:?}\n"
    ));
    let request = r#"{"purpose":"verification_code","event":"reset","user":{"phone":"+447700900123"},"code":"beK989vc"}"#;
    admin.feed(&["send"], request).failed(69);

    let name = "textsender_expires_timestamp_seconds{kind=\"certificate\",name";
    let at = format!("{name}=\"{}\"}} 978307200", file.display());
    let metrics_now = metrics(&admin);
    has(&metrics_now, &[&at, "textsender_config_ok 0"]);
    has(
        &metrics_now,
        &[
            "textsender_sender_paused{sender=\"twilio\"} 1",
            "textsender_sender_failing_info{sender=\"twilio\",reason=\"provider_unavailable\"} 1",
        ],
    );
    let check = admin.run(&["check"]);
    check
        .failed(78)
        .says("expired at 2001-01-01")
        .says("renew it");

    fs::remove_file(&file).unwrap();
    let unread = format!("{name}=\"{}\"}} 0", file.display());
    has(&metrics(&admin), &[&unread, "textsender_config_ok 0"]);
}

/// The folder of what comes with the package.
const PACKAGING: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../packaging");

/// Every name in a text that could be a metric's.
fn names(text: &str) -> Vec<&str> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c: char| !is_part(c));
    words
        .filter(|word| word.starts_with("textsender_"))
        .collect()
}

#[test]
fn alerts_and_dashboard_look_at_what_is_written() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    sends(&admin);
    let metrics = metrics(&admin);
    for file in ["prometheus/textsender.rules.yml", "grafana/textsender.json"] {
        let text = fs::read_to_string(PathBuf::from(PACKAGING).join(file)).unwrap();
        let names = names(&text);
        assert!(names.len() >= 7, "{names:?}");
        for name in names {
            // A histogram has several series.
            let name = name.strip_suffix("_bucket").unwrap_or(name);
            let is_there = metrics.contains(&format!("# TYPE {name} "));
            assert!(is_there, "{file}: {name}");
        }
    }
}

/// The queries of the dashboard.
fn queries() -> Vec<String> {
    let file = PathBuf::from(PACKAGING).join("grafana/textsender.json");
    let dashboard: Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let panels = dashboard["panels"].as_array().unwrap().iter();
    let targets = panels.flat_map(|panel| panel["targets"].as_array().unwrap());
    let queries = targets.map(|target| target["expr"].as_str().unwrap().to_owned());
    queries.collect()
}

/// As Prometheus evaluates them, of what two machines write while a sender fails.
#[test]
#[cfg_attr(not(has_promtool), ignore = "needs promtool")]
fn each_query_of_the_dashboard_finds_something() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let config = admin.config_text();
    admin.write_config(&format!("{config}[prices]\nGB = \"0.04 EUR\"\n"));
    sends(&admin);
    sandbox
        .twilio()
        .set_auth_token("5ec2e700000000000000000000000077");
    let request = r#"{"purpose":"verification_code","event":"reset","user":{"phone":"+447700900124"},"code":"beK989vc"}"#;
    admin.feed(&["send"], request).failed(78);

    let metrics = metrics(&admin);
    let samples = metrics.lines().filter(|line| !line.starts_with('#'));
    let series = samples.flat_map(|sample| {
        let (series, value) = sample.rsplit_once(' ').unwrap();
        let (name, labels) = series.split_once('{').unwrap_or((series, "}"));
        ["reset1", "reset2"].map(|machine| {
            let series = format!("{name}{{instance=\"{machine}\",{labels}");
            json!({ "series": series, "values": format!("{value}x60") })
        })
    });
    let queries = queries();
    assert!(queries.len() >= 11, "{queries:?}");
    let found = queries.iter().map(
        |query| json!({ "expr": format!("absent({query})"), "eval_time": "1h", "exp_samples": [] }),
    );
    // JSON is YAML.
    let test = json!({
        "evaluation_interval": "1m",
        "tests": [{
            "interval": "1m",
            "input_series": series.collect::<Vec<_>>(),
            "promql_expr_test": found.collect::<Vec<_>>(),
        }],
    });
    let file = admin.folder().with_file_name("dashboard.test.yml");
    fs::write(&file, test.to_string()).unwrap();
    let mut promtool = Command::new("promtool");
    let output = promtool.args(["test", "rules"]).arg(file).output().unwrap();
    assert!(output.status.success(), "{output:?}");
}

#[test]
#[cfg_attr(not(has_promtool), ignore = "needs promtool")]
fn promtool_accepts_metrics_and_alerts() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    sends(&admin);
    check_metrics(&metrics(&admin));
    for arguments in [
        ["check", "rules", "textsender.rules.yml"],
        ["test", "rules", "textsender.rules.test.yml"],
    ] {
        let mut promtool = Command::new("promtool");
        promtool.current_dir(PathBuf::from(PACKAGING).join("prometheus"));
        let output = promtool.args(arguments).output().unwrap();
        assert!(output.status.success(), "{arguments:?}: {output:?}");
    }
}
