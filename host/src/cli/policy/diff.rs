//! `textsender policy diff`: whose sender, text or segments an edit would change.

use std::{
    fmt::Write,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::ExitCode,
};

use serde::Serialize;

use crate::{
    cli::{
        draft::Occasion,
        output::{self, Paint, count},
    },
    decision::Snapshot,
    explain::{
        Completion,
        diff::{self, Change, Side},
    },
    protocol::{Draft, ErrorCode, Failure},
    trust,
};

/// Shows for whom an edit of the configuration would change sender, text or segments
///
/// Each line of FILE is a user as the field "user" of a request has it. Nothing is sent or written.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  \
    textsender policy diff /etc/textsender new --users users.jsonl\n\n\
    where a line of users.jsonl is\n  \
    {\"dn\":\"CN=Ada,OU=Staff,DC=example,DC=org\",\"groups\":[\"S-1-5-21-1-2-3-513\"]}")]
pub(super) struct Diff {
    /// The configuration as it is: textsender.toml, or its folder
    old: PathBuf,
    /// The configuration as it would be
    new: PathBuf,
    /// The users, as JSON lines
    #[arg(long, value_name = "FILE")]
    users: PathBuf,
    #[command(flatten)]
    occasion: Occasion,
    /// Writes JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Report {
    /// How many users were looked at.
    users: usize,
    /// Those for whom something changes.
    changed: Vec<Change>,
}

impl Diff {
    pub(super) fn run(&self) -> ExitCode {
        let report = match self.report() {
            Ok(report) => report,
            Err(failure) => {
                return output::print_error(&failure.to_string(), failure.outcome().exit());
            }
        };
        match self.json {
            true => output::json(&report),
            false => {
                let colour = output::colour();
                output::print(&shown(&report, &Paint { colour }));
            }
        }
        ExitCode::SUCCESS
    }

    fn report(&self) -> Result<Report, Failure> {
        let (old, new) = (snapshot(&self.old)?, snapshot(&self.new)?);
        let directories = [&old, &new].map(|one| Completion::by(one.config()));
        let [of_old, of_new] = directories;
        let (of_old, of_new) = (of_old?, of_new?);
        let name = self.users.display();
        let unread = |what: String| {
            Failure::with_detail(ErrorCode::BadField, format!("the users in {name}: {what}"))
        };
        let file = trust::open_named(&self.users).map_err(|error| unread(error.to_string()))?;
        let mut report = Report {
            users: 0,
            changed: Vec::new(),
        };
        for (place, line) in BufReader::new(file).lines().enumerate() {
            let number = place + 1;
            let line = line.map_err(|error| unread(format!("line {number}: {error}")))?;
            if line.trim().is_empty() {
                continue;
            }
            let (purpose, event) = (self.occasion.purpose(), self.occasion.event());
            let draft = Draft::of_user(line.as_bytes(), purpose, event)
                .map_err(|failure| unread(format!("line {number}: {failure}")))?;
            report.users += 1;
            let (before, after) = (
                of_old.of(draft.clone(), false),
                of_new.of(draft.clone(), false),
            );
            let sides = [(&old, before), (&new, after)];
            report.changed.extend(diff::change(number, sides, &draft));
        }
        Ok(report)
    }
}

/// Reads one side. Nothing is sent by it, so it may lie where others can write, as a draft does.
fn snapshot(path: &Path) -> Result<Snapshot, Failure> {
    let file = match path.is_dir() {
        true => path.join("textsender.toml"),
        false => path.to_owned(),
    };
    Snapshot::of_draft(&file)
}

/// For each user what changes, old and new on a line each, and the sum.
fn shown(report: &Report, paint: &Paint) -> String {
    let mut shown = String::new();
    for change in &report.changed {
        // Writing to a String never fails.
        let _ = writeln!(shown, "{}", change.user);
        for (what, before, after) in differences(&change.before, &change.after) {
            let _ = writeln!(shown, "  {what}");
            let _ = writeln!(shown, "  {}", paint.bad(&format!("- {before}")));
            let _ = writeln!(shown, "  {}", paint.good(&format!("+ {after}")));
        }
    }
    let users = count(report.users, "user", "users");
    let _ = writeln!(
        shown,
        "{} of {users} would see a change",
        report.changed.len()
    );
    shown
}

fn differences(before: &Side, after: &Side) -> Vec<(&'static str, String, String)> {
    let one_line = |text: &Option<String>| {
        let text = text.as_deref().unwrap_or("none");
        text.replace('\n', " / ")
    };
    let senders = |side: &Side| match side.senders.as_slice() {
        [] => "none".to_owned(),
        senders => senders.join(", then "),
    };
    let segments = |side: &Side| side.segments.map_or("none".to_owned(), |n| n.to_string());
    let refused = |side: &Side| match &side.refused {
        Some(refused) => refused.message.clone(),
        None => "it is sent".to_owned(),
    };
    let all = [
        ("policy", one_line(&before.policy), one_line(&after.policy)),
        ("sender", senders(before), senders(after)),
        ("text", one_line(&before.text), one_line(&after.text)),
        ("segments", segments(before), segments(after)),
        ("refused", refused(before), refused(after)),
    ];
    all.into_iter()
        .filter(|(_, before, after)| before != after)
        .collect()
}
