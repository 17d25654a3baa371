//! `docs/oncall.md`, each incident played through: the alert, what the user sees, what the commands of the
//! guide do, and that it is well afterwards. The ledger and pumping have more in `tests/fleet` and in
//! the ledger's own tests.

use std::fs;

use serde_json::Value;
use textsender_tests::sandbox::{Authority, Certificate, Fault, Sandbox, When, twilio};

use super::changes::sending;
use super::{Admin, Ran};

const GUIDE: &str = include_str!("../../../../docs/oncall.md");

/// A day with its sandbox, whose alerts a command writes down.
struct Day {
    sandbox: Sandbox,
    admin: Admin,
    /// The lines of the day's `sh` blocks, block by block.
    blocks: Vec<Vec<&'static str>>,
}

impl Day {
    fn begin(heading: &str) -> Self {
        let sandbox = Sandbox::start();
        let admin = sending(&sandbox);
        admin
            .feed(&["secret", "set", "serve.portal"], "portal-token-0")
            .ok();
        let file = admin.folder().join("alerted");
        let script = format!("cat >> {}", file.display());
        admin.write_config(&format!(
            "{}\n[alerts]\ncommand = [\"/bin/sh\", \"-c\", {script:?}]\n",
            admin.config_text()
        ));
        let day = Self {
            sandbox,
            admin,
            blocks: blocks(heading),
        };
        day.send("447700900123").ok();
        day.look(0);
        assert_eq!(day.alerts(), Vec::<String>::new());
        day
    }

    /// What the hub does twice a minute, and a timer each minute.
    #[track_caller]
    fn look(&self, exit: i32) {
        self.admin.run(&["health", "--alert"]).failed(exit);
    }

    /// The subjects of the alerts so far.
    fn alerts(&self) -> Vec<String> {
        let text = fs::read_to_string(self.admin.folder().join("alerted")).unwrap_or_default();
        let heads = text
            .lines()
            .filter(|line| line.starts_with("textsender on "));
        heads.map(str::to_owned).collect()
    }

    /// What the user's request comes to.
    fn send(&self, digits: &str) -> Ran {
        let request = format!(
            r#"{{"purpose":"verification_code","event":"enroll","user":{{"phone":"+{digits}"}},"code":"beK989vc"}}"#
        );
        self.admin.feed(&["send"], &request)
    }

    /// Runs a block of the guide as it stands there, without sudo; returns what its commands came to.
    fn run(&self, block: usize) -> Vec<Ran> {
        let lines = self.blocks[block].iter();
        lines
            .map(|line| self.admin.shell(&line.replace("sudo ", ""), ""))
            .collect()
    }

    /// The same, where every command of it has to do what it says.
    #[track_caller]
    fn runs(&self, block: usize) -> Vec<Ran> {
        let ran = self.run(block);
        for command in &ran {
            assert_eq!(command.exit, 0, "{command}");
        }
        ran
    }

    /// Wants as many alerts, and these words in the last.
    #[track_caller]
    fn is_told(&self, count: usize, words: &str) {
        let alerts = self.alerts();
        assert_eq!(alerts.len(), count, "{alerts:?}");
        assert!(alerts[count - 1].contains(words), "{alerts:?}");
    }
}

