//! `textsender send`: one request on standard input, one response on standard output.

mod given;
mod input;

use std::{
    borrow::Cow,
    io::{self, Write},
    panic::{self, AssertUnwindSafe},
    path::Path,
    process::ExitCode,
    time::Duration,
};

use given::Given;
use tokio::runtime::Runtime;

use super::{
    Common, logging, shared_program,
    stream::{self, Stream},
};
use crate::{
    config::{Config, Sources},
    dispatch::Dispatch,
    failpoint::Step,
    ledger::{CLOSING, can_share},
    os::limits,
    plugins,
    protocol::{ErrorCode, Failure, MessageId, Outcome, Request, Response},
    serve::Client,
    site::runtime,
};

/// Reads a request from standard input, sends its message, and answers on standard output
///
/// The exit code says how it ended: 0 accepted, 65 invalid, 67 rejected, 69 unavailable,
/// 70 crashed, 73 in progress, 75 limited, 76 unknown, 77 refused, 78 misconfigured.
#[derive(clap::Args)]
#[command(after_help = "Examples:\n  \
    echo '{\"purpose\": \"verification_code\", \"code\": \"beK989vc\",\n    \
    \"user\": {\"phone\": \"+447700900123\"}}' | textsender send\n  \
    echo \"$CODE\" | textsender send --phone +447700900123 --code -")]
pub(super) struct CompleteSend {
    #[command(flatten)]
    send: Send,
    #[command(flatten)]
    given: Given,
}

// What the quick command line knows as well, without a message in arguments (`SendCli`).
#[derive(clap::Args)]
pub(super) struct Send {
    /// Reads a request from each line, and answers each when it is done
    #[arg(long)]
    stream: bool,
    /// The most messages in flight, instead of [send] concurrency
    #[arg(long, value_name = "COUNT", requires = "stream", value_parser = clap::value_parser!(u16).range(1..=4096))]
    concurrency: Option<u16>,
    /// Waits up to this many seconds for the delivery status of an accepted message, and puts it into the
    /// response as "delivery"; the exit code stays that of the outcome
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(0..=86_400))]
    wait: Option<u32>,
    /// How many seconds a sender's host process may idle before it is stopped
    #[arg(
        long,
        value_name = "SECONDS",
        requires = "stream",
        default_value_t = 60
    )]
    idle: u64,
}

/// What is left to do once the answer is out. No caller waits for it.
enum Afterwards {
    Nothing,
    /// Takes leave of providers, and lets the senders' processes end.
    Close(Runtime, Box<Dispatch>),
    /// Looks for a ledger, to record a request that is wrong.
    RecordInvalid(Option<MessageId>),
}

impl CompleteSend {
    pub(super) fn run(&self, common: &Common) -> ExitCode {
        self.send.run(common, Some(&self.given))
    }
}

