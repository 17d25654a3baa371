//! The administrator's tool: the guide is walked, edits keep what they should, secrets stay secret.

mod backup;
mod bad_edits;
mod broken_policy;
mod changes;
mod completions;
mod contained;
mod doctor;
mod edits;
mod expiring;
mod first_text;
mod gateways;
mod guide;
mod health;
mod installed;
mod logging;
mod mistakes;
mod monitoring;
mod oncall;
mod pasted;
mod pauses;
mod plugins;
mod providers;
mod refusals;
mod root;
mod secrets;
mod state_folder;
mod status;
mod terminal;

use std::fmt;
use std::fs::{self, File, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use tempfile::TempDir;
use textsender_tests::harness::artifacts;
use textsender_tests::sandbox::{Sandbox, twilio};

/// An administrator at a shell of their own: a home, `textsender` in `$PATH`, and nothing else around.
pub struct Admin {
    home: TempDir,
    /// The folder of `textsender`.
    programs: PathBuf,
}

impl Admin {
    /// With nothing yet: `init` comes first.
    pub fn new() -> Self {
        let home = tempfile::Builder::new()
            .prefix("textsender-admin-")
            .tempdir()
            .unwrap();
        let programs = artifacts().textsender.parent().unwrap().to_owned();
        Self { home, programs }
    }

    /// The same with the program and the plugins in a tree as the packages have it, for every account of
    /// this machine.
    pub fn installed() -> Self {
        let mut admin = Self::new();
        let prefix = admin.home.path().join("usr");
        admin.programs = prefix.join("bin");
        let plugins = prefix.join("lib/textsender/plugins");
        let copy = |file: PathBuf, folder: &Path| {
            // Another process makes it: a file that this one has open for writing is busy for as long as a child
            // of another test has it, too.
            let mut install = Command::new("install");
            install
                .args(["-D", "-m", "755", "-t"])
                .arg(folder)
                .arg(file);
            assert!(install.status().unwrap().success());
        };
        copy(artifacts().textsender.clone(), &admin.programs);
        for plugin in ["twilio", "govuk-notify", "email-gateway"] {
            copy(artifacts().plugin(plugin), &plugins);
        }
        fs::set_permissions(admin.home.path(), Permissions::from_mode(0o755)).unwrap();
        admin
    }

    /// After `init` and the installation of all plugins.
    pub fn at_work() -> Self {
        let admin = Self::new();
        let folder = admin.folder().display().to_string();
        admin
            .run(&["init", "--region", "GB", "--folder", &folder])
            .ok();
        for plugin in ["twilio", "govuk-notify", "email-gateway"] {
            let file = artifacts().plugin(plugin).display().to_string();
            admin.run(&["plugin", "install", &file]).ok();
        }
        admin
    }

    /// Adds the sandbox's Twilio as a sender, without its secret.
    #[track_caller]
    pub fn adds_twilio(&self, sandbox: &Sandbox) {
        let url = format!("base_url={}", sandbox.twilio().url());
        let sid = format!("account_sid={}", twilio::ACCOUNT_SID);
        let from = format!("from={}", twilio::FROM_NUMBER);
        self.run(&["sender", "add", "twilio", &url, &sid, &from])
            .ok();
    }

    /// Adds it with its secret, as the sender of all who have none of their own.
    #[track_caller]
    pub fn sends_by_twilio(&self, sandbox: &Sandbox) {
        self.adds_twilio(sandbox);
        self.feed(&["secret", "set", "twilio.auth_token"], twilio::AUTH_TOKEN)
            .ok();
        self.run(&["select-sender", "twilio"]).ok();
    }

    /// The folder of everything, in the home.
    pub fn folder(&self) -> PathBuf {
        self.home.path().join("textsender")
    }

    /// `textsender.toml`.
    pub fn config(&self) -> PathBuf {
        self.folder().join("textsender.toml")
    }

    /// What is in `textsender.toml`.
    pub fn config_text(&self) -> String {
        fs::read_to_string(self.config()).unwrap()
    }

    /// Writes `textsender.toml` anew, behind the tool's back.
    pub fn write_config(&self, text: &str) {
        fs::write(self.config(), text).unwrap();
    }

    /// The first policy.
    pub fn everyone(&self) -> PathBuf {
        self.folder().join("policies/everyone.toml")
    }

    /// The folder of plugins.
    pub fn plugins(&self) -> PathBuf {
        match self.programs.with_file_name("lib/textsender/plugins") {
            installed if installed.is_dir() => installed,
            _ => self.folder().join("plugins"),
        }
    }

    /// The state folder.
    pub fn state(&self) -> PathBuf {
        self.folder().join("state")
    }

    /// Runs `textsender` without standard input.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.feed(arguments, "")
    }

    /// Runs `textsender` with this on standard input.
    pub fn feed(&self, arguments: &[&str], stdin: &str) -> Ran {
        let mut command = Command::new(self.programs.join("textsender"));
        command.args(arguments);
        self.finish(command, stdin)
    }

    /// Runs a line of a shell, with this on standard input.
    pub fn shell(&self, line: &str, stdin: &str) -> Ran {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", line]);
        self.finish(command, stdin)
    }

    /// Runs a line of a shell as the account of this number, which only root can.
    pub fn shell_as(&self, account: u32, line: &str, stdin: &str) -> Ran {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", line]).uid(account).gid(account);
        self.finish(command, stdin)
    }

    /// A command in this administrator's surroundings, not yet run.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.programs.join("textsender"));
        self.around(command.args(arguments));
        command
    }

    /// Starts a command at a terminal; returns it and what is on the screen's other side.
    pub fn at_terminal(&self, mut command: Command) -> (Child, File) {
        let terminal = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&terminal).unwrap();
        unlockpt(&terminal).unwrap();
        let name = ptsname(&terminal, Vec::new()).unwrap();
        let keyboard = File::options()
            .read(true)
            .write(true)
            .open(name.to_str().unwrap())
            .unwrap();
        let screen = || keyboard.try_clone().unwrap();
        let child = command
            .stdout(screen())
            .stderr(screen())
            .stdin(screen())
            .spawn()
            .unwrap();
        (child, File::from(terminal))
    }

    fn around(&self, command: &mut Command) {
        command
            .env_clear()
            .env("PATH", format!("{}:/usr/bin:/bin", self.programs.display()))
            .env("HOME", self.home.path())
            .env("TEXTSENDER_CONFIG", self.config())
            .current_dir(self.home.path());
    }

    fn finish(&self, mut command: Command, stdin: &str) -> Ran {
        self.around(&mut command);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that does not read has closed it: that is no failure.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        let output = child.wait_with_output().unwrap();
        Ran {
            command: format!("{command:?}"),
            exit: output
                .status
                .code()
                .unwrap_or_else(|| -output.status.signal().unwrap()),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A command that ran.
pub struct Ran {
    command: String,
    /// The exit code, or the negative number of the signal that ended it.
    pub exit: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Ran {
    /// Wants success, and nothing to complain about.
    #[track_caller]
    pub fn ok(&self) -> &Self {
        assert!(self.exit == 0 && self.stderr.is_empty(), "{self}");
        self
    }

    /// Wants a failure with this exit code.
    #[track_caller]
    pub fn failed(&self, exit: i32) -> &Self {
        assert_eq!(self.exit, exit, "{self}");
        self
    }

    /// Wants these words, on either output.
    #[track_caller]
    pub fn says(&self, words: &str) -> &Self {
        let said = self.stdout.contains(words) || self.stderr.contains(words);
        assert!(said, "it does not say {words:?}: {self}");
        self
    }

    /// Standard output as JSON.
    #[track_caller]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self}"))
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            command,
            exit,
            stdout,
            stderr,
        } = self;
        write!(f, "{command}\nexit {exit}\n{stdout}\n{stderr}")
    }
}
