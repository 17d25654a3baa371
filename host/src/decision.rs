//! What policy, recipient and text come to for one request, before a sender is asked.
//!
//! `send`, `explain`, `preview` and `policy diff` decide here and nowhere else, so that what is
//! explained is what is sent.

use std::{path::Path, sync::Arc};

use textsender_plugin_api::{Message, Purpose};

use crate::{
    config::{Fingerprint, Reading, Regions, SendOptions, Sources, Text},
    policy::{Policies, PolicyError, Query, Resolution, User},
    protocol::{Content, ErrorCode, Failure, Request},
    recipient::{Recipient, Region},
    text::{DEFAULT_CODE_LENGTH, Rendered, TextFault, TextSource, TextValues, Texts, user_value},
    trust,
};

/// Reads the configuration, and its policies in the form in which they decide; and what its files
/// looked like, by which a later edit is noticed.
///
/// # Errors
///
/// The configuration is wrong, or others can write to it: `misconfigured`.
pub fn policies(config: &Path) -> (Result<Policies, Failure>, Fingerprint) {
    let sources = Sources::read(config);
    let seen = sources.fingerprint().clone();
    let wrong = |what: String| Failure::with_detail(ErrorCode::BadConfiguration, what);
    let policies = trust::all(sources.paths())
        .map_err(|error| wrong(error.to_string()))
        .and_then(|()| {
            let config = Reading::of(sources).into_config();
            let policies = config.and_then(|config| Policies::new(Arc::new(config)));
            policies.map_err(|faults| wrong(faults.to_string()))
        });
    (policies, seen)
}

/// What a request asks of policy.
pub fn query(request: &Request) -> Query<'_> {
    Query {
        user: User {
            dn: request.user.dn.as_deref(),
            groups: &request.user.groups,
        },
        event: request.event,
        purpose: request.purpose,
        sender: request.sender.as_deref(),
        policy: request.policy.as_deref(),
    }
}

impl From<PolicyError> for Failure {
    fn from(error: PolicyError) -> Self {
        let code = match &error {
            PolicyError::NoDn | PolicyError::NoPolicy => ErrorCode::NoPolicy,
            PolicyError::DefaultFiltered { .. } => ErrorCode::NoPolicy,
            PolicyError::EventOff { .. } | PolicyError::EventMissing { .. } => ErrorCode::EventOff,
            PolicyError::PurposeOff { .. } | PolicyError::NewPasswordOff => ErrorCode::PurposeOff,
            PolicyError::NoSender { .. } => ErrorCode::NoSender,
            PolicyError::UnknownSender { .. } => ErrorCode::UnknownSender,
            PolicyError::NoHelpdeskText { .. } => ErrorCode::BadText,
            error if error.is_invalid() => ErrorCode::BadField,
            _ => ErrorCode::BadConfiguration,
        };
        Self::with_detail(code, error.to_string())
    }
}

/// What a request comes to. Its parts do not depend on each other: where one fails, the others still
/// tell what they would have been.
#[derive(Debug)]
pub struct Decision<'p> {
    /// Who decided, and what a message is sent with.
    pub resolution: Resolution<'p>,
    /// The number, as it was read.
    pub recipient: Result<Recipient, Failure>,
    /// Why that number may not be texted, if it may not.
    pub not_allowed: Option<Failure>,
    /// What it says.
    pub text: Result<Rendered, Failure>,
}

impl<'p> Decision<'p> {
    /// Works it out for what policy resolved.
    pub fn of(request: &Request, resolution: Resolution<'p>) -> Self {
        let home = home(&resolution);
        let recipient = home
            .clone()
            .and_then(|home| recipient(&request.user.phone, home));
        let allowed = match (&recipient, home) {
            (Ok(recipient), Ok(home)) => allowed(recipient, &resolution, home),
            _ => Ok(()),
        };
        Self {
            text: text(request, &resolution),
            recipient,
            not_allowed: allowed.err(),
            resolution,
        }
    }

    /// The sender and its fallbacks, in the order in which they are asked, each once.
    pub fn senders(&self) -> Vec<&'p str> {
        let mut senders = vec![self.resolution.sender];
        for fallback in self.resolution.fallback {
            if !senders.contains(&fallback.as_str()) {
                senders.push(fallback);
            }
        }
        senders
    }

    /// What a sender gets.
    ///
    /// # Errors
    ///
    /// Why there is nothing to send.
    pub fn message(self, request: &Request) -> Result<Message, Failure> {
        let recipient = self.recipient?;
        if let Some(failure) = self.not_allowed {
            return Err(failure);
        }
        Ok(message(request, recipient, self.text?))
    }
}

