//! `[limits]`: how many texts may go where, in how much time.
//!
//! The ledger counts; these are only the figures. They know nothing of the ledger.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Serialize;
use textsender_plugin_api::{Phone, Purpose};

use crate::config;
pub use crate::config::Daily;

/// The `[limits]` table. A scope that is not named has the default; `limits = []` lifts it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Texts to one number. Default: 5 in 10 minutes and 20 in a day, enforced. Twilio Verify sends a
    /// code at most 5 times in its life of 10 minutes (<https://www.twilio.com/docs/api/errors/60203>);
    /// 20 is ours, four such resets a day.
    pub recipient: Rule,
    /// Texts to numbers that differ only in the last four digits, the mark of someone who pumps
    /// texts to a block of numbers that pays them
    /// (<https://www.twilio.com/docs/verify/preventing-toll-fraud>). Default: 50 in 10 minutes, a figure
    /// of ours, so it only records.
    pub prefix: Rule,
    /// Texts to one region. Default: none.
    pub region: Rule,
    /// Texts through one sender. Default: none.
    pub sender: Rule,
    /// All texts. Default: none.
    pub all: Rule,
    /// Texts to one user, by the name that the request gives. Default: none; `init` writes one.
    pub user: Rule,
    /// Texts that one actor asks for. Default: none; `init` writes one that records.
    pub actor: Rule,
    /// Texts that are asked for from one address. Default: none; `init` writes one that records.
    pub source: Rule,
    /// Texts of a day to one region for one event, by what the last fourteen days had. Default: none; `init` writes one.
    pub daily: Daily,
    /// The same code to the same number again, because the user asked for it; `recipient` and all others count
    /// it as well. Default: 3 in 10 minutes, enforced; the figure is ours.
    pub resend: Rule,
    /// Codes to one region that were never typed in, for each that was. Authgear's figures
    /// (<https://github.com/authgear/authgear-server>, `unverified_otp_budget`): 0.3 in a day, 0.2 in an hour.
    /// Default: these, recorded.
    pub unused: Shares,
    /// All texts of `test-send`, which no other limit counts. Default: 20 in 10 minutes, enforced.
    pub test: Rule,
    /// Numbers, as E.164, that no limit counts.
    pub exempt: Vec<String>,
}

/// The limits of one scope. All of them hold at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rule {
    /// Each as `COUNT/WINDOW`, for instance `"5/10m"`.
    pub limits: Vec<Limit>,
    /// What happens at the limit.
    pub mode: Mode,
}

/// How many codes may be unused for each that was used, in thousandths. `None`: that span is not limited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shares {
    /// In a day.
    pub day: Option<u32>,
    /// In an hour.
    pub hour: Option<u32>,
    /// What happens at the limit.
    pub mode: Mode,
}

impl Mode {
    /// As the configuration has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Mode::Enforce => "enforce",
            Mode::Record => "record",
        }
    }

    /// The mode of this name.
    pub fn named(name: &str) -> Option<Mode> {
        [Mode::Enforce, Mode::Record]
            .into_iter()
            .find(|mode| mode.as_str() == name)
    }
}

impl From<config::Shares> for Shares {
    fn from(shares: config::Shares) -> Shares {
        Shares {
            day: shares.day,
            hour: shares.hour,
            mode: shares.mode.into(),
        }
    }
}

/// How much one caller may send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallerLimit {
    /// Its name.
    pub caller: String,
    /// What counts its texts.
    pub rule: Rule,
}

/// What happens at a limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Mode {
    /// The message is refused as `limited`.
    #[default]
    Enforce,
    /// The message is sent, and the audit says which limit it went over: to try a figure out.
    Record,
}

/// `COUNT/WINDOW`: at most `count` texts in any `window`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limit {
    count: u32,
    seconds: u32,
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

impl Limit {
    /// How many texts are allowed in a window; at least 1.
    pub fn count(self) -> u32 {
        self.count
    }

    /// The window, in whole seconds; at least 1 s and at most 366 days.
    pub fn window(self) -> Duration {
        Duration::from_secs(self.seconds.into())
    }
}

/// A `COUNT/WINDOW` that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is not a limit: write COUNT/WINDOW, for instance \"5/10m\" (windows in s, m, h or d, up to 366d)"
)]
pub struct InvalidLimit(String);

impl FromStr for Limit {
    type Err = InvalidLimit;

    fn from_str(text: &str) -> Result<Limit, InvalidLimit> {
        let rate = config::rate(text).ok_or_else(|| InvalidLimit(text.to_owned()))?;
        Ok(rate.into())
    }
}

/// Units of a window and their seconds, the longest first.
const UNITS: [(char, u32); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, seconds) = UNITS
            .iter()
            .find(|(_, seconds)| self.seconds.is_multiple_of(*seconds))
            .unwrap_or(&UNITS[3]);
        write!(f, "{}/{}{unit}", self.count, self.seconds / seconds)
    }
}

impl From<config::Rate> for Limit {
    fn from(rate: config::Rate) -> Limit {
        Limit {
            count: rate.count,
            // The dialect's longest time is 366 days.
            seconds: u32::try_from(rate.window.as_secs()).unwrap_or(u32::MAX),
        }
    }
}

