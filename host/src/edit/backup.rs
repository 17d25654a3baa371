//! Everything that is needed to send as before, in one folder: configuration, policies, stored secrets,
//! the ledger as of one moment; and such a folder put back, with the owners and modes that it had.

use std::{
    io::Read,
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{
    error::EditError,
    files::{self, Access, Lock},
    journal::{self, Change},
    names,
};
use crate::{
    config::{Environment, POLICIES_FOLDER, Reading, Sources},
    ledger::{History, Ledger, LedgerError, Options},
    os::{accounts, rights::Rights},
    privilege, secrets, trust,
};

/// What is in a backup.
const MANIFEST: &str = "manifest.json";

/// The part of a backup that goes into the folder of the configuration.
const CONFIG: &str = "config";

/// The part that goes into the state folder.
const STATE: &str = "state";

/// What a backup came to, or a restore.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// How many files, but for the ledger.
    pub files: usize,
    /// Whether there is a ledger in it.
    pub has_ledger: bool,
    /// When it was made.
    pub at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Manifest {
    version: u32,
    at: Timestamp,
    has_ledger: bool,
    files: Vec<Saved>,
}

/// A file of a backup: where it is in it, and whose it was.
#[derive(Serialize, Deserialize)]
struct Saved {
    /// `config/...` or `state/...`.
    path: PathBuf,
    owner: String,
    mode: u32,
}

/// Copies everything into a folder that is made for it, and which only this account can read: secrets are
/// in it.
///
/// # Errors
///
/// Something can't be read, or the folder is there already.
pub fn back_up(main: &Path, state: &Path, into: &Path, on_wait: fn()) -> Result<Copied, EditError> {
    names::is_there(main)?;
    let folder = names::folder_of(main);
    // No change is half in it.
    let _lock = Lock::of(&folder, on_wait)?;
    if !files::make_folder(into, private_folder())? {
        return Err(EditError::refused(format!(
            "{} already exists",
            into.display()
        )));
    }
    let mut manifest = Manifest {
        version: 1,
        at: Timestamp::now(),
        has_ledger: false,
        files: Vec::new(),
    };
    let mut config = vec![PathBuf::from(names::file_name(main))];
    config.extend(listed(&folder, Path::new(POLICIES_FOLDER)));
    config.push(journal::FILE.into());
    config.push("plugins.lock".into());
    let mut kept = listed(state, Path::new(secrets::FOLDER));
    kept.push(journal::FILE.into());
    kept.push(secrets::EXPIRY.into());
    if !state.join("ledger.sqlite3").exists() {
        // Of a ledger that is shared, what is here is its key.
        kept.push("ledger.key".into());
    }
    for (part, root, paths) in [(CONFIG, &folder, config), (STATE, &state.to_owned(), kept)] {
        for path in paths.iter().filter(|path| root.join(path).is_file()) {
            let saved = save(&root.join(path), into, &Path::new(part).join(path))?;
            manifest.files.push(saved);
        }
    }
    manifest.has_ledger = copy_ledger(state, &into.join(STATE))?;
    // It has nothing that JSON can't say.
    let json = serde_json::to_vec_pretty(&manifest).unwrap_or_default();
    files::replace(&into.join(MANIFEST), &json, private())?;
    Ok(Copied {
        files: manifest.files.len(),
        has_ledger: manifest.has_ledger,
        at: manifest.at,
    })
}

/// Puts a backup back: the configuration to `main`, the rest into the state folder that it names. The
/// account that sends gets the state folder.
///
/// # Errors
///
/// It is no backup, or something can't be written.
pub fn restore(from: &Path, main: &Path, on_wait: fn()) -> Result<Copied, EditError> {
    let path = from.join(MANIFEST);
    if !path.exists() && from.read_dir().is_ok() {
        return Err(EditError::refused(format!(
            "{} is not a backup: there is no {MANIFEST} in it; name a folder that `textsender backup` made",
            from.display()
        )));
    }
    let json = read(&path)?;
    let manifest: Manifest = serde_json::from_slice(&json).map_err(|error| {
        EditError::refused(format!(
            "{} is not a backup of textsender: {error}",
            from.display()
        ))
    })?;
    is_whole(from, &manifest)?;
    let folder = names::folder_of(main);
    files::make_folder(
        &folder,
        Access {
            owner: None,
            mode: 0o755,
        },
    )?;
    let _lock = Lock::of(&folder, on_wait)?;
    let of_config = manifest
        .files
        .iter()
        .filter(|file| file.path.starts_with(CONFIG));
    for file in of_config {
        put_back(file, from, CONFIG, &folder, None)?;
    }
    let config = Reading::of(Sources::read(main)).config;
    let environment = Environment::current();
    let state = environment
        .state_folder(config.state.folder.as_deref())
        .path;
    let owner = owner_of_state(&config.state, &state, &manifest)?;
    let private = Access { owner, mode: 0o700 };
    if let Some((user, group)) = owner {
        // What another account owns there is handed over first.
        trust::accept_owner(user);
        super::repair::give(&state, user, group)?;
    }
    files::make_folder(&state, private)?;
    files::make_folder(&state.join(secrets::FOLDER), private)?;
    let of_state = manifest
        .files
        .iter()
        .filter(|file| file.path.starts_with(STATE));
    for file in of_state {
        put_back(file, from, STATE, &state, owner)?;
    }
    if manifest.has_ledger {
        Ledger::restore(&state, &from.join(STATE), &Options::default()).map_err(ledger)?;
    }
    if let Some((user, group)) = owner.filter(|_| accounts::is_root()) {
        super::repair::give(&state, user, group)?;
    }
    let what = format!("restore the backup of {}", manifest.at);
    journal::open(&folder)?.add(&Change::now(what, Vec::new(), false))?;
    Ok(Copied {
        files: manifest.files.len(),
        has_ledger: manifest.has_ledger,
        at: manifest.at,
    })
}

/// Whose the state folder is to be: the recorded account's, else that of the secrets in the backup.
fn owner_of_state(
    settings: &crate::config::State,
    state: &Path,
    manifest: &Manifest,
) -> Result<Option<(u32, u32)>, EditError> {
    if !accounts::is_root() {
        return Ok(None);
    }
    let recorded = privilege::sending_account(settings, state);
    if let Some(account) = recorded.map_err(EditError::io(state, "given to its account"))? {
        return Ok(Some((account.user, account.group)));
    }
    let saved = manifest
        .files
        .iter()
        .find(|file| file.path.starts_with(STATE));
    let account = saved.and_then(|file| accounts::named(&file.owner).ok().flatten());
    Ok(account.map(|account| (account.user, account.group)))
}

/// The files of a folder below another, by name.
fn listed(root: &Path, folder: &Path) -> Vec<PathBuf> {
    let entries = root.join(folder).read_dir().into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.file_name())
        .filter(|name| !name.as_encoded_bytes().starts_with(b"."))
        .map(|name| folder.join(name))
        .collect();
    paths.sort();
    paths
}

