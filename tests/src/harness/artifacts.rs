//! The binary and the plugins under test, built once.
//!
//! Cargo builds a package's own binaries before its tests, but neither another package's nor a `cdylib`. So the first
//! test that needs them runs `cargo build` for its own profile and target folder. The whole workspace is named,
//! because then every dependency has the features that a plain `cargo build` gives it, and is not built twice.

use std::env::{self, consts::DLL_SUFFIX};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use super::cargo;

/// What is under test.
#[derive(Clone, Debug)]
pub struct Artifacts {
    /// The `textsender` binary.
    pub textsender: PathBuf,
    /// The same with failpoints, for cases that need them.
    pub failpoints: PathBuf,
    /// The folder that holds the plugins' libraries.
    pub plugins: PathBuf,
    /// A folder that holds the Twilio plugin alone: a case copies what it needs and no more.
    pub twilio: PathBuf,
}

impl Artifacts {
    /// The library of a plugin.
    pub fn plugin(&self, id: &str) -> PathBuf {
        self.plugins.join(library(id))
    }

    /// Copies `textsender` into a folder, such as one that another account may look into.
    ///
    /// # Panics
    /// If it can't be copied.
    pub fn copy_program_into(&self, folder: &Path) -> PathBuf {
        let program = folder.join("textsender");
        // Another process makes it: a file that this one has open for writing is busy for as long as a child of
        // another case has it, too.
        let mut copy = Command::new("cp");
        copy.arg(&self.textsender).arg(&program);
        assert!(copy.status().unwrap().success());
        program
    }
}

fn library(id: &str) -> String {
    format!("libtextsender_{}{DLL_SUFFIX}", id.replace('-', "_"))
}

/// The artifacts for the profile of the running test; built when first asked for.
///
/// # Panics
/// If they can't be built; cargo's own words are on standard error then.
pub fn artifacts() -> &'static Artifacts {
    static ARTIFACTS: OnceLock<Artifacts> = OnceLock::new();
    ARTIFACTS.get_or_init(|| {
        let place = Place::of_this_test();
        build_once(&place);
        Artifacts {
            textsender: place.folder.join("textsender"),
            failpoints: place.folder.join("textsender-failpoints"),
            twilio: place.folder.join(".harness"),
            plugins: place.folder,
        }
    })
}

/// Builds, unless another process of the same test run did: nextest starts one for each test, and whoever builds
/// while others run would pull the binary from under them.
fn build_once(place: &Place) {
    let lock = File::create(place.folder.join(".harness.lock")).unwrap();
    lock.lock().unwrap();
    let stamp = place.folder.join(".harness.run");
    let run = env::var("NEXTEST_RUN_ID").ok();
    if run.is_some() && fs::read_to_string(&stamp).ok() == run {
        return;
    }
    build(place);
    let twilio = place.folder.join(".harness");
    fs::create_dir_all(&twilio).unwrap();
    let name = library("twilio");
    fs::copy(place.folder.join(&name), twilio.join(&name)).unwrap();
    if let Some(run) = run {
        fs::write(&stamp, run).unwrap();
    }
}

fn build(place: &Place) {
    let mut cargo = cargo();
    cargo
        .args(["build", "--quiet", "--workspace"])
        // What measures is not what is measured; nor may it be replaced while it runs.
        .args(["--exclude", "textsender-bench"])
        .arg("--manifest-path")
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.toml"))
        .arg("--target-dir")
        .arg(&place.target);
    match place.profile.as_str() {
        "debug" => {}
        profile => {
            cargo.args(["--profile", profile]);
        }
    }
    if let Some(triple) = &place.triple {
        cargo.args(["--target", triple]);
    }
    let status = cargo.status().unwrap();
    assert!(
        status.success(),
        "cannot build what is under test: {status}"
    );
}

/// Where this test was built: `TARGET[/TRIPLE]/PROFILE/deps/TEST`, or `TARGET[/TRIPLE]/PROFILE/bench`.
struct Place {
    target: PathBuf,
    triple: Option<String>,
    profile: String,
    folder: PathBuf,
}

impl Place {
    fn of_this_test() -> Self {
        let test = env::current_exe().unwrap();
        Self::of(&test)
            .unwrap_or_else(|| panic!("{} is not in a target folder of cargo's", test.display()))
    }

    /// Cargo marks a target folder as a cache (<https://bford.info/cachedir/>).
    fn of(test: &Path) -> Option<Self> {
        let folder = test.parent()?;
        let folder = match folder.ends_with("deps") {
            true => folder.parent()?,
            false => folder,
        };
        let target = folder
            .ancestors()
            .find(|folder| folder.join("CACHEDIR.TAG").exists())?;
        let mut parts = folder.strip_prefix(target).ok()?.iter().rev();
        let mut part = || parts.next().map(|part| part.to_string_lossy().into_owned());
        Some(Self {
            target: target.to_owned(),
            profile: part()?,
            triple: part(),
            folder: folder.to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_knows_where_it_was_built() {
        let target = tempfile::tempdir().unwrap();
        fs::write(target.path().join("CACHEDIR.TAG"), "").unwrap();
        for (path, profile, triple) in [
            ("debug/deps/e2e-0123", "debug", None),
            ("release/deps/e2e-0123", "release", None),
            ("a-b-c/dist/deps/e2e-0123", "dist", Some("a-b-c")),
            ("release/bench", "release", None),
        ] {
            let place = Place::of(&target.path().join(path)).unwrap();
            assert_eq!(place.target, target.path());
            assert_eq!(
                (place.profile.as_str(), place.triple.as_deref()),
                (profile, triple)
            );
        }
        assert!(Place::of(Path::new("/usr/bin/e2e")).is_none());
    }
}
