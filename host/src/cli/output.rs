//! What commands print: to standard output, in colour on a terminal only.

use std::{
    env,
    io::{self, IsTerminal, Write},
    process::ExitCode,
};

use serde::Serialize;

/// Prints text as it is. A reader that went away is no failure of the command's.
pub(super) fn print(text: &str) {
    let mut stdout = io::stdout().lock();
    let _ = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
}

/// Prints JSON for a tool, indented, as people read it too.
pub(super) fn json(value: &impl Serialize) {
    // A map with other keys than strings would fail; there is none.
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    print(&(text + "\n"));
}

/// Whether to print in colour: on a terminal, unless `NO_COLOR` is set (<https://no-color.org>).
pub(super) fn colour() -> bool {
    let refused = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    io::stdout().is_terminal() && !refused
}

/// Says on standard error why a command could not do its work.
pub(super) fn complain(words: &str, exit: u8) -> ExitCode {
    let _ = writeln!(io::stderr().lock(), "textsender: {words}");
    exit.into()
}

/// Colours, if there are any.
pub(super) struct Paint {
    pub(super) colour: bool,
}

impl Paint {
    /// What went well: green.
    pub(super) fn good(&self, text: &str) -> String {
        self.with("32", text)
    }

    /// What did not: red.
    pub(super) fn bad(&self, text: &str) -> String {
        self.with("31", text)
    }

    /// What is said by the way: faint.
    pub(super) fn faint(&self, text: &str) -> String {
        self.with("2", text)
    }

    /// A parameter of "Select Graphic Rendition" (ECMA-48, 8.3.117).
    fn with(&self, parameter: &str, text: &str) -> String {
        match self.colour {
            true => format!("\x1b[{parameter}m{text}\x1b[0m"),
            false => text.to_owned(),
        }
    }
}

/// `1 policy`, `2 policies`.
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {many}"),
    }
}
