//! `textsender init`: a configuration with a comment for each part, the first policy, and the folders.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, bail};
use toml_edit::value;

use super::{
    Common, ask,
    edit::say_wait,
    output::{Output, Style, Usage},
};
use crate::{
    config::{DEFAULT_PLUGINS_FOLDER, Environment, POLICIES_FOLDER, Reading, Sources, WithoutPlus},
    edit::{
        Editor,
        defaults::SetOwner,
        files::{self, Access, Lock},
        repair,
    },
    os::accounts::{self, Account},
    recipient::Region,
    secrets, trust,
};

/// Makes a configuration, the first policy and the folders
///
/// What is there already stays as it is, so it may be run again to make what is missing.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    sudo textsender init --region GB\n  \
    textsender init --region GB --folder ~/textsender   # to try it, without root")]
pub(super) struct Init {
    /// The country whose users are texted, such as GB. Their numbers may be written as they are dialled at home
    #[arg(long)]
    region: Option<String>,
    /// Puts everything into this folder: configuration, policies, plugins, state
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    folder: Option<PathBuf>,
    /// The folder of the plugins, if it is not the one that came with this program
    #[arg(long, value_name = "DIR")]
    plugins: Option<PathBuf>,
    /// The account that will send, which then owns secrets and ledger [default when root: textsender, if it exists]
    #[arg(long, value_name = "USER")]
    owner: Option<String>,
}

/// The account that the package makes.
const PACKAGED_ACCOUNT: &str = "textsender";

const MAIN: &str = include_str!("init/textsender.toml");
const EVERYONE: &str = include_str!("init/everyone.toml");

impl Init {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let places = self.places(common)?;
        let account = self.account(&places)?;
        let owner = account
            .as_ref()
            .map(|account| (account.user, account.group));
        let region = self.region(&places)?;
        let folder = places.main.parent().unwrap_or(Path::new("/"));

        let open = Access {
            owner: None,
            mode: 0o755,
        };
        // The state is the sending account's own; everything else is read by it, and written by
        // the user who runs this.
        let closed = Access { owner, mode: 0o700 };
        let readable = Access {
            owner: None,
            mode: 0o644,
        };
        let policies = folder.join(POLICIES_FOLDER);
        let mut told = Told { out };
        told.folder(folder, open)?;
        let lock = Lock::of(folder, say_wait)?;
        told.folder(&policies, open)?;
        told.folder(&places.plugins, open)?;
        if let Some(account) = &account {
            // What it owns is believed from here on; what another owned is handed over first.
            trust::accept_owner(account.user);
            told.give(&places.state, account)?;
        }
        told.folder(&places.state, closed)?;
        told.folder(&places.state.join(secrets::FOLDER), closed)?;
        match region {
            Some(region) => {
                let everyone = EVERYONE.replace("REGION", region.as_str());
                told.file(&policies.join("everyone.toml"), &everyone, readable)?;
                // Last, so that there is no configuration before the rest is there.
                let owner = account.as_ref().map(|account| account.name.as_str());
                let text = places.configuration(region, owner)?;
                told.file(&places.main, &text, readable)?;
            }
            None => {
                drop(lock);
                told.say(false, &places.main);
                if let Some(account) = &account {
                    record_owner(common, &places, account, out)?;
                }
            }
        }

        self.say_next(&places, out);
        Ok(ExitCode::SUCCESS)
    }

    /// Of the first policy; `None` if there is a configuration already, and so no first policy to make.
    fn region(&self, places: &Places) -> anyhow::Result<Option<Region>> {
        if places.main.exists() {
            return Ok(None);
        }
        let missing = "give --region, the country whose users are texted, such as --region GB";
        let region = match &self.region {
            Some(region) => region.clone(),
            None => ask::line(
                "Country whose users are texted, as two letters (GB, IE, US, ...)",
                missing,
            )?,
        };
        match Region::parse(region.trim()) {
            Ok(region) => Ok(Some(region)),
            Err(error) => bail!(Usage(error.to_string())),
        }
    }

    fn places(&self, common: &Common) -> anyhow::Result<Places> {
        let named = |path: &Path| {
            std::path::absolute(path).with_context(|| format!("{} is not a path", path.display()))
        };
        let own_plugins = self.plugins.as_deref().map(named).transpose()?;
        if let Some(folder) = &self.folder {
            let folder = named(folder)?;
            return Ok(Places {
                main: folder.join("textsender.toml"),
                plugins: own_plugins
                    .or_else(packaged_plugins)
                    .unwrap_or(folder.join("plugins")),
                state: folder.join("state"),
                is_state_named: true,
            });
        }
        let main = named(&common.config_file().path)?;
        // One that is there says itself where its folders are.
        let is_there = main.exists();
        let config = match is_there {
            true => Some(Reading::of(Sources::read(&main)).believed()?.config),
            false => None,
        };
        let configured = config
            .as_ref()
            .and_then(|config| config.state.folder.clone());
        let own_plugins = own_plugins.or(config.map(|config| config.plugins.folder));
        Ok(Places {
            main,
            plugins: own_plugins
                .or_else(packaged_plugins)
                .unwrap_or(DEFAULT_PLUGINS_FOLDER.into()),
            state: Environment::current()
                .state_folder(configured.as_deref())
                .path,
            is_state_named: accounts::is_root(),
        })
    }

    /// The account that sends: the one that is named, or recorded already, or the package's.
    fn account(&self, places: &Places) -> anyhow::Result<Option<Account>> {
        let is_root = accounts::is_root();
        let recorded = Reading::of(Sources::read(&places.main)).believed()?;
        let recorded = recorded.config.state.owner;
        let name = match (&self.owner, recorded) {
            (Some(_), _) if !is_root => bail!(Usage(
                "only root can give folders to another account with --owner".into()
            )),
            (Some(name), _) => name.clone(),
            (None, _) if !is_root => return Ok(None),
            (None, Some(recorded)) => recorded.value,
            (None, None) if self.folder.is_none() => {
                return Ok(accounts::named(PACKAGED_ACCOUNT)?);
            }
            (None, None) => return Ok(None),
        };
        match accounts::named(&name)? {
            Some(account) => Ok(Some(account)),
            None => bail!(
                "there is no account {name}: make it first, such as with useradd --system {name}"
            ),
        }
    }

    fn say_next(&self, places: &Places, out: &Output) {
        let with = match (&self.folder, env::var_os("TEXTSENDER_CONFIG")) {
            (Some(_), None) => format!("export TEXTSENDER_CONFIG={}\n  ", places.main.display()),
            _ => String::new(),
        };
        let is_empty = fs::read_dir(&places.plugins).is_ok_and(|mut files| files.next().is_none());
        let plugins = match is_empty {
            true => "textsender plugin install FILE",
            false => "textsender plugin list",
        };
        out.line(format_args!(
            "\nNext:\n  {with}{plugins}\n  textsender sender add NAME --plugin ID"
        ));
    }
}

