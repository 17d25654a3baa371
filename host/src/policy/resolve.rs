//! From the winning policy, or `[helpdesk]`, to what a message is sent with.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use textsender_names::Dn;

use super::error::PolicyError;
use super::index::Policies;
use super::principal::Held;
use super::{Query, User};
use crate::config::{
    Block, Helpdesk, Located, OnUnknown, Policy, Reach, SendOptions, Text, WithoutPlus,
};
use crate::protocol::{Event, GpoLink, Purpose};

/// The text of a test for a user whom no policy gives a text.
pub const TEST_TEXT: &str = "This is a test message: %code%";

/// What a message is sent with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolution<'p> {
    /// The policy that won; `None` for helpdesk messages, and for a test outside all policies.
    pub policy: Option<&'p str>,
    /// The first sender; it is configured.
    pub sender: &'p str,
    /// Who named it.
    pub sender_from: SenderFrom,
    /// The senders after it, as named: one that is not configured is found when its turn comes.
    pub fallback: &'p [Located<String>],
    /// What follows an outcome `unknown`.
    pub on_unknown: OnUnknown,
    /// Whose text, options and numbers those below are.
    pub owner: MessageOwner,
    /// The text and its translations.
    pub text: &'p Text,
    /// Which numbers may be texted.
    pub reach: &'p Reach,
    /// How digits are meant that can be two numbers.
    pub without_plus: WithoutPlus,
    /// The rest of what says how it is written and sent.
    pub options: &'p SendOptions,
}

/// Who says what a message says and whom it may reach. All messages of one owner have the same text,
/// options and numbers, so what is worked out for the first of them holds for the others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageOwner {
    /// The policy of this number: its verification codes, and tests of it.
    Policy(usize),
    /// The policy of this number: its information.
    Information(usize),
    /// `[helpdesk]`, for its codes.
    HelpdeskCode,
    /// `[helpdesk]`, for new passwords.
    NewPassword,
    /// A test outside all policies.
    Test,
}

/// Who named a sender.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SenderFrom {
    /// The request, which only a test may.
    Request,
    /// The policy.
    Policy,
    /// `[helpdesk]`.
    Helpdesk,
    /// `[defaults]`.
    Defaults,
}

