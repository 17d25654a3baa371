//! The plugins of an installation: every file of their folders, why one can't be used, and the providers that they
//! know.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use anyhow::{Context, anyhow, bail};
use serde::Serialize;
use serde_json::{Map, Value};

use super::Site;
use crate::{
    config::{Config, Sender, Trust},
    edit::{
        approve::{self, Approved},
        names::why_not,
    },
    plugins::{
        DeclaredHosts, Description, Refusal, StartupError, folder,
        lock::{Lock, Pin},
        verify::{self, Checksum, FileFault},
    },
    redact::Redactor,
};

/// A file of a plugins folder.
#[derive(Serialize)]
pub struct PluginFile {
    /// Its name.
    pub file: String,
    /// The plugin that it is named after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plugin: Option<String>,
    /// The plugin's version, where it could be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Why it can't be used; `null` if it can.
    pub refused: Option<String>,
    /// The senders of it.
    pub used_by: Vec<String>,
    /// What it says of itself, where it could be asked.
    #[serde(skip)]
    pub description: Option<Description>,
}

/// A provider that texts can be sent through, by a plugin of its own or by one that knows several.
#[derive(Clone, Serialize)]
pub struct KnownProvider {
    /// Its id.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// The plugin.
    pub plugin: String,
    /// The settings that choose it.
    pub settings: Map<String, Value>,
    /// Where its documents are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// What to know before it is chosen.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// What stands between a plugin and its approval.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Approval {
    /// Nothing: it is approved, and so are its hosts.
    Approved,
    /// Another file was approved.
    OtherFile,
    /// It declares these hosts, which were not.
    NewHosts(Vec<String>),
    /// It never was.
    Absent,
}

/// Every file of the plugins folders, by name; of the further ones only what the first has not. Each library is
/// loaded in a sealed process of its own, never in this one.
///
/// # Errors
///
/// A folder can't be read.
pub fn files(site: &Site) -> anyhow::Result<Vec<PluginFile>> {
    let plugins = &site.config.plugins;
    let mut paths: Vec<PathBuf> = Vec::new();
    for folder in [&plugins.folder]
        .into_iter()
        .chain(&plugins.further_folders)
    {
        let found = files_in(folder)?;
        let is_new = |path: &PathBuf| paths.iter().all(|has| has.file_name() != path.file_name());
        let new: Vec<PathBuf> = found.into_iter().filter(is_new).collect();
        paths.extend(new);
    }
    Ok(paths.iter().map(|path| look(site, path)).collect())
}

fn files_in(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let named = || format!("the plugins folder {} can't be read", folder.display());
    let entries = fs::read_dir(folder).with_context(named)?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.with_context(named)?.path());
    }
    paths.sort();
    Ok(paths)
}

fn look(site: &Site, path: &Path) -> PluginFile {
    let file = path
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let mut found = PluginFile {
        plugin: folder::plugin_of(&file),
        version: None,
        refused: None,
        used_by: Vec::new(),
        description: None,
        file,
    };
    if path.is_dir() {
        found.refused = Some("it is a folder".to_owned());
        return found;
    }
    let Some(plugin) = found.plugin.clone().filter(|plugin| folder::is_id(plugin)) else {
        let name = folder::file_of(Path::new(""), "name");
        found.plugin = None;
        found.refused = Some(format!("it is not named like a plugin, {}", name.display()));
        return found;
    };
    found.used_by = users(&site.config, &plugin);
    let faults = verify::inspect(path).faults;
    if !faults.is_empty() {
        let faults: Vec<String> = faults
            .iter()
            .map(|fault| why_no_file(fault, path))
            .collect();
        found.refused = Some(faults.join("; "));
        return found;
    }
    match site.describe(&plugin) {
        Ok(described) => {
            found.refused = not_approved(site, &plugin, path, &described);
            found.version = Some(described.info.version.clone());
            found.description = Some(described);
        }
        Err(reason) => found.refused = Some(why_not(&reason, path)),
    }
    found
}

/// Hosts that a sender's plugin declared when it was to send, and that it does not declare when it is asked: it
/// tells the two apart. Before its first message, what it declares now is kept as what it declared.
///
/// # Errors
///
/// The state folder can't be read.
pub fn undeclared_hosts(site: &Site, name: &str, sender: &Sender) -> io::Result<Vec<String>> {
    if site.config.plugins.trust != Trust::Owner {
        return Ok(Vec::new());
    }
    let declared = DeclaredHosts::read(&site.config, &site.state, name, sender)?;
    // One that can't be used is told elsewhere.
    let Ok(described) = site.describe_sender(sender) else {
        return Ok(Vec::new());
    };
    let hosts = &described.info.hosts;
    if declared.is_unknown() {
        // Where it can't be written, the first message begins the record.
        let _ = declared.keep(hosts);
    }
    Ok(declared.beyond(hosts))
}

