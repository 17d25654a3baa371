//! `directory.toml`: which directories there are, and which policy is bound to which group policy object.
//!
//! ```toml
//! [directories.example]
//! servers = ["ldaps://dc1.example.org", "ldap://dc2.example.org"]   # ldap:// means StartTLS, always
//! ca_file = "/etc/textsender/ad-ca.pem"
//! bind = "svc-textsender@example.org"
//! password = { file = "/etc/textsender/ad-password" }               # or { credential = "NAME" }, as systemd gives it
//!
//! [[policy]]
//! name = "Staff"
//! gpo = "{8CAB271A-A7F5-4F31-9C47-3A8D4C7B5A6E}"
//! ```

use std::{
    collections::BTreeMap,
    env, fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use serde::Deserialize;

use crate::{
    guid::Guid,
    ldap::Server,
    orders::{Bound, Settings},
};

/// Where it is looked for.
pub const DEFAULT_PATH: &str = "/etc/textsender/directory.toml";

/// Where snapshots are, unless a directory says otherwise.
const SNAPSHOTS: &str = "/var/lib/textsender/directories";

/// Bits of a mode by which others than the owner may write; and by which any account may read.
const OTHERS_WRITE: u32 = 0o022;
const OTHERS_READ: u32 = 0o004;

/// The whole file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// By name.
    pub directories: BTreeMap<String, Section>,
    /// The policies that group policy objects decide for.
    #[serde(default, rename = "policy")]
    pub policies: Vec<BoundPolicy>,
}

/// `[directories.NAME]`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// Domain controllers, in the order in which they are asked.
    pub servers: Vec<String>,
    /// PEM file with the certificates to trust, instead of the system's.
    pub ca_file: Option<PathBuf>,
    /// The account that logs in, as `NAME@DOMAIN`.
    pub bind: String,
    /// Where its password is.
    pub password: Password,
    /// Where the domain begins, if not where the server says.
    pub base: Option<String>,
    /// Attributes with a number; the first that has a value counts.
    #[serde(default = "default_phone")]
    pub phone: Vec<String>,
    /// The attribute with the language.
    #[serde(default = "default_locale")]
    pub locale: String,
    /// The most that one server may take.
    #[serde(default = "default_timeout")]
    pub timeout: Span,
    /// How old a snapshot may be.
    #[serde(default = "default_stale_after")]
    pub stale_after: Span,
    /// Where the snapshot is.
    pub snapshot: Option<PathBuf>,
}

/// Where a password is. It stands in no configuration.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Password {
    /// In a file that its owner alone can write, and not everyone can read.
    File(PathBuf),
    /// In a credential that systemd gives.
    Credential(String),
}

/// `[[policy]]`: a policy, and the object that decides whom it is for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BoundPolicy {
    /// The policy.
    pub name: String,
    /// The object's id.
    pub gpo: Guid,
    /// What a WMI filter on it means.
    pub wmi_filter: Option<WmiFilter>,
}

/// What a WMI filter means, which needs a machine that no request has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WmiFilter {
    /// It is as if it had passed.
    TreatAsPassed,
}

/// A span of time: `3s`, `5m`, `1h`, `7d`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Span(pub Duration);

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not a length of time such as 3s, 5m, 1h or 7d");
        let unit = text.chars().last().ok_or_else(wrong)?;
        let seconds = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 24 * 3600,
            _ => return Err(wrong()),
        };
        let count: u64 = text[..text.len() - 1].parse().map_err(|_| wrong())?;
        match count {
            1..=100_000 => Ok(Span(Duration::from_secs(count * seconds))),
            _ => Err(wrong()),
        }
    }
}

fn default_phone() -> Vec<String> {
    vec!["mobile".to_owned()]
}

fn default_locale() -> String {
    "preferredLanguage".to_owned()
}

fn default_timeout() -> Span {
    Span(Duration::from_secs(3))
}

fn default_stale_after() -> Span {
    Span(Duration::from_secs(7 * 24 * 3600))
}

/// The configuration is not usable. It names file and key.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A file can't be read, or others could have written it.
    #[error("{}: {error}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// It is not of its form.
    #[error("{}: {what}", path.display())]
    Form {
        /// Which.
        path: PathBuf,
        /// What is wrong, and where.
        what: String,
    },
}

impl Config {
    /// Reads a file.
    ///
    /// # Errors
    ///
    /// It can't be believed, or what is wrong in it.
    pub fn read(path: &Path) -> Result<Config, ConfigError> {
        let wrong = |what: String| ConfigError::Form {
            path: path.to_owned(),
            what,
        };
        let config: Config =
            toml::from_str(&read_trusted(path, 0)?).map_err(|error| wrong(error.to_string()))?;
        for (name, section) in &config.directories {
            let key = format!("directories.{name}");
            if section.servers.is_empty() {
                return Err(wrong(format!(
                    "{key}.servers is empty: name a domain controller"
                )));
            }
            for server in &section.servers {
                if let Err(error) = server.parse::<Server>() {
                    return Err(wrong(format!("{key}.servers: {error}")));
                }
            }
            if section.phone.is_empty() {
                return Err(wrong(format!("{key}.phone is empty: write [\"mobile\"]")));
            }
        }
        for (index, policy) in config.policies.iter().enumerate() {
            let before = &config.policies[..index];
            if let Some(other) = before.iter().find(|other| other.gpo == policy.gpo) {
                let what = format!(
                    "policies {:?} and {:?} are bound to one object, {}: one of them could never win",
                    other.name, policy.name, policy.gpo
                );
                return Err(wrong(what));
            }
        }
        Ok(config)
    }

