//! What a server does that one would not expect: each was seen.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use textsender_tests::harness::wait_for;
use textsender_tests::peers::postgres::Postgres;
use textsender_tests::peers::shared_ledger::prepare;

use super::machines::Fleet;
use super::run;
use super::servers::{PRIMARY, pair};

/// How long anything may take here that is bound to two seconds.
const BOUND: Duration = Duration::from_secs(30);

/// A fleet whose claims are to be on a standby, of which there is none.
fn without_standby() -> Fleet {
    let server = Postgres::start(&PRIMARY);
    prepare(&server);
    let mut fleet = Fleet::on_server(server, "[state.shared]\ntimeout = \"2s\"", "required");
    fleet
        .on(0)
        .with(json!({ "id": "before" }))
        .run()
        .outcome("accepted");
    // Its end is written after its answer: it would be the one that waits.
    wait_for("the end of it", || {
        let ended = "SELECT count(*) FROM textsender.decisions WHERE outcome IS NOT NULL";
        (fleet.server().sql("textsender", ended) == "1").then_some(())
    });
    wait_for_standby(&fleet, "none that there is");
    // A server that runs lets commits pass until its checkpointer has read the setting, which shows nowhere.
    fleet.stop_server();
    fleet.launch_server(&PRIMARY);
    fleet
}

fn wait_for_standby(fleet: &Fleet, names: &str) {
    let server = fleet.server();
    server.sql(
        "postgres",
        &format!(
            "ALTER SYSTEM SET synchronous_standby_names = '{}'",
            names.replace(' ', "_")
        ),
    );
    server.sql("postgres", "SELECT pg_reload_conf()");
    let set = "SELECT setting FROM pg_settings WHERE name = 'synchronous_standby_names'";
    wait_for("the server to have read it", || {
        (server.sql("postgres", set) == names.replace(' ', "_")).then_some(())
    });
}

/// The backend that waits for a standby.
const WAITING: &str = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query LIKE '%step_1%' LIMIT 1";

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_a_commit_that_was_cancelled_while_it_waited_for_a_standby_is_none() {
    let fleet = without_standby();
    let sending = fleet.on(0).with(json!({ "id": "a" })).start();
    wait_for("the claim to wait for a standby", || {
        (!fleet.server().sql("postgres", WAITING).is_empty()).then_some(())
    });
    // It is sent again until its time is over, and cancelled each time.
    let cancel = format!("SELECT pg_cancel_backend(pid) FROM ({WAITING}) waiting");
    let mut cancelled = 0;
    let ended = std::thread::scope(|scope| {
        let ended = scope.spawn(|| sending.finish());
        while !ended.is_finished() {
            cancelled += fleet.server().sql("postgres", &cancel).lines().count();
        }
        ended.join().unwrap()
    });
    assert!(cancelled > 0);
    ended
        .outcome("unavailable")
        .error("ledger_unreachable")
        .texts(1);
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_a_wait_for_a_standby_is_bound_and_so_is_one_for_the_locks_that_it_keeps() {
    let fleet = without_standby();
    // What bounds a statement does not bound that.
    let bound = "ALTER ROLE textsender SET statement_timeout = '100ms'";
    fleet.server().sql("postgres", bound);
    let began = Instant::now();
    for (machine, id) in [(0, "a"), (1, "b")] {
        let refused = fleet.on(machine).with(json!({ "id": id })).run();
        refused.outcome("unavailable").texts(1);
    }
    assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
    // Its claim is committed now; as nothing was sent by it, it is closed once its lease is over.
    wait_for_standby(&fleet, "");
    wait_for("the claims to be committed", || {
        fleet
            .server()
            .sql("postgres", WAITING)
            .is_empty()
            .then_some(())
    });
    fleet.end_leases();
    let sent = fleet.on(1).with(json!({ "id": "a" })).run();
    sent.outcome("accepted").texts(2);
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_an_ordinary_account_sees_whether_claims_wait_for_a_standby() {
    let (primary, _standby) = pair();
    let state = primary.psql(
        "textsender",
        "SET ROLE textsender; SELECT sync_state FROM pg_stat_replication",
    );
    assert_eq!(state.unwrap(), "", "it is not shown to it");
    let fleet = Fleet::on_server(primary, "", "required");
    fleet.on(0).run().outcome("accepted");
    let said = run(&fleet, 0, &["doctor", "--offline"]);
    assert!(said.contains("claims wait for a standby: s2"), "{said}");
    // Patroni's default, and that of PostgreSQL.
    wait_for_standby(&fleet, "");
    for command in [&["doctor", "--offline"][..], &["status", "--json"]] {
        let said = run(&fleet, 0, command);
        assert!(said.contains("the server waits for no standby"), "{said}");
    }
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_a_limit_of_all_texts_is_exact_over_two_streams_that_share_its_row() {
    const LIMIT: usize = 150;
    let limits = format!("[limits]\nall = {{ limits = [\"{LIMIT}/1h\"], mode = \"enforce\" }}");
    let fleet = Fleet::new(&limits);
    let lines = |machine: usize| -> Vec<Value> {
        let line = |n: usize| {
            json!({"id": format!("{machine}-{n}"), "purpose": "verification_code", "code": "beK989vc",
                   "user": {"phone": format!("+4474{machine}{n:07}")}})
        };
        (0..LIMIT).map(line).collect()
    };
    let mut streams = [0, 1].map(|machine| fleet.on(machine).stream().start_silent());
    for (machine, stream) in streams.iter_mut().enumerate() {
        stream.ask(&lines(machine));
    }
    let answers = streams
        .each_ref()
        .map(|stream| stream.wait_for_answers(LIMIT))
        .concat();
    let count = |outcome: &str| {
        let answers = answers.iter();
        answers
            .filter(|answer| answer["outcome"] == outcome)
            .count()
    };
    assert_eq!(
        (count("accepted"), count("limited")),
        (LIMIT, LIMIT),
        "{:?}",
        answers.last()
    );
    for mut stream in streams {
        stream.end_input();
        stream.wait_for_end();
    }
    assert_eq!(fleet.sandbox().text_count(), LIMIT);
}
