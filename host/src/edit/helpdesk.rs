//! Orders about what the helpdesk sends.

use std::path::PathBuf;

use super::{draft::Draft, error::EditError, names, order::Order, policies::Fallback, tables};

/// Selects the sender of the helpdesk's messages, and those that are tried after it.
#[derive(Debug, Clone)]
pub struct SetHelpdeskSender {
    /// The sender; `None`: the default one.
    pub sender: Option<String>,
    /// Those that are tried after it.
    pub fallback: Fallback,
}

/// Switches new passwords by text on or off.
#[derive(Debug, Clone, Copy)]
pub struct SwitchNewPassword {
    /// Whether they are sent.
    pub on: bool,
}

impl Order for SetHelpdeskSender {
    type Done = PathBuf;

    fn make(&self, draft: &mut Draft) -> Result<PathBuf, EditError> {
        for sender in self.sender.iter().chain(self.fallback.names()) {
            names::sender(draft.config(), sender)?;
        }
        draft.main(|document| {
            let helpdesk = tables::table(document.as_table_mut(), &["helpdesk"])?;
            match &self.sender {
                Some(sender) => tables::set(helpdesk, "sender", sender.as_str()),
                None => drop(helpdesk.remove("sender")),
            }
            self.fallback.write(helpdesk);
            Ok(())
        })
    }

    fn summary(&self) -> String {
        let sender = self.sender.as_deref().unwrap_or("the default");
        format!("select sender {sender} for the helpdesk{}", self.fallback)
    }
}

impl Order for SwitchNewPassword {
    type Done = PathBuf;

    fn make(&self, draft: &mut Draft) -> Result<PathBuf, EditError> {
        let helpdesk = draft.config().helpdesk.as_ref();
        if self.on && helpdesk.is_none_or(|helpdesk| helpdesk.new_password_text.is_none()) {
            return Err(EditError::refused(
                "there is no text for it yet: set one with `textsender text set --helpdesk new_password`",
            ));
        }
        draft.main(|document| {
            let helpdesk = tables::table(document.as_table_mut(), &["helpdesk"])?;
            tables::set(helpdesk, "new_password", self.on);
            Ok(())
        })
    }

    fn summary(&self) -> String {
        let state = if self.on { "on" } else { "off" };
        format!("switch new_password {state} for the helpdesk")
    }
}
