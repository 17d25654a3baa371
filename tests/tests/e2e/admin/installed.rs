//! An installation as the packages make it: the program and its plugins belong to root, another account
//! sends, and a third one looks on. What each of them is told leads to a text that is sent.

use std::fs;

use textsender_tests::harness::each;
use textsender_tests::sandbox::Sandbox;

use super::mistakes::MISTAKES;
use super::{Admin, Ran};

const ROOT: u32 = 0;
/// `daemon`, in every Linux distribution: neither root nor the account that sends.
const OTHER: u32 = 1;
/// `nobody`, in every Linux distribution: the account that sends.
const SENDER: u32 = 65_534;

/// Installed and set up by root, for [`SENDER`].
fn set_up(sandbox: &Sandbox) -> Admin {
    let admin = Admin::installed();
    let folder = admin.folder().display().to_string();
    let init = ["init", "--region", "GB", "--folder", &folder];
    admin
        .run(&[&init[..], &["--owner", "nobody"]].concat())
        .ok();
    admin.sends_by_twilio(sandbox);
    admin
}

/// Sends, as the account that does.
#[track_caller]
fn sends(admin: &Admin) {
    let request = r#"{"purpose":"verification_code","event":"reset","user":{"phone":"+447700900123"},"code":"beK989vc"}"#;
    admin.shell_as(SENDER, "textsender send", request).ok();
}

/// Types a line as an account; where it is told to run it as another one, that is done.
fn typed_as(admin: &Admin, mut account: u32, line: &str) -> Ran {
    // Root is told of no other.
    for _ in [OTHER, SENDER] {
        let ran = admin.shell_as(account, line, "");
        match advised(&ran) {
            Some(other) if other != account => account = other,
            _ => return ran,
        }
    }
    admin.shell_as(account, line, "")
}

/// The account as which a command is to be run instead.
fn advised(ran: &Ran) -> Option<u32> {
    let says = |words| ran.stderr.contains(words) || ran.stdout.contains(words);
    if says("sudo -u nobody textsender") {
        return Some(SENDER);
    }
    (says("as root, with sudo") || says("sudo textsender")).then_some(ROOT)
}

#[test]
#[ignore = "needs root"]
fn as_root_each_account_is_told_what_repairs_a_mistake() {
    each([ROOT, SENDER, OTHER], |account| {
        let sandbox = Sandbox::start();
        let admin = set_up(&sandbox);
        admin.shell("cp -a textsender as-it-was", "").ok();
        for mistake in MISTAKES {
            admin
                .shell("rm -rf textsender && cp -a as-it-was textsender", "")
                .ok();
            let done = mistake.done(&admin);
            admin.shell(&done, "").ok();
            let typed = mistake.typed(&admin);
            let ran = typed_as(&admin, account, &typed);
            ran.says(mistake.said);
            let repair = mistake.repair(&admin);
            // What was edited by hand is root's to edit again.
            let by = if repair.contains("textsender ") {
                account
            } else {
                ROOT
            };
            let repaired = typed_as(&admin, by, &repair);
            assert_eq!(repaired.exit, 0, "{account}: {typed}: {repaired}");
            sends(&admin);
        }
    });
}

/// The records are read where nothing can be written, and reading leaves everything as it is.
#[test]
#[ignore = "needs root"]
fn as_root_records_are_read_in_a_folder_that_can_not_be_written() {
    let sandbox = Sandbox::start();
    let admin = set_up(&sandbox);
    sends(&admin);
    let id = admin.shell_as(SENDER, "textsender log --json", "").json()["id"].clone();
    let explain = format!("textsender explain --id {}", id.as_str().unwrap());
    let listed = || {
        admin
            .shell("find textsender/state -printf '%p %u %m %T@\\n'", "")
            .stdout
    };
    admin.shell("chmod 500 textsender/state", "").ok();
    let before = listed();
    for account in [SENDER, ROOT] {
        for line in [
            "textsender log",
            "textsender stats",
            "textsender status",
            &explain,
        ] {
            admin.shell_as(account, line, "").ok();
        }
    }
    assert_eq!(listed(), before);
}

