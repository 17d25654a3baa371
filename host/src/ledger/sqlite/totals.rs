//! The totals of decisions that are gone, or had another outcome. Their table is made when there is the first: most
//! ledgers of an earlier version never need it, and no process waits for it.

use rusqlite::types::Type;
use rusqlite::{Connection, ToSql, params};

use super::{columns, schema};
use crate::ledger::Options;
use crate::ledger::error::LedgerError;
use crate::ledger::folder::Folder;
use crate::ledger::totals::{Row, Total, step_of_ms};
use crate::protocol::Outcome;

const INTO_WHAT_IS_THERE: &str =
    "ON CONFLICT DO UPDATE SET messages = messages + excluded.messages,
    segments = segments + excluded.segments, ms = ms + excluded.ms";

const TABLE: &str = "CREATE TABLE IF NOT EXISTS totals (
    sender   TEXT NOT NULL,
    region   TEXT NOT NULL,
    outcome  TEXT NOT NULL,
    step     INTEGER NOT NULL,  -- of the histogram
    messages INTEGER NOT NULL,
    segments INTEGER NOT NULL,
    ms       INTEGER NOT NULL,
    PRIMARY KEY (sender, region, outcome, step)
) STRICT, WITHOUT ROWID";

/// Which decisions, as a condition with its values.
pub(super) struct Which<'v> {
    pub condition: &'static str,
    pub values: &'v [&'v dyn ToSql],
}

/// Adds what these decisions count, before they are no longer counted for themselves.
pub(super) fn add(sql: &Connection, which: &Which<'_>) -> rusqlite::Result<()> {
    change(sql, which, "")
}

/// Takes back what was added for them.
pub(super) fn take_back(sql: &Connection, which: &Which<'_>) -> rusqlite::Result<()> {
    change(sql, which, "-")
}

fn change(sql: &Connection, which: &Which<'_>, sign: &str) -> rusqlite::Result<()> {
    sql.execute_batch(TABLE)?;
    let counted = counted(which.condition, sign);
    sql.prepare(&format!(
        "INSERT INTO totals {counted} {INTO_WHAT_IS_THERE}"
    ))?
    .execute(which.values)?;
    Ok(())
}

/// Everything, with what the decisions count that are there. One that is looked for again goes on as the `unknown`
/// that it is in the totals.
pub(super) fn all(sql: &Connection) -> rusqlite::Result<Vec<Total>> {
    let counted = counted("outcome IS NOT NULL", "");
    let all = match has_table(sql)? {
        true => format!("{counted} UNION ALL SELECT * FROM totals"),
        false => counted,
    };
    sql.prepare(&format!(
        "SELECT sender, region, outcome, step, sum(messages), sum(segments), sum(ms) FROM ({all})
         GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4"
    ))?
    .query_map([], |row| {
        let read = read(row)?.read();
        read.ok_or_else(|| columns::damaged("outcome", Type::Text))
    })?
    .collect()
}

/// Of decisions that are gone, or had another outcome.
pub(super) fn gone(sql: &Connection) -> rusqlite::Result<Vec<Row>> {
    if !has_table(sql)? {
        return Ok(Vec::new());
    }
    sql.prepare("SELECT * FROM totals")?
        .query_map([], read)?
        .collect()
}

fn read(row: &rusqlite::Row<'_>) -> rusqlite::Result<Row> {
    Ok(Row {
        sender: row.get(0)?,
        region: row.get(1)?,
        outcome: row.get(2)?,
        step: row.get(3)?,
        messages: row.get(4)?,
        segments: row.get(5)?,
        ms: row.get(6)?,
    })
}

/// The totals of the ledger in a folder that this process has for itself; none if it can't be read.
pub(in crate::ledger) fn of(folder: &Folder, options: &Options) -> Vec<Total> {
    let opened = schema::connect(folder, options.lock_timeout);
    let totals = opened.and_then(|sql| all(&sql));
    totals.unwrap_or_default()
}

/// Lifts the totals of the ledger in a folder, which was restored there, to what was counted before.
pub(in crate::ledger) fn lift(
    folder: &Folder,
    options: &Options,
    before: &[Total],
) -> Result<(), LedgerError> {
    let lifted =
        schema::connect(folder, options.lock_timeout).and_then(|sql| lift_in(&sql, before));
    lifted.map_err(|error| schema::fault(folder, options.lock_timeout, &error))
}

fn lift_in(sql: &Connection, before: &[Total]) -> rusqlite::Result<()> {
    let now = all(sql)?;
    sql.execute_batch(TABLE)?;
    let mut add = sql.prepare(&format!(
        "INSERT INTO totals VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) {INTO_WHAT_IS_THERE}"
    ))?;
    for total in before {
        let there = now.iter().find(|there| there.is_of(total));
        let missing = |of: fn(&Total) -> u64| {
            let missing = of(total).saturating_sub(there.map_or(0, of));
            i64::try_from(missing).unwrap_or(i64::MAX)
        };
        add.execute(params![
            total.sender,
            total.region,
            total.outcome.as_str(),
            i64::try_from(total.step).unwrap_or(i64::MAX),
            missing(|total| total.messages),
            missing(|total| total.segments),
            missing(|total| total.ms),
        ])?;
    }
    Ok(())
}

/// What decisions count.
fn counted(which: &str, sign: &str) -> String {
    format!(
        "SELECT coalesce(sender, '') AS sender, coalesce(region, '') AS region,
                coalesce(outcome, '{}') AS outcome, {} AS step, {sign}count(*) AS messages,
                {sign}coalesce(sum(segments), 0) AS segments, {sign}coalesce(sum(ms), 0) AS ms
         FROM decisions WHERE {which} AND replayed = 0 GROUP BY 1, 2, 3, 4",
        Outcome::Unknown.as_str(),
        step_of_ms(),
    )
}

fn has_table(sql: &Connection) -> rusqlite::Result<bool> {
    sql.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'totals'")?
        .exists([])
}
