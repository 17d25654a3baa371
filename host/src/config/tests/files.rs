//! What reading from disk must survive, and how an edit is noticed.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use super::*;

/// Names and contents.
type Files<'a> = [(&'a str, &'a [u8])];

fn folder_with(files: &Files) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    let main = folder.path().join("textsender.toml");
    (folder, main)
}

#[test]
fn drop_ins_are_read_beside_the_file() {
    let (folder, main) = folder_with(&[
        ("textsender.toml", b"\xef\xbb\xbf[send]\ntimeout = \"5s\""),
        ("policies/b.toml", b"name = \"B\""),
        ("policies/a.toml", b"\xef\xbb\xbfname = \"A\"\r\n"),
        ("policies/.hidden.toml", b"nonsense"),
        ("policies/a.toml.bak", b"nonsense"),
    ]);
    let target = folder.path().join("elsewhere.toml");
    fs::write(&target, "name = \"C\"").unwrap();
    std::os::unix::fs::symlink(&target, folder.path().join("policies/c.toml")).unwrap();

    let config = Config::load(&main).unwrap();
    let names: Vec<&str> = config.policies.iter().map(|p| p.name.as_str()).collect();
    assert_eq!(names, ["A", "B", "C"]);
    assert_eq!(config.sending.timeout, Duration::from_secs(5));
    assert_eq!(config.sources.paths().count(), 4);
}

#[test]
fn files_that_cannot_be_read_are_faults_that_say_so() {
    let big = vec![b'#'; MAX_FILE_BYTES as usize + 1];
    let cases: [(&Files, &str); 4] = [
        (&[], "cannot be read: No such file"),
        (&[("textsender.toml", &big)], "is larger than 16 MiB"),
        (
            &[("textsender.toml", b"a\n\xff")],
            "textsender.toml:2: is not UTF-8",
        ),
        (&[("textsender.toml/x", b"")], "is not a regular file"),
    ];
    for (files, expected) in cases {
        let (_folder, main) = folder_with(files);
        let error = Config::load(&main).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn an_edit_a_new_file_and_a_removed_one_show_in_the_fingerprint() {
    let (folder, main) = folder_with(&[
        ("textsender.toml", b"[send]"),
        ("policies/a.toml", b"name = \"A\""),
    ]);
    let a = folder.path().join("policies/a.toml");
    let changes: [(&str, &dyn Fn()); 4] = [
        ("edited", &|| fs::write(&a, "name = \"AB\"").unwrap()),
        ("replaced by one of the same size", &|| {
            let new = folder.path().join("new");
            fs::write(&new, "name = \"BA\"").unwrap();
            fs::rename(&new, &a).unwrap();
        }),
        ("removed", &|| fs::remove_file(&a).unwrap()),
        ("main removed", &|| fs::remove_file(&main).unwrap()),
    ];
    for (what, change) in changes {
        let sources = Sources::read(&main);
        assert!(!sources.fingerprint().changed(), "before: {what}");
        change();
        assert!(sources.fingerprint().changed(), "{what}");
    }
}
