//! A ledger that an older version wrote.

use super::*;

/// A ledger of version 1, with a message that was sent and one that was left open by a process that died.
async fn of_version_1() -> Fixture {
    let mut fixture = Fixture::new();
    fixture.send(message("settled"), Outcome::Accepted).await;
    fixture.close().await;
    let sql = rusqlite::Connection::open(fixture.path().join("ledger.sqlite3")).unwrap();
    sql.execute_batch(
        "DROP INDEX decisions_used;
         ALTER TABLE decisions DROP COLUMN resend_of;
         ALTER TABLE decisions DROP COLUMN prefix_hash;
         ALTER TABLE decisions DROP COLUMN used_at;
         ALTER TABLE decisions DROP COLUMN delivery;
         ALTER TABLE decisions DROP COLUMN delivery_at;
         ALTER TABLE decisions DROP COLUMN without_hub;
         ALTER TABLE decisions DROP COLUMN places;
         ALTER TABLE decisions DROP COLUMN user_hash;
         ALTER TABLE decisions DROP COLUMN source_hash;
         ALTER TABLE decisions DROP COLUMN reasons;
         ALTER TABLE decisions DROP COLUMN looked_at;
         ALTER TABLE senders DROP COLUMN wait_until;
         ALTER TABLE senders DROP COLUMN doubts;
         ALTER TABLE senders DROP COLUMN unsealed;
         UPDATE decisions SET reserved = x'00112233445566778899aabbccddeeff' WHERE id = 'settled';
         PRAGMA user_version = 1;",
    )
    .unwrap();
    fixture
}

#[tokio::test]
async fn it_is_migrated_by_the_first_send() {
    let mut fixture = of_version_1().await;
    fixture.reopen().await.ready().await.unwrap();
    let repeat = fixture.claim(message("settled")).await;
    assert!(matches!(repeat, ClaimResult::Replay { .. }), "{repeat:?}");
    fixture.send(message("next"), Outcome::Accepted).await;
    assert_eq!(fixture.history().of_id("next").unwrap().len(), 1);
}

#[tokio::test]
async fn it_can_be_read_before_that() {
    let fixture = of_version_1().await;
    let history = fixture.history();
    let entry = history.of_id("settled").unwrap().remove(0);
    assert_eq!((entry.user_hash, entry.reasons), (None, Vec::new()));
}
