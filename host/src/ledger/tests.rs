//! The ledger as the pipeline uses it. What the tests share is here, the tests are by subject.

mod audit;
mod breaker;
mod damage;
mod file;
#[cfg(has_postgresql)]
pub(super) mod fleet;
mod ids;
mod limits;
mod migrations;
mod pauses;
mod processes;
mod pumping;
mod resend;
mod scopes;
mod simulation;
mod totals;
mod upkeep;
mod uses;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tempfile::TempDir;
use textsender_plugin_api::{Phone, Purpose};

/// The same tests over a shared ledger.
#[cfg(not(has_postgresql))]
mod fleet {
    #[test]
    #[ignore = "needs PostgreSQL"]
    fn every_test_of_the_ledger() {}
}

use super::limits::configured;
use super::*;
use crate::protocol::{Attempt, ErrorCode, MessageId, Outcome, Resend};

/// A time of day that a test moves: `clock!(NOW, now)` makes the static `NOW`, in milliseconds, and
/// the function `now` for [`Failpoints::clock`].
macro_rules! clock {
    ($static:ident, $function:ident) => {
        static $static: std::sync::atomic::AtomicI64 =
            std::sync::atomic::AtomicI64::new(1_800_000_000_000);
        fn $function() -> jiff::Timestamp {
            let now = $static.load(std::sync::atomic::Ordering::SeqCst);
            jiff::Timestamp::from_millisecond(now).unwrap()
        }
    };
}
pub(crate) use clock;

/// A ledger in a folder of its own.
struct Fixture {
    folder: TempDir,
    ledger: Option<Ledger>,
    options: Options,
}

impl Fixture {
    fn new() -> Fixture {
        Fixture::with(Options::default())
    }

    fn at(clock: fn() -> Timestamp) -> Fixture {
        Fixture::with(Options {
            failpoints: Failpoints {
                clock,
                ..Failpoints::default()
            },
            ..Options::default()
        })
    }

    fn with(options: Options) -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let ledger = Some(Ledger::open(folder.path(), options.clone()).unwrap());
        Fixture {
            folder,
            ledger,
            options,
        }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn ledger(&self) -> &Ledger {
        self.ledger.as_ref().unwrap()
    }

    /// Records that a message goes to a sender.
    async fn dispatched(&self, ticket: &Ticket, sender: &str) {
        self.ledger().dispatched(ticket, sender).await.unwrap();
    }

    /// Lets the ledger go, and waits until it is tidy.
    async fn close(&mut self) {
        if let Some(ledger) = self.ledger.take() {
            ledger.close(LONG).await;
        }
    }

    /// Lets the ledger go and opens it again, as the next process would.
    async fn reopen(&mut self) -> &Ledger {
        self.close().await;
        self.ledger
            .insert(Ledger::open(self.folder.path(), self.options.clone()).unwrap())
    }

    /// Has what follows written with another key; the one of before stays beside it.
    async fn gets_a_new_key(&mut self) {
        self.close().await;
        let key = self.path().join("ledger.key");
        std::fs::copy(&key, self.path().join("ledger.key.before")).unwrap();
        std::fs::write(&key, [7; 32]).unwrap();
        self.reopen().await.ready().await.unwrap();
    }

    fn history(&self) -> History {
        History::open(self.path(), &self.options).unwrap()
    }

    /// A count of rows.
    fn count(&self, sql: &str) -> i64 {
        let sqlite = rusqlite::Connection::open(self.path().join("ledger.sqlite3")).unwrap();
        sqlite.query_row(sql, [], |row| row.get(0)).unwrap()
    }

    async fn claim(&self, claim: Claim) -> ClaimResult {
        self.ledger().claim(claim).await.unwrap()
    }

    async fn fresh(&self, claim: Claim) -> Ticket {
        match self.claim(claim).await {
            ClaimResult::Fresh(ticket) => ticket,
            other => panic!("it should be fresh: {other:?}"),
        }
    }

    /// Sends a message to its end.
    async fn send(&self, message: Claim, outcome: Outcome) {
        let ticket = self.fresh(message).await;
        self.ledger().dispatched(&ticket, "twilio").await.unwrap();
        self.ledger()
            .settle(ticket, decision(outcome))
            .await
            .unwrap();
    }
}

/// A message to Ada, whose code is `SECRET`, through `twilio`, else `gateway`.
fn message(id: &str) -> Claim {
    Claim {
        facts: Facts {
            id: id.to_owned(),
            resend_of: None,
            event: Some("reset".to_owned()),
            actor: Some("helpdesk\\bob".to_owned()),
            user: Some("ada".to_owned()),
            source: Some("192.0.2.7".to_owned()),
            policy: Some("Staff".to_owned()),
            region: Some("GB".to_owned()),
            segments: Some(1),
            uid: 1000,
            without_hub: false,
        },
        resend: Resend::No,
        purpose: Purpose::VerificationCode,
        phone: phone(NUMBER),
        secret: SECRET.to_owned().into(),
        expires_at: Timestamp::from_second(4_000_000_000).unwrap(),
        within: Duration::from_secs(86_400),
        senders: vec!["twilio".to_owned(), "gateway".to_owned()],
        limits: Arc::new(Limits::default()),
        caller: None,
        caller_limit: None,
    }
}

fn message_to(id: &str, number: &str) -> Claim {
    Claim {
        phone: phone(number),
        ..message(id)
    }
}

fn message_under(id: &str, limits: &str) -> Claim {
    Claim {
        limits: Arc::new(configured(limits)),
        ..message(id)
    }
}

fn decision(outcome: Outcome) -> FinalOutcome {
    FinalOutcome {
        outcome,
        code: (outcome != Outcome::Accepted).then(|| "some_code".to_owned()),
        sender: Some("twilio".to_owned()),
        provider_id: Some("SM0123456789abcdef".to_owned()),
        attempts: vec![Attempt {
            sender: "twilio".to_owned(),
            outcome,
            code: (outcome != Outcome::Accepted).then_some("some_code".into()),
            ms: 8,
        }],
        reasons: Vec::new(),
        taken_by: Vec::new(),
        took: Duration::from_millis(8),
        response: format!(r#"{{"outcome":"{outcome:?}"}}"#),
        health: Vec::new(),
    }
}

fn phone(number: &str) -> Phone {
    Phone::parse(number).unwrap()
}

/// Longer than a busy machine takes.
const LONG: Duration = Duration::from_secs(60);

const NUMBER: &str = "+447700900123";
const SECRET: &str = "beK989vc";