    /// The directory of this name, or the only one.
    ///
    /// # Errors
    ///
    /// There is none of this name, or several.
    pub fn directory(&self, name: Option<&str>) -> Result<(&str, &Section), String> {
        let names = || {
            self.directories
                .keys()
                .cloned()
                .collect::<Vec<_>>()
                .join(", ")
        };
        let found = match name {
            Some(name) => self.directories.get_key_value(name),
            None if self.directories.len() == 1 => self.directories.first_key_value(),
            None => return Err(format!("name one of the directories: {}", names())),
        };
        let found = found.map(|(name, section)| (name.as_str(), section));
        found.ok_or_else(|| format!("there is no such directory; there are: {}", names()))
    }

    /// What the policies are bound to.
    #[must_use]
    pub fn bound(&self) -> Vec<Bound> {
        let bound = self.policies.iter().map(|policy| Bound {
            id: policy.gpo.clone(),
            ignore_wmi_filter: policy.wmi_filter == Some(WmiFilter::TreatAsPassed),
        });
        bound.collect()
    }

    /// The policy that is bound to an object.
    #[must_use]
    pub fn policy_of(&self, gpo: &Guid) -> &str {
        let found = self.policies.iter().find(|policy| policy.gpo == *gpo);
        found.map_or("", |policy| &policy.name)
    }
}

impl Section {
    /// Where the snapshot of the directory of this name is.
    #[must_use]
    pub fn snapshot(&self, name: &str) -> PathBuf {
        let default = || Path::new(SNAPSHOTS).join(format!("{name}.json"));
        self.snapshot.clone().unwrap_or_else(default)
    }

    /// What it takes to ask it, with password and certificates read.
    ///
    /// # Errors
    ///
    /// One of the two can't be read, or not be believed.
    pub fn settings(&self) -> Result<Settings, ConfigError> {
        let ca_pem = self.ca_file.as_deref().map(|path| read_trusted(path, 0));
        let password = match &self.password {
            Password::File(path) => read_trusted(path, OTHERS_READ)?,
            Password::Credential(name) => {
                let folder = env::var_os("CREDENTIALS_DIRECTORY").unwrap_or_default();
                read_trusted(&Path::new(&folder).join(name), 0)?
            }
        };
        Ok(Settings {
            servers: self.servers.clone(),
            ca_pem: ca_pem.transpose()?,
            bind: self.bind.clone(),
            password: password.trim_end_matches(['\r', '\n']).to_owned(),
            base: self.base.clone(),
            phone: self.phone.clone(),
            locale: self.locale.clone(),
            timeout_ms: u64::try_from(self.timeout.0.as_millis()).unwrap_or(u64::MAX),
        })
    }
}

/// The text of a file that its owner alone can change, and whose mode has none of these bits.
fn read_trusted(path: &Path, forbidden: u32) -> Result<String, ConfigError> {
    let failed = |error| ConfigError::File {
        path: path.to_owned(),
        error,
    };
    let mode = fs::metadata(path).map_err(failed)?.mode();
    if mode & (OTHERS_WRITE | forbidden) != 0 {
        let what = match mode & OTHERS_WRITE {
            0 => "any account can read it: chmod o-r",
            _ => "others than its owner can write to it: chmod go-w",
        };
        return Err(failed(io::Error::other(what)));
    }
    fs::read_to_string(path).map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    const GOOD: &str = "[directories.example]\nservers = [\"ldaps://dc1.example.org\"]\nbind = \"svc@example.org\"\n\
                        password = { file = \"password\" }\n";

    fn read(text: &str) -> Result<Config, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("directory.toml");
        fs::write(&path, text).unwrap();
        Config::read(&path).map_err(|error| error.to_string())
    }

    #[test]
    fn the_example_is_read_with_its_defaults() {
        let page = include_str!("config.rs");
        let lines = page.lines().map_while(|line| line.strip_prefix("//!"));
        let example = lines.collect::<Vec<_>>().join("\n");
        let config = read(&example.split("```").nth(1).unwrap()[4..]).unwrap();
        let (name, section) = config.directory(None).unwrap();
        assert_eq!(
            section.snapshot(name),
            Path::new("/var/lib/textsender/directories/example.json")
        );
        assert_eq!(section.timeout, Span(Duration::from_secs(3)));
        assert_eq!(config.policy_of(&config.bound()[0].id), "Staff");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_key() {
        for (change, words) in [
            ("surplus = 1\n", "unknown field `surplus`"),
            ("timeout = \"fast\"\n", "not a length of time"),
            ("timeout = \"\"\n", "not a length of time"),
            ("phone = []\n", "directories.example.phone"),
            (
                "[directories.b]\nservers = [\"http://x\"]\nbind = \"a\"\npassword = { file = \"p\" }\n",
                "directories.b.servers",
            ),
            ("[[policy]]\nname = \"A\"\ngpo = \"x\"\n", "is not an id"),
        ] {
            let error = read(&format!("{GOOD}{change}")).unwrap_err();
            assert!(error.contains(words), "{error}");
        }
        let bound = |name| {
            format!(
                "[[policy]]\nname = \"{name}\"\ngpo = \"{{11111111-0000-4000-8000-000000000001}}\"\n"
            )
        };
        let error = read(&format!("{GOOD}{}{}", bound("A"), bound("B"))).unwrap_err();
        assert!(error.contains("one of them could never win"), "{error}");
    }

    #[test]
    fn files_that_others_write_or_read_are_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        fs::write(&path, "secret\n").unwrap();
        let read = |mode| {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            read_trusted(&path, OTHERS_READ).is_ok()
        };
        assert_eq!(
            [0o600, 0o640, 0o644, 0o620].map(read),
            [true, true, false, false]
        );
    }
}
