//! Countries that a sender's account at its provider is not switched on for, as last week's messages met them. The
//! sender works for all others, so that it is neither paused nor a problem; and no one but an administrator can change
//! it.

use std::{collections::BTreeMap, ops::ControlFlow};

use jiff::{SignedDuration, Timestamp};

use super::{Finding, warning};
use crate::{
    ledger::{Entry, Filter, History, LedgerError},
    protocol::{ErrorCode, Outcome},
    redact::printable,
};

/// How far back messages are looked at.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(7 * 24);

/// What a sender's provider said of each region that it keeps out.
type KeptOut = BTreeMap<(String, String), String>;

pub(super) fn findings(history: &History, now: Timestamp) -> Result<Vec<Finding>, LedgerError> {
    let filter = Filter {
        since: now.checked_sub(LOOK_BACK).ok(),
        ..Filter::default()
    };
    let mut kept_out = KeptOut::new();
    history.each(&filter, |entry| {
        note(&mut kept_out, &entry);
        ControlFlow::Continue(())
    })?;
    let findings = kept_out.into_iter().map(|((sender, region), said)| {
        let words = format!("the account of sender {sender} does not text {region}");
        Finding {
            remedy: Some(said),
            ..warning("ledger", words)
        }
    });
    Ok(findings.collect())
}

/// Entries come in their order: what was accepted since is switched on.
fn note(kept_out: &mut KeptOut, entry: &Entry) {
    let region = entry.region.as_deref().unwrap_or("some numbers");
    for (number, attempt) in entry.attempts.iter().enumerate() {
        let place = (attempt.sender.clone(), region.to_owned());
        match (attempt.outcome, attempt.code.as_deref()) {
            (Outcome::Accepted, _) => _ = kept_out.remove(&place),
            (_, Some(code)) if code == ErrorCode::RegionNotEnabled.as_str() => {
                let said = entry.reasons.get(number).filter(|said| !said.is_empty());
                let said = said.map_or_else(
                    || ErrorCode::RegionNotEnabled.remedy().to_owned(),
                    |said| format!("it said: {}", printable(said)),
                );
                kept_out.insert(place, said);
            }
            _ => {}
        }
    }
}
