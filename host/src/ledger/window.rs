//! A sliding window: when the latest events were, to count those in the last so many milliseconds.
//!
//! One window serves several spans ("5 in 10 minutes and 20 in a day"). Up to [`EXACT`] events are
//! kept one by one, so that small limits are exact to the millisecond. Beyond that, events in the
//! same 1/64 of the shortest span that still counts them are kept as one, at the time of the
//! latest: a count never falls short, and an event may leave a span late by 1/64 of it. So a window
//! is a few hundred bytes, whatever it counts.
//!
//! **Clock steps.** An event from the future counts as one of now. So a clock that was set back
//! lengthens a span by at most itself, once; it never lets more through.

/// Events that are kept one by one.
const EXACT: usize = 64;

/// Bytes of one entry: the time (i64) and the count (u32), little-endian.
const ENTRY: usize = 12;

/// The events of the longest span, oldest first. Times and spans are milliseconds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Window {
    entries: Vec<Entry>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Entry {
    at: i64,
    count: u32,
}

impl Window {
    /// The window as [`bytes`](Window::bytes) wrote it; `None` if the bytes are damaged.
    pub fn read(bytes: &[u8], now: i64) -> Option<Window> {
        let (entries, rest) = bytes.as_chunks::<ENTRY>();
        let entries = entries
            .iter()
            .map(|[a, b, c, d, e, f, g, h, count @ ..]| Entry {
                at: i64::from_le_bytes([*a, *b, *c, *d, *e, *f, *g, *h]).min(now),
                count: u32::from_le_bytes(*count),
            })
            .collect();
        rest.is_empty().then_some(Window { entries })
    }

    /// How many events there were in the last `span`.
    pub fn count(&self, span: i64, now: i64) -> u64 {
        self.within(span, now)
            .map(|entry| u64::from(entry.count))
            .sum()
    }

    /// When the count of `span` will have fallen below `limit`, if nothing is added; `now` if it
    /// has.
    pub fn free_at(&self, span: i64, limit: u32, now: i64) -> i64 {
        let mut left = self.count(span, now);
        let mut at = now;
        for entry in self.within(span, now) {
            if left < u64::from(limit) {
                break;
            }
            left -= u64::from(entry.count);
            at = entry.at.saturating_add(span);
        }
        at
    }

    /// Counts one more event, and forgets those that no span counts any more. It has an entry of its own, so that it
    /// alone is given back.
    pub fn add(&mut self, spans: &[i64], now: i64) {
        let longest = spans.iter().copied().max().unwrap_or(0);
        self.entries.retain(|entry| is_within(entry, longest, now));
        self.entries.push(Entry { at: now, count: 1 });
        if self.entries.len() > EXACT {
            self.join_neighbours(spans, now);
        }
    }

    /// Counts one more event at `at`, together with what is there already, and forgets what `span` counts no more.
    pub fn add_at(&mut self, at: i64, span: i64, now: i64) {
        self.entries.retain(|entry| is_within(entry, span, now));
        self.put(at, 1);
    }

    /// Counts events that happened at `at`, such as in another store. `span` is the longest that counts them.
    pub fn insert(&mut self, at: i64, count: u32, span: i64, now: i64) {
        let at = at.min(now);
        if at.saturating_add(span) <= now {
            return;
        }
        self.put(at, count);
        if self.entries.len() > EXACT {
            self.join_neighbours(&[span], now);
        }
    }

    /// Puts events in their place, with those of the same time.
    fn put(&mut self, at: i64, count: u32) {
        match self.entries.binary_search_by_key(&at, |entry| entry.at) {
            Ok(index) => {
                let entry = &mut self.entries[index];
                entry.count = entry.count.saturating_add(count);
            }
            Err(index) => self.entries.insert(index, Entry { at, count }),
        }
    }

    /// Counts what another window counts, for this look.
    pub fn merge(&mut self, other: &Window) {
        for entry in &other.entries {
            self.put(entry.at, entry.count);
        }
    }

    /// When events happened, and how many of them.
    pub fn events(&self) -> impl Iterator<Item = (i64, u32)> {
        self.entries.iter().map(|entry| (entry.at, entry.count))
    }

    /// Takes back the event that was counted at `at` for the last `span`, if it is still kept; tells whether it was. An
    /// event that was forgotten, or that a clock step moved, is not taken from the others: then a place stays
    /// taken until it leaves, and no one else's is given away.
    pub fn give_back(&mut self, at: i64, span: i64, now: i64) -> bool {
        if at.saturating_add(span) <= now {
            return false;
        }
        // A joined event is in the first entry that is as late or later.
        let Some(index) = self.entries.iter().position(|entry| entry.at >= at) else {
            return false;
        };
        let entry = &mut self.entries[index];
        if entry.at != at && entry.count == 1 {
            return false;
        }
        entry.count = entry.count.saturating_sub(1);
        self.entries.retain(|entry| entry.count > 0);
        true
    }

