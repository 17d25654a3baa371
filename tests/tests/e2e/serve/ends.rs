//! How a hub ends, and how the next one takes its place: no request is lost, none is sent twice.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use textsender_tests::harness::{PATIENCE, Running, Test, each, wait_for};
use textsender_tests::sandbox::{Fault, Hold, When};

use super::http::{self, Connection, Hub};
use crate::stream::request;

/// Writes a message on a connection of its own, which waits for its answer.
fn begin(socket: &Path, message: &serde_json::Value) -> Connection {
    let stream = UnixStream::connect(socket).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut connection = Connection::over(stream);
    let body = message.to_string();
    connection.write(&http::request("POST /v1/messages", &[], &body));
    connection
}

#[test]
fn asked_to_end_it_finishes_what_is_in_flight_and_takes_nothing_more() {
    let hold = Hold::default();
    let test = Test::new().config("[send]\nconcurrency = 1");
    let hub = Hub::start(test.fault(When::always(), Fault::held(&hold)));
    let mut idle = hub.connect();
    let mut first = begin(&hub.socket, &request("a-1", "+447700900123"));
    hub.running
        .sandbox()
        .wait_for_requests(1, PATIENCE)
        .unwrap();
    // It waits for its place, and holds none.
    let mut second = begin(&hub.socket, &request("a-2", "+447700900124"));
    wait_for("a third connection", || {
        let page = hub.get("/metrics").body;
        page.contains("textsender_hub_connections 4\n")
            .then_some(())
    });
    hub.running.terminate();
    let refused = second.answer().unwrap().is(503).outcome("unavailable");
    assert_eq!(refused.error("stopping").headers["retry-after"], "5");
    hold.release(1);
    first.answer().unwrap().is(200).outcome("accepted");
    assert!(idle.is_closed() && first.is_closed());
    let socket = hub.socket.clone();
    hub.running.wait_for_end().exit(0).texts(1);
    assert!(UnixStream::connect(socket).is_err());
}

#[test]
fn asked_to_end_twice_it_ends_at_once_and_the_ledger_knows() {
    let hub = Hub::start(Test::new().fault(When::always(), Fault::silence()));
    let message = request("a-1", "+447700900123");
    let again = hub.other().request(message.clone());
    let mut waiting = begin(&hub.socket, &message);
    hub.running
        .sandbox()
        .wait_for_requests(1, PATIENCE)
        .unwrap();
    hub.running.terminate();
    hub.running.wait_for_log("shutting down");
    hub.running.terminate();
    let run = hub.running.wait_for_end();
    run.exit(76);
    assert!(waiting.answer().is_none());
    run.sandbox().twilio().clear_faults();
    again.run().outcome("unknown").texts(0);
}

#[test]
fn killed_at_any_step_a_repeat_neither_doubles_nor_blocks() {
    let cases = [
        ("claiming", "accepted", 1),
        ("claimed", "accepted", 1),
        // Nothing had left, but who can tell? Twilio can't prove that a message is absent.
        ("dispatched", "unknown", 0),
        ("answered", "accepted", 1),
        ("settling", "accepted", 1),
        ("settled", "accepted", 1),
        ("responded", "accepted", 1),
    ];
    each(cases, |(step, outcome, texts)| {
        let hub = Hub::start(Test::new().crash_at(step));
        let message = request("a-1", "+447700900123");
        assert!(begin(&hub.socket, &message).answer().is_none(), "{step}");
        let alone = hub.other().request(message.clone());
        let next = hub.other();
        hub.running.wait_for_end().exit(-9);
        // By the next hub, which finds the socket of the dead one; and by a process of its own.
        let next = Hub::start(next);
        let answer = next.post(&message).outcome(outcome);
        assert_eq!(answer.status, 200, "{step}");
        assert_eq!(next.post(&message).json()["replayed"], true, "{step}");
        next.end().exit(0).texts(texts);
        alone.run().outcome(outcome).texts(texts);
    });
}

/// A socket as a service manager holds it, and hubs that it hands it to.
struct Held {
    listener: UnixListener,
    test: Test,
}

impl Held {
    fn by(test: Test) -> Self {
        let socket = test.site().folder().join("held.sock");
        let listener = UnixListener::bind(socket).unwrap();
        Self { listener, test }
    }

    fn socket(&self) -> std::path::PathBuf {
        self.test.site().folder().join("held.sock")
    }

    fn hub(&self) -> Running {
        let listener = OwnedFd::from(self.listener.try_clone().unwrap());
        let test = self.test.in_company().command(["serve"]);
        test.log_level("info").inherits(listener).start_silent()
    }
}

