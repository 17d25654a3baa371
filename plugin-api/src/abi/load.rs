//! Whether a library speaks our ABI: its version, then the layout of every type that crosses.
//!
//! `abi_stable` would check both, but as if the plugin were always the newer one: it refuses a
//! plugin whose tables of functions are shorter than the host's, which is every plugin that is older
//! than the last addition. Functions are only ever added at the end, and one that is not there reads
//! as `None`; so whichever side is older asks, and the newer one answers. Nor does it matter here
//! that the two were built from different versions of this crate, which `abi_stable` takes for
//! another ABI: ours has a version of its own.

use std::{ffi::c_void, fmt};

use abi_stable::{
    StableAbi,
    abi_stability::abi_checking::{AbiInstability, check_layout_compatibility},
    library::AbiHeaderRef,
    sabi_types::{VersionNumber, VersionStrings},
    type_layout::{TLFieldOrFunction, TypeLayout},
};

use super::{ABI_VERSION, functions::SenderModuleRef};

/// The minor version in [`ABI_VERSION`].
pub(super) const OUR_MINOR: u32 = 1;

/// The root module behind a library's header, once its ABI is checked.
///
/// # Safety
///
/// `symbol` is the address of [`ENTRY_SYMBOL`](super::ENTRY_SYMBOL) in a library that stays loaded
/// until the process ends.
pub(super) unsafe fn root_module(
    symbol: *const c_void,
) -> Result<(SenderModuleRef, u32), LoadError> {
    // SAFETY: the symbol is the library's header, which begins with an `AbiHeader` in every version
    // of `abi_stable`, and stays loaded; the header's own check comes first.
    let header = unsafe { std::mem::transmute::<*const c_void, AbiHeaderRef>(symbol) };
    let library = header.upgrade().map_err(|_| LoadError::OtherHeader)?;

    let theirs = number(library.version_strings()).ok_or(LoadError::OtherHeader)?;
    let ours = number(VersionStrings::new(ABI_VERSION)).ok_or(LoadError::OtherHeader)?;
    if theirs.major != ours.major {
        let built_against = theirs.to_string();
        return Err(LoadError::OtherVersion { built_against });
    }
    let layout = library.layout().ok_or(LoadError::OtherHeader)?;
    agree(
        Side(layout, theirs.minor),
        Side(<SenderModuleRef as StableAbi>::LAYOUT, ours.minor),
    )?;

    // SAFETY: version and layout were checked right above.
    let module = unsafe { library.init_root_module_with_unchecked_layout::<SenderModuleRef>() };
    let module = module.map_err(|_| LoadError::EntryFailed)?;
    Ok((module, theirs.minor))
}

fn number(version: VersionStrings) -> Option<VersionNumber> {
    VersionNumber::new(version).ok()
}

/// The root module's layout as one side knows it, and its minor version.
struct Side(&'static TypeLayout, u32);

/// Whether every type that crosses is the same to both sides, but for what was added.
fn agree(plugin: Side, host: Side) -> Result<(), LoadError> {
    let plugin_minor = plugin.1;
    let (older, newer) = match plugin.1 <= host.1 {
        true => (plugin, host),
        false => (host, plugin),
    };
    let Err(differences) = check_layout_compatibility(older.0, newer.0) else {
        return Ok(());
    };
    // The crate's version, not the ABI's. It is the last thing to differ: what depends on no
    // difference at all in `abi_stable` concerns several libraries in one process, and enums that
    // grow; we have neither.
    let is_version = |found: &AbiInstability| matches!(found, AbiInstability::PackageVersion(_));
    let mut errors = differences.errors.iter();
    match errors.find(|error| !error.errs.iter().all(is_version)) {
        None => Ok(()),
        Some(error) => {
            let place = error.stack_trace.last().map(|at| match &at.expected {
                TLFieldOrFunction::Field(field) => field.layout().name().to_owned(),
                TLFieldOrFunction::Function(function) => function.name.to_string(),
            });
            Err(LoadError::OtherLayout {
                of: place.unwrap_or_default(),
                minor: plugin_minor,
            })
        }
    }
}

/// Why a library's plugin can't be called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LoadError {
    /// The symbol is there, but not as this host's ABI library writes it.
    OtherHeader,
    /// Built against another major version of the ABI.
    OtherVersion {
        /// What the plugin was built against.
        built_against: String,
    },
    /// A type that crosses has another layout.
    OtherLayout {
        /// The type, or what holds it; may be empty.
        of: String,
        /// The minor version of the ABI that the plugin says it is built against.
        minor: u32,
    },
    /// The library's entry failed.
    EntryFailed,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherHeader => write!(
                f,
                "it is not built with textsender-plugin-api for ABI {ABI_VERSION}; was it built \
                 with an unreleased one, or is abi_stable patched?"
            ),
            Self::OtherVersion { built_against } => write!(
                f,
                "it is built against ABI {built_against} and this textsender speaks {ABI_VERSION}: \
                 build it anew with the SDK of this textsender"
            ),
            Self::OtherLayout { of, minor } => write!(
                f,
                "it says ABI 1.{minor}.0, but {of} is laid out otherwise; was it built with a \
                 changed or unreleased textsender-plugin-api? Build it anew with a released one"
            ),
            Self::EntryFailed => f.write_str("its entry point failed"),
        }
    }
}

