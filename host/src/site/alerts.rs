//! Alerts: a message when something goes wrong, and one when it is well again.
//!
//! | what changes | what is sent |
//! |---|---|
//! | something goes wrong | one alert, and the next about it an hour later at the earliest, however often it comes and goes |
//! | it gets worse than was alerted in this hour | one more |
//! | what runs out has 30, 7, 1 days left, or has ended | one each |
//! | it is well again, and it was alerted that it was not | the all-clear, at once |
//! | several at one look | one message |
//! | a way did not take the message | nothing is noted of that way: the next look sends it, by it alone |
//!
//! What each way was told stands in a file of the state folder, as the ledger may be what is broken. So the all-clear
//! comes by each way that brought the alert, and the next process makes up for one that could not use a way: the hub's
//! unit is not allowed a `sendmail` that is setgid, and the timer's is.

mod kept;
mod ways;

use std::{collections::BTreeMap, io, path::Path};

use anyhow::{Context, bail};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    Site,
    health::{Health, Level, State},
};
use crate::{
    edit::files::{self, Access},
    os::process::host_name,
    trust,
};

/// The file's name, in the state folder.
const FILE: &str = "alerts.json";

/// How long nothing more is said of what goes wrong again.
const QUIET: SignedDuration = SignedDuration::from_hours(1);

/// What was alerted by one way, by what it is about.
type Alerted = BTreeMap<String, Known>;

/// The last that was alerted of one thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Known {
    level: Level,
    /// The worst that was alerted since then.
    worst: Level,
    /// Of what runs out, how near its end was.
    #[serde(default)]
    step: u8,
    /// When it was last alerted that it is wrong.
    at: Timestamp,
}

/// What is to be said.
#[derive(Debug, Default, PartialEq, Eq)]
struct News {
    /// What is wrong, the worst first.
    wrong: Vec<State>,
    /// What is well again.
    well: Vec<State>,
}

impl Site {
    /// Alerts of what changed since the last time, by every way of `[alerts]`; returns the ways that failed, and why:
    /// the next look tries them again.
    ///
    /// # Errors
    ///
    /// What was alerted can't be read or noted, or no way knows what is to be known.
    pub fn alert(&self, health: &Health) -> anyhow::Result<Vec<String>> {
        let alerts = kept::known(self, health);
        if alerts.is_off() {
            bail!("there is no way to alert: set mail, command or webhook of [alerts]");
        }
        let file = self.state.join(FILE);
        // The hub and a timer may look at once.
        let _lock = files::Lock::of(&self.state, || {})?;
        let before = read(&file)?;
        let (mut after, mut failed) = (BTreeMap::new(), Vec::new());
        let (now, host) = (Timestamp::now(), host_name());
        let ways = ways::of(&alerts);
        for way in &ways {
            let mut known = before.get(way.name()).cloned().unwrap_or_default();
            let (news, told) = news(&known, &health.states, now);
            let sent = match news == News::default() {
                true => Ok(()),
                false => way.send(&self.config.http, &message(&news, &host)),
            };
            match sent {
                Ok(()) => known = told,
                Err(error) => failed.push(format!("[alerts] {}: {error:#}", way.name())),
            }
            after.insert(way.name().to_owned(), known);
        }
        if after != before {
            write(&file, &after)?;
        }
        match failed.len() == ways.len() {
            true => bail!("{}", failed.join("; ")),
            false => Ok(failed),
        }
    }
}

/// What is to be said of how things are, and what will then have been.
fn news(before: &Alerted, states: &[State], now: Timestamp) -> (News, Alerted) {
    let mut after = before.clone();
    let mut news = News::default();
    for state in states {
        let known = before.get(&state.about);
        match (known, state.level) {
            (None, Level::Ok) => {}
            (Some(known), Level::Ok) => {
                if known.level != Level::Ok {
                    news.well.push(state.clone());
                }
                note_well(&mut after, &state.about, known, now);
            }
            (Some(known), level) if known.level == level && state.step <= known.step => {}
            (Some(known), level)
                if level <= known.worst && state.step <= known.step && is_quiet(known, now) => {}
            (_, level) => {
                news.wrong.push(state.clone());
                let known = Known {
                    level,
                    worst: level,
                    step: state.step,
                    at: now,
                };
                after.insert(state.about.clone(), known);
            }
        }
    }
    // What is not there any more, such as a pause that ended, is no trouble any more.
    for (about, known) in before {
        if states.iter().any(|state| state.about == *about) {
            continue;
        }
        if known.level != Level::Ok {
            news.well.push(State {
                about: about.clone(),
                level: Level::Ok,
                words: "it is over".to_owned(),
                command: String::new(),
                step: 0,
            });
        }
        note_well(&mut after, about, known, now);
    }
    (news, after)
}

