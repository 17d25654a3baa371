//! What is counted by user, actor and address, and by the day.

use std::sync::atomic::Ordering::SeqCst;

use super::*;

const HOUR: i64 = 60 * 60 * 1000;

#[tokio::test]
async fn the_bound_of_a_day_learns_from_fourteen_days_and_is_never_under_its_floor() {
    clock!(NOW, now);
    // The beginning of a day, UTC.
    NOW.store(1_800_057_600_000, SeqCst);
    let fixture = Fixture::at(now);
    let limits = r#"{"recipient":{"limits":[]},"daily":{"floor":10,"enforce":["enroll"]}}"#;
    let claim = |n: i64, event: &str| {
        let mut claim = message_under(&format!("{n}-{event}"), limits);
        claim.facts.event = Some(event.to_owned());
        claim
    };
    let mut most = Vec::new();
    for day in 0..17i64 {
        let mut count = 0;
        for n in 0..100 {
            match fixture.claim(claim(day * 1000 + n, "enroll")).await {
                ClaimResult::Fresh(ticket) => {
                    fixture
                        .ledger()
                        .settle(ticket, decision(Outcome::Accepted))
                        .await
                        .unwrap();
                    count += 1;
                }
                ClaimResult::Limited(reached) => {
                    assert_eq!(reached.scope, Scope::Daily);
                    assert_eq!(reached.retry_after, Duration::from_secs(24 * 60 * 60));
                    break;
                }
                other => panic!("{other:?}"),
            }
        }
        most.push(count);
        NOW.fetch_add(24 * HOUR, SeqCst);
    }
    // Twice the mean of what fourteen days had, once that is more than the floor.
    assert_eq!(most[..8], [10; 8]);
    assert_eq!(most[8..], [11, 13, 14, 16, 19, 21, 24, 26, 29]);

    // A reset is counted apart, and only recorded.
    for n in 0..11 {
        let ticket = fixture.fresh(claim(n, "reset")).await;
        let is_over = ticket.over().iter().any(|one| one.scope == Scope::Daily);
        assert_eq!(is_over, n == 10, "{n}");
        fixture
            .ledger()
            .settle(ticket, decision(Outcome::Accepted))
            .await
            .unwrap();
    }
    // What was certainly not sent gives its place back.
    let ticket = fixture.fresh(claim(20, "other")).await;
    fixture
        .ledger()
        .settle(ticket, decision(Outcome::Rejected))
        .await
        .unwrap();
    for n in 21..31 {
        let ticket = fixture.fresh(claim(n, "other")).await;
        assert!(ticket.over().is_empty(), "{n}");
        fixture
            .ledger()
            .settle(ticket, decision(Outcome::Accepted))
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn users_actors_and_addresses_are_counted_each_by_itself() {
    for (limit, words) in [
        ("user", "2 texts to this user in 1h, the limit user = 2/1h"),
        (
            "actor",
            "2 texts that this actor asked for in 1h, the limit actor = 2/1h",
        ),
        (
            "source",
            "2 texts asked for from this address in 1h, the limit source = 2/1h",
        ),
    ] {
        let fixture = Fixture::new();
        let limits = format!(r#"{{"{limit}":{{"limits":["2/1h"]}}}}"#);
        let to = |n: u32| Claim {
            phone: phone(&format!("+44770090{n:04}")),
            ..message_under(&format!("id-{n}"), &limits)
        };
        fixture.send(to(1), Outcome::Accepted).await;
        fixture.send(to(2), Outcome::Accepted).await;
        match fixture.claim(to(3)).await {
            ClaimResult::Limited(reached) => assert_eq!(reached.to_string(), words),
            other => panic!("{other:?}"),
        }
        // Directories do not tell capital letters from small ones.
        let mut capital = to(4);
        capital.facts.user = Some("ADA".to_owned());
        let claimed = fixture.claim(capital).await;
        assert!(matches!(claimed, ClaimResult::Limited(_)), "{limit}");
        let mut other = to(5);
        other.facts.user = Some("grace".to_owned());
        other.facts.actor = Some("eve".to_owned());
        other.facts.source = Some("192.0.2.8".to_owned());
        drop(fixture.fresh(other).await);
        let mut unknown = to(6);
        unknown.facts.user = None;
        unknown.facts.actor = None;
        unknown.facts.source = None;
        drop(fixture.fresh(unknown).await);
    }
}
