//! Systems other than Linux: the plugin runs in a process of its own, but not sealed, and nothing
//! here claims otherwise.

use std::{
    fs::File,
    io::{self, Read},
    path::{Path, PathBuf},
    process::{Child, ExitStatus},
    time::Duration,
};

use rustix::process::Resource;
use tokio::time::sleep;

use super::{
    seal::{SealError, SealPlan, Sealed},
    unix::process::limit,
};

/// A library's file. Its bytes may change between check and load: only its owner can write to it.
pub struct Image {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Image {
    /// Reads this file: at most so many bytes, and one more where it has more.
    pub fn of(path: &Path, file: &File, most: u64) -> io::Result<Self> {
        let mut bytes = Vec::new();
        file.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
        Ok(Self {
            path: path.to_owned(),
            bytes,
        })
    }

    /// The bytes, as they were.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The path by which the linker maps it.
    pub fn path(&self) -> PathBuf {
        self.path.clone()
    }
}

/// This executable's file.
pub(super) fn own_executable() -> io::Result<PathBuf> {
    std::env::current_exe()
}

/// A file that is on no disk: there is none.
pub(super) fn file_in_memory(_: &[u8]) -> io::Result<std::fs::File> {
    Err(io::ErrorKind::Unsupported.into())
}

/// Keeps this process's memory off the disk when it crashes.
pub fn protect() -> io::Result<()> {
    limit(Resource::Core, 0)
}

/// Closes what the front's own caller left open. Must be called before this process opens anything.
pub fn close_inherited() {
    for descriptor in 3..1024 {
        // SAFETY: nothing in this process has opened a descriptor yet; closing one that is not open
        // does nothing.
        unsafe { libc::close(descriptor) };
    }
}

/// Bounds what this process can do. Its end is the end of its pipe.
pub fn restrain() -> io::Result<()> {
    protect()
}

/// How often a process is asked whether it has ended.
const ROUND: Duration = Duration::from_millis(5);

/// Waits for a process that was killed, without holding up what else runs here.
pub async fn ended(child: &mut Child) -> io::Result<ExitStatus> {
    loop {
        match child.try_wait()? {
            Some(status) => return Ok(status),
            None => sleep(ROUND).await,
        }
    }
}

/// The processor time that a process took: here that can't be told, and its budget is not held.
pub fn processor_time(_: u32) -> Option<Duration> {
    None
}

/// How many threads it has: the same.
pub fn threads(_: u32) -> Option<u64> {
    None
}

/// Lets a process run only when no other wants the processor: here it can't be.
pub fn lower_priority(_: u32) {}

/// Seals nothing, and says so.
pub fn seal(_: &SealPlan) -> Result<Sealed, SealError> {
    Ok(Sealed::NOT)
}

/// Which libraries the linker will not find: here only the linker knows.
pub fn missing_libraries(_: &[String]) -> Vec<String> {
    Vec::new()
}
