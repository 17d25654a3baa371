//! What [`export_sender!`](crate::export_sender) writes into a plugin.

pub use abi_stable::library::LibHeader;

use abi_stable::library::{__call_root_module_loader, CheckTypeLayout, RootModuleResult};

use super::functions::SenderModuleRef;
use crate::Sender;

/// The header static of a plugin that exports `S`.
pub const fn header<S: Sender>() -> LibHeader {
    // SAFETY: `constructor` erases a `SenderModuleRef`, the type named here.
    unsafe {
        LibHeader::from_constructor::<SenderModuleRef>(constructor::<S>, CheckTypeLayout::Yes)
    }
}

extern "C" fn constructor<S: Sender>() -> RootModuleResult {
    __call_root_module_loader(super::plugin::module::<S>)
}

/// Exports a [`Sender`](crate::Sender) as the plugin in this library. Once per crate, in a crate of
/// `crate-type = ["cdylib"]`: `export_sender!(Acme);`.
#[macro_export]
macro_rules! export_sender {
    ($sender:ty) => {
        // Before the static, so that the name that a second export hits says what is wrong.
        #[doc(hidden)]
        const A_LIBRARY_EXPORTS_ONE_SENDER: () = ();
        // The name that `abi_stable` gives to a library's header.
        #[doc(hidden)]
        #[unsafe(no_mangle)]
        pub static _1as_0lib_1header_0root_bmodule_bloader: $crate::abi::export::LibHeader =
            $crate::abi::export::header::<$sender>();
    };
    ($($other:tt)*) => {
        ::core::compile_error!(
            "give one type, the one that implements `Sender`: export_sender!(Acme);"
        );
    };
}
