//! Directories, as far as they can be looked at offline: whether there is a snapshot that has every bound object.

use std::{path::Path, time::Duration};

use crate::{
    config::{Config, Fault},
    directory::{Directories, Finding},
};

/// How long the program may take that reads snapshots.
const PATIENCE: Duration = Duration::from_secs(10);

/// Faults, and what is only warned of.
pub(super) async fn judge(config: &Config, state: &Path) -> (Vec<Fault>, Vec<Fault>) {
    let (mut faults, mut warnings) = (Vec::new(), Vec::new());
    // Without a bound policy no snapshot is needed.
    if config
        .policies
        .iter()
        .all(|policy| policy.binding.is_none())
    {
        return (faults, warnings);
    }
    let Some(directories) = Directories::of(config, state) else {
        return (faults, warnings);
    };
    for (name, found) in directories.findings(false, PATIENCE).await {
        match found {
            Ok(findings) => {
                for finding in findings {
                    let fault = placed(config, name, &finding);
                    match finding.is_fault {
                        true => faults.push(fault),
                        false => warnings.push(fault),
                    }
                }
            }
            Err(failure) => {
                let place = config.directories[name].place;
                let key = format!("directories.{name}");
                let remedy = failure.code.remedy();
                faults.push(
                    config
                        .sources
                        .fault(place, key, failure.to_string(), remedy),
                );
            }
        }
    }
    (faults, warnings)
}

/// At the policy that is meant, or at the directory.
fn placed(config: &Config, directory: &str, finding: &Finding) -> Fault {
    let mut policies = config.policies.iter();
    let policy = policies.find(|policy| policy.name.value == finding.of);
    let binding = policy.and_then(|policy| policy.binding.as_ref());
    let (place, key) = match binding {
        Some(binding) => (binding.place, "gpo".to_owned()),
        None => (
            config.directories[directory].place,
            format!("directories.{directory}"),
        ),
    };
    let remedy = "textsender directory check says more";
    config
        .sources
        .fault(place, key, finding.what.clone(), remedy)
}
