//! Why a message would go where it would go: the decision of a send, told step by step. Nothing is
//! sent, written or started, and no secret is read.
//!
//! | to | use |
//! |---|---|
//! | work a request through as a send would | [`Evaluation::of`] |
//! | tell all of it | [`Explained`], for people through `cli` |
//! | show what a sender would get | [`Preview`] |
//! | hold two configurations against each other | [`diff`] |
//!
//! A code or password is never in any of it: [`read`] puts a dummy in its place that costs the
//! same, before anything else looks at the request.

pub mod diff;
mod dummy_secret;
mod explained;
mod preview;

pub use explained::{Explained, Number, Output, Paused, Refused, SenderNamed, Words};
pub use preview::{Envelope, Preview};

use crate::{
    decision::{self, Decision, Snapshot},
    policy::{Considered, Explanation},
    protocol::{Draft, Failure, Request},
};

/// Reads a draft of a request and forgets its code or password at once.
///
/// # Errors
///
/// Those of [`Draft::parse`].
pub fn read(json: &[u8]) -> Result<Draft, Failure> {
    Draft::parse(json).map(dummy_secret::without_secret)
}

/// A draft that was worked through as a send would, up to the point where a sender is asked.
pub struct Evaluation<'p> {
    snapshot: &'p Snapshot,
    draft: Draft,
    considered: Vec<Considered<'p>>,
    decision: Result<Decision<'p>, Failure>,
}

impl<'p> Evaluation<'p> {
    /// Works a draft through.
    pub fn of(snapshot: &'p Snapshot, mut draft: Draft) -> Self {
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
        }
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
    }

    fn request(&self) -> &Request {
        &self.draft.request
    }
}