/// The `sh` blocks below a heading.
fn blocks(heading: &str) -> Vec<Vec<&'static str>> {
    let (_, section) = GUIDE.split_once(&format!("\n## {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    let blocks = section.split("```sh\n").skip(1);
    blocks
        .map(|block| block.split_once("```").unwrap().0.lines().collect())
        .collect()
}

fn outcome(ran: &Ran) -> (String, String) {
    let response: Value = ran.json();
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (word(&response["outcome"]), word(&response["error"]["code"]))
}

#[test]
fn what_is_typed_first_on_any_day_is_there() {
    let day = Day::begin("A provider fails");
    let (_, head) = GUIDE.split_once("In every case, start with:").unwrap();
    let block = head
        .split_once("```sh\n")
        .unwrap()
        .1
        .split_once("```")
        .unwrap()
        .0;
    for line in block.lines() {
        day.admin.shell(&line.replace("sudo ", ""), "").ok();
    }
}

#[test]
fn the_database_is_away() {
    let day = Day::begin("The ledger fails");
    let ledger = day.admin.state().join("ledger.sqlite3");
    let kept = ledger.with_extension("kept");
    // As a disk fault leaves it: something that is no file stands in its place.
    fs::rename(&ledger, &kept).unwrap();
    fs::create_dir(&ledger).unwrap();
    let (outcome_then, _) = outcome(&day.send("447700900124"));
    assert_eq!(outcome_then, "misconfigured");
    assert_eq!(
        day.sandbox.texts().len(),
        1,
        "nothing is sent that can't be recorded"
    );
    day.look(2);
    day.is_told(1, "CRITICAL: ");
    let doctor = day.run(0);
    assert!(
        doctor[0].exit != 0 && doctor[0].stdout.contains("ledger"),
        "{}",
        doctor[0]
    );
    fs::remove_dir(&ledger).unwrap();
    fs::rename(&kept, &ledger).unwrap();
    day.send("447700900124").ok();
    day.look(0);
    day.is_told(2, " OK: ");
}

/// Without a domain controller: that its commands are there. `tests/directory/oncall.rs` plays it whole.
#[test]
fn the_directory_can_t_be_reached() {
    let day = Day::begin("The directory can't be reached");
    for ran in day.run(0) {
        assert_ne!(ran.exit, 2, "{ran}");
    }
}

#[test]
fn a_provider_fails() {
    let day = Day::begin("A provider fails");
    day.admin
        .run(&["sender", "add", "gateway", "--plugin", "email-gateway"])
        .ok();
    let port = day
        .sandbox
        .smtp()
        .port(textsender_tests::sandbox::smtp::Security::None);
    let settings = format!("port={port}");
    day.admin
        .run(&[
            "sender",
            "set",
            "gateway",
            "server=127.0.0.1",
            "security=none",
            &settings,
            "from=reset@example.org",
            "to=%digits%@sms.example",
            "body=%message%",
        ])
        .ok();
    day.sandbox
        .twilio()
        .set_auth_token("5ec2e700000000000000000000000077");
    let refused = outcome(&day.send("447700900124"));
    assert_eq!(
        refused,
        ("misconfigured".to_owned(), "unauthorized".to_owned())
    );
    day.look(2);
    day.is_told(1, "CRITICAL: ");
    let asked = day.run(0);
    asked[0].ok().says("unauthorized");
    assert_ne!(asked[1].exit, 0, "{}", asked[1]);
    asked[2].ok().says("unauthorized");
    // The other sender takes over, by the guide's commands.
    day.runs(1);
    day.send("447700900125").ok();
    assert_eq!(day.sandbox.texts().len(), 2);
    day.sandbox.twilio().set_auth_token(twilio::AUTH_TOKEN);
    day.runs(2);
    day.send("447700900126").ok();
    day.look(0);
    let last = day.alerts().pop().unwrap();
    assert!(last.contains(" OK: "), "{last}");
}

#[test]
fn a_certificate_has_run_out() {
    let day = Day::begin("A certificate expires");
    let file = day.admin.folder().join("hub.pem");
    fs::write(
        &file,
        Authority::new(Certificate::Valid).unwrap().certificate_pem,
    )
    .unwrap();
    let config = day.admin.config_text();
    day.admin.write_config(&format!(
        "{config}\n[serve.tls]\ncertificate = {file:?}\nkey = {file:?}\n"
    ));
    day.look(0);
    fs::write(
        &file,
        Authority::new(Certificate::Expired)
            .unwrap()
            .certificate_pem,
    )
    .unwrap();
    day.look(2);
    day.is_told(1, "CRITICAL: ");
    let listed = day.runs(0);
    listed[0]
        .says("hub.pem")
        .says("renew it; the hub reads it again by itself");
    fs::write(
        &file,
        Authority::new(Certificate::Valid).unwrap().certificate_pem,
    )
    .unwrap();
    day.runs(1);
    day.look(0);
    day.is_told(2, " OK: ");
}

#[test]
fn numbers_are_pumped() {
    let day = Day::begin("SMS pumping");
    // The range of the guide, and a figure that so few reach.
    day.admin
        .run(&[
            "limits", "set", "prefix", "--limits", "5/10m", "--mode", "record",
        ])
        .ok();
    let stream: String = (0..30)
        .map(|n| {
            format!(
                "{{\"id\":\"p{n}\",\"purpose\":\"verification_code\",\"event\":\"enroll\",\"user\":{{\"phone\":\"+4477009002{n:02}\"}},\"code\":\"beK989vc\"}}\n"
            )
        })
        .collect();
    day.admin.feed(&["send", "--stream"], &stream).failed(0);
    day.look(1);
    day.is_told(1, "WARNING: limit prefix: ");
    let shown = day.runs(0);
    shown[0].says("+44*******2");
    shown[1].says("GB");
    shown[2].says("prefix");
    day.runs(1);
    let stopped = outcome(&day.send("447700900250"));
    assert_eq!(stopped, ("refused".to_owned(), "paused".to_owned()));
    // All else goes on.
    day.send("447400000123").ok();
    day.look(1);
    day.runs(2);
    day.admin.run(&["limits", "reset", "prefix"]).ok();
    day.send("447700900123").ok();
    // Ten minutes later, as far as the ledger can tell.
    let ledger = rusqlite::Connection::open(day.admin.state().join("ledger.sqlite3")).unwrap();
    let earlier = "UPDATE decisions SET at = at - 600000";
    ledger.execute(earlier, []).unwrap();
    day.look(0);
    let last = day.alerts().pop().unwrap();
    assert!(last.contains(" OK: limit prefix: it is over"), "{last}");
}

#[test]
fn a_colleague_leaves() {
    let day = Day::begin("A colleague leaves");
    let shown = day.runs(0);
    shown[0].says("secret twilio.auth_token");
    shown[1].says("serve.portal.next").says("twilio.auth_token");
    let stored = || fs::read_to_string(day.admin.state().join("secrets/serve.portal")).unwrap();
    assert_eq!(stored(), "portal-token-0");
    day.runs(1);
    assert_ne!(stored(), "portal-token-0");
    assert!(!day.admin.state().join("secrets/serve.portal.next").exists());
    day.runs(2);
    day.admin
        .run(&["log", "--changes"])
        .ok()
        .says("replace the secret serve.portal");
    day.look(0);
    // A message that fails for another reason is no part of it.
    day.sandbox.twilio().fault(When::next(), Fault::status(500));
    assert_eq!(day.alerts(), Vec::<String>::new());
}

#[test]
fn each_day_of_the_guide_is_played_or_named_here() {
    let days = GUIDE.lines().filter_map(|line| line.strip_prefix("## "));
    let days: Vec<_> = days.collect();
    assert_eq!(
        days,
        [
            "The ledger fails",
            "The directory can't be reached",
            "A provider fails",
            "A certificate expires",
            "SMS pumping",
            "A colleague leaves",
        ]
    );
}
