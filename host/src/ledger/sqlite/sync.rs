//! Making what was committed survive a power cut, without making other steps wait for the disk.
//!
//! Transactions are committed without a sync; then the log is synced here, once for all steps that wait
//! for it (*group commit*). While the disk works, the ledger's thread goes on with steps that need no
//! sync, of which each message has two. [With a sync inside the commit, each message of a busy stream
//! waited for three.]

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::{self, JoinHandle};

use crate::ledger::error::LedgerError;
use crate::ledger::folder::Folder;
use crate::ledger::store::Job;

/// Steps that are committed, and answered once they are synced.
pub(super) type Steps = Vec<Box<dyn Job>>;

/// Syncs the log of one open ledger. Dropping it waits for what it was given.
pub(super) struct Syncer {
    log: Arc<Log>,
    /// Started when steps come together: a single send needs none.
    thread: Option<(Sender<Steps>, JoinHandle<()>)>,
}

struct Log {
    file: File,
    path: PathBuf,
    folder: PathBuf,
    has_failed: AtomicBool,
}

impl Syncer {
    /// For the log in this folder, which SQLite has opened before.
    pub fn open(folder: &Folder) -> Result<Syncer, LedgerError> {
        let path = folder.log();
        let log = Log {
            file: folder.open_or_make(&path)?,
            path,
            folder: folder.path().to_owned(),
            has_failed: AtomicBool::new(false),
        };
        Ok(Syncer {
            log: Arc::new(log),
            thread: None,
        })
    }

    /// Whether a sync failed. What the disk has is unknown then, and the ledger is to be opened anew.
    pub fn has_failed(&self) -> bool {
        self.log.has_failed.load(Ordering::Acquire)
    }

    /// Answers committed steps once they are on the disk.
    pub fn answer(&mut self, steps: Steps) {
        if self.thread.is_none() && steps.len() > 1 {
            self.thread = start(&self.log);
        }
        match &self.thread {
            // If the thread were gone, the steps would be dropped, and their callers get an error.
            Some((waiting, _)) => drop(waiting.send(steps)),
            None => self.log.sync(steps),
        }
    }
}

impl Drop for Syncer {
    fn drop(&mut self) {
        if let Some((waiting, thread)) = self.thread.take() {
            drop(waiting);
            // A panic of the thread was reported when it happened.
            let _ = thread.join();
        }
    }
}

impl Log {
    fn sync(&self, steps: Steps) {
        let end = self.file.sync_data().map_err(|error| {
            self.has_failed.store(true, Ordering::Release);
            LedgerError::from_io(&error, &self.folder, &self.path)
        });
        for step in steps {
            // It is committed, whether it is durable or not.
            step.answer(end.clone(), true);
        }
    }
}

/// `None` if the system gives no thread: then the ledger's own syncs.
fn start(log: &Arc<Log>) -> Option<(Sender<Steps>, JoinHandle<()>)> {
    let (steps, waiting): (Sender<Steps>, Receiver<Steps>) = mpsc::channel();
    let log = Arc::clone(log);
    let run = move || {
        while let Ok(mut first) = waiting.recv() {
            first.extend(waiting.try_iter().flatten());
            log.sync(first);
        }
    };
    let thread = thread::Builder::new().name("ledger-sync".to_owned());
    thread.spawn(run).ok().map(|thread| (steps, thread))
}

#[cfg(test)]
mod tests {
    use std::os::fd::OwnedFd;

    use super::*;
    use crate::ledger::store::{Store, StoreResult};

    /// A step that reports how it was answered.
    struct Step(Sender<bool>);

    impl Job for Step {
        fn run(&mut self, _: &dyn Store) -> StoreResult<()> {
            Ok(())
        }

        fn answer(self: Box<Self>, end: Result<(), LedgerError>, _: bool) {
            self.0.send(end.is_ok()).unwrap();
        }
    }

    fn syncer(file: File) -> Syncer {
        let log = Log {
            file,
            path: "ledger.sqlite3-wal".into(),
            folder: ".".into(),
            has_failed: AtomicBool::new(false),
        };
        Syncer {
            log: Arc::new(log),
            thread: None,
        }
    }

    /// So many steps at once, and how they are answered.
    fn answered(syncer: &mut Syncer, count: usize) -> Vec<bool> {
        let (report, answers) = mpsc::channel();
        let step = || Box::new(Step(report.clone())) as Box<dyn Job>;
        syncer.answer((0..count).map(|_| step()).collect());
        drop(report);
        answers.iter().collect()
    }

    #[test]
    fn every_step_is_answered_alone_or_with_others() {
        let mut syncer = syncer(tempfile::tempfile().unwrap());
        assert_eq!(answered(&mut syncer, 1), [true]);
        assert!(syncer.thread.is_none(), "one message alone needs no thread");
        assert_eq!(answered(&mut syncer, 3), [true; 3]);
        assert_eq!(answered(&mut syncer, 1), [true]);
        assert!(!syncer.has_failed());
    }

    #[test]
    fn a_disk_that_does_not_sync_is_reported_to_every_step() {
        // A pipe can't be synced (EINVAL).
        let (_reader, writer) = std::io::pipe().unwrap();
        let mut syncer = syncer(File::from(OwnedFd::from(writer)));
        assert_eq!(answered(&mut syncer, 2), [false, false]);
        assert!(syncer.has_failed());
    }
}
