//! A sender that fails is spared, and noticed when it works again.

use std::sync::atomic::Ordering::SeqCst;

use super::*;

fn report(failure: Option<&str>) -> HealthReport {
    HealthReport {
        sender: "twilio".to_owned(),
        failure: failure.map(str::to_owned),
        took: Duration::from_millis(50),
        ended_ago: Duration::ZERO,
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
        ..report(Some("timeout"))
    };
    fixture.ledger().report_health(failed).await.unwrap();
    assert_eq!(health(&fixture, "a").await, [paused(1, 6), Health::Good]);
}
