//! The ledger stays small, and forgets what it must.

use std::sync::atomic::Ordering::SeqCst;

use super::*;

#[tokio::test]
async fn the_tag_of_a_secret_is_deleted_at_its_expiry() {
    clock!(NOW, now);
    let mut fixture = Fixture::at(now);
    let soon = now() + Duration::from_secs(600);
    let message = |secret: &str| Claim {
        secret: secret.to_owned().into(),
        expires_at: soon,
        ..message("a")
    };
    fixture.send(message("one"), Outcome::Accepted).await;
    let tags = |fixture: &Fixture| -> i64 {
        let sql = "SELECT count(*) FROM decisions WHERE tag IS NOT NULL";
        fixture.count(sql)
    };
    assert_eq!(tags(&fixture), 1);
    assert!(matches!(
        fixture.claim(message("two")).await,
        ClaimResult::Mismatch
    ));
    NOW.fetch_add(600_000, SeqCst);
    assert!(matches!(
        fixture.claim(message("two")).await,
        ClaimResult::Replay { .. }
    ));
    fixture.reopen().await.ready().await.unwrap();
    assert_eq!(tags(&fixture), 0);
}

#[tokio::test]
async fn old_decisions_are_deleted_after_the_answer_but_no_id_before_its_expiry() {
    clock!(NOW, now);
    let day = Duration::from_secs(86_400);
    let mut fixture = Fixture::with(Options {
        retention: day,
        failpoints: Failpoints {
            clock: now,
            ..Failpoints::default()
        },
        ..Options::default()
    });
    let short = Claim {
        expires_at: now() + Duration::from_secs(600),
        ..message("short")
    };
    fixture.send(short, Outcome::Accepted).await;
    fixture.send(message("long"), Outcome::Accepted).await;
    NOW.fetch_add(2 * 86_400_000, SeqCst);
    fixture.send(message("new"), Outcome::Accepted).await;
    assert_eq!(
        fixture.history().of_id("short").unwrap().len(),
        1,
        "not before an answer"
    );
    fixture.reopen().await.ready().await.unwrap();
    assert_eq!(fixture.history().of_id("short").unwrap().len(), 0);
    assert!(matches!(
        fixture.claim(message("long")).await,
        ClaimResult::Replay { .. }
    ));
}

#[tokio::test]
async fn windows_that_count_nothing_are_deleted() {
    clock!(NOW, now);
    let mut fixture = Fixture::at(now);
    for n in 0..20 {
        fixture.send(stranger(n), Outcome::Accepted).await;
    }
    let windows = |fixture: &Fixture| -> i64 {
        let sql = "SELECT count(*) FROM windows";
        fixture.count(sql)
    };
    assert!(windows(&fixture) > 20);
    NOW.fetch_add(86_400_000, SeqCst);
    fixture.reopen().await.ready().await.unwrap();
    fixture.reopen().await.ready().await.unwrap();
    assert_eq!(windows(&fixture), 0);
}

/// A message that no other shares a number with.
fn stranger(n: u32) -> Claim {
    message_to(&format!("id-{n}"), &format!("+4477009{n:05}"))
}
