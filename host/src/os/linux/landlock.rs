//! Landlock: which files and ports a sealed process may still reach.
//!
//! The library itself is in memory already. What it needs is found by the linker, so the linker's
//! folders and its cache stay readable; nothing can be executed or written. No TCP port, and no
//! process or abstract socket outside, where the kernel knows these (6.7 and 6.12).

use ::landlock::{
    ABI, Access, AccessFs, AccessNet, BitFlags, LandlockStatus, NetPort, Ruleset, RulesetAttr,
    RulesetCreatedAttr, RulesetError, RulesetStatus, Scope, path_beneath_rules,
};

use super::linker;

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
    "/etc/pki",
    "/etc/ssl",
    "/usr/share/ca-certificates",
];

/// Restricts this process, and says by which version; `None` where the kernel has no Landlock.
pub(super) fn restrict(ports: &[u16]) -> Option<u32> {
    let status = try_restrict(ports).ok()?;
    if matches!(status.ruleset, RulesetStatus::NotEnforced) {
        return None;
    }
    match status.landlock {
        LandlockStatus::Available {
            effective_abi,
            kernel_abi,
        } => Some(kernel_abi.map_or(effective_abi as u32, i32::cast_unsigned)),
        _ => None,
    }
}

fn try_restrict(ports: &[u16]) -> Result<::landlock::RestrictionStatus, RulesetError> {
    let read = AccessFs::ReadFile | AccessFs::ReadDir;
    let resolver = if ports.is_empty() { &[][..] } else { RESOLVER };
    let readable = linker::FOLDERS
        .iter()
        .chain([&linker::CACHE])
        .chain(resolver);
    let tcp: BitFlags<AccessNet> = AccessNet::BindTcp | AccessNet::ConnectTcp;
    let ports = ports
        .iter()
        .map(|port| NetPort::new(*port, AccessNet::ConnectTcp));
    Ruleset::default()
        .handle_access(AccessFs::from_all(WRITTEN_FOR))?
        .handle_access(tcp)?
        .scope(Scope::from_all(WRITTEN_FOR))?
        .create()?
        .add_rules(path_beneath_rules(readable, read))?
        .add_rules(ports.map(Ok::<_, RulesetError>))?
        .restrict_self()
}
