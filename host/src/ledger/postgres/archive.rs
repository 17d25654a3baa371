//! The shared ledger, read back: by plain queries, which the account may run on the audit.

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, ToSql, Type};

use super::address::server;
use super::pooler;
use super::reader::Reader;
use super::store::{life_of, outcome};
use super::wire::{SenderRow, json, value};
use crate::config;
use crate::ledger::Options;
use crate::ledger::archive::{Archive, Found, PAGE, Page, Server, Wanted};
use crate::ledger::counts::{Deliveries, Machine, Mark, UsedBy, Uses};
use crate::ledger::error::LedgerError;
use crate::ledger::folder::Folder;
use crate::ledger::keys::{Digest, Keys, Proof};
use crate::ledger::shared::SharedArchive;
use crate::ledger::stats::Tally;
use crate::ledger::store::{Breaker, StoreError};
use crate::ledger::stored::{Decision, hexadecimal};
use crate::ledger::totals::{self, Total};
use crate::protocol::Outcome;

pub(super) struct PostgresArchive {
    reader: Reader,
    server: String,
    clock: Option<fn() -> Timestamp>,
}

type Value = (Box<dyn ToSql + Sync + Send>, Type);

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

    /// Each row, read; `what` they are, where one can't be.
    fn all<T>(
        &self,
        sql: &str,
        values: Vec<Value>,
        what: &str,
        read: impl Fn(&Row) -> Option<T>,
    ) -> Result<Vec<T>, LedgerError> {
        let rows = self.rows(sql, values)?;
        let read: Option<_> = rows.iter().map(read).collect();
        read.ok_or_else(|| self.damaged(what))
    }

    /// Rows that the database makes JSON of.
    fn json<T: DeserializeOwned>(
        &self,
        sql: &str,
        values: Vec<Value>,
        what: &str,
    ) -> Result<Vec<T>, LedgerError> {
        let rows = self.rows(sql, values)?;
        json(&rows).ok_or_else(|| self.damaged(what))
    }

    /// Decisions of which `sql` says the rest: where, and in which order.
    fn decisions(&self, sql: &str, values: Vec<Value>) -> Result<Vec<Found>, LedgerError> {
        let sql = format!(
            "SELECT coalesce(json_agg(d), '[]')::text FROM (SELECT * FROM textsender.decisions {sql}) d"
        );
        let decisions: Vec<Decision> = self.json(&sql, values, "decisions")?;
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
        let number: Option<Option<i64>> = value(&rows);
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
            text(hexadecimal(hash)),
            (Box::new(is_user), Type::BOOL),
            number(until),
        ];
        let rows = self.rows("SELECT textsender.erase_1($1, $2, $3)", values)?;
        let counts: Option<Vec<i64>> = value(&rows);
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
            number(wanted.since),
            text(recipient),
            text(wanted.outcome),
            number(at),
            text(or_recipient),
        ];
        self.decisions(&sql, values)
    }

    fn first(&self, since: i64) -> Result<i64, LedgerError> {
        let sql = "SELECT min(seq) FROM textsender.decisions WHERE at >= $1";
        self.number(sql, vec![number(since)])
    }

    fn of_id(&self, id: &str) -> Result<Vec<Found>, LedgerError> {
        self.decisions("WHERE id = $1 ORDER BY seq", vec![text(id.to_owned())])
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
        Ok(self.decisions(sql, vec![text(id.to_owned())])?.pop())
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
        let rows: Vec<SenderRow> = self.json(sql, Vec::new(), "senders")?;
        let read = |row: SenderRow| Ok((row.sender.clone(), row.breaker()?));
        let read: Result<_, StoreError> = rows.into_iter().map(read).collect();
        read.map_err(|_| self.damaged("senders"))
    }

    fn pauses(&self) -> Result<Option<String>, LedgerError> {
        let sql = "SELECT coalesce((SELECT value FROM textsender.meta WHERE name = 'pauses'), '')";
        let rows = self.rows(sql, Vec::new())?;
        value(&rows).map(Some).ok_or_else(|| self.damaged("pauses"))
    }

    fn tallies(&self, since: i64) -> Result<Vec<Tally>, LedgerError> {
        let sql = "SELECT to_char(to_timestamp(at / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD') AS day,
                    sender, region, outcome, count(*), coalesce(sum(segments), 0)::bigint, node
             FROM textsender.decisions WHERE at >= $1 AND NOT replayed
             GROUP BY day, node, sender, region, outcome
             ORDER BY day, node NULLS FIRST, sender NULLS FIRST, region NULLS FIRST, outcome NULLS FIRST";
        let read = |row: &Row| {
            let word: Option<String> = get(row, 3)?;
            Some(Tally {
                day: get::<String>(row, 0)?.parse().ok()?,
                sender: get(row, 1)?,
                region: get(row, 2)?,
                outcome: outcome(word.as_deref()).ok()?,
                messages: count(row, 4)?,
                segments: count(row, 5)?,
                machine: get(row, 6)?,
            })
        };
        self.all(sql, vec![number(since)], "counts", read)
    }

    fn totals(&self) -> Result<Vec<Total>, LedgerError> {
        let sql = "SELECT sender, region, outcome, step::bigint, sum(messages)::bigint, sum(segments)::bigint, sum(ms)::bigint
             FROM (SELECT * FROM textsender.totals
                   UNION ALL SELECT coalesce(sender, ''), coalesce(region, ''), outcome, textsender.step_of(ms::bigint),
                                    1, coalesce(segments, 0), coalesce(ms, 0)
                   FROM textsender.decisions WHERE outcome IS NOT NULL AND NOT replayed) AS counted
             GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4";
        let read = |row: &Row| {
            let read = totals::Row {
                sender: get(row, 0)?,
                region: get(row, 1)?,
                outcome: get(row, 2)?,
                step: get(row, 3)?,
                messages: get(row, 4)?,
                segments: get(row, 5)?,
                ms: get(row, 6)?,
            };
            read.read()
        };
        self.all(sql, Vec::new(), "totals", read)
    }

    fn ended(&self, since: i64) -> Result<Vec<Mark>, LedgerError> {
        let sql = "SELECT outcome, seq, at, region, segments::bigint, ms::bigint FROM textsender.decisions
             WHERE at >= $1 AND NOT replayed AND outcome IS NOT NULL";
        let read = |row: &Row| {
            let word: Option<String> = get(row, 0)?;
            let segments: Option<i64> = get(row, 4)?;
            Some(Mark {
                outcome: outcome(word.as_deref()).ok()?,
                seq: get(row, 1)?,
                at: get(row, 2)?,
                region: get(row, 3)?,
                segments: u32::try_from(segments.unwrap_or(0)).ok()?,
                ms: get(row, 5)?,
            })
        };
        self.all(sql, vec![number(since)], "messages", read)
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
        let read = |row: &Row| {
            Some(Uses {
                by: get::<Option<String>>(row, 0)?.unwrap_or_default(),
                recipient: get(row, 1)?,
                region: get(row, 2)?,
                sent: count(row, 3)?,
                used: count(row, 4)?,
            })
        };
        self.all(&sql, vec![number(since)], "counts", read)
    }

    fn deliveries(&self, since: i64) -> Result<Vec<Deliveries>, LedgerError> {
        let sql = "SELECT coalesce(sender, '-'), coalesce(region, '-'), count(*),
                          count(*) FILTER (WHERE delivery = 'delivered')
                   FROM textsender.decisions WHERE at >= $1 AND delivery IS NOT NULL
                   GROUP BY 1, 2 ORDER BY 1, 2";
        let read = |row: &Row| {
            Some(Deliveries {
                sender: get(row, 0)?,
                region: get(row, 1)?,
                asked: count(row, 2)?,
                delivered: count(row, 3)?,
            })
        };
        self.all(sql, vec![number(since)], "counts", read)
    }

    fn sent_without_hub(&self, since: i64) -> Result<u64, LedgerError> {
        let sql = "SELECT count(*) FROM textsender.decisions WHERE at >= $1 AND without_hub";
        let count = self.number(sql, vec![number(since)])?;
        Ok(count.unsigned_abs())
    }

    fn over_limits(&self, since: i64) -> Result<Vec<(String, u64)>, LedgerError> {
        let sql = "SELECT over_limit, count(*) FROM textsender.decisions
                   WHERE at >= $1 AND over_limit IS NOT NULL GROUP BY 1";
        let read = |row: &Row| Some((get(row, 0)?, count(row, 1)?));
        self.all(sql, vec![number(since)], "counts", read)
    }

    fn machines(&self, since: i64) -> Result<Vec<Machine>, LedgerError> {
        let sql = "SELECT coalesce(node, '-'), min(at), max(at), count(*),
                          count(*) FILTER (WHERE outcome = 'accepted'),
                          count(*) FILTER (WHERE outcome = 'unknown')
                   FROM textsender.decisions WHERE at >= $1 AND NOT replayed GROUP BY 1 ORDER BY 1";
        let read = |row: &Row| {
            let time = |column| Timestamp::from_millisecond(get(row, column)?).ok();
            Some(Machine {
                name: get(row, 0)?,
                first: time(1)?,
                last: time(2)?,
                messages: count(row, 3)?,
                accepted: count(row, 4)?,
                unknown: count(row, 5)?,
            })
        };
        self.all(sql, vec![number(since)], "counts", read)
    }

    fn reports(&self) -> Result<Vec<(String, i64, String)>, LedgerError> {
        if self.number(SCHEMA, Vec::new())? < FIRST_WITH_REPORTS {
            return Ok(Vec::new());
        }
        let sql = "SELECT node, at, report FROM textsender.machines ORDER BY node";
        let read = |row: &Row| Some((get(row, 0)?, get(row, 1)?, get(row, 2)?));
        self.all(sql, Vec::new(), "machines", read)
    }

    fn last_accepted(&self) -> Result<Option<Timestamp>, LedgerError> {
        let sql =
            "SELECT at FROM textsender.decisions WHERE outcome = $1 ORDER BY seq DESC LIMIT 1";
        let accepted = Outcome::Accepted.as_str();
        let at = self.number(sql, vec![text(accepted)])?;
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

fn number(number: i64) -> Value {
    (Box::new(number), Type::INT8)
}

fn text(text: impl ToSql + Sync + Send + 'static) -> Value {
    (Box::new(text), Type::TEXT)
}

fn get<'r, T: FromSql<'r>>(row: &'r Row, column: usize) -> Option<T> {
    row.try_get(column).ok()
}

fn count(row: &Row, column: usize) -> Option<u64> {
    get(row, column).map(i64::unsigned_abs)
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
