//! Callers of the hub whose secret is not stored: the hub refuses each of their requests.

use std::path::Path;

use crate::{
    config::{Config, Fault},
    secrets,
};

pub(super) fn warnings(config: &Config, state: &Path) -> Vec<Fault> {
    // Through the socket the system says who calls.
    if config.serve.http.is_none() {
        return Vec::new();
    }
    let is_stored = |name: &str| {
        let stored = |key: &str| secrets::file_of(state, "serve", key).try_exists();
        // What can't be seen may well be there.
        stored(name).unwrap_or(true) || stored(&format!("{name}.next")).unwrap_or(true)
    };
    let callers = config.callers.iter();
    let without = callers.filter(|(name, _)| !is_stored(name));
    without
        .map(|(name, caller)| {
            let key = format!("callers.{name}");
            let message =
                "no token or signing key is stored for it: its requests over HTTP are refused";
            let remedy = format!("textsender secret set serve.{name}");
            config.sources.fault(caller.place, key, message, remedy)
        })
        .collect()
}
