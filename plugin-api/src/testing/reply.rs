//! What a fake provider answers.

use std::time::Duration;

use crate::{Answer, ExchangeError, FailureKind, HttpResponse, SmtpCommand, SmtpReply, Stage};

/// What a byte of a damaged body becomes: something that JSON gives a meaning, or nothing has one.
const DAMAGE: [u8; 6] = [b'"', b'{', b'0', b'\\', 0, 0xff];

/// One scripted answer, or the lack of one. Give it to [`FakeHost::answer`](super::FakeHost::answer).
#[derive(Clone, Debug)]
pub struct Reply {
    pub(super) result: Result<Answer, ExchangeError>,
    pub(super) after: Duration,
}

impl Reply {
    /// An HTTP answer with a JSON body.
    pub fn json(status: u16, body: serde_json::Value) -> Self {
        Self::text(status, body.to_string()).with_header("content-type", "application/json")
    }

    /// An HTTP answer with any body: HTML, half of a JSON document, bytes.
    pub fn text(status: u16, body: impl Into<Vec<u8>>) -> Self {
        Self::from(Ok(Answer::Http(HttpResponse {
            status,
            headers: Vec::new(),
            body: body.into(),
        })))
    }

    /// An HTTP answer without a body.
    pub fn empty(status: u16) -> Self {
        Self::text(status, "")
    }

    /// A page by something that is not the provider's API: a proxy, a portal, a parked domain.
    pub fn html(status: u16) -> Self {
        let page = format!("<html><title>{status}</title><p>This is not the API.</p></html>");
        Self::text(status, page).with_header("content-type", "text/html")
    }

    /// Answers with this body damaged on its way: at each byte in turn it ends, or has another byte
    /// there. Whatever is left of it, a plugin should say something true of the message.
    ///
    /// ```
    /// # use textsender_plugin_api::testing::Reply;
    /// let body = r#"{"id":"a1b2c3"}"#;
    /// assert_eq!(Reply::damaged(200, body).count(), body.len() * 7);
    /// ```
    pub fn damaged(status: u16, body: &str) -> impl Iterator<Item = Self> {
        (0..body.len()).flat_map(move |at| {
            let (before, after) = (&body.as_bytes()[..at], &body.as_bytes()[at + 1..]);
            let cut = before.to_vec();
            let others = DAMAGE.map(|byte| [before, &[byte], after].concat());
            let bodies = others.into_iter().chain([cut]);
            bodies.map(move |body| Self::text(status, body))
        })
    }

    /// No answer: the exchange comes as far as `stage` and fails.
    pub fn failure(stage: Stage, kind: FailureKind) -> Self {
        Self::from(Err(ExchangeError::new(stage, kind)))
    }

    /// A mail server's last reply: `Reply::smtp(SmtpCommand::Dot, 250, "2.0.0 queued as 4F2")`.
    pub fn smtp(command: SmtpCommand, code: u16, text: &str) -> Self {
        Self::from(Ok(Answer::Smtp(SmtpReply {
            code,
            command,
            text: text.into(),
        })))
    }

    /// Adds a header to an HTTP answer.
    ///
    /// # Panics
    ///
    /// It is not an HTTP answer.
    #[track_caller]
    pub fn with_header(mut self, name: &str, value: &str) -> Self {
        let Ok(Answer::Http(answer)) = &mut self.result else {
            panic!("only an HTTP answer has headers");
        };
        answer
            .headers
            .push((name.to_ascii_lowercase(), value.into()));
        self
    }

    /// The answer, or its failure, takes this long by the fake host's clock.
    pub fn after(mut self, duration: Duration) -> Self {
        self.after = duration;
        self
    }
}

impl From<Result<Answer, ExchangeError>> for Reply {
    fn from(result: Result<Answer, ExchangeError>) -> Self {
        Self {
            result,
            after: Duration::ZERO,
        }
    }
}
