//! How outcomes, attempts and times are written in the ledger's columns, and read back.

use std::fmt::Write;

use jiff::Timestamp;
use rusqlite::Row;
use rusqlite::types::Type;

use super::health::Health;
use crate::protocol::{Attempt, Outcome};

/// Reads an outcome; a word that is none is damage.
pub(super) fn outcome(row: &Row<'_>, column: &str) -> rusqlite::Result<Option<Outcome>> {
    let Some(word) = row.get::<_, Option<String>>(column)? else {
        return Ok(None);
    };
    match outcome_named(&word) {
        Some(outcome) => Ok(Some(outcome)),
        None => Err(damaged(column, Type::Text)),
    }
}

/// Attempts, a line each: sender, outcome, code (or `-`), milliseconds.
pub(super) fn attempts_text(attempts: &[Attempt]) -> String {
    let mut text = String::new();
    for attempt in attempts {
        let Attempt {
            sender,
            outcome,
            code,
            ms,
        } = attempt;
        let code = code.as_deref().unwrap_or(NO_CODE);
        // Writing to a String never fails.
        let _ = writeln!(text, "{sender} {outcome} {code} {ms}");
    }
    text
}

/// Reads attempts; a line that is none is damage.
pub(super) fn attempts(row: &Row<'_>, column: &str) -> rusqlite::Result<Vec<Attempt>> {
    let text: Option<String> = row.get(column)?;
    let attempts = lines(text.as_deref())
        .iter()
        .map(|line| {
            let mut words = line.split(' ');
            Some(Attempt {
                sender: words.next()?.to_owned(),
                outcome: outcome_named(words.next()?)?,
                code: words
                    .next()
                    .filter(|code| *code != NO_CODE)
                    .map(|code| code.to_owned().into()),
                ms: words.next()?.parse().ok()?,
            })
        })
        .collect::<Option<_>>();
    attempts.ok_or_else(|| damaged(column, Type::Text))
}

/// The senders among these that are paused, a line each: sender, why. `None` if there are none.
pub(super) fn paused_text(senders: &[String], health: &[Health]) -> Option<String> {
    let paused: Vec<String> = senders
        .iter()
        .zip(health)
        .filter_map(|(sender, health)| match health {
            Health::Paused { reason, .. } => Some(format!("{sender} {reason}")),
            Health::Good | Health::Trial { .. } => None,
        })
        .collect();
    (!paused.is_empty()).then(|| paused.join("\n"))
}

/// Reads a time; one that no calendar has is damage.
pub(super) fn time(row: &Row<'_>, column: &str) -> rusqlite::Result<Timestamp> {
    Timestamp::from_millisecond(row.get(column)?).map_err(|_| damaged(column, Type::Integer))
}

/// A value that the ledger cannot have written.
pub(super) fn damaged(column: &str, kind: Type) -> rusqlite::Error {
    let reason = format!("the column {column} holds what textsender never writes");
    rusqlite::Error::FromSqlConversionFailure(0, kind, reason.into())
}

/// What a column holds a line each of.
pub(super) fn lines(text: Option<&str>) -> Vec<String> {
    text.unwrap_or_default()
        .lines()
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Stands for an attempt's code where there is none.
const NO_CODE: &str = "-";

fn outcome_named(word: &str) -> Option<Outcome> {
    Outcome::ALL
        .into_iter()
        .find(|outcome| outcome.as_str() == word)
}
