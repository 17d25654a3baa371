//! `sandbox echo`: the provider that is not in the sandbox, around a command or until it is ended.
//!
//! With `--plugin` the command gets a configuration whose one sender is that plugin, with the settings of its sample
//! file, connected to the echo.

use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use toml::Table;

use super::Script;
use super::script::{ScriptError, WrittenAnswer};
use crate::sandbox::Sandbox;
use crate::sandbox::run::{RunError, execute, exit_code};
use crate::sandbox::site::Site;

/// How often new requests are looked for, while there is no command.
const PAUSE: Duration = Duration::from_millis(100);

/// What to play, and for whom.
#[derive(Clone, Debug)]
pub struct EchoRun {
    /// What is answered; else the sample's own answers.
    pub script: Option<PathBuf>,
    /// The plugin to send with.
    pub plugin: Option<PathBuf>,
    /// The plugin's sample: settings, secrets, the provider's answers.
    pub settings: Option<PathBuf>,
    /// The command and its arguments; none to go on until it is ended.
    pub command: Vec<OsString>,
}

/// The echo could not be played.
#[derive(Debug, thiserror::Error)]
pub enum EchoError {
    /// The command could not be run, or there is no configuration for it.
    #[error(transparent)]
    Run(#[from] RunError),
    /// A file can't be read.
    #[error("{}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file is no script, or no sample.
    #[error("{}: {source}", path.display())]
    Script {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: ScriptError,
    },
    /// Nobody would see it.
    #[error("cannot show the requests: {0}")]
    Show(io::Error),
}

impl EchoError {
    /// As for `sandbox run`.
    pub fn exit_code(&self) -> u8 {
        match self {
            EchoError::Run(error) => error.exit_code(),
            _ => 125,
        }
    }
}

/// A plugin's sample, as `textsender plugin check --settings` reads it too.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sample {
    #[serde(default)]
    settings: Table,
    #[serde(default)]
    secrets: Table,
    accepted: Option<WrittenAnswer>,
    reading: Option<WrittenAnswer>,
}

/// Plays the provider, and shows on `out` what it was asked. Returns the command's exit code.
///
/// # Errors
/// It could not be played, or the command not be run.
pub fn run(run: &EchoRun, out: &mut dyn Write) -> Result<u8, EchoError> {
    let sample = run.settings.as_deref().map(read_sample).transpose()?;
    let sample = sample.unwrap_or_default();
    let sandbox = Sandbox::builder().start().map_err(RunError::from)?;
    let echo = sandbox.echo();
    let (settings, secrets) = (sample.settings.clone(), sample.secrets.clone());
    echo.script(match &run.script {
        Some(path) => read_script(path)?,
        None => script_of(sample),
    });

    let site = match &run.plugin {
        Some(plugin) => Site::for_plugin(plugin, settings, &secrets, echo.address()),
        None => Site::new(),
    };
    let site = site.map_err(RunError::from)?;
    if run.command.is_empty() {
        return go_on(&sandbox, &site, run.plugin.is_some(), out);
    }
    let executable = std::env::current_exe().unwrap_or_default();
    let folder = executable.parent().unwrap_or(Path::new("."));
    let status = execute(&run.command, &site, folder)?;
    show(&echo.shown(), out)?;
    Ok(exit_code(status))
}

/// Shows requests as they come, until this process is ended.
fn go_on(
    sandbox: &Sandbox,
    site: &Site,
    is_configured: bool,
    out: &mut dyn Write,
) -> Result<u8, EchoError> {
    let address = sandbox.echo().address();
    let mut lines = vec![format!("connect_to = \"{address}\"\n")];
    if is_configured {
        lines.push(format!(
            "TEXTSENDER_CONFIG={}\n",
            site.config_file().display()
        ));
    }
    show(&lines, out)?;
    let mut seen = 0;
    loop {
        // That there are too few is no failure: nobody asked yet.
        let _ = sandbox.wait_for_requests(seen + 1, PAUSE);
        let shown = sandbox.echo().shown();
        show(&shown[seen..], out)?;
        seen = shown.len();
    }
}

fn show(shown: &[String], out: &mut dyn Write) -> Result<(), EchoError> {
    let written = shown
        .iter()
        .try_for_each(|text| out.write_all(text.as_bytes()));
    written.and_then(|()| out.flush()).map_err(EchoError::Show)
}

/// The sample's answers: what is only read is asked with GET, or where the sample says.
fn script_of(sample: Sample) -> Script {
    let mut script = Script::default();
    if let Some(reading) = sample.reading {
        script.push(match reading.has_path() {
            true => reading,
            false => reading.to("GET"),
        });
    }
    if let Some(accepted) = sample.accepted {
        script.push(accepted);
    }
    script
}

fn read(path: &Path) -> Result<String, EchoError> {
    fs::read_to_string(path).map_err(|source| EchoError::Unreadable {
        path: path.to_owned(),
        source,
    })
}

fn read_script(path: &Path) -> Result<Script, EchoError> {
    Script::parse(&read(path)?).map_err(|source| EchoError::Script {
        path: path.to_owned(),
        source,
    })
}

fn read_sample(path: &Path) -> Result<Sample, EchoError> {
    toml::from_str(&read(path)?).map_err(|source| EchoError::Script {
        path: path.to_owned(),
        source: Box::new(source).into(),
    })
}
