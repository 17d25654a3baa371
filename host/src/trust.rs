//! Which files may be believed: those that only root and the running user can change.
//!
//! A plugin is machine code with a sender's secrets, a configuration decides who gets codes: a
//! local user who can write to either owns both.
//!
//! | judged | how |
//! |---|---|
//! | a file | by its open descriptor: what was judged is what is read |
//! | each folder on the way to it, those behind links included | by handles, each opened in the one before |
//! | each link on the way | by its owner; in a write, only root's and the running user's are followed |
//!
//! Its owner must be root, the running user, or the account that sends ([`accept_owner`]). Others may not
//! write to it, nor may a group or an access list, but where each member of it is one of those owners, or
//! where `[trust] groups` names it ([`accept_groups`]). In sticky folders, such as `/tmp`, others may write:
//! they can't replace what is not theirs.

mod unsafe_file;

use std::{
    collections::VecDeque,
    ffi::{OsStr, OsString},
    fs::{File, Metadata},
    io::{self, Read},
    path::{Component, Path, PathBuf},
    sync::{PoisonError, RwLock},
};

use crate::os::{
    accounts, acl,
    folders::{Entry, Folder},
    rights::{self, Rights},
};

pub use unsafe_file::{FIX, Unsafe};

/// How many links a path may lead through, as in Linux.
const MAX_LINKS: u32 = 40;

/// Whom this process believes beside root and its own user.
struct Accepted {
    owner: Option<u32>,
    groups: Vec<u32>,
}

static ACCEPTED: RwLock<Accepted> = RwLock::new(Accepted {
    owner: None,
    groups: Vec::new(),
});

/// Believes files of the account that sends: for commands that root runs on its behalf.
pub fn accept_owner(user: u32) {
    let mut accepted = ACCEPTED.write().unwrap_or_else(PoisonError::into_inner);
    accepted.owner = Some(user);
}

/// Believes files that these groups can write to, in place of those that were named before.
pub fn accept_groups(groups: Vec<u32>) {
    let mut accepted = ACCEPTED.write().unwrap_or_else(PoisonError::into_inner);
    accepted.groups = groups;
}

/// Opens a file that only root and the running user can change.
///
/// # Errors
///
/// It can't be opened, or is not to be believed: then the error is an [`Unsafe`].
pub fn open(path: &Path) -> io::Result<File> {
    let (file, faults) = look(path)?;
    first(faults)?;
    Ok(file)
}

/// Reads a file that only root and the running user can change.
///
/// # Errors
///
/// It can't be read, or is not to be believed: then the error is an [`Unsafe`].
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The same for text.
///
/// # Errors
///
/// The same, or it is no text.
pub fn read_to_string(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    open(path)?.read_to_string(&mut text)?;
    Ok(text)
}

/// Opens a file that the command line names. Where root was asked by sudo, it may belong to who asked:
/// who may do that can do all that root can.
///
/// # Errors
///
/// The same as for [`open`].
pub fn open_named(path: &Path) -> io::Result<File> {
    let mut walk = Walk::of(path)?;
    walk.asked_by = accounts::asked_by();
    let (file, faults) = walk.look(path)?;
    first(faults)?;
    Ok(file)
}

/// Opens a file, and says why it is not to be believed.
///
/// # Errors
///
/// It can't be opened.
pub fn look(path: &Path) -> io::Result<(File, Vec<Unsafe>)> {
    Walk::of(path)?.look(path)
}

/// A folder in which many files are opened, judged once.
pub struct OpenFolder {
    folder: Folder,
}

/// Opens a folder, and says why it is not to be believed.
///
/// # Errors
///
/// It can't be opened.
pub fn look_into(path: &Path) -> io::Result<(OpenFolder, Vec<Unsafe>)> {
    let mut walk = Walk::of(path)?;
    if walk.go_through()?.is_some() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    let faults = std::mem::take(&mut walk.faults);
    let folder = walk.into_folder();
    Ok((OpenFolder { folder }, faults))
}

