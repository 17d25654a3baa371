//! Networks, TLS, time, and processes that die: what the caller is told, and that it is true.

use std::fs::{self, Permissions};
use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::thread;
use std::time::Duration;

use serde_json::json;
use textsender_tests::harness::{Run, Test, each, wait_for};
use textsender_tests::sandbox::{Certificate, Fault, Refusing, Sandbox, When};

/// Long enough for a host process to start on a busy machine.
const SHORT: &str = "[senders.twilio]\ntimeout = \"1s\"";

fn base_url(url: &str) -> String {
    format!("[senders.twilio.settings]\nbase_url = {url:?}")
}

fn not_sent(run: &Run, words: &str) {
    run.outcome("unavailable")
        .error("provider_unavailable")
        .says(words)
        .attempts(["twilio:provider_unavailable"; 3])
        .has("/error/retryable", true)
        .requests(0);
}

#[test]
fn a_provider_that_is_down_got_nothing() {
    let down = Refusing::new().unwrap();
    let url = format!("http://{}", down.address());
    let run = Test::new().config(&base_url(&url)).run();
    not_sent(
        &run,
        &format!("{}: the connection was refused", down.address()),
    );
}

#[test]
fn a_name_that_does_not_resolve_got_nothing() {
    // RFC 6761 keeps `.invalid` free for this.
    let run = Test::new()
        .config(&base_url("https://twilio.invalid"))
        .run();
    not_sent(&run, "twilio.invalid:443: the name does not resolve (");
}

#[test]
fn a_certificate_that_is_not_trusted_gets_nothing() {
    let untrusted = Test::new()
        .tls()
        .change(|site| site.unset("http.ca_file").unwrap());
    let with = |certificate| Test::in_sandbox(Sandbox::builder().certificate(certificate)).tls();
    let cases = [
        (
            untrusted,
            "its certificate is from an authority that is not trusted here",
        ),
        (
            with(Certificate::Expired),
            "its certificate expired on 2001-",
        ),
        (
            with(Certificate::WrongName),
            "its certificate is for another name: wrong.example",
        ),
    ];
    each(cases, |(test, words)| {
        let port = test.sandbox().twilio().https_address().port();
        not_sent(&test.run(), &format!("localhost:{port}: {words}"));
    });
}

#[test]
fn roots_that_others_can_write_are_not_trusted() {
    let folder = tempfile::tempdir().unwrap();
    let ca_file = folder.path().join("ca.pem");
    let test = Test::new().tls();
    fs::copy(test.site().folder().join("ca.pem"), &ca_file).unwrap();
    let set_mode = |mode| fs::set_permissions(&ca_file, Permissions::from_mode(mode)).unwrap();
    let environment = test.change(|site| site.unset("http.ca_file").unwrap());
    for (variable, value) in [
        ("SSL_CERT_FILE", ca_file.as_path()),
        ("SSL_CERT_DIR", folder.path()),
    ] {
        set_mode(0o644);
        let trusted = environment.in_company().env(variable, value);
        trusted.run().outcome("accepted");
        set_mode(0o666);
        let with_it = environment.in_company().env(variable, value).run();
        with_it.outcome("misconfigured").says("chmod go-w");
    }
    let configured = format!("[http]\nca_file = {:?}", ca_file.display().to_string());
    let run = Test::new().tls().config(&configured).run();
    run.outcome("misconfigured").says("chmod go-w").texts(0);
}

#[test]
fn a_port_that_speaks_no_tls_gets_nothing() {
    let test = Test::new().tls();
    let url = format!(
        "https://localhost:{}",
        test.sandbox().twilio().address().port()
    );
    not_sent(
        &test.config(&base_url(&url)).run(),
        "it does not speak TLS on this port",
    );
}

#[test]
fn a_private_authority_is_trusted_where_the_configuration_says_so() {
    let run = Test::new().tls().run();
    run.outcome("accepted").texts(1);
    assert!(run.the_request().is_secure());

    // One sender's own word comes before everyone's.
    let test = Test::new().tls();
    let authority = test.site().folder().join("ca.pem").display().to_string();
    let run = test
        .config("[http]\nca_file = \"/nowhere/ca.pem\"")
        .config(&format!("[senders.twilio.http]\nca_file = {authority:?}"))
        .run();
    run.outcome("accepted").texts(1);
}

#[test]
fn an_authority_that_is_not_there_is_named() {
    let run = Test::new()
        .tls()
        .config("[http]\nca_file = \"/nowhere/ca.pem\"")
        .run();
    run.outcome("misconfigured")
        .error("bad_configuration")
        .says("ca_file /nowhere/ca.pem: ")
        .attempts(["twilio:bad_configuration"])
        .requests(0);
    run.logs("ca_file /nowhere/ca.pem: ");
}

