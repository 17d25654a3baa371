//! What a plugin is, and what it is asked to deliver.

use abi_stable::{
    StableAbi,
    std_types::{ROption, RString, RVec},
};

use super::{
    Attributes, all, duration, get,
    kinds::{AlphabetKind, PurposeKind, TextByKind},
    milliseconds, optional, plain, put,
};
use crate::{Capabilities, Message, NameInText, Phone, PluginInfo, Secret, template::Placeholder};

/// Mirrors [`Capabilities`]. Placeholders are names; one that this side does not know is left out.
#[repr(C)]
#[derive(StableAbi)]
pub struct AbiCarries {
    text: TextByKind,
    placeholders: RVec<RString>,
    max_characters: ROption<u32>,
    alphabet: AlphabetKind,
    also: RString,
    attributes: Attributes,
}

/// Since 1.1, of what a plugin carries: the pattern of codes and passwords that it does not.
const ALTERED: &str = "altered";

impl From<Capabilities> for AbiCarries {
    fn from(capabilities: Capabilities) -> Self {
        let mut attributes = Attributes::new();
        put(&mut attributes, ALTERED, capabilities.altered);
        let names = capabilities.placeholders.iter();
        Self {
            text: capabilities.text.into(),
            placeholders: names.map(|name| name.as_str().into()).collect(),
            max_characters: capabilities.max_characters.into(),
            alphabet: capabilities.alphabet.into(),
            also: capabilities.extra_chars.into(),
            attributes,
        }
    }
}

impl From<AbiCarries> for Capabilities {
    fn from(carries: AbiCarries) -> Self {
        let named = |known: &Placeholder| carries.placeholders.iter().any(|n| *n == known.as_str());
        Self {
            text: carries.text.into(),
            placeholders: Placeholder::ALL.into_iter().filter(named).collect(),
            max_characters: carries.max_characters.into_option(),
            alphabet: carries.alphabet.into(),
            altered: get(&carries.attributes, ALTERED),
            extra_chars: carries.also.into(),
        }
    }
}

/// Mirrors [`PluginInfo`].
#[repr(C)]
#[derive(StableAbi)]
pub struct AbiInfo {
    id: RString,
    name: RString,
    version: RString,
    hosts: RVec<RString>,
    carries: AbiCarries,
    attributes: Attributes,
}

/// Since 1.1, of a plugin: the pattern of its provider's ids, and each setting that names a file.
const PROVIDER_ID: &str = "provider_id";
const FILE_SETTING: &str = "file_setting";

impl From<PluginInfo> for AbiInfo {
    fn from(info: PluginInfo) -> Self {
        let mut attributes = Attributes::new();
        put(&mut attributes, PROVIDER_ID, info.provider_id);
        for setting in info.file_settings {
            put(&mut attributes, FILE_SETTING, Some(setting));
        }
        Self {
            id: info.id.into(),
            name: info.name.into(),
            version: info.version.into(),
            hosts: info.hosts.into_iter().map(Into::into).collect(),
            carries: info.capabilities.into(),
            attributes,
        }
    }
}

impl From<AbiInfo> for PluginInfo {
    fn from(info: AbiInfo) -> Self {
        Self {
            id: info.id.into(),
            name: info.name.into(),
            version: info.version.into(),
            hosts: info.hosts.into_iter().map(Into::into).collect(),
            capabilities: info.carries.into(),
            provider_id: get(&info.attributes, PROVIDER_ID),
            file_settings: all(&info.attributes, FILE_SETTING)
                .map(Into::into)
                .collect(),
            // Which version it is, the library's header says.
            abi_minor: 0,
        }
    }
}

/// Mirrors [`Message`].
#[repr(C)]
#[derive(StableAbi)]
pub struct AbiMessage {
    id: RString,
    purpose: PurposeKind,
    to: RString,
    national: RString,
    text: RString,
    code: ROption<RString>,
    password: ROption<RString>,
    user: ROption<RString>,
    name: ROption<RString>,
    locale: ROption<RString>,
    expires_in_ms: ROption<u64>,
    attributes: Attributes,
}

/// Since 1.1, of a message: each place of a user's name in the text, as `12..17 there`.
const NAME_IN_TEXT: &str = "name_in_text";

fn written_place(name: &NameInText) -> String {
    format!("{}..{} {}", name.range.start, name.range.end, name.default)
}

fn read_place(written: &str) -> Option<NameInText> {
    let (range, default) = written.split_once(' ')?;
    let (start, end) = range.split_once("..")?;
    let range = start.parse().ok()?..end.parse().ok()?;
    Some(NameInText::new(range, default))
}

impl From<Message> for AbiMessage {
    fn from(message: Message) -> Self {
        let mut attributes = Attributes::new();
        for name in &message.names_in_text {
            put(&mut attributes, NAME_IN_TEXT, Some(written_place(name)));
        }
        let exposed = |secret: Option<Secret>| optional(secret.map(|s| s.expose().to_owned()));
        Self {
            id: message.id.into(),
            purpose: message.purpose.into(),
            to: message.to.e164().into(),
            national: message.national.into(),
            text: message.text.into(),
            code: exposed(message.code),
            password: exposed(message.password),
            user: optional(message.user),
            name: optional(message.name),
            locale: optional(message.locale),
            expires_in_ms: milliseconds(message.expires_in),
            attributes,
        }
    }
}

/// Why a message can't be read.
pub enum BadMessage {
    /// Its recipient is no number.
    Recipient,
    /// Its purpose is newer than this side.
    Purpose,
}

impl TryFrom<AbiMessage> for Message {
    type Error = BadMessage;

    fn try_from(message: AbiMessage) -> Result<Self, Self::Error> {
        // What it is for decides what it may say: a guess could send a code's words without a code.
        if !message.purpose.is_known() {
            return Err(BadMessage::Purpose);
        }
        let kept = |value: ROption<RString>| plain(value).map(Secret::new);
        Ok(Self {
            id: message.id.into(),
            purpose: message.purpose.into(),
            to: Phone::parse(&message.to).map_err(|_| BadMessage::Recipient)?,
            national: message.national.into(),
            text: message.text.into(),
            code: kept(message.code),
            password: kept(message.password),
            user: plain(message.user),
            name: plain(message.name),
            locale: plain(message.locale),
            expires_in: duration(message.expires_in_ms),
            names_in_text: all(&message.attributes, NAME_IN_TEXT)
                .filter_map(read_place)
                .collect(),
        })
    }
}
