//! One past message, explained: "why didn't Ada get her text?". From the audit alone, so there is no
//! secret in it and no full number.

use std::fmt::Write;

use super::entry::{Entry, EntryState};
use crate::protocol::{Attempt, ErrorCode, Outcome};
use crate::redact::printable;

/// Says in words what became of the message that these entries are of, and what can be done about
/// it. The entries are those of one id, oldest first ([`History::of_id`](super::History::of_id)).
pub fn explain_history(entries: &[Entry]) -> String {
    let mut text = String::new();
    let entries: Vec<Entry> = entries.iter().map(Entry::shown).collect();
    let Some(first) = entries.first() else {
        return text;
    };
    // Writing to a String never fails.
    let _ = writeln!(text, "{}: {}", first.id, subject(&entries));
    for (index, entry) in entries.iter().enumerate() {
        text.push('\n');
        describe(entry, index > 0, &mut text);
    }
    if let Some(advice) = advice(&entries) {
        let _ = write!(text, "\n{advice}\n");
    }
    text
}

/// "a verification code for +44*******123 in GB"
fn subject(entries: &[Entry]) -> String {
    let known = |get: fn(&Entry) -> Option<&str>| entries.iter().find_map(get);
    let what = match known(|entry| entry.purpose.as_deref()) {
        Some("verification_code") => "a verification code",
        Some("helpdesk_code") => "a helpdesk code",
        Some("new_password") => "a new password",
        Some("test") => "a test",
        Some("information") => "information",
        _ => "a message",
    };
    let whom = known(|entry| entry.recipient.as_deref()).map(|number| format!(" for {number}"));
    let place = known(|entry| entry.region.as_deref()).map(|region| format!(" in {region}"));
    [Some(what.to_owned()), whom, place]
        .into_iter()
        .flatten()
        .collect()
}

/// One time that it was asked for.
fn describe(entry: &Entry, is_repeat: bool, text: &mut String) {
    let again = if is_repeat { " again" } else { "" };
    let actor = match &entry.actor {
        Some(actor) => format!(" by {}", printable(actor)),
        None => String::new(),
    };
    let event = match &entry.event {
        Some(event) => format!(", event {}", printable(event)),
        None => String::new(),
    };
    let (at, uid) = (time(entry), entry.uid);
    let node = match &entry.node {
        Some(node) => format!(" on {}", printable(node)),
        None => String::new(),
    };
    let _ = writeln!(
        text,
        "{at}  asked for{again}{actor} (uid {uid}){node}{event}"
    );
    let width = column(entry);
    let mut line = |subject: &str, words: &str| {
        let _ = writeln!(text, "  {subject:<width$}{words}");
    };
    if let Some(of) = &entry.resend_of {
        line("resend of", &printable(of));
    }
    if let Some(policy) = &entry.policy {
        line("policy", &printable(policy));
    }
    if let Some(segments) = entry.segments {
        line("segments", &segments.to_string());
    }
    if let Some(limits) = &entry.over_limit {
        match entry.state == EntryState::Ended(Outcome::Limited) {
            true => line("limit", &format!("{limits} is reached")),
            false => line("limit", &format!("over {limits}, which only records")),
        }
    }
    for paused in &entry.paused {
        let (sender, reason) = paused.split_once(' ').unwrap_or((paused, "?"));
        line(sender, &format!("asked last, as it was failing ({reason})"));
    }
    if entry.code.as_deref() == Some(ErrorCode::Paused.as_str())
        && entry.attempts.is_empty()
        && let Some(pause) = entry.reasons.first()
    {
        line("paused", &printable(pause));
    }
    for (number, attempt) in entry.attempts.iter().enumerate() {
        line(&attempt.sender, &how(attempt));
        // What the provider said stands below what it means.
        let reason = entry
            .reasons
            .get(number)
            .filter(|reason| !reason.is_empty());
        if let Some(reason) = reason {
            line("", &format!("it said: {}", printable(reason)));
        }
    }
    if entry.attempts.is_empty() {
        for sender in &entry.dispatched_to {
            line(sender, "was handed the message");
        }
    }
    line(ending_word(entry), &ending(entry));
    if let Some(state) = &entry.delivery {
        line(
            "delivery",
            &format!("{state}, as the provider had it a minute later"),
        );
    }
    if let Some(at) = entry.used_at {
        let at = at.strftime("%Y-%m-%d %H:%M:%SZ");
        line("used", &format!("the code was typed in, at {at}"));
    }
}