/// Something that keeps the account from sending.
struct Cause {
    name: &'static str,
    /// What is done by root, in a name space of its own for mounts.
    done: &'static str,
    /// What `doctor` says, and what to do.
    said: &'static str,
    remedy: &'static str,
    /// Whether `check` finds it as well: as one fault.
    is_fault: bool,
}

const STATE: &str = "textsender/state";

const CAUSES: [Cause; 9] = [
    Cause {
        name: "a read-only mount",
        done: "mount --bind STATE STATE && mount -o remount,bind,ro STATE",
        said: "is on a read-only file system",
        remedy: "mount it writable",
        is_fault: false,
    },
    Cause {
        name: "a full disk",
        done: "cp -a STATE spare && mount -t tmpfs -o size=1m,uid=65534,gid=65534,mode=700 none STATE \
               && cp -a spare/. STATE && { cat /dev/zero > STATE/filler 2> /dev/null || true; }",
        said: "is on a disk that is full",
        remedy: "make room on it",
        is_fault: false,
    },
    Cause {
        name: "the ledger of a newer textsender",
        done: "rm STATE/ledger.sqlite3-* \
               && printf '\\000\\000\\000\\143' | dd of=STATE/ledger.sqlite3 bs=1 seek=60 conv=notrunc 2> /dev/null",
        said: "has schema 99",
        remedy: "install the newer textsender again",
        is_fault: false,
    },
    Cause {
        name: "a folder of plugins for root alone",
        done: "chmod 700 usr/lib/textsender/plugins",
        said: "can't be read by nobody",
        remedy: "sudo textsender doctor --fix",
        is_fault: true,
    },
    Cause {
        name: "a configuration for root alone",
        done: "chmod 600 textsender/textsender.toml",
        said: "can't be read by nobody",
        remedy: "sudo textsender doctor --fix",
        is_fault: true,
    },
    Cause {
        name: "policies for root alone",
        done: "chmod 700 textsender/policies",
        said: "policies: cannot be read",
        remedy: "sudo textsender doctor --fix",
        is_fault: true,
    },
    Cause {
        name: "a state folder of root's",
        done: "chown -R root: STATE",
        said: "can't be written by nobody, who sends",
        remedy: "sudo textsender doctor --fix",
        is_fault: true,
    },
    Cause {
        name: "a state folder of another account's",
        done: "chown -R daemon: STATE",
        said: "can't be written by nobody, who sends",
        remedy: "sudo textsender doctor --fix",
        is_fault: true,
    },
    Cause {
        name: "a policy in UTF-16",
        done: "printf '\\377\\376n\\000' > textsender/policies/staff.toml",
        said: "is UTF-16 text",
        remedy: "save the file as UTF-8",
        is_fault: true,
    },
];

/// One cause is one problem, whatever follows from it; and where `doctor --fix` is the remedy, it repairs it.
#[test]
#[ignore = "needs root"]
fn as_root_each_cause_is_told_once_with_a_remedy_of_its_own() {
    each(CAUSES, |cause| {
        let sandbox = Sandbox::start();
        let admin = set_up(&sandbox);
        sends(&admin);
        let name = cause.name;
        let done = cause.done.replace("STATE", STATE);
        let after = |line: &str| {
            fs::write(admin.folder().join("done.sh"), format!("{done}\n{line}\n")).unwrap();
            admin.shell("unshare --mount sh -e textsender/done.sh", "")
        };
        let doctor = after("textsender doctor --offline");
        doctor.failed(78).says(cause.said).says(cause.remedy);
        let problems = doctor.stdout.matches("PROBLEM").count();
        assert_eq!(problems, 1, "{name}: {doctor}");
        assert!(!doctor.stdout.contains("chown"), "{name}: {doctor}");
        let check = after("textsender check");
        let summary = if cause.is_fault {
            "1 fault"
        } else {
            "no faults"
        };
        check.says(summary);
        if cause.remedy == "sudo textsender doctor --fix" {
            admin.run(&["doctor", "--offline", "--fix"]).ok();
            sends(&admin);
        }
    });
}
