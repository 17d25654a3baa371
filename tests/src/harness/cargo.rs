//! Cargo, run by a test.

use std::env;
use std::process::Command;

/// Cargo, without what it tells a test about the test's own package. Some build scripts, such as that of *ring*, run again
/// where that has changed, and all that depends on them is built again: here, and in the next build outside a test.
pub fn cargo() -> Command {
    let mut cargo = Command::new(env!("CARGO"));
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(is_about_a_package) {
            cargo.env_remove(name);
        }
    }
    cargo
}

fn is_about_a_package(name: &str) -> bool {
    name == "OUT_DIR" || name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    /// What *ring*'s build script looks at.
    const WATCHED: [&str; 5] = [
        "CARGO_MANIFEST_DIR",
        "CARGO_MANIFEST_LINKS",
        "CARGO_PKG_NAME",
        "CARGO_PKG_VERSION_MAJOR",
        "OUT_DIR",
    ];

    #[test]
    fn what_was_built_outside_a_test_is_not_built_anew_in_one() {
        let folder = tempfile::tempdir().unwrap();
        let source = folder.path().join("src");
        fs::create_dir(&source).unwrap();
        let manifest = "[package]\nname = \"watching\"\nedition = \"2024\"\n\n[workspace]\n";
        fs::write(folder.path().join("Cargo.toml"), manifest).unwrap();
        fs::write(source.join("lib.rs"), "").unwrap();
        let watch = WATCHED.map(|name| format!("cargo::rerun-if-env-changed={name}"));
        let script = format!("fn main() {{ println!(\"{}\"); }}", watch.join("\\n"));
        fs::write(folder.path().join("build.rs"), script).unwrap();
        let built = |mut cargo: Command| {
            cargo
                .args(["build", "--offline", "--verbose", "--target-dir", "target"])
                .current_dir(&folder);
            let output = cargo.output().unwrap();
            let words = String::from_utf8(output.stderr).unwrap();
            assert!(output.status.success(), "{words}");
            words
        };
        let mut outside = Command::new(env!("CARGO"));
        for name in WATCHED {
            outside.env_remove(name);
        }
        assert!(built(outside).contains("Compiling watching"));
        let inside = built(cargo());
        assert!(inside.contains("Fresh watching"), "{inside}");
    }
}
