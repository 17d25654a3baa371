//! What may not be shown while a host process runs: its sender's secrets, and the values of messages in
//! flight and of those just done, as a plugin's thread may still speak of them. And how much it may say.

use std::collections::{HashMap, VecDeque, hash_map::Entry};

use textsender_plugin_api::{Message, Secret};

use crate::{
    budget::{DROPPED_LINES, LOG_LINES, SAVED_LINES, SAVED_TEXT, TEXT_BYTES},
    plugins::frames::Work,
    redact::{Foreign, MAX_READ, Redactor},
};

/// How many messages are remembered after their calls.
const REMEMBERED: usize = 256;

/// How many bytes a secret begins with: no code and no number is shorter.
const BEGINNING: usize = 4;

/// What stands in the place of text beyond the budget.
const DROPPED: &str = "[dropped: the plugin says too much]";

pub(super) struct Withheld {
    redactor: Redactor,
    messages: HashMap<u64, Message>,
    /// How many of their secrets begin so: an id is looked through for these first.
    beginnings: HashMap<[u8; BEGINNING], usize>,
    /// Calls that are over, the oldest first.
    over: VecDeque<u64>,
    /// Whether the messages' values are in the redactor: from the first text on that needs it. Most
    /// processes only ever say that a message was taken.
    is_indexed: bool,
    lines: u64,
    text: u64,
    dropped: u64,
}

/// Whether a line may be logged.
pub(super) enum MayLog {
    Yes,
    /// It is the first one that is dropped.
    NoMore,
    No,
    /// So many were dropped that the process is to be ended.
    Flood,
}

impl Withheld {
    pub(super) fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        Self {
            redactor: Redactor::new(secrets),
            messages: HashMap::new(),
            beginnings: HashMap::new(),
            over: VecDeque::new(),
            is_indexed: false,
            // It may say something before its first call.
            lines: LOG_LINES,
            text: TEXT_BYTES,
            dropped: 0,
        }
    }

    /// Withholds a call's message from now on.
    pub(super) fn begin(&mut self, call: u64, work: &Work) {
        self.lines = (self.lines + LOG_LINES).min(SAVED_LINES);
        self.text = (self.text + TEXT_BYTES).min(SAVED_TEXT);
        let (Work::Send(message) | Work::Find(message, _)) = work else {
            return;
        };
        if self.is_indexed {
            values_of(message).for_each(|value| self.redactor.add(value));
        }
        for beginning in beginnings_of(message) {
            *self.beginnings.entry(beginning).or_default() += 1;
        }
        self.messages.insert(call, message.clone());
    }

    /// The call is over: its message is forgotten once as many others are over, too.
    pub(super) fn end(&mut self, call: u64) {
        self.dropped = 0;
        if !self.messages.contains_key(&call) {
            return;
        }
        self.over.push_back(call);
        if self.over.len() <= REMEMBERED {
            return;
        }
        let oldest = self.over.pop_front();
        let forgotten = oldest.and_then(|call| self.messages.remove(&call));
        let Some(message) = forgotten else {
            return;
        };
        for beginning in beginnings_of(&message) {
            if let Entry::Occupied(mut count) = self.beginnings.entry(beginning) {
                *count.get_mut() -= 1;
                if *count.get() == 0 {
                    count.remove();
                }
            }
        }
        if self.is_indexed {
            values_of(&message).for_each(|value| self.redactor.remove(value));
        }
    }

    /// Foreign text, safe to show.
    pub(super) fn clean<T: AsRef<str>>(&mut self, text: &Foreign<T>) -> String {
        // So much of it is looked at, give or take what a character takes.
        let length = text.judge(|text| text.as_ref().len());
        let cost = length.min(MAX_READ) as u64;
        let Some(left) = self.text.checked_sub(cost) else {
            return DROPPED.to_owned();
        };
        self.text = left;
        if !self.is_indexed {
            self.is_indexed = true;
            let messages = self.messages.values();
            let values = messages.flat_map(values_of);
            values.for_each(|value| self.redactor.add(value));
        }
        text.clean(&self.redactor)
    }

    /// Whether one more line may be logged.
    pub(super) fn may_log(&mut self) -> MayLog {
        if let Some(left) = self.lines.checked_sub(1) {
            self.lines = left;
            return MayLog::Yes;
        }
        self.dropped += 1;
        match self.dropped {
            1 => MayLog::NoMore,
            DROPPED_LINES.. => MayLog::Flood,
            _ => MayLog::No,
        }
    }

    /// Whether an id shows a secret of the sender's, or what a message may not show, its own or another's. Every
    /// accepted message has one, so this looks for no more than it must.
    pub(super) fn shows_in(&self, id: &str) -> bool {
        let mut parts = id.as_bytes().windows(BEGINNING);
        let may_tell = parts.any(|part| self.beginnings.contains_key(part));
        let mut values = self.messages.values().flat_map(secrets_of);
        let tells = |value: &str| id.contains(value) && Redactor::new([value]).finds_in(id);
        (may_tell && values.any(tells)) || self.redactor.finds_in(id)
    }
}

