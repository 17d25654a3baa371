//! Which limits count a message.

use serde::Serialize;
use textsender_plugin_api::{Phone, Purpose};

pub use crate::config::{Daily, InvalidLimit, Limit, Limits, Mode, Rule, Shares};

/// How much one caller may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerLimit {
    /// Its name.
    pub caller: String,
    /// What counts its texts.
    pub rule: Rule,
}

/// What a limit counts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// One number.
    Recipient,
    /// One number less its last four digits.
    Prefix,
    /// One region.
    Region,
    /// One sender.
    Sender,
    /// Everything but test sends.
    All,
    /// One user.
    User,
    /// One actor.
    Actor,
    /// One address that requests come from.
    Source,
    /// One region and event, today.
    Daily,
    /// Resends to one number.
    Resend,
    /// Everything that one caller sends.
    Caller,
    /// Codes to one region that were never used.
    Unused,
    /// Test sends.
    Test,
}

impl Limits {
    /// Whether no limit counts this number.
    pub fn is_exempt(&self, phone: &Phone) -> bool {
        let mut exempt = self.exempt.iter();
        exempt.any(|exempt| exempt.as_e164() == phone.e164())
    }

    /// Whether the configuration has them, and they are no default.
    pub fn is_configured(&self, scope: Scope) -> bool {
        self.configured.contains(&scope.key())
    }

    /// The rule of a scope; `None` for the shares of unused codes, the bound of a day, and what callers have.
    pub const fn rule(&self, scope: Scope) -> Option<&Rule> {
        match scope {
            Scope::Recipient => Some(&self.recipient),
            Scope::Prefix => Some(&self.prefix),
            Scope::Region => Some(&self.region),
            Scope::Sender => Some(&self.sender),
            Scope::All => Some(&self.all),
            Scope::User => Some(&self.user),
            Scope::Actor => Some(&self.actor),
            Scope::Source => Some(&self.source),
            Scope::Resend => Some(&self.resend),
            Scope::Test => Some(&self.test),
            Scope::Daily | Scope::Unused | Scope::Caller => None,
        }
    }

    /// The part of one of so many machines that count apart: each limit divided, and at least one text.
    pub(super) fn divided_by(&self, machines: u32) -> Limits {
        let mut limits = self.clone();
        let rules = [
            &mut limits.recipient,
            &mut limits.prefix,
            &mut limits.region,
            &mut limits.sender,
            &mut limits.all,
            &mut limits.user,
            &mut limits.actor,
            &mut limits.source,
            &mut limits.test,
            &mut limits.resend,
        ];
        for rule in rules {
            rule.divide_by(machines);
        }
        limits
    }

    /// The rules that count a message to this number.
    pub fn counting(
        &self,
        purpose: Purpose,
        phone: &Phone,
        is_resend: bool,
    ) -> Vec<(Scope, &Rule)> {
        if self.is_exempt(phone) {
            return Vec::new();
        }
        let mut rules = match purpose {
            Purpose::Test => vec![(Scope::Test, &self.test)],
            _ => vec![
                (Scope::Recipient, &self.recipient),
                (Scope::Prefix, &self.prefix),
                (Scope::All, &self.all),
                (Scope::Region, &self.region),
                (Scope::Sender, &self.sender),
                (Scope::User, &self.user),
                (Scope::Actor, &self.actor),
                (Scope::Source, &self.source),
            ],
        };
        if is_resend {
            rules.push((Scope::Resend, &self.resend));
        }
        rules.retain(|(_, rule)| !rule.limits.is_empty());
        rules
    }
}

impl Rule {
    pub(super) fn divide_by(&mut self, machines: u32) {
        for limit in &mut self.limits {
            *limit = Limit::of((limit.count() / machines.max(1)).max(1), limit.seconds());
        }
    }
}

impl Scope {
    /// Those that the configuration has limits of, as they are shown.
    pub const CONFIGURED: [Self; 12] = [
        Self::Recipient,
        Self::Prefix,
        Self::Region,
        Self::Sender,
        Self::All,
        Self::User,
        Self::Actor,
        Self::Source,
        Self::Daily,
        Self::Resend,
        Self::Test,
        Self::Unused,
    ];

    /// The scope whose limits stand at this key of `[limits]`.
    pub fn at_key(key: &str) -> Option<Self> {
        Self::CONFIGURED
            .into_iter()
            .find(|scope| scope.key() == key)
    }

    /// Its key in `[limits]`.
    pub fn key(self) -> &'static str {
        match self {
            Scope::Test => "test_send",
            other => other.name(),
        }
    }

    /// Its name in the audit, and in messages.
    pub fn name(self) -> &'static str {
        match self {
            Scope::Recipient => "recipient",
            Scope::Prefix => "prefix",
            Scope::Region => "region",
            Scope::Sender => "sender",
            Scope::All => "all",
            Scope::User => "user",
            Scope::Actor => "actor",
            Scope::Source => "source",
            Scope::Daily => "daily",
            Scope::Resend => "resend",
            Scope::Caller => "caller",
            Scope::Unused => "unused",
            Scope::Test => "test",
        }
    }

    /// What is counted, in words: "texts to this number".
    pub fn describe(self) -> &'static str {
        match self {
            Scope::Recipient => "texts to this number",
            Scope::Prefix => "texts to numbers that differ in the last four digits",
            Scope::Region => "texts to this region",
            Scope::Sender => "texts through this sender",
            Scope::All => "texts in all",
            Scope::User => "texts to this user",
            Scope::Actor => "texts that this actor asked for",
            Scope::Source => "texts asked for from this address",
            Scope::Daily => "texts of today to this region for this event",
            Scope::Resend => "resends to this number",
            Scope::Caller => "texts of this caller",
            Scope::Unused => "codes to this region that were not used",
            Scope::Test => "test sends",
        }
    }
}

/// The limits that a configuration with this `[limits]` has. JSON objects are TOML's but for the colon.
#[cfg(test)]
pub(super) fn configured(limits: &str) -> Limits {
    let toml = format!("limits = {}", limits.replace("\":", "\"="));
    let reading =
        crate::config::Reading::of(crate::config::Sources::from_text("textsender.toml", toml));
    assert_eq!(reading.faults, []);
    reading.config.limits
}
