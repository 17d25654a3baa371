//! A night of pumped texts and an honest enrolment day, by seeded data: how many of each are stopped by the limits
//! that `init` writes, and by those that are proposed of a fortnight's record.

use std::sync::atomic::{AtomicI64, Ordering::SeqCst};

use futures_util::future::join_all;

use super::simulation::random::Random;
use super::*;

/// What `textsender init` writes.
const AFTER_INIT: &str = include_str!("../../cli/init/textsender.toml");

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

/// A text that is asked for.
struct Asked {
    /// In milliseconds after the trace begins.
    at: i64,
    number: String,
    user: String,
    source: String,
    event: &'static str,
    /// Whether its code will be typed in.
    is_used: bool,
}

/// 10,000 numbers of one range in five hours, then 3,000 that are spread over 60. No code is typed in.
fn pumping_night(seed: u64, names: u64) -> Vec<Asked> {
    let mut random = Random::new(seed);
    let mut night: Vec<Asked> = (0..13_000u64)
        .map(|n| {
            let is_spread = n >= 10_000;
            let (begin, length, range, sources) = match is_spread {
                false => (0, 5 * HOUR, 0, 25),
                true => (5 * HOUR, 3 * HOUR, 1 + random.below(60), 500),
            };
            Asked {
                at: begin + random.below(length.unsigned_abs()).cast_signed(),
                number: format!("+447{:05}{:04}", 40_000 + range, n % 10_000),
                user: format!("pumped-{}", random.below(names)),
                source: format!("203.0.113.{}", random.below(sources)),
                event: "enroll",
                is_used: false,
            }
        })
        .collect();
    night.sort_by_key(|asked| asked.at);
    night
}

/// 5,000 users enrol in eight hours, from three addresses of their company; the numbers of 3,500 lie in one block.
/// One in five asks twice, and nine codes in ten are typed in.
fn enrolment_day(seed: u64) -> Vec<Asked> {
    let mut random = Random::new(seed);
    let mut day = Vec::new();
    for n in 0..5_000u64 {
        let number = match n < 3_500 {
            true => format!("+44770090{n:04}"),
            false => format!("+447{:09}", 200_000_000 + random.below(100_000_000)),
        };
        let at = random.below(8 * 60 * 60 * 1000).cast_signed();
        let asks = 1 + i64::from(random.one_in(5));
        for again in 0..asks {
            day.push(Asked {
                at: at + again * 2 * MINUTE,
                number: number.clone(),
                user: format!("employee-{n}"),
                source: format!("198.51.100.{}", random.below(3)),
                event: "enroll",
                is_used: again + 1 == asks && !random.one_in(10),
            });
        }
    }
    day.sort_by_key(|asked| asked.at);
    day
}

/// 80 resets a day, for as many days.
fn ordinary_days(seed: u64, days: i64) -> Vec<Asked> {
    let mut random = Random::new(seed);
    let mut asked: Vec<Asked> = (0..80 * days)
        .map(|n| Asked {
            at: n / 80 * 24 * HOUR + random.below(24 * 60 * 60 * 1000).cast_signed(),
            number: format!("+44770091{:04}", random.below(2_000)),
            user: format!("employee-{}", random.below(2_000)),
            source: format!("198.51.100.{}", random.below(200)),
            event: "reset",
            is_used: !random.one_in(8),
        })
        .collect();
    asked.sort_by_key(|asked| asked.at);
    asked
}

/// Sends a trace, and returns how many of it a limit stopped. What one minute has is asked for at once.
async fn play(
    fixture: &Fixture,
    clock: &AtomicI64,
    name: &str,
    trace: &[Asked],
    limits: &Arc<Limits>,
    tells_of_use: bool,
) -> usize {
    let begin = clock.load(SeqCst);
    let mut stopped = 0;
    for minute in trace.chunk_by(|one, next| one.at / MINUTE == next.at / MINUTE) {
        clock.store(begin + minute[0].at / MINUTE * MINUTE, SeqCst);
        let claims = minute.iter().enumerate().map(|(n, asked)| async move {
            let mut claim = message_to(
                &format!("{name}-{}-{n}", minute[0].at / MINUTE),
                &asked.number,
            );
            let id = claim.facts.id.clone();
            claim.facts.user = Some(asked.user.clone());
            claim.facts.source = Some(asked.source.clone());
            claim.facts.event = Some(asked.event.to_owned());
            claim.facts.actor = None;
            claim.limits = Arc::clone(limits);
            let ticket = match fixture.claim(claim).await {
                ClaimResult::Fresh(ticket) => ticket,
                ClaimResult::Limited(_) => return 1,
                other => panic!("{other:?}"),
            };
            let ledger = fixture.ledger();
            ledger
                .settle(ticket, decision(Outcome::Accepted))
                .await
                .unwrap();
            if tells_of_use && asked.is_used {
                assert_eq!(ledger.note_used(&id).await.unwrap(), Used::Noted);
            }
            0
        });
        stopped += join_all(claims).await.into_iter().sum::<usize>();
    }
    let days = 1 + trace.last().map_or(0, |asked| asked.at) / (24 * HOUR);
    clock.store(begin + days * 24 * HOUR, SeqCst);
    stopped
}

