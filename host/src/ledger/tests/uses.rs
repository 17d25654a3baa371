//! Codes that were typed in, and those that were not.

use std::sync::atomic::Ordering::SeqCst;

use super::*;

const ENFORCED: &str =
    r#"{"recipient":{"limits":[]},"unused":{"day":0.3,"hour":0.2,"mode":"enforce"}}"#;

/// Milliseconds in which a code may still be typed in.
const GRACE: i64 = 600_000;

fn to(n: u32) -> Claim {
    let message = message_under(&format!("id-{n}"), ENFORCED);
    Claim {
        phone: phone(&format!("+44770090{n:04}")),
        ..message
    }
}

async fn is_limited(fixture: &Fixture, message: Claim) -> Option<LimitReached> {
    match fixture.claim(message).await {
        ClaimResult::Limited(reached) => Some(reached),
        ClaimResult::Fresh(ticket) => {
            let ledger = fixture.ledger();
            ledger.dispatched(&ticket, "twilio").await.unwrap();
            ledger
                .settle(ticket, decision(Outcome::Accepted))
                .await
                .unwrap();
            None
        }
        other => panic!("{other:?}"),
    }
}

async fn used(fixture: &Fixture, id: &str) -> Used {
    fixture.ledger().note_used(id).await.unwrap()
}

#[tokio::test]
async fn what_providers_say_of_texts_is_counted_by_sender_and_region() {
    let fixture = Fixture::new();
    let mut abroad = message("d");
    abroad.facts.region = Some("IE".to_owned());
    for message in [
        message("a"),
        message("b"),
        message("c"),
        abroad,
        message("e"),
    ] {
        fixture.send(message, Outcome::Accepted).await;
    }
    for (id, state) in [
        ("a", DeliveryState::Delivered),
        ("b", DeliveryState::Sent),
        ("c", DeliveryState::Failed),
        ("d", DeliveryState::Delivered),
        ("e", DeliveryState::CannotTell),
        ("none", DeliveryState::Delivered),
    ] {
        fixture.ledger().note_delivery(id, state).await.unwrap();
    }
    let counted = fixture.history().deliveries(None).unwrap();
    let counts: Vec<_> = counted
        .iter()
        .map(|one| {
            (
                one.sender.as_str(),
                one.region.as_str(),
                one.asked,
                one.delivered,
            )
        })
        .collect();
    assert_eq!(counts, [("twilio", "GB", 3, 1), ("twilio", "IE", 1, 1)]);
    let mut page = Exposition::default();
    page.deliveries(&counted[..1]);
    let share = "textsender_delivered_share{sender=\"twilio\",region=\"GB\"} 0.3333";
    assert!(page.into_text().contains(share));
}

#[tokio::test]
async fn only_what_was_sent_is_used_and_once() {
    let fixture = Fixture::new();
    fixture.send(message("a"), Outcome::Accepted).await;
    fixture.send(message("b"), Outcome::Unknown).await;
    fixture.send(message("c"), Outcome::Rejected).await;
    let sending = fixture.fresh(message("d")).await;
    for (id, expected) in [
        ("a", Used::Noted),
        ("a", Used::Noted),
        ("b", Used::Noted),
        ("c", Used::Unknown),
        ("d", Used::Unknown),
        ("none", Used::Unknown),
    ] {
        assert_eq!(used(&fixture, id).await, expected, "{id}");
    }
    // Once it was handed over, its user may be faster than the answer of the provider.
    fixture.dispatched(&sending, "twilio").await;
    assert_eq!(used(&fixture, "d").await, Used::Noted);
    let ended = decision(Outcome::Accepted);
    fixture.ledger().settle(sending, ended).await.unwrap();
    let uses = fixture.history().uses(UsedBy::Region, None).unwrap();
    assert_eq!((uses[0].sent, uses[0].used, uses.len()), (3, 3, 1));
}

#[tokio::test]
async fn they_are_counted_by_prefix_region_sender_and_hour() {
    clock!(NOW, now);
    let fixture = Fixture::at(now);
    let mut abroad = message_to("d", "+35315550100");
    abroad.facts.region = Some("IE".to_owned());
    for message in [
        message_to("a", "+447700900101"),
        message_to("b", "+447700900102"),
        message_to("c", "+447700910102"),
        abroad,
    ] {
        fixture.send(message, Outcome::Accepted).await;
    }
    NOW.fetch_add(3_600_000, SeqCst);
    fixture
        .send(message_to("e", "+447700900103"), Outcome::Accepted)
        .await;
    used(&fixture, "a").await;
    used(&fixture, "d").await;
    let history = fixture.history();
    let counts = |by: UsedBy| -> Vec<(u64, u64)> {
        let uses = history.uses(by, None).unwrap();
        uses.iter().map(|one| (one.sent, one.used)).collect()
    };
    let mut prefixes = counts(UsedBy::Prefix);
    prefixes.sort_unstable();
    assert_eq!(prefixes, [(1, 0), (1, 1), (3, 1)]);
    assert_eq!(counts(UsedBy::Region), [(4, 1), (1, 1)]);
    assert_eq!(counts(UsedBy::Sender), [(4, 1), (1, 1)]);
    assert_eq!(counts(UsedBy::Hour), [(4, 2), (1, 0)]);
    let most = history.uses(UsedBy::Prefix, None).unwrap().remove(0);
    assert_eq!(most.by.len(), 12);
    assert_eq!(most.recipient.as_deref(), Some("+44*******103"));
    let since = Some(now());
    assert_eq!(history.uses(UsedBy::Region, since).unwrap()[0].sent, 1);
}

