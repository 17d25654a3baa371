//! Owner and mode of everything that is read: a user who can write to it decides who gets codes.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    config::{Config, Fault, POLICIES_FOLDER, Setting, Trust},
    directory::SNAPSHOTS,
    os::{
        accounts,
        rights::{self, Rights},
    },
    plugins::{DECLARED_HOSTS, folder, lock::Lock},
    privilege::{NOT_A_FOLDER, make_folder, sending_account},
    secrets, transport,
    trust::{self, FIX, Unsafe},
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
    let found = unsafe_ones.into_iter().map(|found| found.in_state(state));
    let (open, others): (Vec<_>, Vec<_>) =
        found.partition(|found| matches!(found, Unsafe::StateMode { .. }));
    let unsafe_ones = others
        .iter()
        .map(|found| Fault::of_file(found.path(), found.fault(), found.remedy()))
        .chain(open_state(&open, state));
    let closed = unusable_state(config, state).into_iter();
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

/// What others can write of the state folder: however much it is, one command closes it.
fn open_state(open: &[Unsafe], state: &Path) -> Option<Fault> {
    let first = open.first()?;
    Some(match open.len() - 1 {
        0 => Fault::of_file(first.path(), first.fault(), first.remedy()),
        more => Fault::of_file(
            first.path(),
            format!("and {more} more in the state folder {}", first.fault()),
            close_all(state),
        ),
    })
}

/// The command that leaves the state folder, and all that is in it, to its owner.
pub fn close_all(state: &Path) -> String {
    format!("chmod -R go= {}", state.display())
}

/// The state folder, where it is none, is closed to its own account, or has to be made by root for the account that is
/// named to send: whatever else seems wrong with secrets and ledger follows from that.
pub fn unusable_state(config: &Config, state: &Path) -> Option<Fault> {
    let (owner, shown) = (config.state.owner.as_ref(), state.display());
    let sudo = owner.map_or("", |_| "sudo ");
    let (what, remedy) = match (fs::metadata(state), owner) {
        (Err(error), Some(owner)) if error.kind() == io::ErrorKind::NotFound => (
            format!("is missing, and {} sends with it", owner.value),
            "sudo textsender init".to_owned(),
        ),
        (Ok(found), _) if !found.is_dir() => (NOT_A_FOLDER.to_owned(), make_folder(state, sudo)),
        (Ok(found), _) if is_closed_to_me(&found, state) => {
            let mode = Rights::of(&found).mode;
            (
                format!("is closed to its own account (mode {mode:04o})"),
                format!("chmod 0700 {shown}"),
            )
        }
        _ => return None,
    };
    Some(Fault::of_file(state, what, remedy))
}

fn is_closed_to_me(folder: &fs::Metadata, path: &Path) -> bool {
    let denied = |error: io::Error| error.kind() == io::ErrorKind::PermissionDenied;
    Rights::of(folder).user == accounts::own() && rights::may_use_folder(path).is_err_and(denied)
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
    paths.extend(in_state(state));
    paths
}

/// What is in the state folder of secrets, of what was synced and of the hosts that were declared, as far as it can
/// be listed.
pub fn in_state(state: &Path) -> Vec<PathBuf> {
    let mut paths = Vec::new();
    for folder in [secrets::FOLDER, SNAPSHOTS, DECLARED_HOSTS].map(|name| state.join(name)) {
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
