//! `textsender pause` and `resume`: nothing of it is sent, on no machine that shares the ledger.

use std::{process::ExitCode, time::Duration};

use clap::Args;
use jiff::Timestamp;

use super::{
    Common,
    output::{Output, Style, count, notice},
    site::Site,
};
use crate::{config, ledger::Subject, site::pauses::Order};

/// Stops texts at once: all of them, those of a sender, to a region or to numbers that begin so
///
/// Such requests are answered `refused`, code `paused`. It returns once nothing of it is sent any more: messages
/// that senders already have are waited for. A paused sender's fallbacks go on; other pauses stop test sends as
/// well.
/// `textsender status` shows what is paused, `textsender log --changes` who paused what.
#[derive(Args)]
#[command(
    override_usage = "textsender pause [OPTIONS] --reason <WORDS>\n         \
    <--all|--sender|--region|--caller|--prefix>"
)]
#[command(after_help = "Examples:\n  \
    textsender pause --all --reason 'SMS pumping'\n  \
    textsender pause --sender twilio --for 2h --reason 'takes texts and delivers none'\n  \
    textsender pause --prefix +4477009 --reason 'SMS pumping'")]
pub(super) struct PauseCommand {
    #[command(flatten)]
    what: What,
    /// Ends by itself after so long (90s, 10m, 2h, 7d)
    #[arg(long = "for", value_name = "TIME", value_parser = lasting)]
    lasts: Option<Duration>,
    /// Why, for those who find it paused
    #[arg(long, value_name = "WORDS")]
    reason: String,
    /// Does not wait for messages that senders already have
    #[arg(long)]
    no_wait: bool,
}

/// Sends again what `textsender pause` stopped
#[derive(Args)]
#[command(override_usage = "textsender resume <--all|--sender|--region|--caller|--prefix>")]
#[command(after_help = "Examples:\n  textsender resume --all\n  textsender resume --sender twilio")]
pub(super) struct ResumeCommand {
    #[command(flatten)]
    what: What,
}

#[derive(Args)]
#[group(required = true, multiple = false)]
struct What {
    /// Everything
    #[arg(long)]
    all: bool,
    /// One sender
    #[arg(long, value_name = "NAME")]
    sender: Option<String>,
    /// Numbers of one region, as two letters
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// What one caller of the hub asks for
    #[arg(long, value_name = "NAME")]
    caller: Option<String>,
    /// Numbers in international form that begin so, such as +4477009
    #[arg(long, value_name = "DIGITS", allow_hyphen_values = true)]
    prefix: Option<String>,
}

impl What {
    fn subject(self) -> Subject {
        let sender = self.sender.map(Subject::Sender);
        let region = self.region.map(Subject::Region);
        let caller = self.caller.map(Subject::Caller);
        let prefix = self.prefix.map(Subject::Prefix);
        // One of them is given; all is what is left.
        sender
            .or(region)
            .or(caller)
            .or(prefix)
            .unwrap_or(Subject::All)
    }
}

impl PauseCommand {
    pub(super) fn run(self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let site = Site::read(common)?;
        let order = Order {
            subject: self.what.subject(),
            reason: self.reason,
            lasts: self.lasts,
        };
        let pause = site.pause(order, common.failpoints)?;
        let until = match pause.until {
            Some(until) => format!(" until {}", until.strftime("%Y-%m-%d %H:%M:%SZ")),
            None => String::new(),
        };
        out.line(format_args!(
            "{} {}{until}",
            out.paint(Style::Attention, "paused"),
            pause.subject
        ));
        if !self.no_wait {
            wait(&site)?;
        }
        out.line(format_args!("to end it: {}", pause.subject.resume()));
        Ok(ExitCode::SUCCESS)
    }
}

/// Waits for what senders were handed before.
fn wait(site: &Site) -> anyhow::Result<()> {
    let messages = |number| count(number, "message", "messages");
    let left = site.handed_over(|open| {
        notice(format_args!(
            "waiting for {} that a sender already has",
            messages(open)
        ));
    })?;
    if left > 0 {
        notice(format_args!(
            "{} may still be sent: `textsender log` shows how they end",
            messages(left)
        ));
    }
    Ok(())
}

impl ResumeCommand {
    pub(super) fn run(self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let site = Site::read(common)?;
        let subject = self.what.subject();
        match site.resume(subject.clone(), common.failpoints)? {
            Some(pause) => out.line(format_args!("resumed {pause}")),
            None => out.line(format_args!("{subject} was not paused")),
        }
        for left in site.pauses(Timestamp::now())? {
            out.line(format_args!("still paused: {left}"));
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn lasting(text: &str) -> Result<Duration, String> {
    let lasts = config::duration(text).filter(|lasts| *lasts >= Duration::from_secs(1));
    lasts.ok_or_else(|| "write a time such as 90s, 10m, 2h or 7d".to_owned())
}
