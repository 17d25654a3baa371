//! The plugin's side: a [`Sender`] behind a table of functions, and the host before it.

use std::{
    ffi::c_void,
    future::Future,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use abi_stable::{
    prefix_type::PrefixTypeTrait,
    std_types::{RErr, ROk, RResult, RSliceMut, RStr, RString, RVec},
};
use async_ffi::FutureExt;

use super::{
    functions::{
        AbiConfigureError, CallFuture, HostObject, SenderFunctions, SenderModule, SenderModuleRef,
        SenderObject,
    },
    panics::{self, Caught},
    values::{
        AbiDelivery, AbiFinding, AbiFound, AbiInfo, AbiMessage, AbiReceipt, AbiSendError,
        BadMessage,
    },
};
use crate::{
    Answer, BoxFuture, Exchange, ExchangeError, Host, Level, Message, SendError, Sender, Services,
    settings,
};

/// The root module of a plugin that exports `S`.
pub fn module<S: Sender>() -> SenderModuleRef {
    SenderModule {
        info: info::<S>,
        settings_schema: settings_schema::<S>,
        configure: configure::<S>,
        providers: providers::<S>,
        describe: describe::<S>,
    }
    .leak_into_prefix()
}

extern "C" fn info<S: Sender>() -> AbiInfo {
    let nameless = || crate::PluginInfo::new("", "", "");
    panics::caught(S::info).unwrap_or_else(nameless).into()
}

extern "C" fn settings_schema<S: Sender>() -> RString {
    panics::caught(settings::schema::<S::Settings>)
        .unwrap_or_default()
        .into()
}

extern "C" fn providers<S: Sender>() -> RString {
    json(panics::caught(S::providers))
}

extern "C" fn describe<S: Sender>(settings: RStr<'_>) -> RString {
    let settings = serde_json::from_str(&settings).unwrap_or_default();
    json(panics::caught(|| S::describe(&settings)).flatten())
}

/// JSON, or nothing.
fn json(value: Option<impl serde::Serialize>) -> RString {
    let text = value.and_then(|value| serde_json::to_string(&value).ok());
    text.unwrap_or_default().into()
}

extern "C" fn configure<S: Sender>(
    json: RStr<'_>,
    host: HostObject,
) -> RResult<SenderObject, AbiConfigureError> {
    let host = Host::new(Across(host));
    panics::log_panics(host.clone());
    let configured = panics::caught(|| S::configure(settings::read(&json)?, host));
    match configured {
        Some(Ok(sender)) => ROk(SenderObject {
            state: Arc::into_raw(Arc::new(sender)).cast(),
            functions: SenderFunctions {
                release: release::<S>,
                send: send::<S>,
                status: status::<S>,
                find: find::<S>,
                check: check::<S>,
                info: configured_info::<S>,
            }
            .leak_into_prefix(),
        }),
        Some(Err(error)) => RErr(AbiConfigureError {
            panicked: false,
            message: error.0.into(),
        }),
        None => RErr(AbiConfigureError {
            panicked: true,
            message: "the plugin panicked".into(),
        }),
    }
}

/// # Safety
/// `state` is from `configure::<S>` and is not used again.
unsafe extern "C" fn release<S: Sender>(state: *const c_void) {
    // SAFETY: the caller gives back the one reference that `configure` made.
    drop(unsafe { Arc::from_raw(state.cast::<S>()) });
}

/// # Safety
/// `state` is from `configure::<S>` and not released.
unsafe extern "C" fn send<S: Sender>(
    state: *const c_void,
    message: AbiMessage,
) -> CallFuture<AbiReceipt> {
    // SAFETY: as this function's.
    let sender = unsafe { share::<S>(state) };
    call(async move {
        let message = Message::try_from(message).map_err(unreadable)?;
        sender.send(&message).await.map(AbiReceipt::from)
    })
}

/// # Safety
/// `state` is from `configure::<S>` and not released.
unsafe extern "C" fn status<S: Sender>(
    state: *const c_void,
    provider_id: RString,
) -> CallFuture<AbiDelivery> {
    // SAFETY: as this function's.
    let sender = unsafe { share::<S>(state) };
    call(async move { sender.status(&provider_id).await.map(AbiDelivery::from) })
}

/// # Safety
/// `state` is from `configure::<S>` and not released.
unsafe extern "C" fn find<S: Sender>(
    state: *const c_void,
    message: AbiMessage,
    since_unix_ms: u64,
) -> CallFuture<AbiFound> {
    // SAFETY: as this function's.
    let sender = unsafe { share::<S>(state) };
    call(async move {
        let message = Message::try_from(message).map_err(unreadable)?;
        let since = UNIX_EPOCH + Duration::from_millis(since_unix_ms);
        sender.find(&message, since).await.map(AbiFound::from)
    })
}

/// # Safety
/// `state` is from `configure::<S>` and not released.
unsafe extern "C" fn check<S: Sender>(state: *const c_void) -> CallFuture<RVec<AbiFinding>> {
    // SAFETY: as this function's.
    let sender = unsafe { share::<S>(state) };
    call(async move {
        let findings = sender.check().await?;
        Ok(findings.into_iter().map(AbiFinding::from).collect())
    })
}

/// # Safety
/// `state` is from `configure::<S>` and not released.
unsafe extern "C" fn configured_info<S: Sender>(state: *const c_void) -> AbiInfo {
    // SAFETY: as this function's.
    let sender = unsafe { share::<S>(state) };
    let nameless = || crate::PluginInfo::new("", "", "");
    panics::caught(|| sender.configured_info())
        .unwrap_or_else(nameless)
        .into()
}

/// Another reference to the sender behind `state`, for a future to own.
///
/// # Safety
/// `state` is from `configure::<S>` and not released.
unsafe fn share<S: Sender>(state: *const c_void) -> Arc<S> {
    let state = state.cast::<S>();
    // SAFETY: `state` came from `Arc::into_raw`, and the host still holds that reference.
    unsafe {
        Arc::increment_strong_count(state);
        Arc::from_raw(state)
    }
}

fn call<T: Send + 'static>(
    future: impl Future<Output = Result<T, SendError>> + Send + 'static,
) -> CallFuture<T> {
    let result = async move { future.await.map_err(AbiSendError::from).into() };
    Caught::new(result, || RErr(AbiSendError::panicked())).into_ffi()
}