fn after_init() -> Arc<Limits> {
    let sources = crate::config::Sources::from_text("textsender.toml", AFTER_INIT);
    let reading = crate::config::Reading::of(sources);
    Arc::new(reading.config.limits)
}

/// The limits that are proposed, all enforced.
fn proposed(fixture: &Fixture, now: Timestamp) -> (Proposals, Arc<Limits>) {
    let found = fixture.history().propose(&[], now).unwrap();
    let mut limits = Limits::clone(&after_init());
    for proposal in &found.proposals {
        let rule = Rule {
            limits: proposal.limits.clone(),
            mode: Mode::Enforce,
        };
        let place = match proposal.scope {
            Scope::Recipient => &mut limits.recipient,
            Scope::User => &mut limits.user,
            Scope::Resend => &mut limits.resend,
            Scope::Prefix => &mut limits.prefix,
            Scope::Actor => &mut limits.actor,
            Scope::Source => &mut limits.source,
            Scope::Region => &mut limits.region,
            other => panic!("{other:?}"),
        };
        *place = rule;
    }
    (found, Arc::new(limits))
}

#[tokio::test]
async fn an_honest_enrolment_day_passes_the_limits_that_init_writes() {
    clock!(NOW, now);
    let fixture = Fixture::at(now);
    let stopped = play(
        &fixture,
        &NOW,
        "day",
        &enrolment_day(1),
        &after_init(),
        false,
    )
    .await;
    assert_eq!(stopped, 0);
}

#[tokio::test]
async fn of_a_pumping_night_by_few_accounts_almost_nothing_is_left() {
    clock!(NOW, now);
    let fixture = Fixture::at(now);
    let night = pumping_night(2, 40);
    let stopped = play(&fixture, &NOW, "night", &night, &after_init(), false).await;
    // Each account has its 20 texts of a day.
    assert_eq!((night.len(), stopped), (13_000, 13_000 - 40 * 20));
}

#[tokio::test]
async fn a_pumping_night_with_a_name_for_each_text_ends_at_the_floor_of_the_day() {
    clock!(NOW, now);
    let fixture = Fixture::at(now);
    let night = pumping_night(3, u64::MAX);
    let stopped = play(&fixture, &NOW, "night", &night, &after_init(), false).await;
    assert_eq!(stopped, 13_000 - 7_500);
}

#[tokio::test]
async fn what_is_proposed_of_a_fortnight_stops_no_honest_text_though_texts_were_pumped_in_it() {
    clock!(NOW, now);
    let fixture = Fixture::at(now);
    let recording = Arc::new(configured(
        r#"{"recipient":{"limits":["5/10m"],"mode":"record"}}"#,
    ));
    play(
        &fixture,
        &NOW,
        "before",
        &ordinary_days(4, 13),
        &recording,
        true,
    )
    .await;
    assert_eq!(proposed(&fixture, now()).0.days_missing, 1);
    play(
        &fixture,
        &NOW,
        "night",
        &pumping_night(5, 2_000),
        &recording,
        true,
    )
    .await;
    let (found, limits) = proposed(&fixture, now());
    assert_eq!((found.days_missing, found.is_used_told), (0, true));
    let of = |scope| {
        found
            .proposals
            .iter()
            .find(|proposal| proposal.scope == scope)
            .unwrap()
    };
    // The pumped texts made no room for more, and would have met the figures; no user would have.
    for scope in [
        Scope::Recipient,
        Scope::User,
        Scope::Prefix,
        Scope::Region,
        Scope::Source,
    ] {
        assert_eq!(of(scope).found.refused_used, 0, "{scope:?}");
    }
    assert_eq!(of(Scope::Prefix).found.refused, 10_000 - 7_500);
    assert_eq!(of(Scope::Region).limits[0].to_string(), "7500/1d");

    NOW.fetch_add(24 * HOUR, SeqCst);
    let stopped = play(&fixture, &NOW, "day", &enrolment_day(6), &limits, true).await;
    assert_eq!(stopped, 0, "of an enrolment day, with what was proposed");
    NOW.fetch_add(24 * HOUR, SeqCst);
    let stopped = play(
        &fixture,
        &NOW,
        "again",
        &pumping_night(7, 40),
        &limits,
        true,
    )
    .await;
    assert_eq!(stopped, 13_000 - 40 * 20, "of the next night");
}

#[tokio::test]
async fn an_address_is_kept_as_a_keyed_hash_alone() {
    let mut fixture = Fixture::new();
    fixture.send(message("a"), Outcome::Accepted).await;
    fixture.close().await;
    assert_eq!(
        fixture.count("SELECT count(*) FROM decisions WHERE length(source_hash) = 16"),
        1
    );
    for file in ["ledger.sqlite3", "ledger.sqlite3-wal"] {
        let bytes = std::fs::read(fixture.path().join(file)).unwrap_or_default();
        let is_there = bytes.windows(9).any(|window| window == b"192.0.2.7");
        assert!(!is_there, "{file}");
    }
}
