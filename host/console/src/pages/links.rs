//! What the forms of the tree change: links, their order, whether they are enforced and enabled, and inheritance.

use textsender::edit::{
    Order,
    links::{BlockInheritance, LinkPolicy, SetLink, SwitchLinks, UnlinkPolicy},
};

use super::{Made, change::Change, policies, visit::Visit};
use crate::command::Command;

/// What a form is about.
struct Asked {
    policy: String,
    container: String,
}

impl Asked {
    fn of(visit: &Visit) -> Self {
        let given = |name| visit.call.given(name).unwrap_or_default().to_owned();
        Self {
            policy: given("policy"),
            container: given("container"),
        }
    }

    fn command(&self, verb: &str) -> Command {
        Command::new(["policy", verb, &self.policy, &self.container])
    }
}

/// Links a policy to a container.
pub fn link(visit: &Visit) -> Made {
    let asked = Asked::of(visit);
    let order = match order_of(visit) {
        Ok(order) => order,
        Err(why) => return policies::page(visit, Some(why)),
    };
    let enforced = visit.call.field("enforced") == Some("yes");
    let mut command = asked.command("link");
    if let Some(order) = order {
        command = command.option("--order", &order.to_string());
    }
    if enforced {
        command = command.arg("--enforced");
    }
    let words = format!("Linked {} to {}.", asked.policy, asked.container);
    let order = LinkPolicy {
        policy: asked.policy,
        container: asked.container,
        order,
        enforced,
    };
    carry_out(visit, "Link a policy", order, command, words)
}

/// Removes a link.
pub fn unlink(visit: &Visit) -> Made {
    let asked = Asked::of(visit);
    let command = asked.command("unlink");
    let words = format!("Unlinked {} from {}.", asked.policy, asked.container);
    let order = UnlinkPolicy {
        policy: asked.policy,
        container: asked.container,
    };
    carry_out(visit, "Unlink a policy", order, command, words)
}

/// Changes a link's order.
pub fn set_order(visit: &Visit) -> Made {
    let order = match order_of(visit) {
        Ok(Some(order)) => order,
        Ok(None) => return policies::page(visit, Some(NO_ORDER)),
        Err(why) => return policies::page(visit, Some(why)),
    };
    let asked = Asked::of(visit);
    let command = asked
        .command("set-link")
        .option("--order", &order.to_string());
    let words = format!(
        "The link of {} to {} has order {order}.",
        asked.policy, asked.container
    );
    let change = SetLink {
        policy: asked.policy,
        container: asked.container,
        order: Some(order),
        enforced: None,
    };
    carry_out(visit, "The order of a link", change, command, words)
}

/// Enforces a link, or no longer does.
pub fn enforce(visit: &Visit) -> Made {
    let asked = Asked::of(visit);
    let on = visit.call.field("on") == Some("yes");
    let (option, does) = match on {
        true => ("--enforced", "can't be overridden below"),
        false => ("--not-enforced", "can be overridden below"),
    };
    let command = asked.command("set-link").arg(option);
    let words = format!(
        "The link of {} to {} {does}.",
        asked.policy, asked.container
    );
    let change = SetLink {
        policy: asked.policy,
        container: asked.container,
        order: None,
        enforced: Some(on),
    };
    carry_out(visit, "Enforce a link", change, command, words)
}

/// Switches a link on or off.
pub fn enable(visit: &Visit) -> Made {
    let asked = Asked::of(visit);
    let on = visit.call.field("on") == Some("yes");
    let verb = if on { "enable" } else { "disable" };
    let command = Command::new(["policy", verb, &asked.policy]);
    let command = command.option("--link", &asked.container);
    let words = format!(
        "The link of {} to {} is {verb}d.",
        asked.policy, asked.container
    );
    let change = SwitchLinks {
        policy: asked.policy,
        container: Some(asked.container),
        on,
    };
    carry_out(visit, "Switch a link", change, command, words)
}

/// Has a container block inheritance, or no longer.
pub fn inheritance(visit: &Visit) -> Made {
    let container = visit.call.given("container").unwrap_or_default().to_owned();
    let on = visit.call.field("block") == Some("yes");
    let mut command = Command::new(["policy", "block-inheritance", &container]);
    if !on {
        command = command.arg("--off");
    }
    let words = match on {
        true => format!("{container} takes no links from above, but those that are enforced."),
        false => format!("{container} takes links from above."),
    };
    let change = BlockInheritance { container, on };
    carry_out(visit, "Inheritance", change, command, words)
}

const NO_ORDER: &str = "An order is a whole number from 1 on.";

fn order_of(visit: &Visit) -> Result<Option<u32>, &'static str> {
    let Some(typed) = visit.call.given("order") else {
        return Ok(None);
    };
    let order = typed.parse().ok().filter(|order| *order > 0);
    order.map(Some).ok_or(NO_ORDER)
}

fn carry_out<O: Order + Clone>(
    visit: &Visit,
    title: &str,
    order: O,
    command: Command,
    words: String,
) -> Made {
    let change = Change {
        title,
        order,
        commands: vec![command],
        back: "/policies".to_owned(),
        next: "/policies".to_owned(),
        words,
    };
    change
        .carry_out(visit)?
        .or_again(|why| policies::page(visit, Some(why)))
}
