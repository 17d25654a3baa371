//! The shared ledger, read back: by plain queries, which the account may run on the audit.

use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use tokio_postgres::Row;
use tokio_postgres::types::{ToSql, Type};

use super::link::{Link, server};
use super::pooler;
use super::store::{life_of, outcome};
use super::wire::SenderRow;
use crate::config;
use crate::ledger::Options;
use crate::ledger::archive::{Archive, Found, PAGE, Page, Server, Wanted};
use crate::ledger::delivery::Deliveries;
use crate::ledger::error::LedgerError;
use crate::ledger::folder::Folder;
use crate::ledger::keys::{Digest, Keys, Proof};
use crate::ledger::machines::Machine;
use crate::ledger::shared::SharedArchive;
use crate::ledger::stats::Tally;
use crate::ledger::store::{Breaker, StoreError};
use crate::ledger::stored::{Decision, hexadecimal};
use crate::ledger::timeline::Mark;
use crate::ledger::totals::{self, Total};
use crate::ledger::uses::{UsedBy, Uses};
use crate::protocol::Outcome;

pub(super) struct PostgresArchive {
    reader: Reader,
    server: String,
    clock: Option<fn() -> Timestamp>,
}

/// The connection's own thread: a caller may be within a runtime, where none may be entered.
struct Reader(mpsc::Sender<Question>);

type Question = Box<dyn FnOnce(&Link) + Send>;

type Value = (Box<dyn ToSql + Sync + Send>, Type);

impl Reader {
    fn start(shared: config::Shared, folder: PathBuf, proof: Proof) -> Result<Reader, LedgerError> {
        let (questions, asked) = mpsc::channel::<Question>();
        let (opened, open) = mpsc::channel();
        let place = folder.clone();
        let run = move || {
            let link = Link::new(shared, folder, proof);
            let link = link.and_then(|link| link.connect().map(|_| link));
            match link {
                Ok(link) => {
                    // An error means that no one waits any more.
                    let _ = opened.send(Ok(()));
                    asked.iter().for_each(|question| question(&link));
                }
                Err(error) => drop(opened.send(Err(error))),
            }
        };
        let thread = thread::Builder::new().name("ledger-read".to_owned());
        let started = thread.spawn(run);
        started.map_err(|error| LedgerError::from_io(&error, &place, &place))?;
        open.recv().unwrap_or(Err(LedgerError::Stopped))?;
        Ok(Reader(questions))
    }

    fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Link) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let (answer, answered) = mpsc::channel();
        let question = move |link: &Link| drop(answer.send(question(link)));
        if self.0.send(Box::new(question)).is_err() {
            return Err(LedgerError::Stopped);
        }
        answered.recv().unwrap_or(Err(LedgerError::Stopped))
    }
}

impl PostgresArchive {
    pub fn open(
        folder: &Path,
        shared: &config::Shared,
        options: &Options,
    ) -> Result<(PostgresArchive, Keys), LedgerError> {
        let absent = || LedgerError::Absent {
            folder: folder.to_owned(),
        };
        // Without a key this machine never sent anything.
        let keys = Keys::read(&Folder::to_read(folder)?)?.ok_or_else(absent)?;
        let proof = keys.proofs();
        let archive = PostgresArchive {
            reader: Reader::start(shared.clone(), folder.to_owned(), proof)?,
            server: server(shared),
            clock: options.clock,
        };
        Ok((archive, keys))
    }

    /// The server, as it presents itself to a machine that may have no key yet.
    pub fn server_of(folder: &Path, shared: &config::Shared) -> Result<Server, LedgerError> {
        let archive = PostgresArchive {
            reader: Reader::start(shared.clone(), folder.to_owned(), Proof::default())?,
            server: server(shared),
            clock: None,
        };
        archive.ask_server()
    }

    fn ask_server(&self) -> Result<Server, LedgerError> {
        let hello = self.reader.ask(|link| Ok(link.connect()?.hello.clone()))?;
        let began = Instant::now();
        let theirs = self.number("SELECT textsender.now_ms()", Vec::new())?;
        let (ours, round_trip) = (Timestamp::now().as_millisecond(), began.elapsed());
        let schema = self.number(SCHEMA, Vec::new())?;
        let pooler = self.reader.ask(pooler::look)?;
        Ok(Server {
            pooler,
            hosts: self.server.clone(),
            is_begun: hello.proof.is_some(),
            version: hello.version / 10_000,
            standbys: hello.standbys,
            fsync: hello.fsync == "on",
            clock_differs: Duration::from_millis(theirs.abs_diff(ours)),
            round_trip,
            schema: u32::try_from(schema).unwrap_or(0),
            may_write_tables: self.number(MAY_WRITE, Vec::new())? > 0,
        })
    }

