//! Is the process that holds a claim still alive?
//!
//! Every process that opens the ledger keeps a file of a random name locked while it lives. The
//! kernel unlocks it at death, however that comes, so a death is seen at once, and a process id
//! that is used again deceives no one.
//!
//! The name begins with a mark of the boot. After a power cut the last steps of a send may be lost
//! from the disk (only the claim is synced), so a claim of an earlier boot may have been dispatched
//! although the ledger does not say so.

use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::PathBuf;

use ring::rand::{SecureRandom, SystemRandom};

use crate::ledger::error::LedgerError;
use crate::ledger::folder::Folder;
use crate::ledger::store::Life;
use crate::ledger::stored::Decision;
use crate::os;

/// This process, as others see it. Dropping it says that the process is done.
#[derive(Debug)]
pub(in crate::ledger) struct Process {
    name: String,
    path: PathBuf,
    boot: String,
    processes: PathBuf,
    locked: File,
}

impl Process {
    /// Makes and locks this process's file.
    pub fn enter(folder: &Folder, boot: &str) -> Result<Process, LedgerError> {
        let processes = folder.processes();
        folder.make_folder(&processes)?;
        loop {
            let name = format!("{boot}-{}", random_name());
            let path = processes.join(&name);
            let file = folder.open_or_make(&path)?;
            // Between making and locking, a sweep may have taken the file for a dead process's.
            let metadata = match file.try_lock() {
                Ok(()) => file.metadata(),
                Err(TryLockError::WouldBlock) => continue,
                Err(TryLockError::Error(error)) => {
                    // No other process can take a file that none can lock for a living one's.
                    let _ = fs::remove_file(&path);
                    return Err(folder.no_locks(&error));
                }
            };
            let metadata = metadata.map_err(|error| folder.fault(&error, &path))?;
            if os::identity::is_unlinked(&metadata) {
                continue;
            }
            return Ok(Process {
                name,
                path,
                boot: boot.to_owned(),
                processes,
                locked: file,
            });
        }
    }

    /// Whether those who use this folder see that this process lives.
    pub fn is_in(&self, folder: &Folder) -> bool {
        let seen = fs::metadata(folder.processes().join(&self.name));
        match (seen, self.locked.metadata()) {
            (Ok(seen), Ok(locked)) => os::identity::of(&seen) == os::identity::of(&locked),
            _ => false,
        }
    }

    /// The name under which this process claims.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What became of the process that claimed as `name`.
    pub fn life_of(&self, name: &str) -> Life {
        life_of(&self.processes, &self.boot, name)
    }

    /// The names of processes that left a file but are dead. [`forget`](Process::forget) them once
    /// their claims are closed.
    pub fn dead(&self) -> Vec<String> {
        let Ok(files) = fs::read_dir(&self.processes) else {
            return Vec::new();
        };
        files
            .filter_map(|file| file.ok()?.file_name().into_string().ok())
            .filter(|name| *name != self.name && self.life_of(name) != Life::Alive)
            .collect()
    }

    /// Deletes the file of a dead process.
    pub fn forget(&self, name: &str) {
        // If it cannot be deleted, it is tried again next time.
        let _ = fs::remove_file(self.processes.join(name));
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // If it cannot be deleted, the unlocked file says the same.
        let _ = fs::remove_file(&self.path);
    }
}

/// What became of the process that holds a decision, as seen by one that is no process of the ledger itself.
pub(in crate::ledger) fn life_of_holder(folder: &Folder, decision: &Decision) -> Life {
    match (&decision.owner, &decision.outcome) {
        (Some(owner), None) => life_seen_from(folder, owner),
        _ => Life::Lost,
    }
}

/// What became of the process `name`.
fn life_seen_from(folder: &Folder, name: &str) -> Life {
    life_of(&folder.processes(), &boot_mark(), name)
}

fn life_of(processes: &std::path::Path, boot: &str, name: &str) -> Life {
    let ended = if name.starts_with(boot) {
        Life::Dead
    } else {
        Life::Lost
    };
    // The name comes from the ledger: damaged, it must not lead out of the folder.
    if name.contains('/') {
        return ended;
    }
    // Whatever else goes wrong here says nothing about the process: to call a living one dead could
    // send a text twice, to call a dead one living only delays.
    match File::open(processes.join(name)) {
        Ok(file) if file.try_lock_shared().is_ok() => ended,
        Err(error) if error.kind() == ErrorKind::NotFound => ended,
        _ => Life::Alive,
    }
}

/// Eight hexadecimal digits that differ between boots. Where the system names no boot, they differ
/// between processes: then every death counts as one that may have lost steps, which is safe.
pub fn boot_mark() -> String {
    os::process::boot_mark().unwrap_or_else(|| random_name()[..8].to_owned())
}

/// Sixteen random hexadecimal digits.
fn random_name() -> String {
    let mut bytes = [0u8; 8];
    if SystemRandom::new().fill(&mut bytes).is_err() {
        // Names must only differ among the living; the process id does that as well.
        bytes = u64::from(std::process::id()).to_le_bytes();
    }
    format!("{:016x}", u64::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_alive_until_it_is_dropped() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Folder::prepare(folder.path()).unwrap();
        let one = Process::enter(&folder, &boot_mark()).unwrap();
        let two = Process::enter(&folder, &boot_mark()).unwrap();
        let name = one.name().to_owned();
        assert_eq!(two.life_of(&name), Life::Alive);
        assert_eq!(two.dead(), Vec::<String>::new());
        drop(one);
        assert_eq!(two.life_of(&name), Life::Dead);
    }

    #[test]
    fn an_unlocked_file_is_a_death() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Folder::prepare(folder.path()).unwrap();
        let me = Process::enter(&folder, &boot_mark()).unwrap();
        let killed = format!("{}-0123456789abcdef", me.boot);
        fs::write(folder.processes().join(&killed), "").unwrap();
        assert_eq!(me.life_of(&killed), Life::Dead);
        assert_eq!(me.dead(), [killed.as_str()]);
        me.forget(&killed);
        assert_eq!(me.dead(), Vec::<String>::new());
    }

    #[test]
    fn another_boot_may_have_lost_steps() {
        let folder = tempfile::tempdir().unwrap();
        let folder = Folder::prepare(folder.path()).unwrap();
        let me = Process::enter(&folder, &boot_mark()).unwrap();
        assert_eq!(me.life_of("00000000-0123456789abcdef"), Life::Lost);
        assert_eq!(me.life_of("../../etc/passwd"), Life::Lost);
        assert_eq!(life_seen_from(&folder, me.name()), Life::Alive);
    }
}
