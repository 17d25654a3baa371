//! An Active Directory domain: Samba's domain controller, as the account that runs the tests, on ports of its own.
//! `samba/README` says what it takes.
//!
//! It ends with the process that started it, however that ends: a shell waits for the end of a pipe.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;

use super::{TRIES, free_port};

/// A domain controller that runs.
pub struct Domain {
    folder: PathBuf,
    said: HashMap<String, String>,
    with_cases: OnceLock<()>,
    /// Ends it.
    _guard: Child,
}

impl Domain {
    /// The one domain of this test run. It takes three seconds to make.
    ///
    /// # Panics
    /// If Samba can't run here, and why.
    pub fn shared() -> &'static Domain {
        static DOMAIN: OnceLock<Domain> = OnceLock::new();
        DOMAIN.get_or_init(|| Domain::start(0))
    }

    /// One with so many more containers, each with a link and a user.
    ///
    /// # Panics
    /// If Samba can't run here, and why.
    pub fn large(containers: u32) -> Domain {
        Domain::start(containers)
    }

    fn start(more: u32) -> Domain {
        // In memory where that is possible: what a domain controller writes is much, and worth nothing.
        let memory = Path::new("/dev/shm");
        let mut folder = tempfile::Builder::new();
        let folder = folder.prefix("textsender-samba-");
        let folder = match memory.is_dir() {
            true => folder.tempdir_in(memory),
            false => folder.tempdir(),
        };
        let folder = folder.unwrap().keep();
        // A port that another process took is replaced.
        let mut errors = String::new();
        for _ in 0..TRIES {
            let ports = [free_port(), free_port()].map(|port| port.to_string());
            let up = script("sh", "samba-up.sh")
                .arg(&folder)
                .args(ports)
                .arg(more.to_string())
                .output();
            let up = up.unwrap();
            if up.status.success() {
                return Domain {
                    _guard: guard(&folder),
                    with_cases: OnceLock::new(),
                    said: settings(&String::from_utf8(up.stdout).unwrap()),
                    folder,
                };
            }
            errors = String::from_utf8_lossy(&up.stderr).into_owned();
        }
        let _ = std::fs::remove_dir_all(&folder);
        panic!("Samba does not start: {errors}");
    }

    /// What it is reached by: `LDAP`, `LDAPS`, `CA`, `BASE`, `BIND`, `BIND_PASSWORD`.
    ///
    /// # Panics
    /// If it has no such setting.
    pub fn setting(&self, name: &str) -> &str {
        &self.said[name]
    }

    /// Changes it, by `samba/edit.py`.
    ///
    /// # Panics
    /// If the change is not taken.
    pub fn edit(&self, arguments: &[&str]) {
        self.run("edit.py", arguments);
    }

    /// An attribute of an entry, as text; empty where it has none.
    ///
    /// # Panics
    /// If there is no such entry.
    pub fn attribute(&self, dn: &str, name: &str) -> String {
        self.run("edit.py", &["show", dn, name]).trim().to_owned()
    }

    /// Puts the table of group policy's cases into it, once.
    ///
    /// # Panics
    /// If one is not taken.
    pub fn put_cases(&self, file: &Path) {
        self.with_cases.get_or_init(|| {
            self.run("cases.py", &[&file.display().to_string()]);
        });
    }

    fn run(&self, name: &str, arguments: &[&str]) -> String {
        let mut command = script("/usr/bin/python3", name);
        let done = command.arg(&self.folder).args(arguments).output().unwrap();
        let errors = String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "{name} {arguments:?}: {errors}");
        String::from_utf8(done.stdout).unwrap()
    }
}

fn script(program: &str, name: &str) -> Command {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/peers/samba");
    let mut command = Command::new(program);
    command.arg(scripts.join(name));
    // Scripts beside scripts: nothing is to be compiled into the source.
    command
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null());
    command
}

fn settings(said: &str) -> HashMap<String, String> {
    let lines = said.lines().filter_map(|line| line.split_once('='));
    lines
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect()
}

fn guard(folder: &Path) -> Child {
    let down = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/peers/samba/samba-down.sh");
    let mut shell = Command::new("sh");
    shell.args(["-c", "trap '' INT TERM; read -r _; exec sh \"$0\" \"$1\""]);
    shell.arg(down).arg(folder);
    shell
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    shell.spawn().unwrap()
}
