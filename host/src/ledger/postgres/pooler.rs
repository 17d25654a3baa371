//! Whether a pooler such as PgBouncer is in front of the server, as far as that shows from here: it says nothing of
//! itself.
//!
//! | seen | what it means |
//! |---|---|
//! | two connections of ours, both open, are one process of the server | each transaction gets a connection, or each statement |
//! | the server's process is older than our connection | a pooler kept it for us; which way, does not show |

use std::time::{Duration, Instant};

use tokio_postgres::types::Type;

use super::link::Link;
use crate::ledger::archive::Pooler;
use crate::ledger::error::LedgerError;

/// Looks by connections beside this one.
pub(super) fn look(link: &Link) -> Result<Option<Pooler>, LedgerError> {
    let mut is_older = false;
    for _ in 0..TRIES {
        let (own, _) = process(link)?;
        let began = Instant::now();
        let beside = link.another()?;
        let (other, age) = process(&beside)?;
        if own == other {
            return Ok(Some(match link.can_begin() {
                true => Pooler::Transaction,
                false => Pooler::Statement,
            }));
        }
        is_older |= age > began.elapsed() + MARGIN;
    }
    Ok(is_older.then_some(Pooler::Unknown))
}

/// The server's process behind a connection, and how old it is.
fn process(link: &Link) -> Result<(i64, Duration), LedgerError> {
    let rows = link.ask(PROCESS, &[] as &[(_, Type)])?;
    let number = |column| {
        let row = rows.first();
        row.and_then(|row| row.try_get::<_, i64>(column).ok())
            .unwrap_or(0)
    };
    let age = u64::try_from(number(1)).unwrap_or(0);
    Ok((number(0), Duration::from_millis(age)))
}

const PROCESS: &str =
    "SELECT pid::bigint, (extract(epoch FROM clock_timestamp() - backend_start) * 1000)::bigint
     FROM pg_stat_activity WHERE pid = pg_backend_pid()";

/// How often it is looked for: others may use a pooler's connections meanwhile.
const TRIES: u32 = 3;

/// What a clock that is being corrected may add.
const MARGIN: Duration = Duration::from_millis(20);
