//! The calls of one host process, by number: running, or cancelled and not yet let go of.
//!
//! A host process polls its calls one after the other. So it dies of a call whose *turn* it is: one
//! that was handed over, or whose exchange was answered, and that has said nothing since. Turns are
//! taken in order: of several the oldest is the one that it was at. The others had no part in its
//! death, and unless something of them has left, another process may have them.

use std::collections::{HashMap, HashSet};

use tokio::{sync::oneshot, task::AbortHandle, time::Instant};

use super::{CallResult, Trace};
use crate::{
    budget::{self, Limit},
    transport::Progress,
};

/// How a call ended.
pub(super) enum Ended {
    Done(CallResult),
    /// The process ended. `of_it`: it was at this call.
    Died {
        of_it: bool,
    },
}

/// Whether an exchange may begin.
pub(super) enum Permission {
    Granted(Open),
    /// The call was taken back.
    TooLate,
    /// Its call used a budget up.
    UsedUp(Limit),
}

/// What an exchange is carried with.
pub(super) struct Open {
    pub(super) progress: Progress,
    pub(super) deadline: Instant,
    pub(super) delivers: bool,
    pub(super) trace: Trace,
}

pub(super) struct Calls {
    last: u64,
    running: HashMap<u64, Running>,
    cancelling: HashSet<u64>,
    turns: u64,
    has_worked: bool,
    /// When the last call ended, or the process began.
    idle_since: Instant,
}

struct Running {
    ended: oneshot::Sender<Ended>,
    deadline: Instant,
    trace: Trace,
    exchanges: Vec<AbortHandle>,
    /// How many of them are not answered.
    open: u64,
    /// When its turn came, if it is the plugin's turn: the number of turns until then.
    turn: Option<u64>,
}

impl Calls {
    pub(super) fn new() -> Self {
        Self {
            last: 0,
            running: HashMap::new(),
            cancelling: HashSet::new(),
            turns: 0,
            has_worked: false,
            idle_since: Instant::now(),
        }
    }

    /// A new call's number, its end, and its trace.
    pub(super) fn begin(
        &mut self,
        deadline: Instant,
        network_granted: bool,
    ) -> (u64, oneshot::Receiver<Ended>, Trace) {
        let (ended, end) = oneshot::channel();
        let trace = Trace::new(network_granted);
        let running = Running {
            ended,
            deadline,
            trace: trace.clone(),
            exchanges: Vec::new(),
            open: 0,
            turn: Some(self.turns),
        };
        self.turns += 1;
        self.last += 1;
        self.running.insert(self.last, running);
        (self.last, end, trace)
    }

