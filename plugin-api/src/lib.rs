#![doc = include_str!("guide.md")]

#[doc(hidden)]
pub mod abi;
mod access_token;
pub mod alphabet;
mod base_url;
mod capabilities;
mod description;
mod exchange;
mod file_content;
mod host;
mod http;
pub mod marks;
pub mod message;
mod phone;
mod secret;
mod sender;
mod settings;
mod smtp;
pub mod template;
#[cfg(any(feature = "testing", doc))]
pub mod testing;
mod verdict;

/// The versions of these two that the API speaks.
#[doc(no_inline)]
pub use {schemars, serde_json};

pub use access_token::AccessToken;
pub use base_url::BaseUrl;
pub use capabilities::{Alphabet, Capabilities, TextSource};
pub use description::{Description, Provider, SettingFault};
pub use exchange::{Answer, Exchange, ExchangeError, FailureKind, Stage};
pub use file_content::{CONTENT_KEY, FileContent};
pub use host::{BoxFuture, Host, Level, Services};
pub use http::{HttpClient, HttpRequest, HttpResponse, MAX_ANSWER, Method, RequestBuilder};
pub use message::{Message, NameInText, Purpose};
pub use phone::{Phone, PhoneError};
pub use secret::{SECRET_KEY, Secret};
pub use sender::{PluginInfo, Sender, SettingsError};
pub use smtp::{Mail, SmtpClient, SmtpCommand, SmtpReply, SmtpSecurity};
pub use template::Template;
pub use verdict::{
    DeliveryState, DeliveryStatus, Finding, Found, MessagePart, Receipt, SendError, Verdict,
};
