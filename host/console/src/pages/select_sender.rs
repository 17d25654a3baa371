//! *Select Sender*: the sender of everyone whose policy names none.

use maud::html;
use textsender::edit::defaults::SelectSender;

use super::{Made, change::Change, layout, visit::Visit};
use crate::command::Command;

pub fn show(visit: &Visit) -> Made {
    form(visit, None)
}

fn form(visit: &Visit, problem: Option<&str>) -> Made {
    let site = visit.site()?;
    let now = site.config.defaults.sender.as_ref();
    let now = now.map(|sender| sender.value.as_str());
    let own = site.config.policies.iter().filter_map(|policy| {
        let sender = policy.verification_code.as_ref()?.options.sender.as_ref()?;
        Some((policy.name.value.as_str(), sender.value.as_str()))
    });
    let content = html! {
        @if let Some(problem) = problem { (layout::problem(problem)) }
        p { "It sends for everyone whose policy names no sender of its own." }
        form method="post" action="/select-sender" {
            (layout::hidden(visit))
            p {
                label for="sender" { "Text Message Sender" }
                select id="sender" name="sender" {
                    @if now.is_none() { option value="" { "None yet" } }
                    @for name in site.config.senders.keys() {
                        option value=(name) selected[now == Some(name)] { (name) }
                    }
                }
            }
            @if !visit.call.read_only { button id="ok" { "OK" } }
        }
        ul { @for (policy, sender) in own { li { "Policy " (policy) " has a sender of its own: " (sender) } } }
    };
    let status = if problem.is_some() { 409 } else { 200 };
    Ok(layout::page(visit, status, "Select Sender", &content))
}

pub fn change(visit: &Visit) -> Made {
    let name = visit.call.given("sender").unwrap_or_default();
    let change = Change {
        title: "Select Sender",
        order: SelectSender {
            name: name.to_owned(),
        },
        commands: vec![Command::new(["select-sender", name])],
        back: "/select-sender".to_owned(),
        next: "/select-sender".to_owned(),
        words: format!("The sender {name} now sends for everyone whose policy names none."),
    };
    change
        .carry_out(visit)?
        .or_again(|why| form(visit, Some(why)))
}
