//! `textsender plugin install` and `remove`.

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, anyhow, bail};

use crate::{
    cli::{
        Common,
        edit::say_wait,
        output::{Output, Usage},
        site::Site,
    },
    config::Trust,
    edit::{
        files::{self, Access, Lock},
        journal::{self, Change},
        names::why_not,
    },
    plugins::{Description, folder},
    site::plugins::users,
    trust,
};

/// Puts a plugin into the plugins folder, or a newer version over an older one
///
/// It is examined first, in a sealed process; one that can't be used is not installed. The file is replaced at
/// once:
/// what is being sent goes on with the old one.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  sudo textsender plugin install ./libtextsender_acme.so")]
pub(super) struct Install {
    /// The library, libtextsender_NAME.so
    file: PathBuf,
}

/// Removes a plugin that no sender uses
#[derive(clap::Args)]
#[command(after_help = "Example:\n  sudo textsender plugin remove acme")]
pub(super) struct Remove {
    /// The plugin
    id: String,
}

impl Install {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let site = Site::read(common)?;
        let id = self.id()?;
        let bytes = read(&self.file);
        let bytes = bytes.with_context(|| format!("{} can't be read", self.file.display()))?;

        let folder = &site.config.plugins.folder;
        files::make_folder(
            folder,
            Access {
                owner: None,
                mode: 0o755,
            },
        )?;
        let _lock = Lock::of(&site.folder(), say_wait)?;
        let target = folder::file_of(folder, &id);
        let old = site.describe(&id).ok();
        // A copy is judged, in the folder and with the owner and mode that it will have.
        let judged = target.with_extension("candidate");
        files::replace(
            &judged,
            &bytes,
            Access {
                owner: None,
                mode: 0o644,
            },
        )?;
        let described = judge(&site, &judged, &id, &self.file);
        let installed = described.and_then(|described| {
            let renamed = rename(&judged, &target);
            renamed.with_context(|| format!("{} can't be written", target.display()))?;
            Ok(described)
        });
        if installed.is_err() {
            // What went wrong is told below.
            let _ = files::remove(&judged);
        }
        let described = installed?;
        let version = &described.info.version;
        note(&site, format!("install plugin {id} {version}"))?;
        match old {
            Some(old) => out.line(format_args!(
                "replaced plugin {id} {} by {version} in {}",
                old.info.version,
                target.display()
            )),
            None => out.line(format_args!(
                "installed plugin {id} {version} in {}",
                target.display()
            )),
        }
        if site.config.plugins.trust == Trust::Pinned {
            out.line(format_args!("approve it: textsender plugin trust {id}"));
        }
        if users(&site.config, &id).is_empty() {
            out.line(format_args!(
                "add a sender of it: textsender sender add NAME --plugin {id}"
            ));
        }
        Ok(ExitCode::SUCCESS)
    }

    fn id(&self) -> anyhow::Result<String> {
        let name = self.file.file_name().unwrap_or_default().to_string_lossy();
        let id = folder::plugin_of(&name).filter(|id| folder::is_id(id));
        id.ok_or_else(|| {
            let named = folder::file_of(Path::new(""), "name");
            Usage(format!(
                "{} is not named like a plugin, {}",
                self.file.display(),
                named.display()
            ))
            .into()
        })
    }
}

fn read(file: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    trust::open_named(file)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Gives a file of a folder another name in it.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    let (folder, from) = trust::place(from)?;
    folder.rename(&from, to.file_name().unwrap_or_default())
}

fn judge(site: &Site, library: &Path, id: &str, from: &Path) -> anyhow::Result<Description> {
    site.describe_file(library, id).map_err(|reason| {
        anyhow!(
            "{} can't be used, and is not installed: {}",
            from.display(),
            why_not(&reason, from)
        )
    })
}

/// Puts a change of a plugin's file into the journal.
fn note(site: &Site, what: String) -> anyhow::Result<()> {
    let change = Change::now(what, Vec::new(), false);
    Ok(journal::note(&site.folder(), &change)?)
}

impl Remove {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let site = Site::read(common)?;
        let folder = &site.config.plugins.folder;
        let file = folder::find(&site.config.plugins, &self.id);
        if !folder::is_id(&self.id) || !file.exists() {
            bail!(
                "there is no plugin {} in {}; see `textsender plugin list`",
                self.id,
                folder.display()
            );
        }
        let users = users(&site.config, &self.id);
        if !users.is_empty() {
            bail!(
                "the plugin {} is used by sender {}: remove it there first, with `textsender sender remove`",
                self.id,
                users.join(", ")
            );
        }
        let _lock = Lock::of(&site.folder(), say_wait)?;
        files::remove(&file)?;
        note(&site, format!("remove plugin {}", self.id))?;
        out.line(format_args!(
            "removed plugin {} ({})",
            self.id,
            file.display()
        ));
        Ok(ExitCode::SUCCESS)
    }
}
