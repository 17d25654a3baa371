//! `textsender check`: the whole configuration, offline, every fault at once.

use std::{fmt::Write, io, process::ExitCode};

use super::{
    Common,
    output::{self, count},
    site::Site,
};
use crate::{
    check::{self, Incomplete, Report},
    config::render::{render, render_warnings},
    protocol::Outcome,
};

/// Checks the whole configuration, and shows every fault with its place and what to do
///
/// Nothing is written, and no provider is asked. Plugins are asked about their settings, each in a
/// process of its own. Exits 0, or 78 if there is a fault.
#[derive(clap::Args, Default)]
#[command(
    after_help = "Example:\n  textsender check --config /etc/textsender/textsender.toml --json"
)]
pub(super) struct Check {
    /// Writes JSON
    #[arg(long)]
    json: bool,
}

impl Check {
    pub(super) fn run(&self, common: &Common) -> ExitCode {
        // Run by root, it looks as the account that sends: it is whom owners and modes must suit.
        let seen = Site::unjudged(common).and_then(|site| site.become_owner());
        if let (Err(error), true) = (seen, common.config_file().path.exists())
            && !is_not_there(&error)
        {
            return output::print_error(&format!("{error:#}"), Outcome::Misconfigured.exit());
        }
        let report = match crate::site::runtime::block_on(check::check(&common.config_file().path))
        {
            Ok(report) => report,
            Err(error) => return output::print_error(&error.to_string(), Outcome::Crashed.exit()),
        };
        match self.json {
            true => output::json(&report),
            false => output::print(&shown(&report, output::colour())),
        }
        match report.faults.is_empty() {
            true => ExitCode::SUCCESS,
            false => Outcome::Misconfigured.into(),
        }
    }
}

/// Whether only the state folder or the account is not there: the rest can be checked all the same.
fn is_not_there(error: &anyhow::Error) -> bool {
    let errors = error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>());
    let mut kinds = errors.map(io::Error::kind);
    kinds.any(|kind| kind == io::ErrorKind::NotFound)
}

/// Faults as a compiler shows them, then what is not whole yet, then the sum.
fn shown(report: &Report, colour: bool) -> String {
    let mut shown = render(&report.faults, &report.config.sources, colour);
    shown += &render_warnings(&report.warnings, &report.config.sources, colour);
    for incomplete in &report.incomplete {
        show_incomplete(incomplete, &mut shown);
    }
    let (senders, policies) = (
        count(report.senders, "sender", "senders"),
        count(report.policies, "policy", "policies"),
    );
    let faults = match report.faults.len() {
        0 => "no faults".to_owned(),
        faults => count(faults, "fault", "faults"),
    };
    let warnings = match report.warnings.len() {
        0 => String::new(),
        warnings => format!(", {}", count(warnings, "warning", "warnings")),
    };
    // Writing to a String never fails.
    let _ = writeln!(shown, "{senders}, {policies}: {faults}{warnings}");
    shown
}

fn show_incomplete(incomplete: &Incomplete, shown: &mut String) {
    let Incomplete {
        sender,
        plugin,
        needs,
        used_by,
    } = incomplete;
    let used = match used_by.as_slice() {
        [] => "nothing sends with it".to_owned(),
        users => format!("used by {}", users.join(", ")),
    };
    let _ = writeln!(
        shown,
        "sender {sender} (plugin {plugin}) is incomplete; {used}; it needs:"
    );
    for need in needs {
        let secret = if need.secret { " (a secret)" } else { "" };
        let help = match need.help.is_empty() {
            true => String::new(),
            false => format!(": {}", need.help),
        };
        let _ = writeln!(shown, "  {}{secret}{help}", need.key);
    }
    shown.push('\n');
}
