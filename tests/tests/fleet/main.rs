//! Several machines, one ledger in PostgreSQL: each a configuration, a state folder and a clock of its own,
//! with one provider. Without PostgreSQL these are ignored by name.

#![allow(clippy::unwrap_used)]
#![cfg_attr(not(has_postgresql), allow(dead_code, unused_imports))]

mod apart;
mod cuts;
mod keys;
mod machines;
mod moving;
mod oncall;
mod pooler;
mod servers;
mod tls;
mod traps;

use serde_json::json;
use textsender_tests::harness::{Run, at_once};
use textsender_tests::peers::postgres::Postgres;
use textsender_tests::peers::shared_ledger::prepare;

use machines::Fleet;

/// Processes at the same time on both machines together.
const MANY: usize = 200;

fn outcomes(runs: &[Run], outcome: &str) -> usize {
    let is = |run: &&Run| run.response["outcome"] == outcome;
    runs.iter().filter(is).count()
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_of_200_processes_with_one_id_on_two_machines_one_sends() {
    let fleet = Fleet::new("");
    let runs = at_once(MANY, |number| {
        fleet.on(number % 2).with(json!({ "id": "one" }))
    });
    let (accepted, in_progress) = (outcomes(&runs, "accepted"), outcomes(&runs, "in_progress"));
    assert_eq!(accepted + in_progress, MANY, "{accepted} {in_progress}");
    assert_eq!(fleet.sandbox().text_count(), 1);
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_limits_are_exact_over_two_machines_whose_clocks_are_an_hour_apart() {
    let fleet = Fleet::new("[limits]\nrecipient = { limits = [\"7/10m\"], mode = \"enforce\" }");
    let runs = at_once(MANY, |number| {
        let test = fleet.on(number % 2);
        let test = test.with(json!({ "id": format!("{number}") }));
        match number % 2 {
            0 => test,
            _ => test.clock_ahead(3600),
        }
    });
    let (accepted, limited) = (outcomes(&runs, "accepted"), outcomes(&runs, "limited"));
    assert_eq!((accepted, limited), (7, MANY - 7));
    assert_eq!(fleet.sandbox().text_count(), 7);
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_what_one_machine_sent_is_replayed_by_the_other_and_named_in_its_log() {
    let fleet = Fleet::new("");
    fleet
        .on(0)
        .with(json!({ "id": "a" }))
        .run()
        .outcome("accepted");
    let repeat = fleet.on(1).with(json!({ "id": "a" })).run();
    repeat.outcome("accepted").has("/replayed", true).texts(1);
    let log = fleet.on(1).command(["log", "--json"]).stdin("").run();
    let log = log.exit(0).stdout.clone().unwrap();
    assert!(log.contains("\"node\":"), "{log}");
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_machines_are_listed_by_what_they_recorded() {
    let fleet = Fleet::new("");
    for (id, machine) in [("a", 0), ("b", 1), ("c", 1)] {
        fleet
            .on(machine)
            .with(json!({ "id": id }))
            .run()
            .outcome("accepted");
    }
    // Both are this machine; the second is given another name.
    let rename = "UPDATE textsender.decisions SET node = 'second' WHERE id <> 'a'";
    fleet.server().sql("textsender", rename);
    let list = fleet.on(0).command(["ledger", "machines", "--json"]);
    let listed = list.stdin("").run();
    let listed = listed.exit(0).stdout.clone().unwrap();
    let machines: serde_json::Value = serde_json::from_str(&listed).unwrap();
    let of = |name: &str| {
        let mut machines = machines.as_array().unwrap().iter();
        machines.find(|machine| machine["name"] == name).cloned()
    };
    assert_eq!(machines.as_array().unwrap().len(), 2, "{listed}");
    assert_eq!(of("second").unwrap()["accepted"], 2);
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_a_machine_with_another_key_sends_nothing() {
    let fleet = Fleet::new("");
    fleet.on(0).run().outcome("accepted");
    fleet.change_key(1);
    let refused = fleet.on(1).run();
    refused
        .outcome("misconfigured")
        .error("ledger_key_mismatch")
        .texts(1);
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_killed_at_any_step_another_machine_neither_doubles_nor_takes_it_early() {
    for (step, texts) in [
        ("claiming", 1),
        ("claimed", 0),
        ("dispatched", 0),
        ("answered", 1),
        ("settling", 1),
    ] {
        let fleet = Fleet::new("");
        let died = fleet.on(0).with(json!({ "id": "a" })).crash_at(step);
        died.stdout(std::process::Stdio::null()).run().exit(-9);
        let repeat = fleet.on(1).with(json!({ "id": "a" })).run();
        let outcome = match step {
            "claiming" => "accepted",
            // Until its lease is over it is the dead one's, as far as another machine can tell.
            _ => "in_progress",
        };
        repeat.outcome(outcome).texts(texts);
        fleet.end_leases();
        let later = fleet.on(1).with(json!({ "id": "a" })).run();
        let later_texts = texts.max(usize::from(step != "dispatched"));
        let outcome = if step == "dispatched" {
            "unknown"
        } else {
            "accepted"
        };
        later.outcome(outcome).texts(later_texts);
    }
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_nothing_is_sent_while_the_database_is_away_and_the_same_id_is_sent_once_it_is_back() {
    let mut fleet = Fleet::new("[state.shared]\ntimeout = \"2s\"");
    fleet.stop_server();
    let refused = fleet.on(0).with(json!({ "id": "a" })).run();
    refused
        .outcome("unavailable")
        .error("ledger_unreachable")
        .texts(0);
    fleet.start_server();
    let sent = fleet.on(1).with(json!({ "id": "a" })).run();
    sent.outcome("accepted").texts(1);
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_doctor_names_the_server_and_what_its_loss_costs() {
    let fleet = Fleet::new("");
    let said = doctor(&fleet);
    for words in [
        "it is shared, in PostgreSQL",
        "on one server alone",
        "fsync = off",
    ] {
        assert!(said.contains(words), "{words}: {said}");
    }
    let required = Fleet::on_server(Postgres::start(&["fsync=off"]), "", "required");
    let said = doctor(&required);
    assert!(
        said.contains("correct the role in [state.shared] url"),
        "{said}"
    );
    prepare(required.server());
    let said = doctor(&required);
    assert!(said.contains("set synchronous_standby_names"), "{said}");
    let server = required.server();
    server.sql("textsender", "DROP SCHEMA textsender CASCADE");
    let said = doctor(&required);
    assert!(
        said.contains("textsender ledger schema --postgres"),
        "{said}"
    );
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_doctor_says_on_a_machine_that_never_sent_whether_it_lacks_the_key() {
    let fleet = Fleet::new("");
    fleet.remove_key();
    let said = doctor(&fleet);
    assert!(said.contains("it is shared, in PostgreSQL"), "{said}");
    assert!(!said.contains("ledger.key"), "the ledger is new: {said}");
    fleet.on(1).run().outcome("accepted");
    let said = doctor(&fleet);
    assert!(
        said.contains("copy ledger.key from a machine that uses it"),
        "{said}"
    );
}

/// What a command says on a machine, whatever its exit code.
fn run(fleet: &Fleet, machine: usize, words: &[&str]) -> String {
    let run = fleet.on(machine).command(words.iter().copied()).stdin("");
    run.run().stdout.clone().unwrap()
}

/// What `doctor` says on the first machine.
fn doctor(fleet: &Fleet) -> String {
    run(fleet, 0, &["doctor", "--offline"])
}
