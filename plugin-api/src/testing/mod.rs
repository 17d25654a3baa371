//! Test a plugin as plain functions: no host, no network, no account, nothing loaded.
//!
//! | you want to | use |
//! |---|---|
//! | make a sender from its settings | [`FakeHost::configure`] |
//! | say what the provider answers | [`FakeHost::answer`], [`FakeHost::answer_with`], [`Reply`] |
//! | look at what the plugin sent | [`FakeHost::request`], [`FakeHost::requests`], [`FakeHost::mails`], [`Request`] |
//! | run an `async` call | [`block_on`] |
//! | have a message | [`message`] |
//! | move the clock | [`FakeHost::advance`], [`FakeHost::set_now`], [`Reply::after`] |
//! | lose an answer at any stage, or damage it | [`Reply::failure`], [`Reply::damaged`] |
//! | see what was logged | [`FakeHost::log_lines`], [`FakeHost::assert_logged`] |
//! | be sure that nothing secret is shown | [`FakeHost::assert_no_secret_leaked`] |
//!
//! The kit is a feature that only tests turn on:
//!
//! ```toml
//! [dev-dependencies]
//! textsender-plugin-api = { version = "0.2", features = ["testing"] }
//! ```
//!
//! A test reads as the exchange goes: settings, the provider's answer, the call, what was sent.
//!
//! ```
//! use serde_json::json;
//! use textsender_plugin_api::testing::{FakeHost, Reply, block_on, message};
//! # use textsender_plugin_api::*;
//! # #[derive(serde::Deserialize, schemars::JsonSchema)]
//! # struct Settings { from: String, key: Secret }
//! # struct Acme { settings: Settings, host: Host }
//! # impl Sender for Acme {
//! #     type Settings = Settings;
//! #     fn info() -> PluginInfo { PluginInfo::new("acme", "Acme SMS", "1.0.0") }
//! #     fn configure(settings: Settings, host: Host) -> Result<Self, SettingsError> {
//! #         Ok(Self { settings, host })
//! #     }
//! #     async fn send(&self, message: &Message) -> Result<Receipt, SendError> {
//! #         let answer = self.host.http().post("https://api.acme.example/sms")
//! #             .bearer_auth(self.settings.key.expose())
//! #             .form([("to", message.to.e164()), ("from", &self.settings.from)])
//! #             .send().await?;
//! #         match answer.status {
//! #             200 => Ok(Receipt::new("id-1")),
//! #             _ => Err(SendError::throttled("slower").with_retry_after(answer.retry_after())),
//! #         }
//! #     }
//! # }
//!
//! let host = FakeHost::new();
//! let acme: Acme = host.configure(json!({ "from": "Helpdesk" }), [("key", "k3y")]).unwrap();
//!
//! host.answer(Reply::json(200, json!({ "id": "id-1" })));
//! let receipt = block_on(acme.send(&message())).unwrap();
//! assert_eq!(receipt.provider_id.as_deref(), Some("id-1"));
//!
//! let request = host.request();
//! assert_eq!(request.path(), "/sms");
//! assert_eq!(request.form()["to"], "+447700900123");
//! assert_eq!(request.bearer_auth(), Some("k3y"));
//!
//! host.answer(Reply::empty(429).with_header("Retry-After", "7"));
//! let error = block_on(acme.send(&message())).unwrap_err();
//! assert_eq!(error.verdict, Verdict::Throttled);
//! assert_eq!(error.retry_after.unwrap().as_secs(), 7);
//! host.assert_no_secret_leaked(&error);
//! ```
//!
//! What the kit does not play is the process around a plugin: cancelled calls, many at a time, the
//! ABI. `textsender plugin check LIBRARY` does, with the built library.
//!
//! The kit's functions panic where a test went wrong, with words that say how.

mod host;
mod reply;
mod request;
#[cfg(test)]
mod tests;

use std::{
    future::Future,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Wake, Waker},
    thread::{self, Thread},
    time::{Duration, Instant},
};

pub use host::FakeHost;
pub use reply::Reply;
pub use request::Request;

use crate::{Message, Phone, Purpose, SECRET_KEY, Secret, SettingsError};

/// How long [`block_on`] lets a future wait for something real. The fake host never waits.
const PATIENCE: Duration = Duration::from_secs(10);

/// A message with every field filled in: the verification code `beK989vc` for +44 7700 900123, a
/// number that Ofcom reserves for drama, valid for ten minutes. Its fields are public: change what
/// a test is about.
pub fn message() -> Message {
    // A constant of the right form.
    let to = Phone::parse("+447700900123").unwrap_or_else(|_| unreachable!());
    let text = "Please enter this verification code: beK989vc";
    let mut message = Message::new("5f0c1d", Purpose::VerificationCode, to, text);
    message.national = "07700900123".into();
    message.code = Some(Secret::new("beK989vc"));
    message.user = Some("ada".into());
    message.name = Some("Ada L.".into());
    message.locale = Some("en-GB".into());
    message.expires_in = Some(Duration::from_secs(600));
    message
}

/// Reads settings the way the host does: `given` is what stands in the configuration, `secrets`
/// are the stored ones.
///
/// ```
/// # use textsender_plugin_api::{Secret, testing};
/// # #[derive(Debug, serde::Deserialize, schemars::JsonSchema)]
/// # struct Settings { from: String, key: Secret }
/// let given = serde_json::json!({ "from": "Helpdesk" });
/// let settings: Settings = testing::settings(given.clone(), [("key", "k3y")]).unwrap();
/// assert_eq!(settings.key.expose(), "k3y");
///
/// let error = testing::settings::<Settings>(given, []).unwrap_err();
/// assert_eq!(error.to_string(), "incomplete; it needs: key");
/// ```
///
/// # Errors
///
/// As the administrator would see them.
///
/// # Panics
///
/// `given` is not an object.
#[track_caller]
pub fn settings<'a, T: serde::de::DeserializeOwned + schemars::JsonSchema>(
    mut given: serde_json::Value,
    secrets: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<T, SettingsError> {
    let Some(keys) = given.as_object_mut() else {
        panic!("settings are an object: json!({{ \"key\": \"value\" }})");
    };
    for (key, value) in secrets {
        keys.insert(key.into(), serde_json::json!({ SECRET_KEY: value }));
    }
    crate::settings::read(&given.to_string())
}

/// Runs a future to its end on this thread.
///
/// # Panics
///
/// The future waits for more than ten seconds for something that never comes.
#[track_caller]
pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut future = pin!(future);
    let start = Instant::now();
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut context) {
            return output;
        }
        assert!(
            start.elapsed() < PATIENCE,
            "the call waits for something that is not the fake host"
        );
        thread::park_timeout(PATIENCE);
    }
}