fn why_no_file(fault: &FileFault, path: &Path) -> String {
    why_not(&StartupError::Refused(Refusal::File(fault.clone())), path)
}

/// The senders of a plugin.
pub fn users(config: &Config, plugin: &str) -> Vec<String> {
    let senders = config.senders.iter();
    let senders = senders.filter(|(_, sender)| sender.plugin.value == plugin);
    senders.map(|(name, _)| name.clone()).collect()
}

/// Why a file may not be loaded although nothing is wrong with it, where only approved ones may.
fn not_approved(site: &Site, id: &str, file: &Path, described: &Description) -> Option<String> {
    if site.config.plugins.trust == Trust::Owner {
        return None;
    }
    let remedy = format!("textsender plugin trust {id}");
    match approval(site, id, file, described) {
        Err(error) => Some(error.to_string()),
        Ok(Approval::Approved) => None,
        Ok(Approval::Absent) => Some(format!("it is not approved; approve it with {remedy}")),
        Ok(Approval::OtherFile) => Some(format!(
            "it is not the approved file; approve it with {remedy}"
        )),
        Ok(Approval::NewHosts(hosts)) => Some(format!(
            "it wants to talk to hosts that are not approved, {}; approve them with {remedy}",
            hosts.join(", ")
        )),
    }
}

/// What stands between a plugin's file and its approval, whether one is needed or not.
///
/// # Errors
///
/// `plugins.lock` can't be read.
pub fn approval(
    site: &Site,
    id: &str,
    file: &Path,
    described: &Description,
) -> anyhow::Result<Approval> {
    let approved = Lock::read(&Lock::beside(&site.config.sources.main))?;
    let Some(pin) = approved.pins.get(id) else {
        return Ok(Approval::Absent);
    };
    if verify::inspect(file).checksum.as_ref() != Some(&pin.checksum) {
        return Ok(Approval::OtherFile);
    }
    let hosts = pin.unapproved(&described.info.hosts);
    Ok(match hosts.is_empty() {
        true => Approval::Approved,
        false => Approval::NewHosts(hosts.into_iter().map(str::to_owned).collect()),
    })
}

/// Approves a plugin: its file as it is now, and the hosts that it declares. Where a checksum was `seen`, only the
/// file of that one.
///
/// # Errors
///
/// It can't be used, or `plugins.lock` can't be written.
pub fn approve(
    site: &Site,
    id: &str,
    seen: Option<&str>,
    on_wait: fn(),
) -> anyhow::Result<(Approved, Description)> {
    let file = folder::find(&site.config.plugins, id);
    let refused = |why: String| anyhow!("{} can't be approved: {why}", file.display());
    let facts = verify::inspect(&file);
    if let Some(fault) = facts.faults.first() {
        return Err(refused(fault.to_string()));
    }
    let Some(checksum) = facts.checksum else {
        bail!(refused("it can't be read".to_owned()));
    };
    if seen.is_some_and(|seen| seen.parse::<Checksum>() != Ok(checksum)) {
        bail!(refused(
            "the file has changed since; look at it again".to_owned()
        ));
    }
    let described = site.describe(id);
    let described = described.map_err(|reason| refused(why_not(&reason, &file)))?;
    let pin = Pin {
        checksum,
        hosts: described.info.hosts.clone(),
    };
    let approved = approve::approve(&site.config.sources.main, id, pin, on_wait)?;
    Ok((approved, described))
}

/// The providers that these plugins know, by id. One that has a plugin of its own goes before another's of the same
/// id.
pub fn providers(files: &[PluginFile]) -> Vec<KnownProvider> {
    let redactor = Redactor::default();
    let clean = |text: &str| redactor.clean(text);
    let mut all = Vec::new();
    for file in files.iter().filter(|file| file.refused.is_none()) {
        let (Some(plugin), Some(described)) = (&file.plugin, &file.description) else {
            continue;
        };
        let mut providers = described.providers.clone();
        if providers.is_empty() {
            providers.push(textsender_plugin_api::Provider::of(&described.info));
        }
        all.extend(providers.iter().map(|provider| KnownProvider {
            id: clean(&provider.id),
            name: clean(&provider.name),
            plugin: plugin.clone(),
            settings: provider.settings.as_object().cloned().unwrap_or_default(),
            source: provider.source.as_deref().map(clean),
            note: provider.note.as_deref().map(clean),
        }));
    }
    all.sort_by(|a, b| (&a.id, !a.settings.is_empty()).cmp(&(&b.id, !b.settings.is_empty())));
    all.dedup_by(|later, earlier| later.id == earlier.id);
    all
}
