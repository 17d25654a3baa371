//! The configuration's files as they were read: their text, places in it, and the stamps that show
//! a later edit. Everything after this file works on text in memory.

use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io::{self, ErrorKind, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use ring::digest;

use super::fault::Fault;
use super::place::{Located, Place};
use crate::os::{identity::Stamp, limits};
use crate::redact::on_one_line;
use crate::trust::{self, Unsafe};

/// Largest file that is read, in bytes. 10,000 policies take about 5 MiB; more than this is a mistake.
pub const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// The folder of drop-in policies, beside `textsender.toml`.
pub const POLICIES_FOLDER: &str = "policies";

/// One file of the configuration.
#[derive(Clone)]
pub struct Source {
    /// Where it was read from.
    pub path: PathBuf,
    /// Its text, without a byte order mark.
    pub text: String,
    /// Bytes that `check` must not show: settings of senders and phone numbers.
    pub(super) hidden: Vec<Range<usize>>,
    /// First byte of each line, made when the first fault is found.
    lines: OnceLock<Vec<usize>>,
}

/// Settings may hold a secret written in the open, so the text is never shown.
impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} bytes)", self.path.display(), self.text.len())
    }
}

impl Source {
    fn new(path: PathBuf, text: String) -> Self {
        let text = match text.strip_prefix('\u{feff}') {
            Some(rest) => rest.to_owned(),
            None => text,
        };
        Source {
            path,
            text,
            hidden: Vec::new(),
            lines: OnceLock::new(),
        }
    }

    /// Line and column of a byte, both from 1; the column counts characters.
    pub fn line_column(&self, byte: usize) -> (usize, usize) {
        let lines = self.lines.get_or_init(|| {
            let ends = self.text.bytes().enumerate().filter(|(_, b)| *b == b'\n');
            std::iter::once(0).chain(ends.map(|(i, _)| i + 1)).collect()
        });
        let line = lines.partition_point(|start| *start <= byte);
        let start = lines[line - 1];
        let before = self.text.get(start..byte).unwrap_or_default();
        (line, before.chars().count() + 1)
    }
}

/// Every file of one configuration: `textsender.toml` first, then the drop-ins by name.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// Where `textsender.toml` is, or should be. All other files are drop-ins.
    pub main: PathBuf,
    /// The files that could be read.
    pub files: Vec<Source>,
    /// Those that could not.
    pub(super) faults: Vec<Fault>,
    /// What is not to be believed of the files as they were opened: first what concerns the main one.
    unsafe_files: Vec<Unsafe>,
    unsafe_of_main: usize,
    fingerprint: Fingerprint,
}

impl Sources {
    /// Reads `path` and `policies/*.toml` beside it. Never fails: what can't be read becomes a fault
    /// of the [`Reading`](super::Reading). Names that start with a dot are left out.
    pub fn read(path: &Path) -> Self {
        Self::read_main(path).and_drop_ins()
    }

    /// Reads `path` alone: what it says of the hub is asked for before the policies are.
    pub fn read_main(path: &Path) -> Self {
        let mut sources = Sources {
            main: path.to_owned(),
            ..Sources::default()
        };
        sources.add(path, trust::look(path));
        sources.unsafe_of_main = sources.unsafe_files.len();
        sources
    }

    /// Reads the drop-ins as well.
    pub fn and_drop_ins(self) -> Self {
        let mut sources = self;
        let folder = sources.main.with_file_name(POLICIES_FOLDER);
        sources.fingerprint.note(&folder, fs::metadata(&folder));
        let drop_ins = sources.drop_ins(&folder);
        if drop_ins.is_empty() {
            return sources;
        }
        match trust::look_into(&folder) {
            Ok((opened, found)) => {
                sources.unsafe_files.extend(found);
                for path in drop_ins {
                    sources.add(&path, opened.look(&path));
                }
            }
            Err(error) => sources.faults.push(Unread::of(error).fault(&folder)),
        }
        sources
    }

