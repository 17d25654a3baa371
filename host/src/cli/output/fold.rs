//! Lines that are too long for a terminal, in several that fit it.

use std::ops::Range;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{WIDTH, width};

/// What continues a line stands so much further to the right.
const HANG: usize = 4;

/// Programs that a line tells to run.
const PROGRAMS: [&str; 8] = [
    "sudo ",
    "textsender ",
    "chmod ",
    "chown ",
    "setfacl ",
    "usermod ",
    "mv ",
    "rm ",
];

/// Each line that is longer than this, in several: at spaces, and within a word that is longer itself. A command at the end
/// of a line is never cut so that its first part would run by itself: it goes on after a backslash.
pub(super) fn fold(text: &str, width: usize) -> String {
    let lines = text.split_inclusive('\n').map(|line| {
        let (bare, end) = match line.strip_suffix('\n') {
            Some(bare) => (bare, "\n"),
            None => (line, ""),
        };
        match columns(bare) <= width {
            true => line.to_owned(),
            false => folded(bare, width) + end,
        }
    });
    lines.collect()
}

fn folded(line: &str, width: usize) -> String {
    let content = line.trim_start_matches(' ');
    let indent = line.len() - content.len();
    let hang = column(line, indent).filter(|at| *at <= width / 3);
    let hang = hang.unwrap_or((indent + HANG).min(width / 2));
    let command = command(line);
    let (prose, command) = line.split_at(command.unwrap_or(line.len()));
    let mut lines = Lines {
        done: String::new(),
        line: " ".repeat(indent),
        width,
        hang,
    };
    for word in words(prose.get(indent..).unwrap_or_default()) {
        lines.add(word);
    }
    lines.add_command(command);
    lines.done + lines.line.trim_end()
}

/// Where the second column of a line begins: after more than one space.
fn column(line: &str, indent: usize) -> Option<usize> {
    let gap = indent + line[indent..].find("  ")?;
    let rest = line[gap..].trim_start_matches(' ');
    Some(columns(&line[..line.len() - rest.len()]))
}

/// Where a command begins that goes on to the end of the line.
fn command(line: &str) -> Option<usize> {
    let begins = |at: &usize| {
        let before = &line[..*at];
        let is_start = is_mark(before) || before.trim_end().ends_with(':');
        is_start
            && PROGRAMS
                .iter()
                .any(|program| line[*at..].starts_with(program))
    };
    let starts = line.match_indices(' ').map(|(at, _)| at + 1);
    std::iter::once(0).chain(starts).find(begins)
}

/// Whether there is nothing on a line but what marks its beginning: `->`, `1.`
fn is_mark(line: &str) -> bool {
    let is_number = |mark: &str| mark.bytes().all(|byte| byte.is_ascii_digit());
    let mark = line.trim();
    ["", "->"].contains(&mark) || mark.strip_suffix('.').is_some_and(is_number)
}

/// The words of a text, each with the spaces before it.
fn words(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let start = rest.find(|c| c != ' ').unwrap_or(rest.len());
        let end = rest[start..]
            .find(' ')
            .map_or(rest.len(), |end| start + end);
        let (word, left) = rest.split_at(end);
        rest = left;
        (!word.is_empty()).then_some(word)
    })
}

/// Lines as they are filled.
struct Lines {
    done: String,
    line: String,
    width: usize,
    hang: usize,
}

impl Lines {
    fn add(&mut self, word: &str) {
        if columns(&self.line) + columns(word) <= self.width {
            return self.line.push_str(word);
        }
        let mut bare = word.trim_start_matches(' ');
        if !self.line.trim().is_empty() {
            self.end("");
        }
        while columns(&self.line) + columns(bare) > self.width {
            let room = self.width.saturating_sub(columns(&self.line)).max(2);
            let (part, rest) = bare.split_at(fitting(bare, room));
            self.line.push_str(part);
            self.end("");
            bare = rest;
        }
        self.line.push_str(bare);
    }

    /// A command: on this line, or on one of its own, or on several that are one to a shell.
    fn add_command(&mut self, command: &str) {
        if columns(&self.line) + columns(command) <= self.width {
            return self.line.push_str(command);
        }
        if !is_mark(&self.line) {
            self.end("");
        }
        // Within quotes and comments a backslash means something else.
        let is_plain = !command.contains(['\'', '"', '#', '\x1b', ';', '(']);
        if !is_plain || columns(&self.line) + columns(command) <= self.width {
            return self.line.push_str(command);
        }
        for word in words(command) {
            let is_first = is_mark(&self.line);
            if !is_first && columns(&self.line) + columns(word) + 2 > self.width {
                let word = word.trim_start_matches(' ');
                self.end(" \\");
                // A long name begins further to the left.
                let room = self.width.saturating_sub(columns(word) + 2);
                self.line.truncate(room);
                self.line.push_str(word);
            } else {
                self.line.push_str(word);
            }
        }
    }

