//! `doctor`: five planted problems, each named with its remedy.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use textsender_tests::sandbox::{Certificate, Refusing, Sandbox, notify, twilio};

use super::Admin;
use super::changes::sending;

#[test]
fn a_good_installation_has_no_problem() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    admin.run(&["doctor"]).ok().says("no problems");
    assert_eq!(sandbox.text_count(), 0);
}

#[test]
fn five_planted_problems_are_named_with_their_remedies() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let set_mode = |path: &std::path::Path, mode| {
        fs::set_permissions(path, Permissions::from_mode(mode)).unwrap()
    };

    // Others can write a plugin; others can read a secret; the roots are gone; a policy names a
    // sender that is not there; the provider does not know the token.
    let plugin = admin.plugins().join("libtextsender_govuk_notify.so");
    admin
        .run(&["sender", "add", "notify", "--plugin", "govuk-notify"])
        .ok();
    set_mode(&plugin, 0o666);
    let secret = admin.state().join("secrets/twilio.auth_token");
    fs::write(&secret, "5ec2e700000000000000000000000099").unwrap();
    set_mode(&secret, 0o644);
    admin.write_config(&(admin.config_text() + "\n[http]\nca_file = \"/nowhere/ca.pem\"\n"));
    let everyone = fs::read_to_string(admin.everyone()).unwrap();
    fs::write(
        admin.everyone(),
        everyone.replace(
            "[verification_code]",
            "[verification_code]\nsender = \"twillio\"",
        ),
    )
    .unwrap();

    let ran = admin.run(&["doctor", "--json"]);
    ran.failed(78);
    let findings = ran.json();
    let problems: Vec<(String, String)> = findings
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["state"] == "problem")
        .map(|finding| {
            (
                finding["what"].as_str().unwrap().to_owned(),
                finding["remedy"].as_str().unwrap().to_owned(),
            )
        })
        .collect();
    let planted = [
        (
            plugin.display().to_string(),
            format!("chmod go-w {}", plugin.display()),
        ),
        (
            secret.display().to_string(),
            format!("chmod go= {}", secret.display()),
        ),
        ("/nowhere/ca.pem".to_owned(), "name a PEM file".to_owned()),
        (
            "there is no sender \"twillio\"".to_owned(),
            "did you mean \"twilio\"?".to_owned(),
        ),
        (
            "twilio: Twilio".to_owned(),
            "textsender secret set twilio".to_owned(),
        ),
    ];
    for (what, remedy) in &planted {
        let named = problems
            .iter()
            .any(|(said, how)| said.contains(what) && how.contains(remedy));
        assert!(named, "{what} with {remedy} is not among {problems:#?}");
    }
    assert_eq!(problems.len(), planted.len(), "{problems:#?}");
    assert_eq!(sandbox.text_count(), 0);
}

/// Each provider's answers tell the time.
#[test]
fn a_clock_that_is_off_is_told_with_by_how_much() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let template = format!("template_id={}", notify::MESSAGE_TEMPLATE_ID);
    let url = format!("base_url={}", sandbox.notify().url());
    let plugin = ["--plugin", "govuk-notify"];
    admin
        .run(&[
            "sender", "add", "notify", plugin[0], plugin[1], &template, &url,
        ])
        .ok();
    admin
        .feed(&["secret", "set", "notify.api_key"], notify::API_KEY)
        .ok();
    // How far the providers are ahead, and how each clock stands then.
    for (offset, exit, state) in [
        (0, 0, "ok"),
        (-20, 0, "note"),
        (20, 0, "note"),
        (-300, 78, "problem"),
        (300, 78, "problem"),
    ] {
        sandbox.set_clock_offset(offset);
        let ran = admin.run(&["doctor", "--json"]);
        assert_eq!(ran.exit, exit, "{offset}: {ran}");
        let findings = ran.json();
        let of = |area: &str| -> Vec<_> {
            let all = findings.as_array().unwrap().iter();
            let those = all.filter(|finding| finding["area"] == area);
            those.cloned().collect()
        };
        // The first is the machine's own.
        let clocks = &of("clock")[1..];
        let states: Vec<_> = clocks.iter().map(|clock| &clock["state"]).collect();
        assert_eq!(states, [state, state], "{offset}: {ran}");
        if exit == 78 {
            let word = if offset < 0 { "ahead of" } else { "behind" };
            for (sender, clock) in ["notify", "twilio"].into_iter().zip(clocks) {
                let what = clock["what"].as_str().unwrap();
                let seconds: u64 = what.split(' ').nth(3).unwrap().parse().unwrap();
                assert!((299..=302).contains(&seconds), "{what}");
                let words = format!("s {word} the provider of {sender}");
                assert!(what.contains(&words), "{what}");
            }
            // Notify refuses the key then, and the clock is what is to be corrected.
            let refused = of("providers");
            let remedies: Vec<_> = refused
                .iter()
                .filter_map(|one| one["remedy"].as_str())
                .collect();
            assert_eq!(remedies.len(), 1, "{ran}");
            assert!(remedies[0].starts_with("set the clock"), "{ran}");
        }
    }
}

