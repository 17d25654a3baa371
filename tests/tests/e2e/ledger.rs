//! The ledger through the real binary: death at every step, bad ground, and what its files tell. Many
//! processes at once have a test program of their own, `crowd`.

use std::fs;
use std::io::{BufRead, BufReader, pipe};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::json;
use tempfile::TempDir;
use textsender_tests::harness::{PATIENCE, Run, Running, Test, artifacts, each, random_code};
use textsender_tests::sandbox::{Fault, When, twilio};

/// Runs a process that kills itself at a step of the send.
fn die_at(step: &str) -> Run {
    // One text and no more: if the dead kept its place, the repeat would be limited.
    let limit = "[limits]\nrecipient = { limits = [\"1/10m\"], mode = \"enforce\" }";
    let died = Test::new()
        .config(limit)
        .with(json!({ "id": "5f0c-1" }))
        .crash_at(step)
        .stdout(Stdio::null())
        .run();
    assert_eq!(died.exit, -9, "at {step}: {died}");
    died
}

#[test]
fn killed_at_any_step_a_repeat_neither_doubles_nor_blocks() {
    // The steps are `failpoint::Step::ALL`; the texts are those of both processes together.
    let cases = [
        ("opened", "accepted", 1),
        ("claiming", "accepted", 1),
        ("claimed", "accepted", 1),
        // Nothing had left, but who can tell? Twilio can't prove that a message is absent.
        ("dispatched", "unknown", 0),
        ("answered", "accepted", 1),
        ("settling", "accepted", 1),
        ("settled", "accepted", 1),
        ("responded", "accepted", 1),
    ];
    each(cases, |(step, outcome, texts)| {
        let died = die_at(step);
        let first = died.test().beside().run();
        first.outcome(outcome).texts(texts);
        let settled = step == "settled" || step == "responded";
        assert_eq!(
            first.response["replayed"] == true,
            settled,
            "{step}: {first}"
        );
        // And from then on, always the same.
        let second = first.test().beside().run();
        second.outcome(outcome).has("/replayed", true).texts(texts);
    });
}

/// With a ledger that is there already: the promise that outlives a power cut, and nothing more.
#[test]
#[cfg_attr(not(has_strace), ignore = "needs strace")]
fn a_send_syncs_once() {
    let first = Test::new().run();
    first.outcome("accepted");
    let run = first.test().beside().trace_all("fsync,fdatasync").run();
    run.outcome("accepted");
    let calls = run.traced();
    let syncs = calls.iter().filter(|call| call.contains("sync("));
    assert_eq!(syncs.count(), 1, "{calls:#?}");
}

#[test]
fn a_message_whose_process_died_is_told_of() {
    let died = die_at("dispatched");
    let repeat = died.test().beside().run();
    repeat.outcome("unknown").error("interrupted");

    let died = die_at("claimed");
    let log = died.test().beside();
    let log = log.command(["explain", "--id", "5f0c-1"]).stdin("").run();
    let told = log.exit(0).stdout.as_deref().unwrap();
    assert!(told.contains("crashed: textsender failed before"), "{told}");
}

#[test]
fn the_installed_program_has_no_failpoints() {
    let has_failpoints = |program: &Path| {
        let bytes = fs::read(program).unwrap();
        let names = ["TEXTSENDER_CRASH_AT", "TEXTSENDER_CLOCK_AHEAD"];
        let found = |name: &str| {
            bytes
                .windows(name.len())
                .any(|part| part == name.as_bytes())
        };
        names.map(found)
    };
    assert_eq!(has_failpoints(&artifacts().textsender), [false; 2]);
    assert_eq!(has_failpoints(&artifacts().failpoints), [true; 2]);
}

/// A small file system for a state folder, unmounted when dropped.
struct Disk(TempDir);

