//! The ledger on bad ground: an honest error, no panic, and nothing deleted.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;

use super::*;

/// A folder with a ledger that has sent some messages and is closed.
async fn used_folder() -> TempDir {
    let mut fixture = Fixture::new();
    for id in 0..60 {
        let message = message_to(&format!("id-{id}"), &format!("+4477009{id:05}"));
        fixture.send(message, Outcome::Accepted).await;
    }
    fixture.close().await;
    fixture.folder
}

/// What one more message meets in the folder.
async fn send_in(folder: &Path) -> Result<ClaimResult, LedgerError> {
    let ledger = Ledger::open(folder, Options::default()).unwrap();
    let claimed = ledger.claim(message("one-more")).await;
    ledger.close(LONG).await;
    claimed
}

fn copy(folder: &Path) -> TempDir {
    let copy = tempfile::tempdir().unwrap();
    for file in ["ledger.sqlite3", "ledger.sqlite3-wal", "ledger.key"] {
        fs::copy(folder.join(file), copy.path().join(file)).unwrap();
    }
    copy
}

fn set_aside(folder: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    files
        .filter(|path| path.to_string_lossy().contains("ledger.damaged-"))
        .collect()
}

/// The damaged folder gives either a working ledger, or an error, once, and the file is kept. A bit
/// that makes the version a newer one, or the file one that is not to be written, leaves it alone.
async fn is_survived(folder: &Path, what: &str) {
    match send_in(folder).await {
        Ok(_) | Err(LedgerError::Newer { .. } | LedgerError::ReadOnly { .. }) => {}
        Err(LedgerError::Corrupt {
            set_aside: Some(kept),
            ..
        }) => {
            assert!(kept.exists(), "{what}: {} is kept", kept.display());
            let again = send_in(folder).await;
            assert!(
                matches!(again, Ok(ClaimResult::Fresh(_))),
                "{what}: {again:?}"
            );
        }
        Err(error) => panic!("{what}: {error}"),
    }
}

#[tokio::test]
async fn a_truncated_file_is_survived() {
    let used = used_folder().await;
    for file in ["ledger.sqlite3", "ledger.sqlite3-wal", "ledger.key"] {
        let whole = fs::metadata(used.path().join(file)).unwrap().len();
        for sixteenth in 0..16 {
            let folder = copy(used.path());
            let damaged = fs::File::options()
                .write(true)
                .open(folder.path().join(file))
                .unwrap();
            damaged.set_len(whole * sixteenth / 16).unwrap();
            is_survived(folder.path(), &format!("{file} cut to {sixteenth}/16")).await;
        }
    }
}

#[tokio::test]
async fn a_flipped_bit_is_survived() {
    let used = used_folder().await;
    for file in ["ledger.sqlite3", "ledger.sqlite3-wal", "ledger.key"] {
        let whole = fs::read(used.path().join(file)).unwrap();
        // The header byte by byte, and the rest in strides.
        let places = (0..100).step_by(5).chain((100..whole.len()).step_by(8191));
        for place in places {
            let folder = copy(used.path());
            let mut damaged = whole.clone();
            let Some(byte) = damaged.get_mut(place) else {
                continue;
            };
            *byte ^= 1 << (place % 8);
            fs::write(folder.path().join(file), damaged).unwrap();
            is_survived(folder.path(), &format!("{file}, byte {place}")).await;
        }
    }
}

#[tokio::test]
async fn an_emptied_file_is_damage_and_not_a_new_ledger() {
    let folder = used_folder().await;
    fs::write(folder.path().join("ledger.sqlite3"), "").unwrap();
    let error = send_in(folder.path()).await.unwrap_err();
    assert!(
        matches!(
            error,
            LedgerError::Corrupt {
                set_aside: Some(_),
                ..
            }
        ),
        "{error}"
    );
    assert_eq!(
        set_aside(folder.path()).len(),
        3,
        "the file, its log, its shared memory"
    );
}

