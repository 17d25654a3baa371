//! `textsender numbers check`: what a file of users, or a directory, holds for telephone numbers, before it matters.

use std::{
    collections::{BTreeMap, HashMap},
    io::{self, BufRead, BufReader},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use serde::Serialize;
use textsender_plugin_api::Purpose;

use super::{
    Common,
    output::{self, Cell, Output, Style, count},
};
use crate::{
    config::WithoutPlus,
    decision::{Decision, Snapshot, query},
    explain::Completion,
    protocol::{Draft, ErrorCode},
    recipient::{Kind, Recipient, Region},
    trust,
};

/// Counts how many users can be texted, before one of them waits for a code
#[derive(Args)]
#[command(after_help = "Example:\n  textsender numbers check --users users.jsonl")]
pub(super) struct Numbers {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Check(Check),
}

/// Counts whose number can be texted, by policy, and names the setting that would help most
///
/// Each line is a user as the field "user" of a request has it, such as {"dn":"...","phone":"..."}. Nothing is
/// sent or written, and no number is shown.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    textsender numbers check --users users.jsonl\n  \
    textsender numbers check --directory example")]
struct Check {
    /// The users, as JSON lines; standard input without it
    #[arg(long, value_name = "FILE")]
    users: Option<PathBuf>,
    /// All users of [directories.NAME] instead, but those whose accounts are disabled or have expired
    #[arg(long, value_name = "NAME", conflicts_with = "users")]
    directory: Option<String>,
    /// Writes JSON
    #[arg(long)]
    json: bool,
    /// Writes CSV (RFC 4180), a line for each policy
    #[arg(long, conflicts_with = "json")]
    csv: bool,
}

impl Numbers {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let Command::Check(check) = &self.command;
        check.run(common, out)
    }
}

/// Those for whom no policy decides.
const NO_POLICY: &str = "(no policy)";

/// What was counted of the users of one policy. Each user is in one of the first seven.
#[derive(Debug, Default, Serialize)]
struct Counts {
    users: usize,
    textable: usize,
    none: usize,
    ambiguous: usize,
    landline: usize,
    other_country: usize,
    other_kind: usize,
    unreadable: usize,
    /// Those of the textable whose number another user has as well.
    shared: usize,
    /// The setting that would make most of the others textable.
    #[serde(skip_serializing_if = "Option::is_none")]
    advice: Option<Advice>,
}

/// One setting, and how many users it would help.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Advice {
    key: &'static str,
    value: String,
    users: usize,
}

/// The users of one policy, while they are counted.
#[derive(Default)]
struct Tally {
    counts: Counts,
    /// Users by number, in E.164.
    numbers: HashMap<String, usize>,
    /// Users of countries that are not texted.
    countries: BTreeMap<&'static str, usize>,
    /// Digits without plus that are likely to begin with a calling code, and those that are not.
    international: usize,
    national: usize,
}

#[derive(Serialize)]
struct Report<'r> {
    policies: &'r BTreeMap<String, Counts>,
}

