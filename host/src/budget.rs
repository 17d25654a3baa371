//! What one sender's plugin may use of what all senders share.
//!
//! One thread, one memory, one table of descriptors serve every sender: a plugin that takes them all would
//! starve the others. So each of these has a number here, and no other place names one. What is used up
//! costs the sender that used it: an exchange of its is refused, its lines are dropped, or its process is
//! ended; its messages are `unavailable`, `budget_exhausted`, unless they may have been sent.
//!
//! SECURITY.md shows the table; a test compares.

use std::{fmt, sync::Arc, time::Duration};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Declares the budgets: name, number, unit, why it is so, and what happens when it is used up.
macro_rules! budgets {
    ($($(#[$doc:meta])+ $variant:ident, $number:ident = $value:expr, $unit:ident, $what:literal, $why:literal, $then:literal;)+) => {
        $($(#[$doc])+ pub const $number: u64 = $value;)+

        /// A budget, by name.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Limit {
            $($(#[$doc])+ $variant,)+
        }

        impl Limit {
            /// Every budget, in the order of the table.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// Its number with its unit, and what is counted.
            fn parts(self) -> (u64, Unit, &'static str) {
                match self { $(Self::$variant => ($number, Unit::$unit, $what),)+ }
            }

            /// Why its number is what it is.
            pub const fn why(self) -> &'static str {
                match self { $(Self::$variant => $why,)+ }
            }

            /// What happens when it is used up.
            pub const fn then(self) -> &'static str {
                match self { $(Self::$variant => $then,)+ }
            }
        }
    };
}

budgets! {
    /// Exchanges that one message may begin.
    Exchanges, EXCHANGES = 32, Count, "exchanges of one message",
        "a token, a message and a few repeats are fewer", "further ones are refused";
    /// Exchanges of one message at a time.
    AtATime, AT_A_TIME = 8, Count, "exchanges of one message at a time",
        "a plugin waits for one before it begins the next", "further ones are refused";
    /// Connections of one sender.
    Connections, CONNECTIONS = 1024, Count, "connections at a time",
        "as many as a busy stream has messages in flight", "further exchanges wait for one, until their deadline";
    /// New connections of one sender.
    NewConnections, NEW_CONNECTIONS = 200, Count, "new connections a second on average, 2,000 saved up",
        "each keeps one of 28,232 ports for a minute after its end", "further exchanges wait for one, until their deadline";
    /// Look-ups of names by one sender.
    LookUps, LOOK_UPS = 4, Count, "look-ups of names at a time",
        "each takes one of 512 threads, for as long as the resolver is silent", "further ones wait, until their deadline";
    /// Bytes of requests and answers that are held for one sender.
    BodyBytes, BODY_BYTES = 16 << 20, Bytes, "of requests and answers in flight",
        "a text and its answer take a few KiB", "further exchanges are refused, and an answer is cut off";
    /// Bytes of an answer's head.
    Head, HEAD_BYTES = 64 << 10, Bytes, "of an answer's head",
        "a head takes a few KiB", "the exchange is cut off";
    /// Interim answers to one request.
    Interim, INTERIM_ANSWERS = 8, Count, "interim answers (1xx) to one request",
        "providers send none, or one", "the exchange is cut off";
    /// Lines that a plugin may log for each call.
    LogLines, LOG_LINES = 50, Count, "lines of log a call on average, 500 saved up",
        "a line for each step of a call", "further ones are dropped";
    /// Bytes of foreign text that are cleaned for each call.
    Text, TEXT_BYTES = 64 << 10, Bytes, "of text to clean a call on average, 1 MiB saved up",
        "to clean 64 KiB takes about 5 ms of the one thread", "further text is dropped";
    /// Lines that are dropped before the process is.
    Dropped, DROPPED_LINES = 10_000, Count, "lines dropped since a call was answered",
        "to read and drop one takes a microsecond", "its process is ended";
    /// Threads of a plugin's process.
    Threads, THREADS = 64, Count, "threads of its process",
        "a vendor's library has about a dozen", "its process is ended";
    /// Processor time of a process without a call.
    ProcessorOutside, PROCESSOR_OUTSIDE = 50, Millis, "of processor time a second without a call",
        "a process without a call has nothing to do", "its process is ended";
    /// Processor time of a process with calls.
    ProcessorInside, PROCESSOR_INSIDE = 250, Millis, "of processor time a second in calls, and 2 ms a frame",
        "to compose a text takes less than a millisecond", "its process runs on one processor, when no other wants that";
}

/// How long the processes of a sender are restrained from their start on, after one that used more of the processors
/// than it may: each new one could do so for a moment otherwise.
pub const RESTRAINED: Duration = Duration::from_secs(60);

/// How many new connections may be saved up.
pub const SAVED_CONNECTIONS: u64 = 2_000;

/// How many lines may be saved up.
pub const SAVED_LINES: u64 = 500;

/// How many bytes of text may be saved up.
pub const SAVED_TEXT: u64 = 1 << 20;

#[derive(Clone, Copy)]
enum Unit {
    Count,
    Bytes,
    Millis,
}

impl Limit {
    /// Its number, with its unit.
    pub fn number(self) -> String {
        match self.parts() {
            (number, Unit::Count, _) => grouped(number),
            (number, Unit::Millis, _) => format!("{number} ms"),
            (number, Unit::Bytes, _) if number >= 1 << 20 => format!("{} MiB", number >> 20),
            (number, Unit::Bytes, _) => format!("{} KiB", number >> 10),
        }
    }

    /// Whether it is of what all processes of a machine share.
    pub fn is_of_processors(self) -> bool {
        let all = [Self::Threads, Self::ProcessorOutside, Self::ProcessorInside];
        all.contains(&self)
    }

    /// What is counted.
    pub fn what(self) -> &'static str {
        self.parts().2
    }
}

fn grouped(number: u64) -> String {
    match number {
        0..1_000 => number.to_string(),
        _ => format!("{},{:03}", number / 1_000, number % 1_000),
    }
}

/// The number and what it counts: `16 MiB of requests and answers in flight`.
impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.number(), self.what())
    }
}

