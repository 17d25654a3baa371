//! Plugins' files that are not what they should be, made from the one that delivers.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use textsender_tests::harness::Test;
use textsender_tests::sandbox::site::Site;

/// The ABI's version, as a plugin's library holds it (`ABI_VERSION` of the SDK).
const VERSION: &[u8] = b"1.1.0";

pub fn script(test: Test) -> Test {
    change(test, |_| b"#!/bin/sh\necho textsender\n".to_vec())
}

pub fn empty(test: Test) -> Test {
    change(test, |_| Vec::new())
}

pub fn cut_in_header(test: Test) -> Test {
    change(test, |bytes| bytes[..30].to_vec())
}

pub fn cut_in_first_page(test: Test) -> Test {
    change(test, |bytes| bytes[..3000].to_vec())
}

pub fn cut_in_code(test: Test) -> Test {
    change(test, |bytes| bytes[..bytes.len() / 2].to_vec())
}

pub fn cut_at_end(test: Test) -> Test {
    change(test, |bytes| bytes[..bytes.len() - 1].to_vec())
}

pub fn other_machine(test: Test) -> Test {
    change(test, |mut bytes| {
        // e_machine (System V gABI): 8 is MIPS, where nobody runs these tests.
        bytes[18..20].copy_from_slice(&8_u16.to_ne_bytes());
        bytes
    })
}

pub fn other_library(test: Test) -> Test {
    change(test, |_| fs::read(a_library_of_the_system()).unwrap())
}

pub fn other_id(test: Test) -> Test {
    test.change(|site| {
        let other = site.plugins().join("libtextsender_other.so");
        fs::rename(library(site), other).unwrap();
        site.set("senders.misbehaving.plugin", "other").unwrap();
    })
}

pub fn older_major(test: Test) -> Test {
    change(test, |bytes| with_version(bytes, b"0.9.0"))
}

pub fn newer_major(test: Test) -> Test {
    change(test, |bytes| with_version(bytes, b"2.0.0"))
}

pub fn newer_minor(test: Test) -> Test {
    change(test, |bytes| with_version(bytes, b"1.9.0"))
}

fn library(site: &Site) -> PathBuf {
    site.plugins().join("libtextsender_misbehaving.so")
}

fn change(test: Test, change: fn(Vec<u8>) -> Vec<u8>) -> Test {
    test.change(|site| {
        let bytes = fs::read(library(site)).unwrap();
        replace(&library(site), &change(bytes));
    })
}

/// Puts another file in a file's place, as an installer does.
pub fn replace(path: &Path, bytes: &[u8]) {
    let beside = path.with_extension("new");
    fs::write(&beside, bytes).unwrap();
    fs::set_permissions(&beside, Permissions::from_mode(0o755)).unwrap();
    fs::rename(&beside, path).unwrap();
}

/// The same library, which says that it is built against this version of the ABI.
pub fn with_version(mut bytes: Vec<u8>, version: &[u8; VERSION.len()]) -> Vec<u8> {
    // A version after a semicolon is a crate's.
    let is_abis = |at: &usize| bytes[*at..].starts_with(VERSION) && bytes[at - 1] != b';';
    let places: Vec<_> = (1..bytes.len()).filter(is_abis).collect();
    assert!(
        !places.is_empty(),
        "the library names no version of the ABI"
    );
    for at in places {
        bytes[at..at + VERSION.len()].copy_from_slice(version);
    }
    bytes
}

/// A shared library that is no plugin: one that this test itself has loaded.
fn a_library_of_the_system() -> PathBuf {
    let maps = fs::read_to_string("/proc/self/maps").unwrap();
    let paths = maps
        .lines()
        .filter_map(|line| line.split_whitespace().nth(5));
    let mut libraries = paths.filter(|path| path.contains("/libgcc_s.so"));
    libraries.next().unwrap().into()
}
