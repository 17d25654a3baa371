//! What changes in which file, line by line. Values of senders' settings are not shown: a secret may
//! stand there in the open.

use std::path::{Path, PathBuf};

use serde::Serialize;
use similar::{ChangeTag, TextDiff};

use crate::config::{Sources, render};

/// How many unchanged lines are shown around those that change.
const CONTEXT: usize = 2;

/// What changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// In the order in which the files were changed.
    pub files: Vec<FileDifference>,
}

/// What changes in one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileDifference {
    /// The file.
    pub path: PathBuf,
    /// The lines that change, and some around them.
    pub lines: Vec<Line>,
}

/// One line, without its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Line {
    /// What becomes of it.
    pub kind: LineKind,
    /// What it says.
    pub text: String,
}

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LineKind {
    /// It stays.
    Same,
    /// It is taken out.
    Removed,
    /// It is put in.
    Added,
}

impl Difference {
    /// Between two readings of a configuration, in these files.
    pub(super) fn of<'p>(
        before: &Sources,
        after: &Sources,
        paths: impl Iterator<Item = &'p Path>,
    ) -> Self {
        let files = paths.map(|path| FileDifference {
            path: path.to_owned(),
            lines: lines(before, after, path),
        });
        Self {
            files: files.collect(),
        }
    }
}

/// The lines are compared as they are, and shown with what is hidden in them masked.
fn lines(before: &Sources, after: &Sources, path: &Path) -> Vec<Line> {
    let (old, new) = (text(before, path), text(after, path));
    let (old_shown, new_shown) = (masked(before, path), masked(after, path));
    let (old_shown, new_shown): (Vec<&str>, Vec<&str>) =
        (old_shown.lines().collect(), new_shown.lines().collect());
    let shown = |lines: &[&str], at: Option<usize>| {
        let line = at.and_then(|at| lines.get(at));
        line.map(|line| (*line).to_owned()).unwrap_or_default()
    };
    let diff = TextDiff::from_lines(old, new);
    let mut found = Vec::new();
    for change in diff
        .grouped_ops(CONTEXT)
        .iter()
        .flatten()
        .flat_map(|op| diff.iter_changes(op))
    {
        let (kind, text) = match change.tag() {
            ChangeTag::Equal => (LineKind::Same, shown(&old_shown, change.old_index())),
            ChangeTag::Delete => (LineKind::Removed, shown(&old_shown, change.old_index())),
            ChangeTag::Insert => (LineKind::Added, shown(&new_shown, change.new_index())),
        };
        found.push(Line { kind, text });
    }
    found
}

fn text<'s>(sources: &'s Sources, path: &Path) -> &'s str {
    let file = sources.files.iter().find(|file| file.path == path);
    file.map_or("", |file| file.text.as_str())
}

fn masked(sources: &Sources, path: &Path) -> String {
    let file = sources.files.iter().find(|file| file.path == path);
    file.map(render::masked).unwrap_or_default()
}
