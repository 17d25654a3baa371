//! The ledger under everything that may happen to it, in an order that a seed chooses.
//!
//! Several processes share a ledger; each sends messages and repeats them. Any operation of the store may
//! fail, COMMIT and sync as well; a stranger locks the file; processes are killed, the power is cut, the
//! clock jumps; the provider is slow, cuts connections, and may or may not find a message again. All of it
//! runs on one thread, step by step, so the same seed does the same.
//!
//! What must hold, whatever happens:
//! - **At most once.** No id is delivered twice.
//! - **Limits.** No more texts than allowed are delivered in any window of a number or a sender; and where
//!   nothing went wrong, none is refused while there is room.
//! - **Nothing is lost.** What was answered `accepted` is answered so again; no id stays `in_progress`.
//! - **A claim is its owner's.** A process that lives finds each of its claims open until it ends it.
//!
//! `LEDGER_SEED=17 cargo test -p textsender --lib ledger::tests::simulation` runs one seed.

mod faulty;
mod provider;
mod random;

use std::cell::{Cell, RefCell, RefMut};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Instant;

use super::*;
use crate::ledger::sqlite::Sqlite;
use crate::ledger::worker::{Queue, Worker};
use faulty::{Disk, Faults, FaultyEngine};
use provider::{Found, Provider, Reply};
use random::Random;

/// Seeds of one run, at most; on a slow machine fewer.
const SEEDS: u64 = 4_000;

/// How long one run may take.
const BOUND: Duration = Duration::from_secs(40);

/// Things that happen in the life of a seed.
const EVENTS: u32 = 150;

/// When a place was taken that no witness saw being taken: long ago, so that it is in no window.
const UNKNOWN: i64 = i64::MIN / 2;

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
            let run = AssertUnwindSafe(|| run_in(made.path(), seed));
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
fn say(words: &str) {
    eprintln!("{words}");
}

