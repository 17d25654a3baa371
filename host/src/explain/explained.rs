//! Everything that is told of a decision, as data: for `--json`, and for people through `cli`.

use std::time::Duration;

use serde::Serialize;

use super::Evaluation;
use crate::{
    config::{Ledger, Located, OnUnknown, Regions},
    decision::Decision,
    ledger::{Health, Mode, SenderState},
    policy::{Considered, SenderFrom},
    protocol::{ErrorCode, Failure, Resend},
    recipient::{Kind, Recipient},
    text::{Names, Rendered, fold::Change, locale::LocaleReason, segments::Segments},
};

/// A decision and how it came about. Without a code, a password or a full number.
#[derive(Debug, Serialize)]
pub struct Explained<'w> {
    /// What the message is for.
    pub purpose: &'static str,
    /// What the user is doing, if the request says.
    pub event: Option<&'static str>,
    /// Every policy, by link: the winner, then those it beat, then those that do not apply. Empty for
    /// helpdesk messages, which no policy decides.
    pub considered: &'w [Considered<'w>],
    /// The policy that won.
    pub policy: Option<&'w str>,
    /// The sender and its fallbacks, in the order in which they are asked.
    pub senders: Vec<SenderNamed<'w>>,
    /// What follows an outcome `unknown`: `fail_over` or `stop`.
    pub on_unknown: Option<&'static str>,
    /// Whether a number was given.
    pub number_given: bool,
    /// The number, if it can be read.
    pub number: Option<Number>,
    /// The regions that may be texted; none listed: all.
    pub regions: Vec<&'w str>,
    /// The kinds of number that are allowed beyond the usual ones.
    pub kinds: Vec<&'w str>,
    /// What it says.
    pub text: Option<Words<'w>>,
    /// The limits that count it; `None` where no number was given, or no ledger is kept.
    pub limits: Option<Vec<Limit>>,
    /// What would come of it before a sender is asked.
    pub output: Output<'w>,
}

impl Explained<'_> {
    /// Tells which of the senders failed lately, by what the ledger knows of them.
    pub fn tell_health(&mut self, known: &[SenderState]) {
        for sender in &mut self.senders {
            let state = known.iter().find(|state| state.sender == sender.name);
            sender.paused = state.and_then(|state| match &state.health {
                Health::Good => None,
                Health::Trial { reason, .. } => Some(Paused {
                    reason: reason.clone(),
                    seconds: 0,
                }),
                Health::Paused {
                    reason, remaining, ..
                } => Some(Paused {
                    reason: reason.clone(),
                    seconds: whole_seconds(*remaining),
                }),
                Health::RateLimited { remaining } => Some(Paused {
                    reason: ErrorCode::Throttled.as_str().to_owned(),
                    seconds: whole_seconds(*remaining),
                }),
            });
        }
    }
}

fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// A sender, and who named it.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct SenderNamed<'w> {
    /// Its name.
    pub name: &'w str,
    /// Its plugin; `None` if no such sender is configured.
    pub plugin: Option<&'w str>,
    /// Who named it.
    pub from: SenderFrom,
    /// Why it is asked last for a while, if it failed lately: the ledger tells.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<Paused>,
    /// Whether an administrator has paused it: the next one is asked.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub stopped: bool,
    /// Whether it can't carry this code or password: the next one is asked.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub unsuitable: bool,
    /// Why its plugin can't be used here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unusable: Option<String>,
}

/// A sender that failed lately.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Paused {
    /// The error code of its last failure.
    pub reason: String,
    /// For how long it is asked last, in seconds; 0 when the next message tries it.
    pub seconds: u64,
}

/// A number, masked.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Number {
    /// In international form.
    pub e164: String,
    /// As dialled in its country.
    pub national: String,
    /// The region that it belongs to.
    pub region: &'static str,
    /// The sort of line.
    pub kind: Kind,
    /// Who keeps it free for tests or fiction.
    pub reserved_by: Option<&'static str>,
}

/// A text as it would be sent.
#[derive(Debug, Serialize)]
pub struct Words<'w> {
    /// The text, with a stand-in for code or password.
    pub text: &'w str,
    /// Whether the request gave a code or password. Its stand-in costs what it costs.
    pub secret_given: bool,
    /// The tag of the translation; `None` for the policy's own text.
    pub locale: Option<&'w str>,
    /// Why it is that one.
    pub locale_reason: LocaleReason,
    /// What a carrier makes of it.
    pub segments: &'w Segments,
    /// The most segments that it may take.
    pub max_segments: Option<u8>,
    /// Which characters were replaced by look-alikes.
    pub folded: &'w [Change],
    /// How the user's names were written.
    pub names: Names,
    /// The sender that can't carry them so, and gets them as the text has them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub names_fitted_for: Option<&'w str>,
    /// Whether it ends in the line that binds the code to the origin.
    pub origin_bound: bool,
}

/// The limits of one scope.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub struct Limit {
    /// What is counted: the key in `[limits]`.
    pub scope: &'static str,
    /// Each as `COUNT/WINDOW`.
    pub limits: Vec<String>,
    /// Whether a message over it is refused; else it is only recorded.
    pub enforced: bool,
}

/// What would come of a request before a sender is asked.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Output<'w> {
    /// The message would be sent through these, the next where one fails.
    SentBy(Vec<&'w str>),
    /// It would not be sent.
    Refused(Refused),
}

/// Why a request would not be sent, as a response has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The outcome.
    pub outcome: &'static str,
    /// The stable code of the error.
    pub code: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub remedy: &'static str,
}

