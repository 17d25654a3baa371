//! The hosts that a sender's plugin declared when it was to send, kept in the state folder. It may declare
//! others than when it is asked what it is, and under `trust = "owner"` all of them are used: a new one is
//! warned of once, and shown by `plugin show` and `doctor`.
//!
//! What is known begins with the first message, or with the answer that an administrator got before it.
//!
//! `declared-hosts/SENDER` has a line that stands for the library and the settings, then each host on a line.
//! An edit of either begins it anew.

use std::{
    ffi::{OsStr, OsString},
    io::{self, Read, Write},
    path::{Path, PathBuf},
    process,
    time::UNIX_EPOCH,
};

use serde_json::Value;

use super::{folder, in_the_open, verify::Checksum};
use crate::{
    config::{Config, Sender},
    trust::{self, Unsafe},
};

/// Where they are kept, in the state folder.
pub const DECLARED_HOSTS: &str = "declared-hosts";

/// The most hosts that are kept of a sender: a plugin that made them up would fill the disk.
const MAX_HOSTS: usize = 256;

/// The longest host that is kept, in bytes: the longest name that can be looked up.
const MAX_HOST: usize = 253;

/// The longest file that is read, in bytes: one of ours is shorter.
const MAX_FILE: u64 = ((MAX_HOSTS + 1) * (MAX_HOST + 1)) as u64;

/// What a sender's plugin declared when it was to send.
pub struct DeclaredHosts {
    file: PathBuf,
    /// The library and the settings that the sender has now.
    of: String,
    /// Those of `hosts`; empty if nothing is known.
    kept_of: String,
    hosts: Vec<String>,
}

impl DeclaredHosts {
    /// Reads what is known of a configured sender.
    ///
    /// # Errors
    ///
    /// It can't be read, or others can write to it.
    pub fn read(config: &Config, state: &Path, name: &str, sender: &Sender) -> io::Result<Self> {
        let file = state.join(DECLARED_HOSTS).join(name);
        let bytes = match read_bounded(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            read => read.map_err(|error| told(error, &file, state))?,
        };
        // Damage costs a warning, and no message.
        let text = String::from_utf8_lossy(&bytes);
        let mut lines = text.lines().map(str::to_owned);
        Ok(Self {
            file,
            of: identity(config, sender),
            kept_of: lines.next().unwrap_or_default(),
            hosts: lines.collect(),
        })
    }

    /// Whether nothing is known of this sender.
    pub fn is_unknown(&self) -> bool {
        self.kept_of.is_empty()
    }

    /// Whether all of these are known.
    pub fn has(&self, hosts: &[String]) -> bool {
        self.is_current() && hosts.iter().all(|host| self.hosts.contains(host))
    }

    /// Those of these that were not declared before; none if nothing is known.
    pub fn new_among(&self, hosts: &[String]) -> Vec<String> {
        if self.is_unknown() {
            return Vec::new();
        }
        let is_new = |host: &&String| !self.hosts.contains(*host);
        hosts.iter().filter(is_new).cloned().collect()
    }

    /// Those that were declared by this library with these settings, and are not among those `shown`.
    pub fn beyond(self, shown: &[String]) -> Vec<String> {
        if !self.is_current() {
            return Vec::new();
        }
        let hosts = self.hosts.into_iter();
        hosts.filter(|host| !shown.contains(host)).collect()
    }

    /// Keeps these, beside what is known of this library with these settings. Where there is no state folder,
    /// nothing is kept.
    ///
    /// # Errors
    ///
    /// They can't be written.
    pub fn keep(&self, hosts: &[String]) -> io::Result<()> {
        let folder = self.file.parent().expect("a file in a folder");
        let state = folder.parent().expect("a folder in the state folder");
        if !state.try_exists()? {
            return Ok(());
        }
        let mut lines = vec![self.of.as_str()];
        let known = self.hosts.iter().filter(|_| self.is_current());
        for host in known.chain(hosts).map(String::as_str) {
            let fits = host.len() <= MAX_HOST && !host.contains(['\n', '\r']);
            if fits && lines.len() <= MAX_HOSTS && !lines.contains(&host) {
                lines.push(host);
            }
        }
        let text = lines.join("\n");
        if let Some(made) = trust::make_folder(folder, 0o700)? {
            trust::hand_over(&made, state)?;
        }
        let beside = |name: &OsStr| {
            let mut beside = OsString::from(name);
            beside.push(format!(".{}.new", process::id()));
            beside
        };
        trust::replace(&self.file, beside, |file| {
            file.write_all(text.as_bytes())?;
            trust::hand_over(file, state)
        })
        .map(|_| ())
    }

    fn is_current(&self) -> bool {
        self.kept_of == self.of
    }
}

