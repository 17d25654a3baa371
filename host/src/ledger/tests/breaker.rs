//! A sender that fails is spared, and noticed when it works again.

use std::sync::atomic::Ordering::SeqCst;

use super::*;

fn report(failure: Option<&str>) -> HealthReport {
    HealthReport {
        sender: "twilio".to_owned(),
        failure: failure.map(str::to_owned),
        took: Duration::from_millis(50),
        ended_ago: Duration::ZERO,
        unsealed: None,
    }
}

async fn health(fixture: &Fixture, id: &str) -> Vec<Health> {
    let ticket = fixture
        .fresh(message_under(id, r#"{"recipient":{"limits":[]}}"#))
        .await;
    ticket.health().to_vec()
}

fn paused(failures: u32, seconds: u64) -> Health {
    Health::Paused {
        failures,
        reason: "timeout".to_owned(),
        remaining: Duration::from_secs(seconds),
    }
}

fn trial(failures: u32) -> Health {
    Health::Trial {
        failures,
        reason: "timeout".to_owned(),
    }
}

/// A process that works unsealed is seen from outside, until one is sealed again.
#[tokio::test]
async fn what_a_senders_process_lacks_of_its_seal_is_kept_with_its_health() {
    clock!(NOW, now);
    let fixture = Fixture::at(now);
    for (reported, kept) in [
        (Some("it can read files"), Some("it can read files")),
        (None, Some("it can read files")),
        (Some(""), None),
    ] {
        let report = HealthReport {
            unsealed: reported.map(str::to_owned),
            ..report(None)
        };
        fixture.ledger().report_health(report).await.unwrap();
        let known = fixture.history().senders(now()).unwrap().remove(0);
        assert_eq!(known.unsealed.as_deref(), kept, "after {reported:?}");
    }
}

#[tokio::test]
async fn the_next_message_skips_a_sender_that_failed_and_a_trial_closes_the_breaker() {
    clock!(NOW, now);
    let fixture = Fixture::at(now);
    assert_eq!(health(&fixture, "a").await, [Health::Good, Health::Good]);
    fixture
        .ledger()
        .report_health(report(Some("timeout")))
        .await
        .unwrap();
    assert_eq!(health(&fixture, "b").await, [paused(1, 10), Health::Good]);
    NOW.fetch_add(10_000, SeqCst);
    assert_eq!(health(&fixture, "c").await, [trial(1), Health::Good]);
    assert_eq!(
        health(&fixture, "d").await,
        [paused(1, 0), Health::Good],
        "one trial at a time"
    );
    fixture
        .ledger()
        .report_health(report(Some("timeout")))
        .await
        .unwrap();
    assert_eq!(health(&fixture, "e").await, [paused(2, 20), Health::Good]);
    NOW.fetch_add(20_000, SeqCst);
    assert_eq!(health(&fixture, "f").await, [trial(2), Health::Good]);
    fixture.ledger().report_health(report(None)).await.unwrap();
    assert_eq!(health(&fixture, "g").await, [Health::Good, Health::Good]);
    let known = &fixture.history().senders(now()).unwrap()[0];
    assert_eq!(
        (known.sender.as_str(), &known.health),
        ("twilio", &Health::Good)
    );
    assert!(known.failed_at.is_some());
}

#[tokio::test]
async fn a_trial_is_granted_only_to_a_sender_that_will_be_tried() {
    clock!(NOW, now);
    let fixture = Fixture::at(now);
    let fallback = HealthReport {
        sender: "gateway".to_owned(),
        ..report(Some("timeout"))
    };
    fixture.ledger().report_health(fallback).await.unwrap();
    NOW.fetch_add(10_000, SeqCst);
    assert_eq!(health(&fixture, "a").await, [Health::Good, paused(1, 0)]);
    fixture
        .ledger()
        .report_health(report(Some("timeout")))
        .await
        .unwrap();
    assert_eq!(health(&fixture, "b").await, [paused(1, 10), trial(1)]);
}

#[tokio::test]
async fn the_verdicts_of_a_message_are_noted_with_its_outcome() {
    let fixture = Fixture::new();
    let ticket = fixture.fresh(message("a")).await;
    let health = vec![report(Some("unauthorized"))];
    let decision = FinalOutcome {
        health,
        ..decision(Outcome::Misconfigured)
    };
    fixture.ledger().settle(ticket, decision).await.unwrap();
    let ticket = fixture.fresh(message("b")).await;
    assert!(
        matches!(&ticket.health()[0], Health::Paused { reason, .. } if reason == "unauthorized")
    );
}

#[tokio::test]
async fn a_pause_begins_when_the_sender_failed_not_when_the_message_ended() {
    clock!(NOW, now);
    let fixture = Fixture::at(now);
    let failed = HealthReport {
        ended_ago: Duration::from_secs(4),
        unsealed: None,
        ..report(Some("timeout"))
    };
    fixture.ledger().report_health(failed).await.unwrap();
    assert_eq!(health(&fixture, "a").await, [paused(1, 6), Health::Good]);
}

#[tokio::test]
async fn a_rate_limit_is_seen_by_the_next_claim_and_is_no_failure() {
    clock!(NOW, now);
    let fixture = Fixture::at(now);
    let limited = |milliseconds| Health::RateLimited {
        remaining: Duration::from_millis(milliseconds),
    };
    let wait = Duration::from_millis(2_200);
    let note = |wait| fixture.ledger().note_rate_limit("twilio", wait);
    note(wait).await.unwrap();
    // A shorter one does not take the longer back.
    note(wait / 2).await.unwrap();
    assert_eq!(health(&fixture, "a").await, [limited(2_200), Health::Good]);
    let ticket = fixture.fresh(message("b")).await;
    assert_eq!(ticket.senders(), ["gateway", "twilio"]);

    // A message that passed meanwhile does not end it; a failure counts beside it.
    fixture.ledger().report_health(report(None)).await.unwrap();
    NOW.fetch_add(2_000, SeqCst);
    assert_eq!(health(&fixture, "c").await, [limited(200), Health::Good]);
    let known = &fixture.history().senders(now()).unwrap()[0];
    assert_eq!((&known.health, known.failed_at), (&limited(200), None));
    let failed = report(Some("timeout"));
    fixture.ledger().report_health(failed).await.unwrap();
    assert_eq!(health(&fixture, "d").await, [paused(1, 10), Health::Good]);
    fixture.ledger().report_health(report(None)).await.unwrap();
    NOW.fetch_add(200, SeqCst);
    assert_eq!(health(&fixture, "e").await, [Health::Good, Health::Good]);
}

#[tokio::test]
async fn a_refusal_that_may_be_the_recipients_counts_once_three_recipients_met_it() {
    let fixture = Fixture::new();
    let note = async |number: &str| {
        let phone = phone(number);
        let noted = fixture
            .ledger()
            .note_doubt("twilio", &phone, "provider_refused");
        noted.await.unwrap();
    };
    let is_paused = async |id: &str| matches!(&health(&fixture, id).await[0], Health::Paused { reason, .. } if reason == "provider_refused");
    for _ in 0..5 {
        note("+447700900001").await;
    }
    note("+447700900002").await;
    assert!(!is_paused("a").await, "two numbers");
    // One that was taken proves that the sender is not the reason.
    fixture.ledger().report_health(report(None)).await.unwrap();
    note("+447700900003").await;
    note("+447700900001").await;
    assert!(!is_paused("b").await, "two again");
    note("+447700900002").await;
    assert!(is_paused("c").await, "three");
}
