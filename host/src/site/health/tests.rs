//! Levels, words and the line of monitoring plugins.

use std::time::Duration;

use super::*;
use crate::{check::expiring::ExpiringKind, site::installation::Sender};

const NOW: i64 = 1_800_000_000;

fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

fn installation() -> Installation {
    Installation {
        faults: 0,
        is_ledger_ok: true,
        away: None,
        is_shared: false,
        may_go_apart: false,
        senders: ["twilio", "gateway"].map(sender).into(),
        expiring: Vec::new(),
        directories: Vec::new(),
        prices: BTreeMap::new(),
    }
}

fn sender(name: &str) -> Sender {
    Sender {
        name: name.to_owned(),
        is_ready: true,
        is_sealed: Some(true),
    }
}

fn failing(name: &str, failures: u32, reason: &str) -> SenderState {
    SenderState {
        sender: name.to_owned(),
        health: ledger::Health::Paused {
            failures,
            reason: reason.to_owned(),
            remaining: Duration::from_secs(10),
        },
        failed_at: None,
        unsealed: None,
    }
}

fn tally(outcome: Outcome, messages: u64) -> Tally {
    Tally {
        machine: None,
        day: "2026-11-24".parse().unwrap(),
        sender: None,
        region: None,
        outcome: Some(outcome),
        messages,
        segments: messages,
    }
}

fn line_of(installation: &Installation, seen: &Seen) -> (u8, String) {
    let health = Health::judge(installation, seen, now());
    (health.level.exit(), health.line())
}

#[test]
fn where_all_is_well_the_line_says_ok_and_how_much_was_sent() {
    let lately = [tally(Outcome::Accepted, 12), tally(Outcome::Invalid, 3)];
    let seen = Seen {
        lately: lately.into(),
        ..Seen::default()
    };
    assert_eq!(
        line_of(&installation(), &seen),
        (
            0,
            "TEXTSENDER OK: texts accepted in the last 10 minutes: 12 | accepted=12 failed=0"
                .to_owned()
        )
    );
}

#[test]
fn what_keeps_texts_from_being_sent_is_critical_and_named_first() {
    let broken = Installation {
        faults: 2,
        ..installation()
    };
    let (exit, line) = line_of(&broken, &Seen::default());
    assert_eq!(exit, 2);
    assert!(line.contains("configuration: it has 2 faults"), "{line}");
    let locked = Installation {
        is_ledger_ok: false,
        ..installation()
    };
    let (exit, line) = line_of(&locked, &Seen::default());
    assert_eq!(exit, 2);
    assert!(
        line.contains("sending: nothing can be sent: ledger"),
        "{line}"
    );
}

#[test]
fn a_hiccup_of_a_sender_is_none_and_an_outage_or_a_wrong_secret_is_critical() {
    for (failures, reason, exit) in [(2, "timeout", 0), (3, "timeout", 2), (1, "unauthorized", 2)] {
        let senders = [failing("twilio", failures, reason)];
        let seen = Seen {
            senders: senders.into(),
            ..Seen::default()
        };
        let told = line_of(&installation(), &seen);
        assert_eq!(told.0, exit, "{failures} {reason}: {}", told.1);
        assert!(!told.1.contains("no sender works"), "{}", told.1);
    }
    let senders = ["twilio", "gateway"].map(|name| failing(name, 5, "timeout"));
    let seen = Seen {
        senders: senders.into(),
        ..Seen::default()
    };
    let (_, line) = line_of(&installation(), &seen);
    assert!(line.contains("sending: no sender works"), "{line}");
}

#[test]
fn a_share_that_fails_warns_and_all_of_it_is_critical() {
    for (accepted, failed, exit) in [(0, 4, 0), (0, 5, 2), (95, 5, 0), (40, 5, 1)] {
        let lately = [
            tally(Outcome::Accepted, accepted),
            tally(Outcome::Unavailable, failed),
        ];
        let seen = Seen {
            lately: lately.into(),
            ..Seen::default()
        };
        let told = line_of(&installation(), &seen);
        assert_eq!(told.0, exit, "{accepted} {failed}: {}", told.1);
    }
}

#[test]
fn what_runs_out_warns_thirty_days_before_and_is_critical_on_the_last() {
    for (days, exit) in [(31, 0), (30, 1), (7, 1), (2, 1), (1, 2), (-1, 2)] {
        let expiring = Expiring {
            kind: ExpiringKind::Certificate,
            name: "/etc/hub.pem".to_owned(),
            until: Timestamp::from_second(NOW + days * 86_400).unwrap(),
            renew: "renew it".to_owned(),
            unreadable: None,
        };
        let installation = Installation {
            expiring: vec![expiring],
            ..installation()
        };
        assert_eq!(line_of(&installation, &Seen::default()).0, exit, "{days}");
    }
}

#[test]
fn a_flood_and_codes_that_are_not_typed_in_warn_with_the_command_that_shows_them() {
    for (count, exit) in [(19, 0), (20, 1)] {
        let seen = Seen {
            over_limits: BTreeMap::from([("prefix".to_owned(), count)]),
            ..Seen::default()
        };
        let (told, line) = line_of(&installation(), &seen);
        assert_eq!(
            (told, line.contains("limit prefix")),
            (exit, exit > 0),
            "{line}"
        );
    }
    let region = |sent, used| Uses {
        by: "GB".to_owned(),
        recipient: None,
        region: None,
        sent,
        used,
    };
    for (sent, used, exit) in [(49, 1, 0), (50, 25, 0), (50, 24, 1), (500, 0, 0)] {
        let uses = [region(sent, used)];
        let seen = Seen {
            uses: uses.into(),
            ..Seen::default()
        };
        assert_eq!(line_of(&installation(), &seen).0, exit, "{used} of {sent}");
    }
}

#[test]
fn texts_that_do_not_arrive_and_what_is_paused_warn() {
    let deliveries = |delivered| {
        [Deliveries {
            sender: "twilio".to_owned(),
            region: "GB".to_owned(),
            asked: 20,
            delivered,
        }]
    };
    for (delivered, exit) in [(18, 0), (9, 1)] {
        let deliveries = deliveries(delivered);
        let seen = Seen {
            deliveries: deliveries.into(),
            ..Seen::default()
        };
        assert_eq!(line_of(&installation(), &seen).0, exit, "{delivered}");
    }
    let pauses = [ledger::Pause {
        subject: ledger::Subject::All,
        reason: "a | b".to_owned(),
        by: "ann".to_owned(),
        since: now(),
        until: None,
    }];
    let seen = Seen {
        pauses: pauses.into(),
        ..Seen::default()
    };
    let (exit, line) = line_of(&installation(), &seen);
    assert_eq!(exit, 1);
    assert!(
        line.contains("pause all texts") && line.contains("a / b"),
        "{line}"
    );
}
