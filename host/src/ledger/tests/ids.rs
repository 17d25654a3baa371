//! At most one text per id.

use super::*;

#[tokio::test]
async fn what_settles_is_replayed_and_what_releases_runs_anew() {
    let fixture = Fixture::new();
    for (outcome, settles) in [
        (Outcome::Accepted, true),
        (Outcome::Rejected, true),
        (Outcome::Unknown, true),
        (Outcome::Unavailable, false),
        (Outcome::Misconfigured, false),
        (Outcome::Refused, false),
        (Outcome::Crashed, false),
    ] {
        let id = format!("{outcome:?}");
        let message = || message_under(&id, UNLIMITED);
        fixture.send(message(), outcome).await;
        match fixture.claim(message()).await {
            ClaimResult::Replay {
                outcome: replayed,
                response,
            } if settles => {
                assert_eq!((replayed, response), (outcome, decision(outcome).response));
            }
            ClaimResult::Fresh(_) if !settles => {}
            other => panic!("{outcome:?}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn an_id_in_progress_is_not_sent_by_another() {
    let mut fixture = Fixture::new();
    let ticket = fixture.fresh(message("a")).await;
    assert!(matches!(
        fixture.claim(message("a")).await,
        ClaimResult::InProgress
    ));
    fixture.dispatched(&ticket, "twilio").await;
    assert!(matches!(
        fixture.claim(message("a")).await,
        ClaimResult::InProgress
    ));
    fixture
        .ledger()
        .settle(ticket, decision(Outcome::Accepted))
        .await
        .unwrap();
    assert!(matches!(
        fixture.claim(message("a")).await,
        ClaimResult::Replay { .. }
    ));
    fixture.reopen().await;
    assert!(matches!(
        fixture.claim(message("a")).await,
        ClaimResult::Replay { .. }
    ));
}

#[tokio::test]
async fn an_id_with_other_content_is_a_mismatch() {
    clock!(NOW, now);
    let fixture = Fixture::at(now);
    fixture.send(message("a"), Outcome::Accepted).await;
    let other_purpose = Claim {
        purpose: Purpose::HelpdeskCode,
        ..message("a")
    };
    let other_number = message_to("a", "+447700900124");
    let other_secret = Claim {
        secret: "otherCode".to_owned().into(),
        ..message("a")
    };
    for (what, other) in [
        ("purpose", other_purpose),
        ("number", other_number),
        ("secret", other_secret),
    ] {
        assert!(
            matches!(fixture.claim(other).await, ClaimResult::Mismatch),
            "{what}"
        );
    }
    let other_expiry = Claim {
        expires_at: Timestamp::MAX,
        ..message("a")
    };
    assert!(matches!(
        fixture.claim(other_expiry).await,
        ClaimResult::Replay { .. }
    ));
}

#[tokio::test]
async fn a_dropped_ticket_is_released_or_unknown() {
    let fixture = Fixture::new();
    drop(fixture.fresh(message("a")).await);
    let ticket = fixture.fresh(message("a")).await;
    fixture.dispatched(&ticket, "twilio").await;
    drop(ticket);
    let ClaimResult::Abandoned(_, attempt) = fixture.claim(message("a")).await else {
        panic!("it may have been sent");
    };
    assert_eq!(attempt.senders, ["twilio"]);
}

#[tokio::test]
async fn an_abandoned_message_is_taken_over_by_one() {
    let fixture = Fixture::new();
    let ticket = fixture.fresh(message("a")).await;
    fixture.dispatched(&ticket, "twilio").await;
    fixture.dispatched(&ticket, "gateway").await;
    drop(ticket);
    let ClaimResult::Abandoned(ticket, attempt) = fixture.claim(message("a")).await else {
        panic!("it may have been sent");
    };
    assert_eq!(attempt.senders, ["twilio", "gateway"]);
    assert!(matches!(
        fixture.claim(message("a")).await,
        ClaimResult::InProgress
    ));
    fixture
        .ledger()
        .settle(ticket, decision(Outcome::Unknown))
        .await
        .unwrap();
    let ClaimResult::Replay { outcome, .. } = fixture.claim(message("a")).await else {
        panic!("it is settled");
    };
    assert_eq!(outcome, Outcome::Unknown);
}

const UNLIMITED: &str = r#"{"recipient":{"limits":[]}}"#;

#[tokio::test]
async fn a_sender_that_is_tried_again_is_marked_once() {
    let fixture = Fixture::new();
    let ticket = fixture.fresh(message("a")).await;
    for sender in ["twilio", "twilio", "gateway"] {
        fixture.ledger().dispatched(&ticket, sender).await.unwrap();
    }
    let entry = fixture.history().of_id("a").unwrap().remove(0);
    assert_eq!(entry.dispatched_to, ["twilio", "gateway"]);
}

#[tokio::test]
async fn an_unknown_id_is_looked_for_again_at_most_once_in_five_seconds() {
    clock!(NOW, now);
    let fixture = Fixture::at(now);
    let answered = decision(Outcome::Unknown).response;
    fixture.send(message("a"), Outcome::Unknown).await;
    let repeat = |after: i64| {
        NOW.fetch_add(after, std::sync::atomic::Ordering::SeqCst);
        fixture.claim(message("a"))
    };
    let at_once = repeat(4_999).await;
    assert!(matches!(at_once, ClaimResult::Replay { .. }), "{at_once:?}");

    let ClaimResult::Abandoned(ticket, attempt) = repeat(1).await else {
        panic!("it may be looked for");
    };
    assert_eq!(attempt.senders, ["twilio"]);
    assert_eq!(attempt.answer, Some((Outcome::Unknown, answered.clone())));
    // Meanwhile no other looks, let alone sends.
    assert!(matches!(repeat(60_000).await, ClaimResult::InProgress));
    fixture.ledger().still_unknown(ticket).await.unwrap();
    let ClaimResult::Replay { outcome, response } = repeat(4_999).await else {
        panic!("it was looked for just now");
    };
    assert_eq!((outcome, response), (Outcome::Unknown, answered.clone()));

    // A process that dies while it looks leaves the id as it was.
    let ClaimResult::Abandoned(ticket, _) = repeat(5_000).await else {
        panic!("it may be looked for");
    };
    drop(ticket);
    fixture.ledger().ready().await.unwrap();
    assert!(matches!(repeat(0).await, ClaimResult::Replay { .. }));

    // Found at last.
    let ClaimResult::Abandoned(ticket, attempt) = repeat(5_000).await else {
        panic!("it may be looked for");
    };
    assert_eq!(attempt.answer, Some((Outcome::Unknown, answered)));
    fixture
        .ledger()
        .settle(ticket, decision(Outcome::Accepted))
        .await
        .unwrap();
    let ClaimResult::Replay { outcome, .. } = repeat(60_000).await else {
        panic!("it is settled");
    };
    assert_eq!(outcome, Outcome::Accepted);
}

#[tokio::test]
async fn an_unknown_message_that_is_found_absent_gives_its_place_back() {
    clock!(NOW, now);
    let fixture = Fixture::at(now);
    let one = |id| message_under(id, r#"{"recipient":{"limits":["1/10m"]}}"#);
    fixture.send(one("a"), Outcome::Unknown).await;
    assert!(matches!(
        fixture.claim(one("b")).await,
        ClaimResult::Limited(_)
    ));
    NOW.fetch_add(5_000, std::sync::atomic::Ordering::SeqCst);
    let ClaimResult::Abandoned(ticket, _) = fixture.claim(one("a")).await else {
        panic!("it may be looked for");
    };
    fixture
        .ledger()
        .settle(ticket, decision(Outcome::Unavailable))
        .await
        .unwrap();
    drop(fixture.fresh(one("b")).await);
}
