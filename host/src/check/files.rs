//! Owner and mode of everything that is read: a user who can write to it decides who gets codes.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    config::{Config, Fault, POLICIES_FOLDER, Setting, Trust},
    directory::SNAPSHOTS,
    os::{accounts, rights::Rights},
    plugins::{folder, lock::Lock},
    privilege::sending_account,
    secrets, transport,
    trust::{self, FIX},
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
    let unsafe_ones = unsafe_ones.into_iter().map(|found| {
        let found = found.in_state(state);
        Fault::of_file(found.path(), found.fault(), found.remedy())
    });
    let closed = no_state(config, state).into_iter();
    let closed = closed.chain(of_state(config, state));
    let closed = closed.chain(of_plugins(&config.plugins.folder));
    closed.chain(unsafe_ones).chain(ca_files(config)).collect()
}

/// The faults but for those that follow from one of a file: of a folder that is closed, what is in it is no
/// further fault.
pub(super) fn without_followers(
    faults: Vec<Fault>,
    of_files: &[Fault],
    state: &Path,
) -> Vec<Fault> {
    let is_told = of_files
        .iter()
        .any(|fault| fault.remedy == FIX || Path::new(&fault.file).starts_with(state));
    let faults = faults.into_iter();
    faults
        .filter(|fault| !(is_told && fault.remedy == FIX))
        .collect()
}

/// The state folder, where an account is named that is to send and root has to make it for that one.
fn no_state(config: &Config, state: &Path) -> Option<Fault> {
    let owner = config.state.owner.as_ref()?;
    let is_absent = fs::metadata(state).is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
    let words = format!("is missing, and {} sends with it", owner.value);
    is_absent.then(|| Fault::of_file(state, words, "sudo textsender init"))
}

/// The state folder, where it belongs to root and another account sends: what is anyone else's is not
/// believed.
fn of_state(config: &Config, state: &Path) -> Option<Fault> {
    let account = sending_account(&config.state, state).ok()??;
    let owner = Rights::of(&fs::metadata(state).ok()?).user;
    if owner != 0 || account.user == 0 {
        return None;
    }
    let words = format!("belongs to root, and {} sends", account.name);
    Some(Fault::of_file(state, words, FIX))
}

/// The folder of plugins, where the account that sends can't look into it.
fn of_plugins(folder: &Path) -> Option<Fault> {
    let error = fs::read_dir(folder).err()?;
    let is_closed = error.kind() == io::ErrorKind::PermissionDenied;
    let words = format!("can't be read by {}", accounts::own_name());
    is_closed.then(|| Fault::of_file(folder, words, FIX))
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
    let password = config.http.proxy_password.as_ref();
    let directories = config.directories.values();
    let passwords = directories.filter_map(|directory| directory.password.as_ref());
    paths.extend(passwords.chain(password).filter_map(secrets::file_referred));
    let directories = config.directories.values();
    paths.extend(directories.filter_map(|directory| directory.ca_file.clone()));
    paths.extend(
        config
            .state
            .shared
            .iter()
            .filter_map(|shared| shared.ca_file.clone()),
    );
    let tls = config.serve.tls.iter();
    paths.extend(tls.flat_map(|tls| [tls.certificate.clone(), tls.key.clone()]));
    paths.extend(config.alerts.command.first().map(PathBuf::from));
    // What is stored and what was synced, as far as it can be listed.
    for folder in [secrets::FOLDER, SNAPSHOTS].map(|name| state.join(name)) {
        let entries = folder.read_dir().into_iter().flatten();
        paths.extend(entries.filter_map(|entry| Some(entry.ok()?.path())));
        paths.push(folder);
    }
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
