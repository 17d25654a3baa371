//! Installations: one with the plugin that tries to escape, run with and without the seal; one with a plugin that
//! does nothing but send.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use libtest_mimic::{Failed, Trial};
use textsender_tests::harness::artifacts;
use textsender_tests::sandbox::Sandbox;
use textsender_tests::sandbox::site::Site;

use crate::filters;
use crate::surroundings::{INHERITED, Surroundings, write_into};

/// What came of each attempt: `succeeded`, `refused` or `failed`.
pub type Results = BTreeMap<String, String>;

/// The results at each moment.
pub type Report = BTreeMap<String, Results>;

/// Sends one message.
pub const SEND: &str = "./textsender --log-level debug send";

const REQUEST: &str = r#"{"purpose":"verification_code","event":"reset","user":{"phone":"+447700900123"},"code":"beK989vc"}"#;

const POLICY: &str = "name = \"Everyone\"\nregion = \"GB\"\nevents = [\"reset\"]\n\n[verification_code]\n\
                      text = \"Your verification code is %code%\"\n";

/// The number of the user `nobody`.
const NOBODY: u32 = 65534;

/// Who runs the front.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum User {
    /// Whoever runs the tests.
    Own,
    /// An ordinary user.
    Nobody,
}

impl fmt::Display for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            _ if !rustix::process::geteuid().is_root() => "user",
            User::Own => "root",
            User::Nobody => "user",
        })
    }
}

/// Where installations are made, and where their plugins send.
pub struct Inside {
    user: User,
    sandbox: Sandbox,
}

impl Inside {
    pub fn new(user: User) -> Self {
        Self {
            user,
            sandbox: Sandbox::start(),
        }
    }

    /// What came of the attempts.
    pub fn sealed(&self) -> Report {
        self.report(&self.escaping())
    }

    /// The same with a grant for one port.
    pub fn sealed_with_grant(&self) -> Report {
        let mut escaping = self.escaping();
        let port = i64::from(escaping.surroundings.granted());
        let ports: toml::Value = vec![toml::Value::from(port)].into();
        let installation = &mut escaping.installation;
        installation.set("senders.escapes.network.ports", ports);
        self.report(&escaping)
    }

    /// The same attempts without a seal.
    pub fn outside(&self) -> Results {
        let Escaping {
            installation,
            surroundings,
        } = self.escaping();
        installation.make_ledger();
        let told = surroundings.told(&installation.site.state());
        // The shell is what the front is to a plugin.
        let output = installation.run(&format!("./escapes-outside try '{told}'; true"));
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", shown(&output)))
    }

    /// Cases beside the attempts: filters around textsender, and the front itself.
    pub fn others(&self) -> Vec<Trial> {
        let mut trials = filters::cases(self.user);
        trials.push(front(self.user));
        trials
    }

    fn report(&self, Escaping { installation, .. }: &Escaping) -> Report {
        installation.make_ledger();
        self.sandbox.forget();
        let output = installation.run(SEND);
        let requests = self.sandbox.requests();
        let report = requests.last().and_then(|request| request.json());
        let report = report.unwrap_or_else(|| panic!("no report: {}", shown(&output)));
        serde_json::from_value(report).unwrap()
    }

    /// One that sends through Twilio's plugin, which tries nothing else.
    pub fn installation(&self) -> Installation {
        let site = Site::for_sandbox(&self.sandbox, &artifacts().twilio).unwrap();
        site.policy("everyone", POLICY).unwrap();
        self.complete(site)
    }

    /// One with the plugin that tries to escape.
    fn escaping(&self) -> Escaping {
        let mut site = Site::new().unwrap();
        let escapes = artifacts().plugin("escapes");
        let surroundings = Surroundings::new(site.folder().join("around"));
        let copy = site.plugins().join(escapes.file_name().unwrap());
        write_into(&escapes, &copy, &surroundings.told(&site.state()));
        fs::set_permissions(&copy, Permissions::from_mode(0o755)).unwrap();
        let report_url = format!("{}/escapes", self.sandbox.twilio().url());
        let settings = [("report_url", report_url.into())];
        site.sender("escapes", "escapes", settings).unwrap();
        site.set("defaults.sender", "escapes").unwrap();
        site.set("defaults.policy", "Everyone").unwrap();
        site.policy("everyone", POLICY).unwrap();
        site.secret("twilio.auth_token", "another sender's")
            .unwrap();
        Escaping {
            installation: self.complete(site),
            surroundings,
        }
    }

