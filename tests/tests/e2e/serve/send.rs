//! `send` through the hub: the same standard output, exit code and ledger as without.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};
use textsender_tests::harness::{PATIENCE, Run, Test, each};
use textsender_tests::sandbox::{Fault, When};

use super::http::Hub;
use crate::stream::request;

/// A case whose configuration names a hub's socket.
fn with_hub(test: Test) -> Test {
    let socket = test.site().folder().join("hub.sock");
    test.config(&format!("[serve]\nsocket = {socket:?}"))
}

/// A row of the table of outcomes: how a message comes to it.
type Row = (&'static str, fn(Test) -> Test);

const ROWS: [Row; 12] = [
    ("accepted", |test| test),
    ("invalid", |test| {
        test.with(json!({ "user": { "phone": "12" } }))
    }),
    ("invalid", |test| test.stdin("no JSON")),
    ("rejected", |test| {
        let refusal = Fault::status(400).body(r#"{"code":21211}"#);
        test.fault(When::next().method("POST"), refusal)
    }),
    ("unavailable", |test| {
        let slower = Fault::status(429).header("Retry-After", "3600");
        test.fault(When::next().method("POST"), slower)
    }),
    ("unavailable", |test| test.with(json!({ "expires_in": 0 }))),
    ("limited", |test| {
        let limit = "[limits]\nrecipient = { limits = [\"1/10m\"], mode = \"enforce\" }";
        let test = test.config(limit);
        test.beside()
            .with(json!({ "id": "before" }))
            .run()
            .outcome("accepted");
        test
    }),
    ("unknown", |test| {
        test.fault(When::next().method("POST"), Fault::drop())
    }),
    ("refused", |test| {
        test.with(json!({ "user": { "phone": "+33700900123" } }))
    }),
    ("crashed", |test| test.panic_at("claimed")),
    ("misconfigured", |test| {
        test.fault(When::always(), Fault::status(401))
    }),
    ("misconfigured", |test| {
        test.change(|site| site.policy("everyone", "name = ").unwrap())
    }),
];

/// What is the same for every run of a case.
fn timeless(mut response: Value) -> Value {
    if let Some(attempts) = response["attempts"].as_array_mut() {
        for attempt in attempts {
            attempt["ms"] = json!(0);
        }
    }
    if !response["provider_id"].is_null() {
        response["provider_id"] = json!("some");
    }
    if let Some(error) = response.get_mut("error") {
        // Of the same length where it counts down.
        error["retry_after"] = json!(error["retry_after"].is_u64());
        let message = error["message"].as_str().unwrap_or_default();
        let message = message.split("/textsender-").next().unwrap_or_default();
        error["message"] = json!(message);
    }
    response
}

/// What the ledger says of the id.
fn audit(run: &Run) -> Vec<Value> {
    let log = run
        .test()
        .beside()
        .command(["log", "--json"])
        .stdin("")
        .run();
    let lines = log.stdout.as_deref().unwrap_or_default();
    let entries: Vec<Value> = match serde_json::from_str(lines) {
        Ok(Value::Array(entries)) => entries,
        _ => lines
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect(),
    };
    let kept = |entry: &Value| {
        let fields = [
            "id", "purpose", "outcome", "code", "sender", "policy", "uid", "replayed",
        ];
        let pairs = fields.map(|field| (field.to_owned(), entry[field].clone()));
        Value::Object(pairs.into_iter().collect())
    };
    entries
        .iter()
        .filter(|entry| entry["id"] != "before")
        .map(kept)
        .collect()
}

#[test]
fn each_outcome_is_the_same_with_and_without_the_hub() {
    each(ROWS, |(outcome, arrange)| {
        let case = || arrange(Test::new().with(json!({ "id": "5f0c-1" })));
        let alone = case().run();
        alone.outcome(outcome);
        let hub = Hub::of(case_with_hub(arrange));
        let through = hub.test.beside().run();
        through.outcome(outcome);
        assert_eq!(
            timeless(through.response.clone()),
            timeless(alone.response.clone()),
            "{through}"
        );
        let recorded = audit(&alone);
        // Alone, a wrong request is recorded only if that takes no longer than a process may stay.
        if outcome != "invalid" || !recorded.is_empty() {
            assert_eq!(audit(&through), recorded, "{through}");
        }
        assert!(!through.stderr.contains("hub is not running"), "{through}");
        assert_eq!(
            through.sandbox().requests().len(),
            alone.sandbox().requests().len(),
            "{through}"
        );
        hub.end().exit(0);
    });
}

fn case_with_hub(arrange: fn(Test) -> Test) -> Test {
    let test = with_hub(Test::new()).with(json!({ "id": "5f0c-1" }));
    arrange(test)
}

/// A hub beside a case's own sends.
struct Beside {
    hub: Hub,
    test: Test,
}

impl Hub {
    /// A hub to which happens what is to happen to a case's send; another process hands it the message.
    fn of(test: Test) -> Beside {
        let other = test.beside();
        let hub = Hub::start(test);
        Beside { hub, test: other }
    }

    fn beside(test: Test) -> Beside {
        let hub = Hub::start(test.beside());
        Beside { hub, test }
    }
}

impl Beside {
    fn end(self) -> Run {
        self.hub.end()
    }
}

#[test]
fn an_id_that_another_process_sends_is_in_progress_with_and_without_the_hub() {
    let test = with_hub(Test::new()).with(json!({ "id": "5f0c-1" }));
    let sending = test.in_company().stop_at("claimed").start();
    sending.wait_until_stopped();
    let alone = test.in_company().run();
    alone.outcome("in_progress");
    let hub = Hub::start(test.in_company());
    let through = test.in_company().run();
    assert_eq!(
        timeless(through.response.clone()),
        timeless(alone.response.clone()),
        "{through}"
    );
    through.exit(73).requests(0);
    hub.end().exit(0);
}

#[test]
fn a_hub_killed_while_it_opens_the_ledger_took_nothing() {
    let test = with_hub(Test::new()).with(json!({ "id": "5f0c-1" }));
    let socket = test.site().folder().join("hub.sock");
    let dying = test
        .in_company()
        .command(["serve"])
        .args(["--socket".into(), socket.into_os_string()]);
    dying
        .stdin("")
        .crash_at("opened")
        .start()
        .wait_for_end()
        .exit(-9);
    test.in_company().run().outcome("accepted").texts(1);
    let next = Hub::start(test.in_company());
    let through = test.in_company().run();
    through.outcome("accepted").has("/replayed", true).texts(1);
    next.end().exit(0);
}

#[test]
fn without_an_id_the_response_has_the_one_that_the_ledger_has() {
    let beside = Hub::beside(with_hub(Test::new()));
    let run = beside.test.beside().run();
    run.outcome("accepted").texts(1);
    let id = run.response["id"].as_str().unwrap();
    beside.hub.get(&format!("/v1/messages/{id}")).is(200);
    beside.end().exit(0);
}

#[test]
fn what_became_of_it_is_waited_for_through_the_hub_as_well() {
    let beside = Hub::beside(with_hub(Test::new()));
    let run = beside.test.beside().args(["--wait", "5"]).run();
    run.outcome("accepted");
    assert!(run.response["delivery"]["state"].is_string(), "{run}");
    beside.end().exit(0);
}

#[test]
fn two_hundred_callers_with_one_id_send_one_text() {
    let beside = Hub::beside(with_hub(Test::new()).with(json!({ "id": "5f0c-1" })));
    let slow = Fault::delay(Duration::from_millis(200));
    beside.test.sandbox().twilio().fault(When::always(), slow);
    let callers: Vec<_> = (0..200).map(|_| beside.test.in_company()).collect();
    let accepted = std::sync::atomic::AtomicUsize::new(0);
    each(callers, |caller| {
        let run = caller.run();
        match run.response["outcome"].as_str() {
            Some("accepted") => accepted.fetch_add(1, std::sync::atomic::Ordering::Relaxed),
            Some("in_progress") => 0,
            _ => panic!("{run}"),
        };
    });
    assert!(accepted.into_inner() > 0);
    beside.end().exit(0).texts(1);
}

#[test]
fn where_no_hub_runs_it_is_sent_without_and_warned_of() {
    // Nothing is there; and what a dead hub left.
    each([false, true], |is_left| {
        let test = with_hub(Test::new());
        if is_left {
            drop(UnixListener::bind(test.site().folder().join("hub.sock")).unwrap());
        }
        let run = test.log_level("warn").run();
        run.outcome("accepted")
            .texts(1)
            .logs("the hub is not running");
        let page = run.test().site().folder().join("textsender.prom");
        let stats = run.test().beside().command(["stats"]).stdin("");
        let stats = stats.args(["--prometheus".into(), page.clone().into_os_string()]);
        stats.run().exit(0);
        let page = fs::read_to_string(page).unwrap();
        let line = "textsender_messages_without_hub 1";
        assert!(page.lines().any(|one| one == line), "{page}");
    });
}

#[test]
fn where_the_hub_is_required_nothing_is_sent_without() {
    let test = with_hub(Test::new()).config("[serve]\nhub = \"required\"");
    let run = test.run();
    run.outcome("unavailable")
        .error("hub_unreachable")
        .requests(0);
    let beside = Hub::beside(run.test().beside());
    beside.test.beside().run().outcome("accepted").texts(1);
    beside.end().exit(0);
}

#[test]
fn a_hub_with_another_configuration_sends_nothing() {
    let other = Hub::start(Test::new());
    let socket = format!("[serve]\nsocket = {:?}", other.socket);
    let run = Test::new().config(&socket).run();
    run.outcome("misconfigured")
        .error("hub_other_config")
        .requests(0);
    other.end().exit(0).texts(0);
}

/// Another account that listens at the socket would learn the code.
#[test]
#[ignore = "needs root"]
fn as_root_a_hub_of_another_account_gets_no_message() {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketType, bind, listen, socket};
    use rustix::thread::set_thread_res_uid;

    let other = rustix::process::Uid::from_raw(54_321);
    let root = rustix::process::Uid::ROOT;
    let test = with_hub(Test::new());
    let path = test.site().folder().join("hub.sock");
    let listener = thread::spawn(move || {
        let listener = socket(AddressFamily::UNIX, SocketType::STREAM, None).unwrap();
        bind(&listener, &SocketAddrUnix::new(&path).unwrap()).unwrap();
        // Who listens is who is asked: the kernel notes it then.
        set_thread_res_uid(root, other, root).unwrap();
        listen(&listener, 8).unwrap();
        listener
    });
    let _listener = listener.join().unwrap();
    let run = test.run();
    run.outcome("misconfigured")
        .error("hub_forbidden")
        .says("which is not the account that sends")
        .requests(0);
}

#[test]
fn another_path_to_the_same_configuration_is_the_same() {
    let beside = Hub::beside(with_hub(Test::new()));
    let site = beside.test.site();
    let link = site.folder().join("link.toml");
    std::os::unix::fs::symlink(site.config_file(), &link).unwrap();
    let run = beside.test.beside().env("TEXTSENDER_CONFIG", &link).run();
    run.outcome("accepted").texts(1);
    assert!(!run.stderr.contains("hub is not running"), "{run}");
    beside.end().exit(0);
}

#[test]
#[cfg_attr(is_root, ignore = "root may use every socket")]
fn an_account_that_may_not_use_the_socket_is_told() {
    let beside = Hub::beside(with_hub(Test::new()));
    fs::set_permissions(&beside.hub.socket, Permissions::from_mode(0o000)).unwrap();
    let run = beside.test.beside().run();
    run.outcome("misconfigured")
        .error("hub_forbidden")
        .requests(0);
    beside.end().exit(0);
}

/// Listens at the socket in place of a hub, and does with a request what it likes.
fn in_place_of_a_hub(
    test: &Test,
    act: impl FnOnce(std::os::unix::net::UnixStream) + Send + 'static,
) {
    let listener = UnixListener::bind(test.site().folder().join("hub.sock")).unwrap();
    thread::spawn(move || act(listener.accept().unwrap().0));
}

#[test]
fn a_hub_that_ends_or_is_silent_after_it_took_a_message_leaves_it_unknown() {
    use std::io::{Read, Write};

    let whole = |stream: &mut std::os::unix::net::UnixStream| {
        let mut read = Vec::new();
        let mut block = [0; 4096];
        while !read.ends_with(b"}") {
            let count = stream.read(&mut block).unwrap();
            read.extend_from_slice(&block[..count]);
        }
    };
    let test = with_hub(Test::new()).with(json!({ "id": "5f0c-1" }));
    in_place_of_a_hub(&test, move |mut stream| whole(&mut stream));
    let ended = test.run();
    ended
        .outcome("unknown")
        .error("maybe_sent")
        .has("/id", "5f0c-1");

    let test = with_hub(Test::new()).with(json!({ "id": "5f0c-1" }));
    in_place_of_a_hub(&test, move |mut stream| {
        whole(&mut stream);
        stream
            .write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{")
            .unwrap();
    });
    test.run().outcome("unknown").error("maybe_sent");

    let test = with_hub(Test::new()).config("[send]\ntimeout = \"100ms\"");
    let (end, ended) = mpsc::channel::<()>();
    in_place_of_a_hub(&test, move |mut stream| {
        whole(&mut stream);
        let _ = ended.recv_timeout(PATIENCE);
    });
    test.run()
        .outcome("unknown")
        .error("maybe_sent")
        .says("in time");
    drop(end);
}

/// More than a socket holds that no one reads.
fn long() -> Value {
    let groups: Vec<_> = (0..4000)
        .map(|n| format!("CN=Group-{n},OU={},DC=org", "x".repeat(200)))
        .collect();
    json!({ "user": { "groups": groups } })
}

/// The time is over then: without the hub, it would begin anew.
#[test]
fn a_hub_that_does_not_read_leaves_it_unsent() {
    let test = with_hub(Test::new()).with(long());
    let test = test.config("[send]\ntimeout = \"100ms\"");
    let (end, ended) = mpsc::channel::<()>();
    in_place_of_a_hub(&test, move |stream| {
        let _ = ended.recv_timeout(PATIENCE);
        drop(stream);
    });
    let run = test.run();
    run.outcome("unavailable").error("hub_unreachable").texts(0);
    run.says("does not read");
    drop(end);
}

#[test]
fn a_hub_that_ends_before_it_has_a_whole_message_does_not_stop_it() {
    let test = with_hub(Test::new()).with(long());
    in_place_of_a_hub(&test, drop);
    let run = test.log_level("warn").run();
    run.outcome("accepted")
        .texts(1)
        .logs("the hub is not running");
}

#[test]
fn a_hub_killed_at_any_step_leaves_what_a_repeat_by_the_next_can_tell() {
    let cases = [
        ("claiming", "accepted", 1),
        ("claimed", "accepted", 1),
        ("dispatched", "unknown", 0),
        ("answered", "accepted", 1),
        ("settling", "accepted", 1),
        ("settled", "accepted", 1),
        ("responded", "accepted", 1),
    ];
    each(cases, |(step, outcome, texts)| {
        let test = with_hub(Test::new()).with(json!({ "id": "5f0c-1" }));
        let first = Hub::start(test.beside().crash_at(step));
        let died = test.in_company().run();
        died.outcome("unknown").error("maybe_sent");
        first.running.wait_for_end().exit(-9);
        // Without a hub, and by the next one: as one.
        let alone = test.in_company().run();
        alone.outcome(outcome).texts(texts);
        let next = Hub::start(test.beside());
        let through = test.in_company().run();
        through.outcome(outcome).has("/replayed", true).texts(texts);
        next.end().exit(0);
    });
}

#[test]
fn a_stream_needs_no_hub() {
    let test = with_hub(Test::new());
    let mut running = test.stream().start_silent();
    running.ask([&request("a-1", "+447700900123")]);
    running.wait_for_answers(1);
    let run = running.finish();
    run.exit(0).texts(1);
    assert!(!run.stderr.contains("hub"), "{run}");
}
