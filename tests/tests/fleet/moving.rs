//! A ledger that was one machine's until now: moved, checked, and its schema brought up to date.

use std::fs;

use serde_json::json;
use textsender_tests::harness::{Test, wait_for};
use textsender_tests::peers::postgres::Postgres;
use textsender_tests::peers::shared_ledger::{prepare, section};

use super::machines::Fleet;
use super::run;

/// The first schema, as a database may still have it.
const FIRST_SCHEMA: &str = include_str!("../../../host/src/ledger/shared/schema_1.sql");

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_a_ledger_is_moved_with_its_ids_and_what_its_limits_count() {
    let limits = "[limits]\nrecipient = { limits = [\"3/1h\"], mode = \"enforce\" }";
    let alone = Test::new().config(limits);
    let id = |id: &str| json!({ "id": id });
    alone.beside().with(id("a")).run().outcome("accepted");
    alone.beside().with(id("b")).run().outcome("accepted");
    let server = Postgres::start(&["fsync=off"]);
    prepare(&server);
    {
        let refused = alone.beside().command(["ledger", "move"]).stdin("").run();
        refused.exit(1);
        let words = "configure [state.shared] first";
        assert!(refused.stderr.contains(words), "{refused}");
    }
    let shared = section(&server.url("textsender", "textsender"), "none", "30s");
    let shared = alone.config(&shared);
    let moved = || shared.beside().command(["ledger", "move"]).stdin("").run();
    let first = moved();
    let said = first.exit(0).stdout.clone().unwrap();
    assert!(said.contains("moved 2 decisions, and"), "{said}");
    let again = moved().exit(0).stdout.clone().unwrap();
    assert!(again.contains("moved 0 decisions, and 0 counts"), "{again}");

    let repeat = shared.beside().with(id("a")).run();
    repeat.outcome("accepted").has("/replayed", true).texts(2);
    shared.beside().with(id("c")).run().outcome("accepted");
    shared.beside().with(id("d")).run().outcome("limited");
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_what_was_paused_before_a_move_is_not_paused_again_by_another() {
    let alone = Test::new();
    alone.beside().run().outcome("accepted");
    let pause = ["pause", "--all", "--reason", "a flood"];
    alone.beside().command(pause).stdin("").run().exit(0);
    let server = Postgres::start(&["fsync=off"]);
    prepare(&server);
    let shared = section(&server.url("textsender", "textsender"), "none", "30s");
    let shared = alone.config(&shared);
    let run = |words: &[&str]| {
        let run = shared.beside().command(words).stdin("").run();
        run.exit(0);
    };
    run(&["ledger", "move"]);
    shared.beside().run().error("paused");
    run(&["resume", "--all"]);
    run(&["ledger", "move"]);
    shared.beside().run().outcome("accepted");
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_a_moved_ledger_goes_on_counting_what_it_had_deleted() {
    let alone = Test::new().config("[state]\nretention_days = 1");
    let id = |id: &str| json!({ "id": id });
    alone.beside().with(id("a")).run().outcome("accepted");
    wait_for("the first to be deleted", || {
        let later = alone.beside().with(id("b")).clock_ahead(4 * 86_400);
        later.run().outcome("accepted");
        let first = alone.beside().command(["log", "--id", "a"]).stdin("").run();
        (first.stdout.as_deref() == Some("")).then_some(())
    });
    let counted = |test: &Test| {
        let file = test.site().folder().join("metrics.prom");
        let file = file.to_str().unwrap();
        let stats = test.beside().command(["stats", "--prometheus", file]);
        stats.stdin("").run().exit(0);
        let page = fs::read_to_string(file).unwrap();
        let totals = page
            .lines()
            .filter(|line| line.starts_with("textsender_messages_total{"));
        totals.map(str::to_owned).collect::<Vec<_>>()
    };
    let before = counted(&alone);
    assert!(before[0].ends_with("outcome=\"accepted\"} 2"), "{before:?}");
    let server = Postgres::start(&["fsync=off"]);
    prepare(&server);
    let shared = section(&server.url("textsender", "textsender"), "none", "30s");
    let shared = alone.config(&shared);
    for _ in 0..2 {
        let moved = shared.beside().command(["ledger", "move"]).stdin("").run();
        moved.exit(0);
        assert_eq!(counted(&shared), before);
    }
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_a_ledger_of_another_key_is_not_moved_and_the_reason_is_said() {
    let alone = Test::new();
    alone.beside().run().outcome("accepted");
    let server = Postgres::start(&["fsync=off"]);
    prepare(&server);
    let shared = section(&server.url("textsender", "textsender"), "none", "30s");
    let shared = alone.config(&shared);
    let nothing = Fleet::new("");
    let none = nothing.on(0).command(["ledger", "move"]).stdin("").run();
    let said = none.exit(0).stdout.clone().unwrap();
    assert!(said.contains("there is nothing to move"), "{said}");
    fs::write(shared.site().state().join("ledger.key"), [7u8; 32]).unwrap();
    let refused = shared.beside().command(["ledger", "move"]).stdin("").run();
    refused.exit(1);
    for words in [
        "the key that all machines have",
        "is not the key that it was written with",
    ] {
        assert!(refused.stderr.contains(words), "{words}: {refused}");
    }
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_an_earlier_schema_works_and_is_brought_up_to_date() {
    let server = Postgres::start(&["fsync=off"]);
    server.sql("postgres", "CREATE ROLE textsender LOGIN");
    server.sql("postgres", "CREATE DATABASE textsender");
    server.script("textsender", FIRST_SCHEMA);
    server.script(
        "textsender",
        "GRANT USAGE ON SCHEMA textsender TO textsender;
         GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA textsender TO textsender;
         GRANT SELECT ON ALL TABLES IN SCHEMA textsender TO textsender;
         REVOKE SELECT ON textsender.windows FROM textsender;",
    );
    let fleet = Fleet::on_server(server, "", "none");
    fleet
        .on(0)
        .with(json!({ "id": "a" }))
        .run()
        .outcome("accepted");
    let check = |exit| {
        let check = fleet.on(0).command(["ledger", "check"]).stdin("").run();
        check.exit(exit).stdout.clone().unwrap()
    };
    let said = check(78);
    assert!(
        said.contains("the database's schema has version 1"),
        "{said}"
    );
    assert!(said.contains("textsender ledger migrate"), "{said}");
    let statements = run(&fleet, 0, &["ledger", "migrate"]);
    fleet.server().script("textsender", &statements);
    fleet
        .server()
        .sql("textsender", "ALTER SYSTEM SET fsync = on");
    let said = check(78);
    assert!(!said.contains("schema has version"), "{said}");
    let nothing = fleet.on(0).command(["ledger", "migrate"]).stdin("").run();
    assert_eq!(nothing.exit(0).stdout.as_deref(), Some(""), "{nothing}");
    assert!(nothing.stderr.contains("which is the newest"), "{nothing}");
    let repeat = fleet.on(1).with(json!({ "id": "a" })).run();
    repeat.outcome("accepted").has("/replayed", true);
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_check_says_that_an_account_may_do_more_than_it_needs() {
    let fleet = Fleet::new("");
    fleet.on(0).run().outcome("accepted");
    let said = |fleet: &Fleet| {
        let check = fleet.on(0).command(["ledger", "check"]).stdin("").run();
        check.exit(78).stdout.clone().unwrap()
    };
    assert!(!said(&fleet).contains("may change the ledger's tables"));
    let grant = "GRANT UPDATE ON textsender.decisions TO textsender";
    fleet.server().sql("textsender", grant);
    let said = said(&fleet);
    assert!(
        said.contains("may change the ledger's tables by itself"),
        "{said}"
    );
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_a_machine_that_is_set_up_otherwise_is_named_with_what_differs() {
    let fleet = Fleet::new("");
    // One send is enough; on a machine that has much else to do, the next ones.
    wait_for("the machine's report", || {
        let sent = fleet.on(0).with(json!({ "id": "a" })).run();
        sent.outcome("accepted");
        let count = "SELECT count(*) FROM textsender.machines";
        (fleet.server().sql("textsender", count) == "1").then_some(())
    });
    // Both are this machine; the one that reported is given another name.
    let rename = "UPDATE textsender.machines SET node = 'srv2'";
    fleet.server().sql("textsender", rename);
    let said = run(&fleet, 0, &["ledger", "check"]);
    assert!(!said.contains("differs"), "{said}");
    let file = fleet.config_of_second();
    // Its paths differ: each machine of these tests is in a folder of its own.
    let differs = |fleet: &Fleet| run(fleet, 1, &["ledger", "check"]);
    let said = differs(&fleet);
    assert!(said.contains("srv2 differs: textsender.toml"), "{said}");
    let policy = file.with_file_name("policies").join("more.toml");
    fs::create_dir_all(policy.parent().unwrap()).unwrap();
    fs::write(&policy, "name = \"More\"\n").unwrap();
    let secret = fleet.state_of_second().join("secrets/twilio.auth_token");
    fs::write(&secret, "another").unwrap();
    let said = differs(&fleet);
    let names = "srv2 differs: policies/more.toml, textsender.toml, twilio.auth_token";
    assert!(said.contains(names), "{said}");
    let status = run(&fleet, 1, &["status", "--json"]);
    assert!(status.contains("srv2 differs"), "{status}");
    assert!(status.contains("\"machine\""), "{status}");
    let stats = run(&fleet, 1, &["stats"]);
    assert!(stats.contains("machine"), "{stats}");
}
