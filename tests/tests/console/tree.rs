//! The console costs `textsender` nothing: neither a crate nor a feature.

use std::collections::BTreeMap;

use textsender_tests::harness::cargo;

/// Each crate of `textsender`'s tree with its features, if these packages are built together.
fn features(packages: &[&str]) -> BTreeMap<String, String> {
    let mut cargo = cargo();
    cargo
        .args([
            "tree",
            "--offline",
            "--locked",
            "--edges",
            "normal",
            "--prefix",
            "none",
        ])
        .args(["--format", "{p}\t{f}"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."));
    for package in packages {
        cargo.args(["--package", package]);
    }
    let output = cargo.output().unwrap();
    let words = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{words}");
    let tree = String::from_utf8(output.stdout).unwrap();
    let lines = tree.lines().filter_map(|line| line.split_once('\t'));
    lines
        .map(|(package, features)| {
            let features = features.trim_end_matches(" (*)");
            (
                package.trim_end_matches(" (*)").to_owned(),
                features.to_owned(),
            )
        })
        .collect()
}

#[test]
fn beside_the_console_textsender_is_built_of_the_same() {
    let alone = features(&["textsender"]);
    let together = features(&["textsender", "textsender-console"]);
    assert!(alone.len() > 100, "{}", alone.len());
    for (package, features) in &alone {
        assert_eq!(together.get(package), Some(features), "{package}");
    }
    assert!(!alone.keys().any(|package| package.starts_with("maud ")));
    assert!(together.keys().any(|package| package.starts_with("maud ")));
}

#[test]
fn who_builds_the_default_builds_no_console() {
    let manifest = include_str!("../../../Cargo.toml");
    let (_, default) = manifest.split_once("default-members").unwrap();
    let default = default.split(']').next().unwrap();
    assert!(default.contains("\"host\"") && !default.contains("console"));
}
