//! `textsender policy link`, `unlink`, `set-link`, `block-inheritance`, `enable` and `disable`.

use std::process::ExitCode;

use crate::{
    cli::{Common, edit::EditOptions, output::Output},
    edit::links::{BlockInheritance, LinkPolicy, SetLink, SwitchEvent, SwitchLinks, UnlinkPolicy},
    protocol,
};

/// Links a policy to a container of the directory: it is then for the users in it
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  textsender policy link Staff OU=Staff,DC=example,DC=org --enforced"
)]
pub(super) struct Link {
    /// The policy
    name: String,
    /// The container
    #[arg(value_name = "DN")]
    container: String,
    /// Its place among the links of this container, the lowest first [default: the last]
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..))]
    order: Option<u32>,
    /// Links below can't override it
    #[arg(long)]
    enforced: bool,
    #[command(flatten)]
    edit: EditOptions,
}

/// Removes a link
#[derive(clap::Args)]
#[command(after_help = "Example:\n  textsender policy unlink Staff OU=Staff,DC=example,DC=org")]
pub(super) struct Unlink {
    /// The policy
    name: String,
    /// The container
    #[arg(value_name = "DN")]
    container: String,
    #[command(flatten)]
    edit: EditOptions,
}

/// Changes a link: its order, and whether links below can override it
///
/// What is not named stays.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  textsender policy set-link Staff OU=Staff,DC=example,DC=org --order 1 --enforced"
)]
pub(super) struct ChangeLink {
    /// The policy
    name: String,
    /// The container
    #[arg(value_name = "DN")]
    container: String,
    /// Its place among the links of this container, the lowest first
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..), required_unless_present_any = ["enforced", "not_enforced"])]
    order: Option<u32>,
    /// Links below can't override it
    #[arg(long, conflicts_with = "not_enforced")]
    enforced: bool,
    /// Links below can override it again
    #[arg(long)]
    not_enforced: bool,
    #[command(flatten)]
    edit: EditOptions,
}

/// Stops a container from inheriting links from above, other than enforced ones
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  textsender policy block-inheritance OU=Contractors,DC=example,DC=org"
)]
pub(super) struct Block {
    /// The container
    #[arg(value_name = "DN")]
    container: String,
    /// Lets it inherit them again
    #[arg(long)]
    off: bool,
    #[command(flatten)]
    edit: EditOptions,
}

/// Switches a policy's links on again, or an event for which it sends
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    textsender policy enable Staff                    # every link\n  \
    textsender policy enable Everyone --event enroll  # a code may be sent to enrol a phone")]
pub(super) struct Enable {
    #[command(flatten)]
    what: What,
}

/// Switches a policy's links off, or an event for which it sends
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  textsender policy disable Staff --link OU=Staff,DC=example,DC=org"
)]
pub(super) struct Disable {
    #[command(flatten)]
    what: What,
}

#[derive(clap::Args)]
struct What {
    /// The policy
    name: String,
    /// Only this link
    #[arg(long, value_name = "DN", conflicts_with = "event")]
    link: Option<String>,
    /// Instead of links: what the user is doing
    #[arg(long)]
    event: Option<Event>,
    #[command(flatten)]
    edit: EditOptions,
}

#[derive(Clone, Copy, PartialEq, clap::ValueEnum)]
pub(super) enum Event {
    /// Enrolling a phone
    Enroll,
    /// Resetting a password
    Reset,
}

impl Event {
    /// As a request names it.
    pub(super) fn of_request(self) -> protocol::Event {
        match self {
            Self::Enroll => protocol::Event::Enroll,
            Self::Reset => protocol::Event::Reset,
        }
    }
}

impl Link {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let order = LinkPolicy {
            policy: self.name.clone(),
            container: self.container.clone(),
            order: self.order,
            enforced: self.enforced,
        };
        if let Some(linked) = self.edit.apply(common, &order, out)? {
            out.line(format_args!(
                "linked policy {} to {} with order {}, in {}",
                self.name,
                self.container,
                linked.order,
                linked.file.display()
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Unlink {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let order = UnlinkPolicy {
            policy: self.name.clone(),
            container: self.container.clone(),
        };
        if let Some(file) = self.edit.apply(common, &order, out)? {
            out.line(format_args!(
                "unlinked policy {} from {}, in {}",
                self.name,
                self.container,
                file.display()
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl ChangeLink {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let order = SetLink {
            policy: self.name.clone(),
            container: self.container.clone(),
            order: self.order,
            enforced: (self.enforced || self.not_enforced).then_some(self.enforced),
        };
        if let Some(file) = self.edit.apply(common, &order, out)? {
            out.line(format_args!(
                "changed the link of policy {} to {}, in {}",
                self.name,
                self.container,
                file.display()
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Block {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let order = BlockInheritance {
            container: self.container.clone(),
            on: !self.off,
        };
        if let Some(file) = self.edit.apply(common, &order, out)? {
            let takes = match self.off {
                true => "takes links from above again",
                false => "takes no links from above, but those that are enforced",
            };
            out.line(format_args!(
                "{} {takes}, by {}",
                self.container,
                file.display()
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Enable {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        self.what.switch(true, common, out)
    }
}

impl Disable {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        self.what.switch(false, common, out)
    }
}

impl What {
    fn switch(&self, on: bool, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let policy = self.name.clone();
        let switched = match self.event {
            Some(event) => {
                let event = event.of_request();
                let order = SwitchEvent { policy, event, on };
                self.edit.apply(common, &order, out)?
            }
            None => {
                let container = self.link.clone();
                let order = SwitchLinks {
                    policy,
                    container,
                    on,
                };
                self.edit.apply(common, &order, out)?
            }
        };
        let Some(switched) = switched else {
            return Ok(ExitCode::SUCCESS);
        };
        let state = if on { "enabled" } else { "disabled" };
        let done = match self.event {
            Some(_) => format!("sends a code to: {}", switched.what.join(", ")),
            None => format!("has its link to {} {state}", switched.what.join("; ")),
        };
        out.line(format_args!(
            "policy {} {done}, by {}",
            self.name,
            switched.file.display()
        ));
        Ok(ExitCode::SUCCESS)
    }
}
