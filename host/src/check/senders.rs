//! Senders: their plugins, their settings against the plugin's own schema, their secrets; and at last
//! what the plugin itself says of settings that seem whole.

use std::{
    collections::{BTreeMap, HashMap},
    path::{Path, PathBuf},
};

use serde::Serialize;
use serde_json::{Map, Value, json};
use textsender_plugin_api::{Level, SECRET_KEY, SettingFault};
use tokio::time::Instant;

use super::{
    Incomplete, Standing,
    capabilities::SenderCapabilities,
    plugin::{self, Answer, PATIENCE},
    schema::{self, Finding},
    usage::Usage,
};
use crate::{
    config::{Config, Fault, Place, Sender, Setting, nearest},
    plugins::{HostProcess, Launch, Refusal, StartupError, folder, to_json, verify::FileFault},
    redact::Redactor,
    secrets,
    trust::{self, FIX},
};

/// Something that a sender still needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Need {
    /// The setting.
    pub key: String,
    /// Whether it is a secret.
    pub secret: bool,
    /// What it is, in the plugin's words.
    pub help: String,
}

/// A sender, as far as it can be known without its provider.
pub(super) struct Looked {
    pub(super) name: String,
    pub(super) plugin: String,
    /// What it can carry of a text, if its plugin could be asked.
    pub(super) capabilities: Option<SenderCapabilities>,
    pub(super) needs: Vec<Need>,
    pub(super) used_by: Vec<String>,
    pub(super) faults: Vec<Fault>,
}

impl Looked {
    /// The same outside `check`. That a policy sends with a sender that lacks something is
    /// no fault of the sender's.
    pub(super) fn standing(mut self) -> Standing {
        let lacks = |fault: &Fault| {
            let key = |need: &Need| format!("senders.{}.settings.{}", self.name, need.key);
            self.needs.iter().any(|need| key(need) == fault.key)
        };
        let faults = std::mem::take(&mut self.faults);
        Standing {
            faults: faults.into_iter().filter(|fault| !lacks(fault)).collect(),
            sender: self.name,
            plugin: self.plugin,
            has_plugin: self.capabilities.is_some(),
            needs: self.needs,
            used_by: self.used_by,
        }
    }

    /// What is reported of a sender that is not whole.
    pub(super) fn incomplete(self) -> Option<Incomplete> {
        (!self.needs.is_empty()).then_some(Incomplete {
            sender: self.name,
            plugin: self.plugin,
            needs: self.needs,
            used_by: self.used_by,
        })
    }
}

/// Looks at every sender, one after another, or at the one of a name.
pub(super) async fn look(
    config: &Config,
    state: &Path,
    usages: &[Usage<'_>],
    only: Option<&str>,
) -> Vec<Looked> {
    let mut described = HashMap::new();
    let mut looked = Vec::with_capacity(config.senders.len());
    let wanted = |name: &str| only.is_none_or(|only| only == name);
    for (name, sender) in config.senders.iter().filter(|(name, _)| wanted(name)) {
        // What a plugin is may depend on the sender's settings, where it knows several providers.
        let same = described.get(sender.plugin.as_str());
        let is_special = |it: &Option<plugin::Answer>| matches!(it, Some(Ok(description)) if !description.providers.is_empty());
        if same.is_none_or(is_special) {
            let answer = plugin::ask(config, sender).await;
            described.insert(sender.plugin.as_str(), answer);
        }
        let look = Look {
            config,
            state,
            name,
            sender,
            secrets_are_hidden: false,
            looked: Looked {
                name: name.clone(),
                plugin: sender.plugin.value.clone(),
                capabilities: None,
                needs: Vec::new(),
                used_by: used_by(config, usages, name),
                faults: Vec::new(),
            },
        };
        // It was put there above.
        let answer = described.get(sender.plugin.as_str());
        looked.push(look.at(answer.and_then(Option::as_ref)).await);
    }
    looked
}

fn used_by(config: &Config, usages: &[Usage], sender: &str) -> Vec<String> {
    let sent = usages.iter().filter(|usage| usage.is_sent);
    let using = sent.filter(|usage| usage.senders.contains(&sender));
    let mut used_by: Vec<String> = using.map(|usage| usage.owner.shown()).collect();
    let default = config.defaults.sender.as_ref();
    if default.is_some_and(|default| default.value == sender) {
        used_by.push("[defaults]".to_owned());
    }
    used_by.dedup();
    used_by
}

/// One sender, while it is looked at.
struct Look<'c> {
    config: &'c Config,
    state: &'c Path,
    name: &'c str,
    sender: &'c Sender,
    /// The stored secrets can't be read, which is a fault.
    secrets_are_hidden: bool,
    looked: Looked,
}

