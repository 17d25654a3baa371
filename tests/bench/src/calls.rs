//! Part f: what lies between the front and a plugin: a call across the ABI, frames, a process's start.

use std::{
    collections::BTreeMap,
    future::{Future, ready},
    path::Path,
    pin::{Pin, pin},
    sync::Arc,
    task::{Context, Poll, Waker},
    time::{Duration, SystemTime},
};

use anyhow::{Context as _, bail, ensure};
use serde_json::{Map, Value, json};
use textsender::{
    plugins::{CallResult, HostProcess, Launch, Reply, Work},
    transport::{MockTransport, Progress, Transports},
};
use textsender_plugin_api::{
    Answer, BoxFuture, Exchange, ExchangeError, FailureKind, Host, HttpResponse, Level, Message,
    Phone, PluginInfo, Purpose, Receipt, SECRET_KEY, SendError, Sender, Services, SettingsError,
    Stage,
    abi::{CallError, Module},
};
use textsender_tests::sandbox::twilio;
use tokio::time::Instant;

use crate::{
    figures::{Figure, Figures},
    subject::{median, median_ms},
    texts::micros,
    wiring::{PHONE, TEXT, Wiring},
};

/// How many processes are started.
const STARTS: usize = 30;

/// How many calls each figure of a process is the median of.
const CALLS: usize = 3_000;

/// How long anything here may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Measures from the inside out: the ABI, a frame there and back, a message with its exchange, a start.
///
/// # Errors
/// The plugin is not there, or does not do what it should.
pub fn measure(wiring: &Wiring, figures: &mut Figures) -> anyhow::Result<()> {
    figures.add(Figure::new(
        "a call across the ABI, send",
        abi_call()?,
        "µs",
    ));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(processes(wiring, figures))
}

async fn processes(wiring: &Wiring, figures: &mut Figures) -> anyhow::Result<()> {
    let library = wiring.artifacts.plugin("twilio");
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        let begun = Instant::now();
        let process = start(&library).await?;
        starts.push(begun.elapsed());
        drop(process);
    }
    let process = start(&library).await?;
    // It is no id of Twilio's, so the plugin answers at once.
    let asked = Work::Status("none".to_owned());
    let hop = calls(&process, &asked, |reply| matches!(reply, Reply::Status(_))).await?;
    figures.add(Figure::new(
        "a question to a plugin's process and back",
        hop,
        "µs",
    ));
    let message = Work::Send(message()?);
    let sent = calls(&process, &message, |reply| matches!(reply, Reply::Sent(_))).await?;
    figures.add(Figure::new(
        "a message, its exchange answered at once",
        sent,
        "µs",
    ));
    let start = Figure::new(
        "a host process, from nothing to ready",
        median_ms(starts),
        "ms",
    );
    figures.add(start);
    Ok(())
}

/// A host process of the Twilio plugin: this executable, sealed as ever.
async fn start(library: &Path) -> anyhow::Result<HostProcess> {
    let settings = json!({
        "account_sid": twilio::ACCOUNT_SID,
        "from": twilio::FROM_NUMBER,
        "auth_token": { SECRET_KEY: twilio::AUTH_TOKEN },
    });
    let settings: Map<String, Value> = serde_json::from_value(settings)?;
    let launch = Launch::alone(library, "twilio", &settings);
    let process = HostProcess::start_with(launch, Transports::mock(Arc::new(Accepts)), None)?;
    match process.ready(Instant::now() + PATIENCE).await {
        Ok(()) => Ok(process),
        Err(reason) => bail!("the plugin is not ready: {reason:?}"),
    }
}

/// The median of calls one after the other, in microseconds.
async fn calls(process: &HostProcess, work: &Work, is: fn(&Reply) -> bool) -> anyhow::Result<f64> {
    let mut each = Vec::with_capacity(CALLS);
    for _ in 0..CALLS {
        let begun = Instant::now();
        let end = process.call(work.clone(), begun + PATIENCE).await;
        each.push(begun.elapsed().as_secs_f64() * 1e6);
        let CallResult::Replied(reply) = end.result else {
            bail!("a call failed");
        };
        ensure!(is(&reply), "an odd reply: {reply:?}");
    }
    Ok(median(each))
}

fn message() -> anyhow::Result<Message> {
    let phone = Phone::parse(PHONE).ok().context("the number is wrong")?;
    Ok(Message::new(
        "bench",
        Purpose::VerificationCode,
        phone,
        TEXT,
    ))
}

/// A provider that takes every text at once.
struct Accepts;

impl MockTransport for Accepts {
    fn answer(
        &self,
        _: Exchange,
        _: Option<FailureKind>,
        progress: Progress,
    ) -> Pin<Box<dyn Future<Output = Result<Answer, FailureKind>> + Send>> {
        progress.reach(Stage::Written);
        let body = json!({ "sid": "SM00000000000000000000000000000001", "num_segments": "1" });
        let answer = HttpResponse {
            status: 201,
            headers: Vec::new(),
            body: body.to_string().into_bytes(),
        };
        Box::pin(async { Ok(Answer::Http(answer)) })
    }
}

/// One call of a sender that is linked into this program, so that nothing but the ABI is in between.
fn abi_call() -> anyhow::Result<f64> {
    let module = Module::linked::<Nothing>();
    let instance = module.configure("{}", NoServices);
    let instance = instance.map_err(|error| anyhow::anyhow!("{error:?}"))?;
    let message = message()?;
    Ok(micros(|| at_once(instance.send(message.clone())).is_ok()))
}

/// What a future comes to that never waits.
fn at_once<T>(future: impl Future<Output = Result<T, CallError>>) -> Result<T, ()> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(Ok(done)) => Ok(done),
        _ => Err(()),
    }
}

/// A sender that takes everything.
struct Nothing;

impl Sender for Nothing {
    type Settings = BTreeMap<String, String>;

    fn info() -> PluginInfo {
        PluginInfo::new("nothing", "Nothing", "0")
    }

    fn configure(_: Self::Settings, _: Host) -> Result<Self, SettingsError> {
        Ok(Self)
    }

    async fn send(&self, _: &Message) -> Result<Receipt, SendError> {
        Ok(Receipt::new("SM00000000000000000000000000000001"))
    }
}

/// Services for a sender that asks for none.
struct NoServices;

impl Services for NoServices {
    fn exchange(&self, _: Exchange) -> BoxFuture<Result<Answer, ExchangeError>> {
        let unsupported = ExchangeError::new(Stage::NotSent, FailureKind::Unsupported);
        Box::pin(ready(Err(unsupported)))
    }

    fn sleep(&self, _: Duration) -> BoxFuture<()> {
        Box::pin(ready(()))
    }

    fn now(&self) -> SystemTime {
        SystemTime::now()
    }

    fn random(&self, bytes: &mut [u8]) {
        bytes.fill(0);
    }

    fn max_level(&self) -> Level {
        Level::Error
    }

    fn log(&self, _: Level, _: &str) {}
}
