//! The front's transports: they carry what a plugin composed, and know how far it came.
//!
//! | exchange | transport | *written* is |
//! |---|---|---|
//! | HTTP | `http` (reqwest, rustls) | the first poll of the request's body |
//! | e-mail | `smtp` (lettre) | the final dot |
//!
//! The rules of egress are the host's and hold for every exchange: TLS but to loopback, no
//! redirects, bounded answers, and only hosts that the plugin declares or marked settings name.

mod egress;
mod http;
mod mock;
mod progress;
mod smtp;
mod tls;

use std::sync::Arc;

use textsender_plugin_api::{Answer, Exchange, ExchangeError, FailureKind, Stage};
use tokio::time::Instant;

pub use egress::{Egress, NamedHost};
pub use http::{Http, HttpSettings};
pub use mock::MockTransport;
pub use progress::Progress;
use smtp::Smtp;

/// Whether a `ca_file` can be used.
///
/// # Errors
///
/// Why it can't, in our words.
pub fn check_ca_file(file: &std::path::Path) -> Result<(), String> {
    tls::client(Some(file)).map(|_| ())
}

/// Whether the system has roots to trust.
///
/// # Errors
///
/// What to do, as it has none.
pub fn check_system_roots() -> Result<(), String> {
    tls::client(None).map(|_| ())
}

/// The host and port that an exchange goes to, if it is well formed; an address without brackets.
pub fn destination(exchange: &Exchange) -> Option<(String, u16)> {
    match exchange {
        Exchange::Http(request) => {
            let url: reqwest::Url = request.url.parse().ok()?;
            let host = url.host_str()?.trim_matches(['[', ']']).to_owned();
            Some((host, url.port_or_known_default()?))
        }
        Exchange::Smtp(mail) => Some((mail.server.clone(), mail.port)),
    }
}

/// What carries one sender's exchanges. Nothing is set up before an exchange needs it.
pub struct Transports {
    http: Http,
    smtp: Smtp,
    mock: Option<Arc<dyn MockTransport>>,
}

impl Transports {
    /// Transports with a sender's settings.
    pub fn new(http: HttpSettings) -> Self {
        Self {
            smtp: Smtp::new(http.ca_file.clone()),
            http: Http::new(http),
            mock: None,
        }
    }

    /// Transports that carry nothing: a script answers.
    pub fn mock(by: Arc<dyn MockTransport>) -> Self {
        Self {
            mock: Some(by),
            ..Self::new(HttpSettings::default())
        }
    }

    /// Carries one exchange until its deadline. `progress` tells how far it came, even when this
    /// future is dropped.
    ///
    /// # Errors
    ///
    /// No whole answer came; the error's stage is that of `progress`.
    pub async fn carry(
        &self,
        exchange: Exchange,
        egress: &Arc<Egress>,
        deadline: Instant,
        progress: &Progress,
    ) -> Result<Answer, ExchangeError> {
        let delivers = exchange.delivers();
        let carried = async {
            if let Some(mock) = &self.mock {
                let fault = mock::fault(&exchange, egress);
                return mock.answer(exchange, fault, progress.clone()).await;
            }
            match exchange {
                Exchange::Http(request) => self
                    .http
                    .carry(request, egress, progress)
                    .await
                    .map(Answer::Http),
                Exchange::Smtp(mail) => self
                    .smtp
                    .carry(mail, egress, progress)
                    .await
                    .map(Answer::Smtp),
            }
        };
        let result = match tokio::time::timeout_at(deadline, carried).await {
            Ok(result) => result,
            Err(_) => Err(FailureKind::Timeout),
        };
        if result.is_ok() {
            progress.reach(Stage::Answered);
        }
        result.map_err(|kind| {
            let mut error = ExchangeError::new(progress.stage(), kind);
            error.delivers = delivers;
            error
        })
    }

    /// Takes leave of a mail server that is still connected, as RFC 5321 asks.
    pub async fn close(&self) {
        self.smtp.close().await;
    }
}
