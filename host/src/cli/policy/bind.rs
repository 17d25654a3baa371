//! `textsender policy bind`.

use std::process::ExitCode;

use anyhow::{Context, bail};
use tokio::time::Instant;

use crate::{
    cli::{
        Common,
        edit::EditOptions,
        output::Output,
        site::{Site, block_on},
    },
    directory::Object,
    edit::bind::BindPolicy,
    site,
};

/// Binds a policy to a group policy object of a directory: its links and its security filter say for whom it is
#[derive(clap::Args)]
#[command(after_help = "Example:\n  textsender policy bind Staff --gpo \"Textsender Staff\"")]
pub(super) struct Bind {
    /// The policy
    name: String,
    /// The group policy object, by its name or unique id; it is looked up
    #[arg(long, value_name = "GPO")]
    gpo: String,
    /// Which directory, where there are several
    #[arg(long, value_name = "NAME")]
    directory: Option<String>,
    /// Takes the object's WMI filter as passed: it needs a machine, which no request has
    #[arg(long)]
    ignore_wmi_filter: bool,
    #[command(flatten)]
    edit: EditOptions,
}

impl Bind {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let object = self.object(common)?;
        let order = BindPolicy {
            policy: self.name.clone(),
            id: object.id.to_string(),
            name: object.name.clone(),
            directory: self.directory.clone(),
            ignore_wmi_filter: self.ignore_wmi_filter,
        };
        if let Some(file) = self.edit.apply(common, &order, out)? {
            let name = object.name.as_deref().unwrap_or("no name");
            out.line(format_args!(
                "bound policy {} to {} ({name}), in {}; `textsender directory sync` reads its links",
                self.name,
                object.id,
                file.display()
            ));
        }
        Ok(ExitCode::SUCCESS)
    }

    /// The one object that is meant, if it can be used.
    fn object(&self, common: &Common) -> anyhow::Result<Object> {
        let site = Site::read(common)?;
        site.policy(&self.name)?;
        let directories =
            site::directories(&site.config).context("there is no [directories.NAME]")?;
        let within = site.config.sending.timeout;
        let directory = self.directory.as_deref();
        let found = block_on(async {
            let deadline = Instant::now() + within;
            directories.objects(directory, &self.gpo, deadline).await
        })??;
        let mut found = found.into_iter();
        let Some(object) = found.next() else {
            bail!(
                "the directory has no group policy object {:?}, or this account may not see it",
                self.gpo
            );
        };
        if let Some(other) = found.next() {
            bail!(
                "several group policy objects have this name, such as {} and {}: give the unique id of one",
                object.id,
                other.id
            );
        }
        if !object.is_readable {
            bail!(
                "the group policy object {} can't be read: give the account that logs in Read on it, as \
                 Authenticated Users have by default",
                object.id
            );
        }
        if object.wmi_filter && !self.ignore_wmi_filter {
            bail!(
                "the group policy object {} has a WMI filter, which needs a machine: take it away, or give \
                 --ignore-wmi-filter",
                object.id
            );
        }
        Ok(object)
    }
}
