//! The providers that the plugin http knows, read from its definitions: settings that fit, and the answer that takes a
//! text.

use std::fs;
use std::path::Path;

use toml::{Table, Value};

use crate::sandbox::echo::Script;

/// Where the definitions are.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../plugins/http/presets");

/// A provider that the plugin http knows.
#[derive(Clone, Debug)]
pub struct Preset {
    /// Its id.
    pub id: String,
    /// Settings that fit, from its examples.
    pub settings: Vec<(String, String)>,
    /// Its secrets, by their settings; none of them is real.
    pub secrets: Vec<(String, String)>,
    /// The status and the body with which it takes a text.
    pub accepted: (i64, String),
    /// The path of the question that proves the account, if it has one.
    check: Option<String>,
}

impl Preset {
    /// All of them, by their ids.
    ///
    /// # Panics
    /// If a definition is not in its form.
    pub fn all() -> Vec<Self> {
        let files = fs::read_dir(FOLDER).unwrap();
        let mut all: Vec<_> = files
            .map(|file| Self::read(&file.unwrap().path()))
            .collect();
        all.sort_by(|one, other| one.id.cmp(&other.id));
        all
    }

    fn read(path: &Path) -> Self {
        let definition: Table = toml::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let text = |value: &Value| value.as_str().unwrap().to_owned();
        let (mut settings, mut secrets) = (Vec::new(), Vec::new());
        for (key, setting) in definition["settings"].as_table().unwrap() {
            match (setting.get("secret"), setting.get("example")) {
                // In base64, as some of them have to be.
                (Some(_), _) => {
                    let secret = format!("c2VjcmV0LW9m{}", key.replace('_', ""));
                    secrets.push((key.clone(), format!("{secret:A<32}")));
                }
                (None, Some(example)) => settings.push((key.clone(), text(example))),
                (None, None) => {}
            }
        }
        let examples = definition["example"].as_array().unwrap();
        let is_accepted = |it: &&Value| it["verdict"].as_str() == Some("accepted");
        let accepted = examples.iter().find(is_accepted).unwrap();
        let body = accepted.get("body").map(text).unwrap_or_default();
        let check = definition.get("check").map(text);
        let path_of = |url: String| {
            let rest = url.strip_prefix("https://").unwrap_or_default();
            rest[rest.find('/').unwrap_or(rest.len())..].to_owned()
        };
        Self {
            id: path.file_stem().unwrap().to_str().unwrap().to_owned(),
            settings,
            secrets,
            accepted: (accepted["status"].as_integer().unwrap(), body),
            check: check.map(path_of),
        }
    }

    /// Whether it has a question that proves the account without sending.
    pub fn has_check(&self) -> bool {
        self.check.is_some()
    }

    /// What the provider answers to what is asked before a text: an access token, its clock.
    fn reading(&self) -> Option<(&'static str, &'static str)> {
        match self.id.as_str() {
            "orange" | "ringcentral" => Some((
                "POST",
                r#"{ "access_token": "t0k3n", "expires_in": "3600" }"#,
            )),
            "ovhcloud" => Some(("GET", "1767225600")),
            _ => None,
        }
    }

    /// A sample of the plugin, as `textsender plugin check --settings` reads it.
    pub fn sample(&self) -> String {
        let mut sample = format!("[settings]\nprovider = {:?}\n", self.id);
        for (key, value) in &self.settings {
            sample += &format!("{key} = {value:?}\n");
        }
        sample += "[secrets]\n";
        for (key, secret) in &self.secrets {
            sample += &format!("{key} = {secret:?}\n");
        }
        let (status, body) = &self.accepted;
        sample += &format!("[accepted]\nstatus = {status}\nbody = '''{body}'''\n");
        if let Some((_, body)) = self.reading() {
            sample += &format!("[reading]\nstatus = 200\nbody = '''{body}'''\n");
        }
        sample
    }

    /// What the provider says while all is well, for the echo.
    pub fn script(&self) -> Script {
        let mut script = String::new();
        if let Some((method, body)) = self.reading() {
            for path in ["/oauth", "/restapi/oauth", "/1.0/auth/time"] {
                script += &format!(
                    "[[answer]]\nmethod = {method:?}\npath = {path:?}\nstatus = 200\nbody = '''{body}'''\n"
                );
            }
        }
        if let Some(path) = &self.check {
            // A path may hold a setting: what is before it will do.
            let path = path.split('%').next().unwrap_or_default();
            script += &format!("[[answer]]\nmethod = \"GET\"\npath = {path:?}\nstatus = 200\n");
        }
        let (status, body) = &self.accepted;
        script += &format!("[[answer]]\nstatus = {status}\nbody = '''{body}'''\n");
        Script::parse(&script).unwrap()
    }
}
