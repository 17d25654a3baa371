//! A record of every decision, with no secret in it.

use std::ops::ControlFlow;

use super::*;

#[tokio::test]
async fn an_entry_has_all_that_the_audit_needs() {
    let fixture = Fixture::new();
    fixture.send(message("a"), Outcome::Accepted).await;
    let entries = fixture
        .history()
        .latest(usize::MAX, &Filter::default())
        .unwrap();
    let [entry] = entries.as_slice() else {
        panic!("one entry")
    };
    assert_eq!(entry.id, "a");
    assert_eq!(entry.purpose.as_deref(), Some("verification_code"));
    assert_eq!(entry.event.as_deref(), Some("reset"));
    assert_eq!(entry.actor.as_deref(), Some("helpdesk\\bob"));
    assert_eq!(entry.policy.as_deref(), Some("Staff"));
    assert_eq!(entry.recipient, Some(phone(NUMBER).to_string()));
    assert_eq!(entry.region.as_deref(), Some("GB"));
    assert_eq!(entry.state, EntryState::Ended(Outcome::Accepted));
    assert_eq!(entry.dispatched_to, ["twilio"]);
    assert_eq!(entry.provider_id.as_deref(), Some("SM0123456789abcdef"));
    assert_eq!(
        (entry.segments, entry.ms, entry.uid),
        (Some(1), Some(8), 1000)
    );
    assert_eq!(entry.attempts, decision(Outcome::Accepted).attempts);
}

