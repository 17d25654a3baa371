//! Faults and connections, seen from the socket. Each test counts the texts that were taken.

#![allow(clippy::unwrap_used)]

use std::io;
use std::io::{Read, Write};
use std::time::{Duration, Instant};

use super::*;
use crate::sandbox::client::{Client, basic, encrypt, request};
use crate::sandbox::twilio::{ACCOUNT_SID, AUTH_TOKEN};
use crate::sandbox::{Certificate, Refusing, Sandbox};

/// A request that Twilio accepts.
fn send_to(number: &str) -> Vec<u8> {
    let path = format!("/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json");
    let headers = [
        ("Authorization", &*basic(ACCOUNT_SID, AUTH_TOKEN)),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ];
    request(
        "POST",
        &path,
        &headers,
        &format!("To=%2B{number}&From=%2B447700900100&Body=Your+code+is+123456"),
    )
}

fn send() -> Vec<u8> {
    send_to("447700900123")
}

/// A sandbox with this fault, and a client of it.
fn with(fault: Fault) -> (Sandbox, Client) {
    let sandbox = Sandbox::start();
    sandbox.twilio().fault(When::next(), fault);
    let client = Client::new(sandbox.twilio().address());
    (sandbox, client)
}

#[test]
fn answers_take_the_text_or_not_as_chosen() {
    let second = Duration::from_millis(1);
    let cases: [(Fault, u16, usize); 16] = [
        (Fault::status(503), 503, 0),
        (Fault::status(503).taken(), 503, 1),
        (Fault::html(502), 502, 0),
        (Fault::redirect("http://127.0.0.1:9/"), 307, 0),
        (Fault::delay(second), 201, 1),
        (Fault::delay(second).not_taken(), 201, 0),
        (Fault::empty_body(), 201, 1),
        (Fault::empty_body().not_taken(), 201, 0),
        (Fault::bad_json(), 201, 1),
        (Fault::huge_body(3_000_000), 201, 1),
        (Fault::huge_body(3_000_000).not_taken(), 201, 0),
        (Fault::drip(Duration::ZERO), 201, 1),
        (Fault::header_flood(1000), 201, 1),
        (Fault::gzip_bomb(1_000_000), 201, 1),
        (Fault::gzip_bomb(1_000_000).not_taken(), 201, 0),
        (Fault::close_after(), 201, 1),
    ];
    for (fault, status, texts) in cases {
        let what = format!("{fault:?}");
        let (sandbox, mut client) = with(fault);
        assert_eq!(client.ask(&send()).unwrap().status, status, "{what}");
        assert_eq!(sandbox.text_count(), texts, "{what}");
        assert_eq!(sandbox.requests().len(), 1, "{what}");
    }
}

#[test]
fn lost_answers_take_the_text_or_not_as_chosen() {
    for (fault, texts) in [
        (Fault::drop(), 0),
        (Fault::drop().taken(), 1),
        (Fault::invalid_http(), 0),
        (Fault::invalid_http().taken(), 1),
        (Fault::cut(), 1),
        (Fault::cut().not_taken(), 0),
    ] {
        let what = format!("{fault:?}");
        let (sandbox, mut client) = with(fault);
        client.write(&send());
        let bytes = client.read_to_end().unwrap();
        match what.contains("Cut") {
            true => assert!(
                bytes.starts_with(b"HTTP/1.1 201") && !bytes.ends_with(b"}"),
                "{what}"
            ),
            false => assert!(bytes.is_empty() || bytes.starts_with(b"250 "), "{what}"),
        }
        assert_eq!(sandbox.text_count(), texts, "{what}");
        // The fault is spent: the next connection works.
        assert_eq!(
            Client::new(sandbox.twilio().address())
                .ask(&send())
                .unwrap()
                .status,
            201
        );
    }
}

