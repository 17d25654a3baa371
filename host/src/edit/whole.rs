//! A file that a person edited in an editor: checked as a whole, and put in place if it fits.

use std::path::PathBuf;

use super::{draft::Draft, error::EditError, order::Order, place::table_of};
use crate::config::Config;

/// Replaces a file of the configuration.
#[derive(Debug, Clone)]
pub struct ReplaceFile {
    /// The file.
    pub path: PathBuf,
    /// Its text when the person began.
    pub before: String,
    /// Its text now.
    pub text: String,
    /// What it is, in words, such as `the configuration`.
    pub what: String,
}

/// The file that a policy is written in.
///
/// # Errors
///
/// There is no such policy.
pub fn file_of_policy(config: &Config, name: &str) -> Result<PathBuf, EditError> {
    let (file, _) = table_of(config, name)?;
    Ok(file)
}

impl Order for ReplaceFile {
    type Done = ();

    fn make(&self, draft: &mut Draft) -> Result<(), EditError> {
        if draft.text(&self.path)? != self.before {
            return Err(EditError::refused(format!(
                "{} was changed elsewhere while you edited it: nothing was changed",
                self.path.display()
            )));
        }
        if self.text != self.before {
            draft.write(&self.path, self.text.clone());
        }
        Ok(())
    }

    fn summary(&self) -> String {
        format!("edit {}", self.what)
    }
}
