//! Where everything is, why there, and whether this account can use it.

use std::{
    fs,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use super::{Finding, note, ok, problem};
use crate::{
    check::files,
    cli::site::Site,
    config::{DEFAULT_PLUGINS_FOLDER, Fault, ResolvedPath},
    os::{
        accounts, disk,
        rights::{self, Rights},
    },
    secrets,
    trust::{self, FIX},
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

/// Whether senders, secrets and ledger can be told of: the state folder is one and can be read, and the secrets in it are
/// believed.
pub(super) fn is_usable(state: &Path) -> bool {
    let secrets = state.join(secrets::FOLDER);
    let mut all = in_state(state);
    all.retain(|path| path == state || path.starts_with(&secrets));
    let is_believed = || trust::faults(all.iter().map(PathBuf::as_path)).is_empty();
    state.is_dir() && rights::may_read(state).is_ok() && is_believed()
}

/// The state folder, and what is in it.
fn in_state(state: &Path) -> Vec<PathBuf> {
    let mut all = vec![state.to_owned()];
    all.extend(files::in_state(state));
    all
}

/// Whether a fault of the configuration is one that is found here, too: of a file or folder as a whole, or of what is in a
/// state folder that is none.
pub(super) fn have(site: &Site, fault: &Fault) -> bool {
    let (sources, plugins) = (&site.config.sources.main, &site.config.plugins.folder);
    let file = Path::new(&fault.file);
    let follows = !site.state.is_dir() && fault.remedy.starts_with("textsender secret set ");
    let is_whole = fault.key.is_empty() && fault.line == 0;
    let is_closed = fault.remedy.contains(FIX);
    let is_open = || {
        let remedies = ["chmod go= ", "chmod -R go= "];
        remedies.iter().any(|it| fault.remedy.starts_with(it))
    };
    let is_unusable = || {
        files::unusable_state(&site.config, &site.state).is_some()
            || rights::may_use_folder(&site.state).is_err()
    };
    follows
        || is_whole && (file == sources || file == plugins) && is_closed
        || is_whole && file == site.state && is_unusable()
        || is_whole && file.starts_with(&site.state) && is_open()
}

/// Secrets are read there and the ledger is written, both by the account that sends.
fn state_folder(site: &Site, chosen: &ResolvedPath) -> Finding {
    let path = &chosen.path;
    if let Some(fault) = files::unusable_state(&site.config, path) {
        let what = format!("state: {chosen} {}", fault.message);
        return problem("paths", what, fault.remedy);
    }
    if !path.is_dir() {
        return problem(
            "paths",
            format!("state: {chosen} is missing"),
            "textsender init",
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

/// What others can read of the state folder, or will be able to: however much it is, one command closes it.
fn open_to_others(state: &Path) -> Option<Finding> {
    const OTHERS: u32 = 0o077;
    if !state.is_dir() {
        return None;
    }
    let open = in_state(state).into_iter().filter_map(|path| {
        let mode = Rights::of(&fs::metadata(&path).ok()?).mode;
        (mode & OTHERS != 0).then_some((path, mode))
    });
    let open: Vec<_> = open.collect();
    let (path, mode) = open.first()?;
    let path = path.display();
    Some(match open.len() - 1 {
        0 => problem(
            "paths",
            format!(
                "{path} is open to others (mode {mode:04o}): what is in the state folder is its account's alone"
            ),
            format!("chmod go= {path}"),
        ),
        more => problem(
            "paths",
            format!(
                "{path} and {more} more are open to others (mode {mode:04o}): what is in the state folder is its account's alone"
            ),
            files::close_all(state),
        ),
    })
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
