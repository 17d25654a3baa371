//! A provider as it is written down: how it is asked, and what its answers mean.
//!
//! ```toml
//! url = "https://api.acme.example/sms"
//! json = { to = "%number%", from = "%from%", text = "%message%" }
//! auth = { scheme = "bearer", token = "%key%" }
//!
//! [settings]
//! key = { help = "The account's key.", secret = true }
//! from = { help = "Who texts come from." }
//!
//! [[answer]]
//! status = 200
//! id = "/id"
//! verdict = "accepted"
//! ```

mod read;
mod reader;

use std::collections::BTreeMap;

use serde_json::Value;
use textsender_plugin_api::{DeliveryState, Method, Verdict};
use toml::Spanned;

pub use reader::Fault;

/// A definition. Its texts keep their places in the file, for the faults of `check`.
#[derive(Clone, Debug)]
pub struct Definition {
    /// The provider's name for people.
    pub name: Option<String>,
    /// The address of the documents that it follows.
    pub source: Option<String>,
    /// What an administrator should know.
    pub note: Option<String>,
    /// POST, if it is left out. A GET that sends counts as delivering.
    pub method: Method,
    /// Where to: a fixed host, or one setting marked `host`.
    pub url: Spanned<String>,
    /// How `%number%` is written.
    pub number: Number,
    /// The one country whose numbers are sent to, by its calling code: for `%national%`.
    pub calling_code: Option<Spanned<String>>,
    /// Parameters of the address.
    pub query: Fields,
    /// Headers; `Content-Type` is the body's, where it is not the usual one.
    pub headers: Fields,
    /// The body as a form.
    pub form: Option<Fields>,
    /// The body as JSON: values, never pasted text.
    pub json: Option<Spanned<Value>>,
    /// The body as XML: a template whose values are escaped.
    pub xml: Option<Spanned<String>>,
    /// The body as plain text.
    pub text: Option<Spanned<String>>,
    /// How the account proves itself.
    pub auth: Option<Spanned<Auth>>,
    /// What an administrator fills in.
    pub settings: BTreeMap<String, Setting>,
    /// What an answer means: the first rule that matches.
    pub answer: Vec<Spanned<Rule>>,
    /// A GET that proves the account without sending.
    pub check: Option<Spanned<String>>,
    /// How to ask what became of a text.
    pub status: Option<Status>,
    /// The shape of the provider's ids, as a regular expression.
    pub id_pattern: Option<Spanned<String>>,
    /// The provider's answers, as documented.
    pub example: Vec<Spanned<Example>>,
}

/// Fields by their names.
pub type Fields = BTreeMap<String, Spanned<String>>;

/// How a number is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Number {
    /// `+447700900123`
    #[default]
    E164,
    /// `447700900123`
    Digits,
    /// `00447700900123`
    Zeros,
    /// `07700900123`, where one country is served.
    National,
}

/// What an administrator fills in.
#[derive(Clone, Debug)]
pub struct Setting {
    /// What it is, and where to find it.
    pub help: String,
    /// Whether it is stored as a secret.
    pub secret: bool,
    /// Whether it may be left out.
    pub optional: bool,
    /// What stands for it if it is left out.
    pub default: Option<String>,
    /// Its form, as a regular expression.
    pub pattern: Option<String>,
    /// Whether it names the host, whole or the label left of a fixed domain.
    pub host: bool,
    /// A value to show.
    pub example: Option<String>,
}

