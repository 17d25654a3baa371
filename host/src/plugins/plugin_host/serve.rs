//! Frames in, calls of the plugin, frames out; and the services that the plugin is offered.

use std::{
    cell::Cell,
    collections::HashMap,
    fs::File,
    future::Future,
    io::{self, Write},
    pin::Pin,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use textsender_plugin_api::{
    Answer, BoxFuture, Exchange, ExchangeError, FailureKind, Level, SendError, Services, Stage,
    abi::{CallError, Instance, Module},
};
use tokio::{io::AsyncRead, runtime::Handle, sync::oneshot, task::JoinHandle};

use crate::{
    plugins::frames::{self, CallOutcome, Down, FrameReader, Reply, Up, Work},
    redact::Foreign,
};

/// The longest line that a plugin may log, in bytes.
const MAX_LINE: usize = 8 * 1024;

type ExchangeResult = Result<Answer, ExchangeError>;

/// What calls and services share.
pub(super) struct Server {
    outbox: Mutex<Outbox>,
    max_level: Level,
    /// Exchanges that the front has not answered.
    open: Mutex<HashMap<u64, oneshot::Sender<ExchangeResult>>>,
    last_exchange: AtomicU64,
    /// Calls that run, so that they can be cancelled.
    running: Mutex<HashMap<u64, JoinHandle<()>>>,
}

/// The pipe to the front. The front always reads, so that a write does not wait for long.
struct Outbox {
    pipe: File,
    buffer: Vec<u8>,
}

thread_local! {
    /// The call whose future is being polled: an exchange that starts now belongs to it.
    static CURRENT: Cell<Option<u64>> = const { Cell::new(None) };
}

impl Server {
    pub(super) fn new(pipe: File, max_level: Level) -> Self {
        Self {
            outbox: Mutex::new(Outbox {
                pipe,
                buffer: Vec::new(),
            }),
            max_level,
            open: Mutex::default(),
            last_exchange: AtomicU64::new(0),
            running: Mutex::default(),
        }
    }

    /// Writes one frame; whether it is small enough for one. If the front is gone, so is this
    /// process: its death is tied to the front's.
    pub(super) fn post(&self, frame: &Up) -> bool {
        let mut outbox = lock(&self.outbox);
        let Outbox { pipe, buffer } = &mut *outbox;
        buffer.clear();
        let fits = frames::encode(frame, buffer).is_ok();
        if fits {
            let _ = pipe.write_all(buffer);
        }
        fits
    }

    /// Serves the front until it closes its pipe.
    pub(super) async fn serve<R: AsyncRead + Unpin>(
        self: &Arc<Self>,
        mut frames: FrameReader<R>,
        module: &Module,
        instance: Instance,
    ) -> io::Result<()> {
        let instance = Arc::new(instance);
        while let Some(frame) = frames.next().await? {
            match frame {
                Down::Call { call, work } => self.start(call, work, &instance),
                Down::Cancel { call } => self.cancel(call),
                Down::Exchanged { exchange, result } => self.answer(exchange, result),
                Down::Schema => {
                    self.post(&Up::Schema(Foreign::of(module.settings_schema())));
                }
                Down::Ping => {
                    self.post(&Up::Pong);
                }
                Down::Start(_) | Down::Describe(_) | Down::Files(_) => {
                    return Err(io::ErrorKind::InvalidData.into());
                }
            }
        }
        Ok(())
    }

    fn start(self: &Arc<Self>, call: u64, work: Work, instance: &Arc<Instance>) {
        let (server, instance) = (self.clone(), instance.clone());
        let task = tokio::spawn(async move {
            let result = InCall {
                call,
                future: Box::pin(perform(&instance, work)),
            }
            .await;
            lock(&server.running).remove(&call);
            let result = Foreign::of(result);
            if !server.post(&Up::Done { call, result }) {
                // The result can't be delivered: the careful reading of it is left.
                let unheard = SendError::unknown("the plugin's answer is larger than 2 MiB");
                let result = Foreign::of(CallOutcome::Failed(unheard));
                server.post(&Up::Done { call, result });
            }
        });
        // The task can't have run yet: there is one thread, and it is here.
        lock(&self.running).insert(call, task);
    }

    /// Takes a call back, and says so once the plugin has let go of it: dropping its future runs
    /// the plugin's code, which may never return.
    fn cancel(self: &Arc<Self>, call: u64) {
        let Some(task) = lock(&self.running).remove(&call) else {
            return;
        };
        task.abort();
        let server = self.clone();
        tokio::spawn(async move {
            // One that came to its end in this moment has said so already.
            if task.await.is_err() {
                server.post(&Up::Cancelled { call });
            }
        });
    }

    fn answer(&self, exchange: u64, result: ExchangeResult) {
        if let Some(waiting) = lock(&self.open).remove(&exchange) {
            // A call that was cancelled no longer waits.
            let _ = waiting.send(result);
        }
    }
}

async fn perform(instance: &Instance, work: Work) -> CallOutcome {
    let result = match work {
        Work::Send(message) => instance.send(message).await.map(Reply::Sent),
        Work::Status(provider_id) => instance.status(&provider_id).await.map(Reply::Status),
        Work::Find(message, since) => {
            let since = UNIX_EPOCH + Duration::from_millis(since);
            instance.find(message, since).await.map(Reply::Found)
        }
        Work::Check => instance.check().await.map(Reply::Checked),
    };
    match result {
        Ok(reply) => CallOutcome::Replied(reply),
        Err(CallError::Failed(error)) => CallOutcome::Failed(error),
        Err(CallError::Panicked) => CallOutcome::Panicked,
        Err(CallError::TooOld) => CallOutcome::TooOld,
    }
}

/// A call's future, which marks the call as current while it is polled.
struct InCall<F> {
    call: u64,
    future: Pin<Box<F>>,
}

impl<F: Future> Future for InCall<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        CURRENT.set(Some(self.call));
        let result = self.future.as_mut().poll(context);
        CURRENT.set(None);
        result
    }
}

