//! A record of every decision, with no secret in it.

use std::ops::ControlFlow;

use super::*;

#[tokio::test]
async fn an_entry_has_all_that_the_audit_needs() {
    let fixture = Fixture::new();
    fixture.send(message("a"), Outcome::Accepted).await;
    let entries = fixture
        .history()
        .latest(usize::MAX, &Filter::default())
        .unwrap();
    let [entry] = entries.as_slice() else {
        panic!("one entry")
    };
    assert_eq!(entry.id, "a");
    assert_eq!(entry.purpose.as_deref(), Some("verification_code"));
    assert_eq!(entry.event.as_deref(), Some("reset"));
    assert_eq!(entry.actor.as_deref(), Some("helpdesk\\bob"));
    assert_eq!(entry.policy.as_deref(), Some("Staff"));
    assert_eq!(entry.recipient, Some(phone(NUMBER).to_string()));
    assert_eq!(entry.region.as_deref(), Some("GB"));
    assert_eq!(entry.state, EntryState::Ended(Outcome::Accepted));
    assert_eq!(entry.dispatched_to, ["twilio"]);
    assert_eq!(entry.provider_id.as_deref(), Some("SM0123456789abcdef"));
    assert_eq!(
        (entry.segments, entry.ms, entry.uid),
        (Some(1), Some(8), 1000)
    );
    assert_eq!(entry.attempts, decision(Outcome::Accepted).attempts);
}

