//! Who may ask, and what it sees.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;

use textsender_tests::harness::{Test, each};

use super::http::{Hub, TOKEN, ask_over_tcp};
use crate::stream::request;

const BEARER: (&str, &str) = ("Authorization", "Bearer Vq7mZ2xT9kLr4sWb8nYd3fGh");

#[test]
fn over_http_every_request_needs_a_token() {
    let (hub, address) = Hub::with_http(Test::new());
    let body = request("a-1", "+447700900123").to_string();
    let lines = [
        "POST /v1/messages",
        "GET /v1/messages/a-1",
        "GET /healthz",
        "GET /metrics",
        "GET /",
    ];
    let wrong: [&[(&str, &str)]; 5] = [
        &[],
        &[("Authorization", "Bearer wrong")],
        &[("Authorization", "Bearer")],
        &[("Authorization", "Bearer Vq7mZ2xT9kLr4sWb8nYd3fG")],
        &[("Authorization", "Basic Vq7mZ2xT9kLr4sWb8nYd3fGh")],
    ];
    for line in lines {
        for headers in wrong {
            let body = if line.starts_with("POST") {
                body.as_str()
            } else {
                ""
            };
            let refused = ask_over_tcp(address, line, headers, body).is(401);
            assert_eq!(refused.headers["www-authenticate"], "Bearer");
        }
    }
    ask_over_tcp(address, "POST /v1/messages", &[BEARER], &body).is(200);
    ask_over_tcp(address, "GET /healthz", &[BEARER], "").is(200);
    hub.end().exit(0).texts(1);
}

#[test]
fn a_caller_with_a_name_has_ids_of_its_own() {
    let (hub, address) = Hub::with_http(Test::new().secret("serve.helpdesk", "another token"));
    let other = ("Authorization", "Bearer another token");
    let post = |header, phone: &str| {
        let body = request("a-1", phone).to_string();
        ask_over_tcp(address, "POST /v1/messages", &[header], &body)
            .is(200)
            .json()
    };
    // Three messages of one id: of the two callers, and of an account.
    let given = post(BEARER, "+447700900123");
    assert_eq!(given["id"], "a-1");
    post(other, "+447700900124");
    hub.post(&request("a-1", "+447700900125")).is(200);
    let look_up =
        |header, id: &str| ask_over_tcp(address, &format!("GET /v1/messages/{id}"), &[header], "");
    assert_eq!(look_up(BEARER, "a-1").is(200).json(), given);
    assert_eq!(look_up(other, "a-1").json()["recipient"], "+44*******124");
    look_up(BEARER, "helpdesk%2Fa-1").is(404);
    let log = hub.other().command(["explain", "--id", "portal/a-1"]);
    let log = log.stdin("").run();
    let told = log.exit(0).stdout.as_deref().unwrap();
    assert!(told.contains("accepted"), "{told}");
    hub.end().exit(0).texts(3);
}

#[test]
fn a_change_of_a_token_needs_no_outage() {
    let (hub, address) = Hub::with_http(Test::new());
    let health = |token: &str| {
        let header = ("Authorization", format!("Bearer {token}"));
        ask_over_tcp(address, "GET /healthz", &[(header.0, &header.1)], "").status
    };
    let store = |name: &str, token: &str| {
        hub.running.test().site().secret(name, token).unwrap();
    };
    store("serve.portal.next", "the next token");
    assert_eq!([health(TOKEN), health("the next token")], [200, 200]);
    store("serve.portal", "the next token");
    assert_eq!([health(TOKEN), health("the next token")], [401, 200]);
    hub.end().exit(0);
}

#[test]
fn a_token_is_worth_what_its_caller_may_do_and_no_more() {
    let bounds = "[callers.portal]\npolicies = [\"Staff\", \"Everyone\"]\nlimits = [\"1/10m\"]\n\
                  [callers.other]\npolicies = [\"Staff\"]";
    let test = Test::new().config(bounds).change(|site| {
        let staff = "name = \"Staff\"\nregion = \"GB\"\n[verification_code]\ntext = \"%code%\"\n";
        site.policy("staff", staff).unwrap();
    });
    let (hub, address) = Hub::with_http(test.secret("serve.other", "another token"));
    let other = ("Authorization", "Bearer another token");
    let post = |header, id: &str, purpose: &str| {
        let mut message = request(id, "+447700900123");
        message["purpose"] = purpose.into();
        let body = message.to_string();
        ask_over_tcp(address, "POST /v1/messages", &[header], &body)
    };
    for purpose in ["test", "helpdesk_code"] {
        post(BEARER, "a-1", purpose)
            .is(403)
            .error("caller_forbidden");
    }
    let refused = post(other, "a-1", "verification_code").is(403);
    refused.error("caller_forbidden");
    post(BEARER, "a-1", "verification_code")
        .is(200)
        .outcome("accepted");
    post(BEARER, "a-2", "verification_code")
        .is(429)
        .outcome("limited");
    // An account that may use the socket may do what it may do without the hub.
    let mut test = request("a-3", "+447700900123");
    test["purpose"] = "test".into();
    hub.post(&test).is(200).outcome("accepted");
    hub.end().exit(0).texts(2);
}

