//! Plugins that must be approved, files that change in the moment of their use, and a grant of connections.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use ring::digest::{SHA256, digest};
use textsender_tests::harness::{Run, Test, artifacts, each};
use textsender_tests::sandbox::{site::Site, twilio};

use crate::stream::request;

const PINNED: &str = "[plugins]\ntrust = \"pinned\"";

const HOSTS: &str = r#""api.twilio.com", "api.*.*.twilio.com""#;

fn lock_file(site: &Site) -> PathBuf {
    site.folder().join("plugins.lock")
}

/// Approves the Twilio plugin as it is, with these hosts.
fn approve(site: &Site, hosts: &str) {
    let library = fs::read(site.plugins().join("libtextsender_twilio.so")).unwrap();
    let sha256: String = digest(&SHA256, &library)
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let lock = format!("[twilio]\nsha256 = \"{sha256}\"\nhosts = [{hosts}]\n");
    fs::write(lock_file(site), lock).unwrap();
    fs::set_permissions(lock_file(site), Permissions::from_mode(0o644)).unwrap();
}

fn refused(run: &Run, words: &str) {
    run.outcome("misconfigured")
        .error("plugin_refused")
        .says(words)
        .requests(0);
}

#[test]
fn an_approved_plugin_sends() {
    let test = Test::new()
        .config(PINNED)
        .change(|site| approve(site, HOSTS));
    test.run().outcome("accepted").texts(1);
}

#[test]
fn a_plugin_that_nobody_approved_is_refused_with_the_command_that_approves_it() {
    let remedy = "textsender plugin trust twilio";
    refused(&Test::new().config(PINNED).run(), remedy);
    let other = Test::new().config(PINNED).change(|site| {
        approve(site, HOSTS);
        let lock = fs::read_to_string(lock_file(site)).unwrap();
        fs::write(lock_file(site), lock.replace("[twilio]", "[other]")).unwrap();
    });
    refused(&other.run(), remedy);
}

#[test]
fn another_file_than_the_approved_one_is_refused() {
    let test = Test::new().config(PINNED).change(|site| {
        approve(site, HOSTS);
        let library = site.plugins().join("libtextsender_twilio.so");
        let mut bytes = fs::read(&library).unwrap();
        // Behind the sections: it would load all the same.
        bytes.push(0);
        fs::remove_file(&library).unwrap();
        fs::write(&library, bytes).unwrap();
        fs::set_permissions(&library, Permissions::from_mode(0o755)).unwrap();
    });
    refused(&test.run(), "is not the approved one");
}

#[test]
fn hosts_that_nobody_approved_are_refused_and_named_in_the_log() {
    let test = Test::new()
        .config(PINNED)
        .change(|site| approve(site, "\"api.twilio.com\""));
    let run = test.run();
    refused(&run, "it declares hosts that were not approved");
    run.logs("api.*.*.twilio.com");
}

#[test]
fn a_lock_that_others_can_write_or_that_is_damaged_approves_nothing() {
    let open = Test::new().config(PINNED).change(|site| {
        approve(site, HOSTS);
        fs::set_permissions(lock_file(site), Permissions::from_mode(0o666)).unwrap();
    });
    refused(&open.run(), "fix it: chmod go-w");
    each(
        ["[twilio", "[twilio]\nsha256 = \"12\"", "twilio = 1"],
        |text| {
            let damaged = Test::new().config(PINNED).change(|site| {
                fs::write(lock_file(site), text).unwrap();
                fs::set_permissions(lock_file(site), Permissions::from_mode(0o644)).unwrap();
            });
            refused(&damaged.run(), "plugins.lock: ");
        },
    );
}

#[test]
fn a_host_that_a_plugin_did_not_declare_before_is_warned_of_once_and_shown() {
    const WORDS: &str =
        "declares hosts that it did not declare before, and may use them: beacon.example";
    let test = Test::new().misbehaving("deliver");
    for _ in 0..2 {
        let run = test.beside().run();
        run.outcome("accepted");
        assert!(!run.stderr.contains("declares hosts"), "{run}");
    }
    let test = test.misbehaving("declare_more");
    test.beside().run().outcome("accepted").logs(WORDS);
    let again = test.beside().run();
    again.outcome("accepted").texts(4);
    assert!(!again.stderr.contains("declares hosts"), "{again}");

    let shown = |words: &[&str]| test.beside().command(words.iter().copied()).run();
    for words in [
        &["plugin", "show", "misbehaving"][..],
        &["plugin", "show", "misbehaving", "--json"],
        &["doctor", "--offline"],
    ] {
        let run = shown(words);
        assert!(
            run.stdout.as_deref().unwrap().contains("beacon.example"),
            "{run}"
        );
    }
    let kept = test.site().state().join("declared-hosts/misbehaving");
    let kept = fs::read_to_string(kept).unwrap();
    assert!(
        !kept.contains(test.code()) && !kept.contains(twilio::AUTH_TOKEN),
        "{kept}"
    );
}

