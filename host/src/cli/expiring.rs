//! `textsender expiring`: what runs out, and when.

use std::process::ExitCode;

use jiff::Timestamp;
use serde::Serialize;

use super::{
    Common,
    output::{Cell, Output, Style, json},
    site::Site,
};
use crate::check::expiring::Expiring;

/// Lists what runs out: certificates, authorities, and secrets that were stored with --expires
///
/// The nearest first. The servers of a directory and of a shared ledger are asked for their certificates, and of a directory until when the account's password is good. Alerts and `textsender health` tell of each at 30, 7 and 1 days.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    textsender expiring\n  \
    textsender expiring --json | jq '.[] | select(.days_left < 60)'")]
pub(super) struct ExpiringCommand {
    /// Writes JSON
    #[arg(long)]
    json: bool,
}

/// One thing, with what is left of it.
#[derive(Serialize)]
struct Line<'e> {
    #[serde(flatten)]
    expiring: &'e Expiring,
    days_left: i64,
}

impl ExpiringCommand {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let site = Site::read(common)?;
        site.become_owner()?;
        let now = Timestamp::now();
        let (all, _) = site.expiring();
        if self.json {
            let lines = all.iter().map(|expiring| Line {
                days_left: expiring.days_left(now),
                expiring,
            });
            json(&lines.collect::<Vec<_>>());
            return Ok(ExitCode::SUCCESS);
        }
        if all.is_empty() {
            out.line("nothing that is known to run out: store a secret with `textsender secret set NAME --expires DATE`");
            return Ok(ExitCode::SUCCESS);
        }
        let rows: Vec<Vec<Cell>> = all.iter().map(|one| row(one, now)).collect();
        out.table(&["WHAT", "NAME", "DAYS LEFT", "UNTIL"], &rows);
        for one in all.iter().filter(|one| one.steps(now) > 0) {
            out.line(format_args!("{}: {}", one.name, one.renew));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn row(one: &Expiring, now: Timestamp) -> Vec<Cell> {
    let style = match one.steps(now) {
        0 => Style::Plain,
        _ => Style::Attention,
    };
    let (days, until) = match one.unreadable {
        Some(_) => ("?".to_owned(), "can't be read".to_owned()),
        None => (one.days_left(now).to_string(), one.until.to_string()),
    };
    vec![
        one.kind.as_str().into(),
        one.name.as_str().into(),
        Cell::new(style, &days),
        until.into(),
    ]
}
