//! What is missing, can't be read or is cut stops the message: the outcome of the table, and never another user's
//! policy or number.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use serde_json::{Value, json};
use textsender_tests::peers::samba::Domain;

use crate::sending::{bound_to, snapshot, synced, to, to_by, with_wrong_password};
use crate::server::{How, Server};
use crate::{EVERYONE, GONE, HIDDEN, NOT_VPN, STAFF};

/// A hardened domain leaves an attribute out, and gives no error.
#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_each_attribute_that_is_silently_absent_has_the_outcome_of_the_table() {
    let domain = Domain::shared();
    for (attribute, outcome, error) in [
        ("tokenGroups", "misconfigured", "directory_unreadable"),
        (
            "userAccountControl",
            "misconfigured",
            "directory_unreadable",
        ),
        ("accountExpires", "misconfigured", "directory_unreadable"),
        ("objectSid", "misconfigured", "directory_unreadable"),
        ("mobile", "refused", "phone_missing"),
        ("sAMAccountName", "refused", "user_unknown"),
        ("objectClass", "refused", "user_unknown"),
        ("preferredLanguage", "accepted", ""),
        ("displayName", "accepted", ""),
        ("userPrincipalName", "accepted", ""),
    ] {
        let name = format!("absent-{}", attribute.to_lowercase());
        domain.edit(&["user", &name, "mobile=+447700900123"]);
        to(json!({ "name": name })).run().outcome("accepted");
        domain.edit(&[
            "deny",
            &format!("CN={name},OU=Staff,DC=example,DC=org"),
            attribute,
        ]);
        let run = to(json!({ "name": name })).run();
        run.outcome(outcome);
        if !error.is_empty() {
            run.error(error).texts(0);
        }
    }
}

#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_an_object_that_can_not_be_read_stops_those_whom_it_reaches_and_no_others() {
    // Linked to where bob is, whom ada is above.
    let test = bound_to(to(json!({ "name": "bob" })), &[STAFF, HIDDEN]);
    synced(&test);
    let run = test.beside().run();
    run.outcome("misconfigured")
        .error("directory_unreadable")
        .texts(0);
    let ada = json!({ "user": { "name": "ada" } });
    test.beside()
        .with(ada)
        .run()
        .outcome("accepted")
        .has("/policy", STAFF);
    // One that is gone has no effect.
    let test = bound_to(to(json!({ "name": "bob" })), &[STAFF, GONE]);
    synced(&test);
    test.beside()
        .run()
        .outcome("accepted")
        .has("/policy", STAFF);
}

#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_without_a_snapshot_in_force_no_policy_is_guessed() {
    let test = bound_to(to(json!({ "name": "ada" })), &[STAFF]);
    let is_stale = |what: &str| {
        let run = test.beside().run();
        assert_eq!(
            run.response["error"]["code"], "directory_stale",
            "{what}: {run}"
        );
        run.outcome("misconfigured");
    };
    is_stale("none");
    synced(&test);
    test.beside()
        .run()
        .outcome("accepted")
        .has("/policy", STAFF);
    let path = snapshot(&test);
    let text = fs::read_to_string(&path).unwrap();
    let mut old: Value = serde_json::from_str(&text).unwrap();
    old["taken"] = json!("2020-01-01T00:00:00Z");
    fs::write(&path, old.to_string()).unwrap();
    is_stale("old");
    let mut newer: Value = serde_json::from_str(&text).unwrap();
    newer["format"] = json!(2);
    fs::write(&path, newer.to_string()).unwrap();
    is_stale("of another format");
    let mut nameless: Value = serde_json::from_str(&text).unwrap();
    nameless["containers"][0]["dn"] = json!("Staff");
    fs::write(&path, nameless.to_string()).unwrap();
    is_stale("with a container that has no name");
    fs::write(&path, &text[..text.len() / 2]).unwrap();
    is_stale("cut");
    // Policies that were bound since: whom their objects are for is not known yet.
    for (id, outcome) in [(NOT_VPN, "misconfigured"), (EVERYONE, "accepted")] {
        let later = bound_to(to(json!({ "name": "ada" })), &[STAFF, id]);
        fs::create_dir_all(snapshot(&later).parent().unwrap()).unwrap();
        fs::write(snapshot(&later), &text).unwrap();
        later.run().outcome(outcome);
    }
}

