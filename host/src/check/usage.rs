//! Which texts there are, and with which senders each may be sent.

use textsender_plugin_api::Purpose;

use crate::{
    config::{Config, Located, Reach, SendOptions, Text},
    text::Key,
};

/// One text with its translations, and who sends it.
pub(super) struct Usage<'c> {
    pub(super) owner: Owner<'c>,
    pub(super) purpose: Purpose,
    pub(super) text: &'c Text,
    pub(super) options: &'c SendOptions,
    /// Whom it is sent to.
    pub(super) reach: &'c Reach,
    /// The sender and its fallbacks, each once.
    pub(super) senders: Vec<&'c str>,
    /// Whether it is ever sent: a new password only where that is switched on.
    pub(super) is_sent: bool,
}

/// Whose text it is.
#[derive(Clone, Copy)]
pub(super) enum Owner<'c> {
    Policy(&'c str),
    Helpdesk,
}

impl Owner<'_> {
    /// As it is named in messages.
    pub(super) fn shown(self) -> String {
        match self {
            Self::Policy(name) => format!("policy {name:?}"),
            Self::Helpdesk => "[helpdesk]".to_owned(),
        }
    }
}

/// All texts of policies and of the helpdesk.
pub(super) fn all(config: &Config) -> Vec<Usage<'_>> {
    let policies = config.policies.iter().flat_map(|policy| {
        policy.blocks().map(|(purpose, block)| Usage {
            owner: Owner::Policy(&policy.name),
            purpose,
            text: &block.text,
            options: &block.options,
            reach: &policy.reach,
            senders: senders(config, &block.options),
            is_sent: true,
        })
    });
    policies.chain(helpdesk(config)).collect()
}

fn helpdesk(config: &Config) -> impl Iterator<Item = Usage<'_>> {
    config.helpdesk.iter().flat_map(|helpdesk| {
        let code = (Purpose::HelpdeskCode, &helpdesk.helpdesk_code_text, true);
        let is_on = helpdesk.new_password;
        let password = (Purpose::NewPassword, &helpdesk.new_password_text, is_on);
        [code, password]
            .into_iter()
            .filter_map(|(purpose, text, is_sent)| {
                Some(Usage {
                    owner: Owner::Helpdesk,
                    purpose,
                    text: text.as_ref()?,
                    options: &helpdesk.options,
                    reach: &helpdesk.reach,
                    senders: senders(config, &helpdesk.options),
                    is_sent,
                })
            })
    })
}

/// The sender of a delivery and its fallbacks, each once.
pub(super) fn senders<'c>(config: &'c Config, options: &'c SendOptions) -> Vec<&'c str> {
    let first = options.sender.as_ref().or(config.defaults.sender.as_ref());
    let all = first.into_iter().chain(&options.fallback);
    let mut senders: Vec<&str> = Vec::new();
    for sender in all {
        if !senders.contains(&sender.as_str()) {
            senders.push(sender);
        }
    }
    senders
}

impl<'c> Usage<'c> {
    /// The text and its translations, each with its key.
    pub(super) fn written(&self) -> impl Iterator<Item = (Key, &'c Located<String>)> {
        let translations = self.text.translations.iter();
        let translations = translations.map(|(tag, text)| (Key::Translation(tag.clone()), text));
        std::iter::once((Key::Text, &self.text.text)).chain(translations)
    }

    /// The key of a text in full, as it is written in the configuration.
    pub(super) fn key(&self, key: &Key) -> String {
        let purpose = self.purpose.as_str();
        match (self.owner, key) {
            (Owner::Policy(_), Key::Text) => format!("{purpose}.text"),
            (Owner::Policy(_), Key::Translation(tag)) => format!("{purpose}.translations.{tag}"),
            (Owner::Policy(_), Key::Origin) => format!("{purpose}.origin"),
            (Owner::Helpdesk, Key::Text) => format!("helpdesk.texts.{purpose}"),
            (Owner::Helpdesk, Key::Translation(tag)) => {
                format!("helpdesk.translations.{purpose}.{tag}")
            }
            (Owner::Helpdesk, Key::Origin) => "helpdesk.origin".to_owned(),
        }
    }
}
