//! The last change of the configuration, taken back. What the files held before it is kept beside them,
//! for their owner alone.

use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    draft::Draft,
    error::EditError,
    files::{self, Access},
    journal::Change,
    order::Order,
};

/// In the folder of the configuration.
const FILE: &str = ".textsender.undo";

/// Takes the last change back. Taking that back makes the change again.
#[derive(Debug, Clone, Copy)]
pub struct Undo;

/// What was taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Undone {
    /// The change, in words.
    pub what: String,
    /// When it was made.
    pub at: Timestamp,
}

/// What a change replaced.
#[derive(Serialize, Deserialize)]
struct Kept {
    what: String,
    at: Timestamp,
    files: Vec<KeptFile>,
    /// The sender that got another name, and that name.
    #[serde(default)]
    renamed: Option<(String, String)>,
}

#[derive(Serialize, Deserialize)]
struct KeptFile {
    path: PathBuf,
    /// `None`: there was no such file.
    before: Option<String>,
    after: Option<String>,
}

impl Order for Undo {
    type Done = Undone;

    fn make(&self, draft: &mut Draft) -> Result<Undone, EditError> {
        let kept = read(&draft.folder().join(FILE))?;
        for file in &kept.files {
            let now = files::text(&file.path)?;
            if now != file.after {
                return Err(EditError::refused(format!(
                    "the last change ({}) can't be undone: {} was edited since, and that edit would be lost",
                    kept.what,
                    file.path.display()
                )));
            }
        }
        for file in kept.files {
            match file.before {
                Some(text) => draft.write(&file.path, text),
                None => draft.remove(&file.path),
            }
        }
        Ok(Undone {
            what: kept.what,
            at: kept.at,
        })
    }

    fn summary(&self) -> String {
        "undo the last change".to_owned()
    }

    fn renames(&self, draft: &Draft) -> Option<(String, String)> {
        renames(&draft.folder())
    }
}

/// The sender that gets another name when the last change is taken back, and that name: its stored secrets go with it.
pub fn renames(folder: &Path) -> Option<(String, String)> {
    let kept = read(&folder.join(FILE)).ok()?;
    kept.renamed.map(|(name, new_name)| (new_name, name))
}

/// Keeps what a draft is about to replace.
pub(super) fn keep(
    draft: &Draft,
    change: &Change,
    renamed: Option<(String, String)>,
) -> Result<(), EditError> {
    let files = draft
        .changes()?
        .into_iter()
        .map(|(path, before, after)| KeptFile {
            path,
            before,
            after,
        });
    let kept = Kept {
        what: change.what.clone(),
        at: change.at,
        files: files.collect(),
        renamed,
    };
    let path = draft.folder().join(FILE);
    // The texts have nothing that JSON can't say.
    let json = serde_json::to_vec(&kept).unwrap_or_default();
    let access = Access::of(&draft.folder()).map_err(EditError::io(&draft.folder(), "read"))?;
    files::replace(&path, &json, access.with_mode(0o600))
}

fn read(path: &Path) -> Result<Kept, EditError> {
    let Some(json) = files::text(path)? else {
        return Err(EditError::refused("there is no change to undo"));
    };
    serde_json::from_str(&json).map_err(|_| {
        EditError::refused(format!(
            "{} is damaged: the last change can't be undone",
            path.display()
        ))
    })
}
