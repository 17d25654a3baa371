//! Callers that are slow, silent, broken or many: each costs itself, and the others nothing.

use std::net::Shutdown;
use std::os::unix::net::UnixStream;

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::json;
use textsender_tests::harness::{PATIENCE, Test, each};

use super::http::{Answer, Connection, Hub, request as http};
use crate::stream::request;

/// What the hub makes of bytes, and whether it closes the connection after its answer.
fn of_bytes(hub: &Hub, bytes: &[u8]) -> Option<Answer> {
    let mut connection = hub.connect();
    connection.write(bytes);
    connection.answer()
}

#[track_caller]
fn sends(hub: &Hub, id: &str) {
    hub.post(&request(id, "+447700900123"))
        .is(200)
        .outcome("accepted");
}

#[test]
fn a_head_or_a_body_that_does_not_come_is_not_waited_for() {
    let hub = Hub::start(Test::new());
    let mut silent = hub.connect();
    let mut slow_head = hub.connect();
    slow_head.write(b"POST /v1/messages HTTP/1.1\r\nHost: a");
    let mut slow_body = hub.connect();
    slow_body.write(&http(
        "POST /v1/messages",
        &[("Content-Length", "100")],
        "{",
    ));
    let mut kept_alive = hub.connect();
    kept_alive.write(&http("GET /healthz", &[], ""));
    kept_alive.answer().unwrap().is(200);
    sends(&hub, "a-1");
    slow_body.answer().unwrap().is(400).error("input_timeout");
    for connection in [&mut silent, &mut slow_head, &mut slow_body, &mut kept_alive] {
        assert!(connection.is_closed());
    }
    hub.end().exit(0).texts(1);
}

#[test]
fn heads_and_bodies_have_a_bound() {
    let hub = Hub::start(Test::new());
    let long = "x".repeat(100_000);
    let head = http("GET /healthz", &[("X-Long", &long)], "");
    of_bytes(&hub, &head).unwrap().is(431);
    let many: Vec<_> = (0..200).map(|n| format!("X-{n}")).collect();
    let many: Vec<_> = many.iter().map(|name| (name.as_str(), "x")).collect();
    of_bytes(&hub, &http("GET /healthz", &many, ""))
        .unwrap()
        .is(431);
    let path = format!("GET /{long}");
    let status = of_bytes(&hub, &http(&path, &[], "")).unwrap().status;
    assert!([414, 431].contains(&status), "{status}");

    let large = format!("{{\"id\":\"{}\"}}", "x".repeat(1 << 20));
    let refused = hub.ask("POST /v1/messages", &[], &large).is(400);
    refused.error("too_large");
    let chunks = format!(
        "100000\r\n{0}\r\n100000\r\n{0}\r\n0\r\n\r\n",
        "x".repeat(1 << 20)
    );
    let chunked = ("Transfer-Encoding", "chunked");
    hub.ask("POST /v1/messages", &[chunked], &chunks)
        .is(400)
        .error("too_large");
    sends(&hub, "a-1");
    hub.end().exit(0).texts(1);
}

#[test]
fn two_headers_that_differ_are_refused_whichever_would_count() {
    let hub = Hub::start(Test::new());
    let body = request("a-1", "+447700900123").to_string();
    for (name, values) in [
        ("Idempotency-Key", ["a-1", "a-2"]),
        ("Authorization", ["Bearer a", "Bearer b"]),
        ("Content-Type", ["application/json", "text/plain"]),
        ("Host", ["localhost", "example.org"]),
        ("Textsender-Config", ["/a", "/b"]),
        ("Webhook-Signature", ["v1,a", "v1,b"]),
        ("ZITADEL-Signature", ["t=1,v1=a", "t=1,v1=b"]),
    ] {
        let two = values.map(|value| (name, value));
        let refused = hub.ask("POST /v1/messages", &two, &body).is(400);
        assert!(
            refused
                .body
                .contains(&format!("two headers {}", name.to_lowercase())),
            "{refused:?}"
        );
    }
    // Said twice, it is clear.
    let twice = [("Idempotency-Key", "a-1"), ("Idempotency-Key", "a-1")];
    hub.ask("POST /v1/messages", &twice, &body)
        .is(200)
        .outcome("accepted");
    hub.end().exit(0).texts(1);
}

