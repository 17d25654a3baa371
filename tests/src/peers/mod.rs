//! Real mail servers: Exim and Postfix as Debian builds them, unpacked into a folder and started on a free port.
//!
//! As packages they conflict, and neither is wanted on a developer's machine. So `.ci/run` unpacks both into the
//! folder that `$TEXTSENDER_MAIL_SERVERS` names, and nothing is installed: their accounts are those of a file that
//! `libnss_wrapper` shows them.
//!
//! They take mails for `@sms.example` and write each to a file of its own. Numbers steer what they refuse:
//!
//! | recipient | Exim | Postfix |
//! |---|---|---|
//! | of another domain | `550 relay not permitted` | `554 5.7.1 ... Relay access denied` |
//! | ending in 998 | `550 Unknown user` | `550 5.1.1 ... User unknown in virtual mailbox table` |
//! | ending in 999 | `550 Administrative prohibition` | `554 5.7.1 ... Recipient address rejected: Access denied` |

#![allow(
    clippy::unwrap_used,
    reason = "what fails here fails the test, and is an error of nothing else"
)]

mod exim;
mod postfix;
pub mod postgres;
pub mod samba;
pub mod shared_ledger;

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use crate::harness::wait_for;

/// Where the packages were unpacked when this was built: see `build.rs`.
const UNPACKED: Option<&str> = option_env!("MAIL_SERVERS");

/// An account that no machine has.
const ACCOUNT: u32 = 58_123;

/// How often a port that another process took is replaced.
const TRIES: usize = 5;

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// Exim 4. It runs as any account.
    Exim,
    /// Postfix. It needs root.
    Postfix,
}

/// A server that runs until it is dropped.
pub struct MailServer {
    /// Where it listens on `127.0.0.1`.
    pub port: u16,
    folder: TempDir,
    server: Child,
}

impl MailServer {
    /// Starts it, and waits until it greets.
    ///
    /// # Panics
    /// If the packages were not unpacked, or it does not start.
    pub fn start(program: Program) -> Self {
        let unpacked = Path::new(UNPACKED.expect("built without $TEXTSENDER_MAIL_SERVERS"));
        let mut said = String::new();
        for _ in 0..TRIES {
            let folder = Folder::new();
            let port = free_port();
            let mut command = match program {
                Program::Exim => exim::command(unpacked, &folder, port),
                Program::Postfix => postfix::command(unpacked, &folder, port),
            };
            folder.show_accounts_to(&mut command, unpacked);
            command.stdin(Stdio::null()).stdout(Stdio::null());
            let mut server = command.stderr(folder.log()).spawn().unwrap();
            let greets = wait_for("a mail server's greeting", || {
                let has_ended = server.try_wait().unwrap().is_some();
                match greets(port) {
                    true => Some(true),
                    false => has_ended.then_some(false),
                }
            });
            if greets {
                return Self {
                    port,
                    folder: folder.0,
                    server,
                };
            }
            said = fs::read_to_string(folder.path("log")).unwrap();
        }
        panic!("{program:?} does not start: {said}");
    }

    /// The mails that were delivered, as they were written: with a header, and lines that end in `\n`.
    pub fn delivered(&self) -> Vec<Vec<u8>> {
        let mut delivered = Vec::new();
        collect(&self.folder.path().join("mail"), &mut delivered);
        delivered
    }
}

impl Drop for MailServer {
    fn drop(&mut self) {
        // It ends its own processes.
        let _ = kill_process(Pid::from_child(&self.server), Signal::TERM);
        let _ = self.server.wait();
    }
}

/// A server's own folder.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = tempfile::Builder::new()
            .prefix("textsender-mail-")
            .tempdir();
        let folder = Self(folder.unwrap());
        // Its processes run as several accounts.
        fs::set_permissions(folder.0.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let (user, group) = (folder.user(), folder.group());
        let accounts = [
            (
                "passwd",
                format!(
                    "postfix:x:{user}:{group}::/:/bin/false\n\
                     Debian-exim:x:{user}:{group}::/:/bin/false\n\
                     root:x:0:0::/:/bin/sh\n\
                     nobody:x:65534:65534::/:/bin/false\n"
                ),
            ),
            (
                "group",
                format!(
                    "postfix:x:{group}:\nDebian-exim:x:{group}:\npostdrop:x:{}:\nroot:x:0:\n\
                     nogroup:x:65534:\n",
                    group + 1
                ),
            ),
        ];
        for (name, lines) in accounts {
            fs::write(folder.path(name), lines).unwrap();
        }
        folder.make("mail", 0o755);
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn is_root() -> bool {
        rustix::process::geteuid().is_root()
    }

    /// The account of the server's mails: root gives it another one.
    fn user(&self) -> u32 {
        match Self::is_root() {
            true => ACCOUNT,
            false => rustix::process::geteuid().as_raw(),
        }
    }

    fn group(&self) -> u32 {
        match Self::is_root() {
            true => ACCOUNT,
            false => rustix::process::getegid().as_raw(),
        }
    }

    /// A folder of the server's account.
    fn make(&self, name: &str, mode: u32) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        if Self::is_root() {
            chown(&path, Some(ACCOUNT), Some(ACCOUNT)).unwrap();
        }
        path
    }

    fn log(&self) -> fs::File {
        fs::File::create(self.path("log")).unwrap()
    }

    fn show_accounts_to(&self, command: &mut Command, unpacked: &Path) {
        let libraries = [
            "usr/lib/x86_64-linux-gnu",
            "usr/lib/aarch64-linux-gnu",
            "usr/lib/postfix",
        ];
        let libraries = libraries.map(|folder| unpacked.join(folder).display().to_string());
        command
            .env_clear()
            .env("LD_LIBRARY_PATH", libraries.join(":"))
            .env("LD_PRELOAD", "libnss_wrapper.so")
            .env("NSS_WRAPPER_PASSWD", self.path("passwd"))
            .env("NSS_WRAPPER_GROUP", self.path("group"));
    }
}

/// What servers hand on to the processes that they start.
const ENVIRONMENT: [&str; 4] = [
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "NSS_WRAPPER_PASSWD",
    "NSS_WRAPPER_GROUP",
];

/// Another process may take it before the server does: then another one is tried.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

fn greets(port: u16) -> bool {
    let Ok(stream) = TcpStream::connect(("127.0.0.1", port)) else {
        return false;
    };
    let _ = stream.set_read_timeout(Some(Duration::from_secs(10)));
    let mut greeting = String::new();
    let is_read = BufReader::new(stream).read_line(&mut greeting).is_ok();
    is_read && greeting.starts_with("220 ")
}

/// The files of a maildir's folders, but for those that are being written.
fn collect(folder: &Path, found: &mut Vec<Vec<u8>>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            if path.file_name().is_some_and(|name| name != "tmp") {
                collect(&path, found);
            }
        } else if folder.ends_with("new") {
            found.push(fs::read(path).unwrap());
        }
    }
}
