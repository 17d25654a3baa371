//! The account that asks is refused: each try may lock it, so it is tried once in ten minutes, whoever asks, until something is
//! changed.

use std::fs;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use textsender_tests::harness::{Test, at_once};
use textsender_tests::peers::samba::Domain;

use crate::sending::{to_by, with_wrong_password};
use crate::server::{Authority, Server};

const PASSWORD: &str = "Of-its-0wn!";

/// An account of a test's own, which five wrong passwords would lock, and whose own never ends.
pub struct Account(pub &'static str);

impl Account {
    pub fn new(name: &'static str) -> Self {
        let domain = Domain::shared();
        domain.edit(&["account", name, PASSWORD]);
        let account = Self(name);
        account.ends("never");
        account
    }

    /// Has its password end in so many hours, or `never`.
    pub fn ends(&self, hours: &str) {
        Domain::shared().edit(&["password-ends", self.0, hours]);
    }

    /// Has this account ask the directory of a test.
    pub fn asks_for(&self, test: Test) -> Test {
        test.config(&format!(
            "[directories.example]\nbind = \"{}@example.org\"\n",
            self.0
        ))
        .secret("directories.example.password", PASSWORD)
    }

    fn dn(&self) -> String {
        format!("CN={},OU=Service,DC=example,DC=org", self.0)
    }

    /// A message to Ada, who is looked up by this account at a server that counts logins.
    fn asks(&self, authority: &Authority, server: &Server) -> Test {
        let test = to_by(json!({ "name": "ada" }), &[&server.url()]);
        let ca = test.site().folder().join("ca.pem");
        fs::write(&ca, authority.issuer.pem()).unwrap();
        test.config(&format!(
            "[directories.example]\nca_file = {ca:?}\nbind = \"{}@example.org\"\n",
            self.0
        ))
        .secret("directories.example.password", PASSWORD)
    }
}

/// Sets back when the account was refused.
fn ten_minutes_later(test: &Test) {
    let file = test.site().state().join("directories/example.refused.0");
    let mut refusals: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let at: Timestamp = refusals[0]["at"].as_str().unwrap().parse().unwrap();
    refusals[0]["at"] = json!(at - SignedDuration::from_mins(10));
    fs::write(&file, refusals.to_string()).unwrap();
}

fn message(test: &Test, id: &str) -> Test {
    test.in_company().with(json!({ "id": id }))
}

#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_a_wrong_password_is_tried_once_by_many_messages_and_the_right_one_at_once() {
    let account = Account::new("svc-wrong");
    let authority = Authority::new();
    let server = Server::start(authority.for_days(100));
    let test = account.asks(&authority, &server);
    let store_right_password = with_wrong_password(&test);
    let count = || Domain::shared().attribute(&account.dn(), "badPwdCount");
    for run in at_once(12, |number| message(&test, &format!("m{number}"))) {
        run.outcome("misconfigured")
            .error("directory_login_failed")
            .says("data 52e");
    }
    assert_eq!(server.logins(), 1);
    assert_eq!(count(), "1");
    // Whoever else asks goes by the same.
    for command in [
        &["health"][..],
        &["doctor"],
        &["status"],
        &["expiring"],
        &["directory", "sync"],
        &["directory", "user", "ada"],
        &["explain", "--user", "ada"],
    ] {
        test.in_company().command(command).run();
        assert_eq!(server.logins(), 0, "{command:?}");
    }
    ten_minutes_later(&test);
    for id in ["later", "and-again"] {
        message(&test, id).run().error("directory_login_failed");
    }
    assert_eq!(server.logins(), 1);
    // An administrator who looks is told how it is now.
    let check = test.in_company().command(["directory", "check"]).run();
    check.exit(78);
    assert!(check.stderr.contains("data 52e"), "{check}");
    assert_eq!(server.logins(), 1);
    store_right_password();
    message(&test, "after").run().outcome("accepted");
    assert_eq!(server.logins(), 1);
    assert_eq!(count(), "0", "five would have locked it");
}

/// The password stays as it is: only the domain's administrator can help.
#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_an_account_that_is_locked_expired_or_must_change_its_password_is_tried_once() {
    let domain = Domain::shared();
    let account = Account::new("svc-stopped");
    let authority = Authority::new();
    let server = Server::start(authority.for_days(100));
    let test = account.asks(&authority, &server);
    let is =
        |attribute: &str, value: &str| domain.edit(&["attribute", &account.dn(), attribute, value]);
    let [lock, unlock]: [&dyn Fn(); 2] =
        [&|| is("lockoutTime", &now()), &|| is("lockoutTime", "0")];
    let [must_change, need_not]: [&dyn Fn(); 2] =
        [&|| is("pwdLastSet", "0"), &|| is("pwdLastSet", "-1")];
    let [end, renew]: [&dyn Fn(); 2] = [&|| account.ends("-1"), &|| account.ends("never")];
    let [disable, enable]: [&dyn Fn(); 2] = [&|| is("userAccountControl", "514"), &|| {
        is("userAccountControl", "512")
    }];
    for (data, stop, mend) in [
        ("775", lock, unlock),
        ("773", must_change, need_not),
        ("532", end, renew),
        ("533", disable, enable),
    ] {
        stop();
        for number in 1..=3 {
            message(&test, &format!("{data}-{number}"))
                .run()
                .outcome("misconfigured")
                .error("directory_login_failed")
                .says(data);
        }
        assert_eq!(server.logins(), 1, "{data}");
        mend();
        message(&test, &format!("{data}-4"))
            .run()
            .outcome("misconfigured")
            .says("directory check");
        assert_eq!(server.logins(), 0, "{data}");
        test.in_company()
            .command(["directory", "check"])
            .run()
            .exit(0);
        message(&test, &format!("{data}-5"))
            .run()
            .outcome("accepted");
        assert_eq!(server.logins(), 2, "{data}");
    }
}

/// In Windows' steps of 100 ns since 1601.
fn now() -> String {
    let since = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap();
    ((since.as_secs() + 11_644_473_600) * 10_000_000).to_string()
}

/// A stream keeps its connection until the server ends it; then it has the password that was stored meanwhile.
#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_a_stream_whose_password_was_changed_asks_by_the_stored_one_at_once() {
    let account = Account::new("svc-changed");
    let authority = Authority::new();
    let server = Server::start(authority.for_days(100));
    let test = account.asks(&authority, &server);
    let mut stream = test.beside().stream().start_silent();
    let request = |id: &str| {
        json!({
            "id": id, "purpose": "verification_code", "event": "reset",
            "code": "beK989vc", "user": { "name": "ada" },
        })
    };
    let stored = test
        .site()
        .state()
        .join("secrets/directories.example.password");
    stream.ask([&request("before")]);
    assert_eq!(stream.wait_for_answers(1)[0]["outcome"], "accepted");
    Domain::shared().edit(&["password", account.0, "An0ther-0ne!"]);
    fs::write(stored, "An0ther-0ne!").unwrap();
    server.cut();
    stream.ask([&request("after")]);
    let answers = stream.wait_for_answers(2);
    assert_eq!(answers[1]["outcome"], "accepted", "{answers:?}");
    stream.end_input();
    stream.finish();
}

#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_doctor_and_status_log_in_once() {
    let account = Account::new("svc-doctor");
    let authority = Authority::new();
    let server = Server::start(authority.for_days(100));
    let test = account.asks(&authority, &server);
    for command in ["doctor", "status", "health"] {
        test.in_company().command([command]).run();
        assert_eq!(server.logins(), 1, "{command}");
    }
    test.in_company().command(["doctor", "--offline"]).run();
    assert_eq!(server.logins(), 0);
}
