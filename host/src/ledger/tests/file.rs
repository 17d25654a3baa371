//! What only the ledger in a file knows: the file is replaced, or written before another boot.

use super::*;

#[tokio::test]
async fn a_claim_of_an_earlier_boot_may_have_been_sent() {
    let fixture = Fixture::new();
    let ticket = fixture.fresh(message("a")).await;
    let sql = rusqlite::Connection::open(fixture.path().join("ledger.sqlite3")).unwrap();
    sql.execute(
        "UPDATE decisions SET owner = '00000000-0123456789abcdef'",
        [],
    )
    .unwrap();
    let ClaimResult::Abandoned(_, attempt) = fixture.claim(message("a")).await else {
        panic!("that nothing was dispatched may have been lost with the power");
    };
    assert_eq!(attempt.senders, Vec::<String>::new());
    drop(ticket);
}

#[tokio::test]
async fn a_new_key_finds_what_the_one_of_before_wrote_until_that_is_taken_away() {
    let limits = r#"{"recipient":{"limits":["2/1h"]}}"#;
    let mut fixture = Fixture::new();
    fixture
        .send(message_under("a", limits), Outcome::Accepted)
        .await;
    fixture.gets_a_new_key().await;
    let is_replayed = async |fixture: &Fixture| {
        let repeat = fixture.claim(message_under("a", limits)).await;
        matches!(repeat, ClaimResult::Replay { .. })
    };
    assert!(is_replayed(&fixture).await);
    fixture
        .send(message_under("b", limits), Outcome::Accepted)
        .await;
    let third = fixture.claim(message_under("c", limits)).await;
    assert!(matches!(third, ClaimResult::Limited(_)), "{third:?}");
    let found = |fixture: &Fixture| {
        let recipient = Some(message("a").phone);
        let filter = Filter {
            recipient,
            ..Filter::default()
        };
        let found = fixture.history().latest(10, &filter).unwrap();
        found.iter().filter(|entry| !entry.replayed).count()
    };
    assert_eq!(found(&fixture), 3);
    fixture.close().await;
    std::fs::remove_file(fixture.path().join("ledger.key.before")).unwrap();
    fixture.reopen().await.ready().await.unwrap();
    assert_eq!(found(&fixture), 2, "by the new key");
    let refused = fixture.claim(message_under("a", limits)).await;
    assert!(matches!(refused, ClaimResult::Mismatch), "{refused:?}");
}

#[tokio::test]
async fn nothing_is_dispatched_on_a_ledger_that_was_replaced() {
    let fixture = Fixture::new();
    let ticket = fixture.fresh(message("a")).await;
    std::fs::rename(
        fixture.path().join("ledger.sqlite3"),
        fixture.path().join("moved"),
    )
    .unwrap();
    let lost = fixture.ledger().dispatched(&ticket, "twilio").await;
    assert_eq!(lost, Err(LedgerError::Lost { id: "a".to_owned() }));
}

#[tokio::test]
async fn what_was_sent_is_settled_in_a_ledger_that_was_replaced() {
    let fixture = Fixture::new();
    let ticket = fixture.fresh(message("a")).await;
    fixture.dispatched(&ticket, "twilio").await;
    std::fs::rename(
        fixture.path().join("ledger.sqlite3"),
        fixture.path().join("moved"),
    )
    .unwrap();
    fixture
        .ledger()
        .settle(ticket, decision(Outcome::Accepted))
        .await
        .unwrap();
    assert!(matches!(
        fixture.claim(message("a")).await,
        ClaimResult::Replay { .. }
    ));
}

