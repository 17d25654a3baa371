//! Texts: what is wrong with their templates, what is too long, and what a sender can't carry.

use std::collections::BTreeMap;

use textsender_plugin_api::template::{Placeholders, Template};

use super::{capabilities::SenderCapabilities, senders::Looked, usage::Usage};
use crate::{
    config::{Config, Fault, Located, Place, Text},
    decision,
    text::{Key, LongestText, TextFault, Texts},
};

pub(super) fn faults(config: &Config, usages: &[Usage], senders: &[Looked]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for usage in usages {
        let checked = Checked { config, usage };
        let together = decision::texts(usage.purpose, usage.text, usage.options);
        for fault in together.err().into_iter().flatten() {
            faults.push(checked.fault(&fault.key(), &fault));
        }
        for (key, written) in usage.written() {
            checked.one(&key, written, senders, &mut faults);
        }
    }
    faults
}

/// Texts from right to left whose sender can't keep the groups of a code in their order: `123-456` would be read as
/// `456-123`.
pub(super) fn warnings(config: &Config, usages: &[Usage], senders: &[Looked]) -> Vec<Fault> {
    let mut warnings = Vec::new();
    for usage in usages {
        let checked = Checked { config, usage };
        let Ok(texts) = decision::texts(usage.purpose, usage.text, usage.options) else {
            continue;
        };
        for (key, written) in usage.written() {
            if !texts.is_right_to_left(&key) {
                continue;
            }
            let of_usage = senders
                .iter()
                .filter(|sender| usage.senders.contains(&sender.name.as_str()));
            for sender in of_usage {
                let Some(capabilities) = &sender.capabilities else {
                    continue;
                };
                if capabilities.words && capabilities.holds(ISOLATE) {
                    continue;
                }
                let name = &sender.name;
                let message = match capabilities.words {
                    true => format!(
                        "sender {name:?} can't keep the groups of a code in their order in this text"
                    ),
                    false => format!(
                        "sender {name:?} shows its provider's own text, in which a code's groups may change their order"
                    ),
                };
                let remedy = "use codes of one group: 123-456 may be shown as 456-123";
                warnings.push(checked.at(written.place, &key, message, remedy));
            }
        }
    }
    warnings
}

/// Begins what keeps its own direction (UAX #9, U+2068): it is put before a code.
const ISOLATE: char = '\u{2068}';

/// The texts of one purpose, while they are held against one thing or another.
struct Checked<'c> {
    config: &'c Config,
    usage: &'c Usage<'c>,
}

impl Checked<'_> {
    /// One text by itself, so that a fault of another does not hide what is wrong with this one.
    fn one(
        &self,
        key: &Key,
        written: &Located<String>,
        senders: &[Looked],
        faults: &mut Vec<Fault>,
    ) {
        let alone = Text {
            text: written.clone(),
            translations: BTreeMap::new(),
        };
        let Ok(texts) = decision::texts(self.usage.purpose, &alone, self.usage.options) else {
            return;
        };
        faults.extend(texts.check().iter().map(|fault| self.fault(key, fault)));
        let is_used = |sender: &&Looked| self.usage.senders.contains(&sender.name.as_str());
        for sender in senders.iter().filter(is_used) {
            faults.extend(self.not_carried(key, written, &texts, sender));
        }
    }

    fn fault(&self, key: &Key, fault: &TextFault) -> Fault {
        let place = match (self.value(key), fault.span()) {
            (Some(written), Some(span)) => self.config.sources.within(written, span),
            (Some(written), None) => written.place,
            (None, _) => self.usage.text.text.place,
        };
        self.at(place, key, fault.fault(), fault.remedy())
    }

    /// What a key's value is in the configuration.
    fn value(&self, key: &Key) -> Option<&Located<String>> {
        let Usage { text, options, .. } = self.usage;
        match key {
            Key::Text => Some(&text.text),
            Key::Translation(tag) => text.translations.get(tag),
            Key::Origin => options.origin.as_ref(),
        }
    }

    /// What of a text does not arrive through one sender.
    fn not_carried(
        &self,
        key: &Key,
        written: &Located<String>,
        texts: &Texts,
        sender: &Looked,
    ) -> Vec<Fault> {
        let Some(capabilities) = &sender.capabilities else {
            return Vec::new();
        };
        let mut faults = self.lost_values(key, written, sender, capabilities.placeholders);
        if !capabilities.words {
            faults.extend(self.lost_origin(key, sender));
            return faults;
        }
        for longest in texts.longest() {
            let words =
                too_many(&longest, capabilities).or_else(|| foreign(&longest, capabilities));
            faults.extend(words.map(|(words, remedy)| {
                let message = format!("sender {:?} can't carry this text: {words}", sender.name);
                self.at(written.place, key, message, remedy)
            }));
        }
        faults
    }

    /// A fault for each placeholder whose value the sender leaves behind.
    fn lost_values(
        &self,
        key: &Key,
        written: &Located<String>,
        sender: &Looked,
        capabilities: Placeholders,
    ) -> Vec<Fault> {
        let Ok(template) = Template::parse(written) else {
            return Vec::new();
        };
        let lost = template
            .placeholders()
            .filter(|slot| !capabilities.contains(slot.placeholder()));
        let faults = lost.map(|slot| {
            let place = self.config.sources.within(written, slot.span());
            let name = slot.placeholder();
            let message = format!("sender {:?} can't carry `{name}`", sender.name);
            let remedy = match capabilities.is_empty() {
                true => "name another sender".to_owned(),
                false => format!("it carries {capabilities}; use these, or name another sender"),
            };
            self.at(place, key, message, remedy)
        });
        faults.collect()
    }

    fn lost_origin(&self, key: &Key, sender: &Looked) -> Option<Fault> {
        let origin = self.usage.options.origin.as_ref();
        let origin = origin.filter(|_| *key == Key::Text)?;
        let message = format!(
            "sender {:?} sends its provider's own text, without the line for the origin",
            sender.name
        );
        let remedy =
            "remove `origin`, name another sender, or use `%message%` in the sender's settings";
        Some(self.at(origin.place, &Key::Origin, message, remedy))
    }

    fn at(
        &self,
        place: Place,
        key: &Key,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) -> Fault {
        let key = self.usage.key(key);
        self.config.sources.fault(place, key, message, remedy)
    }
}

fn too_many(longest: &LongestText, capabilities: &SenderCapabilities) -> Option<(String, String)> {
    let count = capabilities.alphabet.length(&longest.text);
    let max = capabilities.max_characters?;
    (count > max).then(|| {
        let words =
            format!("it can grow to {count} characters, and the sender takes {max} at most");
        (words, "shorten it, or name another sender".to_owned())
    })
}

fn foreign(longest: &LongestText, capabilities: &SenderCapabilities) -> Option<(String, String)> {
    let mut foreign: Vec<char> = Vec::new();
    for character in longest.text.chars() {
        if !capabilities.holds(character) && !foreign.contains(&character) {
            foreign.push(character);
        }
    }
    let shown = foreign.iter().take(5);
    let shown: Vec<String> = shown.map(|c| format!("`{}`", c.escape_debug())).collect();
    let words = format!("it carries no {}", shown.join(" "));
    let remedy = "replace those characters, or name another sender";
    (!foreign.is_empty()).then(|| (words, remedy.to_owned()))
}