    /// Why the files are not to be believed, were they judged when they were opened. `groups` may
    /// write to drop-ins; the main file can't vouch for itself.
    pub fn first_unsafe(&self, groups: &[u32]) -> Option<&Unsafe> {
        let (main, drop_ins) = self.unsafe_files.split_at(self.unsafe_of_main);
        let is_accepted = |found: &&Unsafe| found.group().is_some_and(|it| groups.contains(&it));
        let mut drop_ins = drop_ins.iter().filter(|found| !is_accepted(found));
        main.first().or_else(|| drop_ins.next())
    }

    /// A configuration that is in memory only, as if read from `path`.
    pub fn from_text(path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        let main = path.into();
        let sources = Sources {
            main: main.clone(),
            ..Sources::default()
        };
        sources.with_text(main, text)
    }

    /// The same configuration with one file's text replaced or added: how a command judges an edit
    /// before it saves it.
    pub fn with_text(mut self, path: impl Into<PathBuf>, text: impl Into<String>) -> Self {
        let source = Source::new(path.into(), text.into());
        match self.files.iter_mut().find(|f| f.path == source.path) {
            Some(file) => *file = source,
            None => self.files.push(source),
        }
        self
    }

    /// The same configuration without one of its files.
    pub fn without(mut self, path: &Path) -> Self {
        self.files.retain(|file| file.path != path);
        self
    }

    /// Whether `textsender.toml` could be read.
    pub fn has_main(&self) -> bool {
        self.files.iter().any(|file| file.path == self.main)
    }

    /// Whether a word stands anywhere in the files: one that does not is no key of theirs.
    pub fn mentions(&self, word: &str) -> bool {
        let is_of_a_word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
        self.files.iter().any(|file| {
            file.text.match_indices(word).any(|(at, _)| {
                let (before, after) = (&file.text[..at], &file.text[at + word.len()..]);
                !before.ends_with(is_of_a_word) && !after.starts_with(is_of_a_word)
            })
        })
    }

    /// Whether every file could be read that there is.
    pub fn is_whole(&self) -> bool {
        self.faults.is_empty()
    }