/// What of a message may not be shown.
fn values_of(message: &Message) -> impl Iterator<Item = &str> {
    secrets_of(message).chain([message.text.as_str()])
}

/// How each of its secrets begins.
fn beginnings_of(message: &Message) -> impl Iterator<Item = [u8; BEGINNING]> {
    secrets_of(message).filter_map(|value| value.as_bytes().first_chunk().copied())
}

/// The same, but for its text.
fn secrets_of(message: &Message) -> impl Iterator<Item = &str> {
    let secrets = [&message.code, &message.password].into_iter().flatten();
    let numbers = [message.to.digits(), message.national.as_str()];
    let values = secrets.map(Secret::expose).chain(numbers);
    // A message may have no national form.
    values.filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use textsender_plugin_api::{Phone, Purpose};

    use super::*;

    fn work(number: u64) -> Work {
        let phone = format!("+4477009{number:05}");
        let to = Phone::parse(&phone).unwrap();
        let code = format!("c0de{number:05}");
        let mut message = Message::new("id", Purpose::Test, to, format!("Your code is {code}"));
        message.code = Some(Secret::new(code));
        Work::Send(message)
    }

    #[test]
    fn values_are_withheld_in_flight_and_for_a_while_after() {
        let mut withheld = Withheld::new(["t0ken-t0ken-t0ken"]);
        withheld.begin(1, &work(1));
        let said = "t0ken-t0ken-t0ken says 447700900001 got c0de00001";
        let clean = "[redacted] says [redacted] got [redacted]";
        assert_eq!(withheld.clean(&Foreign::of(said)), clean);
        withheld.end(1);
        for call in 2..=REMEMBERED as u64 {
            withheld.begin(call, &work(call));
            withheld.end(call);
        }
        assert_eq!(withheld.clean(&Foreign::of(said)), clean);
        for call in 1000..1001 {
            withheld.begin(call, &work(call));
            withheld.end(call);
        }
        let forgotten = "[redacted] says 447700900001 got c0de00001";
        assert_eq!(withheld.clean(&Foreign::of(said)), forgotten);
    }

    /// A plugin has the codes of all its messages, and says of each what it likes.
    #[test]
    fn an_id_shows_nothing_of_any_message() {
        let mut withheld = Withheld::new(["t0ken-t0ken-t0ken"]);
        withheld.begin(1, &work(1));
        withheld.begin(2, &work(2));
        withheld.end(1);
        for id in [
            "c0de00001",
            "c0de00002",
            "SM-c0de00001",
            "447700900002",
            "t0ken-t0ken-t0ken",
        ] {
            assert!(withheld.shows_in(id), "{id}");
        }
        for id in ["SM0123456789abcdef", "c0de00003", "c0d", ""] {
            assert!(!withheld.shows_in(id), "{id}");
        }
        for call in 3..=3 + REMEMBERED as u64 {
            withheld.begin(call, &work(call));
            withheld.end(call);
        }
        assert!(!withheld.shows_in("c0de00001") && withheld.shows_in("c0de00002"));
    }

    #[test]
    fn what_was_begun_before_the_first_text_is_withheld_too() {
        let mut withheld = Withheld::new([]);
        (1..=3).for_each(|call| withheld.begin(call, &work(call)));
        assert_eq!(
            withheld.clean(&Foreign::of("c0de00001 c0de00003 c0de00004")),
            "[redacted] [redacted] c0de00004"
        );
    }

    #[test]
    fn lines_and_text_have_a_budget_that_is_not_saved_up_for_ever() {
        let mut withheld = Withheld::new([]);
        for call in 1..=100_000 {
            withheld.begin(call, &work(call));
            withheld.end(call);
        }
        for _ in 0..SAVED_LINES {
            assert!(matches!(withheld.may_log(), MayLog::Yes));
        }
        assert!(matches!(withheld.may_log(), MayLog::NoMore));
        for _ in 2..DROPPED_LINES {
            assert!(matches!(withheld.may_log(), MayLog::No));
        }
        assert!(matches!(withheld.may_log(), MayLog::Flood));

        let line = "x".repeat(MAX_READ);
        let most = SAVED_TEXT / MAX_READ as u64;
        for _ in 0..most {
            assert_ne!(withheld.clean(&Foreign::of(&line)), DROPPED);
        }
        assert_eq!(withheld.clean(&Foreign::of(&line)), DROPPED);
    }
}
