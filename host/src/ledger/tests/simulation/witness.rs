//! What was seen from outside, and what must be true of it.

use std::collections::BTreeMap;

use super::super::*;
use super::provider::Provider;
use super::{NOW, WINDOW};

/// When a place was taken that no witness saw being taken: long ago, so that it is in no window.
const UNKNOWN: i64 = i64::MIN / 2;

/// What was seen from outside.
#[derive(Default)]
pub(super) struct Witness {
    /// The last answer that each id got.
    pub(super) answers: BTreeMap<String, Outcome>,
    places: Vec<Place>,
    /// Messages whose claim was not answered yet, for each number: it may have been made.
    claiming: BTreeMap<u64, usize>,
    /// Milliseconds since the beginning, which no clock sets back.
    pub(super) elapsed: i64,
}

/// A place that a claim took, as an honest witness counts it.
#[derive(Debug)]
struct Place {
    id: String,
    recipient: u64,
    sender: String,
    at: i64,
    /// When its sender counted it, not earlier and not later.
    at_sender: (i64, i64),
    /// When it was given back.
    over_at: Option<i64>,
}

impl Witness {
    /// Counts a place as the claim took it.
    pub(super) fn takes_place(
        &mut self,
        id: &str,
        recipient: u64,
        claimed: i64,
        counted: &str,
    ) -> usize {
        // The clock at the claim, as time that no clock sets back. When an earlier process claimed, no
        // witness knows.
        let ago = (NOW.get() - claimed).max(0);
        let at = match counted {
            "" => UNKNOWN,
            _ => self.elapsed - ago.min(self.elapsed),
        };
        self.places.push(Place {
            id: id.to_owned(),
            recipient,
            sender: counted.to_owned(),
            at,
            at_sender: (at, at),
            over_at: None,
        });
        self.places.len() - 1
    }

    /// It goes to this sender. The one that the claim was counted for counts it no second time.
    pub(super) fn hands_over(&mut self, place: usize, sender: &str, before: i64) {
        let now = self.elapsed;
        let place = &mut self.places[place];
        if place.sender != sender {
            // An earlier process may have counted any sender.
            let before = if place.at == UNKNOWN { UNKNOWN } else { before };
            sender.clone_into(&mut place.sender);
            place.at_sender = (before, now);
        }
    }

    /// A place is given back: its message was certainly not sent.
    pub(super) fn gives_back(&mut self, place: usize) {
        self.places[place].over_at = Some(self.elapsed);
    }

    /// How many messages to a number have a claim that was not answered yet.
    pub(super) fn claiming(&mut self, recipient: u64) -> &mut usize {
        self.claiming.entry(recipient).or_default()
    }

    /// Where nothing goes wrong, a message is refused only if there is no room.
    pub(super) fn is_rightly_limited(&self, recipient: u64, reached: &LimitReached, asked_at: i64) {
        // As it was when the claim was asked for, or later.
        let recently = |place: &&Place| {
            place.at > asked_at - 2 * WINDOW && place.over_at.is_none_or(|over| over >= asked_at)
        };
        let taken = self.places.iter().filter(recently);
        let claiming = self.claiming.iter();
        let count = match reached.scope {
            Scope::Recipient => {
                let to_number = taken.filter(|place| place.recipient == recipient);
                let of_number = claiming.filter(|(number, _)| **number == recipient);
                to_number.count() + of_number.map(|(_, count)| count).sum::<usize>()
            }
            _ => taken.count() + claiming.map(|(_, count)| count).sum::<usize>(),
        };
        assert!(
            count as u64 >= u64::from(reached.limit.count()),
            "{reached}: {count} at {} of {:?}",
            self.elapsed,
            self.places
        );
    }

    /// No more texts were delivered than the limits allow.
    pub(super) fn check_limits(&self, provider: &Provider, is_one_boot: bool) {
        let delivered = |place: &&Place| {
            let senders = provider.delivered.get(&place.id);
            // Of several claims of an id only the last was delivered.
            let last = self.places.iter().rfind(|other| other.id == place.id);
            senders.is_some() && last.is_some_and(|last| std::ptr::eq(last, *place))
        };
        let is_known = |place: &&Place| place.at != UNKNOWN;
        for place in self.places.iter().filter(delivered).filter(is_known) {
            let is_in = |other: &&Place| (place.at - WINDOW < other.at) && other.at <= place.at;
            let near = || self.places.iter().filter(delivered).filter(is_in);
            let to_number = near().filter(|other| other.recipient == place.recipient);
            assert!(
                to_number.count() <= 2,
                "texts to one number at {}",
                place.at
            );
            let sender = |place: &Place| provider.delivered[&place.id][0].clone();
            // Only what was surely counted within one window.
            let (_, until) = place.at_sender;
            let is_near = |other: &&Place| {
                sender(other) == sender(place)
                    && until - WINDOW < other.at_sender.0
                    && other.at_sender.1 <= place.at_sender.0
            };
            let through: Vec<_> = self
                .places
                .iter()
                .filter(delivered)
                .filter(is_near)
                .collect();
            // A power cut may take back that a message went over to another sender.
            assert!(
                !is_one_boot || through.len() <= 4,
                "through one sender: {through:#?}"
            );
        }
    }
}
