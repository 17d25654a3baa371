//! A plugin on the bench: its host processes, and a look at everything that it sends and says.

use std::{
    path::PathBuf,
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::{Map, Value};
use textsender_plugin_api::{
    Exchange, FailureKind, Found, Message, Phone, PluginInfo, Purpose, Receipt, SECRET_KEY, Secret,
    SendError, Verdict,
};
use tracing::subscriber::DefaultGuard;

use super::{
    log::Log,
    provider::{Provider, Script, Seen},
    report::{Findings, Report},
    sample::Sample,
};
use crate::{
    plugins::{self, CallResult, HostProcess, Launch, Refusal, Reply, StartupError, Work},
    redact::REDACTED,
    transport::Transports,
};

/// How long a plugin may take to be loaded and configured. A cold disk takes tenths of a second.
const START: Duration = Duration::from_secs(10);

/// How long a call may take whose exchanges are all answered at once.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// The code of the messages that are tried.
pub(super) const CODE: &str = "beK989vc";

/// A plugin, and what was found of it.
pub(super) struct Bench {
    library: PathBuf,
    plugin: String,
    pub(super) sample: Sample,
    pub(super) report: Findings,
    pub(super) provider: Provider,
    /// Whether it delivers by mail.
    pub(super) sends_mail: bool,
    log: Log,
    _listening: DefaultGuard,
    /// The process with the sample's settings.
    process: Option<HostProcess>,
}

/// How a call ended.
#[derive(Debug)]
pub(super) enum End {
    Replied(Reply),
    Failed(SendError),
    Panicked,
    Died,
    TimedOut,
}

/// What a call says of its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Says {
    Accepted,
    Not(Verdict),
    /// Nothing that counts.
    Nothing,
}

impl Bench {
    pub(super) fn new(library: PathBuf, plugin: String) -> Self {
        let log = Log::default();
        Self {
            library,
            plugin,
            sample: Sample::default(),
            report: Findings::default(),
            provider: Provider::new(),
            sends_mail: false,
            _listening: log.listen(),
            log,
            process: None,
        }
    }

    pub(super) fn report(&self, info: Option<PluginInfo>) -> Report {
        let file = self.library.display().to_string();
        self.report.report(file, self.plugin.clone(), info)
    }

    pub(super) fn library(&self) -> &PathBuf {
        &self.library
    }

    pub(super) fn plugin(&self) -> &str {
        &self.plugin
    }

    /// Starts a process with these settings, and looks at what it says.
    pub(super) async fn start(
        &mut self,
        settings: &Map<String, Value>,
        case: &str,
    ) -> Result<HostProcess, String> {
        let launch = Launch::alone(&self.library, &self.plugin, settings);
        let transports = Transports::mock(Arc::new(self.provider.clone()));
        let started = HostProcess::start_with(launch, transports, None);
        let process = started.map_err(|error| format!("no host process: {error}"))?;
        let ready = process.ready(tokio::time::Instant::now() + START).await;
        self.look_at_log(case);
        match ready {
            Ok(()) => Ok(process),
            Err(StartupError::Refused(Refusal::Settings(words) | Refusal::Secret(words))) => {
                self.look_at_words(&words, &format!("{case}: the refusal of its settings"));
                Err(words)
            }
            Err(StartupError::Refused(Refusal::Panicked)) => {
                self.report
                    .fail("C8", format!("{case}: it panics when it is configured"));
                Err("it panicked".into())
            }
            Err(StartupError::Refused(refusal)) => Err(refusal.to_string()),
            Err(StartupError::Ended) => {
                self.report.fail(
                    "C8",
                    format!("{case}: its process ends when it is configured"),
                );
                Err("its process ended".into())
            }
            Err(StartupError::TimedOut) => Err("it was not ready in time".into()),
        }
    }

    /// The time from nothing to a configured plugin.
    pub(super) async fn time_start(&mut self) -> Result<Duration, String> {
        let settings = self.sample.settings.clone();
        let begun = Instant::now();
        let process = self.start(&settings, "with the sample's settings").await?;
        let taken = begun.elapsed();
        self.process = Some(process);
        Ok(taken)
    }

    /// Asks the plugin with the sample's settings for something, and looks at all that comes of it.
    pub(super) async fn ask(&mut self, work: Work, script: Script, case: &str) -> (End, Vec<Seen>) {
        self.ask_for(work, script, case, PATIENCE).await
    }

    /// The same with a deadline.
    pub(super) async fn ask_for(
        &mut self,
        work: Work,
        script: Script,
        case: &str,
        patience: Duration,
    ) -> (End, Vec<Seen>) {
        let Some(process) = self.process(case).await else {
            return (End::Died, Vec::new());
        };
        self.provider.play(self.with_reading(script));
        let end = process
            .call(work, tokio::time::Instant::now() + patience)
            .await;
        self.process = Some(process);
        let end = End::of(end.result);
        self.look_at(&end, case);
        (end, self.provider.seen())
    }

    /// The process with the sample's settings, to be put back; started again if it ended.
    pub(super) async fn process(&mut self, case: &str) -> Option<HostProcess> {
        match self.process.take() {
            Some(process) if !process.is_over() => Some(process),
            _ => {
                let settings = self.sample.settings.clone();
                self.start(&settings, case).await.ok()
            }
        }
    }

    /// Whether the process with the sample's settings is alive.
    pub(super) fn is_alive(&self) -> bool {
        self.process
            .as_ref()
            .is_some_and(|process| !process.is_over())
    }

    pub(super) fn put_back(&mut self, process: HostProcess) {
        self.process = Some(process);
    }