    fn rows(&self, sql: &str, values: Vec<Value>) -> Result<Vec<Row>, LedgerError> {
        let sql = sql.to_owned();
        self.reader.ask(move |link| {
            let values = values.iter();
            let values: Vec<(&(dyn ToSql + Sync), Type)> = values
                .map(|(value, kind)| (&**value as &(dyn ToSql + Sync), kind.clone()))
                .collect();
            link.ask(&sql, &values)
        })
    }

    fn ask(&self, sql: &str, values: Vec<Value>) -> Result<String, LedgerError> {
        let rows = self.rows(sql, values)?;
        let text = rows
            .first()
            .and_then(|row| row.try_get::<_, String>(0).ok());
        text.ok_or_else(|| self.damaged("a page"))
    }

    /// Decisions of which `sql` says the rest: where, and in which order.
    fn decisions(&self, sql: &str, values: Vec<Value>) -> Result<Vec<Found>, LedgerError> {
        let sql = format!(
            "SELECT coalesce(json_agg(d), '[]')::text FROM (SELECT * FROM textsender.decisions {sql}) d"
        );
        let text = self.ask(&sql, values)?;
        let decisions: Vec<Decision> =
            serde_json::from_str(&text).map_err(|_| self.damaged("decisions"))?;
        let epoch = self
            .reader
            .ask(|link| Ok(link.connect()?.hello.epoch.clone()))?;
        let now = match self.clock {
            Some(clock) => clock().as_millisecond(),
            None => self.number("SELECT textsender.now_ms()", Vec::new())?,
        };
        let found = decisions.into_iter().map(|row| {
            let life = life_of(&row, &epoch, now);
            (row, life)
        });
        Ok(found.collect())
    }

    fn number(&self, sql: &str, values: Vec<Value>) -> Result<i64, LedgerError> {
        let rows = self.rows(sql, values)?;
        let number = rows
            .first()
            .and_then(|row| row.try_get::<_, Option<i64>>(0).ok());
        Ok(number.flatten().unwrap_or(0))
    }

    fn damaged(&self, what: &str) -> LedgerError {
        LedgerError::Refused {
            server: self.server.clone(),
            reason: format!("{what} can't be read"),
            remedy: "see who else writes to the schema textsender".to_owned(),
        }
    }
}

impl SharedArchive for PostgresArchive {
    fn erase(&self, hash: &Digest, is_user: bool, until: i64) -> Result<[u64; 2], LedgerError> {
        let values: Vec<Value> = vec![
            (Box::new(hexadecimal(hash)), Type::TEXT),
            (Box::new(is_user), Type::BOOL),
            (Box::new(until), Type::INT8),
        ];
        let rows = self.rows("SELECT textsender.erase_1($1, $2, $3)", values)?;
        let counts = rows
            .first()
            .and_then(|row| row.try_get::<_, Vec<i64>>(0).ok());
        match counts.as_deref() {
            Some([erased, kept]) => Ok([erased.unsigned_abs(), kept.unsigned_abs()]),
            _ => Err(self.damaged("counts")),
        }
    }
}

impl Archive for PostgresArchive {
    fn page(&self, wanted: &Wanted, page: Page) -> Result<Vec<Found>, LedgerError> {
        let (range, order, at) = match page {
            Page::From(number) => ("seq >= $4", "seq", number),
            Page::Before(number) => ("seq < $4", "seq DESC", number),
        };
        let sql = format!(
            "WHERE {range} AND at >= $1 AND ($2 IS NULL OR recipient_hash IN ($2, $5))
             AND ($3 IS NULL OR outcome IS NULL OR outcome = $3) ORDER BY {order} LIMIT {PAGE}"
        );
        let [recipient, or_recipient] =
            [wanted.recipient, wanted.or_recipient].map(|hash| hash.map(|hash| hexadecimal(&hash)));
        let values: Vec<Value> = vec![
            (Box::new(wanted.since), Type::INT8),
            (Box::new(recipient), Type::TEXT),
            (Box::new(wanted.outcome), Type::TEXT),
            (Box::new(at), Type::INT8),
            (Box::new(or_recipient), Type::TEXT),
        ];
        self.decisions(&sql, values)
    }

