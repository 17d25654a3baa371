//! What commands show: the one place that prints. Tables and colour are for terminals; what reads
//! the output of a command gets plain lines, or JSON where it asks.

use std::{
    env,
    fmt::Display,
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

use crate::{
    config::Faults,
    edit::EditError,
    protocol::{Failure, Outcome},
    redact::{escaped, without_tricks},
    trust::Unsafe,
};

/// How a piece of text looks on a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    Heading,
    Good,
    Attention,
    Bad,
    Faint,
}

/// Standard output, for people.
pub(super) struct Output {
    is_terminal: bool,
    has_colour: bool,
}

impl Output {
    pub(super) fn new() -> Self {
        Self {
            is_terminal: io::stdout().is_terminal(),
            has_colour: colour(),
        }
    }

    /// Whether a person reads it.
    pub(super) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// One line.
    pub(super) fn line(&self, line: impl Display) {
        print(&format!("{line}\n"));
    }

    /// A text in a style, for a line.
    pub(super) fn paint(&self, style: Style, text: impl Display) -> String {
        painted(self.has_colour, style, &text.to_string())
    }

    /// A cell of a table, for a line.
    pub(super) fn cell(&self, cell: &Cell) -> String {
        self.paint(cell.style, &cell.text)
    }

    /// A table; without a terminal its rows, with tabs between the cells.
    pub(super) fn table(&self, headings: &[&str], rows: &[Vec<Cell>]) {
        if !self.is_terminal {
            for row in rows {
                let cells: Vec<&str> = row.iter().map(|cell| cell.text.as_str()).collect();
                self.line(cells.join("\t"));
            }
            return;
        }
        let widths: Vec<usize> = (0..headings.len())
            .map(|column| {
                let cells = rows.iter().filter_map(|row| row.get(column));
                let cells = cells.map(|cell| cell.text.width());
                cells.max().unwrap_or(0).max(headings[column].width())
            })
            .collect();
        let headings = headings.iter().map(|text| Cell::new(Style::Heading, text));
        self.row(&headings.collect::<Vec<_>>(), &widths);
        for row in rows {
            self.row(row, &widths);
        }
    }

    /// Words below a line, indented and in lines that can be read.
    pub(super) fn words(&self, style: Style, words: &str) {
        const INDENT: &str = "    ";
        const WIDTH: usize = 78;
        let mut line = String::new();
        for word in words.split_whitespace() {
            if !line.is_empty() && INDENT.len() + line.width() + 1 + word.width() > WIDTH {
                self.line(format_args!("{INDENT}{}", self.paint(style, &line)));
                line.clear();
            }
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
        if !line.is_empty() {
            self.line(format_args!("{INDENT}{}", self.paint(style, &line)));
        }
    }

    fn row(&self, row: &[Cell], widths: &[usize]) {
        let mut line = String::new();
        for (column, cell) in row.iter().enumerate() {
            line.push_str(&self.paint(cell.style, &cell.text));
            if column + 1 < row.len() {
                let gap = widths[column].saturating_sub(cell.text.width()) + 2;
                line.extend(std::iter::repeat_n(' ', gap));
            }
        }
        self.line(line);
    }
}

/// One cell of a table.
pub(super) struct Cell {
    style: Style,
    text: String,
}

impl Cell {
    pub(super) fn new(style: Style, text: impl Display) -> Self {
        // A cell is on one line, whatever a text or a plugin brings.
        let text = text.to_string().replace(|c: char| c.is_control(), " ");
        Self { style, text }
    }

