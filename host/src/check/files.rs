//! Owner and mode of everything that is read: a user who can write to it decides who gets codes.

use std::path::{Path, PathBuf};

use crate::{
    config::{Config, Fault, POLICIES_FOLDER, Setting, Trust},
    plugins::{folder, lock::Lock},
    secrets, transport,
    trust::{self, Unsafe},
};

pub(super) fn faults(config: &Config, state: &Path) -> Vec<Fault> {
    let paths = paths(config, state);
    let main = config.sources.main.as_path();
    // The main file can't vouch for itself: it is judged before its word counts.
    trust::accept_groups(Vec::new());
    let mut unsafe_ones = trust::faults([main]);
    trust::accept_groups(config.trusted.groups.clone());
    unsafe_ones.extend(trust::faults(paths.iter().map(PathBuf::as_path)));
    unsafe_ones.dedup();
    let unsafe_ones = unsafe_ones
        .iter()
        .map(|found| Fault::of_file(found.path(), found.fault(), remedy(found, state)));
    unsafe_ones.chain(ca_files(config)).collect()
}

/// What is in the state folder belongs to the account that sends: to give it to root would keep that
/// account from sending.
fn remedy(found: &Unsafe, state: &Path) -> String {
    match found {
        Unsafe::Owner { path, .. } if path.starts_with(state) => {
            "sudo textsender doctor --fix".to_owned()
        }
        found => found.remedy(),
    }
}

/// Everything that is believed. What is not there is reported where it is needed.
fn paths(config: &Config, state: &Path) -> Vec<PathBuf> {
    let senders = config.senders.values();
    let libraries = senders.map(|sender| folder::find(&config.plugins, &sender.plugin));
    let settings = config.senders.values().flat_map(|s| s.settings.values());
    let secret_files = settings.filter_map(|setting| match &setting.value {
        Setting::Secret(reference) => secrets::file_referred(reference),
        Setting::Value(_) => None,
    });
    let mut paths: Vec<PathBuf> = config.sources.paths().map(Path::to_path_buf).collect();
    paths.push(config.sources.main.with_file_name(POLICIES_FOLDER));
    paths.extend(libraries);
    if config.plugins.trust == Trust::Pinned {
        paths.push(Lock::beside(&config.sources.main));
    }
    paths.push(state.to_owned());
    paths.extend(config.http.ca_file.clone());
    paths.extend(secret_files);
    // The secrets that are stored, as far as they can be listed.
    let stored = state.join(secrets::FOLDER);
    let entries = stored.read_dir().into_iter().flatten();
    paths.extend(entries.filter_map(|entry| Some(entry.ok()?.path())));
    paths.push(stored);
    paths
}

fn ca_files(config: &Config) -> impl Iterator<Item = Fault> {
    let senders = config.senders.values().map(|sender| &sender.http);
    let mut files: Vec<&PathBuf> = senders
        .chain([&config.http])
        .filter_map(|http| http.ca_file.as_ref())
        .collect();
    files.sort();
    files.dedup();
    files.into_iter().filter_map(|file| {
        let words = transport::check_ca_file(file).err()?;
        let named = format!("ca_file {}: ", file.display());
        let words = words.strip_prefix(&named).unwrap_or(&words);
        let remedy =
            "name a PEM file with the certificates to trust in `ca_file`, or remove the key";
        Some(Fault::of_file(file, words, remedy))
    })
}