impl OpenFolder {
    /// The same as [`look`] for a file directly in this folder, at the cost of this file alone.
    ///
    /// # Errors
    ///
    /// It can't be opened.
    pub fn look(&self, path: &Path) -> io::Result<(File, Vec<Unsafe>)> {
        let name = path.file_name().unwrap_or_default();
        // A link, or nothing that can be opened: the longer way tells which.
        let Ok(file) = self.folder.open(name) else {
            return look(path);
        };
        let metadata = file.metadata()?;
        match metadata.is_file() {
            true => {
                let found = fault(path, &file, &metadata, None);
                Ok((file, found.into_iter().collect()))
            }
            false => Err(not_a_file(path)),
        }
    }
}

/// Judges a file that is open already.
///
/// # Errors
///
/// It is not to be believed: then the error is an [`Unsafe`].
pub fn judge(path: &Path, file: &File) -> io::Result<()> {
    let found = fault(path, file, &file.metadata()?, None);
    first(found.into_iter().collect())
}

/// What an error means where a file in this state folder may be meant.
pub fn of_state(state: &Path, error: io::Error) -> io::Error {
    match error.downcast::<Unsafe>() {
        Ok(found) => io::Error::other(found.in_state(state)),
        Err(error) => error,
    }
}

/// Makes a folder for its owner alone, with those above it that are missing, which get the mode
/// `above`; `None` if it is there.
///
/// # Errors
///
/// A folder on the way can't be made, or is not to be believed.
pub fn make_folder(path: &Path, above: u32) -> io::Result<Option<File>> {
    match folder(path) {
        Ok(_) => return Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let path = std::path::absolute(path)?;
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(io::ErrorKind::NotFound.into());
    };
    if let Some(made) = make_folder(parent, above)? {
        rights::set_mode(&made, above)?;
    }
    match folder(parent)?.make_folder(name) {
        Ok(made) => Ok(Some(made)),
        // Another process made it in between.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => folder(&path).map(|_| None),
        Err(error) => Err(error),
    }
}

/// Opens a folder that only root and the running user can change.
///
/// # Errors
///
/// It can't be opened, or is not to be believed: then the error is an [`Unsafe`].
pub fn folder(path: &Path) -> io::Result<Folder> {
    let mut walk = Walk::of(path)?;
    if walk.go_through()?.is_some() {
        return Err(io::ErrorKind::NotADirectory.into());
    }
    first(std::mem::take(&mut walk.faults))?;
    Ok(walk.into_folder())
}

/// The folder and the name under which a file is to be written: judged, so that no one else can
/// exchange what is written for something else. A link is followed where root or the running user
/// made it. Nothing needs to have that name yet.
///
/// # Errors
///
/// A folder on the way can't be opened or is not to be believed.
pub fn place(path: &Path) -> io::Result<(Folder, OsString)> {
    let mut walk = Walk::of(path)?;
    walk.is_for_writing = true;
    let Some(name) = walk.go_through()? else {
        return Err(not_a_file(path));
    };
    first(std::mem::take(&mut walk.faults))?;
    Ok((walk.into_folder(), name))
}

/// Opens a file or folder whose rights are to be put right, whatever they are. No link is followed but root's
/// and the running user's.
///
/// # Errors
///
/// It can't be opened, or is one that has another name elsewhere, which may be what is meant.
pub fn open_to_repair(path: &Path) -> io::Result<File> {
    let mut walk = Walk::of(path)?;
    walk.is_for_writing = true;
    let Some(name) = walk.go_through()? else {
        return walk.folder().reopened();
    };
    let file = walk.folder().open(&name)?;
    match rights::has_other_names(&file.metadata()?) {
        true => {
            let words = format!("{} has another name elsewhere", path.display());
            Err(io::Error::other(words))
        }
        false => Ok(file),
    }
}

