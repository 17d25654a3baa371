//! The same code to the same number again.

use std::sync::atomic::Ordering::SeqCst;

use super::*;

/// The same message under another id, as a resend of `of`.
fn resend(id: &str, of: &str) -> Claim {
    Claim {
        resend: Resend::Of(MessageId::parse(of).unwrap()),
        ..message(id)
    }
}

fn by_content() -> Claim {
    Claim {
        resend: Resend::ByContent,
        ..message("c0ffee")
    }
}

/// What a claim came to, and under which id; a fresh one is sent.
async fn send(fixture: &Fixture, message: Claim) -> String {
    match fixture.claim(message).await {
        ClaimResult::Fresh(ticket) => {
            let id = ticket.id().unwrap().to_owned();
            let ledger = fixture.ledger();
            ledger.dispatched(&ticket, "twilio").await.unwrap();
            ledger
                .settle(ticket, decision(Outcome::Accepted))
                .await
                .unwrap();
            format!("sent {id}")
        }
        ClaimResult::Replay { .. } => "replayed".to_owned(),
        ClaimResult::NoResend(code) => code.as_str().to_owned(),
        ClaimResult::Limited(reached) => format!(
            "limited by {} for {} s",
            reached.scope.name(),
            reached.retry_after.as_secs()
        ),
        other => format!("{other:?}"),
    }
}

#[tokio::test]
async fn it_brings_the_code_of_a_message_that_was_sent() {
    let fixture = Fixture::new();
    fixture.send(message("a"), Outcome::Accepted).await;
    fixture.send(message("unknown"), Outcome::Unknown).await;
    fixture
        .send(message("not-sent"), Outcome::Unavailable)
        .await;
    let other_code = Claim {
        secret: "other".to_owned().into(),
        ..resend("b", "a")
    };
    let other_number = Claim {
        phone: phone("+447700900124"),
        ..resend("b", "a")
    };
    let other_purpose = Claim {
        purpose: Purpose::HelpdeskCode,
        ..resend("b", "a")
    };
    for (message, expected) in [
        (other_code, "resend_mismatch"),
        (other_number, "resend_mismatch"),
        (other_purpose, "resend_mismatch"),
        (resend("b", "none"), "resend_unknown"),
        (resend("b", "not-sent"), "resend_unknown"),
        (resend("b", "a"), "sent b"),
        (resend("b", "a"), "replayed"),
        (resend("c", "b"), "sent c"),
        (resend("d", "unknown"), "sent d"),
    ] {
        let what = format!("{:?} {}", message.resend, message.facts.id);
        assert_eq!(send(&fixture, message).await, expected, "{what}");
    }
    let entry = fixture.history().of_id("c").unwrap().remove(0);
    assert_eq!(entry.resend_of.as_deref(), Some("b"));
}

#[tokio::test]
async fn one_of_an_expired_code_is_none_and_a_resend_makes_it_live_no_longer() {
    clock!(NOW, now);
    let fixture = Fixture::at(now);
    let expiring = |claim: Claim, seconds| Claim {
        expires_at: now() + Duration::from_secs(seconds),
        ..claim
    };
    fixture
        .send(expiring(message("a"), 600), Outcome::Accepted)
        .await;
    NOW.fetch_add(599_999, SeqCst);
    let late = expiring(resend("b", "a"), 600);
    assert_eq!(send(&fixture, late).await, "sent b");
    NOW.fetch_add(1, SeqCst);
    for of in ["a", "b"] {
        let late = expiring(resend("c", of), 600);
        assert_eq!(send(&fixture, late).await, "resend_mismatch", "{of}");
    }
}

#[tokio::test]
async fn one_of_a_message_in_flight_waits_for_it() {
    let fixture = Fixture::new();
    let ticket = fixture.fresh(message("a")).await;
    assert_eq!(send(&fixture, resend("b", "a")).await, "InProgress");
    fixture.dispatched(&ticket, "twilio").await;
    drop(ticket);
    fixture.ledger().ready().await.unwrap();
    assert_eq!(send(&fixture, resend("b", "a")).await, "sent b");
}

#[tokio::test]
async fn the_fourth_in_ten_minutes_is_refused_and_each_counts_as_a_text() {
    clock!(NOW, now);
    let fixture = Fixture::at(now);
    let mut ids = vec!["a".to_owned()];
    fixture.send(message("a"), Outcome::Accepted).await;
    for id in ["b", "c", "d"] {
        NOW.fetch_add(1000, SeqCst);
        let of = ids.last().unwrap().clone();
        assert_eq!(send(&fixture, resend(id, &of)).await, format!("sent {id}"));
        ids.push(id.to_owned());
    }
    let refused = "limited by resend for 598 s";
    assert_eq!(send(&fixture, resend("e", "a")).await, refused);
    // The fifth text to this number, and then no more by its own limit either.
    assert_eq!(send(&fixture, message("f")).await, "sent f");
    let refused = send(&fixture, message("g")).await;
    assert!(refused.starts_with("limited by recipient"), "{refused}");
    NOW.fetch_add(598_000, SeqCst);
    assert_eq!(send(&fixture, resend("e", "a")).await, "sent e");
}

#[tokio::test]
async fn the_same_content_is_a_repeat_for_thirty_seconds_and_then_a_resend() {
    clock!(NOW, now);
    let fixture = Fixture::at(now);
    assert_eq!(send(&fixture, by_content()).await, "sent c0ffee");
    NOW.fetch_add(29_999, SeqCst);
    assert_eq!(send(&fixture, by_content()).await, "replayed");
    NOW.fetch_add(1, SeqCst);
    for id in ["c0ffee~2", "c0ffee~3", "c0ffee~4"] {
        assert_eq!(send(&fixture, by_content()).await, format!("sent {id}"));
        NOW.fetch_add(29_999, SeqCst);
        assert_eq!(send(&fixture, by_content()).await, "replayed");
        NOW.fetch_add(1, SeqCst);
    }
    let refused = send(&fixture, by_content()).await;
    assert!(refused.starts_with("limited by resend"), "{refused}");
    let entry = fixture.history().of_id("c0ffee~3").unwrap().remove(0);
    assert_eq!(entry.resend_of.as_deref(), Some("c0ffee~2"));
}

#[tokio::test]
async fn the_same_content_in_flight_is_never_sent_again() {
    clock!(NOW, now);
    let fixture = Fixture::at(now);
    let ticket = fixture.fresh(by_content()).await;
    NOW.fetch_add(60_000, SeqCst);
    assert_eq!(send(&fixture, by_content()).await, "InProgress");
    // What was not sent is no reason to count a resend.
    drop(ticket);
    fixture.ledger().ready().await.unwrap();
    assert_eq!(send(&fixture, by_content()).await, "sent c0ffee");
}

#[tokio::test]
async fn the_same_content_after_its_expiry_is_a_new_message() {
    clock!(NOW, now);
    let fixture = Fixture::at(now);
    let expiring = || Claim {
        expires_at: now() + Duration::from_secs(600),
        ..by_content()
    };
    assert_eq!(send(&fixture, expiring()).await, "sent c0ffee");
    NOW.fetch_add(86_400_000, SeqCst);
    for _ in 0..3 {
        send(&fixture, expiring()).await;
        NOW.fetch_add(601_000, SeqCst);
    }
    let history = fixture.history();
    for id in ["c0ffee~2", "c0ffee~4"] {
        let entry = history.of_id(id).unwrap().remove(0);
        assert_eq!(entry.resend_of, None, "{id}");
    }
}