/// Notes that something is well; for as long as nothing more is said of it, with what was alerted.
fn note_well(after: &mut Alerted, about: &str, known: &Known, now: Timestamp) {
    if !is_quiet(known, now) {
        after.remove(about);
        return;
    }
    let level = Level::Ok;
    after.insert(about.to_owned(), Known { level, ..*known });
}

/// Whether it was alerted lately. A clock that was set back is no reason to be silent for longer.
fn is_quiet(known: &Known, now: Timestamp) -> bool {
    let since = now.duration_since(known.at);
    !since.is_negative() && since < QUIET
}

/// A message.
#[derive(Debug, Serialize)]
struct Message {
    #[serde(skip)]
    subject: String,
    /// Subject and lines: what chats show of a webhook.
    text: String,
    host: String,
    level: Level,
    wrong: Vec<State>,
    well: Vec<State>,
}

fn message(news: &News, host: &str) -> Message {
    let level = news.wrong.iter().map(|state| state.level).max();
    let level = level.unwrap_or(Level::Ok);
    let first = news.wrong.first().or(news.well.first());
    let first = first.map_or(String::new(), |state| {
        format!("{}: {}", state.about, state.words)
    });
    let subject = format!("textsender on {host} {}: {first}", level.word());
    let line = |state: &State| {
        let command = match state.command.is_empty() {
            true => String::new(),
            false => format!("\n  -> {}", state.command),
        };
        format!(
            "{} {}: {}{command}\n",
            state.level.word(),
            state.about,
            state.words
        )
    };
    let lines: String = news.wrong.iter().chain(&news.well).map(line).collect();
    Message {
        text: format!("{subject}\n\n{lines}\nAll of it: textsender health --json on {host}\n"),
        subject,
        host: host.to_owned(),
        level,
        wrong: news.wrong.clone(),
        well: news.well.clone(),
    }
}