impl<'p> Evaluation<'p> {
    /// Tells all of it.
    pub fn explained(&self) -> Explained<'_> {
        let decision = self.decision.as_ref().ok();
        let reach = decision.map(|decision| decision.resolution.reach);
        let recipient = decision.and_then(|decision| decision.recipient.as_ref().ok());
        let regions = match reach.map(|reach| &reach.regions) {
            Some(Regions::Only(regions)) => names(regions),
            _ => Vec::new(),
        };
        Explained {
            purpose: self.request().purpose.as_str(),
            event: self.request().event.map(|event| event.as_str()),
            considered: &self.considered,
            policy: decision.and_then(|decision| decision.resolution.policy),
            senders: decision.map_or(Vec::new(), |decision| self.senders(decision)),
            on_unknown: decision.map(|decision| match decision.resolution.on_unknown {
                OnUnknown::FailOver => "fail_over",
                OnUnknown::Stop => "stop",
            }),
            number_given: self.draft.has_phone,
            number: recipient.map(Number::of),
            regions,
            kinds: reach.map_or(Vec::new(), |reach| names(&reach.kinds)),
            text: decision.and_then(|decision| self.words(decision)),
            limits: recipient.and_then(|recipient| self.limits(recipient)),
            output: self.output(),
        }
    }

    fn is_unsuitable(&self, sender: &str) -> bool {
        let carried = self.carried.as_ref();
        carried.is_some_and(|carried| carried.is_unsuitable(sender))
    }

    fn why_unusable(&self, sender: &str) -> Option<String> {
        let failure = self.carried.as_ref()?.unusable(sender)?;
        Some(failure.to_string())
    }

    fn senders(&self, decision: &Decision<'p>) -> Vec<SenderNamed<'p>> {
        let resolution = &decision.resolution;
        let by_owner = match resolution.policy {
            Some(_) => SenderFrom::Policy,
            None => SenderFrom::Helpdesk,
        };
        let configured = &self.snapshot.config().senders;
        let named = decision.senders().into_iter().enumerate();
        named
            .map(|(place, name)| SenderNamed {
                name,
                plugin: configured.get(name).map(|sender| sender.plugin.as_str()),
                from: match place {
                    0 => resolution.sender_from,
                    _ => by_owner,
                },
                paused: None,
                stopped: self.is_stopped(name),
                unsuitable: self.is_unsuitable(name),
                unusable: self.why_unusable(name),
            })
            .collect()
    }

    pub(super) fn words<'w>(&'w self, decision: &'w Decision<'p>) -> Option<Words<'w>> {
        let Rendered {
            text,
            locale,
            reason,
            segments,
            folded,
            names,
            names_in_text: _,
            origin_bound,
        } = decision.text.as_ref().ok()?;
        let fitted = self.carried.as_ref().and_then(|it| it.fitted.as_ref());
        Some(Words {
            text: fitted.map_or(text, |fitted| &fitted.text),
            secret_given: self.draft.has_secret,
            locale: locale.as_deref(),
            locale_reason: *reason,
            segments: fitted.map_or(segments, |fitted| &fitted.segments),
            names_fitted_for: fitted.map(|fitted| fitted.sender.as_str()),
            max_segments: decision.resolution.options.max_segments,
            folded,
            names: *names,
            origin_bound: *origin_bound,
        })
    }

    /// Those that the ledger would hold, by its own rule.
    fn limits(&self, recipient: &Recipient) -> Option<Vec<Limit>> {
        let config = self.snapshot.config();
        if config.state.ledger == Ledger::Off {
            return None;
        }
        let limits = self.snapshot.limits();
        let request = self.request();
        let is_resend = request.resend != Resend::No;
        let counting = limits.counting(request.purpose, &recipient.phone, is_resend);
        let shown = counting.into_iter().map(|(scope, rule)| Limit {
            scope: scope.name(),
            limits: rule.limits.iter().map(ToString::to_string).collect(),
            enforced: rule.mode == Mode::Enforce,
        });
        Some(shown.collect())
    }

    fn output(&self) -> Output<'_> {
        match (self.failure(), &self.decision) {
            (Some(failure), _) | (None, Err(failure)) => Output::Refused(Refused::of(failure)),
            (None, Ok(decision)) => {
                let senders = decision.senders().into_iter();
                Output::SentBy(
                    senders
                        .filter(|name| !self.is_unsuitable(name) && !self.is_stopped(name))
                        .collect(),
                )
            }
        }
    }
}

impl Number {
    /// The number, masked.
    pub(super) fn of(recipient: &Recipient) -> Self {
        Self {
            e164: recipient.phone.to_string(),
            national: masked(&recipient.national),
            region: recipient.region.as_str(),
            kind: recipient.kind,
            reserved_by: recipient.reserved_by(),
        }
    }
}

impl Refused {
    pub(super) fn of(failure: &Failure) -> Self {
        Self {
            outcome: failure.outcome().as_str(),
            code: failure.code.as_str(),
            message: failure.to_string(),
            remedy: failure.code.remedy(),
        }
    }
}

/// The last three digits, or fewer of a short number: at least four are hidden, as in a `Phone`.
fn masked(digits: &str) -> String {
    let hidden = digits.len().saturating_sub(3).max(4).min(digits.len());
    format!("{}{}", "*".repeat(hidden), &digits[hidden..])
}

fn names(list: &[Located<String>]) -> Vec<&str> {
    list.iter().map(|name| name.as_str()).collect()
}
