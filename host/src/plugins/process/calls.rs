//! The calls of one host process, by number: running, or cancelled and not yet let go of.
//!
//! A host process polls its calls one after the other. So it dies of a call whose *turn* it is: one
//! that was handed over, or whose exchange was answered, and that has said nothing since. Turns are
//! taken in order: of several the oldest is the one that it was at. The others had no part in its
//! death, and unless something of them has left, another process may have them.

use std::collections::{HashMap, HashSet, VecDeque};

use textsender_plugin_api::{Message, Secret};
use tokio::{sync::oneshot, task::AbortHandle, time::Instant};

use super::{CallResult, Trace};
use crate::{plugins::frames::Work, redact::Redactor, transport::Progress};

/// The most exchanges of one call. A token, a message and a few repeats are fewer.
const MAX_EXCHANGES: usize = 32;

/// The most lines that a plugin may log for each call, on average.
const LINES_A_CALL: u64 = 50;

/// How many messages are remembered after their calls, so that nothing shows what they may not.
const REMEMBERED: usize = 256;

/// How a call ended.
pub(super) enum Ended {
    Done(CallResult),
    /// The process ended. `of_it`: it was at this call.
    Died {
        of_it: bool,
    },
}

/// What an exchange is carried with.
pub(super) struct Open {
    pub(super) progress: Progress,
    pub(super) deadline: Instant,
    /// Where a question's answer is noted; a message has no time for it.
    pub(super) trace: Option<Trace>,
}

pub(super) struct Calls {
    last: u64,
    running: HashMap<u64, Running>,
    cancelling: HashSet<u64>,
    turns: u64,
    lines: u64,
    has_worked: bool,
    /// When the last call ended, or the process began.
    idle_since: Instant,
    /// Messages whose calls are over: a plugin's thread may still log of them.
    over: VecDeque<Message>,
}

struct Running {
    ended: oneshot::Sender<Ended>,
    deadline: Instant,
    trace: Trace,
    exchanges: Vec<AbortHandle>,
    message: Option<Message>,
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
            lines: 0,
            has_worked: false,
            idle_since: Instant::now(),
            over: VecDeque::new(),
        }
    }

    /// A new call's number, its end, and its trace.
    pub(super) fn begin(
        &mut self,
        work: &Work,
        deadline: Instant,
        network_granted: bool,
    ) -> (u64, oneshot::Receiver<Ended>, Trace) {
        let message = match work {
            Work::Send(message) | Work::Find(message, _) => Some(message.clone()),
            Work::Status(_) | Work::Check => None,
        };
        let (ended, end) = oneshot::channel();
        let trace = Trace::new(network_granted);
        let running = Running {
            ended,
            deadline,
            trace: trace.clone(),
            exchanges: Vec::new(),
            message,
            turn: Some(self.turns),
        };
        self.turns += 1;
        self.last += 1;
        self.running.insert(self.last, running);
        (self.last, end, trace)
    }

    /// An exchange that a call wants. `None` for a call that was taken back, or wants too many.
    pub(super) fn exchange(
        &mut self,
        call: u64,
        delivers: bool,
    ) -> Result<Option<Open>, &'static str> {
        match self.running.get_mut(&call) {
            Some(running) if running.exchanges.len() >= MAX_EXCHANGES => Ok(None),
            Some(running) => {
                running.turn = None;
                self.has_worked = true;
                let progress = running.trace.begin(delivers);
                Ok(Some(Open {
                    progress,
                    deadline: running.deadline,
                    trace: (!delivers).then(|| running.trace.clone()),
                }))
            }
            None if self.cancelling.contains(&call) => Ok(None),
            None => Err("it wants an exchange for a call that does not run"),
        }
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
            running.turn = Some(self.turns);
            self.turns += 1;
        }
    }

    /// A call's result.
    pub(super) fn done(&mut self, call: u64, result: CallResult) -> Result<(), &'static str> {
        if self.cancelling.remove(&call) {
            return Ok(());
        }
        self.has_worked = true;
        self.idle_since = Instant::now();
        let mut running = self
            .running
            .remove(&call)
            .ok_or("it answers a call that does not run")?;
        running.stop();
        self.remember(running.message.take());
        // Its waiting end may have given up in this moment.
        let _ = running.ended.send(Ended::Done(result));
        Ok(())
    }

    /// Since when no call runs; `None` while one does.
    pub(super) fn idle_since(&self) -> Option<Instant> {
        let is_idle = self.running.is_empty() && self.cancelling.is_empty();
        is_idle.then_some(self.idle_since)
    }

    /// Whether it did anything for a call.
    pub(super) fn has_worked(&self) -> bool {
        self.has_worked
    }

    /// Takes a call back.
    pub(super) fn cancel(&mut self, call: u64) {
        if let Some(running) = self.running.remove(&call) {
            running.stop();
            self.remember(running.message);
            self.cancelling.insert(call);
        }
    }

    /// Keeps what a message may not show, for as long as a late word of the plugin's is likely.
    fn remember(&mut self, message: Option<Message>) {
        if self.over.len() == REMEMBERED {
            self.over.pop_front();
        }
        self.over.extend(message);
    }

    /// A cancelled call that the process let go of.
    pub(super) fn cancelled(&mut self, call: u64) -> Result<(), &'static str> {
        match self.cancelling.remove(&call) {
            true => Ok(()),
            false => Err("it lets go of a call that was not cancelled"),
        }
    }

    pub(super) fn is_cancelling(&self, call: u64) -> bool {
        self.cancelling.contains(&call)
    }

    /// The process is gone. `is_stuck`: it was ended because it was stuck in a call, which would
    /// have got no answer until its deadline either.
    pub(super) fn all_died(&mut self, is_stuck: bool) {
        let cause = self.current();
        self.cancelling.clear();
        for (call, running) in self.running.drain() {
            running.stop();
            let of_it = cause == Some(call);
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

    /// Adds what messages in flight, and those just done, may not show.
    pub(super) fn redact(&self, redactor: &mut Redactor) {
        let running = self.running.values();
        let running = running.filter_map(|running| running.message.as_ref());
        let messages = running.chain(&self.over);
        for message in messages {
            secrets_of(message).for_each(|secret| redactor.add(secret));
            redactor.add(&message.text);
        }
    }

    /// Whether an id tells what its call's message may not show.
    pub(super) fn is_told_by(&self, call: u64, id: &str) -> bool {
        let message = self
            .running
            .get(&call)
            .and_then(|running| running.message.as_ref());
        message.is_some_and(|message| {
            // Most ids are told apart by a search for the value alone.
            secrets_of(message)
                .any(|secret| id.contains(secret) && Redactor::new([secret]).finds_in(id))
        })
    }

    /// Whether one more line may be logged: `Some(true)` if it is the last one.
    pub(super) fn may_log(&mut self) -> Option<bool> {
        let most = LINES_A_CALL.saturating_mul(self.last + 1);
        self.lines += 1;
        (self.lines <= most).then_some(self.lines == most)
    }
}

/// What of a message may not be shown, but for its text.
fn secrets_of(message: &Message) -> impl Iterator<Item = &str> {
    let secrets = [&message.code, &message.password].into_iter().flatten();
    let numbers = [message.to.digits(), message.national.as_str()];
    secrets.map(Secret::expose).chain(numbers)
}

impl Running {
    /// Ends its exchanges: nothing more may leave for a call that is over.
    fn stop(&self) {
        self.exchanges.iter().for_each(AbortHandle::abort);
    }
}
