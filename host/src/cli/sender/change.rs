//! `textsender sender add`, `set`, `unset` and `remove`.

use std::process::ExitCode;

use anyhow::{anyhow, bail};
use serde_json::Value;
use toml_edit::{DocumentMut, TableLike};

use crate::{
    check,
    cli::{
        Common,
        edit::{Edit, tables},
        output::{Output, Style, Usage},
        site::{Site, instead, known_sender, uses_of_sender, why},
        standing,
    },
    config::Sender,
    plugins::{Description, folder},
    secrets,
};

/// Adds a sender
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    textsender sender add twilio\n  \
    textsender sender add uk --plugin govuk-notify template_id=b0d5e1c2-...")]
pub(super) struct Add {
    /// Its name, of your choice: letters, digits, hyphens and underscores
    name: String,
    /// The plugin, as `textsender plugin list` names it [default: the name]
    #[arg(long, value_name = "ID")]
    plugin: Option<String>,
    /// Settings to begin with
    #[arg(value_name = "KEY=VALUE")]
    settings: Vec<String>,
}

/// Sets settings of a sender
///
/// Secrets are not set here: command lines are seen by others. `textsender secret set` asks for them.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    textsender sender set twilio account_sid=AC0123456789abcdef0123456789abcdef\n  \
    textsender sender set uk personalisation.code=%code%")]
pub(super) struct Set {
    /// The sender
    name: String,
    /// Settings, as `textsender sender show` lists them
    #[arg(value_name = "KEY=VALUE", required = true)]
    settings: Vec<String>,
}

/// Takes settings of a sender out of the configuration
#[derive(clap::Args)]
#[command(after_help = "Example:\n  textsender sender unset twilio messaging_service_sid")]
pub(super) struct Unset {
    /// The sender
    name: String,
    /// Their names
    #[arg(value_name = "KEY", required = true)]
    keys: Vec<String>,
}

/// Removes a sender that nothing uses
#[derive(clap::Args)]
#[command(after_help = "Example:\n  textsender sender remove old-account")]
pub(super) struct Remove {
    /// The sender
    name: String,
}

impl Add {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let plugin = self.plugin.as_deref().unwrap_or(&self.name);
        let mut edit = Edit::begin(&common.config_file().path)?;
        if edit.config().senders.contains_key(&self.name) {
            bail!(
                "there is a sender {} already: change it with `textsender sender set`",
                self.name
            );
        }
        let described = described(&Site::read(common)?, plugin)?;
        edit.main(|document| {
            let section = tables::table(document.as_table_mut(), &["senders", &self.name])?;
            tables::set(section, "plugin", plugin);
            set_all(document, &self.name, &self.settings, &described)
        })?;
        edit.save()?;
        out.line(format_args!(
            "added sender {}, of the plugin {plugin}, in {}",
            self.name,
            common.config_file().path.display()
        ));
        say_standing(common, &self.name, out)
    }
}

impl Set {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let mut edit = Edit::begin(&common.config_file().path)?;
        let plugin = sender(&edit, &self.name)?.plugin.value.clone();
        let described = described(&Site::read(common)?, &plugin)?;
        edit.main(|document| set_all(document, &self.name, &self.settings, &described))?;
        edit.save()?;
        let keys = self
            .settings
            .iter()
            .filter_map(|setting| setting.split_once('='));
        let keys: Vec<&str> = keys.map(|(key, _)| key).collect();
        out.line(format_args!(
            "set {} of sender {} in {}",
            keys.join(", "),
            self.name,
            common.config_file().path.display()
        ));
        say_standing(common, &self.name, out)
    }
}

impl Unset {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let mut edit = Edit::begin(&common.config_file().path)?;
        let settings = sender(&edit, &self.name)?.settings.clone();
        edit.main(|document| {
            for key in &self.keys {
                let path = path_of(&self.name, key);
                let (last, above) = path.split_last().ok_or_else(|| anyhow!("no key"))?;
                let section = tables::existing(document.as_table_mut(), above);
                let removed = section.and_then(|section| section.remove(last));
                if removed.is_none() {
                    let set = settings.keys().map(String::as_str);
                    bail!(
                        "sender {} has no {key} set{}",
                        self.name,
                        instead(key, set, "nothing is to be done")
                    );
                }
            }
            Ok(())
        })?;
        edit.save()?;
        out.line(format_args!(
            "took {} of sender {} out of {}",
            self.keys.join(", "),
            self.name,
            common.config_file().path.display()
        ));
        say_standing(common, &self.name, out)
    }
}

