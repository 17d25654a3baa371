//! The ledger's file: its tables, and how it is made, opened, migrated and set aside.
//!
//! A new file is built under another name and renamed when it is whole, so a file that is empty or
//! has no schema is a damaged one, never one in the making.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::types::FromSql;
use rusqlite::{Connection, ErrorCode as Sqlcode, OpenFlags, OptionalExtension};

use crate::ledger::Options;
use crate::ledger::error::LedgerError;
use crate::ledger::folder::{Folder, Guard};
use crate::ledger::keys::{Digest, Keys};

/// The schema that this build writes (`PRAGMA user_version`).
pub(in crate::ledger) const VERSION: u32 = 4;

/// The statements that lead from each version to the next; the first makes version 1.
const MIGRATIONS: [&str; VERSION as usize] = [
    include_str!("schema_1.sql"),
    include_str!("schema_2.sql"),
    include_str!("schema_3.sql"),
    include_str!("schema_4.sql"),
];

/// Opens the ledger, after making, migrating or setting it aside where that is needed. A file that
/// was set aside is an error once ([`LedgerError::Corrupt`]); the next call makes a new ledger.
pub(super) fn open(folder: &Folder, options: &Options) -> Result<(Connection, Keys), LedgerError> {
    {
        let _open = folder.guard(Guard::Open, options.lock_timeout)?;
        match inspect(folder, options.lock_timeout, connect) {
            Ok(Inspected::Ready(connection, keys)) => return Ok((connection, keys)),
            Ok(_) | Err(LedgerError::Corrupt { .. }) => {}
            Err(other) => return Err(other),
        }
    }
    // Alone, look again: another process may have done it meanwhile.
    let _alone = folder.guard(Guard::Replace, options.lock_timeout)?;
    match inspect(folder, options.lock_timeout, connect) {
        Ok(Inspected::Ready(connection, keys)) => Ok((connection, keys)),
        Ok(Inspected::Missing) => {
            make(folder, options)?;
            match inspect(folder, options.lock_timeout, connect)? {
                Inspected::Ready(connection, keys) => Ok((connection, keys)),
                _ => Err(LedgerError::Failed {
                    file: folder.database(),
                    reason: "it was made, and is not there".to_owned(),
                }),
            }
        }
        Ok(Inspected::Older(mut connection, keys, version)) => {
            migrate(&mut connection, version)
                .map_err(|error| fault(folder, options.lock_timeout, &error))?;
            Ok((connection, keys))
        }
        Err(LedgerError::Corrupt { reason, .. }) => Err(set_aside(folder, options, reason)),
        Err(other) => Err(other),
    }
}

/// Opens the ledger for reading, and only if it is there. Nothing is made or written by it: neither the
/// file, nor its log, nor its shared memory.
pub(in crate::ledger) fn open_to_read(
    folder: &Folder,
    lock_timeout: Duration,
) -> Result<(Connection, Keys), LedgerError> {
    let _open = folder.guard_to_read(lock_timeout)?;
    let found = inspect(folder, lock_timeout, connect_to_read)?;
    found.or_absent(folder)
}

/// Opens the ledger to take something out of it, and only if it is there.
pub(in crate::ledger) fn open_to_erase(
    folder: &Folder,
    lock_timeout: Duration,
) -> Result<(Connection, Keys), LedgerError> {
    let _open = folder.guard(Guard::Open, lock_timeout)?;
    let found = inspect(folder, lock_timeout, connect)?;
    found.or_absent(folder)
}

/// Moves the damaged file aside, unless another process has put a new one in its place meanwhile
/// (`seen` is no longer the file's identity), and returns the error that says so.
pub(super) fn set_aside_if_same(
    folder: &Folder,
    options: &Options,
    seen: (u64, u64),
    reason: String,
) -> LedgerError {
    let _alone = match folder.guard(Guard::Replace, options.lock_timeout) {
        Ok(guard) => guard,
        Err(error) => return error,
    };
    if folder.identity() != Some(seen) {
        return LedgerError::Corrupt {
            file: folder.database(),
            reason,
            set_aside: None,
        };
    }
    set_aside(folder, options, reason)
}

