//! Policies: who gets which sender and text.

use maud::{Markup, html};
use textsender::{
    config::{Policy, Regions},
    edit::{defaults::SelectPolicy, policies::AddPolicy},
    site::Site,
};

use super::{Made, change::Change, layout, tree, visit::Visit};
use crate::command::Command;

/// What a new policy says.
const TEXT: &str = "Please enter this verification code: %code%";

pub fn show(visit: &Visit) -> Made {
    page(visit, None)
}

/// The page; with why a form was refused.
pub fn page(visit: &Visit, problem: Option<&str>) -> Made {
    let site = visit.site()?;
    let rows = site.config.policies.iter().map(|policy| row(site, policy));
    let rows: Vec<Vec<Markup>> = rows.collect();
    let default = site.config.defaults.policy.as_ref();
    let default = default.map(|policy| policy.value.as_str());
    let content = html! {
        @if let Some(problem) = problem { (layout::problem(problem)) }
        @if rows.is_empty() { p { "There is no policy yet: no verification code is sent." } }
        @else { (layout::table("Policies", &["Policy", "For whom", "Regions", "Text Message Sender", "Text Message"], &rows)) }
        p { a href="/explain" { "Which of them wins for a user, and why" } }
        (tree::shown(visit, &site.config))
        @if !visit.call.read_only {
            @if !rows.is_empty() {
                h2 { "The default policy" }
                form method="post" action="/policies/default" {
                    (layout::hidden(visit))
                    p {
                        label for="default" { "For users whom no other policy is linked to" }
                        select id="default" name="policy" {
                            @if default.is_none() { option value="" { "None: they get no text" } }
                            @for policy in &site.config.policies {
                                option value=(policy.name.value) selected[default == Some(policy.name.as_str())] { (policy.name.value) }
                            }
                        }
                    }
                    button id="ok-default" { "OK" }
                }
            }
            h2 { "Add a policy" }
            (add_form(visit, site))
        }
        (layout::command_box("The command that shows the same", &Command::new(["policy", "list"]).line(&visit.call)))
    };
    let status = if problem.is_some() { 409 } else { 200 };
    Ok(layout::page(visit, status, "Policies", &content))
}

fn add_form(visit: &Visit, site: &Site) -> Markup {
    let typed = |name: &str| visit.call.field(name).unwrap_or_default().to_owned();
    html! {
        form method="post" action="/policies/add" {
            (layout::hidden(visit))
            p { label for="name" { "Name" } input id="name" name="name" required value=(typed("name")); }
            p {
                label for="region" { "Country" }
                input id="region" name="region" maxlength="2" size="4" value=(typed("region")) aria-describedby="region-help";
                span.help id="region-help" { "Two letters, such as GB: as whose numbers those without + are read." }
            }
            p {
                label for="link" { "Container" }
                input id="link" name="link" value=(typed("link")) aria-describedby="link-help";
                span.help id="link-help" { "A distinguished name, such as OU=Staff,DC=example,DC=org; empty for one that is linked later, or the default." }
            }
            p {
                label for="group" { "Only for members of" }
                input id="group" name="group" value=(typed("group")) aria-describedby="group-help";
                span.help id="group-help" { "A group, as DN or SID; empty for everyone." }
            }
            p {
                label for="sender" { "Text Message Sender" }
                select id="sender" name="sender" {
                    option value="" { "The default" }
                    @for name in site.config.senders.keys() { option value=(name) { (name) } }
                }
            }
            button id="add" { "Add" }
        }
    }
}

fn row(site: &Site, policy: &Policy) -> Vec<Markup> {
    let name = policy.name.as_str();
    let is_default = site
        .config
        .defaults
        .policy
        .as_ref()
        .is_some_and(|default| default.value == name);
    let block = policy.verification_code.as_ref();
    let sender = block.and_then(|block| block.options.sender.as_ref());
    let default = site.config.defaults.sender.as_ref();
    vec![
        html! { (name) },
        html! {
            @if is_default { "everyone whom no other policy is linked to" br; }
            @for link in &policy.links {
                (link.container.value) " (order " (link.order)
                @if link.enforced { ", enforced" }
                @if !link.enabled { ", disabled" }
                ")" br;
            }
            @for group in &policy.filter.groups { "members of " (group.value) br; }
            @for group in &policy.filter.deny_groups { "not members of " (group.value) br; }
        },
        html! {
            @match &policy.reach.regions {
                Regions::Any => "all",
                Regions::Only(regions) => (regions.iter().map(|region| region.value.as_str()).collect::<Vec<_>>().join(", ")),
            }
        },
        html! {
            @match (sender, default) {
                (Some(sender), _) => (sender.value),
                (None, Some(default)) => { (default.value) " (the default)" },
                (None, None) => "none yet",
            }
        },
        html! {
            @if let Some(block) = block { q { (block.text.text.value) } " " } @else { "none yet " }
            a.button href={ "/text?policy=" (layout::urlencoded(name)) } aria-label={ "Edit the text message of " (name) } { "Edit" }
        },
    ]
}

pub fn add(visit: &Visit) -> Made {
    let call = &visit.call;
    let name = call.given("name").unwrap_or_default();
    let given = |field: &str| call.given(field).map(str::to_owned);
    let mut command = Command::new(["policy", "add", name]);
    for (field, option) in [
        ("region", "--region"),
        ("link", "--link"),
        ("group", "--group"),
        ("sender", "--sender"),
    ] {
        if let Some(value) = call.given(field) {
            command = command.option(option, value);
        }
    }
    let change = Change {
        title: &format!("Add the policy {name}"),
        order: AddPolicy {
            name: name.to_owned(),
            region: given("region"),
            links: given("link").into_iter().collect(),
            order: None,
            groups: given("group").into_iter().collect(),
            sender: given("sender"),
            text: TEXT.to_owned(),
        },
        commands: vec![command],
        back: "/policies".to_owned(),
        next: "/policies".to_owned(),
        words: format!("Added the policy {name}."),
    };
    change
        .carry_out(visit)?
        .or_again(|why| page(visit, Some(why)))
}

pub fn select_default(visit: &Visit) -> Made {
    let name = visit.call.given("policy").unwrap_or_default();
    let change = Change {
        title: "The default policy",
        order: SelectPolicy {
            name: name.to_owned(),
        },
        commands: vec![Command::new(["policy", "set-default", name])],
        back: "/policies".to_owned(),
        next: "/policies".to_owned(),
        words: format!("The policy {name} is for everyone whom no other is linked to."),
    };
    change
        .carry_out(visit)?
        .or_again(|why| page(visit, Some(why)))
}
