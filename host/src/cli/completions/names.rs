//! What can stand at a place of the command line: names that the configuration has, besides what the definition of the
//! command line knows.

use clap::{Arg, ArgAction, Command};

use crate::{
    check,
    cli::{Common, site::Site},
    protocol::ErrorCode,
    site::plugins,
};

/// What an argument names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Sender,
    Caller,
    Policy,
    Plugin,
    Provider,
    ErrorCode,
    Secret,
    /// A setting of the sender that is named before it; with a `=` after it where a value follows.
    Key {
        has_value: bool,
    },
}

/// What may stand in place of the last of these words, of a command line without its first.
pub(super) fn candidates(definition: &Command, words: &[String], common: &Common) -> Vec<String> {
    let Some((last, before)) = words.split_last() else {
        return Vec::new();
    };
    let Some(place) = Place::of(definition, before) else {
        return Vec::new();
    };
    let mut names = place.names(common);
    names.retain(|name| name.starts_with(last.as_str()));
    names.sort();
    names.dedup();
    names
}

/// A place of the command line.
struct Place {
    kind: Kind,
    /// The first word that is no option after the commands: the sender whose key it is.
    first: Option<String>,
}

impl Place {
    /// The place after these words.
    fn of(definition: &Command, before: &[String]) -> Option<Self> {
        let (mut command, mut path) = (definition, Vec::new());
        let (mut values, mut waiting): (Vec<&String>, Option<&Arg>) = (Vec::new(), None);
        for word in before {
            if waiting.take().is_some() {
                continue;
            }
            if let Some(option) = word.strip_prefix("--") {
                let has_own = option.contains('=');
                let known = command
                    .get_arguments()
                    .chain(definition.get_arguments())
                    .find(|arg| arg.get_long() == Some(option));
                let takes =
                    |arg: &&Arg| matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
                waiting = known.filter(takes).filter(|_| !has_own);
            } else if let Some(next) = command.find_subcommand(word).filter(|_| values.is_empty()) {
                command = next;
                path.push(next.get_name());
            } else {
                values.push(word);
            }
        }
        let positional = || {
            let all: Vec<&Arg> = command.get_positionals().collect();
            // The last one may take all that follow.
            let takes_more = |arg: &&&Arg| matches!(arg.get_action(), ArgAction::Append);
            all.get(values.len())
                .or(all.last().filter(takes_more))
                .copied()
        };
        let arg = waiting.or_else(positional)?;
        let is_option = waiting.is_some();
        Some(Self {
            kind: kind(&path, arg.get_id().as_str(), is_option)?,
            first: values.first().map(|word| (*word).clone()),
        })
    }

    fn names(&self, common: &Common) -> Vec<String> {
        if self.kind == Kind::ErrorCode {
            return ErrorCode::ALL
                .iter()
                .map(|code| code.as_str().to_owned())
                .collect();
        }
        let Ok(site) = Site::read(common) else {
            return Vec::new();
        };
        let senders = || site.config.senders.keys().cloned();
        match self.kind {
            Kind::Sender => senders().collect(),
            Kind::Caller => site.config.callers.keys().cloned().collect(),
            Kind::Policy => site
                .config
                .policies
                .iter()
                .map(|policy| policy.name.value.clone())
                .collect(),
            Kind::Plugin => {
                let files = plugins::files(&site).unwrap_or_default().into_iter();
                files.filter_map(|file| file.plugin).collect()
            }
            Kind::Provider => {
                let files = plugins::files(&site).unwrap_or_default();
                let all = plugins::providers(&files).into_iter();
                all.map(|provider| provider.id).collect()
            }
            Kind::Secret => senders()
                .flat_map(|sender| {
                    let keys = keys(&site, &sender, true);
                    keys.into_iter().map(move |key| format!("{sender}.{key}"))
                })
                .collect(),
            Kind::Key { has_value } => {
                let sender = self.first.as_deref().unwrap_or_default();
                let end = if has_value { "=" } else { "" };
                let keys = keys(&site, sender, false).into_iter();
                keys.map(|key| format!("{key}{end}")).collect()
            }
            Kind::ErrorCode => Vec::new(),
        }
    }
}

/// The settings of a sender's plugin: secrets, or all others.
fn keys(site: &Site, sender: &str, secret: bool) -> Vec<String> {
    let sender = site.config.senders.get(sender);
    let Some(Ok(described)) = sender.map(|sender| site.describe_sender(sender)) else {
        return Vec::new();
    };
    let fields = check::fields(&described).into_iter();
    let fields = fields.filter(|field| field.is_secret == secret);
    fields.map(|field| field.name).collect()
}

/// What an argument of a command names, by its id.
fn kind(path: &[&str], id: &str, is_option: bool) -> Option<Kind> {
    Some(match (path, id, is_option) {
        (_, "sender" | "fallback", true) => Kind::Sender,
        (["pause" | "resume"], "caller", true) => Kind::Caller,
        (_, "policy", true) => Kind::Policy,
        (_, "plugin", true) => Kind::Plugin,
        (_, "provider", true) => Kind::Provider,
        (_, "unset", true) => Kind::Key { has_value: false },
        // A name that is new.
        (["sender" | "policy", "add"], ..) | (_, _, true) => return None,
        (["policy", "set-sender"], "sender", _) => Kind::Sender,
        (["sender", _] | ["select-sender"] | ["helpdesk", "select-sender"], "name", _) => {
            Kind::Sender
        }
        (["policy", _], "name", _) => Kind::Policy,
        (["plugin", _], "id", _) => Kind::Plugin,
        (["provider", _], "id", _) => Kind::Provider,
        (["explain-error"], "code", _) => Kind::ErrorCode,
        (["secret", _], "name", _) => Kind::Secret,
        (["sender", "set"], "settings", _) => Kind::Key { has_value: true },
        (["sender", "unset"], "keys", _) => Kind::Key { has_value: false },
        _ => return None,
    })
}
