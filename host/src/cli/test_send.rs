//! `textsender test-send`: one real text, marked as a test, on the way that every text takes.

use std::process::ExitCode;

use anyhow::{anyhow, bail};

use super::{
    Common, ask,
    output::{Cell, Output, Style, Usage, json},
    phone,
    site::{Site, block_on},
};
use crate::{
    dispatch::Dispatch,
    os::accounts,
    protocol::{ErrorCode, MessageId, Outcome, Request, Response, TestRequest},
};

/// Sends a text to a number, to see that it works
///
/// It goes the way that every text takes, with the purpose `test`. Number and code are asked for, or
/// read from standard input, a line each, where they are not given. The exit code is that of `send`.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    textsender test-send --sender twilio\n  \
    textsender test-send --policy Staff --phone +447700900123 --code beK989vc")]
pub(super) struct TestSend {
    /// The sender to test; without it the policy's
    #[arg(long)]
    sender: Option<String>,
    /// The policy whose text is sent; without it the default policy's
    #[arg(long)]
    policy: Option<String>,
    /// The number: +44..., or as it is dialled in the policy's region; - reads it from standard input
    #[arg(long, alias = "to", value_name = "NUMBER", allow_hyphen_values = true)]
    phone: Option<String>,
    /// The code in the text, 4 to 64 characters
    #[arg(long)]
    code: Option<String>,
    /// Writes the response as JSON
    #[arg(long)]
    json: bool,
}

impl TestSend {
    pub(super) fn run(&self, common: &Common, out: &Output) -> anyhow::Result<ExitCode> {
        let site = Site::read(common)?;
        site.is_for_caller()?;
        if let Some(sender) = &self.sender {
            site.known_sender(sender)?;
        }
        if let Some(policy) = &self.policy {
            site.policy(policy)?;
        }
        let request = self.request()?;
        let response = block_on(async {
            let dispatch = Dispatch::open(
                &common.config_file().path,
                common.log.level(),
                common.failpoints,
            )?;
            let response = dispatch.send(&request).await;
            dispatch.close().await;
            Ok(response)
        })?;
        let response = response.unwrap_or_else(|failure| Response::failed(None, &failure));
        match self.json {
            true => json(&response),
            false => show(&response, out),
        }
        Ok(response.outcome.into())
    }

    fn request(&self) -> anyhow::Result<Request> {
        let to = match &self.phone {
            Some(written) => phone::read(written)?,
            None => ask::line("Mobile number", "give --phone, the number to text")?,
        };
        let code = match &self.code {
            Some(code) => code.clone(),
            None => ask::optional_line("Code (leave it empty to have one made up)")?
                .map_or_else(made_up, Ok)?,
        };
        let request = Request::test(TestRequest {
            id: None,
            phone: to,
            code,
            actor: accounts::name_of(accounts::asked_by().unwrap_or_else(accounts::caller)),
            sender: self.sender.clone(),
            policy: self.policy.clone(),
        });
        match request {
            Ok(request) => Ok(request),
            Err(failure) if failure.outcome() == Outcome::Invalid => {
                bail!(Usage(failure.detail.unwrap_or_default()))
            }
            Err(failure) => Err(anyhow!(failure)),
        }
    }
}

/// A code that is plainly no real one.
fn made_up() -> anyhow::Result<String> {
    let id = MessageId::random()?;
    Ok(format!("test-{}", &id.as_str()[..4]))
}

fn show(response: &Response, out: &Output) {
    let style = match response.outcome {
        Outcome::Accepted => Style::Good,
        Outcome::Unknown | Outcome::Limited | Outcome::InProgress => Style::Attention,
        _ => Style::Bad,
    };
    let outcome = out.paint(style, response.outcome);
    match (&response.error, &response.sender) {
        (Some(error), _) => out.line(format_args!("{outcome}: {}", error.message)),
        (None, Some(sender)) => out.line(format_args!(
            "{outcome} by {sender}: look at the phone, as accepted is not yet delivered"
        )),
        (None, None) => out.line(outcome),
    }
    let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| "-".to_owned());
    let segments = response.segments.map(|count| count.to_string());
    let facts = [
        ("to", or_none(&response.recipient)),
        ("policy", or_none(&response.policy)),
        ("segments", or_none(&segments)),
        ("provider's id", or_none(&response.provider_id)),
        ("our id", or_none(&response.id)),
    ];
    for (name, fact) in facts.iter().filter(|(_, fact)| fact != "-") {
        out.line(format_args!("  {name:<14}{fact}"));
    }
    let rows: Vec<Vec<Cell>> = response
        .attempts
        .iter()
        .map(|attempt| {
            let code = attempt.code.as_deref().unwrap_or_default();
            vec![
                format!("  {}", attempt.sender).into(),
                attempt.outcome.into(),
                code.into(),
                format!("{} ms", attempt.ms).into(),
            ]
        })
        .collect();
    if response.outcome != Outcome::Accepted || rows.len() > 1 {
        out.table(&["  ATTEMPT", "OUTCOME", "WHY", "TOOK"], &rows);
    }
    let code = response.error.as_ref().and_then(|error| {
        let mut codes = ErrorCode::ALL.iter();
        codes.find(|code| code.as_str() == error.code)
    });
    if let Some(code) = code {
        out.line(format_args!("what to do: {}", code.remedy()));
    }
}
