//! The machine of a run: its processes, and all that happens to them.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Mutex;
use std::task::Context;

use super::super::*;
use super::faulty::{Faults, FaultyEngine};
use super::message::Message;
use super::place::Place;
use super::provider::Provider;
use super::random::Random;
use super::witness::Witness;
use super::{NOW, WINDOW, now};
use crate::ledger::worker::{Queue, Worker};

/// Three processes, a ledger, a provider, and a seed that decides.
pub(super) struct World {
    place: Box<dyn Place>,
    random: Random,
    pub(super) faults: Rc<Faults>,
    provider: Rc<RefCell<Provider>>,
    witness: Rc<RefCell<Witness>>,
    pub(super) processes: Vec<Option<Process>>,
    flights: Vec<Flight>,
    boot: u32,
    ids: u64,
    /// Nothing goes wrong on this machine: then limits are exact.
    is_calm: bool,
    /// How the clock jumps: not at all, back, or both ways.
    jumps: u64,
    /// Nothing goes wrong any more, and every caller waits.
    is_over: bool,
}

/// A process that sends. One that was killed is replaced by another.
pub(super) struct Process {
    pub(super) ledger: Rc<Ledger>,
    worker: Worker,
}

/// A message on its way in a process.
struct Flight {
    process: usize,
    future: Pin<Box<dyn Future<Output = ()>>>,
}

impl World {
    pub(super) fn new(place: Box<dyn Place>, seed: u64) -> World {
        let mut random = Random::new(seed);
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
        let mut world = World {
            place,
            random,
            faults: Rc::new(faults),
            provider: Rc::new(RefCell::new(provider)),
            witness: Rc::default(),
            processes: Vec::new(),
            flights: Vec::new(),
            boot: 0,
            ids: 0,
            is_calm,
            jumps,
            is_over: false,
        };
        for index in 0..3 {
            world.processes.push(None);
            world.start(index);
        }
        world
    }

    pub(super) fn start(&mut self, index: usize) {
        let options = Options {
            lock_timeout: Duration::ZERO,
            failpoints: Failpoints {
                clock: now,
                ..Failpoints::default()
            },
            ..Options::default()
        };
        let failpoints = options.failpoints;
        let engine = FaultyEngine {
            inner: self.place.engine(options, self.boot),
            faults: Rc::clone(&self.faults),
            sync: self.place.sync(),
        };
        let (queue, waiting) = Queue::new();
        let ledger = Ledger {
            queue,
            ended: Mutex::new(None),
            failpoints,
            is_shared: self.place.is_shared(),
            apart: None,
        };
        self.processes[index] = Some(Process {
            ledger: Rc::new(ledger),
            worker: Worker::new(Box::new(engine), waiting),
        });
    }

    /// One of the things that happen.
    pub(super) fn event(&mut self) {
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
            36 => self.place.lock(),
            37..39 => self.place.unlock(),
            _ => self.jump(),
        }
    }

    pub(super) fn worker(&mut self, process: usize) -> &mut Worker {
        &mut self.processes[process].as_mut().unwrap().worker
    }

    fn pass_time(&mut self) {
        let passed = i64::try_from(self.random.below(1_500)).unwrap();
        NOW.set(NOW.get() + passed);
        self.witness.borrow_mut().elapsed += passed;
    }

    fn jump(&mut self) {
        let far = i64::try_from(self.random.below(200_000)).unwrap();
        match (self.jumps, self.random.one_in(2)) {
            (0, _) => {}
            (2, true) => NOW.set(NOW.get() + far),
            _ => NOW.set(NOW.get() - far),
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
        let is_impatient = !self.is_calm && !self.is_over && self.random.one_in(4);
        let patience = is_impatient.then(|| u32::try_from(self.random.below(3)).unwrap());
        let message = Message {
            patience,
            process,
            id: format!("id-{number}"),
            recipient: number % 3,
            provider: Rc::clone(&self.provider),
            witness: Rc::clone(&self.witness),
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
        let (processes, flights) = (&mut self.processes, &mut self.flights);
        self.place.kill(&mut || {
            // What it had posted is never done.
            processes[index] = None;
            flights.retain(|flight| flight.process != index);
        });
        let (provider, random) = (&self.provider, &mut self.random);
        provider.borrow_mut().cut_off(index, random);
    }

    fn cut_power(&mut self) {
        if !self.random.one_in(3) {
            return;
        }
        self.place.unlock();
        for index in 0..self.processes.len() {
            self.end(index);
        }
        self.place.cut_power();
        self.boot += 1;
        for index in 0..self.processes.len() {
            self.start(index);
        }
    }

    /// Nothing goes wrong any more: everything ends, and every id is repeated once by new processes.
    pub(super) fn finish(&mut self) {
        self.is_over = true;
        self.faults.one_in.set(0);
        self.faults.countdown.set(None);
        self.faults.commit_fails.set(false);
        self.place.unlock();
        self.settle_down();
        let answers = self.witness.borrow().answers.clone();
        for index in 0..self.processes.len() {
            self.kill(index);
        }
        // Limits have passed, unknown ids may be looked for, and the dead are known to be.
        let later = 2 * WINDOW + self.place.deaths_show_after();
        NOW.set(NOW.get() + later);
        self.witness.borrow_mut().elapsed += later;
        for number in 0..self.ids {
            self.send_number(0, number);
            self.settle_down();
            let id = format!("id-{number}");
            let answer = self.witness.borrow().answers.get(&id).copied();
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
        let is_one_boot = self.boot == 0;
        let provider = self.provider.borrow();
        provider.check();
        // A clock set forward ends windows early, as it must.
        if self.jumps < 2 {
            self.witness.borrow().check_limits(&provider, is_one_boot);
        }
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
}