    /// What it says.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// How it looks.
    pub(super) fn style(&self) -> Style {
        self.style
    }
}

impl<T: Display> From<T> for Cell {
    fn from(text: T) -> Self {
        Self::new(Style::Plain, text)
    }
}

/// Prints text. A reader that went away is no failure of the command's.
pub(super) fn print(text: &str) {
    write(&mut io::stdout().lock(), text, colour());
}

/// Prints JSON for a tool, indented, as people read it too.
pub(super) fn json(value: &impl Serialize) {
    // A map with other keys than strings would fail; there is none.
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    print(&(escaped(&text) + "\n"));
}

/// Whether to print in colour: on a terminal, unless `NO_COLOR` is set (<https://no-color.org>).
pub(super) fn colour() -> bool {
    io::stdout().is_terminal() && wants_colour()
}

/// Says on standard error why a command could not do its work.
pub(super) fn print_error(words: &str, exit: u8) -> ExitCode {
    notice(format_args!("textsender: {words}"));
    exit.into()
}

/// Colours, if there are any.
pub(super) struct Paint {
    pub(super) colour: bool,
}

impl Paint {
    /// What went well.
    pub(super) fn good(&self, text: &str) -> String {
        painted(self.colour, Style::Good, text)
    }

    /// What did not.
    pub(super) fn bad(&self, text: &str) -> String {
        painted(self.colour, Style::Bad, text)
    }

    /// What is said by the way.
    pub(super) fn faint(&self, text: &str) -> String {
        painted(self.colour, Style::Faint, text)
    }
}

/// `1 policy`, `2 policies`.
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {many}"),
    }
}

/// A line for the person at the terminal that is no result: what is waited for, what is asked.
pub(super) fn notice(line: impl Display) {
    write(
        &mut io::stderr().lock(),
        &format!("{line}\n"),
        has_colour_on_stderr(),
    );
}

/// A question, to be answered on the same line.
pub(super) fn question(text: impl Display) {
    write(
        &mut io::stderr().lock(),
        &text.to_string(),
        has_colour_on_stderr(),
    );
}

/// Tells how a command ended: its error, if it has one, on standard error, and the exit code.
pub(super) fn finish(result: anyhow::Result<ExitCode>) -> ExitCode {
    let error = match result {
        Ok(code) => return code,
        Err(error) => error,
    };
    let label = painted(has_colour_on_stderr(), Style::Bad, "textsender:");
    notice(format_args!("{label} {error:#}"));
    exit_code(&error)
}

/// An error of how the command was used, such as an argument that is missing without a terminal.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Usage(pub(super) String);

/// 2 for usage, 78 where the administrator must act on the configuration, else 1.
fn exit_code(error: &anyhow::Error) -> ExitCode {
    let edit: Option<&EditError> = error.downcast_ref();
    if error.is::<Usage>() || matches!(edit, Some(EditError::Usage(_))) {
        return ExitCode::from(2);
    }
    let is_misconfigured = error.chain().any(|cause| {
        let failure = cause.downcast_ref::<Failure>();
        cause.is::<Faults>()
            || cause.is::<Unsafe>()
            || failure.is_some_and(|f| f.outcome() == Outcome::Misconfigured)
    });
    match is_misconfigured || matches!(edit, Some(EditError::Unsafe(_))) {
        true => Outcome::Misconfigured.into(),
        false => ExitCode::FAILURE,
    }
}

/// Whatever a plugin, a file or an argument brought: it moves no cursor, turns no words around, and sets no
/// colour where there are none. A reader that has gone is no error of the command.
fn write(to: &mut dyn Write, text: &str, has_colour: bool) {
    let text = without_tricks(text, has_colour);
    let _ = to.write_all(text.as_bytes()).and_then(|()| to.flush());
}

fn has_colour_on_stderr() -> bool {
    io::stderr().is_terminal() && wants_colour()
}

fn wants_colour() -> bool {
    let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    !refused && env::var_os("TERM").is_none_or(|terminal| terminal != "dumb")
}

fn painted(has_colour: bool, style: Style, text: &str) -> String {
    // ECMA-48, 8.3.117 (SGR).
    let code = match style {
        Style::Plain => return text.to_owned(),
        Style::Heading => "1",
        Style::Good => "32",
        Style::Attention => "33",
        Style::Bad => "1;31",
        Style::Faint => "2",
    };
    match has_colour {
        true => format!("\x1b[{code}m{text}\x1b[0m"),
        false => text.to_owned(),
    }
}
