//! `textsender plugin check`: the conformance suite on a built library.

use std::{fmt::Write, path::PathBuf, process::ExitCode};

use crate::{
    cli::output::{self, count},
    conformance::{self, CheckError, Level, Report, RuleReport, Sample, SampleError, Standing},
};

/// The exit code for a plugin that breaks a MUST.
const BROKEN: u8 = 1;

/// The exit code if there is nothing to try.
const NOTHING: u8 = 2;

/// Tries a plugin's library against the contract, rule by rule
///
/// The library runs in a host process, as for a send; its provider is simulated, so that nothing leaves this
/// machine. Exits 0 if every MUST is kept, else 1; 2 if the library can't be tried.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  textsender plugin check target/release/libtextsender_acme.so --settings sample.toml"
)]
pub(super) struct Check {
    /// The library, named as plugins are: libtextsender_NAME.so
    #[arg(value_name = "LIBRARY")]
    library: PathBuf,
    /// Settings to try, with secrets and the provider's own answers; else the schema's example
    #[arg(long, value_name = "FILE")]
    settings: Option<PathBuf>,
    /// Writes JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error(transparent)]
    Sample(#[from] SampleError),
    #[error(transparent)]
    Check(#[from] CheckError),
    #[error("{0}")]
    Runtime(#[from] std::io::Error),
}

impl Check {
    pub(super) fn run(&self) -> ExitCode {
        let report = match self.report() {
            Ok(report) => report,
            Err(failure) => return output::print_error(&failure.to_string(), NOTHING),
        };
        match self.json {
            true => output::json(&report),
            false => output::print(&shown(&report)),
        }
        match report.conforms {
            true => ExitCode::SUCCESS,
            false => BROKEN.into(),
        }
    }

    fn report(&self) -> Result<Report, Failure> {
        let sample = self.settings.as_deref().map(Sample::read).transpose()?;
        let checked = conformance::check(&self.library, sample);
        Ok(crate::site::runtime::block_on(checked)??)
    }
}

/// What it is, each rule, and the sum. Writing to a String never fails.
fn shown(report: &Report) -> String {
    let mut shown = format!("{}: plugin {}", report.file, report.plugin);
    if let Some(described) = &report.described {
        let _ = write!(shown, ", {} {}", described.name, described.version);
    }
    if let (Some(start), Some(bytes)) = (report.start_ms, report.bytes_loaded) {
        let mebibytes = bytes as f64 / f64::from(1 << 20);
        let _ = write!(shown, "; ready in {start} ms, takes {mebibytes:.1} MiB");
    }
    shown.push_str("\n\n");
    for rule in &report.rules {
        show(rule, &mut shown);
    }
    let broken = |level| {
        let mut rules = report.rules.iter();
        let broken = rules
            .by_ref()
            .filter(|rule| rule.standing == Standing::Broken);
        broken.filter(|rule| rule.level == level).count()
    };
    let kept = report
        .rules
        .iter()
        .filter(|rule| rule.standing == Standing::Kept)
        .count();
    let sum = match (broken(Level::Must), broken(Level::Should)) {
        (0, 0) => "none is broken".to_owned(),
        (must, should) => format!("{must} MUST and {should} SHOULD are broken"),
    };
    let rules = count(report.rules.len(), "rule", "rules");
    let _ = writeln!(shown, "\n{kept} of {rules} are kept; {sum}");
    shown
}

fn show(rule: &RuleReport, shown: &mut String) {
    let standing = match rule.standing {
        Standing::Kept => "kept",
        Standing::Broken => "BROKEN",
        Standing::NotTried => "not tried",
    };
    let _ = writeln!(shown, "{:4} {standing:9} {}", rule.id, rule.text);
    for finding in &rule.findings {
        let _ = writeln!(shown, "{:15}{finding}", "");
    }
}
