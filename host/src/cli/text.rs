//! `textsender text`: what users read.

mod editor;

use std::{
    io::{self, IsTerminal, Read},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::{Context, bail};
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use textsender_plugin_api::Purpose;

use super::{
    Common,
    edit::{Edit, tables},
    output::{Output, Style, json},
    policy::table_of,
    site::{Site, block_on, policy},
};
use crate::{
    check::{self, SenderCapabilities},
    config::{self, Config, Place, SendOptions, Sources, render},
    decision,
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
    /// The language, such as cy or pt-BR; without it the text for everybody else
    #[arg(long, value_name = "TAG")]
    locale: Option<String>,
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
    /// `null` for the text of everybody else.
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
        }
    }
}

impl Whose {
    fn purpose(&self) -> Purpose {
        match self.helpdesk {
            None => Purpose::VerificationCode,
            Some(HelpdeskText::HelpdeskCode) => Purpose::HelpdeskCode,
            Some(HelpdeskText::NewPassword) => Purpose::NewPassword,
        }
    }

    /// The text as it is, and what goes with it; none if there is none yet.
    fn text<'c>(
        &self,
        config: &'c Config,
    ) -> anyhow::Result<Option<(&'c config::Text, &'c SendOptions)>> {
        if let Some(name) = &self.policy {
            let block = policy(config, name)?.verification_code.as_ref();
            return Ok(block.map(|block| (&block.text, &block.options)));
        }
        let helpdesk = config.helpdesk.as_ref();
        Ok(helpdesk.and_then(|helpdesk| {
            let text = match self.helpdesk {
                Some(HelpdeskText::NewPassword) => &helpdesk.new_password_text,
                _ => &helpdesk.helpdesk_code_text,
            };
            Some((text.as_ref()?, &helpdesk.options))
        }))
    }

    /// Who sends it; none if nothing says so yet.
    fn options<'c>(&self, config: &'c Config) -> anyhow::Result<Option<&'c SendOptions>> {
        if let Some(name) = &self.policy {
            let block = policy(config, name)?.verification_code.as_ref();
            return Ok(block.map(|block| &block.options));
        }
        let helpdesk = config.helpdesk.as_ref();
        Ok(helpdesk.map(|helpdesk| &helpdesk.options))
    }

    fn name(&self) -> String {
        match &self.policy {
            Some(name) => format!("policy {name}"),
            None => format!("helpdesk {}", self.purpose()),
        }
    }
}

impl Show {
    fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let site = Site::read(common)?;
        let Some((text, options)) = self.whose.text(&site.config)? else {
            bail!(
                "{} has no text yet: set one with `textsender text set`",
                self.whose.name()
            );
        };
        let faults = decision::texts(self.whose.purpose(), text, options)
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
            let locale = locale.unwrap_or_else(|| "everybody else".to_owned());
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
        let now = self.whose.text(&site.config)?;
        let now = now.and_then(|(text, _)| match &self.locale {
            Some(tag) => text.translations.get(tag),
            None => Some(&text.text),
        });
        let text = match io::stdin().is_terminal() {
            true => {
                let now = now.map_or("", |text| text.as_str());
                editor::edited(now, self.whose.purpose(), &self.capabilities(&site)?)?
            }
            false => from_stdin()?,
        };
        self.judge(&text)?;

        let mut edit = Edit::begin(&common.config_file().path)?;
        let file = self.write(&mut edit, &text)?;
        edit.save()?;
        let whose = self.whose.name();
        let locale = self
            .locale
            .as_deref()
            .map(|tag| format!(" ({tag})"))
            .unwrap_or_default();
        out.line(format_args!(
            "set the text of {whose}{locale} in {}",
            file.display()
        ));
        self.say_faults(common, out)
    }

    /// What of the text arrives, by each sender that may send it.
    fn capabilities(&self, site: &Site) -> anyhow::Result<Vec<(String, SenderCapabilities)>> {
        let options = self.whose.options(&site.config)?;
        let options = options.cloned().unwrap_or_default();
        block_on(check::capabilities(&site.config, &options))
    }

    /// An error that points at what is wrong with a text.
    fn judge(&self, text: &str) -> anyhow::Result<()> {
        let purpose = self.whose.purpose();
        let written = config::Text {
            text: config::Located {
                value: text.to_owned(),
                place: Place::default(),
            },
            translations: Default::default(),
        };
        let Err(faults) = decision::texts(purpose, &written, &SendOptions::default()) else {
            return Ok(());
        };
        let sources = Sources::from_text("the text", text);
        let faults: Vec<_> = faults
            .iter()
            .map(|fault| {
                let place = Place::new(0, fault.span().unwrap_or(0..text.len()));
                sources.fault(place, "", fault.fault(), fault.remedy())
            })
            .collect();
        let shown = render::render(&faults, &sources, false);
        bail!(
            "nothing was changed, as this text can't be sent\n\n{}",
            shown.trim_end()
        );
    }

    /// Puts the text where it belongs; returns the file.
    fn write(&self, edit: &mut Edit, text: &str) -> anyhow::Result<PathBuf> {
        let tag = self.locale.as_deref();
        if let Some(name) = &self.whose.policy {
            let (file, place) = table_of(edit.config(), name)?;
            if tag.is_some() && policy(edit.config(), name)?.verification_code.is_none() {
                bail!("policy {name} has no text to translate yet: set it without --locale first");
            }
            edit.file(&file, |document| {
                let policy = place.find(document.as_table_mut())?;
                let (path, key): (&[&str], _) = match tag {
                    Some(tag) => (&["verification_code", "translations"], tag),
                    None => (&["verification_code"], "text"),
                };
                tables::set(tables::table(policy, path)?, key, text);
                Ok(())
            })?;
            return Ok(file);
        }
        let purpose = self.whose.purpose().as_str();
        edit.main(|document| {
            let (path, key) = match tag {
                Some(tag) => (vec!["helpdesk", "translations", purpose], tag),
                None => (vec!["helpdesk", "texts"], purpose),
            };
            tables::set(tables::table(document.as_table_mut(), &path)?, key, text);
            Ok(())
        })?;
        Ok(edit.config().sources.main.clone())
    }

    /// What `check` would say of the texts now: too long for the policy, say.
    fn say_faults(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let site = Site::read(common)?;
        if let Some((text, options)) = self.whose.text(&site.config)?
            && let Ok(texts) = decision::texts(self.whose.purpose(), text, options)
        {
            for fault in texts.check() {
                out.line(format_args!(
                    "{}: {fault}",
                    out.paint(Style::Attention, "note")
                ));
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn from_stdin() -> anyhow::Result<String> {
    /// Ten segments hold 1,530 characters.
    const LONGEST: u64 = 16 * 1024;
    let mut text = String::new();
    let read = io::stdin().lock().take(LONGEST).read_to_string(&mut text);
    read.context("standard input can't be read")?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}
