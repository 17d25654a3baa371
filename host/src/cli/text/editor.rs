//! A text in the administrator's own editor.

use anyhow::bail;
use textsender_plugin_api::Purpose;

use crate::{
    check::{self, SenderCapabilities},
    cli::editor::Copy,
};

/// Below this line nothing is part of the text.
const SCISSORS: &str = "# ---- what is below this line is not sent ----";

/// Lets the administrator edit a text; the placeholders are explained below it, with what of them each sender carries.
pub(super) fn edited(
    now: &str,
    purpose: Purpose,
    senders: &[(String, SenderCapabilities)],
) -> anyhow::Result<String> {
    let copy = Copy::of(
        &format!("{now}\n{SCISSORS}\n{}", help(purpose, senders)),
        "text",
    )?;
    let text = copy.edit()?;
    let text = text.split(SCISSORS).next().unwrap_or_default();
    let text = text.trim_end_matches(['\r', '\n']);
    match text == now {
        true => bail!("the text is as it was; nothing was changed"),
        false => Ok(text.to_owned()),
    }
}

fn help(purpose: Purpose, senders: &[(String, SenderCapabilities)]) -> String {
    let mut help = String::new();
    let mut line = |words: String| help.push_str(&format!("# {words}\n"));
    for offered in check::offered(purpose, senders) {
        let meaning = match offered.is_needed {
            true => "needed",
            false => "may be used; give a default where there may be none, as in %name|there%",
        };
        let but = match offered.lacking.as_slice() {
            [] => String::new(),
            lacking => format!("; sender {} can't carry it", lacking.join(", ")),
        };
        line(format!("{}: {meaning}{but}", offered.placeholder));
    }
    line("%% is a percent sign.".to_owned());
    for (name, _) in senders
        .iter()
        .filter(|(_, capabilities)| !capabilities.words)
    {
        line(format!(
            "Through sender {name} the user reads the provider's own text: of this text only the values are used."
        ));
    }
    help
}
