//! `textsender policy list` and `show`.

use std::process::ExitCode;

use serde::Serialize;

use crate::{
    cli::{
        Common,
        output::{Cell, Output, Style, json},
        site::Site,
    },
    config::{Config, Located, Policy, Regions},
};

/// Lists the policies: where they are linked, and whose text goes through which sender
#[derive(clap::Args)]
#[command(after_help = "Example:\n  textsender policy list --json")]
pub(super) struct List {
    /// Writes JSON
    #[arg(long)]
    json: bool,
}

/// Shows one policy
#[derive(clap::Args)]
#[command(after_help = "Example:\n  textsender policy show Everyone")]
pub(super) struct Show {
    /// The policy
    name: String,
    /// Writes JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Shown<'c> {
    name: &'c str,
    file: String,
    /// Whether it is for users whom no other policy is linked to.
    is_default: bool,
    links: Vec<Link<'c>>,
    groups: Vec<&'c str>,
    deny_groups: Vec<&'c str>,
    users: Vec<&'c str>,
    events: Vec<&'static str>,
    region: Option<&'c str>,
    /// `*`: all.
    regions: Vec<&'c str>,
    sender: Option<&'c str>,
    /// Whether the sender is the default one.
    is_default_sender: bool,
    fallback: Vec<&'c str>,
    text: Option<&'c str>,
    locales: Vec<&'c str>,
}

#[derive(Serialize)]
struct Link<'c> {
    container: &'c str,
    order: u32,
    enforced: bool,
    enabled: bool,
}

impl List {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let site = Site::read(common)?;
        let policies = site.config.policies.iter();
        let policies: Vec<Shown> = policies.map(|policy| shown(&site.config, policy)).collect();
        if self.json {
            json(&policies);
            return Ok(ExitCode::SUCCESS);
        }
        let rows: Vec<Vec<Cell>> = policies
            .iter()
            .map(|policy| {
                let name = match policy.is_default {
                    true => format!("{} (default)", policy.name),
                    false => policy.name.to_owned(),
                };
                vec![
                    name.into(),
                    links(policy).into(),
                    sender(policy),
                    policy.events.join(", ").into(),
                    Cell::new(Style::Faint, &policy.file),
                ]
            })
            .collect();
        out.table(&["POLICY", "LINKED TO", "SENDER", "EVENTS", "FILE"], &rows);
        Ok(ExitCode::SUCCESS)
    }
}

impl Show {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let site = Site::read(common)?;
        let policy = shown(&site.config, site.policy(&self.name)?);
        if self.json {
            json(&policy);
            return Ok(ExitCode::SUCCESS);
        }
        let fact = |name: &str, value: String| {
            if !value.is_empty() {
                out.line(format_args!("{:<12}{value}", name));
            }
        };
        fact("policy", policy.name.to_owned());
        fact("file", policy.file.clone());
        fact("linked to", links(&policy));
        fact("groups", policy.groups.join("; "));
        fact("not groups", policy.deny_groups.join("; "));
        fact("users", policy.users.join("; "));
        fact("events", policy.events.join(", "));
        fact("region", policy.region.unwrap_or_default().to_owned());
        fact("may text", policy.regions.join(", "));
        fact("sender", out.cell(&sender(&policy)));
        fact("fallback", policy.fallback.join(", "));
        fact(
            "text",
            policy.text.unwrap_or("(none: no code is sent)").to_owned(),
        );
        fact("translated", policy.locales.join(", "));
        Ok(ExitCode::SUCCESS)
    }
}

fn shown<'c>(config: &'c Config, policy: &'c Policy) -> Shown<'c> {
    let sources = &config.sources.files;
    let file = sources.get(policy.name.place.file as usize);
    let default = config.defaults.policy.as_ref();
    let block = policy.verification_code.as_ref();
    let own_sender = block.and_then(|block| block.options.sender.as_ref());
    let sender = own_sender.or(config.defaults.sender.as_ref());
    let all = |names: &'c [Located<String>]| names.iter().map(|name| name.as_str()).collect();
    let links = policy.links.iter().map(|link| Link {
        container: &link.container,
        order: link.order,
        enforced: link.enforced,
        enabled: link.enabled,
    });
    let events = match &policy.events {
        Some(events) => events.iter().map(|event| event.as_str()).collect(),
        None => vec!["enroll", "reset"],
    };
    Shown {
        name: &policy.name,
        file: file
            .map(|file| file.path.display().to_string())
            .unwrap_or_default(),
        is_default: default.is_some_and(|name| name.value == policy.name.value),
        links: links.collect(),
        groups: all(&policy.filter.groups),
        deny_groups: all(&policy.filter.deny_groups),
        users: all(&policy.filter.users),
        events,
        region: policy.reach.region.as_ref().map(|region| region.as_str()),
        regions: match &policy.reach.regions {
            Regions::Any => vec!["*"],
            Regions::Only(regions) => all(regions),
        },
        sender: sender.map(|sender| sender.as_str()),
        is_default_sender: own_sender.is_none(),
        fallback: block.map_or(Vec::new(), |block| all(&block.options.fallback)),
        text: block.map(|block| block.text.text.as_str()),
        locales: block.map_or(Vec::new(), |block| {
            block.text.translations.keys().map(String::as_str).collect()
        }),
    }
}

fn links(policy: &Shown) -> String {
    let links: Vec<String> = policy.links.iter().map(Link::words).collect();
    match links.is_empty() && policy.is_default {
        true => "everyone whom no other policy is linked to".to_owned(),
        false => links.join("; "),
    }
}

impl Link<'_> {
    fn words(&self) -> String {
        let mut words = format!("{} (order {}", self.container, self.order);
        if self.enforced {
            words.push_str(", enforced");
        }
        if !self.enabled {
            words.push_str(", disabled");
        }
        words + ")"
    }
}

fn sender(policy: &Shown) -> Cell {
    match (policy.text, policy.sender) {
        (None, _) => Cell::new(Style::Faint, "(no text)"),
        (Some(_), None) => Cell::new(Style::Attention, "none: textsender select-sender NAME"),
        (Some(_), Some(sender)) if policy.is_default_sender => {
            format!("{sender} (the default)").into()
        }
        (Some(_), Some(sender)) => sender.into(),
    }
}
