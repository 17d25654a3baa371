//! What one sender can carry of a text: what its plugin declares, narrowed by its settings.

use regex_lite::Regex;
use serde_json::{Map, Value};
use textsender_plugin_api::{
    Alphabet, Capabilities, Purpose, TextSource,
    template::{Placeholder, Placeholders, Template},
};

use super::{plugin, schema, usage};
use crate::{
    config::{Config, SendOptions, Sender, Setting},
    plugins::{Description, folder, to_json},
    protocol::Failure,
    text::rules,
};

/// What arrives of a policy's text.
#[derive(Debug, Clone)]
pub struct SenderCapabilities {
    /// Whether the policy's own words arrive, not only their values.
    pub words: bool,
    /// The values that arrive.
    pub placeholders: Placeholders,
    /// The values that its settings ask for.
    pub(super) in_settings: Placeholders,
    /// The longest text, as the alphabet counts it.
    pub(super) max_characters: Option<usize>,
    /// The characters that arrive as they are.
    pub(super) alphabet: Alphabet,
    /// Characters beyond it that do so too.
    pub(super) also: String,
    /// What is found in codes and passwords that arrive as others.
    altered: Option<Regex>,
}

impl SenderCapabilities {
    /// Of a sender with these settings, whose plugin has this schema.
    pub(super) fn of(carries: &Capabilities, schema: &Value, settings: &Value) -> Self {
        let in_settings = used_in_settings(schema, settings);
        let (words, placeholders) = match carries.text {
            TextSource::Policy => (true, Placeholders::ALL),
            TextSource::Settings if in_settings.contains(Placeholder::Message) => {
                (true, Placeholders::ALL)
            }
            TextSource::Settings => (false, in_settings),
            // The provider's own words, or something that a later version of the ABI knows.
            _ => (false, Placeholders::ALL),
        };
        let set = |what| schema::value_carrying(schema, settings, what);
        let max = set("max_characters").and_then(Value::as_u64);
        let alphabet = set("alphabet").and_then(Value::as_str);
        Self {
            words,
            in_settings,
            placeholders: placeholders - (Placeholders::ALL - carries.placeholders),
            max_characters: max
                .or(carries.max_characters.map(u64::from))
                .map(|max| max as usize),
            alphabet: match alphabet {
                Some("gsm") => Alphabet::Gsm,
                Some("ascii") => Alphabet::Ascii,
                _ => carries.alphabet,
            },
            also: carries.extra_chars.clone(),
            // One that is no pattern tells nothing.
            altered: carries
                .altered
                .as_deref()
                .filter(|pattern| pattern.len() <= LONGEST_PATTERN)
                .and_then(|pattern| Regex::new(pattern).ok()),
        }
    }

    /// Whether a code or password arrives as it is.
    pub fn carries_secret(&self, secret: &str) -> bool {
        let is_altered = |pattern: &Regex| pattern.is_match(secret);
        secret.chars().all(|character| self.holds(character))
            && !self.altered.as_ref().is_some_and(is_altered)
    }

    /// Whether a character arrives as it is.
    pub fn holds(&self, character: char) -> bool {
        self.alphabet.holds(character) || self.also.contains(character)
    }
}

/// The longest pattern that a plugin may give, in bytes.
const LONGEST_PATTERN: usize = 1000;

/// What arrives of a text through each sender that may send it, in their order. A sender whose plugin can't be asked is
/// left out. Needs a tokio runtime.
pub async fn capabilities(
    config: &Config,
    options: &SendOptions,
) -> Vec<(String, SenderCapabilities)> {
    let asked = capabilities_of(config, &usage::senders(config, options)).await;
    let answers = asked.into_iter();
    answers
        .filter_map(|(sender, answer)| Some((sender, answer.ok()?)))
        .collect()
}

/// The same of the senders of these names; of one whose plugin can't be asked, what a message by it fails with.
/// Senders that the configuration lacks are left out.
pub async fn capabilities_of(
    config: &Config,
    senders: &[&str],
) -> Vec<(String, Result<SenderCapabilities, Failure>)> {
    let mut capabilities = Vec::new();
    for name in senders.iter().copied() {
        let Some(sender) = config.senders.get(name) else {
            continue;
        };
        let Some(answer) = plugin::ask(config, sender).await else {
            continue;
        };
        let of = match answer {
            Ok(Description { info, settings, .. }) => Ok(SenderCapabilities::of(
                &info.capabilities,
                &settings,
                &in_the_open(sender),
            )),
            Err(reason) => {
                let library = folder::find(&config.plugins, &sender.plugin);
                Err(reason.failure(name, &sender.plugin, &library))
            }
        };
        capabilities.push((name.to_owned(), of));
    }
    capabilities
}

