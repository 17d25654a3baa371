//! *Limits*: how many texts may go where, whether more is refused or recorded, and what that would have meant in the
//! last week; for other figures too, before they are saved.

use maud::{Markup, html};
use textsender::{
    edit::{
        Order,
        limits::{ResetLimit, SetLimit},
    },
    ledger::{Hindsight, Limit, Mode, Scope},
    site::limits::{self, LimitLine},
};

use super::{
    Made,
    change::Change,
    layout::{self, choice},
    visit::Visit,
};
use crate::command::Command;

pub fn show(visit: &Visit) -> Made {
    let site = visit.site()?;
    let lines = limits::lines(site)?;
    let rows: Vec<Vec<Markup>> = lines.iter().map(row).collect();
    let headings = [
        "Limit",
        "Counts",
        "Figures",
        "At the limit",
        "The last 7 days",
        "Change",
    ];
    let content = html! {
        p { "5/10m is five texts in any ten minutes; all figures of a limit hold at once. To try a figure out, have it record first: it then sends, and the log says which text was over." }
        (layout::table("Limits as they hold", &headings, &rows))
        @if !site.config.limits.exempt.is_empty() {
            p { "Numbers that no limit counts: " (site.config.limits.exempt.len()) "." }
        }
        (layout::command_box("The command that shows the same", &Command::new(["limits", "list"]).line(&visit.call)))
    };
    Ok(layout::page(visit, 200, "Limits", &content))
}

fn row(line: &LimitLine) -> Vec<Markup> {
    vec![
        html! { (line.limit) },
        html! { (line.counts) },
        html! { @if line.limits.is_empty() { "none" } @else { (line.limits.join(", ")) } },
        html! { (at_the_limit(line.mode)) @if line.is_default { br; span.help { "the default" } } },
        html! {
            @match &line.last_week {
                Some(_) if line.limits.is_empty() => "-",
                Some(found) => (words(found)),
                None => "can't be told",
            }
        },
        html! { a.button href={ "/limits/" (line.limit) } aria-label={ "Change the limit " (line.limit) } { "Change" } },
    ]
}

fn at_the_limit(mode: &str) -> &'static str {
    match mode == Mode::Enforce.as_str() {
        true => "is refused",
        false => "is sent and recorded",
    }
}

fn words(found: &Hindsight) -> String {
    match found.texts {
        0 => "no text to count".to_owned(),
        texts => format!("enforced, it refuses {} of {texts}", found.refused),
    }
}

/// The form of one limit.
pub fn show_one(visit: &Visit, key: &str) -> Made {
    form(visit, key, &html! {}, 200)
}

fn form(visit: &Visit, name: &str, above: &Markup, status: u16) -> Made {
    let site = visit.site()?;
    let Some(key) = Scope::at_key(name) else {
        return Ok(no_such(visit));
    };
    let now = &site.config.limits;
    let figures = limits::figures(key, now).join(", ");
    let typed = visit.call.field("limits").unwrap_or(&figures);
    let mode = limits::mode(key, now).as_str();
    let mode = visit.call.field("mode").unwrap_or(mode);
    let is_shares = now.rule(key).is_none();
    let content = html! {
        (above)
        p { "It counts " (key.describe()) "." }
        form method="post" action={ "/limits/" (name) } {
            (layout::hidden(visit))
            @if is_shares {
                @let counted = if key == Scope::Unused { "For each code that was used, so many may be unused: " } else { "Of a day: " };
                p { (counted) (figures) ". These figures are changed in the file: " code { "textsender config edit" } "." }
            } @else {
                p {
                    label for="limits" { "Figures" }
                    input id="limits" name="limits" value=(typed) aria-describedby="limits-help";
                    span.help id="limits-help" { "COUNT/WINDOW with commas between them, such as 5/10m, 20/1d; empty to lift it." }
                }
            }
            fieldset {
                legend { "What is over the limit" }
                (choice("mode", Mode::Enforce.as_str(), "is refused", mode == Mode::Enforce.as_str()))
                (choice("mode", Mode::Record.as_str(), "is sent and recorded", mode == Mode::Record.as_str()))
            }
            @if !visit.call.read_only { button id="ok" { "OK" } " " }
            @if !is_shares { button id="try" formaction={ "/limits/" (name) "/try" } { "What would it have refused?" } " " }
            a.button href="/limits" { "Cancel" }
        }
        @if site.config.limits.is_configured(key) && !visit.call.read_only {
            h2 { "The default" }
            (layout::action(visit, &format!("/limits/{name}/reset"), "Back to the default"))
        }
    };
    let title = format!("The limit {name}");
    Ok(layout::page(visit, status, &title, &content))
}

