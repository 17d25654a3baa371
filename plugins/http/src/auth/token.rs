//! Access tokens by client credentials (RFC 6749, 4.4) or an assertion (RFC 7523), kept while they hold.

use std::{
    sync::Mutex,
    time::{Duration, SystemTime},
};

use serde_json::Value;
use textsender_plugin_api::{Host, Secret, SendError};

use crate::definition::Auth;

/// The grant by a token of the account's own (RFC 7523, 2.1).
const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Whom a token is for.
pub(super) struct Client {
    pub(super) id: String,
    pub(super) secret: String,
    pub(super) assertion: Option<String>,
}

/// What a process has fetched, and keeps.
#[derive(Default)]
pub struct Tokens {
    token: Mutex<Option<(Secret, SystemTime)>>,
    /// How far the provider's clock is ahead, in seconds.
    clock: Mutex<Option<i64>>,
}

impl Tokens {
    /// A token that holds for now.
    pub(super) async fn token(
        &self,
        host: &Host,
        auth: &Auth,
        Client {
            id,
            secret,
            assertion,
        }: &Client,
    ) -> Result<String, SendError> {
        let now = host.now();
        let kept = self.token.lock().ok().and_then(|kept| kept.clone());
        if let Some((token, _)) = kept.filter(|(_, until)| *until > now) {
            return Ok(token.expose().to_owned());
        }
        let url = auth.token_url.as_deref().unwrap_or_default();
        let mut form = match assertion {
            Some(assertion) => vec![("grant_type", JWT_BEARER), ("assertion", assertion)],
            None => vec![("grant_type", "client_credentials")],
        };
        form.extend(auth.scope.as_deref().map(|scope| ("scope", scope)));
        let request = host
            .http()
            .post(url)
            .basic_auth(id, secret)
            .form(form)
            .read_only();
        let answer = request.send().await?;
        let body: Value = answer.json().unwrap_or_default();
        let Some(token) = body["access_token"]
            .as_str()
            .filter(|_| answer.is_success())
        else {
            return Err(match answer.status {
                400 | 401 | 403 => {
                    SendError::unauthorized("the provider gives no token for the client")
                }
                429 => {
                    SendError::throttled("too many tokens").with_retry_after(answer.retry_after())
                }
                300..=499 => SendError::misconfigured("the address of tokens gives none"),
                _ => SendError::unavailable("the provider gives no token now"),
            });
        };
        // A minute less than it holds: it must not end on its way. Some write the number as text.
        let life = &body["expires_in"];
        let life = life
            .as_u64()
            .or_else(|| life.as_str()?.parse().ok())
            .unwrap_or(60);
        let until = now + Duration::from_secs(life.saturating_sub(60));
        if let Ok(mut kept) = self.token.lock() {
            *kept = Some((Secret::new(token), until));
        }
        Ok(token.to_owned())
    }

    /// After a refusal: the next message fetches a new one.
    pub fn forget(&self) {
        if let Ok(mut kept) = self.token.lock() {
            *kept = None;
        }
    }

    pub(super) fn clock(&self) -> Option<i64> {
        self.clock.lock().ok().and_then(|kept| *kept)
    }

    pub(super) fn keep_clock(&self, ahead: i64) {
        if let Ok(mut kept) = self.clock.lock() {
            *kept = Some(ahead);
        }
    }
}
