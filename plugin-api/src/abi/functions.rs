//! What each side offers to the other: tables of functions that only ever grow at their end.

// Only the host calls what a plugin exports.
#![cfg_attr(not(feature = "host"), allow(dead_code))]

use std::ffi::c_void;

use abi_stable::{
    StableAbi, declare_root_module_statics,
    library::RootModule,
    sabi_types::VersionStrings,
    std_types::{RResult, RSliceMut, RStr, RString, RVec},
};
use async_ffi::FfiFuture;

use super::values::{
    AbiDelivery, AbiExchangeError, AbiFinding, AbiFound, AbiHttpAnswer, AbiHttpRequest, AbiInfo,
    AbiMail, AbiMessage, AbiReceipt, AbiSendError, AbiSmtpAnswer, LevelKind,
};

pub type CallResult<T> = RResult<T, AbiSendError>;
pub type CallFuture<T> = FfiFuture<CallResult<T>>;

/// What a plugin's library exports.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = SenderModuleRef)))]
pub struct SenderModule {
    /// What the plugin is.
    pub info: extern "C" fn() -> AbiInfo,
    /// The JSON Schema of its settings.
    pub settings_schema: extern "C" fn() -> RString,
    /// Makes a sender from settings (a JSON object in which secrets are marked).
    #[sabi(last_prefix_field)]
    pub configure: extern "C" fn(
        settings: RStr<'_>,
        host: HostObject,
    ) -> RResult<SenderObject, AbiConfigureError>,
    /// Since 1.1. The providers that its settings choose between, as a JSON list.
    pub providers: extern "C" fn() -> RString,
    /// Since 1.1. What it is with these settings, as JSON; empty where it is the same with all.
    pub describe: extern "C" fn(settings: RStr<'_>) -> RString,
}

impl RootModule for SenderModuleRef {
    declare_root_module_statics! {SenderModuleRef}
    const BASE_NAME: &'static str = "textsender";
    const NAME: &'static str = "textsender sender plugin";
    const VERSION_STRINGS: VersionStrings = VersionStrings::new(super::ABI_VERSION);
}

/// Why a sender could not be made.
#[repr(C)]
#[derive(StableAbi)]
pub struct AbiConfigureError {
    pub panicked: bool,
    pub message: RString,
}

/// A configured sender. Released once, by its holder.
#[repr(C)]
#[derive(StableAbi)]
pub struct SenderObject {
    pub state: *const c_void,
    pub functions: SenderFunctionsRef,
}

/// What a configured sender does. Each future owns its share of the sender.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = SenderFunctionsRef)))]
pub struct SenderFunctions {
    pub release: unsafe extern "C" fn(state: *const c_void),
    pub send:
        unsafe extern "C" fn(state: *const c_void, message: AbiMessage) -> CallFuture<AbiReceipt>,
    pub status:
        unsafe extern "C" fn(state: *const c_void, provider_id: RString) -> CallFuture<AbiDelivery>,
    pub find: unsafe extern "C" fn(
        state: *const c_void,
        message: AbiMessage,
        since_unix_ms: u64,
    ) -> CallFuture<AbiFound>,
    #[sabi(last_prefix_field)]
    pub check: unsafe extern "C" fn(state: *const c_void) -> CallFuture<RVec<AbiFinding>>,
    /// Since 1.1. What the sender is with its settings.
    pub info: unsafe extern "C" fn(state: *const c_void) -> AbiInfo,
}

/// The host, as handed to a plugin. It lives as long as the process.
#[repr(C)]
#[derive(StableAbi, Clone, Copy)]
pub struct HostObject {
    pub state: *const c_void,
    pub functions: HostFunctionsRef,
}

/// What the host offers. A function that a later minor version adds comes after the last one here,
/// and an older host does not have it.
#[repr(C)]
#[derive(StableAbi)]
#[sabi(kind(Prefix(prefix_ref = HostFunctionsRef)))]
pub struct HostFunctions {
    pub http: unsafe extern "C" fn(
        state: *const c_void,
        request: AbiHttpRequest,
    ) -> FfiFuture<RResult<AbiHttpAnswer, AbiExchangeError>>,
    pub smtp: unsafe extern "C" fn(
        state: *const c_void,
        mail: AbiMail,
    ) -> FfiFuture<RResult<AbiSmtpAnswer, AbiExchangeError>>,
    pub sleep: unsafe extern "C" fn(state: *const c_void, nanoseconds: u64) -> FfiFuture<()>,
    pub now_unix_ns: unsafe extern "C" fn(state: *const c_void) -> u64,
    pub random: unsafe extern "C" fn(state: *const c_void, bytes: RSliceMut<'_, u8>),
    pub max_level: unsafe extern "C" fn(state: *const c_void) -> LevelKind,
    #[sabi(last_prefix_field)]
    pub log: unsafe extern "C" fn(state: *const c_void, level: LevelKind, line: RStr<'_>),
}
