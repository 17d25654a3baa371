//! Reads a parsed TOML document into typed values and collects every fault on the way. One walk
//! serves both uses: a send stops at its first fault, `check` lists all of them.
//!
//! A section's `read` function asks its [`Table`] for each key that it knows. Those calls are the
//! table of known keys: a key that was not asked for is unknown, and is reported when the section is done.
//! (Deserialising with serde would stop at the first fault, and could not name the nearest key.)

use std::cell::RefCell;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use toml::de::{DeTable, DeValue};

use super::fault::{Fault, nearest};
use super::place::{Located, Path, Place, Step};
use super::render;
use super::source::Sources;
use super::units;

/// One walk over all files: where faults, and places that must not be shown, are collected.
pub(super) struct Walk<'p> {
    pub sources: &'p Sources,
    pub faults: RefCell<Vec<Fault>>,
    /// Faults that only `check` tells.
    pub for_check: RefCell<Vec<Fault>>,
    pub hidden: RefCell<Vec<Place>>,
}

/// One value of the document. The typed getters return `None` after noting a fault.
pub(super) struct Node<'p> {
    walk: &'p Walk<'p>,
    path: Path<'p>,
    pub value: &'p DeValue<'p>,
    pub place: Place,
}

impl<'p> Node<'p> {
    /// The whole document of one file.
    pub fn root(walk: &'p Walk<'p>, file: u32, value: &'p DeValue<'p>) -> Self {
        Node {
            walk,
            path: Path::ROOT,
            value,
            place: Place::new(file, 0..0),
        }
    }

    fn child<'s>(&'s self, step: Step<'s>, value: &'s toml::Spanned<DeValue<'p>>) -> Node<'s> {
        Node {
            walk: self.walk,
            path: self.path.child(step),
            value: value.get_ref(),
            place: self.at(value.span()),
        }
    }

    fn at(&self, span: std::ops::Range<usize>) -> Place {
        Place::new(self.place.file, span)
    }

    /// Notes that this value is wrong.
    pub fn fault(&self, message: impl Into<String>, remedy: impl Into<String>) {
        self.fault_at(self.place, &self.path, message, remedy);
    }

    /// Notes that this value makes no sense, though it keeps no message from being sent that does not need it: only
    /// `check` tells.
    pub fn fault_for_check(&self, message: impl Into<String>, remedy: impl Into<String>) {
        let (sources, key) = (self.walk.sources, self.path.to_string());
        let fault = sources.fault(self.place, key, message, remedy);
        self.walk.for_check.borrow_mut().push(fault);
    }

    fn fault_at(
        &self,
        place: Place,
        path: &Path,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let fault = self
            .walk
            .sources
            .fault(place, path.to_string(), message, remedy);
        self.walk.faults.borrow_mut().push(fault);
    }

    /// Notes that something below this section is wrong, which need not be there.
    pub fn fault_in(
        &self,
        key: &'static str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let path = self.path.child(Step::Key(key));
        self.fault_at(self.place, &path, message, remedy);
    }

    /// Keeps the value out of what `check` shows.
    pub fn hide(&self) {
        self.walk.hidden.borrow_mut().push(self.place);
    }

    /// The same of every value in it.
    fn hide_all(&self) {
        let DeValue::Table(entries) = self.value else {
            return self.hide();
        };
        for (key, value) in entries {
            self.child(Step::Key(key.get_ref()), value).hide_all();
        }
    }

    fn is_in_main_file(&self) -> bool {
        let sources = self.walk.sources;
        sources.files[self.place.file as usize].path == sources.main
    }

    /// How many faults were noted so far, in all files.
    pub fn count_of_faults(&self) -> usize {
        self.walk.faults.borrow().len()
    }

