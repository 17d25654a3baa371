//! *Text Message Settings*: the table of senders, with *Edit*, and the setting of each secret apart.

use maud::{Markup, html};
use textsender::{
    check::{self, Standing, StandingState},
    config::{Sender, is_name},
    edit::senders::{AddSender, RemoveSender},
    site::{Site, ask},
};
use textsender_plugin_api::Level;

use super::{Made, change::Change, layout, visit::Visit};
use crate::{
    call::{Answer, Notice},
    command::Command,
};

pub fn show(visit: &Visit, problem: Option<&str>) -> Made {
    let site = visit.site()?;
    let standings = site.standings(None)?;
    let rows = standings.iter().map(|standing| row(visit, site, standing));
    let rows: Vec<Vec<Markup>> = rows.collect();
    let plugins = plugins(site);
    let content = html! {
        @if let Some(problem) = problem { (layout::problem(problem)) }
        @if rows.is_empty() { p { "There is no sender yet." } }
        @else { (layout::table("Senders: accounts with providers", &["Sender", "Plugin", "State", "Used by", "Settings", "Secrets", "Try"], &rows)) }
        @if !visit.call.read_only {
            h2 { "Add a sender" }
            form method="post" action="/senders/add" {
                (layout::hidden(visit))
                p {
                    label for="name" { "Name" }
                    input id="name" name="name" required pattern="[A-Za-z0-9_\\-]+" aria-describedby="name-help" value=(visit.call.field("name").unwrap_or_default());
                    span.help id="name-help" { "Of your choice: letters, digits, hyphens and underscores." }
                }
                p {
                    label for="plugin" { "Provider" }
                    select id="plugin" name="plugin" {
                        @for plugin in &plugins { option value=(plugin) { (title_of(plugin)) } }
                    }
                }
                button id="add" { "Add" }
            }
        }
        (layout::command_box("The command that shows the same", &Command::new(["sender", "list"]).line(&visit.call)))
    };
    let status = if problem.is_some() { 409 } else { 200 };
    Ok(layout::page(
        visit,
        status,
        "Text Message Settings",
        &content,
    ))
}

fn row(visit: &Visit, site: &Site, standing: &Standing) -> Vec<Markup> {
    let name = &standing.sender;
    let sender = site.config.senders.get(name);
    let secrets = sender
        .map(|sender| secrets_of(site, sender))
        .unwrap_or_default();
    vec![
        html! { (name) },
        html! { (title_of(&standing.plugin)) },
        html! { (state_word(standing)) @if !standing.is_ready() { br; span.help { (standing.detail()) } } },
        html! { (if standing.used_by.is_empty() { "nothing yet".to_owned() } else { standing.used_by.join(", ") }) },
        html! { a.button href={ "/senders/" (name) } aria-label={ "Edit " (name) } { "Edit" } },
        html! {
            @for (key, label) in &secrets {
                a.button href={ "/senders/" (name) "/secret/" (key) } aria-label={ "Set " (label) " of " (name) } { "Set " (label) }
                " "
            }
        },
        html! {
            a.button href={ "/test?sender=" (name) } aria-label={ "Test Send with " (name) } { "Test Send" }
            (layout::action(visit, &format!("/senders/{name}/check"), "Check"))
        },
    ]
}

/// The secrets that a sender's plugin has, and how each is called.
pub fn secrets_of(site: &Site, sender: &Sender) -> Vec<(String, String)> {
    let Ok(described) = site.describe_sender(sender) else {
        return Vec::new();
    };
    let fields = check::fields(&described);
    let secrets = fields.into_iter().filter(|field| field.is_secret);
    secrets
        .map(|field| (field.name.clone(), label_of(&field.name)))
        .collect()
}

