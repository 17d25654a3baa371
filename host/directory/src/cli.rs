//! The commands of `textsender-directory`, as `textsender directory` gives them.

use std::{
    fmt::Write as _,
    io::{self, IsTerminal, Read, Write as _},
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use serde_json::json;
use textsender_names::{
    GpoEffect, Guid,
    lines::{Answer, AskedUser, Code, Decided, DirectoryError, GpoLink, Site},
    visible,
};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use crate::{
    error,
    orders::{Desk, Synced},
    resolve::winner,
    snapshot::GpoState,
};

/// A fault that an administrator must act on.
const MISCONFIGURED: u8 = 78;

/// How much is read of a command's directory: its certificates are the most of it.
const MAX_SITE: u64 = 4 * 1024 * 1024;

/// Asks Active Directory for textsender: who a user is, and which group policy objects decide.
///
/// `textsender directory` starts it, and says on standard input which directory.
#[derive(Parser)]
#[command(
    name = "textsender-directory",
    version,
    about,
    arg_required_else_help = true
)]
struct Cli {
    /// Writes JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Logs in, reads links and bound objects, and says what is wrong; writes nothing
    Check,
    /// Writes the snapshot of links and bound objects
    Sync {
        /// Lets an edit that makes an object unusable count at once, instead of after a day
        #[arg(long)]
        accept: bool,
    },
    /// Shows what is found of a user, and which policy decides
    User {
        /// ada, EXAMPLE\ada, ada@example.org or a SID
        name: String,
    },
    /// Answers orders, a line of JSON each; the first line says which directory
    #[command(hide = true)]
    Orders,
}

/// Runs the command line of this process.
pub async fn run() -> ExitCode {
    let cli = Cli::parse();
    if let Command::Orders = cli.command {
        // The pipe is gone, and with it who would read an error.
        return orders()
            .await
            .map_or(ExitCode::from(70), |()| ExitCode::SUCCESS);
    }
    let (text, code) = match perform(&cli).await {
        Ok(done) => done,
        Err(error) => {
            let words = on_one_line(&error.to_string());
            let _ = writeln!(io::stderr(), "error: {words}");
            return ExitCode::from(error.exit());
        }
    };
    match io::stdout().write_all(fit_to_show(&text, cli.json).as_bytes()) {
        Ok(()) => ExitCode::from(code),
        Err(_) => ExitCode::FAILURE,
    }
}

/// Why a command ends.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    NoSite(&'static str),
    #[error("{code}: {0}", code = .0.code.as_str())]
    Directory(#[from] DirectoryError),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl Failure {
    fn exit(&self) -> u8 {
        match self {
            Self::Directory(error) => error::exit(error.code),
            Self::NoSite(_) | Self::Json(_) => MISCONFIGURED,
        }
    }
}

/// Does what is asked; the text to print, and the exit code.
async fn perform(cli: &Cli) -> Result<(String, u8), Failure> {
    let site = site()?;
    let mut desk = Desk::open(&site.settings)?;
    let synced = match &cli.command {
        Command::User { name } => {
            let user = AskedUser::Named {
                name: name.clone(),
                needs_phone: true,
            };
            let decided = desk.decide(&user, &[], &site.bound, &site.snapshot, site.stale_after_s);
            let decided = decided.await?;
            let is_fault = winner(&decided.considered).is_err();
            let text = match cli.json {
                true => as_json("decided", &shown(decided))?,
                false => user_text(&decided, &site),
            };
            return Ok((text, exit(is_fault)));
        }
        Command::Sync { accept } => desk.sync(&site.bound, &site.snapshot, *accept).await?,
        Command::Check | Command::Orders => {
            // An administrator asks: after a repair, or to see what is wrong.
            desk.try_anyway();
            desk.check(&site.bound).await?
        }
    };
    let is_fault = synced.findings.iter().any(|finding| finding.is_fault);
    let text = match cli.json {
        true => as_json("sync", &synced)?,
        false => sync_text(&synced, &site),
    };
    Ok((text, exit(is_fault)))
}

fn exit(is_fault: bool) -> u8 {
    if is_fault { MISCONFIGURED } else { 0 }
}

fn as_json(kind: &str, value: &impl serde::Serialize) -> Result<String, serde_json::Error> {
    Ok(serde_json::to_string(&json!({ kind: value }))? + "\n")
}

/// A decision without the number.
fn shown(mut decided: Decided) -> Decided {
    let user = decided.user.as_mut();
    if let Some(phone) = user.and_then(|user| user.phone.as_mut()) {
        *phone = masked(phone);
    }
    decided
}

