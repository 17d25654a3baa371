//! Reading and writing what belongs to others.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    os::{
        fd::AsRawFd,
        unix::fs::{FileExt, OpenOptionsExt, PermissionsExt},
    },
    path::Path,
};

use super::{Attempt, Place, c_string, checked};

pub const ATTEMPTS: &[(&str, Attempt)] = &[
    ("read_passwd", |_| read("/etc/passwd")),
    ("read_ledger", |place| read(&place.around.ledger)),
    ("read_secret", |place| read(&place.around.secret)),
    ("read_memory_of_front", |_| read_of_front("mem")),
    ("read_environment_of_front", |_| read_of_front("environ")),
    ("read_files_of_front", |_| list(&of_front("fd"))),
    ("list_root", |_| list("/")),
    ("list_folder", |place| list(&place.around.folder)),
    ("enter_folder", |place| {
        std::env::set_current_dir(&place.around.folder)
    }),
    ("write_file", |place| append(&place.path("victim"))),
    ("write_ledger", |place| append(&place.around.ledger)),
    ("make_file", |place| make(&place.path("made"))),
    ("make_file_in_tmp", |place| {
        let path = format!("/tmp/textsender-escape-{}", place.around.tcp);
        make(&path).and_then(|()| fs::remove_file(path))
    }),
    ("make_file_in_shared_memory", |place| {
        let path = format!("/dev/shm/textsender-escape-{}", place.around.tcp);
        make(&path).and_then(|()| fs::remove_file(path))
    }),
    ("make_unnamed_file", |place| {
        let mut options = OpenOptions::new();
        options.write(true).custom_flags(libc::O_TMPFILE);
        options.open(place.path("")).map(drop)
    }),
    ("make_folder", |place| fs::create_dir(place.path("folder"))),
    ("make_pipe", |place| {
        let path = c_string(&place.path("pipe"))?;
        // SAFETY: a path that ends with a zero byte.
        checked(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }.into()).map(drop)
    }),
    ("link", |place| {
        fs::hard_link(place.path("victim"), place.path("link"))
    }),
    ("symlink", |place| {
        std::os::unix::fs::symlink("/etc/passwd", place.path("symlink"))
    }),
    ("change_mode", |place| {
        fs::set_permissions(place.path("victim"), fs::Permissions::from_mode(0o666))
    }),
    ("change_mode_of_ledger", |place| {
        fs::set_permissions(&place.around.ledger, fs::Permissions::from_mode(0o600))
    }),
    ("change_owner", |place| {
        let path = c_string(&place.path("victim"))?;
        // SAFETY: a path that ends with a zero byte; nobody's owner or group changes to -1.
        checked(unsafe { libc::chown(path.as_ptr(), u32::MAX, u32::MAX) }.into()).map(drop)
    }),
    ("change_times", |place| {
        let path = c_string(&place.path("victim"))?;
        // SAFETY: a path that ends with a zero byte, and no times: now.
        let result = unsafe { libc::utimensat(libc::AT_FDCWD, path.as_ptr(), std::ptr::null(), 0) };
        checked(result.into()).map(drop)
    }),
    ("truncate", |place| {
        let path = c_string(&place.path("victim"))?;
        // SAFETY: a path that ends with a zero byte.
        checked(unsafe { libc::truncate(path.as_ptr(), 0) }.into()).map(drop)
    }),
    ("truncate_by_reading", |place| {
        let mut options = OpenOptions::new();
        options.read(true).custom_flags(libc::O_TRUNC);
        options.open(place.path("victim")).map(drop)
    }),
    ("rename", |place| {
        fs::rename(place.path("victim"), place.path("renamed"))
    }),
    ("remove", |place| fs::remove_file(place.path("other"))),
    ("lock_library_folder", |_| {
        let folder = File::open("/usr/lib")?;
        // SAFETY: an open descriptor.
        checked(unsafe { libc::flock(folder.as_raw_fd(), libc::LOCK_EX | libc::LOCK_NB) }.into())
            .map(drop)
    }),
    ("inherited_descriptor", inherited),
];

fn read(path: &str) -> io::Result<()> {
    File::open(path)?.read(&mut [0; 1]).map(drop)
}

fn of_front(name: &str) -> String {
    format!("/proc/{}/{name}", std::os::unix::process::parent_id())
}

/// The memory's first page is never mapped: to be refused by the address is to have got in.
fn read_of_front(name: &str) -> io::Result<()> {
    match read(&of_front(name)) {
        Err(error) if error.raw_os_error() == Some(libc::EIO) => Ok(()),
        result => result,
    }
}

fn list(path: &str) -> io::Result<()> {
    fs::read_dir(path).map(drop)
}

fn append(path: &str) -> io::Result<()> {
    // Nothing is written: to have opened it is enough.
    OpenOptions::new().append(true).open(path)?.flush()
}

fn make(path: &str) -> io::Result<()> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .map(drop)
}

/// Looks through every descriptor for the one that the front was started with.
fn inherited(place: &Place) -> io::Result<()> {
    let mark = place.around.inherited.as_bytes();
    for descriptor in 3..1024 {
        if !Path::new(&format!("/proc/self/fd/{descriptor}")).exists() {
            continue;
        }
        // SAFETY: it is open, and borrowed only for this read.
        let file = unsafe {
            std::mem::ManuallyDrop::new(<File as std::os::fd::FromRawFd>::from_raw_fd(descriptor))
        };
        let mut bytes = vec![0; mark.len()];
        if file.read_exact_at(&mut bytes, 0).is_ok() && bytes == mark {
            return Ok(());
        }
    }
    Err(io::Error::from_raw_os_error(libc::EPERM))
}