#[test]
fn what_is_no_http_is_refused_and_closed() {
    let hub = Hub::start(Test::new());
    let body = request("a-1", "+447700900123").to_string();
    let length = body.len().to_string();
    let two = [("Content-Length", length.as_str()), ("Content-Length", "0")];
    let both = [
        ("Content-Length", length.as_str()),
        ("Transfer-Encoding", "chunked"),
    ];
    let cases = [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        b"{\"purpose\":\"verification_code\"}\n\n\r\n\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        http("POST /v1/messages", &two, &body),
        http("POST /v1/messages", &both, &format!("0\r\n\r\n{body}")),
        http("POST /v1/messages", &[("Transfer-Encoding", "gzip")], &body),
        http("POST /v1/messages", &[("Content-Length", "-1")], &body),
        http("POST /v1/messages", &[("Content-Length", "+5")], &body),
        http("POST /v1/messages", &[("X : y\r\nZ", "x")], &body),
        http(
            "POST /v1/messages",
            &[("Transfer-Encoding", "chunked, identity")],
            &body,
        ),
        http(
            "POST /v1/messages",
            &[("Transfer-Encoding", "xchunked")],
            &body,
        ),
        http("POST /v1/messages", &[("Content-Length", "5, 6")], &body),
        http(
            "POST /v1/messages",
            &[("Content-Length", "99999999999999999999")],
            &body,
        ),
        http(
            "POST /v1/messages",
            &[("Transfer-Encoding", "chunked")],
            "FFFFFFFFFFFFFFFFF\r\n",
        ),
        http(
            "POST /v1/messages",
            &[("Transfer-Encoding", "chunked")],
            "zz\r\n",
        ),
        http("GET http://[::1", &[], ""),
        b"GET /healthz HTTP/1.1\r\nHost: a\r\n X: folded\r\nX\r\n\r\n".to_vec(),
        b"GET\x00/healthz HTTP/1.1\r\n\r\n".to_vec(),
    ];
    each(cases, |bytes| {
        let mut connection = hub.connect();
        connection.write(&bytes);
        let shown = String::from_utf8_lossy(&bytes).into_owned();
        if let Some(answer) = connection.answer() {
            assert!(
                (400..500).contains(&answer.status) || answer.status == 501,
                "{shown}: {answer:?}"
            );
        }
        assert!(connection.is_closed(), "{shown}");
    });
    hub.end().exit(0).texts(0);
}

#[test]
fn requests_in_a_row_are_answered_in_a_row() {
    let hub = Hub::start(Test::new());
    let mut connection = hub.connect();
    let mut bytes = Vec::new();
    for n in 1..=5 {
        let body = request(&format!("a-{n}"), &format!("+44770090012{n}")).to_string();
        bytes.extend(http("POST /v1/messages", &[], &body));
    }
    connection.write(&bytes);
    for n in 1..=5 {
        let answer = connection.answer().unwrap().is(200).outcome("accepted");
        assert_eq!(answer.json()["id"], format!("a-{n}"));
    }
    drop(connection);
    hub.end().exit(0).texts(5);
}

#[test]
fn a_caller_that_has_sent_all_may_say_so() {
    let hub = Hub::start(Test::new());
    let stream = UnixStream::connect(&hub.socket).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let closing = stream.try_clone().unwrap();
    let mut connection = Connection::over(stream);
    let body = request("a-1", "+447700900123").to_string();
    connection.write(&http("POST /v1/messages", &[], &body));
    closing.shutdown(Shutdown::Write).unwrap();
    connection.answer().unwrap().is(200).outcome("accepted");
    assert!(connection.is_closed());
    hub.end().exit(0).texts(1);
}

