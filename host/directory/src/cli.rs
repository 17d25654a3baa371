//! The commands of `textsender-directory`.

use std::{
    fmt::Write as _,
    io::{self, Write as _},
    path::PathBuf,
    process::ExitCode,
};

use clap::{Parser, Subcommand};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};

use crate::{
    config::{Config, DEFAULT_PATH, Section},
    error::{Code, DirectoryError},
    orders::{Answer, AskedUser, Decided, Desk, Order, Synced},
    resolve::{Considered, Effect, winner},
    snapshot::GpoState,
};

/// A fault that an administrator must act on.
const MISCONFIGURED: u8 = 78;

/// Asks Active Directory for textsender: who a user is, and which group policy objects decide.
#[derive(Parser)]
#[command(
    name = "textsender-directory",
    version,
    about,
    arg_required_else_help = true
)]
struct Cli {
    /// The configuration
    #[arg(long, value_name = "FILE", global = true, default_value = DEFAULT_PATH)]
    config: PathBuf,
    /// Which directory, where there are several
    #[arg(long, value_name = "NAME", global = true)]
    directory: Option<String>,
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
            let _ = writeln!(io::stderr(), "error: {error}");
            return ExitCode::from(error.exit());
        }
    };
    match io::stdout().write_all(text.as_bytes()) {
        Ok(()) => ExitCode::from(code),
        Err(_) => ExitCode::FAILURE,
    }
}

/// Why a command ends.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("{0}")]
    Configuration(String),
    #[error("{code}: {0}", code = .0.code.as_str())]
    Directory(DirectoryError),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

impl Failure {
    fn exit(&self) -> u8 {
        match self {
            Self::Directory(error) => error.code.exit(),
            Self::Configuration(_) | Self::Json(_) => MISCONFIGURED,
        }
    }
}

/// Does what is asked; the text to print, and the exit code.
async fn perform(cli: &Cli) -> Result<(String, u8), Failure> {
    let wrong = |error: &dyn std::fmt::Display| Failure::Configuration(error.to_string());
    let config = Config::read(&cli.config).map_err(|error| wrong(&error))?;
    let found = config.directory(cli.directory.as_deref());
    let (name, section) = found.map_err(|error| wrong(&error))?;
    let settings = section.settings().map_err(|error| wrong(&error))?;
    let mut desk = Desk::open(settings).map_err(Failure::Directory)?;
    let answer = desk
        .answer(order(&cli.command, &config, section, name))
        .await;
    if let Answer::Error(error) = answer {
        return Err(Failure::Directory(error));
    }
    let code = exit(&answer);
    if cli.json {
        return Ok((serde_json::to_string(&shown(&answer)?)? + "\n", code));
    }
    let text = match &answer {
        Answer::Sync(synced) => sync_text(synced, &config),
        Answer::Decided(decided) => user_text(decided, &config),
        Answer::Gpos(_) | Answer::Error(_) => String::new(),
    };
    Ok((text, code))
}

fn order(command: &Command, config: &Config, section: &Section, name: &str) -> Order {
    let (bound, snapshot) = (config.bound(), section.snapshot(name));
    match command {
        Command::Sync { accept } => Order::Sync {
            bound,
            snapshot,
            accept: *accept,
        },
        Command::User { name } => Order::Decide {
            user: AskedUser::Named { name: name.clone() },
            bound,
            snapshot,
            stale_after_s: section.stale_after.0.as_secs(),
        },
        Command::Check | Command::Orders => Order::Check { bound },
    }
}

fn exit(answer: &Answer) -> u8 {
    let is_fault = match answer {
        Answer::Sync(synced) => synced.findings.iter().any(|finding| finding.is_fault),
        Answer::Decided(decided) => winner(&decided.considered).is_err(),
        Answer::Gpos(_) | Answer::Error(_) => false,
    };
    if is_fault { MISCONFIGURED } else { 0 }
}

/// The answer without the number.
fn shown(answer: &Answer) -> Result<serde_json::Value, serde_json::Error> {
    let mut value = serde_json::to_value(answer)?;
    if let Some(phone) = value.pointer_mut("/decided/user/phone") {
        *phone = masked(phone.as_str().unwrap_or_default()).into();
    }
    Ok(value)
}

fn sync_text(synced: &Synced, config: &Config) -> String {
    let mut text = format!(
        "server      {}\ndomain      {}\ntaken       {:.0}\ncontainers  {}, with {} links to bound objects\n",
        synced.server, synced.base, synced.taken, synced.containers, synced.links
    );
    for gpo in &synced.gpos {
        let state = match gpo.state {
            GpoState::Readable if !gpo.user_half => "readable; its half for users is off",
            GpoState::Readable => "readable",
            GpoState::Gone => "gone",
            GpoState::Unreadable => "unreadable",
        };
        let name = gpo.name.as_deref().unwrap_or("(no name)");
        let policy = config.policy_of(&gpo.id);
        // Writing to a String never fails.
        let _ = writeln!(text, "policy      {policy}: {name} {}: {state}", gpo.id);
    }
    for finding in &synced.findings {
        let kind = if finding.is_fault { "fault" } else { "warning" };
        let _ = writeln!(text, "{kind:<11} {}: {}", finding.of, finding.what);
    }
    text
}

fn user_text(decided: &Decided, config: &Config) -> String {
    let mut text = String::new();
    let mut line = |key: &str, value: String| {
        // Writing to a String never fails.
        let _ = writeln!(text, "{key:<11} {value}");
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
            1 => String::new(),
            count => format!("; the first of {count}"),
        };
        line(
            "number",
            format!(
                "{} (from {}{several})",
                masked(&user.phone),
                user.phone_from
            ),
        );
        line(
            "locale",
            user.locale.clone().unwrap_or_else(|| "none".to_owned()),
        );
    }
    if let Some(taken) = decided.taken {
        line("links", format!("as of {taken:.0}"));
    }
    for one in &decided.considered {
        let policy = config.policy_of(&one.gpo);
        line(
            "considered",
            format!("{policy} ({}): {}", place(one), effect(one.result)),
        );
    }
    match winner(&decided.considered) {
        Ok(Some(one)) => line("policy", config.policy_of(&one.gpo).to_owned()),
        Ok(None) => line("policy", "none by group policy".to_owned()),
        Err(one) => line(
            "policy",
            format!(
                "can't be decided: {}: {}",
                config.policy_of(&one.gpo),
                effect(one.result)
            ),
        ),
    }
    text
}

fn place(one: &Considered) -> String {
    let enforced = if one.enforced { ", enforced" } else { "" };
    format!("at {}, order {}{enforced}", one.container, one.order)
}

fn effect(effect: Effect) -> &'static str {
    match effect {
        Effect::Applies => "applies",
        Effect::LinkDisabled => "the link is disabled",
        Effect::Blocked => "a container below blocks inheritance",
        Effect::Gone => "the object is gone",
        Effect::UserHalfOff => "its half for users is off",
        Effect::OtherVersion => "its functionality version is not 2",
        Effect::Filtered => "the security filter does not let the user through",
        Effect::Unreadable => "it can't be read",
        Effect::WmiFilter => "it has a WMI filter",
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
    let opened = serde_json::from_str(&settings).map_err(|error| not_an_order(&error));
    let mut desk = match opened.and_then(Desk::open) {
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
    use super::*;

    #[test]
    fn a_number_is_masked() {
        assert_eq!(masked("+447700900123"), "+44*******123");
        assert_eq!(masked("12345678"), "********");
    }
}