impl Disk {
    fn mount() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=512k", "tmpfs"])
            .arg(folder.path())
            .status();
        assert!(mounted.unwrap().success());
        Self(folder)
    }

    /// Moves a case's state, secrets and all, here.
    fn hold(&self, test: Test) -> Test {
        let state = self.0.path().join("state");
        let _ = fs::remove_dir_all(&state);
        let status = Command::new("cp")
            .arg("-a")
            .arg(test.site().state())
            .arg(&state)
            .status();
        assert!(status.unwrap().success());
        test.change(|site| site.set("state.folder", state.to_str().unwrap()).unwrap())
    }

    fn remount(&self, options: &str) {
        let options = format!("remount,{options}");
        let status = Command::new("mount")
            .args(["-o", &options])
            .arg(self.0.path())
            .status();
        assert!(status.unwrap().success());
    }

    /// Fills it to the last byte.
    fn fill(&self) -> PathBuf {
        let filling = self.0.path().join("filling");
        assert!(fs::write(&filling, vec![1; 1 << 20]).is_err());
        filling
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}

#[test]
#[ignore = "needs root"]
fn as_root_on_a_full_disk_nothing_is_sent_unless_it_may_go_unrecorded() {
    let disk = Disk::mount();
    let test = disk.hold(Test::new());
    let filling = disk.fill();
    let full = test.run();
    full.outcome("unavailable")
        .error("ledger_full")
        .says("there is no space left")
        .has("/error/retryable", true)
        .requests(0);
    fs::remove_file(filling).unwrap();
    full.test().beside().run().outcome("accepted").texts(1);

    let best_effort = "[state]\nledger = \"best_effort\"";
    let test = disk.hold(Test::new().config(best_effort));
    let filling = disk.fill();
    let sent = test.run();
    sent.outcome("accepted").texts(1).logs("sent unrecorded");
    fs::remove_file(filling).unwrap();
}

#[test]
#[ignore = "needs root"]
fn as_root_in_a_folder_that_cannot_be_written_nothing_is_sent_unless_nothing_is_recorded() {
    let disk = Disk::mount();
    let test = disk.hold(Test::new());
    disk.remount("ro");
    let refused = test.run();
    refused
        .outcome("misconfigured")
        .error("ledger_read_only")
        .requests(0);
    let off = format!(
        "[state]\nledger = \"off\"\nfolder = {:?}",
        disk.0.path().join("state")
    );
    let sent = Test::new().config(&off).run();
    sent.outcome("accepted").texts(1);
}

fn database(test: &Test) -> PathBuf {
    test.site().state().join("ledger.sqlite3")
}

/// The damaged ledgers that were kept.
fn set_aside(test: &Test) -> usize {
    let files = fs::read_dir(test.site().state()).unwrap();
    let name = |file: std::io::Result<fs::DirEntry>| file.unwrap().file_name();
    let kept = files.map(name).filter(|name| {
        let name = name.to_string_lossy();
        name.starts_with("ledger.damaged-") && name.ends_with(".sqlite3")
    });
    kept.count()
}

type Damage = fn(&Path);

fn cut(file: &Path) {
    let file = fs::File::options().write(true).open(file).unwrap();
    file.set_len(file.metadata().unwrap().len() / 3).unwrap();
}

fn flip_bits(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    for byte in bytes.iter_mut().skip(100).step_by(97) {
        *byte ^= 0x10;
    }
    fs::write(file, bytes).unwrap();
}

fn empty(file: &Path) {
    fs::write(file, "").unwrap();
}

#[test]
fn a_damaged_ledger_costs_one_answer_and_is_kept() {
    let cases: [Damage; 3] = [cut, flip_bits, empty];
    each(cases, |damage| {
        let first = Test::new().run();
        damage(&database(first.test()));
        let met = first.test().beside().run();
        met.outcome("unavailable")
            .error("ledger_corrupt")
            .says("the next message starts a new ledger")
            .texts(1);
        assert_eq!(set_aside(first.test()), 1);
        let next = first.test().beside().run();
        next.outcome("accepted").texts(2);
    });
    let best_effort = Test::new().config("[state]\nledger = \"best_effort\"");
    let first = best_effort.run();
    cut(&database(first.test()));
    let sent = first.test().beside().run();
    sent.outcome("accepted").logs("sent unrecorded").texts(2);
    assert_eq!(set_aside(first.test()), 1);
}

