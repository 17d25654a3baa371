//! What `sync` writes down of a domain: its containers, their links, and whom each bound group policy object is
//! for. One JSON file, written whole or not at all.
//!
//! The format is open, so that a script on a domain controller can write it where this machine may not reach one:
//!
//! ```json
//! {
//!   "format": 1,
//!   "server": "ldaps://dc1.example.org",
//!   "taken": "2026-03-01T10:00:00Z",
//!   "base": "DC=example,DC=org",
//!   "containers": [
//!     {"dn": "OU=Staff,DC=example,DC=org", "block_inheritance": false,
//!      "links": [{"gpo": "{8CAB271A-A7F5-4F31-9C47-3A8D4C7B5A6E}", "order": 1, "enabled": true, "enforced": false}]}
//!   ],
//!   "gpos": [
//!     {"id": "{8CAB271A-A7F5-4F31-9C47-3A8D4C7B5A6E}", "name": "Textsender Staff", "state": "readable",
//!      "user_half": true, "version": 2, "wmi_filter": false,
//!      "entries": [{"allow": true, "trustee": "S-1-5-11", "read": true, "apply": true}]}
//!   ],
//!   "trustees": {"S-1-5-21-1-2-3-1113": "CN=VPN,OU=Groups,DC=example,DC=org"}
//! }
//! ```
//!
//! A container may have `"unreadable": true` in place of links: users below it can't be decided for.

use std::{
    collections::BTreeMap,
    fs,
    io::{self, Read, Write},
    path::Path,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use textsender_names::{Guid, Sid, lines::Object};

use crate::{descriptor::Entry, gplink::Link};

/// The format that is written and read.
pub const FORMAT: u32 = 1;

/// The largest file that is read.
const MAX_BYTES: u64 = 64 * 1024 * 1024;

/// A domain's links, as they were.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    /// [`FORMAT`].
    pub format: u32,
    /// Which server said so.
    pub server: String,
    /// When.
    pub taken: Timestamp,
    /// The domain.
    pub base: String,
    /// Containers with links, or which block inheritance.
    pub containers: Vec<Container>,
    /// The objects that policies are bound to.
    pub gpos: Vec<Gpo>,
    /// The names of those whom the objects' entries name by SID: a caller may know groups by name alone.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub trustees: BTreeMap<Sid, String>,
}

/// A container, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Container {
    /// As the server writes it.
    pub dn: String,
    /// Whether unenforced links above do not reach below it.
    #[serde(default)]
    pub block_inheritance: bool,
    /// Its links, the strongest first: to bound objects and to others, as a policy may be bound to one later.
    #[serde(default)]
    pub links: Vec<Link>,
    /// Its links could not be read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unreadable: bool,
    /// They could be read last then; now they can't, and what stands here is from before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_since: Option<Timestamp>,
}

/// A group policy object that a policy is bound to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gpo {
    /// The name of its entry.
    pub id: Guid,
    /// Its name for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Whether what follows is known.
    pub state: GpoState,
    /// Whether its half for users is on.
    #[serde(default)]
    pub user_half: bool,
    /// Its `gPCFunctionalityVersion`; only 2 is applied.
    #[serde(default)]
    pub version: u32,
    /// Whether a WMI filter decides on which machines it applies.
    #[serde(default)]
    pub wmi_filter: bool,
    /// Whom it is for, the first match deciding.
    #[serde(default)]
    pub entries: Vec<Entry>,
    /// It could be read last then; now it can't, and what stands here is from before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_since: Option<Timestamp>,
}

/// Whether an object is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GpoState {
    /// It is, and all that decides is known.
    Readable,
    /// There is none of this id any more: its links have no effect.
    Gone,
    /// It is there, and this account may not read what decides: users whom its links reach can't be decided for.
    Unreadable,
}

impl Gpo {
    /// An object of which no more than its state is known.
    #[must_use]
    pub fn unknown(id: Guid, state: GpoState) -> Self {
        Self {
            id,
            name: None,
            state,
            user_half: false,
            version: 0,
            wmi_filter: false,
            entries: Vec::new(),
            kept_since: None,
        }
    }

    /// As far as a policy can be bound to it.
    #[must_use]
    pub fn object(self) -> Object {
        Object {
            is_readable: self.state == GpoState::Readable,
            id: self.id,
            name: self.name,
            wmi_filter: self.wmi_filter,
        }
    }
}

impl Snapshot {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// It is not there, larger than 64 MiB, or not of this format.
    pub fn read(path: &Path) -> io::Result<Snapshot> {
        let mut text = Vec::new();
        let read = fs::File::open(path)?
            .take(MAX_BYTES + 1)
            .read_to_end(&mut text)?;
        let wrong = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
        if read as u64 > MAX_BYTES {
            return Err(wrong("it is larger than 64 MiB".to_owned()));
        }
        let snapshot: Snapshot =
            serde_json::from_slice(&text).map_err(|error| wrong(error.to_string()))?;
        match snapshot.format {
            FORMAT => Ok(snapshot),
            other => Err(wrong(format!(
                "it is of format {other}; this version reads {FORMAT}"
            ))),
        }
    }

    /// Puts it in the place of `path`, on the disk, as a whole.
    ///
    /// # Errors
    ///
    /// The folder can't be written to.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        serde_json::to_writer(io::BufWriter::new(&mut file), self)?;
        file.write_all(b"\n")?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|error| error.error)?;
        fs::File::open(folder)?.sync_all()
    }

    /// The object of this id.
    #[must_use]
    pub fn gpo(&self, id: &Guid) -> Option<&Gpo> {
        self.gpos.iter().find(|gpo| gpo.id == *id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Snapshot {
        // The example of this page.
        let page = include_str!("snapshot.rs");
        let lines = page.lines().map_while(|line| line.strip_prefix("//!"));
        let lines: Vec<_> = lines.collect();
        let json: String = lines.join("\n").split("```").nth(1).unwrap()[4..].to_owned();
        serde_json::from_str(&json).unwrap()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("example.json");
        example().write(&path).unwrap();
        assert_eq!(Snapshot::read(&path).unwrap(), example());
        assert_eq!(folder.path().read_dir().unwrap().count(), 1);
    }

    #[test]
    fn another_format_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("example.json");
        let newer = Snapshot {
            format: 2,
            ..example()
        };
        newer.write(&path).unwrap();
        let error = Snapshot::read(&path).unwrap_err().to_string();
        assert!(error.contains("format 2"), "{error}");
        fs::write(&path, "{").unwrap();
        assert!(Snapshot::read(&path).is_err());
    }

    /// A folder that can't be written to: the old file stays.
    #[test]
    fn a_failed_write_leaves_the_last_one() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("folder/example.json");
        assert!(example().write(&path).is_err());
        assert!(!path.exists());
    }
}