    fn first(&self, since: i64) -> Result<i64, LedgerError> {
        let sql = "SELECT min(seq) FROM textsender.decisions WHERE at >= $1";
        self.number(sql, vec![(Box::new(since), Type::INT8)])
    }

    fn of_id(&self, id: &str) -> Result<Vec<Found>, LedgerError> {
        self.decisions(
            "WHERE id = $1 ORDER BY seq",
            vec![(Box::new(id.to_owned()), Type::TEXT)],
        )
    }

    fn numbered(&self, numbers: &[i64]) -> Result<Vec<Found>, LedgerError> {
        let numbers = numbers.to_vec();
        self.decisions(
            "WHERE seq = ANY($1) ORDER BY seq",
            vec![(Box::new(numbers), Type::INT8_ARRAY)],
        )
    }

    fn answered(&self, id: &str) -> Result<Option<Found>, LedgerError> {
        let sql = "WHERE id = $1 AND NOT replayed ORDER BY live DESC, seq DESC LIMIT 1";
        Ok(self
            .decisions(sql, vec![(Box::new(id.to_owned()), Type::TEXT)])?
            .pop())
    }

    fn end(&self) -> Result<(i64, Vec<i64>), LedgerError> {
        let last = self.number("SELECT max(seq) FROM textsender.decisions", Vec::new())?;
        let open = self.decisions("WHERE outcome IS NULL", Vec::new())?;
        Ok((last, open.into_iter().map(|(row, _)| row.seq).collect()))
    }

    /// A number is the time at which a step was worked out; it is committed later.
    fn overlap(&self) -> i64 {
        super::clock::number_of(OVERLAP)
    }

    fn senders(&self) -> Result<Vec<(String, Breaker)>, LedgerError> {
        let sql =
            "SELECT coalesce(json_agg(s ORDER BY s.sender), '[]')::text FROM textsender.senders s";
        let rows: Vec<SenderRow> = serde_json::from_str(&self.ask(sql, Vec::new())?)
            .map_err(|_| self.damaged("senders"))?;
        let read = |row: SenderRow| Ok((row.sender.clone(), row.breaker()?));
        let read: Result<_, StoreError> = rows.into_iter().map(read).collect();
        read.map_err(|_| self.damaged("senders"))
    }

    fn pauses(&self) -> Result<Option<String>, LedgerError> {
        let sql = "SELECT coalesce((SELECT value FROM textsender.meta WHERE name = 'pauses'), '')";
        self.ask(sql, Vec::new()).map(Some)
    }

    fn tallies(&self, since: i64) -> Result<Vec<Tally>, LedgerError> {
        let rows = self.rows(
            "SELECT to_char(to_timestamp(at / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day,
                    sender, region, outcome, count(*), coalesce(sum(segments), 0)::bigint, node
             FROM textsender.decisions WHERE at >= $1 AND NOT replayed
             GROUP BY day, node, sender, region, outcome
             ORDER BY day, node NULLS FIRST, sender NULLS FIRST, region NULLS FIRST, outcome NULLS FIRST",
            vec![(Box::new(since), Type::INT8)],
        )?;
        let read = |row: &Row| {
            let word: Option<String> = row.try_get(3).ok()?;
            Some(Tally {
                day: row.try_get::<_, String>(0).ok()?.parse().ok()?,
                sender: row.try_get(1).ok()?,
                region: row.try_get(2).ok()?,
                outcome: outcome(word.as_deref()).ok()?,
                messages: row.try_get::<_, i64>(4).ok()?.unsigned_abs(),
                segments: row.try_get::<_, i64>(5).ok()?.unsigned_abs(),
                machine: row.try_get(6).ok()?,
            })
        };
        let read: Option<_> = rows.iter().map(read).collect();
        read.ok_or_else(|| self.damaged("counts"))
    }