/// A page of another site in a browser of this machine sends its own name.
#[test]
fn a_request_for_another_host_is_refused() {
    let (hub, address) = Hub::with_http(Test::new());
    let ask = |host: &str| ask_over_tcp(address, "GET /healthz", &[BEARER, ("Host", host)], "");
    for host in ["evil.example", "127.0.0.1.evil.example", "127.0.0.2", ""] {
        ask(host).is(421);
    }
    ask("127.0.0.1:8025").is(200);
    ask("[::1]").is(200);
    hub.end().exit(0);
}

#[test]
fn the_audit_names_the_account_that_asked() {
    let hub = Hub::start(Test::new());
    hub.post(&request("a-1", "+447700900123")).is(200);
    hub.post(&serde_json::json!({ "id": "a-2" })).is(400);
    let log = hub.other().command(["log", "--json"]);
    let run = log.stdin("").run();
    let uid = rustix::process::geteuid().as_raw();
    let entries = run.exit(0).stdout.as_deref().unwrap();
    assert_eq!(
        entries.matches(&format!("\"uid\":{uid}")).count(),
        2,
        "{run}"
    );
    hub.end().exit(0);
}

#[test]
fn only_owner_and_group_may_use_the_socket() {
    let hub = Hub::start(Test::new());
    let mode = fs::metadata(&hub.socket).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    let (socket, run) = (hub.socket.clone(), hub.end());
    run.exit(0);
    assert!(!socket.exists());
}

#[test]
fn http_is_for_this_machine_alone() {
    each(
        ["0.0.0.0:0", "[::]:0", "localhost:8025", "8025"],
        |address| {
            let run = Test::new()
                .command(["serve", "--http", address])
                .stdin("")
                .run();
            run.exit(2).logs("--http");
        },
    );
    let run = Test::new().config("[serve]\nhttp = \"0.0.0.0:80\"");
    let run = run.command(["check"]).stdin("").run();
    let told = format!("{run}");
    assert!(
        told.contains("serve.http") && told.contains("127.0.0.1"),
        "{told}"
    );
}

#[test]
fn a_socket_that_a_dead_process_left_is_replaced_and_no_other() {
    let hub = Hub::start(Test::new());
    let (test, socket) = (hub.other(), hub.socket.clone());
    let serve = || {
        let test = test.in_company().command(["serve"]).stdin("");
        test.args(["--socket".into(), socket.clone().into_os_string()])
    };
    // Another hub.
    let second = serve().run();
    second
        .exit(78)
        .logs("another process listens there already");
    hub.post(&request("a-1", "+447700900123")).is(200);
    hub.end().exit(0);

    // One that was killed: no one listens at what it left.
    drop(UnixListener::bind(&socket).unwrap());
    let again = serve().start();
    again.wait_for_log("listening");
    again.terminate();
    again.wait_for_end().exit(0);

    // What is no socket stays.
    fs::write(&socket, "precious").unwrap();
    serve()
        .run()
        .exit(78)
        .logs("there is a file that is not a socket");
    assert_eq!(fs::read_to_string(&socket).unwrap(), "precious");
}

#[test]
fn a_token_is_stored_as_every_secret_is() {
    let (hub, address) = Hub::with_http(Test::new());
    let secret = |words: [&str; 3], input: &str| {
        let words = words.iter().filter(|word| !word.is_empty());
        let test = hub.other().command(words).stdin(input);
        test.hide("a token", "one more token").run()
    };
    secret(["secret", "set", "serve.helpdesk"], "one more token\n").exit(0);
    let bearer = ("Authorization", "Bearer one more token");
    ask_over_tcp(address, "GET /healthz", &[bearer], "").is(200);
    let listed = secret(["secret", "list", ""], "");
    let table = listed.exit(0).stdout.as_deref().unwrap();
    assert!(table.contains("caller helpdesk of the hub"), "{table}");
    secret(["secret", "remove", "serve.helpdesk"], "").exit(0);
    ask_over_tcp(address, "GET /healthz", &[bearer], "").is(401);
    hub.end().exit(0);
}
