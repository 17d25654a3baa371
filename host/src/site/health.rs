//! Whether all is well, judged in one place: for monitoring plugins and for alerts.
//!
//! What is judged is what the metrics show, by the bounds of the alert rules that the packages have.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Installation, Servers, Site};
use crate::{
    check::expiring::Expiring,
    directory::Looked,
    ledger::{self, Deliveries, History, Options, SenderState, Tally, UsedBy, Uses},
    protocol::{ErrorCode, Failure, Outcome},
    redact::on_one_line,
};

/// How far back messages are counted that failed.
const LATELY: SignedDuration = SignedDuration::from_mins(10);

/// How far back deliveries are counted.
const HOUR: SignedDuration = SignedDuration::from_hours(1);

/// Failures in a row after which a sender is down: those before may be a hiccup.
const DOWN: u32 = 3;

/// Messages that tell something of the share that failed.
const ENOUGH: u64 = 5;

/// Messages that reached one limit in ten minutes, from which it is a flood; and codes of an hour to one region,
/// those of the last ten minutes left out, of which the share that was typed in tells something, and the least of it, in percent.
const FLOOD: u64 = 20;
const CODES: u64 = 50;
const TYPED_IN: u64 = 50;

/// Texts that were asked about, of which the share that arrived tells something; and the least of it, in percent.
const WATCHED: u64 = 10;
const ARRIVED: u64 = 50;

/// What the ledger is called among the states; what is said of a sender that is not ready; how it is said that the
/// configuration or the ledger stops everything.
const LEDGER: &str = "ledger";
const LACKS: &str = "it lacks something";
const STOPPED: &str = "nothing can be sent: ";

/// How well something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Well.
    Ok,
    /// Texts are sent, and something is to be looked at.
    Warning,
    /// Texts are not sent, or will not be.
    Critical,
}

impl Level {
    /// The word of monitoring plugins.
    pub const fn word(self) -> &'static str {
        match self {
            Level::Ok => "OK",
            Level::Warning => "WARNING",
            Level::Critical => "CRITICAL",
        }
    }

    /// Their exit code.
    pub const fn exit(self) -> u8 {
        match self {
            Level::Ok => 0,
            Level::Warning => 1,
            Level::Critical => 2,
        }
    }
}

/// How one thing is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct State {
    /// What: `sending`, `configuration`, `ledger`, `directory NAME`, `sender NAME`, `seal NAME`, `certificate FILE`,
    /// `secret NAME`, ...
    pub about: String,
    /// How well it is.
    pub level: Level,
    /// The same in words.
    pub words: String,
    /// What to do, as a command; empty where it is well.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub command: String,
    /// Of what runs out, how near its end is: a nearer one is alerted anew.
    #[serde(skip)]
    pub step: u8,
}

/// How everything is.
#[derive(Clone, Debug, Serialize)]
pub struct Health {
    /// The worst of all.
    pub level: Level,
    /// Messages of the last ten minutes that a provider took.
    pub accepted: u64,
    /// Those that were not sent for a reason that is ours or a provider's.
    pub failed: u64,
    /// Each thing, the worst first.
    pub states: Vec<State>,
}

/// What the ledger has of the last time.
#[derive(Default)]
pub(super) struct Seen {
    pub lately: Vec<Tally>,
    pub senders: Vec<SenderState>,
    pub deliveries: Vec<Deliveries>,
    pub pauses: Vec<ledger::Pause>,
    pub over_limits: BTreeMap<String, u64>,
    pub uses: Vec<Uses>,
}

impl Health {
    /// What the configuration is called among the states.
    pub const CONFIGURATION: &str = "configuration";

    /// Looks at an installation, as the account that sends; asks no provider.
    pub fn look(site: &Site, servers: Servers) -> Health {
        let installation = Installation::look(&site.config.sources.main, servers);
        let now = Timestamp::now();
        let options = Options::of(&site.config.state);
        let read = History::open(&site.state, &options).and_then(|history| {
            let since = |span| now.saturating_sub(span).unwrap_or(now);
            Ok(Seen {
                lately: history.tallies(Some(since(LATELY)))?,
                senders: history.senders(now)?,
                deliveries: history.deliveries(Some(since(HOUR)))?,
                pauses: history.pauses(now)?,
                over_limits: history.over_limits(since(LATELY))?,
                uses: Uses::without(
                    history.uses(UsedBy::Region, Some(since(HOUR)))?,
                    &history.uses(UsedBy::Region, Some(since(LATELY)))?,
                ),
            })
        });
        // Before the first message there is nothing to read; all else is a state of the ledger.
        Health::judge(&installation, &read.unwrap_or_default(), now)
    }