/// How wide the column is in which senders' names stand, with the blanks behind them.
fn column(entry: &Entry) -> usize {
    let paused = entry
        .paused
        .iter()
        .filter_map(|paused| paused.split(' ').next());
    let attempts = entry.attempts.iter().map(|attempt| attempt.sender.as_str());
    let asked = entry.dispatched_to.iter().map(String::as_str);
    let names = paused.chain(attempts).chain(asked);
    let longest = names.map(|name| name.chars().count() + 2).max();
    longest.unwrap_or_default().max(12)
}

/// "unavailable after 10003 ms: the provider was not reached in time (timeout)"
fn how(attempt: &Attempt) -> String {
    let Attempt {
        outcome, code, ms, ..
    } = attempt;
    match code {
        Some(code) => format!("{outcome} after {ms} ms: {}", meaning(code)),
        None => format!("{outcome} after {ms} ms"),
    }
}

fn ending_word(entry: &Entry) -> &'static str {
    match entry.state {
        EntryState::Sending => "now",
        EntryState::Ended(_) => "ended",
    }
}

fn ending(entry: &Entry) -> String {
    let EntryState::Ended(outcome) = entry.state else {
        return "it is being sent by a process that runs".to_owned();
    };
    let replayed = match entry.replayed {
        true => "answered as before: ",
        false => "",
    };
    let mut ending = format!("{replayed}{outcome}");
    if let (Outcome::Accepted, Some(sender)) = (outcome, &entry.sender) {
        let _ = write!(ending, " by {sender}");
    }
    if let Some(id) = &entry.provider_id {
        let _ = write!(ending, ", where its id is {}", printable(id));
    }
    if let Some(ms) = entry.ms.filter(|_| !entry.attempts.is_empty()) {
        let _ = write!(ending, ", {ms} ms after the request");
    }
    if let Some(code) = &entry.code {
        let _ = write!(ending, ": {}", meaning(code));
    }
    ending
}

/// "the provider was not reached in time (timeout)"
fn meaning(code: &str) -> String {
    match ErrorCode::parse(code) {
        Some(known) => format!("{} ({code})", known.message()),
        None => code.to_owned(),
    }
}

/// What follows from how it ended: of the last time that it ran, not of a repeat of it.
fn advice(entries: &[Entry]) -> Option<String> {
    let is_run = |entry: &&Entry| {
        let code = entry.code.as_deref().and_then(ErrorCode::parse);
        let is_beside = matches!(code, Some(ErrorCode::InProgress | ErrorCode::IdReused));
        !entry.replayed && !is_beside
    };
    let last = entries
        .iter()
        .rev()
        .find(is_run)
        .or_else(|| entries.last())?;
    if last.state == EntryState::Ended(Outcome::Accepted) {
        let (sender, id) = (last.sender.as_ref()?, last.provider_id.as_ref()?);
        let id = argument(id);
        return Some(format!(
            "A provider took it, which does not say that it arrived. Ask the provider:\n  \
             textsender status --sender {sender} {id}"
        ));
    }
    let code = last.code.as_deref().and_then(ErrorCode::parse)?;
    Some(format!("What to do: {}", code.remedy()))
}

/// An id as an argument of a command that is shown to be copied: no option, and one word to a shell.
fn argument(id: &str) -> String {
    let id = printable(id);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "._@+=:/-".contains(c);
    let word = match id.chars().all(is_plain) {
        true => id,
        false => format!("'{}'", id.replace('\'', r"'\''")),
    };
    match word.starts_with('-') {
        true => format!("-- {word}"),
        false => word,
    }
}

