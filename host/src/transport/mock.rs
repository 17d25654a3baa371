//! A provider that is played: what a plugin asks for is checked as ever, and answered by a script in
//! place of the network.

use std::{future::Future, pin::Pin};

use textsender_plugin_api::{Answer, Exchange, FailureKind, SmtpSecurity};

use super::{Egress, Progress, egress::is_loopback, http, smtp};

/// What answers in a provider's place.
pub trait MockTransport: Send + Sync {
    /// Answers one exchange. `fault` is why the transport would not have carried it. How far it
    /// came is noted in `progress`; dropped at the deadline, it came as far as that says.
    ///
    /// # Errors
    ///
    /// There is no answer, and why.
    fn answer(
        &self,
        exchange: Exchange,
        fault: Option<FailureKind>,
        progress: Progress,
    ) -> Pin<Box<dyn Future<Output = Result<Answer, FailureKind>> + Send>>;
}

/// Why the transports would not carry this.
pub(super) fn fault(exchange: &Exchange, egress: &Egress) -> Option<FailureKind> {
    let checked = match exchange {
        Exchange::Http(request) => http::checked(request, egress).map(|_| ()),
        Exchange::Smtp(mail) => match mail.security {
            SmtpSecurity::None if !is_loopback(&mail.server) => Err(FailureKind::NotAllowed),
            _ => smtp::checked(mail, egress).map(|_| ()),
        },
        _ => Err(FailureKind::Unsupported),
    };
    checked.err()
}
