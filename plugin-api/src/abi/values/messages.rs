//! What a plugin is, and what it is asked to deliver.

use abi_stable::{
    StableAbi,
    std_types::{ROption, RString, RVec},
};

use super::{
    Attributes, duration,
    kinds::{AlphabetKind, PurposeKind, TextByKind},
    milliseconds, optional, plain,
};
use crate::{Capabilities, Message, Phone, PluginInfo, Secret, template::Placeholder};

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

impl From<Capabilities> for AbiCarries {
    fn from(capabilities: Capabilities) -> Self {
        let names = capabilities.placeholders.iter();
        Self {
            text: capabilities.text.into(),
            placeholders: names.map(|name| name.as_str().into()).collect(),
            max_characters: capabilities.max_characters.into(),
            alphabet: capabilities.alphabet.into(),
            also: capabilities.extra_chars.into(),
            attributes: Attributes::new(),
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

impl From<PluginInfo> for AbiInfo {
    fn from(info: PluginInfo) -> Self {
        Self {
            id: info.id.into(),
            name: info.name.into(),
            version: info.version.into(),
            hosts: info.hosts.into_iter().map(Into::into).collect(),
            carries: info.capabilities.into(),
            attributes: Attributes::new(),
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

impl From<Message> for AbiMessage {
    fn from(message: Message) -> Self {
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
            attributes: Attributes::new(),
        }
    }
}

impl TryFrom<AbiMessage> for Message {
    type Error = crate::PhoneError;

    fn try_from(message: AbiMessage) -> Result<Self, Self::Error> {
        let kept = |value: ROption<RString>| plain(value).map(Secret::new);
        Ok(Self {
            id: message.id.into(),
            purpose: message.purpose.into(),
            to: Phone::parse(&message.to)?,
            national: message.national.into(),
            text: message.text.into(),
            code: kept(message.code),
            password: kept(message.password),
            user: plain(message.user),
            name: plain(message.name),
            locale: plain(message.locale),
            expires_in: duration(message.expires_in_ms),
        })
    }
}
