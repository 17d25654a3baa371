//! `textsender log`: the audit, a line for each decision.

mod records;

use std::{
    io::{self, Write},
    ops::ControlFlow,
    path::PathBuf,
    process::ExitCode,
    thread,
    time::Duration,
};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use jiff::Timestamp;
use textsender_plugin_api::Phone;

use records::Records;

use super::{
    Common, history,
    output::{self, Paint},
    phone,
};
use crate::{
    config::WithoutPlus,
    edit::{
        EditError,
        journal::{self, Change},
        names::folder_of,
    },
    ledger::{Cursor, Entry, EntryState, Filter, History, LedgerError, explain_history},
    protocol::Outcome,
    recipient::Recipient,
    redact::{escaped, on_one_line, without_tricks},
    site::csv,
};

/// Decisions that are shown where nothing says since when.
const LATEST: u32 = 50;

/// How often `--follow` looks for news.
const LOOK: Duration = Duration::from_millis(250);

/// Shows what was decided, a line for each request: when, how it ended, for whom, by whom
///
/// The latest 50, or all since a time. Numbers are masked; neither codes nor passwords are kept.
/// Exits 1 if the ledger can't be read, or has no message of the id.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    textsender log --since 1h --outcome unavailable\n  \
    textsender log --since 1d --phone - < number\n  \
    textsender log --user ada\n  \
    textsender log --follow --json | jq .code")]
pub(super) struct Log {
    /// Since so long ago (10m, 12h, 7d), a day (2026-11-24, UTC), or a time (RFC 3339)
    #[arg(long, value_name = "WHEN", value_parser = history::since)]
    since: Option<Timestamp>,
    /// At most so many, the latest
    #[arg(long, value_name = "COUNT")]
    last: Option<u32>,
    /// With this outcome only
    #[arg(long, value_name = "OUTCOME", value_parser = outcomes())]
    outcome: Option<Outcome>,
    /// To this number only, in international form. `-` reads it from standard input: others on this
    /// machine can see the arguments of a command
    #[arg(
        long,
        alias = "recipient",
        value_name = "NUMBER",
        allow_hyphen_values = true
    )]
    phone: Option<String>,
    /// For the user of this name only, as requests have it
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// By this sender only
    #[arg(long, value_name = "NAME")]
    sender: Option<String>,
    /// Decided by this policy only
    #[arg(long, value_name = "NAME")]
    policy: Option<String>,
    /// Requested by this actor only, such as helpdesk\bob
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// The message with this id only, or those whose ids begin so
    #[arg(long, value_name = "ID", conflicts_with_all = ["since", "last", "outcome", "phone", "user", "sender", "policy", "actor", "follow"])]
    id: Option<String>,
    /// Shows who changed what in the configuration and the stored secrets, instead of decisions
    #[arg(long, conflicts_with_all = ["last", "outcome", "phone", "user", "sender", "policy", "actor", "id", "follow", "csv"])]
    changes: bool,
    /// Goes on with each decision as it is made, until interrupted
    #[arg(long)]
    follow: bool,
    /// Writes a JSON object for each decision, on a line of its own
    #[arg(long)]
    json: bool,
    /// Writes CSV (RFC 4180), with a line of headings
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

/// Why the log can't be shown.
#[derive(Debug, thiserror::Error)]
pub(super) enum Error {
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    #[error(
        "there is no message with the id {0} in the ledger: it was never requested here, or is older than [state] retention_days"
    )]
    NoSuchId(String),
    #[error(transparent)]
    Changes(#[from] EditError),
    #[error("--phone: {0}")]
    Number(String),
    /// The reader has gone, having seen enough.
    #[error("standard output is closed")]
    Closed,
}

/// Tells in words what became of the message with this id; as JSON, its entries.
pub(super) fn explain(id: &str, json: bool, common: &Common) -> ExitCode {
    if let Err(error) = common.may_read_records() {
        return output::print_error(&format!("{error:#}"), 1);
    }
    let records = Records::open(common).map_err(Error::from);
    match records.and_then(|records| of_id(id, &records)) {
        Ok(entries) if json => {
            let shown = entries.iter().map(Entry::shown);
            output::json(&shown.collect::<Vec<_>>());
        }
        Ok(entries) => output::print_lines(&explain_history(&entries)),
        Err(error) => return output::print_error(&error.to_string(), 1),
    }
    ExitCode::SUCCESS
}

