//! Repeat and resend: the same code to the same number again.
//!
//! | the caller | the same again is |
//! |---|---|
//! | has ids | a *repeat*, if the id is the same: answered as before |
//! | says `resend_of` | a *resend*: sent under an id of its own, if it brings the code of that message while that is good |
//! | has no ids, [`Resend::ByContent`] | a repeat within [`REPEAT`] of the last time, then a resend |
//!
//! A resend counts in every limit that counts a text, and in `resend`.

use std::time::Duration;

use textsender_plugin_api::Phone;

use super::keys::Keys;
use super::store::{Holder, Life, Row, Store, StoreResult};
use crate::protocol::{ErrorCode, Resend};

/// How long the same content is a repeat, for callers without ids: a program that got no answer asks again
/// within seconds; a user who waits for a text asks again later.
pub const REPEAT: Duration = Duration::from_secs(30);

/// Which message a claim is for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Identity {
    pub id: String,
    pub resend_of: Option<String>,
}

/// Which message a claim of `id` is for, by its ids or by what was sent before.
pub(super) fn identify(
    store: &dyn Store,
    id: &str,
    resend: &Resend,
    now: i64,
) -> StoreResult<Identity> {
    let resend_of = match resend {
        Resend::No => None,
        Resend::Of(id) => Some(id.as_str().to_owned()),
        Resend::ByContent => return by_content(store, id, now),
    };
    let id = id.to_owned();
    Ok(Identity { id, resend_of })
}

/// The first message of a content has the id that was made of it, the next ones `ID~2` and so on.
fn by_content(store: &dyn Store, first: &str, now: i64) -> StoreResult<Identity> {
    let mut id = first.to_owned();
    let mut last: Option<Holder> = None;
    let mut count: u32 = 1;
    while let Some(holder) = store.holder(&id)? {
        last = Some(holder);
        count = count.saturating_add(1);
        id = format!("{first}~{count}");
    }
    let Some(last) = last else {
        return Ok(Identity {
            id,
            resend_of: None,
        });
    };
    if is_repeat(&last, now) {
        return Ok(Identity {
            id: last.id,
            resend_of: None,
        });
    }
    // The same code by chance, long after, is a new message.
    let resend_of = (was_sent(&last) && now < last.expires).then_some(last.id);
    Ok(Identity { id, resend_of })
}

/// Whether the same content is still the message that holds it. One in flight is, however long it takes.
fn is_repeat(last: &Holder, now: i64) -> bool {
    let age = now.saturating_sub(last.at.as_millisecond());
    let is_recent = age < i64::try_from(REPEAT.as_millis()).unwrap_or(i64::MAX);
    let is_in_flight = last.outcome.is_none() && last.life == Life::Alive;
    is_recent || is_in_flight
}

/// Whether a text of it may have left.
fn was_sent(holder: &Holder) -> bool {
    match holder.outcome {
        Some(outcome) => outcome.may_have_been_sent(),
        None => holder.life != Life::Dead || holder.sent_to.is_some(),
    }
}

/// Holds a resend against the message `of` that it is to be. Its code is good for no
/// longer than that message's. The answer is why it can't be sent, if it can't.
pub(super) fn check(
    store: &dyn Store,
    row: &mut Row,
    (phone, secret): (&Phone, &str),
    of: &str,
) -> StoreResult<Option<ErrorCode>> {
    let Some(original) = store.holder(of)?.filter(was_sent) else {
        return Ok(Some(ErrorCode::ResendUnknown));
    };
    if !brings_the_same(store, row, (phone, secret), &original) {
        return Ok(Some(ErrorCode::ResendMismatch));
    }
    if original.outcome.is_none() && original.life == Life::Alive {
        return Ok(Some(ErrorCode::InProgress));
    }
    row.expires = row.expires.map(|expires| expires.min(original.expires));
    Ok(None)
}

/// The same purpose and number, and the same code, which is still good.
fn brings_the_same(
    store: &dyn Store,
    row: &Row,
    (phone, secret): (&Phone, &str),
    original: &Holder,
) -> bool {
    let is_by = |keys: &Keys| {
        let tag = keys.secret_tag(&original.id, secret);
        let content = row.purpose.map(|purpose| keys.content(purpose, phone));
        original.content == content && original.tag == Some(tag)
    };
    let keys = store.keys();
    row.at < original.expires && (is_by(keys) || keys.other().is_some_and(is_by))
}
