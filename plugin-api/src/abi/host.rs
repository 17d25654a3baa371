//! The host's side: a checked library, a configured sender in it, and the host's services.

use std::{
    ffi::c_void,
    future::Future,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use abi_stable::{
    prefix_type::PrefixTypeTrait,
    std_types::{RResult, RSliceMut, RStr},
};
use async_ffi::{FfiFuture, FutureExt};

use super::{
    LoadError,
    functions::{CallFuture, HostFunctions, HostObject, SenderModuleRef, SenderObject},
    load,
    values::{
        AbiExchangeError, AbiHttpAnswer, AbiHttpRequest, AbiMail, AbiSendError, AbiSmtpAnswer,
        LevelKind,
    },
};
use crate::{
    Answer, DeliveryStatus, Description, Exchange, ExchangeError, FailureKind, Finding, Found,
    Message, PluginInfo, Provider, Purpose, Receipt, SendError, Services, Stage,
};

/// A library whose ABI was checked: the plugin in it may be called.
pub struct Module {
    table: SenderModuleRef,
    /// The minor version of the ABI that the plugin was built against.
    minor: u32,
}

impl Module {
    /// Checks what a library exports under [`ENTRY_SYMBOL`](super::ENTRY_SYMBOL): that it is an
    /// `abi_stable` header, its ABI's version, and the layout of every type that crosses.
    ///
    /// # Safety
    ///
    /// `symbol` is the address of that symbol in a library that stays loaded until the process
    /// ends.
    ///
    /// # Errors
    ///
    /// The library was built for another ABI.
    pub unsafe fn check(symbol: *const c_void) -> Result<Self, LoadError> {
        // SAFETY: as this function's.
        let (table, minor) = unsafe { load::root_module(symbol) }?;
        Ok(Self { table, minor })
    }

    /// The module that [`export_sender!`](crate::export_sender) would export, of a sender in this
    /// same program: to measure what a call costs.
    pub fn linked<S: crate::Sender>() -> Self {
        Self {
            table: super::plugin::module::<S>(),
            minor: load::OUR_MINOR,
        }
    }

    /// What the plugin is.
    pub fn info(&self) -> PluginInfo {
        self.of_this_age(self.table.info()().into())
    }

    /// The providers that the plugin's settings choose between. Empty for one of ABI 1.0.
    pub fn providers(&self) -> Vec<Provider> {
        let json = self.table.providers().map(|providers| providers());
        json.and_then(|json| serde_json::from_str(&json).ok())
            .unwrap_or_default()
    }

    /// What the plugin is with these settings: a JSON object. `None` where it is the same with all,
    /// as with any plugin of ABI 1.0.
    pub fn describe(&self, settings: &str) -> Option<Description> {
        let json = self.table.describe()?(RStr::from(settings));
        let mut description: Description = serde_json::from_str(&json).ok()?;
        description.info = self.of_this_age(description.info);
        Some(description)
    }

    fn of_this_age(&self, info: PluginInfo) -> PluginInfo {
        PluginInfo {
            abi_minor: self.minor,
            ..info
        }
    }

    /// The JSON Schema of the plugin's settings.
    pub fn settings_schema(&self) -> String {
        self.table.settings_schema()().into()
    }

    /// Makes a sender. `settings` is a JSON object with marked secrets; `services` live on.
    ///
    /// # Errors
    ///
    /// The plugin refuses the settings, or panicked.
    pub fn configure<S: Services>(
        &self,
        settings: &str,
        services: S,
    ) -> Result<Instance, ConfigureError> {
        let object = self.table.configure()(RStr::from(settings), host_object(services));
        object
            .into_result()
            .map(|object| Instance {
                object,
                minor: self.minor,
            })
            .map_err(|error| match error.panicked {
                true => ConfigureError::Panicked,
                false => ConfigureError::Settings(error.message.into()),
            })
    }
}

/// A configured sender.
pub struct Instance {
    object: SenderObject,
    minor: u32,
}

// SAFETY: the contract of a plugin: its `Sender` is `Send + Sync`.
unsafe impl Send for Instance {}
// SAFETY: as above.
unsafe impl Sync for Instance {}

impl Instance {
    /// Hands one message to the provider.
    pub fn send(
        &self,
        message: Message,
    ) -> impl Future<Output = Result<Receipt, CallError>> + use<> {
        // To a plugin of ABI 1.0 a purpose that it does not know is a code.
        let is_new = message.purpose == Purpose::Information;
        let sent = (self.minor >= 1 || !is_new).then(|| {
            // SAFETY: the sender is released only by `drop`.
            unsafe { self.object.functions.send()(self.object.state, message.into()) }
        });
        async move {
            match sent {
                Some(sent) => plain(sent).await,
                None => Err(CallError::TooOld),
            }
        }
    }

    /// What the sender is with its settings. `None` from a plugin of ABI 1.0: as the module says.
    pub fn info(&self) -> Option<PluginInfo> {
        let info = self.object.functions.info()?;
        // SAFETY: the sender is released only by `drop`.
        let info: PluginInfo = unsafe { info(self.object.state) }.into();
        Some(PluginInfo {
            abi_minor: self.minor,
            ..info
        })
    }

    /// Asks what became of a message.
    pub fn status(
        &self,
        provider_id: &str,
    ) -> impl Future<Output = Result<DeliveryStatus, CallError>> + use<> {
        // SAFETY: the sender is released only by `drop`.
        plain(unsafe { self.object.functions.status()(self.object.state, provider_id.into()) })
    }

    /// Looks for a message that may have been sent since then.
    pub fn find(
        &self,
        message: Message,
        since: SystemTime,
    ) -> impl Future<Output = Result<Found, CallError>> + use<> {
        let since = since
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_millis();
        let since = u64::try_from(since).unwrap_or(u64::MAX);
        // SAFETY: the sender is released only by `drop`.
        plain(unsafe { self.object.functions.find()(self.object.state, message.into(), since) })
    }

    /// Proves credentials and settings without sending.
    pub fn check(&self) -> impl Future<Output = Result<Vec<Finding>, CallError>> + use<> {
        // SAFETY: the sender is released only by `drop`.
        let findings = unsafe { self.object.functions.check()(self.object.state) };
        async move {
            Ok(findings
                .await
                .into_result()?
                .into_iter()
                .map(Into::into)
                .collect())
        }
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        // SAFETY: the one release of the one reference that `configure` gave.
        unsafe { self.object.functions.release()(self.object.state) }
    }
}

async fn plain<A, T: From<A>>(future: CallFuture<A>) -> Result<T, CallError> {
    Ok(future.await.into_result()?.into())
}

/// A call that brought no result of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallError {
    /// The plugin says so.
    Failed(SendError),
    /// The plugin panicked. The text went to the log.
    Panicked,
    /// The plugin is older than what it was asked for, and was not asked.
    TooOld,
}