impl Log {
    pub(super) fn run(&self, common: &Common) -> ExitCode {
        if let Err(error) = common.may_read_records() {
            return output::print_error(&format!("{error:#}"), 1);
        }
        match self.show(common) {
            Ok(()) | Err(Error::Closed) => ExitCode::SUCCESS,
            Err(error) => output::print_error(&error.to_string(), 1),
        }
    }

    fn show(&self, common: &Common) -> Result<(), Error> {
        if self.csv {
            write_line(csv::HEADINGS)?;
        }
        if self.changes {
            return self.show_changes(common);
        }
        if let Some(id) = &self.id {
            let entries = of_id(id, &Records::open(common)?)?;
            return entries.iter().try_for_each(|entry| self.line(entry));
        }
        let filter = Filter {
            since: self.since,
            outcome: self.outcome,
            recipient: self.phone.as_deref().map(number).transpose()?,
            sender: self.sender.clone(),
            policy: self.policy.clone(),
            actor: self.actor.clone(),
            user: self.user.clone(),
            id_prefix: None,
        };
        match self.follow {
            true => self.show_news(common, &filter),
            false => self.show_past(&Records::open(common)?, &filter),
        }
    }

    /// The journal of the configuration's folder, and that of the state folder's secrets, as one.
    fn show_changes(&self, common: &Common) -> Result<(), Error> {
        let main = common.config_file().path;
        let config = common.believed().map_err(EditError::Unsafe)?;
        let state = history::state_folder(&config);
        let folders = [folder_of(&main), state.path];
        let changes = journal::read(folders.iter().map(PathBuf::as_path))?;
        let since = self.since.unwrap_or(Timestamp::MIN);
        let mut changes = changes.iter().filter(|change| change.at >= since);
        changes.try_for_each(|change| {
            write_line(&match self.json {
                // A change has nothing that JSON can't say.
                true => escaped(&serde_json::to_string(change).unwrap_or_default()),
                false => changed(change),
            })
        })
    }

    fn show_past(&self, records: &Records, filter: &Filter) -> Result<(), Error> {
        let count = self.count();
        if count.is_some() || records.is_merged() {
            let latest = records.latest(count.unwrap_or(usize::MAX), filter)?;
            return latest.iter().try_for_each(|entry| self.line(entry));
        }
        let mut shown = Ok(());
        records.history.each(filter, |entry| {
            shown = self.line(&entry);
            match shown {
                Ok(()) => ControlFlow::Continue(()),
                Err(_) => ControlFlow::Break(()),
            }
        })?;
        shown
    }

    /// The latest, then each as it ends. A ledger that was not there yet, or was set aside, is
    /// looked for again.
    fn show_news(&self, common: &Common, filter: &Filter) -> Result<(), Error> {
        let mut open: Option<(History, Cursor)> = None;
        let mut is_first = true;
        loop {
            open = match open {
                Some((history, cursor)) if history.is_in_place() => {
                    Some((history.renewed()?, cursor))
                }
                _ => match Records::open(common) {
                    Ok(records) => Some((records.history, Cursor::default())),
                    Err(LedgerError::Absent { .. }) => None,
                    Err(error) => return Err(error.into()),
                },
            };
            if let Some((history, cursor)) = &mut open {
                if is_first {
                    *cursor = history.end()?;
                    let count = self.count().unwrap_or(usize::MAX);
                    let latest = history.latest(count, filter)?;
                    let mut past = latest.iter().filter(|entry| cursor.has_passed(entry));
                    past.try_for_each(|entry| self.line(entry))?;
                }
                for entry in history.follow(cursor, filter)? {
                    self.line(&entry)?;
                }
            }
            is_first = false;
            thread::sleep(LOOK);
        }
    }

    /// How many of the latest are shown; `None` for all.
    fn count(&self) -> Option<usize> {
        let usual = self.since.is_none().then_some(LATEST);
        self.last.or(usual).map(|count| count as usize)
    }

    fn line(&self, entry: &Entry) -> Result<(), Error> {
        let line = match self.json {
            true => entry.to_json(),
            false if self.csv => csv::line(entry),
            false => shown(
                &entry.shown(),
                &Paint {
                    colour: output::colour(),
                },
            ),
        };
        write_line(&line)
    }
}

