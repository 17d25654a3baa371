//! The tree of the directory's containers as far as policies are linked in it: each with its links in the order in
//! which they count, what is enforced, and where inheritance is blocked.

use std::collections::BTreeSet;

use maud::{Markup, html};
use textsender::{config::Config, policy::Dn};

use super::{
    layout::{self, urlencoded},
    visit::Visit,
};

/// A container of the directory.
struct Node<'c> {
    /// As it is written where it was first found.
    name: &'c str,
    dn: Dn,
    blocks: bool,
    links: Vec<Link<'c>>,
    /// Containers below it.
    below: Vec<Node<'c>>,
}

struct Link<'c> {
    policy: &'c str,
    order: u32,
    enforced: bool,
    enabled: bool,
}

/// The tree, with what can be changed in it.
pub fn shown(visit: &Visit, config: &Config) -> Markup {
    let tree = tree(config);
    html! {
        h2 { "Where policies are linked" }
        @if tree.is_empty() { p { "No policy is linked to a container." } }
        @else {
            p { "Enforced links win, the highest first; else the link closest to the user, and at one container the lowest order." }
            (list(visit, &tree))
        }
        @if !visit.call.read_only && !config.policies.is_empty() { (link_form(visit, config)) }
    }
}

/// Containers that have links or block inheritance, each below the closest that holds it.
fn tree(config: &Config) -> Vec<Node<'_>> {
    let links = config.policies.iter().flat_map(|policy| &policy.links);
    let linked = links.map(|link| (link.container.as_str(), false));
    let named = config.containers.iter();
    let named = named.map(|container| (container.dn.as_str(), container.block_inheritance));
    let mut nodes: Vec<Node<'_>> = Vec::new();
    for (name, blocks) in linked.chain(named) {
        // One that is none is a fault of `check`.
        let Ok(dn) = Dn::parse(name) else { continue };
        match nodes.iter_mut().find(|node| node.dn == dn) {
            Some(node) => node.blocks |= blocks,
            None => nodes.push(Node {
                links: links_at(config, &dn),
                below: Vec::new(),
                name,
                dn,
                blocks,
            }),
        }
    }
    nested(nodes)
}

fn links_at<'c>(config: &'c Config, dn: &Dn) -> Vec<Link<'c>> {
    let all = config.policies.iter().flat_map(|policy| {
        let links = policy.links.iter();
        links.map(|link| (policy.name.as_str(), link))
    });
    let here = all.filter(|(_, link)| Dn::parse(&link.container).is_ok_and(|at| at == *dn));
    let mut links: Vec<Link<'_>> = here
        .map(|(policy, link)| Link {
            policy,
            order: link.order,
            enforced: link.enforced,
            enabled: link.enabled,
        })
        .collect();
    links.sort_by_key(|link| link.order);
    links
}

