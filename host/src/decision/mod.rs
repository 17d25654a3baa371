//! What one configuration comes to for one request, before a sender is asked.
//!
//! `send`, `explain`, `preview` and `policy diff` decide here and nowhere else, so that what is
//! explained is what is sent.

mod bounds;
mod snapshot;

use textsender_plugin_api::Message;

use crate::{
    config::SendOptions,
    policy::{PolicyError, Query, Resolution, User},
    protocol::{Content, ErrorCode, Failure, Request},
    recipient::{Kind, Recipient, RecipientError, Region},
    text::{DEFAULT_CODE_LENGTH, Rendered, TextValues, user_value},
};
pub use bounds::Bounds;
pub use snapshot::{Prepared, Snapshot, texts};

/// What a request asks of policy.
pub fn query(request: &Request) -> Query<'_> {
    Query {
        user: User {
            dn: request.user.dn.as_deref(),
            groups: &request.user.groups,
            links: request.user.links.as_deref(),
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
            PolicyError::LinksUnknown | PolicyError::Undecidable { .. } => {
                ErrorCode::DirectoryUnreadable
            }
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
    pub fn of(snapshot: &Snapshot, request: &Request, resolution: Resolution<'p>) -> Self {
        let prepared = snapshot.prepared(&resolution);
        let home = prepared.home.clone();
        let mut recipient = home.and_then(|home| recipient(request, home, &resolution));
        if let Ok(recipient) = &mut recipient
            && !prepared
                .country()
                .is_some_and(|one| recipient.has_code_of(one))
        {
            // Numbers of two countries may be the same without the code: what asks for this form gets
            // it for the policy's own country only.
            recipient.national.clear();
        }
        let allowed = match &recipient {
            Ok(recipient) => allowed(recipient, &resolution, prepared),
            Err(_) => Ok(()),
        };
        Self {
            text: text(request, prepared),
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

/// The longest code that is reckoned with, in characters.
pub fn code_length(options: &SendOptions) -> usize {
    options.code_length.map_or(DEFAULT_CODE_LENGTH, usize::from)
}

fn recipient(
    request: &Request,
    home: Option<Region>,
    resolution: &Resolution,
) -> Result<Recipient, Failure> {
    let without_plus = request.numbers_without_plus;
    let without_plus = without_plus.unwrap_or(resolution.without_plus);
    Recipient::read(&request.user.phone, home, without_plus).map_err(|error| {
        let code = match error {
            RecipientError::Ambiguous { .. } => ErrorCode::NumberAmbiguous,
            _ => ErrorCode::InvalidNumber,
        };
        Failure::with_detail(code, error.to_string())
    })
}

/// Holds a number against the regions and kinds that may be texted.
fn allowed(
    recipient: &Recipient,
    resolution: &Resolution,
    prepared: &Prepared,
) -> Result<(), Failure> {
    let home = prepared.home.clone()?;
    if let Some(regions) = prepared.regions.as_ref().map_err(Failure::clone)?
        && !recipient.is_in(regions, home)
    {
        let region = recipient.region;
        let detail = match recipient.had_calling_code {
            true => format!("the number belongs to {region}"),
            false => format!(
                "written without +, the number was read as {}, which belongs to {region}",
                recipient.phone
            ),
        };
        return Err(Failure::with_detail(ErrorCode::RegionNotAllowed, detail));
    }
    let kind = recipient.kind;
    let kinds = &resolution.reach.kinds;
    let is_allowed = || kinds.iter().any(|name| Kind::named(name) == Some(kind));
    if recipient.is_refused_by_default() && !is_allowed() {
        return Err(Failure::with_detail(
            ErrorCode::KindNotAllowed,
            kind.as_str(),
        ));
    }
    if kind == Kind::Fixed && !is_allowed() && recipient.is_landline() {
        return Err(Failure::new(ErrorCode::NotMobile));
    }
    Ok(())
}

fn text(request: &Request, prepared: &Prepared) -> Result<Rendered, Failure> {
    let texts = prepared.texts.as_ref().map_err(Failure::clone)?;
    let (mut code, mut password, mut message) = (None, None, None);
    match &request.content {
        Content::Code(it) => code = Some(it.secret().expose()),
        Content::Password(it) => password = Some(it.secret().expose()),
        Content::Message(words) => message = words.as_deref(),
    }
    let values = TextValues {
        code,
        password,
        message,
        user: request.user.name.as_deref(),
        name: request.user.display_name.as_deref(),
        expires_in: request.expires_in,
    };
    let rendered = texts.render(request.user.locales.iter().map(String::as_str), &values);
    rendered.map_err(|error| Failure::with_detail(ErrorCode::BadText, error.to_string()))
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
    message.names_in_text = text.names_in_text;
    match &request.content {
        Content::Code(code) => message.code = Some(code.secret().clone()),
        Content::Password(password) => message.password = Some(password.secret().clone()),
        Content::Message(_) => {}
    }
    message
}
