//! Access tokens, for mail servers that take no password (OAuth 2.0, RFC 6749; AUTH XOAUTH2).
//!
//! | provider | `token_url` | grant |
//! |---|---|---|
//! | Microsoft 365 | `https://login.microsoftonline.com/TENANT/oauth2/v2.0/token` | client credentials, with `scope` |
//! | Google | `https://oauth2.googleapis.com/token` | refresh token |
//!
//! A token is kept in this process until a minute before its end: a stream asks once an hour. A
//! process that sends one message asks each time.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use serde_json::Value;
use textsender_plugin_api::{Host, HttpResponse, Secret, SendError};

use crate::settings::{OAuth, Settings};

/// How long a token is good for whose server does not say it (RFC 6749, 5.1: it should).
const LIFE: Duration = Duration::from_secs(300);

/// It must not end on its way.
const MARGIN: Duration = Duration::from_secs(60);

/// The token that is in use, if any.
#[derive(Default)]
pub struct Tokens(Mutex<Option<Kept>>);

#[derive(Clone)]
struct Kept {
    token: Secret,
    good_until: SystemTime,
}

impl Tokens {
    /// A token, where the settings want one: the one that is kept, or a new one.
    ///
    /// # Errors
    ///
    /// The server gives none.
    pub async fn get(&self, settings: &Settings, host: &Host) -> Result<Option<Secret>, SendError> {
        let Some(oauth) = settings.oauth() else {
            return Ok(None);
        };
        // The host's clock, so that tests can move it.
        let now = host.now();
        let kept = self.kept().clone();
        if let Some(kept) = kept.filter(|kept| kept.good_until > now) {
            return Ok(Some(kept.token));
        }
        let request = host.http().post(oauth.token_url).form(fields(&oauth));
        let answer = request.header("accept", "application/json").read_only();
        let (token, life) = read(&answer.send().await?)?;
        let good_until = now + life.saturating_sub(MARGIN);
        *self.kept() = Some(Kept {
            token: token.clone(),
            good_until,
        });
        Ok(Some(token))
    }

    /// After a refusal: the next mail asks for a new one.
    pub fn forget(&self) {
        *self.kept() = None;
    }

    /// No code that holds the lock can panic.
    fn kept(&self) -> MutexGuard<'_, Option<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The request of RFC 6749, 4.4.2 or 6.
fn fields<'a>(oauth: &OAuth<'a>) -> Vec<(&'static str, &'a str)> {
    let mut fields = vec![("client_id", oauth.client_id)];
    match oauth.refresh_token {
        Some(token) => fields.extend([
            ("grant_type", "refresh_token"),
            ("refresh_token", token.expose()),
        ]),
        None => fields.push(("grant_type", "client_credentials")),
    }
    fields.extend(
        oauth
            .client_secret
            .map(|secret| ("client_secret", secret.expose())),
    );
    fields.extend(oauth.scope.map(|scope| ("scope", scope)));
    fields
}

/// The token, and how long it is good for (RFC 6749, 5.1), or why there is none (5.2).
fn read(answer: &HttpResponse) -> Result<(Secret, Duration), SendError> {
    let body: Value = answer.json().unwrap_or_default();
    if let (200, Some(token)) = (answer.status, body["access_token"].as_str()) {
        let life = body["expires_in"].as_u64().map(Duration::from_secs);
        return Ok((Secret::new(token), life.unwrap_or(LIFE)));
    }
    let code = body["error"].as_str().filter(|code| is_code(code));
    let error = match (answer.status, code) {
        (_, Some("invalid_client" | "unauthorized_client")) => SendError::unauthorized(
            "the token server refuses client_id or client_secret: they may have expired",
        ),
        (_, Some("invalid_grant")) => {
            SendError::unauthorized("the token server refuses refresh_token: get a new one")
        }
        (_, Some("invalid_scope")) => {
            SendError::misconfigured("the token server does not know this scope")
        }
        (429, _) => SendError::throttled("the token server gives no token at this rate")
            .with_retry_after(answer.retry_after()),
        (400..500, _) => SendError::unauthorized("the token server gives no token for this client"),
        _ => SendError::unavailable("the token server gives no token now"),
    };
    Err(match code {
        Some(code) => error.with_provider_code(code),
        None => error.with_provider_code(answer.status),
    })
}

fn is_code(code: &str) -> bool {
    !code.is_empty()
        && code.len() <= 40
        && code.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}