impl Remove {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let mut edit = Edit::begin(&common.config_file().path)?;
        known_sender(edit.config(), &self.name)?;
        let uses = uses_of_sender(edit.config(), &self.name);
        if !uses.is_empty() {
            bail!(
                "sender {} is used by {}: select another there first",
                self.name,
                uses.join(", ")
            );
        }
        edit.main(|document| {
            let senders = tables::existing(document.as_table_mut(), &["senders"]);
            senders.and_then(|senders| senders.remove(&self.name));
            Ok(())
        })?;
        edit.save()?;
        out.line(format_args!(
            "removed sender {} from {}",
            self.name,
            common.config_file().path.display()
        ));
        let site = Site::read(common)?;
        site.become_owner()?;
        for key in secrets::stored(&site.state, &self.name)?.keys() {
            out.line(format_args!(
                "its secret is still stored; remove it with: textsender secret remove {}.{key}",
                self.name
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn sender<'e>(edit: &'e Edit, name: &str) -> anyhow::Result<&'e Sender> {
    known_sender(edit.config(), name)?;
    Ok(&edit.config().senders[name])
}

/// What a plugin says of its settings.
fn described(site: &Site, plugin: &str) -> anyhow::Result<Description> {
    let folder = &site.config.plugins.folder;
    site.describe(plugin).map_err(|reason| {
        let file = folder::file_of(folder, plugin);
        let why = why(&reason, &file);
        anyhow!("the plugin {plugin} can't be used: {why}\nnothing was changed; `textsender plugin list` shows what is in {}", folder.display())
    })
}

/// Sets each `KEY=VALUE`, as the plugin's schema says.
fn set_all(
    document: &mut DocumentMut,
    sender: &str,
    settings: &[String],
    described: &Description,
) -> anyhow::Result<()> {
    for setting in settings {
        let Some((key, text)) = setting.split_once('=') else {
            bail!(Usage(format!("{setting}: write settings as KEY=VALUE")));
        };
        set_one(document.as_table_mut(), sender, key, text, described)?;
    }
    Ok(())
}

fn set_one(
    document: &mut dyn TableLike,
    sender: &str,
    key: &str,
    text: &str,
    described: &Description,
) -> anyhow::Result<()> {
    let plugin = &described.info.id;
    let (name, part) = match key.split_once('.') {
        Some((name, part)) => (name, Some(part)),
        None => (key, None),
    };
    let fields = check::fields(described);
    let Ok(field) = check::field(&fields, name) else {
        let names = fields.iter().map(|field| field.name.as_str());
        bail!(
            "the plugin {plugin} has no setting {name}{}",
            instead(name, names, "see `textsender plugin show`")
        );
    };
    if field.is_secret {
        bail!(
            "{name} is a secret, and a command line is seen by others: store it with `textsender secret set {sender}.{name}`"
        );
    }
    let value = field.read(part, text, described);
    let value = value.map_err(|fault| anyhow!("{key}: {fault}\n{name}: {}", field.help))?;
    write(document, sender, key, &value)
}

fn write(
    document: &mut dyn TableLike,
    sender: &str,
    key: &str,
    value: &Value,
) -> anyhow::Result<()> {
    let path = path_of(sender, key);
    let (last, above) = path.split_last().ok_or_else(|| anyhow!("no key"))?;
    tables::set(tables::table(document, above)?, last, tables::value(value));
    Ok(())
}

fn path_of<'k>(sender: &'k str, key: &'k str) -> Vec<&'k str> {
    let mut path = vec!["senders", sender, "settings"];
    match key.split_once('.') {
        Some((name, below)) => path.extend([name, below]),
        None => path.push(key),
    }
    path
}

/// After a change: what the sender still needs.
fn say_standing(common: &Common, name: &str, out: &Output) -> anyhow::Result<ExitCode> {
    let standing = Site::read(common)?.standing(name)?;
    let word = out.cell(&standing::word(&standing));
    match standing::is_ready(&standing) {
        true => out.line(format_args!(
            "{word}: test it with `textsender test-send --sender {name}`"
        )),
        false => out.line(format_args!("{word}: {}", standing::detail(&standing))),
    }
    for need in &standing.needs {
        out.line(format_args!("  {}", standing::command(name, need)));
        out.words(Style::Faint, &need.help);
    }
    Ok(ExitCode::SUCCESS)
}
