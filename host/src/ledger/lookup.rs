//! What a message was answered, read back by its id.

use super::{Entry, EntryState, History, LedgerError};
use crate::protocol::{ErrorCode, Failure, Outcome, Response};

impl History {
    /// The response that a message was given, or that it is being sent. Of an outcome that released its
    /// id, what the response said in particular was not kept. `None`: the ledger has no such id.
    ///
    /// # Errors
    /// If the ledger cannot be read.
    pub fn answer_to(&self, id: &str) -> Result<Option<Response>, LedgerError> {
        let Some(found) = self.archive.answered(id)? else {
            return Ok(None);
        };
        let response = found.0.response.clone();
        let stored = response.and_then(|json| serde_json::from_str(&json).ok());
        match stored {
            Some(response) => Ok(Some(response)),
            None => Ok(Some(of_entry(self.entry(found)?))),
        }
    }
}

fn of_entry(entry: Entry) -> Response {
    let mut response = Response {
        id: Some(entry.id),
        sender: entry.sender,
        policy: entry.policy,
        recipient: entry.recipient,
        segments: entry.segments,
        provider_id: entry.provider_id,
        attempts: entry.attempts,
        ..Response::default()
    };
    let code = match entry.state {
        EntryState::Sending => Some(ErrorCode::InProgress),
        EntryState::Ended(Outcome::Accepted) => None,
        EntryState::Ended(_) => entry.code.as_deref().and_then(ErrorCode::parse),
    };
    if let Some(code) = code {
        response.fail(&Failure::new(code));
    } else if let EntryState::Ended(outcome) = entry.state {
        response.outcome = outcome;
    }
    response
}