fn save(source: &Path, into: &Path, path: &Path) -> Result<Saved, EditError> {
    let saved = || {
        let mut file = trust::open(source)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok((Rights::of(&file.metadata()?), bytes))
    };
    let (Rights { user, mode, .. }, bytes) = saved().map_err(EditError::io(source, "read"))?;
    let target = into.join(path);
    files::make_folder(&names::folder_of(&target), private_folder())?;
    files::replace(&target, &bytes, private())?;
    Ok(Saved {
        path: path.to_owned(),
        owner: accounts::name_of(user),
        mode,
    })
}

/// Looks at everything in a backup before anything is replaced by it.
fn is_whole(from: &Path, manifest: &Manifest) -> Result<(), EditError> {
    for file in &manifest.files {
        for part in [CONFIG, STATE] {
            if file.path.starts_with(part) {
                place_in(file, part)?;
                read(&from.join(&file.path))?;
            }
        }
    }
    if !manifest.has_ledger {
        return Ok(());
    }
    match History::open(&from.join(STATE), &Options::default()) {
        Err(error @ LedgerError::Corrupt { .. }) => {
            Err(EditError::refused(format!("nothing was restored: {error}")))
        }
        // What else may be in the way is not in the way of a copy.
        _ => Ok(()),
    }
}

/// Where a file of a part of the backup belongs.
fn place_in<'f>(file: &'f Saved, part: &str) -> Result<&'f Path, EditError> {
    // The manifest may have been written by another: nothing leaves the folder.
    let inside = file.path.strip_prefix(part).ok().filter(|path| {
        path.components()
            .all(|part| matches!(part, std::path::Component::Normal(_)))
    });
    inside.ok_or_else(|| {
        EditError::refused(format!("{} is not a file of a backup", file.path.display()))
    })
}

/// One file; `owner` for what belongs to the account that sends.
fn put_back(
    file: &Saved,
    from: &Path,
    part: &str,
    root: &Path,
    owner: Option<(u32, u32)>,
) -> Result<(), EditError> {
    let path = place_in(file, part)?;
    let source = from.join(&file.path);
    let bytes = read(&source)?;
    let target = root.join(path);
    let open = Access {
        owner: None,
        mode: 0o755,
    };
    files::make_folder(&names::folder_of(&target), open)?;
    let recorded = || {
        let account = accounts::named(&file.owner).ok().flatten()?;
        accounts::is_root().then_some((account.user, account.group))
    };
    let access = Access {
        owner: owner.or_else(recorded),
        mode: file.mode,
    };
    files::replace(&target, &bytes, access)
}

fn copy_ledger(state: &Path, into: &Path) -> Result<bool, EditError> {
    files::make_folder(into, private_folder())?;
    match History::open(state, &Options::default()) {
        Ok(history) => history.copy_into(into).map_err(ledger).map(|()| true),
        Err(LedgerError::Absent { .. }) => Ok(false),
        Err(error) => Err(ledger(error)),
    }
}

fn ledger(error: LedgerError) -> EditError {
    EditError::refused(error.to_string())
}

/// A file of a backup: an account that can write to it could write to everything.
fn read(path: &Path) -> Result<Vec<u8>, EditError> {
    let read = || {
        let mut bytes = Vec::new();
        trust::open_named(path)?.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map_err(EditError::io(path, "read"))
}

fn private_folder() -> Access {
    Access {
        owner: None,
        mode: 0o700,
    }
}

fn private() -> Access {
    Access {
        owner: None,
        mode: 0o600,
    }
}
