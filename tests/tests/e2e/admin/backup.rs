//! A backup of a ledger in use, and what is restored sends as before.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use textsender_tests::sandbox::{Sandbox, twilio};

use super::changes::{sending, sends};
use super::edits::snapshot;

#[test]
fn a_backup_is_restored_and_sends_as_before() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let request = r#"{"id":"5f0c","purpose":"verification_code","event":"reset","user":{"phone":"+447700900123"},"code":"beK989vc"}"#;
    admin.feed(&["send"], request).ok();
    let folder = admin.folder().with_file_name("backup");
    let backup = folder.display().to_string();

    // A stream has the ledger open meanwhile.
    let mut stream = admin.command(&["send", "--stream"]);
    let mut stream = stream
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    admin.run(&["backup", &backup]).ok().says("and the ledger");
    drop(stream.stdin.take());
    assert!(stream.wait().unwrap().success());
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join("state/secrets/twilio.auth_token")), 0o600);
    // It is not written into one that is there.
    admin.run(&["backup", &backup]).failed(1);

    let kept = |path: &std::path::Path| {
        let mut files = snapshot(path);
        files.retain(|path, _| path.extension().is_some_and(|e| e == "toml"));
        files
    };
    let before = kept(&admin.folder());
    fs::remove_dir_all(admin.folder().join("policies")).unwrap();
    fs::remove_file(admin.config()).unwrap();
    fs::remove_dir_all(admin.state()).unwrap();
    admin.run(&["restore", &backup]).ok().says("no faults");
    assert_eq!(kept(&admin.folder()), before);
    let secret = admin.state().join("secrets/twilio.auth_token");
    assert_eq!(fs::read_to_string(&secret).unwrap(), twilio::AUTH_TOKEN);
    assert_eq!((mode(&secret), mode(&admin.state())), (0o600, 0o700));
    // What was sent before the backup is still known: a repeat sends no second text.
    let sent = sandbox.text_count();
    admin
        .feed(&["send"], request)
        .ok()
        .says("\"replayed\":true");
    assert_eq!(sandbox.text_count(), sent);
    sends(&admin);
}

#[test]
fn a_backup_that_is_damaged_changes_nothing() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    sends(&admin);
    let folder = admin.folder().with_file_name("damaged");
    let backup = folder.display().to_string();
    type Damage = (&'static str, fn(&std::path::Path), &'static str);
    let damages: [Damage; 4] = [
        (
            "state/ledger.sqlite3",
            |file| fs::write(file, "no ledger").unwrap(),
            "nothing was restored",
        ),
        (
            "state/ledger.key",
            |file| fs::write(file, [7; 32]).unwrap(),
            "nothing was restored",
        ),
        (
            "config/policies/everyone.toml",
            |file| fs::remove_file(file).unwrap(),
            "can't be read",
        ),
        (
            "state/secrets/twilio.auth_token",
            |file| fs::remove_file(file).unwrap(),
            "can't be read",
        ),
    ];
    for (file, damage, words) in damages {
        admin.run(&["backup", &backup]).ok();
        damage(&folder.join(file));
        fs::write(folder.join("config/textsender.toml"), "# another").unwrap();
        let before = snapshot(&admin.folder());
        admin.run(&["restore", &backup]).failed(1).says(words);
        assert!(snapshot(&admin.folder()) == before, "{file}");
        sends(&admin);
        fs::remove_dir_all(&folder).unwrap();
    }
}

#[test]
fn what_is_no_backup_is_not_restored() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let folder = admin.folder().with_file_name("other");
    fs::create_dir(&folder).unwrap();
    let path = folder.display().to_string();
    admin
        .run(&["restore", &path])
        .failed(1)
        .says("manifest.json");
    let outside = r#"{"version":1,"at":"2026-11-28T00:00:00Z","has_ledger":false,
        "files":[{"path":"config/../../escaped","owner":"root","mode":420}]}"#;
    fs::write(folder.join("manifest.json"), outside).unwrap();
    admin
        .run(&["restore", &path])
        .failed(1)
        .says("is not a file of a backup");
    sends(&admin);
}