/// Where a setting or secret was found.
enum Origin {
    Place(Place),
    File(PathBuf),
}

impl Look<'_> {
    async fn at(mut self, answer: Option<&Answer>) -> Looked {
        let (settings, origins) = self.settings();
        match answer {
            None => {}
            Some(Err(reason)) => self.no_plugin(reason),
            Some(Ok(description)) => {
                let schema = &description.settings;
                let carries = &description.info.capabilities;
                let given = Value::from(settings.clone());
                self.looked.capabilities = Some(SenderCapabilities::of(carries, schema, &given));
                for fault in &description.faults {
                    self.described_fault(fault, &settings);
                }
                // Which settings there are is not known before what they choose is right.
                let findings = match description.faults.is_empty() {
                    true => schema::findings(schema, &settings),
                    false => Vec::new(),
                };
                for finding in findings {
                    self.finding(finding, &origins);
                }
                if self.looked.needs.is_empty() && self.looked.faults.is_empty() {
                    self.configure(schema, &origins).await;
                }
            }
        }
        self.needs_of_users();
        self.looked
    }

    /// What the plugin says is wrong with a setting, or with the file that it names: there with line,
    /// column and a caret.
    fn described_fault(&mut self, fault: &SettingFault, settings: &Map<String, Value>) {
        let key = &fault.setting;
        let message = Redactor::default().clean(&fault.message);
        let folder = self.config.sources.main.parent().unwrap_or(Path::new(""));
        let file = settings
            .get(key)
            .and_then(Value::as_str)
            .map(|path| folder.join(path));
        let text = file
            .as_deref()
            .and_then(|file| trust::read_to_string(file).ok());
        if let (Some(file), Some(text), Some(span)) = (file, text, fault.span.clone()) {
            self.looked.faults.push(Fault {
                key: format!("senders.{}.settings.{key}", self.name),
                ..Fault::in_text(&file, &text, span, message, "correct the definition")
            });
            return;
        }
        let place = self
            .sender
            .settings
            .get(key)
            .map_or(self.sender.place, |setting| setting.place);
        self.fault(place, &format!("settings.{key}"), message, "correct it");
    }

    /// The settings as the schema sees them, secrets marked and without their values, and where each
    /// was found. A secret that can't be read is a fault, but it is there.
    fn settings(&mut self) -> (Map<String, Value>, BTreeMap<String, Origin>) {
        let marked = || json!({ SECRET_KEY: "" });
        let mut settings = Map::new();
        let mut origins = BTreeMap::new();
        match secrets::stored(self.state, self.name) {
            Ok(stored) => {
                for key in stored.into_keys() {
                    let file = secrets::file_of(self.state, self.name, &key);
                    settings.insert(key.clone(), marked());
                    origins.insert(key, Origin::File(file));
                }
            }
            Err(error) => {
                let place = self.sender.place;
                self.secrets_are_hidden = true;
                let remedy = match error.unusable() {
                    Some(key) => format!("textsender secret set {}.{key}", self.name),
                    None => FIX.to_owned(),
                };
                self.fault(place, "settings", error.to_string(), remedy);
            }
        }
        for (key, setting) in &self.sender.settings {
            let value = match &setting.value {
                Setting::Value(value) => to_json(value),
                Setting::Secret(reference) => {
                    if let Err(error) = secrets::referred(key, reference) {
                        let message = error.what();
                        self.fault(
                            setting.place,
                            &format!("settings.{key}"),
                            message,
                            error.remedy(),
                        );
                    }
                    marked()
                }
            };
            settings.insert(key.clone(), value);
            origins.insert(key.clone(), Origin::Place(setting.place));
        }
        (settings, origins)
    }

    fn no_plugin(&mut self, reason: &StartupError) {
        if let StartupError::Refused(Refusal::SettingFile { setting, why }) = reason {
            let of_setting = self.sender.settings.get(setting);
            let place = of_setting.map_or(self.sender.place, |setting| setting.place);
            let key = format!("settings.{setting}");
            return self.fault(place, &key, why, "name a file that can be read");
        }
        let plugin = self.sender.plugin.as_str();
        let folder = &self.config.plugins.folder;
        let file = folder::find(&self.config.plugins, plugin);
        let (message, remedy) = match reason {
            StartupError::Refused(Refusal::File(FileFault::Missing)) => {
                let there = plugins_in(folder);
                let near = nearest(plugin, there.iter().map(String::as_str));
                let name = file.file_name().unwrap_or_default().display();
                let remedy = match near {
                    Some(near) => format!("did you mean {near:?}?"),
                    None if there.is_empty() => format!("put {name} there"),
                    None => format!("put {name} there; there are {}", there.join(", ")),
                };
                (
                    format!("there is no plugin {plugin:?} in {}", folder.display()),
                    remedy,
                )
            }
            // Found by `files`, with its remedy.
            StartupError::Refused(Refusal::File(FileFault::Unsafe(_))) => return,
            StartupError::Refused(Refusal::File(fault @ FileFault::Unreadable(_))) => {
                (format!("{}: {fault}", file.display()), FIX.to_owned())
            }
            StartupError::Refused(refusal) => (
                format!("{} can't be used: {refusal}", file.display()),
                "`textsender plugin list` shows every file of the folder".to_owned(),
            ),
            StartupError::Ended | StartupError::TimedOut => (
                format!("{} does not say what it is", file.display()),
                "report it to the plugin's author".to_owned(),
            ),
        };
        self.fault(self.sender.plugin.place, "plugin", message, remedy);
    }

    fn finding(&mut self, finding: Finding, origins: &BTreeMap<String, Origin>) {
        match finding {
            // It may well be there.
            Finding::Missing { secret: true, .. } if self.secrets_are_hidden => {}
            Finding::Missing { key, secret, help } => {
                self.looked.needs.push(Need { key, secret, help });
            }
            Finding::Wrong {
                setting,
                path,
                message,
                remedy,
            } => match origins.get(&setting) {
                Some(Origin::File(file)) => {
                    let file = Fault::of_file(file, format!("{path}: {message}"), remedy);
                    self.looked.faults.push(file);
                }
                Some(Origin::Place(place)) => {
                    self.fault(*place, &format!("settings.{path}"), message, remedy);
                }
                None => self.fault(
                    self.sender.place,
                    &format!("settings.{path}"),
                    message,
                    remedy,
                ),
            },
        }
    }

    /// Lets the plugin judge: rules between settings are not in the schema. It gets its secrets, in a
    /// host process, and contacts no provider.
    async fn configure(&mut self, schema: &Value, origins: &BTreeMap<String, Origin>) {
        let launch = match Launch::of(self.config, self.state, self.name, Level::Error) {
            Ok(launch) => launch,
            // Such as a plugin that has to be approved.
            Err(failure) => {
                let place = self.sender.plugin.place;
                return self.fault(place, "plugin", failure.to_string(), failure.code.remedy());
            }
        };
        let answer = match HostProcess::start(launch) {
            Ok(process) => process.ready(Instant::now() + PATIENCE).await,
            Err(_) => Err(StartupError::Ended),
        };
        let words = match answer {
            Ok(()) => return,
            Err(StartupError::Refused(Refusal::Settings(words) | Refusal::Secret(words))) => words,
            Err(reason) => return self.no_plugin(&reason),
        };
        // `KEY: what is wrong`, as the SDK writes it.
        let (key, what) = words.split_once(": ").unwrap_or(("", &words));
        let setting = key.split(['.', '[']).next().unwrap_or_default();
        let is_known = schema["properties"].get(setting).is_some();
        match origins.get(setting) {
            None if is_known => self.looked.needs.push(Need {
                key: setting.to_owned(),
                secret: schema::is_secret(schema, setting),
                help: what.to_owned(),
            }),
            _ => self.finding(
                Finding::Wrong {
                    setting: setting.to_owned(),
                    path: if is_known { key } else { "" }.to_owned(),
                    message: if is_known { what } else { &words }.to_owned(),
                    remedy: match schema::help_of(schema, setting) {
                        help if help.is_empty() => "correct the sender's settings".to_owned(),
                        help => help,
                    },
                },
                origins,
            ),
        }
    }

    /// What is missing is a fault only where something sends with it.
    fn needs_of_users(&mut self) {
        let Some(user) = self.looked.used_by.first() else {
            return;
        };
        let name = self.name;
        let message = format!("is missing, and {user} sends with {name:?}");
        for need in self.looked.needs.clone() {
            let Need { key, secret, help } = need;
            let command = match secret {
                true => format!("textsender secret set {name}.{key}"),
                false => format!("textsender sender set {name} {key}=VALUE"),
            };
            let remedy = match help.is_empty() {
                true => command,
                false => format!("{command} ({})", help.trim_end_matches('.')),
            };
            self.fault(
                self.sender.place,
                &format!("settings.{key}"),
                &message,
                remedy,
            );
        }
    }

    fn fault(
        &mut self,
        place: Place,
        key: &str,
        message: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let key = format!("senders.{}.{}", self.name, key.trim_end_matches('.'));
        let fault = self.config.sources.fault(place, key, message, remedy);
        self.looked.faults.push(fault);
    }
}

fn plugins_in(folder: &Path) -> Vec<String> {
    let entries = folder.read_dir().into_iter().flatten();
    let names = entries.filter_map(|entry| folder::plugin_of(entry.ok()?.file_name().to_str()?));
    let mut names: Vec<String> = names.collect();
    names.sort();
    names
}
