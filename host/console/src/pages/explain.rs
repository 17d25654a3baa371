//! Who wins for a user, and why: what `explain` tells, of a request that is filled in. Nothing is sent, and the number
//! is not kept.

use jiff::Timestamp;
use maud::{Markup, html};
use serde_json::{Map, Value, json};
use textsender::{
    decision::Snapshot,
    explain::{self, Completion, Evaluation, Explained, Output},
    policy::LinkResult,
    site::block_on,
};

use super::{Made, layout, log, visit::Visit};
use crate::command::Command;

pub fn show(visit: &Visit) -> Made {
    page(visit, &html! {})
}

/// Explains what was filled in.
pub fn explain(visit: &Visit) -> Made {
    // As the account that sends.
    visit.site()?;
    let result = match explained(visit) {
        Ok(result) => result,
        Err(error) => layout::problem(&format!("{error:#}")),
    };
    page(visit, &result)
}

fn page(visit: &Visit, result: &Markup) -> Made {
    // A page of ours may lead here for a place in the directory.
    let typed = |name: &str| {
        let call = &visit.call;
        call.field(name)
            .or(call.asked(name))
            .unwrap_or_default()
            .to_owned()
    };
    let event = typed("event");
    let content = html! {
        p { "Which policy decides for a user, and why; nothing is sent." }
        form method="post" action="/explain" {
            (layout::hidden(visit))
            p {
                label for="dn" { "The user's place in the directory" }
                input id="dn" name="dn" value=(typed("dn")) autocomplete="off" aria-describedby="dn-help";
                span.help id="dn-help" { "A distinguished name, such as CN=Ada,OU=Staff,DC=example,DC=org." }
            }
            p {
                label for="groups" { "Groups" }
                textarea id="groups" name="groups" rows="2" aria-describedby="groups-help" { (typed("groups")) }
                span.help id="groups-help" { "DNs or SIDs, one a line." }
            }
            p {
                label for="phone" { "Mobile number" }
                input id="phone" name="phone" type="tel" autocomplete="off" aria-describedby="phone-help";
                span.help id="phone-help" { "It may be left out, and is not kept." }
            }
            p {
                label for="event" { "What the user does" }
                select id="event" name="event" {
                    @for word in ["reset", "enroll"] { option value=(word) selected[event == word] { (word) } }
                }
            }
            button id="ok" { "Explain" }
        }
        (result)
    };
    Ok(layout::page(visit, 200, "Who gets what, and why", &content))
}

fn groups(visit: &Visit) -> Vec<&str> {
    let lines = visit.call.field("groups").unwrap_or_default().lines();
    lines
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect()
}

/// The request that the form stands for.
fn request(visit: &Visit) -> Value {
    let mut user = Map::new();
    for (field, key) in [("dn", "dn"), ("phone", "phone")] {
        if let Some(value) = visit.call.given(field) {
            user.insert(key.to_owned(), value.into());
        }
    }
    let groups = groups(visit);
    if !groups.is_empty() {
        user.insert("groups".to_owned(), json!(groups));
    }
    let event = visit.call.given("event").unwrap_or("reset");
    json!({ "purpose": "verification_code", "event": event, "user": user })
}

fn command(visit: &Visit) -> String {
    let mut command = Command::new(["explain"]);
    if let Some(dn) = visit.call.given("dn") {
        command = command.option("--user-dn", dn);
    }
    for group in groups(visit) {
        command = command.option("--group", group);
    }
    if visit.call.given("phone").is_some() {
        command = command.option("--phone", "-");
    }
    let event = visit.call.given("event").unwrap_or("reset");
    command.option("--event", event).line(&visit.call)
}

fn explained(visit: &Visit) -> anyhow::Result<Markup> {
    let draft = explain::read(request(visit).to_string().as_bytes())?;
    let (snapshot, _) = Snapshot::read(&visit.call.config);
    let snapshot = snapshot?;
    let draft = Completion::by(snapshot.config())?.of(draft, true)?;
    let mut evaluation = Evaluation::of(&snapshot, draft);
    block_on(evaluation.ask_senders())?;
    let mut explained = evaluation.explained();
    if let Some(history) = log::history(visit)? {
        explained.tell_health(&history.senders(Timestamp::now())?);
    }
    Ok(html! {
        div role="status" { (shown(&explained)) }
        (layout::command_box("The command that shows the same", &command(visit)))
    })
}

fn shown(explained: &Explained) -> Markup {
    html! {
        h2 { "Policies, as they were considered" }
        @if explained.considered.is_empty() { p { "There is none." } }
        ol {
            @for considered in explained.considered {
                @let is_winner = matches!(considered.result, LinkResult::Won(_));
                li { @if is_winner { strong { (considered) } } @else { (considered) } }
            }
        }
        @if !explained.senders.is_empty() {
            h2 { "Senders, in the order in which they are asked" }
            ol {
                @for sender in &explained.senders {
                    li {
                        (sender.name)
                        @match sender.plugin { Some(plugin) => { " (plugin " (plugin) ")" } None => " (not configured)" }
                        @if let Some(paused) = &sender.paused { "; it failed lately (" (paused.reason) ")" }
                        @if let Some(why) = &sender.unusable { "; " (why) }
                    }
                }
            }
        }
        @if let Some(number) = &explained.number { p { "To " (number.e164) " in " (number.region) "." } }
        @if let Some(words) = &explained.text {
            h2 { "The text, with a stand-in for the code" }
            p.phone { (words.text) }
            p { (words.segments.count) @if words.segments.count == 1 { " segment." } @else { " segments." } }
        }
        h2 { "What comes of it" }
        @match &explained.output {
            Output::SentBy(senders) => { p { strong { "It would be sent" } " by " (senders.join(", then ")) "." } }
            Output::Refused(refused) => { p { strong { "It would not be sent: " } (refused.message) } }
        }
    }
}
