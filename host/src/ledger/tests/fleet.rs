//! The same tests over a ledger that several machines share, each in a database of its own.

#![allow(clippy::duplicate_mod, reason = "that is the point of it")]

#[path = "audit.rs"]
mod audit;
#[path = "breaker.rs"]
mod breaker;
#[path = "ids.rs"]
mod ids;
#[path = "limits.rs"]
mod limits;
#[path = "pauses.rs"]
mod pauses;
#[path = "resend.rs"]
mod resend;
#[path = "../../../../tests/src/peers/postgres.rs"]
#[allow(dead_code, reason = "the tests from end to end use more of it")]
mod server;
#[path = "totals.rs"]
mod totals;
#[path = "upkeep.rs"]
mod upkeep;
#[path = "uses.rs"]
mod uses;

use std::ops::{Deref, DerefMut};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use super::*;
use crate::config::{Reading, Shared, Sources};
use crate::ledger::postgres_schema;
use server::Postgres;

/// A ledger in a database of its own.
struct Fixture {
    inner: super::Fixture,
    database: String,
}

impl Fixture {
    fn new() -> Fixture {
        Fixture::with(Options::default())
    }

    fn at(clock: fn() -> Timestamp) -> Fixture {
        let failpoints = Failpoints {
            clock,
            ..Failpoints::default()
        };
        Fixture::with(Options {
            failpoints,
            ..Options::default()
        })
    }

    fn with(options: Options) -> Fixture {
        let database = database();
        let is_moved =
            options.failpoints.clock as usize != Timestamp::now as fn() -> Timestamp as usize;
        let options = Options {
            clock: is_moved.then_some(options.failpoints.clock),
            shared: Some(shared(&database)),
            node: "one".to_owned(),
            ..options
        };
        Fixture {
            inner: super::Fixture::with(options),
            database,
        }
    }

    fn count(&self, sql: &str) -> i64 {
        let sql = sql.replace("FROM ", "FROM textsender.");
        server().sql(&self.database, &sql).parse().unwrap()
    }
}

impl Deref for Fixture {
    type Target = super::Fixture;

    fn deref(&self) -> &super::Fixture {
        &self.inner
    }
}

impl DerefMut for Fixture {
    fn deref_mut(&mut self) -> &mut super::Fixture {
        &mut self.inner
    }
}

/// The server of all tests of this process. It ends with the process.
fn server() -> &'static Postgres {
    static SERVER: OnceLock<Postgres> = OnceLock::new();
    SERVER.get_or_init(|| {
        let server = Postgres::start(&["fsync=off"]);
        server.sql("postgres", "CREATE ROLE textsender LOGIN");
        server.sql("postgres", "CREATE DATABASE made");
        server.script("made", &postgres_schema("textsender"));
        server
    })
}

/// A new database with an empty ledger.
fn database() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let database = format!("test{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    server().sql(
        "postgres",
        &format!("CREATE DATABASE {database} TEMPLATE made"),
    );
    database
}

fn shared(database: &str) -> Shared {
    let url = server().url("textsender", database);
    let text = format!(
        "[state.shared]\nengine = \"postgresql\"\nreplication = \"none\"\nwhen_unreachable = \"refuse\"\ntimeout = \"20s\"\nurl = {url:?}"
    );
    let reading = Reading::of(Sources::from_text("/etc/textsender/textsender.toml", text));
    assert!(reading.faults.is_empty(), "{:?}", reading.faults);
    reading.config.state.shared.unwrap()
}
