//! What the senders' plugins say that they carry, and what that makes of one message: a code that would arrive as
//! another is known before anything is sent, and a name is shown as the sender will write it.

use textsender_plugin_api::{Secret, alphabet};

use crate::{
    check::{self, SenderCapabilities},
    config::Config,
    decision::Decision,
    protocol::{Content, ErrorCode, Failure, Request},
    text::segments::Segments,
};

/// What was learned of the senders of one message.
pub(super) struct Carried {
    /// The senders that can't carry its code or password.
    unsuitable: Vec<String>,
    /// The senders whose plugins can't be asked, and why.
    pub(super) unusable: Vec<(String, Failure)>,
    /// Why none can.
    failure: Option<Failure>,
    /// The text as the first sender that can will write it, where that differs from the policy's.
    pub(super) fitted: Option<Fitted>,
}

/// A text, as one sender carries it.
pub(super) struct Fitted {
    pub(super) sender: String,
    pub(super) text: String,
    pub(super) segments: Segments,
}

impl Carried {
    /// Asks the plugins. Needs a tokio runtime.
    pub(super) async fn of(
        config: &Config,
        decision: &Decision<'_>,
        request: &Request,
        secret: Option<&Secret>,
    ) -> Self {
        let senders = decision.senders();
        let mut capabilities = Vec::new();
        let mut unusable = Vec::new();
        for (sender, answer) in check::capabilities_of(config, &senders).await {
            match answer {
                Ok(carries) => capabilities.push((sender, carries)),
                Err(failure) => unusable.push((sender, failure)),
            }
        }
        let cant = |carries: &SenderCapabilities| {
            secret.is_some_and(|secret| !carries.carries_secret(secret.expose()))
        };
        let unsuitable: Vec<_> = capabilities
            .iter()
            .filter(|(_, carries)| cant(carries))
            .map(|(sender, _)| sender.clone())
            .collect();
        let is_suitable = |sender: &&str| !unsuitable.iter().any(|name| name == sender);
        let first = senders.iter().copied().find(is_suitable);
        let failure = match (first, unsuitable.first()) {
            (None, Some(sender)) => Some(unsuitable_for(sender, request)),
            _ => None,
        };
        let fitted = first.and_then(|sender| {
            let (_, carries) = capabilities.iter().find(|(name, _)| name == sender)?;
            fitted(sender, carries, decision)
        });
        Self {
            unsuitable,
            unusable,
            failure,
            fitted,
        }
    }

    pub(super) fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    /// Why a sender's plugin can't be asked.
    pub(super) fn unusable(&self, sender: &str) -> Option<&Failure> {
        let (_, failure) = self.unusable.iter().find(|(name, _)| name == sender)?;
        Some(failure)
    }

    pub(super) fn is_unsuitable(&self, sender: &str) -> bool {
        self.unsuitable.iter().any(|name| name == sender)
    }
}

/// As a send says it.
fn unsuitable_for(sender: &str, request: &Request) -> Failure {
    let part = match request.content {
        Content::Code(_) => "code",
        Content::Password(_) => "password",
        Content::Message(_) => "text",
    };
    Failure::with_detail(
        ErrorCode::UnsuitableCode,
        format!("sender {sender}: its {part}"),
    )
}

fn fitted(sender: &str, carries: &SenderCapabilities, decision: &Decision<'_>) -> Option<Fitted> {
    let rendered = decision.text.as_ref().ok().filter(|_| carries.words)?;
    let names = &rendered.names_in_text;
    let text = alphabet::fit_text(&rendered.text, names, |character| carries.holds(character));
    (text != rendered.text).then(|| Fitted {
        sender: sender.to_owned(),
        segments: Segments::of(&text),
        text,
    })
}