#[test]
#[ignore = "needs root"]
fn as_root_a_stream_goes_on_when_its_ledger_is_mended() {
    let disk = Disk::mount();
    let test = disk.hold(Test::new());
    let request = test.request_json();
    let (answers, theirs) = pipe().unwrap();
    let mut answers = BufReader::new(answers);
    let mut running = test.args(["--stream"]).stdout(theirs).start_silent();
    let mut ask = |running: &mut Running| {
        running.write(format!("{request}\n").as_bytes());
        let mut line = String::new();
        answers.read_line(&mut line).unwrap();
        let response: serde_json::Value = serde_json::from_str(&line).unwrap();
        let code = response
            .pointer("/error/code")
            .unwrap_or(&response["outcome"]);
        code.as_str().unwrap().to_owned()
    };
    assert_eq!(ask(&mut running), "accepted");
    let filling = disk.fill();
    // What the log has allocated may hold a few more.
    let full = (0..50)
        .map(|_| ask(&mut running))
        .find(|code| code != "accepted");
    assert_eq!(full.as_deref(), Some("ledger_full"));
    fs::remove_file(filling).unwrap();
    assert_eq!(ask(&mut running), "accepted");
    running.end_input();
    running.finish().exit(0);
}

#[test]
fn no_file_of_the_ledger_tells_a_code_a_password_a_secret_or_a_number() {
    let numbers = "[limits]\nrecipient = { limits = [\"4/10m\"], mode = \"enforce\" }\n\
                   [helpdesk]\nsender = \"twilio\"\nnew_password = true\n\
                   [helpdesk.texts]\nnew_password = \"Your new password is %password%\"";
    let password = format!("{}-{}", random_code(), random_code());
    let first = Test::new().config(numbers).with(json!({ "id": "a" })).run();
    let test = first.test();
    let secrets = [test.code(), &password, twilio::AUTH_TOKEN];
    // Replayed, refused, reused, limited, a password, a number as it is dialled, and one in flight.
    test.beside().run().outcome("accepted");
    let patches = [
        json!({ "id": "b", "user": { "dn": "CN=Ada" }, "event": "enroll" }),
        json!({ "code": random_code() }),
        json!({ "id": "c", "purpose": "new_password", "code": null, "password": password }),
        json!({ "id": "d", "user": { "phone": "07700 900123" } }),
        json!({ "id": "e" }),
        json!({ "id": "f", "purpose": 1 }),
    ];
    let mut outcomes = Vec::new();
    for patch in patches {
        let run = test.beside().with(patch).run();
        outcomes.push(run.response["outcome"].as_str().unwrap().to_owned());
    }
    let wanted = [
        "accepted", "invalid", "accepted", "accepted", "limited", "invalid",
    ];
    assert_eq!(outcomes, wanted);
    test.sandbox()
        .twilio()
        .fault(When::next().method("POST"), Fault::silence().taken());
    let in_flight = test
        .beside()
        .with(json!({ "id": "g", "user": { "phone": "+447700900124" } }))
        .start();
    test.sandbox().wait_for_texts(5, PATIENCE).unwrap();

    let numbers = ["7700900123", "7700 900123", "7700900124"];
    let mut files = 0;
    for file in fs::read_dir(test.site().state()).unwrap() {
        let file = file.unwrap().path();
        if file.is_dir() {
            continue;
        }
        files += 1;
        let bytes = fs::read(&file).unwrap();
        for hidden in secrets.iter().chain(&numbers) {
            let is_in = bytes
                .windows(hidden.len())
                .any(|part| part == hidden.as_bytes());
            assert!(!is_in, "{hidden} is in {}", file.display());
        }
    }
    let wal = test.site().state().join("ledger.sqlite3-wal");
    assert!(files >= 4 && wal.metadata().unwrap().len() > 0);
    drop(in_flight);
}

/// Files and folders get their modes, whatever the umask of the first process takes from them.
#[test]
#[cfg_attr(is_root, ignore = "root may read what has no mode")]
fn a_first_run_under_a_umask_that_takes_everything_breaks_no_later_one() {
    each(["0777", "0477", "0277"], |umask| {
        let under = format!("umask {umask}; exec \"$@\"");
        let test = Test::new().with(json!({ "id": "first" }));
        let first = test.in_company().under(["sh", "-c", &under, "sh"]).run();
        first.outcome("accepted");
        let second = test.in_company().with(json!({ "id": "second" })).run();
        second.outcome("accepted");
    });
}
