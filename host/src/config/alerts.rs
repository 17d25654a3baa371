//! `[alerts]`: who is alerted where texts are not sent, or will not be.

use std::{fmt, path::Path};

use toml_edit::{Array, DocumentMut, value};
use url::Url;

use super::table::{Node, Table};

/// How alerts go out; each way that is named gets every alert.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Alerts {
    /// Addresses that get a mail by this machine's `sendmail`.
    pub mail: Vec<String>,
    /// A program by its full path, and its arguments: it reads the alert on standard input.
    pub command: Vec<String>,
    /// An address that gets the alert as JSON, by POST.
    pub webhook: Option<Url>,
}

/// The address is not shown: it is all that it takes to post there.
impl fmt::Debug for Alerts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Alerts")
            .field("mail", &self.mail)
            .field("command", &self.command)
            .field("webhook", &self.webhook.as_ref().map(|_| "..."))
            .finish()
    }
}

impl Alerts {
    pub(super) fn read(t: &Table) -> Self {
        let mail = t
            .get("mail")
            .map_or(Vec::new(), |node| match node.is_list() {
                true => node.some(address),
                false => address(&node).into_iter().collect(),
            });
        Self {
            mail,
            command: t.get("command").map_or(Vec::new(), |node| command(&node)),
            webhook: t.get("webhook").and_then(|node| webhook(&node)),
        }
    }

    /// The section, as a file has it.
    pub fn text(&self) -> String {
        let mut section = toml_edit::Table::new();
        for (key, words) in [("mail", &self.mail), ("command", &self.command)] {
            if !words.is_empty() {
                section.insert(key, value(Array::from_iter(words)));
            }
        }
        if let Some(url) = &self.webhook {
            section.insert("webhook", value(url.as_str()));
        }
        DocumentMut::from(toml_edit::Table::from_iter([("alerts", section)])).to_string()
    }

    /// Whether there is no way for an alert.
    pub fn is_off(&self) -> bool {
        *self == Self::default()
    }
}

fn address(node: &Node) -> Option<String> {
    let is_address = |word: &str| {
        let parts = word.split_once('@');
        // No option of sendmail, and one address.
        parts.is_some_and(|(user, host)| !user.is_empty() && !host.is_empty())
            && !word.starts_with('-')
            && word
                .chars()
                .all(|c| c.is_ascii_graphic() && !"<>,;\"".contains(c))
    };
    let word = node.shaped(is_address, "write an address such as oncall@example.org")?;
    Some(word.value)
}

fn command(node: &Node) -> Vec<String> {
    let words = match node.is_list() {
        true => node.some(|node| node.word().map(|word| word.value)),
        false => node.word().map(|word| word.value).into_iter().collect(),
    };
    match words.first() {
        Some(program) if !Path::new(program).is_absolute() => {
            node.fault(
                format!("{program:?} is not a full path"),
                "write the full path of the program, and its arguments as a list: [\"/usr/local/bin/page\", \"oncall\"]",
            );
            Vec::new()
        }
        _ => words,
    }
}

fn webhook(node: &Node) -> Option<Url> {
    node.hide();
    let word = node.word()?;
    let is_here = |url: &Url| matches!(url.host_str(), Some("127.0.0.1" | "[::1]" | "localhost"));
    match Url::parse(&word) {
        Ok(url) if url.scheme() == "https" || (url.scheme() == "http" && is_here(&url)) => {
            Some(url)
        }
        _ => {
            node.fault(
                "is not an address that begins with https://",
                "write it as https://HOST/PATH",
            );
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Reading, Sources};

    fn read(section: &str) -> (Alerts, usize) {
        let text = format!("[alerts]\n{section}");
        let reading = Reading::of(Sources::from_text("/etc/textsender/textsender.toml", text));
        (reading.config.alerts, reading.faults.len())
    }

    #[test]
    fn every_way_is_read_alone_and_as_a_list() {
        let (alerts, faults) = read(
            "mail = \"oncall@example.org\"\ncommand = \"/usr/local/bin/page\"\nwebhook = \"https://chat.example.org/x\"",
        );
        assert_eq!(faults, 0);
        assert_eq!(alerts.mail, ["oncall@example.org"]);
        assert_eq!(alerts.command, ["/usr/local/bin/page"]);
        assert!(alerts.webhook.is_some() && !alerts.is_off());
        assert!(!format!("{alerts:?}").contains("chat"));
        let (alerts, faults) =
            read("mail = [\"a@x.org\", \"b@x.org\"]\ncommand = [\"/bin/page\", \"me\"]");
        assert_eq!((alerts.mail.len(), alerts.command.len(), faults), (2, 2, 0));
        assert!(read("").0.is_off());
    }

    #[test]
    fn what_is_written_is_read_again() {
        let (alerts, _) = read(
            "mail = [\"a@x.org\", \"b@x.org\"]\ncommand = ['/bin/sh', '-c', \"echo \\\"\\\\ä\\\"\"]\nwebhook = \"https://chat.example.org/x?y=%22\"",
        );
        assert_eq!(alerts.command.len(), 3);
        let text = alerts.text();
        assert_eq!(read(text.strip_prefix("[alerts]\n").unwrap()), (alerts, 0));
    }

    #[test]
    fn what_could_be_another_thing_is_a_fault() {
        for section in [
            "mail = \"oncall\"",
            "mail = \"-oX@example.org\"",
            "mail = \"a@x.org, b@x.org\"",
            "mail = []",
            "command = \"page\"",
            "webhook = \"http://chat.example.org/x\"",
            "webhook = \"chat\"",
        ] {
            assert_eq!(read(section), (Alerts::default(), 1), "{section}");
        }
    }
}