#[tokio::test]
async fn every_kind_of_decision_leaves_an_entry() {
    let fixture = Fixture::new();
    let two = |id| message_under(id, r#"{"recipient":{"limits":["2/10m"]}}"#);
    fixture.send(two("a"), Outcome::Accepted).await;
    let _ = fixture.claim(two("a")).await;
    let _ = fixture
        .claim(Claim {
            purpose: Purpose::Test,
            ..two("a")
        })
        .await;
    let held = fixture.fresh(two("b")).await;
    let _ = fixture.claim(two("b")).await;
    let _ = fixture.claim(two("c")).await;
    let refused = Unclaimed {
        facts: Facts {
            id: "d".to_owned(),
            ..Facts::default()
        },
        purpose: None,
        phone: None,
        decision: FinalOutcome {
            sender: None,
            ..decision(Outcome::Refused)
        },
    };
    fixture.ledger().record(refused).await.unwrap();
    let entries = fixture
        .history()
        .latest(usize::MAX, &Filter::default())
        .unwrap();
    let seen: Vec<_> = entries
        .iter()
        .map(|e| (e.id.as_str(), e.state, e.replayed))
        .collect();
    assert_eq!(
        seen,
        [
            ("a", EntryState::Ended(Outcome::Accepted), false),
            ("a", EntryState::Ended(Outcome::Accepted), true),
            ("a", EntryState::Ended(Outcome::Invalid), false),
            ("b", EntryState::Sending, false),
            ("b", EntryState::Ended(Outcome::InProgress), false),
            ("c", EntryState::Ended(Outcome::Limited), false),
            ("d", EntryState::Ended(Outcome::Refused), false),
        ]
    );
    drop(held);
}

#[tokio::test]
async fn entries_are_found_by_time_outcome_and_number() {
    clock!(NOW, now);
    let fixture = Fixture::at(now);
    fixture.send(message("old"), Outcome::Accepted).await;
    NOW.fetch_add(1000, std::sync::atomic::Ordering::SeqCst);
    fixture.send(message("failed"), Outcome::Unavailable).await;
    fixture
        .send(message_to("other", "+447700900124"), Outcome::Accepted)
        .await;
    for (filter, found) in [
        (Filter::default(), vec!["old", "failed", "other"]),
        (
            Filter {
                since: Some(now()),
                ..Filter::default()
            },
            vec!["failed", "other"],
        ),
        (
            Filter {
                outcome: Some(Outcome::Accepted),
                ..Filter::default()
            },
            vec!["old", "other"],
        ),
        (
            Filter {
                recipient: Some(phone(NUMBER)),
                ..Filter::default()
            },
            vec!["old", "failed"],
        ),
    ] {
        let history = fixture.history();
        let ids = |entries: Vec<Entry>| -> Vec<String> {
            entries.into_iter().map(|entry| entry.id).collect()
        };
        let mut each = Vec::new();
        let collected = history.each(&filter, |entry| {
            each.push(entry);
            ControlFlow::Continue(())
        });
        collected.unwrap();
        assert_eq!(ids(each), found, "{filter:?}");
        let last = ids(history.latest(1, &filter).unwrap());
        assert_eq!(last, found[found.len() - 1..], "{filter:?}");
    }
}

#[tokio::test]
async fn a_follower_misses_no_slow_message_and_sees_none_twice() {
    let fixture = Fixture::new();
    fixture.send(message("before"), Outcome::Accepted).await;
    let history = fixture.history();
    let mut cursor = history.end().unwrap();
    let mut follow = || -> Vec<String> {
        let entries = history.follow(&mut cursor, &Filter::default()).unwrap();
        entries.into_iter().map(|entry| entry.id).collect()
    };
    let slow = fixture.fresh(message("slow")).await;
    fixture.send(message("quick"), Outcome::Accepted).await;
    assert_eq!(follow(), ["quick"]);
    assert_eq!(follow(), Vec::<String>::new());
    fixture
        .ledger()
        .settle(slow, decision(Outcome::Unavailable))
        .await
        .unwrap();
    assert_eq!(follow(), ["slow"]);
    assert_eq!(follow(), Vec::<String>::new());
}

#[tokio::test]
async fn tallies_are_by_day_sender_region_and_outcome_without_replays() {
    clock!(NOW, now);
    let fixture = Fixture::at(now);
    for id in ["a", "b"] {
        fixture.send(message(id), Outcome::Accepted).await;
    }
    let _ = fixture.claim(message("a")).await;
    fixture.send(message("c"), Outcome::Unavailable).await;
    NOW.fetch_add(86_400_000, std::sync::atomic::Ordering::SeqCst);
    fixture.send(message("d"), Outcome::Accepted).await;
    let tallies = fixture.history().tallies(None).unwrap();
    let seen: Vec<_> = tallies
        .iter()
        .map(|t| {
            (
                t.day.to_string(),
                t.sender.as_deref(),
                t.region.as_deref(),
                t.outcome,
                t.messages,
                t.segments,
            )
        })
        .collect();
    let (twilio, gb) = (Some("twilio"), Some("GB"));
    assert_eq!(
        seen,
        [
            (
                "2027-01-15".to_owned(),
                twilio,
                gb,
                Some(Outcome::Accepted),
                2,
                2
            ),
            (
                "2027-01-15".to_owned(),
                twilio,
                gb,
                Some(Outcome::Unavailable),
                1,
                1
            ),
            (
                "2027-01-16".to_owned(),
                twilio,
                gb,
                Some(Outcome::Accepted),
                1,
                1
            ),
        ]
    );
}

#[tokio::test]
async fn a_provider_id_is_known_once_it_was_settled() {
    let fixture = Fixture::new();
    let since = Timestamp::now();
    assert_eq!(
        fixture
            .ledger()
            .has_provider_id("SM0123456789abcdef", since)
            .await,
        Ok(false)
    );
    fixture.send(message("a"), Outcome::Accepted).await;
    assert_eq!(
        fixture
            .ledger()
            .has_provider_id("SM0123456789abcdef", since)
            .await,
        Ok(true)
    );
    assert_eq!(
        fixture
            .ledger()
            .has_provider_id("SM0123456789abcdef", Timestamp::MAX)
            .await,
        Ok(false)
    );
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
async fn what_a_provider_said_is_kept_with_its_attempt_in_one_line_and_bounded() {
    let fixture = Fixture::new();
    let ticket = fixture.fresh(message("a")).await;
    let long = "x".repeat(1000);
    let outcome = FinalOutcome {
        reasons: vec![None, Some(format!("no\ncredit {long}"))],
        ..decision(Outcome::Unavailable)
    };
    fixture.ledger().settle(ticket, outcome).await.unwrap();
    let entry = fixture.history().of_id("a").unwrap().remove(0);
    let [first, second] = &entry.reasons[..] else {
        panic!("{:?}", entry.reasons);
    };
    assert_eq!(first, "");
    assert!(second.starts_with("no credit xxx"), "{second}");
    assert!(second.chars().count() <= 300, "{second}");
}
