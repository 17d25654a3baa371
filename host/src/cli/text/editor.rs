//! A text in the administrator's own editor.

use std::{env, fs, path::PathBuf, process::Command};

use anyhow::{Context, bail};
use textsender_plugin_api::Purpose;

use crate::{check::SenderCapabilities, os::rights, protocol::MessageId, text::rules};

/// Below this line nothing is part of the text.
const SCISSORS: &str = "# ---- what is below this line is not sent ----";

/// Lets the administrator edit a text; the placeholders are explained below it, with what of them each sender carries.
pub(super) fn edited(
    now: &str,
    purpose: Purpose,
    senders: &[(String, SenderCapabilities)],
) -> anyhow::Result<String> {
    let mut editors = ["VISUAL", "EDITOR"].into_iter().filter_map(env::var_os);
    let editor = editors.find(|editor| !editor.is_empty());
    let editor = editor.unwrap_or_else(|| "vi".into());
    let folder = Private::make()?;
    let file = folder.0.join("text");
    fs::write(
        &file,
        format!("{now}\n{SCISSORS}\n{}", help(purpose, senders)),
    )?;
    // The shell takes the editor apart: it may have options.
    let status = Command::new("/bin/sh")
        .args(["-c", "exec $TEXTSENDER_EDITOR \"$1\"", "sh"])
        .arg(&file)
        .env("TEXTSENDER_EDITOR", &editor)
        .status()
        .context("no editor can be started; set $EDITOR, or give the text on standard input")?;
    if !status.success() {
        bail!("the editor ended with {status}; nothing was changed");
    }
    let text = fs::read_to_string(&file).context("the edited text can't be read")?;
    let text = text.split(SCISSORS).next().unwrap_or_default();
    let text = text.trim_end_matches(['\r', '\n']);
    match text == now {
        true => bail!("the text is as it was; nothing was changed"),
        false => Ok(text.to_owned()),
    }
}

fn help(purpose: Purpose, senders: &[(String, SenderCapabilities)]) -> String {
    let rules = rules(purpose);
    let mut help = String::new();
    let mut line = |words: String| help.push_str(&format!("# {words}\n"));
    for placeholder in rules.offered.iter() {
        let is_needed = rules.mandatory.contains(placeholder);
        let lacks = |(_, capabilities): &&(String, SenderCapabilities)| {
            !capabilities.placeholders.contains(placeholder)
        };
        let lacking: Vec<&str> = senders
            .iter()
            .filter(lacks)
            .map(|(name, _)| name.as_str())
            .collect();
        if !is_needed && !lacking.is_empty() && lacking.len() == senders.len() {
            continue;
        }
        let meaning = match is_needed {
            true => "needed",
            false => "may be used; give a default where there may be none, as in %name|there%",
        };
        let but = match lacking.as_slice() {
            [] => String::new(),
            lacking => format!("; sender {} can't carry it", lacking.join(", ")),
        };
        line(format!("{placeholder}: {meaning}{but}"));
    }
    line("%% is a percent sign.".to_owned());
    for (name, _) in senders
        .iter()
        .filter(|(_, capabilities)| !capabilities.words)
    {
        line(format!(
            "Through sender {name} the user reads the provider's own text: of this one only the values arrive."
        ));
    }
    help
}

/// A folder that only this user can look into, removed when it is dropped.
struct Private(PathBuf);

impl Private {
    fn make() -> anyhow::Result<Self> {
        let id = MessageId::random()?;
        let path = env::temp_dir().join(format!("textsender-{id}"));
        let made = rights::make_folder(&path, 0o700);
        made.with_context(|| format!("{} can't be made", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        // It holds a text template: nothing secret, and nothing to be done if it stays.
        let _ = fs::remove_dir_all(&self.0);
    }
}
