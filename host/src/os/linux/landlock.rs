//! Landlock: which files and ports a sealed process may still reach.
//!
//! The library itself is in memory already. What it needs is found by the linker, so the linker's
//! folders and its cache stay readable; nothing can be executed or written. No TCP port, and no
//! process or abstract socket outside, where the kernel knows these (6.7 and 6.12).

use std::{error::Error, io, ptr};

use ::landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, NetPort, Ruleset, RulesetAttr, RulesetCreatedAttr,
    RulesetError, RulesetStatus, Scope, path_beneath_rules,
};

use super::{forbidden, linker};
use crate::os::seal::Absent;

/// The newest version that this was written for. What an older kernel lacks of it is left out.
const WRITTEN_FOR: ABI = ABI::V6;

/// What a protocol of one's own needs: names, and roots for its TLS.
const RESOLVER: &[&str] = &[
    "/etc/gai.conf",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/nsswitch.conf",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ca-certificates",
    "/etc/pki/ca-trust",
    "/etc/pki/tls/cert.pem",
    "/etc/pki/tls/certs",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/etc/ssl/certs",
    "/etc/ssl/openssl.cnf",
    "/usr/share/ca-certificates",
];

/// Restricts this process, and says by which version.
pub(super) fn restrict(ports: &[u16]) -> Result<u32, Absent> {
    let absent = |error| forbidden::absent(&error, Some("landlock"));
    let version = version().map_err(absent)?;
    match try_restrict(ports) {
        Ok(status) if status.ruleset != RulesetStatus::NotEnforced => Ok(version),
        Ok(_) => Err(Absent::Kernel),
        Err(error) => Err(absent(cause(&error))),
    }
}

/// The kernel's version of it.
fn version() -> io::Result<u32> {
    const VERSION: u32 = 1;

    // SAFETY: with this flag, the call takes no memory of ours.
    let version = unsafe {
        libc::syscall(
            libc::SYS_landlock_create_ruleset,
            ptr::null::<libc::c_void>(),
            0_usize,
            VERSION,
        )
    };
    u32::try_from(version).map_err(|_| io::Error::last_os_error())
}

/// The system's answer behind an error. One that is not the system's would be a fault of ours.
fn cause(error: &RulesetError) -> io::Error {
    let mut cause: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(code) = error.downcast_ref().and_then(io::Error::raw_os_error) {
            return io::Error::from_raw_os_error(code);
        }
        cause = error.source();
    }
    io::ErrorKind::Other.into()
}

/// What a plugin that may connect to these ports can read.
fn readable(ports: &[u16]) -> impl Iterator<Item = &'static str> {
    let resolver = if ports.is_empty() { &[][..] } else { RESOLVER };
    let all = linker::FOLDERS.iter().chain([&linker::CACHE]);
    all.chain(resolver).copied()
}

fn try_restrict(ports: &[u16]) -> Result<::landlock::RestrictionStatus, RulesetError> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let tcp: BitFlags<AccessNet> = AccessNet::BindTcp | AccessNet::ConnectTcp;
    let connected = ports
        .iter()
        .map(|port| NetPort::new(*port, AccessNet::ConnectTcp));
    Ruleset::default()
        .handle_access(AccessFs::from_all(WRITTEN_FOR))?
        .handle_access(tcp)?
        .scope(Scope::from_all(WRITTEN_FOR))?
        .create()?
        .add_rules(path_beneath_rules(readable(ports), read))?
        .add_rules(connected.map(Ok::<_, RulesetError>))?
        .restrict_self()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn a_grant_opens_no_private_key() {
        for key in ["/etc/ssl/private/x.key", "/etc/pki/tls/private/x.key"] {
            let opens = |path: &&str| Path::new(key).starts_with(path);
            assert_eq!(readable(&[443]).find(opens), None, "{key}");
        }
    }
}
