//! The files that settings name: read here, because a plugin may read none.

use std::{io::Read, path::Path};

use serde_json::Value;

use crate::trust;

/// The longest file, in bytes. A definition of a provider has some two thousand.
const MAX_FILE: u64 = 256 * 1024;

/// The content of the file that each of these settings names, or why there is none. Paths are relative
/// to the configuration's folder.
pub(super) fn read(
    settings: &str,
    folder: &Path,
    wanted: Vec<String>,
) -> Vec<(String, Result<String, String>)> {
    let settings: Value = serde_json::from_str(settings).unwrap_or_default();
    let content = |setting: String| {
        let path = settings[&setting].as_str().map(|path| folder.join(path));
        let content = match path {
            Some(path) => read_file(&path),
            None => Err("it names no file".to_owned()),
        };
        (setting, content)
    };
    wanted.into_iter().map(content).collect()
}

/// A file that only the administrator may write, as with every part of the configuration.
fn read_file(path: &Path) -> Result<String, String> {
    let words = |error: &dyn std::fmt::Display| {
        let (path, words) = (path.display().to_string(), error.to_string());
        match words.starts_with(&path) {
            true => words,
            false => format!("{path}: {words}"),
        }
    };
    let file = trust::open(path).map_err(|error| words(&error))?;
    let mut content = String::new();
    let read = file.take(MAX_FILE + 1).read_to_string(&mut content);
    match read.map_err(|error| words(&trust::in_our_words(error)))? as u64 {
        0..=MAX_FILE => Ok(content),
        _ => Err(words(&"more than 256 KiB")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::os::rights;

    #[test]
    fn files_are_read_beside_the_configuration_and_what_cant_be_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("acme.toml"), "method = 1").unwrap();
        let settings = r#"{"definition":"acme.toml","other":"none.toml","from":7}"#;
        let wanted = ["definition", "other", "from"].map(str::to_owned).to_vec();
        let files = read(settings, folder.path(), wanted);
        assert_eq!(files[0].1.as_deref(), Ok("method = 1"));
        assert!(files[1].1.as_ref().unwrap_err().contains("none.toml: "));
        assert_eq!(files[2].1.as_ref().unwrap_err(), "it names no file");

        let file = std::fs::File::open(folder.path().join("acme.toml")).unwrap();
        rights::set_mode(&file, 0o666).unwrap();
        let files = read(settings, folder.path(), vec!["definition".to_owned()]);
        let fault = files[0].1.as_ref().unwrap_err();
        assert!(fault.contains("chmod go-w"), "{fault}");
    }
}