    fn totals(&self) -> Result<Vec<Total>, LedgerError> {
        let rows = self.rows(
            "SELECT sender, region, outcome, step::bigint, sum(messages)::bigint, sum(segments)::bigint, sum(ms)::bigint
             FROM (SELECT * FROM textsender.totals
                   UNION ALL SELECT coalesce(sender, ''), coalesce(region, ''), outcome, textsender.step_of(ms::bigint),
                                    1, coalesce(segments, 0), coalesce(ms, 0)
                   FROM textsender.decisions WHERE outcome IS NOT NULL AND NOT replayed) AS counted
             GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4",
            Vec::new(),
        )?;
        let read = |row: &Row| {
            let read = totals::Row {
                sender: row.try_get(0).ok()?,
                region: row.try_get(1).ok()?,
                outcome: row.try_get(2).ok()?,
                step: row.try_get(3).ok()?,
                messages: row.try_get(4).ok()?,
                segments: row.try_get(5).ok()?,
                ms: row.try_get(6).ok()?,
            };
            read.read()
        };
        let read: Option<_> = rows.iter().map(read).collect();
        read.ok_or_else(|| self.damaged("totals"))
    }

    fn ended(&self, since: i64) -> Result<Vec<Mark>, LedgerError> {
        let rows = self.rows(
            "SELECT outcome, seq, at, region, segments::bigint, ms::bigint FROM textsender.decisions
             WHERE at >= $1 AND NOT replayed AND outcome IS NOT NULL",
            vec![(Box::new(since), Type::INT8)],
        )?;
        let read = |row: &Row| {
            let word: Option<String> = row.try_get(0).ok()?;
            let segments: Option<i64> = row.try_get(4).ok()?;
            Some(Mark {
                outcome: outcome(word.as_deref()).ok()?,
                seq: row.try_get(1).ok()?,
                at: row.try_get(2).ok()?,
                region: row.try_get(3).ok()?,
                segments: u32::try_from(segments.unwrap_or(0)).ok()?,
                ms: row.try_get(5).ok()?,
            })
        };
        let read: Option<_> = rows.iter().map(read).collect();
        read.ok_or_else(|| self.damaged("messages"))
    }

    fn uses(&self, by: UsedBy, since: i64) -> Result<Vec<Uses>, LedgerError> {
        const BY_NOTHING_MORE: &str = "NULL::text, NULL::text";
        let (by_what, more, group) = match by {
            UsedBy::Prefix => ("left(prefix_hash, 12)", "max(recipient), NULL::text", "1"),
            UsedBy::Region => ("coalesce(region, '-')", BY_NOTHING_MORE, "1"),
            UsedBy::Sender => {
                let more = "NULL::text, coalesce(region, '-')";
                ("coalesce(sender, '-')", more, "1, 3")
            }
            UsedBy::Hour => {
                let hour = "to_char(to_timestamp(at / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:00\"Z\"')";
                (hour, BY_NOTHING_MORE, "1")
            }
        };
        let order = match by {
            UsedBy::Hour => "1",
            _ => "count(*) - count(used_at) DESC, 1",
        };
        let sql = format!(
            "SELECT {by_what}, {more}, count(*), count(used_at) FROM textsender.decisions
             WHERE at >= $1 AND NOT replayed AND outcome IN ('accepted', 'unknown')
             AND purpose IN ('verification_code', 'helpdesk_code')
             GROUP BY {group} ORDER BY {order}"
        );
        let rows = self.rows(&sql, vec![(Box::new(since), Type::INT8)])?;
        let read = |row: &Row| {
            Some(Uses {
                by: row
                    .try_get::<_, Option<String>>(0)
                    .ok()?
                    .unwrap_or_default(),
                recipient: row.try_get(1).ok()?,
                region: row.try_get(2).ok()?,
                sent: row.try_get::<_, i64>(3).ok()?.unsigned_abs(),
                used: row.try_get::<_, i64>(4).ok()?.unsigned_abs(),
            })
        };
        let read: Option<_> = rows.iter().map(read).collect();
        read.ok_or_else(|| self.damaged("counts"))
    }

    fn deliveries(&self, since: i64) -> Result<Vec<Deliveries>, LedgerError> {
        let sql = "SELECT coalesce(sender, '-'), coalesce(region, '-'), count(*),
                          count(*) FILTER (WHERE delivery = 'delivered')
                   FROM textsender.decisions WHERE at >= $1 AND delivery IS NOT NULL
                   GROUP BY 1, 2 ORDER BY 1, 2";
        let rows = self.rows(sql, vec![(Box::new(since), Type::INT8)])?;
        let read = |row: &Row| {
            Some(Deliveries {
                sender: row.try_get(0).ok()?,
                region: row.try_get(1).ok()?,
                asked: row.try_get::<_, i64>(2).ok()?.unsigned_abs(),
                delivered: row.try_get::<_, i64>(3).ok()?.unsigned_abs(),
            })
        };
        let read: Option<_> = rows.iter().map(read).collect();
        read.ok_or_else(|| self.damaged("counts"))
    }

