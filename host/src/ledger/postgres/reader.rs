//! A connection on a thread of its own: who reads the ledger may be within a runtime, where no other may be entered.

use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;

use super::link::Link;
use crate::config;
use crate::ledger::error::LedgerError;
use crate::ledger::keys::Proof;

/// The thread, and the way to it.
pub(super) struct Reader(mpsc::Sender<Question>);

type Question = Box<dyn FnOnce(&Link) + Send>;

impl Reader {
    pub fn start(
        shared: config::Shared,
        folder: PathBuf,
        proof: Proof,
    ) -> Result<Reader, LedgerError> {
        let (questions, asked) = mpsc::channel::<Question>();
        let (opened, open) = mpsc::channel();
        let place = folder.clone();
        let run = move || {
            let link = Link::new(shared, folder, proof);
            let link = link.and_then(|link| link.connect().map(|_| link));
            match link {
                Ok(link) => {
                    // An error means that no one waits any more.
                    let _ = opened.send(Ok(()));
                    asked.iter().for_each(|question| question(&link));
                }
                Err(error) => drop(opened.send(Err(error))),
            }
        };
        let thread = thread::Builder::new().name("ledger-read".to_owned());
        let started = thread.spawn(run);
        started.map_err(|error| LedgerError::from_io(&error, &place, &place))?;
        open.recv().unwrap_or(Err(LedgerError::Stopped))?;
        Ok(Reader(questions))
    }

    pub fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Link) -> Result<T, LedgerError> + Send + 'static,
    ) -> Result<T, LedgerError> {
        let (answer, answered) = mpsc::channel();
        let question = move |link: &Link| drop(answer.send(question(link)));
        if self.0.send(Box::new(question)).is_err() {
            return Err(LedgerError::Stopped);
        }
        answered.recv().unwrap_or(Err(LedgerError::Stopped))
    }
}