#[tokio::test]
async fn every_kind_of_decision_leaves_an_entry() {
    let fixture = Fixture::new();
    let two = |id| message_under(id, r#"{"recipient":{"limits":["2/10m"]}}"#);
    fixture.send(two("a"), Outcome::Accepted).await;
    let _ = fixture.claim(two("a")).await;
    let _ = fixture
        .claim(Claim {
            purpose: Purpose::Test,
            ..two("a")
        })
        .await;
    let held = fixture.fresh(two("b")).await;
    let _ = fixture.claim(two("b")).await;
    let _ = fixture.claim(two("c")).await;
    let refused = Unclaimed {
        facts: Facts {
            id: "d".to_owned(),
            ..Facts::default()
        },
        purpose: None,
        phone: None,
        decision: FinalOutcome {
            sender: None,
            ..decision(Outcome::Refused)
        },
    };
    fixture.ledger().record(refused).await.unwrap();
    let entries = fixture
        .history()
        .latest(usize::MAX, &Filter::default())
        .unwrap();
    let seen: Vec<_> = entries
        .iter()
        .map(|e| (e.id.as_str(), e.state, e.replayed))
        .collect();
    assert_eq!(
        seen,
        [
            ("a", EntryState::Ended(Outcome::Accepted), false),
            ("a", EntryState::Ended(Outcome::Accepted), true),
            ("a", EntryState::Ended(Outcome::Invalid), false),
            ("b", EntryState::Sending, false),
            ("b", EntryState::Ended(Outcome::InProgress), false),
            ("c", EntryState::Ended(Outcome::Limited), false),
            ("d", EntryState::Ended(Outcome::Refused), false),
        ]
    );
    drop(held);
}

#[tokio::test]
async fn entries_are_found_by_time_outcome_and_number() {
    clock!(NOW, now);
    let fixture = Fixture::at(now);
    fixture.send(message("old"), Outcome::Accepted).await;
    NOW.fetch_add(1000, std::sync::atomic::Ordering::SeqCst);
    fixture.send(message("failed"), Outcome::Unavailable).await;
    fixture
        .send(message_to("other", "+447700900124"), Outcome::Accepted)
        .await;
    for (filter, found) in [
        (Filter::default(), vec!["old", "failed", "other"]),
        (
            Filter {
                since: Some(now()),
                ..Filter::default()
            },
            vec!["failed", "other"],
        ),
        (
            Filter {
                outcome: Some(Outcome::Accepted),
                ..Filter::default()
            },
            vec!["old", "other"],
        ),
        (
            Filter {
                recipient: Some(phone(NUMBER)),
                ..Filter::default()
            },
            vec!["old", "failed"],
        ),
    ] {
        let history = fixture.history();
        let ids = |entries: Vec<Entry>| -> Vec<String> {
            entries.into_iter().map(|entry| entry.id).collect()
        };
        let mut each = Vec::new();
        let collected = history.each(&filter, |entry| {
            each.push(entry);
            ControlFlow::Continue(())
        });
        collected.unwrap();
        assert_eq!(ids(each), found, "{filter:?}");
        let last = ids(history.latest(1, &filter).unwrap());
        assert_eq!(last, found[found.len() - 1..], "{filter:?}");
    }
}

#[tokio::test]
async fn a_follower_misses_no_slow_message_and_sees_none_twice() {
    let fixture = Fixture::new();
    fixture.send(message("before"), Outcome::Accepted).await;
    let history = fixture.history();
    let mut cursor = history.end().unwrap();
    let mut follow = || -> Vec<String> {
        let entries = history.follow(&mut cursor, &Filter::default()).unwrap();
        entries.into_iter().map(|entry| entry.id).collect()
    };
    let slow = fixture.fresh(message("slow")).await;
    fixture.send(message("quick"), Outcome::Accepted).await;
    assert_eq!(follow(), ["quick"]);
    assert_eq!(follow(), Vec::<String>::new());
    fixture
        .ledger()
        .settle(slow, decision(Outcome::Unavailable))
        .await
        .unwrap();
    assert_eq!(follow(), ["slow"]);
    assert_eq!(follow(), Vec::<String>::new());
}

#[tokio::test]
async fn tallies_are_by_day_sender_region_and_outcome_without_replays() {
    clock!(NOW, now);
    let fixture = Fixture::at(now);
    for id in ["a", "b"] {
        fixture.send(message(id), Outcome::Accepted).await;
    }
    let _ = fixture.claim(message("a")).await;
    fixture.send(message("c"), Outcome::Unavailable).await;
    NOW.fetch_add(86_400_000, std::sync::atomic::Ordering::SeqCst);
    fixture.send(message("d"), Outcome::Accepted).await;
    let tallies = fixture.history().tallies(None).unwrap();
    let seen: Vec<_> = tallies
        .iter()
        .map(|t| {
            (
                t.day.to_string(),
                t.sender.as_deref(),
                t.region.as_deref(),
                t.outcome,
                t.messages,
                t.segments,
            )
        })
        .collect();
    let (twilio, gb) = (Some("twilio"), Some("GB"));
    assert_eq!(
        seen,
        [
            (
                "2027-01-15".to_owned(),
                twilio,
                gb,
                Some(Outcome::Accepted),
                2,
                2
            ),
            (
                "2027-01-15".to_owned(),
                twilio,
                gb,
                Some(Outcome::Unavailable),
                1,
                // Of what was not sent.
                0
            ),
            (
                "2027-01-16".to_owned(),
                twilio,
                gb,
                Some(Outcome::Accepted),
                1,
                1
            ),
        ]
    );
}

#[tokio::test]
async fn a_provider_id_is_known_once_it_was_settled() {
    let fixture = Fixture::new();
    let since = Timestamp::now();
    assert_eq!(
        fixture
            .ledger()
            .has_provider_id("SM0123456789abcdef", since)
            .await,
        Ok(false)
    );
    fixture.send(message("a"), Outcome::Accepted).await;
    assert_eq!(
        fixture
            .ledger()
            .has_provider_id("SM0123456789abcdef", since)
            .await,
        Ok(true)
    );
    assert_eq!(
        fixture
            .ledger()
            .has_provider_id("SM0123456789abcdef", Timestamp::MAX)
            .await,
        Ok(false)
    );
}

#[tokio::test]
async fn what_a_provider_said_is_kept_with_its_attempt_in_one_line_and_bounded() {
    let fixture = Fixture::new();
    let ticket = fixture.fresh(message("a")).await;
    let long = "x".repeat(1000);
    let outcome = FinalOutcome {
        reasons: vec![None, Some(format!("no\ncredit {long}"))],
        ..decision(Outcome::Unavailable)
    };
    fixture.ledger().settle(ticket, outcome).await.unwrap();
    let entry = fixture.history().of_id("a").unwrap().remove(0);
    let [first, second] = &entry.reasons[..] else {
        panic!("{:?}", entry.reasons);
    };
    assert_eq!(first, "");
    assert!(second.starts_with("no credit xxx"), "{second}");
    assert!(second.chars().count() <= 300, "{second}");
}
