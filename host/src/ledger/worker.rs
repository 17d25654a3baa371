//! The ledger's thread: it takes what is waiting, does it in one transaction, and only then answers.
//!
//! A store blocks; so it has a thread of its own, and the front never waits for the disk. While one
//! transaction is being written, the steps of other messages gather, and the next transaction takes them
//! all. No step is answered before the transaction that holds it is committed and, where the step
//! must survive a power cut, durable. A step may be run several times before that: it changes nothing but
//! the store.

use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

use super::error::LedgerError;
use super::store::{Engine, Job, Store, StoreError, StoreResult};
use crate::failpoint::Step;

/// The way to the ledger's thread.
#[derive(Clone)]
pub(super) struct Queue {
    jobs: mpsc::Sender<Message>,
}

/// Whether a step must survive a power cut before it is answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    /// It must.
    Synced,
    /// It must survive the death of the process only.
    Written,
}

/// What the thread is sent.
pub(super) enum Message {
    Job(Durability, Box<dyn Job>),
    Stop,
}

type Batch = Vec<(Durability, Box<dyn Job>)>;

struct Call<T, F, C> {
    work: F,
    result: Option<T>,
    committed: C,
    reply: oneshot::Sender<Result<T, LedgerError>>,
}

impl<T, F, C> Job for Call<T, F, C>
where
    T: Send,
    F: Fn(&dyn Store) -> StoreResult<T> + Send,
    C: FnOnce(T) -> T + Send,
{
    fn run(&mut self, store: &dyn Store) -> StoreResult<()> {
        self.result = Some((self.work)(store)?);
        Ok(())
    }

    fn answer(self: Box<Self>, end: Result<(), LedgerError>, is_committed: bool) {
        let Call {
            result,
            committed,
            reply,
            ..
        } = *self;
        let result = match is_committed {
            true => result.map(committed),
            false => result,
        };
        let answer = match (end, result) {
            (Ok(()), Some(result)) => Ok(result),
            (Ok(()), None) => Err(LedgerError::Stopped),
            (Err(error), _) => Err(error),
        };
        // If the caller stopped waiting, the result is dropped; a dropped ticket gives its claim back.
        if let Err(Err(error)) = reply.send(answer) {
            tracing::warn!(%error, "the ledger could not write a step whose caller had stopped waiting");
        }
    }
}

impl Queue {
    /// Starts the thread. It makes the engine, opens the store at once, and again at each step until
    /// that succeeds. The receiver ends when the thread does.
    pub fn start(
        engine: impl FnOnce() -> Box<dyn Engine> + Send + 'static,
    ) -> std::io::Result<(Queue, oneshot::Receiver<()>)> {
        let (queue, waiting) = Queue::new();
        let (ends, ended) = oneshot::channel();
        let run = move || {
            let _ends: oneshot::Sender<()> = ends;
            Worker::new(engine(), waiting).run();
        };
        thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(run)?;
        Ok((queue, ended))
    }

    /// A queue, and what comes out of it.
    pub fn new() -> (Queue, Receiver<Message>) {
        let (jobs, waiting) = mpsc::channel();
        (Queue { jobs }, waiting)
    }

    /// Does `work` in the next transaction, and returns once that is committed.
    pub async fn call<T: Send + 'static>(
        &self,
        durability: Durability,
        work: impl Fn(&dyn Store) -> StoreResult<T> + Send + 'static,
    ) -> Result<T, LedgerError> {
        self.post(durability, work)
            .await
            .unwrap_or(Err(LedgerError::Stopped))
    }

    /// The same, where the result becomes what `committed` makes of it once that is so, even if the
    /// caller has stopped waiting.
    pub async fn call_then<T: Send + 'static>(
        &self,
        durability: Durability,
        work: impl Fn(&dyn Store) -> StoreResult<T> + Send + 'static,
        committed: impl FnOnce(T) -> T + Send + 'static,
    ) -> Result<T, LedgerError> {
        self.post_then(durability, work, committed)
            .await
            .unwrap_or(Err(LedgerError::Stopped))
    }

    /// Does `work` in the next transaction, whether or not anyone waits for the receiver.
    pub fn post<T: Send + 'static>(
        &self,
        durability: Durability,
        work: impl Fn(&dyn Store) -> StoreResult<T> + Send + 'static,
    ) -> oneshot::Receiver<Result<T, LedgerError>> {
        self.post_then(durability, work, |result| result)
    }

    fn post_then<T: Send + 'static>(
        &self,
        durability: Durability,
        work: impl Fn(&dyn Store) -> StoreResult<T> + Send + 'static,
        committed: impl FnOnce(T) -> T + Send + 'static,
    ) -> oneshot::Receiver<Result<T, LedgerError>> {
        let (reply, answer) = oneshot::channel();
        let call = Call {
            work,
            result: None,
            committed,
            reply,
        };
        // If the thread is gone, the reply is dropped with the job, and the answer says so.
        let _ = self.jobs.send(Message::Job(durability, Box::new(call)));
        answer
    }

    /// Asks the thread to end after what is waiting now.
    pub fn stop(&self) {
        // An error means that it has ended already.
        let _ = self.jobs.send(Message::Stop);
    }
}

