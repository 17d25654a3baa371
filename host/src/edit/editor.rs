//! An order's way: locked, drafted, checked, saved, noted.

use std::path::{Path, PathBuf};

use super::{
    difference::Difference,
    draft::Draft,
    error::EditError,
    journal::{self, Change},
    judge::{self, Verdict},
    order::Order,
    undo,
};
use crate::config::{Fault, Sources};

/// What a change came to.
#[derive(Debug)]
pub struct Applied<T> {
    /// What the order itself has to tell.
    pub done: T,
    /// What changed in which file.
    pub difference: Difference,
    /// Faults that the change brought, and that were accepted.
    pub forced: Vec<Fault>,
    /// Whether one of them stops every message, and not only those that depend on it.
    pub stops_all: bool,
    /// The same with the lines that they point at.
    pub forced_shown: String,
}

/// Makes changes of one configuration.
#[derive(Debug)]
pub struct Editor {
    main: PathBuf,
    force: bool,
    on_wait: fn(),
}

impl Editor {
    /// Of the configuration at `main`, the path of `textsender.toml`.
    pub fn new(main: impl Into<PathBuf>) -> Self {
        Self {
            main: main.into(),
            force: false,
            on_wait: || {},
        }
    }

    /// Whether changes are made that bring a new fault.
    #[must_use]
    pub fn force(self, force: bool) -> Self {
        Self { force, ..self }
    }

    /// What is called once if another change has to be waited for.
    #[must_use]
    pub fn on_wait(self, on_wait: fn()) -> Self {
        Self { on_wait, ..self }
    }

    /// The path of `textsender.toml`.
    pub fn main(&self) -> &Path {
        &self.main
    }

    /// Makes a change, all of it or nothing.
    ///
    /// # Errors
    ///
    /// Why nothing was changed.
    pub fn apply<O: Order>(&self, order: &O) -> Result<Applied<O::Done>, EditError> {
        let (draft, applied) = self.drafted(order)?;
        if draft.is_unchanged() {
            return Ok(applied);
        }
        let change = Change::now(order.summary(), draft.names(), !applied.forced.is_empty());
        let journal = journal::open(draft.folder())?;
        undo::keep(&draft, &change, order.renames(&draft))?;
        draft.save()?;
        journal.add(&change)?;
        Ok(applied)
    }

    /// What a change would come to. Nothing is written.
    ///
    /// # Errors
    ///
    /// Why it would not be made.
    pub fn preview<O: Order>(&self, order: &O) -> Result<Applied<O::Done>, EditError> {
        Ok(self.drafted(order)?.1)
    }

    /// The files as they would be after a change, to see what would come of it. Nothing is written, and no fault is
    /// looked for.
    ///
    /// # Errors
    ///
    /// The order can't be carried out.
    pub fn sources_after<O: Order>(&self, order: &O) -> Result<Sources, EditError> {
        let mut draft = Draft::begin(&self.main, self.on_wait)?;
        order.make(&mut draft)?;
        Ok(draft.result().config.sources)
    }

    fn drafted<O: Order>(&self, order: &O) -> Result<(Draft, Applied<O::Done>), EditError> {
        let mut draft = Draft::begin(&self.main, self.on_wait)?;
        let done = order.make(&mut draft)?;
        let difference = draft.difference();
        let Verdict {
            faults,
            stops_all,
            shown,
        } = judge::new_faults(&draft)?;
        if !faults.is_empty() && !self.force {
            return Err(EditError::NewFaults { faults, shown });
        }
        let applied = Applied {
            done,
            difference,
            forced: faults,
            stops_all,
            forced_shown: shown,
        };
        Ok((draft, applied))
    }
}
