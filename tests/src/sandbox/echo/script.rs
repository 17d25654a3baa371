//! What a provider answers that the sandbox does not know, as a file.
//!
//! ```toml
//! faults = ["drop,taken,times=1"]       # what goes wrong on the wire, in the words of `sandbox run`
//!
//! [[answer]]                            # the first that fits answers
//! method = "POST"                       # any, where it is left out
//! path = "/oauth/token"                 # what the path begins with
//! times = 1                             # then it no longer fits
//! status = 200
//! headers = { Retry-After = "7" }
//! json = { access_token = "t0k3n" }     # or body = "..."
//! ```

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use crate::sandbox::fault_spec::{FaultSpec, FaultSpecError};
use crate::sandbox::http::{Answer, Request};

/// What the provider answers to whom, and what goes wrong.
#[derive(Clone, Debug, Default)]
pub struct Script {
    pub(super) answers: Vec<Scripted>,
    pub(super) faults: Vec<FaultSpec>,
}

/// A script can't be understood.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// It is not in the form of a script.
    #[error(transparent)]
    Form(#[from] Box<toml::de::Error>),
    /// A fault is not in the form of one.
    #[error(transparent)]
    Fault(#[from] FaultSpecError),
}

/// One answer, and to what.
#[derive(Clone, Debug)]
pub(super) struct Scripted {
    method: Option<String>,
    path: String,
    times: Option<u32>,
    pub(super) answer: Answer,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    faults: Vec<String>,
    #[serde(default)]
    answer: Vec<WrittenAnswer>,
}

/// An answer as it is written, in scripts and in samples.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WrittenAnswer {
    method: Option<String>,
    #[serde(default)]
    path: String,
    times: Option<u32>,
    status: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
    json: Option<Value>,
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(text: &str) -> Result<Self, ScriptError> {
        let written: Written = toml::from_str(text).map_err(Box::new)?;
        let faults = written.faults.iter().map(|fault| fault.parse());
        Ok(Self {
            answers: written.answer.into_iter().map(Scripted::from).collect(),
            faults: faults.collect::<Result<_, _>>()?,
        })
    }

    /// Adds an answer after the others.
    pub(super) fn push(&mut self, answer: WrittenAnswer) {
        self.answers.push(answer.into());
    }
}

impl WrittenAnswer {
    /// Only to this method, where it names none.
    pub(super) fn to(mut self, method: &str) -> Self {
        self.method.get_or_insert(method.to_owned());
        self
    }

    /// Whether it says where it answers.
    pub(super) fn has_path(&self) -> bool {
        !self.path.is_empty()
    }
}

impl Scripted {
    pub(super) fn fits(&self, request: &Request) -> bool {
        let method = self.method.as_deref();
        self.times != Some(0)
            && method.is_none_or(|method| method.eq_ignore_ascii_case(request.method()))
            && request.path().starts_with(&self.path)
    }

    /// The answer, once less.
    pub(super) fn take(&mut self) -> Answer {
        self.times = self.times.map(|times| times.saturating_sub(1));
        self.answer.clone()
    }
}

impl From<WrittenAnswer> for Scripted {
    fn from(written: WrittenAnswer) -> Self {
        let (content_type, body) = match written.json {
            Some(json) => ("application/json", json.to_string()),
            None => ("text/plain", written.body),
        };
        let headers = written
            .headers
            .into_iter()
            .map(|(name, value)| (Cow::from(name), Cow::from(value)));
        Self {
            method: written.method,
            path: written.path,
            times: written.times,
            answer: Answer {
                status: written.status,
                headers: headers.collect(),
                content_type,
                body: body.into_bytes(),
            },
        }
    }
}