/// Everything that is not to be believed among files and folders and the folders above them, each
/// once: for `check`. What can't be looked at is left out; it is reported where it is needed.
pub fn faults<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Vec<Unsafe> {
    let mut all: Vec<Unsafe> = Vec::new();
    for path in paths {
        let Ok(mut walk) = Walk::of(path) else {
            continue;
        };
        if let Ok(Some(name)) = walk.go_through()
            && let Ok(file) = walk.folder().open(&name)
            && let Ok(metadata) = file.metadata()
        {
            walk.judge_here(&name, &file, &metadata);
        }
        all.extend(walk.faults);
    }
    all.sort_by(|a, b| a.path().cmp(b.path()));
    all.dedup();
    all
}

fn first(faults: Vec<Unsafe>) -> io::Result<()> {
    match faults.into_iter().next() {
        Some(fault) => Err(io::Error::other(fault)),
        None => Ok(()),
    }
}

fn not_a_file(path: &Path) -> io::Error {
    let words = format!("{} is not a file", path.display());
    io::Error::new(io::ErrorKind::InvalidInput, words)
}

/// The way along a path, from the root, each step through the handle of the folder before.
struct Walk {
    /// The folders from the root to where it is now, and their paths.
    way: Vec<(Folder, PathBuf)>,
    /// What is left of the path.
    left: VecDeque<OsString>,
    links: u32,
    is_for_writing: bool,
    /// Who asked root by sudo, where that counts.
    asked_by: Option<u32>,
    faults: Vec<Unsafe>,
}

impl Walk {
    fn of(path: &Path) -> io::Result<Self> {
        let mut walk = Self {
            way: Vec::with_capacity(8),
            left: VecDeque::new(),
            links: 0,
            is_for_writing: false,
            asked_by: None,
            faults: Vec::new(),
        };
        walk.begin()?;
        walk.put_before(&std::path::absolute(path)?);
        Ok(walk)
    }

