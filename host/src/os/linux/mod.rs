//! Linux: what a host process may no longer do once it is sealed.

mod child;
mod forbidden;
mod image;
mod landlock;
mod linker;
mod seccomp;

use std::{
    fs::File,
    io::{self, Seek, Write},
    path::PathBuf,
};

use rustix::{
    fs::{MemfdFlags, memfd_create},
    process::{DumpableBehavior, Resource, Signal},
    thread::{CapabilitySet, CapabilitySets},
};

use super::{
    seal::{SealError, SealPlan, Sealed},
    unix::process::limit,
};

pub use child::{ended, lower_priority, processor_time, threads};
pub use image::Image;
pub use linker::missing as missing_libraries;

/// The most memory that a host process may take, in bytes: a plugin that takes more fails alone.
/// It bounds its threads too, for each takes 2 MiB or more of it.
const MEMORY: u64 = 1 << 30;

/// The most descriptors that a host process may hold: connections, with a grant, and a few of its own.
const DESCRIPTORS: u64 = 256;

/// This very executable, even if its file was replaced since.
pub(super) fn own_executable() -> io::Result<PathBuf> {
    Ok("/proc/self/exe".into())
}

/// A file that is on no disk, with these bytes to be read.
pub(super) fn file_in_memory(bytes: &[u8]) -> io::Result<File> {
    let mut file = File::from(memfd_create("input", MemfdFlags::CLOEXEC)?);
    file.write_all(bytes)?;
    file.rewind()?;
    Ok(file)
}

/// Keeps this process's memory, with its secrets, from other processes of the same user, and from
/// the disk when it crashes.
pub fn protect() -> io::Result<()> {
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    limit(Resource::Core, 0)
}

/// Closes what the front's own caller left open and the front did not know of. Must be called
/// before this process opens anything.
pub fn close_inherited() {
    // SAFETY: only descriptors above standard error are closed, and nothing in this process has
    // opened one yet. A kernel without the call (before 5.9) refuses it and closes nothing.
    let closed = unsafe { libc::syscall(libc::SYS_close_range, 3, libc::c_uint::MAX, 0) };
    if closed == 0 {
        return;
    }
    for descriptor in 3..1024 {
        // SAFETY: as above; closing one that is not open does nothing.
        unsafe { libc::close(descriptor) };
    }
}

/// Bounds what this process can do to the machine, and ties it to the front's life.
pub fn restrain() -> io::Result<()> {
    let named = |call: &str, error: io::Error| {
        io::Error::new(
            error.kind(),
            format!("the system call {call} is refused: {error}"),
        )
    };
    end_with_parent().map_err(|error| named("prctl", error))?;
    protect()
        .and_then(|()| limit(Resource::As, MEMORY))
        .and_then(|()| limit(Resource::Nofile, DESCRIPTORS))
        .map_err(|error| named("prlimit64", error))
}

/// This process is killed when its parent ends, however that comes.
fn end_with_parent() -> io::Result<()> {
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL))?;
    Ok(())
}

/// Seals this process: after it, code of a stranger may run here.
///
/// # Errors
///
/// A part that every kernel has is refused. What a kernel may lack is told by the result.
pub fn seal(plan: &SealPlan) -> Result<Sealed, SealError> {
    let refused = |call| move |error: io::Error| forbidden::refused(call, error);
    // A change of account has taken it off.
    end_with_parent().map_err(refused("prctl"))?;
    limit(Resource::Fsize, 0).map_err(refused("prlimit64"))?;
    rustix::thread::set_no_new_privs(true).map_err(|error| refused("prctl")(error.into()))?;
    drop_capabilities().map_err(refused("capset"))?;
    Ok(Sealed {
        // Before seccomp, which shuts Landlock's own calls.
        landlock: landlock::restrict(&plan.ports),
        seccomp: seccomp::restrict(plan.grants_network()),
    })
}

/// For a front that runs as root: its plugins are root without its powers. Where there are none, the
/// call is not made: filters of services and containers forbid it.
fn drop_capabilities() -> io::Result<()> {
    let has_none = rustix::thread::capabilities(None).is_ok_and(|now| now == NO_CAPABILITIES);
    match has_none {
        true => Ok(()),
        false => Ok(rustix::thread::set_capabilities(None, NO_CAPABILITIES)?),
    }
}

const NO_CAPABILITIES: CapabilitySets = CapabilitySets {
    effective: CapabilitySet::empty(),
    permitted: CapabilitySet::empty(),
    inheritable: CapabilitySet::empty(),
};
