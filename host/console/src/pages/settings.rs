//! *Edit*: the settings of one sender, as its plugin's JSON Schema declares them.

use maud::html;
use textsender::{
    check,
    edit::{names, senders::SetSettings},
};

use super::{
    Made,
    change::Change,
    field::{Changes, Shown},
    layout,
    senders::{label_of, secrets_of, state_word, title_of},
    visit::Visit,
};
use crate::{call::Answer, command::Command};

pub fn show(visit: &Visit, name: &str) -> Made {
    form(visit, name, None)
}

/// The form; with a problem, as it was typed.
fn form(visit: &Visit, name: &str, problem: Option<&str>) -> Made {
    let site = visit.site()?;
    let sender = names::sender(&site.config, name)?;
    let standing = site.standing(name)?;
    let described = site.describe_sender(sender);
    let fields = described.map(|described| check::fields(&described));
    let fields = fields.unwrap_or_default();
    let typed = problem.is_some().then_some(&visit.call.form);
    let all = fields.iter().map(|field| (field, Shown::of(field, sender)));
    let (editable, others): (Vec<_>, Vec<_>) = all.partition(|(_, shown)| shown.is_editable());
    let others: Vec<_> = others
        .into_iter()
        .filter(|(field, _)| !field.is_secret)
        .collect();
    let content = html! {
        @if let Some(problem) = problem { (layout::problem(problem)) }
        p { "A sender of " (title_of(&standing.plugin)) ": " (state_word(&standing)) }
        @if !standing.is_ready() { p.help { (standing.detail()) } }
        @if editable.is_empty() { p { "Its plugin can't be asked which settings it has; see Plugins." } }
        form method="post" action={ "/senders/" (name) } {
            (layout::hidden(visit))
            @for (_, shown) in &editable { (shown.input(typed)) }
            @if !visit.call.read_only { button id="ok" { "OK" } " " a.button href="/senders" { "Cancel" } }
        }
        @if !others.is_empty() {
            h2 { "In the file only" }
            p { "These have no simple form. They stand in " code { (site.config.sources.main.display()) } " under " code { "[senders." (name) ".settings]" } ": " code { "textsender config edit" } "." }
            ul { @for (field, _) in &others { li { code { (field.name) } ": " (field.help) } } }
        }
        h2 { "Secrets" }
        p {
            @for (key, label) in secrets_of(site, sender) {
                a.button href={ "/senders/" (name) "/secret/" (key) } { "Set " (label) } " "
            }
        }
        h2 { "Remove" }
        (layout::action(visit, &format!("/senders/{name}/remove"), "Remove this sender"))
        (layout::command_box("The command that shows the same", &Command::new(["sender", "show", name]).line(&visit.call)))
    };
    let status = if problem.is_some() { 409 } else { 200 };
    let title = format!("Edit {name}");
    Ok(layout::page(visit, status, &title, &content))
}

pub fn change(visit: &Visit, name: &str) -> Made {
    let site = textsender::site::Site::at(&visit.call.config)?;
    let sender = names::sender(&site.config, name)?;
    let described = site.describe_sender(sender);
    let fields = described.map(|described| check::fields(&described));
    let fields = fields.unwrap_or_default();
    let mut changes = Changes::default();
    for field in &fields {
        Shown::of(field, sender).compare(&visit.call.form, &mut changes);
    }
    if changes == Changes::default() {
        return nothing(visit, name);
    }
    let mut command = Command::new(["sender", "set", name]);
    for setting in &changes.set {
        command = command.arg(setting);
    }
    for key in &changes.unset {
        command = command.option("--unset", key);
    }
    let labels = changes
        .set
        .iter()
        .filter_map(|setting| setting.split_once('='));
    let labels = labels.map(|(key, _)| label_of(key));
    let labels: Vec<String> = labels
        .chain(changes.unset.iter().map(|key| label_of(key)))
        .collect();
    let change = Change {
        title: &format!("Edit {name}"),
        order: SetSettings {
            name: name.to_owned(),
            settings: changes.set.clone(),
            unset: changes.unset.clone(),
        },
        commands: vec![command],
        back: format!("/senders/{name}"),
        next: "/senders".to_owned(),
        words: format!("Changed {} of the sender {name}.", labels.join(", ")),
    };
    change
        .carry_out(visit)?
        .or_again(|why| form(visit, name, Some(why)))
}

/// A form that changes nothing: where it was made of another state than now, that is said.
fn nothing(visit: &Visit, name: &str) -> anyhow::Result<Answer> {
    let words = match visit.seen()? == visit.digest() {
        true => "Nothing differs from what is set.",
        false => {
            "The configuration was changed by another since this page was loaded. Nothing was changed here. Below is how it is now."
        }
    };
    form(visit, name, Some(words))
}
