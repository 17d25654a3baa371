//! Where a policy is written: a file of its own, or a `[[policies]]` of `textsender.toml`.

use std::path::PathBuf;

use toml_edit::TableLike;

use super::{error::EditError, names, tables};
use crate::config::Config;

/// A policy's place in its file.
pub(super) struct Place {
    name: String,
    is_drop_in: bool,
}

/// The file that a policy is written in, and its place there.
pub(super) fn table_of(config: &Config, name: &str) -> Result<(PathBuf, Place), EditError> {
    let policy = names::policy(config, name)?;
    let sources = &config.sources;
    let file = sources.files.get(policy.name.place.file as usize);
    let file = file.ok_or_else(|| EditError::refused(format!("policy {name} is in no file")))?;
    let place = Place {
        name: name.to_owned(),
        is_drop_in: file.path != sources.main,
    };
    Ok((file.path.clone(), place))
}

impl Place {
    /// Whether the policy has a file of its own.
    pub(super) fn is_drop_in(&self) -> bool {
        self.is_drop_in
    }

    /// The policy's table in its document.
    pub(super) fn find<'d>(
        &self,
        document: &'d mut dyn TableLike,
    ) -> Result<&'d mut dyn TableLike, EditError> {
        if self.is_drop_in {
            return Ok(document);
        }
        let found = tables::item(document, "policies", |table| self.is_it(table));
        found.ok_or_else(|| EditError::refused(format!("policy {} is no longer there", self.name)))
    }

    /// Whether a table of `[[policies]]` is this policy.
    pub(super) fn is_it(&self, table: &dyn TableLike) -> bool {
        tables::text(table, "name") == Some(&self.name)
    }
}
