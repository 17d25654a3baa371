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
    process::ExitCode,
    time::Duration,
};

use tokio::{
    sync::watch,
    task::{JoinError, JoinSet},
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

use super::logging;
use crate::site::runtime;
use crate::{
    dispatch::{self, Asked, Current, Source, Unread},
    os::{limits, pipes, signals::EndRequests},
    protocol::{ErrorCode, Failure, MessageId, Outcome, Request, Response, id_of_used},
};
use answers::{Answers, Written};
use lines::{Content, Input, Line};

/// How often idle host processes, and a reader that went away, are looked for.
const ROUND: Duration = Duration::from_secs(1);

/// How long a look at the configuration holds for lines that were read before it.
const LOOK: Duration = Duration::from_millis(100);

/// What a message may take beyond its deadline: its outcome is written down.
const GRACE: Duration = Duration::from_secs(2);

/// A stream that is to be served.
pub(super) struct Stream {
    pub(super) source: Source,
    pub(super) options: Options,
}

/// How a stream is served.
pub(super) struct Options {
    /// The most messages in flight; `None` for the configuration's word.
    pub(super) concurrency: Option<usize>,
    /// How long a host process may idle before it is stopped.
    pub(super) idle: Duration,
    /// How long to wait for what becomes of an accepted message, if at all.
    pub(super) wait: Option<Duration>,
}

/// A stream that is being served.
struct Serving {
    current: Current,
    options: Options,
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
}

impl Serving {
    fn of(stream: Stream) -> io::Result<Self> {
        // Root becomes the account that sends here: no thread may begin before.
        let current = Current::open(stream.source);
        let (answers, written) = answers::writer()?;
        Ok(Self {
            current,
            options: stream.options,
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
                    self.current.stop_idle(self.options.idle);
                }
                line = input.next(), if has_room => match line {
                    Some(Ok(line)) => {
                        let looked = self.current.looked();
                        if line.read >= looked || looked.elapsed() > LOOK {
                            if pipes::has_no_reader() {
                                return End::OutputClosed;
                            }
                            self.current.look();
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
        let configured = || self.current.concurrency();
        self.options.concurrency.unwrap_or_else(configured)
    }

    /// Answers a line in a task of its own.
    fn begin(&mut self, line: Line) {
        let (dispatch, answers) = (self.current.dispatch(), self.answers.clone());
        let asked = Asked {
            caller: None,
            bounds: None,
            since: Instant::now(),
            place: (),
            wait: self.options.wait,
            stopping: self.stopping.subscribe(),
        };
        // Boxed, as the way through all rooms is 10 KB, which would be moved ten times into a task.
        self.in_flight.spawn(Box::pin(async move {
            let number = line.number;
            let mut response = match read(line.content) {
                Ok(request) => dispatch::answer(Ok(request), dispatch, asked).await,
                Err(NoMessage::Wrong(wrong)) => dispatch::answer(Err(wrong), dispatch, asked).await,
                Err(NoMessage::Used(id)) => dispatch::answer_used(id, dispatch).await,
            };
            response.line = Some(number);
            // The answers are not read any more: the main loop sees it, too.
            let _ = answers.send(response).await;
        }));
    }

    fn note(&mut self, done: &Result<(), JoinError>) {
        self.lost += usize::from(done.is_err());
    }

    /// Waits for what is in flight and for the writing of it, and says of lines that were not begun
    /// that they were not. Once it was asked to end, there is a bound to that; asked again, it ends.
    async fn finish(self, left: Vec<Line>, asked: &mut EndRequests) -> io::Result<()> {
        let bound = self.current.timeout() + GRACE;
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
                    Some(_) => return Err(io::Error::other("it got a second signal to end")),
                    None => {
                        stop(&stopping);
                        give_up = Some(Instant::now() + bound);
                    }
                },
                () = late => {
                    return Err(io::Error::other("not every answer was written and read in time"));
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
            current,
            lost,
            ..
        } = self;
        drop(answers);
        written.end().await?;
        current.close().await;
        match lost {
            0 => Ok(()),
            _ => Err(io::Error::other(format!("{lost} got no answer"))),
        }
    }
}

fn stop(stopping: &watch::Sender<bool>) {
    tracing::info!("shutting down: messages in flight are finished; a second signal abandons them");
    stopping.send_replace(true);
}

/// The answer to a line that is left when the stream is asked to end.
fn not_begun(line: Line) -> Response {
    let stopping = Failure::new(ErrorCode::Stopping);
    let (id, failure) = match read(line.content) {
        Ok(request) => (Some(request.id), stopping),
        Err(NoMessage::Wrong(wrong)) => wrong,
        Err(NoMessage::Used(id)) => (Some(id), stopping),
    };
    let mut response = Response::failed(id, &failure);
    response.line = Some(line.number);
    response
}

/// A line that asks for no message.
enum NoMessage {
    /// It is no right request.
    Wrong(Unread),
    /// It tells that the code of this message was typed in.
    Used(MessageId),
}

/// What a line asks for.
fn read(line: Content) -> Result<Request, NoMessage> {
    let json = match line {
        Content::Json(json) => json,
        Content::TooLong => {
            let failure = Failure::with_detail(ErrorCode::TooLarge, "more than 1 MiB");
            return Err(NoMessage::Wrong((None, failure)));
        }
    };
    dispatch::read(&json).map_err(|(id, failure)| {
        // A request has no such field: only what is none is looked at twice.
        let is_other = failure.code == ErrorCode::UnknownField;
        match id_of_used(&json).filter(|_| is_other) {
            Some(id) => NoMessage::Used(id),
            None => NoMessage::Wrong((id, failure)),
        }
    })
}
