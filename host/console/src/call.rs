//! What the front and a worker say to each other: one call, one answer, each a JSON document.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// Names and values of a form or a query, in their order.
pub type Fields = Vec<(String, String)>;

/// A request of the browser's that passed the front's checks.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Call {
    /// `textsender.toml`.
    pub config: PathBuf,
    /// Whether the command line named it: then the commands that are shown name it too.
    pub config_is_named: bool,
    /// Whether nothing may be changed and nothing sent.
    pub read_only: bool,
    /// Whether a form was submitted.
    pub is_post: bool,
    /// The path, such as `/senders/twilio`.
    pub path: String,
    /// What follows the question mark.
    pub query: Fields,
    /// The form, with what was kept of an earlier one.
    pub form: Fields,
    /// Proves that a form is the session's own.
    pub token: String,
    /// The form's own id: a repeat has the same.
    pub form_id: String,
    /// What the last change came to.
    pub notice: Option<Notice>,
}

/// What became of it.
#[derive(Debug, Serialize, Deserialize)]
pub enum Answer {
    /// A page.
    Page {
        /// The status of HTTP.
        status: u16,
        /// HTML, whole.
        html: String,
    },
    /// A part of a page, for the script.
    Fragment(String),
    /// A file to be saved.
    File {
        /// Its name.
        name: String,
        /// Its type.
        media_type: String,
        /// What is in it.
        body: String,
    },
    /// It is done, once and for all: a repeat of the same form leads to the same place.
    Done {
        /// Where to go on.
        location: String,
        /// What to say there.
        notice: Notice,
    },
    /// A page with a form, of which the front keeps what may stand in no page.
    Ask {
        /// HTML, whole.
        html: String,
        /// Under which name the next form refers to it.
        name: String,
        /// What is kept.
        fields: Fields,
    },
}

/// What a change came to, in words.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Notice {
    /// Whether it is as wanted.
    pub is_good: bool,
    /// What was done.
    pub words: String,
    /// More, a line each.
    pub lines: Vec<String>,
    /// The command that does the same.
    pub command: Option<String>,
}

impl Call {
    /// The first value of a field of the form.
    pub fn field(&self, name: &str) -> Option<&str> {
        first(&self.form, name)
    }

    /// The same without spaces around it; `None` if nothing is left.
    pub fn given(&self, name: &str) -> Option<&str> {
        let value = self.field(name)?.trim();
        (!value.is_empty()).then_some(value)
    }

    /// The first value of a field of the query, if it is not empty.
    pub fn asked(&self, name: &str) -> Option<&str> {
        first(&self.query, name).filter(|value| !value.is_empty())
    }
}

fn first<'f>(fields: &'f Fields, name: &str) -> Option<&'f str> {
    let mut fields = fields.iter();
    let (_, value) = fields.find(|(key, _)| key == name)?;
    Some(value)
}
