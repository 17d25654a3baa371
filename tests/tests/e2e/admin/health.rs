//! What monitoring and those on call get to know: `health`, and alerts.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::thread;

use textsender_tests::sandbox::{Fault, Sandbox, When};

use super::Admin;
use super::changes::{sending, sends};

const REQUEST: &str = r#"{"purpose":"verification_code","event":"reset","user":{"phone":"+447700900124"},"code":"beK989vc"}"#;

/// The provider refuses the credentials of one message.
fn is_refused(sandbox: &Sandbox, admin: &Admin) {
    sandbox
        .twilio()
        .fault(When::next().method("POST"), Fault::status(401));
    admin.feed(&["send"], REQUEST).failed(78);
}

#[test]
fn monitoring_gets_one_line_and_the_exit_code_of_a_plugin() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    sends(&admin);
    let well = admin.run(&["health"]);
    well.ok()
        .says("TEXTSENDER OK: texts accepted in the last 10 minutes: 1");
    assert_eq!(well.stdout.lines().count(), 1, "{well}");
    admin
        .run(&["pause", "--region", "FR", "--reason", "x"])
        .ok();
    admin
        .run(&["health"])
        .failed(1)
        .says("WARNING: pause region FR");
    admin.run(&["resume", "--region", "FR"]).ok();

    is_refused(&sandbox, &admin);
    admin
        .run(&["health"])
        .failed(2)
        .says("sender twilio: it fails (unauthorized)")
        .says("sending: no sender works");
    let health = admin.run(&["health", "--json"]);
    let health = health.failed(2).json();
    assert_eq!(health["level"], "critical", "{health}");
    admin.run(&["sender", "check", "twilio"]).ok();
    admin.run(&["health"]).ok();

    let text = admin.config_text();
    admin.write_config(&(text + "[sned]\n"));
    admin
        .run(&["health"])
        .failed(2)
        .says("CRITICAL: configuration: it has a fault");
    fs::remove_file(admin.config()).unwrap();
    admin
        .run(&["health"])
        .failed(3)
        .says("TEXTSENDER UNKNOWN: ");
}

/// The alerts that a command wrote down.
fn alerts(file: &Path) -> Vec<String> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let heads = text
        .lines()
        .filter(|line| line.starts_with("textsender on "));
    heads.map(str::to_owned).collect()
}

/// Adds `[alerts]` whose command adds each alert to a file.
fn alerted_by_command(admin: &Admin) -> std::path::PathBuf {
    let file = admin.folder().join("alerted");
    let script = format!("cat >> {}", file.display());
    let section = format!("\n[alerts]\ncommand = [\"/bin/sh\", \"-c\", {script:?}]\n");
    admin.write_config(&(admin.config_text() + &section));
    file
}

#[test]
fn a_sender_that_fails_is_one_alert_and_the_all_clear_comes() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let file = alerted_by_command(&admin);
    admin.run(&["health", "--alert"]).ok();
    assert_eq!(alerts(&file), Vec::<String>::new());
    is_refused(&sandbox, &admin);
    for _ in 0..3 {
        admin.run(&["health", "--alert"]).failed(2);
    }
    let told = alerts(&file);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("CRITICAL: sen"), "{told:?}");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.contains("-> textsender sender check twilio"), "{text}");
    admin.run(&["sender", "check", "twilio"]).ok();
    for _ in 0..2 {
        admin.run(&["health", "--alert"]).ok();
    }
    let told = alerts(&file);
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[1].contains(" OK: "), "{told:?}");
}

#[test]
fn an_alert_that_no_way_took_is_sent_at_the_next_look() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let text = admin.config_text();
    admin.write_config(&(text.clone() + "\n[alerts]\ncommand = \"/bin/false\"\n"));
    is_refused(&sandbox, &admin);
    admin
        .run(&["health", "--alert"])
        .failed(3)
        .says("[alerts] command: /bin/false ended with");
    admin.write_config(&text);
    let file = alerted_by_command(&admin);
    admin.run(&["health", "--alert"]).failed(2);
    assert_eq!(alerts(&file).len(), 1);
}

/// Answers the next request with this status; its body is what it comes to.
fn answer(server: &TcpListener, status: &'static str) -> thread::JoinHandle<serde_json::Value> {
    let server = server.try_clone().unwrap();
    thread::spawn(move || {
        let (stream, _) = server.accept().unwrap();
        let mut reader = BufReader::new(stream);
        let (mut length, mut line) = (0, String::new());
        while reader.read_line(&mut line).unwrap() > 2 {
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap();
            }
            line.clear();
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
        reader.get_mut().write_all(answer.as_bytes()).unwrap();
        serde_json::from_slice(&body).unwrap()
    })
}

