//! The provider that is played: it notes what it was asked, and answers as a case wants.

use std::{
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use textsender_plugin_api::{
    Answer, Exchange, FailureKind, HttpResponse, SmtpCommand, SmtpReply, Stage,
};

use crate::transport::{MockTransport, Progress};

/// Where an answer quotes what was asked.
pub(super) const QUOTE: &str = "@QUOTE@";

/// What the provider does with one exchange.
#[derive(Clone)]
pub(super) enum Turn {
    /// Answers.
    Answer(HttpResponse),
    /// Answers a mail's dialogue.
    Reply(SmtpCommand, u16, &'static str),
    /// Gives no answer: the exchange comes as far as this and fails.
    Fail(Stage, FailureKind),
    /// Never answers.
    Silence,
    /// Waits until as many exchanges are here, then answers.
    Together(usize, Box<Turn>),
}

/// One exchange as it was asked for.
#[derive(Clone)]
pub(super) struct Seen {
    pub(super) exchange: Exchange,
    /// Why it would not have been carried.
    pub(super) fault: Option<FailureKind>,
}

/// How HTTP is answered and how mail is.
#[derive(Clone)]
pub(super) struct Script {
    pub(super) http: Turn,
    pub(super) mail: Turn,
    /// To what delivers nothing, if it is to be answered otherwise.
    pub(super) reading: Option<HttpResponse>,
}

/// The provider. Clones are the same.
#[derive(Clone)]
pub(super) struct Provider(Arc<Mutex<State>>);

struct State {
    script: Script,
    seen: Vec<Seen>,
    gathered: Arc<tokio::sync::watch::Sender<usize>>,
}

impl Provider {
    pub(super) fn new() -> Self {
        let script = Script {
            http: Turn::Silence,
            mail: Turn::Silence,
            reading: None,
        };
        Self(Arc::new(Mutex::new(State {
            script,
            seen: Vec::new(),
            gathered: Arc::default(),
        })))
    }

    /// Answers like this from now on, and forgets what it saw.
    pub(super) fn play(&self, script: Script) {
        let mut state = self.state();
        state.script = script;
        state.seen.clear();
        state.gathered = Arc::default();
    }

    /// What it was asked since the script began.
    pub(super) fn seen(&self) -> Vec<Seen> {
        self.state().seen.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MockTransport for Provider {
    fn answer(
        &self,
        exchange: Exchange,
        fault: Option<FailureKind>,
        progress: Progress,
    ) -> Pin<Box<dyn Future<Output = Result<Answer, FailureKind>> + Send>> {
        let mut state = self.state();
        let turn = match (&exchange, state.script.reading.clone()) {
            (Exchange::Http(request), Some(reading)) if !request.delivers => Turn::Answer(reading),
            (Exchange::Http(_), _) => state.script.http.clone(),
            _ => state.script.mail.clone(),
        };
        let quote = quoted(&exchange);
        state.seen.push(Seen { exchange, fault });
        let gathered = state.gathered.clone();
        drop(state);
        Box::pin(async move {
            match fault {
                Some(fault) => Err(fault),
                None => take(turn, quote, &progress, &gathered).await,
            }
        })
    }
}

async fn take(
    turn: Turn,
    quote: String,
    progress: &Progress,
    gathered: &tokio::sync::watch::Sender<usize>,
) -> Result<Answer, FailureKind> {
    let turn = match turn {
        Turn::Together(count, turn) => {
            progress.reach(Stage::Written);
            gathered.send_modify(|here| *here += 1);
            let mut here = gathered.subscribe();
            // The sender of the channel is held above.
            let _ = here.wait_for(|here| *here >= count).await;
            *turn
        }
        turn => turn,
    };
    match turn {
        Turn::Answer(mut answer) => {
            // A provider that quotes what it was sent: nothing of it may be passed on in words.
            if let Ok(text) = std::str::from_utf8(&answer.body) {
                answer.body = text.replace(QUOTE, &quote).into_bytes();
            }
            answer.headers.push(("x-echo".into(), quote));
            Ok(Answer::Http(answer))
        }
        Turn::Reply(command, code, text) => Ok(Answer::Smtp(SmtpReply {
            code,
            command,
            text: format!("{text} {quote}"),
        })),
        Turn::Fail(stage, kind) => {
            progress.reach(stage);
            Err(kind)
        }
        Turn::Silence | Turn::Together(..) => {
            progress.reach(Stage::Written);
            std::future::pending().await
        }
    }
}

/// What a talkative provider would repeat: the request without its form.
fn quoted(exchange: &Exchange) -> String {
    match exchange {
        Exchange::Http(request) => {
            String::from_utf8_lossy(&request.body).replace(['\r', '\n'], " ")
        }
        Exchange::Smtp(mail) => format!("<{}>", mail.to),
        _ => String::new(),
    }
}
