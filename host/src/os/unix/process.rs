//! Host processes: how they are started, as whom, and what they inherit.

mod early;

use std::{
    env::{self, consts::EXE_SUFFIX},
    ffi::OsStr,
    fs, io,
    os::unix::process::{CommandExt, ExitStatusExt},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    sync::OnceLock,
    time::Duration,
};

use rustix::process::{Resource, Rlimit};

use super::limits;
use super::pipes::{self, Receiver, Sender};
use crate::os::{seal::SealPlan, system};

pub use crate::os::system::{
    close_inherited, ended, lower_priority, processor_time, protect, restrain, threads,
};
pub use early::{end_early, start_early};

/// The hidden subcommand of a host process.
pub const SUBCOMMAND: &str = "plugin-host";

/// What a host process has for standard error.
const NOTHING: &str = "/dev/null";

/// The account that host processes run as, where root starts them: a plugin never runs as root.
static ACCOUNT: OnceLock<(u32, u32)> = OnceLock::new();

/// Lets every host process that this process starts from now on run as another account, by the
/// numbers of user and group. Only root may. The first word counts.
pub fn run_as(user: u32, group: u32) {
    let _ = ACCOUNT.set((user, group));
}

/// Starts this executable as a host process, or takes the one that was started early: empty
/// environment, frames on its standard input and output, nothing else inherited.
///
/// # Errors
///
/// No process can be started.
pub fn spawn(plan: &SealPlan) -> io::Result<(Child, Sender, Receiver)> {
    let mut child = match early::take(plan) {
        Some(child) => child,
        None => started(plan)?,
    };
    let (down, up) = pipes::end_of(&mut child)?;
    Ok((child, down, up))
}

/// This executable, to be run with other words.
///
/// # Errors
///
/// It can't be told where it is.
pub fn own_command() -> io::Result<Command> {
    Ok(Command::new(system::own_executable()?))
}

/// What is said of a process that a filter ended.
pub const CALL_FORBIDDEN: &str = "a system call is forbidden from outside: a filter around textsender \
     ended its host process (SIGSYS); in its systemd unit, SystemCallErrorNumber=EPERM shows which";

/// Whether a process was ended for a system call that a filter forbids.
pub fn was_call_forbidden(status: ExitStatus) -> bool {
    status.signal() == Some(rustix::process::Signal::SYS.as_raw())
}

/// What stands behind a failure to start a process, as far as it can be told, and whether it is one
/// that passes.
pub fn spawn_failure(error: &io::Error) -> (String, bool) {
    let words = match limits::reached(error) {
        Some(limit) => return (format!("{error}: {limit}"), true),
        None if error.kind() == io::ErrorKind::NotFound && !Path::new(NOTHING).exists() => {
            "there is no /dev/null; is /dev mounted?"
        }
        None if error.kind() == io::ErrorKind::NotFound => "is /proc mounted?",
        None if error.kind() == io::ErrorKind::PermissionDenied => {
            "becoming the state folder's owner needs CAP_SETUID and CAP_SETGID, and starting programs must be allowed"
        }
        None => return (error.to_string(), true),
    };
    (format!("{error}: {words}"), false)
}

/// Another program of the same installation: it lies beside this one.
pub fn companion(name: &str) -> PathBuf {
    let own = env::current_exe().unwrap_or_default();
    own.with_file_name(format!("{name}{EXE_SUFFIX}"))
}

/// Starts such a program: empty environment, lines on its standard input and output, nothing else inherited.
///
/// # Errors
///
/// It is not there, or no process can be started.
pub fn spawn_companion(name: &str, argument: &str) -> io::Result<(Child, Sender, Receiver)> {
    let mut command = Command::new(companion(name));
    command
        .arg(argument)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    if let Some((user, group)) = ACCOUNT.get() {
        command.gid(*group).uid(*user);
    }
    let mut child = command.spawn()?;
    let (down, up) = pipes::end_of(&mut child)?;
    Ok((child, down, up))
}

/// Goes on as another program, with the same environment and streams. `input` stands on its standard input, for what
/// was read there. Returns if it can't be started.
pub fn replace<A: AsRef<OsStr>>(
    program: &Path,
    arguments: &[A],
    input: Option<&[u8]>,
) -> io::Error {
    let mut command = Command::new(program);
    command.args(arguments);
    match input.map(system::file_in_memory).transpose() {
        Ok(Some(file)) => drop(command.stdin(file)),
        Ok(None) => {}
        Err(error) => return error,
    }
    command.exec()
}

fn started(plan: &SealPlan) -> io::Result<Child> {
    let mut command = command()?;
    if let Some((user, group)) = ACCOUNT.get() {
        // It leaves root's further groups behind as well.
        command.gid(*group).uid(*user);
    }
    if plan.grants_network() {
        // The C library then resolves names over TCP, which a port can be granted for: UDP, which
        // would reach a reader, stays shut.
        command.env("RES_OPTIONS", "use-vc");
    }
    command.spawn()
}

fn command() -> io::Result<Command> {
    let mut command = Command::new(system::own_executable()?);
    command
        .arg(SUBCOMMAND)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    Ok(command)
}

/// Lets this process open as many files as it may: a stream has a connection for each message in flight.
pub fn raise_open_files() {
    let most = rustix::process::getrlimit(Resource::Nofile).maximum;
    let limit = Rlimit {
        current: most,
        maximum: most,
    };
    // What it may not have it does without.
    let _ = rustix::process::setrlimit(Resource::Nofile, limit);
}

/// Lowers a limit of this process for good. Never above what it was given.
pub(in crate::os) fn limit(resource: Resource, most: u64) -> io::Result<()> {
    let hard = rustix::process::getrlimit(resource).maximum;
    let most = Some(hard.map_or(most, |hard| hard.min(most)));
    let limit = Rlimit {
        current: most,
        maximum: most,
    };
    Ok(rustix::process::setrlimit(resource, limit)?)
}

/// Whether this process has more than one thread, as far as the system says.
pub fn has_threads() -> bool {
    fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() > 1)
}

/// Time since the boot, by a clock that goes on while the machine sleeps and that no one sets.
pub fn since_boot() -> Duration {
    #[cfg(target_os = "linux")]
    const CLOCK: libc::clockid_t = libc::CLOCK_BOOTTIME;
    #[cfg(not(target_os = "linux"))]
    const CLOCK: libc::clockid_t = libc::CLOCK_MONOTONIC;
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: it writes to `time` alone, which lives until it returns.
    let done = unsafe { libc::clock_gettime(CLOCK, &mut time) };
    debug_assert_eq!(done, 0, "every kernel that Rust runs on has this clock");
    let (seconds, nanos) = (time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs());
    Duration::new(seconds, u32::try_from(nanos).unwrap_or(0))
}

/// This machine's name; empty where it has none.
pub fn host_name() -> String {
    let mut name = [0u8; 256];
    // SAFETY: the system writes at most so many bytes into `name`, which lives until it returns.
    let done = unsafe { libc::gethostname(name.as_mut_ptr().cast(), name.len() - 1) };
    let end = name.iter().position(|byte| *byte == 0).unwrap_or(0);
    match done {
        0 => String::from_utf8_lossy(&name[..end]).into_owned(),
        _ => String::new(),
    }
}

/// Eight hexadecimal digits that differ between boots; `None` where the system names no boot.
pub fn boot_mark() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    (id.len() >= 8 && id.is_ascii()).then(|| id[..8].to_owned())
}
