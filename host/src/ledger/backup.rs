//! A copy of the ledger as of one moment, made while it is used; and such a copy put in its place.

use std::io;
use std::path::Path;

use jiff::Timestamp;

use super::error::LedgerError;
use super::folder::{Folder, Guard};
use super::sqlite::totals;
use super::{Ledger, Options};
use crate::trust;

impl Ledger {
    /// Puts a copy that [`History::copy_into`](super::History::copy_into) made into a state folder. A ledger
    /// that is there is set aside; a process that has it open goes over to the new one.
    ///
    /// # Errors
    /// If the copy cannot be read, or the folder cannot be written.
    pub fn restore(state: &Path, copies: &Path, options: &Options) -> Result<(), LedgerError> {
        let folder = Folder::prepare(state)?;
        let _alone = folder.guard(Guard::Replace, options.lock_timeout)?;
        let before = totals::of(&folder, options);
        if folder.database().exists() {
            folder.set_aside(Timestamp::now())?;
        }
        for target in [folder.key(), folder.database()] {
            let source = copies.join(file_name(&target));
            let mut copy =
                trust::open_named(&source).map_err(|error| folder.fault(&error, &source))?;
            let beside = target.with_extension("restored");
            let mut file = folder.open_or_make(&beside)?;
            file.set_len(0)
                .and_then(|()| io::copy(&mut copy, &mut file))
                .and_then(|_| file.sync_all())
                .and_then(|()| trust::folder(state)?.rename(file_name(&beside), file_name(&target)))
                .map_err(|error| folder.fault(&error, &target))?;
        }
        // Whoever counts would take a counter that fell for one that began anew.
        totals::lift(&folder, options, &before)
    }
}

fn file_name(path: &Path) -> &std::ffi::OsStr {
    path.file_name().unwrap_or_default()
}