/// A setting as the providers' own pages call it: `account_sid` is *Account SID*.
pub fn label_of(key: &str) -> String {
    let words = key.split('_').map(|word| match word {
        "sid" | "id" | "api" | "url" | "sms" => word.to_uppercase(),
        "from" if key == "from" => "From Number".to_owned(),
        word => {
            let mut letters = word.chars();
            let first = letters.next().map(|first| first.to_uppercase().to_string());
            first.unwrap_or_default() + letters.as_str()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// A plugin as people call its provider.
pub fn title_of(plugin: &str) -> &str {
    match plugin {
        "twilio" => "Twilio",
        "govuk-notify" => "GOV.UK Notify",
        "email-gateway" => "E-mail to SMS Gateway",
        "vonage" => "Vonage",
        "http" => "Another provider, by HTTP",
        other => other,
    }
}

/// The state in a word, with a sign that does not depend on colour.
pub fn state_word(standing: &Standing) -> Markup {
    let state = standing.state();
    let (class, sign) = match state {
        StandingState::Ready => ("good", "✓"),
        StandingState::Incomplete => ("attention", "…"),
        StandingState::Wrong | StandingState::NoPlugin => ("bad", "✗"),
    };
    html! { span class=(class) { span aria-hidden="true" { (sign) } " " (state.as_str()) } }
}

/// The plugins that there are files of.
fn plugins(site: &Site) -> Vec<String> {
    let folders = site.config.plugins.folder.read_dir();
    let files = folders.into_iter().flatten().flatten();
    let mut plugins: Vec<String> = files
        .filter_map(|file| textsender::plugins::folder::plugin_of(file.file_name().to_str()?))
        .collect();
    plugins.sort();
    plugins.dedup();
    plugins
}

pub fn add(visit: &Visit) -> Made {
    let name = visit.call.given("name").unwrap_or_default();
    let plugin = visit.call.given("plugin").unwrap_or_default();
    if !is_name(name) {
        return show(
            visit,
            Some("A sender's name has letters, digits, hyphens and underscores: write one."),
        );
    }
    let command = match name == plugin {
        true => Command::new(["sender", "add", name]),
        false => Command::new(["sender", "add", name, "--plugin", plugin]),
    };
    let change = Change {
        title: &format!("Add the sender {name}"),
        order: AddSender {
            name: name.to_owned(),
            plugin: plugin.to_owned(),
            settings: Vec::new(),
        },
        commands: vec![command],
        back: "/senders".to_owned(),
        next: "/senders".to_owned(),
        words: format!("Added the sender {name}."),
    };
    change
        .carry_out(visit)?
        .or_again(|why| show(visit, Some(why)))
}

pub fn remove(visit: &Visit, name: &str) -> Made {
    let change = Change {
        title: &format!("Remove the sender {name}"),
        order: RemoveSender {
            name: name.to_owned(),
        },
        commands: vec![Command::new(["sender", "remove", name])],
        back: format!("/senders/{name}"),
        next: "/senders".to_owned(),
        words: format!("Removed the sender {name}. Its stored secrets are still there."),
    };
    change
        .carry_out(visit)?
        .or_again(|why| show(visit, Some(why)))
}

/// Asks the provider about credentials and settings. Nothing is sent.
pub fn check(visit: &Visit, name: &str) -> Made {
    let site = visit.site()?;
    site.known_sender(name)?;
    let standing = site.standing(name)?;
    let command = Command::new(["sender", "check", name]).line(&visit.call);
    let notice = match standing.is_ready() {
        false => Notice {
            is_good: false,
            words: format!("The sender {name} is {}.", standing.state().as_str()),
            lines: vec![standing.detail()],
            command: Some(command),
        },
        true => {
            let asked = ask(site, name, Level::Error)?;
            let (is_good, words) = asked.in_words();
            Notice {
                is_good,
                words: format!("The sender {name}: {words}."),
                lines: asked
                    .findings
                    .into_iter()
                    .map(|finding| finding.message)
                    .collect(),
                command: Some(command),
            }
        }
    };
    Ok(Answer::Done {
        location: "/senders".to_owned(),
        notice,
    })
}