/// The directory, from standard input.
fn site() -> Result<Site, Failure> {
    let mut stdin = io::stdin().lock();
    if stdin.is_terminal() {
        let hint = "textsender starts this program: run textsender directory check, sync or user";
        return Err(Failure::NoSite(hint));
    }
    let mut text = Vec::new();
    let read = stdin.by_ref().take(MAX_SITE).read_to_end(&mut text);
    let site = read.ok().and_then(|_| serde_json::from_slice(&text).ok());
    site.ok_or(Failure::NoSite(
        "standard input says of no directory: run textsender directory check, sync or user of the same version",
    ))
}

/// The policy that is bound to an object.
fn policy_of<'s>(site: &'s Site, gpo: &Guid) -> &'s str {
    let found = site.bound.iter().find(|bound| bound.id == *gpo);
    found.map_or("", |bound| &bound.policy)
}

fn sync_text(synced: &Synced, site: &Site) -> String {
    let mut text = format!(
        "server      {}\ndomain      {}\ntaken       {:.0}\ncontainers  {}, with {} links to bound objects\n",
        on_one_line(&synced.server),
        on_one_line(&synced.base),
        synced.taken,
        synced.containers,
        synced.links
    );
    for gpo in &synced.gpos {
        let state = match gpo.state {
            GpoState::Readable if !gpo.user_half => "readable; its half for users is off",
            GpoState::Readable => "readable",
            GpoState::Gone => "gone",
            GpoState::Unreadable => "unreadable",
        };
        let name = on_one_line(gpo.name.as_deref().unwrap_or("(no name)"));
        let policy = policy_of(site, &gpo.id);
        // Writing to a String never fails.
        let _ = writeln!(text, "policy      {policy}: {name} {}: {state}", gpo.id);
    }
    for finding in &synced.findings {
        let kind = if finding.is_fault { "fault" } else { "warning" };
        let words = on_one_line(&format!("{}: {}", finding.of, finding.what));
        let _ = writeln!(text, "{kind:<11} {words}");
    }
    text
}

/// What is printed, of which a part is the directory's words: a stranger's.
fn fit_to_show(text: &str, is_json: bool) -> String {
    match is_json {
        true => visible::escaped(text),
        false => visible::without_tricks(text, false),
    }
}

/// A value of the directory's, which begins no line of ours.
fn on_one_line(value: &str) -> String {
    visible::one_line(value.chars())
}

fn user_text(decided: &Decided, site: &Site) -> String {
    let mut text = String::new();
    let mut line = |key: &str, value: String| {
        // Writing to a String never fails.
        let _ = writeln!(text, "{key:<11} {}", on_one_line(&value));
    };
    if let Some(user) = &decided.user {
        line("user", user.dn.clone());
        line("account", format!("{} ({})", user.account, user.sid));
        line(
            "groups",
            format!(
                "{}, nested ones and the primary one among them",
                user.groups.len()
            ),
        );
        let several = match user.phone_count {
            0 | 1 => String::new(),
            count => format!("; the first of {count}"),
        };
        line(
            "number",
            format!(
                "{} (from {}{several})",
                masked(user.phone.as_deref().unwrap_or_default()),
                user.phone_from.as_deref().unwrap_or_default()
            ),
        );
        if let Some(changed) = user.phone_changed {
            line("changed", format!("{changed:.0}"));
        }
        line(
            "locale",
            user.locale.clone().unwrap_or_else(|| "none".to_owned()),
        );
    }
    if let Some(taken) = decided.taken {
        line("links", format!("as of {taken:.0}"));
    }
    for one in &decided.considered {
        let policy = policy_of(site, &one.gpo);
        line(
            "considered",
            format!("{policy} ({}): {}", place(one), effect(one.result)),
        );
    }
    match winner(&decided.considered) {
        Ok(Some(one)) => line("policy", policy_of(site, &one.gpo).to_owned()),
        Ok(None) => line(
            "policy",
            "none by group policy; textsender explain --user NAME looks at links of your own as well".to_owned(),
        ),
        Err(one) => line(
            "policy",
            format!(
                "can't be decided: {}: {}",
                policy_of(site, &one.gpo),
                effect(one.result)
            ),
        ),
    }
    text
}

fn place(one: &GpoLink) -> String {
    let enforced = if one.enforced { ", enforced" } else { "" };
    format!("at {}, order {}{enforced}", one.container, one.order)
}