    fn wrong_type(&self, expected: &str, remedy: &str) {
        let found = match self.value {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "a whole number",
            DeValue::Float(_) => "a decimal number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.fault(format!("expected {expected}, found {found}"), remedy);
    }

    fn located<T>(&self, value: T) -> Located<T> {
        Located {
            value,
            place: self.place,
        }
    }

    /// Any string.
    pub fn string(&self) -> Option<Located<String>> {
        match self.value {
            DeValue::String(text) => Some(self.located(text.clone().into_owned())),
            _ => {
                self.wrong_type("a string", "write it in quotes");
                None
            }
        }
    }

    /// A text for people: of one or more lines, without any other control character.
    pub fn text(&self) -> Option<Located<String>> {
        let text = self.string()?;
        let is_unseen = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
        if text.chars().any(is_unseen) {
            self.fault("holds a control character", "take it out: it can't be read");
            return None;
        }
        Some(text)
    }

    /// A string that is not blank and has no control character.
    pub fn word(&self) -> Option<Located<String>> {
        let word = self.string()?;
        if word.trim().is_empty() {
            self.fault("is empty", "give it a value, or remove the key");
            return None;
        }
        if word.chars().any(char::is_control) {
            self.fault("holds a control character", "write it on one line");
            return None;
        }
        Some(word)
    }

    /// A word of one shape; `remedy` says which.
    pub fn shaped(&self, fits: impl Fn(&str) -> bool, remedy: &str) -> Option<Located<String>> {
        let word = self.word()?;
        if !fits(&word) {
            self.fault(format!("{:?} is not of the right form", word.value), remedy);
            return None;
        }
        Some(word)
    }

    /// A share such as `0.3`, in thousandths.
    pub fn thousandths(&self) -> Option<u32> {
        let written = match self.value {
            DeValue::Float(share) => share.as_str(),
            DeValue::Integer(share) => share.as_str(),
            _ => {
                self.wrong_type("a share", "write it as a decimal number, such as 0.3");
                return None;
            }
        };
        let share = written
            .parse()
            .ok()
            .filter(|share| (0.0..=100.0).contains(share));
        if share.is_none() {
            self.fault(
                "is not a number from 0 to 100",
                "write it as a decimal number, such as 0.3",
            );
        }
        share.map(|share: f64| (share * 1000.0).round() as u32)
    }

    /// `true` or `false`.
    pub fn boolean(&self) -> Option<bool> {
        match self.value {
            DeValue::Boolean(value) => Some(*value),
            _ => {
                self.wrong_type("true or false", "write true or false, without quotes");
                None
            }
        }
    }

    /// A whole number within `range`.
    pub fn integer(&self, range: RangeInclusive<i64>) -> Option<i64> {
        let remedy = format!(
            "write a number from {} to {}, without quotes",
            range.start(),
            range.end()
        );
        let DeValue::Integer(integer) = self.value else {
            self.wrong_type("a whole number", &remedy);
            return None;
        };
        let number = i64::from_str_radix(integer.as_str(), integer.radix()).ok();
        let number = number.filter(|n| range.contains(n));
        if number.is_none() {
            self.fault(format!("{integer} is out of range"), remedy);
        }
        number
    }

    /// A length of time such as `"30s"`.
    pub fn duration(&self) -> Option<Duration> {
        let remedy =
            r#"write a whole number and ms, s, m, h or d in quotes, such as "30s" or "10m""#;
        let DeValue::String(text) = self.value else {
            self.wrong_type("a length of time", remedy);
            return None;
        };
        let duration = units::duration(text);
        if duration.is_none() {
            self.fault(format!("{text:?} is not a length of time"), remedy);
        }
        duration
    }

    /// One of some words.
    pub fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Option<T> {
        let word = self.string()?;
        if let Some((_, value)) = choices.iter().find(|(name, _)| *name == word.value) {
            return Some(*value);
        }
        let names = choices.iter().map(|(name, _)| *name);
        let message = format!("{:?} is not a choice here", word.value);
        self.fault(message, suggestion(&word, names, "choose one of"));
        None
    }

    /// A path; a relative one starts at the folder of the file that names it.
    pub fn path(&self) -> Option<PathBuf> {
        let word = self.word()?;
        let file = &self.walk.sources.files[self.place.file as usize].path;
        let folder = file.parent().unwrap_or(std::path::Path::new(""));
        Some(folder.join(&word.value))
    }

    /// One path, or a list of them.
    pub fn paths(&self) -> Vec<PathBuf> {
        match self.value {
            DeValue::Array(_) => self.list(|node| node.path()),
            _ => self.path().into_iter().collect(),
        }
    }

    /// Whether it is a list.
    pub fn is_list(&self) -> bool {
        self.value.is_array()
    }

    /// Each item of a list, read by `read`; what it can't read is left out.
    pub fn list<T>(&self, read: impl Fn(&Node) -> Option<T>) -> Vec<T> {
        let DeValue::Array(items) = self.value else {
            self.wrong_type("a list", "write it in brackets, such as [\"a\", \"b\"]");
            return Vec::new();
        };
        let items = items.iter().enumerate();
        items
            .filter_map(|(i, item)| read(&self.child(Step::Item(i), item)))
            .collect()
    }

    /// A list that is not empty: an empty one says neither "all" nor "none" clearly enough.
    pub fn some<T>(&self, read: impl Fn(&Node) -> Option<T>) -> Vec<T> {
        if matches!(self.value, DeValue::Array(items) if items.is_empty()) {
            self.fault("is an empty list", "name at least one, or remove the key");
        }
        self.list(read)
    }

    /// A list of sections, such as `[[link]]`.
    pub fn tables<T>(&self, read: impl Fn(&Table) -> Option<T>) -> Vec<T> {
        if self.value.is_table() {
            let remedy = "write its header with two brackets, as in [[link]]";
            self.fault("is one section, not a list of them", remedy);
            return Vec::new();
        }
        self.list(|item| item.table(&read).flatten())
    }

    /// A section, read by `read`; keys that it did not ask for are faults.
    pub fn table<T>(&self, read: impl FnOnce(&Table) -> T) -> Option<T> {
        let DeValue::Table(entries) = self.value else {
            self.wrong_type("a table", "write it as [section] or { key = value }");
            return None;
        };
        let table = Table {
            node: self,
            entries,
            asked: RefCell::default(),
        };
        let value = read(&table);
        table.report_unknown_keys();
        Some(value)
    }

    /// A table whose keys are free names (senders, locales): each is read with its name.
    pub fn each(&self, mut read: impl FnMut(&Located<String>, &Node)) {
        let DeValue::Table(entries) = self.value else {
            self.wrong_type("a table", "write it as [section] or { key = value }");
            return;
        };
        for (key, value) in entries {
            let name = Located {
                value: key.get_ref().clone().into_owned(),
                place: self.at(key.span()),
            };
            read(&name, &self.child(Step::Key(key.get_ref()), value));
        }
    }
}

/// A section that remembers which keys it was asked for.
pub(super) struct Table<'p> {
    node: &'p Node<'p>,
    entries: &'p DeTable<'p>,
    asked: RefCell<Vec<&'static str>>,
}

