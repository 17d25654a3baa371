//! Write a sender plugin for `textsender`: one trait, in safe Rust, without a network, a runtime
//! or an account at hand.
//!
//! ```text
//!  reset server --JSON--> textsender ==frames==> host process [ your .so ]
//!                             |                                   |
//!  provider <---HTTPS, SMTP---+<====== the exchange you compose ==+
//! ```
//!
//! | you write | which is |
//! |---|---|
//! | a settings struct | what an administrator fills in; `serde` and `schemars` derive the rest |
//! | [`Sender::info`] | id, name, version, the hosts you talk to, and what texts you can [carry](Carries) |
//! | [`Sender::configure`] | settings and a [`Host`] in, a sender out |
//! | [`Sender::send`] | one [`Message`] in; a [`Receipt`], or a [`SendError`] with a [`Verdict`] |
//! | [`Sender::check`], [`Sender::status`], [`Sender::find`] | if the provider can do it |
//! | [`export_sender!`] | the line that makes it a plugin |
//!
//! In most cases that is under a hundred lines:
//!
//! ```no_run
//! use schemars::JsonSchema;
//! use serde::Deserialize;
//! use textsender_plugin_api::{
//!     Host, Message, PluginInfo, Receipt, Secret, SendError, Sender, SettingsError,
//! };
//!
//! /// What an administrator fills in.
//! #[derive(Deserialize, JsonSchema)]
//! #[serde(deny_unknown_fields)]
//! struct Settings {
//!     /// The account's key, from the provider's dashboard.
//!     key: Secret,
//!     /// The name or number that texts come from.
//!     from: String,
//! }
//!
//! struct Acme {
//!     settings: Settings,
//!     host: Host,
//! }
//!
//! impl Sender for Acme {
//!     type Settings = Settings;
//!
//!     fn info() -> PluginInfo {
//!         PluginInfo::new("acme", "Acme SMS", env!("CARGO_PKG_VERSION"))
//!             .with_host("api.acme.example")
//!     }
//!
//!     fn configure(settings: Settings, host: Host) -> Result<Self, SettingsError> {
//!         Ok(Self { settings, host })
//!     }
//!
//!     async fn send(&self, message: &Message) -> Result<Receipt, SendError> {
//!         let answer = self
//!             .host
//!             .http()
//!             .post("https://api.acme.example/sms")
//!             .bearer_auth(self.settings.key.expose())
//!             .form([("to", message.to.e164()), ("from", &self.settings.from), ("text", &message.text)])
//!             .send()
//!             .await?;
//!         match answer.status {
//!             200..300 => Ok(Receipt::without_id()),
//!             401 | 403 => Err(SendError::unauthorized("Acme refuses the key")),
//!             429 => Err(SendError::throttled("Acme wants it slower").with_retry_after(answer.retry_after())),
//!             400..500 => Err(SendError::rejected("Acme refuses number or text")),
//!             _ => Err(SendError::unknown("Acme failed after it had the message")),
//!         }
//!     }
//! }
//!
//! textsender_plugin_api::export_sender!(Acme);
//! # fn main() {}
//! ```
//!
//! The manifest says `crate-type = ["cdylib"]`; the library is named after the id:
//! `name = "textsender_acme"` becomes `libtextsender_acme.so`, plugin `acme`. Drop it into the
//! plugins folder: nothing else is rebuilt.

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
#[cfg(feature = "testing")]
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
