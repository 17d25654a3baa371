//! Common mistakes of a plugin's author, and that the compiler's words help.

use std::process::Command;

/// The compiler whose words are recorded. Others say the same in other words.
const RECORDED_WITH: &str = "rustc 1.95";

#[test]
fn mistakes_are_explained() {
    let rustc = std::env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().unwrap();
    let version = String::from_utf8(version.stdout).unwrap();
    let cases = trybuild::TestCases::new();
    cases.pass("tests/mistakes/none.rs");
    if version.starts_with(RECORDED_WITH) {
        cases.compile_fail("tests/mistakes/fail_*.rs");
    }
}
