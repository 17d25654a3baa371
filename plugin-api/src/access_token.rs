//! Access tokens (OAuth 2.0, RFC 6749), for providers that take one in place of a password.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use serde_json::Value;

use crate::{Host, HttpResponse, RequestBuilder, Secret, SendError};

/// It must not end on its way.
const MARGIN: Duration = Duration::from_secs(60);

/// An access token that is kept until a minute before its end: a stream asks once an hour, a process that sends one
/// message each time. A token whose server does not say when it ends is used once.
///
/// ```
/// # use textsender_plugin_api::{AccessToken, Host, Secret, SendError};
/// # async fn example(host: &Host, kept: &AccessToken, secret: &Secret) -> Result<(), SendError> {
/// let request = host
///     .http()
///     .post("https://login.example.org/token")
///     .basic_auth("client", secret.expose())
///     .form([("grant_type", "client_credentials")]);
/// let token = kept.get(host, request).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Default)]
pub struct AccessToken(Mutex<Option<Kept>>);

struct Kept {
    token: Secret,
    good_until: SystemTime,
}

impl AccessToken {
    /// The token that is kept, or a new one by this request (RFC 6749, 4.4.2 or 6; RFC 7523, 2.1).
    ///
    /// # Errors
    ///
    /// The server gives none. The error code of its answer (RFC 6749, 5.2) says whose affair that is.
    pub async fn get(&self, host: &Host, request: RequestBuilder) -> Result<Secret, SendError> {
        // The host's clock, so that tests can move it.
        let now = host.now();
        if let Some(kept) = self.kept().as_ref().filter(|kept| kept.good_until > now) {
            return Ok(kept.token.clone());
        }
        let request = request.header("accept", "application/json").read_only();
        let (token, life) = read(&request.send().await?)?;
        *self.kept() = Some(Kept {
            token: token.clone(),
            good_until: now + life.saturating_sub(MARGIN),
        });
        Ok(token)
    }

    /// After a refusal: it may have been revoked, and the next call asks for a new one.
    pub fn forget(&self) {
        *self.kept() = None;
    }

    /// No code that holds the lock can panic.
    fn kept(&self) -> MutexGuard<'_, Option<Kept>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The token, and how long it is good for (RFC 6749, 5.1), or why there is none.
fn read(answer: &HttpResponse) -> Result<(Secret, Duration), SendError> {
    let body: Value = answer.json().unwrap_or_default();
    if let (true, Some(token)) = (answer.is_success(), body["access_token"].as_str()) {
        let life = &body["expires_in"];
        // Some write the number as text.
        let life = life.as_u64().or_else(|| life.as_str()?.parse().ok());
        let life = Duration::from_secs(life.unwrap_or_default());
        return Ok((Secret::new(token), life));
    }
    let code = body["error"].as_str().filter(|code| is_code(code));
    let error = match (answer.status, code) {
        (_, Some("invalid_client" | "unauthorized_client")) => SendError::unauthorized(
            "the token server refuses the client's id or secret: they may have expired",
        ),
        (_, Some("invalid_grant")) => SendError::unauthorized(
            "the token server refuses the refresh token or assertion: get a new one",
        ),
        (_, Some("invalid_scope")) => {
            SendError::misconfigured("the token server does not know this scope")
        }
        (429, _) => SendError::throttled("the token server gives no token at this rate")
            .with_retry_after(answer.retry_after()),
        (400 | 401 | 403, _) => {
            SendError::unauthorized("the token server gives no token for this client")
        }
        (300..500, _) => SendError::misconfigured("the address of tokens gives none"),
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
