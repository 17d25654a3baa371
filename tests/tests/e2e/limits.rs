//! Limits of a service, and places where something of the system is missing: the real cause is named, and
//! nothing panics.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::sync::Mutex;

use textsender_tests::harness::{Run, Test, artifacts, each};

/// Sends under one limit, as prlimit(1) names it.
fn limited(limit: &str) -> Run {
    Test::new().under(["prlimit", limit]).run()
}

/// Wants a message that was sent, or one that was not and whose answer or log names the limit.
#[track_caller]
fn sent_or_names(run: &Run, limit: &str) -> bool {
    assert!(!run.stderr.contains("panicked"), "{run}");
    if run.response["outcome"] == "accepted" {
        run.texts(1);
        return true;
    }
    let message = run.response["error"]["message"].as_str().unwrap();
    let is_named = message.contains(limit) || run.stderr.contains(limit);
    assert!(is_named, "no {limit:?} in it: {run}");
    // Nothing is wrong with the secret that can't be opened for it.
    assert_ne!(run.response["error"]["code"], "secret_missing", "{run}");
    run.texts(0);
    false
}

#[test]
fn a_limit_of_file_sizes_is_named_and_ends_no_process() {
    let run = limited("--fsize=1024");
    assert!(!sent_or_names(&run, "LimitFSIZE="), "{run}");
}

/// Each number of descriptors ends somewhere else on a message's way.
#[test]
fn too_few_descriptors_are_named_wherever_they_end() {
    let sent = Mutex::new(BTreeMap::new());
    // With fewer no program is started.
    each(5..48, |count| {
        let run = limited(&format!("--nofile={count}"));
        let is_sent = sent_or_names(&run, "LimitNOFILE");
        sent.lock().unwrap().insert(count, is_sent);
    });
    sent_at_last(sent.into_inner().unwrap().into_values());
}

#[test]
fn a_stream_with_too_few_descriptors_names_the_limit() {
    let run = Test::new()
        .stream()
        .under(["prlimit", "--nofile=7:7"])
        .run();
    run.exit(76).logs("LimitNOFILE");
    assert!(!run.stderr.contains("panicked"), "{run}");
}

/// Processes and threads are counted for each account: this one is no other test's.
#[test]
#[ignore = "needs root"]
fn as_root_too_few_threads_are_named_wherever_they_end() {
    let user = 54_000 + std::process::id() % 10_000;
    let sent = (1..16).map(|count| {
        let test = Test::new();
        give(test.site().folder(), user);
        let program = artifacts().copy_program_into(test.site().folder());
        let user = format!("--reuid={user}");
        let limit = format!("--nproc={count}");
        let under = ["setpriv", &user, "--clear-groups", "prlimit", &limit];
        let run = test.under(under).program(&program).run();
        sent_or_names(&run, "LimitNPROC=")
    });
    sent_at_last(sent);
}

/// Wants nothing to be sent under the first of growing limits, and something under the last. In between it depends on
/// what threads do at the same time.
#[track_caller]
fn sent_at_last(sent: impl Iterator<Item = bool>) {
    let sent: Vec<bool> = sent.collect();
    let ends = (sent.first(), sent.last());
    assert_eq!(ends, (Some(&false), Some(&true)), "{sent:?}");
}

/// Gives a folder and all in it to a user.
fn give(path: &Path, user: u32) {
    chown(path, Some(user), Some(user)).unwrap();
    if path.is_dir() {
        fs::set_permissions(path, Permissions::from_mode(0o700)).unwrap();
        for entry in fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path(), user);
        }
    }
}

/// Places where something of the system is missing, as a command that makes one before it runs another, and what is
/// said there.
#[test]
#[ignore = "needs root"]
fn as_root_what_the_system_lacks_is_named() {
    let places = [
        ("umount -l /proc", "is /proc mounted?"),
        ("mount -t tmpfs none /dev", "is /dev mounted?"),
    ];
    for (makes, words) in places {
        let shell = format!("{makes} && exec \"$@\"");
        let run = Test::new()
            .under(["unshare", "--mount", "sh", "-c", &shell, "sh"])
            .run();
        run.outcome("misconfigured").error("forbidden_by_sandbox");
        run.says(words).texts(0);
    }
}

#[test]
#[ignore = "needs root"]
fn as_root_without_the_right_to_become_another_account_is_told_as_that() {
    let test = Test::new();
    give(&test.site().state(), 1);
    for right in ["-setuid", "-setgid"] {
        let run = test
            .beside()
            .under(["setpriv", "--bounding-set", right])
            .run();
        run.outcome("misconfigured").error("forbidden_by_sandbox");
        run.says("CAP_SETUID and CAP_SETGID").texts(0);
    }
}

#[test]
#[cfg_attr(not(has_strace), ignore = "needs strace")]
fn a_system_without_memory_files_is_no_fault_of_the_plugin() {
    for answer in ["ENOSYS", "EPERM"] {
        let inject = format!("inject=memfd_create:error={answer}");
        let strace = ["strace", "-f", "-o", "/dev/null", "-e", &inject];
        let run = Test::new().under(strace).run();
        run.outcome("misconfigured").error("forbidden_by_sandbox");
        run.says("memfd_create").texts(0);
    }
}

/// A service's unit, or a filter around it, answers in the network's place. What a router may answer as well (EACCES)
/// stays the network's.
#[test]
#[cfg_attr(not(has_strace), ignore = "needs strace")]
fn a_machine_that_forbids_connections_is_no_fault_of_the_network() {
    let by_name = "[senders.twilio.settings]\nbase_url = \"https://api.provider.example\"";
    for (call, answer, code) in [
        ("connect", "EPERM", "forbidden_by_sandbox"),
        ("socket", "EPERM", "forbidden_by_sandbox"),
        ("socket", "EAFNOSUPPORT", "forbidden_by_sandbox"),
        ("connect", "EACCES", "provider_unavailable"),
    ] {
        let inject = format!("inject={call}:error={answer}");
        let strace = ["strace", "-f", "-o", "/dev/null", "-e", &inject];
        for config in ["", by_name] {
            let run = Test::new().config(config).under(strace).run();
            run.error(code).texts(0);
            if code == "forbidden_by_sandbox" {
                run.outcome("misconfigured")
                    .attempts(["twilio:forbidden_by_sandbox"]);
                run.says("this machine forbids the connection");
            }
        }
    }
}
