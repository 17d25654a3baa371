//! `textsender sender add`, `set`, `unset`, `rename` and `remove`.

use std::process::ExitCode;

use crate::{
    cli::{
        Common,
        edit::{EditOptions, say_wait},
        output::{Output, Style},
        provider,
        site::Site,
        standing,
    },
    edit::{
        Order,
        senders::{self, AddSender, RemoveSender, SetSettings, UnsetSettings},
    },
};

/// Adds a sender
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    textsender sender add twilio\n  \
    textsender sender add uk --plugin govuk-notify template_id=b0d5e1c2-...\n  \
    textsender sender add acme --provider telnyx from=Helpdesk")]
pub(super) struct Add {
    /// Its name, of your choice: letters, digits, hyphens and underscores
    name: String,
    /// The plugin, as `textsender plugin list` names it [default: the name]
    #[arg(long, value_name = "ID")]
    plugin: Option<String>,
    /// The provider, as `textsender provider list` names it: it says which plugin
    #[arg(long, value_name = "ID", conflicts_with = "plugin")]
    provider: Option<String>,
    /// Settings to begin with
    #[arg(value_name = "KEY=VALUE")]
    settings: Vec<String>,
    #[command(flatten)]
    edit: EditOptions,
}

/// Sets settings of a sender
///
/// Secrets are not set here: others can see command lines. `textsender secret set` asks for them.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    textsender sender set twilio account_sid=AC0123456789abcdef0123456789abcdef\n  \
    textsender sender set uk personalisation.code=%code%")]
pub(super) struct Set {
    /// The sender
    name: String,
    /// Settings, as `textsender sender show` lists them
    #[arg(value_name = "KEY=VALUE", required_unless_present = "unset")]
    settings: Vec<String>,
    /// Removes this setting in the same step; may be given several times
    #[arg(long, value_name = "KEY")]
    unset: Vec<String>,
    #[command(flatten)]
    edit: EditOptions,
}

/// Removes settings of a sender from the configuration
#[derive(clap::Args)]
#[command(after_help = "Example:\n  textsender sender unset twilio messaging_service_sid")]
pub(super) struct Unset {
    /// The sender
    name: String,
    /// Their names
    #[arg(value_name = "KEY", required = true)]
    keys: Vec<String>,
    #[command(flatten)]
    edit: EditOptions,
}

/// Removes a sender that nothing uses
#[derive(clap::Args)]
#[command(after_help = "Example:\n  textsender sender remove old-account")]
pub(super) struct Remove {
    /// The sender
    name: String,
    #[command(flatten)]
    edit: EditOptions,
}

/// Gives a sender another name, wherever it is named, its secrets too
#[derive(clap::Args)]
#[command(after_help = "Example:\n  textsender sender rename twilio twilio-uk")]
pub(super) struct Rename {
    /// The sender
    name: String,
    /// Its new name
    new_name: String,
}

impl Add {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let mut order = AddSender {
            name: self.name.clone(),
            plugin: self.plugin.clone().unwrap_or(self.name.clone()),
            settings: self.settings.clone(),
        };
        if let Some(id) = &self.provider {
            let known = provider::find(&Site::read(common)?, id)?;
            let chosen = known.settings.iter();
            let chosen =
                chosen.filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?)));
            order.settings.splice(0..0, chosen);
            order.plugin = known.plugin;
        }
        let Some(file) = self.edit.apply(common, &order, out)? else {
            return Ok(ExitCode::SUCCESS);
        };
        out.line(format_args!(
            "added sender {}, of the plugin {}, in {}",
            self.name,
            order.plugin,
            file.display()
        ));
        say_standing(common, &self.name, out)
    }
}

impl Set {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let order = SetSettings {
            name: self.name.clone(),
            settings: self.settings.clone(),
            unset: self.unset.clone(),
        };
        let Some(file) = self.edit.apply(common, &order, out)? else {
            return Ok(ExitCode::SUCCESS);
        };
        out.line(format_args!("{} in {}", order.summary(), file.display()));
        say_standing(common, &self.name, out)
    }
}

impl Unset {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let order = UnsetSettings {
            name: self.name.clone(),
            keys: self.keys.clone(),
        };
        let Some(file) = self.edit.apply(common, &order, out)? else {
            return Ok(ExitCode::SUCCESS);
        };
        out.line(format_args!(
            "took {} of sender {} out of {}",
            self.keys.join(", "),
            self.name,
            file.display()
        ));
        say_standing(common, &self.name, out)
    }
}

impl Rename {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let editor = crate::cli::edit::editor(common);
        let site = Site::read(common)?;
        site.is_not_paused(&self.name)?;
        let file = senders::rename(&editor, &site.state, &self.name, &self.new_name, say_wait)?;
        out.line(format_args!(
            "sender {} is now {}, in {}",
            self.name,
            self.new_name,
            file.display()
        ));
        Ok(ExitCode::SUCCESS)
    }
}

impl Remove {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let order = RemoveSender {
            name: self.name.clone(),
        };
        let Some(removed) = self.edit.apply(common, &order, out)? else {
            return Ok(ExitCode::SUCCESS);
        };
        out.line(format_args!(
            "removed sender {} from {}",
            self.name,
            removed.file.display()
        ));
        for key in removed.secrets {
            out.line(format_args!(
                "its secret is still stored; remove it with: textsender secret remove {}.{key}",
                self.name
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// After a change: what the sender still needs.
fn say_standing(common: &Common, name: &str, out: &Output) -> anyhow::Result<ExitCode> {
    let standing = Site::read(common)?.standing(name)?;
    let word = out.cell(&standing::word(&standing));
    match standing.is_ready() {
        true => out.line(format_args!(
            "{word}: test it with `textsender test-send --sender {name}`"
        )),
        false => out.line(format_args!("{word}: {}", standing.detail())),
    }
    for need in &standing.needs {
        out.line(format_args!("  {}", need.command(name)));
        out.words(Style::Faint, &need.help);
    }
    Ok(ExitCode::SUCCESS)
}
