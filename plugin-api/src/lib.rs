#![doc = include_str!("guide.md")]

#[doc(hidden)]
pub mod abi;
pub mod alphabet;
mod base_url;
mod carries;
mod exchange;
mod host;
mod http;
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

pub use base_url::BaseUrl;
pub use carries::{Alphabet, Carries, TextBy};
pub use exchange::{Answer, Exchange, ExchangeError, FailureKind, Stage};
pub use host::{BoxFuture, Host, Level, Services};
pub use http::{HttpAnswer, HttpClient, HttpRequest, MAX_ANSWER, Method, RequestBuilder};
pub use message::{Message, Purpose};
pub use phone::{Phone, PhoneError};
pub use secret::{SECRET_KEY, Secret};
pub use sender::{PluginInfo, Sender, SettingsError};
pub use smtp::{Mail, SmtpAnswer, SmtpClient, SmtpCommand, SmtpSecurity};
pub use template::Template;
pub use verdict::{Delivery, DeliveryState, Finding, Found, Receipt, SendError, Verdict};
