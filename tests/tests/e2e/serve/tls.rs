//! HTTP with TLS, for callers on other machines.

use std::fs;
use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use textsender_tests::harness::{PATIENCE, Test, wait_for};
use textsender_tests::sandbox::{Authority, Certificate};

use super::http::{Connection, Hub, over_tcp, request};
use crate::stream;

const BEARER: (&str, &str) = ("Authorization", "Bearer Vq7mZ2xT9kLr4sWb8nYd3fGh");

/// A case with a certificate of this authority.
pub fn with_tls(authority: &Authority) -> Test {
    let test = Test::new();
    store(&test, authority);
    let folder = test.site().folder();
    let (certificate, key) = (folder.join("hub.pem"), folder.join("hub.key"));
    test.config(&format!(
        "[serve]\ntls = {{ certificate = {certificate:?}, key = {key:?} }}"
    ))
}

/// Puts certificate and key where the hub reads them, each whole.
fn store(test: &Test, authority: &Authority) {
    let folder = test.site().folder();
    for (name, pem) in [
        ("hub.pem", &authority.certificate_pem),
        ("hub.key", &authority.key_pem),
    ] {
        let new = folder.join("new.pem");
        fs::write(&new, pem).unwrap();
        fs::rename(new, folder.join(name)).unwrap();
    }
}

fn connect(address: SocketAddr, authority: &Authority) -> Connection {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    Connection::over(StreamOwned::new(client(authority), stream))
}

/// A caller who trusts this authority.
fn client(authority: &Authority) -> ClientConnection {
    let mut roots = RootCertStore::empty();
    let root = CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap();
    roots.add(root).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    ClientConnection::new(Arc::new(config), name).unwrap()
}

#[test]
fn a_message_comes_through_tls_and_needs_a_token_all_the_same() {
    let authority = Authority::new(Certificate::Valid).unwrap();
    let (hub, address) = Hub::with_http(with_tls(&authority));
    let message = stream::request("a-1", "+447700900123").to_string();
    let ask = |headers: &[(&str, &str)]| {
        let mut connection = connect(address, &authority);
        connection.write(&request("POST /v1/messages", headers, &message));
        connection.answer().unwrap()
    };
    ask(&[]).is(401);
    // Its name is that of the certificate.
    ask(&[BEARER, ("Host", "sms.example.org")])
        .is(200)
        .outcome("accepted");
    // In the open there is no answer.
    let mut open = over_tcp(address);
    open.write(&request("GET /healthz", &[BEARER], ""));
    assert!(open.answer().is_none());
    hub.end().exit(0).texts(1);
}

#[test]
fn a_changed_certificate_is_used_and_a_wrong_one_is_not() {
    let [first, second] = [(), ()].map(|()| Authority::new(Certificate::Valid).unwrap());
    let (hub, address) = Hub::with_http(with_tls(&first));
    let health = |authority: &Authority| {
        let mut connection = connect(address, authority);
        connection.write(&request("GET /healthz", &[BEARER], ""));
        connection.answer().unwrap().is(200);
    };
    health(&first);
    let test = hub.running.test();
    fs::write(test.site().folder().join("hub.pem"), "no certificate").unwrap();
    health(&first);
    store(test, &second);
    health(&second);
    hub.end().exit(0).logs("the last good one stays");
}

/// The day of `docs/oncall.md`, as callers and whoever is alerted see it.
#[test]
fn oncall_a_certificate_expires_and_is_replaced() {
    let [good, expired] =
        [Certificate::Valid, Certificate::Expired].map(|kind| Authority::new(kind).unwrap());
    let test = with_tls(&good).alerts_every(200);
    let file = test.site().folder().join("alerted");
    let script = format!("cat >> {}", file.display());
    let section = format!("[alerts]\ncommand = [\"/bin/sh\", \"-c\", {script:?}]");
    let (hub, address) = Hub::with_http(test.config(&section));
    let test = hub.running.test();
    let certificate = format!(
        "certificate {}",
        test.site().folder().join("hub.pem").display()
    );
    let is_told = |words: &str| {
        wait_for(words, || {
            let text = fs::read_to_string(&file).unwrap_or_default();
            text.contains(words).then_some(())
        });
    };
    let lets_in = |authority: &Authority| {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        client(authority).complete_io(&mut stream).is_ok()
    };
    assert!(lets_in(&good));
    store(test, &expired);
    is_told(&format!("CRITICAL {certificate}: it expired at"));
    assert!(!lets_in(&expired));
    // Those of this machine need none.
    let message = stream::request("a-1", "+447700900123");
    hub.post(&message).is(200).outcome("accepted");
    let listed = hub.other().command(["expiring"]).stdin("").run();
    listed.exit(0);
    assert!(
        listed
            .stdout
            .as_ref()
            .unwrap()
            .contains("the hub reads it again by itself")
    );
    store(test, &good);
    assert!(lets_in(&good));
    is_told(&format!("OK {certificate}: it is valid for"));
    hub.end().exit(0);
}

#[test]
fn without_tls_no_other_address_is_listened_on() {
    let test = Test::new()
        .command(["serve", "--http", "0.0.0.0:0"])
        .stdin("");
    let run = test.run();
    run.exit(2);
    assert!(run.stderr.contains("set [serve] tls"), "{run}");
    let missing =
        Test::new().config("[serve]\ntls = { certificate = \"/none.pem\", key = \"/none.key\" }");
    let run = missing
        .command(["serve", "--http", "127.0.0.1:0"])
        .stdin("")
        .run();
    run.exit(78);
    assert!(run.stderr.contains("/none.pem"), "{run}");
}

#[test]
fn a_client_that_never_shakes_hands_costs_the_others_nothing() {
    let authority = Authority::new(Certificate::Valid).unwrap();
    let (hub, address) = Hub::with_http(with_tls(&authority));
    let silent: Vec<_> = (0..50)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();
    let mut connection = connect(address, &authority);
    connection.write(&request("GET /healthz", &[BEARER], ""));
    connection.answer().unwrap().is(200);
    hub.running.terminate();
    // They keep it from its end no longer than any other.
    for mut stream in silent {
        wait_for("the end of a silent connection", || {
            matches!(stream.read(&mut [0]), Ok(0) | Err(_)).then_some(())
        });
    }
    hub.running.wait_for_end().exit(0);
}
