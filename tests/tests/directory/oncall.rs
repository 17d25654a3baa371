//! The directory's incident of `docs/oncall.md`, played whole: the hub's alert, what the user sees, what the commands of the
//! guide say, and that it is well afterwards.

use std::fs;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use textsender_tests::harness::{Run, Running, Test, wait_for};
use textsender_tests::peers::samba::Domain;

use crate::refused::Account;
use crate::sending::{to_by, with_wrong_password};
use crate::server::{Authority, How, Server};

const GUIDE: &str = include_str!("../../../docs/oncall.md");
const HEADING: &str = "The directory can't be reached";

/// A hub that runs, whose alerts a command writes down.
struct Day {
    test: Test,
    hub: Running,
    alerted: PathBuf,
}

impl Day {
    fn begin(test: Test) -> Self {
        let alerted = test.site().folder().join("alerted");
        let script = format!("cat >> {}", alerted.display());
        let test = test.config(&format!(
            "[alerts]\ncommand = [\"/bin/sh\", \"-c\", {script:?}]\n"
        ));
        let socket = test.site().folder().join("hub.sock");
        // As each half minute.
        let hub = test.beside().command(["serve"]).stdin("").alerts_every(100);
        let hub = hub
            .args(["--socket".into(), socket.into_os_string()])
            .start();
        hub.wait_for_log("listening");
        Self { test, hub, alerted }
    }

    /// Waits until the hub has alerted of this.
    fn is_told(&self, words: &str) {
        wait_for(words, || {
            let text = fs::read_to_string(&self.alerted).unwrap_or_default();
            text.contains(words).then_some(())
        });
    }

    /// A message of an id of its own, by a process of its own.
    fn send(&self, id: &str) -> Run {
        let test = self.test.in_company();
        test.with(json!({ "id": id, "user": { "name": "ada" } }))
            .run()
    }

    /// What the commands of the guide say.
    fn guide(&self) -> String {
        let (_, section) = GUIDE.split_once(&format!("\n## {HEADING}\n")).unwrap();
        let block = section.split("```sh\n").nth(1).unwrap();
        let lines = block.split_once("```").unwrap().0.lines();
        let said = lines.map(|line| {
            let line = line.split(" #").next().unwrap();
            let words = line
                .trim_start_matches("sudo textsender ")
                .split_whitespace();
            let run = self.test.in_company().command(words).run();
            assert_ne!(run.exit, 2, "{run}");
            format!(
                "{}{}",
                run.stdout.as_deref().unwrap_or_default(),
                run.stderr
            )
        });
        said.collect()
    }

    fn health(&self) -> Value {
        let run = self.test.in_company().command(["health", "--json"]).run();
        serde_json::from_str(run.stdout.as_deref().unwrap()).unwrap()
    }

    fn end(self) {
        self.hub.terminate();
        self.hub.wait_for_end();
    }
}

#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_oncall_no_server_answers() {
    let server = Server::start(How::Alive);
    let day = Day::begin(to_by(json!({ "name": "ada" }), &[&server.url()]));
    day.send("m1").outcome("accepted");
    assert_eq!(day.health()["level"], "ok", "{:#}", day.health());
    assert!(!day.alerted.exists());

    server.is(How::Away);
    day.send("m2")
        .outcome("unavailable")
        .error("directory_unreachable");
    day.is_told("CRITICAL: directory example: ldaps://127.0.0.1:");
    let said = day.guide();
    assert!(said.contains("directory_unreachable"), "{said}");
    assert!(said.contains(&server.url()), "{said}");

    server.is(How::Alive);
    day.send("m2").outcome("accepted");
    day.is_told(" OK: directory example: its servers answer");
    let texts = day.hub.sandbox().texts();
    assert_eq!(texts.len(), 2, "{texts:?}");
    day.end();
}

#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_oncall_one_of_two_servers_is_away() {
    let (first, second) = (Server::start(How::Alive), Server::start(How::Alive));
    let servers = [first.url(), second.url()];
    let servers: Vec<&str> = servers.iter().map(String::as_str).collect();
    let day = Day::begin(to_by(json!({ "name": "ada" }), &servers));
    first.is(How::Away);
    day.is_told(&format!("WARNING: directory example: {}", first.url()));
    day.send("m1").outcome("accepted");
    first.is(How::Alive);
    day.is_told(" OK: directory example: its servers answer");
    day.end();
}

