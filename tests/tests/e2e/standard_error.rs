//! Standard error that is not read: no message waits for it.

use std::io::{self, PipeReader, PipeWriter, Read, Write};
use std::thread;

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use textsender_tests::harness::Test;
use textsender_tests::sandbox::{Fault, When};

use crate::stream::request;

/// A pipe that takes nothing more until it is read. How much one holds depends on how many this account has (pipe(7)).
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (reader, mut writer) = io::pipe().unwrap();
    let flags = fcntl_getfl(&writer).unwrap();
    fcntl_setfl(&writer, flags | OFlags::NONBLOCK).unwrap();
    while writer.write(&[b'\n'; 4096]).is_ok() {}
    fcntl_setfl(&writer, flags).unwrap();
    (reader, writer)
}

#[test]
fn one_command_answers() {
    let (_unread, stderr) = full_pipe();
    let run = Test::new().log_level("trace").stderr(stderr).run();
    run.outcome("accepted").texts(1);
}

/// During an outage there is more to say than a pipe and a queue hold.
#[test]
fn a_stream_answers_and_ends_and_says_how_much_was_lost() {
    let (mut unread, stderr) = full_pipe();
    let number = |n| request(&format!("id-{n}"), &format!("+4477009{n:05}"));
    let requests: Vec<_> = (0..800).map(number).collect();
    let test = Test::new()
        .config("[send]\ntimeout = \"5s\"")
        .fault(When::always(), Fault::status(500))
        .log_level("trace")
        .stderr(stderr);
    let mut running = test.stream().start_silent();
    running.ask(&requests);
    running.wait_for_answers(requests.len());
    // From now on it is read.
    let reading = thread::spawn(move || {
        let mut log = String::new();
        unread.read_to_string(&mut log).map(|_| log)
    });
    running.ask(&requests[..1]);
    running.wait_for_answers(requests.len() + 1);
    running.finish().exit(0);
    let log = reading.join().unwrap().unwrap();
    assert!(log.contains("lines of the log are lost"), "{log}");
}

/// A wait that a signal ends early is no wait that is over, nor one without a bound.
#[test]
#[cfg_attr(not(has_strace), ignore = "needs strace")]
fn a_wait_that_is_interrupted_goes_on() {
    let (_unread, stderr) = full_pipe();
    let every_other = "inject=ppoll:error=EINTR:when=1+2";
    let strace = ["strace", "-f", "-o", "/dev/null", "-e", every_other];
    let test = Test::new().config("[send]\ntimeout = \"2s\"");
    let mut running = test
        .log_level("trace")
        .stderr(stderr)
        .under(strace)
        .start_silent();
    // Its end never comes.
    running.write(b"{");
    running
        .wait_for_end()
        .outcome("invalid")
        .error("input_timeout");
}
