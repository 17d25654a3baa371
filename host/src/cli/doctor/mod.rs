//! `textsender doctor`: the machine, the installation and the providers, and what to do about each
//! problem.

mod directories;
mod health;
mod installation;
mod machine;
mod not_enabled;
mod paths;
mod providers;
mod sudo;

pub(super) use installation::remedy as remedy_of_ledger;

use std::process::ExitCode;

use anyhow::{Context, bail};
use serde::Serialize;

use super::{
    Common,
    output::{Output, Style, Usage, count, json},
    site::Site,
};
use crate::{
    check::Report,
    config::{Environment, Reading, ResolvedPath, Sources},
    edit::repair::{self, Repair},
    os::accounts::{self, Account},
    privilege::sending_account,
    protocol::Outcome,
    site::Servers,
};

/// What to do about a clock that is wrong.
const SET_CLOCK: &str = "set the clock, and keep it with chrony or systemd-timesyncd: GOV.UK Notify refuses more \
                         than 30 seconds";

/// Looks for everything that could keep a text from being sent, and says what to do
///
/// It looks as the account that sends: run by root, as the owner of the state folder or as --as says. Exits 0, or 78
/// if there is a problem.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    textsender doctor\n  \
    sudo textsender doctor --as www-data   # can the reset server's account send?")]
pub(super) struct Doctor {
    /// The account that the reset server runs as
    #[arg(long = "as", value_name = "USER")]
    user: Option<String>,
    /// Asks no provider, and no directory
    #[arg(long)]
    offline: bool,
    /// Puts owners and modes right first, and shows each command that it does the work of
    #[arg(long, conflicts_with = "user")]
    fix: bool,
    /// Writes JSON
    #[arg(long)]
    json: bool,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    area: &'static str,
    state: State,
    what: String,
    /// What to do about a problem.
    #[serde(skip_serializing_if = "Option::is_none")]
    remedy: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Ok,
    /// Worth knowing, and no obstacle.
    Note,
    /// No obstacle yet, or not to every text.
    Warning,
    Problem,
}

impl Doctor {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        if let Some(finding) = self.not_the_sender(common)? {
            return finish(vec![finding], self.json, out);
        }
        if self.fix {
            put_right(common, out)?;
        }
        let environment = self.become_user()?;
        let main = environment.config_file(common.config.as_deref());
        let mut findings = Vec::new();
        if main.path.exists() {
            self.look(common, &environment, &main, &mut findings)?;
        } else {
            findings.extend(machine::findings(None));
            findings.push(problem(
                "paths",
                format!("there is no configuration at {main}"),
                "make one with `textsender init`, or name another with --config",
            ));
        }
        finish(findings, self.json, out)
    }

    /// What there is to say where another account is asked about than the one that sends: how it may
    /// send all the same. All else would be told of an account that nothing depends on.
    fn not_the_sender(&self, common: &Common) -> anyhow::Result<Option<Finding>> {
        let main = common.config_file().path;
        if !main.exists() {
            return Ok(None);
        }
        let site = Site::of(Reading::of(Sources::read(&main)));
        let Some(name) = &self.user else {
            site.is_for_caller()?;
            return Ok(None);
        };
        let account = sending_account(&site.config.state, &site.state)?;
        let asked = accounts::named(name)?;
        let (Some(account), Some(asked)) = (account, asked) else {
            return Ok(None);
        };
        may_look_as(&asked)?;
        Ok(match account.user {
            user if user == asked.user => None,
            0 => Some(problem(
                "account",
                format!(
                    "{} belongs to root, so {} can't send",
                    site.state.display(),
                    asked.name
                ),
                format!("sudo textsender init --owner {}", asked.name),
            )),
            _ => Some(sudo::finding(&asked.name, &account.name)),
        })
    }

    fn look(
        &self,
        common: &Common,
        environment: &Environment,
        main: &ResolvedPath,
        findings: &mut Vec<Finding>,
    ) -> anyhow::Result<()> {
        let mut site = Site::of(Reading::of(Sources::read(&main.path)));
        let state = environment.state_folder(site.config.state.folder.as_deref());
        site.state.clone_from(&state.path);
        site.become_owner()?;
        findings.extend(machine::findings(Some(&site.config)));
        findings.extend(paths::findings(&site, main, &state));
        if !paths::is_usable(&state.path) {
            // Whatever else could be told of senders, secrets and ledger follows from that.
            findings.extend(installation::of_files(&site)?);
            return Ok(());
        }
        findings.extend(installation::findings(&site)?);
        findings.extend(providers::seals(&site)?);
        if self.offline {
            findings.extend(health::findings(&site, Servers::Leave));
            return Ok(());
        }
        let (looked, of_directories) = directories::look(&site)?;
        findings.extend(health::findings(&site, Servers::Asked(looked)));
        findings.extend(providers::findings(&site, common)?);
        findings.extend(of_directories);
        Ok(())
    }

    /// Goes on as the account that is asked about; returns what it would find around it.
    fn become_user(&self) -> anyhow::Result<Environment> {
        let Some(name) = &self.user else {
            return Ok(Environment::current());
        };
        let account = accounts::named(name)?;
        let account = account.with_context(|| format!("there is no account {name}"))?;
        may_look_as(&account)?;
        let own = accounts::own();
        let home = Some(account.home.clone().into()).filter(|_| own == 0);
        account
            .become_it()
            .with_context(|| format!("can't become {name}"))?;
        let current = Environment::current();
        Ok(Environment {
            home: home.or(current.home.clone()),
            ..current
        })
    }
}

