//! `textsender secret`: what senders prove themselves with. Written, never shown.

use std::{
    fs, io,
    process::ExitCode,
    time::{Duration, SystemTime},
};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use jiff::{Timestamp, civil::Date};
use serde::Serialize;
use textsender_plugin_api::Secret as Value;

use super::{
    Common, ask,
    edit::say_wait,
    output::{Cell, Output, Style, Usage, json, notice},
    site::Site,
    standing,
};
use crate::{
    edit::{names::instead, secrets},
    protocol::Outcome,
    secrets as stored, trust,
};

/// Stores, lists and removes secrets of senders
///
/// A secret is named SENDER.SETTING, such as twilio.auth_token. It can be replaced, but never read back.
/// The token of a caller of the hub is named serve.NAME; serve.NAME.next counts beside it. The password of a directory
/// is named directories.NAME.password.
#[derive(Args)]
#[command(after_help = "Examples:\n  \
    textsender secret set twilio.auth_token            # asks, and shows nothing\n  \
    textsender secret set twilio.auth_token < token    # or reads standard input")]
pub(super) struct Secret {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    Set(Set),
    List(List),
    Remove(Remove),
}

/// Stores a secret: asked for without echo, or read from standard input
#[derive(Args)]
#[command(after_help = "Example:\n  textsender secret set twilio.auth_token")]
struct Set {
    /// Its name, SENDER.SETTING
    name: String,
    /// Asks the provider whether it accepts the secret; if it does not, or can't be asked, the stored one stays
    #[arg(long)]
    check: bool,
    /// Stores it exactly as given, with spaces, quotes and all else that is usually pasted by mistake
    #[arg(long)]
    exact: bool,
    /// The date on which it ends, such as 2027-03-01: `textsender expiring` and alerts have it 30, 7 and 1 days before
    #[arg(long, value_name = "DATE")]
    expires: Option<Date>,
}

/// Lists stored secrets: names, age and what uses them
#[derive(Args)]
#[command(after_help = "Example:\n  textsender secret list --json")]
struct List {
    /// Writes JSON
    #[arg(long)]
    json: bool,
}

/// Removes a stored secret
#[derive(Args)]
#[command(after_help = "Example:\n  textsender secret remove twilio.auth_token")]
struct Remove {
    /// Its name, SENDER.SETTING
    name: String,
    /// Removes it even if messages are sent with it, which then fail
    #[arg(long)]
    force: bool,
}

/// A stored secret, without its value.
#[derive(Serialize)]
pub(super) struct Stored {
    pub(super) name: String,
    /// When it was last set, in seconds of Unix time.
    set_at: u64,
    pub(super) age_seconds: u64,
    /// Whether its sender is configured and takes it from here.
    pub(super) is_used: bool,
    #[serde(rename = "use")]
    pub(super) use_: String,
}

impl Secret {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        match &self.command {
            Command::Set(set) => set.run(common, out),
            Command::List(list) => list.run(common, out),
            Command::Remove(remove) => remove.run(common, out),
        }
    }
}

