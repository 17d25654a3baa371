//! Whether a call is refused by the kernel, or by a filter that was put around this process: by a
//! service's `SystemCallFilter=`, or a container's run-time.
//!
//! | answer | a filter is around us (`PR_GET_SECCOMP` is 2) | none is |
//! |---|---|---|
//! | EPERM, EACCES | forbidden | forbidden: by another module of the kernel |
//! | ENOSYS | forbidden, unless the kernel says that it has no such part | undecided |
//! | else | the kernel lacks it | the kernel lacks it |

use std::{fs, io};

use crate::os::seal::{Absent, SealError};

/// The modules of security that the kernel runs, by name. Not there in most containers.
const SECURITY_MODULES: &str = "/sys/kernel/security/lsm";

/// Why a part of the seal can't be had whose call failed so; `module` is the part's name among the
/// kernel's security modules, if it is one.
pub(super) fn absent(error: &io::Error, module: Option<&str>) -> Absent {
    match error.raw_os_error() {
        Some(libc::EPERM | libc::EACCES) => Absent::Forbidden,
        Some(libc::ENOSYS) if module.is_some_and(is_lacking) => Absent::Kernel,
        Some(libc::ENOSYS) if is_filtered() => Absent::Forbidden,
        Some(libc::ENOSYS) => Absent::Undecided,
        _ => Absent::Kernel,
    }
}

/// A call was refused that every kernel has.
pub(super) fn refused(call: &'static str, error: io::Error) -> SealError {
    let is_forbidden = absent(&error, None) == Absent::Forbidden;
    SealError {
        call,
        error,
        is_forbidden,
    }
}

/// Whether the kernel says that it does not run this module.
fn is_lacking(module: &str) -> bool {
    let modules = fs::read_to_string(SECURITY_MODULES);
    modules.is_ok_and(|modules| modules.trim().split(',').all(|name| name != module))
}

/// Whether a filter is around this process. Asked before it has one of its own, and of the kernel itself:
/// under Landlock `/proc` can't be read any more.
fn is_filtered() -> bool {
    // SAFETY: the option takes no further argument, and changes nothing.
    let mode = unsafe { libc::prctl(libc::PR_GET_SECCOMP) };
    mode == 2 || io::Error::last_os_error().raw_os_error() == Some(libc::EPERM) && mode < 0
}
