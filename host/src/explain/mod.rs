//! Why a message would go where it would go: the decision of a send, told step by step. Nothing is
//! sent or written, and no secret of a sender is read; its plugin is asked what it carries.
//!
//! | to | use |
//! |---|---|
//! | ask a directory what a request leaves to it | [`Completion`] |
//! | work a request through as a send would | [`Evaluation::of`] |
//! | ask the senders' plugins what they carry of it | [`Evaluation::ask_senders`] |
//! | tell all of it | [`Explained`], for people through `cli` |
//! | show what a sender would get | [`Preview`] |
//! | hold two configurations against each other | [`diff`] |
//!
//! A code or password is never in any of it: [`Evaluation::of`] puts a dummy in its place that costs
//! the same, before anything else looks at the request.

mod carried;
mod completion;
pub mod diff;
mod dummy_secret;
mod explained;
mod preview;

pub use completion::Completion;
pub use explained::{Explained, Number, Output, Paused, Refused, SenderNamed, Words};
pub use preview::{Envelope, Preview};

use carried::Carried;
use textsender_plugin_api::Secret;

use crate::{
    decision::{self, Decision, Snapshot},
    ledger::{Pause, pause},
    policy::{Considered, Explanation},
    protocol::{Draft, Failure, Request},
};

/// Reads a draft of a request. An [`Evaluation`] shows a dummy in the place of its code or password.
///
/// # Errors
///
/// Those of [`Draft::parse`].
pub fn read(json: &[u8]) -> Result<Draft, Failure> {
    Draft::parse(json)
}

/// A draft that was worked through as a send would, up to the point where a sender is asked.
pub struct Evaluation<'p> {
    snapshot: &'p Snapshot,
    draft: Draft,
    considered: Vec<Considered<'p>>,
    decision: Result<Decision<'p>, Failure>,
    /// The code or password that the draft had: never shown, only held against what the senders carry.
    secret: Option<Secret>,
    /// What the senders' plugins say, once they were asked.
    carried: Option<Carried>,
    /// What is paused.
    pauses: Vec<Pause>,
    /// Why it is not sent now, if that is a pause.
    paused: Option<Failure>,
}

impl<'p> Evaluation<'p> {
    /// Works a draft through.
    pub fn of(snapshot: &'p Snapshot, mut draft: Draft) -> Self {
        let secret = draft.request.secret().filter(|_| draft.has_secret).cloned();
        if secret.is_some() {
            draft = dummy_secret::without_secret(draft);
        }
        let policies = snapshot.policies();
        let Explanation { considered, result } = policies.explain(&decision::query(&draft.request));
        let decision = result.map_err(Failure::from).map(|resolution| {
            if !draft.has_secret {
                let length = decision::code_length(resolution.options);
                draft.replace_secret(&dummy_secret::of_length(length));
            }
            Decision::of(snapshot, &draft.request, resolution)
        });
        Self {
            snapshot,
            draft,
            considered,
            decision,
            secret,
            carried: None,
            pauses: Vec::new(),
            paused: None,
        }
    }

    /// Takes into account what the ledger says is paused.
    pub fn note_pauses(&mut self, pauses: Vec<Pause>) {
        let Ok(decision) = &self.decision else { return };
        let of_message = decision.recipient.as_ref().ok().and_then(|recipient| {
            let target = pause::Target {
                number: recipient.phone.e164(),
                region: Some(recipient.region.as_str()),
                caller: None,
            };
            pause::of_message(&pauses, &target)
        });
        let of_senders = || {
            let senders = decision.senders().into_iter();
            let paused = senders.map(|sender| pause::of_sender(&pauses, sender));
            paused.collect::<Option<Vec<_>>>()?.first().copied()
        };
        self.paused = of_message.or_else(of_senders).map(Pause::failure);
        self.pauses = pauses;
    }

    /// Whether a sender is paused.
    fn is_stopped(&self, sender: &str) -> bool {
        pause::of_sender(&self.pauses, sender).is_some()
    }

    /// Asks the senders' plugins what they carry, so that what they can't is known. Needs a tokio runtime.
    pub async fn ask_senders(&mut self) {
        if let Ok(decision) = &self.decision {
            let config = self.snapshot.config();
            let request = &self.draft.request;
            let carried = Carried::of(config, decision, request, self.secret.as_ref());
            self.carried = Some(carried.await);
        }
    }

    /// Why senders' plugins could not be asked.
    pub fn unusable(&self) -> impl Iterator<Item = &Failure> {
        let carried = self.carried.iter();
        carried.flat_map(|carried| carried.unusable.iter().map(|(_, failure)| failure))
    }

    /// Why a send would end before a sender is asked. A number that was left out is no reason.
    pub fn failure(&self) -> Option<&Failure> {
        let decision = match &self.decision {
            Ok(decision) => decision,
            Err(failure) => return Some(failure),
        };
        let recipient = decision.recipient.as_ref().err();
        recipient
            .filter(|_| self.draft.has_phone)
            .or(decision.not_allowed.as_ref())
            .or(decision.text.as_ref().err())
            .or(self.carried.as_ref().and_then(Carried::failure))
            .or(self.paused.as_ref())
    }

    fn request(&self) -> &Request {
        &self.draft.request
    }
}
