//! What is stopped while many send.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use textsender_tests::harness::{PATIENCE, Test};
use textsender_tests::sandbox::{Fault, When};

use super::http::{Connection, Hub, request as http_request};
use crate::stream::request;

/// So many send at the same time.
const SENDERS: usize = 200;

/// The provider answers late, so that texts are handed over, and others claimed, at every moment.
#[test]
fn of_two_hundred_who_send_none_is_sent_to_after_pause_has_returned() {
    let limits = "[limits]\nrecipient = { limits = [] }\nprefix = { limits = [] }";
    let hub = Hub::start(Test::new().config(limits));
    let late = Fault::delay(Duration::from_millis(50)).taken();
    hub.running.sandbox().twilio().fault(When::always(), late);
    let is_over = AtomicBool::new(false);
    let (socket, is_over) = (&hub.socket, &is_over);
    let paused = thread::scope(|scope| {
        let senders: Vec<_> = (0..SENDERS)
            .map(|sender| scope.spawn(move || send_until_paused(socket, sender, is_over)))
            .collect();
        hub.running
            .sandbox()
            .wait_for_texts(SENDERS, PATIENCE)
            .unwrap();
        let pause = ["pause", "--all", "--reason", "x"];
        let pause = hub.other().command(pause).stdin("").run();
        let sent = hub.running.sandbox().text_count();
        is_over.store(true, Ordering::SeqCst);
        pause.exit(0);
        let ended: usize = senders
            .into_iter()
            .map(|sender| sender.join().unwrap())
            .sum();
        assert_eq!(
            hub.running.sandbox().text_count(),
            sent,
            "sent after it returned"
        );
        ended
    });
    assert_eq!(paused, SENDERS, "each was told in the end");
    hub.other()
        .command(["resume", "--all"])
        .stdin("")
        .run()
        .exit(0);
    hub.post(&request("after", "+447700900123"))
        .is(200)
        .outcome("accepted");
    hub.end().exit(0);
}

/// Sends until it is told that all is paused; once `pause` has returned, any other answer is wrong.
fn send_until_paused(socket: &std::path::Path, sender: usize, is_over: &AtomicBool) -> usize {
    for message in 0.. {
        let was_over = is_over.load(Ordering::SeqCst);
        let body = request(
            &format!("{sender}-{message}"),
            &format!("+4477009{sender:05}"),
        );
        let stream = std::os::unix::net::UnixStream::connect(socket).unwrap();
        let mut connection = Connection::over(stream);
        connection.write(&http_request("POST /v1/messages", &[], &body.to_string()));
        let answer = connection.answer().unwrap().json();
        let code = answer["error"]["code"].as_str().unwrap_or_default();
        if code == "paused" {
            return 1;
        }
        assert!(!was_over, "{answer}");
    }
    0
}
