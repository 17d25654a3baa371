//! A new key for all machines, one after the other, while both send: `rotate --plan` has the steps.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::machines::Fleet;
use super::run;

fn id(id: &str) -> Value {
    json!({ "id": id })
}

fn states(fleet: &Fleet) -> [PathBuf; 2] {
    let first = fleet.on(0).site().state().to_owned();
    [first, fleet.state_of_second()]
}

/// What the plan's step does: `ln -f`, then `mv`.
fn switch(state: &Path) {
    let key = state.join("ledger.key");
    fs::hard_link(&key, state.join("ledger.key.before")).unwrap();
    fs::rename(state.join("ledger.key.next"), key).unwrap();
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_machines_get_a_new_key_one_after_the_other_and_ids_and_limits_hold() {
    let limits = "[limits]\nrecipient = { limits = [\"4/1h\"], mode = \"enforce\" }";
    let fleet = Fleet::new(limits);
    fleet.on(0).with(id("a")).run().outcome("accepted");
    let plan = run(&fleet, 0, &["rotate", "--plan"]);
    for words in ["ledger.key.next", "ledger.key.before", "ledger check"] {
        assert!(plan.contains(words), "{words}: {plan}");
    }
    let states = states(&fleet);
    for state in &states {
        fs::copy(state.join("ledger.key"), state.join("ledger.key.next")).unwrap();
        fs::write(state.join("ledger.key.next"), [7u8; 32]).unwrap();
    }
    let replayed = |machine: usize, of: &str, texts: usize| {
        let repeat = fleet.on(machine).with(id(of)).run();
        repeat.outcome("accepted").has("/replayed", true);
        assert_eq!(fleet.sandbox().text_count(), texts);
    };
    switch(&states[0]);
    replayed(0, "a", 1);
    let other = json!({ "id": "a", "code": "zzzz9999" });
    fleet.on(0).with(other).run().outcome("invalid");
    fleet.on(0).with(id("b")).run().outcome("accepted");
    // This one writes with the old key.
    for of in ["a", "b"] {
        replayed(1, of, 2);
    }
    fleet.on(1).with(id("c")).run().outcome("accepted");
    replayed(0, "c", 3);
    switch(&states[1]);
    replayed(1, "c", 3);
    fleet.on(1).with(id("d")).run().outcome("accepted");
    for machine in [0, 1] {
        let more = id(&format!("more-{machine}"));
        fleet.on(machine).with(more).run().outcome("limited");
    }
    let phone = fleet
        .on(0)
        .command(["log", "--json", "--outcome", "accepted", "--phone", "-"]);
    let log = phone.stdin("+447700900123").run();
    let log = log.exit(0).stdout.clone().unwrap();
    for of in ["a", "b", "c", "d"] {
        assert!(log.contains(&format!("\"id\":\"{of}\"")), "{of}: {log}");
    }
    for state in &states {
        fs::remove_file(state.join("ledger.key.before")).unwrap();
    }
    replayed(0, "d", 4);
    replayed(1, "b", 4);
    // One that was left out.
    fs::write(states[1].join("ledger.key"), (0..32).collect::<Vec<u8>>()).unwrap();
    let refused = fleet.on(1).with(id("e")).run();
    refused
        .outcome("misconfigured")
        .error("ledger_key_mismatch");
}