/// A proxy that answers CONNECT so, and then ends the connection.
fn proxy(answer: &'static str) -> FrontDoor {
    FrontDoor::new(move |_, mut client| {
        let mut asked = [0; 1024];
        let _ = client.read(&mut asked);
        let _ = client.write_all(answer.as_bytes());
    })
}

/// Whoever runs the proxy must act, or whoever wrote its address; the provider can't.
#[test]
fn a_proxy_that_does_not_connect_is_named_with_its_reason() {
    let wants = "the proxy wants a user and a password (407)";
    let cases = [
        ("HTTP/1.1 407 Who Are You\r\n\r\n", wants, true),
        (
            "HTTP/1.1 403 Forbidden\r\n\r\n",
            "the proxy does not connect to provider.example:443",
            false,
        ),
        (
            "",
            "the proxy does not connect to provider.example:443",
            false,
        ),
    ];
    for (answer, words, is_ours) in cases {
        let proxy = proxy(answer);
        let address = proxy.url().replace("https://localhost", "127.0.0.1");
        let run = Test::new()
            .config(&base_url("https://provider.example"))
            .config(&format!("[http]\nproxy = \"http://ada:hunter2@{address}\""))
            .run();
        run.says(&format!("proxy {address}: {words}"));
        match is_ours {
            true => run
                .outcome("misconfigured")
                .attempts(["twilio:bad_configuration"]),
            false => run.outcome("unavailable"),
        };
        assert!(!run.to_string().contains("hunter2"), "{run}");
    }
}

#[test]
fn proxies_of_the_environment_are_nobodys_business() {
    // A proxy would see code and token of what goes to this machine without TLS.
    let nobody = Refusing::new().unwrap();
    let proxy = format!("http://{}", nobody.address());
    let mut test = Test::new();
    for name in [
        "http_proxy",
        "HTTP_PROXY",
        "https_proxy",
        "HTTPS_PROXY",
        "all_proxy",
        "ALL_PROXY",
    ] {
        test = test.env(name, &proxy);
    }
    test.run().outcome("accepted").texts(1);
}

#[test]
fn a_connection_cut_before_the_request_left_got_nothing() {
    // The handshake is not over, so that nothing can have been written.
    let front_door = FrontDoor::new(|_, client| drop(client));
    let test = Test::new().tls().config(&base_url(&front_door.url()));
    not_sent(&test.run(), "it ended the connection");
}

/// Each of these loses the answer. What was taken all the same is found; what was not is in doubt.
#[test]
fn an_answer_that_is_lost_leaves_a_doubt_that_the_provider_may_settle() {
    let cut = "the connection was cut before the whole answer came";
    let too_large = "the answer is longer than 1 MiB";
    let nameless = "the answer does not name the text";
    let faults = [
        (Fault::drop_unread(), cut),
        (Fault::drop(), cut),
        (Fault::reset(), cut),
        (Fault::cut(), cut),
        (Fault::huge_body(2 * 1024 * 1024), too_large),
        (Fault::endless_body(), too_large),
        (Fault::invalid_http(), "the answer is not the protocol's"),
        (Fault::empty_body(), nameless),
        (Fault::bad_json(), nameless),
        (Fault::gzip_bomb(64 * 1024 * 1024), nameless),
        (Fault::html(502), "Twilio failed, and may have the text"),
    ];
    each(faults, |(fault, words)| {
        for fault in both(fault) {
            lost(fault, "").logs(words);
        }
    });
}

/// The same, where it takes the attempt's time-out to see it.
#[test]
fn an_answer_that_does_not_end_in_time_is_lost() {
    let faults = [Fault::silence(), Fault::drip(Duration::from_millis(100))];
    each(faults.into_iter().flat_map(both), |fault| {
        lost(fault, SHORT);
    });
}

fn both(fault: Fault) -> [Fault; 2] {
    [fault.clone().not_taken(), fault.taken()]
}

fn lost(fault: Fault, config: &str) -> Run {
    let test = Test::new().config(config);
    let run = test.fault(When::next(), fault).run();
    if run.sandbox().text_count() == 0 {
        run.outcome("unknown")
            .error("maybe_sent")
            .attempts(["twilio:maybe_sent"]);
    } else {
        run.outcome("accepted")
            .attempts(["twilio:accepted"])
            .texts(1);
    }
    // But for what was not even read, the provider was asked to find it.
    let asked = run.sandbox().requests();
    let methods: Vec<_> = asked.iter().map(|request| request.method()).collect();
    assert!(matches!(methods[..], ["POST", "GET"] | ["GET"]), "{run}");
    run
}