#[tokio::test]
async fn no_byte_in_the_folder_holds_a_secret_or_a_number() {
    let mut fixture = Fixture::new();
    for (id, outcome) in [
        ("a", Outcome::Accepted),
        ("b", Outcome::Unavailable),
        ("c", Outcome::Unknown),
    ] {
        fixture.send(message(id), outcome).await;
        let _ = fixture.claim(message(id)).await;
        let other = Claim {
            secret: "an0therSecret".to_owned().into(),
            ..message(id)
        };
        let _ = fixture.claim(other).await;
    }
    let _ = fixture
        .claim(message_under("d", r#"{"recipient":{"limits":["1/10m"]}}"#))
        .await;
    let held = fixture.fresh(message("e")).await;
    search(fixture.path());
    drop(held);
    fixture.reopen().await.ready().await.unwrap();
    search(fixture.path());
}

fn search(folder: &Path) {
    let mut bytes = 0;
    for file in [
        "ledger.sqlite3",
        "ledger.sqlite3-wal",
        "ledger.sqlite3-shm",
        "ledger.key",
        "ledger.lock",
    ] {
        let content = std::fs::read(folder.join(file)).unwrap();
        bytes += content.len();
        for secret in [
            SECRET,
            "an0therSecret",
            NUMBER,
            &NUMBER[1..],
            "7700900123",
            "00900123",
        ] {
            let found = content
                .windows(secret.len())
                .any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} is in {file}");
        }
    }
    assert!(bytes > 10_000, "the search saw the ledger");
}

#[tokio::test]
async fn what_leads_to_a_person_is_erased_once_repeats_no_longer_rely_on_it() {
    let by_user = Person::User("Ada".to_owned());
    for person in [Person::Phone(phone(NUMBER)), by_user] {
        clock!(NOW, now);
        let mut fixture = Fixture::at(now);
        let mut of_another = message_to("other", "+447700900124");
        of_another.facts.user = Some("bob".to_owned());
        fixture.send(message("a"), Outcome::Accepted).await;
        fixture.send(of_another, Outcome::Accepted).await;
        let found = fixture
            .history()
            .latest(usize::MAX, &Filter::from(person.clone()))
            .unwrap();
        assert_eq!(found.len(), 1, "{person:?}");
        let hash = found[0].recipient_hash.clone().unwrap();
        let erase = |at| Ledger::erase(fixture.path(), &person, at, &fixture.options).unwrap();
        let young = erase(now());
        assert_eq!((young.erased, young.kept), (0, 1), "{person:?}");
        let day = jiff::SignedDuration::from_hours(24);
        let erased = erase(now().checked_add(day * 2).unwrap());
        assert_eq!((erased.erased, erased.kept), (1, 0), "{person:?}");
        let entries = fixture.history();
        let entries = entries.latest(usize::MAX, &Filter::default()).unwrap();
        let [a, other] = entries.as_slice() else {
            panic!("the counts stay")
        };
        assert_eq!(
            (
                &a.recipient,
                &a.recipient_hash,
                &a.provider_id,
                &a.user_hash
            ),
            (&None, &None, &None, &None)
        );
        assert_eq!(a.state, EntryState::Ended(Outcome::Accepted));
        assert!(other.recipient_hash.is_some() && other.provider_id.is_some());
        // Nor is it left in the file, or in its log.
        fixture.close().await;
        let hash = bytes_of(&hash);
        for file in ["ledger.sqlite3", "ledger.sqlite3-wal"] {
            let content = std::fs::read(fixture.path().join(file)).unwrap_or_default();
            let found = content.windows(hash.len()).any(|window| window == hash);
            assert!(!found, "{file} still has the hash");
        }
    }
}

/// The bytes of a hash that is shown in hexadecimal.
fn bytes_of(hash: &str) -> Vec<u8> {
    let digits = hash.as_bytes().chunks(2);
    let byte = |digits| u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap();
    digits.map(byte).collect()
}

#[tokio::test]
async fn reading_makes_and_writes_nothing() {
    let mut fixture = Fixture::new();
    fixture.send(message("a"), Outcome::Accepted).await;
    fixture.close().await;
    let state = |folder: &Path| -> Vec<_> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let content = |path: std::path::PathBuf| (std::fs::read(&path).ok(), path);
        files.into_iter().map(content).collect()
    };
    let reads = |folder: &Path| {
        let before = state(folder);
        let history = History::open(folder, &Options::default()).unwrap();
        assert_eq!(history.of_id("a").unwrap().len(), 1);
        assert_eq!(history.tallies(None).unwrap().len(), 1);
        assert!(history.senders(Timestamp::now()).unwrap().is_empty());
        drop(history);
        assert!(state(folder) == before, "reading has changed the folder");
    };
    // As a send leaves it.
    reads(fixture.path());
    // As a backup has it: the file and its key alone. A folder's name means nothing to SQLite.
    let place = tempfile::Builder::new()
        .prefix("a?b%20#")
        .tempdir()
        .unwrap();
    fixture.history().copy_into(place.path()).unwrap();
    reads(place.path());
}

/// A reader that follows a ledger whose log is made only later.
#[tokio::test]
async fn what_is_written_into_a_new_log_is_read_too() {
    let mut fixture = Fixture::new();
    fixture.send(message("a"), Outcome::Accepted).await;
    let place = tempfile::tempdir().unwrap();
    fixture.history().copy_into(place.path()).unwrap();
    let history = History::open(place.path(), &Options::default()).unwrap();
    fixture.close().await;
    fixture.folder = place;
    fixture.reopen().await.ready().await.unwrap();
    fixture.send(message("b"), Outcome::Accepted).await;
    let history = history.renewed().unwrap();
    assert_eq!(history.of_id("b").unwrap().len(), 1);
}

