//! A case that ran: what every case must keep, and what one case wants to see.

use std::fmt;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::Arc;

use serde_json::Value;

use super::outcomes::promise_of;
use super::secrecy::trick_in;
use super::test::Test;
use crate::sandbox::{Request, Sandbox, Text};

/// The exit code of a command line that can't be read: there is no response then.
const USAGE: i32 = 2;

/// The end of a case.
pub struct Run {
    test: Test,
    /// The exit code, or the negative number of the signal that ended it.
    pub exit: i32,
    /// Standard output; `None` if the case connected it to something else.
    pub stdout: Option<String>,
    /// The log.
    pub stderr: String,
    /// The response of a one-shot `send`; else null.
    pub response: Value,
}

impl Run {
    #[track_caller]
    pub(super) fn new(
        test: Test,
        status: ExitStatus,
        stdout: Option<String>,
        stderr: String,
        texts_before: usize,
    ) -> Self {
        let exit = status
            .code()
            .unwrap_or_else(|| -status.signal().unwrap_or_default());
        let mut run = Self {
            test,
            exit,
            stdout,
            stderr,
            response: Value::Null,
        };
        run.shows_nothing_secret();
        let is_answered = run.test.is_one_shot() && exit != USAGE;
        if let (true, Some(stdout)) = (is_answered, &run.stdout) {
            run.response = one_line_of_json(stdout).unwrap_or_else(|| panic!("no response: {run}"));
            run.keeps_its_promises(texts_before);
        }
        run
    }

    /// Wants this outcome, and the exit code that goes with it.
    #[track_caller]
    pub fn outcome(&self, outcome: &str) -> &Self {
        let promise = promise_of(outcome);
        let is = (self.response["outcome"].as_str(), self.exit);
        assert_eq!(is, (Some(outcome), promise.exit), "{self}");
        self
    }

    /// Wants this exit code, where there is no response to read.
    #[track_caller]
    pub fn exit(&self, code: i32) -> &Self {
        assert_eq!(self.exit, code, "{self}");
        self
    }

    /// Wants this error code.
    #[track_caller]
    pub fn error(&self, code: &str) -> &Self {
        assert_eq!(self.response["error"]["code"], code, "{self}");
        self
    }

    /// Wants these words in the error's message.
    #[track_caller]
    pub fn says(&self, words: &str) -> &Self {
        let message = self.response["error"]["message"].as_str();
        let message = message.unwrap_or_default();
        assert!(
            message.contains(words),
            "no {words:?} in its message: {self}"
        );
        self
    }

    /// Wants this of the response, at a JSON pointer (RFC 6901); null where it should be absent.
    #[track_caller]
    pub fn has(&self, pointer: &str, value: impl Into<Value>) -> &Self {
        let found = self.response.pointer(pointer).unwrap_or(&Value::Null);
        assert_eq!(*found, value.into(), "{pointer} of {self}");
        self
    }

    /// Wants these attempts, each as `sender:code`, or `sender:accepted`.
    #[track_caller]
    pub fn attempts<const N: usize>(&self, wanted: [&str; N]) -> &Self {
        assert_eq!(self.attempted(), wanted, "{self}");
        self
    }

    /// The attempts, in the form of [`Run::attempts`].
    pub fn attempted(&self) -> Vec<String> {
        let attempts = self.response["attempts"].as_array();
        let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        attempts
            .into_iter()
            .flatten()
            .map(|attempt| {
                let code = attempt.get("code").unwrap_or(&attempt["outcome"]);
                format!("{}:{}", word(&attempt["sender"]), word(code))
            })
            .collect()
    }

    /// Wants so many texts taken by providers.
    #[track_caller]
    pub fn texts(&self, count: usize) -> &Self {
        assert_eq!(self.sandbox().text_count(), count, "{self}");
        self
    }

    /// Wants exactly one text taken, which reads like this.
    #[track_caller]
    pub fn text(&self, body: &str) -> &Self {
        assert_eq!(self.the_text().body, body, "{self}");
        self
    }

    /// Wants so many requests to have reached providers.
    #[track_caller]
    pub fn requests(&self, count: usize) -> &Self {
        assert_eq!(self.sandbox().requests().len(), count, "{self}");
        self
    }

