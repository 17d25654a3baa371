//! `textsender helpdesk`: what the helpdesk sends, the same for every user.

use std::process::ExitCode;

use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;

use super::{
    Common,
    edit::EditOptions,
    output::{Output, json},
    policy::FallbackOptions,
    site::Site,
};
use crate::edit::helpdesk::{SetHelpdeskSender, SwitchNewPassword};

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
    /// Selects the sender of the helpdesk's messages, and those that are tried after it
    #[command(after_help = "Examples:\n  \
        textsender helpdesk select-sender twilio --fallback gateway\n  \
        textsender helpdesk select-sender --default")]
    SelectSender {
        /// The sender
        #[arg(required_unless_present = "default")]
        name: Option<String>,
        #[command(flatten)]
        fallback: FallbackOptions,
        #[command(flatten)]
        edit: EditOptions,
    },
    /// Switches a kind of message on
    #[command(after_help = "Example:\n  textsender helpdesk enable new_password")]
    Enable {
        /// The kind
        purpose: Switch,
        #[command(flatten)]
        edit: EditOptions,
    },
    /// Switches a kind of message off
    #[command(after_help = "Example:\n  textsender helpdesk disable new_password")]
    Disable {
        /// The kind
        purpose: Switch,
        #[command(flatten)]
        edit: EditOptions,
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
            Command::SelectSender {
                name,
                fallback,
                edit,
            } => select_sender(common, name.as_deref(), fallback, *edit, out),
            Command::Enable {
                purpose: Switch::NewPassword,
                edit,
            } => switch(common, true, *edit, out),
            Command::Disable {
                purpose: Switch::NewPassword,
                edit,
            } => switch(common, false, *edit, out),
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

fn select_sender(
    common: &Common,
    name: Option<&str>,
    fallback: &FallbackOptions,
    edit: EditOptions,
    out: &Output,
) -> anyhow::Result<ExitCode> {
    let order = SetHelpdeskSender {
        sender: name.map(str::to_owned),
        fallback: fallback.fallback(),
    };
    if let Some(file) = edit.apply(common, &order, out)? {
        let sender = name.unwrap_or("the default sender");
        out.line(format_args!(
            "the helpdesk sends through {sender}{}, by {}",
            order.fallback,
            file.display()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

fn switch(common: &Common, on: bool, edit: EditOptions, out: &Output) -> anyhow::Result<ExitCode> {
    if let Some(file) = edit.apply(common, &SwitchNewPassword { on }, out)? {
        let state = if on { "on" } else { "off" };
        out.line(format_args!(
            "switched new_password {state} in {}",
            file.display()
        ));
    }
    Ok(ExitCode::SUCCESS)
}