#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_oncall_the_certificate_of_a_server_expires() {
    let authority = Authority::new();
    let server = Server::start(authority.for_days(100));
    let test = to_by(json!({ "name": "ada" }), &[&server.url()]);
    let ca = test.site().folder().join("ca.pem");
    fs::write(&ca, authority.issuer.pem()).unwrap();
    let test = test.config(&format!("[directories.example]\nca_file = {ca:?}\n"));
    let day = Day::begin(test);
    day.send("m1").outcome("accepted");
    assert_eq!(day.health()["level"], "ok", "{:#}", day.health());

    // Nothing is wrong yet, and somebody is told.
    let named = format!("certificate {}", server.url());
    server.is(authority.for_days(20));
    day.is_told(&format!("WARNING: {named}: it expires in 20 days"));
    server.is(authority.for_days(5));
    day.is_told(&format!("WARNING: {named}: it expires in 5 days"));
    let said = day.guide();
    assert!(
        said.contains("renew it on that domain controller"),
        "{said}"
    );
    day.send("m2").outcome("accepted");

    server.is(authority.for_days(-1));
    day.send("m3")
        .outcome("misconfigured")
        .error("directory_certificate");
    day.is_told("CRITICAL directory example: ");
    day.is_told(&format!("CRITICAL {named}: it expired at"));
    let said = day.guide();
    assert!(said.contains("its certificate expired at"), "{said}");
    let alerted = fs::read_to_string(&day.alerted).unwrap();
    assert!(!alerted.contains(&format!("OK {named}")), "{alerted}");

    server.is(authority.for_days(100));
    day.send("m3").outcome("accepted");
    day.is_told("OK directory example: its servers answer");
    day.is_told(&format!("OK {named}"));
    day.end();
}

/// Each look and each message would count as one more wrong password: the account would be locked by them.
#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_oncall_the_account_is_refused() {
    let server = Server::start(How::Alive);
    let test = to_by(json!({ "name": "ada" }), &[&server.url()]);
    let store_right_password = with_wrong_password(&test);
    let day = Day::begin(test);
    day.is_told("CRITICAL: directory example: ");
    let alerted = fs::read_to_string(&day.alerted).unwrap();
    assert!(alerted.contains("data 52e"), "{alerted}");
    day.send("m1")
        .outcome("misconfigured")
        .error("directory_login_failed");
    let said = day.guide();
    assert!(said.contains("data 52e"), "{said}");
    store_right_password();
    day.send("m1").outcome("accepted");
    day.is_told(" OK: directory example: its servers answer");
    day.end();
}

const PASSWORD: &str = "directories.example.password";

/// In seconds.
const DAY: i64 = 24 * 60 * 60;

/// Somebody is told 30, 7 and 1 days before the account's password ends, and what it is when it has ended.
#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_oncall_the_password_of_the_account_ends() {
    let account = Account::new("svc-ending");
    let server = Server::start(How::Alive);
    let test = account.asks_for(to_by(json!({ "name": "ada" }), &[&server.url()]));
    let day = Day::begin(test);
    let days_left = || {
        let page = day.test.site().folder().join("page.prom");
        let stats = ["stats", "--prometheus", page.to_str().unwrap()];
        day.test.in_company().command(stats).run().exit(0);
        let page = fs::read_to_string(page).unwrap();
        let labels = format!("{{kind=\"secret\",name=\"{PASSWORD}\"}} ");
        let gauge = format!("textsender_expires_timestamp_seconds{labels}");
        let line = page.lines().find_map(|line| line.strip_prefix(&gauge));
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        line.map(|until| (until.parse::<i64>().unwrap() - now.as_secs() as i64).div_euclid(DAY))
    };
    day.send("m1").outcome("accepted");
    assert_eq!(days_left(), None, "one that never ends");
    assert_eq!(day.health()["level"], "ok", "{:#}", day.health());
    // Of each number of days an hour more, which is not over yet when it is looked at.
    for (days, told) in [
        (31, None),
        (29, Some("WARNING: secret {}: it expires in 29 days")),
        (6, Some("WARNING: secret {}: it expires in 6 days")),
        (0, Some("CRITICAL: secret {}: it expires within a day")),
    ] {
        account.ends(&(24 * days + 1).to_string());
        assert_eq!(days_left(), Some(days));
        match told {
            Some(words) => day.is_told(&words.replace("{}", PASSWORD)),
            None => assert_eq!(day.health()["level"], "ok", "{:#}", day.health()),
        }
        let said = day.guide();
        let is_due = said.contains(&format!("{PASSWORD}: give the account a new password"));
        assert_eq!(is_due, told.is_some(), "{said}");
    }
    day.send("m2").outcome("accepted");

    account.ends("-1");
    day.send("m3")
        .outcome("misconfigured")
        .error("directory_login_failed")
        .says("its password has expired (data 532)");
    day.is_told("CRITICAL: directory example: ");
    assert!(day.guide().contains("its password has expired (data 532)"));

    Domain::shared().edit(&["password", account.0, "An0ther-0ne!"]);
    account.ends("never");
    let stored = day.test.site().state().join("secrets").join(PASSWORD);
    fs::write(stored, "An0ther-0ne!").unwrap();
    day.send("m3").outcome("accepted");
    day.is_told("OK directory example: its servers answer");
    day.is_told(&format!("OK secret {PASSWORD}: it is over"));
    assert_eq!(days_left(), None);
    day.end();
}
