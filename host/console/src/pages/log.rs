//! The log: what was decided, one message's story, and both as files. A number to look for is sent in a form, as
//! addresses are kept by browsers; it stands in no page.

use std::ops::ControlFlow;

use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};
use textsender::{
    ledger::{Entry, EntryState, Filter, History, LedgerError, Options, explain_history},
    protocol::Outcome,
    site::csv,
};
use textsender_plugin_api::Phone;

use super::{
    Made,
    layout::{self, urlencoded},
    visit::Visit,
};
use crate::{call::Answer, command::Command};

/// How many decisions a page has. A file has all.
const SHOWN: usize = 200;

/// How far back it looks: as commands write it, in words, and in hours.
const SINCE: [(&str, &str, i64); 4] = [
    ("1h", "The last hour", 1),
    ("24h", "The last 24 hours", 24),
    ("7d", "The last 7 days", 7 * 24),
    ("30d", "The last 30 days", 30 * 24),
];

/// If nothing says how far back.
const USUAL: &str = "24h";

/// Fields that ask for less than everything: each is an option of the command, too.
const FIELDS: [&str; 4] = ["outcome", "sender", "policy", "user"];

pub fn show(visit: &Visit) -> Made {
    let mut filter = filter(visit);
    let number = visit.call.given("phone");
    match number.map(Phone::parse).transpose() {
        Ok(number) => filter.recipient = number,
        Err(error) => {
            let content = html! {
                (layout::problem(&format!("This is not a number that can be looked for: {error}")))
                (number_form(visit))
            };
            return Ok(layout::page(visit, 409, "Log", &content));
        }
    }
    let entries = match history(visit)? {
        Some(history) => history.latest(SHOWN, &filter)?,
        None => Vec::new(),
    };
    let rows: Vec<Vec<Markup>> = entries.iter().rev().map(row).collect();
    let headings = [
        "When", "Outcome", "Why", "To", "Region", "Policy", "Sender", "Took", "Message",
    ];
    let content = html! {
        (form(visit)?)
        (number_form(visit))
        @if let Some(number) = &filter.recipient { p { "Texts to " strong { (number) } "." } }
        @if rows.is_empty() { p { "Nothing of this is recorded." } }
        @else { (layout::table("Decisions, the latest first", &headings, &rows)) }
        @if rows.len() == SHOWN { p { "These are the latest " (SHOWN) "; a file has all." } }
        @if number.is_none() { p {
            a.button href={ "/log/export?format=csv&" (query(visit)) } { "Save as CSV" } " "
            a.button href={ "/log/export?format=json&" (query(visit)) } { "Save as JSON lines" }
        } }
        (layout::command_box("The command that shows the same", &command(visit).line(&visit.call)))
    };
    Ok(layout::page(visit, 200, "Log", &content))
}

/// What became of one message, in words.
pub fn story(visit: &Visit) -> Made {
    let id = visit.call.asked("id").unwrap_or_default();
    let entries = match history(visit)? {
        Some(history) => history.of_id(id)?,
        None => Vec::new(),
    };
    if entries.is_empty() {
        let words = html! { p { "There is no message with this id in the ledger: it was never requested here, or is older than " code { "[state] retention_days" } "." } };
        return Ok(layout::page(visit, 404, "No such message", &words));
    }
    let command = Command::new(["explain", "--id", id]).line(&visit.call);
    let content = html! {
        pre.story tabindex="0" role="region" aria-label="What became of it" { (explain_history(&entries)) }
        p { a href="/log" { "To the log" } }
        (layout::command_box("The command that shows the same", &command))
    };
    Ok(layout::page(visit, 200, "One message", &content))
}

/// All that is asked for, oldest first, as the command writes it.
pub fn export(visit: &Visit) -> Made {
    let is_csv = visit.call.asked("format") != Some("json");
    let mut body = String::new();
    if is_csv {
        body.push_str(csv::HEADINGS);
        body.push('\n');
    }
    if let Some(history) = history(visit)? {
        history.each(&filter(visit), |entry| {
            match is_csv {
                true => body.push_str(&csv::line(&entry)),
                false => body.push_str(&entry.to_json()),
            }
            body.push('\n');
            ControlFlow::Continue(())
        })?;
    }
    let (name, media_type) = match is_csv {
        true => ("textsender-log.csv", "text/csv; charset=utf-8"),
        false => ("textsender-log.jsonl", "application/jsonl"),
    };
    Ok(Answer::File {
        name: name.to_owned(),
        media_type: media_type.to_owned(),
        body,
    })
}

