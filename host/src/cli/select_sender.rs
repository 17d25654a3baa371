//! `textsender select-sender`: the sender of every policy that names none.

use std::process::ExitCode;

use super::{
    Common,
    edit::{Edit, tables},
    output::Output,
    site::{Site, known_sender},
};

/// Selects the sender for everyone whose policy names none
#[derive(clap::Args)]
#[command(after_help = "Example:\n  textsender select-sender twilio")]
pub(super) struct SelectSender {
    /// The sender
    name: String,
}

impl SelectSender {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let mut edit = Edit::begin(&common.config_file().path)?;
        known_sender(edit.config(), &self.name)?;
        edit.main(|document| {
            let defaults = tables::table(document.as_table_mut(), &["defaults"])?;
            tables::set(defaults, "sender", self.name.as_str());
            Ok(())
        })?;
        edit.save()?;
        out.line(format_args!(
            "selected sender {} in {}",
            self.name,
            common.config_file().path.display()
        ));
        let site = Site::read(common)?;
        for policy in &site.config.policies {
            let own = policy
                .verification_code
                .as_ref()
                .and_then(|block| block.options.sender.as_ref());
            if let Some(own) = own.filter(|own| own.value != self.name) {
                out.line(format_args!(
                    "policy {} keeps its own sender, {}",
                    policy.name.value, own.value
                ));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}
