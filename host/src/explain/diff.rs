//! What an edit of the configuration would change for whom.

use serde::Serialize;

use super::{Evaluation, Refused};
use crate::{
    decision::Snapshot,
    protocol::{Draft, Failure},
};

/// What a user gets under one configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Side {
    /// The policy that decides. Its name alone is no difference.
    pub policy: Option<String>,
    /// The sender and its fallbacks.
    pub senders: Vec<String>,
    /// The text, with a stand-in for the code.
    pub text: Option<String>,
    /// How many segments it takes.
    pub segments: Option<usize>,
    /// Why nothing would be sent, if so. Its code alone is a difference, not its words.
    pub refused: Option<Refused>,
}

/// A user for whom something would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    /// The line of the user, from 1.
    pub line: usize,
    /// The user's DN, or account name.
    pub user: String,
    /// Under the old configuration.
    pub before: Side,
    /// Under the new one.
    pub after: Side,
}

/// What a user gets under a configuration.
pub fn side(snapshot: &Snapshot, draft: Result<Draft, Failure>) -> Side {
    let mut draft = match draft {
        Ok(draft) => draft,
        Err(failure) => return Side::refused(&failure),
    };
    // One stand-in on both sides: a new `code_length` changes no text.
    draft.has_secret = true;
    let evaluation = Evaluation::of(snapshot, draft);
    let decision = evaluation.decision.as_ref().ok();
    let text = decision.and_then(|decision| decision.text.as_ref().ok());
    let senders = decision.map_or(Vec::new(), |decision| decision.senders());
    Side {
        policy: decision.and_then(|decision| decision.resolution.policy.map(str::to_owned)),
        senders: senders.into_iter().map(str::to_owned).collect(),
        text: text.map(|text| text.text.clone()),
        segments: text.map(|text| text.segments.count),
        refused: evaluation.failure().map(Refused::of),
    }
}

/// What would change for the user at a line, if anything. Each side has the draft as its directory completes it.
pub fn change(
    line: usize,
    sides: [(&Snapshot, Result<Draft, Failure>); 2],
    draft: &Draft,
) -> Option<Change> {
    let user = &draft.request.user;
    let name = user.dn.as_ref().or(user.name.as_ref());
    let name = name.map_or_else(|| format!("line {line}"), String::clone);
    let [before, after] = sides.map(|(snapshot, draft)| side(snapshot, draft));
    (!before.is_same(&after)).then_some(Change {
        line,
        user: name,
        before,
        after,
    })
}

impl Side {
    fn refused(failure: &Failure) -> Self {
        Self {
            policy: None,
            senders: Vec::new(),
            text: None,
            segments: None,
            refused: Some(Refused::of(failure)),
        }
    }

    fn is_same(&self, other: &Self) -> bool {
        let code = |side: &Self| side.refused.as_ref().map(|refused| refused.code);
        self.senders == other.senders
            && (&self.text, self.segments) == (&other.text, other.segments)
            && code(self) == code(other)
    }
}
