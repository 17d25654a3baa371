//! The bearer token: a JSON Web Token (RFC 7519) that the API key's secret signs.
//!
//! Notify takes one for 30 seconds before and after its `iat`; so each request gets a new one.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::settings::ApiKey;

/// The one header that Notify takes, in the form in which its own clients write it.
const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// A token for a request that is sent now.
pub fn sign(key: &ApiKey, now: SystemTime) -> String {
    // A clock before 1970 is wrong in any case: Notify will say so.
    let iat = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let claims = format!(r#"{{"iss":"{}","iat":{iat}}}"#, key.service);
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let mut token = format!(
        "{}.{}",
        encode(HEADER.as_bytes()),
        encode(claims.as_bytes())
    );
    let signature = signature(key.secret.expose().as_bytes(), token.as_bytes());
    token.push('.');
    token.push_str(&encode(&signature));
    token
}

/// HMAC with SHA-256 (RFC 2104).
fn signature(secret: &[u8], signed: &[u8]) -> [u8; 32] {
    // HMAC takes a key of any length; the error is for other uses of the trait.
    let mut mac = Hmac::<Sha256>::new_from_slice(secret).unwrap_or_else(|_| unreachable!());
    mac.update(signed);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use textsender_plugin_api::Secret;

    use super::*;

    /// What PyJWT makes of the same, which Notify's Python client uses.
    #[test]
    fn is_what_the_official_client_signs() {
        let key = ApiKey {
            service: "8dd8c332-f7cf-42f9-8adb-ba578fcfe7fe".into(),
            secret: Secret::new("0f2cbb6d-9d9e-4b1c-8b9e-0a4f3f1f7a11"),
        };
        let now = UNIX_EPOCH + Duration::from_secs(1_795_487_141);
        assert_eq!(
            sign(&key, now),
            "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9\
             .eyJpc3MiOiI4ZGQ4YzMzMi1mN2NmLTQyZjktOGFkYi1iYTU3OGZjZmU3ZmUiLCJpYXQiOjE3OTU0ODcxNDF9\
             .LlawIfs5eOH7-lTTtrzeMPkeYMHCnTltuJmioNOfh5E"
        );
    }
}
