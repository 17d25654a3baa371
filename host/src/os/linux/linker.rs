//! Where the dynamic linker looks for what a library needs.

use std::{fs, path::Path};

/// The linker's table of names and paths.
pub(super) const CACHE: &str = "/etc/ld.so.cache";

/// Folders whose libraries a sealed process may read.
pub(super) const FOLDERS: &[&str] = &[
    "/lib",
    "/lib64",
    "/usr/lib",
    "/usr/lib64",
    "/usr/local/lib",
    "/usr/local/lib64",
];

/// Which of these libraries a sealed process will not find.
pub fn missing(needed: &[String]) -> Vec<String> {
    let cache = fs::read(CACHE).unwrap_or_default();
    let is_missing = |name: &&String| !in_folders(name) && !in_cache(name, &cache);
    needed.iter().filter(is_missing).cloned().collect()
}

fn in_folders(name: &str) -> bool {
    FOLDERS
        .iter()
        .any(|folder| Path::new(folder).join(name).exists())
}

/// The cache holds the path of each library, with a zero byte behind it.
fn in_cache(name: &str, cache: &[u8]) -> bool {
    let file = format!("/{name}");
    cache.split(|byte| *byte == 0).any(|path| {
        path.ends_with(file.as_bytes()) && FOLDERS.iter().any(|f| path.starts_with(f.as_bytes()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_not_there_is_missing() {
        let needed = ["libc.so.6", "libacme.so.9"].map(String::from);
        // On systems with another C library nothing of this name is there.
        let expected = match cfg!(target_env = "gnu") {
            true => &needed[1..],
            false => &needed[..],
        };
        assert_eq!(missing(&needed), expected);
    }
}
