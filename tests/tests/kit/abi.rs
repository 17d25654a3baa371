//! The ABI's life: what was built elsewhere, otherwise or long ago is loaded and sends; what can't be says why.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use libtest_mimic::{Failed, Trial};
use ring::digest::{SHA256, digest};
use textsender_tests::harness::cargo;

use crate::tools::{SOURCE, keeps_the_contract, report, run, sent, workshop};

/// The API as it was first released. CHANGING.md says why it stays as it is.
const SNAPSHOT: &str = "textsender-plugin-api-0.1.0";

/// The snapshot's SHA-256. No change to the API changes it: a plugin that is out there can't be built anew.
const FROZEN: &str = "8f1453cba7e1fa217b4da6ccbf60b9c915f9181b9c099b6740ec7365ac0455eb";

/// Where Debian's packages put their compiler: `rustc-web` is the newest of them.
const SECOND_COMPILER: &str = "/usr/bin/rustc";

pub fn trials() -> Vec<Trial> {
    let level = |name: &str, level: &'static str| {
        Trial::test(format!("abi::built_with_optimisation_{name}"), move || {
            optimised(level)
        })
    };
    let second = second_compiler();
    let name = match &second {
        Ok(version) => format!("abi::built_by_another_compiler ({version})"),
        Err(why) => format!("abi::built_by_another_compiler ({why})"),
    };
    vec![
        Trial::test("abi::the_first_api_is_frozen", frozen),
        Trial::test("abi::built_against_the_first_api", first_api),
        Trial::test(name, another_compiler).with_ignored_flag(second.is_err()),
        level("0", "0"),
        level("3", "3"),
        level("s", "\"s\""),
    ]
}

fn frozen() -> Result<(), Failed> {
    let archive = format!("tests/plugins/first-abi/{SNAPSHOT}.crate");
    let bytes = fs::read(Path::new(SOURCE).join(archive)).unwrap();
    let sum: String = digest(&SHA256, &bytes)
        .as_ref()
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    assert_eq!(
        sum, FROZEN,
        "the frozen snapshot of the first API was replaced"
    );
    Ok(())
}

/// One trial for all that is made of the snapshot: they share a folder.
fn first_api() -> Result<(), Failed> {
    let folder = unpacked();
    let library = build_first(&folder);
    let sample = Path::new(SOURCE).join("tests/plugins/first-abi/sample.toml");
    keeps_the_contract(&library, &sample);
    let shown = sent(&library, &sample);
    assert!(
        shown.contains(r#""outcome":"accepted""#) && shown.contains(r#""text": "Your"#),
        "{shown}"
    );

    // What would have been another ABI, had it been released.
    let refusal = |from: &str, to: &str| {
        let (path, before) = file_with(&folder.join("api/src/abi"), from);
        fs::write(&path, before.replacen(from, to, 1)).unwrap();
        let report = report(&build_first(&folder), &sample);
        fs::write(&path, before).unwrap();
        let rules = report["rules"].as_array().unwrap();
        assert_eq!(rules[0]["standing"], "broken", "{report:#}");
        rules[0]["findings"][0].as_str().unwrap().to_owned()
    };
    assert_eq!(
        refusal("\"1.0.0\"", "\"2.0.0\""),
        "it is built against ABI 2.0.0 and this textsender speaks 1.1.0: build it anew with the SDK of this textsender"
    );
    let (ours, swapped) = (
        "    provider_id: ROption<RString>,\n    segments: ROption<u32>,",
        "    segments: ROption<u32>,\n    provider_id: ROption<RString>,",
    );
    assert_eq!(
        refusal(ours, swapped),
        "it says ABI 1.0.0, but AbiReceipt is laid out otherwise; was it built with a changed or unreleased \
         textsender-plugin-api? Build it anew with a released one"
    );
    Ok(())
}

/// The file below a folder that holds this text, and all that it holds.
fn file_with(folder: &Path, text: &str) -> (PathBuf, String) {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let held = fs::read_to_string(&path).unwrap();
            if path.extension().is_some_and(|end| end == "rs") && held.contains(text) {
                return (path, held);
            }
        }
    }
    panic!("nothing in {} holds {text}", folder.display())
}

