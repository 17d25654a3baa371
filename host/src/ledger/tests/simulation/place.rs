//! Where the ledger of a run is kept, and what may happen to it there.

use std::cell::RefCell;
use std::path::Path;
use std::rc::Rc;

use super::super::*;
use super::faulty::Disk;
use super::in_memory;
use crate::ledger::sqlite::Sqlite;
use crate::ledger::store::Engine;

/// Where the ledger of a run is kept.
pub(in crate::ledger::tests) trait Place {
    /// Opens stores for a new process, after so many cuts of the power.
    fn engine(&self, options: Options, boot: u32) -> Box<dyn Engine>;
    /// What makes written steps survive a power cut.
    fn sync(&self) -> Rc<dyn Fn()>;
    /// Ends a process by `drop`, as the kernel does when memory runs out.
    fn kill(&self, drop: &mut dyn FnMut());
    /// What was not synced is lost. All processes have ended.
    fn cut_power(&self);
    /// A stranger takes the write lock, if it is free.
    fn lock(&self);
    /// The stranger gives it back.
    fn unlock(&self);
    /// Milliseconds after which each process is known to be dead that ended.
    fn deaths_show_after(&self) -> i64;
    /// Whether several machines share it.
    fn is_shared(&self) -> bool;
}

/// A file on this machine.
pub(super) struct Folder {
    folder: TempDir,
    disk: Rc<Disk>,
    stranger: RefCell<Option<rusqlite::Connection>>,
}

impl Folder {
    /// A copy of an empty ledger.
    pub fn copy_of(made: &Path) -> Folder {
        let folder = in_memory();
        for file in ["ledger.sqlite3", "ledger.sqlite3-wal", "ledger.key"] {
            std::fs::copy(made.join(file), folder.path().join(file)).unwrap();
        }
        Folder {
            disk: Rc::new(Disk::new(folder.path())),
            folder,
            stranger: RefCell::new(None),
        }
    }
}

impl Place for Folder {
    fn engine(&self, options: Options, boot: u32) -> Box<dyn Engine> {
        let boot = format!("{boot:08x}");
        Box::new(Sqlite::new(self.folder.path(), &options).of_boot(&boot))
    }

    fn sync(&self) -> Rc<dyn Fn()> {
        let disk = Rc::clone(&self.disk);
        Rc::new(move || disk.sync())
    }

    fn kill(&self, drop: &mut dyn FnMut()) {
        let lock_files = self.folder.path().join("ledger.processes");
        let files = |folder: &Path| -> Vec<_> {
            let files = std::fs::read_dir(folder).into_iter().flatten();
            files.map(|file| file.unwrap().path()).collect()
        };
        let before = files(&lock_files);
        drop();
        // It left its file behind, unlocked.
        for file in before.iter().filter(|file| !file.exists()) {
            std::fs::write(file, "").unwrap();
        }
    }

    fn cut_power(&self) {
        self.disk.cut_power();
    }

    fn lock(&self) {
        let mut stranger = self.stranger.borrow_mut();
        if stranger.is_some() {
            return;
        }
        let sql = rusqlite::Connection::open(self.folder.path().join("ledger.sqlite3")).unwrap();
        sql.busy_timeout(Duration::ZERO).unwrap();
        if sql.execute_batch("BEGIN IMMEDIATE").is_ok() {
            *stranger = Some(sql);
        }
    }

    fn unlock(&self) {
        *self.stranger.borrow_mut() = None;
    }

    /// By their lock files, at once.
    fn deaths_show_after(&self) -> i64 {
        0
    }

    fn is_shared(&self) -> bool {
        false
    }
}