    /// The system calls that strace saw, one a line.
    #[track_caller]
    pub fn traced(&self) -> Vec<String> {
        let log = std::fs::read_to_string(self.test.trace_file()).unwrap();
        log.lines().map(str::to_owned).collect()
    }

    /// Wants these words in the log.
    #[track_caller]
    pub fn logs(&self, words: &str) -> &Self {
        assert!(
            self.stderr.contains(words),
            "no {words:?} in the log: {self}"
        );
        self
    }

    /// The one text that was taken.
    #[track_caller]
    pub fn the_text(&self) -> Text {
        match &self.sandbox().texts()[..] {
            [text] => text.clone(),
            texts => panic!("{} texts, not one: {self}", texts.len()),
        }
    }

    /// The one request that reached a provider.
    #[track_caller]
    pub fn the_request(&self) -> Arc<Request> {
        match &self.sandbox().requests()[..] {
            [request] => Arc::clone(request),
            requests => panic!("{} requests, not one: {self}", requests.len()),
        }
    }

    /// The providers.
    pub fn sandbox(&self) -> &Sandbox {
        &self.test.sandbox
    }

    /// The case.
    pub fn test(&self) -> &Test {
        &self.test
    }

    #[track_caller]
    fn shows_nothing_secret(&self) {
        let outputs = [
            (
                "standard output",
                self.stdout.as_deref().unwrap_or_default(),
            ),
            ("standard error", &self.stderr),
        ];
        for (name, output) in outputs {
            self.shows_nothing_secret_in(name, output);
        }
    }

    /// Wants neither a secret nor a trick in what it wrote elsewhere.
    #[track_caller]
    pub fn shows_nothing_secret_in(&self, name: &str, output: &str) {
        if let Some(trick) = trick_in(output) {
            panic!("on {name} is {trick:?} in {output:?}\n{self}");
        }
        for hidden in &self.test.hidden {
            if let Some(shown) = hidden.shown_in(output) {
                panic!("on {name} {shown} in {output:?}\n{self}");
            }
        }
    }

    /// What every response promises.
    #[track_caller]
    fn keeps_its_promises(&self, texts_before: usize) {
        let response = &self.response;
        let outcome = response["outcome"].as_str().unwrap_or_default();
        let promise = promise_of(outcome);
        assert_eq!(
            self.exit, promise.exit,
            "the exit code of {outcome}: {self}"
        );
        assert_eq!(response["version"], 1, "{self}");

        let error = response.get("error");
        assert_eq!(
            error.is_some(),
            outcome != "accepted",
            "error or none: {self}"
        );
        if let Some(error) = error {
            let says = |key: &str| error[key].as_str().is_some_and(|text| !text.is_empty());
            assert!(
                says("code") && says("message"),
                "an error without words: {self}"
            );
            let retryable = error["retryable"].as_bool();
            assert!(retryable.is_some(), "{self}");
            assert!(
                promise.retryable.is_none() || promise.retryable == retryable,
                "retryable or not: {self}"
            );
        }
        let texts = self.sandbox().text_count();
        if promise.not_sent && !self.test.in_company {
            assert_eq!(
                texts, texts_before,
                "{outcome} says that nothing was sent: {self}"
            );
        }
        if outcome == "accepted" {
            assert!(texts > 0, "accepted by nobody: {self}");
        }
    }
}

/// For the words of a failed test. What a sandbox holds is nobody's secret.
impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stdout = self.stdout.as_deref().unwrap_or("(not seen)");
        writeln!(f, "exit {}", self.exit)?;
        writeln!(f, "stdout: {}", stdout.trim_end())?;
        writeln!(f, "stderr: {}", self.stderr.trim_end())?;
        writeln!(f, "requests: {:?}", self.sandbox().requests())?;
        write!(f, "texts: {:?}", self.sandbox().texts())
    }
}

/// The value on standard output, if that is one line and nothing else.
fn one_line_of_json(stdout: &str) -> Option<Value> {
    let line = stdout.strip_suffix('\n')?;
    if line.contains('\n') {
        return None;
    }
    serde_json::from_str(line).ok().filter(Value::is_object)
}