fn write_line(line: &str) -> Result<(), Error> {
    let mut stdout = io::stdout().lock();
    // Actors and names come from outside.
    let line = without_tricks(line, output::colour());
    let written = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
    written.map_err(|_| Error::Closed)
}

/// "2026-11-24 07:43:39Z  alice (as root)  add policy Staff"; on a terminal in lines that fit it.
fn changed(change: &Change) -> String {
    let by = match &change.ran_as {
        Some(account) => format!("{} (as {account})", change.by),
        None => change.by.clone(),
    };
    let forced = if change.forced { " (forced)" } else { "" };
    let at = change.at.strftime("%Y-%m-%d %H:%M:%SZ");
    // Such as why something was paused, in anyone's words.
    let what = on_one_line(&format!("{}{forced}", change.what));
    match output::is_terminal() {
        true => {
            let what: Vec<String> = output::indented(&what).collect();
            format!("{at}  {by}\n{}", what.join("\n"))
        }
        false => format!("{at}  {by:<20} {what}"),
    }
}

/// "2026-11-24 07:43:39Z  accepted  +44*******123  GB  verification_code  Staff  twilio  8ms  5f0c"; on a terminal in
/// two lines, which fit it.
fn shown(entry: &Entry, paint: &Paint) -> String {
    let word = match entry.state {
        EntryState::Sending => "sending".to_owned(),
        EntryState::Ended(outcome) => outcome.as_str().to_owned(),
    };
    // Padded before it is painted: colours have no width.
    let word = format!("{word:<13}");
    let word = match entry.state {
        EntryState::Sending => paint.faint(&word),
        EntryState::Ended(Outcome::Accepted) => paint.good(&word),
        EntryState::Ended(_) => paint.bad(&word),
    };
    let code = match (&entry.code, entry.replayed) {
        (_, true) => "replayed",
        (Some(code), false) => code,
        (None, false) => "-",
    };
    let or = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    let at = entry.at.strftime("%Y-%m-%d %H:%M:%SZ");
    let [recipient, region, purpose, policy, sender] = [
        or(&entry.recipient),
        or(&entry.region),
        or(&entry.purpose),
        or(&entry.policy),
        or(&entry.sender),
    ];
    let (ms, id) = (
        entry.ms.map_or("-".to_owned(), |ms| format!("{ms}ms")),
        &entry.id,
    );
    // Of a ledger that several machines share.
    let machine = entry.node.as_ref().map(|node| format!("  {node}"));
    let machine = machine.unwrap_or_default();
    if !output::is_terminal() {
        return format!(
            "{at}  {word} {code:<20} {recipient:<16} {region:<2} {purpose:<17} {policy:<16} {sender:<16} {ms:>6}  {id}{machine}"
        );
    }
    let more = format!("{code}  {policy}  {sender}  {id}{machine}");
    let more = output::indented(&more).map(|line| paint.faint(&line));
    let more: Vec<String> = more.collect();
    format!(
        "{at}  {word} {recipient:<16} {region:<2} {purpose:<17} {ms:>6}\n{}",
        more.join("\n")
    )
}

fn of_id(id: &str, records: &Records) -> Result<Vec<Entry>, Error> {
    let mut entries = records.of_id(id)?;
    if entries.is_empty() {
        let beginning = Filter {
            id_prefix: Some(id.to_owned()),
            ..Filter::default()
        };
        entries = records.latest(usize::MAX, &beginning)?;
    }
    match entries.is_empty() {
        true => Err(Error::NoSuchId(id.to_owned())),
        false => Ok(entries),
    }
}

fn outcomes() -> impl TypedValueParser<Value = Outcome> {
    PossibleValuesParser::new(Outcome::ALL.map(Outcome::as_str)).map(|word| {
        let named = Outcome::ALL
            .into_iter()
            .find(|known| known.as_str() == word);
        // The parser lets only words of the table through.
        named.unwrap_or(Outcome::Unknown)
    })
}

/// The number that is looked for.
pub(super) fn number(argument: &str) -> Result<Phone, Error> {
    let written = phone::read(argument).map_err(|error| Error::Number(error.to_string()))?;
    let recipient = Recipient::read(&written, None, WithoutPlus::Ask);
    let recipient = recipient.map_err(|error| Error::Number(error.to_string()))?;
    Ok(recipient.phone)
}
