//! `textsender send --stream`: a request on each line, an answer for each as it is done.
//!
//! ```text
//! stdin -> lines -> a task for each, at most --concurrency -> answers -> stdout
//! ```
//!
//! Each arrow is bounded, so that a slow reader fills no memory: while the answers are not read, no
//! further line is begun, and then none is read. An edit, a rotated secret or a replaced plugin is
//! looked for before each line that was read since the last look: no message misses an edit that was
//! made before it was written.
//!
//! | what ends it | lines that were read and not begun | messages in flight | exit |
//! |---|---|---|---|
//! | the end of standard input | are begun | end by their own deadline | 0 |
//! | SIGTERM | are answered: not sent | the same; `--wait` is cut short | 0 |
//! | SIGTERM, and the answers are not read | | are waited for until the longest deadline | 76 |
//! | SIGTERM twice | | are left, and the ledger knows of them | 76 |
//! | standard output is closed | are dropped | end by their own deadline | 76 |
//! | standard input fails | | the same | 76 |

mod answers;
mod lines;

use std::{
    io::{self, ErrorKind},
    panic::AssertUnwindSafe,
    path::PathBuf,
    process::ExitCode,
    sync::Arc,
    time::Duration,
};

use futures_util::FutureExt;
use tokio::{
    sync::watch,
    task::{JoinError, JoinSet},
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

use super::{logging, runtime};
use crate::{
    dispatch::Dispatch,
    failpoint::Failpoints,
    os::{limits, pipes, signals::EndRequests},
    protocol::{ErrorCode, Failure, MessageId, Outcome, Request, Response},
};
use answers::{Answers, Written};
use lines::{Content, Input, Line};

/// How often idle host processes, and a reader that went away, are looked for.
const ROUND: Duration = Duration::from_secs(1);

/// How long a look at the configuration holds for lines that were read before it.
const LOOK: Duration = Duration::from_millis(100);

/// What a message may take beyond its deadline: its outcome is written down.
const GRACE: Duration = Duration::from_secs(2);

/// How a stream is served.
pub(super) struct Stream {
    pub(super) config: PathBuf,
    pub(super) max_level: textsender_plugin_api::Level,
    /// What tests make happen.
    pub(super) failpoints: Failpoints,
    /// The most messages in flight; `None` for the configuration's word.
    pub(super) concurrency: Option<usize>,
    /// How long a host process may idle before it is stopped.
    pub(super) idle: Duration,
    /// How long to wait for what becomes of an accepted message, if at all.
    pub(super) wait: Option<Duration>,
}

/// A stream that is being served.
struct Serving {
    stream: Stream,
    /// What the configuration came to, when it was looked at last.
    dispatch: Result<Arc<Dispatch>, Failure>,
    looked: Instant,
    answers: Answers,
    written: Written,
    in_flight: JoinSet<()>,
    /// Lines that got no answer, through a fault of ours.
    lost: usize,
    /// Set once it is asked to end.
    stopping: watch::Sender<bool>,
}

/// Why no further line is begun.
enum End {
    Input,
    InputFailed(io::Error),
    Asked,
    OutputClosed,
}

impl Stream {
    /// Serves standard input to its end. Exits 0 if every line that was read was answered.
    pub(super) fn run(self) -> ExitCode {
        crate::os::process::raise_open_files();
        let exit = match runtime::block_on(self.serve()).flatten() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                let error = limits::explained(&error);
                tracing::error!(error, "the stream ended before every line was answered");
                Outcome::Unknown.into()
            }
        };
        logging::finish();
        exit
    }

    async fn serve(self) -> io::Result<()> {
        let mut asked = EndRequests::listen()?;
        let mut serving = Serving::of(self)?;
        let mut input = Input::read()?;
        let end = serving.until_end(&mut input, &mut asked).await;
        let left = input.stop();
        let left = match end {
            End::Asked => left.collect(),
            End::Input | End::InputFailed(_) | End::OutputClosed => Vec::new(),
        };
        if matches!(end, End::Asked) {
            stop(&serving.stopping);
        }
        serving.finish(left, &mut asked).await?;
        match end {
            End::Input | End::Asked => Ok(()),
            End::InputFailed(error) => Err(error),
            End::OutputClosed => Err(ErrorKind::BrokenPipe.into()),
        }
    }

    fn open(&self) -> Result<Arc<Dispatch>, Failure> {
        let dispatch = Dispatch::open(&self.config, self.max_level, self.failpoints)?;
        // Root has become the account that sends.
        logging::start_writer();
        Ok(Arc::new(dispatch))
    }
}

