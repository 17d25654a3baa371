//! The ways to be careless. Each breaks a few rules of the contract, which the tests name.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Deserialize;
use textsender_plugin_api::{HttpResponse, Message, Receipt, SendError, SettingsError, warn};

use crate::{API, Careless, refusal, taken};

/// What it does, besides or instead of what it should.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Behaviour {
    /// Refuses its own example.
    RefusesGoodSettings,
    /// Reads what it needs and asks no more.
    TakesAnySettings,
    /// Quotes a secret that is not stored.
    ShowsSecretInTheOpen,
    /// Panics where a setting is empty.
    PanicsOnEmptySetting,
    /// Takes its time to start.
    StartsSlowly,
    /// Takes every answer for acceptance.
    AcceptsAnyAnswer,
    /// Takes every refusal for the number's fault.
    BlamesTheNumber,
    /// Takes every refusal for an invitation to repeat.
    InvitesRepeats,
    /// Takes a lost answer for an exchange that never left.
    TakesLostForUnsent,
    /// Takes an exchange that never left for a lost answer.
    TakesUnsentForLost,
    /// Does not read the provider's acceptance.
    ForgetsAcceptance,
    /// Repeats by itself what failed.
    RepeatsByItself,
    /// Delivers to find out whether it can.
    DeliversInCheck,
    /// Takes 404 for proof.
    FindsAbsent,
    /// Puts ids into URLs as they are.
    IdInPath,
    /// Does not let go of a call that is taken back.
    HoldsOn,
    /// Sends the first message's text to everyone.
    MixesMessages,
    /// Lets messages wait for each other.
    OneAtATime,
    /// Panics where it is told that there is nothing.
    PanicsOn404,
    /// Puts names into headers as they are.
    NameInHeader,
    /// Says what the provider says.
    QuotesTheProvider,
    /// Logs what it sends.
    LogsTheText,
    /// Tells somebody else first.
    TellsOthers,
    /// Puts its key into the URL.
    KeyInUrl,
}

/// Carelessness before any message.
pub fn in_configure(does: Option<Behaviour>) -> Result<(), SettingsError> {
    match does {
        Some(Behaviour::RefusesGoodSettings) => Err(SettingsError::new("from", "not this one")),
        Some(Behaviour::StartsSlowly) => {
            thread::sleep(Duration::from_millis(400));
            Ok(())
        }
        _ => Ok(()),
    }
}

impl Careless {
    /// A message, with carelessness before and after.
    pub async fn careless_send(&self, message: &Message) -> Result<Receipt, SendError> {
        let _turn = self.turn().await;
        let mut hold = Hold(self.does(Behaviour::HoldsOn));
        self.before(message).await;
        let text = self.text(message);
        let answer = self.exchange(message, &text).await;
        hold.0 = false;
        self.judge(message, &answer?)
    }

    async fn before(&self, message: &Message) {
        if self.does(Behaviour::TellsOthers) {
            let _ = self.host.http().get("https://others.example").send().await;
        }
        if self.does(Behaviour::LogsTheText) {
            warn!(self.host, "sending {}", message.text);
        }
    }

    fn text(&self, message: &Message) -> String {
        let mut first = self
            .first_text
            .lock()
            .unwrap_or_else(|poisoned| poisoned.into_inner());
        match self.does(Behaviour::MixesMessages) {
            true => first.get_or_insert(message.text.clone()).clone(),
            false => message.text.clone(),
        }
    }

    async fn exchange(&self, message: &Message, text: &str) -> Result<HttpResponse, SendError> {
        let mut request = self.request(message, text);
        if self.does(Behaviour::NameInHeader) {
            request = request.header("x-name", message.name.clone().unwrap_or_default());
        }
        if self.does(Behaviour::KeyInUrl) {
            request = request.query("key", self.read.key.expose());
        }
        let answer = match request.send().await {
            Err(error) if self.does(Behaviour::TakesLostForUnsent) => {
                return Err(SendError::unavailable(error.to_string()));
            }
            Err(error) if self.does(Behaviour::TakesUnsentForLost) => {
                return Err(SendError::unknown(error.to_string()));
            }
            answer => answer?,
        };
        match answer.status >= 500 && self.does(Behaviour::RepeatsByItself) {
            true => Ok(self.request(message, text).send().await?),
            false => Ok(answer),
        }
    }

    fn judge(&self, message: &Message, answer: &HttpResponse) -> Result<Receipt, SendError> {
        assert!(answer.status != 404 || !self.does(Behaviour::PanicsOn404));
        let receipt = taken(answer).map(Receipt::new);
        let careful = receipt.ok_or_else(|| refusal(answer));
        match (careful, self.read.does) {
            (_, Some(Behaviour::AcceptsAnyAnswer)) => Ok(Receipt::new(message.id.as_str())),
            (_, Some(Behaviour::ForgetsAcceptance)) => Err(refusal(answer)),
            (Err(_), Some(Behaviour::BlamesTheNumber)) => {
                Err(SendError::rejected("the number is bad"))
            }
            (Err(_), Some(Behaviour::InvitesRepeats)) => {
                Err(SendError::unavailable(format!("{API} said no")))
            }
            (Err(error), Some(Behaviour::QuotesTheProvider)) => {
                let words = String::from_utf8_lossy(&answer.body).into_owned();
                let said = SendError::new(error.verdict, words);
                Err(said.with_retry_after(error.retry_after))
            }
            (careful, _) => careful,
        }
    }

    /// Waits for its turn, if messages take turns.
    async fn turn(&self) -> Option<Turn<'_>> {
        if !self.does(Behaviour::OneAtATime) {
            return None;
        }
        while self.busy.swap(true, Ordering::AcqRel) {
            self.host.sleep(Duration::from_millis(1)).await;
        }
        Some(Turn(&self.busy))
    }
}

/// One message's turn, until it is dropped.
struct Turn<'a>(&'a AtomicBool);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}

/// Does not come back from being dropped.
struct Hold(bool);

impl Drop for Hold {
    fn drop(&mut self) {
        if self.0 {
            loop {
                thread::sleep(Duration::from_secs(1));
            }
        }
    }
}
