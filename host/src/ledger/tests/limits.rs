//! No flood.

use std::sync::atomic::Ordering::SeqCst;

use super::*;

const THREE: &str = r#"{"recipient":{"limits":["3/10m"]}}"#;

/// Sends the message through the first of its senders; what keeps it, if a limit does.
async fn limited(fixture: &Fixture, message: Claim) -> Option<LimitReached> {
    let sender = message.senders[0].clone();
    match fixture.claim(message).await {
        ClaimResult::Limited(reached) => Some(reached),
        ClaimResult::Fresh(ticket) => {
            fixture.ledger().dispatched(&ticket, &sender).await.unwrap();
            fixture
                .ledger()
                .settle(ticket, decision(Outcome::Accepted))
                .await
                .unwrap();
            None
        }
        other => panic!("{other:?}"),
    }
}

/// A decision that `gateway` came to, after what `twilio` had come to.
fn failed_over(first: Outcome, outcome: Outcome) -> FinalOutcome {
    let mut decision = decision(outcome);
    let attempt = Attempt {
        outcome: first,
        ..decision.attempts[0].clone()
    };
    decision.attempts[0].sender = "gateway".to_owned();
    decision.attempts.insert(0, attempt);
    decision
}

#[tokio::test]
async fn the_fourth_text_in_ten_minutes_is_refused() {
    clock!(NOW, now);
    let fixture = Fixture::at(now);
    for id in ["a", "b", "c"] {
        assert_eq!(limited(&fixture, message_under(id, THREE)).await, None);
        NOW.fetch_add(1000, SeqCst);
    }
    let reached = limited(&fixture, message_under("d", THREE)).await.unwrap();
    assert_eq!(
        (reached.scope, reached.count, reached.retry_after),
        (Scope::Recipient, 3, Duration::from_secs(597))
    );
    assert_eq!(
        reached.to_string(),
        "3 texts to this number in 10m, the limit recipient = 3/10m"
    );
    NOW.fetch_add(596_999, SeqCst);
    assert!(limited(&fixture, message_under("d", THREE)).await.is_some());
    NOW.fetch_add(1, SeqCst);
    assert_eq!(limited(&fixture, message_under("d", THREE)).await, None);
}

