//! The watch over a host process: one that neither gets ready nor answers is ended, long before the
//! deadlines of all the messages that wait behind what it is stuck in; and one that takes more threads or
//! processor time than a plugin has use for.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::time::{Instant, sleep, timeout};

use super::{Phase, Reason};
use crate::{
    budget::{Limit, PROCESSOR_INSIDE, PROCESSOR_OUTSIDE, THREADS},
    plugins::{frames::Down, process::Shared},
};

/// How long a host process has to load and configure its plugin.
const START: Duration = Duration::from_secs(10);

/// How often it is looked at until then.
const LOOK_AT_START: Duration = Duration::from_secs(1);

/// How often it is looked at while it rests.
const LOOK: Duration = Duration::from_millis(250);

/// How often while it says something or computes: until it is seen to, it may keep the processors from others.
const CLOSE_LOOK: Duration = Duration::from_millis(25);

/// How long it may be silent, although it is the plugin's turn. It is pinged meanwhile: one that only
/// waits says so.
const SILENCE: Duration = Duration::from_secs(3);

/// Over what time processor time is counted.
const COUNTED: Duration = Duration::from_secs(1);

/// Processor time for each frame that it sends: a busy stream's process is no spinner.
const PER_FRAME: Duration = Duration::from_millis(2);

/// Looks at the process until it ends.
pub(in crate::plugins::process) async fn watch(shared: Arc<Shared>) {
    let mut phase = shared.life.subscribe();
    let over = phase.wait_for(|phase| matches!(phase, Phase::Refused(_) | Phase::Ended));
    tokio::select! {
        _ = over => {}
        reason = look(&shared) => shared.end(reason),
    }
}

/// Looks at it until there is a reason to end it.
async fn look(shared: &Shared) -> Reason {
    let begun = Instant::now();
    let mut silence = Silence::default();
    let mut consumption = Consumption::since(begun);
    let mut threads_counted = begun;
    let mut pause = LOOK_AT_START;
    loop {
        // What rests is looked at closely from the moment on when it is asked for something.
        if timeout(pause, shared.asked.notified()).await.is_ok() {
            sleep(CLOSE_LOOK).await;
        }
        let seen = Seen::now(shared);
        let is_starting = shared.life.is_starting();
        if is_starting && seen.at - begun >= START {
            return Reason::fault("it did not get ready");
        }
        if silence.is_too_long(shared, seen) {
            return Reason::STUCK;
        }
        let last = consumption.last;
        if last.computes_until(seen) || seen.at - threads_counted >= LOOK {
            threads_counted = seen.at;
            if shared.life.threads() > Some(THREADS) {
                return Reason::used_up(Limit::Threads);
            }
        }
        match consumption.exceeds(seen) {
            Some(Limit::ProcessorInside) => shared.life.set_greedy(),
            Some(limit) => return Reason::used_up(limit),
            None => {}
        }
        pause = match last.rests_until(seen) {
            _ if is_starting => LOOK_AT_START,
            true => LOOK,
            false => CLOSE_LOOK,
        };
    }
}

/// What is seen of it at one look.
#[derive(Clone, Copy)]
struct Seen {
    at: Instant,
    /// Since its start.
    processor: Duration,
    frames: u64,
    calls: u64,
    /// Neither a call runs, nor is it at its start.
    is_idle: bool,
}

impl Seen {
    fn now(shared: &Shared) -> Self {
        let processor = shared.life.processor_time();
        let calls = shared.calls();
        Self {
            at: Instant::now(),
            // Where the system does not tell, it counts as none.
            processor: processor.unwrap_or_default(),
            frames: shared.frames_received.load(Ordering::Relaxed),
            calls: calls.count(),
            is_idle: calls.is_idle() && !shared.life.is_starting(),
        }
    }

    /// The processor time that it used from then on.
    fn used_since(self, since: Self) -> Duration {
        self.processor.saturating_sub(since.processor)
    }

    /// Whether it neither said anything until then nor had much to do.
    fn rests_until(self, then: Self) -> bool {
        then.frames == self.frames && then.used_since(self) < (then.at - self.at) / 20
    }

    /// Whether it had a processor for most of the time until then.
    fn computes_until(self, then: Self) -> bool {
        then.used_since(self) > (then.at - self.at) / 2
    }
}

/// How long it has said nothing.
#[derive(Default)]
struct Silence {
    frames: u64,
    since: Option<Instant>,
    is_pinged: bool,
}

impl Silence {
    fn is_too_long(&mut self, shared: &Shared, seen: Seen) -> bool {
        // With a network of its own it may wait in a call of the system's, as vendors' libraries do:
        // each message's own deadline is the bound then.
        if shared.launch.seal.grants_network() {
            return false;
        }
        if seen.frames != self.frames || !shared.calls().is_plugins_turn() {
            *self = Self {
                frames: seen.frames,
                ..Self::default()
            };
            return false;
        }
        let silence = seen.at - *self.since.get_or_insert(seen.at);
        if silence >= LOOK && !std::mem::replace(&mut self.is_pinged, true) {
            let _ = shared.outbox.post(&Down::Ping);
        }
        silence >= SILENCE
    }
}