impl Set {
    fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        self.is_ahead()?;
        let site = Site::read(common)?;
        site.become_owner()?;
        let (sender, key) = secrets::parts(&self.name)?;
        if is_token(&site, sender) {
            let what = format!("token of the caller {key}");
            return self.store_other(&site, &what, "token", out);
        }
        if is_password(&site, sender, key) {
            return self.store_other(&site, "password of the shared ledger's database", key, out);
        }
        if let Some(directory) = directory_of(&site, sender, key) {
            let what = format!("password of the directory {directory}");
            return self.store_other(&site, &what, stored::PASSWORD, out);
        }
        site.known_sender(sender)?;
        let form = form_of(&site, sender, key)?;
        let given = ask::secret(&format!("{key} of sender {sender}"))?;
        let secret = match self.exact {
            true => given,
            false => cleaned(&given, key)?,
        };
        if let (Some(form), false) = (&form, self.exact) {
            form.check(&secret)?;
        }
        let expired = stored::expiry_dates(&site.state).remove(&self.name);
        let stored = secrets::store(&site.state, sender, key, &secret, self.expires, say_wait)?;
        if self.check
            && let Err(why) = taken_by_provider(&site, sender, common)
        {
            self.put_back(&site, sender, key, &stored, expired)?;
            bail!("nothing was changed, as {why:#}");
        }
        let done = if stored.is_new { "stored" } else { "replaced" };
        out.line(format_args!(
            "{done} {} in {}",
            self.name,
            stored.file.display()
        ));
        if !secrets::is_taken_from_here(&site.config, sender, key) {
            notice(format_args!(
                "but sender {sender} takes {key} from its own settings; to use the stored one: textsender sender unset {sender} {key}"
            ));
        }
        let standing = site.standing(sender)?;
        let word = out.cell(&standing::word(&standing));
        match standing.is_ready() {
            true => out.line(format_args!("sender {sender} is {word}")),
            false => {
                let detail = standing.detail();
                out.line(format_args!("sender {sender} is {word}: {detail}"));
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// A date that has passed is a mistake: nothing would tell of it any more. A secret is good to the end of the day
    /// before its date, in UTC.
    fn is_ahead(&self) -> anyhow::Result<()> {
        let now = Timestamp::now();
        let end = |date: &Date| format!("{date}T00:00:00Z").parse::<Timestamp>();
        let has_passed = |date: &Date| end(date).is_ok_and(|end| end <= now);
        match self.expires.filter(has_passed) {
            Some(date) => bail!(Usage(format!(
                "--expires {date} has passed, as it is {} in UTC; nothing was stored",
                now.strftime("%Y-%m-%d")
            ))),
            None => Ok(()),
        }
    }

    /// Stores what is no sender's.
    fn store_other(
        &self,
        site: &Site,
        what: &str,
        label: &str,
        out: &Output,
    ) -> anyhow::Result<ExitCode> {
        let (owner, key) = secrets::parts(&self.name)?;
        let given = ask::secret(what)?;
        let secret = match self.exact {
            true => given,
            false => cleaned(&given, label)?,
        };
        let stored = secrets::store(&site.state, owner, key, &secret, self.expires, say_wait)?;
        let done = if stored.is_new { "stored" } else { "replaced" };
        let file = stored.file.display();
        out.line(format_args!("{done} {} in {file}", self.name));
        Ok(ExitCode::SUCCESS)
    }

    /// Puts back what was there before.
    fn put_back(
        &self,
        site: &Site,
        sender: &str,
        key: &str,
        stored: &secrets::Stored,
        expires: Option<Date>,
    ) -> anyhow::Result<()> {
        match &stored.before {
            Some(before) => drop(secrets::store(
                &site.state,
                sender,
                key,
                before,
                expires,
                say_wait,
            )?),
            None => drop(secrets::remove(
                &site.config,
                &site.state,
                (sender, key),
                true,
                say_wait,
            )?),
        }
        Ok(())
    }
}

impl List {
    fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let site = Site::read(common)?;
        site.become_owner()?;
        let stored = all(&site)?;
        if self.json {
            json(&stored);
            return Ok(ExitCode::SUCCESS);
        }
        let rows: Vec<Vec<Cell>> = stored
            .iter()
            .map(|secret| {
                let style = if secret.is_used {
                    Style::Plain
                } else {
                    Style::Attention
                };
                vec![
                    secret.name.as_str().into(),
                    age(secret.age_seconds).into(),
                    Cell::new(style, &secret.use_),
                ]
            })
            .collect();
        out.table(&["SECRET", "AGE", "USED BY"], &rows);
        Ok(ExitCode::SUCCESS)
    }
}

impl Remove {
    fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let site = Site::read(common)?;
        site.become_owner()?;
        let (sender, key) = secrets::parts(&self.name)?;
        if !stored::file_of(&site.state, sender, key).exists() {
            let stored = all(&site)?;
            let names = stored.iter().map(|secret| secret.name.as_str());
            bail!(
                "there is no stored secret {}{}",
                self.name,
                instead(&self.name, names, "nothing to do")
            );
        }
        let secret = (sender, key);
        let file = secrets::remove(&site.config, &site.state, secret, self.force, say_wait)?;
        out.line(format_args!(
            "removed {} from {}",
            self.name,
            file.display()
        ));
        Ok(ExitCode::SUCCESS)
    }
}

/// All that are stored, by name.
pub(super) fn all(site: &Site) -> anyhow::Result<Vec<Stored>> {
    let folder = site.state.join(stored::FOLDER);
    let judged = trust::folder(&folder).and_then(|_| fs::read_dir(&folder));
    let entries = match judged {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(error).with_context(|| format!("{} can't be read", folder.display()));
        }
    };
    let mut stored = Vec::new();
    for entry in entries {
        let entry = entry?;
        let Some(name) = entry.file_name().to_str().map(str::to_owned) else {
            continue;
        };
        let Ok((sender, key)) = secrets::parts(&name) else {
            continue;
        };
        let set_at = entry.metadata()?.modified()?;
        let (is_used, use_) = use_of(site, sender, key);
        stored.push(Stored {
            set_at: seconds(
                set_at
                    .duration_since(SystemTime::UNIX_EPOCH)
                    .unwrap_or_default(),
            ),
            age_seconds: seconds(set_at.elapsed().unwrap_or_default()),
            is_used,
            use_,
            name,
        });
    }
    stored.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(stored)
}