/// How the account proves itself: a scheme, and the values that it needs.
#[derive(Clone, Debug)]
pub struct Auth {
    /// Which.
    pub scheme: Scheme,
    /// `basic`: the user.
    pub user: Option<String>,
    /// `basic`: the password.
    pub password: Option<String>,
    /// `bearer`: the token.
    pub token: Option<String>,
    /// `header`, `query`: the name.
    pub name: Option<String>,
    /// `header`, `query`: the value.
    pub value: Option<String>,
    /// `oauth2`: where tokens are.
    pub token_url: Option<String>,
    /// `oauth2`: the client.
    pub client_id: Option<String>,
    /// `oauth2`: its secret.
    pub client_secret: Option<String>,
    /// `oauth2`: the scope, where one is needed.
    pub scope: Option<String>,
    /// `oauth2`: a token of the account's own that is exchanged (RFC 7523), in place of the client's
    /// credentials alone.
    pub assertion: Option<String>,
    /// `aws-sigv4`: the access key's id.
    pub access_key: Option<String>,
    /// `aws-sigv4`: the secret key. `azure-hmac`: the access key, in base64.
    pub secret_key: Option<String>,
    /// `aws-sigv4`: the region.
    pub region: Option<String>,
    /// `aws-sigv4`: the service.
    pub service: Option<String>,
    /// `ovh`: the application.
    pub application_key: Option<String>,
    /// `ovh`: its secret.
    pub application_secret: Option<String>,
    /// `ovh`: the account's key.
    pub consumer_key: Option<String>,
    /// `ovh`: where its clock is.
    pub time_url: Option<String>,
}

/// The known ways.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// RFC 7617.
    Basic,
    /// RFC 6750.
    Bearer,
    /// A header of the provider's own.
    Header,
    /// A parameter of the address: the one place there for a secret.
    Query,
    /// Client credentials, RFC 6749, 4.4; or an assertion, RFC 7523.
    Oauth2,
    /// Amazon's signature, version 4.
    AwsSigv4,
    /// Azure Communication Services' signature.
    AzureHmac,
    /// OVHcloud's signature.
    Ovh,
}

/// What an answer means.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Which statuses: `200`, `"2xx"`, `"400-499"`, or a list.
    pub status: Option<StatusSet>,
    /// A JSON pointer (RFC 6901) at what the next four look at.
    pub at: Option<String>,
    /// It is this.
    pub is: Option<Scalar>,
    /// It is one of these.
    pub one_of: Option<Vec<Scalar>>,
    /// It begins like this.
    pub prefix: Option<String>,
    /// It is there.
    pub exists: Option<bool>,
    /// The body's first 4 KiB match this regular expression.
    pub body: Option<String>,
    /// What it means.
    pub verdict: Judgement,
    /// A pointer at the provider's id. An answer without it does not match.
    pub id: Option<String>,
    /// A pointer at the provider's error code.
    pub code: Option<String>,
    /// A pointer at the seconds to wait.
    pub retry_after: Option<String>,
}

/// A value as text: providers write numbers now as such, now as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar(pub String);

/// Ranges of statuses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatusSet(pub Vec<(u16, u16)>);

impl StatusSet {
    /// Whether it holds a status.
    pub fn holds(&self, status: u16) -> bool {
        self.0
            .iter()
            .any(|(from, to)| (*from..=*to).contains(&status))
    }

    /// Its members.
    pub fn iter(&self) -> impl Iterator<Item = u16> {
        self.0.iter().flat_map(|(from, to)| *from..=*to)
    }
}

/// What a rule says of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// The provider took the text.
    Accepted,
    /// It did not, or may not have.
    Failed(Verdict),
}

/// How to ask what became of a text.
#[derive(Clone, Debug)]
pub struct Status {
    /// The address, with `%id%`.
    pub url: Spanned<String>,
    /// A pointer at the provider's word.
    pub at: String,
    /// What each word means.
    pub states: BTreeMap<String, DeliveryState>,
}

/// An answer, and what it means.
#[derive(Clone, Debug)]
pub struct Example {
    /// The status.
    pub status: u16,
    /// The body.
    pub body: String,
    /// What the definition must say of it.
    pub verdict: Judgement,
    /// The id that it must read.
    pub id: Option<String>,
    /// False if no document shows it: what any provider may answer.
    pub documented: bool,
    /// The address of the document that shows it, if that is not the definition's.
    pub source: Option<String>,
}
