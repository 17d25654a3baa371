//! What the front keeps for the session: what became of each form, and what may stand in no page.

use std::collections::VecDeque;

use crate::call::{Fields, Notice};

/// How many forms, notices and kept fields are remembered. The oldest goes first.
const MOST: usize = 64;

/// All of it. It ends with the process, and is never written to disk.
#[derive(Default)]
pub struct Memory {
    done: VecDeque<(String, String)>,
    notices: VecDeque<(String, Notice)>,
    kept: VecDeque<(String, Fields)>,
}

impl Memory {
    /// Where a form led that was carried out: a repeat leads there too, and does nothing.
    pub fn done(&self, form: &str) -> Option<&str> {
        find(&self.done, form).map(String::as_str)
    }

    /// Notes where a form led.
    pub fn note_done(&mut self, form: &str, location: &str) {
        push(&mut self.done, form, location.to_owned());
    }

    /// What is to be said under this id.
    pub fn notice(&self, id: &str) -> Option<&Notice> {
        find(&self.notices, id)
    }

    /// Notes what is to be said.
    pub fn note(&mut self, id: &str, notice: Notice) {
        push(&mut self.notices, id, notice);
    }

    /// What was kept under this name.
    pub fn kept(&self, name: &str) -> Option<&Fields> {
        find(&self.kept, name)
    }

    /// Keeps fields for the next form.
    pub fn keep(&mut self, name: &str, fields: Fields) {
        push(&mut self.kept, name, fields);
    }

    /// Forgets what was kept under this name: it is used.
    pub fn forget(&mut self, name: &str) {
        self.kept.retain(|(known, _)| known != name);
    }

    /// Forgets everything: the session is over.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

fn find<'q, T>(queue: &'q VecDeque<(String, T)>, name: &str) -> Option<&'q T> {
    let mut queue = queue.iter();
    queue
        .find(|(known, _)| known == name)
        .map(|(_, value)| value)
}

fn push<T>(queue: &mut VecDeque<(String, T)>, name: &str, value: T) {
    queue.retain(|(known, _)| known != name);
    queue.truncate(MOST - 1);
    queue.push_front((name.to_owned(), value));
}
