//! `textsender policy add`, `set`, `set-sender`, `set-default`, `rename` and `remove`.

use std::process::ExitCode;

use crate::{
    cli::{Common, edit::EditOptions, output::Output},
    edit::{
        EditError,
        defaults::SelectPolicy,
        policies::{AddPolicy, Fallback, RemovePolicy, RenamePolicy, SetPolicy, SetPolicySender},
    },
};

use super::link::Event;

/// Adds a policy, in a file of its own
#[derive(clap::Args)]
#[command(after_help = "Example:\n  \
    textsender policy add Staff --link OU=Staff,DC=example,DC=org --group CN=VPN,OU=Groups,DC=example,DC=org")]
pub(super) struct Add {
    /// Its name
    name: String,
    /// The country whose users are texted [default: that of the default policy]
    #[arg(long)]
    region: Option<String>,
    /// A container whose users it is for; may be given several times
    #[arg(long, value_name = "DN")]
    link: Vec<String>,
    /// The place of these links among the others of their containers, the lowest first [default: the last]
    #[arg(long, requires = "link", value_parser = clap::value_parser!(u32).range(1..))]
    order: Option<u32>,
    /// Only for members of this group, a DN or SID; may be given several times
    #[arg(long, value_name = "GROUP")]
    group: Vec<String>,
    /// Its sender; without one the default sender's
    #[arg(long)]
    sender: Option<String>,
    /// What it says
    #[arg(long, default_value = "Please enter this verification code: %code%")]
    text: String,
    #[command(flatten)]
    edit: EditOptions,
}

/// Changes for whom a policy is, and how it sends
///
/// What is not named stays. Groups and regions replace those there are.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    textsender policy set Staff --group CN=VPN,OU=Groups,DC=example,DC=org --max-segments 1\n  \
    textsender policy set Staff --no-groups --regions GB,IE --events reset")]
pub(super) struct Set {
    /// The policy
    name: String,
    /// Only for members of this group, a DN or SID; may be given several times
    #[arg(long, value_name = "GROUP", conflicts_with = "no_groups")]
    group: Vec<String>,
    /// For members of any group
    #[arg(long)]
    no_groups: bool,
    /// Not for members of this group; may be given several times
    #[arg(long, value_name = "GROUP", conflicts_with = "no_deny_groups")]
    deny_group: Vec<String>,
    /// No longer leaves any group out
    #[arg(long)]
    no_deny_groups: bool,
    /// The country whose numbers may be written without +
    #[arg(long)]
    region: Option<String>,
    /// The countries that may be texted, with commas between them; * for all
    #[arg(long, value_delimiter = ',')]
    regions: Vec<String>,
    /// The most segments that a text may take
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=10))]
    max_segments: Option<u8>,
    /// What a code is sent for, with commas between them
    #[arg(long, value_delimiter = ',')]
    events: Vec<Event>,
    #[command(flatten)]
    edit: EditOptions,
}

/// Selects the sender of a policy, and those that are tried after it
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    textsender policy set-sender Staff twilio --fallback gateway\n  \
    textsender policy set-sender Staff twilio --no-fallback\n  \
    textsender policy set-sender Staff --default")]
pub(super) struct SetSender {
    /// The policy
    name: String,
    /// The sender
    #[arg(required_unless_present = "default")]
    sender: Option<String>,
    #[command(flatten)]
    fallback: FallbackOptions,
    #[command(flatten)]
    edit: EditOptions,
}

/// The senders that are tried after the first.
#[derive(clap::Args)]
pub(in crate::cli) struct FallbackOptions {
    /// A sender to try when that one can't; may be given several times, and replaces those there are
    #[arg(long, value_name = "SENDER")]
    fallback: Vec<String>,
    /// No longer tries another sender
    #[arg(long, conflicts_with = "fallback")]
    no_fallback: bool,
    /// Uses the server-wide default sender again
    #[arg(long, conflicts_with = "fallback")]
    default: bool,
}

