//! Orders about the group policy object that says for whom a policy is.

use std::path::PathBuf;

use toml_edit::TableLike;

use super::{draft::Draft, error::EditError, names::policy, order::Order, place::table_of, tables};

/// Binds a policy to a group policy object: its links and its security filter say for whom it is.
#[derive(Debug, Clone)]
pub struct BindPolicy {
    /// The policy.
    pub policy: String,
    /// The object's id.
    pub id: String,
    /// Its name for people, if it has one.
    pub name: Option<String>,
    /// The directory, where there are several.
    pub directory: Option<String>,
    /// Whether a WMI filter is taken as passed.
    pub ignore_wmi_filter: bool,
}

impl Order for BindPolicy {
    type Done = PathBuf;

    fn make(&self, draft: &mut Draft) -> Result<PathBuf, EditError> {
        let (file, place) = table_of(draft.config(), &self.policy)?;
        let policy = policy(draft.config(), &self.policy)?;
        if let Some(link) = policy.links.first() {
            return Err(EditError::refused(format!(
                "policy {0} has links of its own, and the object's would contradict them: take them away with \
                 `textsender policy unlink {0} {1}`",
                self.policy, link.container.value
            )));
        }
        let filter = &policy.filter;
        if [&filter.groups, &filter.deny_groups, &filter.users]
            .iter()
            .any(|list| !list.is_empty())
        {
            return Err(EditError::refused(format!(
                "policy {0} has a filter, and the object's security filter would contradict it: take it away with \
                 `textsender policy edit {0}`",
                self.policy
            )));
        }
        draft.file(&file, |document| {
            self.write(place.find(document.as_table_mut())?)
        })?;
        Ok(file)
    }

    fn summary(&self) -> String {
        let object = self.name.as_deref().unwrap_or(&self.id);
        format!(
            "bind policy {} to the group policy object {object}",
            self.policy
        )
    }
}

impl BindPolicy {
    fn write(&self, policy: &mut dyn TableLike) -> Result<(), EditError> {
        let binding = tables::table(policy, &["gpo"])?;
        tables::set(binding, "id", self.id.as_str());
        let optional = [
            ("name", self.name.as_deref()),
            ("directory", self.directory.as_deref()),
            (
                "wmi_filter",
                self.ignore_wmi_filter.then_some("treat_as_passed"),
            ),
        ];
        for (key, value) in optional {
            match value {
                Some(value) => tables::set(binding, key, value),
                None => drop(binding.remove(key)),
            }
        }
        Ok(())
    }
}
