//! Each directory: whether its servers let this account in, and what they say of links and bound objects.

use super::{Finding, ok, problem, warning};
use crate::{
    cli::site::{Site, block_on},
    directory::{self, AllLooked, Directories},
    protocol::ErrorCode,
};

const AREA: &str = "directories";

/// How they are, for `health` as well: each is logged in to once.
pub(super) fn look(site: &Site) -> anyhow::Result<(AllLooked, Vec<Finding>)> {
    let Some(directories) = Directories::of(&site.config, &site.state) else {
        return Ok(Default::default());
    };
    let within = site.config.sending.timeout;
    let asked = async {
        (
            directories.look().await,
            directories.findings(true, within).await,
        )
    };
    let (looked, found) = block_on(asked)?;
    let mut all = Vec::new();
    for (name, found) in found {
        match found {
            Ok(found) => {
                all.push(ok(AREA, format!("{name}: a server answers")));
                all.extend(found.iter().map(|finding| one(name, finding)));
            }
            Err(failure) => {
                let remedy = match failure.code {
                    ErrorCode::DirectoryMissing => "install the package textsender-directory",
                    _ => "textsender directory check shows whether it is right",
                };
                all.push(problem(AREA, format!("{name}: {failure}"), remedy));
            }
        }
    }
    Ok((looked, all))
}

fn one(name: &str, finding: &directory::Finding) -> Finding {
    let what = format!("{name}: {}: {}", finding.of, finding.what);
    match finding.is_fault {
        true => problem(AREA, what, "see docs/directory.md"),
        false => warning(AREA, what),
    }
}
