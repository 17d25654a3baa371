//! Providers that mean harm: what they cost, and where nothing goes.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use textsender_tests::harness::{HostProcess, Test, each, wait_for};
use textsender_tests::sandbox::{Fault, Sandbox, When};

use crate::misbehaving::BAD_NUMBER;
use crate::stream::{answer_to, of_another_sender, request};

/// The most memory that the front may take, in KiB: a debug build's code, and a few answers of 1 MiB.
const MEMORY: u64 = 96 * 1024;

/// Answers without an end or without measure. Whatever they say, the message is in doubt.
#[test]
fn an_answer_without_measure_costs_neither_memory_nor_time() {
    let faults = [
        Fault::huge_body(1 << 30),
        Fault::endless_body(),
        Fault::gzip_bomb(128 << 20),
        Fault::header_flood(100_000),
        Fault::interim(),
        Fault::drip(Duration::from_millis(5)),
    ];
    each(faults.map(Fault::not_taken), |fault| {
        let mut running = Test::new()
            .config("[senders.twilio]\ntimeout = \"2s\"")
            .fault(When::always(), fault)
            .command(["send", "--stream"])
            .start_silent();
        let began = Instant::now();
        let request = r#"{"purpose":"verification_code","event":"reset","user":{"phone":"+447700900456"},"code":"4Hk92mQz7RtW"}"#;
        running.write(format!("{request}\n").as_bytes());
        running.wait_for_log("outcome=\"unknown\"");
        // Two attempts' time: the message, and the question what became of it.
        assert!(began.elapsed() < Duration::from_secs(10));
        let peak = running.peak_memory();
        assert!(peak < MEMORY, "it took {peak} KiB");
        running.finish().texts(0);
    });
}

/// They are read in the thread that carries every sender's messages.
#[test]
fn interim_answers_without_end_cost_other_senders_nothing() {
    let test = Test::new()
        .misbehaving("deliver")
        .fault(When::always().to(BAD_NUMBER), Fault::interim());
    let mut running = test.stream().start_silent();
    let bad = (0..8).map(|number| request(&format!("bad-{number}"), BAD_NUMBER));
    let requests: Vec<_> = bad.chain((0..8).map(of_another_sender)).collect();
    running.ask(&requests);
    let answers = running.wait_for_answers(16);
    for number in 0..8 {
        assert_eq!(
            answer_to(&format!("other-{number}"), &answers)["outcome"],
            "accepted"
        );
        assert_eq!(
            answer_to(&format!("bad-{number}"), &answers)["outcome"],
            "unknown"
        );
    }
    running
        .finish()
        .logs("interim answers (1xx) to one request");
}

/// What a plugin asks for lies in the front's memory until it is answered.
#[test]
fn requests_that_are_never_answered_fill_no_memory() {
    let only_bad = format!(
        "[senders.misbehaving]\ntimeout = \"5s\"\n[senders.misbehaving.settings]\nonly_to = {BAD_NUMBER:?}"
    );
    let test = Test::new()
        .misbehaving("hoard_bytes")
        .config(&only_bad)
        .fault(When::always().to(BAD_NUMBER), Fault::silence());
    let mut running = test.stream().start_silent();
    // Each asks for 15 MB.
    let bad: Vec<_> = (0..8)
        .map(|number| request(&format!("bad-{number}"), BAD_NUMBER))
        .collect();
    running.ask(&bad);
    running.wait_for_log("16 MiB");
    running.ask(&[of_another_sender(1)]);
    let answers = running.wait_for_answers(9);
    assert_eq!(answer_to("other-1", &answers)["outcome"], "accepted");
    let peak = running.peak_memory();
    assert!(peak < MEMORY, "it took {peak} KiB");
    running.finish();
}

/// A provider that takes connections and answers none has as many as it may, and what waits for one is told so.
#[test]
fn a_sender_has_no_more_connections_than_its_budget() {
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    // The kernel takes them all.
    rustix::net::listen(&silent, 2048).unwrap();
    let config = format!(
        "[send]\nconcurrency = 256\n[senders.misbehaving]\ntimeout = \"8s\"\n[senders.misbehaving.settings]\n\
         base_url = \"http://{}\"",
        silent.local_addr().unwrap()
    );
    let mut running = Test::new()
        .misbehaving("hoard_names")
        .config(&config)
        .stream()
        .start_silent();
    // Each asks for eight at a time: 22 of them find no connection for all of theirs.
    let bad: Vec<_> = (0..150)
        .map(|number| request(&format!("bad-{number}"), BAD_NUMBER))
        .collect();
    running.ask(&bad);
    running.ask(&[of_another_sender(1)]);
    let answers = running.wait_for_answers(151);
    assert_eq!(answer_to("other-1", &answers)["outcome"], "accepted");
    let is_used_up = |id: usize| {
        answer_to(&format!("bad-{id}"), &answers)["error"]["code"] == "budget_exhausted"
    };
    let used_up = (0..150).filter(|id| is_used_up(*id)).count();
    assert!(used_up >= 22, "{used_up}: {answers:?}");
    running.finish().texts(1);
}