    /// The window as it is stored.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.entries.len() * ENTRY);
        for entry in &self.entries {
            bytes.extend_from_slice(&entry.at.to_le_bytes());
            bytes.extend_from_slice(&entry.count.to_le_bytes());
        }
        bytes
    }

    fn within(&self, span: i64, now: i64) -> impl Iterator<Item = &Entry> {
        self.entries
            .iter()
            .filter(move |entry| is_within(entry, span, now))
    }

    fn join_neighbours(&mut self, spans: &[i64], now: i64) {
        let slice_of = |entry: &Entry| {
            let counted_by = spans.iter().filter(|span| is_within(entry, **span, now));
            let slice = (counted_by.min().unwrap_or(&0) / 64).max(1);
            (slice, entry.at.div_euclid(slice))
        };
        self.entries.dedup_by(|later, earlier| {
            let same = slice_of(later) == slice_of(earlier);
            if same {
                earlier.at = later.at;
                earlier.count = earlier.count.saturating_add(later.count);
            }
            same
        });
    }
}

fn is_within(entry: &Entry, span: i64, now: i64) -> bool {
    entry.at.saturating_add(span) > now
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn window(events: &[i64]) -> Window {
        let mut window = Window::default();
        for at in events {
            window.add(&[600], *at);
        }
        window
    }

    #[test]
    fn an_event_leaves_after_the_span_exactly() {
        let window = window(&[1000, 1100, 1200]);
        for (now, left) in [
            (1200, 3),
            (1599, 3),
            (1600, 2),
            (1700, 1),
            (1799, 1),
            (1800, 0),
        ] {
            assert_eq!(window.count(600, now), left, "at {now}");
        }
    }

    #[test]
    fn free_at_is_when_enough_have_left() {
        let window = window(&[1000, 1100, 1200]);
        assert_eq!(window.free_at(600, 4, 1200), 1200);
        assert_eq!(window.free_at(600, 3, 1200), 1600);
        assert_eq!(window.free_at(600, 1, 1200), 1800);
    }

    #[test]
    fn a_clock_set_back_keeps_the_count_for_one_span_at_most() {
        let stored = window(&[900_000, 900_100]).bytes();
        let window = Window::read(&stored, 5_000).unwrap();
        assert_eq!(window.count(600, 5_000), 2);
        assert_eq!(window.free_at(600, 1, 5_000), 5_600);
        assert_eq!(window.count(600, 5_600), 0);
    }

    #[test]
    fn what_is_given_back_counts_no_more() {
        let mut window = window(&[1000, 1100, 1100]);
        window.give_back(1100, 600, 1200);
        assert_eq!(window.count(600, 1200), 2);
        window.give_back(1100, 600, 1200);
        window.give_back(1000, 600, 1200);
        assert_eq!(window.count(600, 1200), 0);
    }

    #[test]
    fn only_an_events_own_place_is_given_back() {
        // Two came in the same millisecond, and it is neither.
        let mut two = window(&[1700, 1700]);
        assert!(!two.give_back(1650, 600, 1750));
        assert_eq!(two.count(600, 1750), 2);
        // It was forgotten when the next one came.
        let mut window = window(&[1000, 1700]);
        assert!(!window.give_back(1000, 600, 1750));
        assert_eq!(window.count(600, 1750), 1);
        // It was given back already, or a clock step moved it.
        window.give_back(1650, 600, 1750);
        window.give_back(1800, 600, 1750);
        assert_eq!(window.count(600, 1750), 1);
    }

    #[test]
    fn a_joined_event_is_given_back() {
        let mut window = Window::default();
        for at in 0..=EXACT as i64 {
            window.add(&[64_000], at);
        }
        let before = window.count(64_000, 100);
        window.give_back(10, 64_000, 100);
        assert_eq!(window.count(64_000, 100), before - 1);
    }

    #[test]
    fn events_of_another_store_are_counted_by_their_own_time() {
        let mut window = window(&[1000, 1200]);
        window.insert(1100, 2, 600, 1250);
        window.insert(500, 1, 600, 1250);
        assert_eq!(window.count(600, 1250), 4);
        assert_eq!(window.count(600, 1650), 3);
        assert_eq!(window.count(600, 1700), 1);
        // Its clock is ahead.
        window.insert(9000, 1, 600, 1250);
        assert_eq!(window.count(600, 1849), 1);
        assert_eq!(window.count(600, 1850), 0);
    }

    #[test]
    fn damaged_bytes_are_no_window() {
        assert_eq!(Window::read(&[1; 13], 0), None);
    }

    proptest! {
        /// Against a plain list: never fewer, and never more than what left in the last 1/64.
        #[test]
        fn counts_are_right_or_late_by_a_slice(gaps in prop::collection::vec(0i64..40, 1..600)) {
            let spans = [640, 6400];
            let mut events = Vec::new();
            let mut window = Window::default();
            let mut now = 1_000_000;
            for gap in gaps {
                now += gap;
                window = Window::read(&window.bytes(), now).unwrap();
                window.add(&spans, now);
                events.push(now);
                for span in spans {
                    let since = |span| events.iter().filter(|at| *at + span > now).count() as u64;
                    let right = since(span)..=since(span + span / 64);
                    prop_assert!(right.contains(&window.count(span, now)));
                    if events.len() <= EXACT {
                        prop_assert_eq!(window.count(span, now), since(span));
                    }
                }
                prop_assert!(window.entries.len() <= EXACT * (spans.len() + 1));
            }
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..60), span: i64, now: i64) {
            if let Some(mut window) = Window::read(&bytes, now) {
                window.free_at(span, 1, now);
                window.give_back(now, span, now);
                window.add(&[span], now);
            }
        }
    }
}
