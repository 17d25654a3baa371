//! The command that does the same as a page, as it is typed into a shell.

use std::fmt::Write;

use crate::call::Call;

/// A command line of `textsender`.
#[derive(Debug, Clone)]
pub struct Command {
    words: Vec<String>,
    /// What standard input gets, if that is no secret.
    input: Option<String>,
}

impl Command {
    /// `textsender` with these words.
    pub fn new<W: Into<String>>(words: impl IntoIterator<Item = W>) -> Self {
        Self {
            words: words.into_iter().map(Into::into).collect(),
            input: None,
        }
    }

    /// One more word.
    pub fn arg(mut self, word: impl Into<String>) -> Self {
        self.words.push(word.into());
        self
    }

    /// An option with its value.
    pub fn option(self, name: &str, value: &str) -> Self {
        self.arg(name).arg(value)
    }

    /// A text for standard input.
    pub fn input(mut self, text: impl Into<String>) -> Self {
        self.input = Some(text.into());
        self
    }

    /// As it is typed. Where the console was told which configuration it is about, the command is told too.
    pub fn line(&self, call: &Call) -> String {
        let mut line = String::new();
        // Writing to a String never fails.
        if let Some(input) = &self.input {
            let _ = write!(line, "printf '%s\\n' {} | ", quoted(input));
        }
        line.push_str("textsender");
        for word in &self.words {
            let _ = write!(line, " {}", quoted(word));
        }
        if call.config_is_named {
            let _ = write!(line, " --config {}", quoted(&call.config.to_string_lossy()));
        }
        line
    }
}

/// Several, one after the other.
pub fn lines(commands: &[Command], call: &Call) -> String {
    let lines: Vec<String> = commands.iter().map(|command| command.line(call)).collect();
    lines.join("\n")
}

fn quoted(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%".contains(c);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_are_quoted_for_a_shell() {
        for (word, written) in [
            ("twilio", "twilio"),
            ("from=+447700900100", "from=+447700900100"),
            ("", "''"),
            ("it's %code%; $(id)", r"'it'\''s %code%; $(id)'"),
        ] {
            assert_eq!(quoted(word), written);
        }
    }
}