impl std::error::Error for LoadError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Tomorrow's ABI: a function more in the plugin's table, and one more in the host's.
    mod grown {
        #![allow(dead_code)]

        use std::ffi::c_void;

        use abi_stable::{
            StableAbi,
            std_types::{RResult, RSliceMut, RStr, RString},
        };
        use async_ffi::FfiFuture;

        use crate::abi::{
            functions::{AbiConfigureError, SenderObject},
            values::{
                AbiExchangeError, AbiHttpAnswer, AbiHttpRequest, AbiInfo, AbiMail, AbiSmtpAnswer,
                LevelKind,
            },
        };

        #[repr(C)]
        #[derive(StableAbi)]
        #[sabi(kind(Prefix(prefix_ref = SenderModuleRef)))]
        pub struct SenderModule {
            pub info: extern "C" fn() -> AbiInfo,
            pub settings_schema: extern "C" fn() -> RString,
            #[sabi(last_prefix_field)]
            pub configure: extern "C" fn(
                settings: RStr<'_>,
                host: HostObject,
            ) -> RResult<SenderObject, AbiConfigureError>,
            pub providers: extern "C" fn() -> RString,
            pub describe: extern "C" fn(settings: RStr<'_>) -> RString,
            pub licence: extern "C" fn() -> RString,
        }

        #[repr(C)]
        #[derive(StableAbi, Clone, Copy)]
        pub struct HostObject {
            pub state: *const c_void,
            pub functions: HostFunctionsRef,
        }

        #[repr(C)]
        #[derive(StableAbi)]
        #[sabi(kind(Prefix(prefix_ref = HostFunctionsRef)))]
        pub struct HostFunctions {
            pub http: unsafe extern "C" fn(
                state: *const c_void,
                request: AbiHttpRequest,
            )
                -> FfiFuture<RResult<AbiHttpAnswer, AbiExchangeError>>,
            pub smtp: unsafe extern "C" fn(
                state: *const c_void,
                mail: AbiMail,
            )
                -> FfiFuture<RResult<AbiSmtpAnswer, AbiExchangeError>>,
            pub sleep:
                unsafe extern "C" fn(state: *const c_void, nanoseconds: u64) -> FfiFuture<()>,
            pub now_unix_ns: unsafe extern "C" fn(state: *const c_void) -> u64,
            pub random: unsafe extern "C" fn(state: *const c_void, bytes: RSliceMut<'_, u8>),
            pub max_level: unsafe extern "C" fn(state: *const c_void) -> LevelKind,
            #[sabi(last_prefix_field)]
            pub log: unsafe extern "C" fn(state: *const c_void, level: LevelKind, line: RStr<'_>),
            pub language: unsafe extern "C" fn(state: *const c_void) -> RString,
        }
    }

    /// An ABI that is not ours although it says so: a field more in what a plugin says of itself.
    mod broken {
        #![allow(dead_code)]

        use abi_stable::{StableAbi, std_types::RString};

        #[repr(C)]
        #[derive(StableAbi)]
        #[sabi(kind(Prefix(prefix_ref = SenderModuleRef)))]
        pub struct SenderModule {
            pub info: extern "C" fn() -> AbiInfo,
            pub settings_schema: extern "C" fn() -> RString,
            #[sabi(last_prefix_field)]
            pub configure: extern "C" fn(),
        }

        #[repr(C)]
        #[derive(StableAbi)]
        pub struct AbiInfo {
            id: RString,
            motto: RString,
        }
    }

    const TODAY: &TypeLayout = <SenderModuleRef as StableAbi>::LAYOUT;
    const TOMORROW: &TypeLayout = <grown::SenderModuleRef as StableAbi>::LAYOUT;

    #[test]
    fn what_is_added_at_the_end_separates_no_one() {
        assert_eq!(agree(Side(TODAY, 1), Side(TODAY, 1)), Ok(()));
        // An old plugin in a new host, and a new plugin in an old host.
        assert_eq!(agree(Side(TODAY, 1), Side(TOMORROW, 2)), Ok(()));
        assert_eq!(agree(Side(TOMORROW, 2), Side(TODAY, 1)), Ok(()));
    }

    #[test]
    fn the_minor_version_is_the_one_in_the_version() {
        assert_eq!(ABI_VERSION, format!("1.{OUR_MINOR}.0"));
    }

    #[test]
    fn what_is_added_without_a_new_version_is_seen() {
        assert!(agree(Side(TOMORROW, 0), Side(TODAY, 0)).is_err());
    }

    #[test]
    fn another_layout_is_named() {
        let broken = <broken::SenderModuleRef as StableAbi>::LAYOUT;
        let error = agree(Side(broken, 0), Side(TODAY, 0)).unwrap_err();
        assert!(error.to_string().contains("AbiInfo is laid out"), "{error}");
    }
}
