//! The last good `[alerts]`, in a file of the state folder: a configuration that can't be read any more, as it is no
//! text or its end is gone, says no one who is to be alerted of that.
//!
//! Only the account that sends, and root, can write to that folder, and alerts go out as that account: the file
//! is believed like the folder.

use std::path::Path;

use crate::{
    config::{Alerts, Reading, Sources},
    edit::files::{self, Access},
    site::{
        Site,
        health::{Health, Level},
    },
    trust,
};

/// The file's name.
const FILE: &str = "alerts.toml";

/// Who is alerted now.
pub(super) fn known(site: &Site, health: &Health) -> Alerts {
    let (own, file) = (&site.config.alerts, site.state.join(FILE));
    let mut states = health.states.iter();
    let is_sound =
        states.all(|state| state.about != Health::CONFIGURATION || state.level == Level::Ok);
    match (is_sound, own.is_off()) {
        (true, _) => {
            if let Err(error) = keep(&file, own) {
                tracing::warn!(
                    error = format!("{error:#}"),
                    "[alerts] can't be kept for when the configuration can't be read"
                );
            }
            own.clone()
        }
        // What is wrong is something else.
        (false, false) => own.clone(),
        (false, true) => read(&file),
    }
}

fn keep(file: &Path, alerts: &Alerts) -> anyhow::Result<()> {
    let known = trust::read_to_string(file).unwrap_or_default();
    let text = match alerts.is_off() {
        true => String::new(),
        false => alerts.text(),
    };
    if known == text {
        return Ok(());
    }
    let access = Access {
        owner: None,
        mode: 0o600,
    };
    Ok(files::replace(file, text.as_bytes(), access)?)
}

fn read(file: &Path) -> Alerts {
    let text = trust::read_to_string(file).unwrap_or_default();
    Reading::of(Sources::from_text(file, text)).config.alerts
}