#[tokio::test]
async fn a_stream_goes_on_after_its_ledger_was_damaged() {
    let fixture = Fixture::new();
    fixture.send(message("a"), Outcome::Accepted).await;
    let file = fixture.path().join("ledger.sqlite3");
    let sql = rusqlite::Connection::open(&file).unwrap();
    sql.execute_batch(
        "PRAGMA writable_schema = ON;
         UPDATE sqlite_schema SET rootpage = 999 WHERE type = 'table';
         PRAGMA schema_version = 99",
    )
    .unwrap();
    drop(sql);
    let error = fixture.ledger().claim(message("b")).await.unwrap_err();
    assert!(
        matches!(
            error,
            LedgerError::Corrupt {
                set_aside: Some(_),
                ..
            }
        ),
        "{error}"
    );
    let _ticket = fixture.fresh(message("b")).await;
}

#[tokio::test]
async fn a_newer_ledger_is_left_alone() {
    let folder = used_folder().await;
    let sql = rusqlite::Connection::open(folder.path().join("ledger.sqlite3")).unwrap();
    sql.pragma_update(None, "user_version", 99).unwrap();
    drop(sql);
    let error = send_in(folder.path()).await.unwrap_err();
    assert!(
        matches!(error, LedgerError::Newer { found: 99, .. }),
        "{error}"
    );
    assert_eq!(set_aside(folder.path()), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_key_that_is_not_the_ledgers_sets_it_aside() {
    let folder = used_folder().await;
    fs::write(folder.path().join("ledger.key"), [7; 32]).unwrap();
    let error = send_in(folder.path()).await.unwrap_err();
    assert!(
        error.to_string().contains("ledger.key is not the key"),
        "{error}"
    );
    assert!(matches!(
        send_in(folder.path()).await,
        Ok(ClaimResult::Fresh(_))
    ));
}

#[tokio::test]
async fn a_ledger_that_is_locked_for_too_long_is_said_to_be() {
    let lock_timeout = Duration::from_millis(20);
    let mut fixture = Fixture::with(Options {
        lock_timeout,
        ..Options::default()
    });
    fixture.ledger().ready().await.unwrap();
    let other = rusqlite::Connection::open(fixture.path().join("ledger.sqlite3")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let error = fixture.ledger().claim(message("a")).await.unwrap_err();
    assert!(matches!(error, LedgerError::Locked { .. }), "{error}");
    other.execute_batch("ROLLBACK").unwrap();
    drop(fixture.fresh(message("a")).await);
    let guard = fs::File::open(fixture.path().join("ledger.lock")).unwrap();
    fixture.close().await;
    guard.lock().unwrap();
    let ledger = Ledger::open(
        fixture.path(),
        Options {
            lock_timeout,
            ..Options::default()
        },
    )
    .unwrap();
    let error = ledger.ready().await.unwrap_err();
    assert!(matches!(error, LedgerError::Locked { .. }), "{error}");
}

#[tokio::test]
async fn the_folder_and_its_files_are_for_their_owner_only() {
    let parent = tempfile::tempdir().unwrap();
    let folder = parent.path().join("state/textsender");
    assert!(matches!(send_in(&folder).await, Ok(ClaimResult::Fresh(_))));
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join("ledger.processes")), 0o700);
    for file in [
        "ledger.sqlite3",
        "ledger.sqlite3-wal",
        "ledger.sqlite3-shm",
        "ledger.key",
    ] {
        assert_eq!(mode(&folder.join(file)), 0o600, "{file}");
    }
}

#[tokio::test]
async fn a_folder_that_is_a_file_is_unusable() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let error = send_in(file.path()).await.unwrap_err();
    assert!(matches!(error, LedgerError::Unusable { .. }), "{error}");
}

