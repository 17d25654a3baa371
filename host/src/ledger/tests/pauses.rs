//! What an administrator paused is not sent; all else is.

use super::*;

fn pause(subject: Subject) -> Pause {
    Pause {
        subject,
        reason: "numbers are pumped".to_owned(),
        by: "ann".to_owned(),
        since: Timestamp::from_second(1_800_000_000).unwrap(),
        until: None,
    }
}

fn sender(name: &str) -> Subject {
    Subject::Sender(name.to_owned())
}

async fn is_paused(fixture: &Fixture, claim: Claim) -> bool {
    match fixture.claim(claim).await {
        ClaimResult::Paused(_) => true,
        ClaimResult::Fresh(_) => false,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_paused_is_refused_until_it_is_resumed() {
    let fixture = Fixture::new();
    let ledger = fixture.ledger();
    let name = |name: &str| name.to_owned();
    for subject in [
        Subject::All,
        Subject::Region(name("GB")),
        Subject::Caller(name("portal")),
        Subject::Prefix(name("+4477009")),
    ] {
        let of_portal = |id: String| Claim {
            caller: Some(name("portal")),
            ..message(&id)
        };
        ledger.pause(pause(subject.clone())).await.unwrap();
        let id = subject.to_string();
        assert!(
            is_paused(&fixture, of_portal(id.clone())).await,
            "{subject}"
        );
        let entry = fixture.history().of_id(&id).unwrap().remove(0);
        assert_eq!(entry.state, EntryState::Ended(Outcome::Refused));
        assert_eq!(entry.code.as_deref(), Some("paused"));
        assert!(entry.reasons[0].contains("by ann"), "{:?}", entry.reasons);
        let ended = ledger.resume(&subject).await.unwrap();
        assert_eq!(ended, Some(pause(subject.clone())));
        assert_eq!(ledger.resume(&subject).await, Ok(None));
        assert!(!is_paused(&fixture, of_portal(id)).await, "{subject}");
    }
}

#[tokio::test]
async fn a_pause_keeps_nothing_but_what_it_names() {
    let fixture = Fixture::new();
    for subject in [
        Subject::Region("FR".to_owned()),
        Subject::Caller("portal".to_owned()),
        Subject::Prefix("+4477008".to_owned()),
        sender("other"),
    ] {
        fixture.ledger().pause(pause(subject)).await.unwrap();
    }
    assert!(!is_paused(&fixture, message("a")).await);
    assert_eq!(fixture.history().pauses(Timestamp::now()).unwrap().len(), 4);
}

#[tokio::test]
async fn the_fallback_of_a_paused_sender_is_asked() {
    let fixture = Fixture::new();
    let ledger = fixture.ledger();
    ledger.pause(pause(sender("twilio"))).await.unwrap();
    let ticket = fixture.fresh(message("a")).await;
    assert_eq!(ticket.senders(), ["gateway", "twilio"]);
    let refused = ledger.dispatched(&ticket, "twilio").await.unwrap();
    assert!(
        matches!(refused, Some(DispatchRefusal::Paused(_))),
        "{refused:?}"
    );
    assert_eq!(ledger.dispatched(&ticket, "gateway").await, Ok(None));
    ledger.pause(pause(sender("gateway"))).await.unwrap();
    assert!(is_paused(&fixture, message("b")).await);
}

#[tokio::test]
async fn what_was_claimed_before_a_pause_is_handed_to_no_sender_after_it() {
    let fixture = Fixture::new();
    let ledger = fixture.ledger();
    let mut claimed = Vec::new();
    for number in 0..200 {
        let message = message_under(&format!("m{number}"), r#"{"recipient":{"limits":[]}}"#);
        claimed.push(fixture.fresh(message).await);
    }
    let (before, after) = claimed.split_at(100);
    for ticket in before {
        assert_eq!(ledger.dispatched(ticket, "twilio").await, Ok(None));
    }
    ledger.pause(pause(Subject::All)).await.unwrap();
    let handed_over = fixture.history().handed_over().unwrap();
    assert_eq!(handed_over.len(), 100, "pause waits for these");
    for (ticket, sender) in after
        .iter()
        .map(|ticket| (ticket, "twilio"))
        // Neither by a failover nor once more by the same sender.
        .chain(before.iter().map(|ticket| (ticket, "gateway")))
        .chain(before.iter().map(|ticket| (ticket, "twilio")))
    {
        let refused = ledger.dispatched(ticket, sender).await.unwrap();
        assert!(
            matches!(refused, Some(DispatchRefusal::Paused(_))),
            "{refused:?}"
        );
    }
}

#[tokio::test]
async fn a_settled_id_is_answered_as_before_although_all_is_paused() {
    let fixture = Fixture::new();
    fixture.send(message("a"), Outcome::Accepted).await;
    fixture.ledger().pause(pause(Subject::All)).await.unwrap();
    let repeat = fixture.claim(message("a")).await;
    assert!(matches!(repeat, ClaimResult::Replay { .. }), "{repeat:?}");
}

#[tokio::test]
async fn a_paused_message_takes_no_place_in_a_limit() {
    let fixture = Fixture::new();
    let limits = r#"{"recipient":{"limits":["1/10m"]}}"#;
    fixture.ledger().pause(pause(Subject::All)).await.unwrap();
    for id in ["a", "b", "c"] {
        assert!(is_paused(&fixture, message_under(id, limits)).await);
    }
    fixture.ledger().resume(&Subject::All).await.unwrap();
    assert!(!is_paused(&fixture, message_under("d", limits)).await);
}

#[tokio::test]
async fn a_pause_with_an_end_ends_by_itself() {
    clock!(NOW, now);
    let fixture = Fixture::at(now);
    let until = now() + Duration::from_secs(60);
    let pause = Pause {
        until: Some(until),
        ..pause(Subject::All)
    };
    fixture.ledger().pause(pause).await.unwrap();
    assert!(is_paused(&fixture, message("a")).await);
    NOW.fetch_add(60_000, std::sync::atomic::Ordering::SeqCst);
    assert!(!is_paused(&fixture, message("a")).await);
    assert_eq!(fixture.history().pauses(now()), Ok(Vec::new()));
}

#[tokio::test]
async fn the_next_process_finds_what_is_paused() {
    let mut fixture = Fixture::new();
    fixture.ledger().pause(pause(Subject::All)).await.unwrap();
    fixture.reopen().await;
    assert!(is_paused(&fixture, message("a")).await);
}

#[tokio::test]
async fn a_second_pause_of_the_same_takes_the_place_of_the_first() {
    let fixture = Fixture::new();
    let ledger = fixture.ledger();
    ledger.pause(pause(Subject::All)).await.unwrap();
    let second = Pause {
        reason: "the provider is away".to_owned(),
        ..pause(Subject::All)
    };
    ledger.pause(second.clone()).await.unwrap();
    assert_eq!(fixture.history().pauses(Timestamp::now()), Ok(vec![second]));
}