#[tokio::test]
async fn a_caller_has_a_limit_of_its_own() {
    let fixture = Fixture::new();
    let by = |caller: &str, id: &str, number: &str| Claim {
        caller_limit: Some(CallerLimit {
            caller: caller.to_owned(),
            rule: Rule {
                limits: vec!["2/1h".parse().unwrap()],
                ..Rule::default()
            },
        }),
        limits: Arc::new(configured(r#"{"exempt":["+447700900199"]}"#)),
        ..message_to(id, number)
    };
    assert_eq!(
        limited(&fixture, by("portal", "a", "+447700900101")).await,
        None
    );
    assert_eq!(
        limited(&fixture, by("portal", "b", "+447700900102")).await,
        None
    );
    let reached = limited(&fixture, by("portal", "c", "+447700900103"))
        .await
        .unwrap();
    assert_eq!(
        reached.to_string(),
        "2 texts of this caller in 1h, the limit caller = 2/1h"
    );
    assert_eq!(
        limited(&fixture, by("helpdesk", "d", "+447700900103")).await,
        None
    );
    assert_eq!(
        limited(&fixture, by("portal", "e", "+447700900199")).await,
        None
    );
}

#[tokio::test]
async fn a_message_that_was_certainly_not_sent_gives_its_place_back() {
    let one = |id| message_under(id, r#"{"recipient":{"limits":["1/10m"]}}"#);
    for (outcome, keeps) in [
        (Outcome::Accepted, true),
        (Outcome::Unknown, true),
        (Outcome::Rejected, false),
        (Outcome::Unavailable, false),
        (Outcome::Misconfigured, false),
    ] {
        let fixture = Fixture::new();
        fixture.send(one("a"), outcome).await;
        assert_eq!(
            limited(&fixture, one("b")).await.is_some(),
            keeps,
            "{outcome:?}"
        );
    }
    let fixture = Fixture::new();
    drop(fixture.fresh(one("a")).await);
    assert_eq!(limited(&fixture, one("b")).await, None, "a dropped ticket");
}

#[tokio::test]
async fn a_message_that_a_provider_answered_as_if_it_took_it_keeps_its_place() {
    let one = |id| {
        message_under(
            id,
            r#"{"recipient":{"limits":["1/10m"]},"sender":{"limits":["1/10m"]}}"#,
        )
    };
    for (taken_by, keeps) in [(vec!["twilio".to_owned()], true), (Vec::new(), false)] {
        let fixture = Fixture::new();
        let ticket = fixture.fresh(one("a")).await;
        let ledger = fixture.ledger();
        ledger.dispatched(&ticket, "twilio").await.unwrap();
        let outcome = FinalOutcome {
            taken_by,
            ..decision(Outcome::Unavailable)
        };
        ledger.settle(ticket, outcome).await.unwrap();
        assert_eq!(limited(&fixture, one("b")).await.is_some(), keeps);
    }
}

#[tokio::test]
async fn each_scope_counts_what_it_says() {
    fn neighbour(id: &str) -> Claim {
        message_to(id, "+447700909999")
    }
    fn stranger(id: &str) -> Claim {
        message_to(id, "+447700910123")
    }
    fn abroad(id: &str) -> Claim {
        let mut message = message_to(id, "+35315550100");
        message.facts.region = Some("IE".to_owned());
        message
    }
    fn other_sender(id: &str) -> Claim {
        Claim {
            senders: vec!["gateway".to_owned()],
            ..abroad(id)
        }
    }
    fn test(id: &str) -> Claim {
        Claim {
            purpose: Purpose::Test,
            ..message(id)
        }
    }
    type Second = fn(&str) -> Claim;
    let cases: [(&str, Second, bool); 12] = [
        ("recipient", message, true),
        ("recipient", neighbour, false),
        ("recipient", test, false),
        ("prefix", neighbour, true),
        ("prefix", stranger, false),
        ("region", stranger, true),
        ("region", abroad, false),
        ("sender", abroad, true),
        ("sender", other_sender, false),
        ("all", other_sender, true),
        ("all", test, false),
        ("test_send", test, false),
    ];
    for (scope, second, refused) in cases {
        let fixture = Fixture::new();
        let mut table = serde_json::json!({ "recipient": { "limits": [] } });
        table[scope] = serde_json::json!({ "limits": ["1/1h"] });
        let limits = Arc::new(configured(&table.to_string()));
        // With a fallback, a message would go to that one.
        let under = |message: Claim| Claim {
            limits: Arc::clone(&limits),
            senders: message.senders[..1].to_vec(),
            ..message
        };
        assert_eq!(
            limited(&fixture, under(message("a"))).await,
            None,
            "{scope}"
        );
        let reached = limited(&fixture, under(second("b"))).await;
        assert_eq!(reached.is_some(), refused, "{scope}");
        assert!(reached.is_none_or(|reached| reached.scope.name() == scope));
    }
}

#[tokio::test]
async fn test_sends_have_a_limit_of_their_own() {
    let fixture = Fixture::new();
    let test = |id| Claim {
        purpose: Purpose::Test,
        ..message_under(id, r#"{"test_send":{"limits":["1/10m"]}}"#)
    };
    assert_eq!(limited(&fixture, test("a")).await, None);
    assert_eq!(
        limited(&fixture, test("b")).await.unwrap().scope,
        Scope::Test
    );
}

#[tokio::test]
async fn a_recorded_limit_lets_through_and_says_so() {
    let fixture = Fixture::new();
    let message = |id| message_under(id, r#"{"recipient":{"limits":["1/10m"],"mode":"record"}}"#);
    fixture.send(message("a"), Outcome::Accepted).await;
    let ticket = fixture.fresh(message("b")).await;
    assert_eq!(ticket.over().len(), 1);
    let entry = &fixture.history().of_id("b").unwrap()[0];
    assert_eq!(entry.over_limit.as_deref(), Some("recipient 1/10m"));
}

#[tokio::test]
async fn an_exempt_number_is_counted_nowhere() {
    let fixture = Fixture::new();
    let limits = r#"{"all":{"limits":["1/10m"]},"exempt":["+447700900123"]}"#;
    for id in ["a", "b", "c"] {
        assert_eq!(limited(&fixture, message_under(id, limits)).await, None);
    }
    let other = Claim {
        phone: phone("+447700900124"),
        ..message_under("d", limits)
    };
    assert_eq!(
        limited(&fixture, other).await,
        None,
        "the exempt ones took no place"
    );
}

#[tokio::test]
async fn of_several_limits_the_one_that_keeps_longest_is_named() {
    clock!(NOW, now);
    let fixture = Fixture::at(now);
    let message = |id| {
        message_under(
            id,
            r#"{"recipient":{"limits":["1/10m","1/1d"]},"all":{"limits":["1/1h"]}}"#,
        )
    };
    assert_eq!(limited(&fixture, message("a")).await, None);
    let reached = limited(&fixture, message("b")).await.unwrap();
    assert_eq!(
        (reached.limit.to_string(), reached.retry_after.as_secs()),
        ("1/1d".into(), 86_400)
    );
}

#[tokio::test]
async fn a_failover_counts_for_the_sender_it_goes_to() {
    let fixture = Fixture::new();
    let limits = r#"{"recipient":{"limits":[]},"sender":{"limits":["1/10m"]}}"#;
    let ticket = fixture.fresh(message_under("a", limits)).await;
    fixture.dispatched(&ticket, "twilio").await;
    fixture.dispatched(&ticket, "gateway").await;
    let through = |id, sender: &str| Claim {
        senders: vec![sender.to_owned()],
        ..message_under(id, limits)
    };
    assert!(limited(&fixture, through("b", "gateway")).await.is_some());
    fixture
        .ledger()
        .settle(ticket, decision(Outcome::Unavailable))
        .await
        .unwrap();
    assert_eq!(
        limited(&fixture, through("c", "gateway")).await,
        None,
        "both places came back"
    );
    assert_eq!(limited(&fixture, through("d", "twilio")).await, None);
}

#[tokio::test]
async fn a_clock_set_back_lengthens_a_limit_by_its_window_at_most() {
    clock!(NOW, now);
    let fixture = Fixture::at(now);
    for id in ["a", "b", "c"] {
        assert_eq!(limited(&fixture, message_under(id, THREE)).await, None);
    }
    NOW.fetch_sub(86_400_000, SeqCst);
    let reached = limited(&fixture, message_under("d", THREE)).await.unwrap();
    assert_eq!(reached.retry_after, Duration::from_secs(600));
    NOW.fetch_add(599_999, SeqCst);
    assert!(limited(&fixture, message_under("d", THREE)).await.is_some());
    NOW.fetch_add(1, SeqCst);
    assert_eq!(limited(&fixture, message_under("d", THREE)).await, None);
}

#[tokio::test]
async fn only_a_messages_own_place_is_given_back() {
    clock!(NOW, now);
    let fixture = Fixture::at(now);
    let one = |id| message_under(id, r#"{"recipient":{"limits":["1/5s"]}}"#);
    let slow = fixture.fresh(one("a")).await;
    NOW.fetch_add(6_000, SeqCst);
    assert_eq!(limited(&fixture, one("b")).await, None);
    // The first fails after its place has left the window.
    NOW.fetch_add(2_000, SeqCst);
    let failed = decision(Outcome::Unavailable);
    fixture.ledger().settle(slow, failed).await.unwrap();
    NOW.fetch_add(800, SeqCst);
    assert!(limited(&fixture, one("c")).await.is_some());
}

const SENDER_THREE: &str =
    r#"{"recipient":{"limits":[]},"prefix":{"limits":[]},"sender":{"limits":["3/10m"]}}"#;

/// Sends a message through the first sender of its ticket.
async fn send_through(fixture: &Fixture, message: Claim) -> String {
    let ticket = fixture.fresh(message).await;
    let sender = ticket.senders()[0].clone();
    let reached = fixture.ledger().dispatched(&ticket, &sender).await.unwrap();
    assert_eq!(reached, None);
    let mut accepted = decision(Outcome::Accepted);
    accepted.attempts[0].sender.clone_from(&sender);
    fixture.ledger().settle(ticket, accepted).await.unwrap();
    sender
}

#[tokio::test]
async fn texts_through_the_fallback_of_a_paused_sender_count_for_the_fallback() {
    let fixture = Fixture::new();
    let report = |failure: Option<&str>| HealthReport {
        sender: "twilio".to_owned(),
        failure: failure.map(str::to_owned),
        took: Duration::ZERO,
        ended_ago: Duration::ZERO,
        unsealed: None,
    };
    let failed = report(Some("timeout"));
    fixture.ledger().report_health(failed).await.unwrap();
    for id in ["a", "b", "c"] {
        let sender = send_through(&fixture, message_under(id, SENDER_THREE)).await;
        assert_eq!(sender, "gateway");
    }
    // The fallback is full, so the paused one is asked, though it is paused; it has room for three.
    for id in ["d", "e", "f"] {
        let sender = send_through(&fixture, message_under(id, SENDER_THREE)).await;
        assert_eq!(sender, "twilio");
    }
    let reached = limited(&fixture, message_under("g", SENDER_THREE)).await;
    assert_eq!(
        reached.map(|reached| reached.to_string()).as_deref(),
        Some("3 texts through this sender in 10m, the limit sender = 3/10m")
    );
}

#[tokio::test]
async fn a_message_goes_to_the_first_sender_that_has_room() {
    let fixture = Fixture::new();
    for (id, wanted) in [
        ("a", "twilio"),
        ("b", "twilio"),
        ("c", "twilio"),
        ("d", "gateway"),
    ] {
        let message = message_under(id, SENDER_THREE);
        assert_eq!(send_through(&fixture, message).await, wanted, "{id}");
    }
}

#[tokio::test]
async fn a_failover_is_refused_by_the_limit_of_the_next_sender() {
    let fixture = Fixture::new();
    let limits = r#"{"recipient":{"limits":[]},"sender":{"limits":["1/10m"]}}"#;
    let through = |id, sender: &str| Claim {
        senders: vec![sender.to_owned()],
        ..message_under(id, limits)
    };
    assert_eq!(limited(&fixture, through("a", "gateway")).await, None);
    let ticket = fixture.fresh(message_under("b", limits)).await;
    let ledger = fixture.ledger();
    assert_eq!(ledger.dispatched(&ticket, "twilio").await, Ok(None));
    let refusal = ledger.dispatched(&ticket, "gateway").await.unwrap();
    let Some(DispatchRefusal::Limited(reached)) = refusal else {
        panic!("{refusal:?}")
    };
    assert_eq!(reached.scope, Scope::Sender);
    let entry = &fixture.history().of_id("b").unwrap()[0];
    assert_eq!(entry.dispatched_to, ["twilio"], "nothing was handed over");
}

#[tokio::test]
async fn a_text_counts_for_the_sender_that_took_it_and_not_for_one_that_refused() {
    let fixture = Fixture::new();
    let limits = r#"{"recipient":{"limits":[]},"sender":{"limits":["1/10m"]}}"#;
    let ticket = fixture.fresh(message_under("a", limits)).await;
    for sender in ["twilio", "gateway"] {
        fixture.ledger().dispatched(&ticket, sender).await.unwrap();
    }
    let accepted = failed_over(Outcome::Misconfigured, Outcome::Accepted);
    fixture.ledger().settle(ticket, accepted).await.unwrap();
    let through = |id, sender: &str| Claim {
        senders: vec![sender.to_owned()],
        ..message_under(id, limits)
    };
    assert!(limited(&fixture, through("b", "gateway")).await.is_some());
    assert_eq!(limited(&fixture, through("c", "twilio")).await, None);
}

#[tokio::test]
async fn a_place_that_was_given_back_is_taken_anew_by_a_repeat() {
    clock!(NOW, now);
    let fixture = Fixture::at(now);
    let limits = r#"{"recipient":{"limits":[]},"sender":{"limits":["1/10m"]}}"#;
    let ticket = fixture.fresh(message_under("a", limits)).await;
    for sender in ["twilio", "gateway"] {
        fixture.dispatched(&ticket, sender).await;
    }
    // The first had no use for its place; whether the second sent it is not known.
    let unknown = failed_over(Outcome::Unavailable, Outcome::Unknown);
    fixture.ledger().settle(ticket, unknown).await.unwrap();
    let another = Claim {
        senders: vec!["twilio".to_owned()],
        ..message_under("b", limits)
    };
    assert_eq!(limited(&fixture, another).await, None);

    NOW.fetch_add(5_000, SeqCst);
    let ClaimResult::Abandoned(ticket, _) = fixture.claim(message_under("a", limits)).await else {
        panic!("it may be looked for");
    };
    let refusal = fixture.ledger().dispatched(&ticket, "twilio").await;
    let refusal = refusal.unwrap();
    assert!(
        matches!(refusal, Some(DispatchRefusal::Limited(_))),
        "{refusal:?}"
    );
}

#[tokio::test]
async fn an_exempt_number_is_not_counted_on_a_failover_either() {
    let fixture = Fixture::new();
    let limits = r#"{"sender":{"limits":["1/10m"]},"exempt":["+447700900123"]}"#;
    for id in ["a", "b"] {
        let ticket = fixture.fresh(message_under(id, limits)).await;
        for sender in ["twilio", "gateway"] {
            let reached = fixture.ledger().dispatched(&ticket, sender).await;
            assert_eq!(reached, Ok(None));
        }
        fixture
            .ledger()
            .settle(ticket, decision(Outcome::Accepted))
            .await
            .unwrap();
    }
    let other = Claim {
        senders: vec!["gateway".to_owned()],
        ..message_under("c", limits)
    };
    let other = Claim {
        phone: phone("+447700900124"),
        ..other
    };
    assert_eq!(limited(&fixture, other).await, None);
}

#[tokio::test]
async fn a_test_asks_its_sender_even_while_it_is_paused() {
    let fixture = Fixture::new();
    let failed = HealthReport {
        sender: "twilio".to_owned(),
        failure: Some("timeout".to_owned()),
        took: Duration::ZERO,
        ended_ago: Duration::ZERO,
        unsealed: None,
    };
    fixture.ledger().report_health(failed).await.unwrap();
    let test = Claim {
        purpose: Purpose::Test,
        ..message("a")
    };
    let ticket = fixture.fresh(test).await;
    assert_eq!(ticket.senders(), ["twilio", "gateway"]);
    let ticket = fixture.fresh(message("b")).await;
    assert_eq!(ticket.senders(), ["gateway", "twilio"]);
}
