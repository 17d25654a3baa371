//! `textsender sender list` and `show`.

use std::process::ExitCode;

use serde::Serialize;

use crate::{
    check::{self, Field},
    cli::{
        Common,
        output::{Cell, Output, Style, json},
        site::Site,
        standing::{self, Line},
    },
    config::{SecretRef, Sender, Setting},
    edit::tables,
    plugins::to_json,
    secrets,
};

/// Lists the senders, and how each stands
#[derive(clap::Args)]
#[command(after_help = "Example:\n  textsender sender list --json")]
pub(super) struct List {
    /// Writes JSON
    #[arg(long)]
    json: bool,
}

/// Shows one sender: its settings, those it could have, and its secrets' names
#[derive(clap::Args)]
#[command(after_help = "Example:\n  textsender sender show twilio")]
pub(super) struct Show {
    /// The sender
    name: String,
    /// Writes JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Details {
    #[serde(flatten)]
    line: Line,
    settings: Vec<Shown>,
}

/// One setting, as it may be shown.
#[derive(Serialize)]
struct Shown {
    key: String,
    /// The value, or where the secret is; never a secret.
    #[serde(skip_serializing_if = "Option::is_none")]
    value: Option<String>,
    is_secret: bool,
    is_required: bool,
    help: String,
}

impl List {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let site = Site::read(common)?;
        let standings = site.standings(None)?;
        if self.json {
            json(&standings.iter().map(Line::from).collect::<Vec<_>>());
            return Ok(ExitCode::SUCCESS);
        }
        if standings.is_empty() {
            out.line("There is no sender yet. Add one: textsender sender add NAME --plugin ID");
        }
        let rows: Vec<Vec<Cell>> = standings
            .iter()
            .map(|standing| {
                vec![
                    standing.sender.as_str().into(),
                    standing.plugin.as_str().into(),
                    standing::word(standing),
                    standing.detail().into(),
                    Cell::new(Style::Faint, standing.used_by.join(", ")),
                ]
            })
            .collect();
        out.table(&["SENDER", "PLUGIN", "STATE", "", "USED BY"], &rows);
        Ok(ExitCode::SUCCESS)
    }
}

impl Show {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let site = Site::read(common)?;
        site.known_sender(&self.name)?;
        let standing = site.standing(&self.name)?;
        let sender = &site.config.senders[&self.name];
        let described = site.describe_sender(sender);
        let fields = described.map(|described| check::fields(&described));
        let details = Details {
            settings: settings(&site, &self.name, sender, &fields.unwrap_or_default()),
            line: Line::from(&standing),
        };
        if self.json {
            json(&details);
            return Ok(ExitCode::SUCCESS);
        }
        let Details { line, settings } = details;
        let state = out.cell(&standing::word(&standing));
        out.line(format_args!(
            "{}, a sender of the plugin {}: {state}",
            line.name, line.plugin
        ));
        if !standing.is_ready() {
            out.line(standing.detail());
        }
        let used_by = match line.used_by.is_empty() {
            true => "nothing yet".to_owned(),
            false => line.used_by.join(", "),
        };
        out.line(format_args!("used by: {used_by}\n"));
        for setting in settings {
            show(&setting, out);
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn show(shown: &Shown, out: &Output) {
    let key = out.paint(Style::Heading, &shown.key);
    let value = match (&shown.value, shown.is_required) {
        (Some(value), _) => value.clone(),
        (None, true) => out.paint(Style::Attention, "(needed)"),
        (None, false) => out.paint(Style::Faint, "-"),
    };
    out.line(format_args!("{key} = {value}"));
    out.words(Style::Faint, &shown.help);
}

/// Those that the plugin knows, then those that it does not.
fn settings(site: &Site, name: &str, sender: &Sender, fields: &[Field]) -> Vec<Shown> {
    let stored = secrets::stored(&site.state, name).unwrap_or_default();
    let value_of = |key: &str, is_secret: bool| match sender.settings.get(key) {
        Some(setting) => Some(value(&setting.value, is_secret)),
        None if stored.contains_key(key) => Some("(stored secret)".to_owned()),
        None => None,
    };
    let known = fields
        .iter()
        .map(|field| shown(field, value_of(&field.name, field.is_secret)));
    let others = sender.settings.keys();
    let others = others.filter(|key| check::field(fields, key).is_err());
    let others = others.map(|key| Shown {
        key: key.clone(),
        // Its plugin does not say that it is none: it may be a secret.
        value: Some("(not shown)".to_owned()),
        is_secret: false,
        is_required: false,
        help: String::new(),
    });
    known.chain(others).collect()
}

fn shown(field: &Field, value: Option<String>) -> Shown {
    Shown {
        key: field.name.clone(),
        value,
        is_secret: field.is_secret,
        is_required: field.is_required,
        help: field.help.clone(),
    }
}

fn value(setting: &Setting, is_secret: bool) -> String {
    match setting {
        Setting::Secret(SecretRef::File(path)) => format!("(secret in {})", path.display()),
        Setting::Secret(SecretRef::Env(name)) => format!("(secret in ${name})"),
        Setting::Secret(SecretRef::Credential(name)) => format!("(credential {name})"),
        Setting::Value(_) if is_secret => "(a secret in the open: remove it)".to_owned(),
        Setting::Value(toml::Value::String(text)) => text.clone(),
        Setting::Value(value) => tables::value(&to_json(value)).to_string(),
    }
}