    /// Adds what a command is run with.
    fn complete(&self, site: Site) -> Installation {
        fs::write(site.folder().join("inherited"), INHERITED).unwrap();
        // Where an ordinary user finds them: the build's own folder may be shut to others.
        let outside = artifacts().plugins.join("escapes-outside");
        // Another process copies them: a file that this one has open for writing is busy for as long as a child of
        // another case has it, too.
        let mut copy = Command::new("cp");
        copy.args([&artifacts().textsender, &outside])
            .arg(site.folder());
        assert!(copy.status().unwrap().success());
        Installation {
            user: self.user,
            site,
        }
    }
}

/// The front leaves no core dump, and another process of its user can't read it. Root reads everything.
fn front(user: User) -> Trial {
    let is_root = user == User::Own && rustix::process::geteuid().is_root();
    let case = move || {
        let installation = Inside::new(user).installation();
        let output = installation.run(
            "mkfifo pipe; exec 8<>pipe; ./textsender send --stream <&8 & front=$!
             for look in $(seq 10000); do
                 grep -q 'core file size  *0  *0 ' /proc/$front/limits && break
             done
             cat /proc/$front/environ > /dev/null 2>&1 && echo open || echo shut
             grep 'core file size' /proc/$front/limits; kill -KILL $front",
        );
        let shown = shown(&output);
        let no_core =
            |line: &str| line.starts_with("Max core file size") && !line.contains("unlimited");
        match shown.lines().any(|line| line == "shut") && shown.lines().any(no_core) {
            true => Ok(()),
            false => Err(shown.into()),
        }
    };
    Trial::test(format!("{user}::front_is_shut"), case).with_ignored_flag(is_root)
}

/// An installation that commands are run in.
pub struct Installation {
    user: User,
    site: Site,
}

/// One whose plugin tries to escape, and what there is to reach.
struct Escaping {
    installation: Installation,
    surroundings: Surroundings,
}

impl Installation {
    pub fn set(&mut self, key: &str, value: impl Into<toml::Value>) {
        self.site.set(key, value).unwrap();
    }

    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.site.folder().join(name), text).unwrap();
    }

    /// Sends once, so that there is a ledger to read from the first moment.
    fn make_ledger(&self) {
        self.run(SEND);
        assert!(self.site.state().join("ledger.sqlite3").exists());
    }

    /// Runs a command with a request on its standard input. The shell leaves a file open for it to inherit.
    pub fn run(&self, command: &str) -> Output {
        if self.user == User::Nobody {
            give(self.site.folder(), NOBODY);
        }
        let script = format!("exec 9<inherited; {command}");
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", &script])
            .current_dir(self.site.folder())
            .env_clear()
            .env("TEXTSENDER_CONFIG", self.site.config_file())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        if self.user == User::Nobody {
            command.uid(NOBODY).gid(NOBODY);
        }
        let mut child = command.spawn().unwrap();
        // One that does not read it has ended.
        let _ = child.stdin.take().unwrap().write_all(REQUEST.as_bytes());
        child.wait_with_output().unwrap()
    }
}

pub fn expect(output: &Output, outcome: &str, words: &[&str]) -> Result<(), Failed> {
    let shown = shown(output);
    let fits = shown.contains(&format!("\"outcome\":\"{outcome}\""))
        && words.iter().all(|words| shown.contains(words));
    match fits {
        true => Ok(()),
        false => Err(format!("not {outcome} with {words:?}: {shown}").into()),
    }
}

fn shown(output: &Output) -> String {
    let [stdout, stderr] =
        [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
    format!("{stdout}{stderr}")
}

/// Gives a folder and all in it to a user.
fn give(path: &Path, user: u32) {
    chown(path, Some(user), Some(user)).unwrap();
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path(), user);
        }
    }
}
