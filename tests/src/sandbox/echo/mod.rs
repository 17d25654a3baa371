//! A provider that the sandbox does not know: it takes any request, writes down what was asked, decoded, and answers
//! as its script says.
//!
//! A sender's `[http] connect_to` leads there, whatever host its plugin talks to; so a plugin for any provider can be
//! tried before there is a sandbox for it, or an account.
//!
//! ```
//! use textsender_tests::sandbox::{Sandbox, echo::Script};
//!
//! let sandbox = Sandbox::start();
//! sandbox.echo().script(Script::parse(
//!     r#"
//!     [[answer]]
//!     path = "/sms"
//!     status = 200
//!     json = { id = "a1b2c3" }
//!     "#,
//! )?);
//! // ... send something to sandbox.echo().address() ...
//! assert_eq!(sandbox.echo().shown(), Vec::<String>::new());
//! # Ok::<(), textsender_tests::sandbox::echo::ScriptError>(())
//! ```

pub mod run;
mod script;
mod show;
#[cfg(test)]
mod tests;

use std::sync::Mutex;

pub use script::{Script, ScriptError};

use super::http::{self, Answer, Endpoint, Request};
use super::journal::Provider;
use super::lock;
use script::Scripted;

/// The provider: see the module. What goes wrong on the wire is set as for any other endpoint.
pub type Echo = Endpoint<Api>;

/// What it answers, and what it was asked.
#[derive(Debug, Default)]
pub struct Api {
    answers: Mutex<Vec<Scripted>>,
    shown: Mutex<Vec<String>>,
}

impl Endpoint<Api> {
    /// Answers as this script says, from now on. Without one, or where none of its answers fits, it is 501.
    pub fn script(&self, script: Script) {
        for fault in script.faults {
            self.fault(fault.when, fault.fault);
        }
        *lock(&self.api().answers) = script.answers;
    }

    /// What was asked and answered so far, as text for people, one for each request.
    pub fn shown(&self) -> Vec<String> {
        lock(&self.api().shown).clone()
    }
}

impl http::Api for Api {
    const PROVIDER: Provider = Provider::Echo;
    const STANDING: &'static str = "Server: sandbox-echo\r\n";

    fn answer(&self, request: &Request, take: bool) -> Answer {
        let mut answers = lock(&self.answers);
        let fitting = answers.iter_mut().find(|answer| answer.fits(request));
        let answer = match fitting {
            Some(scripted) if take => scripted.take(),
            Some(scripted) => scripted.answer.clone(),
            None => no_answer(),
        };
        lock(&self.shown).push(show::exchange(request, &answer));
        answer
    }

    fn failure(&self, status: u16) -> Answer {
        Answer::json(status, &serde_json::json!({ "error": status }))
    }

    fn recipient(&self, _: &Request) -> Option<String> {
        // Only the plugin knows which field that is.
        None
    }
}

fn no_answer() -> Answer {
    let words = "the script has no answer to this request";
    Answer::json(501, &serde_json::json!({ "sandbox": words }))
}
