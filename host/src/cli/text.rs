//! `textsender text`: what users read.

mod editor;

use std::{
    io::{self, Read},
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use textsender_plugin_api::Purpose;

use super::{
    Common, ask,
    edit::EditOptions,
    output::{Output, Style, json},
    site::{Site, block_on},
};
use crate::{
    check::{self, SenderCapabilities},
    decision,
    edit::texts::{self, Owner, SetText, UnsetText},
    text::Key,
};

/// Shows and sets what users read
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    textsender text show --policy Everyone\n  \
    echo 'Please enter this verification code: %code%' | textsender text set --policy Everyone\n  \
    textsender text set --helpdesk new_password --locale cy   # opens $EDITOR")]
pub(super) struct Text {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Show(Show),
    Set(Set),
    Unset(Unset),
}

/// Shows the texts of a policy or of the helpdesk, in every language
#[derive(Args)]
#[command(after_help = "Example:\n  textsender text show --policy Everyone --json")]
struct Show {
    #[command(flatten)]
    whose: Whose,
    /// Writes JSON
    #[arg(long)]
    json: bool,
}

/// Sets a text, from standard input or in $EDITOR
///
/// A text that lacks its placeholder, or has one that does not exist, is refused, and nothing changes.
#[derive(Args)]
#[command(after_help = "Example:\n  \
    echo 'Please enter this verification code: %code%' | textsender text set --policy Everyone")]
struct Set {
    #[command(flatten)]
    whose: Whose,
    /// The language, such as cy or pt-BR; without it the text for all others
    #[arg(long, value_name = "TAG")]
    locale: Option<String>,
    #[command(flatten)]
    edit: EditOptions,
}

/// Removes a translation, or a text of the helpdesk
#[derive(Args)]
#[command(after_help = "Example:\n  textsender text unset --policy Everyone --locale cy")]
struct Unset {
    #[command(flatten)]
    whose: Whose,
    /// The language, such as cy or pt-BR
    #[arg(long, value_name = "TAG")]
    locale: Option<String>,
    #[command(flatten)]
    edit: EditOptions,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct Whose {
    /// The verification text of this policy
    #[arg(long, value_name = "NAME")]
    policy: Option<String>,
    /// A text of the helpdesk
    #[arg(long, value_name = "PURPOSE")]
    helpdesk: Option<HelpdeskText>,
}

#[derive(Clone, Copy, ValueEnum)]
#[value(rename_all = "snake_case")]
enum HelpdeskText {
    /// The code that a user reads out
    HelpdeskCode,
    /// The new password
    NewPassword,
}

#[derive(Serialize)]
struct Shown {
    /// `null` for the text of all others.
    locale: Option<String>,
    text: String,
    /// What it takes with the longest code and names, or why it can't be sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<String>,
}

impl Text {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        match &self.command {
            Command::Show(show) => show.run(common, out),
            Command::Set(set) => set.run(common, out),
            Command::Unset(unset) => unset.run(common, out),
        }
    }
}

impl Whose {
    fn owner(&self) -> Owner {
        match (&self.policy, self.helpdesk) {
            (Some(name), _) => Owner::Policy(name.clone()),
            (None, Some(HelpdeskText::NewPassword)) => Owner::Helpdesk(Purpose::NewPassword),
            (None, _) => Owner::Helpdesk(Purpose::HelpdeskCode),
        }
    }
}

impl Show {
    fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let site = Site::read(common)?;
        let owner = self.whose.owner();
        let Some((text, options)) = owner.text(&site.config)? else {
            bail!(
                "{} has no text yet: set one with `textsender text set`",
                owner.name()
            );
        };
        let faults = decision::texts(owner.purpose(), text, options)
            .map_or_else(|faults| faults, |texts| texts.check());
        let fault_of = |key: Key| {
            let fault = faults.iter().find(|fault| fault.key() == key);
            fault.map(ToString::to_string)
        };
        let own = Shown {
            locale: None,
            text: text.text.value.clone(),
            fault: fault_of(Key::Text),
        };
        let translations = text.translations.iter().map(|(tag, text)| Shown {
            locale: Some(tag.clone()),
            text: text.value.clone(),
            fault: fault_of(Key::Translation(tag.clone())),
        });
        let shown: Vec<Shown> = std::iter::once(own).chain(translations).collect();
        if self.json {
            json(&shown);
            return Ok(ExitCode::SUCCESS);
        }
        for Shown {
            locale,
            text,
            fault,
        } in shown
        {
            let locale = locale.unwrap_or_else(|| "all others".to_owned());
            out.line(format_args!(
                "{}: {text}",
                out.paint(Style::Heading, locale)
            ));
            out.words(Style::Bad, &fault.unwrap_or_default());
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Set {
    fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        // It is written without the lock: people take their time.
        let site = Site::read(common)?;
        let owner = self.whose.owner();
        let now = owner.text(&site.config)?;
        let now = now.and_then(|(text, _)| match &self.locale {
            Some(tag) => text.translations.get(tag),
            None => Some(&text.text),
        });
        let text = match ask::is_terminal() {
            true => {
                let now = now.map_or("", |text| text.as_str());
                let senders = capabilities(&owner, &site)?;
                editor::edited(now, owner.purpose(), &senders)?
            }
            false => from_stdin()?,
        };
        let order = SetText {
            owner,
            locale: self.locale.clone(),
            text,
        };
        let Some(file) = self.edit.apply(common, &order, out)? else {
            return Ok(ExitCode::SUCCESS);
        };
        out.line(format_args!(
            "set the text of {}{} in {}",
            order.owner.name(),
            language(&self.locale),
            file.display()
        ));
        Ok(ExitCode::SUCCESS)
    }
}

impl Unset {
    fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let order = UnsetText {
            owner: self.whose.owner(),
            locale: self.locale.clone(),
        };
        if let Some(file) = self.edit.apply(common, &order, out)? {
            out.line(format_args!(
                "took the text of {}{} out of {}",
                order.owner.name(),
                language(&self.locale),
                file.display()
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn language(locale: &Option<String>) -> String {
    let tag = locale.as_deref();
    tag.map(|tag| format!(" ({tag})")).unwrap_or_default()
}

/// What of the text arrives, by each sender that may send it.
fn capabilities(owner: &Owner, site: &Site) -> anyhow::Result<Vec<(String, SenderCapabilities)>> {
    let options = owner.options(&site.config)?;
    let options = options.cloned().unwrap_or_default();
    block_on(check::capabilities(&site.config, &options))
}

fn from_stdin() -> anyhow::Result<String> {
    /// Ten segments hold 1,530 characters.
    const LONGEST: u64 = 16 * 1024;
    let mut bytes = Vec::new();
    let read = io::stdin().lock().take(LONGEST + 1).read_to_end(&mut bytes);
    if read.context("standard input can't be read")? as u64 > LONGEST {
        bail!("the text is longer than 16 KiB: no text message holds that");
    }
    let text = String::from_utf8(bytes).context("standard input is not UTF-8 text")?;
    Ok(texts::plain_lines(&text))
}
