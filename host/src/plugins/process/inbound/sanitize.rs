//! What a plugin says of a call, made safe to show: words are bounded and redacted, ids have the
//! shape of one.

use std::time::Duration;

use textsender_plugin_api::{Found, Receipt};

use crate::{
    plugins::{
        frames::{CallOutcome, Reply},
        process::{CallResult, Shared},
    },
    redact::Foreign,
};

/// The most findings of a check.
const MAX_FINDINGS: usize = 100;

/// The longest id or code of a provider's.
const MAX_ID: usize = 64;

/// The longest time that a provider may ask to wait: what is longer is no time to plan with.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(7 * 24);

impl Shared {
    /// The result of a call that still runs.
    pub(in crate::plugins::process) fn cleaned(
        &self,
        call: u64,
        outcome: Foreign<CallOutcome>,
    ) -> CallResult {
        match outcome.unmarked() {
            CallOutcome::Panicked => CallResult::Panicked,
            CallOutcome::TooOld => CallResult::TooOld,
            CallOutcome::Failed(mut error) => {
                error.message = self.clean(&error.message).into();
                error.provider_code = self.shaped(call, error.provider_code);
                error.retry_after = error.retry_after.map(|after| after.min(MAX_RETRY_AFTER));
                CallResult::Failed(error)
            }
            CallOutcome::Replied(reply) => CallResult::Replied(self.cleaned_reply(call, reply)),
        }
    }

    fn cleaned_reply(&self, call: u64, reply: Reply) -> Reply {
        match reply {
            Reply::Sent(receipt) => Reply::Sent(self.cleaned_receipt(call, receipt)),
            Reply::Found(Found::Accepted(receipt)) => {
                Reply::Found(Found::Accepted(self.cleaned_receipt(call, receipt)))
            }
            Reply::Found(found) => Reply::Found(found),
            Reply::Status(mut delivery) => {
                delivery.reason = delivery.reason.map(|reason| self.clean(&reason));
                delivery.provider_code = self.shaped(call, delivery.provider_code);
                Reply::Status(delivery)
            }
            Reply::Checked(mut findings) => {
                findings.truncate(MAX_FINDINGS);
                for finding in &mut findings {
                    finding.message = self.clean(&finding.message);
                }
                Reply::Checked(findings)
            }
        }
    }

    fn cleaned_receipt(&self, call: u64, mut receipt: Receipt) -> Receipt {
        receipt.provider_id = self.shaped(call, receipt.provider_id);
        receipt
    }

    /// Foreign text, safe to show: without this sender's secrets, and those of messages in flight.
    pub(in crate::plugins::process) fn clean(&self, text: &str) -> String {
        self.withheld().clean(&Foreign::of(text))
    }

    /// An id or code of the provider's, if it has the shape of one and shows nothing that is withheld.
    fn shaped(&self, call: u64, id: Option<String>) -> Option<String> {
        id.filter(|id| has_shape_of_id(id) && !self.withheld().shows_in(call, id))
    }
}

/// Letters, digits and a few signs: nothing that a terminal, a shell or a browser would act upon.
fn has_shape_of_id(id: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"._@+=:/-".contains(&b);
    let begins = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    (1..=MAX_ID).contains(&id.len())
        && id.bytes().all(fits)
        && id.bytes().next().is_some_and(begins)
        && !id.contains("://")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_has_the_shape_of_one() {
        for id in [
            "SM00000000000000000000000000000000",
            "740e5834-3a29-46b4",
            "a@b.example",
            "21608",
        ] {
            assert!(has_shape_of_id(id), "{id}");
        }
        let long = "x".repeat(MAX_ID + 1);
        let no_ids = [
            "",
            "--config=x",
            "-x",
            "https://evil.example/x",
            "call me",
            "a\u{202e}b",
            &long,
        ];
        for words in no_ids {
            assert!(!has_shape_of_id(words), "{words}");
        }
    }
}
