//! `textsender status`: what became of a message that a provider accepted.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use super::Common;
use crate::{
    dispatch::Dispatch,
    protocol::{DeliveryBody, ErrorCode, Failure},
};

/// Asks a sender's provider what became of a message that it accepted
///
/// The provider's id is in the response to the request. Exits 0 if the provider answered, whatever
/// it says.
#[derive(clap::Args)]
#[command(
    after_help = "Example:\n  textsender status --sender twilio SM5f0c2e700000000000000000000000001"
)]
pub(super) struct Status {
    /// The sender that accepted the message
    #[arg(long, value_name = "NAME")]
    sender: String,
    /// The provider's id of the message
    #[arg(value_name = "PROVIDER_ID")]
    provider_id: String,
    /// Write JSON
    #[arg(long)]
    json: bool,
}

impl Status {
    pub(super) fn run(&self, common: &Common) -> ExitCode {
        match self.ask(common) {
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

    fn ask(&self, common: &Common) -> Result<String, Failure> {
        let crashed =
            |error: io::Error| Failure::with_detail(ErrorCode::Crashed, error.to_string());
        let delivery = super::runtime::block_on(async {
            let dispatch = Dispatch::open(
                &common.config_file().path,
                common.log.level(),
                common.failpoints,
            )?;
            dispatch.status(&self.sender, &self.provider_id).await
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