/// Puts each below the closest that holds it: the deepest ones first, so that each is whole when it is moved.
fn nested(mut nodes: Vec<Node<'_>>) -> Vec<Node<'_>> {
    nodes.sort_by(|a, b| (a.dn.depth(), a.dn.as_str()).cmp(&(b.dn.depth(), b.dn.as_str())));
    let mut roots = Vec::new();
    while let Some(node) = nodes.pop() {
        let holder = nodes
            .iter_mut()
            .rev()
            .find(|holder| node.dn.is_within(&holder.dn));
        match holder {
            Some(holder) => holder.below.insert(0, node),
            None => roots.insert(0, node),
        }
    }
    roots
}

fn list(visit: &Visit, nodes: &[Node<'_>]) -> Markup {
    html! {
        ul.tree {
            @for node in nodes {
                li {
                    strong { (node.name) }
                    @if node.blocks { " " span.attention { "blocks inheritance" } ": of the links above it only enforced ones count" }
                    " " (of_container(visit, node))
                    @if node.links.is_empty() { p.help { "No policy is linked here." } }
                    @else {
                        ol.links {
                            @for link in &node.links { li { (of_link(visit, node, link)) } }
                        }
                    }
                    @if !node.below.is_empty() { (list(visit, &node.below)) }
                }
            }
        }
    }
}

fn of_container(visit: &Visit, node: &Node<'_>) -> Markup {
    let user = format!("CN=user,{}", node.name);
    let label = match node.blocks {
        true => "Take inheritance",
        false => "Block inheritance",
    };
    html! {
        a.button href={ "/explain?dn=" (urlencoded(&user)) } aria-label={ "Who wins for a user in " (node.name) } { "Who wins here" } " "
        (button(visit, "/policies/inheritance", label, &format!("{label} at {}", node.name), &[
            ("container", node.name),
            ("block", if node.blocks { "no" } else { "yes" }),
        ]))
    }
}

fn of_link(visit: &Visit, node: &Node<'_>, link: &Link<'_>) -> Markup {
    let at = |verb: &str| format!("{verb} the link of {} to {}", link.policy, node.name);
    let switch = |path: &str, verb: &str, on: bool| {
        let fields = [
            ("policy", link.policy),
            ("container", node.name),
            ("on", if on { "yes" } else { "no" }),
        ];
        button(visit, path, verb, &at(verb), &fields)
    };
    let order = link.order.to_string();
    html! {
        (link.order) ". "
        a href={ "/text?policy=" (urlencoded(link.policy)) } { (link.policy) }
        @if link.enforced { ", " span.attention { "enforced" } }
        @if !link.enabled { ", " span.bad { "disabled" } }
        @if !visit.call.read_only {
            " "
            form.inline method="post" action="/policies/order" {
                (layout::hidden(visit))
                input type="hidden" name="policy" value=(link.policy);
                input type="hidden" name="container" value=(node.name);
                input.narrow type="number" name="order" min="1" value=(order) aria-label={ "Order of " (link.policy) " at " (node.name) };
                button aria-label=(at("Set the order of")) { "Set order" }
            }
            " "
            @if link.enforced { (switch("/policies/enforce", "No longer enforce", false)) }
            @else { (switch("/policies/enforce", "Enforce", true)) }
            " "
            @if link.enabled { (switch("/policies/enable", "Disable", false)) }
            @else { (switch("/policies/enable", "Enable", true)) }
            " "
            (button(visit, "/policies/unlink", "Unlink", &at("Remove"), &[("policy", link.policy), ("container", node.name)]))
        }
    }
}

/// A button that is a form of its own, with what it is about.
fn button(visit: &Visit, path: &str, label: &str, name: &str, fields: &[(&str, &str)]) -> Markup {
    if visit.call.read_only {
        return html! {};
    }
    html! {
        form.inline method="post" action=(path) {
            (layout::hidden(visit))
            @for (key, value) in fields { input type="hidden" name=(key) value=(value); }
            button aria-label=(name) { (label) }
        }
    }
}

fn link_form(visit: &Visit, config: &Config) -> Markup {
    let containers = config.policies.iter().flat_map(|policy| &policy.links);
    let containers: BTreeSet<&str> = containers.map(|link| link.container.as_str()).collect();
    let typed = |name: &str| visit.call.field(name).unwrap_or_default();
    html! {
        h2 { "Link a policy" }
        form method="post" action="/policies/link" {
            (layout::hidden(visit))
            p {
                label for="link-policy" { "Policy" }
                select id="link-policy" name="policy" {
                    @for policy in &config.policies {
                        option value=(policy.name.value) selected[typed("policy") == policy.name.as_str()] { (policy.name.value) }
                    }
                }
            }
            p {
                label for="link-container" { "Container" }
                input id="link-container" name="container" required list="containers" autocomplete="off" value=(typed("container")) aria-describedby="link-container-help";
                span.help id="link-container-help" { "A distinguished name, such as OU=Staff,DC=example,DC=org." }
                datalist id="containers" { @for container in &containers { option value=(container) {} } }
            }
            p {
                label for="link-order" { "Order" }
                input.narrow id="link-order" name="order" type="number" min="1" value=(typed("order")) aria-describedby="link-order-help";
                span.help id="link-order-help" { "Among the links of this container the lowest counts first; empty for the last." }
            }
            fieldset {
                legend { "Can links below override it?" }
                (layout::choice("enforced", "no", "Yes", typed("enforced") != "yes"))
                (layout::choice("enforced", "yes", "No: it is enforced", typed("enforced") == "yes"))
            }
            button id="ok-link" { "Link" }
        }
    }
}

#[cfg(test)]
mod tests {
    use textsender::config::{Reading, Sources};

    use super::*;

    fn drawn(nodes: &[Node<'_>], depth: usize, into: &mut String) {
        for node in nodes {
            let links = node.links.iter().map(|link| link.policy);
            let links: Vec<&str> = links.collect();
            let blocks = if node.blocks { " blocks" } else { "" };
            let indent = "  ".repeat(depth);
            into.push_str(&format!(
                "{indent}{}{blocks}: {}\n",
                node.name,
                links.join(", ")
            ));
            drawn(&node.below, depth + 1, into);
        }
    }

    #[test]
    fn each_container_is_below_the_closest_that_holds_it() {
        let toml = r#"
            [containers."ou=Night,OU=Staff,DC=example,DC=org"]
            block_inheritance = true
            [[policies]]
            name = "Low"
            [[policies.link]]
            container = "OU=Staff,DC=example,DC=org"
            order = 2
            [[policies.link]]
            container = "DC=example,DC=org"
            [[policies]]
            name = "High"
            [[policies.link]]
            container = "ou=staff, dc=example, dc=org"
            order = 1
            [[policies.link]]
            container = "OU=Guards,OU=Night,OU=Staff,DC=example,DC=org"
            [[policies.link]]
            container = "DC=other"
        "#;
        let sources = Sources::from_text("textsender.toml", toml.to_owned());
        let config = Reading::of(sources).config;
        let mut found = String::new();
        drawn(&tree(&config), 0, &mut found);
        let expected = "DC=other: High\n\
            DC=example,DC=org: Low\n  \
              OU=Staff,DC=example,DC=org: High, Low\n    \
                ou=Night,OU=Staff,DC=example,DC=org blocks: \n      \
                  OU=Guards,OU=Night,OU=Staff,DC=example,DC=org: High\n";
        assert_eq!(found, expected);
    }
}
