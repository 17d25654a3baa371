//! Why a file or folder is not believed.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use crate::os::accounts;

/// The command that puts owners and modes right, of all that is textsender's.
pub const FIX: &str = "sudo textsender doctor --fix";

/// Why a file or folder is not believed. Displays with its remedy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unsafe {
    /// It belongs to another account.
    Owner {
        /// The file.
        path: PathBuf,
        /// Its owner's number.
        owner: u32,
    },
    /// It is in the state folder, and belongs to another account than the one that sends. To give it to root,
    /// as other files, would keep that account from sending.
    StateOwner {
        /// The file.
        path: PathBuf,
        /// Its owner's number.
        owner: u32,
    },
    /// It is in the state folder, which is one account's alone, and others can write to it.
    StateMode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It belongs to an account that this user namespace does not know.
    Unmapped {
        /// The file.
        path: PathBuf,
        /// The number that stands for all such accounts.
        owner: u32,
    },
    /// Everyone can write to it.
    Mode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A group can write to it that has other members, or members that can't be known.
    Group {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
        /// The group's number.
        group: u32,
    },
    /// Its access list lets another account write.
    List {
        /// The file.
        path: PathBuf,
        /// That account's number.
        user: u32,
    },
}

impl Unsafe {
    /// It belongs to this account, which is not believed.
    pub(super) fn owner(path: &Path, owner: u32) -> Self {
        let path = path.to_owned();
        match accounts::is_unmapped(owner) {
            true => Self::Unmapped { path, owner },
            false => Self::Owner { path, owner },
        }
    }

    /// The same, where a file in this state folder may be meant.
    pub fn in_state(self, state: &Path) -> Self {
        match self {
            Self::Owner { path, owner } if path.starts_with(state) => {
                Self::StateOwner { path, owner }
            }
            Self::Mode { path, mode } | Self::Group { path, mode, .. }
                if path.starts_with(state) =>
            {
                Self::StateMode { path, mode }
            }
            other => other,
        }
    }

    /// The file or folder.
    pub fn path(&self) -> &Path {
        match self {
            Self::Owner { path, .. }
            | Self::StateOwner { path, .. }
            | Self::StateMode { path, .. }
            | Self::Unmapped { path, .. }
            | Self::Mode { path, .. }
            | Self::Group { path, .. }
            | Self::List { path, .. } => path,
        }
    }

    /// The group that `[trust] groups` could name, where that is all that is wrong.
    pub fn group(&self) -> Option<u32> {
        match self {
            Self::Group { group, .. } => Some(*group),
            _ => None,
        }
    }

    /// What is wrong with it.
    pub fn fault(&self) -> String {
        match self {
            Self::Owner { owner, .. } | Self::StateOwner { owner, .. } => {
                let name = accounts::name_of(*owner);
                format!("belongs to {name}, which is neither root nor the account that sends")
            }
            Self::Unmapped { owner, .. } => format!(
                "belongs to an account that this user namespace does not map (it is shown as {owner})"
            ),
            Self::Mode { mode, .. } | Self::StateMode { mode, .. } => {
                format!("can be written by others (mode {mode:04o})")
            }
            Self::Group { mode, group, .. } => format!(
                "can be written by others (mode {mode:04o}): group {group} has members beside its owner, \
                 or they can't be known"
            ),
            Self::List { user, .. } => {
                format!("can be written by others: its access list lets user {user} write")
            }
        }
    }

    /// The command that repairs it.
    pub fn remedy(&self) -> String {
        let path = self.path().display();
        match self {
            Self::Owner { .. } => format!("chown root: {path}"),
            Self::StateOwner { .. } => FIX.to_owned(),
            Self::Unmapped { .. } => {
                format!("map its owner into the container, or give {path} to an account of it")
            }
            Self::Mode { .. } => format!("chmod go-w {path}"),
            Self::StateMode { .. } => format!("chmod go= {path}"),
            Self::Group { group, .. } => format!(
                "chmod go-w {path}, or name the group {group} in [trust] groups if its members may"
            ),
            Self::List { user, .. } => format!("setfacl -x u:{user} {path}"),
        }
    }
}

impl fmt::Display for Unsafe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path().display();
        write!(f, "{path} {}; fix it: {}", self.fault(), self.remedy())
    }
}

impl std::error::Error for Unsafe {}
