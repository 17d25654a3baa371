//! What a server does that one would not expect: each was seen.

use std::process::{Command, Stdio};
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

/// The server's process in which the claim of an id waits for a standby: no other step locks an id and waits for one.
fn waiting_claim(id: &str) -> String {
    format!(
        "SELECT DISTINCT a.pid FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid
         WHERE a.wait_event = 'SyncRep' AND l.locktype = 'advisory' AND l.granted
           AND (l.classid::bigint << 32 | l.objid::bigint) = hashtextextended('{id}', 0)"
    )
}

fn wait_for_claim(fleet: &Fleet, id: &str) {
    wait_for("the claim to wait for a standby", || {
        (!fleet
            .server()
            .sql("postgres", &waiting_claim(id))
            .is_empty())
        .then_some(())
    });
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_a_commit_that_was_cancelled_while_it_waited_for_a_standby_is_none() {
    let fleet = without_standby();
    let sending = fleet.on(0).with(json!({ "id": "a" })).start();
    wait_for_claim(&fleet, "a");
    // It is sent again until its time is over, and cancelled each time.
    let cancel = format!(
        "SELECT pg_cancel_backend(pid) FROM ({}) waiting",
        waiting_claim("a")
    );
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
        let waiting = ["a", "b"].map(|id| fleet.server().sql("postgres", &waiting_claim(id)));
        waiting.iter().all(String::is_empty).then_some(())
    });
    fleet.end_leases();
    let sent = fleet.on(1).with(json!({ "id": "a" })).run();
    sent.outcome("accepted").texts(2);
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_a_restart_commits_a_claim_that_waited_for_a_standby_and_no_text_goes_out_for_it() {
    let mut fleet = without_standby();
    let sending = fleet.on(0).with(json!({ "id": "a" }));
    let sending = sending.stdout(Stdio::null()).start();
    wait_for_claim(&fleet, "a");
    // Whoever waited for the answer is gone before the server is.
    let id = sending.id().to_string();
    let killed = Command::new("kill").args(["-9", &id]).status();
    assert!(killed.unwrap().success());
    sending.wait_for_end();
    let open = "SELECT count(*) FROM textsender.decisions WHERE id = 'a' AND outcome IS NULL";
    assert_eq!(fleet.server().sql("textsender", open), "0", "it waits");
    fleet.stop_server();
    fleet.launch_server(&["fsync=off", "synchronous_standby_names="]);
    assert_eq!(fleet.server().sql("textsender", open), "1", "it stands");
    let early = fleet.on(1).with(json!({ "id": "a" })).run();
    early.outcome("in_progress").texts(1);
    // As after any restart: what was written after the claim may be lost.
    fleet.end_leases();
    let later = fleet.on(1).with(json!({ "id": "a" })).run();
    later.outcome("unknown").texts(1);
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
