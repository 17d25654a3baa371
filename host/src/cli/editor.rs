//! The administrator's own editor, over a copy that only this user can read.

use std::{
    env,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, bail};

use crate::{os::rights, protocol::MessageId};

/// A copy of a text to be edited, removed when it is dropped.
pub(super) struct Copy {
    folder: PathBuf,
    file: PathBuf,
}

impl Copy {
    /// A copy under this name, by which editors know what it is.
    pub(super) fn of(text: &str, name: impl AsRef<OsStr>) -> anyhow::Result<Self> {
        let id = MessageId::random()?;
        let folder = env::temp_dir().join(format!("textsender-{id}"));
        let made = rights::make_folder(&folder, 0o700);
        made.with_context(|| format!("{} can't be made", folder.display()))?;
        let file = folder.join(Path::new(name.as_ref()));
        let copy = Self { folder, file };
        fs::write(&copy.file, text)
            .with_context(|| format!("{} can't be written", copy.file.display()))?;
        Ok(copy)
    }

    /// Waits for the editor, and returns what it left.
    pub(super) fn edit(&self) -> anyhow::Result<String> {
        let mut editors = ["VISUAL", "EDITOR"].into_iter().filter_map(env::var_os);
        let editor = editors.find(|editor| !editor.is_empty());
        let editor = editor.unwrap_or_else(|| "vi".into());
        // The shell takes the editor apart: it may have options.
        let status = Command::new("/bin/sh")
            .args(["-c", "exec $TEXTSENDER_EDITOR \"$1\"", "sh"])
            .arg(&self.file)
            .env("TEXTSENDER_EDITOR", &editor)
            .status()
            .context("no editor can be started; set $EDITOR, or use another command")?;
        if !status.success() {
            bail!("the editor ended with {status}; nothing was changed");
        }
        fs::read_to_string(&self.file).context("the edited text can't be read")
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // It holds what its reader could read anyway; there is nothing to be done if it stays.
        let _ = fs::remove_dir_all(&self.folder);
    }
}
