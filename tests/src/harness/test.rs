//! The builder of cases.

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use serde_json::{Value, json};

use super::artifacts;
use super::run::Run;
use super::running::Running;
use super::secrecy::Hidden;
use crate::sandbox::site::Site;
use crate::sandbox::{Fault, Sandbox, SandboxBuilder, When, twilio};

/// Length of a code, in characters: long enough to be searched for by value.
const CODE_LENGTH: usize = 12;

/// What codes are made of. Some of these are written differently in a form, in base64 and in JSON.
const CODE_ALPHABET: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789+/%&";

/// Everyone's policy, to whose last section a case may add lines.
const POLICY: &str = r#"name = "Everyone"
region = "GB"
regions = ["GB", "US"]
events = ["enroll", "reset"]

[verification_code]
text = "Your verification code is %code%"
"#;

/// Becomes the program, with standard input as its first descriptor of a service manager's.
const HAND_OVER: &str = "LISTEN_PID=$$ LISTEN_FDS=1 exec \"$@\" 3<&0 </dev/null";

/// What strace follows.
#[derive(Clone, Copy)]
struct Trace {
    calls: &'static str,
    /// Of all threads, and of the processes that are started, not of the first thread alone.
    is_of_all: bool,
}

/// One case: providers, an installation that leads to them, and a request. By default a verification code for
/// `+447700900123`, sent through Twilio.
pub struct Test {
    pub(super) sandbox: Arc<Sandbox>,
    site: Arc<Site>,
    command: Vec<OsString>,
    pub(super) hidden: Vec<Hidden>,
    args: Vec<OsString>,
    env: Vec<(OsString, OsString)>,
    /// What `textsender-failpoints` is to do, if that is to run.
    failpoints: Vec<(&'static str, String)>,
    input: Input,
    code: String,
    policy: String,
    pub(super) stdin: Option<Stdio>,
    stdout: Option<Stdio>,
    stderr: Option<Stdio>,
    log_level: &'static str,
    /// The system calls that are traced, if any are.
    traced: Option<Trace>,
    /// The command that runs it, if it is not run directly.
    under: Vec<OsString>,
    /// Another copy of the program.
    program: Option<PathBuf>,
    /// Whether others send at the same time, so that a text may be theirs.
    pub(super) in_company: bool,
}

/// What standard input gets.
#[derive(Clone)]
enum Input {
    Json(Value),
    Raw(Vec<u8>),
}

impl Default for Test {
    fn default() -> Self {
        Self::new()
    }
}

impl Test {
    /// A case in a sandbox of its own.
    pub fn new() -> Self {
        Self::in_sandbox(Sandbox::builder())
    }

    /// A case in a sandbox with other choices.
    pub fn in_sandbox(sandbox: SandboxBuilder) -> Self {
        let sandbox = sandbox.start().unwrap();
        let site = Site::for_sandbox(&sandbox, &artifacts().twilio).unwrap();
        let code = random_code();
        let request = json!({
            "purpose": "verification_code",
            "event": "reset",
            "user": { "phone": "+447700900123" },
            "code": code,
        });
        let test = Self {
            sandbox: Arc::new(sandbox),
            site: Arc::new(site),
            command: vec!["send".into()],
            hidden: vec![
                Hidden::secret("the code", &code),
                Hidden::secret("the account's token", twilio::AUTH_TOKEN),
                Hidden::secret("the API key's secret", twilio::API_KEY_SECRET),
            ],
            args: Vec::new(),
            env: Vec::new(),
            failpoints: Vec::new(),
            input: Input::Json(request),
            code,
            policy: POLICY.to_owned(),
            stdin: None,
            stdout: None,
            stderr: None,
            log_level: "trace",
            traced: None,
            under: Vec::new(),
            program: None,
            in_company: false,
        };
        test.write_policy();
        test
    }

    /// Replaces the request.
    #[must_use]
    pub fn request(mut self, request: Value) -> Self {
        self.input = Input::Json(request);
        self
    }

