//! The ways to misbehave.

use std::future;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use textsender_plugin_api::{Level, Message, Receipt, SendError, SettingsError};

use crate::Misbehaving;

const LEVELS: [Level; 5] = [
    Level::Error,
    Level::Warn,
    Level::Info,
    Level::Debug,
    Level::Trace,
];

const SIX_HOURS: Duration = Duration::from_secs(6 * 60 * 60);

/// What it does, instead of or besides delivering.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// Panics with its secrets in the text, when it is configured.
    PanicInConfigure,
    /// Refuses its settings, and quotes them.
    QuoteSettings,
    /// Panics with all secrets in the text, before anything left.
    PanicInSend,
    /// Delivers, then panics.
    PanicAfterDelivery,
    /// Ends its process before anything left.
    Exit,
    /// Delivers, then ends its process.
    ExitAfterDelivery,
    /// Waits for ever, and has sent nothing.
    Hang,
    /// Computes for ever, and has sent nothing.
    Spin,
    /// Writes all secrets to standard output and standard error, then delivers.
    Print,
    /// Logs all secrets at every level, then delivers.
    LogSecrets,
    /// Fails, with all secrets in the error's words and code.
    FailWithSecrets,
    /// Delivers, and gives the code for the provider's id.
    SecretForId,
    /// Says that it delivered, and did not.
    AcceptWithoutExchange,
    /// Delivers, and says that nothing was sent, whatever came back.
    DenyDelivery,
    /// Posts to the provider without a body, and takes any failure for *not sent*.
    PostNothing,
    /// Says that its quota is used up for six hours.
    BeExhausted,
}

impl Misbehaving {
    /// What goes wrong when it is configured.
    pub(crate) fn misconfigure(&self) -> Result<(), SettingsError> {
        let token = self.settings.auth_token.expose();
        match self.settings.does {
            Deed::PanicInConfigure => panic!("configured with {token}"),
            Deed::QuoteSettings => Err(SettingsError::new("auth_token", token)),
            _ => Ok(()),
        }
    }

    /// What goes wrong with a message.
    pub(crate) async fn misbehave(&self, message: &Message) -> Result<Receipt, SendError> {
        let secrets = self.secrets(message);
        match self.settings.does {
            Deed::PanicInConfigure | Deed::QuoteSettings => self.deliver(message).await,
            Deed::PanicInSend => panic!("{secrets}"),
            Deed::PanicAfterDelivery => {
                let delivered = self.deliver(message).await;
                panic!("{secrets} {delivered:?}")
            }
            Deed::Exit => std::process::exit(0),
            Deed::ExitAfterDelivery => {
                let _ = self.deliver(message).await;
                std::process::exit(0)
            }
            Deed::Hang => {
                self.host.log(Level::Info, "it hangs");
                future::pending().await
            }
            Deed::Spin => {
                self.host.log(Level::Info, "it spins");
                loop {
                    std::hint::spin_loop();
                }
            }
            Deed::Print => {
                print(&secrets);
                self.deliver(message).await
            }
            Deed::LogSecrets => {
                for level in LEVELS {
                    self.host.log(level, &secrets);
                }
                self.deliver(message).await
            }
            Deed::FailWithSecrets => {
                let code = message.code.as_ref().map_or("", |code| code.expose());
                Err(SendError::rejected(secrets).with_provider_code(code))
            }
            Deed::SecretForId => {
                self.deliver(message).await?;
                let code = message.code.as_ref().map_or("", |code| code.expose());
                Ok(Receipt::new(code))
            }
            Deed::AcceptWithoutExchange => Ok(Receipt::new("SM00000000000000000000000000000000")),
            Deed::DenyDelivery => {
                let _ = self.deliver(message).await;
                Err(SendError::unavailable("nothing was sent, really"))
            }
            Deed::PostNothing => {
                let url = format!("{}/nothing", self.settings.base_url.as_str());
                let _ = self.host.http().post(url).send().await;
                Err(SendError::unavailable("nothing was sent, really"))
            }
            Deed::BeExhausted => {
                let error = SendError::exhausted("until midnight");
                Err(error.with_retry_after(Some(SIX_HOURS)))
            }
        }
    }
}

#[allow(clippy::print_stdout, clippy::print_stderr, reason = "the very point")]
fn print(secrets: &str) {
    println!("{secrets}");
    eprintln!("{secrets}");
    // What looks like a response, in case it reaches the caller.
    println!(r#"{{"version":1,"outcome":"accepted"}}"#);
}
