//! The plugins folder: plugin `acme-sms` is the file `libtextsender_acme_sms.so`.

use std::{
    env::consts::{DLL_PREFIX, DLL_SUFFIX},
    path::{Path, PathBuf},
};

use crate::config::Plugins;

const STEM: &str = "textsender_";

/// The file of a plugin.
pub fn file_of(folder: &Path, plugin: &str) -> PathBuf {
    let name = plugin.replace('-', "_");
    folder.join(format!("{DLL_PREFIX}{STEM}{name}{DLL_SUFFIX}"))
}

/// The file of a plugin in the first folder that has it; where none has, in the first.
pub fn find(plugins: &Plugins, plugin: &str) -> PathBuf {
    let first = file_of(&plugins.folder, plugin);
    if plugins.further_folders.is_empty() || first.exists() {
        return first;
    }
    let further = plugins.further_folders.iter();
    let mut further = further.map(|folder| file_of(folder, plugin));
    further.find(|file| file.exists()).unwrap_or(first)
}

/// The plugin of a file name, if it is one of ours.
pub fn plugin_of(file_name: &str) -> Option<String> {
    let name = file_name
        .strip_prefix(DLL_PREFIX)?
        .strip_suffix(DLL_SUFFIX)?;
    Some(name.strip_prefix(STEM)?.replace('_', "-"))
}

/// Whether this is a plugin's id: lower-case letters, digits and inner dashes, at most 64.
pub fn is_id(plugin: &str) -> bool {
    (1..=64).contains(&plugin.len())
        && plugin
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !plugin.starts_with('-')
        && !plugin.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways() {
        let file = file_of(Path::new("/plugins"), "govuk-notify");
        let name = file.file_name().unwrap().to_str().unwrap();
        assert_eq!(
            name,
            format!("{DLL_PREFIX}textsender_govuk_notify{DLL_SUFFIX}")
        );
        assert_eq!(plugin_of(name).as_deref(), Some("govuk-notify"));
        assert_eq!(plugin_of("libother.so"), None);
    }

    #[test]
    fn an_id_is_no_path() {
        for id in ["", "../evil", "a/b", "A", "a_b", "-a", "a-"] {
            assert!(!is_id(id), "{id}");
        }
        assert!(is_id("govuk-notify"));
    }
}