fn unreadable(message: BadMessage) -> SendError {
    SendError::misconfigured(match message {
        BadMessage::Recipient => "the host handed over a number that is not E.164",
        BadMessage::Purpose => "the plugin is too old for this purpose: install a newer one",
    })
}

/// The host's functions as [`Services`].
struct Across(HostObject);

// SAFETY: the host's contract: its state lives as long as the process, and its functions may be
// called from any thread.
unsafe impl Send for Across {}
// SAFETY: as above.
unsafe impl Sync for Across {}

impl Services for Across {
    fn exchange(&self, exchange: Exchange) -> BoxFuture<Result<Answer, ExchangeError>> {
        let HostObject { state, functions } = self.0;
        match exchange {
            Exchange::Http(request) => {
                // SAFETY: `state` belongs to these functions.
                let answer = unsafe { functions.http()(state, request.into()) };
                Box::pin(async move {
                    answer
                        .await
                        .into_result()
                        .map(|a| Answer::Http(a.into()))
                        .map_err(Into::into)
                })
            }
            Exchange::Smtp(mail) => {
                // SAFETY: `state` belongs to these functions.
                let answer = unsafe { functions.smtp()(state, mail.into()) };
                Box::pin(async move {
                    answer
                        .await
                        .into_result()
                        .map(|a| Answer::Smtp(a.into()))
                        .map_err(Into::into)
                })
            }
        }
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<()> {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        // SAFETY: `state` belongs to these functions.
        Box::pin(unsafe { self.0.functions.sleep()(self.0.state, nanoseconds) })
    }

    fn now(&self) -> SystemTime {
        // SAFETY: `state` belongs to these functions.
        let nanoseconds = unsafe { self.0.functions.now_unix_ns()(self.0.state) };
        UNIX_EPOCH + Duration::from_nanos(nanoseconds)
    }

    fn random(&self, bytes: &mut [u8]) {
        // SAFETY: `state` belongs to these functions.
        unsafe { self.0.functions.random()(self.0.state, RSliceMut::from(bytes)) }
    }

    fn max_level(&self) -> Level {
        // SAFETY: `state` belongs to these functions.
        unsafe { self.0.functions.max_level()(self.0.state) }.into()
    }

    fn log(&self, level: Level, line: &str) {
        // SAFETY: `state` belongs to these functions.
        unsafe { self.0.functions.log()(self.0.state, level.into(), RStr::from(line)) }
    }
}
