//! Finds the configuration and the state folder, and says why there: `doctor` and the error of a
//! missing file show the reason.

use std::env;
use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

/// The configuration of the machine.
pub const SYSTEM_CONFIG: &str = "/etc/textsender/textsender.toml";

/// The state folder of root.
pub const SYSTEM_STATE: &str = "/var/lib/textsender";

/// A path and why it was chosen. Displays as `PATH (REASON)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResolvedPath {
    /// The file or folder.
    pub path: PathBuf,
    /// What chose it.
    pub reason: Reason,
}

/// What chose a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reason {
    /// The flag `--config`.
    Flag,
    /// The variable `TEXTSENDER_CONFIG`.
    Variable,
    /// It is the system's, and root runs this.
    Root,
    /// It is the system's, and it is there.
    System,
    /// `XDG_CONFIG_HOME` or `XDG_STATE_HOME`.
    Xdg,
    /// Below the user's home, where the XDG variables point if they are not set.
    Home,
    /// The configuration's own `[state] folder`.
    Configured,
    /// Neither a home nor an XDG variable is known, so the system's.
    NoHome,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Reason::Flag => "named with --config",
            Reason::Variable => "named by $TEXTSENDER_CONFIG",
            Reason::Root => "the system's, as this runs as root",
            Reason::System => "the system's, as it exists",
            Reason::Xdg => "by the XDG variable of this user",
            Reason::Home => "in the home of this user",
            Reason::Configured => "named by [state] folder",
            Reason::NoHome => "the system's, as $HOME is not set",
        })
    }
}

impl fmt::Display for ResolvedPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.path.display(), self.reason)
    }
}

/// What the choice depends on besides flags and configuration.
#[derive(Debug, Clone, Default)]
pub struct Environment {
    /// Whether the effective user is root.
    pub root: bool,
    /// Whether [`SYSTEM_CONFIG`] exists.
    pub system_config_exists: bool,
    /// `$TEXTSENDER_CONFIG`.
    pub textsender_config: Option<OsString>,
    /// `$XDG_CONFIG_HOME`.
    pub xdg_config_home: Option<OsString>,
    /// `$XDG_STATE_HOME`.
    pub xdg_state_home: Option<OsString>,
    /// `$HOME`.
    pub home: Option<OsString>,
}

impl Environment {
    /// Those of this process.
    pub fn current() -> Self {
        let variable = |name| env::var_os(name).filter(|value| !value.is_empty());
        Environment {
            root: crate::os::accounts::is_root(),
            system_config_exists: Path::new(SYSTEM_CONFIG).exists(),
            textsender_config: variable("TEXTSENDER_CONFIG"),
            xdg_config_home: variable("XDG_CONFIG_HOME"),
            xdg_state_home: variable("XDG_STATE_HOME"),
            home: variable("HOME"),
        }
    }

    /// The path of `textsender.toml`; `flag` is the value of `--config`. It need not exist.
    pub fn config_file(&self, flag: Option<&Path>) -> ResolvedPath {
        if let Some(path) = flag {
            return resolved(path, Reason::Flag);
        }
        if let Some(path) = &self.textsender_config {
            return resolved(path, Reason::Variable);
        }
        if self.root {
            return resolved(SYSTEM_CONFIG, Reason::Root);
        }
        if self.system_config_exists {
            return resolved(SYSTEM_CONFIG, Reason::System);
        }
        let own = self.own(&self.xdg_config_home, ".config", "textsender.toml");
        own.unwrap_or_else(|| resolved(SYSTEM_CONFIG, Reason::NoHome))
    }

    /// The state folder; `configured` is `[state] folder`. It need not exist.
    pub fn state_folder(&self, configured: Option<&Path>) -> ResolvedPath {
        if let Some(path) = configured {
            return resolved(path, Reason::Configured);
        }
        if self.root {
            return resolved(SYSTEM_STATE, Reason::Root);
        }
        let own = self.own(&self.xdg_state_home, ".local/state", "");
        own.unwrap_or_else(|| resolved(SYSTEM_STATE, Reason::NoHome))
    }

    /// A path of this user. A variable that is not absolute is ignored, as the XDG Base Directory
    /// Specification says.
    fn own(&self, xdg: &Option<OsString>, below_home: &str, name: &str) -> Option<ResolvedPath> {
        let absolute = |path: &&OsString| Path::new(path).is_absolute();
        let (base, reason) = match xdg.as_ref().filter(absolute) {
            Some(base) => (PathBuf::from(base), Reason::Xdg),
            None => {
                let home = self.home.as_ref().filter(absolute)?;
                (Path::new(home).join(below_home), Reason::Home)
            }
        };
        let folder = base.join("textsender");
        let path = match name {
            "" => folder,
            name => folder.join(name),
        };
        Some(resolved(path, reason))
    }
}

fn resolved(path: impl Into<PathBuf>, reason: Reason) -> ResolvedPath {
    ResolvedPath {
        path: path.into(),
        reason,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(edit: impl Fn(&mut Environment)) -> Environment {
        let mut environment = Environment::default();
        edit(&mut environment);
        environment
    }

    #[test]
    fn the_configuration_is_looked_for_in_order() {
        let home = |s: &mut Environment| s.home = Some("/home/ada".into());
        let cases = [
            (
                with(|s| {
                    home(s);
                    s.textsender_config = Some("/t.toml".into());
                    s.root = true;
                }),
                "/t.toml",
                Reason::Variable,
            ),
            (with(|s| s.root = true), SYSTEM_CONFIG, Reason::Root),
            (
                with(|s| {
                    home(s);
                    s.system_config_exists = true;
                }),
                SYSTEM_CONFIG,
                Reason::System,
            ),
            (
                with(|s| {
                    home(s);
                    s.xdg_config_home = Some("/xdg".into());
                }),
                "/xdg/textsender/textsender.toml",
                Reason::Xdg,
            ),
            (
                with(|s| {
                    home(s);
                    s.xdg_config_home = Some("relative".into());
                }),
                "/home/ada/.config/textsender/textsender.toml",
                Reason::Home,
            ),
            (with(|_| {}), SYSTEM_CONFIG, Reason::NoHome),
        ];
        for (environment, path, reason) in cases {
            let expected = resolved(path, reason);
            assert_eq!(environment.config_file(None), expected);
            let flag = environment.config_file(Some(Path::new("f.toml")));
            assert_eq!(flag, resolved("f.toml", Reason::Flag));
        }
    }

    #[test]
    fn the_state_folder_is_looked_for_in_order() {
        let user = with(|s| s.home = Some("/home/ada".into()));
        let xdg = with(|s| s.xdg_state_home = Some("/xdg".into()));
        let root = with(|s| s.root = true);
        let cases = [
            (&root, Some("/srv/t"), "/srv/t", Reason::Configured),
            (&root, None, SYSTEM_STATE, Reason::Root),
            (&xdg, None, "/xdg/textsender", Reason::Xdg),
            (
                &user,
                None,
                "/home/ada/.local/state/textsender",
                Reason::Home,
            ),
        ];
        for (environment, configured, path, reason) in cases {
            let found = environment.state_folder(configured.map(Path::new));
            assert_eq!(found, resolved(path, reason));
        }
    }
}
