//! What commands show: the one place that prints. Tables and colour are for terminals; what reads
//! the output of a command gets plain lines, or JSON where it asks.

mod fold;

use std::{
    env,
    fmt::Display,
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use serde::Serialize;
use unicode_width::UnicodeWidthStr;

pub(super) use fold::indented;
use fold::{fold, wrapped};

use crate::{
    config::Faults,
    edit::EditError,
    os::terminal,
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
            is_terminal: is_terminal(),
            has_colour: colour(),
        }
    }

    /// Whether a person reads it.
    pub(super) fn is_terminal(&self) -> bool {
        self.is_terminal
    }

    /// One line; on a terminal in as many as fit it.
    pub(super) fn line(&self, line: impl Display) {
        print_lines(&format!("{line}\n"));
    }

    /// One line as it is, however long: what is quoted, or drawn.
    pub(super) fn whole(&self, line: impl Display) {
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
        let widths = fitting(widths, width());
        let headings = headings.iter().map(|text| Cell::new(Style::Heading, text));
        self.row(&headings.collect::<Vec<_>>(), &widths);
        for row in rows {
            self.row(row, &widths);
        }
    }

    /// Words below a line, indented and in lines that can be read.
    pub(super) fn words(&self, style: Style, words: &str) {
        for line in indented(words) {
            self.line(self.paint(style, line));
        }
    }

    /// A row, in as many lines as its longest cell takes.
    fn row(&self, row: &[Cell], widths: &[usize]) {
        let cells: Vec<(Style, Vec<String>)> = row
            .iter()
            .zip(widths)
            .map(|(cell, width)| (cell.style, wrapped(&cell.text, *width)))
            .collect();
        let lines = cells.iter().map(|(_, lines)| lines.len()).max();
        for number in 0..lines.unwrap_or(0) {
            let mut line = String::new();
            let mut gap = 0;
            for ((style, lines), width) in cells.iter().zip(widths) {
                let text = lines.get(number).map_or("", String::as_str);
                if !text.is_empty() {
                    line.extend(std::iter::repeat_n(' ', gap));
                    line.push_str(&self.paint(*style, text));
                    gap = 0;
                }
                gap += width.saturating_sub(text.width()) + GAP.len();
            }
            self.whole(line);
        }
    }
}

/// How many characters a line of the terminal has.
pub(super) fn width() -> usize {
    terminal::width().unwrap_or(WIDTH)
}

/// What a table is made for where the terminal does not say how wide it is.
pub(super) const WIDTH: usize = 80;

/// Between two columns.
const GAP: &str = "  ";

/// A column is not made narrower than this.
const NARROWEST: usize = 8;

/// Columns that fit into so many characters, as far as that is possible: the widest give way.
fn fitting(mut widths: Vec<usize>, room: usize) -> Vec<usize> {
    let gaps = GAP.len() * widths.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > room {
        let Some(widest) = widths.iter_mut().max().filter(|width| **width > NARROWEST) else {
            break;
        };
        *widest -= 1;
    }
    widths
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

/// Prints lines; on a terminal those that are too long for it in several.
pub(super) fn print_lines(text: &str) {
    match is_terminal() {
        true => print(&fold(text, width())),
        false => print(text),
    }
}

/// Prints JSON for a tool, indented, as people read it too.
pub(super) fn json(value: &impl Serialize) {
    // A map with other keys than strings would fail; there is none.
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    print(&(escaped(&with_mend(&text)) + "\n"));
}

/// Adds to each `remedy` the same as `mend`: some commands called it so in the first release, and programs read that.
fn with_mend(json: &str) -> String {
    let lines = json.lines().map(|line| {
        let key = line.trim_start();
        let Some(remedy) = key.strip_prefix("\"remedy\": ") else {
            return line.to_owned();
        };
        let (indent, remedy) = (
            &line[..line.len() - key.len()],
            remedy.trim_end_matches(','),
        );
        [indent, r#""mend": "#, remedy, ",\n", line].concat()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Whether a person reads standard output.
pub(super) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// Whether to print in colour: on a terminal, unless `NO_COLOR` is set (<https://no-color.org>).
pub(super) fn colour() -> bool {
    is_terminal() && wants_colour()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_do_has_its_first_name_too() {
        let json = serde_json::json!({"all": [{"remedy": "a,"}], "remedy": "b", "what": "c"});
        let text = with_mend(&serde_json::to_string_pretty(&json).unwrap());
        let told: serde_json::Value = serde_json::from_str(&text).unwrap();
        let all = [serde_json::json!({"mend": "a,", "remedy": "a,"})];
        let wanted = serde_json::json!({"all": all, "mend": "b", "remedy": "b", "what": "c"});
        assert_eq!(told, wanted);
    }

    #[test]
    fn the_widest_columns_give_way_until_a_table_fits() {
        for (widths, room, fit) in [
            (vec![10, 20], 80, vec![10, 20]),
            (vec![10, 100, 90], 80, vec![10, 33, 33]),
            // As far as that is possible.
            (vec![50, 50], 10, vec![8, 8]),
            (vec![], 80, vec![]),
        ] {
            assert_eq!(fitting(widths, room), fit);
        }
    }
}
