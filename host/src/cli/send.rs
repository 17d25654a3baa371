//! `textsender send`: one request on standard input, one response on standard output.

use std::{
    io::{self, Read, Write},
    panic::{self, AssertUnwindSafe},
    process::ExitCode,
    time::Duration,
};

use super::{Common, logging, runtime, stream::Stream};
use crate::{
    dispatch::Dispatch,
    failpoint::{Failpoints, Step},
    plugins,
    protocol::{ErrorCode, Failure, MAX_REQUEST, MessageId, Outcome, Request, Response},
};

/// Reads a request from standard input, sends its message, and answers on standard output
///
/// The exit code tells how it ended: 0 accepted, 65 invalid, 67 rejected, 69 unavailable,
/// 70 crashed, 73 in progress, 75 limited, 76 unknown, 77 refused, 78 misconfigured.
#[derive(clap::Args)]
#[command(after_help = "Example:\n  \
    echo '{\"purpose\":\"verification_code\",\"user\":{\"phone\":\"+447700900123\"},\"code\":\"beK989vc\"}' \\\n  \
    | textsender send")]
pub(super) struct Send {
    /// Read a request from each line, and answer each when it is done
    #[arg(long)]
    stream: bool,
    /// The most messages in flight, instead of [send] concurrency
    #[arg(long, value_name = "COUNT", requires = "stream", value_parser = clap::value_parser!(u16).range(1..=4096))]
    concurrency: Option<u16>,
    /// Wait up to this many seconds for what becomes of an accepted message, and tell it in the
    /// response as "delivery"; the exit code stays that of the outcome
    #[arg(long, value_name = "SECONDS")]
    wait: Option<u64>,
    /// How many seconds a sender's host process may idle before it is stopped
    #[arg(
        long,
        value_name = "SECONDS",
        requires = "stream",
        default_value_t = 60
    )]
    idle: u64,
}

impl Send {
    pub(super) fn run(&self, common: &Common) -> ExitCode {
        quiet_panics();
        if self.stream {
            return self.stream(common).run();
        }
        let answered = panic::catch_unwind(AssertUnwindSafe(|| self.answer(common)));
        plugins::end_early();
        let exit = answered.unwrap_or_else(|_| respond(&crashed(), common.failpoints));
        logging::finish();
        exit
    }

    fn answer(&self, common: &Common) -> ExitCode {
        let json = match read() {
            Ok(json) => json,
            Err(failure) => return respond(&Response::failed(None, &failure), common.failpoints),
        };
        let request = match Request::parse(&json) {
            Ok(request) => request,
            Err(failure) => return self.refuse(common, Request::id_of(&json), &failure),
        };
        plugins::start_early();
        let failed = |failure| {
            let response = Response::failed(Some(request.id.clone()), &failure);
            respond(&response, common.failpoints)
        };
        let answered = runtime::block_on(async {
            let config = common.config_file();
            match Dispatch::open(&config.path, common.log.level(), common.failpoints) {
                Ok(dispatch) => {
                    let response = dispatch.send_alone(&request, self.patience()).await;
                    // No caller waits for what is tidied up after the answer is out.
                    let exit = respond(&response, common.failpoints);
                    dispatch.close().await;
                    exit
                }
                Err(failure) => failed(failure),
            }
        });
        answered.unwrap_or_else(|error| {
            failed(Failure::with_detail(ErrorCode::Crashed, error.to_string()))
        })
    }

    /// Answers a request that is wrong, and only then looks for a ledger to record it in.
    fn refuse(&self, common: &Common, id: Option<MessageId>, failure: &Failure) -> ExitCode {
        let response = Response::failed(id.clone(), failure);
        let exit = respond(&response, common.failpoints);
        let config = common.config_file();
        let dispatch = Dispatch::open(&config.path, common.log.level(), common.failpoints);
        if let Ok(dispatch) = dispatch {
            // Without an event loop it goes unrecorded: the answer is out.
            let _ = runtime::block_on(dispatch.note_invalid(id.as_ref(), &response));
        }
        exit
    }

    fn stream(&self, common: &Common) -> Stream {
        Stream {
            config: common.config_file().path,
            max_level: common.log.level(),
            failpoints: common.failpoints,
            concurrency: self.concurrency.map(usize::from),
            idle: Duration::from_secs(self.idle),
            patience: self.patience(),
        }
    }

    fn patience(&self) -> Option<Duration> {
        self.wait.map(Duration::from_secs)
    }
}

/// Puts the response on standard output, and gives its exit code.
fn respond(response: &Response, failpoints: Failpoints) -> ExitCode {
    match write(response) {
        Ok(()) => {
            (failpoints.at)(Step::Responded);
            response.outcome.into()
        }
        // The response is not read: what a caller relies on without a response.
        Err(_) => Outcome::Unknown.into(),
    }
}

/// Reads standard input to its end, or one byte past the bound.
fn read() -> Result<Vec<u8>, Failure> {
    let mut json = Vec::new();
    let most = MAX_REQUEST as u64 + 1;
    match io::stdin().lock().take(most).read_to_end(&mut json) {
        Ok(_) => Ok(json),
        Err(error) => Err(Failure::with_detail(ErrorCode::BadJson, error.to_string())),
    }
}

fn write(response: &Response) -> io::Result<()> {
    let mut line = serde_json::to_vec(response)?;
    line.push(b'\n');
    let mut stdout = io::stdout().lock();
    stdout.write_all(&line)?;
    stdout.flush()
}

/// A panic's text may hold anything: only its place is told.
fn quiet_panics() {
    panic::set_hook(Box::new(|info| {
        let place = info.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "textsender panicked; please report this");
    }));
}

/// The response after a panic: nothing was dispatched, or it is not known what was.
fn crashed() -> Response {
    let code = match crate::dispatch::has_dispatched() {
        false => ErrorCode::Crashed,
        true => ErrorCode::MaybeSent,
    };
    Response::failed(None, &Failure::new(code))
}