fn no_such(visit: &Visit) -> crate::call::Answer {
    let words = html! { p { "There is no such limit. " a href="/limits" { "To the limits" } } };
    layout::page(visit, 404, "Not found", &words)
}

/// The figures of the form.
fn figures(visit: &Visit) -> Option<Vec<String>> {
    let typed = visit.call.field("limits")?;
    let figures = typed.split(',').map(str::trim);
    Some(
        figures
            .filter(|figure| !figure.is_empty())
            .map(str::to_owned)
            .collect(),
    )
}

/// What the figures of the form would have done. Nothing is changed.
pub fn try_out(visit: &Visit, name: &str) -> Made {
    let site = visit.site()?;
    let Some(key) = Scope::at_key(name) else {
        return Ok(no_such(visit));
    };
    let typed = figures(visit).unwrap_or_default();
    let parsed: Result<Vec<Limit>, _> = typed.iter().map(|figure| figure.parse()).collect();
    let parsed = match parsed {
        Ok(limits) => limits,
        Err(error) => return form(visit, name, &layout::problem(&error.to_string()), 409),
    };
    let found = match parsed.is_empty() {
        true => None,
        false => limits::try_out(site, key, parsed)?,
    };
    let command = typed
        .iter()
        .fold(Command::new(["limits", "try", name]), |command, figure| {
            command.arg(figure)
        });
    let above = html! {
        div.notice role="status" {
            p {
                strong { "In the last 7 days " }
                @match found {
                    Some(found) if found.texts > 0 => { "it would have refused " (found.refused) " of " (found.texts) " texts." },
                    _ if typed.is_empty() => "it would have refused nothing: it is lifted.",
                    _ => "there was no text to count.",
                }
            }
            @if !typed.is_empty() { (layout::command_box("The command that tells the same", &command.line(&visit.call))) }
        }
    };
    form(visit, name, &above, 200)
}

pub fn change(visit: &Visit, name: &str) -> Made {
    let Some(key) = Scope::at_key(name) else {
        return Ok(no_such(visit));
    };
    let limits = figures(visit);
    let mode = visit.call.given("mode").and_then(Mode::named);
    let mut command = Command::new(["limits", "set", name]);
    match limits.as_deref() {
        Some([]) => command = command.arg("--no-limits"),
        Some(figures) => command = command.option("--limits", &figures.join(",")),
        None => {}
    }
    if let Some(mode) = mode {
        command = command.option("--mode", mode.as_str());
    }
    let order = SetLimit { key, limits, mode };
    let words = format!("Changed the limit {name}.");
    carry_out(visit, name, order, command, words)
}

pub fn reset(visit: &Visit, name: &str) -> Made {
    let Some(key) = Scope::at_key(name) else {
        return Ok(no_such(visit));
    };
    let command = Command::new(["limits", "reset", name]);
    let words = format!("The limit {name} has its default again.");
    carry_out(visit, name, ResetLimit { key }, command, words)
}

fn carry_out<O: Order + Clone>(
    visit: &Visit,
    name: &str,
    order: O,
    command: Command,
    words: String,
) -> Made {
    let change = Change {
        title: &format!("The limit {name}"),
        order,
        commands: vec![command],
        back: format!("/limits/{name}"),
        next: "/limits".to_owned(),
        words,
    };
    change
        .carry_out(visit)?
        .or_again(|why| form(visit, name, &layout::problem(why), 409))
}
