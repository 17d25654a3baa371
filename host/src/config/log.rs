//! `[log]`: where the log goes.

use std::path::{Path, PathBuf};

use super::table::{Node, Table};

/// Where the log goes, once the configuration is read. What is logged before that, and what the target does not take,
/// goes to standard error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum LogTarget {
    /// Standard error.
    #[default]
    Stderr,
    /// systemd's journal.
    Journald,
    /// The system's log, by syslog(3)'s socket.
    Syslog,
    /// A file, at the end of which lines are added.
    File(PathBuf),
}

impl LogTarget {
    pub(super) fn read(t: &Table) -> Self {
        let target = t.get("to").and_then(|node| target(&node));
        target.unwrap_or_default()
    }
}

fn target(node: &Node) -> Option<LogTarget> {
    let word = node.word()?;
    match word.as_str() {
        "stderr" => Some(LogTarget::Stderr),
        "journald" => Some(LogTarget::Journald),
        "syslog" => Some(LogTarget::Syslog),
        path if Path::new(path).is_absolute() => Some(LogTarget::File(path.into())),
        _ => {
            node.fault(
                format!("{:?} is not a place to log to", word.value),
                "write \"stderr\", \"journald\", \"syslog\" or the full path of a file",
            );
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Reading, Sources};

    #[test]
    fn a_place_is_a_word_or_a_full_path() {
        for (written, target, faults) in [
            ("", LogTarget::Stderr, 0),
            ("[log]\nto = \"stderr\"", LogTarget::Stderr, 0),
            ("[log]\nto = \"journald\"", LogTarget::Journald, 0),
            ("[log]\nto = \"syslog\"", LogTarget::Syslog, 0),
            (
                "[log]\nto = \"/var/log/textsender.log\"",
                LogTarget::File("/var/log/textsender.log".into()),
                0,
            ),
            ("[log]\nto = \"textsender.log\"", LogTarget::Stderr, 1),
            ("[log]\nto = \"journal\"", LogTarget::Stderr, 1),
        ] {
            let sources = Sources::from_text("/etc/textsender/textsender.toml", written);
            let reading = Reading::of(sources);
            assert_eq!(reading.config.log, target, "{written}");
            assert_eq!(reading.faults.len(), faults, "{written}");
        }
    }
}