    /// Ends a line, with this at its end.
    fn end(&mut self, with: &str) {
        self.done.push_str(self.line.trim_end_matches(' '));
        self.done.push_str(with);
        self.done.push('\n');
        self.line = " ".repeat(self.hang);
    }
}

/// How many bytes of a word fit into so many columns: one character at least.
fn fitting(word: &str, room: usize) -> usize {
    let mut taken = 0;
    let hidden = colours(word);
    for (at, c) in word.char_indices() {
        if hidden.iter().any(|colour| colour.contains(&at)) {
            continue;
        }
        taken += c.width().unwrap_or(0);
        if taken > room && at > 0 {
            return at;
        }
    }
    word.len()
}

/// The columns that a text takes: colours take none.
fn columns(text: &str) -> usize {
    let hidden: usize = colours(text).into_iter().map(|at| text[at].width()).sum();
    text.width() - hidden
}

/// Where the text sets a colour (ECMA-48, 8.3.117).
fn colours(text: &str) -> Vec<Range<usize>> {
    let starts = text.match_indices("\x1b[").map(|(at, _)| at);
    let ends = starts.filter_map(|at| Some(at..at + text[at..].find('m')? + 1));
    ends.collect()
}

/// Words in lines for a terminal, indented.
pub(in crate::cli) fn indented(words: &str) -> impl Iterator<Item = String> {
    const INDENT: &str = "    ";
    let lines = wrapped(words, width().min(WIDTH - 2) - INDENT.len());
    lines.into_iter().map(|line| format!("{INDENT}{line}"))
}

/// Words in lines of so many characters. A word that is longer is broken; what fits stays as it is.
pub(super) fn wrapped(words: &str, width: usize) -> Vec<String> {
    if words.width() <= width {
        return vec![words.to_owned()];
    }
    let mut lines = Vec::new();
    let mut line = String::new();
    for mut word in words.split_whitespace() {
        if !line.is_empty() && line.width() + 1 + word.width() <= width {
            line.push(' ');
            line.push_str(word);
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        while word.width() > width {
            let end = word
                .char_indices()
                .map(|(at, c)| at + c.len_utf8())
                .take_while(|end| word[..*end].width() <= width.max(2))
                .last();
            let (part, rest) = word.split_at(end.unwrap_or(word.len()));
            lines.push(part.to_owned());
            word = rest;
        }
        line.push_str(word);
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_wrapped_and_too_long_ones_broken() {
        assert_eq!(wrapped("a bc def", 8), ["a bc def"]);
        assert_eq!(wrapped("a bc def", 4), ["a bc", "def"]);
        assert_eq!(wrapped("abcdefgh ij", 3), ["abc", "def", "gh", "ij"]);
        assert_eq!(wrapped("日本語 x", 4), ["日本", "語 x"]);
        assert_eq!(wrapped("", 4), [""]);
    }

    #[test]
    fn lines_that_fit_stay_as_they_are() {
        let text = "a  b\n  c\n\n";
        assert_eq!(fold(text, 4), text);
    }

    #[test]
    fn longer_ones_go_on_further_to_the_right() {
        for (line, width, lines) in [
            (
                "  ok: one two three",
                12,
                "  ok: one\n      two\n      three",
            ),
            ("name  used by x", 12, "name  used\n    by x"),
            (
                "sender      a b c d e f g h i j k l m n",
                36,
                "sender      a b c d e f g h i j k l\n            m n",
            ),
            (
                "  -> abcdefghijkl",
                10,
                "  ->\n     abcde\n     fghij\n     kl",
            ),
            // Colours take no room.
            ("\x1b[1mab\x1b[0m cd", 5, "\x1b[1mab\x1b[0m cd"),
            ("\x1b[1mab\x1b[0m cd", 4, "\x1b[1mab\x1b[0m\n  cd"),
        ] {
            assert_eq!(fold(line, width), lines, "{line}");
        }
    }

    #[test]
    fn a_command_runs_as_a_whole_or_not_at_all() {
        for (line, width, lines) in [
            (
                "    -> sudo textsender init --owner textsender",
                30,
                "    -> sudo textsender init \\\n        --owner textsender",
            ),
            (
                "add one: textsender sender add NAME",
                30,
                "add one:\n    textsender sender add NAME",
            ),
            // A name is not cut, nor what is in quotes.
            (
                "  -> chmod go= /a/folder/with/a/long/name",
                20,
                "  -> chmod go= \\\n/a/folder/with/a/long/name",
            ),
            (
                "  -> chmod go= /a/folder/with/a/name",
                25,
                "  -> chmod go= \\\n  /a/folder/with/a/name",
            ),
            (
                "  1. textsender secret set a.b --check",
                24,
                "  1. textsender secret \\\n      set a.b --check",
            ),
            (
                "  1. textsender secret set a.b    # and so on",
                30,
                "  1. textsender secret set a.b    # and so on",
            ),
        ] {
            assert_eq!(fold(line, width), lines, "{line}");
        }
    }
}
