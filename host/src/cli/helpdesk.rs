//! `textsender helpdesk`: what the helpdesk sends, the same for every user.

use std::process::ExitCode;

use anyhow::bail;
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;

use super::{
    Common,
    edit::{Edit, tables},
    output::{Output, json},
    site::{Site, known_sender},
};

/// Shows and changes what the helpdesk sends
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    textsender helpdesk select-sender twilio\n  \
    textsender helpdesk enable new_password\n  \
    textsender text set --helpdesk helpdesk_code")]
pub(super) struct Helpdesk {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Shows the helpdesk's sender, texts and what is switched on
    #[command(after_help = "Example:\n  textsender helpdesk show --json")]
    Show {
        /// Writes JSON
        #[arg(long)]
        json: bool,
    },
    /// Selects the sender of the helpdesk's messages
    #[command(after_help = "Example:\n  textsender helpdesk select-sender twilio")]
    SelectSender {
        /// The sender
        name: String,
    },
    /// Switches a kind of message on
    #[command(after_help = "Example:\n  textsender helpdesk enable new_password")]
    Enable {
        /// The kind
        purpose: Switch,
    },
    /// Switches a kind of message off
    #[command(after_help = "Example:\n  textsender helpdesk disable new_password")]
    Disable {
        /// The kind
        purpose: Switch,
    },
}

/// What can be switched. A helpdesk code is sent as soon as it has a text.
#[derive(Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum Switch {
    /// The new password, texted after the helpdesk reset it
    NewPassword,
}

#[derive(Serialize)]
struct Shown<'c> {
    sender: Option<&'c str>,
    fallback: Vec<&'c str>,
    region: Option<&'c str>,
    new_password: bool,
    helpdesk_code_text: Option<&'c str>,
    new_password_text: Option<&'c str>,
}

impl Helpdesk {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        match &self.command {
            Command::Show { json } => show(common, *json, out),
            Command::SelectSender { name } => select_sender(common, name, out),
            Command::Enable {
                purpose: Switch::NewPassword,
            } => switch(common, true, out),
            Command::Disable {
                purpose: Switch::NewPassword,
            } => switch(common, false, out),
        }
    }
}

fn show(common: &Common, as_json: bool, out: &Output) -> anyhow::Result<ExitCode> {
    let site = Site::read(common)?;
    let none = crate::config::Helpdesk::default();
    let helpdesk = site.config.helpdesk.as_ref().unwrap_or(&none);
    let default = site.config.defaults.sender.as_ref();
    let own = helpdesk.options.sender.as_ref();
    let text =
        |text: &'_ Option<crate::config::Text>| text.as_ref().map(|text| text.text.value.clone());
    let (code, password) = (
        text(&helpdesk.helpdesk_code_text),
        text(&helpdesk.new_password_text),
    );
    let shown = Shown {
        sender: own.or(default).map(|sender| sender.as_str()),
        fallback: helpdesk
            .options
            .fallback
            .iter()
            .map(|sender| sender.as_str())
            .collect(),
        region: helpdesk.reach.region.as_ref().map(|region| region.as_str()),
        new_password: helpdesk.new_password,
        helpdesk_code_text: code.as_deref(),
        new_password_text: password.as_deref(),
    };
    if as_json {
        json(&shown);
        return Ok(ExitCode::SUCCESS);
    }
    let sender = match (own, default) {
        (Some(own), _) => own.value.clone(),
        (None, Some(default)) => format!("{} (the default)", default.value),
        (None, None) => "none: textsender helpdesk select-sender NAME".to_owned(),
    };
    out.line(format_args!("sender         {sender}"));
    if !shown.fallback.is_empty() {
        out.line(format_args!("fallback       {}", shown.fallback.join(", ")));
    }
    let code = shown
        .helpdesk_code_text
        .unwrap_or("(no text: it is not sent)");
    out.line(format_args!("helpdesk_code  {code}"));
    let state = if shown.new_password { "on" } else { "off" };
    let password = shown.new_password_text.unwrap_or("(no text)");
    out.line(format_args!("new_password   {state}: {password}"));
    Ok(ExitCode::SUCCESS)
}

fn select_sender(common: &Common, name: &str, out: &Output) -> anyhow::Result<ExitCode> {
    let mut edit = Edit::begin(&common.config_file().path)?;
    known_sender(edit.config(), name)?;
    edit.main(|document| {
        let helpdesk = tables::table(document.as_table_mut(), &["helpdesk"])?;
        tables::set(helpdesk, "sender", name);
        Ok(())
    })?;
    edit.save()?;
    out.line(format_args!(
        "the helpdesk sends through {name}, by {}",
        common.config_file().path.display()
    ));
    Ok(ExitCode::SUCCESS)
}

fn switch(common: &Common, on: bool, out: &Output) -> anyhow::Result<ExitCode> {
    let mut edit = Edit::begin(&common.config_file().path)?;
    let helpdesk = edit.config().helpdesk.as_ref();
    if on && helpdesk.is_none_or(|helpdesk| helpdesk.new_password_text.is_none()) {
        bail!(
            "there is no text for it yet: set one with `textsender text set --helpdesk new_password`"
        );
    }
    edit.main(|document| {
        let helpdesk = tables::table(document.as_table_mut(), &["helpdesk"])?;
        tables::set(helpdesk, "new_password", on);
        Ok(())
    })?;
    edit.save()?;
    let state = if on { "on" } else { "off" };
    out.line(format_args!(
        "switched new_password {state} in {}",
        common.config_file().path.display()
    ));
    Ok(ExitCode::SUCCESS)
}
