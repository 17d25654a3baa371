//! Ten thousand lines, with everything failing now and then: each is answered once, what was sent is what was
//! answered for, nothing is sent twice, and nothing grows.

use std::collections::HashMap;
use std::io::{self, BufRead, BufReader, Write};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use textsender_tests::harness::outcomes::promise_of;
use textsender_tests::harness::{Run, Running, Test, random_code, wait_for};
use textsender_tests::sandbox::{Fault, Sandbox, When};

const LINES: usize = 10_000;

/// When it is looked at first.
const FIRST: usize = 1_000;

/// What peak memory may grow by from then on, in KiB.
const GROWTH: u64 = 4 * 1024;

/// What has not changed for so long will not: idle processes are looked for each second.
const STILL: Duration = Duration::from_millis(1500);

/// The share of all requests at which each fault strikes.
const RARELY: f64 = 0.001;

/// Numbered messages whose codes have a beginning in common, by which they are searched for.
struct Messages(String);

impl Messages {
    fn new() -> Self {
        Self(random_code())
    }

    fn line(&self, number: usize) -> String {
        let request = json!({
            "id": format!("id-{number}"),
            "purpose": "verification_code",
            "event": "reset",
            "user": { "phone": format!("+44740{number:07}") },
            "code": format!("{}-{number:05}", self.0),
        });
        format!("{request}\n")
    }

    /// A line in a hundred is wrong, each in another way.
    fn line_or_not(&self, number: usize) -> Vec<u8> {
        let line = self.line(number);
        if !is_wrong(number) {
            return line.into_bytes();
        }
        match number / 100 % 5 {
            0 => b"no JSON\n".to_vec(),
            1 => [&line.as_bytes()[..40], b"\n"].concat(),
            2 => line.replacen("purpose", "porpoise", 1).into_bytes(),
            3 => b"{\"code\":\"\xff\xfe\"}\n".to_vec(),
            _ => format!("{}\n", "x".repeat(2 * 1024 * 1024)).into_bytes(),
        }
    }

    /// How many texts each message made.
    fn texts(&self, sandbox: &Sandbox) -> HashMap<usize, usize> {
        let mut texts = HashMap::new();
        for text in sandbox.texts() {
            let (_, number) = text.body.split_once(&self.0).unwrap();
            *texts.entry(number[1..].parse().unwrap()).or_default() += 1;
        }
        texts
    }
}

fn is_wrong(number: usize) -> bool {
    number % 100 == 50
}

/// A sandbox that does not keep what it was asked.
fn test() -> Test {
    Test::in_sandbox(Sandbox::builder().keep_requests(false))
}

#[test]
fn all_are_answered_once_and_sent_as_answered() {
    let test = with_faults(test().config("[senders.twilio]\ntimeout = \"1s\""));
    let messages = Messages::new();
    let test = test.hide("a code", &messages.0);
    let run = run(test, |number| messages.line_or_not(number));

    let texts = messages.texts(run.sandbox());
    let mut counts: HashMap<String, usize> = HashMap::new();
    for answer in run.answers() {
        let (number, outcome) = told(&answer);
        assert_eq!(outcome == "invalid", is_wrong(number), "{answer}");
        fits(&answer, texts.get(&number).copied().unwrap_or_default());
        *counts.entry(outcome.to_owned()).or_default() += 1;
    }
    // The faults did strike, and most got through all the same.
    assert!(counts["accepted"] > LINES * 9 / 10, "{counts:?}");
    assert!(counts["unknown"] > 10, "{counts:?}");
    assert!(counts["misconfigured"] > 0, "{counts:?}");
}