    /// Judges what was found.
    pub(super) fn judge(installation: &Installation, seen: &Seen, now: Timestamp) -> Health {
        let mut states = vec![configuration(installation), ledger_state(installation)];
        let mut is_down = Vec::new();
        for sender in &installation.senders {
            let known = seen.senders.iter().find(|it| it.sender == sender.name);
            let state = sender_state(&sender.name, sender.is_ready, known);
            is_down.push(!sender.is_ready || state.level == Level::Critical);
            states.push(state);
            states.extend(
                sender
                    .is_sealed
                    .map(|is_sealed| seal(&sender.name, is_sealed)),
            );
        }
        let (accepted, failed) = counts(&seen.lately);
        let none_left = !is_down.is_empty() && is_down.iter().all(|is_down| *is_down);
        let broken = states[..2]
            .iter()
            .find(|state| state.level == Level::Critical);
        states.push(sending(broken, none_left, accepted, failed));
        let directories = installation.directories.iter();
        states.extend(directories.map(|(name, looked)| directory(name, looked)));
        states.extend(installation.expiring.iter().map(|one| ends(one, now)));
        states.extend(
            seen.deliveries
                .iter()
                .filter(|one| one.asked >= WATCHED)
                .map(delivery),
        );
        let floods = seen
            .over_limits
            .iter()
            .filter(|(_, count)| **count >= FLOOD);
        states.extend(floods.map(|(limit, count)| flood(limit, *count)));
        // As long as no caller tells of use there is nothing to judge by.
        if seen.uses.iter().any(|region| region.used > 0) {
            let enough = seen.uses.iter().filter(|region| region.sent >= CODES);
            states.extend(enough.map(typed_in));
        }
        states.extend(seen.pauses.iter().map(pause));
        states.sort_by_key(|state| std::cmp::Reverse(state.level));
        let level = states.first().map_or(Level::Ok, |worst| worst.level);
        Health {
            level,
            accepted,
            failed,
            states,
        }
    }

    /// What is wrong that neither `check` nor a look at the ledger tells: what became of messages, senders that fail,
    /// seals, pauses, what runs out.
    pub fn beside_check(&self) -> impl Iterator<Item = &State> {
        self.states.iter().filter(|state| {
            let is_told = [Self::CONFIGURATION, LEDGER].contains(&state.about.as_str())
                || state.words == LACKS
                || state.words.starts_with(STOPPED);
            state.level != Level::Ok && !is_told
        })
    }

    /// One line for monitoring: the level, what is wrong, and the counts as performance data.
    pub fn line(&self) -> String {
        let wrong = self.states.iter().filter(|state| state.level != Level::Ok);
        let wrong: Vec<String> = wrong
            .map(|state| format!("{}: {}", state.about, state.words))
            .collect();
        let words = match wrong.is_empty() {
            true => format!("texts accepted in the last 10 minutes: {}", self.accepted),
            // A bar would begin the performance data.
            false => wrong.join("; ").replace('|', "/"),
        };
        let Health {
            accepted, failed, ..
        } = self;
        format!(
            "TEXTSENDER {}: {words} | accepted={accepted} failed={failed}",
            self.level.word()
        )
    }
}

fn well(about: impl Into<String>, words: impl Into<String>) -> State {
    bad(Level::Ok, about.into(), words, "")
}

/// Names stand in it as others wrote them, and alerts are shown by programs of any kind.
fn bad(level: Level, about: String, words: impl Into<String>, command: impl Into<String>) -> State {
    State {
        about: on_one_line(&about),
        level,
        words: on_one_line(&words.into()),
        command: on_one_line(&command.into()),
        step: 0,
    }
}

fn configuration(installation: &Installation) -> State {
    let about = Health::CONFIGURATION.to_owned();
    match installation.faults {
        0 => well(about, "no faults"),
        1 => bad(Level::Critical, about, "it has a fault", "textsender check"),
        more => bad(
            Level::Critical,
            about,
            format!("it has {more} faults"),
            "textsender check",
        ),
    }
}

fn ledger_state(installation: &Installation) -> State {
    let about = LEDGER.to_owned();
    match (installation.is_ledger_ok, installation.away) {
        (true, None) => well(about, "it can be read and written"),
        (true, Some(_)) => bad(
            Level::Warning,
            about,
            "what this machine sent by its own ledger is not brought over yet",
            "textsender ledger move",
        ),
        (false, away) if installation.may_go_apart => {
            let since =
                away.map(|away| away.since.strftime(" since %Y-%m-%d %H:%M:%SZ").to_string());
            let words = format!(
                "the shared one can't be reached: codes go by this machine's own{}, and new passwords wait",
                since.unwrap_or_default()
            );
            bad(Level::Warning, about, words, "textsender doctor --offline")
        }
        (false, _) => bad(
            Level::Critical,
            about,
            "it can't be read or written",
            "textsender doctor --offline",
        ),
    }
}

fn sender_state(name: &str, is_ready: bool, known: Option<&SenderState>) -> State {
    let about = format!("sender {name}");
    if !is_ready {
        // One that is used is a fault of the configuration.
        let command = format!("textsender sender show {name}");
        return bad(Level::Warning, about, LACKS, command);
    }
    let failing = known.and_then(|known| match &known.health {
        ledger::Health::Good | ledger::Health::RateLimited { .. } => None,
        ledger::Health::Trial { failures, reason }
        | ledger::Health::Paused {
            failures, reason, ..
        } => Some((*failures, reason)),
    });
    match failing {
        Some((failures, reason)) if failures >= DOWN || is_for_an_administrator(reason) => bad(
            Level::Critical,
            about,
            format!("it fails ({reason})"),
            format!("textsender sender check {name}"),
        ),
        _ => well(about, "it works"),
    }
}