#[tokio::test]
async fn many_unused_codes_to_a_region_stop_it_but_for_those_who_used_one() {
    clock!(NOW, now);
    let fixture = Fixture::at(now);
    // Nothing is known of use, and nothing is counted.
    for n in 0..30 {
        assert_eq!(is_limited(&fixture, to(n)).await, None, "{n}");
    }
    used(&fixture, "id-0").await;
    for n in 100..120 {
        assert_eq!(is_limited(&fixture, to(n)).await, None, "{n}");
    }
    // Their users have ten minutes.
    NOW.fetch_add(GRACE - 1, SeqCst);
    assert_eq!(is_limited(&fixture, to(130)).await, None);
    NOW.fetch_add(1, SeqCst);
    let reached = is_limited(&fixture, to(120)).await.unwrap();
    assert_eq!(
        reached.to_string(),
        "20 codes to this region that were not used in 1d, the limit unused = 20/1d"
    );
    // A number that used one before may have another.
    let known = Claim {
        phone: phone("+447700900000"),
        ..to(121)
    };
    assert_eq!(is_limited(&fixture, known).await, None);
    let mut abroad = to(122);
    abroad.facts.region = Some("IE".to_owned());
    assert_eq!(is_limited(&fixture, abroad).await, None);
    // Each that is used makes room for the next.
    used(&fixture, "id-100").await;
    assert_eq!(is_limited(&fixture, to(123)).await, None);
    NOW.fetch_add(GRACE, SeqCst);
    assert!(is_limited(&fixture, to(124)).await.is_some());
    NOW.fetch_add(86_400_000, SeqCst);
    assert_eq!(is_limited(&fixture, to(124)).await, None);
}

#[tokio::test]
async fn where_most_are_used_a_share_may_go_unused() {
    clock!(NOW, now);
    let fixture = Fixture::at(now);
    for n in 0..200 {
        fixture.send(to(n), Outcome::Accepted).await;
        used(&fixture, &format!("id-{n}")).await;
    }
    for n in 200..239 {
        assert_eq!(is_limited(&fixture, to(n)).await, None, "{n}");
    }
    NOW.fetch_add(GRACE, SeqCst);
    assert_eq!(is_limited(&fixture, to(239)).await, None);
    NOW.fetch_add(GRACE, SeqCst);
    // 0.2 of 200 in the hour.
    let reached = is_limited(&fixture, to(240)).await.unwrap();
    assert_eq!(reached.count, 40);
}

/// Meanwhile one machine counts with the old key, and another with the new one.
#[tokio::test]
async fn while_there_are_two_keys_what_either_counted_is_counted() {
    clock!(NOW, now);
    let mut fixture = Fixture::at(now);
    for n in 0..150 {
        fixture.send(to(n), Outcome::Accepted).await;
        used(&fixture, &format!("id-{n}")).await;
    }
    for n in 150..160 {
        assert_eq!(is_limited(&fixture, to(n)).await, None, "{n}");
    }
    fixture.gets_a_new_key().await;
    NOW.fetch_add(1_000, SeqCst);
    // 0.2 of 150 in the hour, and 20 if none had been used.
    for n in 160..180 {
        assert_eq!(is_limited(&fixture, to(n)).await, None, "{n}");
    }
    NOW.fetch_add(GRACE, SeqCst);
    let reached = is_limited(&fixture, to(180)).await.unwrap();
    assert_eq!(reached.count, 30);
    // One that was counted with the old key makes room, too.
    used(&fixture, "id-155").await;
    assert_eq!(is_limited(&fixture, to(181)).await, None);
}

#[tokio::test]
async fn unless_it_is_told_to_refuse_it_only_records() {
    clock!(NOW, now);
    let fixture = Fixture::at(now);
    let to = |n: u32| message_to(&format!("id-{n}"), &format!("+44770090{n:04}"));
    fixture.send(to(0), Outcome::Accepted).await;
    used(&fixture, "id-0").await;
    for n in 1..=20 {
        fixture.send(to(n), Outcome::Accepted).await;
    }
    NOW.fetch_add(GRACE, SeqCst);
    let ticket = fixture.fresh(to(21)).await;
    let over: Vec<_> = ticket.over().iter().map(|one| one.scope).collect();
    assert!(over.contains(&Scope::Unused), "{over:?}");
}