/// What the plugin is offered. It may be used from any thread of the plugin's.
pub(super) struct Offered {
    server: Arc<Server>,
    runtime: Handle,
}

impl Offered {
    /// Services of the runtime that this is called in.
    pub(super) fn new(server: Arc<Server>) -> Self {
        Self {
            server,
            runtime: Handle::current(),
        }
    }
}

/// Forgets an exchange once nothing waits for it: the front does not answer those of a call that was
/// taken back.
struct Waiting {
    server: Arc<Server>,
    exchange: u64,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        lock(&self.server.open).remove(&self.exchange);
    }
}

impl Services for Offered {
    fn exchange(&self, request: Exchange) -> BoxFuture<ExchangeResult> {
        let unsupported = ExchangeError::new(Stage::NotSent, FailureKind::Unsupported);
        let Some(call) = CURRENT.get() else {
            return Box::pin(std::future::ready(Err(unsupported)));
        };
        let server = &self.server;
        let exchange = server.last_exchange.fetch_add(1, Ordering::Relaxed) + 1;
        let (answer, answered) = oneshot::channel();
        lock(&server.open).insert(exchange, answer);
        let waiting = Waiting {
            server: server.clone(),
            exchange,
        };
        let request = Up::Exchange {
            call,
            exchange,
            request: Foreign::of(request),
        };
        if !server.post(&request) {
            let malformed = ExchangeError::new(Stage::NotSent, FailureKind::Malformed);
            return Box::pin(std::future::ready(Err(malformed)));
        }
        Box::pin(async move {
            let _waiting = waiting;
            answered.await.unwrap_or(Err(unsupported))
        })
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<()> {
        let _in_runtime = self.runtime.enter();
        Box::pin(tokio::time::sleep(duration))
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn random(&self, bytes: &mut [u8]) {
        if getrandom::fill(bytes).is_err() {
            // A plugin that believes in zeroes would be worse than none.
            std::process::abort();
        }
    }

    fn max_level(&self) -> Level {
        self.server.max_level
    }

    fn log(&self, level: Level, line: &str) {
        if level <= self.server.max_level {
            let end = line.floor_char_boundary(MAX_LINE.min(line.len()));
            self.server.post(&Up::Log {
                level,
                line: Foreign::of(line[..end].to_owned()),
            });
        }
    }
}

/// A lock of ours is poisoned only by a panic of ours, after which its content is still whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
