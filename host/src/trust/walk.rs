//! The way along a path: each folder opened in the one before, and judged.

use std::{
    collections::VecDeque,
    ffi::{OsStr, OsString},
    fs::{File, Metadata},
    io,
    path::{Component, Path, PathBuf},
};

use super::{
    judge::{fault, is_owner},
    unsafe_file::Unsafe,
};
use crate::os::{
    accounts,
    folders::{Entry, Folder},
    rights::Rights,
};

/// How many links a path may lead through, as in Linux.
const MAX_LINKS: u32 = 40;

/// The way along a path, from the root, each step through the handle of the folder before.
pub(super) struct Walk {
    /// The folders from the root to where it is now, and their paths.
    way: Vec<(Folder, PathBuf)>,
    /// What is left of the path.
    left: VecDeque<OsString>,
    links: u32,
    pub(super) is_for_writing: bool,
    /// Who asked root by sudo, where that counts.
    pub(super) asked_by: Option<u32>,
    pub(super) faults: Vec<Unsafe>,
}

impl Walk {
    pub(super) fn of(path: &Path) -> io::Result<Self> {
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
    pub(super) fn folder(&self) -> &Folder {
        &self.way[self.way.len() - 1].0
    }

    pub(super) fn into_folder(mut self) -> Folder {
        // The root is never left.
        self.way.swap_remove(self.way.len() - 1).0
    }

    fn path_of(&self, name: &OsStr) -> PathBuf {
        self.way[self.way.len() - 1].1.join(name)
    }

    /// Goes through every folder and link. Returns the name at the end of it in the folder where it
    /// then is; `None` if the path leads to that folder itself.
    pub(super) fn go_through(&mut self) -> io::Result<Option<OsString>> {
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

    pub(super) fn judge_here(&mut self, name: &OsStr, file: &File, metadata: &Metadata) {
        let path = self.path_of(name);
        self.judge(&path, file, metadata);
    }

    fn judge(&mut self, path: &Path, file: &File, metadata: &Metadata) {
        self.faults
            .extend(fault(path, file, metadata, self.asked_by));
    }
}
