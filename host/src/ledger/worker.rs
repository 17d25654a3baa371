//! The ledger's thread: it takes what is waiting, does it in one transaction, and only then answers.
//!
//! SQLite blocks; so it has a thread of its own, and the front never waits for the disk. While one
//! transaction is being written, the steps of other messages gather, and the next transaction takes them
//! all. No step is answered before the transaction that holds it is committed and, where the step
//! must survive a power cut, synced (see `sync`).

use std::path::PathBuf;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use tokio::sync::oneshot;

use super::Options;
use super::error::LedgerError;
use super::store::Store;
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
enum Message {
    Job(Durability, Box<dyn Job>),
    Stop,
}

type Batch = Vec<(Durability, Box<dyn Job>)>;

/// A step that waits for its transaction.
pub(super) trait Job: Send {
    /// Does the work, inside the transaction.
    fn run(&mut self, store: &Store) -> rusqlite::Result<()>;
    /// Answers, after the transaction was committed or given up.
    fn answer(self: Box<Self>, end: Result<(), LedgerError>);
}

struct Call<T, F> {
    work: Option<F>,
    result: Option<T>,
    reply: oneshot::Sender<Result<T, LedgerError>>,
}

impl<T, F> Job for Call<T, F>
where
    T: Send,
    F: FnOnce(&Store) -> rusqlite::Result<T> + Send,
{
    fn run(&mut self, store: &Store) -> rusqlite::Result<()> {
        if let Some(work) = self.work.take() {
            self.result = Some(work(store)?);
        }
        Ok(())
    }

    fn answer(self: Box<Self>, end: Result<(), LedgerError>) {
        let answer = match (end, self.result) {
            (Ok(()), Some(result)) => Ok(result),
            (Ok(()), None) => Err(LedgerError::Stopped),
            (Err(error), _) => Err(error),
        };
        // If the caller stopped waiting, the result is dropped; a dropped ticket gives its claim back.
        if let Err(Err(error)) = self.reply.send(answer) {
            tracing::warn!(%error, "the ledger could not write a step whose caller had stopped waiting");
        }
    }
}

impl Queue {
    /// Starts the thread. It opens the ledger at once, and again at each step until it succeeds.
    pub fn start(folder: PathBuf, options: Options) -> std::io::Result<(Queue, JoinHandle<()>)> {
        let (jobs, waiting) = mpsc::channel();
        let worker = Worker {
            folder,
            options,
            store: None,
            failure: None,
            waiting,
            dirty: 0,
        };
        let thread = thread::Builder::new()
            .name("ledger".to_owned())
            .spawn(|| worker.run())?;
        Ok((Queue { jobs }, thread))
    }

    /// Does `work` in the next transaction, and returns once that is committed.
    pub async fn call<T: Send + 'static>(
        &self,
        durability: Durability,
        work: impl FnOnce(&Store) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, LedgerError> {
        self.post(durability, work)
            .await
            .unwrap_or(Err(LedgerError::Stopped))
    }

    /// Does `work` in the next transaction, whether or not anyone waits for the receiver.
    pub fn post<T: Send + 'static>(
        &self,
        durability: Durability,
        work: impl FnOnce(&Store) -> rusqlite::Result<T> + Send + 'static,
    ) -> oneshot::Receiver<Result<T, LedgerError>> {
        let (reply, answer) = oneshot::channel();
        let call = Call {
            work: Some(work),
            result: None,
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

struct Worker {
    folder: PathBuf,
    options: Options,
    store: Option<Store>,
    /// Why the ledger could not be opened at the start; the first step reports it.
    failure: Option<LedgerError>,
    waiting: Receiver<Message>,
    /// Transactions since the last upkeep.
    dirty: u32,
}

impl Worker {
    fn run(mut self) {
        match Store::open(&self.folder, &self.options) {
            Ok(store) => {
                store.reached(Step::Opened);
                self.store = Some(store);
            }
            Err(error) => self.failure = Some(error),
        }
        while let Some((batch, stop)) = self.next_batch() {
            self.commit(batch);
            if stop {
                break;
            }
            if self.store.as_ref().is_some_and(Store::log_is_long) {
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

    /// Does the steps in one transaction, and answers them.
    fn commit(&mut self, mut batch: Batch) {
        if batch.is_empty() {
            return;
        }
        let end = self.open().and_then(|store| {
            let done = store
                .begin()
                .and_then(|()| batch.iter_mut().try_for_each(|(_, job)| job.run(store)))
                .and_then(|()| store.commit());
            done.map_err(|error| {
                store.roll_back();
                store.fault(&error)
            })
        });
        if let Err(error) = &end {
            tracing::debug!(%error, steps = batch.len(), "the ledger gave a transaction up");
            self.store = None;
        }
        self.dirty = self.dirty.saturating_add(1);
        let mut to_sync = Vec::new();
        for (durability, job) in batch {
            match (&end, durability) {
                (Ok(()), Durability::Synced) => to_sync.push(job),
                _ => job.answer(end.clone()),
            }
        }
        if let (Some(store), false) = (&mut self.store, to_sync.is_empty()) {
            store.syncer.answer(to_sync);
        }
    }

    fn open(&mut self) -> Result<&Store, LedgerError> {
        if let Some(error) = self.failure.take() {
            return Err(error);
        }
        let store = match self.store.take() {
            Some(store) if store.is_usable() => store,
            _ => Store::open(&self.folder, &self.options)?,
        };
        Ok(self.store.insert(store))
    }

    fn tidy(&mut self) {
        let Some(store) = &self.store else {
            return;
        };
        let used = std::mem::take(&mut self.dirty) > 0;
        if let Err(error) = store.tidy(used) {
            store.roll_back();
            let error = store.fault(&error);
            tracing::warn!(%error, "the ledger could not be kept tidy");
            self.store = None;
            // That earlier ids were forgotten is said to the next message, not only in the log.
            self.failure = matches!(error, LedgerError::Corrupt { .. }).then_some(error);
        }
    }
}

/// Steps in one transaction, at most: more would make the first wait long for the last.
const BATCH: usize = 256;

/// How long nothing must happen before the ledger is tidied.
const QUIET: Duration = Duration::from_millis(250);

/// How often an idle stream looks whether a secret's tag has expired.
const IDLE: Duration = Duration::from_secs(60);