#[test]
fn only_reading_makes_no_ledger() {
    let folder = tempfile::tempdir().unwrap();
    let absent = History::open(folder.path(), &Options::default())
        .err()
        .unwrap();
    assert!(matches!(absent, LedgerError::Absent { .. }), "{absent}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// A tmpfs of its own, unmounted when dropped.
struct Tmpfs(TempDir);

impl Tmpfs {
    fn mount(options: &str) -> Tmpfs {
        let folder = tempfile::tempdir().unwrap();
        let status = Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(folder.path())
            .status();
        assert!(status.unwrap().success());
        Tmpfs(folder)
    }

    fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        let status = Command::new("mount")
            .args(["-o", &options])
            .arg(self.0.path())
            .status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = Command::new("umount")
            .arg("--lazy")
            .arg(self.0.path())
            .status();
    }
}

#[tokio::test]
#[ignore = "needs root"]
async fn as_root_a_full_disk_is_said_to_be_full_and_used_again_when_it_is_not() {
    let disk = Tmpfs::mount("size=2m");
    let path = disk.0.path();
    // Full from the beginning, full once the ledger is made, full in the middle.
    for used_before in [0, 1, 20] {
        let folder = path.join(format!("state-{used_before}"));
        let ledger = Ledger::open(&folder, Options::default()).unwrap();
        for id in 0..used_before {
            drop(
                ledger
                    .claim(message_to(&format!("{id}"), &format!("+4477009{id:05}")))
                    .await
                    .unwrap(),
            );
        }
        let filling = path.join("filling");
        let full = fs::write(&filling, vec![1; 4 << 20]);
        assert!(full.is_err(), "the disk is full");
        let mut error = None;
        for id in 0..200 {
            // What is allocated already may still hold a few.
            let message = message_to(&format!("full-{id}"), &format!("+4477109{id:05}"));
            match ledger.claim(message).await {
                Ok(claimed) => drop(claimed),
                Err(found) => {
                    error = Some(found);
                    break;
                }
            }
        }
        let error = error.unwrap();
        assert!(
            matches!(error, LedgerError::Full { .. }),
            "after {used_before}: {error}"
        );
        fs::remove_file(&filling).unwrap();
        let after = ledger.claim(message("after")).await;
        assert!(
            matches!(after, Ok(ClaimResult::Fresh(_))),
            "after {used_before}: {after:?}"
        );
        drop((after, ledger));
        fs::remove_dir_all(&folder).unwrap();
    }
}

#[tokio::test]
#[ignore = "needs root"]
async fn as_root_a_read_only_folder_is_said_to_be_read_only() {
    let disk = Tmpfs::mount("size=1m");
    for id in ["made", "not made"] {
        let folder = disk.0.path().join(id);
        if id == "made" {
            assert!(matches!(send_in(&folder).await, Ok(ClaimResult::Fresh(_))));
        }
        disk.remount("ro");
        let error = send_in(&folder).await.unwrap_err();
        assert!(
            matches!(error, LedgerError::ReadOnly { .. }),
            "{id}: {error}"
        );
        disk.remount("rw");
    }
}

/// A file system that does not lock files: `flock` answers ENOSYS on the thread that calls this.
#[cfg(target_os = "linux")]
fn refuse_locks() {
    use seccompiler::{SeccompAction, SeccompFilter};
    let filter = SeccompFilter::new(
        [(libc::SYS_flock, Vec::new())].into(),
        SeccompAction::Allow,
        SeccompAction::Errno(libc::ENOSYS.unsigned_abs()),
        std::env::consts::ARCH.try_into().unwrap(),
    );
    let program: seccompiler::BpfProgram = filter.unwrap().try_into().unwrap();
    seccompiler::apply_filter(&program).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_system_that_does_not_lock_is_said_to_be_one_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let opened = std::thread::spawn(move || {
        refuse_locks();
        sqlite::Sqlite::new(&path, &Options::default()).open().err()
    });
    let error = opened.join().unwrap().unwrap();
    assert!(
        matches!(&error, LedgerError::NoLocks { file_system, .. } if !file_system.contains("unknown")),
        "{error:?}"
    );
    assert!(
        error
            .to_string()
            .contains(&folder.path().display().to_string())
    );
    let left = fs::read_dir(folder.path().join("ledger.processes")).unwrap();
    assert_eq!(left.count(), 0, "no file is left behind");
}