impl Serving {
    fn of(stream: Stream) -> io::Result<Self> {
        let looked = Instant::now();
        // Root becomes the account that sends here: no thread may begin before.
        let dispatch = stream.open();
        let (answers, written) = answers::writer()?;
        Ok(Self {
            looked,
            dispatch,
            stream,
            answers,
            written,
            in_flight: JoinSet::new(),
            lost: 0,
            stopping: watch::Sender::new(false),
        })
    }

    /// Begins a line whenever one is there and there is room.
    async fn until_end(&mut self, input: &mut Input, asked: &mut EndRequests) -> End {
        let mut rounds = interval(ROUND);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let has_room = self.in_flight.len() < self.most();
            tokio::select! {
                biased;
                _ = asked.recv() => return End::Asked,
                () = self.answers.closed() => return End::OutputClosed,
                Some(done) = self.in_flight.join_next() => self.note(&done),
                _ = rounds.tick() => {
                    if pipes::has_no_reader() {
                        return End::OutputClosed;
                    }
                    if let Ok(dispatch) = &self.dispatch {
                        dispatch.stop_idle(self.stream.idle);
                    }
                }
                line = input.next(), if has_room => match line {
                    Some(Ok(line)) => {
                        if line.read >= self.looked || self.looked.elapsed() > LOOK {
                            if pipes::has_no_reader() {
                                return End::OutputClosed;
                            }
                            self.look();
                        }
                        self.begin(line);
                    }
                    Some(Err(error)) => return End::InputFailed(error),
                    None => return End::Input,
                },
            }
        }
    }

    /// The most messages in flight, as the configuration has it now.
    fn most(&self) -> usize {
        let configured = || self.dispatch.as_ref().map_or(1, |it| it.concurrency());
        self.stream.concurrency.unwrap_or_else(configured)
    }

    /// Answers a line in a task of its own.
    fn begin(&mut self, line: Line) {
        let (dispatch, answers) = (self.dispatch.clone(), self.answers.clone());
        let (wait, stopping) = (self.stream.wait, self.stopping.subscribe());
        // Boxed, as the way through all rooms is 10 KB, which would be moved ten times into a task.
        self.in_flight.spawn(Box::pin(async move {
            let number = line.number;
            let mut response = respond(line, dispatch, wait, stopping).await;
            response.line = Some(number);
            // The answers are not read any more: the main loop sees it, too.
            let _ = answers.send(response).await;
        }));
    }

    fn note(&mut self, done: &Result<(), JoinError>) {
        self.lost += usize::from(done.is_err());
    }

    /// Looks for edits. A bad one keeps the last good configuration; where there was none yet, each
    /// line is answered with what is wrong.
    fn look(&mut self) {
        self.looked = Instant::now();
        let Ok(current) = &self.dispatch else {
            self.dispatch = self.stream.open();
            return;
        };
        match current.refresh() {
            Ok(None) => {}
            Ok(Some(edited)) => {
                tracing::info!("the edited configuration is in force");
                self.dispatch = Ok(Arc::new(edited));
            }
            Err(failure) => {
                tracing::error!(
                    "the edited configuration is not used, the last good one stays: {failure}"
                );
            }
        }
    }

    /// Waits for what is in flight and for the writing of it, and says of lines that were not begun
    /// that they were not. Once it was asked to end, there is a bound to that; asked again, it ends.
    async fn finish(self, left: Vec<Line>, asked: &mut EndRequests) -> io::Result<()> {
        let timeout = self.dispatch.as_ref().map(|dispatch| dispatch.timeout());
        let bound = timeout.unwrap_or_default() + GRACE;
        let stopping = self.stopping.clone();
        let finished = self.finished(left);
        tokio::pin!(finished);
        let mut give_up = stopping.borrow().then(|| Instant::now() + bound);
        loop {
            let late = async {
                match give_up {
                    Some(time) => sleep_until(time).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                result = &mut finished => return result,
                _ = asked.recv() => match give_up {
                    Some(_) => return Err(io::Error::other("it was asked to end twice")),
                    None => {
                        stop(&stopping);
                        give_up = Some(Instant::now() + bound);
                    }
                },
                () = late => {
                    return Err(io::Error::other("not all was answered and read in time"));
                }
            }
        }
    }

    async fn finished(mut self, left: Vec<Line>) -> io::Result<()> {
        for line in left {
            // Where the answers are not read any more, the writing's end tells.
            let _ = self.answers.send(not_begun(line)).await;
        }
        while let Some(done) = self.in_flight.join_next().await {
            self.note(&done);
        }
        let Self {
            answers,
            mut written,
            dispatch,
            lost,
            ..
        } = self;
        drop(answers);
        written.end().await?;
        if let Ok(dispatch) = dispatch {
            dispatch.close().await;
        }
        match lost {
            0 => Ok(()),
            _ => Err(io::Error::other(format!("{lost} got no answer"))),
        }
    }
}