#[tokio::test]
async fn a_copy_of_the_ledger_is_whole_and_can_be_put_in_place() {
    let fixture = Fixture::new();
    fixture.send(message("before"), Outcome::Accepted).await;
    let copies = tempfile::tempdir().unwrap();
    fixture.history().copy_into(copies.path()).unwrap();
    fixture.send(message("after"), Outcome::Accepted).await;
    let place = tempfile::tempdir().unwrap();
    let options = Options::default();
    Ledger::restore(place.path(), copies.path(), &options).unwrap();
    let restored = History::open(place.path(), &options).unwrap();
    let entries = restored.latest(usize::MAX, &Filter::default()).unwrap();
    let ids: Vec<&str> = entries.iter().map(|entry| entry.id.as_str()).collect();
    assert_eq!(ids, ["before"]);
}

#[tokio::test]
async fn counts_of_all_time_are_no_less_after_an_older_copy_is_put_in_place() {
    let mut fixture = Fixture::new();
    fixture.send(message("before"), Outcome::Accepted).await;
    let copies = tempfile::tempdir().unwrap();
    fixture.history().copy_into(copies.path()).unwrap();
    fixture.send(message("after"), Outcome::Accepted).await;
    fixture.send(message("later"), Outcome::Unknown).await;
    let before = fixture.history().totals().unwrap();
    let folder = fixture.folder.path().to_owned();
    fixture.close().await;
    let options = Options::default();
    Ledger::restore(&folder, copies.path(), &options).unwrap();
    let restored = History::open(&folder, &options).unwrap();
    assert_eq!(restored.of_id("after").unwrap().len(), 0);
    assert_eq!(restored.totals().unwrap(), before);
}

#[tokio::test]
async fn a_users_messages_are_found_by_name_though_the_name_is_not_kept() {
    let fixture = Fixture::new();
    fixture.send(message("a"), Outcome::Accepted).await;
    let mut of_another = message("b");
    of_another.facts.user = Some("grace".to_owned());
    fixture.send(of_another, Outcome::Accepted).await;
    let found = |user: &str| -> Vec<String> {
        let filter = Filter {
            user: Some(user.to_owned()),
            ..Filter::default()
        };
        let found = fixture.history().latest(10, &filter).unwrap();
        found.into_iter().map(|entry| entry.id).collect()
    };
    assert_eq!(found("Ada"), ["a"]);
    assert_eq!(found("grace"), ["b"]);
    assert_eq!(found("gra"), Vec::<String>::new());
    let database = std::fs::read(fixture.path().join("ledger.sqlite3-wal")).unwrap();
    assert!(!database.windows(5).any(|bytes| bytes == b"grace"));
}

#[tokio::test]
async fn the_log_stays_short_in_a_stream_and_between_single_sends() {
    let mut fixture = Fixture::new();
    let log = |fixture: &Fixture| {
        std::fs::metadata(fixture.path().join("ledger.sqlite3-wal"))
            .unwrap()
            .len()
    };
    for n in 0..100 {
        fixture.send(stranger(n), Outcome::Accepted).await;
        fixture.reopen().await.ready().await.unwrap();
    }
    let after_single_sends = log(&fixture);
    assert!(after_single_sends < 1 << 20, "{after_single_sends}");
    for n in 100..1000 {
        fixture.send(stranger(n), Outcome::Accepted).await;
    }
    let in_a_stream = log(&fixture);
    assert!(
        (after_single_sends..18 << 20).contains(&in_a_stream),
        "{in_a_stream}"
    );
}

/// A message that no other shares a number with.
pub(super) fn stranger(n: u32) -> Claim {
    message_to(&format!("id-{n}"), &format!("+4477009{n:05}"))
}

#[tokio::test]
async fn a_folder_a_ledger_and_a_key_that_others_can_write_are_not_used() {
    use std::os::unix::fs::PermissionsExt;

    for name in ["", "ledger.sqlite3", "ledger.key"] {
        let mut fixture = Fixture::new();
        fixture.send(message("a"), Outcome::Accepted).await;
        fixture.close().await;
        let path = fixture.path().join(name);
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        let others_may_write = std::fs::Permissions::from_mode(mode | 0o002);
        std::fs::set_permissions(&path, others_may_write).unwrap();
        let opened = fixture.reopen().await.ready().await;
        let error = opened.expect_err(name).to_string();
        assert!(
            error.contains("can be written by others"),
            "{name}: {error}"
        );
    }
}