#[test]
fn a_socket_of_the_service_manager_is_used_and_stays() {
    let held = Held::by(Test::new());
    // It waits there before a hub runs.
    let mut first = begin(&held.socket(), &request("a-1", "+447700900123"));
    let hub = held.hub();
    first.answer().unwrap().is(200).outcome("accepted");
    hub.terminate();
    hub.wait_for_end().exit(0);
    let mut second = begin(&held.socket(), &request("a-2", "+447700900124"));
    let hub = held.hub();
    second.answer().unwrap().is(200).outcome("accepted");
    hub.terminate();
    hub.wait_for_end().exit(0).texts(2);
}

#[test]
fn what_is_no_socket_is_not_taken_for_one() {
    let file = std::fs::File::open("/dev/null").unwrap();
    let test = Test::new().command(["serve"]).inherits(OwnedFd::from(file));
    test.start_silent()
        .wait_for_end()
        .exit(78)
        .logs("LISTEN_FDS");
}

#[test]
fn hubs_are_replaced_during_ten_thousand_requests_and_each_is_answered_once() {
    const REQUESTS: usize = 10_000;
    const CALLERS: usize = 8;
    let held = Held::by(Test::new().config("[state]\nledger = \"required\""));
    let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let answers: Mutex<BTreeMap<usize, String>> = Mutex::default();
    let socket = held.socket();
    thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= REQUESTS {
                        return;
                    }
                    let phone = format!("+447700900{:03}", 200 + number % 700);
                    let message = request(&format!("id-{number}"), &phone);
                    let answer = begin(&socket, &message).answer();
                    let answer = answer.unwrap_or_else(|| panic!("no answer to {number}"));
                    let outcome = answer.json()["outcome"].as_str().unwrap().to_owned();
                    let before = answers.lock().unwrap().insert(number, outcome);
                    assert_eq!(before, None);
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        let mut hub = held.hub();
        for part in 1..=4 {
            let enough = part * REQUESTS / 5;
            let end = std::time::Instant::now() + 10 * PATIENCE;
            while done.load(Ordering::Relaxed) < enough {
                assert!(
                    std::time::Instant::now() < end,
                    "only {done:?} were answered"
                );
                thread::park_timeout(Duration::from_millis(5));
            }
            // Both take from the socket for a while, as systemd does it.
            let following = held.hub();
            hub.terminate();
            hub.wait_for_end().exit(0);
            hub = following;
        }
        while done.load(Ordering::Relaxed) < REQUESTS {
            thread::park_timeout(Duration::from_millis(5));
        }
        hub.terminate();
        hub.wait_for_end().exit(0);
    });
    let answers = answers.into_inner().unwrap();
    assert_eq!(answers.len(), REQUESTS);
    let accepted = answers.values().filter(|outcome| *outcome == "accepted");
    assert_eq!(accepted.count(), held.test.sandbox().text_count());
    // No more were in flight than have a place: none was told to come again.
    let mut others = answers.iter().filter(|(_, outcome)| *outcome != "accepted");
    assert_eq!(others.next(), None);
}

#[test]
fn a_message_goes_on_when_its_caller_hangs_up() {
    let hold = Hold::default();
    let hub = Hub::start(Test::new().fault(When::next(), Fault::held(&hold)));
    let message = request("a-1", "+447700900123");
    let again = hub.other().request(message.clone());
    let gone = begin(&hub.socket, &message);
    hub.running
        .sandbox()
        .wait_for_requests(1, PATIENCE)
        .unwrap();
    drop(gone);
    // Asked to end, it waits for what it has begun.
    hub.running.terminate();
    hold.release(1);
    hub.running.wait_for_end().exit(0).texts(1);
    again
        .run()
        .outcome("accepted")
        .has("/replayed", true)
        .texts(1);
}

#[test]
fn a_reader_of_the_log_that_goes_away_ends_nothing() {
    let mut gone = std::io::pipe().unwrap();
    gone.1.write_all(b"x").unwrap();
    drop(gone.0);
    let test = Test::new();
    let path = test.site().folder().join("hub.sock");
    let test = test.command(["serve"]).stderr(gone.1);
    let running = test
        .args(["--socket".into(), path.clone().into_os_string()])
        .start();
    wait_for("the socket", || path.exists().then_some(()));
    let mut asked = begin(&path, &request("a-1", "+447700900123"));
    asked.answer().unwrap().is(200).outcome("accepted");
    running.terminate();
    running.wait_for_end().exit(0).texts(1);
}
