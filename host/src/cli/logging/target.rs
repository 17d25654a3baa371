//! Where `[log] to` has the lines go. What is there does not take goes to standard error, so that no line is lost
//! for a daemon that is away or a folder that is gone.

use std::{
    io::{self, Write},
    path::Path,
    sync::{PoisonError, RwLock},
};

use crate::{
    config::LogTarget,
    os::{log, rights},
    trust,
};

/// As a file for a group that reads logs.
const MODE: u32 = 0o640;

static TARGET: RwLock<LogTarget> = RwLock::new(LogTarget::Stderr);

/// Has lines go there from now on.
pub(super) fn set(target: &LogTarget) {
    // What every send has needs no lock.
    if *target != current() {
        *TARGET.write().unwrap_or_else(PoisonError::into_inner) = target.clone();
    }
}

/// Writes a line where it is to go; false where that is standard error, or is not possible.
pub(super) fn write(level: tracing::Level, line: &[u8]) -> bool {
    let text = String::from_utf8_lossy(line);
    let text = text.trim_end();
    let written = match current() {
        LogTarget::Stderr => return false,
        LogTarget::Journald => log::to_journal(priority(level), &on_one_line(bare(text))),
        LogTarget::Syslog => log::to_syslog(priority(level), &on_one_line(bare(text))),
        LogTarget::File(path) => append(&path, line),
    };
    written.is_ok()
}

fn current() -> LogTarget {
    TARGET
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
}

/// Opened for each line, of which there are few: a file that was rotated away is left alone.
fn append(path: &Path, line: &[u8]) -> io::Result<()> {
    let is_new = !path.exists();
    let (folder, name) = trust::place(path)?;
    let mut file = folder.open_to_append(&name)?;
    if is_new {
        rights::set_mode(&file, MODE)?;
    }
    trust::judge(path, &file)?;
    file.write_all(line)
}

/// The priority of syslog(3).
fn priority(level: tracing::Level) -> u8 {
    match level {
        tracing::Level::ERROR => 3,
        tracing::Level::WARN => 4,
        tracing::Level::INFO => 6,
        tracing::Level::DEBUG | tracing::Level::TRACE => 7,
    }
}

/// A line without its time and level, which such a log keeps by itself. One of JSON stays whole.
fn bare(line: &str) -> &str {
    if line.starts_with('{') {
        return line;
    }
    let after_word = |text: &'_ str| text.find(' ').map_or(text.len(), |end| end);
    let line = &line[after_word(line)..];
    let line = line.trim_start();
    line[after_word(line)..].trim_start()
}

fn on_one_line(line: &str) -> String {
    line.replace(char::is_control, " ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn such_a_log_has_time_and_level_of_its_own() {
        for (line, bared) in [
            (
                "2026-11-29T11:00:00.000001Z  WARN sender failed sender=\"a\"",
                "sender failed sender=\"a\"",
            ),
            ("2026-11-29T11:00:00Z ERROR x: y", "x: y"),
            ("{\"level\":\"WARN\"}", "{\"level\":\"WARN\"}"),
            ("", ""),
        ] {
            assert_eq!(bare(line), bared);
        }
    }
}
