//! From `textsender plugin new` to a text in the sandbox, with the commands that it names itself.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use libtest_mimic::{Failed, Trial};
use textsender_tests::harness::{artifacts, cargo};

use crate::tools::{SOURCE, keeps_the_contract, run, workshop};

pub fn trials() -> Vec<Trial> {
    vec![
        Trial::test("new_plugin::from_nothing_to_a_text", from_nothing_to_a_text),
        Trial::test("new_plugin::without_a_network_or_a_cache", packaged),
        Trial::test("new_plugin::names_and_folders_that_cant_be", cant_be),
    ]
}

fn new(arguments: &[&str], folder: &Path) -> Command {
    let mut new = Command::new(&artifacts().textsender);
    new.args(["plugin", "new"])
        .args(arguments)
        .current_dir(folder);
    new
}

/// The commands are those that `plugin new` shows; nothing is written between them.
fn from_nothing_to_a_text() -> Result<(), Failed> {
    let folder = workshop("new");
    let crate_folder = folder.join("acme");
    let _ = fs::remove_dir_all(&crate_folder);
    let begun = Instant::now();
    let told = run(&mut new(&["acme", "--sdk", SOURCE], &folder));
    let commands: Vec<&str> = told
        .lines()
        .filter_map(|line| line.strip_prefix("  "))
        .collect();
    assert_eq!(commands.len(), 3, "{told}");

    let programs = artifacts().textsender.parent().unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let sandbox = Path::new(env!("CARGO_BIN_EXE_sandbox")).parent().unwrap();
    let mut shell = Command::new("sh");
    shell
        .args(["-e", "-c", &commands.join("\n")])
        .current_dir(&folder);
    shell.env(
        "PATH",
        format!("{}:{}:{path}", programs.display(), sandbox.display()),
    );
    let shown = run(&mut shell);
    let taken = begun.elapsed();

    assert!(
        shown.contains("test the_contract_is_kept ... ok"),
        "{shown}"
    );
    assert!(
        shown.contains(r#""outcome":"accepted","sender":"acme""#),
        "{shown}"
    );
    assert!(
        shown.contains("POST https://api.acme.example/v1/messages"),
        "{shown}"
    );
    assert!(
        shown.contains(r#""text": "Your verification code is beK989vc""#),
        "{shown}"
    );
    let manifest = fs::read_to_string(crate_folder.join("Cargo.toml")).unwrap();
    assert!(
        !manifest.contains("abi_stable") && !manifest.contains("tokio"),
        "{manifest}"
    );
    let source = fs::read_to_string(crate_folder.join("src/lib.rs")).unwrap();
    assert!(source.contains("#![forbid(unsafe_code)]"), "{source}");
    fs::write(folder.join("seconds"), taken.as_secs().to_string()).unwrap();
    the_guides_provider(&crate_folder);
    Ok(())
}

/// The provider in the guide is all that is needed: it takes the new crate's place, and keeps the contract.
fn the_guides_provider(crate_folder: &Path) {
    let guide = fs::read_to_string(Path::new(SOURCE).join("plugin-api/src/guide.md")).unwrap();
    let code = guide
        .split("```\n")
        .find(|block| block.starts_with("use schemars"))
        .unwrap();
    let visible: Vec<&str> = code
        .lines()
        .filter(|line| !line.starts_with("# "))
        .collect();
    assert!(visible.len() <= 60, "{} lines", visible.len());
    fs::write(crate_folder.join("src/lib.rs"), visible.join("\n")).unwrap();
    run(cargo()
        .args(["build", "--quiet", "--offline"])
        .current_dir(crate_folder));
    let library = crate_folder.join("target/debug/libtextsender_acme.so");
    keeps_the_contract(&library, &crate_folder.join("sample.toml"));
}

/// With the SDK as it is packaged, cargo's own folder may be empty.
fn packaged() -> Result<(), Failed> {
    let folder = workshop("packaged");
    let crate_folder = folder.join("acme");
    let _ = fs::remove_dir_all(&crate_folder);
    let sdk = folder.join("sdk");
    let mut make = Command::new(Path::new(SOURCE).join("plugin-api/make-sdk"));
    run(make.arg(&sdk).env("TEXTSENDER", &artifacts().textsender));
    run(new(&["acme"], &folder).arg("--sdk").arg(&sdk));

    let home = tempfile::tempdir().unwrap();
    let mut build = cargo();
    build.args(["build", "--quiet", "--offline", "--target-dir", "../target"]);
    run(build
        .env("CARGO_HOME", home.path())
        .current_dir(&crate_folder));
    let library = folder.join("target/debug/libtextsender_acme.so");
    keeps_the_contract(&library, &crate_folder.join("sample.toml"));
    Ok(())
}

fn cant_be() -> Result<(), Failed> {
    let folder = workshop("cant-be");
    let there = folder.join("there");
    fs::create_dir_all(&there).unwrap();
    let cases: [(&[&str], &str); 5] = [
        (&["Acme"], "is not a plugin name: use lower-case letters"),
        (&["../acme"], "is not a plugin name"),
        (&["7up"], "a letter first"),
        (
            &["there", "--sdk", SOURCE],
            "there already exists: give another folder with --path",
        ),
        (
            &["acme", "--sdk", "there"],
            "there is no SDK: it has no plugin-api/Cargo.toml",
        ),
    ];
    for (arguments, expected) in cases {
        let output = new(arguments, &folder).output().unwrap();
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{complaint}");
        assert!(complaint.contains(expected), "{complaint}");
    }
    Ok(())
}