/// The form of a secret, if its plugin declares one.
///
/// # Errors
///
/// The plugin says that it is no secret. A plugin that can't be asked says nothing.
fn form_of(site: &Site, sender: &str, key: &str) -> anyhow::Result<Option<secrets::Form>> {
    let plugin = site.config.senders[sender].plugin.as_str();
    let Ok(described) = site.describe_sender(&site.config.senders[sender]) else {
        notice(format_args!(
            "the plugin {plugin} can't be asked whether it has this setting; `textsender plugin list` says why"
        ));
        return Ok(None);
    };
    Ok(secrets::Form::of(&described, sender, key)?)
}

/// A secret without what pasting brought along, which is told.
fn cleaned(given: &Value, key: &str) -> anyhow::Result<Value> {
    let cleaned = secrets::clean(given.expose(), key)?;
    if !cleaned.taken_off.is_empty() {
        notice(format_args!(
            "taken off: {} (with --exact it stays)",
            cleaned.taken_off.join(", ")
        ));
    }
    Ok(cleaned.secret)
}

/// Asks the provider whether it takes a sender's secret.
///
/// # Errors
///
/// It refuses the secret, or this could not be found out.
fn taken_by_provider(site: &Site, sender: &str, common: &Common) -> anyhow::Result<()> {
    const WITHOUT: &str = "without --check it is stored anyway";
    let standing = site.standing(sender)?;
    if !standing.is_ready() {
        let detail = standing.detail();
        bail!("the provider can't be asked before the sender is ready: {detail}; {WITHOUT}");
    }
    let asked = crate::site::ask(site, sender, common.log.level())?;
    let faults = asked.findings.iter().filter(|finding| finding.is_fault);
    let words: Vec<&str> = faults.map(|finding| finding.message.as_str()).collect();
    let words = words.join("; ");
    match asked.outcome {
        Outcome::Accepted => Ok(()),
        Outcome::Misconfigured => bail!("the provider refuses it: {words}"),
        Outcome::Unknown => bail!("the plugin has no way to ask its provider; {WITHOUT}"),
        _ => bail!("the provider could not be asked: {words}; {WITHOUT}"),
    }
}

/// What else lies in the folder of secrets, such as a copy of one.
pub(super) fn strays(site: &Site) -> Vec<String> {
    let entries = fs::read_dir(site.state.join(stored::FOLDER));
    let names = entries.into_iter().flatten().flatten();
    let names = names.filter_map(|entry| entry.file_name().into_string().ok());
    let mut strays: Vec<String> = names
        .filter(|name| !name.starts_with('.') && secrets::parts(name).is_err())
        .collect();
    strays.sort();
    strays
}

/// Whether a secret is the token of a caller of the hub.
fn is_token(site: &Site, sender: &str) -> bool {
    sender == stored::TOKENS && !site.config.senders.contains_key(sender)
}

/// Whether a secret is the password of the database of a shared ledger.
fn is_password(site: &Site, sender: &str, key: &str) -> bool {
    (sender, key) == (stored::LEDGER, stored::PASSWORD) && !site.config.senders.contains_key(sender)
}

/// The directory that a secret is the password of.
fn directory_of<'k>(site: &Site, sender: &str, key: &'k str) -> Option<&'k str> {
    let is_senders = site.config.senders.contains_key(sender);
    (sender == stored::DIRECTORIES && !is_senders)
        .then(|| stored::directory_of(key))
        .flatten()
}

fn use_of(site: &Site, sender: &str, key: &str) -> (bool, String) {
    if is_token(site, sender) {
        let caller = key.strip_suffix(stored::NEXT).unwrap_or(key);
        return (true, format!("caller {caller} of the hub"));
    }
    if is_password(site, sender, key) {
        return match site.config.state.shared {
            Some(_) => (true, "the shared ledger".to_owned()),
            None => (false, "nothing: there is no [state.shared]".to_owned()),
        };
    }
    if let Some(directory) = directory_of(site, sender, key) {
        return match site.config.directories.get(directory) {
            Some(settings) if settings.password.is_none() => {
                (true, format!("directory {directory}"))
            }
            Some(_) => (
                false,
                format!("nothing: directory {directory} takes its password from elsewhere"),
            ),
            None => (false, format!("nothing: there is no directory {directory}")),
        };
    }
    match site.config.senders.get(sender) {
        None => (false, format!("nothing: there is no sender {sender}")),
        Some(configured) if configured.settings.contains_key(key) => (
            false,
            format!("nothing: sender {sender} takes {key} from its own settings"),
        ),
        Some(_) => (true, format!("sender {sender}")),
    }
}

fn seconds(duration: Duration) -> u64 {
    duration.as_secs()
}

fn age(seconds: u64) -> String {
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3600 => format!("{} min", seconds / 60),
        3600..172_800 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}
