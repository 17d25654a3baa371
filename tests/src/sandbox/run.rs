//! `sandbox run -- COMMAND`: the command with providers on loopback and a configuration that leads to them.
//!
//! The command gets `$TEXTSENDER_CONFIG`, the sandbox's own folder at the head of `$PATH`, and our standard input,
//! output and error. When it has ended, the phones are drawn.

use std::ffi::{OsStr, OsString};
use std::io::{self, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::ExitStatus;

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};

use super::fault_spec::{FaultSpec, SmtpFaultSpec};
use super::site::{Site, SiteError};
use super::{Sandbox, StartError, phones};

/// Where plugins are installed, seen from the folder of the executable; where it was built they are beside it.
const INSTALLED_PLUGINS: &str = "../lib/textsender/plugins";

/// What to run, and with what.
#[derive(Clone, Debug)]
pub struct Run {
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// Where the plugins are; `None` looks where they are installed with the running executable, or next to it.
    pub plugins: Option<PathBuf>,
    /// Faults of Twilio.
    pub twilio_faults: Vec<FaultSpec>,
    /// Faults of GOV.UK Notify.
    pub notify_faults: Vec<FaultSpec>,
    /// Faults of the mail server.
    pub smtp_faults: Vec<SmtpFaultSpec>,
    /// Whether HTTP providers are reached over TLS, with the sandbox's own authority.
    pub tls: bool,
    /// Whether the configuration stays on the disk.
    pub keep: bool,
    /// Whether the phones are drawn.
    pub phones: bool,
}

/// The command could not be run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// No sandbox.
    #[error(transparent)]
    Start(#[from] StartError),
    /// No configuration.
    #[error(transparent)]
    Site(#[from] SiteError),
    /// No such program.
    #[error("cannot run {}: not found in $PATH or in {}", command.display(), folder.display())]
    NotFound {
        /// The program.
        command: OsString,
        /// The sandbox's own folder, which was looked through first.
        folder: PathBuf,
    },
    /// A program that does not start.
    #[error("cannot run {}: {source}", command.display())]
    NotExecutable {
        /// The program.
        command: OsString,
        /// Why not.
        source: io::Error,
    },
    /// No command at all.
    #[error("there is no command to run; give one after --")]
    NoCommand,
    /// The machine refused something that has no better name.
    #[error("cannot {action}: {source}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// Why not.
        source: io::Error,
    },
}

impl RunError {
    /// The exit code that shells and `env` use: 127 not found, 126 cannot run, 125 the sandbox itself failed.
    pub fn exit_code(&self) -> u8 {
        match self {
            RunError::NotFound { .. } => 127,
            RunError::NotExecutable { .. } => 126,
            _ => 125,
        }
    }
}

/// Runs the command to its end and draws the phones on `out`. Returns the command's exit code, or 128 and the
/// number of the signal that ended it.
///
/// # Errors
/// If the command could not be run.
pub fn run(run: &Run, out: &mut dyn Write) -> Result<u8, RunError> {
    let executable =
        std::env::current_exe().map_err(io_error("find the sandbox's own executable"))?;
    let folder = executable.parent().unwrap_or(Path::new("."));
    let sandbox = Sandbox::builder().start()?;
    for FaultSpec { when, fault } in run.twilio_faults.iter().cloned() {
        sandbox.twilio().fault(when, fault);
    }
    for FaultSpec { when, fault } in run.notify_faults.iter().cloned() {
        sandbox.notify().fault(when, fault);
    }
    for SmtpFaultSpec { at, when, fault } in run.smtp_faults.iter().cloned() {
        sandbox.smtp().fault(at, when, fault);
    }
    let installed = folder.join(INSTALLED_PLUGINS);
    let near = if installed.is_dir() {
        &installed
    } else {
        folder
    };
    let mut site = Site::for_sandbox(&sandbox, run.plugins.as_deref().unwrap_or(near))?;
    if run.tls {
        site.use_tls(&sandbox)?;
    }

    let status = execute(&run.command, &site, folder)?;

    if run.phones {
        let drawn = out
            .write_all(phones(&sandbox.texts()).as_bytes())
            .and_then(|()| out.flush());
        drawn.map_err(io_error("draw the phones"))?;
    }
    if run.keep {
        let kept = writeln!(out, "kept: {}", site.keep().display());
        kept.map_err(io_error("say where the configuration is"))?;
    }
    Ok(exit_code(status))
}

pub(super) fn execute(
    command: &[OsString],
    site: &Site,
    folder: &Path,
) -> Result<ExitStatus, RunError> {
    let (program, arguments) = command.split_first().ok_or(RunError::NoCommand)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(io_error("start a runtime"))?;
    runtime.block_on(async {
        // The terminal interrupts the command as well: wait for it, as a shell does. A request to end is
        // passed on. Both are caught before there is a command, so that neither can come too early.
        let catch = |kind| signal(kind).map_err(io_error("catch signals"));
        let mut interrupt = catch(SignalKind::interrupt())?;
        let mut terminate = catch(SignalKind::terminate())?;
        let mut child = Command::new(program)
            .args(arguments)
            .env("TEXTSENDER_CONFIG", site.config_file())
            .env("PATH", path_with(folder))
            .spawn()
            .map_err(|source| match source.kind() {
                io::ErrorKind::NotFound => RunError::NotFound {
                    command: program.clone(),
                    folder: folder.to_owned(),
                },
                _ => RunError::NotExecutable {
                    command: program.clone(),
                    source,
                },
            })?;
        loop {
            tokio::select! {
                status = child.wait() => return status.map_err(io_error("wait for the command")),
                _ = interrupt.recv() => {}
                _ = terminate.recv() => end(child.id()),
            }
        }
    })
}

/// Asks a process to end; one that has ended already needs no asking.
fn end(id: Option<u32>) {
    let process = id
        .and_then(|id| i32::try_from(id).ok())
        .and_then(Pid::from_raw);
    if let Some(process) = process {
        let _ = kill_process(process, Signal::TERM);
    }
}

/// `$PATH` with this folder in front.
fn path_with(folder: &Path) -> OsString {
    let mut path = folder.as_os_str().to_owned();
    if let Some(rest) = std::env::var_os("PATH") {
        path.push(OsStr::new(":"));
        path.push(rest);
    }
    path
}

pub(super) fn exit_code(status: ExitStatus) -> u8 {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1)
}

fn io_error(action: &'static str) -> impl FnOnce(io::Error) -> RunError {
    move |source| RunError::Io { action, source }
}