    /// Opens the file at the end of it, and says why it is not to be believed.
    fn look(mut self, path: &Path) -> io::Result<(File, Vec<Unsafe>)> {
        let name = self.go_through()?.ok_or_else(|| not_a_file(path))?;
        let file = self.folder().open(&name)?;
        #[cfg(test)]
        tests::between_opening_and_judging();
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(not_a_file(path));
        }
        self.judge_here(&name, &file, &metadata);
        Ok((file, self.faults))
    }

    /// Goes on from the root.
    fn begin(&mut self) -> io::Result<()> {
        self.way.clear();
        self.enter(Folder::root()?, "/".into())
    }

    fn enter(&mut self, folder: Folder, path: PathBuf) -> io::Result<()> {
        let metadata = folder.metadata()?;
        self.judge(&path, folder.handle(), &metadata);
        self.way.push((folder, path));
        Ok(())
    }

    /// Puts the steps of a path before what is left.
    fn put_before(&mut self, path: &Path) {
        for step in path.components().rev() {
            match step {
                Component::Normal(name) => self.left.push_front(name.to_owned()),
                Component::ParentDir => self.left.push_front("..".into()),
                Component::CurDir | Component::RootDir | Component::Prefix(_) => {}
            }
        }
    }

    /// Where it is now.
    fn folder(&self) -> &Folder {
        &self.way[self.way.len() - 1].0
    }

    fn into_folder(mut self) -> Folder {
        // The root is never left.
        self.way.swap_remove(self.way.len() - 1).0
    }

    fn path_of(&self, name: &OsStr) -> PathBuf {
        self.way[self.way.len() - 1].1.join(name)
    }

    /// Goes through every folder and link. Returns the name at the end of it in the folder where it
    /// then is; `None` if the path leads to that folder itself.
    fn go_through(&mut self) -> io::Result<Option<OsString>> {
        while let Some(name) = self.left.pop_front() {
            if name == ".." {
                if self.way.len() > 1 {
                    self.way.pop();
                }
                continue;
            }
            match self.folder().entry(&name) {
                Ok(Entry::Folder(folder)) => self.enter(folder, self.path_of(&name))?,
                Ok(Entry::Link(link, target)) => self.follow(&name, &link, &target)?,
                Ok(Entry::Other(_)) if self.left.is_empty() => return Ok(Some(name)),
                Ok(Entry::Other(_)) => return Err(io::ErrorKind::NotADirectory.into()),
                Err(error)
                    if error.kind() == io::ErrorKind::NotFound
                        && self.is_for_writing
                        && self.left.is_empty() =>
                {
                    return Ok(Some(name));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    fn follow(&mut self, name: &OsStr, link: &Metadata, target: &Path) -> io::Result<()> {
        self.links += 1;
        if self.links > MAX_LINKS {
            let words = format!(
                "{} leads through too many links",
                self.path_of(name).display()
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, words));
        }
        let owner = Rights::of(link).user;
        // The account that sends may not lead root's pen.
        let is_mine = owner == 0 || owner == accounts::own();
        let is_believed = is_mine || (!self.is_for_writing && is_owner(owner, self.asked_by));
        if !is_believed {
            let found = Unsafe::owner(&self.path_of(name), owner);
            if self.is_for_writing {
                return Err(io::Error::other(found));
            }
            self.faults.push(found);
        }
        if target.is_absolute() {
            self.begin()?;
        }
        self.put_before(target);
        Ok(())
    }

    fn judge_here(&mut self, name: &OsStr, file: &File, metadata: &Metadata) {
        let path = self.path_of(name);
        self.judge(&path, file, metadata);
    }

    fn judge(&mut self, path: &Path, file: &File, metadata: &Metadata) {
        self.faults
            .extend(fault(path, file, metadata, self.asked_by));
    }
}

/// Why a file or folder is not to be believed. Who `asked` is believed, too.
fn fault(path: &Path, file: &File, metadata: &Metadata, asked: Option<u32>) -> Option<Unsafe> {
    const GROUP_WRITES: u32 = 0o020;
    const OTHERS_WRITE: u32 = 0o002;
    const STICKY: u32 = 0o1000;

    let Rights { user, group, mode } = Rights::of(metadata);
    if !is_owner(user, asked) {
        return Some(Unsafe::owner(path, user));
    }
    // In a sticky folder only its owner can replace a file, and what is in it is judged itself.
    if metadata.is_dir() && mode & STICKY != 0 {
        return None;
    }
    if mode & OTHERS_WRITE != 0 {
        let path = path.into();
        return Some(Unsafe::Mode { path, mode });
    }
    if mode & GROUP_WRITES == 0 {
        // Then no access list lets anyone write either: these bits are its mask.
        return None;
    }
    let writers = acl::writers(file, group).unwrap_or(acl::Writers {
        users: Vec::new(),
        groups: vec![group],
    });
    let mut users = writers.users.into_iter();
    if let Some(user) = users.find(|user| !is_owner(*user, asked)) {
        let path = path.into();
        return Some(Unsafe::List { path, user });
    }
    let mut groups = writers.groups.into_iter();
    let stranger = groups.find(|group| !is_group(*group, asked))?;
    Some(Unsafe::Group {
        path: path.into(),
        mode,
        group: stranger,
    })
}

fn is_owner(user: u32, asked: Option<u32>) -> bool {
    let accepted = ACCEPTED.read().unwrap_or_else(PoisonError::into_inner);
    user == 0 || user == accounts::own() || [accepted.owner, asked].contains(&Some(user))
}

/// Whether all of a group may write: each member is an owner that is believed, or the administrator
/// says so.
fn is_group(group: u32, asked: Option<u32>) -> bool {
    let accepted = ACCEPTED.read().unwrap_or_else(PoisonError::into_inner);
    let is_accepted = accepted.groups.contains(&group);
    drop(accepted);
    let is_believed = |member: u32| is_owner(member, asked);
    is_accepted
        || accounts::members(group).is_some_and(|members| members.into_iter().all(is_believed))
}

#[cfg(test)]
mod tests;