/// One account that opens ten thousand connections and leaves them closes its own.
#[test]
fn ten_thousand_idle_connections_cost_no_one_anything() {
    const IDLE: usize = 10_000;
    let most = getrlimit(Resource::Nofile).maximum;
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: most,
            maximum: most,
        },
    )
    .unwrap();
    let hub = Hub::start(Test::new());
    let before = hub.running.peak_memory();
    let mut idle = Vec::new();
    for n in 0..IDLE {
        let mut connection = hub.connect();
        if n % 2 == 1 {
            connection.write(b"POST /v1/messages HTTP/1.1\r\nHost: a");
        }
        idle.push(connection);
        if n % 2_500 == 2_499 {
            sends(&hub, &format!("a-{n}"));
        }
    }
    let page = hub.get("/metrics").is(200).body;
    let open = page
        .lines()
        .find_map(|line| line.strip_prefix("textsender_hub_connections "));
    assert!(open.unwrap().parse::<usize>().unwrap() <= 1024, "{page}");
    assert!(hub.running.descriptors() < 1200);
    let grown = hub.running.peak_memory() - before;
    assert!(grown < 64 * 1024, "{grown} KiB");
    assert!(idle[0].is_closed());
    hub.end().exit(0).texts(4);
}

#[test]
fn large_requests_are_bounded_together() {
    let hub = Hub::start(Test::new());
    // Each begins a large body, and does not end it.
    let part = " ".repeat(64 * 1024);
    let length = ("Content-Length", "1000000");
    let mut large = Vec::new();
    for _ in 0..65 {
        let mut connection = hub.connect();
        connection.write(&http("POST /v1/messages", &[length], &part));
        large.push(connection);
    }
    // One of them is told to come again; small ones are sent meanwhile.
    sends(&hub, "a-1");
    let mut answers = large
        .iter_mut()
        .map(|connection| connection.answer().unwrap());
    let busy = answers.find(|answer| answer.status == 503).unwrap();
    busy.error("busy");
    let again = json!({ "id": "x" });
    hub.post(&again).is(400);
    hub.running.terminate();
    hub.running.wait_for_end().exit(0).texts(1);
}

/// A caller that asks and asks, and reads no answer.
#[test]
fn answers_that_are_not_read_cost_no_one_anything() {
    let hub = Hub::start(Test::new());
    let before = hub.running.peak_memory();
    let mut deaf = Vec::new();
    for _ in 0..20 {
        let stream = UnixStream::connect(&hub.socket).unwrap();
        stream.set_nonblocking(true).unwrap();
        deaf.push(stream);
    }
    let asked = http("GET /metrics", &[], "").repeat(100);
    for stream in &mut deaf {
        // What does not fit waits in vain.
        while std::io::Write::write(stream, &asked).is_ok() {}
    }
    sends(&hub, "a-1");
    let grown = hub.running.peak_memory() - before;
    assert!(grown < 64 * 1024, "{grown} KiB");
    drop(deaf);
    hub.end().exit(0).texts(1);
}

/// Who is neither the socket's owner nor in its group can't connect to it.
#[test]
#[ignore = "needs root"]
fn as_root_an_account_outside_the_group_can_not_connect() {
    use std::os::unix::fs::PermissionsExt;

    let hub = Hub::start(Test::new());
    // The way to the socket is open to all, so that its own rights are what counts.
    let shared = std::env::temp_dir();
    let above = hub.socket.ancestors().skip(1);
    for folder in above.take_while(|it| *it != shared && it.starts_with(&shared)) {
        std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let connects = |user: u32| {
        let socket = hub.socket.clone();
        let other = rustix::process::Uid::from_raw(user);
        let root = rustix::process::Uid::ROOT;
        let connected = std::thread::spawn(move || {
            if user != 0 {
                let group = rustix::process::Gid::from_raw(user);
                rustix::thread::set_thread_groups(&[group]).unwrap();
                rustix::thread::set_thread_res_gid(group, group, group).unwrap();
            }
            rustix::thread::set_thread_res_uid(root, other, root).unwrap();
            // Root's right to everything goes with its user id.
            UnixStream::connect(socket)
                .map(drop)
                .map_err(|error| error.kind())
        });
        connected.join().unwrap()
    };
    assert_eq!(connects(0), Ok(()));
    assert_eq!(connects(54_321), Err(std::io::ErrorKind::PermissionDenied));
    sends(&hub, "a-1");
    hub.end().exit(0).texts(1);
}