fn set_aside(folder: &Folder, options: &Options, reason: String) -> LedgerError {
    match folder.set_aside((options.failpoints.clock)()) {
        Ok(kept) => LedgerError::Corrupt {
            file: folder.database(),
            reason,
            set_aside: Some(kept),
        },
        Err(error) => LedgerError::Corrupt {
            file: folder.database(),
            reason: format!("{reason}; and it could not be moved: {error}"),
            set_aside: None,
        },
    }
}

/// What [`inspect`] found.
enum Inspected {
    Ready(Connection, Keys),
    Missing,
    Older(Connection, Keys, u32),
}

impl Inspected {
    /// What is there. What an older version lacks, the columns that were added, reads as absent.
    fn or_absent(self, folder: &Folder) -> Result<(Connection, Keys), LedgerError> {
        match self {
            Inspected::Ready(connection, keys) | Inspected::Older(connection, keys, _) => {
                Ok((connection, keys))
            }
            Inspected::Missing => Err(LedgerError::Absent {
                folder: folder.path().to_owned(),
            }),
        }
    }
}

fn inspect(
    folder: &Folder,
    lock_timeout: Duration,
    connect: fn(&Folder, Duration) -> rusqlite::Result<Connection>,
) -> Result<Inspected, LedgerError> {
    let damaged = |reason: &str| LedgerError::Corrupt {
        file: folder.database(),
        reason: reason.to_owned(),
        set_aside: None,
    };
    match folder.database().metadata() {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Inspected::Missing),
        Err(error) => return Err(folder.fault(&error, &folder.database())),
        // SQLite would take an empty file for a new one, and delete the log beside it.
        Ok(file) if file.len() == 0 => return Err(damaged("it is empty")),
        Ok(_) => {}
    }
    let keys = Keys::read(folder)?
        .ok_or_else(|| damaged("its key file ledger.key is missing or cut short"))?;
    let sqlite = |error: rusqlite::Error| fault(folder, lock_timeout, &error);
    let connection = connect(folder, lock_timeout).map_err(sqlite)?;
    let version: u32 = connection
        .query_row("PRAGMA user_version", [], |row| row.get(0))
        .map_err(sqlite)?;
    if version == 0 {
        return Err(damaged("it has no schema"));
    }
    if version > VERSION {
        return Err(LedgerError::Newer {
            file: folder.database(),
            found: version,
            known: VERSION,
        });
    }
    let proof: Option<Digest> = meta(&connection, "proof").map_err(sqlite)?;
    let (own, other) = keys.both(Keys::proof);
    if proof != Some(own) && (proof.is_none() || proof != other) {
        return Err(damaged(
            "ledger.key is not the key that it was written with",
        ));
    }
    if proof != Some(own) && keys.is_after() {
        // A reader can't, and a process that writes will.
        let _ = connection.execute("UPDATE meta SET value = ?1 WHERE name = 'proof'", [own]);
    }
    Ok(match version {
        VERSION => Inspected::Ready(connection, keys),
        older => Inspected::Older(connection, keys, older),
    })
}

/// What the ledger notes of itself under a name. One statement for all names: a send parses it once.
pub(super) fn meta<T: FromSql>(connection: &Connection, name: &str) -> rusqlite::Result<Option<T>> {
    let value = connection
        .prepare_cached("SELECT value FROM meta WHERE name = ?1")?
        .query_row([name], |row| row.get(0))
        .optional()?;
    Ok(value.flatten())
}

pub(super) fn connect(folder: &Folder, lock_timeout: Duration) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(folder.database(), flags)?;
    prepare(connection, lock_timeout)
}

/// Connects without the right to write. Where there is a log, its shared memory is only read, too; where
/// there is none, the file alone is the ledger.
fn connect_to_read(folder: &Folder, lock_timeout: Duration) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let open = |how: &str| -> rusqlite::Result<Connection> {
        let connection = Connection::open_with_flags(uri(&folder.database(), how), flags)?;
        let connection = prepare(connection, lock_timeout)?;
        // Opening reads nothing yet.
        connection.query_row("PRAGMA user_version", [], |_| Ok(()))?;
        Ok(connection)
    };
    if !folder.has_log() {
        return open("immutable=1");
    }
    open("readonly_shm=1").or_else(|error| match error.sqlite_error_code() {
        // It is missing, or has no place for a reader yet: then SQLite has to write it.
        Some(Sqlcode::ReadOnly | Sqlcode::CannotOpen) => open("readonly_shm=0"),
        _ => Err(error),
    })
}

