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
#[path = "scopes.rs"]
mod scopes;
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
use std::panic::{catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use super::file::stranger;
use super::simulation::place::Place;
use super::*;
use crate::config::{Reading, Shared, Sources};
use crate::ledger::postgres::Postgres;
use crate::ledger::postgres_schema;
use crate::ledger::store::Engine;
use server::Postgres as Server;

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

/// A database that several machines share, for the simulation. Its server dies and is followed by a standby that lacks
/// what was only written after a claim.
struct Database {
    name: String,
    folder: TempDir,
}

impl Place for Database {
    fn engine(&self, options: Options, _: u32) -> Box<dyn Engine> {
        let options = Options {
            clock: Some(simulation::now),
            node: "one".to_owned(),
            ..options
        };
        let shared = shared(&self.name);
        Box::new(Postgres::new(&shared, self.folder.path(), &options))
    }

    /// A commit has waited for as much as it must.
    fn sync(&self) -> Rc<dyn Fn()> {
        Rc::new(|| ())
    }

    fn kill(&self, drop: &mut dyn FnMut()) {
        drop();
    }

    fn cut_power(&self) {
        server().sql(
            &self.name,
            "UPDATE textsender.decisions SET epoch = 'before', sent_to = NULL, v = nextval('textsender.versions')
             WHERE outcome IS NULL",
        );
    }

    /// Nothing of a database is locked by one who only looks, and others may not.
    fn lock(&self) {}

    fn unlock(&self) {}

    /// When their leases are over: as long as a message of these tests is waited for, and a little longer.
    fn deaths_show_after(&self) -> i64 {
        2 * 86_400_000
    }

    fn is_shared(&self) -> bool {
        true
    }
}

impl Database {
    fn new() -> Box<Database> {
        Box::new(Database {
            name: database(),
            folder: tempfile::tempdir().unwrap(),
        })
    }
}

#[tokio::test]
async fn a_step_reads_no_more_rows_because_the_ledger_has_grown() {
    for messages in [100, 400] {
        let rows = rows_read_for(messages).await / i64::from(messages);
        // 16. Where whole tables were read, these were 366 and 1,416.
        assert!((1..=20).contains(&rows), "{messages}: {rows} rows each");
    }
}

/// How many rows one connection reads for so many messages, of a ledger that is empty at first.
async fn rows_read_for(messages: u32) -> i64 {
    let mut fixture = Fixture::new();
    for n in 0..messages {
        fixture.send(stranger(n), Outcome::Accepted).await;
    }
    fixture.close().await;
    let ask = |sql: &str| -> i64 { server().sql(&fixture.database, sql).parse().unwrap() };
    // What a connection has read is counted when it ends.
    let connections = "SELECT count(*) FROM pg_stat_activity
                       WHERE usename = 'textsender' AND datname = current_database()";
    while ask(connections) > 0 {}
    // Live rows: what earlier versions leave in an index until they are vacuumed depends on what else runs.
    ask("SELECT sum(seq_tup_read + coalesce(idx_tup_fetch, 0)) FROM pg_stat_user_tables")
}

#[test]
fn repeats_in_one_step_meet_the_same_claim() {
    simulation::repeats_in_one_step(Database::new());
}

#[test]
fn whatever_happens_no_id_is_sent_twice_and_nothing_is_lost() {
    if let Ok(seed) = std::env::var("LEDGER_SEED") {
        return simulation::run_in(Database::new(), seed.parse().unwrap());
    }
    let began = Instant::now();
    for seed in (0..SEEDS).take_while(|_| began.elapsed() < BOUND) {
        let run = || simulation::run_in(Database::new(), seed);
        if let Err(panic) = catch_unwind(run) {
            simulation::say(&format!(
                "seed {seed} failed: LEDGER_SEED={seed} runs it alone"
            ));
            resume_unwind(panic);
        }
    }
}

/// A standby that took over, as one that was started anew, may lack that a claim was handed over.
#[test]
fn a_claim_of_a_server_that_is_gone_ends_as_one_that_may_have_been_sent() {
    let mut server = prepared();
    let folder = tempfile::tempdir().unwrap();
    let shared = shared_at(&server.url("textsender", "made"));
    let mut engine = Postgres::new(&shared, folder.path(), &Options::default());
    let idle = engine.open().unwrap();
    server.sql(
        "made",
        "INSERT INTO textsender.decisions (seq, v, at, id, live, uid, owner, lease, epoch, replayed)
         VALUES (1, 1, textsender.now_ms(), 'a', true, 0, 'another', 1, textsender.epoch(), false)",
    );
    server.stop();
    server.launch(&["fsync=off"]);
    idle.tidy(true).unwrap();
    let ended = "SELECT outcome || ' ' || code FROM textsender.decisions";
    assert_eq!(server.sql("made", ended), "unknown interrupted");
}

/// Seeds of one run of the simulation, at most; on a slow machine fewer.
const SEEDS: u64 = 100;

/// How long it may take.
const BOUND: Duration = Duration::from_secs(30);

/// The server of all tests of this process. It ends with the process.
fn server() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(prepared)
}

/// A server with an empty ledger in its database `made`.
fn prepared() -> Server {
    let server = Server::start(&["fsync=off"]);
    server.sql("postgres", "CREATE ROLE textsender LOGIN");
    server.sql("postgres", "CREATE DATABASE made");
    server.script("made", &postgres_schema("textsender"));
    server
}

/// A new database with an empty ledger.
pub(in crate::ledger) fn database() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let database = format!("test{}", NUMBER.fetch_add(1, Ordering::Relaxed));
    server().sql(
        "postgres",
        &format!("CREATE DATABASE {database} TEMPLATE made"),
    );
    database
}

/// The section that leads there.
pub(in crate::ledger) fn shared(database: &str) -> Shared {
    shared_at(&server().url("textsender", database))
}

fn shared_at(url: &str) -> Shared {
    let text = format!(
        "[state.shared]\nengine = \"postgresql\"\nreplication = \"none\"\nwhen_unreachable = \"refuse\"\ntimeout = \"20s\"\nurl = {url:?}"
    );
    let reading = Reading::of(Sources::from_text("/etc/textsender/textsender.toml", text));
    assert!(reading.faults.is_empty(), "{:?}", reading.faults);
    reading.config.state.shared.unwrap()
}
