//! Files of every kind, and files that change while they are looked at.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use super::*;

/// The header of a library for this machine, without sections: its tables are the linker's to read.
fn library(payload: &[u8]) -> Vec<u8> {
    let own = fs::read("/proc/self/exe").unwrap();
    let mut bytes = own[..64].to_vec();
    // The type is that of a library; no headers of segments or sections: their offsets and counts.
    bytes[16..18].copy_from_slice(&3_u16.to_ne_bytes());
    bytes[32..48].fill(0);
    bytes[56..64].fill(0);
    bytes.extend_from_slice(payload);
    bytes
}

struct Place(tempfile::TempDir);

impl Place {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self) -> PathBuf {
        self.0.path().join("libtextsender_acme.so")
    }

    fn write(&self, bytes: &[u8]) -> PathBuf {
        fs::write(self.file(), bytes).unwrap();
        fs::set_permissions(self.file(), fs::Permissions::from_mode(0o755)).unwrap();
        self.file()
    }
}

#[test]
fn every_file_is_told_for_what_it_is() {
    let changed = |at: usize, byte: u8| {
        let mut bytes = library(b"");
        bytes[at] = byte;
        bytes
    };
    let other_class = if cfg!(target_pointer_width = "64") {
        1
    } else {
        2
    };
    let cases = [
        (library(b""), vec![]),
        (Vec::new(), vec![FileFault::NotALibrary]),
        (b"#!/bin/sh\n".to_vec(), vec![FileFault::NotALibrary]),
        (b"\x7fELF".to_vec(), vec![FileFault::CutShort]),
        (library(b"")[..40].to_vec(), vec![FileFault::CutShort]),
        (changed(4, other_class), vec![FileFault::OtherMachine]),
        (changed(18, 0xf7), vec![FileFault::OtherMachine]),
        // An object file.
        (changed(16, 1), vec![FileFault::NotALibrary]),
        // Section headers where there is nothing.
        (changed(41, 0xff), vec![FileFault::CutShort]),
    ];
    let place = Place::new();
    for (bytes, faults) in cases {
        let facts = inspect(&place.write(&bytes));
        assert_eq!(facts.faults, faults, "{bytes:02x?}");
        assert_eq!(facts.checksum, Some(Checksum::of(&bytes)));
        let verified = verify(&place.file(), None);
        assert_eq!(verified.err(), faults.first().cloned());
    }
}

#[test]
fn a_library_that_is_no_plugin_and_what_it_needs() {
    // This test is itself such a library: it is loaded anywhere, and exports no entry point.
    let facts = inspect(&std::env::current_exe().unwrap());
    assert!(facts.faults.contains(&FileFault::NoEntry), "{facts:?}");
    assert!(!facts.needed.is_empty(), "{facts:?}");

    let place = Place::new();
    let whole = fs::read("/proc/self/exe").unwrap();
    for length in [30, 3000, 100_000, whole.len() - 1] {
        let faults = inspect(&place.write(&whole[..length])).faults;
        assert_eq!(faults, [FileFault::CutShort], "{length}");
    }
}

#[test]
fn all_faults_are_told_at_once_and_how_to_mend_them() {
    let place = Place::new();
    assert_eq!(inspect(&place.file()).faults, [FileFault::Missing]);

    let file = place.write(b"no library");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o757)).unwrap();
    let faults = inspect(&file).faults;
    let [FileFault::Unsafe(words), FileFault::NotALibrary] = faults.as_slice() else {
        panic!("{faults:?}");
    };
    assert!(words.ends_with(&format!("chmod go-w {}", file.display())));
}

#[test]
fn only_the_approved_file_is_loaded() {
    let place = Place::new();
    let file = place.write(&library(b"approved"));
    let approved = Checksum::of(&library(b"approved"));
    assert!(verify(&file, Some(approved)).is_ok());
    place.write(&library(b"another"));
    let found = Checksum::of(&library(b"another"));
    assert_eq!(
        verify(&file, Some(approved)).err(),
        Some(FileFault::NotApproved { found })
    );
}

/// Another file comes in between, in each moment and in each way: what was checked is what is loaded.
#[test]
fn the_bytes_checked_are_the_bytes_loaded() {
    let good = library(&[b'g'; 20_000]);
    let evil = library(&[b'e'; 20_000]);
    let approved = Checksum::of(&good);
    for moment in [Moment::Opened, Moment::Fixed] {
        for in_place in [false, true] {
            let place = Place::new();
            let file = place.write(&good);
            let mut was_exchanged = false;
            let verified = verify_after(&file, Some(approved), |now| {
                if now != moment {
                    return;
                }
                was_exchanged = true;
                if in_place {
                    fs::write(&file, &evil).unwrap();
                } else {
                    let new = place.0.path().join("new");
                    fs::write(&new, &evil).unwrap();
                    fs::rename(&new, &file).unwrap();
                }
            });
            assert!(was_exchanged);
            match verified {
                Ok(verified) => {
                    let bytes = fs::read(verified.image.path()).unwrap();
                    assert!(bytes == good, "{moment:?}: other bytes than were checked");
                }
                // Rewritten before they were fixed: then these are the bytes that were checked.
                Err(fault) => {
                    let found = Checksum::of(&evil);
                    assert_eq!(fault, FileFault::NotApproved { found });
                    assert!(in_place && moment == Moment::Opened);
                }
            }
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn what_was_checked_cannot_be_written_to() {
    let place = Place::new();
    let verified = verify(&place.write(&library(b"")), None).unwrap();
    let mut options = fs::OpenOptions::new();
    let file = options.write(true).open(verified.image.path());
    let written = file.and_then(|mut file| io::Write::write(&mut file, b"x"));
    assert!(written.is_err());
}
