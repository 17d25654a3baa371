//! `textsender plugin show`: what a plugin says of itself, and the settings of its senders.

use std::{collections::BTreeMap, process::ExitCode};

use anyhow::bail;
use serde::Serialize;

use crate::{
    check,
    cli::{
        Common,
        output::{Output, Style, json},
        site::Site,
    },
    edit::names::why_not,
    plugins::folder,
    redact::Redactor,
    site::plugins,
};

/// Shows what a plugin is: its hosts, and the settings that a sender of it can have
#[derive(clap::Args)]
#[command(after_help = "Example:\n  textsender plugin show govuk-notify")]
pub(super) struct Show {
    /// The plugin
    id: String,
    /// Writes JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Shown {
    plugin: String,
    name: String,
    version: String,
    file: String,
    hosts: Vec<String>,
    /// By sender: what the plugin declared when it was to send, and does not declare now.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    undeclared_hosts: BTreeMap<String, Vec<String>>,
    used_by: Vec<String>,
    settings: Vec<Setting>,
}

#[derive(Serialize)]
struct Setting {
    key: String,
    is_required: bool,
    is_secret: bool,
    kind: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    default: Option<String>,
    help: String,
}

impl Show {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let site = Site::read(common)?;
        site.leave_root()?;
        let file = folder::find(&site.config.plugins, &self.id);
        let described = match site.describe(&self.id) {
            Ok(described) => described,
            Err(reason) => bail!(
                "the plugin {} can't be used: {}",
                self.id,
                why_not(&reason, &file)
            ),
        };
        let used_by = plugins::users(&site.config, &self.id);
        let mut undeclared_hosts = BTreeMap::new();
        for name in &used_by {
            let hosts = plugins::undeclared_hosts(&site, name, &site.config.senders[name])?;
            if !hosts.is_empty() {
                undeclared_hosts.insert(name.clone(), hosts);
            }
        }
        let fields = check::fields(&described).into_iter();
        let help = described.settings["description"]
            .as_str()
            .unwrap_or_default();
        let help = Redactor::default().clean(help);
        let shown = Shown {
            plugin: described.info.id,
            name: described.info.name,
            version: described.info.version,
            file: file.display().to_string(),
            hosts: described.info.hosts,
            undeclared_hosts,
            used_by,
            settings: fields
                .map(|field| Setting {
                    key: field.name,
                    is_required: field.is_required,
                    is_secret: field.is_secret,
                    kind: field.kind.to_string(),
                    default: field.default,
                    help: field.help,
                })
                .collect(),
        };
        if self.json {
            json(&shown);
            return Ok(ExitCode::SUCCESS);
        }
        show(&shown, &help, out);
        Ok(ExitCode::SUCCESS)
    }
}

fn show(shown: &Shown, help: &str, out: &Output) {
    let Shown {
        plugin,
        name,
        version,
        file,
        hosts,
        undeclared_hosts,
        used_by,
        settings,
    } = shown;
    out.line(format_args!("{plugin}: {name}, version {version}"));
    out.words(Style::Plain, help);
    let or = |names: &[String], none: &str| match names.is_empty() {
        true => none.to_owned(),
        false => names.join(", "),
    };
    out.line(format_args!("file     {file}"));
    out.line(format_args!(
        "hosts    {}",
        or(hosts, "only those in its senders' settings")
    ));
    for (sender, hosts) in undeclared_hosts {
        let hosts = hosts.join(", ");
        out.line(format_args!(
            "warning  for sender {sender} it declared when it was to send, and does not declare now: {hosts}"
        ));
    }
    out.line(format_args!("used by  {}\n", or(used_by, "no sender yet")));
    for setting in settings {
        let key = out.paint(Style::Heading, &setting.key);
        let need = if setting.is_required { "needed, " } else { "" };
        let kind = if setting.is_secret {
            "a secret"
        } else {
            &setting.kind
        };
        let default = match &setting.default {
            Some(default) => format!("; {default} when left out"),
            None => String::new(),
        };
        out.line(format_args!("{key}: {need}{kind}{default}"));
        out.words(Style::Faint, &setting.help);
    }
}
