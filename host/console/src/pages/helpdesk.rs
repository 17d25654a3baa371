//! What the helpdesk sends: by whom, its texts, and whether new passwords are texted.

use maud::{Markup, html};
use textsender::{
    config,
    edit::{
        helpdesk::{SetHelpdeskSender, SwitchNewPassword},
        policies::Fallback,
    },
};

use super::{Made, change::Change, layout, visit::Visit};
use crate::command::Command;

pub fn show(visit: &Visit) -> Made {
    page(visit, None)
}

fn page(visit: &Visit, problem: Option<&str>) -> Made {
    let site = visit.site()?;
    let helpdesk = site.config.helpdesk.clone().unwrap_or_default();
    let now = helpdesk.options.sender.as_ref();
    let now = now.map(|sender| sender.value.as_str());
    let fallback: Vec<&str> = helpdesk
        .options
        .fallback
        .iter()
        .map(|sender| sender.value.as_str())
        .collect();
    let read_only = visit.call.read_only;
    let content = html! {
        @if let Some(problem) = problem { (layout::problem(problem)) }
        h2 { "Text Message Sender" }
        form method="post" action="/helpdesk/sender" {
            (layout::hidden(visit))
            p {
                label for="sender" { "Text Message Sender" }
                select id="sender" name="sender" {
                    option value="" { "The default" }
                    @for name in site.config.senders.keys() {
                        option value=(name) selected[now == Some(name)] { (name) }
                    }
                }
            }
            p {
                label for="fallback" { "Tried after it" }
                input id="fallback" name="fallback" value=(fallback.join(", ")) aria-describedby="fallback-help" autocomplete="off";
                span.help id="fallback-help" { "Senders, with commas between them." }
            }
            @if !read_only { button id="ok-sender" { "OK" } }
        }
        h2 { "New passwords" }
        p { "New passwords by text are " strong { @if helpdesk.new_password { "on" } @else { "off" } } "." }
        @if !read_only {
            form method="post" action="/helpdesk/new-password" {
                (layout::hidden(visit))
                button name="on" value="yes" disabled[helpdesk.new_password] { "Switch on" }
                " "
                button name="on" value="no" disabled[!helpdesk.new_password] { "Switch off" }
            }
        }
        h2 { "Texts" }
        ul {
            li { (text("helpdesk_code", "The code that a user reads out", helpdesk.helpdesk_code_text.as_ref())) }
            li { (text("new_password", "The new password", helpdesk.new_password_text.as_ref())) }
        }
        (layout::command_box("The command that shows the same", &Command::new(["helpdesk", "show"]).line(&visit.call)))
    };
    let status = if problem.is_some() { 409 } else { 200 };
    Ok(layout::page(visit, status, "Helpdesk", &content))
}

fn text(purpose: &str, title: &str, text: Option<&config::Text>) -> Markup {
    html! {
        a href={ "/text?helpdesk=" (purpose) } { (title) } ": "
        @match text { Some(text) => q { (text.text.value) }, None => "no text yet" }
    }
}

pub fn change_sender(visit: &Visit) -> Made {
    let sender = visit.call.given("sender");
    let fallback = visit.call.field("fallback").unwrap_or_default();
    let fallback: Vec<String> = fallback
        .split(',')
        .map(|name| name.trim().to_owned())
        .filter(|name| !name.is_empty())
        .collect();
    if sender.is_none() && !fallback.is_empty() {
        let words = "With the default sender there is none that is tried after it: name a sender, or take them out.";
        return page(visit, Some(words));
    }
    let mut command = Command::new(["helpdesk", "select-sender", sender.unwrap_or("--default")]);
    for name in &fallback {
        command = command.option("--fallback", name);
    }
    if fallback.is_empty() {
        command = command.arg("--no-fallback");
    }
    let change = Change {
        title: "The helpdesk's sender",
        order: SetHelpdeskSender {
            sender: sender.map(str::to_owned),
            fallback: match fallback.is_empty() {
                true => Fallback::None,
                false => Fallback::These(fallback),
            },
        },
        commands: vec![command],
        back: "/helpdesk".to_owned(),
        next: "/helpdesk".to_owned(),
        words: "Changed who sends for the helpdesk.".to_owned(),
    };
    change
        .carry_out(visit)?
        .or_again(|why| page(visit, Some(why)))
}

pub fn switch_new_password(visit: &Visit) -> Made {
    let on = visit.call.field("on") == Some("yes");
    let verb = if on { "enable" } else { "disable" };
    let change = Change {
        title: "New passwords by text",
        order: SwitchNewPassword { on },
        commands: vec![Command::new(["helpdesk", verb, "new_password"])],
        back: "/helpdesk".to_owned(),
        next: "/helpdesk".to_owned(),
        words: format!(
            "New passwords by text are {} now.",
            if on { "on" } else { "off" }
        ),
    };
    change
        .carry_out(visit)?
        .or_again(|why| page(visit, Some(why)))
}
