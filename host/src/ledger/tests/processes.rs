//! Processes that die: this test program started again as children. Many at once are in
//! the test program `crowd`, death at every step in `e2e`.

use std::process::{Command, ExitStatus};

use super::*;

/// Not a test: one process that sends one message, for the tests below.
#[tokio::test]
#[ignore = "it is a child of the tests of processes"]
async fn child() {
    let (Some(folder), Ok(id)) = (
        std::env::var_os("LEDGER_FOLDER"),
        std::env::var("LEDGER_ID"),
    ) else {
        return;
    };
    let options = Options {
        failpoints: Failpoints {
            at: crash_if_requested,
            ..Failpoints::default()
        },
        ..Options::default()
    };
    let ledger = Ledger::open(folder.as_ref(), options).unwrap();
    let message = message_under(&id, r#"{"recipient":{"limits":["3/10m"]}}"#);
    let ClaimResult::Fresh(ticket) = ledger.claim(message).await.unwrap() else {
        panic!("{id} was claimed before");
    };
    ledger.dispatched(&ticket, "twilio").await.unwrap();
    ledger.reached(Step::Answered);
    ledger
        .settle(ticket, decision(Outcome::Accepted))
        .await
        .unwrap();
    ledger.reached(Step::Responded);
    ledger.close(LONG).await;
}

/// Kills the child at the step that its parent chose.
fn crash_if_requested(step: Step) {
    if std::env::var("LEDGER_CRASH_AT").is_ok_and(|name| name == step.name()) {
        let _ =
            rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}

fn command(folder: &Path, id: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command
        .args([
            "--exact",
            "ledger::tests::processes::child",
            "--ignored",
            "--nocapture",
            "--quiet",
        ])
        .env("LEDGER_FOLDER", folder)
        .env("LEDGER_ID", id)
        .stdout(std::process::Stdio::null());
    command
}

fn crash(folder: &Path, step: Step) -> ExitStatus {
    command(folder, "a")
        .env("LEDGER_CRASH_AT", step.name())
        .status()
        .unwrap()
}

#[tokio::test]
async fn the_audit_reports_the_dead_before_and_after_they_are_tidied_away() {
    for (step, code) in [
        (Step::Claimed, ErrorCode::Crashed),
        (Step::Dispatched, ErrorCode::Interrupted),
    ] {
        let mut fixture = Fixture::new();
        crash(fixture.path(), step);
        let seen = |fixture: &Fixture| {
            let entry = fixture.history().of_id("a").unwrap().remove(0);
            (entry.state, entry.code)
        };
        let dead = (
            EntryState::Ended(code.outcome()),
            Some(code.as_str().to_owned()),
        );
        assert_eq!(seen(&fixture), dead);
        fixture.reopen().await.ready().await.unwrap();
        fixture.reopen().await.ready().await.unwrap();
        let sql = "SELECT count(*) FROM decisions WHERE outcome IS NULL";
        let open: i64 = fixture.count(sql);
        assert_eq!((open, seen(&fixture)), (0, dead));
        // What was tidied is still not sent twice.
        let repeat = fixture.claim(message("a")).await;
        match step {
            Step::Claimed => assert!(matches!(repeat, ClaimResult::Fresh(_)), "{repeat:?}"),
            _ => assert!(matches!(repeat, ClaimResult::Abandoned(..)), "{repeat:?}"),
        }
    }
}

/// Another process: a second ledger on the same folder, with a lock file of its own.
fn another(fixture: &Fixture) -> Ledger {
    Ledger::open(fixture.path(), fixture.options.clone()).unwrap()
}

#[tokio::test]
async fn a_claim_outlives_the_store_that_made_it() {
    let fixture = Fixture::with(Options {
        lock_timeout: Duration::from_millis(20),
        ..Options::default()
    });
    let ticket = fixture.fresh(message("a")).await;
    fixture.dispatched(&ticket, "twilio").await;

    // A stranger keeps the file locked for longer than a step waits: the store is opened anew.
    let stranger = rusqlite::Connection::open(fixture.path().join("ledger.sqlite3")).unwrap();
    stranger.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = fixture.ledger().claim(message("b")).await.unwrap_err();
    assert!(matches!(error, LedgerError::Locked { .. }), "{error}");
    stranger.execute_batch("ROLLBACK").unwrap();
    drop(fixture.fresh(message("c")).await);

    let other = another(&fixture);
    let repeat = other.claim(message("a")).await.unwrap();
    assert!(matches!(repeat, ClaimResult::InProgress), "{repeat:?}");
    fixture
        .ledger()
        .settle(ticket, decision(Outcome::Accepted))
        .await
        .unwrap();
    let repeat = other.claim(message("a")).await.unwrap();
    assert!(matches!(repeat, ClaimResult::Replay { .. }), "{repeat:?}");
}

#[tokio::test]
async fn a_ledger_that_is_locked_keeps_no_process_from_ending() {
    let fixture = Fixture::with(Options {
        lock_timeout: Duration::from_secs(24 * 60 * 60),
        ..Options::default()
    });
    fixture.ledger().ready().await.unwrap();
    let stranger = rusqlite::Connection::open(fixture.path().join("ledger.sqlite3")).unwrap();
    stranger.execute_batch("BEGIN IMMEDIATE").unwrap();
    let ledger = fixture.ledger();
    // It waits for a day, or until the process ends.
    let waiting = ledger.report_health(HealthReport {
        sender: "twilio".to_owned(),
        failure: None,
        took: Duration::ZERO,
        ended_ago: Duration::ZERO,
        unsealed: None,
    });
    let closing = async {
        tokio::task::yield_now().await;
        ledger.close(CLOSING).await;
    };
    tokio::select! {
        biased;
        end = waiting => panic!("{end:?}"),
        () = closing => {}
    }
    stranger.execute_batch("ROLLBACK").unwrap();
}
