//! What a reset server asks for, read strictly: a request is whole and right, or nothing is sent.
//!
//! Errors name the field. They never repeat a value: it may be the code.

mod draft;
mod fields;
mod read;
mod used;

use std::{fmt, time::Duration};

use icu_properties::{CodePointSetData, props::DefaultIgnorableCodePoint};
use schemars::JsonSchema;
use serde::Deserialize;
use textsender_plugin_api::{Purpose, Secret};

use super::{Failure, GpoLink, MessageId};

pub use draft::Draft;
pub use used::id_of_used;

pub(super) use fields::Fields;

/// The largest request, in bytes.
pub const MAX_REQUEST: usize = 1024 * 1024;

/// The most groups that a request may name.
pub const MAX_GROUPS: usize = 4096;

/// One request, whole and right.
#[derive(Clone, Debug)]
pub struct Request {
    /// The caller's id, or a new one.
    pub id: MessageId,
    /// Why the message is sent.
    pub purpose: Purpose,
    /// Whether it is an earlier message, sent again.
    pub resend: Resend,
    /// What the user was doing.
    pub event: Option<Event>,
    /// Who asked for it, kept with the message in the ledger.
    pub actor: Option<String>,
    /// Where the user's request came from: an IPv4 address, or the first 64 bits of an IPv6 one. Only counted.
    pub source: Option<String>,
    /// Who gets it.
    pub user: User,
    /// The code or the password that the text carries.
    pub content: Content,
    /// When the code ends, as time left from now.
    pub expires_in: Option<Duration>,
    /// The sender to test.
    pub sender: Option<String>,
    /// The policy to test, whatever the user's is. No field of the protocol: `test-send` sets it.
    pub policy: Option<String>,
    /// How digits are meant that can be two numbers, whatever the policy says. No field of the protocol: the
    /// hub sets it for callers of other products.
    pub numbers_without_plus: Option<WithoutPlus>,
    /// In what time there has to be an answer, where that is less than usual. The hub's, too.
    pub timeout: Option<Duration>,
}

/// How digits without `+` are meant where they are one number with a calling code and another without.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WithoutPlus {
    /// That is not known: the request is refused.
    #[default]
    Ask,
    /// As they are dialled in the region.
    National,
    /// With the calling code first.
    International,
}

/// Whether a message is an earlier one, sent again with the same code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Resend {
    /// It is not.
    #[default]
    No,
    /// It is the one that had this id.
    Of(MessageId),
    /// The ledger knows. The caller has no ids of its own, and the id was made of what the message says: the
    /// same again within seconds is a repeat, later a resend.
    ByContent,
}

/// What the text carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// For both code purposes and tests.
    Code(Code),
    /// For `new_password`.
    Password(Password),
    /// For `information`: the caller's own words, if it has any.
    Message(Option<String>),
}

/// What the user was doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// Enrolling a phone.
    Enroll,
    /// Resetting a password.
    Reset,
}

impl Event {
    /// The word used in requests and configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Enroll => "enroll",
            Self::Reset => "reset",
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the caller knows of the user. It is trusted.
#[derive(Clone, Default)]
pub struct User {
    /// The account name.
    pub name: Option<String>,
    /// The SID, by which a directory finds the user.
    pub sid: Option<String>,
    /// The name for people.
    pub display_name: Option<String>,
    /// Where the user is in the directory.
    pub dn: Option<String>,
    /// The user's groups, transitive, as DNs or SIDs.
    pub groups: Vec<String>,
    /// The user's languages as BCP 47 tags, the one that is liked best first.
    pub locales: Vec<String>,
    /// The phone number, as given; empty where a directory is to know it.
    pub phone: String,
    /// The links of group policy objects that reach the user, the strongest first; `None`: no directory was
    /// asked. No field of the protocol.
    pub links: Option<Vec<GpoLink>>,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A code: 4 to 64 visible characters, in one group or two with a space between. Never assume digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Code(Secret);

impl Code {
    fn parse(code: &str) -> Result<Self, &'static str> {
        if !(4..=64).contains(&code.chars().count()) || !is_printable(code) {
            return Err("expected 4 to 64 printable characters");
        }
        let mut groups = code.split(' ');
        let are_visible = groups.by_ref().take(2).all(is_visible);
        if !are_visible || groups.next().is_some() {
            return Err(
                "expected the code alone, in one group or two with a space between, such as 123 456: \
                 the words around it are the policy's text",
            );
        }
        Ok(Self(Secret::new(code)))
    }

    /// The code, for the text.
    pub fn secret(&self) -> &Secret {
        &self.0
    }
}

/// A password: 1 to 256 printable characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Password(Secret);

impl Password {
    fn parse(password: &str) -> Option<Self> {
        let fits = (1..=256).contains(&password.chars().count());
        (fits && is_printable(password)).then(|| Self(Secret::new(password)))
    }

    /// The password, for the text.
    pub fn secret(&self) -> &Secret {
        &self.0
    }
}

/// Whether there is something to see in each character.
fn is_visible(group: &str) -> bool {
    let is_invisible = |c: char| {
        c.is_whitespace() || CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
    };
    !group.is_empty() && !group.contains(is_invisible)
}

fn is_printable(value: &str) -> bool {
    value.trim() == value && !value.chars().any(char::is_control)
}

/// What a test is asked for with.
#[derive(Clone, Debug, Default)]
pub struct TestRequest {
    /// Makes a repeat safe; without it one is made.
    pub id: Option<String>,
    /// The number.
    pub phone: String,
    /// The code in the text.
    pub code: String,
    /// Who asks for it.
    pub actor: String,
    /// The sender to test; `None`: the policy's.
    pub sender: Option<String>,
    /// The policy whose text is sent; `None`: the default one.
    pub policy: Option<String>,
}

impl Request {
    /// A test: one real text, marked as such, on the way that every text takes.
    ///
    /// # Errors
    ///
    /// Number or code have not the right form: what is wrong, as of any request.
    pub fn test(test: TestRequest) -> Result<Self, Failure> {
        let mut request = serde_json::json!({
            "purpose": "test",
            "actor": test.actor,
            "user": { "phone": test.phone },
            "code": test.code,
            "sender": test.sender,
        });
        if let Some(id) = test.id {
            request["id"] = id.into();
        }
        let request = Self::parse(request.to_string().as_bytes())?;
        Ok(Self {
            policy: test.policy,
            ..request
        })
    }

    /// Reads one JSON document.
    ///
    /// # Errors
    ///
    /// A [`Failure`] with outcome `invalid` that names the field; with the id, where it was read.
    pub fn parse(json: &[u8]) -> Result<Self, Failure> {
        read::read(json)
    }

    /// The id in a document that is no right request, as far as it is JSON: for the response.
    pub fn id_of(json: &[u8]) -> Option<MessageId> {
        let json = read::without_mark(json);
        let document: serde_json::Value =
            serde_json::from_slice(json.get(..MAX_REQUEST).unwrap_or(json)).ok()?;
        MessageId::parse(document.get("id")?.as_str()?)
    }

    /// The secret that the text carries, if it carries one.
    pub fn secret(&self) -> Option<&Secret> {
        match &self.content {
            Content::Code(code) => Some(code.secret()),
            Content::Password(password) => Some(password.secret()),
            Content::Message(_) => None,
        }
    }

    /// What two messages of one id, purpose and number share: the secret, or the caller's words.
    pub fn carried(&self) -> &str {
        match &self.content {
            Content::Code(code) => code.secret().expose(),
            Content::Password(password) => password.secret().expose(),
            Content::Message(message) => message.as_deref().unwrap_or_default(),
        }
    }
}