#[test]
fn a_reset_is_a_reset() {
    for (fault, texts) in [(Fault::reset(), 0), (Fault::reset().taken(), 1)] {
        let (sandbox, mut client) = with(fault);
        let error = client.ask(&send()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        assert_eq!(sandbox.text_count(), texts);
    }
}

#[test]
fn a_connection_dropped_unread_leaves_no_trace() {
    let sandbox = Sandbox::start();
    sandbox
        .twilio()
        .fault(When::nth(2), Fault::drop_unread().taken());
    let mut client = Client::new(sandbox.twilio().address());
    assert_eq!(client.ask(&send()).unwrap().status, 201);
    client.write(&send());
    // The end of the connection, or a reset where bytes were still unread.
    assert!(client.read().is_err());
    assert_eq!((sandbox.text_count(), sandbox.requests().len()), (1, 1));
}

#[test]
#[should_panic(expected = "before the request is read")]
fn an_unread_request_cannot_be_chosen_by_its_recipient() {
    Sandbox::start()
        .twilio()
        .fault(When::next().to("+447700900123"), Fault::drop_unread());
}

#[test]
fn silence_lasts_until_the_client_leaves() {
    let (sandbox, mut client) = with(Fault::silence().taken());
    client.write(&send());
    assert_eq!(
        sandbox
            .wait_for_texts(1, Duration::from_secs(20))
            .unwrap()
            .len(),
        1
    );
    drop(client);
    assert_eq!(
        Client::new(sandbox.twilio().address())
            .ask(&send())
            .unwrap()
            .status,
        201
    );
}

#[test]
fn an_endless_body_goes_on() {
    let (sandbox, mut client) = with(Fault::endless_body());
    client.write(&send());
    let mut bytes = 0;
    while bytes < 5_000_000 {
        bytes += client.read_some(1 << 20).len();
    }
    assert_eq!(sandbox.text_count(), 1);
}

#[test]
fn bodies_are_what_the_fault_says() {
    let (_sandbox, mut client) = with(Fault::huge_body(100_000));
    let reply = client.ask(&send()).unwrap();
    assert_eq!(reply.body.len(), 100_000);
    assert!(reply.json()["padding"].is_string());
    // The connection goes on behind it.
    assert_eq!(client.ask(&send()).unwrap().status, 201);

    let (_sandbox, mut client) = with(Fault::gzip_bomb(50_000_000));
    let reply = client.ask(&send()).unwrap();
    assert_eq!(reply.header("content-encoding"), Some("gzip"));
    assert!(reply.body.len() < 500_000, "{}", reply.body.len());
    let mut unpacked = String::new();
    flate2::read::GzDecoder::new(&reply.body[..])
        .read_to_string(&mut unpacked)
        .unwrap();
    assert!(unpacked.len() > 50_000_000 && unpacked.ends_with('}'));

    let (_sandbox, mut client) = with(Fault::bad_json());
    let reply = client.ask(&send()).unwrap();
    assert!(
        reply.body.starts_with(b"{")
            && serde_json::from_slice::<serde_json::Value>(&reply.body).is_err()
    );

    let (_sandbox, mut client) = with(Fault::header_flood(500));
    assert_eq!(
        client
            .ask(&send())
            .unwrap()
            .head
            .matches("X-Flood-")
            .count(),
        500
    );

    let (_sandbox, mut client) = with(Fault::html(502));
    let reply = client.ask(&send()).unwrap();
    assert_eq!(reply.header("content-type"), Some("text/html"));
    assert!(reply.body.starts_with(b"<html>"));
}

#[test]
fn a_status_brings_the_providers_own_error_and_the_headers_asked_for() {
    let (_sandbox, mut client) = with(Fault::status(429).header("Retry-After", "5"));
    let reply = client.ask(&send()).unwrap();
    assert_eq!(
        (reply.status, reply.header("retry-after")),
        (429, Some("5"))
    );
    assert_eq!(reply.json()["code"], 20429);

    let (_sandbox, mut client) = with(Fault::status(429));
    assert_eq!(client.ask(&send()).unwrap().header("retry-after"), None);

    let (_sandbox, mut client) = with(
        Fault::status(418)
            .body("teapot")
            .header("Content-Type", "text/plain"),
    );
    let reply = client.ask(&send()).unwrap();
    assert_eq!(
        (reply.status, &reply.body[..], reply.header("content-type")),
        (418, &b"teapot"[..], Some("text/plain"))
    );

    let (_sandbox, mut client) = with(Fault::redirect("http://127.0.0.1:9/elsewhere"));
    assert_eq!(
        client.ask(&send()).unwrap().header("location"),
        Some("http://127.0.0.1:9/elsewhere")
    );
}

#[test]
fn a_delay_holds_the_answer_back() {
    let delay = Duration::from_millis(60);
    let (sandbox, mut client) = with(Fault::status(500).after(delay).taken());
    let start = Instant::now();
    assert_eq!(client.ask(&send()).unwrap().status, 500);
    assert!(start.elapsed() >= delay);
    assert_eq!(sandbox.text_count(), 1);
}

#[test]
fn a_fault_strikes_only_the_recipient_it_names() {
    let sandbox = Sandbox::start();
    sandbox
        .twilio()
        .fault(When::always().to("+447700900456"), Fault::status(503));
    let mut client = Client::new(sandbox.twilio().address());
    let mut status = |number| client.ask(&send_to(number)).unwrap().status;
    assert_eq!(
        [
            status("447700900123"),
            status("447700900456"),
            status("447700900456"),
            status("447700900123")
        ],
        [201, 503, 503, 201]
    );
    sandbox.twilio().clear_faults();
    assert_eq!(status("447700900456"), 201);
}

#[test]
fn a_refused_request_is_not_taken_whatever_the_fault_says() {
    let (sandbox, mut client) = with(Fault::drop().taken());
    client.write(&send_to("15005550001"));
    assert!(client.read().is_err());
    assert_eq!(sandbox.text_count(), 0);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let sandbox = Sandbox::start();
    sandbox.twilio().fault(When::nth(50), Fault::status(503));
    let mut client = Client::new(sandbox.twilio().address());
    let many: Vec<u8> = (0..200)
        .flat_map(|n| send_to(&format!("4477008{n:05}")))
        .collect();
    client.write(&many);
    let statuses: Vec<u16> = (0..200).map(|_| client.read().unwrap().status).collect();
    let failed: Vec<usize> = (0..200).filter(|&n| statuses[n] != 201).collect();
    assert_eq!(failed, [49]);
    let texts = sandbox.texts();
    assert_eq!(
        (texts.len(), texts[198].to.as_str()),
        (199, "+447700800199")
    );
}

#[test]
fn a_request_may_come_byte_by_byte_or_wait_for_leave() {
    let sandbox = Sandbox::start();
    let mut client = Client::new(sandbox.twilio().address());
    for byte in send() {
        client.write(&[byte]);
    }
    assert_eq!(client.read().unwrap().status, 201);

    let text = String::from_utf8(send()).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    client.write(format!("{head}\r\nExpect: 100-continue\r\n\r\n").as_bytes());
    assert_eq!(client.read_some(100), b"HTTP/1.1 100 Continue\r\n\r\n");
    client.write(body.as_bytes());
    assert_eq!(client.read().unwrap().status, 201);
}

#[test]
fn what_is_not_http_is_refused() {
    let sandbox = Sandbox::start();
    let mut client = Client::new(sandbox.twilio().address());
    assert_eq!(client.ask(b"EHLO localhost\r\n\r\n").unwrap().status, 400);
    assert_eq!(client.read_to_end().unwrap(), b"");
}

#[test]
fn connections_close_when_asked_and_when_the_sandbox_ends() {
    let sandbox = Sandbox::start();
    let address = sandbox.twilio().address();
    let mut client = Client::new(address);
    let close = String::from_utf8(send())
        .unwrap()
        .replace("Host:", "Connection: close\r\nHost:");
    assert_eq!(
        client.ask(close.as_bytes()).unwrap().header("connection"),
        Some("close")
    );
    assert_eq!(client.read_to_end().unwrap(), b"");

    let mut idle = Client::new(address);
    assert_eq!(idle.ask(&send()).unwrap().status, 201);
    drop(sandbox);
    assert!(idle.read().is_err());
    assert!(std::net::TcpStream::connect(address).is_err());
}

#[test]
fn a_refusing_address_refuses() {
    let refusing = Refusing::new().unwrap();
    let error = std::net::TcpStream::connect(refusing.address()).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
}

#[test]
fn the_providers_clock_can_be_wrong() {
    let sandbox = Sandbox::start();
    let date = || {
        let reply = Client::new(sandbox.twilio().address())
            .ask(&send())
            .unwrap();
        reply.header("date").unwrap().to_owned()
    };
    assert!(date().ends_with(" GMT"));
    let year = jiff::Timestamp::now().strftime("%Y").to_string();
    assert!(date().contains(&year));
    sandbox.set_clock_offset(-366 * 24 * 3600);
    assert!(!date().contains(&year));
}

#[test]
fn tls_is_valid_expired_or_for_another_name() {
    for (certificate, expected) in [
        (Certificate::Valid, Ok(201)),
        (Certificate::Expired, Err("expired")),
        (Certificate::WrongName, Err("not valid for name")),
    ] {
        let sandbox = Sandbox::builder().certificate(certificate).start().unwrap();
        let outcome = over_tls(&sandbox, &send());
        match expected {
            Ok(status) => assert!(outcome.unwrap().starts_with(&format!("HTTP/1.1 {status}"))),
            Err(words) => {
                let error = outcome.unwrap_err().to_string();
                assert!(error.contains(words), "{error}");
            }
        }
        let delivered = usize::from(expected.is_ok());
        assert_eq!(sandbox.text_count(), delivered);
        assert_eq!(
            sandbox
                .requests()
                .iter()
                .filter(|request| request.is_secure())
                .count(),
            delivered
        );
    }
}

/// Sends over TLS to `localhost`, trusting the sandbox's authority, and reads the first block of the answer.
fn over_tls(sandbox: &Sandbox, bytes: &[u8]) -> io::Result<String> {
    let socket = std::net::TcpStream::connect(sandbox.twilio().https_address())?;
    let mut stream = encrypt(sandbox, socket);
    stream.write_all(bytes)?;
    let mut block = [0; 64];
    let count = stream.read(&mut block)?;
    Ok(String::from_utf8_lossy(&block[..count]).into_owned())
}