/// The thread's own: the engine, the store that it opened, the steps that wait.
pub(super) struct Worker {
    engine: Box<dyn Engine>,
    store: Option<Box<dyn Store>>,
    /// Why the ledger could not be opened at the start; the first step reports it.
    failure: Option<LedgerError>,
    waiting: Receiver<Message>,
    /// Transactions since the last upkeep.
    dirty: u32,
}

impl Worker {
    /// A worker whose store is open, or whose first step will say why it isn't.
    pub fn new(engine: Box<dyn Engine>, waiting: Receiver<Message>) -> Worker {
        let mut worker = Worker {
            engine,
            store: None,
            failure: None,
            waiting,
            dirty: 0,
        };
        match worker.engine.open() {
            Ok(store) => {
                store.reached(Step::Opened);
                worker.store = Some(store);
            }
            Err(error) => worker.failure = Some(error),
        }
        worker
    }

    fn run(mut self) {
        while let Some((batch, stop)) = self.next_batch() {
            self.commit(batch);
            if stop {
                break;
            }
            if self
                .store
                .as_ref()
                .is_some_and(|store| store.needs_tidying())
            {
                self.tidy();
            }
        }
        self.tidy();
    }

    /// Waits for a step and takes what else is waiting; keeps the ledger tidy while nothing is.
    /// `None` when no sender of steps is left. The flag says that this is the last batch.
    fn next_batch(&mut self) -> Option<(Batch, bool)> {
        let mut batch = Vec::new();
        let mut next = loop {
            let quiet = if self.dirty == 0 { IDLE } else { QUIET };
            match self.waiting.recv_timeout(quiet) {
                Ok(message) => break message,
                Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => self.tidy(),
            }
        };
        loop {
            match next {
                Message::Job(durability, job) => batch.push((durability, job)),
                Message::Stop => return Some((batch, true)),
            }
            if batch.len() == BATCH {
                return Some((batch, false));
            }
            match self.waiting.try_recv() {
                Ok(message) => next = message,
                Err(_) => return Some((batch, false)),
            }
        }
    }

    /// Does at most so many of the steps that wait, without waiting for one: a test's turn.
    #[cfg(test)]
    pub fn turn(&mut self, most: usize) {
        let waiting = std::iter::from_fn(|| self.waiting.try_recv().ok());
        let batch = waiting.take(most).filter_map(|message| match message {
            Message::Job(durability, job) => Some((durability, job)),
            Message::Stop => None,
        });
        let batch = batch.collect();
        self.commit(batch);
    }

    /// Does the steps in one transaction, and answers them.
    fn commit(&mut self, mut batch: Batch) {
        if batch.is_empty() {
            return;
        }
        let end = self.open().and_then(|store| {
            run_all(store, &mut batch).map_err(|error| {
                store.roll_back();
                store.fault(&error)
            })
        });
        if let Err(error) = &end {
            tracing::debug!(%error, steps = batch.len(), "the ledger rolled a transaction back");
            self.store = None;
        }
        self.dirty = self.dirty.saturating_add(1);
        let mut to_sync = Vec::new();
        for (durability, job) in batch {
            match (&end, durability) {
                (Ok(()), Durability::Synced) => to_sync.push(job),
                _ => job.answer(end.clone(), end.is_ok()),
            }
        }
        if let (Some(store), false) = (&mut self.store, to_sync.is_empty()) {
            store.answer_durably(to_sync);
        }
    }

    fn open(&mut self) -> Result<&dyn Store, LedgerError> {
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        let store = match self.store.take() {
            Some(store) if store.is_usable() => store,
            _ => self.engine.open()?,
        };
        Ok(&**self.store.insert(store))
    }

    /// Keeps the store tidy; what goes wrong is logged.
    pub fn tidy(&mut self) {
        let Some(store) = &self.store else {
            return;
        };
        let used = std::mem::take(&mut self.dirty) > 0;
        if let Err(error) = store.tidy(used) {
            store.roll_back();
            let error = store.fault(&error);
            tracing::warn!(%error, "the ledger's upkeep failed");
            self.store = None;
            // That earlier ids were forgotten is said to the next message, not only in the log.
            self.failure = matches!(error, LedgerError::Corrupt { .. }).then_some(error);
        }
    }
}

/// Runs the steps in one transaction; again, where another machine was faster.
fn run_all(store: &dyn Store, batch: &mut Batch) -> StoreResult<()> {
    let synced = batch
        .iter()
        .any(|(durability, _)| *durability == Durability::Synced);
    loop {
        let done = store
            .begin(synced)
            .and_then(|()| batch.iter_mut().try_for_each(|(_, job)| job.run(store)))
            .and_then(|()| store.commit());
        match done {
            Err(StoreError::Stale) => {}
            other => return other,
        }
    }
}

/// Steps in one transaction, at most: more would make the first wait long for the last.
const BATCH: usize = 256;

/// How long nothing must happen before the ledger is tidied.
const QUIET: Duration = Duration::from_millis(250);

/// How often an idle stream looks whether a secret's tag has expired.
const IDLE: Duration = Duration::from_secs(60);
