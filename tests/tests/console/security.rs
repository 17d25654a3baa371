//! Who may ask, and what of: against the port.

use std::net::TcpStream;

use textsender_tests::sandbox::Sandbox;
use textsender_tests::sandbox::site::Site;

use crate::served::Served;

/// Pages that there are.
const PAGES: [&str; 18] = [
    "/",
    "/senders",
    "/senders/twilio",
    "/senders/twilio/secret/auth_token",
    "/select-sender",
    "/helpdesk",
    "/policies",
    "/text?policy=Everyone",
    "/test",
    "/?period=month",
    "/explain",
    "/log",
    "/log/message?id=none",
    "/log/export?format=json",
    "/plugins",
    "/limits",
    "/limits/recipient",
    "/fleet",
];

#[test]
fn it_is_served_at_a_name_that_no_one_can_guess() {
    let (one, other) = (Served::empty(), Served::empty());
    let name = |served: &Served| served.host().split(':').next().unwrap().to_owned();
    let (one, other) = (name(&one), name(&other));
    assert!(one.ends_with(".localhost") && one.len() == 32 + ".localhost".len());
    assert_ne!(one, other);
}

#[test]
fn a_foreign_name_gets_nothing() {
    let served = Served::ready().opened();
    for host in ["127.0.0.1", "localhost", "evil.example", "x.localhost"] {
        for path in PAGES {
            let host = format!("{host}:{}", served.port());
            let mut headers = vec![("Host", host)];
            headers.extend(served.cookie_header());
            served.request("GET", path, &headers, "").status(421);
        }
    }
    // Behind `ssh -L` the browser sees another port.
    let name = served.host().split(':').next().unwrap();
    let mut headers = vec![("Host", format!("{name}:8080"))];
    headers.extend(served.cookie_header());
    served.request("GET", "/", &headers, "").status(200);
}

#[test]
fn a_foreign_page_sends_no_form() {
    let served = Served::ready().opened();
    let form = served.get("/select-sender").form("/select-sender");
    let own = format!("http://{}", served.host());
    for (origin, site) in [
        ("http://evil.example", "cross-site"),
        ("http://localhost:1234", "same-site"),
        ("null", "cross-site"),
        (&*own, "none"),
        (&*own, "cross-site"),
        ("http://evil.example", "same-origin"),
    ] {
        let mut headers = served.post_headers();
        for (name, value) in &mut headers {
            match *name {
                "Origin" => origin.clone_into(value),
                "Sec-Fetch-Site" => site.clone_into(value),
                _ => {}
            }
        }
        let reply = served.request("POST", "/select-sender", &headers, &form.body());
        assert_eq!(reply.status, 403, "{origin} {site}");
    }
    served.submit(&form).status(200);
}

#[test]
fn without_the_cookie_there_is_no_page() {
    let served = Served::ready().opened();
    let cookie = served.cookie.take();
    for path in PAGES {
        served.get(path).status(401).says_not("twilio");
    }
    *served.cookie.borrow_mut() = Some("0".repeat(64));
    served.get("/").status(401);
    *served.cookie.borrow_mut() = cookie;
    served.get("/").status(200);
}

#[test]
fn the_address_opens_once_and_looking_uses_nothing_up() {
    let served = Served::ready();
    let path = format!("/open/{}", served.address.split_once("/open/").unwrap().1);
    for _ in 0..3 {
        served.get(&path).status(200).says("Open the console");
    }
    served.get("/open/0000").status(401);
    let reply = served.open().status(303);
    let cookie = reply.header("set-cookie").unwrap();
    for part in ["__Host-", "Path=/", "Secure", "HttpOnly", "SameSite=Strict"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    assert!(!cookie.contains("Domain"));
    served.get(&path).status(401);
}

#[test]
fn a_form_without_the_sessions_token_changes_nothing() {
    let served = Served::ready().opened();
    let before = served.files();
    let form = served.get("/senders").form("/senders/add");
    let form = form.set("name", "another").set("plugin", "twilio");
    for token in ["", "0", &"0".repeat(64)] {
        served.submit(&form.clone().set("token", token)).status(403);
        let save = form.clone().set("token", token).set("step", "save");
        served.submit(&save).status(403);
    }
    assert_eq!(served.files(), before);
}

#[test]
fn every_response_forbids_what_it_does_not_need() {
    let served = Served::ready().opened();
    for path in PAGES.into_iter().chain(["/none", "/open/0"]) {
        let reply = served.get(path);
        let policy = reply.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"));
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("unsafe"));
        for (name, value) in [
            ("referrer-policy", "same-origin"),
            ("x-content-type-options", "nosniff"),
            ("cache-control", "no-store"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(reply.header(name), Some(value), "{path}");
        }
        assert!(reply.header("access-control-allow-origin").is_none());
        assert!(!reply.body.contains(" style=\"") && !reply.body.contains(" onclick="));
    }
}

#[test]
fn ended_by_its_owner_the_session_is_over() {
    let served = Served::ready().opened();
    let form = served.get("/").form("/close");
    served.submit(&form).status(401).says("The session is over");
    assert!(served.ended().success(), "the process ends with it");
    assert!(TcpStream::connect(("127.0.0.1", served.port())).is_err());
}

#[test]
fn read_only_it_changes_and_sends_nothing() {
    let sandbox = Sandbox::start();
    let plugins = &textsender_tests::harness::artifacts().twilio;
    let site = Site::for_sandbox(&sandbox, plugins).unwrap();
    let served = Served::over(site, sandbox, &["--read-only"]).opened();
    let before = served.files();
    let form = served.get("/test").status(200).form("/test");
    let form = form.set("phone", "+447700900123").set("code", "test-1234");
    for step in ["", "send", "save"] {
        for path in ["/test", "/select-sender", "/senders/add", "/text"] {
            let mut form = form.clone().set("step", step);
            path.clone_into(&mut form.action);
            served.submit(&form).status(403).says("--read-only");
        }
    }
    assert_eq!(served.files(), before);
    assert!(served.sandbox.texts().is_empty());
    let form = served.get("/explain").form("/explain");
    served.submit(&form).status(200).says("What comes of it");
}

#[test]
fn only_forms_of_a_fair_size_are_read() {
    let served = Served::ready().opened();
    let mut headers = served.post_headers();
    headers.retain(|(name, _)| *name != "Content-Type");
    headers.push(("Content-Type", "text/plain".to_owned()));
    served.request("POST", "/text", &headers, "a=b").status(415);
    let long = format!("a={}", "b".repeat(300 * 1024));
    let headers = served.post_headers();
    served.request("POST", "/text", &headers, &long).status(413);
    served.request("PUT", "/", &headers, "").status(405);
}
