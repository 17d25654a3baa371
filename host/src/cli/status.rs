//! `textsender status`: the front door, how everything stands; and what became of a message that a
//! provider accepted.

mod overview;
mod recent;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use super::{
    Common,
    output::{Output, finish},
};
use crate::{
    dispatch::Dispatch,
    protocol::{DeliveryBody, ErrorCode, Failure},
};

/// Shows how everything stands: senders, what was sent today, what is wrong, and what to do next
///
/// With a sender and a provider's id, as the response to a request has it, asks the provider what became
/// of that message, and exits 0 if it answered, whatever it says.
#[derive(clap::Args)]
#[command(
    after_help = "Examples:\n  textsender status\n  textsender status --sender twilio SM5f0c2e700000000000000000000000001"
)]
pub(super) struct Status {
    /// The sender that accepted the message
    #[arg(long, value_name = "NAME", requires = "provider_id")]
    sender: Option<String>,
    /// The provider's id of the message
    #[arg(value_name = "PROVIDER_ID", requires = "sender")]
    provider_id: Option<String>,
    /// Writes JSON
    #[arg(long)]
    json: bool,
}

impl Status {
    pub(super) fn run(&self, common: &Common, out: &Output) -> ExitCode {
        let (Some(sender), Some(id)) = (&self.sender, &self.provider_id) else {
            return finish(overview::run(common, self.json, out));
        };
        match self.ask(common, sender, id) {
            Ok(line) => match writeln!(io::stdout().lock(), "{line}") {
                Ok(()) => ExitCode::SUCCESS,
                Err(_) => ExitCode::FAILURE,
            },
            Err(failure) => {
                // Standard error may be closed, too.
                let _ = writeln!(io::stderr().lock(), "textsender: {failure}");
                failure.outcome().into()
            }
        }
    }

    fn ask(&self, common: &Common, sender: &str, id: &str) -> Result<String, Failure> {
        let crashed =
            |error: io::Error| Failure::with_detail(ErrorCode::Crashed, error.to_string());
        let delivery = crate::site::runtime::block_on(async {
            let dispatch = Dispatch::open(
                &common.config_file().path,
                common.log.level(),
                common.failpoints,
            )?;
            dispatch.status(sender, id).await
        });
        let delivery = delivery.map_err(crashed)??;
        if self.json {
            let body = serde_json::to_string(&DeliveryBody::from(&delivery));
            return body.map_err(|error| crashed(error.into()));
        }
        let state = delivery.state.as_str();
        let reason = delivery
            .reason
            .map(|reason| format!(": {reason}"))
            .unwrap_or_default();
        let code = delivery
            .provider_code
            .map(|code| format!(" ({code})"))
            .unwrap_or_default();
        Ok(format!("{state}{code}{reason}"))
    }
}
