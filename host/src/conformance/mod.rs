//! The conformance suite: `textsender plugin check FILE`. A built library is driven in its host
//! process through everything that the contract says, with a provider that is played.
//!
//! | file | what is in it |
//! |---|---|
//! | `rules` | the contract, as data |
//! | `sample` | settings to try, and the provider's own answers |
//! | `bench` | a plugin on the bench: its processes, what it sent and said |
//! | `provider` | the provider that is played |
//! | `log` | what the plugin logs |
//! | `description`, `settings`, `answers`, `calls`, `file` | the cases |
//! | `report` | what came of them, rule by rule |
//!
//! Nothing here trusts the plugin more than a send does: it runs in the same process, sealed the
//! same way, and what it says is redacted the same way. That is how a leak is found: a word that had
//! to be redacted should not have been said.

mod answers;
mod bench;
mod calls;
mod contract;
mod description;
mod file;
mod log;
mod provider;
mod report;
mod rules;
mod sample;
mod settings;

use std::path::Path;

use crate::plugins::folder;
use bench::Bench;

pub use contract::page;
pub use report::{Report, RuleReport, Standing};
pub use rules::{CHAPTERS, Level, RULES, Rule};
pub use sample::{Sample, SampleError};

/// Why a file can't be tried at all.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// It is not named as a plugin is.
    #[error(
        "{0} is not named as a plugin is: libtextsender_NAME.so holds the plugin NAME, with _ for -"
    )]
    Name(String),
    /// It can't be read.
    #[error("{file}: {error}")]
    Unreadable {
        /// The file.
        file: String,
        /// Why not.
        error: std::io::Error,
    },
}

/// Drives the plugin in `library` through the contract.
///
/// # Errors
///
/// There is nothing to try.
pub async fn check(library: &Path, sample: Option<Sample>) -> Result<Report, CheckError> {
    let shown = || library.display().to_string();
    let name = library.file_name().and_then(|name| name.to_str());
    let plugin = name.and_then(folder::plugin_of);
    let plugin = plugin.filter(|plugin| folder::is_id(plugin));
    let plugin = plugin.ok_or_else(|| CheckError::Name(shown()))?;
    let library = std::path::absolute(library);
    let library = library.and_then(|library| library.metadata().map(|_| library));
    let library = library.map_err(|error| CheckError::Unreadable {
        file: shown(),
        error,
    })?;

    let mut bench = Bench::new(library, plugin);
    file::size(&mut bench);
    let Some(description) = description::cases(&mut bench).await else {
        return Ok(bench.report(None));
    };
    let sample = sample.or_else(|| Sample::of_schema(&description.settings));
    settings::of_schema(&mut bench.report, &description.settings);
    let Some(sample) = sample else {
        bench.report.fail(
            "S4",
            "there are no settings to try: give --settings FILE, or the schema an example",
        );
        return Ok(bench.report(Some(description.info)));
    };
    bench.sample = sample;
    if settings::good(&mut bench).await {
        settings::bad(&mut bench, &description.settings).await;
        answers::cases(&mut bench).await;
        calls::cases(&mut bench).await;
    }
    Ok(bench.report(Some(description.info)))
}
