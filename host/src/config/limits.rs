//! `[limits]`: how many texts may go where, in how much time. The ledger counts; these are only the figures.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use super::sections::pick;
use super::table::{Node, Table};
use super::units;
use crate::protocol::Event;

/// How many texts may be sent, counted in sliding windows. What is not configured has its default; `limits = []`
/// lifts it.
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
    /// Numbers that no limit counts.
    pub exempt: Vec<Exempt>,
    /// The keys that the configuration has.
    pub configured: Vec<&'static str>,
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

impl Shares {
    fn read(t: &Table) -> Self {
        // What makes sense depends on how many users give up: it only records until it is told to refuse.
        let mode = t.get("mode").and_then(|node| node.choice(&MODES));
        Shares {
            day: t.get("day").and_then(|node| node.thousandths()),
            hour: t.get("hour").and_then(|node| node.thousandths()),
            mode: mode.unwrap_or(Mode::Record),
        }
    }
}

/// The bound of a day that learns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Daily {
    /// How many times the mean of the last fourteen days, in thousandths.
    pub times: u32,
    /// It is never under this. `None`: there is no bound.
    pub floor: Option<u32>,
    /// The events whose texts it refuses; all others it only records.
    pub enforce: Vec<Event>,
}

impl Default for Daily {
    fn default() -> Self {
        Self {
            times: 2000,
            floor: None,
            enforce: Vec::new(),
        }
    }
}

impl Daily {
    /// A floor that leaves room for an enrolment day of 5,000 users, one in five of whom asks twice: as long as no
    /// caller tells of use, nothing tells such a day from a night of pumped texts.
    pub const FLOOR: u32 = 7500;

    fn read(t: &Table) -> Self {
        let times = t.get("times").and_then(|node| node.thousandths());
        let floor = t.integer("floor", 1..=i64::from(u32::MAX));
        let enforce = t.get("enforce").map(|node| node.list(read_event));
        Self {
            times: times.unwrap_or(Self::default().times),
            floor: floor.and_then(|floor| u32::try_from(floor).ok()),
            enforce: enforce.unwrap_or_default(),
        }
    }
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

/// A number that no limit counts. Never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct Exempt(String);

impl Exempt {
    /// The number in E.164 form.
    pub fn as_e164(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Exempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(a number)")
    }
}

/// `COUNT/WINDOW`: at most `count` texts in any `window`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Limit {
    count: u32,
    seconds: u32,
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

    /// The window in seconds.
    pub const fn seconds(self) -> u32 {
        self.seconds
    }

    /// So many in a window of whole seconds.
    pub const fn of(count: u32, seconds: u32) -> Limit {
        Limit { count, seconds }
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
        let read = || {
            let (count, window) = text.split_once('/')?;
            let is_number = count.bytes().all(|b| b.is_ascii_digit());
            let window = units::duration(window)?.as_secs();
            let limit = Limit {
                count: count.parse().ok().filter(|_| is_number)?,
                // The dialect's longest time is 366 days.
                seconds: u32::try_from(window).ok()?,
            };
            (limit.count > 0 && limit.seconds > 0).then_some(limit)
        };
        read().ok_or_else(|| InvalidLimit(text.to_owned()))
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
            configured: Vec::new(),
        }
    }
}

impl Limits {
    pub(super) fn read(t: &Table) -> Self {
        let mut limits = Limits::default();
        let rules = [
            ("recipient", &mut limits.recipient),
            ("prefix", &mut limits.prefix),
            ("region", &mut limits.region),
            ("sender", &mut limits.sender),
            ("all", &mut limits.all),
            ("user", &mut limits.user),
            ("actor", &mut limits.actor),
            ("source", &mut limits.source),
            ("resend", &mut limits.resend),
            ("test_send", &mut limits.test),
        ];
        for (key, place) in rules {
            if let Some(rule) = t.table(key, read_rule).flatten() {
                *place = rule;
                limits.configured.push(key);
            }
        }
        if let Some(daily) = t.table("daily", Daily::read) {
            limits.daily = daily;
            limits.configured.push("daily");
        }
        if let Some(shares) = t.table("unused", Shares::read) {
            limits.unused = shares;
            limits.configured.push("unused");
        }
        if let Some(exempt) = t.get("exempt") {
            limits.exempt = exempt.list(read_exempt);
        }
        limits
    }
}

fn read_event(node: &Node) -> Option<Event> {
    node.choice(&[Event::Enroll, Event::Reset].map(|event| (event.as_str(), event)))
}

fn read_rule(t: &Table) -> Option<Rule> {
    let mode = pick(t, "mode", &MODES);
    let remedy = r#"add limits = ["COUNT/WINDOW"], such as ["5/10m", "20/1d"]"#;
    let limits = t.require("limits", remedy)?.list(read_limit);
    Some(Rule { limits, mode })
}

/// `COUNT/WINDOW`.
pub(super) fn read_limit(node: &Node) -> Option<Limit> {
    let text = node.string()?;
    let limit = text.value.parse();
    if limit.is_err() {
        let remedy = r#"write COUNT/WINDOW, such as "5/10m""#;
        node.fault(format!("{:?} is not a limit", text.value), remedy);
    }
    limit.ok()
}

/// The message does not repeat the value: numbers are never shown.
fn read_exempt(node: &Node) -> Option<Exempt> {
    node.hide();
    let number = node.string()?.value;
    let digits = number.strip_prefix('+').unwrap_or_default();
    let fits = (5..=15).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    if !fits {
        node.fault(
            "is not a number in international form",
            "write + and 5 to 15 digits, without spaces",
        );
        return None;
    }
    Some(Exempt(number))
}

const MODES: [(&str, Mode); 2] = [("enforce", Mode::Enforce), ("record", Mode::Record)];

const fn minutes(count: u32, minutes: u32) -> Limit {
    Limit {
        count,
        seconds: minutes * 60,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Reading, Sources};
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
    fn what_is_not_configured_has_its_default() {
        let limits = |toml: &str| {
            let reading = Reading::of(Sources::from_text("textsender.toml", toml));
            assert_eq!(reading.faults, []);
            reading.config.limits
        };
        let found =
            limits("limits = { recipient = { limits = [\"3/10m\"] }, prefix = { limits = [] } }");
        assert_eq!(found.recipient.limits, [minutes(3, 10)]);
        assert_eq!(found.recipient.mode, Mode::Enforce);
        assert_eq!(found.prefix.limits, []);
        assert_eq!(found.test, Limits::default().test);
        assert_eq!(found.configured, ["recipient", "prefix"]);
        assert_eq!(limits(""), Limits::default());
    }
}
