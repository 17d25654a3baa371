//! What a plugin can carry of a policy's text. `textsender check` holds every text of a policy against
//! what its sender and its fallbacks declare here, so that an administrator learns of it before a user
//! does.

use serde::{Deserialize, Serialize};

use crate::{alphabet, template::Placeholders};

/// What a plugin can carry. The default is everything; declare what the provider documents.
///
/// ```
/// use textsender_plugin_api::{Alphabet, Capabilities, PluginInfo};
///
/// let info = PluginInfo::new("acme", "Acme SMS", "1.0.0").with_capabilities(
///     Capabilities::everything()
///         .with_max_characters(612)
///         .with_alphabet(Alphabet::Gsm),
/// );
/// assert_eq!(info.capabilities.max_characters, Some(612));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Capabilities {
    /// Whose words the user reads.
    pub text: TextSource,
    /// What a policy's text may use. For [`TextSource::Settings`] the settings decide within this.
    pub placeholders: Placeholders,
    /// The longest text, as [`Alphabet::length`] counts it.
    pub max_characters: Option<u32>,
    /// The characters of a text that arrive as they are.
    pub alphabet: Alphabet,
    /// Characters beyond the alphabet that do so too.
    pub extra_chars: String,
    /// A pattern of the codes and passwords that would arrive as others: see [`Capabilities::with_altered`].
    #[serde(default)]
    pub altered: Option<String>,
}

/// Whose words the user reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum TextSource {
    /// The policy's: [`Message::text`](crate::Message::text) is sent as it is.
    Policy,
    /// What the sender's settings of type [`Template`](crate::Template) make of the message. If one of
    /// them uses `%message%`, the policy's text is in it; else only the values that they use arrive.
    Settings,
    /// The provider's: only values arrive, those of [`Capabilities::placeholders`].
    Provider,
}

/// The characters that a provider delivers as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Alphabet {
    /// All of Unicode.
    Unicode,
    /// The GSM 7-bit default alphabet and its extension table (3GPP TS 23.038, 6.2.1).
    Gsm,
    /// Printable ASCII.
    Ascii,
}

impl Alphabet {
    /// Whether it has a character. A line break is in all of them: providers carry it, or put a space.
    pub fn holds(self, character: char) -> bool {
        match self {
            Self::Unicode => true,
            Self::Gsm => alphabet::is_gsm(character),
            Self::Ascii => alphabet::is_ascii(character),
        }
    }

    /// The length of a text as a provider with this alphabet counts it: in characters, and with
    /// [`Gsm`](Self::Gsm) those of the extension table twice.
    pub fn length(self, text: &str) -> usize {
        let one = |character| match self {
            Self::Gsm => alphabet::septets(character).unwrap_or(1),
            Self::Unicode | Self::Ascii => 1,
        };
        text.chars().map(one).sum()
    }
}

impl Capabilities {
    /// Every text, as it is.
    pub fn everything() -> Self {
        Self {
            text: TextSource::Policy,
            placeholders: Placeholders::ALL,
            max_characters: None,
            alphabet: Alphabet::Unicode,
            extra_chars: String::new(),
            altered: None,
        }
    }

    /// Whose words the user reads.
    pub fn with_text(self, text: TextSource) -> Self {
        Self { text, ..self }
    }

    /// What a policy's text may use.
    pub fn with_placeholders(self, placeholders: Placeholders) -> Self {
        Self {
            placeholders,
            ..self
        }
    }

    /// The longest text, as [`Alphabet::length`] counts it.
    pub fn with_max_characters(self, max: u32) -> Self {
        Self {
            max_characters: Some(max),
            ..self
        }
    }

    /// The characters that arrive as they are.
    pub fn with_alphabet(self, alphabet: Alphabet) -> Self {
        Self { alphabet, ..self }
    }

    /// A pattern, in the syntax of [`regex-lite`](https://docs.rs/regex-lite), that is found in the codes and
    /// passwords which the provider alters on their way, such as `  ` for one that tidies blanks. `textsender
    /// explain` says so before anything is sent; a send is [`Unsuitable`](crate::Verdict::Unsuitable).
    pub fn with_altered(self, pattern: &str) -> Self {
        Self {
            altered: Some(pattern.to_owned()),
            ..self
        }
    }

    /// Characters beyond the alphabet that arrive as they are, too.
    pub fn with_extra_chars(self, extra_chars: &str) -> Self {
        Self {
            extra_chars: extra_chars.to_owned(),
            ..self
        }
    }
}

impl Default for Capabilities {
    fn default() -> Self {
        Self::everything()
    }
}