fn effect(effect: GpoEffect) -> &'static str {
    match effect {
        GpoEffect::Applies => "applies",
        GpoEffect::LinkDisabled => "the link is disabled",
        GpoEffect::Blocked => "a container below blocks inheritance",
        GpoEffect::Gone => "the object is gone",
        GpoEffect::UserHalfOff => "its half for users is off",
        GpoEffect::OtherVersion => "its functionality version is not 2",
        GpoEffect::Filtered => "the security filter does not let the user through",
        GpoEffect::Unreadable => "it can't be read",
        GpoEffect::WmiFilter => "it has a WMI filter",
    }
}

/// A number with all but its first and last three characters hidden.
fn masked(phone: &str) -> String {
    let count = phone.chars().count();
    let is_shown = |index: usize| count > 8 && (index < 3 || index + 3 >= count);
    let characters = phone.chars().enumerate();
    characters
        .map(|(index, c)| if is_shown(index) { c } else { '*' })
        .collect()
}

async fn orders() -> io::Result<()> {
    let mut lines = BufReader::new(tokio::io::stdin()).lines();
    let Some(settings) = lines.next_line().await? else {
        return Ok(());
    };
    let settings = serde_json::from_str(&settings).map_err(|error| not_an_order(&error));
    let mut desk = match settings.and_then(|settings| Desk::open(&settings)) {
        Ok(desk) => desk,
        Err(error) => return write(&Answer::Error(error)).await,
    };
    while let Some(line) = lines.next_line().await? {
        let answer = match serde_json::from_str(&line) {
            Ok(order) => desk.answer(order).await,
            Err(error) => Answer::Error(not_an_order(&error)),
        };
        write(&answer).await?;
    }
    Ok(())
}

/// What stands in the line may be secret.
fn not_an_order(error: &serde_json::Error) -> DirectoryError {
    let what = format!("the line is not an order: column {}", error.column());
    DirectoryError::new(Code::DirectoryUnreadable, what)
}

async fn write(answer: &Answer) -> io::Result<()> {
    let mut line = serde_json::to_vec(answer)?;
    line.push(b'\n');
    let mut output = tokio::io::stdout();
    output.write_all(&line).await?;
    output.flush().await
}

#[cfg(test)]
mod tests {
    use textsender_names::lines::Finding;

    use super::*;
    use crate::snapshot::Gpo;

    /// Clears a terminal, turns words around, hides among them, and begins a line.
    const TRICKS: &str = "\u{1b}[2J\u{202e}\u{200b}\u{9b}31m\u{2028}\r\nforged-line";

    #[test]
    fn what_a_directory_says_is_shown_as_it_reads() {
        let id: Guid = "{8CAB271A-A7F5-4F31-9C47-3A8D4C7B5A6E}".parse().unwrap();
        let site: Site = serde_json::from_value(json!({
            "settings": {
                "servers": [], "bind": "", "password": "", "phone": [], "locale": "", "timeout_ms": 1,
            },
            "bound": [], "snapshot": "", "stale_after_s": 1,
        }))
        .unwrap();
        let named = Gpo {
            name: Some(TRICKS.to_owned()),
            ..Gpo::unknown(id, GpoState::Readable)
        };
        let synced = Synced {
            server: TRICKS.to_owned(),
            taken: "2026-03-01T10:00:00Z".parse().unwrap(),
            base: TRICKS.to_owned(),
            containers: 1,
            links: 1,
            gpos: vec![named],
            findings: vec![Finding::fault(TRICKS, TRICKS)],
        };
        let user: Decided = serde_json::from_value(json!({
            "user": {
                "dn": TRICKS, "account": TRICKS, "sid": "S-1-5-21-1-2-3-1113", "groups": [],
                "phone": "+447700900123", "phone_from": TRICKS, "phone_count": 1, "locale": TRICKS,
            },
            "considered": [],
        }))
        .unwrap();
        let texts = [
            (sync_text(&synced, &site), false),
            (as_json("sync", &synced).unwrap(), true),
            (user_text(&user, &site), false),
            (as_json("decided", &shown(user)).unwrap(), true),
        ];
        for (text, is_json) in texts {
            let text = fit_to_show(&text, is_json);
            let is_line_end = |c: &char| *c == '\n';
            assert!(
                text.chars()
                    .all(|c| visible::is_visible(c) || is_line_end(&c)),
                "{text:?}"
            );
            assert!(
                text.lines().all(|line| !line.starts_with("forged-line")),
                "{text}"
            );
        }
    }

    #[test]
    fn a_number_is_masked() {
        assert_eq!(masked("+447700900123"), "+44*******123");
        assert_eq!(masked("12345678"), "********");
    }
}