fn read_bounded(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    trust::open(file)?.take(MAX_FILE).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The error with the file's name: that of one which is not believed has it.
fn told(error: io::Error, file: &Path, state: &Path) -> io::Error {
    match error.downcast::<Unsafe>() {
        Ok(found) => io::Error::other(found.in_state(state)),
        Err(error) => io::Error::new(error.kind(), format!("{}: {error}", file.display())),
    }
}

/// Stands for a sender's library and its settings: neither is edited without it changing.
fn identity(config: &Config, sender: &Sender) -> String {
    let library = folder::find(&config.plugins, &sender.plugin);
    let mut all = Value::from(in_the_open(sender)).to_string();
    all.push_str(&sender.plugin);
    // One that can't be looked at can't be loaded either.
    if let Ok(metadata) = library.metadata() {
        let changed = metadata.modified().ok();
        let changed = changed.and_then(|time| time.duration_since(UNIX_EPOCH).ok());
        let (size, changed) = (metadata.len(), changed.unwrap_or_default().as_nanos());
        all.push_str(&format!(" {size} {changed}"));
    }
    Checksum::of(all.as_bytes()).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Reading, Sources};

    fn config(from: &str) -> Config {
        let text =
            format!("[senders.a]\nplugin = \"acme\"\n[senders.a.settings]\nfrom = {from:?}\n");
        let config = Reading::of(Sources::from_text("/t.toml", text));
        config.into_config().unwrap()
    }

    fn read(state: &Path, from: &str) -> DeclaredHosts {
        let config = config(from);
        DeclaredHosts::read(&config, state, "a", &config.senders["a"]).unwrap()
    }

    fn hosts<const N: usize>(names: [&str; N]) -> Vec<String> {
        names.map(str::to_owned).to_vec()
    }

    #[test]
    fn what_no_earlier_process_declared_is_new() {
        let state = tempfile::tempdir().unwrap();
        let [one, both] = [hosts(["a.example"]), hosts(["a.example", "b.example"])];
        let first = read(state.path(), "Acme");
        assert!(!first.has(&one));
        assert!(first.new_among(&both).is_empty());
        first.keep(&one).unwrap();

        let second = read(state.path(), "Acme");
        assert!(second.has(&one) && !second.has(&both));
        assert_eq!(second.new_among(&both), hosts(["b.example"]));
        second.keep(&both).unwrap();
        assert!(read(state.path(), "Acme").has(&both));
        assert_eq!(
            read(state.path(), "Acme").beyond(&one),
            hosts(["b.example"])
        );
    }

    #[test]
    fn an_edit_begins_anew_and_new_hosts_are_told_all_the_same() {
        let state = tempfile::tempdir().unwrap();
        read(state.path(), "Acme")
            .keep(&hosts(["a.example"]))
            .unwrap();
        let edited = read(state.path(), "Other");
        assert!(!edited.has(&hosts(["a.example"])));
        assert_eq!(
            edited.new_among(&hosts(["b.example"])),
            hosts(["b.example"])
        );
        edited.keep(&hosts(["b.example"])).unwrap();
        assert!(!read(state.path(), "Other").has(&hosts(["a.example"])));
        assert!(read(state.path(), "Acme").beyond(&[]).is_empty());
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let state = tempfile::tempdir().unwrap();
        let many: Vec<_> = (0..1000)
            .map(|n| format!("{n}.{}", "a".repeat(240)))
            .collect();
        let odd = hosts(["two\nlines.example"]);
        read(state.path(), "Acme")
            .keep(&[odd, many].concat())
            .unwrap();
        let kept = read(state.path(), "Acme").beyond(&[]);
        assert_eq!(kept.len(), MAX_HOSTS);
        assert!(kept.iter().all(|host| !host.contains("lines")));
    }

    #[test]
    fn damage_is_begun_anew() {
        let state = tempfile::tempdir().unwrap();
        let one = hosts(["a.example"]);
        read(state.path(), "Acme").keep(&one).unwrap();
        std::fs::write(
            state.path().join(DECLARED_HOSTS).join("a"),
            b"\xff\xfe\n\xff",
        )
        .unwrap();
        let damaged = read(state.path(), "Acme");
        assert!(!damaged.has(&one));
        damaged.keep(&one).unwrap();
        assert!(read(state.path(), "Acme").has(&one));
    }

    #[test]
    fn nothing_is_kept_where_there_is_no_state_folder() {
        let folder = tempfile::tempdir().unwrap();
        let state = folder.path().join("state");
        read(&state, "Acme").keep(&hosts(["a.example"])).unwrap();
        assert!(!state.exists());
    }

    #[cfg(unix)]
    #[test]
    fn what_others_can_write_to_is_not_read() {
        use std::os::unix::fs::PermissionsExt;

        let state = tempfile::tempdir().unwrap();
        read(state.path(), "Acme")
            .keep(&hosts(["a.example"]))
            .unwrap();
        let file = state.path().join(DECLARED_HOSTS).join("a");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o666)).unwrap();
        let config = config("Acme");
        let read = DeclaredHosts::read(&config, state.path(), "a", &config.senders["a"]);
        assert!(
            read.err()
                .unwrap()
                .to_string()
                .contains(&*file.to_string_lossy())
        );
    }
}