fn stop(stopping: &watch::Sender<bool>) {
    tracing::info!("asked to end: what is in flight is finished; asked again, it is left");
    stopping.send_replace(true);
}

async fn respond(
    line: Line,
    dispatch: Result<Arc<Dispatch>, Failure>,
    wait: Option<Duration>,
    mut stopping: watch::Receiver<bool>,
) -> Response {
    let request = match read(line.content) {
        Ok(request) => request,
        Err((id, failure)) => {
            let response = Response::failed(id.clone(), &failure);
            if let Ok(dispatch) = dispatch {
                dispatch.note_invalid(id.as_ref(), &response).await;
            }
            return response;
        }
    };
    let dispatch = match dispatch {
        Ok(dispatch) => dispatch,
        Err(failure) => return Response::failed(Some(request.id), &failure),
    };
    let sent = AssertUnwindSafe(async {
        let mut response = dispatch.send(&request).await;
        if let Some(wait) = wait {
            tokio::select! {
                () = dispatch.follow(&mut response, wait) => {}
                _ = stopping.wait_for(|stopping| *stopping) => {}
            }
        }
        response
    });
    // One request's panic is not the others' end. What had left by then is not known.
    let sent = sent.catch_unwind().await;
    sent.unwrap_or_else(|_| Response::failed(Some(request.id), &Failure::new(ErrorCode::MaybeSent)))
}

/// The answer to a line that is left when the stream is asked to end.
fn not_begun(line: Line) -> Response {
    let (id, failure) = match read(line.content) {
        Ok(request) => (Some(request.id), Failure::new(ErrorCode::Stopping)),
        Err(wrong) => wrong,
    };
    let mut response = Response::failed(id, &failure);
    response.line = Some(line.number);
    response
}

/// The request on a line, or what is wrong with it, and its id as far as that can be told.
fn read(line: Content) -> Result<Request, (Option<MessageId>, Failure)> {
    match line {
        Content::Json(json) => {
            Request::parse(&json).map_err(|failure| (Request::id_of(&json), failure))
        }
        Content::TooLong => {
            let failure = Failure::with_detail(ErrorCode::TooLarge, "more than 1 MiB");
            Err((None, failure))
        }
    }
}