/// The plugin of that time and the API of that time, side by side.
fn unpacked() -> PathBuf {
    let folder = workshop("first-abi");
    let plugin = Path::new(SOURCE).join("tests/plugins/first-abi");
    for file in ["Cargo.toml", "Cargo.lock", "src/lib.rs"] {
        let to = folder.join(file);
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::copy(plugin.join(file), to).unwrap();
    }
    let api = folder.join("api");
    fs::create_dir_all(&api).unwrap();
    let archive = plugin.join(format!("{SNAPSHOT}.crate"));
    let mut unpack = Command::new("tar");
    // As of now: by the archive's own dates cargo would take what the last run changed for built.
    unpack.arg("xzmf").arg(archive).arg("-C").arg(&api);
    run(unpack.args(["--strip-components", "1"]));
    // The crate's version is not the ABI's: one that never was must do as well.
    let manifest = api.join("Cargo.toml");
    let text = fs::read_to_string(&manifest).unwrap();
    let text = text.replacen("version = \"0.1.0\"", "version = \"0.0.7\"", 1);
    fs::write(&manifest, text).unwrap();
    folder
}

fn build_first(folder: &Path) -> PathBuf {
    let target = folder.join("target");
    let mut build = cargo();
    build.args(["build", "--quiet", "--offline", "--manifest-path"]);
    run(build
        .arg(folder.join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target));
    target.join("debug/libtextsender_first_abi.so")
}

/// The version of the second compiler, or why there is none.
fn second_compiler() -> Result<String, String> {
    let version = |rustc: &str| {
        let output = Command::new(rustc).arg("--version").output().ok()?;
        let version = String::from_utf8(output.stdout).ok()?;
        let words: Vec<_> = version.split(' ').take(2).collect();
        Some(words.join(" "))
    };
    let first = version(&std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into()));
    match version(SECOND_COMPILER) {
        None => Err(format!("needs {SECOND_COMPILER}: apt install rustc-web")),
        Some(second) if Some(&second) == first.as_ref() => {
            Err(format!("{SECOND_COMPILER} is the same as the first"))
        }
        Some(second) => Ok(second),
    }
}

fn another_compiler() -> Result<(), Failed> {
    let mut build = cargo();
    // Both cargo's own choice and rustup's would lead back to the first compiler.
    build
        .env("RUSTC", SECOND_COMPILER)
        .env_remove("RUSTUP_TOOLCHAIN");
    works(&build_twilio(
        build.arg("build").arg("--ignore-rust-version"),
        "second-compiler",
    ));
    Ok(())
}

/// The plugin and everything that crosses with it, at this level.
fn optimised(level: &str) -> Result<(), Failed> {
    let mut build = cargo();
    build.arg("build");
    for package in [
        "textsender-twilio",
        "textsender-plugin-api",
        "abi_stable",
        "async-ffi",
    ] {
        build
            .arg("--config")
            .arg(format!("profile.dev.package.{package}.opt-level={level}"));
    }
    let name = format!("optimised-{}", level.trim_matches('"'));
    works(&build_twilio(&mut build, &name));
    Ok(())
}

fn build_twilio(build: &mut Command, name: &str) -> PathBuf {
    // One target folder for all levels: what they have in common is built once. Cargo lets one at a time in.
    let shared = if name.starts_with("optimised") {
        "optimised"
    } else {
        name
    };
    let target = workshop(shared);
    build.args([
        "--quiet",
        "--offline",
        "--package",
        "textsender-twilio",
        "--manifest-path",
    ]);
    build
        .arg(Path::new(SOURCE).join("Cargo.toml"))
        .arg("--target-dir")
        .arg(&target);
    static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _turn = TURN.lock().unwrap();
    run(build);
    let folder = workshop(&format!("{name}-library"));
    let library = folder.join("libtextsender_twilio.so");
    fs::copy(target.join("debug/libtextsender_twilio.so"), &library).unwrap();
    library
}

fn works(library: &Path) {
    let sample = Path::new(SOURCE).join("plugins/twilio/sample.toml");
    keeps_the_contract(library, &sample);
    let shown = sent(library, &sample);
    assert!(shown.contains(r#""outcome":"accepted""#), "{shown}");
}
