//! The ledger under everything that may happen to it, in an order that a seed chooses.
//!
//! Several processes share a ledger; each sends messages and repeats them. Any operation of the store may
//! fail, COMMIT and sync as well; a stranger locks the file; processes are killed, the power is cut, the
//! clock jumps; callers wait no longer for a step that the ledger still does; the provider is slow, cuts
//! connections, and may or may not find a message again. All of it runs on one thread, step by step, so the
//! same seed does the same.
//!
//! What must hold, whatever happens:
//! - **At most once.** No id is delivered twice.
//! - **Limits.** No more texts than allowed are delivered in any window of a number or a sender; and where
//!   nothing went wrong, none is refused while there is room.
//! - **Nothing is lost.** What was answered `accepted` is answered so again; no id stays `in_progress`.
//! - **A claim is its owner's.** A process that lives finds each of its claims open until it ends it.
//!
//! | module | |
//! |---|---|
//! | `world` | the machine: processes that send, and what happens to them |
//! | `place` | where the ledger is kept: a file, or a database that several machines share |
//! | `faulty` | the store and the disk, and what goes wrong with them |
//! | `provider` | takes messages, in its own time |
//! | `message` | one message's way |
//! | `witness` | what was seen from outside, and what must be true of it |
//!
//! `LEDGER_SEED=17 cargo test -p textsender --lib ledger::tests::simulation` runs one seed.

mod faulty;
mod message;
pub(super) mod place;
mod provider;
pub(super) mod random;
mod witness;
mod world;

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::rc::Rc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Instant;

use super::*;
use crate::ledger::sqlite::Sqlite;
use crate::ledger::store::Engine;
use place::{Folder, Place};
use world::World;

/// Seeds of one run, at most; on a slow machine fewer.
const SEEDS: u64 = 4_000;

/// How long one run may take.
const BOUND: Duration = Duration::from_secs(40);

/// Things that happen in the life of a seed.
const EVENTS: u32 = 150;

/// Milliseconds of the limits' windows.
const WINDOW: i64 = 60_000;

/// Texts to a number, and through a sender, in a window.
const LIMITS: &str =
    r#"{"recipient":{"limits":["2/1m"]},"prefix":{"limits":[]},"sender":{"limits":["4/1m"]}}"#;

#[test]
fn whatever_happens_no_id_is_sent_twice_and_nothing_is_lost() {
    if let Ok(seed) = std::env::var("LEDGER_SEED") {
        run(seed.parse().unwrap());
        return;
    }
    let (made, next) = (template(), AtomicU64::new(0));
    let began = Instant::now();
    let work = || {
        while began.elapsed() < BOUND {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= SEEDS {
                return;
            }
            let run = || run_in(Box::new(Folder::copy_of(made.path())), seed);
            let run = AssertUnwindSafe(run);
            if let Err(panic) = catch_unwind(run) {
                say(&format!(
                    "seed {seed} failed: LEDGER_SEED={seed} runs it alone"
                ));
                resume_unwind(panic);
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        for thread in running {
            thread.join().unwrap();
        }
    });
    say(&format!("{} seeds", next.into_inner().min(SEEDS)));
}

#[expect(clippy::print_stderr, reason = "a seed that failed is to be run again")]
pub(super) fn say(words: &str) {
    eprintln!("{words}");
}

/// The row of a claim whose COMMIT failed becomes that of the next: here of a repeat of the same id.
#[test]
fn a_claim_whose_commit_failed_closes_no_other() {
    let mut world = World::new(Box::new(Folder::copy_of(template().path())), 0);
    world.faults.one_in.set(0);
    world.start(0);
    let ledger = Rc::clone(&world.processes[0].as_ref().unwrap().ledger);
    let mut context = Context::from_waker(std::task::Waker::noop());
    let mut failing = Box::pin(ledger.claim(message("a")));
    let mut repeat = Box::pin(ledger.claim(message("a")));
    assert!(failing.as_mut().poll(&mut context).is_pending());
    assert!(repeat.as_mut().poll(&mut context).is_pending());

    world.faults.commit_fails.set(true);
    world.worker(0).turn(1);
    // The repeat, and then what the first may have left to be done.
    world.worker(0).turn(1);
    world.worker(0).turn(1);
    let Poll::Ready(Err(_)) = failing.as_mut().poll(&mut context) else {
        panic!("its COMMIT failed");
    };
    let Poll::Ready(Ok(ClaimResult::Fresh(ticket))) = repeat.as_mut().poll(&mut context) else {
        panic!("the id is free");
    };
    let mut dispatched = Box::pin(ledger.dispatched(&ticket, "twilio"));
    assert!(dispatched.as_mut().poll(&mut context).is_pending());
    world.worker(0).turn(1);
    let Poll::Ready(marked) = dispatched.as_mut().poll(&mut context) else {
        panic!("its turn has come");
    };
    assert_eq!(marked, Ok(None));
}

#[test]
fn repeats_in_one_step_meet_the_same_claim() {
    repeats_in_one_step(Box::new(Folder::copy_of(template().path())));
}

/// Two repeats of an id that is being sent, in one transaction: what is noted of the first is no holder.
pub(super) fn repeats_in_one_step(place: Box<dyn Place>) {
    let mut world = World::new(place, 0);
    world.faults.one_in.set(0);
    let ledger = Rc::clone(&world.processes[0].as_ref().unwrap().ledger);
    let mut context = Context::from_waker(std::task::Waker::noop());
    let mut claim = |world: &mut World, count: usize| {
        let mut claims: Vec<_> = (0..count)
            .map(|_| Box::pin(ledger.claim(message("a"))))
            .collect();
        for claim in &mut claims {
            assert!(claim.as_mut().poll(&mut context).is_pending());
        }
        world.worker(0).turn(count);
        let ended = claims
            .iter_mut()
            .map(|claim| match claim.as_mut().poll(&mut context) {
                Poll::Ready(Ok(result)) => result,
                other => panic!("its turn has come: {other:?}"),
            });
        ended.collect::<Vec<_>>()
    };
    let first = claim(&mut world, 1);
    assert!(matches!(first[..], [ClaimResult::Fresh(_)]));
    for repeat in claim(&mut world, 3) {
        assert!(matches!(repeat, ClaimResult::InProgress), "{repeat:?}");
    }
}

fn run(seed: u64) {
    run_in(Box::new(Folder::copy_of(template().path())), seed);
}

/// Everything that a seed chooses, to a ledger at this place.
pub(super) fn run_in(place: Box<dyn Place>, seed: u64) {
    let mut world = World::new(place, seed);
    for _ in 0..EVENTS {
        world.event();
    }
    world.finish();
}

/// An empty ledger, to be copied for each seed.
fn template() -> TempDir {
    let folder = in_memory();
    Sqlite::new(folder.path(), &Options::default())
        .open()
        .map(drop)
        .unwrap();
    folder
}

/// A folder that no disk is written for.
fn in_memory() -> TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}

thread_local! {
    static NOW: Cell<i64> = const { Cell::new(0) };
}

/// The time of the run on this thread.
pub(super) fn now() -> Timestamp {
    Timestamp::from_millisecond(NOW.get()).unwrap()
}
