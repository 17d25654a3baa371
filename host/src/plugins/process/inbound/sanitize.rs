//! What a plugin says of a call, made safe to show: words are bounded and redacted, ids have the
//! shape of one.

use std::{sync::Mutex, time::Duration};

use textsender_plugin_api::{Found, Receipt};

use crate::{
    plugins::{
        frames::{CallOutcome, Reply},
        process::{
            CallResult, Shared,
            ids::{self, DeclaredIds},
            lock, warn,
            withheld::Withheld,
        },
    },
    redact::Foreign,
};

/// The most findings of a check.
const MAX_FINDINGS: usize = 100;

/// The longest time that a provider may ask to wait: what is longer is no time to plan with.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(7 * 24);

/// Makes what one process says safe to show.
pub(in crate::plugins::process) struct Sanitizer<'s> {
    pub(in crate::plugins::process) sender: &'s str,
    pub(in crate::plugins::process) withheld: &'s Mutex<Withheld>,
    pub(in crate::plugins::process) ids: &'s DeclaredIds,
}

impl Shared {
    pub(in crate::plugins::process) fn sanitizer(&self) -> Sanitizer<'_> {
        Sanitizer {
            sender: &self.launch.sender,
            withheld: &self.withheld,
            ids: &self.ids,
        }
    }

    /// Foreign text, safe to show: without this sender's secrets, and those of messages in flight.
    pub(in crate::plugins::process) fn clean(&self, text: &str) -> String {
        self.sanitizer().clean(text)
    }
}

impl Sanitizer<'_> {
    /// The result of a call that still runs.
    pub(in crate::plugins::process) fn cleaned(&self, outcome: Foreign<CallOutcome>) -> CallResult {
        match outcome.unmarked() {
            CallOutcome::Panicked => CallResult::Panicked,
            CallOutcome::TooOld => CallResult::TooOld,
            CallOutcome::Failed(mut error) => {
                error.message = self.clean(&error.message).into();
                error.provider_code = self.shaped(error.provider_code);
                error.retry_after = error.retry_after.map(|after| after.min(MAX_RETRY_AFTER));
                CallResult::Failed(error)
            }
            CallOutcome::Replied(reply) => CallResult::Replied(self.cleaned_reply(reply)),
        }
    }

    fn cleaned_reply(&self, reply: Reply) -> Reply {
        match reply {
            Reply::Sent(receipt) => Reply::Sent(self.cleaned_receipt(receipt)),
            Reply::Found(Found::Accepted(receipt)) => {
                Reply::Found(Found::Accepted(self.cleaned_receipt(receipt)))
            }
            Reply::Found(found) => Reply::Found(found),
            Reply::Status(mut delivery) => {
                delivery.reason = delivery.reason.map(|reason| self.clean(&reason));
                delivery.provider_code = self.shaped(delivery.provider_code);
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

    fn cleaned_receipt(&self, mut receipt: Receipt) -> Receipt {
        let id = self.shaped(receipt.provider_id);
        receipt.provider_id = id.filter(|id| self.is_as_declared(id));
        receipt
    }

    /// Foreign text, safe to show: without this sender's secrets, and those of messages in flight.
    pub(in crate::plugins::process) fn clean(&self, text: &str) -> String {
        lock(self.withheld).clean(&Foreign::of(text))
    }

    /// An id or code of the provider's, if it has the shape of one and shows nothing that is withheld.
    fn shaped(&self, id: Option<String>) -> Option<String> {
        id.filter(|id| ids::has_shape(id) && !lock(self.withheld).shows_in(id))
    }

    fn is_as_declared(&self, id: &str) -> bool {
        let fits = self.ids.are_like(id);
        if !fits {
            // It may be words: the log does not get them either.
            let words = "the plugin's id does not have the form that it declares: it is dropped";
            warn(self.sender, format_args!("{words}"));
        }
        fits
    }
}