impl Policies {
    /// Decides for one request.
    pub fn resolve(&self, query: &Query) -> Result<Resolution<'_>, PolicyError> {
        match query.purpose {
            Purpose::VerificationCode | Purpose::Information => {
                let policy = self.policy_of(&query.user)?;
                self.by_policy(policy, query.purpose, query.event)
            }
            Purpose::HelpdeskCode | Purpose::NewPassword => self.helpdesk(query.purpose),
            Purpose::Test => self.test(query),
            // Not reached: a request for any other is refused when it is read.
            _ => Err(PolicyError::NewPasswordOff),
        }
    }

    /// The user's name, parsed, and what he holds of the groups that filters name.
    pub(super) fn identify(&self, user: &User) -> Result<(Option<Dn>, Held), PolicyError> {
        let written = user.dn.filter(|dn| !dn.trim().is_empty());
        let dn = written.map(Dn::parse).transpose();
        let dn = dn.map_err(|error| PolicyError::BadDn { error })?;
        let held = self.principals.held(user, dn.as_ref())?;
        Ok((dn, held))
    }

    /// The number of the policy that decides for a user.
    fn policy_of(&self, user: &User) -> Result<usize, PolicyError> {
        let (dn, held) = self.identify(user)?;
        if let Some(dn) = &dn
            && let Some(number) = self.deciding(dn, &held, user.links)?
        {
            return Ok(number);
        }
        self.default_policy(&dn, &held)
    }

    /// The number of the policy that a link decides for.
    fn deciding(
        &self,
        dn: &Dn,
        held: &Held,
        links: Option<&[GpoLink]>,
    ) -> Result<Option<usize>, PolicyError> {
        let own = self.winner(dn, held)?;
        match self.bound.is_empty() {
            true => Ok(own.map(|linked| linked.policy as usize)),
            false => self.beside_objects(dn, own, links),
        }
    }

    /// The default needs no link, but its filter counts: a user who is denied stays denied.
    pub(super) fn default_policy(
        &self,
        dn: &Option<Dn>,
        held: &Held,
    ) -> Result<usize, PolicyError> {
        let Some(name) = &self.config.defaults.policy else {
            return Err(match dn {
                None => PolicyError::NoDn,
                Some(_) => PolicyError::NoPolicy,
            });
        };
        let Some(number) = self.default else {
            let name = name.value.clone();
            return Err(PolicyError::UnknownDefault { name });
        };
        // Its security filter counts where its object is linked, and nothing else says whom it leaves out.
        if self.config.policies[number].binding.is_some() {
            let policy = name.value.clone();
            return Err(PolicyError::DefaultBound { policy });
        }
        match self.rules[number].passes(held) {
            true => Ok(number),
            false => Err(PolicyError::DefaultFiltered {
                policy: name.value.clone(),
            }),
        }
    }

    fn by_policy(
        &self,
        number: usize,
        purpose: Purpose,
        event: Option<Event>,
    ) -> Result<Resolution<'_>, PolicyError> {
        self.is_whole(number)?;
        let policy = &self.config.policies[number];
        check_event(policy, event)?;
        let Some(block) = policy.block(purpose) else {
            let policy = policy.name.value.clone();
            return Err(PolicyError::PurposeOff { policy, purpose });
        };
        let owner = Owner::Policy(policy);
        let sender = self.sender(&block.options, owner, purpose)?;
        Ok(Resolution {
            policy: Some(&policy.name),
            owner: match purpose {
                Purpose::Information => MessageOwner::Information(number),
                _ => MessageOwner::Policy(number),
            },
            ..self.resolution(sender, &block.options, &block.text, &policy.reach)
        })
    }

    /// Helpdesk messages are the same for every user. A new password is never tried with a second
    /// sender after `unknown`: two messages would be two copies of it.
    fn helpdesk(&self, purpose: Purpose) -> Result<Resolution<'_>, PolicyError> {
        static NONE: LazyLock<Helpdesk> = LazyLock::new(Helpdesk::default);
        let helpdesk = self.config.helpdesk.as_ref().unwrap_or(&NONE);
        let is_password = purpose == Purpose::NewPassword;
        if is_password && !helpdesk.new_password {
            return Err(PolicyError::NewPasswordOff);
        }
        let (text, owner) = match is_password {
            true => (&helpdesk.new_password_text, MessageOwner::NewPassword),
            false => (&helpdesk.helpdesk_code_text, MessageOwner::HelpdeskCode),
        };
        let text = text
            .as_ref()
            .ok_or(PolicyError::NoHelpdeskText { purpose })?;
        let sender = self.sender(&helpdesk.options, Owner::Helpdesk, purpose)?;
        let mut resolution = self.resolution(sender, &helpdesk.options, text, &helpdesk.reach);
        resolution.owner = owner;
        if is_password {
            resolution.on_unknown = OnUnknown::Stop;
        }
        Ok(resolution)
    }

    /// A test goes where the user's verification codes would go, whatever the event. Without a
    /// policy, and if it names a sender, it tests that sender alone.
    fn test(&self, query: &Query) -> Result<Resolution<'_>, PolicyError> {
        static UNBOUND: LazyLock<(Block, Reach)> = LazyLock::new(|| {
            let text = Text {
                text: Located {
                    value: TEST_TEXT.to_owned(),
                    place: Default::default(),
                },
                translations: BTreeMap::new(),
            };
            let options = SendOptions::default();
            (Block { options, text }, Reach::default())
        });
        let number = match (query.policy, self.policy_of(&query.user)) {
            (Some(name), _) => Some(self.named(name)?),
            (None, Ok(policy)) => Some(policy),
            (None, Err(PolicyError::NoDn | PolicyError::NoPolicy)) => None,
            (None, Err(error)) => return Err(error),
        };
        if let Some(number) = number {
            self.is_whole(number)?;
        }
        let policy = number.map(|number| &self.config.policies[number]);
        let block = policy.and_then(|p| p.verification_code.as_ref());
        let block = block.unwrap_or(&UNBOUND.0);
        let reach = policy.map_or(&UNBOUND.1, |policy| &policy.reach);
        let owner = policy.map_or(Owner::Request, Owner::Policy);
        let sender = match query.sender {
            Some(name) => self.named_by_request(name)?,
            None => self.sender(&block.options, owner, query.purpose)?,
        };
        let mut resolution = self.resolution(sender, &block.options, &block.text, reach);
        resolution.policy = policy.map(|policy| policy.name.as_str());
        resolution.owner = number.map_or(MessageOwner::Test, MessageOwner::Policy);
        if query.sender.is_some() {
            resolution.fallback = &[];
        }
        Ok(resolution)
    }

    fn named(&self, name: &str) -> Result<usize, PolicyError> {
        let mut policies = self.config.policies.iter();
        let named = policies.position(|policy| policy.name.value == name);
        named.ok_or_else(|| PolicyError::UnknownTestPolicy {
            name: name.to_owned(),
        })
    }

    fn named_by_request(&self, name: &str) -> Result<(&str, SenderFrom), PolicyError> {
        match self.config.senders.get_key_value(name) {
            Some((name, _)) => Ok((name, SenderFrom::Request)),
            None => Err(PolicyError::UnknownTestSender {
                name: name.to_owned(),
            }),
        }
    }

    fn sender<'p>(
        &'p self,
        options: &'p SendOptions,
        owner: Owner,
        purpose: Purpose,
    ) -> Result<(&'p str, SenderFrom), PolicyError> {
        let (sender, from) = match (&options.sender, &self.config.defaults.sender) {
            (Some(own), _) => (own, owner.sender_from()),
            (None, Some(default)) => (default, SenderFrom::Defaults),
            (None, None) => {
                let owner = owner.to_string();
                return Err(PolicyError::NoSender { purpose, owner });
            }
        };
        if self.config.senders.contains_key(&sender.value) {
            return Ok((sender, from));
        }
        Err(PolicyError::UnknownSender {
            name: sender.value.clone(),
            owner: match from {
                SenderFrom::Defaults => "[defaults]".to_owned(),
                _ => owner.to_string(),
            },
        })
    }

    fn resolution<'p>(
        &'p self,
        (sender, sender_from): (&'p str, SenderFrom),
        options: &'p SendOptions,
        text: &'p Text,
        reach: &'p Reach,
    ) -> Resolution<'p> {
        Resolution {
            policy: None,
            sender,
            sender_from,
            fallback: &options.fallback,
            on_unknown: options.on_unknown.unwrap_or(OnUnknown::FailOver),
            owner: MessageOwner::Test,
            text,
            reach,
            without_plus: reach
                .numbers_without_plus
                .or(self.config.defaults.numbers_without_plus)
                .unwrap_or_default(),
            options,
        }
    }
}