impl Table<'_> {
    /// Where the section starts.
    pub fn place(&self) -> Place {
        self.node.place
    }

    /// The value of `key`, if it is there.
    pub fn get(&self, key: &'static str) -> Option<Node<'_>> {
        let mut asked = self.asked.borrow_mut();
        if !asked.contains(&key) {
            asked.push(key);
        }
        self.peek(key)
    }

    /// The same of a key that is read elsewhere.
    pub fn peek(&self, key: &'static str) -> Option<Node<'_>> {
        let value = self.entries.get(key)?;
        Some(self.node.child(Step::Key(key), value))
    }

    /// The value of `key`; a fault if it is not there.
    pub fn require(&self, key: &'static str, remedy: &str) -> Option<Node<'_>> {
        let node = self.get(key);
        if node.is_none() {
            let path = self.node.path.child(Step::Key(key));
            self.node
                .fault_at(self.node.place, &path, "is missing", remedy);
        }
        node
    }

    /// [`Node::word`] of `key`.
    pub fn word(&self, key: &'static str) -> Option<Located<String>> {
        self.get(key)?.word()
    }

    /// [`Node::boolean`] of `key`.
    pub fn boolean(&self, key: &'static str) -> Option<bool> {
        self.get(key)?.boolean()
    }

    /// [`Node::integer`] of `key`.
    pub fn integer(&self, key: &'static str, range: RangeInclusive<i64>) -> Option<i64> {
        self.get(key)?.integer(range)
    }

    /// [`Node::duration`] of `key`.
    pub fn duration(&self, key: &'static str) -> Option<Duration> {
        self.get(key)?.duration()
    }

    /// [`Node::path`] of `key`.
    pub fn path(&self, key: &'static str) -> Option<PathBuf> {
        self.get(key)?.path()
    }

    /// [`Node::table`] of `key`.
    pub fn table<T>(&self, key: &'static str, read: impl FnOnce(&Table) -> T) -> Option<T> {
        self.get(key)?.table(read)
    }

    fn report_unknown_keys(&self) {
        let asked = self.asked.borrow();
        for (key, value) in self.entries {
            let name = key.get_ref().as_ref();
            if asked.contains(&name) {
                continue;
            }
            let path = self.node.path.child(Step::Key(name));
            let remedy = suggestion(name, asked.iter().copied(), "the keys here are");
            let place = self.node.at(key.span());
            self.node.fault_at(place, &path, "unknown key", remedy);
            // It may be a secret that was put at the wrong place.
            let is_main = self.node.is_in_main_file();
            if is_main && !render::is_harmless(&path.to_string()) {
                self.node.child(Step::Key(name), value).hide_all();
            }
        }
    }
}

/// `did you mean "X"?`, or else the whole choice.
fn suggestion<'a>(
    name: &str,
    known: impl Iterator<Item = &'a str> + Clone,
    otherwise: &str,
) -> String {
    match nearest(name, known.clone()) {
        Some(near) => format!("did you mean {near:?}?"),
        None => format!("{otherwise} {}", known.collect::<Vec<_>>().join(", ")),
    }
}