impl Send {
    /// Sends the message on standard input, or the one in arguments.
    pub(super) fn run(&self, common: &Common, given: Option<&Given>) -> ExitCode {
        let given = given.filter(|given| given.is_given());
        quiet_panics();
        if self.stream {
            shared_program::replace(&common.config_file().path);
            return self.stream(common).run();
        }
        let (mut id, mut afterwards) = (None, Afterwards::Nothing);
        let answered = panic::catch_unwind(AssertUnwindSafe(|| {
            self.answer(common, given, &mut id, &mut afterwards)
        }));
        let response = answered.unwrap_or_else(|_| crashed(id));
        let exit = respond(&response);
        // The answer stands: a panic from here on is logged, and makes no second one.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| {
            (common.failpoints.at)(Step::Responded);
            afterwards.run(common, &response);
        }));
        plugins::end_early();
        logging::finish();
        exit
    }

    /// `id`: the request's, for an answer after a panic.
    fn answer(
        &self,
        common: &Common,
        given: Option<&Given>,
        id: &mut Option<MessageId>,
        afterwards: &mut Afterwards,
    ) -> Response {
        let config = common.config_file().path;
        let read = match given {
            Some(given) if !given.reads_input() => Ok(Vec::new()),
            _ => input::read(|| timeout_of(&config)),
        };
        let json = read.as_deref().map_err(Clone::clone);
        let json = json.and_then(|read| match given {
            Some(given) => given.request(read).map(Cow::Owned),
            None => Ok(Cow::Borrowed(read)),
        });
        let json = match json {
            Ok(json) => json,
            Err(failure) => return Response::failed(None, &failure),
        };
        let main = Sources::read_main(&config);
        let hub = Client::of(&main);
        let has_hub = hub.is_some();
        if let Some(response) = hub.and_then(|hub| hub.send(&json, self.wait())) {
            return response;
        }
        let sources = main.and_drop_ins();
        shared_program::replace_for_message(&sources, read.as_deref().unwrap_or_default());
        let request = match Request::parse(&json) {
            Ok(request) => request,
            Err(failure) => {
                let id = Request::id_of(&json);
                *afterwards = Afterwards::RecordInvalid(id.clone());
                return Response::failed(id, &failure);
            }
        };
        *id = Some(request.id.clone());
        // The plugin's process starts while the configuration is read. A shared ledger takes longer than that process,
        // and is asked first.
        if !can_share() {
            plugins::start_early();
        }
        let failed = |failure| Response::failed(Some(request.id.clone()), &failure);
        let runtime = match runtime::start() {
            Ok(runtime) => runtime,
            Err(error) => {
                let words = limits::explained(&error);
                return failed(Failure::with_detail(ErrorCode::Crashed, words));
            }
        };
        let (level, failpoints) = (common.log.level(), common.failpoints);
        let sent = runtime.block_on(async {
            // Large values: where they are made is where they stay.
            let dispatch = Dispatch::open_read(sources, level, failpoints)?;
            if can_share() {
                plugins::start_early();
            }
            logging::redirect(dispatch.log());
            let mut dispatch = Box::new(dispatch);
            if has_hub {
                dispatch.note_hub_away();
            }
            let response = Box::pin(dispatch.send_alone(&request, self.wait())).await;
            Ok((response, dispatch))
        });
        match sent {
            Ok((response, dispatch)) => {
                *afterwards = Afterwards::Close(runtime, dispatch);
                response
            }
            Err(failure) => failed(failure),
        }
    }

    fn stream(&self, common: &Common) -> Stream {
        Stream {
            source: common.source(),
            options: stream::Options {
                concurrency: self.concurrency.map(usize::from),
                idle: Duration::from_secs(self.idle),
                wait: self.wait(),
            },
        }
    }

    fn wait(&self) -> Option<Duration> {
        self.wait.map(|seconds| Duration::from_secs(seconds.into()))
    }
}

impl Afterwards {
    fn run(self, common: &Common, response: &Response) {
        match self {
            Self::Nothing => {}
            Self::Close(runtime, dispatch) => {
                runtime.block_on(async move {
                    dispatch.close().await;
                    drop(dispatch);
                });
                runtime.shutdown_background();
            }
            Self::RecordInvalid(id) => {
                let config = common.config_file().path;
                let dispatch = Dispatch::open(&config, common.log.level(), common.failpoints);
                if let Ok(dispatch) = dispatch {
                    logging::redirect(dispatch.log());
                    // The caller has its answer: a locked ledger keeps no process.
                    let tidying = async {
                        let noted = async {
                            let caller = dispatch.caller();
                            dispatch.note_invalid(id.as_ref(), response, caller).await;
                            dispatch.close().await;
                        };
                        tokio::time::timeout(CLOSING, noted).await
                    };
                    // Without an event loop it goes unrecorded.
                    let _ = runtime::block_on(tidying);
                }
            }
        }
    }
}

/// How long a message may take, by the configuration; the default if it can't be read.
fn timeout_of(config: &Path) -> Duration {
    let config = Config::load(config).unwrap_or_default();
    config.sending.timeout
}

/// Puts the response on standard output, and gives its exit code.
fn respond(response: &Response) -> ExitCode {
    match write(response) {
        Ok(()) => response.outcome.into(),
        // The response is not read: what a caller relies on without a response.
        Err(_) => Outcome::Unknown.into(),
    }
}

fn write(response: &Response) -> io::Result<()> {
    let mut line = Vec::new();
    response.write_line(&mut line)?;
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
fn crashed(id: Option<MessageId>) -> Response {
    let code = match crate::dispatch::has_dispatched() {
        false => ErrorCode::Crashed,
        true => ErrorCode::MaybeSent,
    };
    Response::failed(id, &Failure::new(code))
}
