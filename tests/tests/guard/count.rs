//! textsender under valgrind: its instructions, and those of the host process that it starts.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{ErrorKind, Read};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;
use textsender_tests::harness::{Artifacts, artifacts};
use textsender_tests::sandbox::Sandbox;
use textsender_tests::sandbox::site::Site;

/// Messages of the two streams whose difference is counted.
const MESSAGES: [usize; 2] = [100, 600];

/// How often a count is tried: a machine that is busy may let a message run into its deadline.
const TRIES: usize = 3;

/// The most descriptors there may be. The host process lowers its own bound, and valgrind lets it only
/// if it was no higher.
const DESCRIPTORS: &str = "256";

/// Installations and what is needed to look into both processes.
pub struct Counter {
    artifacts: &'static Artifacts,
    sandbox: Sandbox,
    folder: TempDir,
    followed: PathBuf,
}

impl Counter {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let followed = folder.path().join("followed.so");
        let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/guard/followed.c");
        let compiled = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .arg(&followed)
            .arg(source)
            .arg("-ldl")
            .status();
        assert!(compiled.unwrap().success(), "can't compile {source}");
        Self {
            artifacts: artifacts(),
            sandbox: Sandbox::builder().keep_requests(false).start().unwrap(),
            folder,
            followed,
        }
    }

    /// One send with the ledger, which is there already, and knows how the sender's process is sealed: the least
    /// of three. On a busy machine a send takes longer, and its process is looked at more often [1.5 %].
    pub fn one_send(&self) -> u64 {
        tried(|| {
            let site = self.site(true);
            let mut least = self.count(&site, &["send"], 1)?;
            for _ in 0..3 {
                least = least.min(self.count(&site, &["send"], 1)?);
            }
            Ok(least)
        })
    }

    /// What a message adds to a stream: the difference of a long one and a short one.
    pub fn stream_message(&self) -> u64 {
        tried(|| {
            let site = self.site(false);
            let arguments = ["send", "--stream", "--concurrency", "8"];
            let short = self.count(&site, &arguments, MESSAGES[0])?;
            let long = self.count(&site, &arguments, MESSAGES[1])?;
            Ok((long - short) / (MESSAGES[1] - MESSAGES[0]) as u64)
        })
    }

    fn site(&self, ledger: bool) -> Site {
        let mut site = Site::for_sandbox(&self.sandbox, &self.artifacts.twilio).unwrap();
        // Under valgrind all takes fifty times as long.
        site.set("send.timeout", "120s").unwrap();
        site.set("senders.twilio.timeout", "120s").unwrap();
        if !ledger {
            site.set("state.ledger", "off").unwrap();
        }
        site
    }

    /// So many requests, a line each.
    fn input(&self, messages: usize) -> File {
        let mut lines = String::new();
        for number in 0..messages {
            // Writing to a string never fails.
            let _ = writeln!(
                lines,
                r#"{{"purpose":"verification_code","user":{{"phone":"+44740{number:07}"}},"code":"beK989vc"}}"#
            );
        }
        let file = self.folder.path().join("requests.jsonl");
        fs::write(&file, lines).unwrap();
        File::open(file).unwrap()
    }

    /// The instructions of front and host process, or what was said where a message was not accepted.
    fn count(&self, site: &Site, arguments: &[&str], messages: usize) -> Result<u64, String> {
        // Each process says what it counted on a connection of its own: the host process has no other
        // way out.
        let logs = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let output = Command::new("sh")
            .args([
                "-c",
                &format!("ulimit -n {DESCRIPTORS}; exec valgrind \"$@\""),
                "sh",
            ])
            .args(["--tool=callgrind", "--trace-children=yes"])
            .arg(format!("--log-socket={}", logs.local_addr().unwrap()))
            // What the log says is enough, and this can be opened by any account.
            .arg("--callgrind-out-file=/dev/null")
            .arg(&self.artifacts.textsender)
            .args(arguments)
            .env("LD_PRELOAD", &self.followed)
            .env("COUNTED", &self.artifacts.textsender)
            .env("TEXTSENDER_CONFIG", site.config_file())
            .stdin(self.input(messages))
            .output()
            .unwrap();
        let answers = String::from_utf8_lossy(&output.stdout);
        let is_accepted = |answer: &&str| answer.contains(r#""outcome":"accepted""#);
        if answers.lines().filter(is_accepted).count() != messages {
            let log = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{answers}{log}"));
        }
        let counts = read(&logs);
        let both = counts.len() == 2;
        assert!(
            both,
            "front and host process are to be counted, not {counts:?}"
        );
        Ok(counts.iter().sum())
    }
}

/// What is counted, once every message of it was accepted. Each try has an installation of its own: what a
/// failed one left in the ledger would be counted, too.
fn tried(count: impl Fn() -> Result<u64, String>) -> u64 {
    let mut said = String::new();
    for _ in 0..TRIES {
        match count() {
            Ok(count) => return count,
            Err(other) => said = other,
        }
    }
    panic!("a message was not accepted, time and again: {said}");
}

/// What each process said that it counted. All have ended, so that all is there.
fn read(logs: &TcpListener) -> Vec<u64> {
    logs.set_nonblocking(true).unwrap();
    let mut counts = Vec::new();
    loop {
        let mut log = match logs.accept() {
            Ok((log, _)) => log,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return counts,
            Err(error) => panic!("{error}"),
        };
        log.set_nonblocking(false).unwrap();
        let mut said = String::new();
        log.read_to_string(&mut said).unwrap();
        let count = said.lines().find_map(|line| -> Option<u64> {
            let (_, count) = line.split_once("Collected : ")?;
            count.trim().parse().ok()
        });
        // The shell and what else is started on the way is not counted.
        counts.extend(count);
    }
}
