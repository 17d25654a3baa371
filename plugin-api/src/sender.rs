//! The trait that a plugin implements.

use std::{future::Future, time::SystemTime};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    Capabilities, DeliveryState, DeliveryStatus, Description, Finding, Found, Host, Message,
    Provider, Receipt, SendError,
};

/// What a plugin is. Read without configuring it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PluginInfo {
    /// Its id, in lower case with dashes: `acme-sms` is the file `libtextsender_acme_sms.so`.
    pub id: String,
    /// Its name for people, such as `Acme SMS`.
    pub name: String,
    /// Its version: `env!("CARGO_PKG_VERSION")`.
    pub version: String,
    /// The host names that it talks to, but for those in settings. `*` stands for one label:
    /// `api.*.acme.example`.
    pub hosts: Vec<String>,
    /// What it can carry of a policy's text.
    pub capabilities: Capabilities,
    /// The shape of the ids that its provider gives, as a regular expression of the whole id. The
    /// host drops an id of another shape.
    #[serde(default)]
    pub provider_id: Option<String>,
    /// The settings that name a file whose content the host reads: see
    /// [`FileContent`](crate::FileContent).
    #[serde(default)]
    pub file_settings: Vec<String>,
    /// The minor version of the ABI that it was built against. The host fills it in.
    #[serde(default)]
    pub abi_minor: u32,
}

impl PluginInfo {
    /// A plugin that talks to no host but those in its settings, and carries every text.
    pub fn new(id: &str, name: &str, version: &str) -> Self {
        Self {
            id: id.into(),
            name: name.into(),
            version: version.into(),
            hosts: Vec::new(),
            capabilities: Capabilities::everything(),
            provider_id: None,
            file_settings: Vec::new(),
            abi_minor: 0,
        }
    }

    /// Adds a host name that the plugin talks to.
    pub fn with_host(mut self, host: &str) -> Self {
        self.hosts.push(host.into());
        self
    }

    /// Says what the provider's ids look like: `^(SM|MM)[0-9a-f]{32}$`. Ids have at most 64
    /// characters of `[A-Za-z0-9._@+=:/-]` in any case, and no `://`.
    pub fn with_provider_id_pattern(self, pattern: &str) -> Self {
        Self {
            provider_id: Some(pattern.into()),
            ..self
        }
    }

    /// Names a setting of type [`FileContent`](crate::FileContent): the host reads the file before
    /// it configures the sender.
    pub fn with_file_setting(mut self, setting: &str) -> Self {
        self.file_settings.push(setting.into());
        self
    }

    /// Says what the plugin can carry of a policy's text.
    pub fn with_capabilities(self, capabilities: Capabilities) -> Self {
        Self {
            capabilities,
            ..self
        }
    }
}

/// Settings that a sender can't work with. The words name the key and what to do, never a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingsError(pub(crate) String);

impl SettingsError {
    /// A fault of `key`: `SettingsError::new("from", "give from or messaging_service_sid")`.
    pub fn new(key: &str, fault: &str) -> Self {
        Self(format!("{key}: {fault}"))
    }
}

impl std::fmt::Display for SettingsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for SettingsError {}

/// A way to send text messages: one provider, one account.
///
/// The host makes one for each configured sender and calls it for each message, several at a time.
/// It may keep tokens and counters behind `&self`, but nothing that must outlive the process.
///
/// A call may be dropped at any await: that is how the host cancels it at its deadline.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a sender",
    label = "this type does not implement `Sender`",
    note = "name the type that sends, not its settings: `impl Sender for Acme {{ ... }}` and \
            `export_sender!(Acme);`"
)]
pub trait Sender: Sized + Send + Sync + 'static {
    /// The settings, as an administrator writes them under `[senders.NAME.settings]`. Doc comments
    /// become the help that `textsender` shows; a field of type [`Secret`](crate::Secret) is stored
    /// as a secret. Add `#[serde(deny_unknown_fields)]`, so that a slip is found.
    type Settings: DeserializeOwned + JsonSchema;

    /// What the plugin is.
    fn info() -> PluginInfo;

    /// The providers that this plugin's settings can choose, where it knows several. Most plugins
    /// are for one, and leave this out.
    fn providers() -> Vec<Provider> {
        Vec::new()
    }

    /// What the plugin is with these settings, where that depends on them: `settings` is a JSON
    /// object as it stands in the configuration, perhaps incomplete, without secrets and with the
    /// [content of files](crate::FileContent).
    fn describe(_settings: &serde_json::Value) -> Option<Description> {
        None
    }

    /// What this configured sender is, where that depends on its settings: the hosts of the
    /// provider that they choose, say.
    fn configured_info(&self) -> PluginInfo {
        Self::info()
    }

    /// Makes a sender from its settings, without any exchange.
    ///
    /// # Errors
    ///
    /// The settings don't go together, or a value is impossible.
    fn configure(settings: Self::Settings, host: Host) -> Result<Self, SettingsError>;

    /// Hands one message to the provider, once. The host repeats and fails over as the verdict
    /// allows.
    ///
    /// # Errors
    ///
    /// The message was not accepted, or it is not known whether it was: see
    /// [`Verdict`](crate::Verdict).
    fn send(&self, message: &Message) -> impl Future<Output = Result<Receipt, SendError>> + Send;

    /// Asks what became of an accepted message.
    ///
    /// # Errors
    ///
    /// The provider could not be asked.
    fn status(
        &self,
        _provider_id: &str,
    ) -> impl Future<Output = Result<DeliveryStatus, SendError>> + Send {
        async { Ok(DeliveryStatus::new(DeliveryState::CannotTell)) }
    }

    /// Looks for a message that may have been sent, the attempt having begun at `since`.
    ///
    /// # Errors
    ///
    /// The provider could not be asked.
    fn find(
        &self,
        _message: &Message,
        _since: SystemTime,
    ) -> impl Future<Output = Result<Found, SendError>> + Send {
        async { Ok(Found::CannotTell) }
    }

    /// Proves credentials and settings as far as the provider allows without sending.
    ///
    /// # Errors
    ///
    /// The provider could not be asked, or refused: [`SendError::unauthorized`] and the like.
    fn check(&self) -> impl Future<Output = Result<Vec<Finding>, SendError>> + Send {
        async { Ok(vec![Finding::note("this plugin has no check of its own")]) }
    }
}