/// Writes the account into a configuration that was there already and names another, or none.
fn record_owner(
    common: &Common,
    places: &Places,
    account: &Account,
    out: &Output,
) -> anyhow::Result<()> {
    let order = SetOwner {
        account: account.name.clone(),
    };
    let editor = Editor::new(&places.main).on_wait(say_wait).force(true);
    let applied = editor.apply(&order)?;
    if !applied.difference.files.is_empty() {
        let name = &account.name;
        let path = common.config_file().path;
        out.line(format_args!(
            "noted {name} as [state] owner in {}",
            path.display()
        ));
    }
    Ok(())
}

/// Where everything goes.
struct Places {
    main: PathBuf,
    plugins: PathBuf,
    state: PathBuf,
    /// Whether the configuration says where the state is. An account's own needs no word.
    is_state_named: bool,
}

impl Places {
    fn configuration(&self, region: Region, owner: Option<&str>) -> anyhow::Result<String> {
        let text = MAIN.replace("REGION", region.as_str());
        let parsed = text.parse();
        let mut document: toml_edit::DocumentMut =
            parsed.context("the built-in configuration is no TOML")?;
        let text = |path: &Path| path.display().to_string();
        document["plugins"]["folder"] = value(text(&self.plugins));
        if region.has_no_trunk_prefix() {
            // Then bare digits are how numbers are written there.
            document["defaults"][WithoutPlus::KEY] = value("national");
        }
        if self.is_state_named {
            document["state"]["folder"] = value(text(&self.state));
        }
        if let Some(owner) = owner {
            document["state"]["owner"] = value(owner);
        }
        Ok(document.to_string())
    }
}

/// The plugins that came with this program: in `../lib` of its own, as in the packages and the tarball. One that
/// came otherwise, as from a build, leaves those of an installed one alone.
fn packaged_plugins() -> Option<PathBuf> {
    let program = env::current_exe().ok()?;
    let folder = program.parent()?.parent()?.join("lib/textsender/plugins");
    folder.is_dir().then_some(folder)
}

/// Makes what is missing, and says so.
struct Told<'o> {
    out: &'o Output,
}

impl Told<'_> {
    fn folder(&mut self, path: &Path, access: Access) -> anyhow::Result<()> {
        let made = files::make_folder(path, access)?;
        self.say(made, path);
        Ok(())
    }

    fn file(&mut self, path: &Path, text: &str, access: Access) -> anyhow::Result<()> {
        let is_new = !path.exists();
        if is_new {
            files::replace(path, text.as_bytes(), access)?;
        }
        self.say(is_new, path);
        Ok(())
    }

    /// Hands a folder over, with all that is in it.
    fn give(&mut self, folder: &Path, account: &Account) -> anyhow::Result<()> {
        let given = repair::give(folder, account.user, account.group)?;
        if given > 0 {
            let word = self.out.paint(Style::Good, "gave");
            let folder = folder.display();
            self.out
                .line(format_args!("{word}  {folder} to {}", account.name));
        }
        Ok(())
    }

    fn say(&self, made: bool, path: &Path) {
        let word = match made {
            true => self.out.paint(Style::Good, "made"),
            false => self.out.paint(Style::Faint, "kept"),
        };
        self.out.line(format_args!("{word}  {}", path.display()));
    }
}
