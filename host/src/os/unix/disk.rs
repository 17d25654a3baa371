//! Disks and their file systems.

use std::path::Path;

/// Whether the disk that holds `path` has no block left for this user.
pub fn is_full(path: &Path) -> bool {
    rustix::fs::statvfs(path).is_ok_and(|disk| disk.f_bavail == 0)
}

/// The kind of file system that holds `path`, as `mount` shows it, for a message.
pub fn file_system(path: &Path) -> String {
    let unknown = || "an unknown file system".to_owned();
    let Ok(path) = path.canonicalize() else {
        return unknown();
    };
    // "DEVICE PATH KIND OPTIONS 0 0", where a space in a path is \040. The last mount lies on top.
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let mounted = |line: &str| line.split(' ').nth(1).unwrap_or("/").replace("\\040", " ");
    let holding = mounts
        .lines()
        .filter(|line| path.starts_with(mounted(line)));
    let nearest = holding.max_by_key(|line| mounted(line).len());
    let kind = nearest.and_then(|line| line.split(' ').nth(2));
    kind.map_or_else(unknown, str::to_owned)
}

/// The name of the network or cluster file system that holds `path`; `None` for a local one.
#[cfg(target_os = "linux")]
pub fn network_file_system(path: &Path) -> Option<&'static str> {
    let kind = u64::try_from(rustix::fs::statfs(path).ok()?.f_type).ok()? & 0xFFFF_FFFF;
    NETWORK_FILE_SYSTEMS
        .iter()
        .find(|(magic, _)| *magic == kind)
        .map(|(_, name)| *name)
}

/// Elsewhere the name of the file system is not asked for; the guide says to use a local disk.
#[cfg(not(target_os = "linux"))]
pub fn network_file_system(_: &Path) -> Option<&'static str> {
    None
}

/// Magic numbers from `statfs(2)` and the kernel's `linux/magic.h`. FUSE is not among them: it may
/// be local (fuse-overlayfs holds the folders of rootless containers).
#[cfg(target_os = "linux")]
const NETWORK_FILE_SYSTEMS: [(u64, &str); 13] = [
    (0x6969, "NFS"),
    (0x517B, "SMB"),
    (0xFE53_4D42, "SMB"),
    (0xFF53_4D42, "CIFS"),
    (0x5346_414F, "AFS"),
    (0x6B41_4653, "AFS"),
    (0x7375_7245, "Coda"),
    (0x564C, "NCP"),
    (0x0102_1997, "9P"),
    (0x00C3_6400, "Ceph"),
    (0x0BD0_0BD0, "Lustre"),
    (0x7461_636F, "OCFS2"),
    (0x0116_1970, "GFS2"),
];