/// Every fault there is: most at random, each with a seed of its own.
fn with_faults(test: Test) -> Test {
    let lost = [
        Fault::drop(),
        Fault::reset(),
        Fault::silence(),
        Fault::cut(),
        Fault::empty_body(),
        Fault::bad_json(),
        Fault::invalid_http(),
        Fault::html(502),
        Fault::gzip_bomb(1024 * 1024),
        Fault::drip(Duration::from_millis(20)),
    ];
    let lost = lost.into_iter();
    let lost = lost.flat_map(|fault| [fault.clone().taken(), fault.not_taken()]);
    let told = [
        Fault::drop_unread(),
        Fault::status(400),
        Fault::status(408),
        Fault::status(429).header("Retry-After", "0"),
        Fault::status(429).header("Retry-After", "3600"),
        Fault::status(500),
        Fault::status(503),
        Fault::redirect("http://127.0.0.1:1/"),
        Fault::header_flood(50),
        Fault::close_after(),
        Fault::delay(Duration::from_millis(50)),
    ];
    let at_random = (1..).zip(lost.chain(told));
    let test = at_random.fold(test, |test, (seed, fault)| {
        test.fault(When::always().chance(RARELY, seed), fault)
    });
    // These take a megabyte of memory each. The first thousand lines see more of them at a time than any later
    // ones, so that what grows is no accident.
    let once = |number| When::always().after(number).times(1);
    let test = (103..106).fold(test, |test, number| {
        test.fault(once(number), Fault::endless_body().not_taken())
    });
    let seldom = |first| When::always().after(first).every(500);
    test.fault(seldom(100), Fault::endless_body())
        .fault(seldom(101), Fault::endless_body().not_taken())
        .fault(seldom(102), Fault::huge_body(2 * 1024 * 1024))
}

#[test]
fn a_plugin_that_dies_on_every_hundredth_costs_these_and_no_more() {
    let only_some = "[senders.misbehaving.settings]\nonly_to = \"00\"";
    let test = test().misbehaving("abort").config(only_some);
    let messages = Messages::new();
    let test = test.hide("a code", &messages.0);
    let run = run(test, |number| messages.line(number).into_bytes());

    let texts = messages.texts(run.sandbox());
    for answer in run.answers() {
        let (number, outcome) = told(&answer);
        fits(&answer, texts.get(&number).copied().unwrap_or_default());
        match number % 100 {
            0 => assert_eq!(answer["error"]["code"], "plugin_failed", "{answer}"),
            // In flight at a death: what had left of them is in doubt, the others moved.
            _ => assert!(["accepted", "unknown"].contains(&outcome), "{answer}"),
        }
    }
    // Each death is one of the three attempts of a message that the plugin dies on.
    let deaths = run.stderr.matches("SIGABRT").count();
    let deadly = LINES / 100;
    assert!((deadly..=3 * deadly).contains(&deaths), "{deaths} deaths");
}

/// Whatever waits does so in another thread, or in the one call that waits for all: epoll.
#[test]
#[ignore = "needs root and strace"]
fn as_root_the_event_loop_makes_no_other_call_that_waits() {
    const CALLS: &str =
        "wait4,waitid,fsync,fdatasync,nanosleep,clock_nanosleep,flock,poll,ppoll,write";
    let test = with_faults(test().config("[senders.twilio]\ntimeout = \"1s\""));
    let messages = Messages::new();
    let test = test.hide("a code", &messages.0).trace(CALLS);
    let mut running = test.stream().args(["--idle", "1"]).start_silent();
    let lines: Vec<u8> = (1..=LINES)
        .flat_map(|number| messages.line_or_not(number))
        .collect();
    running.write(&lines);
    running.wait_for_answers(LINES);
    running.wait_for_log("it is no longer needed");
    let run = running.finish();
    run.exit(0);
    let calls = run.traced();
    assert!(!calls.is_empty(), "{run}");
    let may_wait = |call: &&String| {
        let (name, arguments) = call.split_once('(').unwrap_or((call.as_str(), ""));
        match name {
            "wait4" | "waitid" => !arguments.contains("WNOHANG"),
            "fsync" | "fdatasync" | "nanosleep" | "clock_nanosleep" => true,
            "flock" => !arguments.contains("LOCK_NB") && !arguments.contains("LOCK_UN"),
            "poll" => !arguments.contains(", 0)"),
            "ppoll" => !arguments.contains("tv_sec=0, tv_nsec=0"),
            // Standard output and standard error have a thread each.
            "write" => arguments.starts_with("1,") || arguments.starts_with("2,"),
            _ => false,
        }
    };
    let waits: Vec<_> = calls.iter().filter(may_wait).collect();
    assert!(waits.is_empty(), "{waits:#?}");
}