/// Whether a failure does not pass by itself.
fn is_for_an_administrator(reason: &str) -> bool {
    let code = ErrorCode::parse(reason);
    code.is_some_and(|code| code.outcome() == Outcome::Misconfigured)
}

fn seal(name: &str, is_sealed: bool) -> State {
    let about = format!("seal {name}");
    match is_sealed {
        true => well(about, "the sender's process is sealed as configured"),
        false => bad(
            Level::Critical,
            about,
            "the sender's process is not wholly sealed",
            "textsender doctor --offline",
        ),
    }
}

/// A directory of which one server is away is still asked.
fn directory(name: &str, looked: &Result<Looked, Failure>) -> State {
    let about = format!("directory {name}");
    let command = format!("textsender directory check --directory {name}");
    let looked = match looked {
        Ok(looked) => looked,
        Err(failure) => return bad(Level::Critical, about, failure.to_string(), command),
    };
    let mut away = looked.servers.iter().filter_map(|one| one.error.as_ref());
    match (&looked.refused, away.next()) {
        (Some(error), _) => bad(Level::Critical, about, error.message.as_str(), command),
        (None, Some(error)) => bad(Level::Warning, about, error.message.as_str(), command),
        (None, None) => well(about, "its servers answer"),
    }
}

/// What was accepted, and what failed through no fault of the request's.
fn counts(lately: &[Tally]) -> (u64, u64) {
    let sum = |is: fn(Outcome) -> bool| -> u64 {
        let counted = lately.iter().filter(|tally| tally.outcome.is_some_and(is));
        counted.map(|tally| tally.messages).sum()
    };
    let failed = |outcome| {
        matches!(
            outcome,
            Outcome::Unavailable | Outcome::Crashed | Outcome::Unknown | Outcome::Misconfigured
        )
    };
    (sum(|outcome| outcome == Outcome::Accepted), sum(failed))
}

fn sending(broken: Option<&State>, none_left: bool, accepted: u64, failed: u64) -> State {
    let about = "sending".to_owned();
    if let Some(broken) = broken {
        let words = format!("{STOPPED}{}: {}", broken.about, broken.words);
        return bad(Level::Critical, about, words, broken.command.clone());
    }
    if none_left {
        return bad(
            Level::Critical,
            about,
            "no sender works",
            "textsender status",
        );
    }
    let command = "textsender log --since 10m";
    if failed >= ENOUGH && accepted == 0 {
        let words = format!("all {failed} messages of the last 10 minutes failed");
        return bad(Level::Critical, about, words, command);
    }
    if failed >= ENOUGH && failed * 10 > accepted + failed {
        let words = format!(
            "{failed} of {} messages of the last 10 minutes failed",
            accepted + failed
        );
        return bad(Level::Warning, about, words, command);
    }
    well(
        about,
        format!("texts accepted in the last 10 minutes: {accepted}"),
    )
}

fn ends(one: &Expiring, now: Timestamp) -> State {
    let about = format!("{} {}", one.kind.as_str(), one.name);
    let step = one.steps(now);
    let level = match step {
        0 => {
            return well(
                about,
                format!("it is valid for {} days", one.days_left(now)),
            );
        }
        1 | 2 => Level::Warning,
        _ => Level::Critical,
    };
    State {
        step,
        ..bad(level, about, one.words(now), "textsender expiring")
    }
}

fn delivery(one: &Deliveries) -> State {
    let about = format!("delivery {} {}", one.sender, one.region);
    let words = format!("{} of {} texts arrived", one.delivered, one.asked);
    match one.delivered * 100 >= one.asked * ARRIVED {
        true => well(about, words),
        false => bad(
            Level::Warning,
            about,
            words,
            "textsender stats --used-by region",
        ),
    }
}

fn flood(limit: &str, count: u64) -> State {
    bad(
        Level::Warning,
        format!("limit {limit}"),
        format!("{count} messages of the last 10 minutes reached it"),
        "textsender stats --used-by prefix --since 1h",
    )
}

fn typed_in(region: &Uses) -> State {
    let about = format!("codes {}", region.by);
    let words = format!(
        "{} of {} codes of the last hour were typed in",
        region.used, region.sent
    );
    match region.used * 100 >= region.sent * TYPED_IN {
        true => well(about, words),
        false => bad(
            Level::Warning,
            about,
            words,
            "textsender stats --used-by prefix --since 1h",
        ),
    }
}

fn pause(pause: &ledger::Pause) -> State {
    let about = format!("pause {}", pause.subject);
    bad(
        Level::Warning,
        about,
        format!("{pause}"),
        pause.subject.resume(),
    )
}

#[cfg(test)]
mod tests;