/// What a way was not told must not be lost, as another was told it.
#[test]
fn a_way_that_failed_is_told_at_the_next_look_and_it_alone() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let file = alerted_by_command(&admin);
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", server.local_addr().unwrap());
    let config = admin.config_text();
    admin.write_config(&format!("{config}webhook = {url:?}\n"));
    is_refused(&sandbox, &admin);
    let posted = answer(&server, "503 Service Unavailable");
    admin
        .run(&["health", "--alert"])
        .failed(2)
        .says("[alerts] webhook: 127.0.0.1 answered with status 503");
    assert_eq!(posted.join().unwrap()["level"], "critical");
    let posted = answer(&server, "200 OK");
    admin.run(&["health", "--alert"]).failed(2);
    assert_eq!(posted.join().unwrap()["level"], "critical");
    admin.run(&["health", "--alert"]).failed(2);
    assert_eq!(alerts(&file).len(), 1);
    // The all-clear comes by both.
    admin.run(&["sender", "check", "twilio"]).ok();
    let posted = answer(&server, "200 OK");
    admin.run(&["health", "--alert"]).ok();
    assert_eq!(posted.join().unwrap()["level"], "ok");
    assert_eq!(alerts(&file).len(), 2);
}

#[test]
fn a_webhook_gets_the_alert_as_json() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/hook", server.local_addr().unwrap());
    let section = format!("\n[alerts]\nwebhook = {url:?}\n");
    admin.write_config(&(admin.config_text() + &section));
    is_refused(&sandbox, &admin);
    let posted = answer(&server, "200 OK");
    admin.run(&["health", "--alert"]).failed(2);
    let body = posted.join().unwrap();
    assert_eq!(body["level"], "critical", "{body}");
    assert!(
        body["text"].as_str().unwrap().contains("sender twilio"),
        "{body}"
    );
}

#[test]
fn without_a_way_to_alert_it_is_said_what_to_set() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    admin
        .run(&["health", "--alert"])
        .failed(3)
        .says("set mail, command or webhook of [alerts]");
}

#[test]
fn a_configuration_that_lost_its_end_alerts_as_the_last_good_one_said() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let without = admin.config_text();
    let cut = format!("{without}\n[sen");
    admin.write_config(&cut);
    admin
        .run(&["health", "--alert"])
        .failed(3)
        .says("set mail, command or webhook of [alerts]");
    admin.write_config(&without);
    let file = alerted_by_command(&admin);
    let whole = admin.config_text();
    admin.run(&["health", "--alert"]).ok();
    admin.write_config(&cut);
    for _ in 0..2 {
        admin.run(&["health", "--alert"]).failed(2);
    }
    let told = alerts(&file);
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].contains("configuration: it has a fault"),
        "{told:?}"
    );
    admin.write_config(&whole);
    admin.run(&["health", "--alert"]).ok();
    assert!(alerts(&file)[1].contains(" OK: "), "{:?}", alerts(&file));
    // One that means to alert no one is no cut one.
    admin.write_config(&without);
    admin.run(&["health", "--alert"]).failed(3);
    admin.write_config(&cut);
    admin.run(&["health", "--alert"]).failed(3);
    assert_eq!(alerts(&file).len(), 2);
}

#[test]
fn status_and_doctor_name_what_health_finds_wrong() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let shown = |admin: &Admin| {
        let status = admin.run(&["status", "--json"]).stdout;
        [status, admin.run(&["doctor", "--offline"]).stdout]
    };
    for said in shown(&admin) {
        assert!(!said.contains("it fails"), "{said}");
    }
    is_refused(&sandbox, &admin);
    admin
        .run(&["pause", "--region", "FR", "--reason", "x"])
        .ok();
    let dates = "{\"twilio.auth_token\":\"2001-02-03\"}";
    fs::write(admin.state().join("expiry.json"), dates).unwrap();
    let health = admin.run(&["health", "--json"]);
    let health = health.failed(2).json();
    let states = health["states"].as_array().unwrap().iter();
    let wrong: Vec<&str> = states
        .filter(|state| state["level"] != "ok")
        .map(|state| state["about"].as_str().unwrap())
        .collect();
    assert_eq!(wrong.len(), 4, "{wrong:?}");
    let [status, doctor] = shown(&admin);
    for about in wrong {
        assert!(doctor.contains(&format!("{about}: ")), "{about}: {doctor}");
        let in_status = match about.strip_prefix("pause ") {
            Some(_) => "\"FR\"".to_owned(),
            None => format!("{about}: "),
        };
        assert!(status.contains(&in_status), "{about}: {status}");
    }
    admin.run(&["doctor", "--offline"]).failed(78);
}