impl From<&config::Limit> for Rule {
    fn from(limit: &config::Limit) -> Rule {
        Rule {
            limits: limit.rates.iter().copied().map(Limit::from).collect(),
            mode: limit.mode.into(),
        }
    }
}

impl From<config::Mode> for Mode {
    fn from(mode: config::Mode) -> Mode {
        match mode {
            config::Mode::Enforce => Mode::Enforce,
            config::Mode::Record => Mode::Record,
        }
    }
}

/// A scope that the configuration does not name has its default.
impl From<&config::Limits> for Limits {
    fn from(limits: &config::Limits) -> Limits {
        let default = Limits::default();
        let or =
            |limit: &Option<config::Limit>, default| limit.as_ref().map_or(default, Rule::from);
        Limits {
            recipient: or(&limits.recipient, default.recipient),
            prefix: or(&limits.prefix, default.prefix),
            region: or(&limits.region, default.region),
            sender: or(&limits.sender, default.sender),
            all: or(&limits.all, default.all),
            user: or(&limits.user, default.user),
            actor: or(&limits.actor, default.actor),
            source: or(&limits.source, default.source),
            daily: limits.daily.clone().unwrap_or_default(),
            resend: or(&limits.resend, default.resend),
            unused: limits.unused.map_or(default.unused, Shares::from),
            test: or(&limits.test_send, default.test),
            exempt: limits
                .exempt
                .iter()
                .map(|number| number.as_e164().to_owned())
                .collect(),
        }
    }
}

impl Limits {
    /// Whether no limit counts this number.
    pub fn is_exempt(&self, phone: &Phone) -> bool {
        self.exempt.iter().any(|exempt| exempt == phone.e164())
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
            limit.count = (limit.count / machines.max(1)).max(1);
        }
    }
}

impl Scope {
    /// The key of the scope's rule in `[limits]`.
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

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            recipient: Rule {
                limits: vec![minutes(5, 10), minutes(20, 24 * 60)],
                mode: Mode::Enforce,
            },
            prefix: Rule {
                limits: vec![minutes(50, 10)],
                mode: Mode::Record,
            },
            region: Rule::default(),
            sender: Rule::default(),
            all: Rule::default(),
            user: Rule::default(),
            actor: Rule::default(),
            source: Rule::default(),
            daily: Daily::default(),
            resend: Rule {
                limits: vec![minutes(3, 10)],
                mode: Mode::Enforce,
            },
            unused: Shares {
                day: Some(300),
                hour: Some(200),
                mode: Mode::Record,
            },
            test: Rule {
                limits: vec![minutes(20, 10)],
                mode: Mode::Enforce,
            },
            exempt: Vec::new(),
        }
    }
}

impl Limit {
    /// The window in seconds.
    pub(super) const fn seconds(self) -> u32 {
        self.seconds
    }

    /// So many in a window of whole seconds.
    pub(super) const fn of(count: u32, seconds: u32) -> Limit {
        Limit { count, seconds }
    }
}

const fn minutes(count: u32, minutes: u32) -> Limit {
    Limit {
        count,
        seconds: minutes * 60,
    }
}

/// The limits that a configuration with this `[limits]` has. JSON objects are TOML's but for the colon.
#[cfg(test)]
pub(super) fn configured(limits: &str) -> Limits {
    let toml = format!("limits = {}", limits.replace("\":", "\"="));
    let reading = config::Reading::of(config::Sources::from_text("textsender.toml", toml));
    assert_eq!(reading.faults, []);
    Limits::from(&reading.config.limits)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn limits_read_as_written() {
        for (text, count, seconds) in [
            ("5/10m", 5, 600),
            ("20/1d", 20, 86_400),
            ("1/1s", 1, 1),
            ("050/48h", 50, 172_800),
        ] {
            let limit: Limit = text.parse().unwrap();
            assert_eq!(
                (limit.count(), limit.window().as_secs()),
                (count, seconds),
                "{text}"
            );
        }
    }

    #[test]
    fn other_words_are_refused() {
        for text in [
            "",
            "5",
            "5/",
            "/10m",
            "5/10",
            "5/m",
            "0/10m",
            "5/0m",
            "+5/10m",
            "5/10w",
            "-1/1m",
            "5/10M",
            " 5/10m",
            "5/10m ",
            "5/1.5h",
            "5/10m/2",
            "99999999999/1m",
            "5/367d",
            "5/10µ",
        ] {
            assert_eq!(text.parse::<Limit>(), Err(InvalidLimit(text.to_owned())));
        }
    }

    proptest! {
        #[test]
        fn a_limit_survives_its_own_text(count in 1u32.., seconds in 1u32..=366 * 86_400) {
            let limit = Limit { count, seconds };
            prop_assert_eq!(limit.to_string().parse::<Limit>(), Ok(limit));
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = text.parse::<Limit>();
        }
    }

    #[test]
    fn a_scope_that_is_not_configured_has_its_default() {
        let written = r#"{"recipient":{"limits":["3/10m"]},"prefix":{"limits":[]}}"#;
        let limits = configured(written);
        assert_eq!(limits.recipient.limits, [minutes(3, 10)]);
        assert_eq!(limits.recipient.mode, Mode::Enforce);
        assert_eq!(limits.prefix.limits, []);
        assert_eq!(limits.test, Limits::default().test);
        assert_eq!(configured("{}"), Limits::default());
    }
}