/// While nobody reads, it begins no more than what fits the pipe and what it may have in hand.
#[test]
fn a_reader_who_takes_his_time_does_not_fill_its_memory() {
    let lines = LINES / 2;
    let (reader, writer) = io::pipe().unwrap();
    let test = test().args(["--concurrency", "8"]).stdout(writer);
    let messages = Messages::new();
    let mut running = test.hide("a code", &messages.0).stream().start_silent();
    let mut stdin = running.take_stdin();
    let all: String = (1..=lines).map(|number| messages.line(number)).collect();
    let asking = thread::spawn(move || stdin.write_all(all.as_bytes()).unwrap());

    let begun = settled(|| running.sandbox().text_count());
    // A pipe holds 64 KiB, and an answer has more than a hundred bytes.
    assert!((1..lines / 4).contains(&begun), "{begun} were begun");
    let peak = running.peak_memory();
    let answers = BufReader::new(reader).lines().take(lines);
    assert_eq!(answers.map(Result::unwrap).count(), lines);
    asking.join().unwrap();
    let grown = running.peak_memory() - peak;
    assert!(grown <= GROWTH, "{grown} KiB");
    running.finish().exit(0).texts(lines);
}

/// Sends the lines of numbers from 1 in two parts, and looks at what is kept after each.
#[track_caller]
fn run(test: Test, line: impl Fn(usize) -> Vec<u8>) -> Run {
    let mut running = test.stream().args(["--idle", "0"]).start_silent();
    let write = |running: &mut Running, from: usize, to: usize| {
        let lines: Vec<u8> = (from..=to).flat_map(&line).collect();
        running.write(&lines);
        running.wait_for_answers(to);
        at_rest(running)
    };
    let (memory, descriptors) = write(&mut running, 1, FIRST);
    let (memory_then, descriptors_then) = write(&mut running, FIRST + 1, LINES);
    let run = running.finish();
    run.exit(0);

    let mut lines: Vec<_> = run.answers().iter().map(|answer| told(answer).0).collect();
    lines.sort_unstable();
    let is_each_once = lines.into_iter().eq(1..=LINES);
    assert!(is_each_once, "a line was answered twice, or not at all");
    assert_eq!(descriptors, descriptors_then);
    let grown = memory_then - memory;
    assert!(
        grown <= GROWTH,
        "peak memory grew by {grown} KiB from {memory}"
    );
    run
}

/// Peak memory and descriptors, once the host process and all that belonged to it are gone.
fn at_rest(running: &Running) -> (u64, u64) {
    wait_for("the end of its host processes", || {
        running.host_processes().is_empty().then_some(())
    });
    let descriptors = settled(|| running.descriptors());
    (running.peak_memory(), descriptors)
}

/// The number of an answer's line, and its outcome.
fn told(answer: &Value) -> (usize, &str) {
    let line = answer["line"].as_u64().unwrap();
    (line as usize, answer["outcome"].as_str().unwrap())
}

/// Whether an outcome fits what the provider took.
#[track_caller]
fn fits(answer: &Value, texts: usize) {
    let (_, outcome) = told(answer);
    let fits = match outcome {
        "accepted" => texts == 1,
        "unknown" => texts <= 1,
        _ => promise_of(outcome).not_sent && texts == 0,
    };
    assert!(fits, "{texts} texts: {answer}");
}

/// A count that stays the same.
fn settled<T: PartialOrd + Default + Copy>(count: impl Fn() -> T) -> T {
    let mut last = (count(), Instant::now());
    wait_for("the count to settle", || {
        let now = count();
        if now != last.0 {
            last = (now, Instant::now());
        }
        let is_settled = now > T::default() && last.1.elapsed() > STILL;
        is_settled.then_some(now)
    })
}