    fn sent_without_hub(&self, since: i64) -> Result<u64, LedgerError> {
        let sql = "SELECT count(*) FROM textsender.decisions WHERE at >= $1 AND without_hub";
        let count = self.number(sql, vec![(Box::new(since), Type::INT8)])?;
        Ok(count.unsigned_abs())
    }

    fn over_limits(&self, since: i64) -> Result<Vec<(String, u64)>, LedgerError> {
        let sql = "SELECT over_limit, count(*) FROM textsender.decisions
                   WHERE at >= $1 AND over_limit IS NOT NULL GROUP BY 1";
        let rows = self.rows(sql, vec![(Box::new(since), Type::INT8)])?;
        let read = |row: &Row| {
            Some((
                row.try_get(0).ok()?,
                row.try_get::<_, i64>(1).ok()?.unsigned_abs(),
            ))
        };
        let read: Option<_> = rows.iter().map(read).collect();
        read.ok_or_else(|| self.damaged("counts"))
    }

    fn machines(&self, since: i64) -> Result<Vec<Machine>, LedgerError> {
        let sql = "SELECT coalesce(node, '-'), min(at), max(at), count(*),
                          count(*) FILTER (WHERE outcome = 'accepted'),
                          count(*) FILTER (WHERE outcome = 'unknown')
                   FROM textsender.decisions WHERE at >= $1 AND NOT replayed GROUP BY 1 ORDER BY 1";
        let rows = self.rows(sql, vec![(Box::new(since), Type::INT8)])?;
        let read = |row: &Row| {
            let time = |column| Timestamp::from_millisecond(row.try_get(column).ok()?).ok();
            let count = |column| row.try_get::<_, i64>(column).ok().map(i64::unsigned_abs);
            Some(Machine {
                name: row.try_get(0).ok()?,
                first: time(1)?,
                last: time(2)?,
                messages: count(3)?,
                accepted: count(4)?,
                unknown: count(5)?,
            })
        };
        let read: Option<_> = rows.iter().map(read).collect();
        read.ok_or_else(|| self.damaged("counts"))
    }

    fn reports(&self) -> Result<Vec<(String, i64, String)>, LedgerError> {
        if self.number(SCHEMA, Vec::new())? < FIRST_WITH_REPORTS {
            return Ok(Vec::new());
        }
        let sql = "SELECT node, at, report FROM textsender.machines ORDER BY node";
        let rows = self.rows(sql, Vec::new())?;
        let read = |row: &Row| {
            Some((
                row.try_get(0).ok()?,
                row.try_get(1).ok()?,
                row.try_get(2).ok()?,
            ))
        };
        let read: Option<_> = rows.iter().map(read).collect();
        read.ok_or_else(|| self.damaged("machines"))
    }

    fn last_accepted(&self) -> Result<Option<Timestamp>, LedgerError> {
        let sql =
            "SELECT at FROM textsender.decisions WHERE outcome = $1 ORDER BY seq DESC LIMIT 1";
        let accepted = Outcome::Accepted.as_str();
        let at = self.number(sql, vec![(Box::new(accepted), Type::TEXT)])?;
        Ok(Timestamp::from_millisecond(at).ok().filter(|_| at > 0))
    }

    fn server(&self) -> Result<Option<Server>, LedgerError> {
        self.ask_server().map(Some)
    }

    fn is_in_place(&self) -> bool {
        true
    }

    fn renew(&mut self) -> Result<(), LedgerError> {
        Ok(())
    }

    /// The database has its own backups.
    fn copy_into(&self, _: &Path) -> Result<(), LedgerError> {
        Ok(())
    }
}

/// The version of the schema.
const SCHEMA: &str =
    "SELECT coalesce((SELECT value::bigint FROM textsender.meta WHERE name = 'schema'), 0)";

/// The first one that machines say in how they are set up.
const FIRST_WITH_REPORTS: i64 = 2;

/// Whether the account may do more than call functions and read.
const MAY_WRITE: &str = "SELECT has_table_privilege('textsender.decisions', 'INSERT, UPDATE, DELETE, TRUNCATE')::int::bigint";

/// Milliseconds from the working out of a step to its commit, at most.
const OVERLAP: i64 = 60_000;