/// To the second, in UTC.
fn time(entry: &Entry) -> String {
    entry.at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            seq: 1,
            at: "2026-11-24T07:43:39.123Z".parse().unwrap(),
            id: "5f0c".to_owned(),
            node: None,
            resend_of: None,
            purpose: Some("verification_code".to_owned()),
            event: Some("reset".to_owned()),
            actor: Some("helpdesk\\bob\u{1b}[2J".to_owned()),
            user_hash: None,
            source_hash: None,
            policy: Some("Staff".to_owned()),
            recipient: Some("+44*******123".to_owned()),
            recipient_hash: None,
            prefix_hash: None,
            region: Some("GB".to_owned()),
            segments: Some(1),
            uid: 33,
            state: EntryState::Ended(Outcome::Accepted),
            code: None,
            sender: Some("gateway".to_owned()),
            dispatched_to: vec!["twilio".to_owned(), "gateway".to_owned()],
            provider_id: Some("GW7".to_owned()),
            attempts: vec![
                attempt("twilio", Some(ErrorCode::Timeout), 10_003),
                attempt("gateway", None, 45),
            ],
            reasons: Vec::new(),
            ms: Some(10_060),
            replayed: false,
            delivery: None,
            used_at: None,
            over_limit: None,
            paused: Vec::new(),
        }
    }

    fn attempt(sender: &str, code: Option<ErrorCode>, ms: u64) -> Attempt {
        Attempt {
            sender: sender.to_owned(),
            outcome: code.map_or(Outcome::Accepted, ErrorCode::outcome),
            code: code.map(|code| code.as_str().into()),
            ms,
        }
    }

    #[test]
    fn a_long_name_does_not_run_into_the_words_behind_it() {
        let mut long = entry();
        for name in ["email-gateway", "a-sender-with-a-name-of-many-words"] {
            long.attempts[0].sender = name.to_owned();
            long.paused = vec![format!("{name} timeout")];
            let text = explain_history(std::slice::from_ref(&long));
            assert!(
                text.contains(&format!("\n  {name}  unavailable after")),
                "{text}"
            );
            assert!(text.contains(&format!("\n  {name}  asked last")), "{text}");
        }
    }

    #[test]
    fn an_id_is_one_word_and_no_option() {
        for (id, shown) in [
            ("SM5f0c", "SM5f0c"),
            ("--config=x", "-- --config=x"),
            ("a; rm -r 'b'", r"'a; rm -r '\''b'\'''"),
            ("a\u{1b}[2J", "'a [2J'"),
        ] {
            assert_eq!(argument(id), shown);
        }
    }

    #[test]
    fn what_a_provider_said_stands_below_its_attempt() {
        let entry = Entry {
            reasons: vec!["20003: no credit left".to_owned(), String::new()],
            ..entry()
        };
        let explained = explain_history(&[entry]);
        let said = "in time (timeout)\n              it said: 20003: no credit left\n  gateway ";
        assert!(explained.contains(said), "{explained}");
    }

    #[test]
    fn a_message_and_its_repeat() {
        let repeat = Entry {
            replayed: true,
            attempts: Vec::new(),
            dispatched_to: Vec::new(),
            ms: None,
            ..entry()
        };
        assert_eq!(
            explain_history(&[entry(), repeat]),
            "\
5f0c: a verification code for +44*******123 in GB

2026-11-24 07:43:39Z  asked for by helpdesk\\bob [2J (uid 33), event reset
  policy      Staff
  segments    1
  twilio      unavailable after 10003 ms: the provider was not reached in time (timeout)
  gateway     accepted after 45 ms
  ended       accepted by gateway, where its id is GW7, 10060 ms after the request

2026-11-24 07:43:39Z  asked for again by helpdesk\\bob [2J (uid 33), event reset
  policy      Staff
  segments    1
  ended       answered as before: accepted by gateway, where its id is GW7

A provider took it, which does not say that it arrived. Ask the provider:
  textsender status --sender gateway GW7
"
        );
    }

    #[test]
    fn a_message_that_was_never_sent_says_what_to_do() {
        let refused = Entry {
            recipient: None,
            actor: None,
            event: None,
            policy: None,
            segments: None,
            region: None,
            sender: None,
            provider_id: None,
            dispatched_to: Vec::new(),
            attempts: Vec::new(),
            state: EntryState::Ended(Outcome::Refused),
            code: Some("no_policy".to_owned()),
            ..entry()
        };
        assert_eq!(
            explain_history(&[refused]),
            "\
5f0c: a verification code

2026-11-24 07:43:39Z  asked for (uid 33)
  ended       refused: no policy applies to this user (no_policy)

What to do: Link a policy to the user's container, or set [defaults] policy.
"
        );
    }

    #[test]
    fn limits_pauses_and_what_is_still_being_sent() {
        let limited = Entry {
            state: EntryState::Ended(Outcome::Limited),
            code: Some("limited".to_owned()),
            over_limit: Some("recipient 5/10m".to_owned()),
            dispatched_to: Vec::new(),
            attempts: Vec::new(),
            provider_id: None,
            ..entry()
        };
        let text = explain_history(&[limited]);
        assert!(
            text.contains("  limit       recipient 5/10m is reached\n"),
            "{text}"
        );

        let sending = Entry {
            state: EntryState::Sending,
            attempts: Vec::new(),
            paused: vec!["twilio timeout".to_owned()],
            dispatched_to: vec!["gateway".to_owned()],
            ..entry()
        };
        let text = explain_history(&[sending]);
        assert!(
            text.contains("  twilio      asked last, as it was failing (timeout)\n"),
            "{text}"
        );
        assert!(
            text.contains("  gateway     was handed the message\n"),
            "{text}"
        );
        assert!(text.contains("  now         it is being sent"), "{text}");
    }
}
