//! A case that runs: its standard input, its host processes, and what it says so far.

use std::fs;
use std::io::{ErrorKind, Write};
use std::process::{Child, ChildStdin, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};

use super::run::Run;
use super::stream::Stream;
use super::test::Test;
use super::wait::wait_for;
use crate::sandbox::Sandbox;

/// A `textsender` that runs. Dropped, it is killed.
pub struct Running {
    /// Taken when it is finished.
    test: Option<Test>,
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Option<Stream>,
    stderr: Stream,
    texts_before: usize,
}

/// A process that a running `textsender` started for a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HostProcess(Pid);

impl Running {
    pub(super) fn start(
        test: Test,
        mut command: Command,
        stdout: Option<Stdio>,
        texts_before: usize,
    ) -> Self {
        let is_seen = stdout.is_none();
        let mut child = command
            .stdout(stdout.unwrap_or_else(Stdio::piped))
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let stdout = child.stdout.take().filter(|_| is_seen);
        Self {
            test: Some(test),
            texts_before,
            stdin: child.stdin.take(),
            stdout: stdout.map(Stream::read),
            stderr: child.stderr.take().map_or_else(Stream::none, Stream::read),
            child,
        }
    }

    /// The providers.
    pub fn sandbox(&self) -> &Sandbox {
        &self.test().sandbox
    }

    /// The case.
    pub fn test(&self) -> &Test {
        self.test.as_ref().unwrap()
    }

    /// Writes to its standard input. One that no longer reads has answered already.
    pub fn write(&mut self, bytes: &[u8]) {
        let stdin = self.stdin.as_mut().unwrap();
        match stdin.write_all(bytes) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => panic!("{error}"),
            _ => {}
        }
    }

    /// Its standard input, for a thread of the case's own to write to.
    pub fn take_stdin(&mut self) -> ChildStdin {
        self.stdin.take().unwrap()
    }

    /// Its standard output so far.
    ///
    /// # Panics
    /// If the case connected it to something else.
    #[track_caller]
    pub(super) fn stdout(&self) -> &Stream {
        self.stdout.as_ref().unwrap()
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until everything written has been read.
    #[track_caller]
    pub fn wait_until_read(&self) {
        let stdin = self.stdin.as_ref().unwrap();
        wait_for("its reading of standard input", || {
            let unread = rustix::io::ioctl_fionread(stdin).unwrap();
            (unread == 0).then_some(())
        });
    }

    /// Waits until it has stopped, as [`Test::stop_at`] wants it.
    #[track_caller]
    pub fn wait_until_stopped(&self) {
        wait_for("a process that stops", || {
            let stat = fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap();
            // "ID (NAME) STATE ...", where the name may hold anything.
            let state = stat.rsplit(") ").next()?.chars().next();
            (state == Some('T')).then_some(())
        });
    }

    /// Ends its standard input.
    pub fn end_input(&mut self) {
        self.stdin = None;
    }

    /// Waits until it has logged these words; returns the log so far.
    #[track_caller]
    pub fn wait_for_log(&self, words: &str) -> String {
        self.stderr.wait_for(words)
    }

    /// Waits until exactly one host process runs that is none of `others`.
    #[track_caller]
    pub fn host_process(&self, others: &[HostProcess]) -> HostProcess {
        wait_for("a host process", || {
            let mut found = self.host_processes();
            found.retain(|process| !others.contains(process));
            match found[..] {
                [process] => Some(process),
                _ => None,
            }
        })
    }

    /// The host processes that run now.
    pub fn host_processes(&self) -> Vec<HostProcess> {
        let id = self.child.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children"));
        children
            .unwrap_or_default()
            .split_whitespace()
            .filter_map(|id| Pid::from_raw(id.parse().ok()?))
            .map(HostProcess)
            .collect()
    }

    /// Asks it to end, as an administrator or systemd does.
    pub fn terminate(&self) {
        let id = Pid::from_raw(self.child.id().try_into().unwrap()).unwrap();
        kill_process(id, Signal::TERM).unwrap();
    }

    /// Ends its standard input, waits for its end, and looks at what every case must keep.
    #[track_caller]
    pub fn finish(mut self) -> Run {
        self.end_input();
        self.wait_for_end()
    }

    /// Waits for it to end by itself, and looks at what every case must keep.
    #[track_caller]
    pub fn wait_for_end(mut self) -> Run {
        let stdout = self.stdout.as_ref().map(Stream::to_end);
        let stderr = self.stderr.to_end();
        let status = self.child.wait().unwrap();
        let test = self.test.take().unwrap();
        Run::new(test, status, stdout, stderr, self.texts_before)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail where it has ended, which is the usual case.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl HostProcess {
    /// Kills it, as the kernel does when memory runs out.
    pub fn kill(self) {
        kill_process(self.0, Signal::KILL).unwrap();
    }

    /// Whether it has ended, even if nobody has asked how.
    pub fn is_over(self) -> bool {
        self.field(3).is_none_or(|state| state == "Z")
    }

    /// Whether it runs only when no other process wants the processor.
    pub fn is_idle(self) -> bool {
        const SCHED_IDLE: &str = "5";
        self.field(41).is_some_and(|policy| policy == SCHED_IDLE)
    }

    /// A field of proc_pid_stat(5), from the third on; `None` if there is no such process.
    fn field(self, number: usize) -> Option<String> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0.as_raw_nonzero())).ok()?;
        // "ID (NAME) STATE ...", where the name may hold anything.
        let (_, rest) = stat.rsplit_once(") ")?;
        rest.split_ascii_whitespace()
            .nth(number - 3)
            .map(Into::into)
    }
}
