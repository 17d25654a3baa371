//! The day on which the database is away, as `docs/oncall.md` has it: who is told, what the user sees, what the guide's
//! commands do, and that it is well afterwards.

use std::fs;
use std::path::PathBuf;

use serde_json::json;
use tempfile::TempDir;
use textsender_tests::harness::{Run, Test};

use super::machines::Fleet;

const GUIDE: &str = include_str!("../../../docs/oncall.md");

/// Two machines of a fleet, whose alerts a command writes down.
struct Day {
    fleet: Fleet,
    files: TempDir,
}

impl Day {
    fn begin(when_unreachable: &str) -> Day {
        let files = tempfile::tempdir().unwrap();
        let script = format!("cat >> {}", files.path().join("alerted").display());
        let fleet = Fleet::new(&format!(
            "[state.shared]\ntimeout = \"2s\"\nwhen_unreachable = {when_unreachable:?}\n\
             [helpdesk]\nnew_password = true\n[alerts]\ncommand = [\"/bin/sh\", \"-c\", {script:?}]"
        ));
        let day = Day { fleet, files };
        day.send("before").outcome("accepted").texts(1);
        day.look(0);
        assert_eq!(day.alerts(), Vec::<String>::new());
        day
    }

    fn send(&self, id: &str) -> Run {
        self.fleet.on(0).with(json!({ "id": id })).run()
    }

    /// What the hub does twice a minute, and a timer each minute.
    #[track_caller]
    fn look(&self, exit: i32) {
        self.command(&["health", "--alert"]).exit(exit);
    }

    /// The subjects of the alerts so far.
    fn alerts(&self) -> Vec<String> {
        let file: PathBuf = self.files.path().join("alerted");
        let text = fs::read_to_string(file).unwrap_or_default();
        let heads = text
            .lines()
            .filter(|line| line.starts_with("textsender on "));
        heads.map(str::to_owned).collect()
    }

    #[track_caller]
    fn is_told(&self, count: usize, words: &str) {
        let alerts = self.alerts();
        assert_eq!(alerts.len(), count, "{alerts:?}");
        assert!(alerts[count - 1].contains(words), "{alerts:?}");
    }

    fn command(&self, words: &[&str]) -> Run {
        let test: Test = self.fleet.on(0).command(words.iter().copied());
        test.stdin("").run()
    }

    /// Runs a command that the guide has for that day.
    fn guide(&self, command: &str) -> Run {
        let (_, day) = GUIDE.split_once("\n## The ledger fails\n").unwrap();
        let day = day.split("\n## ").next().unwrap();
        let line = format!("sudo textsender {command}");
        assert!(day.lines().any(|it| it.starts_with(&line)), "{line}");
        self.command(&command.split_whitespace().collect::<Vec<_>>())
    }
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_the_database_is_away_and_nothing_is_sent_until_it_is_back() {
    let mut day = Day::begin("refuse");
    day.fleet.stop_server();
    day.send("a")
        .outcome("unavailable")
        .error("ledger_unreachable")
        .texts(1);
    for _ in 0..2 {
        day.look(2);
    }
    day.is_told(1, "CRITICAL: ");
    day.is_told(1, "ledger: it can't be read or written");
    let doctor = day.guide("doctor --offline");
    let said = doctor.exit(78).stdout.clone().unwrap();
    for words in ["can't be reached", "start the database"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    day.fleet.start_server();
    // Nothing else is restarted, and the same id may be repeated.
    day.send("a").outcome("accepted").texts(2);
    for _ in 0..2 {
        day.look(0);
    }
    day.is_told(2, " OK: ");
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_the_database_is_away_and_codes_go_by_the_own_ledger_meanwhile() {
    let mut day = Day::begin("own_ledger");
    day.fleet.stop_server();
    day.send("a")
        .outcome("accepted")
        .has("/may_duplicate", true)
        .texts(2);
    let secret = day.fleet.on(0).code().to_owned();
    let password =
        json!({ "id": "p", "purpose": "new_password", "code": null, "password": secret });
    let refused = day.fleet.on(0).with(password).run();
    refused.outcome("unavailable").error("ledger_unreachable");
    for _ in 0..2 {
        day.look(1);
    }
    day.is_told(1, "WARNING: ledger: the shared one can't be reached");
    let doctor = day.guide("doctor --offline");
    let said = doctor.exit(78).stdout.clone().unwrap();
    for words in [
        "start the database",
        "codes go by this machine's own ledger since",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    day.fleet.start_server();
    day.look(1);
    day.guide("ledger move").exit(0);
    for _ in 0..2 {
        day.look(0);
    }
    day.is_told(2, " OK: ");
    // What was sent meanwhile is known everywhere.
    let elsewhere = day.fleet.on(1).with(json!({ "id": "a" })).run();
    elsewhere
        .outcome("accepted")
        .has("/replayed", true)
        .texts(2);
}