/// What a provider's answer and the configuration warn of looks like a warning, and is no problem.
#[test]
fn a_warning_looks_like_one() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let template = format!("template_id={}", notify::MESSAGE_TEMPLATE_ID);
    let url = format!("base_url={}", sandbox.notify().url());
    let add = ["sender", "add", "notify", "--plugin", "govuk-notify"];
    admin.run(&[&add[..], &[&template, &url]].concat()).ok();
    let key = ["secret", "set", "notify.api_key"];
    admin.feed(&key, notify::API_KEY).ok();
    sandbox.set_clock_offset(-20);
    let policy = fs::read_to_string(admin.everyone()).unwrap();
    let policy = policy.replace("region = \"GB\"", "region = \"DE\"");
    fs::write(admin.everyone(), policy).unwrap();

    let ran = admin.run(&["doctor"]);
    ran.ok()
        .says("\n  warning: notify: this machine's clock is ")
        .says("% of the mobile numbers of DE, written without +")
        .says("\n    -> set numbers_without_plus = ");
    assert!(!ran.to_string().contains("ok: warning"), "{ran}");
    let ran = admin.run(&["doctor", "--json"]);
    let findings = ran.json();
    let findings = findings.as_array().unwrap().iter();
    let warnings = findings.filter(|finding| finding["state"] == "warning");
    let areas: Vec<_> = warnings.map(|warning| &warning["area"]).collect();
    assert_eq!(areas, ["configuration", "providers"], "{ran}");
}

/// An expired certificate is no affair of DNS or a firewall.
#[test]
fn a_connection_that_fails_is_named_with_its_own_remedy() {
    let sandbox = Sandbox::builder()
        .certificate(Certificate::Expired)
        .start()
        .unwrap();
    let admin = sending(&sandbox);
    let ca_file = admin.folder().join("ca.pem");
    sandbox.write_ca(&ca_file).unwrap();
    let config = admin
        .config_text()
        .replace(&sandbox.twilio().url(), &sandbox.twilio().https_url());
    let config = format!("{config}\n[http]\nca_file = {ca_file:?}\n");
    admin.write_config(&config);
    let port = sandbox.twilio().https_address().port();
    let ran = admin.run(&["doctor"]);
    ran.failed(78)
        .says(&format!(
            "twilio: localhost:{port}: its certificate expired on 2001-"
        ))
        .says("report it to the server's administrator");
    assert!(!ran.to_string().contains("firewall"), "{ran}");

    let down = Refusing::new().unwrap();
    let config = config.replace(
        &sandbox.twilio().https_url(),
        &format!("http://{}", down.address()),
    );
    admin.write_config(&config);
    admin
        .run(&["doctor"])
        .failed(78)
        .says(&format!(
            "twilio: {}: the connection was refused",
            down.address()
        ))
        .says("check that this machine can reach it: firewall");
}

#[test]
fn the_proxy_of_one_sender_is_shown() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let own = "\n[senders.twilio.http]\nproxy = \"http://ada:hunter2@proxy.example.org:3128\"\n";
    admin.write_config(&(admin.config_text() + own));
    let ran = admin.run(&["doctor", "--offline"]);
    ran.ok()
        .says("HTTP of twilio goes through proxy.example.org:3128");
    assert!(!ran.to_string().contains("hunter2"), "{ran}");
}

#[test]
fn what_is_not_there_yet_is_told_as_well() {
    let admin = Admin::new();
    admin
        .run(&["doctor"])
        .failed(78)
        .says("make one with `textsender init`");
    let admin = Admin::at_work();
    admin
        .run(&["doctor", "--offline"])
        .failed(78)
        .says("textsender sender add NAME --plugin ID");
}

#[test]
#[ignore = "needs root"]
fn as_root_doctor_looks_as_another_account() {
    let admin = Admin::at_work();
    // The state folder is root's: no other account can send from it.
    let ran = admin.run(&["doctor", "--offline", "--as", "nobody"]);
    ran.failed(78)
        .says("belongs to root, so nobody can't send")
        .says("sudo textsender init --owner nobody");
}

#[test]
#[cfg_attr(is_root, ignore = "needs an account that is not root")]
fn only_root_looks_as_another() {
    let admin = Admin::at_work();
    admin
        .run(&["doctor", "--as", "root"])
        .failed(2)
        .says("use sudo");
}

#[test]
fn a_check_ends_the_pause_of_a_sender_that_failed() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    sandbox
        .twilio()
        .set_auth_token("5ec2e700000000000000000000000077");
    admin
        .run(&["test-send", "--to", "+447700900123"])
        .failed(78);
    admin.run(&["sender", "check", "twilio"]).failed(78);
    let paused = "sender twilio failed lately (unauthorized)";
    // As `health` judges it: no other sender is there.
    admin
        .run(&["doctor", "--offline"])
        .failed(78)
        .says(paused)
        .says("sending: no sender works");

    sandbox.twilio().set_auth_token(twilio::AUTH_TOKEN);
    admin.run(&["sender", "check", "twilio"]).ok();
    let ran = admin.run(&["doctor", "--offline"]);
    assert!(!ran.ok().stdout.contains(paused), "{ran}");
}