    pub(super) fn with_reading(&self, script: Script) -> Script {
        Script {
            reading: self.sample.reading.clone(),
            ..script
        }
    }

    /// Looks at everything that a call said, did and asked for.
    pub(super) fn look_at(&mut self, end: &End, case: &str) {
        self.look_at_end(end, case);
        for seen in self.provider.seen() {
            self.look_at_exchange(&seen, case);
        }
    }

    /// Looks at what a call said, and how it ended.
    pub(super) fn look_at_end(&mut self, end: &End, case: &str) {
        match end {
            End::Panicked => self.report.fail("C8", format!("{case}: it panics")),
            End::Died => self.report.fail("C8", format!("{case}: its process ends")),
            _ => self.report.tried("C8"),
        }
        for words in end.words() {
            self.look_at_words(words, case);
        }
        self.look_at_log(case);
    }

    fn look_at_words(&mut self, words: &str, case: &str) {
        let kept = !words.contains(REDACTED);
        self.report
            .expect("X1", kept, format!("{case}: it says \"{words}\""));
    }

    fn look_at_log(&mut self, case: &str) {
        for line in self.log.take() {
            // What a mail server says is the front's line, and cleaned: the plugin did not pass it on.
            let kept = !line.contains(REDACTED) || line.starts_with("the mail server said: ");
            self.report
                .expect("X1", kept, format!("{case}: it logs \"{}\"", line.trim()));
        }
    }

    fn look_at_exchange(&mut self, seen: &Seen, case: &str) {
        let well_formed = seen.fault != Some(FailureKind::Malformed);
        self.report.expect(
            "C9",
            well_formed,
            format!("{case}: the exchange is malformed, and the host refuses it"),
        );
        let place = match &seen.exchange {
            Exchange::Http(request) => host_of(request.url_without_query()),
            Exchange::Smtp(mail) => mail.server.clone(),
            _ => String::new(),
        };
        let allowed = seen.fault != Some(FailureKind::NotAllowed);
        self.report.expect(
            "X2",
            allowed,
            format!("{case}: it asks for {place}, which the host refuses"),
        );
        let setting = setting_naming(&self.sample.settings, &place).filter(|_| !allowed);
        let named = setting.unwrap_or_default();
        self.report.expect(
            "S11",
            named.is_empty(),
            format!("{case}: {named} names {place}, and is not marked for that port"),
        );
        if let Exchange::Http(request) = &seen.exchange {
            let secrets = self.sample.settings.values();
            let secrets = secrets.filter_map(|value| value.get(SECRET_KEY)?.as_str());
            let shown = secrets
                .chain([CODE])
                .any(|secret| request.url.contains(secret));
            self.report
                .expect("X3", !shown, format!("{case}: the URL holds one"));
        }
    }
}

impl End {
    pub(super) fn of(result: CallResult) -> Self {
        match result {
            CallResult::Replied(reply) => Self::Replied(reply),
            CallResult::Failed(error) => Self::Failed(error),
            CallResult::Panicked | CallResult::TooOld => Self::Panicked,
            CallResult::Died => Self::Died,
            CallResult::TimedOut => Self::TimedOut,
        }
    }

    pub(super) fn says(&self) -> Says {
        match self {
            Self::Replied(Reply::Sent(_)) => Says::Accepted,
            Self::Failed(error) => Says::Not(error.verdict),
            _ => Says::Nothing,
        }
    }

    pub(super) fn receipt(&self) -> Option<&Receipt> {
        match self {
            Self::Replied(Reply::Sent(receipt)) => Some(receipt),
            _ => None,
        }
    }

    pub(super) fn is_absent(&self) -> bool {
        matches!(self, Self::Replied(Reply::Found(Found::Absent)))
    }

    fn words(&self) -> Vec<&str> {
        match self {
            Self::Failed(error) => vec![&error.message],
            Self::Replied(Reply::Checked(findings)) => findings
                .iter()
                .map(|finding| finding.message.as_str())
                .collect(),
            Self::Replied(Reply::Status(delivery)) => {
                delivery.reason.as_deref().into_iter().collect()
            }
            _ => Vec::new(),
        }
    }
}

/// The message that most cases send.
///
/// Its number is none that documents use as their example: a plugin's own example in what it says
/// is no leak.
pub(super) fn message() -> Message {
    message_to("+447700900684", CODE)
}

/// A message to this number with this code.
pub(super) fn message_to(number: &str, code: &str) -> Message {
    // The numbers of the cases are E.164: +44 7700 900..., which Ofcom reserves for drama.
    let to = Phone::parse(number).expect("the cases' numbers are E.164");
    let national = format!("0{}", to.national_number());
    let text = format!("Your verification code is {code}");
    let mut message = Message::new("check-1", Purpose::VerificationCode, to, text);
    message.national = national;
    message.code = Some(Secret::new(code));
    message.user = Some("ada".into());
    message.name = Some("Ada L.".into());
    message.locale = Some("en-GB".into());
    message.expires_in = Some(Duration::from_secs(600));
    message
}

/// The setting that names a host.
fn setting_naming(settings: &Map<String, Value>, host: &str) -> Option<String> {
    let named = plugins::named_hosts(&Value::from(settings.clone()));
    let mut named = named.into_iter();
    named.find_map(|(setting, named)| named.eq_ignore_ascii_case(host).then_some(setting))
}

/// The host of a URL, which may be anything.
fn host_of(url: &str) -> String {
    let parsed = url::Url::parse(url).ok();
    let host = parsed.as_ref().and_then(url::Url::host_str);
    host.unwrap_or("an address that is none").to_owned()
}
