//! `textsender secret`: what senders prove themselves with. Written, never shown.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, SystemTime},
};

use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use serde::Serialize;

use super::{
    Common, ask,
    files::{self, Access, Lock},
    output::{Cell, Output, Style, Usage, json, notice},
    site::{Site, instead},
    standing,
};
use crate::{check, secrets};

/// Stores, lists and removes secrets of senders
///
/// A secret is named SENDER.SETTING, such as twilio.auth_token. It can be replaced, but never read back.
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
}

/// A stored secret, without its value.
#[derive(Serialize)]
pub(super) struct Stored {
    pub(super) name: String,
    /// When it was last set, in seconds of Unix time.
    set_at: u64,
    age_seconds: u64,
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
        let site = Site::read(common)?;
        site.become_owner()?;
        let (sender, key) = parts(&self.name)?;
        site.known_sender(sender)?;
        self.is_secret(&site, sender, key)?;
        let value = ask::secret(&format!("{key} of sender {sender}"))?;

        let (folder, access) = folder(&site.state)?;
        let _lock = Lock::of(&folder)?;
        let file = secrets::file_of(&site.state, sender, key);
        let is_new = !file.exists();
        files::replace(&file, value.expose().as_bytes(), access.with_mode(0o600))?;
        let done = if is_new { "stored" } else { "replaced" };
        out.line(format_args!("{done} {} in {}", self.name, file.display()));
        let configured = &site.config.senders[sender];
        if configured.settings.contains_key(key) {
            notice(format_args!(
                "but sender {sender} takes {key} from its own settings; to use the stored one: textsender sender unset {sender} {key}"
            ));
        }
        let standing = site.standing(sender)?;
        let word = out.cell(&standing::word(&standing));
        match standing::is_ready(&standing) {
            true => out.line(format_args!("sender {sender} is {word}")),
            false => {
                let detail = standing::detail(&standing);
                out.line(format_args!("sender {sender} is {word}: {detail}"));
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    /// An error if the plugin says that it is none. A plugin that can't be asked says nothing.
    fn is_secret(&self, site: &Site, sender: &str, key: &str) -> anyhow::Result<()> {
        let plugin = site.config.senders[sender].plugin.as_str();
        let Ok(described) = site.describe(plugin) else {
            notice(format_args!(
                "the plugin {plugin} can't be asked whether it has this setting; `textsender plugin list` says why"
            ));
            return Ok(());
        };
        let fields = check::fields(&described);
        match check::field(&fields, key) {
            Ok(field) if field.is_secret => Ok(()),
            Ok(_) => {
                bail!("{key} is no secret: set it with `textsender sender set {sender} {key}=...`")
            }
            Err(_) => {
                let secrets = fields.iter().filter(|field| field.is_secret);
                let names = secrets.map(|field| field.name.as_str());
                bail!(
                    "the plugin {plugin} has no secret {key}{}",
                    instead(key, names, "see `textsender plugin show`")
                )
            }
        }
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
        let (sender, key) = parts(&self.name)?;
        let file = secrets::file_of(&site.state, sender, key);
        if !file.exists() {
            let stored = all(&site)?;
            let names = stored.iter().map(|secret| secret.name.as_str());
            bail!(
                "there is no stored secret {}{}",
                self.name,
                instead(&self.name, names, "nothing is to be done")
            );
        }
        let _lock = Lock::of(&site.state.join(secrets::FOLDER))?;
        files::remove(&file)?;
        out.line(format_args!(
            "removed {} from {}",
            self.name,
            file.display()
        ));
        Ok(ExitCode::SUCCESS)
    }
}

fn parts(name: &str) -> anyhow::Result<(&str, &str)> {
    let fits = |part: &str| {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
        (1..=64).contains(&part.len()) && part.bytes().all(fits)
    };
    match name.split_once('.') {
        Some((sender, key)) if fits(sender) && fits(key) => Ok((sender, key)),
        _ => bail!(Usage(format!(
            "{name:?} is no name of a secret: write SENDER.SETTING, such as twilio.auth_token"
        ))),
    }
}

/// The folder of secrets, made if it is not there, and the access of what is in it: the state
/// folder's owner's alone.
fn folder(state: &Path) -> anyhow::Result<(PathBuf, Access)> {
    let private = Access {
        owner: None,
        mode: 0o700,
    };
    files::make_folder(state, private)?;
    let access = Access::of(state).with_context(|| format!("{} can't be read", state.display()))?;
    let folder = state.join(secrets::FOLDER);
    files::make_folder(&folder, access.with_mode(0o700))?;
    Ok((folder, access))
}

/// All that are stored, by name.
pub(super) fn all(site: &Site) -> anyhow::Result<Vec<Stored>> {
    let folder = site.state.join(secrets::FOLDER);
    let entries = match fs::read_dir(&folder) {
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
        let Ok((sender, key)) = parts(&name) else {
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

fn use_of(site: &Site, sender: &str, key: &str) -> (bool, String) {
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
