//! How a sender stands, in words: ready, or what it still needs.

use super::{Need, Standing};

/// The state of a sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StandingState {
    /// It can send, as far as can be told without asking its provider.
    Ready,
    /// It lacks settings.
    Incomplete,
    /// A setting is wrong.
    Wrong,
    /// Its plugin can't be used.
    NoPlugin,
}

impl StandingState {
    /// One word, or two.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Incomplete => "incomplete",
            Self::Wrong => "wrong",
            Self::NoPlugin => "no plugin",
        }
    }
}

impl Standing {
    /// Its state.
    pub fn state(&self) -> StandingState {
        match self {
            Self {
                has_plugin: false, ..
            } => StandingState::NoPlugin,
            Self { needs, .. } if !needs.is_empty() => StandingState::Incomplete,
            Self { faults, .. } if !faults.is_empty() => StandingState::Wrong,
            _ => StandingState::Ready,
        }
    }

    /// Whether it can send, as far as can be told without asking its provider.
    pub fn is_ready(&self) -> bool {
        self.state() == StandingState::Ready
    }

    /// What is lacking or wrong, on one line; empty if it is ready.
    pub fn detail(&self) -> String {
        let needs: Vec<&str> = self.needs.iter().map(|need| need.key.as_str()).collect();
        let needs = (!needs.is_empty()).then(|| format!("needs: {}", needs.join(", ")));
        let all: Vec<String> = needs.into_iter().chain(self.fault_lines()).collect();
        match (all.is_empty(), self.is_ready()) {
            (true, false) => "its plugin can't be used; see `textsender plugin list`".to_owned(),
            _ => all.join("; "),
        }
    }

    /// Each fault with its key below the sender's section, and what to do.
    pub fn fault_lines(&self) -> impl Iterator<Item = String> {
        let section = format!("senders.{}.", self.sender);
        self.faults.iter().map(move |fault| {
            let key = fault.key.strip_prefix(&section).unwrap_or(&fault.key);
            let key = key.strip_prefix("settings.").unwrap_or(key);
            let words = format!("{}; {}", fault.message, fault.remedy);
            match key {
                "" | "plugin" => words,
                key => format!("{key}: {words}"),
            }
        })
    }
}

impl Need {
    /// The command that gives it to a sender.
    pub fn command(&self, sender: &str) -> String {
        match self.secret {
            true => format!("textsender secret set {sender}.{}", self.key),
            false => format!("textsender sender set {sender} {}=...", self.key),
        }
    }
}