/// What one sender's exchanges share.
#[derive(Debug)]
pub struct Budget {
    connections: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
}

/// A connection of a budget, given back when this is dropped.
#[derive(Debug)]
pub struct Connection(
    #[expect(dead_code, reason = "given back when it is dropped")] Option<OwnedSemaphorePermit>,
);

/// Bytes of a budget, given back when this is dropped.
#[derive(Debug)]
pub struct Bytes {
    budget: Arc<Semaphore>,
    held: OwnedSemaphorePermit,
    is_used_up: bool,
}

impl Bytes {
    /// Holds so many more; false if too many are held.
    pub fn add(&mut self, bytes: usize) -> bool {
        let more = u32::try_from(bytes).ok();
        let more = more.and_then(|more| self.budget.clone().try_acquire_many_owned(more).ok());
        let is_there = more.is_some();
        if let Some(more) = more {
            self.held.merge(more);
        }
        self.is_used_up |= !is_there;
        is_there
    }

    /// Whether more were wanted than there were.
    pub fn is_used_up(&self) -> bool {
        self.is_used_up
    }
}

impl Default for Budget {
    fn default() -> Self {
        // None is near usize::MAX, whatever the machine's word.
        let semaphore = |number: u64| Arc::new(Semaphore::new(number as usize));
        Self {
            connections: semaphore(CONNECTIONS),
            bytes: semaphore(BODY_BYTES),
        }
    }
}

impl Budget {
    /// Waits for a connection.
    pub async fn connection(&self) -> Connection {
        // Nothing closes the semaphore.
        Connection(self.connections.clone().acquire_owned().await.ok())
    }

    /// Holds so many bytes; `None` if too many are held.
    pub fn hold(&self, bytes: usize) -> Option<Bytes> {
        let bytes = u32::try_from(bytes).ok()?;
        Some(Bytes {
            held: self.bytes.clone().try_acquire_many_owned(bytes).ok()?,
            budget: self.bytes.clone(),
            is_used_up: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{env, fmt::Write, fs};

    use futures_util::FutureExt;
    use tokio::task::coop::unconstrained;

    use super::*;

    const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../SECURITY.md");

    /// What stands around the table in the page.
    const BEGIN: &str = "<!-- the table of host/src/budget.rs -->\n";
    const END: &str = "<!-- its end -->\n";

    /// Set to write the table into the page: `TEXTSENDER_BLESS=1 cargo test -p textsender --lib budget`.
    const BLESS: &str = "TEXTSENDER_BLESS";

    #[test]
    fn the_page_shows_the_table() {
        let mut table = String::from("| At most | because | beyond it |\n|---|---|---|\n");
        for limit in Limit::ALL {
            // Writing to a String does not fail.
            let _ = writeln!(table, "| {limit} | {} | {} |", limit.why(), limit.then());
        }
        let page = fs::read_to_string(PAGE).unwrap();
        let (before, rest) = page.split_once(BEGIN).unwrap();
        let (shown, after) = rest.split_once(END).unwrap();
        if env::var_os(BLESS).is_some() {
            fs::write(PAGE, [before, BEGIN, &table, END, after].concat()).unwrap();
            return;
        }
        assert_eq!(
            shown, table,
            "{PAGE} shows another table; {BLESS}=1 writes this one"
        );
    }

    #[tokio::test]
    async fn what_is_held_is_given_back() {
        let budget = Budget::default();
        let half = BODY_BYTES as usize / 2;
        let held = [budget.hold(half), budget.hold(half)];
        assert!(held.iter().all(Option::is_some));
        assert!(budget.hold(1).is_none());
        drop(held);
        let mut held = budget.hold(1).unwrap();
        assert!(held.add(half) && !held.add(half) && held.is_used_up());
        assert!(budget.hold(half).is_none());
        drop(held);
        assert!(budget.hold(half).is_some());

        let mut held = Vec::new();
        for _ in 0..CONNECTIONS {
            held.push(budget.connection().await);
        }
        // Whatever so many of them took of this task's turn.
        let mut next = Box::pin(unconstrained(budget.connection()));
        assert!((&mut next).now_or_never().is_none());
        held.pop();
        assert!((&mut next).now_or_never().is_some());
    }

    #[test]
    fn a_limit_says_what_it_counts() {
        let bytes = Limit::BodyBytes.to_string();
        assert_eq!(bytes, "16 MiB of requests and answers in flight");
        assert_eq!(Limit::Threads.to_string(), "64 threads of its process");
    }
}