/// Whose words a message follows.
#[derive(Clone, Copy)]
enum Owner<'p> {
    Policy(&'p Policy),
    Helpdesk,
    Request,
}

impl Owner<'_> {
    fn sender_from(self) -> SenderFrom {
        match self {
            Owner::Policy(_) => SenderFrom::Policy,
            Owner::Helpdesk => SenderFrom::Helpdesk,
            Owner::Request => SenderFrom::Defaults,
        }
    }
}

impl std::fmt::Display for Owner<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Owner::Policy(policy) => write!(f, "policy {:?}", policy.name.value),
            Owner::Helpdesk => f.write_str("[helpdesk]"),
            Owner::Request => f.write_str("the request"),
        }
    }
}

/// A request that names no event passes only where all are allowed.
fn check_event(policy: &Policy, event: Option<Event>) -> Result<(), PolicyError> {
    let Some(allowed) = &policy.events else {
        return Ok(());
    };
    let name = || policy.name.value.clone();
    match event {
        Some(event) if allowed.contains(&event) => Ok(()),
        Some(event) => Err(PolicyError::EventOff {
            policy: name(),
            event,
        }),
        None if [Event::Enroll, Event::Reset]
            .iter()
            .all(|e| allowed.contains(e)) =>
        {
            Ok(())
        }
        None => Err(PolicyError::EventMissing { policy: name() }),
    }
}
