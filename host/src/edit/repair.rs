//! Owners and modes, put right: the state folder is the sending account's alone, and what decides where
//! messages go is root's, or the account's, to write.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use super::error::EditError;
use crate::{
    config::{Config, POLICIES_FOLDER, Sources},
    os::{
        accounts,
        rights::{self, Rights},
    },
    privilege::SendingAccount,
    trust::{self, Unsafe},
};

/// Something that is not as it should be with a file or folder, and what it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repair {
    /// The file or folder.
    pub path: PathBuf,
    /// What is to be changed.
    pub change: RightsChange,
}

/// A change of a file's rights.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RightsChange {
    /// It gets this user and group.
    Owner {
        /// The user's number.
        user: u32,
        /// The group's number.
        group: u32,
    },
    /// It gets this mode.
    Mode(u32),
    /// It is made, as a folder of the account.
    Made {
        /// The user's number.
        user: u32,
        /// The group's number.
        group: u32,
    },
}

impl Repair {
    /// The command that does the same.
    pub fn command(&self) -> String {
        let path = self.path.display();
        match self.change {
            RightsChange::Owner { user, .. } => {
                format!("chown {}: {path}", accounts::name_of(user))
            }
            RightsChange::Mode(mode) => format!("chmod {mode:04o} {path}"),
            RightsChange::Made { user, .. } => format!(
                "install -d -m 0700 -o {0} -g {0} {path}",
                accounts::name_of(user)
            ),
        }
    }

    /// Does it.
    ///
    /// # Errors
    ///
    /// This account may not.
    pub fn make(&self) -> Result<(), EditError> {
        let path = &self.path;
        let failed = |error| EditError::io(path, "put right")(error);
        if let RightsChange::Made { user, group } = self.change {
            let made = trust::make_folder(path, 0o755).map_err(failed)?;
            let given = made.map(|folder| rights::give(&folder, user, group));
            return given.unwrap_or(Ok(())).map_err(failed);
        }
        let file = trust::open_to_repair(path).map_err(failed)?;
        match self.change {
            RightsChange::Owner { user, group } => rights::give(&file, user, group),
            RightsChange::Mode(mode) => rights::set_mode(&file, mode),
            RightsChange::Made { .. } => Ok(()),
        }
        .map_err(failed)
    }
}

/// Everything that is to be put right for this account to send, and for others not to.
pub fn needed(config: &Config, state: &Path, account: &SendingAccount) -> Vec<Repair> {
    let mut repairs = Vec::new();
    if !state.exists() {
        let change = RightsChange::Made {
            user: account.user,
            group: account.group,
        };
        let path = state.to_owned();
        return vec![Repair { path, change }];
    }
    for path in tree(state) {
        let Ok(metadata) = fs::metadata(&path) else {
            continue;
        };
        let Rights { user, mode, .. } = Rights::of(&metadata);
        if user != account.user {
            let change = RightsChange::Owner {
                user: account.user,
                group: account.group,
            };
            let path = path.clone();
            repairs.push(Repair { path, change });
        }
        // What is in a folder that its own account can't use is seen once it can.
        let least = if metadata.is_dir() {
            0o700
        } else {
            mode & 0o700
        };
        if mode & 0o077 != 0 || mode & 0o700 != least {
            let change = RightsChange::Mode(least | mode & 0o700);
            repairs.push(Repair { path, change });
        }
    }
    repairs.extend(of_configuration(config, account));
    repairs
}

/// The configuration's files and the plugins: written by root or the account alone.
fn of_configuration(config: &Config, account: &SendingAccount) -> Vec<Repair> {
    let main = &config.sources.main;
    let mut paths: Vec<PathBuf> = config.sources.paths().map(Path::to_path_buf).collect();
    paths.push(super::names::folder_of(main));
    paths.push(main.with_file_name(POLICIES_FOLDER));
    paths.extend(tree(&config.plugins.folder));
    let further = config.plugins.further_folders.iter();
    paths.extend(further.flat_map(|folder| tree(folder)));
    paths.sort();
    paths.dedup();
    let mut repairs = Vec::new();
    for path in paths {
        let Ok(metadata) = fs::metadata(&path) else {
            continue;
        };
        let Rights { user, group, mode } = Rights::of(&metadata);
        let is_open = trust::faults([path.as_path()])
            .iter()
            .any(|found| matches!(found, Unsafe::Mode { path: open, .. } | Unsafe::Group { path: open, .. } if *open == path));
        if user != 0 && user != account.user && user != accounts::own() {
            let change = RightsChange::Owner { user: 0, group: 0 };
            let path = path.clone();
            repairs.push(Repair { path, change });
        }
        // What the account can't read, it can't send with.
        let readable = if metadata.is_dir() { 0o555 } else { 0o444 };
        let by = match (user == account.user, group == account.group) {
            (true, _) => 0o700,
            (false, true) => 0o770,
            (false, false) => 0o777,
        };
        let kept = if is_open { mode & !0o022 } else { mode };
        let needed = kept | (readable & by);
        if needed != mode {
            let change = RightsChange::Mode(needed);
            repairs.push(Repair { path, change });
        }
    }
    repairs
}

/// The modes by which others can write to the configuration's own files: to be put right before a word in
/// them is believed.
pub fn of_own_files(sources: &Sources) -> Vec<Repair> {
    let mut paths: Vec<PathBuf> = sources.paths().map(Path::to_path_buf).collect();
    paths.push(super::names::folder_of(&sources.main));
    paths.push(sources.main.with_file_name(POLICIES_FOLDER));
    let found = trust::faults(paths.iter().map(PathBuf::as_path));
    let open = found.iter().filter_map(|found| match found {
        Unsafe::Mode { path, mode } | Unsafe::Group { path, mode, .. } => Some((path, mode)),
        _ => None,
    });
    let own = open.filter(|(path, _)| paths.contains(path));
    own.map(|(path, mode)| Repair {
        path: path.clone(),
        change: RightsChange::Mode(mode & !0o022),
    })
    .collect()
}

/// Gives a folder with all that is in it to an account; returns how many files and folders that changed.
///
/// # Errors
///
/// Only root may.
pub fn give(folder: &Path, user: u32, group: u32) -> Result<usize, EditError> {
    let mut given = 0;
    for path in tree(folder) {
        let failed = |error| EditError::io(&path, "given away")(error);
        let file = match trust::open_to_repair(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
        };
        if Rights::of(&file.metadata().map_err(failed)?).user != user {
            rights::give(&file, user, group).map_err(failed)?;
            given += 1;
        }
    }
    Ok(given)
}

/// A folder and what is below it. Links are left alone: what they lead to is elsewhere.
fn tree(folder: &Path) -> Vec<PathBuf> {
    let mut found = vec![folder.to_owned()];
    let mut next = 0;
    while let Some(path) = found.get(next).cloned() {
        next += 1;
        let entries = path.read_dir().into_iter().flatten().flatten();
        let inside = entries.filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_symlink()));
        found.extend(inside.map(|entry| entry.path()));
    }
    found
}
