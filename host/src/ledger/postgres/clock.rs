//! The server's time, and the numbers of new rows, which are made of it.

use std::cell::Cell;

use jiff::Timestamp;
use ring::rand::{SecureRandom, SystemRandom};

use crate::os::process::since_boot;

/// The server's time, between two answers of it.
pub(super) struct Clock {
    /// A test's.
    given: Option<fn() -> Timestamp>,
    /// The server's less this machine's since its boot, in milliseconds.
    ahead: Cell<i64>,
}

impl Clock {
    /// A clock that was just told the server's time.
    pub fn at(server: i64, given: Option<fn() -> Timestamp>) -> Clock {
        let clock = Clock {
            given,
            ahead: Cell::new(0),
        };
        clock.set(server);
        clock
    }

    /// Milliseconds since 1970.
    pub fn now(&self) -> i64 {
        match self.given {
            Some(given) => given().as_millisecond(),
            None => own().saturating_add(self.ahead.get()),
        }
    }

    /// The server said that this is its time.
    pub fn set(&self, server: i64) {
        self.ahead.set(server.saturating_sub(own()));
    }

    /// A test's time, which the server is to go by.
    pub fn given(&self) -> Option<i64> {
        self.given.map(|given| given().as_millisecond())
    }
}

/// Milliseconds since the boot of this machine.
fn own() -> i64 {
    i64::try_from(since_boot().as_millis()).unwrap_or(i64::MAX)
}

/// Numbers of new rows: the time, and twelve bits more that keep machines apart. They stay below 2^53, as
/// JSON's readers may count in floating point.
#[derive(Default)]
pub(super) struct Numbers {
    at: i64,
    /// The first one taken of this millisecond, and how many were: after the last comes the first.
    begin: i64,
    taken: i64,
}

impl Numbers {
    /// A number that no other row has.
    pub fn next(&mut self, now: i64) -> i64 {
        if self.at != now || self.taken > LAST_NUMBER {
            let mut random = [0u8; 2];
            // Where there is none, another machine may have the number: then this step is run again.
            let _ = SystemRandom::new().fill(&mut random);
            self.at = now;
            self.begin = i64::from(u16::from_le_bytes(random));
            self.taken = 0;
        }
        let number = number_of(now) | (self.begin + self.taken) & LAST_NUMBER;
        self.taken += 1;
        number
    }
}

/// The first number of a millisecond.
pub(super) fn number_of(at: i64) -> i64 {
    at << NUMBER_BITS
}

/// Bits of a row's number below its time.
const NUMBER_BITS: u32 = 12;

/// The last number of a millisecond.
const LAST_NUMBER: i64 = (1 << NUMBER_BITS) - 1;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_number_of_a_millisecond_comes_twice() {
        // Wherever they begin.
        for _ in 0..64 {
            let mut numbers = Numbers::default();
            let taken: BTreeSet<_> = (0..=LAST_NUMBER).map(|_| numbers.next(5)).collect();
            assert_eq!(taken.len(), 1 << NUMBER_BITS);
            assert_eq!(taken.first(), Some(&number_of(5)));
            assert_eq!(taken.last(), Some(&(number_of(6) - 1)));
        }
    }
}