    /// The files read, for the checks of owner and mode.
    pub fn paths(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|file| file.path.as_path())
    }

    /// A hash of every file's name and text, in hexadecimal: equal for equal configurations.
    pub fn digest(&self) -> String {
        let mut hash = digest::Context::new(&digest::SHA256);
        for file in &self.files {
            for part in [
                file.path.as_os_str().as_encoded_bytes(),
                file.text.as_bytes(),
            ] {
                hash.update(&(part.len() as u64).to_be_bytes());
                hash.update(part);
            }
        }
        let hash = hash.finish();
        hash.as_ref()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// What the files looked like when they were read.
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// A fault at `place`.
    pub fn fault(
        &self,
        place: Place,
        key: impl Into<String>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Fault {
        let source = self.files.get(place.file as usize);
        let path = source.map_or(Path::new(""), |source| &source.path);
        let (line, column) =
            source.map_or((0, 0), |source| source.line_column(place.start as usize));
        Fault {
            line,
            column,
            key: on_one_line(&key.into()),
            place: Some(place),
            ..Fault::of_file(path, message, remedy)
        }
    }

    /// The place of `part`, a range of bytes in the string that is written at `whole`: so that a
    /// caret can point into a text. Where escapes make the two differ, it is `whole`.
    pub fn within(&self, whole: &Located<String>, part: Range<usize>) -> Place {
        let file = self.files.get(whole.place.file as usize);
        let written = file.and_then(|f| f.text.get(whole.place.range()));
        let Some(offset) = written.and_then(|w| w.find(whole.value.as_str())) else {
            return whole.place;
        };
        let at = whole.place.start as usize + offset;
        Place::new(whole.place.file, at + part.start..at + part.end)
    }

    fn drop_ins(&mut self, folder: &Path) -> Vec<PathBuf> {
        let mut paths = match list(folder) {
            Ok(paths) => paths,
            Err(error) if error.kind() == ErrorKind::NotFound => return Vec::new(),
            Err(error) => {
                self.faults.push(Unread::Io(error).fault(folder));
                return Vec::new();
            }
        };
        paths.retain(|path| path.extension().is_some_and(|e| e == "toml") && !is_dotted(path));
        paths.sort();
        paths
    }

    fn add(&mut self, path: &Path, opened: io::Result<(File, Vec<Unsafe>)>) {
        // Noted before: a file that comes later is seen as an edit.
        self.fingerprint.note(path, fs::metadata(path));
        let read = opened.map_err(Unread::of).and_then(|(file, found)| {
            self.unsafe_files.extend(found);
            read_file(path, &file, &mut self.fingerprint)
        });
        match read {
            Ok(text) => self.files.push(Source::new(path.to_owned(), text)),
            Err(unread) => self.faults.push(unread.fault(path)),
        }
    }
}

/// What the files of a configuration looked like: cheap to compare, one `stat` for each file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fingerprint(HashMap<PathBuf, Option<Stamp>>);

impl Fingerprint {
    /// What these files and folders look like now. Take it before reading them.
    pub fn of(paths: impl IntoIterator<Item = PathBuf>) -> Self {
        let mut fingerprint = Self::default();
        for path in paths {
            fingerprint.note(&path, fs::metadata(&path));
        }
        fingerprint
    }

    /// Whether any file was edited, added, removed or replaced since. A drop-in that is added or
    /// removed shows in the time of its folder.
    pub fn changed(&self) -> bool {
        self.0
            .iter()
            .any(|(path, stamp)| fs::metadata(path).ok().map(|m| Stamp::of(&m)) != *stamp)
    }

    fn note(&mut self, path: &Path, metadata: std::io::Result<Metadata>) {
        let stamp = metadata.ok().map(|m| Stamp::of(&m));
        self.0.insert(path.to_owned(), stamp);
    }
}

/// Why a file could not be read.
enum Unread {
    NotAFile,
    TooLarge,
    NotUtf8 { line: usize },
    Utf16,
    Io(io::Error),
}

/// Reads one file that is open. Its stamp is taken *before* reading, so an edit that comes during it is
/// noticed afterwards.
fn read_file(path: &Path, file: &File, fingerprint: &mut Fingerprint) -> Result<String, Unread> {
    fingerprint.note(path, file.metadata());
    let mut bytes = Vec::new();
    let mut bounded = file.take(MAX_FILE_BYTES + 1);
    bounded.read_to_end(&mut bytes).map_err(Unread::Io)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(Unread::TooLarge);
    }
    // The byte order marks of UTF-16, either way round.
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        return Err(Unread::Utf16);
    }
    String::from_utf8(bytes).map_err(|error| {
        let sound = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        let line = sound.iter().filter(|b| **b == b'\n').count() + 1;
        Unread::NotUtf8 { line }
    })
}

impl Unread {
    fn of(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::InvalidInput => Unread::NotAFile,
            _ => Unread::Io(error),
        }
    }

    fn fault(self, path: &Path) -> Fault {
        match self {
            Unread::NotAFile => Fault::of_file(path, "is not a regular file", "put a file there"),
            Unread::TooLarge => Fault::of_file(
                path,
                "is larger than 16 MiB",
                "split the policies into drop-in files",
            ),
            Unread::Utf16 => Fault::of_file(
                path,
                "is UTF-16 text",
                "save the file as UTF-8 (in Notepad: Save as, Encoding: UTF-8)",
            ),
            Unread::NotUtf8 { line } => Fault {
                line,
                ..Fault::of_file(path, "is not UTF-8 text", "save the file as UTF-8")
            },
            Unread::Io(error) => {
                let remedy = match error.kind() {
                    ErrorKind::NotFound => {
                        "make one with `textsender init`, or name another with --config or $TEXTSENDER_CONFIG"
                    }
                    ErrorKind::PermissionDenied => {
                        "use sudo; where the account that sends can't read it, sudo textsender doctor --fix"
                    }
                    _ => "see that it can be read",
                };
                Fault::of_file(
                    path,
                    format!("cannot be read: {}", limits::explained(&error)),
                    remedy,
                )
            }
        }
    }
}

fn list(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?;
    entries.map(|entry| Ok(entry?.path())).collect()
}

fn is_dotted(path: &Path) -> bool {
    path.file_name()
        .is_some_and(|name| name.as_encoded_bytes().starts_with(b"."))
}