/// What was alerted, by each way. A file that can't be understood is as none: better one alert too many.
fn read(file: &Path) -> anyhow::Result<BTreeMap<String, Alerted>> {
    match trust::read(file) {
        Ok(bytes) => Ok(serde_json::from_slice(&bytes).unwrap_or_default()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(BTreeMap::new()),
        Err(error) => Err(error).with_context(|| format!("can't read {}", file.display())),
    }
}

fn write(file: &Path, alerted: &BTreeMap<String, Alerted>) -> anyhow::Result<()> {
    let access = Access {
        owner: None,
        mode: 0o600,
    };
    let text = serde_json::to_vec(alerted)?;
    Ok(files::replace(file, &text, access)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ledger::Tally,
        protocol::Outcome,
        site::{health::Seen, installation::Installation},
    };

    fn state(level: Level) -> State {
        State {
            about: "sender twilio".to_owned(),
            level,
            words: "it fails (timeout)".to_owned(),
            command: String::new(),
            step: 0,
        }
    }

    fn at(minute: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
    }

    /// Looks once a minute; tells at which minutes what was said.
    fn looks(levels: impl IntoIterator<Item = Level>) -> Vec<(i64, Level)> {
        let mut alerted = Alerted::new();
        let mut told = Vec::new();
        for (minute, level) in (0..).zip(levels) {
            let (news, after) = news(&alerted, &[state(level)], at(minute));
            told.extend(
                news.wrong
                    .iter()
                    .chain(&news.well)
                    .map(|state| (minute, state.level)),
            );
            alerted = after;
        }
        told
    }

    #[test]
    fn an_outage_is_one_alert_and_one_all_clear() {
        let levels = [
            Level::Ok,
            Level::Critical,
            Level::Critical,
            Level::Ok,
            Level::Ok,
        ];
        assert_eq!(looks(levels), [(1, Level::Critical), (3, Level::Ok)]);
    }

    #[test]
    fn what_comes_and_goes_for_a_day_is_alerted_once_an_hour() {
        let flaps = (0..24 * 60).map(|minute| match minute % 2 {
            0 => Level::Critical,
            _ => Level::Ok,
        });
        let told = looks(flaps);
        let count = |level| told.iter().filter(|(_, told)| *told == level).count();
        assert_eq!((count(Level::Critical), count(Level::Ok)), (24, 24));
    }

    #[test]
    fn what_stays_wrong_after_it_came_and_went_is_alerted_when_the_hour_is_over() {
        let levels = [Level::Critical, Level::Ok].into_iter();
        let told = looks(levels.chain([Level::Critical; 100]));
        assert_eq!(
            told,
            [(0, Level::Critical), (1, Level::Ok), (60, Level::Critical)]
        );
    }

    #[test]
    fn what_gets_worse_is_alerted_at_once_and_its_all_clear_comes() {
        let levels = [Level::Warning; 30].into_iter();
        let levels = levels.chain([Level::Critical; 60]).chain([Level::Ok]);
        assert_eq!(
            looks(levels),
            [(0, Level::Warning), (30, Level::Critical), (90, Level::Ok)]
        );
    }

    #[test]
    fn what_runs_out_is_alerted_at_each_step_and_once() {
        let mut alerted = Alerted::new();
        let mut told = Vec::new();
        for days in (-1..=31).rev() {
            let step = [30, 7, 1, -1].iter().filter(|step| days <= **step).count();
            let level = match step {
                0 => Level::Ok,
                1 | 2 => Level::Warning,
                _ => Level::Critical,
            };
            let state = State {
                step: u8::try_from(step).unwrap(),
                ..state(level)
            };
            let (news, after) = news(&alerted, &[state], at(-days * 24 * 60));
            told.extend(news.wrong.iter().map(|_| days));
            alerted = after;
        }
        assert_eq!(told, [30, 7, 1, -1]);
        let (news, _) = news(&alerted, &[state(Level::Ok)], at(0));
        assert_eq!(news.well.len(), 1);
    }

    /// A day in which the provider fails for seven minutes of each fourteen.
    #[test]
    fn a_hundred_thousand_failures_are_one_message_per_state_and_hour_and_the_all_clear_comes() {
        let installation = Installation {
            faults: 0,
            is_ledger_ok: true,
            away: None,
            is_shared: false,
            may_go_apart: false,
            senders: Vec::new(),
            expiring: Vec::new(),
            directories: Vec::new(),
            prices: BTreeMap::new(),
        };
        let (mut alerted, mut failures) = (Alerted::new(), 0);
        let mut wrong: BTreeMap<String, Vec<i64>> = BTreeMap::new();
        let mut well: BTreeMap<String, usize> = BTreeMap::new();
        for minute in 0..=24 * 60 {
            let failed = match minute % 14 {
                0..7 if minute < 24 * 60 => 139,
                _ => 0,
            };
            failures += failed;
            let lately = [Tally {
                machine: None,
                day: "2026-11-24".parse().unwrap(),
                sender: None,
                region: None,
                outcome: Some(Outcome::Unavailable),
                messages: failed,
                segments: failed,
            }];
            let seen = Seen {
                lately: lately.into(),
                over_limits: BTreeMap::from([("prefix".to_owned(), failed)]),
                ..Seen::default()
            };
            let health = Health::judge(&installation, &seen, at(minute));
            let (news, after) = news(&alerted, &health.states, at(minute));
            for state in news.wrong {
                wrong.entry(state.about).or_default().push(minute);
            }
            for state in news.well {
                *well.entry(state.about).or_default() += 1;
            }
            alerted = after;
        }
        assert!(failures > 100_000, "{failures}");
        assert_eq!(
            wrong.keys().collect::<Vec<_>>(),
            ["limit prefix", "sending"]
        );
        for (about, minutes) in wrong {
            let is_spaced = minutes.windows(2).all(|pair| pair[1] - pair[0] >= 60);
            assert!(is_spaced, "{about}: {minutes:?}");
            assert_eq!(
                well[&about],
                minutes.len(),
                "each has its all-clear: {about}"
            );
        }
    }

    #[test]
    fn what_is_gone_is_well_again() {
        let (_, alerted) = news(&Alerted::new(), &[state(Level::Warning)], at(0));
        let (told, alerted) = news(&alerted, &[], at(1));
        assert_eq!((told.wrong.len(), told.well.len()), (0, 1));
        let (told, alerted) = news(&alerted, &[], at(2));
        assert_eq!(told, News::default());
        let (_, alerted) = news(&alerted, &[], at(61));
        assert_eq!(alerted, Alerted::new());
    }

    #[test]
    fn the_message_names_the_worst_first_and_the_command() {
        let wrong = State {
            command: "textsender sender check twilio".to_owned(),
            ..state(Level::Critical)
        };
        let news = News {
            wrong: vec![wrong],
            well: vec![state(Level::Ok)],
        };
        let message = message(&news, "srv1");
        assert_eq!(
            message.subject,
            "textsender on srv1 CRITICAL: sender twilio: it fails (timeout)"
        );
        assert!(message.text.contains("-> textsender sender check twilio"));
    }
}
