//! *Edit*: the settings of one sender, as its plugin's JSON Schema declares them.

use maud::{Markup, html};
use textsender::{
    check,
    config::{Reading, Sources},
    edit::{names, senders::SetSettings},
    site::{Site, ask_unsaved},
};
use textsender_plugin_api::Level;

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
    form(visit, name, None, 200)
}

/// The form; with something to say above it, as it was typed.
fn form(visit: &Visit, name: &str, above: Option<&Markup>, status: u16) -> Made {
    let site = visit.site()?;
    let sender = names::sender(&site.config, name)?;
    let standing = site.standing(name)?;
    let described = site.describe_sender(sender);
    let fields = described.map(|described| check::fields(&described));
    let fields = fields.unwrap_or_default();
    let typed = above.is_some().then_some(&visit.call.form);
    let all = fields.iter().map(|field| (field, Shown::of(field, sender)));
    let (editable, others): (Vec<_>, Vec<_>) = all.partition(|(_, shown)| shown.is_editable());
    let others: Vec<_> = others
        .into_iter()
        .filter(|(field, _)| !field.is_secret)
        .collect();
    let content = html! {
        @if let Some(above) = above { (above) }
        p { "A sender of " (title_of(&standing.plugin)) ": " (state_word(&standing)) }
        @if !standing.is_ready() { p.help { (standing.detail()) } }
        @if editable.is_empty() { p { "Its plugin can't be asked which settings it has; see Plugins." } }
        form method="post" action={ "/senders/" (name) } {
            (layout::hidden(visit))
            @for (_, shown) in &editable { (shown.input(typed)) }
            input type="hidden" name="unsaved" value=(name);
            @if !visit.call.read_only {
                button id="ok" { "OK" } " "
                button id="check" formaction={ "/senders/" (name) "/try" } { "Check before it is saved" } " "
                button id="test" formaction={ "/senders/" (name) "/test" } { "Test Send before it is saved" } " "
                a.button href="/senders" { "Cancel" }
            }
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
    let title = format!("Edit {name}");
    Ok(layout::page(visit, status, &title, &content))
}

/// What the form changes of what is set.
fn changes(visit: &Visit, name: &str) -> anyhow::Result<Changes> {
    let site = Site::at(&visit.call.config)?;
    let sender = names::sender(&site.config, name)?;
    let described = site.describe_sender(sender);
    let fields = described.map(|described| check::fields(&described));
    let mut changes = Changes::default();
    for field in &fields.unwrap_or_default() {
        Shown::of(field, sender).compare(&visit.call.form, &mut changes);
    }
    Ok(changes)
}

/// The files with the settings of the form, which are not saved. To be called with the rights of who runs the console.
///
/// # Errors
///
/// One of them is no value of its setting.
pub fn unsaved(visit: &Visit, name: &str) -> anyhow::Result<Sources> {
    let changes = changes(visit, name)?;
    if changes == Changes::default() {
        return Ok(Sources::read(&visit.call.config));
    }
    let order = SetSettings {
        name: name.to_owned(),
        settings: changes.set,
        unset: changes.unset,
    };
    Ok(visit.editor().sources_after(&order)?)
}

/// Asks the provider about the settings of the form and the stored secrets. Nothing is saved or sent.
pub fn try_out(visit: &Visit, name: &str) -> Made {
    match tried(visit, name) {
        Ok(told) => form(visit, name, Some(&told), 200),
        Err(error) => form(
            visit,
            name,
            Some(&layout::problem(&format!("{error:#}"))),
            409,
        ),
    }
}

fn tried(visit: &Visit, name: &str) -> anyhow::Result<Markup> {
    let sources = unsaved(visit, name)?;
    let site = Site::of(Reading::of(sources).believed()?);
    site.become_owner()?;
    let standing = site.standing(name)?;
    let (is_good, words, lines) = match standing.is_ready() {
        false => (
            false,
            format!("it would be {}", standing.state().as_str()),
            vec![standing.detail()],
        ),
        true => {
            let asked = ask_unsaved(&site, name, Level::Error)?;
            let words = asked.in_words();
            let lines = asked.findings.into_iter().map(|finding| finding.message);
            (words.0, words.1, lines.collect())
        }
    };
    let command = Command::new(["sender", "check", name]).line(&visit.call);
    let class = if is_good { "notice good" } else { "notice bad" };
    Ok(html! {
        div class=(class) role="status" {
            p { strong { "With these settings and the stored secrets: " } (words) ". Nothing is saved." }
            @if !lines.is_empty() { ul { @for line in &lines { li { (line) } } } }
            (layout::command_box("The command that checks them once they are saved", &command))
        }
    })
}

pub fn change(visit: &Visit, name: &str) -> Made {
    let changes = changes(visit, name)?;
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
        .or_again(|why| form(visit, name, Some(&layout::problem(why)), 409))
}

/// A form that changes nothing: where it was made of another state than now, that is said.
fn nothing(visit: &Visit, name: &str) -> anyhow::Result<Answer> {
    let words = match visit.seen()? == visit.digest() {
        true => "Nothing differs from what is set.",
        false => {
            "The configuration was changed elsewhere since this page was loaded. Nothing was changed here. Below is how it is now."
        }
    };
    form(visit, name, Some(&layout::problem(words)), 409)
}