/// What `plugin show` said is what the first message is held against.
#[test]
fn a_host_that_the_administrator_was_not_shown_is_warned_of_by_the_first_message() {
    for words in [
        &["plugin", "show", "misbehaving"][..],
        &["doctor", "--offline"],
    ] {
        let test = Test::new().misbehaving("declare_more");
        let asked = test.beside().command(words.iter().copied()).run();
        assert!(
            !asked.stdout.as_deref().unwrap().contains("beacon.example"),
            "{asked}"
        );
        let first = test.beside().run();
        first
            .outcome("accepted")
            .logs("did not declare before, and may use them: beacon.example");
        let second = test.run();
        second.outcome("accepted").texts(2);
        assert!(!second.stderr.contains("declares hosts"), "{second}");
    }
}

#[test]
fn a_stream_warns_of_a_new_host_once_and_keeps_it_for_the_next() {
    let test = Test::new().misbehaving("deliver");
    test.beside().run().outcome("accepted");
    let test = test.misbehaving("declare_more");
    let mut running = test.beside().stream().start_silent();
    running.ask(&[
        request("one", "+447700900111"),
        request("two", "+447700900112"),
    ]);
    running.wait_for_answers(2);
    let run = running.finish();
    assert_eq!(run.stderr.matches("declares hosts").count(), 1, "{run}");
    let next = test.beside().run();
    assert!(!next.stderr.contains("declares hosts"), "{next}");
}

#[test]
fn a_new_host_is_refused_where_only_approved_ones_are_used() {
    let test = Test::new().config(PINNED).misbehaving("declare_more");
    let approved = test
        .beside()
        .command(["plugin", "trust", "misbehaving"])
        .run();
    approved.exit(0);
    let run = test.run();
    refused(&run, "it declares hosts that were not approved");
    run.logs("not approved: beacon.example");
}

#[test]
fn hosts_that_others_can_edit_are_not_gone_by() {
    let test = Test::new();
    test.beside().run().outcome("accepted");
    let kept = test.site().state().join("declared-hosts/twilio");
    fs::set_permissions(&kept, Permissions::from_mode(0o666)).unwrap();
    let run = test.run();
    run.outcome("misconfigured")
        .error("ledger_unusable")
        .says("declared-hosts/twilio")
        .texts(1);
}

/// The library is swapped for another plugin's, which says who it is, while messages are sent. The host's own tests
/// force each moment of an exchange.
#[test]
fn a_plugin_swapped_in_the_moment_of_its_use_is_the_approved_one_or_refused() {
    let test = Test::new()
        .config(PINNED)
        .change(|site| approve(site, HOSTS));
    let library = test.site().plugins().join("libtextsender_twilio.so");
    let new = test.site().plugins().join("new");
    let good = fs::read(&library).unwrap();
    let evil = fs::read(artifacts().plugin("misbehaving")).unwrap();
    let over = AtomicBool::new(false);
    let swapped = || {
        fs::write(&new, &evil).unwrap();
        fs::set_permissions(&new, Permissions::from_mode(0o755)).unwrap();
        for bytes in [&good, &evil].into_iter().cycle() {
            fs::rename(&new, &library).unwrap();
            if over.load(Ordering::Relaxed) {
                return;
            }
            fs::write(&new, bytes).unwrap();
            fs::set_permissions(&new, Permissions::from_mode(0o755)).unwrap();
        }
    };
    let runs: Vec<Run> = thread::scope(|scope| {
        scope.spawn(swapped);
        let runs = (0..50).map(|_| test.beside().run()).collect();
        over.store(true, Ordering::Relaxed);
        runs
    });
    for run in runs {
        match run.response["outcome"].as_str() {
            Some("accepted") => {}
            _ => {
                run.error("plugin_refused").says("is not the approved one");
            }
        }
    }
}

/// A plugin with connections of its own may have sent what the front did not see.
#[test]
fn with_a_grant_only_the_plugins_own_word_tells() {
    let granted = "[senders.misbehaving]\ntimeout = \"1s\"\nnetwork = { ports = [9] }";
    each(
        [
            ("panic_in_send", "unknown"),
            ("exit", "unknown"),
            ("hang", "unknown"),
            ("be_exhausted", "unavailable"),
            // It never got the message.
            ("panic_in_configure", "misconfigured"),
        ],
        |(does, outcome)| {
            let run = Test::new().misbehaving(does).config(granted).run();
            run.outcome(outcome).texts(0);
        },
    );
}
