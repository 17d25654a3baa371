//! How the program is linked, and what this machine has for the unit tests.
//!
//! Addresses are packed, where this system's loader reads them so. A send starts the program twice, and each start
//! binds some nineteen thousand addresses. Packed [RELR], they take a tenth of the file's space and less work. glibc
//! reads them from 2.36 on.
//!
//! A counterpart of the unit tests that is here is `cfg(has_NAME)`: see `tests/build.rs`.
//!
//! [RELR]: https://sourceware.org/glibc/wiki/Release/2.36

use std::env;
use std::fs;
use std::process::Command;

/// The first glibc whose loader reads packed addresses.
const FIRST: (u32, u32) = (2, 36);

/// Where Debian has each version of PostgreSQL.
const POSTGRESQL: &str = "/usr/lib/postgresql";

#[allow(clippy::print_stdout, reason = "how a build script speaks to cargo")]
fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is_for_this_machine = env::var("HOST").ok() == env::var("TARGET").ok();
    if is_for_this_machine && glibc().is_some_and(|version| version >= FIRST) {
        println!("cargo::rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    println!("cargo::rerun-if-changed={POSTGRESQL}");
    println!("cargo::rustc-check-cfg=cfg(has_postgresql)");
    if has_postgresql() {
        println!("cargo::rustc-cfg=has_postgresql");
    }
}

/// The version of this machine's glibc, if it has one.
fn glibc() -> Option<(u32, u32)> {
    let output = Command::new("getconf")
        .arg("GNU_LIBC_VERSION")
        .output()
        .ok()?;
    let said = String::from_utf8(output.stdout).ok()?;
    let (major, minor) = said.trim().strip_prefix("glibc ")?.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Whether a server of a test's own can be made.
fn has_postgresql() -> bool {
    let versions = fs::read_dir(POSTGRESQL).into_iter().flatten().flatten();
    versions
        .map(|version| version.path().join("bin/initdb"))
        .any(|program| program.is_file())
}