/// The ledger; `None` before the first message.
pub fn history(visit: &Visit) -> anyhow::Result<Option<History>> {
    let site = visit.site()?;
    match History::open(&site.state, &Options::of(&site.config.state)) {
        Ok(history) => Ok(Some(history)),
        Err(LedgerError::Absent { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

fn since(visit: &Visit) -> (&'static str, i64) {
    let call = &visit.call;
    let asked = call.field("since").or(call.asked("since")).unwrap_or(USUAL);
    let known = SINCE.iter().find(|(word, ..)| *word == asked);
    known.map_or((USUAL, 24), |(word, _, hours)| (word, *hours))
}

fn filter(visit: &Visit) -> Filter {
    let asked = |name| visit.call.asked(name).map(str::to_owned);
    let outcome = visit.call.asked("outcome");
    let (_, hours) = since(visit);
    Filter {
        since: Some(Timestamp::now() - SignedDuration::from_hours(hours)),
        outcome: outcome.and_then(|word| Outcome::ALL.into_iter().find(|o| o.as_str() == word)),
        sender: asked("sender"),
        policy: asked("policy"),
        user: asked("user"),
        ..Filter::default()
    }
}

fn command(visit: &Visit) -> Command {
    let mut command = Command::new(["log"]).option("--since", since(visit).0);
    if visit.call.given("phone").is_some() {
        command = command.option("--phone", "-");
    }
    asked(visit).fold(command, |command, (name, value)| {
        command.option(&format!("--{name}"), value)
    })
}

fn asked(visit: &Visit) -> impl Iterator<Item = (&'static str, &str)> {
    FIELDS
        .into_iter()
        .filter_map(|name| Some((name, visit.call.asked(name)?)))
}

/// The same, for another address.
fn query(visit: &Visit) -> String {
    let mut query = format!("since={}", since(visit).0);
    for (name, value) in asked(visit) {
        query.push_str(&format!("&{name}={}", urlencoded(value)));
    }
    query
}

fn form(visit: &Visit) -> anyhow::Result<Markup> {
    let config = &visit.site()?.config;
    let outcomes: Vec<&str> = Outcome::ALL.map(Outcome::as_str).to_vec();
    let senders: Vec<&str> = config.senders.keys().map(String::as_str).collect();
    let policies = config.policies.iter().map(|policy| policy.name.as_str());
    let policies: Vec<&str> = policies.collect();
    let choice = |name: &str, label: &str, all: &[&str]| {
        let chosen = visit.call.asked(name);
        html! {
            p {
                label for=(name) { (label) }
                select id=(name) name=(name) {
                    option value="" { "All" }
                    @for word in all { option value=(word) selected[chosen == Some(word)] { (word) } }
                }
            }
        }
    };
    Ok(html! {
        form.row method="get" action="/log" {
            p {
                label for="since" { "Since" }
                select id="since" name="since" {
                    @for (word, label, _) in SINCE { option value=(word) selected[since(visit).0 == word] { (label) } }
                }
            }
            (choice("outcome", "Outcome", &outcomes))
            (choice("sender", "Sender", &senders))
            (choice("policy", "Policy", &policies))
            p {
                label for="user" { "User" }
                input id="user" name="user" autocomplete="off" value=(visit.call.asked("user").unwrap_or_default());
            }
            button id="ok" { "Show" }
        }
    })
}

/// What finds the texts to one number.
fn number_form(visit: &Visit) -> Markup {
    html! {
        form.row method="post" action="/log" autocomplete="off" {
            (layout::hidden(visit))
            p {
                label for="phone" { "Number" }
                input id="phone" name="phone" type="tel" required aria-describedby="phone-help";
                span.help id="phone-help" { "With + and country code. It is looked for by its keyed hash, and not kept." }
            }
            p {
                label for="phone-since" { "Since" }
                select id="phone-since" name="since" {
                    @for (word, label, _) in SINCE { option value=(word) selected[since(visit).0 == word] { (label) } }
                }
            }
            button id="find" { "Find" }
        }
    }
}

/// The outcome of a decision in a word.
pub fn word(entry: &Entry) -> &'static str {
    match entry.state {
        EntryState::Sending => "sending",
        EntryState::Ended(outcome) => outcome.as_str(),
    }
}

fn row(entry: &Entry) -> Vec<Markup> {
    let or = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    let code = match entry.replayed {
        true => "replayed".to_owned(),
        false => or(&entry.code),
    };
    vec![
        html! { (entry.at.strftime("%Y-%m-%d %H:%M:%SZ")) },
        html! { (word(entry)) },
        html! { (code) },
        html! { (or(&entry.recipient)) },
        html! { (or(&entry.region)) },
        html! { (or(&entry.policy)) },
        html! { (or(&entry.sender)) },
        html! { (entry.ms.map_or("-".to_owned(), |ms| format!("{ms} ms"))) },
        html! {
            // A number in an id stands in no page, nor in its links.
            @let shown = entry.shown().id;
            @if shown == entry.id { a href={ "/log/message?id=" (urlencoded(&shown)) } { (shown) } }
            @else { (shown) }
        },
    ]
}