#[test]
fn an_answer_that_is_only_odd_is_an_answer() {
    each(
        [
            Fault::delay(Duration::from_millis(50)),
            Fault::close_after(),
            Fault::header_flood(50),
        ],
        |fault| {
            let run = Test::new().fault(When::always(), fault).run();
            run.outcome("accepted")
                .attempts(["twilio:accepted"])
                .requests(1)
                .texts(1);
        },
    );
}

#[test]
fn an_answer_that_comes_too_late_leaves_a_doubt() {
    Test::new()
        .config("[send]\ntimeout = \"1s\"")
        .fault(When::always(), Fault::silence().taken())
        .run()
        .outcome("unknown")
        .error("maybe_sent")
        .texts(1);
}

#[test]
fn a_provider_that_is_not_reached_in_time_got_nothing() {
    // It takes the connection, and never says a word of TLS.
    let front_door = FrontDoor::new(|_, client| std::mem::forget(client));
    Test::new()
        .tls()
        .config("[send]\ntimeout = \"1s\"")
        .config(&base_url(&front_door.url()))
        .run()
        .outcome("unavailable")
        .error("timeout")
        .attempts(["twilio:timeout"])
        .requests(0);
}

#[test]
fn nothing_is_sent_after_the_code_expired() {
    for expiry in [
        json!({ "expires_in": 0 }),
        json!({ "expires_at": "2026-01-31T12:00:00Z" }),
    ] {
        Test::new()
            .with(expiry)
            .run()
            .outcome("unavailable")
            .error("expired")
            .has("/error/retryable", false)
            .attempts([])
            .requests(0);
    }
}

#[test]
fn a_host_process_killed_before_the_request_left_is_replaced() {
    let test = Test::new().tls();
    let provider = test.sandbox().twilio().https_address();
    let (met, meets) = std::sync::mpsc::channel();
    let front_door = FrontDoor::new(move |count, client| match count {
        // The first client waits for the handshake.
        1 => met.send(client).unwrap(),
        _ => relay(client, provider),
    });
    let running = test.config(&base_url(&front_door.url())).start();
    let _waiting = meets.recv().unwrap();
    running.host_process(&[]).kill();
    running
        .finish()
        .outcome("accepted")
        // It had no part in it: it moves, and that is no attempt of its own.
        .attempts(["twilio:accepted"])
        .has("/may_duplicate", ())
        .texts(1);
}

#[test]
fn a_host_process_killed_after_the_request_left_leaves_a_doubt() {
    each(
        [
            (Fault::silence().not_taken(), "unknown"),
            // Found by the process that took its place.
            (Fault::silence().taken(), "accepted"),
        ],
        |(fault, outcome)| {
            let running = Test::new().fault(When::next(), fault).start();
            let written = running
                .sandbox()
                .wait_for_requests(1, Duration::from_secs(30));
            assert_eq!(written.unwrap().len(), 1);
            running.host_process(&[]).kill();
            let run = running.finish();
            run.outcome(outcome).requests(2);
        },
    );
}

#[test]
fn a_host_process_does_not_outlive_the_front() {
    // The second of them does not even notice that its pipe has ended.
    each(
        [("hang", "it hangs"), ("spin", "it spins")],
        |(does, log)| {
            let running = Test::new().misbehaving(does).start();
            let process = running.host_process(&[]);
            running.wait_for_log(log);
            drop(running);
            wait_for("its end", || process.is_over().then_some(()));
        },
    );
}

/// A port in front of the provider, where each connection meets what a case wants.
struct FrontDoor(SocketAddr);

impl FrontDoor {
    /// `meet` gets the number of the connection, from 1. The door is open until the test's process ends.
    fn new(meet: impl Fn(usize, TcpStream) + Send + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            for (before, client) in listener.incoming().enumerate() {
                meet(before + 1, client.unwrap());
            }
        });
        Self(address)
    }

    fn url(&self) -> String {
        format!("https://localhost:{}", self.0.port())
    }
}

/// Carries bytes both ways until both sides have ended.
fn relay(client: TcpStream, provider: SocketAddr) {
    let provider = TcpStream::connect(provider).unwrap();
    let pairs = [
        (client.try_clone().unwrap(), provider.try_clone().unwrap()),
        (provider, client),
    ];
    for (mut from, mut to) in pairs {
        thread::spawn(move || {
            let _ = io::copy(&mut from, &mut to);
            let _ = to.shutdown(Shutdown::Write);
        });
    }
}