/// The processor time that it used since the counting began: with calls, and without one.
struct Consumption {
    inside: Seen,
    outside: Seen,
    last: Seen,
}

impl Consumption {
    /// Counts from its start on.
    fn since(at: Instant) -> Self {
        let start = Seen {
            at,
            processor: Duration::ZERO,
            frames: 0,
            calls: 0,
            is_idle: false,
        };
        Self {
            inside: start,
            outside: start,
            last: start,
        }
    }

    /// The budget that it used up. At once: by the end of the second, others would have waited for all of it.
    fn exceeds(&mut self, seen: Seen) -> Option<Limit> {
        self.last = seen;
        let had_none = seen.is_idle && self.outside.is_idle && seen.calls == self.outside.calls;
        let frames = u32::try_from(seen.frames - self.inside.frames).unwrap_or(u32::MAX);
        let allowed = Duration::from_millis(PROCESSOR_INSIDE) + PER_FRAME.saturating_mul(frames);
        let limit = if had_none
            && seen.used_since(self.outside) > Duration::from_millis(PROCESSOR_OUTSIDE)
        {
            Some(Limit::ProcessorOutside)
        } else if seen.used_since(self.inside) > allowed {
            Some(Limit::ProcessorInside)
        } else {
            None
        };
        let is_over = |since: Seen| seen.at - since.at >= COUNTED;
        if !had_none || is_over(self.outside) {
            self.outside = seen;
        }
        if is_over(self.inside) {
            self.inside = seen;
        }
        limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a process does in each of its looks, in milliseconds of processor time and in frames, and whether a call
    /// runs then.
    type Deed = fn(look: u32) -> (u64, u64, bool);

    /// The first budget that is used up within ten seconds of looks as they come, and after how much of processor time.
    fn found(deed: Deed) -> Option<(Limit, Duration)> {
        let mut seen = Consumption::since(Instant::now()).last;
        let mut consumption = Consumption::since(seen.at);
        for look in 0..400 {
            let (used, frames, is_called) = deed(look);
            seen.at += CLOSE_LOOK;
            seen.processor += Duration::from_millis(used);
            seen.frames += frames;
            seen.calls += u64::from(is_called && seen.is_idle);
            seen.is_idle = !is_called;
            if let Some(limit) = consumption.exceeds(seen) {
                return Some((limit, seen.processor));
            }
        }
        None
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_computes_is_found_within_a_look() {
        // On two processors, from the answer to its first message on; others wait for their provider meanwhile.
        let beside_others: Deed = |_| (50, 0, true);
        let after_the_last: Deed = |look| (50, 0, look == 0);
        // One processor's fifth.
        let now_and_then: Deed = |look| (if look == 0 { 0 } else { 5 }, 0, look == 0);
        for (deed, limit, most) in [
            (beside_others, Limit::ProcessorInside, PROCESSOR_INSIDE + 50),
            // The look in which the call ended does not count.
            (
                after_the_last,
                Limit::ProcessorOutside,
                2 * PROCESSOR_OUTSIDE + 100,
            ),
            (
                now_and_then,
                Limit::ProcessorOutside,
                PROCESSOR_OUTSIDE + 10,
            ),
        ] {
            let (found, used) = found(deed).expect("it is not found");
            assert_eq!(found, limit);
            assert!(used <= Duration::from_millis(most), "{limit}: {used:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_process_that_works_is_left_alone() {
        // A busy stream's: a third of a processor, and frames for it.
        let busy: Deed = |_| (8, 4, true);
        // A message each second, with 200 ms of work.
        let slow: Deed = |look| (if look % 40 < 8 { 25 } else { 0 }, 0, look % 40 < 8);
        // What a vendor's library does beside: under 50 ms a second.
        let keeps_alive: Deed = |_| (1, 0, false);
        for deed in [busy, slow, keeps_alive] {
            assert_eq!(found(deed), None);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_looked_at_closely_while_there_is_something_to_see() {
        let rest = Consumption::since(Instant::now()).last;
        let after = |processor: u64, frames: u64| Seen {
            at: rest.at + CLOSE_LOOK,
            processor: Duration::from_millis(processor),
            frames,
            ..rest
        };
        for (then, rests, computes) in [
            (after(0, 0), true, false),
            (after(1, 0), true, false),
            (after(0, 1), false, false),
            (after(2, 0), false, false),
            (after(20, 0), false, true),
        ] {
            assert_eq!(rest.rests_until(then), rests);
            assert_eq!(rest.computes_until(then), computes);
        }
    }
}
