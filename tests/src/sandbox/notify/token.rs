//! Who calls: a JSON Web Token signed with the API key's secret (RFC 7519, HS256), checked in Notify's order.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use ring::hmac;
use serde_json::Value;

use super::error::unauthorised;
use super::service::{ApiKey, Service};
use crate::sandbox::http::Answer;
use crate::sandbox::ids::is_uuid;

/// How far a token's time may be from the server's, in seconds.
const LEEWAY: f64 = 30.0;

/// The service and key that a request's `Authorization` proves, or Notify's refusal.
pub(super) fn authenticate<'a>(
    header: Option<&str>,
    services: &'a [Service],
    now: Timestamp,
) -> Result<(&'a Service, &'a ApiKey), Answer> {
    let header = header
        .ok_or_else(|| unauthorised(401, "Unauthorized: authentication token must be provided"))?;
    let token = match header.split_at_checked(7) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer ") => token,
        _ => {
            return Err(unauthorised(
                401,
                "Unauthorized: authentication bearer scheme must be used",
            ));
        }
    };
    let token = Token::parse(token.trim()).ok_or_else(|| {
        refused(
            "make sure your API token matches the example at \
             https://docs.notifications.service.gov.uk/rest-api.html#authorisation-header",
        )
    })?;

    let issuer = token
        .claims
        .get("iss")
        .ok_or_else(|| refused("iss field not provided"))?;
    let issuer = issuer.as_str().filter(|issuer| is_uuid(issuer));
    let issuer = issuer.ok_or_else(|| refused("service id is not the right data type"))?;
    let service = services
        .iter()
        .find(|service| service.id.eq_ignore_ascii_case(issuer))
        .ok_or_else(|| refused("service not found"))?;
    if service.keys.is_empty() {
        return Err(refused("service has no API keys"));
    }
    if service.archived {
        return Err(refused("service is archived"));
    }
    if token.algorithm != "HS256" {
        return Err(refused("algorithm used is not HS256"));
    }
    // A token without a time fails with every key, so none is found.
    let Some(issued) = token.seconds("iat") else {
        return Err(refused("API key not found"));
    };
    let Some(key) = service
        .keys
        .iter()
        .find(|key| token.is_signed_with(&key.secret))
    else {
        return Err(refused("API key not found"));
    };
    let now = now.as_millisecond() as f64 / 1000.0;
    let expired = token.seconds("exp").is_some_and(|expiry| expiry < now);
    if (now - issued).abs() > LEEWAY || expired {
        return Err(unauthorised(
            403,
            "Error: Your system clock must be accurate to within 30 seconds",
        ));
    }
    if key.revoked {
        return Err(refused("API key revoked"));
    }
    Ok((service, key))
}

fn refused(message: &str) -> Answer {
    unauthorised(403, &format!("Invalid token: {message}"))
}

struct Token<'a> {
    algorithm: String,
    claims: Value,
    signed: &'a str,
    signature: Vec<u8>,
}

impl<'a> Token<'a> {
    fn parse(token: &'a str) -> Option<Self> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        let json = |part: &str| -> Option<Value> {
            serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
        };
        let claims = json(claims)?;
        claims.is_object().then_some(Self {
            algorithm: json(header)?.get("alg")?.as_str()?.to_owned(),
            claims,
            signed,
            signature: URL_SAFE_NO_PAD.decode(signature).ok()?,
        })
    }

    fn is_signed_with(&self, secret: &str) -> bool {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
        hmac::verify(&key, self.signed.as_bytes(), &self.signature).is_ok()
    }

    /// A claim that is a time; a number in a string passes too.
    fn seconds(&self, claim: &str) -> Option<f64> {
        match self.claims.get(claim)? {
            Value::Number(number) => number.as_f64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        }
    }
}
