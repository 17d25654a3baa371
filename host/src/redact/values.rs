//! Many values, looked for in one text at once.
//!
//! Rabin and Karp's search: the hash of a window that rolls over the text is looked up among the hashes
//! of all values of the window's length. Values come and go with each message, so that an automaton
//! would be built anew all the time; and as hashes alone they are no copies of secrets. That another text
//! has a value's hash happens in one of 2^64 windows, and then a word too much is hidden.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{BuildHasherDefault, Hasher},
    ops::Range,
};

/// Hashes of values, and how often each was inserted, by the values' length in bytes.
#[derive(Clone, Default)]
pub(super) struct Values {
    by_length: BTreeMap<usize, Counts>,
}

type Counts = HashMap<u64, usize, BuildHasherDefault<Mixed>>;

/// The base of the polynomial: odd, as it is taken modulo 2^64, and without a pattern in its bits.
const BASE: u64 = 0x9e37_79b9_7f4a_7c15;

impl Values {
    pub(super) fn is_empty(&self) -> bool {
        self.by_length.is_empty()
    }

    pub(super) fn insert(&mut self, value: &[u8]) {
        if !value.is_empty() {
            let counts = self.by_length.entry(value.len()).or_default();
            *counts.entry(hash(value)).or_default() += 1;
        }
    }

    pub(super) fn remove(&mut self, value: &[u8]) {
        let Some(counts) = self.by_length.get_mut(&value.len()) else {
            return;
        };
        let hash = hash(value);
        match counts.get_mut(&hash) {
            Some(count) if *count > 1 => *count -= 1,
            Some(_) => {
                counts.remove(&hash);
            }
            None => {}
        }
        if counts.is_empty() {
            self.by_length.remove(&value.len());
        }
    }

    /// Calls `found` with each place in `bytes` where a value stands.
    pub(super) fn find(&self, bytes: &[u8], mut found: impl FnMut(Range<usize>)) {
        for (&length, counts) in self.by_length.range(..=bytes.len()) {
            // What the first byte of a window weighs in its hash.
            let weight = (1..length).fold(1_u64, |weight, _| weight.wrapping_mul(BASE));
            let mut window = hash(&bytes[..length]);
            for start in 0.. {
                if counts.contains_key(&window) {
                    found(start..start + length);
                }
                let Some(&next) = bytes.get(start + length) else {
                    break;
                };
                let first = digit(bytes[start]).wrapping_mul(weight);
                window = window.wrapping_sub(first).wrapping_mul(BASE);
                window = window.wrapping_add(digit(next));
            }
        }
    }

    /// How many lengths the values have: so many passes a search takes.
    #[cfg(test)]
    pub(super) fn lengths(&self) -> usize {
        self.by_length.len()
    }
}

fn hash(bytes: &[u8]) -> u64 {
    let add = |hash: u64, byte: &u8| hash.wrapping_mul(BASE).wrapping_add(digit(*byte));
    bytes.iter().fold(0, add)
}

/// A byte as a digit that is not zero, or leading zeroes would not count. Small letters and capitals are
/// the same: hosts, headers and hexadecimal digits change them on their way.
const fn digit(byte: u8) -> u64 {
    byte.to_ascii_lowercase() as u64 + 1
}

/// The hash of what is a hash already: its bits mixed, as a polynomial's low bits depend on few others.
#[derive(Default)]
struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = hash(bytes);
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = (value ^ (value >> 32)).wrapping_mul(BASE);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn finds_what_a_plain_search_finds(
            values in proptest::collection::vec("[ab]{1,4}", 0..6),
            text in "[ab]{0,24}",
        ) {
            let mut index = Values::default();
            values.iter().for_each(|value| index.insert(value.as_bytes()));
            let mut found = Vec::new();
            index.find(text.as_bytes(), |place| found.push(place));
            let mut plain = Vec::new();
            for start in 0..text.len() {
                for end in start + 1..=text.len() {
                    if values.iter().any(|value| *value == text[start..end]) {
                        plain.push(start..end);
                    }
                }
            }
            plain.sort_by_key(|place| (place.len(), place.start));
            prop_assert_eq!(found, plain);
            values.iter().for_each(|value| index.remove(value.as_bytes()));
            prop_assert!(index.is_empty());
        }
    }
}