/// The texts of a policy or of the helpdesk, parsed.
///
/// # Errors
///
/// All their faults.
pub fn texts(
    purpose: Purpose,
    text: &Text,
    options: &SendOptions,
) -> Result<Texts, Vec<TextFault>> {
    let translations = text.translations.iter();
    let translations = translations
        .map(|(tag, text)| (tag.clone(), text.value.clone()))
        .collect();
    Texts::compile(&TextSource {
        origin: options.origin.as_ref().map(|origin| origin.as_str()),
        max_segments: options.max_segments.map(usize::from),
        code_length: code_length(options),
        fold: options.fold,
        ..TextSource::new(purpose, &text.text, &translations)
    })
}

/// The longest code that is reckoned with, in characters.
pub fn code_length(options: &SendOptions) -> usize {
    options.code_length.map_or(DEFAULT_CODE_LENGTH, usize::from)
}

/// The region whose national forms are read.
fn home(resolution: &Resolution) -> Result<Option<Region>, Failure> {
    let region = resolution.reach.region.as_ref();
    region.map(|region| known_region(region)).transpose()
}

fn known_region(region: &str) -> Result<Region, Failure> {
    Region::parse(region)
        .map_err(|error| Failure::with_detail(ErrorCode::BadConfiguration, error.to_string()))
}

fn recipient(phone: &str, home: Option<Region>) -> Result<Recipient, Failure> {
    Recipient::read(phone, home)
        .map_err(|error| Failure::with_detail(ErrorCode::InvalidNumber, error.to_string()))
}

/// Holds a number against the regions and kinds that may be texted.
fn allowed(
    recipient: &Recipient,
    resolution: &Resolution,
    home: Option<Region>,
) -> Result<(), Failure> {
    let reach = resolution.reach;
    if let Regions::Only(regions) = &reach.regions {
        let regions = regions.iter().map(|region| known_region(region));
        let regions: Vec<Region> = regions.collect::<Result<_, _>>()?;
        if !recipient.is_in(&regions, home) {
            let detail = format!("the number belongs to {}", recipient.region.as_str());
            return Err(Failure::with_detail(ErrorCode::RegionNotAllowed, detail));
        }
    }
    let kind = recipient.kind.as_str();
    let is_allowed = || reach.kinds.iter().any(|allowed| allowed.value == kind);
    if recipient.is_refused_by_default() && !is_allowed() {
        return Err(Failure::with_detail(ErrorCode::KindNotAllowed, kind));
    }
    Ok(())
}

fn text(request: &Request, resolution: &Resolution) -> Result<Rendered, Failure> {
    let bad_text = |words: String| Failure::with_detail(ErrorCode::BadText, words);
    let texts = texts(request.purpose, resolution.text, resolution.options);
    let texts = texts.map_err(|faults| {
        let first = faults.first().map(ToString::to_string);
        bad_text(first.unwrap_or_default())
    })?;
    let secret = request.secret().expose();
    let (code, password) = match request.content {
        Content::Code(_) => (Some(secret), None),
        Content::Password(_) => (None, Some(secret)),
    };
    let values = TextValues {
        code,
        password,
        user: request.user.name.as_deref(),
        name: request.user.display_name.as_deref(),
        expires_in: request.expires_in,
    };
    let rendered = texts.render(request.user.locale.as_deref(), &values);
    rendered.map_err(|error| bad_text(error.to_string()))
}

fn message(request: &Request, recipient: Recipient, text: Rendered) -> Message {
    let clean =
        |value: &Option<String>| value.as_deref().map(|value| user_value(value).into_owned());
    let id = request.id.as_str();
    let mut message = Message::new(id, request.purpose, recipient.phone, text.text);
    message.national = recipient.national;
    message.user = clean(&request.user.name);
    message.name = clean(&request.user.display_name);
    message.locale = text.locale;
    let secret = Some(request.secret().clone());
    match request.content {
        Content::Code(_) => message.code = secret,
        Content::Password(_) => message.password = secret,
    }
    message
}
