//! While the database is away: codes by each machine's own ledger, and what becomes of that once it is back.

use std::time::SystemTime;

use serde_json::{Value, json};
use textsender_tests::harness::wait_for;

use super::machines::Fleet;
use super::run;

/// Codes go on by each machine's own ledger.
const APART: &str = "[state.shared]\nwhen_unreachable = \"own_ledger\"\ntimeout = \"2s\"\n";

fn id(id: &str) -> Value {
    json!({ "id": id })
}

/// A fleet whose database is away, with this configuration besides.
fn without_database(config: &str) -> Fleet {
    let mut fleet = Fleet::new(&format!("{APART}{config}"));
    fleet.on(0).with(id("before")).run().outcome("accepted");
    fleet.on(1).with(id("before-too")).run().outcome("accepted");
    fleet.stop_server();
    fleet
}

/// Messages that the shared ledger has accepted under an id, answers that were replayed left out.
fn accepted(fleet: &Fleet, id: &str) -> String {
    let sql = format!(
        "SELECT count(*) FROM textsender.decisions
         WHERE id = '{id}' AND outcome = 'accepted' AND NOT replayed"
    );
    fleet.server().sql("textsender", &sql)
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_codes_go_by_each_machines_own_ledger_while_the_database_is_away() {
    let mut fleet = without_database("");
    let sent = fleet.on(0).with(id("a")).run();
    sent.outcome("accepted")
        .has("/may_duplicate", true)
        .texts(3);
    let repeat = fleet.on(0).with(id("a")).run();
    repeat.outcome("accepted").has("/replayed", true).texts(3);
    let said = run(&fleet, 0, &["doctor", "--offline"]);
    assert!(
        said.contains("codes go by this machine's own ledger since"),
        "{said}"
    );

    fleet.start_server();
    // The other machine does not know of it yet.
    let said = run(&fleet, 0, &["ledger", "move"]);
    assert!(said.contains("moved"), "{said}");
    let elsewhere = fleet.on(1).with(id("a")).run();
    elsewhere
        .outcome("accepted")
        .has("/replayed", true)
        .texts(3);
    let again = fleet.on(0).with(id("a")).run();
    again.outcome("accepted").has("/replayed", true).texts(3);
    assert!(!fleet.is_away(0), "all is brought over");
    assert_eq!(accepted(&fleet, "a"), "1");
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_log_and_explain_tell_what_went_by_the_own_ledger_until_it_is_brought_over_and_once() {
    let mut fleet = without_database("");
    fleet.on(0).with(id("a")).run().outcome("accepted");
    let ids = |fleet: &Fleet, words: &[&str]| -> Vec<String> {
        let log = run(fleet, 0, &[&["log", "--json"], words].concat());
        let entry = |line: &str| serde_json::from_str::<Value>(line).unwrap();
        let ids = log.lines().map(|line| entry(line)["id"].clone());
        ids.map(|id| id.as_str().unwrap().to_owned()).collect()
    };
    let log = fleet.on(0).command(["log"]).stdin("").run();
    let said = &log.exit(0).stderr;
    assert!(said.contains("this machine's own ledger"), "{said}");
    assert_eq!(ids(&fleet, &[]), ["a"]);
    let told = run(&fleet, 0, &["explain", "--id", "a"]);
    assert!(told.contains("accepted by"), "{told}");
    // The other machine knows nothing of it.
    let none = fleet
        .on(1)
        .command(["explain", "--id", "a"])
        .stdin("")
        .run();
    none.exit(1);

    fleet.start_server();
    for words in [&[][..], &["--since", "1h"]] {
        let all = ids(&fleet, words);
        assert_eq!(all, ["before", "before-too", "a"], "not brought over yet");
    }
    let told = run(&fleet, 0, &["explain", "--id", "a"]);
    assert!(told.contains("accepted by"), "{told}");
    run(&fleet, 0, &["ledger", "move"]);
    assert_eq!(ids(&fleet, &[]), ["before", "before-too", "a"]);
    assert_eq!(ids(&fleet, &["--id", "a"]), ["a"]);
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_new_passwords_wait_for_the_database() {
    let fleet = without_database("[helpdesk]\nnew_password = true");
    let secret = fleet.on(0).code().to_owned();
    let patch = json!({ "purpose": "new_password", "code": null, "password": secret });
    let refused = fleet.on(0).with(patch).run();
    refused
        .outcome("unavailable")
        .error("ledger_unreachable")
        .texts(2);
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_the_next_message_brings_over_what_was_sent_meanwhile_and_nothing_is_counted_twice() {
    let limits = "[limits]\nrecipient = { limits = [\"5/1h\"], mode = \"enforce\" }";
    let mut fleet = without_database(limits);
    // Two before, two meanwhile.
    fleet.on(0).with(id("a")).run().outcome("accepted");
    fleet.on(0).with(id("b")).run().outcome("accepted");
    fleet.start_server();
    fleet.try_again(0);
    // Each process has a moment for it after its answer; a repeat counts nowhere.
    wait_for("what was sent meanwhile to be brought over", || {
        fleet.on(0).with(id("before")).run().outcome("accepted");
        (!fleet.is_away(0)).then_some(())
    });
    // Done again, whoever does it, nothing comes twice.
    run(&fleet, 0, &["ledger", "move"]);
    assert_eq!([accepted(&fleet, "a"), accepted(&fleet, "b")], ["1", "1"]);
    fleet.on(1).with(id("c")).run().outcome("accepted");
    fleet.on(1).with(id("d")).run().outcome("limited");
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_each_machine_keeps_its_part_of_the_limits_while_the_database_is_away() {
    let config = "machines = 2\n[limits]\nrecipient = { limits = [\"4/1h\"], mode = \"enforce\" }";
    let fleet = without_database(config);
    for machine in [0, 1] {
        for number in 0..3 {
            let message = id(&format!("{machine}-{number}"));
            let sent = fleet.on(machine).with(message).run();
            sent.outcome(if number < 2 { "accepted" } else { "limited" });
        }
    }
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_what_is_paused_stays_so_while_the_database_is_away() {
    let mut fleet = Fleet::new(APART);
    run(&fleet, 0, &["pause", "--all", "--reason", "a flood"]);
    // The other machine hears of it with its next message.
    fleet
        .on(1)
        .with(id("a"))
        .run()
        .outcome("refused")
        .error("paused");
    fleet.stop_server();
    for machine in [0, 1] {
        let refused = fleet.on(machine).with(id("b")).run();
        refused.outcome("refused").error("paused").texts(0);
    }
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_health_and_metrics_say_that_codes_go_by_the_own_ledger() {
    let mut fleet = without_database("");
    fleet.on(0).with(id("a")).run().outcome("accepted");
    let health = fleet.on(0).command(["health"]).stdin("").run();
    let line = health.exit(1).stdout.clone().unwrap();
    assert!(line.contains("codes go by this machine's own"), "{line}");
    let page = run(&fleet, 0, &["stats", "--installation"]);
    let gauge = "textsender_own_ledger_since_timestamp_seconds";
    let since = |page: &str| {
        let value = page.lines().find_map(|line| line.strip_prefix(gauge));
        value.unwrap().trim().parse::<u64>().unwrap()
    };
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    assert!(
        now.unwrap().as_secs().abs_diff(since(&page)) < 600,
        "{page}"
    );
    fleet.start_server();
    run(&fleet, 0, &["ledger", "move"]);
    let page = run(&fleet, 0, &["stats", "--installation"]);
    assert_eq!(since(&page), 0, "{page}");
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn fleet_a_stream_goes_on_while_the_database_goes_away_and_comes_back() {
    let config = format!("{APART}[limits]\nrecipient = {{ limits = [] }}");
    let mut fleet = Fleet::new(&config);
    let lines: Vec<Value> = (0..60)
        .map(|n| {
            json!({"id": format!("m{n}"), "purpose": "verification_code", "code": "beK989vc",
                   "user": {"phone": format!("+44740{n:07}")}})
        })
        .collect();
    let mut stream = fleet.on(0).stream().start_silent();
    stream.ask(&lines[..20]);
    stream.wait_for_answers(20);
    fleet.stop_server();
    stream.ask(&lines[20..40]);
    stream.wait_for_answers(40);
    fleet.start_server();
    fleet.try_again(0);
    stream.ask(&lines[40..]);
    let answers = stream.wait_for_answers(60);
    for answer in &answers {
        assert_eq!(answer["outcome"], "accepted", "{answer}");
    }
    let doubled = |answer: &&Value| answer["may_duplicate"] == true;
    let apart = answers.iter().filter(doubled).count();
    assert!((20..40).contains(&apart), "{apart}");
    wait_for("the stream to bring over what it sent", || {
        (accepted_in_all(&fleet) == "60").then_some(())
    });
    stream.end_input();
    stream.wait_for_end();
    assert_eq!(fleet.sandbox().text_count(), 60);
    assert_eq!(accepted_in_all(&fleet), "60");
}

fn accepted_in_all(fleet: &Fleet) -> String {
    let sql = "SELECT count(*) FROM textsender.decisions WHERE outcome = 'accepted'";
    fleet.server().sql("textsender", sql)
}
