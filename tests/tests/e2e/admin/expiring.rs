//! What runs out is told of before it does, in one way by all commands; and how each secret is changed.

use std::fs;

use textsender_tests::sandbox::{Authority, Certificate, Sandbox, twilio};

use super::Admin;
use super::changes::sending;

/// A day so many days from now, as `date` has it.
fn day(admin: &Admin, days: i64) -> String {
    let line = format!("date -u -d '{days} days' +%F");
    admin.shell(&line, "").stdout.trim().to_owned()
}

#[test]
fn a_secret_with_a_date_is_told_of_by_every_command_in_the_same_words() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    admin
        .run(&["expiring"])
        .ok()
        .says("nothing that is known to run out");
    for (days, exit) in [(40, 0), (20, 1), (5, 1), (0, 2)] {
        let date = day(&admin, days);
        let set = ["secret", "set", "twilio.auth_token", "--expires", &date];
        let stored = admin.feed(&set, twilio::AUTH_TOKEN);
        match days {
            // A day that has passed is a mistake: the secret was good to the end of the day before.
            0 => {
                stored.failed(2).says("has passed");
                let dates = format!("{{\"twilio.auth_token\":{date:?}}}");
                fs::write(admin.state().join("expiry.json"), dates).unwrap();
            }
            _ => {
                stored.ok();
            }
        }
        let listed = admin.run(&["expiring", "--json"]);
        let listed = listed.ok().json();
        assert_eq!(listed[0]["name"], "twilio.auth_token", "{listed}");
        assert_eq!(listed[0]["until"], format!("{date}T00:00:00Z"));
        let health = admin.run(&["health"]);
        assert_eq!(health.exit, exit, "{days}: {health}");
        let check = admin.run(&["check"]);
        check.ok();
        for ran in [&health, &check] {
            let says = ran.stdout.contains("twilio.auth_token")
                || ran.stderr.contains("twilio.auth_token");
            assert_eq!(says, exit > 0, "{days}: {ran}");
        }
    }
    admin
        .run(&["log", "--changes"])
        .ok()
        .says("which expires on");
    // One that is stored without a date has none.
    admin
        .feed(&["secret", "set", "twilio.auth_token"], twilio::AUTH_TOKEN)
        .ok();
    admin.run(&["health"]).ok();
    admin.run(&["expiring"]).ok().says("nothing that is known");
    let set = ["secret", "set", "twilio.auth_token", "--expires", "soon"];
    admin.feed(&set, twilio::AUTH_TOKEN).failed(2);
}

#[test]
fn certificates_and_authorities_are_in_the_list_and_a_new_one_is_seen_at_once() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let (hub, ca) = (
        admin.folder().join("hub.pem"),
        admin.folder().join("ca.pem"),
    );
    let old = Authority::new(Certificate::Expired)
        .unwrap()
        .certificate_pem;
    let new = Authority::new(Certificate::Valid).unwrap().certificate_pem;
    fs::write(&hub, &old).unwrap();
    // Beside an old authority there is one that is good.
    fs::write(&ca, format!("{old}{new}")).unwrap();
    let config = admin.config_text();
    admin.write_config(&format!(
        "{config}\n[http]\nca_file = {ca:?}\n[serve.tls]\ncertificate = {hub:?}\nkey = {hub:?}\n"
    ));
    let listed = admin.run(&["expiring"]);
    listed
        .ok()
        .says("certificate")
        .says("authorities")
        .says("renew it; the hub reads it again by itself");
    let health = admin.run(&["health"]);
    health
        .failed(2)
        .says("certificate")
        .says("expired at 2001-01-01");
    assert!(!health.stdout.contains("authorities"), "{health}");
    fs::write(&hub, &new).unwrap();
    admin.run(&["health"]).ok();
}

#[test]
fn the_plan_has_every_secret_with_its_setter_and_steps_and_shows_none() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    admin
        .feed(&["secret", "set", "serve.portal"], "portal-token-1")
        .ok();
    let file = admin.folder().join("proxy.password");
    fs::write(&file, "pr0xy-s3cret\n").unwrap();
    let config = admin.config_text();
    admin.write_config(&format!(
        "{config}\n[http]\nproxy = \"http://me@proxy.example.org:3128\"\nproxy_password = {{ file = {file:?} }}\n"
    ));
    admin.run(&["rotate"]).failed(2);
    let plan = admin.run(&["rotate", "--plan", "--json"]);
    let plan = plan.ok().json();
    let names: Vec<_> = plan
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["secret"].as_str().unwrap())
        .collect();
    assert_eq!(names[..2], ["serve.portal", "twilio.auth_token"], "{plan}");
    assert!(
        names.iter().any(|name| name.contains("proxy.password")),
        "{plan}"
    );
    let me = admin.shell("id -un", "").stdout.trim().to_owned();
    assert_eq!(plan[1]["set_by"], me.as_str(), "{plan}");
    let shown = admin.run(&["rotate", "--plan"]);
    shown
        .ok()
        .says("Twilio (api.twilio.com")
        .says("textsender secret set twilio.auth_token --check")
        .says("serve.portal.next");
    for secret in [twilio::AUTH_TOKEN, "portal-token-1", "pr0xy-s3cret"] {
        assert!(!shown.stdout.contains(secret), "{shown}");
    }
}
