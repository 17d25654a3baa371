//! A library's bytes in memory that can't be written to: what was checked is what the linker maps,
//! whatever becomes of the file in the meantime.
//!
//! The other way, `/proc/self/fd/N` of the open file, survives a file that is replaced, but not one
//! that is written to in place. Both load under Landlock. The kernel copies the bytes without showing
//! them to this process, and what is looked at of them is mapped: that takes a third of the time of
//! reading and writing them [0.3 ms for each megabyte].

use std::{
    fs::File,
    io::{self, Read},
    os::fd::AsRawFd,
    path::{Path, PathBuf},
    ptr, slice,
};

use rustix::fs::{MemfdFlags, SealFlags, fcntl_add_seals, memfd_create};

/// A library's bytes, fixed for as long as this lives.
pub struct Image {
    memory: File,
    /// The same bytes, mapped. Dangling if there are none.
    start: *const u8,
    length: usize,
}

impl Image {
    /// Fixes the bytes of this file: at most so many, and one more where it has more.
    ///
    /// # Errors
    ///
    /// The file can't be read; or no memory file can be made, which is [unsupported](io::ErrorKind::Unsupported).
    pub fn of(_: &Path, file: &File, most: u64) -> io::Result<Self> {
        let memory = memory_file().map_err(|error| {
            let error = io::Error::from(error);
            let words = format!("no memory file can be made (memfd_create): {error}");
            io::Error::new(io::ErrorKind::Unsupported, words)
        });
        let mut memory = File::from(memory?);
        let copied = io::copy(&mut file.take(most.saturating_add(1)), &mut memory)?;
        fcntl_add_seals(
            &memory,
            SealFlags::WRITE | SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL,
        )?;
        let length = usize::try_from(copied).map_err(|_| io::ErrorKind::FileTooLarge)?;
        let start = map(&memory, length)?;
        Ok(Self {
            memory,
            start,
            length,
        })
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: so many bytes are mapped there until this is dropped, and their file can neither be
        // written to nor shrink any more.
        unsafe { slice::from_raw_parts(self.start, self.length) }
    }

    /// The path by which the linker maps them.
    pub fn path(&self) -> PathBuf {
        format!("/proc/self/fd/{}", self.memory.as_raw_fd()).into()
    }
}

impl Drop for Image {
    fn drop(&mut self) {
        if self.length > 0 {
            // SAFETY: mapped by `map`, and nothing of it outlives this.
            unsafe { libc::munmap(self.start.cast_mut().cast(), self.length) };
        }
    }
}

/// Maps a sealed memory file for reading.
fn map(memory: &File, length: usize) -> io::Result<*const u8> {
    // The kernel maps nothing at all.
    if length == 0 {
        return Ok(ptr::NonNull::dangling().as_ptr());
    }
    let (read, private) = (libc::PROT_READ, libc::MAP_PRIVATE);
    // SAFETY: a new mapping at an address of the kernel's choice: no memory of ours changes.
    let start = unsafe {
        libc::mmap(
            ptr::null_mut(),
            length,
            read,
            private,
            memory.as_raw_fd(),
            0,
        )
    };
    match start {
        libc::MAP_FAILED => Err(io::Error::last_os_error()),
        start => Ok(start.cast_const().cast()),
    }
}

/// A library is mapped, never executed: where the kernel knows the difference (6.3), say so, as
/// some systems allow no other memory files.
fn memory_file() -> rustix::io::Result<rustix::fd::OwnedFd> {
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    memfd_create("plugin", flags | MemfdFlags::NOEXEC_SEAL)
        .or_else(|_| memfd_create("plugin", flags))
}
