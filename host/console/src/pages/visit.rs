//! One call, and the installation that it is about.

use std::cell::OnceCell;

use anyhow::bail;
use textsender::{config::Sources, edit::Editor, protocol::MessageId, site::Site};

use crate::call::Call;

/// One call.
pub struct Visit {
    /// What was asked.
    pub call: Call,
    site: OnceCell<Site>,
}

impl Visit {
    /// Of this call.
    pub fn new(call: Call) -> Self {
        Self {
            call,
            site: OnceCell::new(),
        }
    }

    /// The installation as it is now, seen by the account that sends. Where root runs this, it has no more rights
    /// than that account from here on.
    ///
    /// # Errors
    ///
    /// There is no configuration, others can change it, or another account sends.
    pub fn site(&self) -> anyhow::Result<&Site> {
        if let Some(site) = self.site.get() {
            return Ok(site);
        }
        let site = Site::at(&self.call.config)?;
        site.become_owner()?;
        Ok(self.site.get_or_init(|| site))
    }

    /// Makes changes, with the rights of the account that runs the console.
    pub fn editor(&self) -> Editor {
        Editor::new(&self.call.config).force(self.call.field("force") == Some("yes"))
    }

    /// What the configuration looks like now, for the forms that change it.
    pub fn digest(&self) -> String {
        Sources::read(&self.call.config).digest()
    }

    /// What it looked like when the form was made.
    ///
    /// # Errors
    ///
    /// The form does not say.
    pub fn seen(&self) -> anyhow::Result<String> {
        match self.call.field("seen") {
            Some(seen) => Ok(seen.to_owned()),
            None => {
                bail!("the form does not say which configuration it is about; load the page again")
            }
        }
    }

    /// An id for a form. It can be a message's, too.
    pub fn new_id(&self) -> String {
        // Without random bytes the system sends nothing either; the form is then refused as one of before.
        MessageId::random().map_or_else(|_| String::new(), |id| id.as_str().to_owned())
    }
}