    /// Changes the request as a JSON merge patch does (RFC 7396): objects are joined, `null` removes.
    ///
    /// # Panics
    /// If the request was replaced by something that is not JSON.
    #[must_use]
    pub fn with(mut self, patch: Value) -> Self {
        match &mut self.input {
            Input::Json(request) => merge(request, patch),
            Input::Raw(_) => panic!("there is no request to change"),
        }
        self
    }

    /// Replaces the request by bytes that may be none.
    #[must_use]
    pub fn stdin(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = Input::Raw(bytes.into());
        self
    }

    /// Runs another command than `send`.
    #[must_use]
    pub fn command(mut self, words: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.command = words.into_iter().map(Into::into).collect();
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args(mut self, args: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// Sets an environment variable. There are no others but `$TEXTSENDER_CONFIG`.
    #[must_use]
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        let pair = (name.as_ref().to_owned(), value.as_ref().to_owned());
        self.env.push(pair);
        self
    }

    /// Kills the process at this step of its send (`textsender::failpoint::Step`). Those beside it live.
    #[must_use]
    pub fn crash_at(mut self, step: &str) -> Self {
        self.failpoints
            .push(("TEXTSENDER_CRASH_AT", step.to_owned()));
        self
    }

    /// Has the process panic at this step of its send.
    #[must_use]
    pub fn panic_at(mut self, step: &str) -> Self {
        self.failpoints
            .push(("TEXTSENDER_PANIC_AT", step.to_owned()));
        self
    }

    /// Stops the process at this step of its send; it holds what it holds until it is killed.
    #[must_use]
    pub fn stop_at(mut self, step: &str) -> Self {
        self.failpoints
            .push(("TEXTSENDER_STOP_AT", step.to_owned()));
        self
    }

    /// How many milliseconds the process waits for others that lock the ledger.
    #[must_use]
    pub fn lock_timeout(mut self, milliseconds: u64) -> Self {
        let time = milliseconds.to_string();
        self.failpoints.push(("TEXTSENDER_LOCK_TIMEOUT", time));
        self
    }

    /// Has the hub ask what became of a text so many milliseconds after it was sent.
    #[must_use]
    pub fn delivery_after(mut self, milliseconds: u64) -> Self {
        self.failpoints
            .push(("TEXTSENDER_DELIVERY_AFTER", milliseconds.to_string()));
        self
    }

    /// Has the hub look so often, in milliseconds, whether something is to be alerted.
    #[must_use]
    pub fn alerts_every(mut self, milliseconds: u64) -> Self {
        self.failpoints
            .push(("TEXTSENDER_ALERTS_EVERY", milliseconds.to_string()));
        self
    }

    /// Sets the ledger's clock of this process ahead.
    #[must_use]
    pub fn clock_ahead(mut self, seconds: u64) -> Self {
        self.failpoints
            .push(("TEXTSENDER_CLOCK_AHEAD", seconds.to_string()));
        self
    }

    /// Connects standard output to something else, so that nothing of it is seen here.
    #[must_use]
    pub fn stdout(mut self, stdout: impl Into<Stdio>) -> Self {
        self.stdout = Some(stdout.into());
        self
    }

    /// Logs less than everything.
    #[must_use]
    pub fn log_level(mut self, level: &'static str) -> Self {
        self.log_level = level;
        self
    }

    /// Has strace follow these system calls of its first thread: see [`Run::traced`](super::Run::traced).
    #[must_use]
    pub fn trace(mut self, calls: &'static str) -> Self {
        self.traced = Some(Trace {
            calls,
            is_of_all: false,
        });
        self
    }

    /// As [`Test::trace`], of every thread, and of the processes that it starts.
    #[must_use]
    pub fn trace_all(mut self, calls: &'static str) -> Self {
        self.traced = Some(Trace {
            calls,
            is_of_all: true,
        });
        self
    }

    /// Has another command run it, such as `prlimit --nofile=9`.
    #[must_use]
    pub fn under(mut self, words: impl IntoIterator<Item = impl Into<OsString>>) -> Self {
        self.under = words.into_iter().map(Into::into).collect();
        self
    }

    /// Runs another copy of the program.
    #[must_use]
    pub fn program(mut self, program: impl Into<PathBuf>) -> Self {
        self.program = Some(program.into());
        self
    }

    /// Where strace writes what it saw.
    pub(super) fn trace_file(&self) -> PathBuf {
        self.site.folder().join("strace.log")
    }

    /// Connects standard error to something else, which the case reads or does not.
    #[must_use]
    pub fn stderr(mut self, stderr: impl Into<Stdio>) -> Self {
        self.stderr = Some(stderr.into());
        self
    }

    /// Makes Twilio fail.
    #[must_use]
    pub fn fault(self, when: When, fault: Fault) -> Self {
        self.sandbox.twilio().fault(when, fault);
        self
    }

    /// Merges a fragment into `textsender.toml`.
    #[must_use]
    pub fn config(mut self, fragment: &str) -> Self {
        self.site_mut().merge(fragment).unwrap();
        self
    }

    /// Hands a listening socket over as systemd does (sd_listen_fds(3)). Standard input is empty.
    #[must_use]
    pub fn inherits(mut self, socket: impl Into<Stdio>) -> Self {
        self.stdin = Some(socket.into());
        self.under(["sh", "-c", HAND_OVER, "sh"])
    }

    /// Replaces the policy for everyone.
    #[must_use]
    pub fn policy(mut self, text: &str) -> Self {
        text.clone_into(&mut self.policy);
        self.write_policy();
        self
    }

    /// Adds lines to the section `[verification_code]` of the policy for everyone.
    #[must_use]
    pub fn verification_code(mut self, lines: &str) -> Self {
        self.policy.push_str(lines);
        self.policy.push('\n');
        self.write_policy();
        self
    }

    /// Stores a secret, which may not be shown.
    #[must_use]
    pub fn secret(mut self, name: &str, value: &str) -> Self {
        self.site.secret(name, value).unwrap();
        self.hidden.push(Hidden::secret(name, value));
        self
    }

    /// Names a value that may not be shown.
    #[must_use]
    pub fn hide(mut self, what: &str, value: &str) -> Self {
        self.hidden.push(Hidden::secret(what, value));
        self
    }

    /// Reaches the providers over TLS, and trusts the sandbox's authority.
    #[must_use]
    pub fn tls(mut self) -> Self {
        let sandbox = Arc::clone(&self.sandbox);
        self.site_mut().use_tls(&sandbox).unwrap();
        self
    }

    /// Changes anything else about the installation.
    #[must_use]
    pub fn change(mut self, change: impl FnOnce(&mut Site)) -> Self {
        change(self.site_mut());
        self
    }

    /// The request, as it will be on standard input.
    ///
    /// # Panics
    /// If the request was replaced by something that is not JSON.
    pub fn request_json(&self) -> String {
        match &self.input {
            Input::Json(request) => request.to_string(),
            Input::Raw(_) => panic!("the request is not JSON"),
        }
    }

    /// The code of the request, unless the request was replaced.
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The providers.
    pub fn sandbox(&self) -> &Sandbox {
        &self.sandbox
    }

    /// The installation.
    pub fn site(&self) -> &Site {
        &self.site
    }

    /// Another process in the same installation and with the same request, at the same time or later.
    pub fn beside(&self) -> Self {
        Self {
            sandbox: Arc::clone(&self.sandbox),
            site: Arc::clone(&self.site),
            command: self.command.clone(),
            hidden: self.hidden.clone(),
            args: self.args.clone(),
            env: self.env.clone(),
            failpoints: Vec::new(),
            input: self.input.clone(),
            code: self.code.clone(),
            policy: self.policy.clone(),
            stdin: None,
            stdout: None,
            stderr: None,
            log_level: self.log_level,
            traced: None,
            under: Vec::new(),
            program: None,
            in_company: self.in_company,
        }
    }

    /// Another process as [`Test::beside`], while others send as well: a text may be theirs.
    pub fn in_company(&self) -> Self {
        Self {
            in_company: true,
            ..self.beside()
        }
    }

    /// Whether it answers one request with one response.
    pub(super) fn is_one_shot(&self) -> bool {
        let mut words = self.command.iter().chain(&self.args);
        words.next().is_some_and(|word| word == "send") && words.all(|word| word != "--stream")
    }

    /// Runs it to its end, and looks at what every case must keep.
    #[track_caller]
    pub fn run(self) -> Run {
        self.start().finish()
    }

    /// Starts it, with the whole request on its standard input.
    #[track_caller]
    pub fn start(self) -> Running {
        let input = match &self.input {
            Input::Json(request) => request.to_string().into_bytes(),
            Input::Raw(bytes) => bytes.clone(),
        };
        let mut running = self.start_silent();
        running.write(&input);
        running.end_input();
        running
    }

    /// Starts it, and leaves its standard input to the case.
    #[track_caller]
    pub fn start_silent(mut self) -> Running {
        if let Input::Json(request) = &self.input {
            self.hidden.extend(hidden_in(request));
        }
        let program = match (&self.program, self.failpoints.is_empty()) {
            (Some(program), _) => program,
            (None, true) => &artifacts().textsender,
            (None, false) => &artifacts().failpoints,
        };
        let mut command = match (self.traced, self.under.split_first()) {
            (None, None) => Command::new(program),
            (None, Some((command, words))) => {
                let mut command = Command::new(command);
                command.args(words).arg(program);
                command
            }
            (Some(Trace { calls, is_of_all }), _) => {
                let mut strace = Command::new("strace");
                if is_of_all {
                    strace.arg("-f");
                }
                strace.arg("-e").arg(format!("trace={calls}"));
                strace.arg("-o").arg(self.trace_file()).arg(program);
                strace
            }
        };
        command
            .args(&self.command)
            .args(["--log-level", self.log_level])
            .args(&self.args)
            .env_clear()
            .env("TEXTSENDER_CONFIG", self.site.config_file())
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .envs(std::mem::take(&mut self.failpoints));
        command.stdin(self.stdin.take().unwrap_or_else(Stdio::piped));
        command.stderr(self.stderr.take().unwrap_or_else(Stdio::piped));
        let stdout = self.stdout.take();
        let texts_before = self.sandbox.text_count();
        Running::start(self, command, stdout, texts_before)
    }

    #[track_caller]
    pub(super) fn site_mut(&mut self) -> &mut Site {
        let site = Arc::get_mut(&mut self.site);
        site.unwrap_or_else(|| panic!("change an installation before another process uses it"))
    }

    fn write_policy(&self) {
        self.site.policy("everyone", &self.policy).unwrap();
    }
}

/// A code that nothing contains by chance.
pub fn random_code() -> String {
    let mut random = [0; CODE_LENGTH];
    getrandom::fill(&mut random).unwrap();
    // The last character's slight favour for the first few does no harm.
    random
        .map(|byte| char::from(CODE_ALPHABET[usize::from(byte) % CODE_ALPHABET.len()]))
        .iter()
        .collect()
}

/// What a request holds that no output may show.
fn hidden_in(request: &Value) -> Vec<Hidden> {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => String::new(),
    };
    let mut hidden = Vec::new();
    for (field, what) in [("code", "the code"), ("password", "the password")] {
        let value = text(&request[field]);
        if !value.is_empty() {
            hidden.push(Hidden::secret(what, &value));
        }
    }
    let phone = text(&request["user"]["phone"]);
    hidden.extend(Hidden::number(&phone));
    hidden
}

fn merge(into: &mut Value, patch: Value) {
    match (into, patch) {
        (Value::Object(into), Value::Object(patch)) => {
            for (key, value) in patch {
                match value {
                    Value::Null => {
                        into.remove(&key);
                    }
                    value => merge(into.entry(key).or_insert(Value::Null), value),
                }
            }
        }
        (into, patch) => *into = patch,
    }
}
