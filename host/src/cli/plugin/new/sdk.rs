//! The SDK: a folder that holds `plugin-api`, a `Cargo.lock` for it, and, where it is meant for
//! machines without a network, `vendor` with everything that they need.
//!
//! textsender's own source is one: without `vendor`, whose place cargo's own cache takes, which holds
//! all of it on a machine where textsender was built.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

/// Where it is installed, seen from the folder of the executable.
const INSTALLED: &str = "../share/textsender/sdk";

/// How far above a built executable its source may be: `target/TRIPLE/PROFILE`.
const ABOVE: usize = 4;

/// What the sandbox's program is called: where it is installed, its name says whose it is.
pub(super) fn sandbox() -> &'static str {
    const INSTALLED: &str = "textsender-sandbox";
    let executable = env::current_exe().unwrap_or_default();
    match executable.with_file_name(INSTALLED).exists() {
        true => INSTALLED,
        false => "sandbox",
    }
}

#[derive(Debug, thiserror::Error)]
pub(super) enum SdkError {
    #[error("{0} is no SDK: it has no plugin-api/Cargo.toml")]
    NotOne(String),
    #[error(
        "there is no SDK in {0}: install textsender-dev, or give textsender's source with --sdk"
    )]
    NotInstalled(String),
}

pub(super) struct Sdk {
    folder: PathBuf,
}

impl Sdk {
    /// The one that is asked for, or the one that belongs to this executable.
    pub(super) fn find(given: Option<&Path>) -> Result<Self, SdkError> {
        if let Some(folder) = given {
            return Self::at(folder).ok_or_else(|| SdkError::NotOne(folder.display().to_string()));
        }
        let executable = env::current_exe().unwrap_or_default();
        let beside = executable.parent().unwrap_or(Path::new("."));
        let installed = beside.join(INSTALLED);
        let source = executable
            .ancestors()
            .skip(1)
            .take(ABOVE)
            .find_map(Self::at);
        let found = Self::at(&installed).or(source);
        found.ok_or_else(|| SdkError::NotInstalled(installed.display().to_string()))
    }

    fn at(folder: &Path) -> Option<Self> {
        let folder = folder.canonicalize().ok()?;
        let is_one = folder.join("plugin-api/Cargo.toml").is_file();
        is_one.then_some(Self { folder })
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The versions with which the SDK was tested. Cargo takes out what a plugin does not need.
    pub(super) fn lock(&self) -> Option<String> {
        fs::read_to_string(self.folder.join("Cargo.lock")).ok()
    }

    /// A template with the SDK's places in it.
    pub(super) fn fill(&self, template: &str) -> String {
        let executable = env::current_exe().unwrap_or_default();
        let text = |path: &Path| path.display().to_string();
        template
            .replace("@SDK@", &text(&self.folder.join("plugin-api")))
            .replace("@TEXTSENDER@", &text(&executable))
            .replace("@SANDBOX@", sandbox())
            .replace("@VENDOR@", &self.vendor())
    }

    /// What makes cargo read the SDK's own copies, if it has them.
    fn vendor(&self) -> String {
        let vendor = self.folder.join("vendor");
        match vendor.is_dir() {
            true => format!(
                "\n[source.crates-io]\nreplace-with = \"sdk\"\n\n[source.sdk]\ndirectory = \"{}\"\n",
                vendor.display()
            ),
            false => String::new(),
        }
    }
}