/// The row of a claim whose COMMIT failed becomes that of the next: here of a repeat of the same id.
#[test]
fn a_claim_whose_commit_failed_closes_no_other() {
    let mut world = World::new(template().path(), 0);
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

fn run(seed: u64) {
    run_in(template().path(), seed);
}

fn run_in(made: &Path, seed: u64) {
    let mut world = World::new(made, seed);
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

fn now() -> Timestamp {
    Timestamp::from_millisecond(NOW.get()).unwrap()
}

struct World {
    folder: TempDir,
    random: Random,
    faults: Rc<Faults>,
    disk: Rc<Disk>,
    provider: Rc<RefCell<Provider>>,
    log: Rc<RefCell<Log>>,
    processes: Vec<Option<Process>>,
    flights: Vec<Flight>,
    stranger: Option<rusqlite::Connection>,
    boot: u32,
    ids: u64,
    /// Nothing goes wrong on this machine: then limits are exact.
    is_calm: bool,
    /// How the clock jumps: not at all, back, or both ways.
    jumps: u64,
}

/// A process that sends. One that was killed is replaced by another.
struct Process {
    ledger: Rc<Ledger>,
    worker: Worker,
}

/// A message on its way in a process.
struct Flight {
    process: usize,
    future: Pin<Box<dyn Future<Output = ()>>>,
}

/// What was seen from outside.
#[derive(Default)]
struct Log {
    /// The last answer that each id got.
    answers: BTreeMap<String, Outcome>,
    places: Vec<Place>,
    /// Messages whose claim was not answered yet, for each number: it may have been made.
    claiming: BTreeMap<u64, usize>,
    /// Milliseconds since the beginning, which no clock sets back.
    elapsed: i64,
}

/// A place that a claim took, as an honest witness counts it.
#[derive(Debug)]
struct Place {
    id: String,
    recipient: u64,
    sender: String,
    at: i64,
    /// When its sender counted it, not earlier and not later.
    at_sender: (i64, i64),
    /// When it was given back.
    over_at: Option<i64>,
}

impl World {
    fn new(made: &Path, seed: u64) -> World {
        let mut random = Random::new(seed);
        let folder = in_memory();
        for file in ["ledger.sqlite3", "ledger.sqlite3-wal", "ledger.key"] {
            std::fs::copy(made.join(file), folder.path().join(file)).unwrap();
        }
        NOW.set(1_800_000_000_000);
        let is_calm = random.one_in(4);
        let provider = Provider {
            can_find: random.one_in(2),
            ..Provider::default()
        };
        let faults = Faults {
            random: RefCell::new(Random::new(seed ^ 0xFA17)),
            one_in: Cell::new(match (is_calm, random.below(3)) {
                (true, _) | (_, 0) => 0,
                (_, 1) => 200,
                _ => 40,
            }),
            countdown: Cell::new(None),
            commit_fails: Cell::new(false),
        };
        let jumps = if is_calm { 0 } else { random.below(3) };
        let disk = Rc::new(Disk::new(folder.path()));
        let mut world = World {
            folder,
            random,
            faults: Rc::new(faults),
            disk,
            provider: Rc::new(RefCell::new(provider)),
            log: Rc::default(),
            processes: Vec::new(),
            flights: Vec::new(),
            stranger: None,
            boot: 0,
            ids: 0,
            is_calm,
            jumps,
        };
        for index in 0..3 {
            world.processes.push(None);
            world.start(index);
        }
        world
    }

    fn start(&mut self, index: usize) {
        let options = Options {
            lock_timeout: Duration::ZERO,
            failpoints: Failpoints {
                clock: now,
                ..Failpoints::default()
            },
            ..Options::default()
        };
        let boot = format!("{:08x}", self.boot);
        let engine = FaultyEngine {
            inner: Sqlite::new(self.folder.path(), &options).of_boot(&boot),
            faults: Rc::clone(&self.faults),
            disk: Rc::clone(&self.disk),
        };
        let (queue, waiting) = Queue::new();
        let ledger = Ledger {
            queue,
            ended: Mutex::new(None),
            failpoints: options.failpoints,
        };
        self.processes[index] = Some(Process {
            ledger: Rc::new(ledger),
            worker: Worker::new(Box::new(engine), waiting),
        });
    }

    /// One of the things that happen.
    fn event(&mut self) {
        self.pass_time();
        let process = self.random.index(self.processes.len());
        match self.random.below(40) {
            0..5 => self.send(process),
            5..15 => self.poll_one(),
            15..25 => {
                let most = 1 + self.random.index(4);
                self.worker(process).turn(most);
            }
            25..30 => self.provider.borrow_mut().work(&mut self.random),
            30..32 => self.worker(process).tidy(),
            _ if self.is_calm => self.poll_one(),
            32..34 => self.kill(process),
            34 => self.cut_power(),
            35 => {
                let after = u32::try_from(self.random.below(12)).unwrap();
                self.faults.countdown.set(Some(after));
            }
            36 if self.random.one_in(2) => self.faults.commit_fails.set(true),
            36 => self.lock(),
            37..39 => self.stranger = None,
            _ => self.jump(),
        }
    }

    fn worker(&mut self, process: usize) -> &mut Worker {
        &mut self.processes[process].as_mut().unwrap().worker
    }

    fn pass_time(&mut self) {
        let passed = i64::try_from(self.random.below(1_500)).unwrap();
        NOW.set(NOW.get() + passed);
        self.log.borrow_mut().elapsed += passed;
    }

    fn jump(&mut self) {
        let far = i64::try_from(self.random.below(200_000)).unwrap();
        match (self.jumps, self.random.one_in(2)) {
            (0, _) => {}
            (2, true) => NOW.set(NOW.get() + far),
            _ => NOW.set(NOW.get() - far),
        }
    }

    /// A stranger takes the write lock, for a while.
    fn lock(&mut self) {
        if self.stranger.is_some() {
            return;
        }
        let sql = rusqlite::Connection::open(self.folder.path().join("ledger.sqlite3")).unwrap();
        sql.busy_timeout(Duration::ZERO).unwrap();
        if sql.execute_batch("BEGIN IMMEDIATE").is_ok() {
            self.stranger = Some(sql);
        }
    }

    /// Sends a message, or repeats one.
    fn send(&mut self, process: usize) {
        let number = match self.ids > 0 && self.random.one_in(2) {
            true => self.random.below(self.ids),
            false => {
                self.ids += 1;
                self.ids - 1
            }
        };
        self.send_number(process, number);
        // An impatient caller asks twice.
        if self.random.one_in(2) {
            self.send_number(process, number);
        }
    }

    fn send_number(&mut self, process: usize, number: u64) {
        let ledger = Rc::clone(&self.processes[process].as_ref().unwrap().ledger);
        let message = Message {
            process,
            id: format!("id-{number}"),
            recipient: number % 3,
            provider: Rc::clone(&self.provider),
            log: Rc::clone(&self.log),
            is_calm: self.is_calm,
        };
        self.flights.push(Flight {
            process,
            future: Box::pin(async move { message.send(&ledger).await }),
        });
    }

    fn poll_one(&mut self) {
        if self.flights.is_empty() {
            return;
        }
        let index = self.random.index(self.flights.len());
        let mut context = Context::from_waker(std::task::Waker::noop());
        let flight = &mut self.flights[index];
        if flight.future.as_mut().poll(&mut context).is_ready() {
            drop(self.flights.swap_remove(index));
        }
    }

    /// Ends a process as the kernel does when memory runs out, and starts another.
    fn kill(&mut self, index: usize) {
        self.end(index);
        self.start(index);
    }

    fn end(&mut self, index: usize) {
        let lock_files = self.folder.path().join("ledger.processes");
        let files = |folder: &Path| -> Vec<_> {
            let files = std::fs::read_dir(folder).into_iter().flatten();
            files.map(|file| file.unwrap().path()).collect()
        };
        let before = files(&lock_files);
        // What it had posted is never done.
        self.processes[index] = None;
        self.flights.retain(|flight| flight.process != index);
        // It left its file behind, unlocked.
        for file in before.iter().filter(|file| !file.exists()) {
            std::fs::write(file, "").unwrap();
        }
        let (provider, random) = (&self.provider, &mut self.random);
        provider.borrow_mut().cut_off(index, random);
    }

    fn cut_power(&mut self) {
        if !self.random.one_in(3) {
            return;
        }
        self.stranger = None;
        for index in 0..self.processes.len() {
            self.end(index);
        }
        self.disk.cut_power();
        self.boot += 1;
        for index in 0..self.processes.len() {
            self.start(index);
        }
    }

    /// Nothing goes wrong any more: everything ends, and every id is repeated once by new processes.
    fn finish(&mut self) {
        self.faults.one_in.set(0);
        self.faults.countdown.set(None);
        self.faults.commit_fails.set(false);
        self.stranger = None;
        self.settle_down();
        let answers = self.log.borrow().answers.clone();
        for index in 0..self.processes.len() {
            self.kill(index);
        }
        // Limits have passed, and unknown ids may be looked for.
        NOW.set(NOW.get() + 2 * WINDOW);
        self.log.borrow_mut().elapsed += 2 * WINDOW;
        for number in 0..self.ids {
            self.send_number(0, number);
            self.settle_down();
            let id = format!("id-{number}");
            let answer = self.log.borrow().answers.get(&id).copied();
            let before = answers.get(&id).copied();
            assert_ne!(
                answer,
                Some(Outcome::InProgress),
                "{id} is held by the dead"
            );
            assert!(answer.is_some(), "{id} has no answer");
            if before == Some(Outcome::Accepted) {
                let may_be = [Outcome::Accepted, Outcome::Unknown];
                assert!(
                    may_be.contains(&answer.unwrap()),
                    "{id} was accepted, and is {answer:?}"
                );
            }
        }
        self.check();
    }

    /// Goes on until every message has ended.
    fn settle_down(&mut self) {
        for _ in 0..100_000 {
            if self.flights.is_empty() {
                return;
            }
            for index in 0..self.processes.len() {
                self.worker(index).turn(8);
            }
            self.provider.borrow_mut().work(&mut self.random);
            self.poll_one();
        }
        panic!("{} messages never end", self.flights.len());
    }

    fn check(&self) {
        let provider = self.provider.borrow();
        for (id, senders) in &provider.delivered {
            assert_eq!(senders.len(), 1, "{id} was delivered through {senders:?}");
        }
        // A clock set forward ends windows early, as it must.
        if self.jumps < 2 {
            self.check_limits(&provider);
        }
    }

    fn check_limits(&self, provider: &Provider) {
        let log = self.log.borrow();
        let delivered = |place: &&Place| {
            let senders = provider.delivered.get(&place.id);
            // Of several claims of an id only the last was delivered.
            let last = log.places.iter().rfind(|other| other.id == place.id);
            senders.is_some() && last.is_some_and(|last| std::ptr::eq(last, *place))
        };
        let is_known = |place: &&Place| place.at != UNKNOWN;
        for place in log.places.iter().filter(delivered).filter(is_known) {
            let is_in = |other: &&Place| (place.at - WINDOW < other.at) && other.at <= place.at;
            let near = || log.places.iter().filter(delivered).filter(is_in);
            let to_number = near().filter(|other| other.recipient == place.recipient);
            assert!(
                to_number.count() <= 2,
                "texts to one number at {}",
                place.at
            );
            let sender = |place: &Place| provider.delivered[&place.id][0].clone();
            // Only what was surely counted within one window.
            let (_, until) = place.at_sender;
            let is_near = |other: &&Place| {
                sender(other) == sender(place)
                    && until - WINDOW < other.at_sender.0
                    && other.at_sender.1 <= place.at_sender.0
            };
            let through: Vec<_> = log
                .places
                .iter()
                .filter(delivered)
                .filter(is_near)
                .collect();
            // A power cut may take back that a message went over to another sender.
            let is_exact = self.boot == 0;
            assert!(
                !is_exact || through.len() <= 4,
                "through one sender: {through:#?}"
            );
        }
    }
}

/// One message, as the pipeline sends it.
struct Message {
    process: usize,
    id: String,
    recipient: u64,
    provider: Rc<RefCell<Provider>>,
    log: Rc<RefCell<Log>>,
    is_calm: bool,
}

impl Message {
    async fn send(&self, ledger: &Ledger) {
        let claim = Claim {
            phone: phone(&format!("+44770090010{}", self.recipient)),
            ..message_under(&self.id, LIMITS)
        };
        *self.claiming() += 1;
        let asked_at = self.log.borrow().elapsed;
        let claimed = ledger.claim(claim).await;
        *self.claiming() -= 1;
        let answer = match claimed {
            Err(_) => Outcome::Unavailable,
            Ok(ClaimResult::Replay { outcome, .. }) => outcome,
            Ok(ClaimResult::InProgress) => Outcome::InProgress,
            Ok(ClaimResult::Mismatch) => panic!("{} is the same message", self.id),
            Ok(ClaimResult::Limited(reached)) => {
                self.is_rightly_limited(&reached, asked_at);
                Outcome::Limited
            }
            Ok(ClaimResult::Fresh(ticket)) => {
                let claimed = ticket.held.as_ref().unwrap().row.at;
                let first = ticket.senders()[0].clone();
                self.deliver(ledger, ticket, claimed, &first).await
            }
            Ok(ClaimResult::Abandoned(ticket, attempt)) => {
                let found = match attempt.senders.is_empty() {
                    true => Found::CannotTell,
                    false => self.provider.borrow().find(&self.id),
                };
                match (found, attempt.answer) {
                    (Found::Yes, _) => self.settle(ledger, ticket, Outcome::Accepted, &[]).await,
                    // It keeps the place that it took then.
                    (Found::Absent, _) => {
                        let claimed = attempt.claimed_at.as_millisecond();
                        self.deliver(ledger, ticket, claimed, "").await
                    }
                    (Found::CannotTell, Some((outcome, _))) => {
                        let _ = ledger.still_unknown(ticket).await;
                        outcome
                    }
                    (Found::CannotTell, None) => {
                        self.settle(ledger, ticket, Outcome::Unknown, &[]).await
                    }
                }
            }
        };
        self.log
            .borrow_mut()
            .answers
            .insert(self.id.clone(), answer);
    }

    fn claiming(&self) -> RefMut<'_, usize> {
        RefMut::map(self.log.borrow_mut(), |log| {
            log.claiming.entry(self.recipient).or_default()
        })
    }

    /// `counted`: the sender that the claim was counted for; an earlier process's may be any.
    async fn deliver(
        &self,
        ledger: &Ledger,
        ticket: Ticket,
        claimed: i64,
        counted: &str,
    ) -> Outcome {
        let place = self.takes_place(claimed, counted);
        let mut tried = Vec::new();
        let mut outcome = Outcome::Unavailable;
        for sender in ticket.senders().to_vec() {
            let before = self.log.borrow().elapsed;
            match ledger.dispatched(&ticket, &sender).await {
                Ok(None) => {}
                Ok(Some(_)) => continue,
                Err(LedgerError::Lost { id }) => panic!("{id} was closed by a stranger"),
                Err(_) => break,
            }
            self.hands_over(place, &sender, before);
            let reply = Provider::send(&self.provider, self.process, &self.id, &sender).await;
            outcome = match (reply, reply == Reply::Cut) {
                (Reply::Accepted, _) => Outcome::Accepted,
                (Reply::Refused, _) => Outcome::Unavailable,
                (Reply::Cut, _) => match self.provider.borrow().find(&self.id) {
                    Found::Yes => Outcome::Accepted,
                    Found::Absent => Outcome::Unavailable,
                    Found::CannotTell => Outcome::Unknown,
                },
            };
            tried.push((sender, outcome));
            if outcome != Outcome::Unavailable {
                break;
            }
        }
        let settled = self.settle(ledger, ticket, outcome, &tried).await;
        if outcome == Outcome::Unavailable {
            let mut log = self.log.borrow_mut();
            log.places[place].over_at = Some(log.elapsed);
        }
        settled
    }

    async fn settle(
        &self,
        ledger: &Ledger,
        ticket: Ticket,
        outcome: Outcome,
        tried: &[(String, Outcome)],
    ) -> Outcome {
        let attempt = |(sender, outcome): &(String, Outcome)| Attempt {
            sender: sender.clone(),
            outcome: *outcome,
            code: None,
            ms: 1,
        };
        let report = |(sender, outcome): &(String, Outcome)| HealthReport {
            sender: sender.clone(),
            failure: (*outcome != Outcome::Accepted).then(|| "timeout".to_owned()),
            took: Duration::from_millis(1),
            ended_ago: Duration::ZERO,
        };
        let end = FinalOutcome {
            attempts: tried.iter().map(attempt).collect(),
            health: tried.iter().map(report).collect(),
            ..decision(outcome)
        };
        // The answer stands, whether it is written down or not.
        let _ = ledger.settle(ticket, end).await;
        outcome
    }

    /// Counts a place as the claim took it.
    fn takes_place(&self, claimed: i64, counted: &str) -> usize {
        let mut log = self.log.borrow_mut();
        // The clock at the claim, as time that no clock sets back. When an earlier process claimed, no
        // witness knows.
        let ago = (NOW.get() - claimed).max(0);
        let at = match counted {
            "" => UNKNOWN,
            _ => log.elapsed - ago.min(log.elapsed),
        };
        log.places.push(Place {
            id: self.id.clone(),
            recipient: self.recipient,
            sender: counted.to_owned(),
            at,
            at_sender: (at, at),
            over_at: None,
        });
        log.places.len() - 1
    }

    /// It goes to this sender. The one that the claim was counted for counts it no second time.
    fn hands_over(&self, place: usize, sender: &str, before: i64) {
        let mut log = self.log.borrow_mut();
        let now = log.elapsed;
        let place = &mut log.places[place];
        if place.sender != sender {
            // An earlier process may have counted any sender.
            let before = if place.at == UNKNOWN { UNKNOWN } else { before };
            sender.clone_into(&mut place.sender);
            place.at_sender = (before, now);
        }
    }

    /// Where nothing goes wrong, a message is refused only if there is no room.
    fn is_rightly_limited(&self, reached: &LimitReached, asked_at: i64) {
        if !self.is_calm {
            return;
        }
        let log = self.log.borrow();
        // As it was when the claim was asked for, or later.
        let recently = |place: &&Place| {
            place.at > asked_at - 2 * WINDOW && place.over_at.is_none_or(|over| over >= asked_at)
        };
        let taken = log.places.iter().filter(recently);
        let claiming = log.claiming.iter();
        let count = match reached.scope {
            Scope::Recipient => {
                let to_number = taken.filter(|place| place.recipient == self.recipient);
                let of_number = claiming.filter(|(number, _)| **number == self.recipient);
                to_number.count() + of_number.map(|(_, count)| count).sum::<usize>()
            }
            _ => taken.count() + claiming.map(|(_, count)| count).sum::<usize>(),
        };
        assert!(
            count as u64 >= u64::from(reached.limit.count()),
            "{reached}: {count} at {} of {:?}",
            log.elapsed,
            log.places
        );
    }
}
