//! The front's transports: they carry what a plugin composed, and know how far it came.
//!
//! | exchange | transport | *written* is |
//! |---|---|---|
//! | HTTP | `http` (hyper-util, rustls) | the first poll of the request's body |
//! | e-mail | `smtp` (lettre) | the final dot |
//!
//! The rules of egress are the host's and hold for every exchange: TLS but to loopback, no
//! redirects, bounded answers, and only hosts that the plugin declares or marked settings name.

mod egress;
mod fault;
mod http;
mod mock;
mod progress;
mod smtp;

use std::sync::Arc;

use textsender_plugin_api::{Answer, Exchange, ExchangeError, FailureKind, Stage};
use tokio::time::Instant;

pub use egress::{Egress, NamedHost};
pub use fault::Fault;
pub use http::{Http, HttpSettings};
pub use mock::MockTransport;
pub use progress::Progress;
use smtp::Smtp;

use crate::{
    budget::Bytes,
    net::{self, Lookups, Resolver, Share},
};

/// Whether a `ca_file` can be used.
///
/// # Errors
///
/// Why it can't, in our words.
pub fn check_ca_file(file: &std::path::Path) -> Result<(), String> {
    net::client(Some(file))
        .map(|_| ())
        .map_err(|cause| cause.to_string())
}

/// Whether the system has roots to trust.
///
/// # Errors
///
/// What to do, as it has none.
pub fn check_system_roots() -> Result<(), String> {
    net::client(None)
        .map(|_| ())
        .map_err(|cause| cause.to_string())
}

/// The host and port that an exchange goes to, if it is well formed; an address without brackets.
pub fn destination(exchange: &Exchange) -> Option<(String, u16)> {
    match exchange {
        Exchange::Http(request) => {
            let url: url::Url = request.url.parse().ok()?;
            let host = url.host_str()?.trim_matches(['[', ']']).to_owned();
            Some((host, url.port_or_known_default()?))
        }
        Exchange::Smtp(mail) => Some((mail.server.clone(), mail.port)),
        _ => None,
    }
}

/// What carries one sender's exchanges. Nothing is set up before an exchange needs it.
pub struct Transports {
    http: Http,
    smtp: Smtp,
    mock: Option<Arc<dyn MockTransport>>,
}

impl Transports {
    /// Transports with a sender's settings, and what it may take of the network.
    pub fn new(http: HttpSettings, share: Share) -> Self {
        Self {
            smtp: Smtp::new(http.ca_file.clone(), http.connect_within(), share.clone()),
            http: Http::new(http, share),
            mock: None,
        }
    }

    /// Transports that carry nothing: a script answers.
    pub fn mock(by: Arc<dyn MockTransport>) -> Self {
        Self {
            mock: Some(by),
            ..Self::new(HttpSettings::default(), Share::default())
        }
    }

    /// Carries one exchange until its deadline. Its bytes are `held`; `progress` tells how far it came, even when this
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
        held: &mut Bytes,
    ) -> Result<Answer, ExchangeError> {
        let delivers = exchange.delivers();
        let peer = peer_of(&exchange);
        let carried = async {
            if let Some(mock) = &self.mock {
                let fault = mock::fault(&exchange, egress);
                let answer = mock.answer(exchange, fault, progress.clone());
                return answer.await.map_err(Fault::from);
            }
            match exchange {
                Exchange::Http(request) => self
                    .http
                    .carry(request, egress, progress, held)
                    .await
                    .map(Answer::Http),
                Exchange::Smtp(mail) => self
                    .smtp
                    .carry(mail, egress, progress)
                    .await
                    .map(Answer::Smtp),
                _ => Err(Fault::from(FailureKind::Unsupported)),
            }
        };
        let result = match tokio::time::timeout_at(deadline, carried).await {
            Ok(result) => result,
            Err(_) => Err(Fault::from(FailureKind::Timeout)),
        };
        match result {
            Ok(answer) => {
                progress.reach(Stage::Answered);
                Ok(answer)
            }
            Err(fault) => {
                let mut error = ExchangeError::new(progress.stage(), fault.kind);
                error.delivers = delivers;
                progress.fail(fault.named(&peer));
                Err(error)
            }
        }
    }

    /// Takes leave of a mail server that is still connected, as RFC 5321 asks.
    pub async fn close(&self) {
        self.smtp.close().await;
    }
}

/// Resolves names as this sender may. A proxy is the administrator's choice, wherever it is.
fn resolver(egress: &Arc<Egress>, proxy: Option<String>, lookups: &Lookups) -> Resolver {
    let egress = egress.clone();
    let admits = move |name: &str, address| {
        let is_proxy = proxy
            .as_deref()
            .is_some_and(|proxy| proxy.eq_ignore_ascii_case(name));
        is_proxy || egress.allows_address(name, address)
    };
    Resolver::new(Arc::new(admits), lookups)
}

/// With whom an exchange is, for an operator.
fn peer_of(exchange: &Exchange) -> String {
    match destination(exchange) {
        Some((host, port)) => net::peer(&host, port),
        None => "the provider".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_declared_name_that_leads_here_does_not_resolve() {
        let named = NamedHost {
            host: "localhost".to_owned(),
            ports: vec![8080],
        };
        let declared = || Egress::new(["localhost".to_owned()], []);
        let proxy = || Some("localhost".to_owned());
        for (egress, proxy, resolves) in [
            (declared(), None, false),
            // The administrator's own choices.
            (Egress::new([], [named]), None, true),
            (declared(), proxy(), true),
        ] {
            let resolver = resolver(&Arc::new(egress), proxy, &Lookups::default());
            assert_eq!(resolver.resolve("localhost", 8080).await.is_ok(), resolves);
        }
    }
}
