//! What a sender needs to start, resolved from the configuration: its file, its settings with
//! their secrets, and whom it may talk to.

use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};
use textsender_plugin_api::{Level, SECRET_KEY, Secret};
use url::Url;

use super::{
    SealPlan, folder,
    lock::{Lock, Pin},
};
use crate::{
    config::{Config, Http, Network, Plugins, Sender, Setting, Trust},
    protocol::{ErrorCode, Failure},
    secrets,
    transport::HttpSettings,
};

/// What a host process is started with. Two that are equal need no new process: that is how a
/// stream notices an edit.
#[derive(Clone, PartialEq)]
pub struct Launch {
    /// The sender's name.
    pub sender: String,
    /// The plugin's id.
    pub plugin: String,
    /// The plugin's file.
    pub library: PathBuf,
    /// The settings as a JSON object in which secrets are marked.
    pub settings: String,
    /// Where files that settings name are looked for.
    pub folder: PathBuf,
    /// The secrets among them, for redaction.
    pub secrets: Vec<Secret>,
    /// How HTTP is carried.
    pub http: HttpSettings,
    /// The most detailed level that is logged.
    pub max_level: Level,
    /// What was approved of the plugin, where only approved ones may run.
    pub pin: Option<Pin>,
    /// How the host process is sealed.
    pub seal: SealPlan,
}

impl Launch {
    /// Resolves a configured sender.
    ///
    /// # Errors
    ///
    /// There is no such sender, one of its secrets can't be read, or its plugin must be approved and
    /// is not: `misconfigured`.
    pub fn of(
        config: &Config,
        state: &Path,
        sender: &str,
        max_level: Level,
    ) -> Result<Self, Failure> {
        let configured = config.senders.get(sender).ok_or_else(|| {
            Failure::with_detail(ErrorCode::UnknownSender, format!("sender {sender}"))
        })?;
        let (settings, mut secrets) = settings(configured, state, sender)?;
        let http = configured.http.over(&config.http);
        let proxy = proxy(&http, &format!("sender {sender}"), &mut secrets)?;
        Ok(Self {
            sender: sender.to_owned(),
            library: folder::find(&config.plugins, &configured.plugin),
            plugin: configured.plugin.value.clone(),
            settings: Value::from(settings).to_string(),
            folder: config
                .sources
                .main
                .parent()
                .map_or_else(PathBuf::new, Path::to_owned),
            secrets,
            http: HttpSettings {
                proxy,
                ca_file: http.ca_file,
                connect_to: http.connect_to,
                timeout: configured.timeout,
            },
            max_level,
            pin: pin(config, &configured.plugin)?,
            seal: plan(&config.plugins, configured.network.as_ref()),
        })
    }
}

impl Launch {
    /// A plugin by itself, without a configuration: settings in which secrets are marked.
    pub fn alone(library: &Path, plugin: &str, settings: &Map<String, Value>) -> Self {
        let secrets = settings.values().filter_map(|value| value.get(SECRET_KEY));
        let secrets = secrets.filter_map(Value::as_str).map(Secret::new);
        Self {
            sender: plugin.to_owned(),
            plugin: plugin.to_owned(),
            library: library.to_owned(),
            settings: Value::from(settings.clone()).to_string(),
            folder: PathBuf::from("."),
            secrets: secrets.collect(),
            http: HttpSettings::default(),
            max_level: Level::Trace,
            pin: None,
            seal: SealPlan::default(),
        }
    }
}

/// How a host process is to be sealed, for a sender with this grant, if any.
pub fn plan(plugins: &Plugins, network: Option<&Network>) -> SealPlan {
    SealPlan {
        demand: plugins.seal,
        ports: network.map_or_else(Vec::new, |network| network.ports.clone()),
    }
}

/// What was approved of a plugin, if only approved ones may run.
fn pin(config: &Config, plugin: &str) -> Result<Option<Pin>, Failure> {
    if config.plugins.trust != Trust::Pinned {
        return Ok(None);
    }
    let refused = |why: String| Failure::with_detail(ErrorCode::PluginRefused, why);
    let file = Lock::beside(&config.sources.main);
    let mut lock = Lock::read(&file).map_err(|error| refused(error.to_string()))?;
    let pin = lock.pins.remove(plugin).ok_or_else(|| {
        let file = file.display();
        refused(format!(
            "{plugin} is not in {file}; approve it: textsender plugin trust {plugin}"
        ))
    })?;
    Ok(Some(pin))
}

/// The files whose change means that a sender must be started anew: its library, its secrets, its
/// roots. A stored secret shows in its own file, and a new one in the folder.
pub(super) fn files(config: &Config, state: &Path, sender: &str) -> Vec<PathBuf> {
    let Some(configured) = config.senders.get(sender) else {
        return Vec::new();
    };
    let mut files = vec![
        folder::find(&config.plugins, &configured.plugin),
        state.join(secrets::FOLDER),
    ];
    let http = configured.http.over(&config.http);
    files.extend(http.ca_file);
    files.extend(
        http.proxy_password
            .as_ref()
            .and_then(secrets::file_referred),
    );
    if config.plugins.trust == Trust::Pinned {
        files.push(Lock::beside(&config.sources.main));
    }
    let stored = secrets::stored(state, sender).unwrap_or_default();
    files.extend(
        stored
            .keys()
            .map(|key| secrets::file_of(state, sender, key)),
    );
    let settings = configured.settings.values();
    files.extend(settings.filter_map(|setting| match &setting.value {
        Setting::Secret(reference) => secrets::file_referred(reference),
        Setting::Value(_) => None,
    }));
    files
}

