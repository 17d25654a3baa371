//! What a plugin says of a call, made safe to show: words are bounded and redacted, ids have the
//! shape of one.

use textsender_plugin_api::{Found, Receipt};

use crate::plugins::{
    frames::{CallOutcome, Reply},
    process::{CallResult, Shared},
};

/// The most findings of a check.
const MAX_FINDINGS: usize = 100;

impl Shared {
    /// The result of a call that still runs.
    pub(in crate::plugins::process) fn cleaned(
        &self,
        call: u64,
        outcome: CallOutcome,
    ) -> CallResult {
        match outcome {
            CallOutcome::Panicked => CallResult::Panicked,
            CallOutcome::Failed(mut error) => {
                error.message = self.clean(&error.message).into();
                error.provider_code = self.shaped(call, error.provider_code);
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
        let mut redactor = self.redactor.clone();
        self.calls().redact(&mut redactor);
        redactor.clean(text)
    }

    /// An id or code of the provider's, if it has the shape of one and holds no secret of the sender
    /// or of its call. Every accepted message has one, so this looks for no more than it must.
    fn shaped(&self, call: u64, id: Option<String>) -> Option<String> {
        let shape = |b: u8| b.is_ascii_alphanumeric() || b"._@+=:/-".contains(&b);
        id.filter(|id| {
            (1..=128).contains(&id.len())
                && id.bytes().all(shape)
                && !self.redactor.finds_in(id)
                && !self.calls().is_told_by(call, id)
        })
    }
}
