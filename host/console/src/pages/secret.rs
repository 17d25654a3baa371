//! *Set Auth Token*, *Set API Key*: a secret, stored and never shown again.

use maud::html;
use textsender::edit::{
    names,
    secrets::{self, Form},
};

use super::{Made, layout, senders::label_of, visit::Visit};
use crate::{
    call::{Answer, Notice},
    command::Command,
};

pub fn show(visit: &Visit, name: &str, key: &str, problem: Option<&str>) -> Made {
    let site = visit.site()?;
    let sender = names::sender(&site.config, name)?;
    if let Ok(described) = site.describe_sender(sender) {
        Form::of(&described, name, key)?;
    }
    let label = label_of(key);
    let is_stored = textsender::secrets::file_of(&site.state, name, key).exists();
    let content = html! {
        @if let Some(problem) = problem { (layout::problem(problem)) }
        p {
            @if is_stored { "One is stored. It can be replaced, and is never shown." }
            @else { "None is stored yet. Once stored it can be replaced, and is never shown." }
        }
        @if !visit.call.read_only {
            form method="post" action={ "/senders/" (name) "/secret/" (key) } {
                (layout::hidden(visit))
                p {
                    label for="secret" { (label) }
                    input id="secret" name="secret" type="password" autocomplete="off" required;
                }
                button id="ok" { "OK" } " " a.button href="/senders" { "Cancel" }
            }
        }
        (layout::command_box("The command that does the same", &command(visit, name, key)))
    };
    let status = if problem.is_some() { 409 } else { 200 };
    let title = format!("Set {label} of {name}");
    Ok(layout::page(visit, status, &title, &content))
}

pub fn store(visit: &Visit, name: &str, key: &str) -> Made {
    match try_store(visit, name, key) {
        Ok(notice) => Ok(Answer::Done {
            location: "/senders".to_owned(),
            notice,
        }),
        Err(error) => show(visit, name, key, Some(&format!("{error:#}"))),
    }
}

fn try_store(visit: &Visit, name: &str, key: &str) -> anyhow::Result<Notice> {
    let site = visit.site()?;
    let sender = names::sender(&site.config, name)?;
    let given = visit.call.field("secret").unwrap_or_default();
    let cleaned = secrets::clean(given, key)?;
    if let Ok(described) = site.describe_sender(sender)
        && let Some(form) = Form::of(&described, name, key)?
    {
        form.check(&cleaned.secret)?;
    }
    let stored = secrets::store(&site.state, name, key, &cleaned.secret, None, || {})?;
    let mut lines = Vec::new();
    if !cleaned.taken_off.is_empty() {
        lines.push(format!("Taken off: {}.", cleaned.taken_off.join(", ")));
    }
    if !secrets::is_taken_from_here(&site.config, name, key) {
        lines.push(format!(
            "But the sender takes {key} from its own settings; to use the stored one: textsender sender unset {name} {key}"
        ));
    }
    let done = if stored.is_new { "Stored" } else { "Replaced" };
    Ok(Notice {
        is_good: true,
        words: format!("{done} the {} of the sender {name}.", label_of(key)),
        lines,
        command: Some(command(visit, name, key)),
    })
}

fn command(visit: &Visit, name: &str, key: &str) -> String {
    Command::new(["secret", "set", &format!("{name}.{key}")]).line(&visit.call)
}