impl From<AbiSendError> for CallError {
    fn from(error: AbiSendError) -> Self {
        if error.is_panic() {
            Self::Panicked
        } else {
            Self::Failed(error.into())
        }
    }
}

/// Why a sender could not be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ConfigureError {
    /// The plugin refuses the settings: its words, which are foreign text.
    Settings(String),
    /// The plugin panicked. The text went to the log.
    Panicked,
}

/// Puts services behind a table of functions. Both live until the process ends: a plugin may keep
/// them in a thread of its own.
fn host_object<S: Services>(services: S) -> HostObject {
    HostObject {
        state: std::ptr::from_ref::<S>(Box::leak(Box::new(services))).cast(),
        functions: HostFunctions {
            http: http::<S>,
            smtp: smtp::<S>,
            sleep: sleep::<S>,
            now_unix_ns: now_unix_ns::<S>,
            random: random::<S>,
            max_level: max_level::<S>,
            log: log::<S>,
        }
        .leak_into_prefix(),
    }
}

/// # Safety
/// `state` is from `host_object::<S>`.
unsafe fn services<S: Services>(state: *const c_void) -> &'static S {
    // SAFETY: `host_object` leaked it.
    unsafe { &*state.cast::<S>() }
}

unsafe extern "C" fn http<S: Services>(
    state: *const c_void,
    request: AbiHttpRequest,
) -> FfiFuture<RResult<AbiHttpAnswer, AbiExchangeError>> {
    // SAFETY: as this function's.
    let exchange = unsafe { services::<S>(state) }.exchange(Exchange::Http(request.into()));
    async move {
        match exchange.await {
            Ok(Answer::Http(answer)) => RResult::ROk(answer.into()),
            Ok(Answer::Smtp(_)) => RResult::RErr(mismatched().into()),
            Err(error) => RResult::RErr(error.into()),
        }
    }
    .into_ffi()
}

unsafe extern "C" fn smtp<S: Services>(
    state: *const c_void,
    mail: AbiMail,
) -> FfiFuture<RResult<AbiSmtpAnswer, AbiExchangeError>> {
    // SAFETY: as this function's.
    let exchange = unsafe { services::<S>(state) }.exchange(Exchange::Smtp(mail.into()));
    async move {
        match exchange.await {
            Ok(Answer::Smtp(answer)) => RResult::ROk(answer.into()),
            Ok(Answer::Http(_)) => RResult::RErr(mismatched().into()),
            Err(error) => RResult::RErr(error.into()),
        }
    }
    .into_ffi()
}

fn mismatched() -> ExchangeError {
    ExchangeError::new(Stage::Written, FailureKind::Unreadable)
}

unsafe extern "C" fn sleep<S: Services>(state: *const c_void, nanoseconds: u64) -> FfiFuture<()> {
    // SAFETY: as this function's.
    unsafe { services::<S>(state) }
        .sleep(Duration::from_nanos(nanoseconds))
        .into_ffi()
}

unsafe extern "C" fn now_unix_ns<S: Services>(state: *const c_void) -> u64 {
    // SAFETY: as this function's.
    let now = unsafe { services::<S>(state) }.now();
    let since_epoch = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_nanos()).unwrap_or(u64::MAX)
}

unsafe extern "C" fn random<S: Services>(state: *const c_void, bytes: RSliceMut<'_, u8>) {
    // SAFETY: as this function's.
    unsafe { services::<S>(state) }.random(bytes.into_mut_slice());
}

unsafe extern "C" fn max_level<S: Services>(state: *const c_void) -> LevelKind {
    // SAFETY: as this function's.
    unsafe { services::<S>(state) }.max_level().into()
}

unsafe extern "C" fn log<S: Services>(state: *const c_void, level: LevelKind, line: RStr<'_>) {
    // SAFETY: as this function's.
    unsafe { services::<S>(state) }.log(level.into(), line.as_str());
}