/// Selects the policy of users whom no other policy is linked to
#[derive(clap::Args)]
#[command(after_help = "Example:\n  textsender policy set-default Everyone")]
pub(super) struct SetDefault {
    /// The policy
    name: String,
    #[command(flatten)]
    edit: EditOptions,
}

/// Gives a policy another name
#[derive(clap::Args)]
#[command(after_help = "Example:\n  textsender policy rename Staff Employees")]
pub(super) struct Rename {
    /// The policy
    name: String,
    /// Its new name
    new_name: String,
    #[command(flatten)]
    edit: EditOptions,
}

/// Removes a policy
#[derive(clap::Args)]
#[command(after_help = "Example:\n  textsender policy remove Staff")]
pub(super) struct Remove {
    /// The policy
    name: String,
    #[command(flatten)]
    edit: EditOptions,
}

impl Add {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let order = AddPolicy {
            name: self.name.clone(),
            region: self.region.clone(),
            links: self.link.clone(),
            order: self.order,
            groups: self.group.clone(),
            sender: self.sender.clone(),
            text: self.text.clone(),
        };
        let Some(file) = self.edit.apply(common, &order, out)? else {
            return Ok(ExitCode::SUCCESS);
        };
        out.line(format_args!(
            "added policy {} in {}",
            self.name,
            file.display()
        ));
        if self.link.is_empty() {
            out.line(format_args!(
                "it applies to no user yet: link it with `textsender policy link {} DN`",
                self.name
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Set {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let list = |items: &[String], none: bool| match (items.is_empty(), none) {
            (true, false) => None,
            _ => Some(items.to_vec()),
        };
        let events: Vec<_> = self.events.iter().map(|event| event.of_request()).collect();
        let order = SetPolicy {
            policy: self.name.clone(),
            groups: list(&self.group, self.no_groups),
            deny_groups: list(&self.deny_group, self.no_deny_groups),
            region: self.region.clone(),
            regions: list(&self.regions, false),
            max_segments: self.max_segments,
            events: (!events.is_empty()).then_some(events),
        };
        let nothing = SetPolicy {
            policy: self.name.clone(),
            ..SetPolicy::default()
        };
        if order == nothing {
            let words = "say what to change, such as --region GB";
            return Err(EditError::Usage(words.to_owned()).into());
        }
        if let Some(file) = self.edit.apply(common, &order, out)? {
            out.line(format_args!(
                "changed policy {} in {}",
                self.name,
                file.display()
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl SetSender {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let order = SetPolicySender {
            policy: self.name.clone(),
            sender: self.sender.clone(),
            fallback: self.fallback.fallback(),
        };
        if let Some(file) = self.edit.apply(common, &order, out)? {
            let sender = self.sender.as_deref().unwrap_or("the default sender");
            out.line(format_args!(
                "policy {} sends through {sender}, by {}",
                self.name,
                file.display()
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl FallbackOptions {
    /// What becomes of the senders that are tried after the first.
    pub(in crate::cli) fn fallback(&self) -> Fallback {
        match (self.no_fallback, self.fallback.is_empty()) {
            (true, _) => Fallback::None,
            (false, true) => Fallback::Keep,
            (false, false) => Fallback::These(self.fallback.clone()),
        }
    }
}

impl SetDefault {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let order = SelectPolicy {
            name: self.name.clone(),
        };
        if self.edit.apply(common, &order, out)?.is_some() {
            out.line(format_args!(
                "policy {} is for users whom no other is linked to",
                self.name
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Rename {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let order = RenamePolicy {
            name: self.name.clone(),
            new_name: self.new_name.clone(),
        };
        if let Some(file) = self.edit.apply(common, &order, out)? {
            out.line(format_args!(
                "policy {} is now {}, in {}",
                self.name,
                self.new_name,
                file.display()
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Remove {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let order = RemovePolicy {
            name: self.name.clone(),
        };
        if let Some(file) = self.edit.apply(common, &order, out)? {
            out.line(format_args!(
                "removed policy {} ({})",
                self.name,
                file.display()
            ));
        }
        Ok(ExitCode::SUCCESS)
    }
}
