//! Counts of all time only grow.

use std::sync::atomic::Ordering::SeqCst;

use super::*;

/// How many messages ever had these outcomes.
fn counted(history: &History) -> [u64; 2] {
    let totals = history.totals().unwrap();
    [Outcome::Accepted, Outcome::Unknown].map(|outcome| {
        let of_it = totals.iter().filter(|total| total.outcome == outcome);
        of_it.map(|total| total.messages).sum()
    })
}

#[tokio::test]
async fn what_is_deleted_is_counted_on() {
    clock!(NOW, now);
    let mut fixture = Fixture::with(Options {
        retention: Duration::from_secs(86_400),
        failpoints: Failpoints {
            clock: now,
            ..Failpoints::default()
        },
        ..Options::default()
    });
    let short = |id: &str| Claim {
        expires_at: now() + Duration::from_secs(600),
        ..message(id)
    };
    fixture.send(short("a"), Outcome::Accepted).await;
    fixture.send(short("b"), Outcome::Unknown).await;
    let before = fixture.history().totals().unwrap();
    NOW.fetch_add(4 * 86_400_000, SeqCst);
    fixture.send(short("new"), Outcome::Accepted).await;
    fixture.reopen().await.ready().await.unwrap();
    assert_eq!(fixture.history().of_id("a").unwrap().len(), 0);
    assert_eq!(counted(&fixture.history()), [2, 1]);
    // With their times and segments.
    let after = fixture.history().totals().unwrap();
    let [was, is] = [&before, &after].map(|totals| {
        let segments: u64 = totals.iter().map(|total| total.segments).sum();
        let ms: u64 = totals.iter().map(|total| total.ms).sum();
        (segments, ms)
    });
    assert_eq!((is.0 * 2, is.1 * 2), (was.0 * 3, was.1 * 3));
    // The next ones are added to what is there.
    NOW.fetch_add(4 * 86_400_000, SeqCst);
    fixture.send(short("newer"), Outcome::Accepted).await;
    fixture.reopen().await.ready().await.unwrap();
    assert_eq!(fixture.history().of_id("new").unwrap().len(), 0);
    assert_eq!(counted(&fixture.history()), [3, 1]);
}

#[tokio::test]
async fn what_was_unknown_stays_counted_as_that_once() {
    clock!(NOW, now);
    let fixture = Fixture::at(now);
    fixture.send(message("a"), Outcome::Unknown).await;
    let look = async || {
        NOW.fetch_add(5_000, SeqCst);
        let ClaimResult::Abandoned(ticket, _) = fixture.claim(message("a")).await else {
            panic!("it may be looked for");
        };
        ticket
    };
    for _ in 0..2 {
        let ticket = look().await;
        assert_eq!(
            counted(&fixture.history()),
            [0, 1],
            "while it is looked for"
        );
        fixture.ledger().still_unknown(ticket).await.unwrap();
        assert_eq!(counted(&fixture.history()), [0, 1], "it is unknown still");
    }
    let ticket = look().await;
    let found = decision(Outcome::Accepted);
    fixture.ledger().settle(ticket, found).await.unwrap();
    assert_eq!(counted(&fixture.history()), [1, 1]);
}
