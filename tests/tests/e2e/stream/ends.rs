//! How a stream ends: nothing in flight is lost, and nobody waits for ever.

use std::io::{self, PipeReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Duration;

use textsender_tests::harness::{PATIENCE, Running, Test, each};
use textsender_tests::sandbox::{Fault, Hold, When};

use super::{answer_to, outcomes, request, requests};

/// A provider that takes its time over every text.
fn slow() -> Test {
    let slow = Fault::delay(Duration::from_millis(500));
    Test::new().fault(When::always(), slow).stream()
}

/// A stream whose answers a case reads itself, or does not.
fn unread(test: Test) -> (Running, PipeReader) {
    let (reader, writer) = io::pipe().unwrap();
    (test.stdout(writer).start_silent(), reader)
}

#[track_caller]
fn wait_for_requests(running: &Running, count: usize) {
    let sandbox = running.sandbox();
    sandbox.wait_for_requests(count, PATIENCE).unwrap();
}

#[test]
fn the_end_of_input_finishes_what_is_in_flight() {
    let mut running = slow().start_silent();
    running.ask(&requests(5));
    let answers = running.finish().exit(0).texts(5).answers();
    assert_eq!(outcomes(&answers), ["accepted"; 5]);
}

#[test]
fn asked_to_end_it_finishes_what_is_in_flight_and_begins_nothing_more() {
    let hold = Hold::default();
    let test = Test::new().fault(When::always(), Fault::held(&hold));
    let mut running = test.stream().args(["--concurrency", "1"]).start_silent();
    running.ask(&requests(4));
    wait_for_requests(&running, 1);
    running.terminate();
    running.wait_for_answers(3);
    hold.release(1);
    // Its standard input is still open.
    let run = running.wait_for_end();
    let answers = run.exit(0).texts(1).answers();
    assert_eq!(answers.len(), 4, "{run}");
    assert_eq!(answer_to("id-0", &answers)["outcome"], "accepted");
    for id in ["id-1", "id-2", "id-3"] {
        let answer = answer_to(id, &answers);
        assert_eq!(answer["outcome"], "unavailable", "{run}");
        assert_eq!(answer["error"]["code"], "stopping", "{run}");
    }
}

#[test]
fn asked_to_end_while_it_idles_it_ends() {
    let mut running = Test::new().stream().start_silent();
    running.ask(&requests(1));
    running.wait_for_answers(1);
    running.terminate();
    running.wait_for_end().exit(0).texts(1);
}

#[test]
fn asked_to_end_it_follows_no_message_any_longer() {
    let never = When::always().method("GET");
    let test = Test::new().fault(never, Fault::status(500));
    let mut running = test.stream().args(["--wait", "600"]).start_silent();
    running.ask(&requests(1));
    wait_for_requests(&running, 2);
    running.terminate();
    let answers = running.wait_for_end().exit(0).texts(1).answers();
    assert_eq!(outcomes(&answers), ["accepted"]);
}

#[test]
fn asked_to_end_twice_it_ends_at_once_and_the_ledger_knows() {
    let message = request("a", "+447700900101");
    let test = Test::new().fault(When::always(), Fault::silence());
    let again = test.beside().request(message.clone());
    let mut running = test.stream().start_silent();
    running.ask([&message]);
    wait_for_requests(&running, 1);
    running.terminate();
    running.wait_for_log("shutting down");
    running.terminate();
    let run = running.wait_for_end();
    assert_eq!(run.exit(76).stdout.as_deref(), Some(""), "{run}");
    run.sandbox().twilio().clear_faults();
    again.run().outcome("unknown").texts(0);
}

#[test]
fn asked_to_end_while_nobody_reads_it_waits_no_longer_than_a_message_may_take() {
    let test = Test::new().config("[send]\ntimeout = \"1s\"").stream();
    let (mut running, reader) = unread(test);
    // More answers than a pipe holds.
    running.write("{}\n".repeat(2000).as_bytes());
    running.wait_until_read();
    running.terminate();
    running.wait_for_end().exit(76);
    drop(reader);
}

#[test]
fn a_reader_that_goes_away_ends_it_without_a_panic() {
    // In the middle of a message, and while it idles.
    each([true, false], |is_busy| {
        let (mut running, mut reader) = unread(slow());
        running.ask(&requests(1));
        match is_busy {
            true => wait_for_requests(&running, 1),
            false => assert_eq!(reader.read(&mut [0]).unwrap(), 1),
        }
        drop(reader);
        let run = running.wait_for_end();
        run.exit(76).texts(1);
        assert!(!run.stderr.contains("panicked"), "{run}");
    });
}

#[test]
fn nothing_is_sent_whose_answer_nobody_reads() {
    let (mut running, reader) = unread(Test::new().stream());
    drop(reader);
    running.ask(&requests(1));
    running.wait_for_end().exit(76).texts(0);
}

#[test]
fn an_input_that_fails_finishes_what_is_in_flight() {
    let (mut ours, mut theirs) = connection();
    // What is not read when a connection is closed resets it: its other end fails, and does not end.
    theirs.write_all(b"unread").unwrap();
    let running = slow().stdin_from(OwnedFd::from(theirs)).start_silent();
    writeln!(ours, "{}", requests(1)[0]).unwrap();
    wait_for_requests(&running, 1);
    drop(ours);
    let answers = running.wait_for_end().exit(76).texts(1).answers();
    assert_eq!(outcomes(&answers), ["accepted"]);
}

/// Both ends of a connection on loopback.
fn connection() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let ours = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    (ours, listener.accept().unwrap().0)
}