/// What another account may do only root can try.
fn may_look_as(account: &Account) -> anyhow::Result<()> {
    let own = accounts::own();
    if own != 0 && own != account.user {
        bail!(Usage(
            "only root can look as another account: use sudo".into()
        ));
    }
    Ok(())
}

/// What keeps messages from being sent, as far as configuration and files show it, each with what to do: for
/// a summary.
pub(super) fn problems(site: &Site, report: Report, common: &Common) -> Vec<(String, String)> {
    let told = report.faults.into_iter();
    let told = told.filter(|fault| !paths::have(site, fault));
    let told = told.map(|fault| (installation::words(&fault), fault.remedy));
    told.chain(problems_of_files(site, common)).collect()
}

fn problems_of_files(site: &Site, common: &Common) -> Vec<(String, String)> {
    let main = common.config_file();
    let state = Environment::current().state_folder(site.config.state.folder.as_deref());
    let findings = paths::findings(site, &main, &state).into_iter();
    let problems = findings.filter(|finding| finding.state == State::Problem);
    problems
        .map(|finding| (finding.what, finding.remedy.unwrap_or_default()))
        .collect()
}

/// Checks the ledger alone, and shows what was found; the exit code says whether there is something to do.
pub(super) fn check_ledger(
    common: &Common,
    as_json: bool,
    out: &Output,
) -> anyhow::Result<ExitCode> {
    let site = Site::read(common)?;
    site.become_owner()?;
    finish(installation::ledger(&site), as_json, out)
}

/// What `status` says of a ledger that several machines share: problems, and what to do about each.
pub(super) fn problems_of_shared(site: &Site) -> Vec<(String, String)> {
    if site.config.state.shared.is_none() {
        return Vec::new();
    }
    let found = installation::ledger(site).into_iter();
    let found = found.filter(|finding| matches!(finding.state, State::Problem | State::Warning));
    found
        .map(|finding| (finding.what, finding.remedy.unwrap_or_default()))
        .collect()
}

/// Puts owners and modes right.
fn put_right(common: &Common, out: &Output) -> anyhow::Result<()> {
    let make = |repair: &Repair| -> anyhow::Result<()> {
        repair.make()?;
        let fixed = out.paint(Style::Good, "fixed");
        out.line(format_args!("{fixed}  {}", repair.command()));
        Ok(())
    };
    // What it says of accounts and folders counts once only its owner can write to it.
    let sources = Sources::read(&common.config_file().path);
    repair::of_own_files(&sources).iter().try_for_each(make)?;
    let site = Site::read(common)?;
    let account = sending_account(&site.config.state, &site.state)?;
    let account = account
        .context("no account is named that sends: name one with `textsender init --owner NAME`")?;
    let needed = repair::needed(&site.config, &site.state, &account);
    needed.iter().try_for_each(make)
}

/// Shows what was found; the exit code says whether there is something to do.
fn finish(findings: Vec<Finding>, as_json: bool, out: &Output) -> anyhow::Result<ExitCode> {
    match as_json {
        true => json(&findings),
        false => show(&findings, out),
    }
    let is_problem = |finding: &Finding| finding.state == State::Problem;
    match findings.iter().any(is_problem) {
        true => Ok(Outcome::Misconfigured.into()),
        false => Ok(ExitCode::SUCCESS),
    }
}

fn ok(area: &'static str, what: impl Into<String>) -> Finding {
    Finding {
        area,
        state: State::Ok,
        what: what.into(),
        remedy: None,
    }
}

fn note(area: &'static str, what: impl Into<String>) -> Finding {
    Finding {
        state: State::Note,
        ..ok(area, what)
    }
}

fn warning(area: &'static str, what: impl Into<String>) -> Finding {
    Finding {
        state: State::Warning,
        ..ok(area, what)
    }
}

fn problem(area: &'static str, what: impl Into<String>, remedy: impl Into<String>) -> Finding {
    Finding {
        state: State::Problem,
        remedy: Some(remedy.into()),
        ..ok(area, what)
    }
}

fn show(findings: &[Finding], out: &Output) {
    let mut area = "";
    for finding in findings {
        if finding.area != area {
            area = finding.area;
            out.line(out.paint(Style::Heading, area));
        }
        let (mark, style) = match finding.state {
            State::Ok => ("ok", Style::Good),
            State::Note => ("note", Style::Attention),
            State::Warning => ("warning", Style::Attention),
            State::Problem => ("PROBLEM", Style::Bad),
        };
        out.line(format_args!(
            "  {}: {}",
            out.paint(style, mark),
            finding.what
        ));
        if let Some(remedy) = &finding.remedy {
            out.line(format_args!("    -> {remedy}"));
        }
    }
    let problems = findings
        .iter()
        .filter(|finding| finding.state == State::Problem);
    match problems.count() {
        0 => out.line(out.paint(Style::Good, "no problems")),
        found => out.line(out.paint(Style::Bad, count(found, "problem", "problems"))),
    }
}
