//! Servers that die, freeze and are promoted.

use std::collections::BTreeMap;
use std::process::Command;

use serde_json::{Value, json};
use textsender_tests::harness::{Test, wait_for};
use textsender_tests::peers::postgres::Postgres;
use textsender_tests::peers::shared_ledger::prepare;

use super::machines::Fleet;

/// What lets a server have a standby.
pub const PRIMARY: [&str; 3] = ["fsync=off", "wal_level=replica", "max_wal_senders=5"];

/// A primary with a standby that has every claim before it is answered.
pub fn pair() -> (Postgres, Postgres) {
    let primary = Postgres::start(&PRIMARY);
    prepare(&primary);
    let standby = Postgres::standby_of(&primary, "s2", &["fsync=off", "hot_standby=on"]);
    primary.sql(
        "postgres",
        "ALTER SYSTEM SET synchronous_standby_names = 's2'",
    );
    primary.sql("postgres", "SELECT pg_reload_conf()");
    let synced = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'";
    wait_for("the standby to follow", || {
        (primary.sql("postgres", synced) == "1").then_some(())
    });
    (primary, standby)
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_a_primary_killed_under_load_loses_no_claim_and_doubles_none() {
    kill_primary_under_load(100);
}

/// By hand: `cargo test --release --test fleet -- --ignored twenty_primaries`.
#[test]
#[ignore = "takes minutes: run by hand"]
fn fleet_twenty_primaries_killed_under_load_lose_no_claim_and_double_none() {
    for number in 0..20 {
        // Each in another place of the stream.
        kill_primary_under_load(60 + number * 13);
    }
}

/// A stream sends; the primary is killed after so many answers, and its standby promoted.
fn kill_primary_under_load(after: usize) {
    let (primary, standby) = pair();
    let folders = [primary.socket(), standby.socket()].map(|folder| folder.display().to_string());
    let hosts = folders.map(|folder| folder.replace('/', "%2F")).join(",");
    let url = format!("postgresql://textsender@{hosts}/textsender");
    let config = "[state.shared]\ntimeout = \"20s\"\n[send]\ntimeout = \"40s\"";
    let fleet = Fleet::at(primary, &url, config, "required");
    let lines: Vec<Value> = (0..400)
        .map(|n| {
            json!({"id": format!("m{n}"), "purpose": "verification_code", "code": "beK989vc",
                   "user": {"phone": format!("+44740{n:07}")}})
        })
        .collect();
    let first = stream(&fleet, &lines, |answered, server| {
        if answered == after {
            server.signal("KILL");
            standby.promote();
        }
    });
    let again = stream(&fleet, &lines, |_, _| ());
    let texts = fleet.sandbox().texts();
    let mut per_number: BTreeMap<String, usize> = BTreeMap::new();
    for text in &texts {
        *per_number.entry(text.to.clone()).or_default() += 1;
    }
    let doubled: Vec<_> = per_number.iter().filter(|(_, count)| **count > 1).collect();
    assert!(doubled.is_empty(), "{doubled:?}");
    for (id, outcome) in &first {
        if outcome == "accepted" {
            // How it ended could not be written while the primary died: then its claim still holds, or the
            // text is looked for. It is never sent again.
            assert!(
                ["accepted", "unknown", "in_progress"].contains(&again[id].as_str()),
                "{id}: {}",
                again[id]
            );
        }
    }
    let accepted = first
        .values()
        .filter(|outcome| *outcome == "accepted")
        .count();
    assert!(accepted >= after, "{accepted}");
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_nothing_is_sent_while_the_standby_is_frozen_and_all_goes_on_once_it_is_not() {
    let (primary, standby) = pair();
    let fleet = Fleet::on_server(primary, "[state.shared]\ntimeout = \"2s\"", "required");
    fleet
        .on(0)
        .with(json!({ "id": "a" }))
        .run()
        .outcome("accepted");
    standby.signal("STOP");
    let refused = fleet.on(0).with(json!({ "id": "b" })).run();
    refused.outcome("unavailable").texts(1);
    // What is known may be answered.
    standby.signal("CONT");
    let waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'";
    wait_for("the standby to have what waited", || {
        (fleet.server().sql("postgres", waiting) == "0").then_some(())
    });
    fleet.end_leases();
    fleet
        .on(1)
        .with(json!({ "id": "b" }))
        .run()
        .outcome("accepted")
        .texts(2);
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_a_stream_answers_unavailable_while_the_database_is_away_and_sends_once_it_is_back() {
    let config = "[state.shared]\ntimeout = \"2s\"\n[limits]\nrecipient = { limits = [] }";
    let mut fleet = Fleet::new(config);
    let line = |n: usize| {
        json!({"id": format!("m{n}"), "purpose": "verification_code", "code": "beK989vc",
               "user": {"phone": format!("+44740{n:07}")}})
    };
    let lines: Vec<Value> = (0..30).map(line).collect();
    let mut stream = fleet.on(0).stream().start_silent();
    stream.ask(&lines[..10]);
    stream.wait_for_answers(10);
    fleet.stop_server();
    stream.ask(&lines[10..20]);
    stream.wait_for_answers(20);
    fleet.start_server();
    stream.ask(&lines[20..]);
    stream.ask(&lines[10..20]);
    let answers = stream.wait_for_answers(40);
    stream.end_input();
    stream.wait_for_end();
    for (number, answer) in answers.iter().enumerate() {
        let wanted = match number {
            10..20 => "unavailable",
            _ => "accepted",
        };
        assert_eq!(answer["outcome"], wanted, "{number}: {answer}");
    }
    assert_eq!(fleet.sandbox().text_count(), 30);
}

/// Sends all lines by one stream; the outcomes by id.
fn stream(
    fleet: &Fleet,
    lines: &[Value],
    mut at: impl FnMut(usize, &Postgres),
) -> BTreeMap<String, String> {
    use std::io::{BufRead, BufReader, Write};
    let test: Test = fleet.on(0);
    let artifacts = textsender_tests::harness::artifacts();
    let mut child = Command::new(&artifacts.textsender)
        .args([
            "send",
            "--stream",
            "--concurrency",
            "16",
            "--log-level",
            "warn",
        ])
        .env("TEXTSENDER_CONFIG", test.site().config_file())
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let writing = std::thread::spawn(move || input.write_all(text.as_bytes()));
    let mut outcomes = BTreeMap::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let answer: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let word = |key: &str| answer[key].as_str().unwrap_or_default().to_owned();
        outcomes.insert(word("id"), word("outcome"));
        at(outcomes.len(), fleet.server());
    }
    writing.join().unwrap().unwrap();
    child.wait().unwrap();
    outcomes
}