/// A placeholder that a text may use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedPlaceholder {
    /// Which.
    pub placeholder: Placeholder,
    /// Whether the text must have it.
    pub is_needed: bool,
    /// The senders that can't carry it.
    pub lacking: Vec<String>,
}

/// The placeholders of texts for this purpose that some of these senders carry, and those that are needed.
pub fn offered(
    purpose: Purpose,
    senders: &[(String, SenderCapabilities)],
) -> Vec<OfferedPlaceholder> {
    let rules = rules(purpose);
    let all = rules.offered.iter().map(|placeholder| {
        let lacks =
            |(_, of): &&(String, SenderCapabilities)| !of.placeholders.contains(placeholder);
        let lacking = senders.iter().filter(lacks);
        OfferedPlaceholder {
            placeholder,
            is_needed: rules.mandatory.contains(placeholder),
            lacking: lacking.map(|(name, _)| name.clone()).collect(),
        }
    });
    let is_carried = |offered: &OfferedPlaceholder| {
        offered.lacking.is_empty() || offered.lacking.len() < senders.len()
    };
    all.filter(|offered| offered.is_needed || is_carried(offered))
        .collect()
}

/// The settings of a sender that are no secrets: none of those decides what arrives.
fn in_the_open(sender: &Sender) -> Value {
    let settings = sender.settings.iter();
    let values = settings.filter_map(|(key, setting)| match &setting.value {
        Setting::Value(value) => Some((key.clone(), to_json(value))),
        Setting::Secret(_) => None,
    });
    Value::from(values.collect::<Map<_, _>>())
}

/// The placeholders of all template settings, those left at their defaults included.
fn used_in_settings(schema: &Value, settings: &Value) -> Placeholders {
    let templates = schema::templates(schema, settings);
    let uses = templates
        .iter()
        .filter_map(|text| Template::parse(text).ok());
    uses.fold(Placeholders::NONE, |all, template| all | template.uses())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn settings_may_narrow_length_and_alphabet() {
        let schema = json!({"properties": {
            "max_length": {"type": "integer", "x-textsender-carries": "max_characters"},
            "alphabet": {"type": "string", "default": "gsm", "x-textsender-carries": "alphabet"},
        }});
        let carries = Capabilities::everything().with_max_characters(1600);
        let cases = [
            (json!({}), Some(1600), Alphabet::Gsm),
            (
                json!({"max_length": 160, "alphabet": "ascii"}),
                Some(160),
                Alphabet::Ascii,
            ),
            (json!({"alphabet": "any"}), Some(1600), Alphabet::Unicode),
        ];
        for (settings, max, alphabet) in cases {
            let capabilities = SenderCapabilities::of(&carries, &schema, &settings);
            assert_eq!(
                (capabilities.max_characters, capabilities.alphabet),
                (max, alphabet)
            );
        }
    }

    #[test]
    fn settings_say_whether_the_words_arrive() {
        let carries = Capabilities::everything().with_text(TextSource::Settings);
        let schema = json!({"properties": {
            "to": {"type": "string", "format": "textsender-template"},
            "fill": {
                "type": "object",
                "additionalProperties": {"type": "string", "format": "textsender-template"},
                "default": {"message": "%message%"},
            },
        }});
        let code = Placeholders::of(&[Placeholder::Code]);
        let cases = [
            (json!({}), true, Placeholders::ALL),
            (
                json!({"fill": {"a": "x %message%"}}),
                true,
                Placeholders::ALL,
            ),
            (json!({"fill": {"otp": "%code%"}}), false, code),
            (json!({"fill": {}}), false, Placeholders::NONE),
        ];
        for (settings, words, placeholders) in cases {
            let capabilities = SenderCapabilities::of(&carries, &schema, &settings);
            assert_eq!(
                (capabilities.words, capabilities.placeholders),
                (words, placeholders)
            );
        }
    }
}
