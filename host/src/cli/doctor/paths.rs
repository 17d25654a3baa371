//! Where everything is, why there, and whether this account can use it.

use std::{fs, io::ErrorKind, path::Path};

use super::{Finding, note, ok, problem};
use crate::{
    cli::site::Site,
    config::{DEFAULT_PLUGINS_FOLDER, Fault, ResolvedPath},
    os::{
        accounts, disk,
        rights::{self, Rights},
    },
    secrets,
    trust::FIX,
};

pub(super) fn findings(site: &Site, main: &ResolvedPath, state: &ResolvedPath) -> Vec<Finding> {
    let mut findings = vec![readable("configuration", main)];
    findings.push(state_folder(site, state));
    let plugins = &site.config.plugins.folder;
    let why = match plugins == Path::new(DEFAULT_PLUGINS_FOLDER) {
        true => "the default",
        false => "named by [plugins] folder",
    };
    findings.push(match fs::read_dir(plugins) {
        Ok(_) => ok(
            "paths",
            format!("plugins: {} ({why}{})", plugins.display(), owner(plugins)),
        ),
        Err(error) if error.kind() == ErrorKind::PermissionDenied => problem(
            "paths",
            format!(
                "plugins: {} ({why}) can't be read by {}",
                plugins.display(),
                accounts::own_name()
            ),
            let_read(plugins),
        ),
        Err(_) => problem(
            "paths",
            format!("plugins: {} ({why}) is not a folder", plugins.display()),
            "install the package, or correct [plugins] folder",
        ),
    });
    findings.extend(open_to_others(&state.path));
    findings.extend(roots_own(&state.path));
    findings
}

fn readable(name: &str, chosen: &ResolvedPath) -> Finding {
    let path = &chosen.path;
    match rights::may_read(path) {
        Ok(()) => ok("paths", format!("{name}: {chosen}{}", owner(path))),
        Err(error) => problem(
            "paths",
            format!(
                "{name}: {chosen} can't be read by {}: {error}",
                accounts::own_name()
            ),
            let_read(path),
        ),
    }
}

/// What lets this account read a file or folder of ours.
fn let_read(path: &Path) -> String {
    let above: Vec<&Path> = path.ancestors().collect();
    let is_hidden = |path: &&&Path| {
        fs::metadata(path).is_err_and(|error| error.kind() == ErrorKind::PermissionDenied)
    };
    // The highest that can't be seen is in the folder that is closed.
    let closed = above.iter().rev().find(is_hidden);
    match closed.and_then(|path| path.parent()) {
        Some(folder) => format!("chmod a+x {}", folder.display()),
        None => FIX.to_owned(),
    }
}

/// Whether a fault of the configuration is one that is found here, too: of a file or folder as a whole.
pub(super) fn have(site: &Site, fault: &Fault) -> bool {
    let ours = [
        &site.config.sources.main,
        &site.config.plugins.folder,
        &site.state,
    ];
    let is_whole = fault.key.is_empty() && fault.line == 0;
    is_whole && ours.into_iter().any(|path| *path == Path::new(&fault.file)) && is_closed(fault)
}

/// Whether it says that something can't be read or written, and not that it is unsafe.
fn is_closed(fault: &Fault) -> bool {
    fault.remedy.contains(FIX)
}

/// Secrets are read there and the ledger is written, both by the account that sends.
fn state_folder(site: &Site, chosen: &ResolvedPath) -> Finding {
    let path = &chosen.path;
    if !path.is_dir() {
        return problem(
            "paths",
            format!("state: {chosen} is not a folder"),
            "make it with `textsender init`",
        );
    }
    match rights::may_use_folder(path) {
        Ok(()) if disk::is_full(path) => problem(
            "paths",
            format!(
                "state: {chosen} is on a disk that is full: nothing can be recorded, so nothing is sent"
            ),
            "make room on it",
        ),
        Ok(()) => ok("paths", format!("state: {chosen}{}", owner(path))),
        Err(error) if error.kind() == ErrorKind::ReadOnlyFilesystem => problem(
            "paths",
            format!("state: {chosen} is on a read-only file system"),
            "mount it writable, or name another [state] folder",
        ),
        Err(_) => problem(
            "paths",
            format!(
                "state: {chosen}{} can't be written by {}, who sends",
                owner(path),
                accounts::own_name()
            ),
            match site.config.state.owner {
                Some(_) => FIX.to_owned(),
                None => format!("sudo textsender init --owner {}", accounts::own_name()),
            },
        ),
    }
}

/// Where root itself sends, plugins run as an account that owns nothing; but nothing else is kept from
/// what root may do.
fn roots_own(state: &Path) -> Option<Finding> {
    let owner = Rights::of(&fs::metadata(state).ok()?).user;
    (accounts::is_root() && owner == 0).then(|| {
        note(
            "paths",
            "the state folder belongs to root, so root sends; name an account that does: textsender init --owner NAME",
        )
    })
}

/// Secrets that others can read, or will be able to.
fn open_to_others(state: &Path) -> Vec<Finding> {
    const OTHERS: u32 = 0o077;
    let folder = state.join(secrets::FOLDER);
    let entries = fs::read_dir(&folder).into_iter().flatten();
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let all = [state.to_owned(), folder].into_iter().chain(files);
    let open = all.filter_map(|path| {
        let mode = Rights::of(&fs::metadata(&path).ok()?).mode;
        (mode & OTHERS != 0).then_some((path, mode))
    });
    open.map(|(path, mode)| {
        let remedy = format!("chmod go= {}", path.display());
        problem(
            "paths",
            format!(
                "{} is open to others (mode {mode:04o}), and holds secrets",
                path.display()
            ),
            remedy,
        )
    })
    .collect()
}

fn owner(path: &Path) -> String {
    match fs::metadata(path) {
        Ok(metadata) => {
            let Rights { user, mode, .. } = Rights::of(&metadata);
            format!(", owner {}, mode {mode:04o}", accounts::name_of(user))
        }
        Err(_) => String::new(),
    }
}