/// One whom the caller describes is decided for by the snapshot alone: then it must be in force, too. Messages that no
/// user's policy decides about need none.
#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_without_a_snapshot_in_force_no_policy_is_guessed_for_one_who_is_given_whole() {
    let whole = json!({
        "name": "ada", "phone": "+447700900123", "dn": "CN=Ada Lovelace,OU=Staff,DC=example,DC=org",
        "groups": ["CN=Other,OU=Groups,DC=example,DC=org"],
    });
    let test = bound_to(to(whole), &[STAFF]);
    let is_stale = || {
        let run = test.beside().run();
        run.outcome("misconfigured").error("directory_stale");
        let helpdesk = json!({ "purpose": "helpdesk_code", "event": null, "actor": "bob" });
        test.beside().with(helpdesk).run().outcome("accepted");
    };
    is_stale();
    synced(&test);
    let run = test.beside().run();
    run.outcome("accepted").has("/policy", STAFF);
    let path = snapshot(&test);
    let text = fs::read_to_string(&path).unwrap();
    let mut old: Value = serde_json::from_str(&text).unwrap();
    old["taken"] = json!("2020-01-01T00:00:00Z");
    fs::write(&path, old.to_string()).unwrap();
    is_stale();
}

/// A server that ends after so many of its TLS records, on each connection.
fn cut_after(records: usize, connections: Arc<AtomicUsize>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let server = Domain::shared()
        .setting("LDAPS")
        .rsplit(':')
        .next()
        .unwrap()
        .to_owned();
    thread::spawn(move || {
        for client in listener.incoming() {
            let Ok(client) = client else { return };
            connections.fetch_add(1, Ordering::SeqCst);
            let server = TcpStream::connect(format!("127.0.0.1:{server}")).unwrap();
            let (mut from_client, mut to_server) =
                (client.try_clone().unwrap(), server.try_clone().unwrap());
            thread::spawn(move || {
                let _ = std::io::copy(&mut from_client, &mut to_server);
                let _ = to_server.shutdown(Shutdown::Both);
            });
            forward(server, client, records);
        }
    });
    port
}

fn forward(mut from: TcpStream, mut to: TcpStream, records: usize) {
    for _ in 0..records {
        let mut record = vec![0; 5];
        if from.read_exact(&mut record).is_err() {
            break;
        }
        let length = usize::from(u16::from_be_bytes([record[3], record[4]]));
        record.resize(5 + length, 0);
        if from.read_exact(&mut record[5..]).is_err() || to.write_all(&record).is_err() {
            break;
        }
    }
    let _ = to.shutdown(Shutdown::Both);
    let _ = from.shutdown(Shutdown::Both);
}

#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_a_server_that_is_cut_at_any_message_sends_nothing() {
    let mut cut = 0;
    loop {
        let connections = Arc::default();
        let port = cut_after(cut, Arc::clone(&connections));
        let server = format!("ldaps://127.0.0.1:{port}");
        let run = to_by(json!({ "name": "ada" }), &[&server]).run();
        if run.response["outcome"] == "accepted" {
            assert_eq!(run.the_text().to, "+447700900123");
            break;
        }
        run.outcome("unavailable")
            .error("directory_unreachable")
            .texts(0);
        assert!(connections.load(Ordering::SeqCst) > 0, "{run}");
        cut += 1;
        assert!(cut < 60, "it is never accepted: {run}");
    }
    // The handshake, the login, what the server is, the user, the groups.
    assert!(cut >= 5, "{cut}");
}

/// The answer that came too late is nobody's: not the next user's either.
#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_an_answer_that_comes_too_late_is_not_the_next_users() {
    let server = Server::start(How::Held);
    let test = to_by(json!({ "name": "ada" }), &[&server.url()]);
    let test = test.config("[send]\ntimeout = \"4s\"\n");
    let request = |name: &str| {
        json!({
            "id": name, "purpose": "verification_code", "event": "reset",
            "code": "beK989vc", "user": { "name": name },
        })
    };
    let mut stream = test.stream().start_silent();
    stream.ask([&request("ada")]);
    let answers = stream.wait_for_answers(1);
    assert_eq!(answers[0]["error"]["code"], "directory_unreachable");
    server.is(How::Alive);
    stream.ask([&request("bob")]);
    let answers = stream.wait_for_answers(2);
    assert_eq!(answers[1]["outcome"], "accepted", "{answers:?}");
    stream.end_input();
    let run = stream.finish();
    assert_eq!(run.the_text().to, "+447700900124");
}

/// One that was refused has no place in a stream: the next message reads the password anew.
#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_a_new_password_counts_for_the_next_message_of_a_stream() {
    let test = to(json!({ "name": "ada" }));
    let store_right_password = with_wrong_password(&test);
    let request = |id: &str| {
        json!({
            "id": id, "purpose": "verification_code", "event": "reset",
            "code": "beK989vc", "user": { "name": "ada" },
        })
    };
    let mut stream = test.stream().start_silent();
    stream.ask([&request("before")]);
    let answers = stream.wait_for_answers(1);
    assert_eq!(answers[0]["error"]["code"], "directory_login_failed");
    store_right_password();
    stream.ask([&request("after")]);
    let answers = stream.wait_for_answers(2);
    assert_eq!(answers[1]["outcome"], "accepted", "{answers:?}");
    stream.end_input();
    stream.finish();
}