/// Each look-up takes a thread for as long as the resolver is silent: a sender has a few, whatever it asks for.
#[test]
fn names_that_never_resolve_cost_other_senders_nothing() {
    let (folder, preload) = silent_resolver();
    let look_ups = folder.path().join("look-ups");
    fs::write(&look_ups, "").unwrap();
    let test = Test::new().misbehaving("hoard_names");
    let port = test
        .sandbox()
        .twilio()
        .url()
        .rsplit_once(':')
        .unwrap()
        .1
        .to_owned();
    let config = format!(
        "[senders.misbehaving]\ntimeout = \"2s\"\n[senders.misbehaving.settings]\n\
         base_url = \"https://a.silent.example\"\n[senders.twilio.settings]\nbase_url = \"http://localhost:{port}\""
    );
    let test = test.config(&config).env("LD_PRELOAD", preload);
    let mut running = test.env("LOOK_UPS", &look_ups).stream().start_silent();
    // Each asks for eight at a time.
    let bad: Vec<_> = (0..16)
        .map(|number| request(&format!("bad-{number}"), BAD_NUMBER))
        .collect();
    running.ask(&bad);
    wait_for("look-ups", || (begun(&look_ups) >= 4).then_some(()));
    let others: Vec<_> = (0..8).map(of_another_sender).collect();
    running.ask(&others);
    let answers = running.wait_for_answers(24);
    for (requests, outcome) in [(bad, "unavailable"), (others, "accepted")] {
        for request in requests {
            let id = request["id"].as_str().unwrap();
            assert_eq!(answer_to(id, &answers)["outcome"], outcome, "{id}");
        }
    }
    // The threads of these look-ups are blocked to the end. They count for the sender's next process, too.
    let processes = running.host_processes();
    processes.into_iter().for_each(HostProcess::kill);
    running.ask([&request("again", BAD_NUMBER)]);
    let answers = running.wait_for_answers(25);
    assert_eq!(answer_to("again", &answers)["outcome"], "unavailable");
    assert_eq!(begun(&look_ups), 4);
    running.finish().exit(0).texts(8);
}

fn begun(look_ups: &Path) -> u64 {
    fs::metadata(look_ups).unwrap().len()
}

/// A library that is loaded before the front, in a folder of its own.
fn silent_resolver() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let library = folder.path().join("silent_resolver.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/e2e/silent_resolver.c");
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .args([source, "-ldl"])
        .status();
    assert!(compiled.unwrap().success(), "can't compile {source}");
    (folder, library)
}

#[test]
fn a_redirect_leads_nowhere_and_its_credentials_least() {
    let elsewhere = Sandbox::start();
    let urls = [elsewhere.twilio().url(), elsewhere.twilio().https_url()];
    each(urls, |url| {
        let location = format!("{url}/2010-04-01/Accounts");
        each([301, 302, 303, 307, 308], |status| {
            let fault = Fault::status(status).header("Location", &location);
            let run = Test::new().fault(When::always(), fault).run();
            run.outcome("misconfigured")
                .error("provider_refused")
                .texts(0);
        });
    });
    assert!(elsewhere.requests().is_empty());
}

#[test]
fn a_setting_that_is_not_marked_as_a_host_opens_nothing() {
    let elsewhere = Sandbox::start();
    let other_port = elsewhere.twilio().url();
    let other_host = other_port.replace("127.0.0.1", "localhost");
    let urls = [
        // The host is open, by another setting, at another port.
        (
            other_port,
            "is not that of the host that the setting base_url names",
        ),
        (
            other_host,
            "the setting from names the host that the plugin asked for, but",
        ),
    ];
    each(urls, |(url, words)| {
        let from = format!("[senders.misbehaving.settings]\nfrom = {url:?}");
        let run = Test::new().misbehaving("post_to_from").config(&from).run();
        run.outcome("misconfigured").texts(0);
        assert!(run.stderr.contains(words), "{run}");
    });
    assert!(elsewhere.requests().is_empty());
}

#[test]
fn what_is_not_loopback_is_reached_with_tls_only() {
    // Named by the administrator, so that only the missing TLS stands against it.
    for url in ["http://192.0.2.1", "http://provider.invalid"] {
        let run = Test::new()
            .config(&format!("[senders.twilio.settings]\nbase_url = {url:?}"))
            .run();
        run.outcome("misconfigured").requests(0);
    }
}

#[test]
fn a_proxy_sees_nothing_of_what_goes_to_this_machine() {
    let proxy = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    proxy.set_nonblocking(true).unwrap();
    let address = proxy.local_addr().unwrap();
    let run = Test::new()
        .config(&format!("[http]\nproxy = \"http://{address}\""))
        .run();
    run.outcome("accepted").texts(1);
    assert!(proxy.accept().is_err(), "somebody came to the proxy");
}