impl Check {
    fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let (snapshot, _) = Snapshot::read(&common.config_file().path);
        let snapshot = snapshot.map_err(|failure| anyhow::anyhow!("{failure}"))?;
        let directories = Completion::by(snapshot.config())?;
        let users: Box<dyn Iterator<Item = io::Result<String>>> =
            match (&self.directory, &self.users) {
                (Some(directory), _) => {
                    let sids = directories.accounts(directory)?.into_iter();
                    Box::new(sids.map(|sid| Ok(format!("{{\"sid\":\"{sid}\"}}"))))
                }
                (None, Some(file)) => {
                    let opened = trust::open_named(file);
                    let opened = opened.with_context(|| file.display().to_string())?;
                    Box::new(BufReader::new(opened).lines())
                }
                (None, None) => Box::new(io::stdin().lock().lines()),
            };
        let counted = counted(&snapshot, &directories, users, self.directory.is_some())?;
        match (self.json, self.csv) {
            (true, _) => output::json(&Report { policies: &counted }),
            (_, true) => output::print(&csv(&counted)),
            _ => show(&counted, out),
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// `is_whole_directory`: they are all of a directory's, also those who are sent nothing.
fn counted(
    snapshot: &Snapshot,
    directories: &Completion,
    users: impl Iterator<Item = io::Result<String>>,
    is_whole_directory: bool,
) -> anyhow::Result<BTreeMap<String, Counts>> {
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for (place, line) in users.enumerate() {
        let line = line.with_context(|| format!("line {}", place + 1))?;
        if line.trim().is_empty() {
            continue;
        }
        // A test goes where the user's codes would go, whatever the event.
        let draft = match Draft::of_user(line.as_bytes(), Purpose::Test, None) {
            Ok(draft) => draft,
            Err(failure) => bail!("line {}: {failure}", place + 1),
        };
        // For a user who is described whole, links come from the snapshot, and the directory is not asked.
        let draft = match directories.of(draft, false) {
            Ok(draft) => draft,
            Err(failure) if !is_whole_directory => {
                return Err(failure).with_context(|| format!("line {}", place + 1));
            }
            Err(failure) => match failure.code {
                // Disabled, or deleted meanwhile.
                ErrorCode::AccountDisabled | ErrorCode::UserUnknown => continue,
                // What decides for this one can't be read.
                ErrorCode::DirectoryUnreadable => {
                    let tally = tallies.entry(NO_POLICY.to_owned()).or_default();
                    tally.counts.users += 1;
                    tally.counts.unreadable += 1;
                    continue;
                }
                _ => return Err(failure.into()),
            },
        };
        let resolution = snapshot.policies().resolve(&query(&draft.request));
        let name = match &resolution {
            Ok(resolution) => resolution.policy.unwrap_or(NO_POLICY),
            Err(_) => NO_POLICY,
        };
        let tally = tallies.entry(name.to_owned()).or_default();
        tally.counts.users += 1;
        match resolution {
            _ if !draft.has_phone => tally.counts.none += 1,
            Err(_) => tally.counts.unreadable += 1,
            Ok(resolution) => {
                let home = snapshot.prepared(&resolution).home.clone().ok().flatten();
                let decision = Decision::of(snapshot, &draft.request, resolution);
                tally.add(&draft.request.user.phone, home, &decision);
            }
        }
    }
    let done = tallies
        .into_iter()
        .map(|(name, tally)| (name, tally.done()));
    Ok(done.collect())
}

impl Tally {
    fn add(&mut self, written: &str, home: Option<Region>, decision: &Decision) {
        let counts = &mut self.counts;
        let recipient = match &decision.recipient {
            Ok(recipient) => recipient,
            Err(failure) if failure.code == ErrorCode::NumberAmbiguous => {
                counts.ambiguous += 1;
                match is_mobile_with_calling_code(written, home) {
                    Some(true) => self.international += 1,
                    Some(false) => self.national += 1,
                    None => {}
                }
                return;
            }
            Err(_) => {
                counts.unreadable += 1;
                return;
            }
        };
        if !recipient.had_calling_code {
            match is_international(written, recipient) {
                true => self.international += 1,
                false => self.national += 1,
            }
        }
        match decision.not_allowed.as_ref().map(|failure| failure.code) {
            None => {
                counts.textable += 1;
                let number = recipient.phone.e164().to_owned();
                *self.numbers.entry(number).or_default() += 1;
            }
            Some(ErrorCode::NotMobile) => counts.landline += 1,
            Some(ErrorCode::RegionNotAllowed) => {
                counts.other_country += 1;
                *self.countries.entry(recipient.region.as_str()).or_default() += 1;
            }
            Some(_) => counts.other_kind += 1,
        }
    }

    fn done(mut self) -> Counts {
        let several = self.numbers.values().filter(|users| **users > 1);
        self.counts.shared = several.sum();
        self.counts.advice = self.advice();
        self.counts
    }

    /// How ambiguous digits are meant is seen by which reading is a mobile number, and by those of the same
    /// directory that are not ambiguous.
    fn advice(&self) -> Option<Advice> {
        let meant = match self.international > self.national {
            true => "international",
            false => "national",
        };
        let country = self.countries.iter().max_by_key(|(_, users)| **users);
        let digits = Advice {
            key: WithoutPlus::KEY,
            value: meant.to_owned(),
            users: self.counts.ambiguous,
        };
        let landlines = Advice {
            key: "kinds",
            value: "fixed_line".to_owned(),
            users: self.counts.landline,
        };
        let countries = country.map(|(region, users)| Advice {
            key: "regions",
            value: (*region).to_owned(),
            users: *users,
        });
        [Some(digits), countries, Some(landlines)]
            .into_iter()
            .flatten()
            .filter(|advice| advice.users > 0)
            .rev()
            .max_by_key(|advice| advice.users)
    }
}

/// Of ambiguous digits, whether they are a mobile number with their first digits as the calling code, and a
/// landline without; or the other way round. `None`: neither.
fn is_mobile_with_calling_code(written: &str, home: Option<Region>) -> Option<bool> {
    let is_mobile = |without_plus| {
        let recipient = Recipient::read(written, home, without_plus);
        recipient
            .is_ok_and(|recipient| matches!(recipient.kind, Kind::Mobile | Kind::FixedOrMobile))
    };
    let international = is_mobile(WithoutPlus::International);
    (international != is_mobile(WithoutPlus::National)).then_some(international)
}

/// Whether digits written without plus are the number with its calling code.
fn is_international(written: &str, recipient: &Recipient) -> bool {
    let digits: String = written.chars().filter(char::is_ascii_digit).collect();
    digits.trim_start_matches('0') == recipient.phone.digits()
}

const HEADINGS: [&str; 10] = [
    "policy",
    "users",
    "textable",
    "none",
    "ambiguous",
    "landline",
    "other country",
    "other kind",
    "unreadable",
    "shared",
];

impl Counts {
    fn columns(&self) -> [usize; 9] {
        [
            self.users,
            self.textable,
            self.none,
            self.ambiguous,
            self.landline,
            self.other_country,
            self.other_kind,
            self.unreadable,
            self.shared,
        ]
    }
}

fn show(counted: &BTreeMap<String, Counts>, out: &Output) {
    let rows: Vec<Vec<Cell>> = counted
        .iter()
        .map(|(policy, counts)| {
            let numbers = counts.columns().map(|number| number.to_string());
            let cells = std::iter::once(policy.clone()).chain(numbers);
            cells.map(|text| Cell::new(Style::Plain, text)).collect()
        })
        .collect();
    out.table(&HEADINGS, &rows);
    for (policy, counts) in counted {
        if let Some(Advice { key, value, users }) = &counts.advice {
            let users = count(*users, "user more", "users more");
            out.line(format_args!(
                "{policy}: {key} = \"{value}\" would make {users} textable, if that is how these numbers are meant"
            ));
        }
    }
}

fn csv(counted: &BTreeMap<String, Counts>) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('"', "\"\""));
    let mut lines = format!("{},advice\n", HEADINGS.join(",").replace(' ', "_"));
    for (policy, counts) in counted {
        let numbers = counts.columns().map(|number| number.to_string());
        let advice = counts.advice.as_ref().map(|advice| {
            let Advice { key, value, .. } = advice;
            quoted(&format!("{key} = \"{value}\""))
        });
        lines += &format!(
            "{},{},{}\n",
            quoted(policy),
            numbers.join(","),
            advice.unwrap_or_default()
        );
    }
    lines
}
