//! *Fleet*: the machines that share a ledger, and how the ledger's server is. What the ledger does not know is not
//! guessed.

use jiff::{SignedDuration, Timestamp};
use maud::{Markup, html};
use textsender::{
    ledger::{Away, Machine, Options, Server},
    os::process::host_name,
};

use super::{Made, layout, log, visit::Visit};
use crate::command::{self, Command};

/// How far back machines are looked for, as the command writes it.
const SINCE: (&str, SignedDuration) = ("30d", SignedDuration::from_hours(30 * 24));

pub fn show(visit: &Visit) -> Made {
    let site = visit.site()?;
    let content = match &site.config.state.shared {
        None => alone(visit),
        Some(_) => shared(visit)?,
    };
    Ok(layout::page(visit, 200, "Fleet", &content))
}

fn alone(visit: &Visit) -> Markup {
    html! {
        p { "This machine, " strong { (host_name()) } ", has a ledger of its own: nothing of it knows of another machine. Several machines share one where " code { "[state.shared]" } " is configured." }
        (layout::command_box("The command that shows how the ledger is", &Command::new(["doctor"]).line(&visit.call)))
    }
}

fn shared(visit: &Visit) -> anyhow::Result<Markup> {
    let now = Timestamp::now();
    let site = visit.site()?;
    let away = Away::look(&site.state, &Options::of(&site.config.state));
    let known = log::history(visit).and_then(|history| {
        let Some(history) = history else {
            return Ok((None, Vec::new(), Vec::new()));
        };
        let drift = history.drift(&site.config.sources.main, &host_name())?;
        let machines = history.machines(Some(now - SINCE.1))?;
        Ok((history.server()?, machines, drift))
    });
    let commands = [
        Command::new(["ledger", "machines", "--since", SINCE.0]),
        Command::new(["doctor"]),
    ];
    let rows = |machines: &[Machine]| -> Vec<Vec<Markup>> {
        machines.iter().map(|machine| row(machine, now)).collect()
    };
    let headings = [
        "Machine",
        "Last seen",
        "First seen",
        "Messages",
        "Accepted",
        "Unknown",
    ];
    Ok(html! {
        h2 { "The shared ledger" }
        @if let Some(away) = &away { (of_own(away, known.is_ok())) }
        @match &known {
            Err(error) => p.bad { strong { "It can't be read: " } (format!("{error:#}")) },
            Ok((None, ..)) => p { "This machine, " (host_name()) ", has not sent yet: it has no key of the ledger." },
            Ok((Some(server), machines, drift)) => {
                (of_server(server))
                h2 { "Machines" }
                @if machines.is_empty() { p { "None recorded anything in the last 30 days." } }
                @else { (layout::table("Machines by what they recorded in the last 30 days, in UTC", &headings, &rows(machines))) }
                p.help { "The ledger knows a machine by the messages that came to it." }
                h2 { "How they are set up" }
                @if drift.is_empty() { p { "No machine differs from this one, as far as they have said how they are set up." } }
                @else {
                    ul { @for one in drift { li { span.attention { (one.to_string()) } " (as of " (one.at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()) ")" } } }
                }
                p.help { "Compared are the files of the configuration, the plugins, the stored secrets by keyed fingerprints, and the version of textsender." }
            }
        }
        (layout::command_box("The commands that show the same", &command::lines(&commands, &visit.call)))
    })
}

fn of_own(away: &Away, is_reached: bool) -> Markup {
    let since = away.since.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    html! {
        p.bad {
            @if !is_reached { "Since " (since) " codes go by this machine's own ledger, and may come twice. New passwords wait." }
            @else { "What this machine sent by its own ledger since " (since) " is not brought over yet: its next message does that." }
        }
    }
}

fn of_server(server: &Server) -> Markup {
    let standbys = match server.standbys.is_empty() {
        true => "none: a commit waits for no other server",
        false => server.standbys.as_str(),
    };
    let facts = [
        ("Server", server.hosts.clone()),
        ("PostgreSQL", server.version.to_string()),
        ("Standbys", standbys.to_owned()),
        (
            "On disk once committed",
            if server.fsync {
                "yes"
            } else {
                "no: fsync is off"
            }
            .to_owned(),
        ),
        (
            "One question takes",
            format!("{} ms", server.round_trip.as_millis()),
        ),
        (
            "Its clock differs by",
            format!("{} ms", server.clock_differs.as_millis()),
        ),
    ];
    html! {
        dl.facts { @for (name, value) in &facts { div { dt { (name) } dd { (value) } } } }
    }
}

fn row(machine: &Machine, now: Timestamp) -> Vec<Markup> {
    let time = |at: Timestamp| at.strftime("%Y-%m-%d %H:%M:%SZ").to_string();
    let is_this = machine.name == host_name();
    // A day without a message, where others have some, is worth a look.
    let is_quiet = now.duration_since(machine.last) > SignedDuration::from_hours(24);
    vec![
        html! { (machine.name) @if is_this { " (this machine)" } },
        html! { (time(machine.last)) @if is_quiet { " " span.attention { "not for a day" } } },
        html! { (time(machine.first)) },
        html! { (machine.messages) },
        html! { (machine.accepted) },
        html! { (machine.unknown) },
    ]
}
