//! What is wrong in a configuration, where, and what to do: first-class values, because `check`
//! lists all of them and a send shows the first.

use std::fmt;
use std::ops::Range;
use std::path::Path;

use serde::Serialize;

use super::place::Place;
use crate::redact::on_one_line;

/// One thing that is wrong. Displays as `FILE:LINE: KEY: what is wrong; what to do`, on one line whatever a
/// name brings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// The file, as it was named.
    pub file: String,
    /// The line, from 1; 0 if the fault is the file's as a whole.
    pub line: usize,
    /// The column in characters, from 1; 0 as above.
    pub column: usize,
    /// The key in full, such as `senders.twilio.timeout`; empty if no key is at fault.
    pub key: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub remedy: String,
    /// The bytes at fault, for the renderer's caret.
    #[serde(skip)]
    pub place: Option<Place>,
    /// The line at fault and its bytes that are, where the file is none of the configuration's own.
    #[serde(skip)]
    pub excerpt: Option<(String, Range<usize>)>,
}

impl Fault {
    /// A fault of a whole file.
    pub fn of_file(path: &Path, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Fault {
            file: on_one_line(&path.display().to_string()),
            line: 0,
            column: 0,
            key: String::new(),
            message: on_one_line(&message.into()),
            remedy: on_one_line(&remedy.into()),
            place: None,
            excerpt: None,
        }
    }

    /// A fault at a place of a file that is none of the configuration's own.
    pub fn in_text(
        path: &Path,
        text: &str,
        span: Range<usize>,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Self {
        let at = text.floor_char_boundary(span.start);
        let start = text[..at].rfind('\n').map_or(0, |newline| newline + 1);
        let line = text[start..].lines().next().unwrap_or_default();
        let end = text.ceil_char_boundary(span.end).min(start + line.len());
        Fault {
            line: text[..start].matches('\n').count() + 1,
            column: text[start..at].chars().count() + 1,
            excerpt: Some((line.to_owned(), at - start..end.max(at) - start)),
            ..Self::of_file(path, message, remedy)
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if self.line > 0 {
            write!(f, ":{}", self.line)?;
        }
        if !self.key.is_empty() {
            write!(f, ": {}", self.key)?;
        }
        write!(f, ": {}; {}", self.message, self.remedy)
    }
}

/// Why a configuration can't be used. Displays the first fault on one line and how many more there
/// are; [`Faults::iter`] gives all.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// `Err` with the faults, sorted by file and line, or `Ok` if there are none.
    pub fn none_of(faults: Vec<Fault>) -> Result<(), Faults> {
        match faults.is_empty() {
            true => Ok(()),
            false => Err(Faults(sorted(faults))),
        }
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(first) = self.0.first() else {
            return Ok(());
        };
        write!(f, "{first}")?;
        match self.0.len() - 1 {
            0 => Ok(()),
            more => write!(f, " (and {more} more: run `textsender check`)"),
        }
    }
}

/// Faults in the order in which a person meets them: by file, in the order read, then by place.
/// A file that can't be read comes first.
pub fn sorted(mut faults: Vec<Fault>) -> Vec<Fault> {
    faults.sort_by_key(|fault| fault.place);
    faults
}

/// The known name nearest to a misspelt one, if it is near enough to be meant.
pub fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let plain = |text: &str| text.to_lowercase().replace('-', "_");
    let name = plain(name);
    known
        .into_iter()
        .map(|candidate| (strsim::jaro_winkler(&name, &plain(candidate)), candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, candidate)| candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_line_ends_leave_a_fault_on_one_line() {
        let path = Path::new("policies/a\u{1b}[31m\nb.toml");
        let fault = Fault::of_file(path, "x\u{2028}y", "z\r\n");
        assert_eq!(fault.to_string(), "policies/a [31m b.toml: x y; z  ");
    }
}
