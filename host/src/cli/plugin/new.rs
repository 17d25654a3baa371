//! `textsender plugin new`: a crate for one more provider, which builds, passes its tests and sends
//! through the sandbox before a line of it is changed.

mod names;
mod sdk;

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
};

use crate::{cli::output, plugins::folder};
use names::Names;
use sdk::{Sdk, SdkError, sandbox};

/// The exit code for a name or folder that can't be used.
const USAGE: u8 = 2;

/// Makes a crate for a new plugin, ready to build
///
/// The crate builds offline with the SDK that is installed with textsender, passes its tests, and
/// sends through the sandbox at once.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  textsender plugin new acme")]
pub(super) struct New {
    /// The plugin's name: small letters, digits and hyphens, such as acme-sms
    #[arg(value_name = "NAME")]
    name: String,
    /// The folder to make, instead of one of the plugin's name
    #[arg(long, value_name = "FOLDER")]
    path: Option<PathBuf>,
    /// The SDK, instead of the one installed with textsender: a folder that holds plugin-api
    #[arg(long, value_name = "FOLDER")]
    sdk: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
enum NewError {
    #[error(
        "{0:?} is not a plugin name: use lower-case letters, digits and hyphens between them, a letter first, such as acme-sms"
    )]
    Name(String),
    #[error("{0} already exists: give another folder with --path")]
    Exists(String),
    #[error(transparent)]
    Sdk(#[from] SdkError),
    #[error("{path}: {error}")]
    Write { path: String, error: io::Error },
}

/// The files of a new plugin, with `@WORDS@` for what differs.
const FILES: [(&str, &str); 8] = [
    ("Cargo.toml", include_str!("new/Cargo.toml.in")),
    (".gitignore", "/target\n"),
    (".cargo/config.toml", include_str!("new/config.toml.in")),
    ("README.md", include_str!("new/README.md.in")),
    ("sample.toml", include_str!("new/sample.toml.in")),
    ("src/lib.rs", include_str!("new/lib.rs.in")),
    ("src/tests.rs", include_str!("new/tests.rs.in")),
    (
        "tests/conformance.rs",
        include_str!("new/conformance.rs.in"),
    ),
];

/// A request to try it with.
const REQUEST: &str = r#"{"purpose":"verification_code","event":"reset","user":{"phone":"+447700900123"},"code":"beK989vc"}
"#;

impl New {
    pub(super) fn run(&self) -> ExitCode {
        match self.make() {
            Ok(told) => {
                output::print(&told);
                ExitCode::SUCCESS
            }
            Err(error) => output::print_error(&error.to_string(), USAGE),
        }
    }

    fn make(&self) -> Result<String, NewError> {
        let first_is_letter = self.name.starts_with(|c: char| c.is_ascii_lowercase());
        if !folder::is_id(&self.name) || !first_is_letter {
            return Err(NewError::Name(self.name.clone()));
        }
        let sdk = Sdk::find(self.sdk.as_deref())?;
        let target = self
            .path
            .clone()
            .unwrap_or_else(|| PathBuf::from(&self.name));
        if target.exists() {
            return Err(NewError::Exists(target.display().to_string()));
        }
        let names = Names::of(&self.name);
        for (file, template) in FILES {
            write(&target.join(file), &sdk.fill(&names.fill(template)))?;
        }
        write(&target.join("request.json"), REQUEST)?;
        if let Some(lock) = sdk.lock() {
            write(&target.join("Cargo.lock"), &lock)?;
        }
        Ok(told(&target, &names, &sdk))
    }
}

fn write(path: &Path, text: &str) -> Result<(), NewError> {
    let make = || {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(path, text)
    };
    make().map_err(|error| NewError::Write {
        path: path.display().to_string(),
        error,
    })
}

fn told(target: &Path, names: &Names, sdk: &Sdk) -> String {
    let folder = target.display();
    let sdk = sdk.folder().display();
    let library = format!("target/debug/{}", names.library());
    let sandbox = sandbox();
    format!(
        "made {folder}, with the SDK in {sdk}\n\n\
         try it:\n  \
         cd {folder}\n  \
         cargo test --offline\n  \
         {sandbox} echo --plugin {library} --settings sample.toml -- textsender send < request.json\n\n\
         then write src/lib.rs from the provider's documentation, and sample.toml from its answers;\n\
         cargo doc --offline --open -p textsender-plugin-api is the guide\n"
    )
}
