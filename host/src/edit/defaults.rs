//! Orders about what counts where a policy does not say.

use super::{draft::Draft, error::EditError, names, order::Order, tables};

/// Selects the sender of every policy that names none.
#[derive(Debug, Clone)]
pub struct SelectSender {
    /// The sender.
    pub name: String,
}

/// A policy that is not concerned, as it names a sender itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeepsOwn {
    /// The policy.
    pub policy: String,
    /// Its sender.
    pub sender: String,
}

/// Selects the policy of users whom no other policy is linked to.
#[derive(Debug, Clone)]
pub struct SelectPolicy {
    /// The policy.
    pub name: String,
}

/// Notes the account that sends, `[state] owner`.
#[derive(Debug, Clone)]
pub struct SetOwner {
    /// Its name.
    pub account: String,
}

impl Order for SelectSender {
    type Done = Vec<KeepsOwn>;

    fn make(&self, draft: &mut Draft) -> Result<Vec<KeepsOwn>, EditError> {
        names::sender(draft.config(), &self.name)?;
        draft.main(|document| {
            let defaults = tables::table(document.as_table_mut(), &["defaults"])?;
            tables::set(defaults, "sender", self.name.as_str());
            Ok(())
        })?;
        let own = draft.config().policies.iter().filter_map(|policy| {
            let sender = policy.verification_code.as_ref()?.options.sender.as_ref()?;
            (sender.value != self.name).then(|| KeepsOwn {
                policy: policy.name.value.clone(),
                sender: sender.value.clone(),
            })
        });
        Ok(own.collect())
    }

    fn summary(&self) -> String {
        format!("select sender {} as the default", self.name)
    }
}

impl Order for SelectPolicy {
    type Done = ();

    fn make(&self, draft: &mut Draft) -> Result<(), EditError> {
        names::policy(draft.config(), &self.name)?;
        draft.main(|document| {
            let defaults = tables::table(document.as_table_mut(), &["defaults"])?;
            tables::set(defaults, "policy", self.name.as_str());
            Ok(())
        })?;
        Ok(())
    }

    fn summary(&self) -> String {
        format!("select policy {} as the default", self.name)
    }
}

impl Order for SetOwner {
    type Done = ();

    fn make(&self, draft: &mut Draft) -> Result<(), EditError> {
        draft.main(|document| {
            let state = tables::table(document.as_table_mut(), &["state"])?;
            tables::set(state, "owner", self.account.as_str());
            Ok(())
        })?;
        Ok(())
    }

    fn summary(&self) -> String {
        format!("note {} as the account that sends", self.account)
    }
}
