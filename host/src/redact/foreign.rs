//! What a stranger wrote.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Redactor, printable};

/// Something that a plugin, a provider or another stranger wrote: not to be shown as it is.
///
/// It can be judged, and it can be cleaned. It can't be printed, logged or written anywhere else:
///
/// ```compile_fail,E0277
/// println!("{}", textsender::redact::Foreign::of("\u{1b}[2J".to_owned()));
/// ```
/// ```compile_fail,E0277
/// println!("{:?}", textsender::redact::Foreign::of("\u{1b}[2J".to_owned()));
/// ```
/// ```compile_fail,E0277
/// let _ = serde_json::to_string(&textsender::redact::Foreign::of("\u{1b}[2J".to_owned()));
/// ```
/// ```
/// # use textsender::redact::Foreign;
/// assert_eq!(Foreign::of("a\u{1b}[2Jb\u{202e}c".to_owned()).printable(), "a [2Jb c");
/// ```
#[derive(Clone)]
pub struct Foreign<T = String>(T);

impl<T> Foreign<T> {
    /// Marks what a stranger wrote.
    pub const fn of(value: T) -> Self {
        Self(value)
    }

    /// Judges it, without showing it.
    pub fn judge<R>(&self, judge: impl FnOnce(&T) -> R) -> R {
        judge(&self.0)
    }

    /// Takes it apart. Whatever of it is text is foreign still: for the places that clean it, and for those
    /// that carry it without a look.
    pub fn unmarked(self) -> T {
        self.0
    }
}

impl<T: AsRef<str>> Foreign<T> {
    /// The text, safe to show, where secrets may be in it.
    pub fn clean(&self, redactor: &Redactor) -> String {
        redactor.clean(self.0.as_ref())
    }

    /// The text, safe to show, where no secret can be in it.
    pub fn printable(&self) -> String {
        printable(self.0.as_ref())
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Foreign<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        T::deserialize(from).map(Self)
    }
}

/// Writes what it holds into a frame, as it is: `#[serde(serialize_with = "in_frame")]`. The host
/// process does, whose plugin it comes from; the front reads it as foreign.
///
/// # Errors
///
/// As its content.
pub fn in_frame<T: Serialize, S: Serializer>(
    foreign: &Foreign<T>,
    to: S,
) -> Result<S::Ok, S::Error> {
    foreign.0.serialize(to)
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    /// Where marks are taken off: to clean what is under them, or to carry it.
    const UNMARKED: &[&str] = &[
        "plugins/describe.rs",
        "plugins/process/fuzz.rs",
        "plugins/process/inbound.rs",
        "plugins/process/inbound/sanitize.rs",
    ];

    #[test]
    fn marks_are_taken_off_in_these_files_only() {
        let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut found = Vec::new();
        collect(&src, &src, &mut found);
        found.sort();
        assert_eq!(found, UNMARKED);
    }

    fn collect(folder: &Path, src: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, src, found);
                continue;
            }
            let source = fs::read_to_string(&path).unwrap();
            if source.contains(concat!(".unmarked", "()")) {
                found.push(path.strip_prefix(src).unwrap().display().to_string());
            }
        }
    }
}
