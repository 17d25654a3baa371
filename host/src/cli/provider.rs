//! `textsender provider`: what can be sent through, whichever plugin does it.

use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand};
use serde::Serialize;

use super::{
    Common,
    output::{Cell, Output, Style, json},
    site::Site,
};
use crate::{
    check,
    plugins::Description,
    site::plugins::{self, KnownProvider},
};

/// Lists the providers that texts can be sent through, and what each needs
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    textsender provider list\n  \
    textsender provider show telnyx\n  \
    textsender sender add acme --provider telnyx")]
pub(super) struct Provider {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    List(List),
    Show(Show),
}

/// Lists every provider: those of plugins of their own, and those that the plugin http knows
#[derive(Args)]
#[command(after_help = "Example:\n  textsender provider list --json")]
struct List {
    /// Writes JSON
    #[arg(long)]
    json: bool,
}

/// Shows what a provider needs, and where its documents are
#[derive(Args)]
#[command(after_help = "Example:\n  textsender provider show telnyx")]
struct Show {
    /// The provider, as `textsender provider list` names it
    id: String,
    /// Writes JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    provider: KnownProvider,
    hosts: Vec<String>,
    needs: Vec<Need>,
}

#[derive(Serialize)]
struct Need {
    key: String,
    is_required: bool,
    is_secret: bool,
    help: String,
}

impl Provider {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let site = Site::read(common)?;
        site.leave_root()?;
        match &self.command {
            Command::List(list) => list.run(&site, out),
            Command::Show(show) => show.run(&site, out),
        }
    }
}

impl List {
    fn run(&self, site: &Site, out: &Output) -> anyhow::Result<ExitCode> {
        let all = all(site)?;
        if self.json {
            json(&all);
            return Ok(ExitCode::SUCCESS);
        }
        if all.is_empty() {
            out.line("no installed plugin knows a provider; see `textsender plugin list`");
            return Ok(ExitCode::SUCCESS);
        }
        let cell = |text: &str| Cell::new(Style::Plain, text);
        let rows: Vec<Vec<Cell>> = all
            .iter()
            .map(|it| vec![cell(&it.id), cell(&it.name), cell(&it.plugin)])
            .collect();
        out.table(&["PROVIDER", "NAME", "PLUGIN"], &rows);
        Ok(ExitCode::SUCCESS)
    }
}

impl Show {
    fn run(&self, site: &Site, out: &Output) -> anyhow::Result<ExitCode> {
        let provider = find(site, &self.id)?;
        let described = site.describe_with(&provider.plugin, &provider.settings);
        let Ok(described) = described else {
            bail!("the plugin {} can't be used", provider.plugin);
        };
        let shown = Shown {
            needs: needs(&described, &provider),
            hosts: described.info.hosts,
            provider,
        };
        if self.json {
            json(&shown);
            return Ok(ExitCode::SUCCESS);
        }
        let KnownProvider {
            id,
            name,
            plugin,
            source,
            note,
            ..
        } = &shown.provider;
        out.line(format_args!("{name} ({id}), by the plugin {plugin}"));
        for (label, text) in [("documents", source), ("note", note)] {
            if let Some(text) = text {
                out.line(format_args!("{label}: {text}"));
            }
        }
        match &shown.hosts[..] {
            [] => out.line(format_args!("talks to: the host that a setting names")),
            hosts => out.line(format_args!("talks to: {}", hosts.join(", "))),
        }
        for Need {
            key,
            is_required,
            is_secret,
            help,
        } in &shown.needs
        {
            let kind = match (is_secret, is_required) {
                (true, _) => " (secret)",
                (false, true) => "",
                (false, false) => " (optional)",
            };
            out.line(format_args!(
                "  {}{kind}: {help}",
                out.paint(Style::Heading, key)
            ));
        }
        out.line(format_args!(
            "add one: textsender sender add NAME --provider {id}"
        ));
        Ok(ExitCode::SUCCESS)
    }
}

/// What an administrator fills in: all settings but those that choose the provider.
fn needs(described: &Description, provider: &KnownProvider) -> Vec<Need> {
    let is_choice = |name: &str| {
        provider.settings.contains_key(name)
            || described.info.file_settings.iter().any(|it| it == name)
    };
    let fields = check::fields(described).into_iter();
    let fields = fields.filter(|field| !is_choice(&field.name));
    let need = |field: check::Field| Need {
        is_required: field.is_required,
        is_secret: field.is_secret,
        help: field.help.clone(),
        key: field.name,
    };
    fields.map(need).collect()
}

/// The provider of this id.
///
/// # Errors
///
/// There is none.
pub(super) fn find(site: &Site, id: &str) -> anyhow::Result<KnownProvider> {
    match all(site)?.into_iter().find(|known| known.id == id) {
        Some(known) => Ok(known),
        None => bail!("no plugin here knows a provider {id:?}; see `textsender provider list`"),
    }
}

fn all(site: &Site) -> anyhow::Result<Vec<KnownProvider>> {
    Ok(plugins::providers(&plugins::files(site)?))
}