/// A file as SQLite wants it named, with what it is to do with it.
fn uri(file: &Path, how: &str) -> String {
    let mut uri = String::from("file:");
    for &byte in file.as_os_str().as_encoded_bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' => uri.push(byte.into()),
            byte if byte.is_ascii_alphanumeric() => uri.push(byte.into()),
            // Writing to a String never fails.
            byte => drop(write!(uri, "%{byte:02X}")),
        }
    }
    uri + "?" + how
}

fn prepare(mut connection: Connection, lock_timeout: Duration) -> rusqlite::Result<Connection> {
    connection.busy_handler(Some(busy_handler(lock_timeout)))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    // In KiB. A send touches a handful of pages; twice as much made a stream larger and no faster.
    connection.pragma_update(None, "cache_size", -1024)?;
    // The log stays when the last process leaves: to write it back would cost every send.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // Without this promise, each new value for a statement that a partial index might serve makes SQLite
    // parse and plan it anew [a fifth of the thread's work].
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

/// A busy handler that gives up after `lock_timeout`. It asks again soon at first (a transaction takes
/// about a millisecond), then less and less often, to 8 ms, so that hundreds of waiting processes
/// do not keep the processor from the one that works. SQLite's own waits grow to 100 ms, which lets
/// a busy stream starve a single send.
fn busy_handler(lock_timeout: Duration) -> impl FnMut(i32) -> bool + Send + 'static {
    // Processes that started waiting together must not ask together.
    let stagger = u64::from(std::process::id() % 16) * 25;
    let mut started = Instant::now();
    move |earlier| {
        if earlier == 0 {
            started = Instant::now();
        }
        if started.elapsed() >= lock_timeout {
            return false;
        }
        let growth = u64::try_from(earlier).unwrap_or(0).min(38) * 200;
        thread::sleep(Duration::from_micros(300 + stagger + growth));
        true
    }
}

fn make(folder: &Folder, options: &Options) -> Result<(), LedgerError> {
    // A log without its ledger must not become the new one's.
    folder.set_aside((options.failpoints.clock)())?;
    let keys = match Keys::read(folder)? {
        Some(keys) => keys,
        None => Keys::make(folder)?,
    };
    let new = folder.path().join("ledger.sqlite3.new");
    let io = |error: std::io::Error| folder.fault(&error, &new);
    match fs::remove_file(&new) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(io(error)),
        _ => drop(folder.open_or_make(&new)?),
    }
    let sqlite = |error: rusqlite::Error| fault(folder, options.lock_timeout, &error);
    fill(&new, &keys).map_err(sqlite)?;
    fs::rename(&new, folder.database()).map_err(io)?;
    File::open(folder.path())
        .and_then(|folder| folder.sync_all())
        .map_err(io)
}

fn fill(new: &Path, keys: &Keys) -> rusqlite::Result<()> {
    let mut connection = Connection::open(new)?;
    connection.pragma_update(None, "page_size", PAGE_SIZE)?;
    connection.pragma_update_and_check(None, "journal_mode", "wal", |_| Ok(()))?;
    migrate(&mut connection, 0)?;
    connection.execute("INSERT INTO meta VALUES ('proof', ?1)", [keys.proof()])?;
    // Closing would write the log back as well, but not report that the disk is full.
    connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    connection.close().map_err(|(_, error)| error)
}

fn migrate(connection: &mut Connection, from: u32) -> rusqlite::Result<()> {
    let transaction = connection.transaction()?;
    for step in &MIGRATIONS[from as usize..] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", VERSION)?;
    transaction.commit()
}

pub(super) fn fault(
    folder: &Folder,
    lock_timeout: Duration,
    error: &rusqlite::Error,
) -> LedgerError {
    LedgerError::from_sqlite(error, &folder.database(), lock_timeout, || folder.is_full())
}

/// More than the ledger has statements, so that each is parsed once.
const STATEMENTS: usize = 64;

/// Small pages: a send touches single rows in several trees, and each touched page is written to
/// the log whole. Smaller ones hold too few rows of 500 bytes.
const PAGE_SIZE: u32 = 2048;