/// The settings as JSON, with stored secrets where nothing is configured.
fn settings(
    configured: &Sender,
    state: &Path,
    sender: &str,
) -> Result<(Map<String, Value>, Vec<Secret>), Failure> {
    let missing = |error| unread(&format!("sender {sender}"), &error);
    let mut stored = secrets::stored(state, sender).map_err(missing)?;
    let mut settings = Map::new();
    let mut all = Vec::new();
    for (key, setting) in &configured.settings {
        match &setting.value {
            Setting::Value(value) => {
                stored.remove(key);
                settings.insert(key.clone(), to_json(value));
            }
            Setting::Secret(reference) => {
                stored.insert(
                    key.clone(),
                    secrets::referred(key, reference).map_err(missing)?,
                );
            }
        }
    }
    for (key, secret) in stored {
        settings.insert(key, json!({ SECRET_KEY: secret.expose() }));
        all.push(secret);
    }
    Ok((settings, all))
}

/// The failure of a message whose sender's secret can't be read.
fn unread(whose: &str, error: &secrets::SecretError) -> Failure {
    let code = match error.passes() {
        true => ErrorCode::PluginFailed,
        false => ErrorCode::SecretMissing,
    };
    Failure::with_detail(code, format!("{whose}: {error}"))
}

/// The proxy's address with its password, which is one more secret.
///
/// # Errors
///
/// The password can't be read; of `whose` settings it is said.
pub fn proxy(
    http: &Http,
    whose: &str,
    secrets: &mut Vec<Secret>,
) -> Result<Option<String>, Failure> {
    let Some(proxy) = &http.proxy else {
        return Ok(None);
    };
    let Some(reference) = &http.proxy_password else {
        return Ok(Some(proxy.as_url().to_owned()));
    };
    let missing = |what: String| {
        let detail = format!("{whose}: [http] {what}");
        Failure::with_detail(ErrorCode::SecretMissing, detail)
    };
    let password = secrets::referred("proxy_password", reference);
    let password = password.map_err(|error| unread(&format!("{whose}: [http]"), &error))?;
    let mut url: Url = proxy
        .as_url()
        .parse()
        .map_err(|_| missing("proxy is not an address that takes a password".to_owned()))?;
    if url.username().is_empty() || url.set_password(Some(password.expose())).is_err() {
        return Err(missing(
            "proxy names no user for its password: write http://USER@HOST:PORT".to_owned(),
        ));
    }
    secrets.push(password);
    Ok(Some(url.into()))
}

/// The settings of a sender as far as they are no secrets: what a plugin is described with.
pub fn in_the_open(sender: &Sender) -> Map<String, Value> {
    let settings = sender.settings.iter();
    let values = settings.filter_map(|(key, setting)| match &setting.value {
        Setting::Value(value) => Some((key.clone(), to_json(value))),
        Setting::Secret(_) => None,
    });
    values.collect()
}

/// TOML has dates, which JSON does not: they are text there.
pub fn to_json(value: &toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::from(text.as_str()),
        toml::Value::Integer(number) => Value::from(*number),
        toml::Value::Float(number) => Value::from(*number),
        toml::Value::Boolean(value) => Value::from(*value),
        toml::Value::Datetime(date) => Value::from(date.to_string()),
        toml::Value::Array(values) => values.iter().map(to_json).collect(),
        toml::Value::Table(table) => table
            .iter()
            .map(|(key, value)| (key.clone(), to_json(value)))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{Reading, Sources};

    fn launched(http: &str) -> Result<Launch, Failure> {
        let text = format!("[http]\n{http}\n[senders.a]\nplugin = \"acme\"\n");
        let config = Reading::of(Sources::from_text("/t.toml", text));
        let config = config.into_config().unwrap();
        Launch::of(&config, Path::new("/nowhere"), "a", Level::Error)
    }

    #[test]
    fn a_proxys_password_may_be_a_secret() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        std::fs::write(&file, "pa:ss word\n").unwrap();
        let password = format!("proxy_password = {{ file = {file:?} }}");
        let proxy = r#"proxy = "http://ada@proxy.example:3128""#;
        let launch = launched(&format!("{proxy}\n{password}")).ok().unwrap();
        let address = launch.http.proxy.unwrap();
        assert_eq!(address, "http://ada:pa%3Ass%20word@proxy.example:3128/");
        assert!(launch.secrets.iter().any(|it| it.expose() == "pa:ss word"));

        let nameless = r#"proxy = "http://proxy.example:3128""#;
        let failure = launched(&format!("{nameless}\n{password}")).err().unwrap();
        assert_eq!(failure.code, ErrorCode::SecretMissing);
        let missing = r#"proxy_password = { file = "/nowhere/password" }"#;
        let failure = launched(&format!("{proxy}\n{missing}")).err().unwrap();
        assert!(failure.detail.unwrap().contains("/nowhere/password"));
    }
}