    /// An exchange that a call wants.
    pub(super) fn exchange(
        &mut self,
        call: u64,
        delivers: bool,
    ) -> Result<Permission, &'static str> {
        let Some(running) = self.running.get_mut(&call) else {
            return match self.cancelling.contains(&call) {
                true => Ok(Permission::TooLate),
                false => Err("it wants an exchange for a call that does not run"),
            };
        };
        let limit = match (running.exchanges.len() as u64, running.open) {
            (budget::EXCHANGES.., _) => Some(Limit::Exchanges),
            (_, budget::AT_A_TIME..) => Some(Limit::AtATime),
            _ => None,
        };
        running.open += 1;
        running.turn = None;
        if let Some(limit) = limit {
            running.trace.used_up(limit);
            return Ok(Permission::UsedUp(limit));
        }
        self.has_worked = true;
        Ok(Permission::Granted(Open {
            progress: running.trace.begin(delivers),
            deadline: running.deadline,
            delivers,
            trace: running.trace.clone(),
        }))
    }

    /// Notes the task that carries an exchange, to end it with the call.
    pub(super) fn carrying(&mut self, call: u64, task: AbortHandle) {
        if let Some(running) = self.running.get_mut(&call) {
            running.exchanges.push(task);
        }
    }

    /// An exchange was answered: it is the plugin's turn again.
    pub(super) fn answered(&mut self, call: u64) {
        if let Some(running) = self.running.get_mut(&call) {
            running.open = running.open.saturating_sub(1);
            running.turn = Some(self.turns);
            self.turns += 1;
        }
    }

    /// A call's result.
    pub(super) fn done(&mut self, call: u64, result: CallResult) -> Result<(), &'static str> {
        self.idle_since = Instant::now();
        if self.cancelling.remove(&call) {
            return Ok(());
        }
        self.has_worked = true;
        let running = self.running.remove(&call);
        let running = running.ok_or("it answers a call that does not run")?;
        running.stop();
        // Its waiting end may have given up in this moment.
        let _ = running.ended.send(Ended::Done(result));
        Ok(())
    }

    /// Since when no call runs; `None` while one does.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        self.is_idle().then_some(self.idle_since)
    }

    /// Whether it did anything for a call.
    pub(super) fn has_worked(&self) -> bool {
        self.has_worked
    }

    /// Takes a call back.
    pub(super) fn cancel(&mut self, call: u64) {
        if let Some(running) = self.running.remove(&call) {
            running.stop();
            self.cancelling.insert(call);
        }
    }

    /// A cancelled call that the process let go of.
    pub(super) fn cancelled(&mut self, call: u64) -> Result<(), &'static str> {
        if !self.cancelling.remove(&call) {
            return Err("it lets go of a call that was not cancelled");
        }
        self.idle_since = Instant::now();
        Ok(())
    }

    pub(super) fn is_cancelling(&self, call: u64) -> bool {
        self.cancelling.contains(&call)
    }

    /// The process is gone. `is_stuck`: it was ended because it was stuck in a call, which would have
    /// got no answer until its deadline either. `limit`: the budget that it was ended for.
    pub(super) fn all_died(&mut self, is_stuck: bool, limit: Option<Limit>) {
        let cause = self.current();
        self.cancelling.clear();
        for (call, running) in self.running.drain() {
            running.stop();
            // Where it was at none of them, any may have used the budget up.
            let of_it = match cause {
                Some(cause) => cause == call,
                None => limit.is_some(),
            };
            if let (Some(limit), true) = (limit, of_it) {
                running.trace.used_up(limit);
            }
            let _ = running.ended.send(match of_it && is_stuck {
                true => Ended::Done(CallResult::TimedOut),
                false => Ended::Died { of_it },
            });
        }
    }

    /// The running call that the process is at, as far as can be told: none, if it may be at one that
    /// was taken back.
    fn current(&self) -> Option<u64> {
        if !self.cancelling.is_empty() {
            return None;
        }
        let turns = self.running.iter();
        let turns = turns.filter_map(|(call, running)| Some((running.turn?, *call)));
        turns.min().map(|(_, call)| call)
    }

    /// Whether it is the plugin's turn with any call.
    pub(super) fn is_plugins_turn(&self) -> bool {
        self.running.values().any(|running| running.turn.is_some())
    }

    /// Whether any call runs.
    pub(super) fn is_idle(&self) -> bool {
        self.running.is_empty() && self.cancelling.is_empty()
    }

    /// How many calls there were.
    pub(super) fn count(&self) -> u64 {
        self.last
    }
}

impl Running {
    /// Ends its exchanges: nothing more may leave for a call that is over.
    fn stop(&self) {
        self.exchanges.iter().for_each(AbortHandle::abort);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_process_is_idle_from_the_end_of_its_last_call() {
        let mut calls = Calls::new();
        let deadline = Instant::now() + Duration::from_secs(60);
        let (call, _end, _trace) = calls.begin(deadline, false);
        tokio::time::advance(Duration::from_secs(20)).await;
        calls.cancel(call);
        assert!(calls.idle_since().is_none());
        tokio::time::advance(Duration::from_secs(1)).await;
        calls.cancelled(call).unwrap();
        assert_eq!(calls.idle_since(), Some(Instant::now()));
    }

    #[tokio::test]
    async fn a_call_has_so_many_exchanges_at_a_time_and_so_many_in_all() {
        let mut calls = Calls::new();
        let deadline = Instant::now() + Duration::from_secs(60);
        let (call, _end, trace) = calls.begin(deadline, false);
        let idle = tokio::spawn(std::future::pending::<()>());
        let ask = |calls: &mut Calls| {
            let permission = calls.exchange(call, false).unwrap();
            match permission {
                Permission::Granted(_) => calls.carrying(call, idle.abort_handle()),
                Permission::TooLate => panic!("it was not taken back"),
                Permission::UsedUp(limit) => {
                    calls.answered(call);
                    return Some(limit);
                }
            }
            None
        };
        for _ in 0..budget::AT_A_TIME {
            assert_eq!(ask(&mut calls), None);
        }
        assert_eq!(ask(&mut calls), Some(Limit::AtATime));
        assert_eq!(trace.limit(), Some(Limit::AtATime));
        for _ in budget::AT_A_TIME..budget::EXCHANGES {
            calls.answered(call);
            assert_eq!(ask(&mut calls), None);
        }
        calls.answered(call);
        assert_eq!(ask(&mut calls), Some(Limit::Exchanges));
    }
}
