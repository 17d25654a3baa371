//! Signatures of a body, made with a secret that both sides know.
//!
//! | [`Proof`] | headers | what is signed, by HMAC-SHA-256 |
//! |---|---|---|
//! | `StandardWebhooks` | `webhook-id`, `webhook-timestamp`, `webhook-signature: v1,BASE64 v1,BASE64` | `ID.SECONDS.BODY`, by the secret `whsec_BASE64` |
//! | `Zitadel` | `ZITADEL-Signature: t=SECONDS,v1=HEX,v1=HEX` | `SECONDS.BODY`, by the secret as it is |
//!
//! The first by the specification of Standard Webhooks; Supabase writes a comma and a blank between
//! signatures. The second by `pkg/actions/signing.go` of ZITADEL.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::HeaderMap;
use ring::hmac;
use textsender_plugin_api::Secret;

use crate::config::Proof;

/// How far a signature's time may be from ours, in seconds: what both specifications have.
const TOLERANCE: u64 = 300;

/// Verifies that one of the secrets has signed this body, not long ago.
///
/// # Errors
///
/// Why it is refused, in words for the log and the caller.
pub(super) fn verify(
    proof: Proof,
    headers: &HeaderMap,
    body: &[u8],
    secrets: &[Secret],
    now: i64,
) -> Result<(), &'static str> {
    let signed = match proof {
        Proof::Token => return Ok(()),
        Proof::StandardWebhooks => standard_webhooks(headers),
        Proof::Zitadel => zitadel(headers),
    };
    let signed = signed.ok_or("its signature is missing or can't be read")?;
    if signed.at.abs_diff(now) > TOLERANCE {
        return Err("its signature is more than five minutes old, or the clocks differ");
    }
    if secrets.is_empty() {
        return Err("the secret that checks its signature is not stored: serve.NAME");
    }
    let message = [signed.before.as_bytes(), body].concat();
    let is_right = |secret: &Secret| {
        let Some(key) = key(proof, secret.expose()) else {
            return false;
        };
        let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
        let mut signatures = signed.signatures.iter();
        signatures.any(|signature| hmac::verify(&key, &message, signature).is_ok())
    };
    match secrets.iter().any(is_right) {
        true => Ok(()),
        false => Err("its signature was made with another secret, or of another body"),
    }
}

/// What a signature's headers say.
struct Signed {
    at: i64,
    /// What is signed in front of the body.
    before: String,
    signatures: Vec<Vec<u8>>,
}

fn standard_webhooks(headers: &HeaderMap) -> Option<Signed> {
    let header = |name: &str| headers.get(name)?.to_str().ok();
    let (id, seconds) = (header("webhook-id")?, header("webhook-timestamp")?);
    let listed = header("webhook-signature")?.split(' ');
    let signatures = listed
        .filter_map(|one| one.trim_end_matches(',').strip_prefix("v1,"))
        .filter_map(|signature| STANDARD.decode(signature).ok());
    Some(Signed {
        at: seconds.parse().ok()?,
        before: format!("{id}.{seconds}."),
        signatures: signatures.collect(),
    })
}

fn zitadel(headers: &HeaderMap) -> Option<Signed> {
    let header = headers.get("zitadel-signature")?.to_str().ok()?;
    let parts = || header.split(',').filter_map(|part| part.split_once('='));
    let seconds = parts().find_map(|(name, value)| (name == "t").then_some(value))?;
    let signatures = parts()
        .filter(|(name, _)| *name == "v1")
        .filter_map(|(_, signature)| bytes_of_hex(signature));
    Some(Signed {
        at: seconds.parse().ok()?,
        before: format!("{seconds}."),
        signatures: signatures.collect(),
    })
}

/// The key in a stored secret, which may be there as the product shows it: `v1,whsec_BASE64`.
fn key(proof: Proof, secret: &str) -> Option<Vec<u8>> {
    if proof != Proof::StandardWebhooks {
        return Some(secret.as_bytes().to_vec());
    }
    let bare = secret.strip_prefix("v1,").unwrap_or(secret);
    STANDARD
        .decode(bare.strip_prefix("whsec_").unwrap_or(bare))
        .ok()
}

fn bytes_of_hex(text: &str) -> Option<Vec<u8>> {
    let is_whole = text.len().is_multiple_of(2) && text.bytes().all(|b| b.is_ascii_hexdigit());
    if !is_whole {
        return None;
    }
    let pairs = (0..text.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(&text[at..at + 2], 16).ok())
        .collect()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const BODY: &[u8] = br#"{"a":1}"#;
    const NOW: i64 = 1_700_000_000;

    fn sign(key: &[u8], message: &str) -> Vec<u8> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        hmac::sign(&key, message.as_bytes()).as_ref().to_vec()
    }

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn headers(all: &[(&'static str, String)]) -> HeaderMap {
        let all = all.iter().map(|(name, value)| {
            let value = HeaderValue::try_from(value).unwrap();
            (http::HeaderName::from_static(name), value)
        });
        all.collect()
    }

    fn webhook(at: i64, key: &[u8], signature: impl Fn(String) -> String) -> HeaderMap {
        let made = STANDARD.encode(sign(key, &format!("msg_1.{at}.{{\"a\":1}}")));
        headers(&[
            ("webhook-id", "msg_1".to_owned()),
            ("webhook-timestamp", at.to_string()),
            ("webhook-signature", signature(format!("v1,{made}"))),
        ])
    }

    fn stored(key: &[u8]) -> Secret {
        Secret::new(format!("v1,whsec_{}", STANDARD.encode(key)))
    }

    #[test]
    fn a_standard_webhook_is_verified() {
        let verify = |headers: &HeaderMap, secrets: &[Secret]| {
            verify(Proof::StandardWebhooks, headers, BODY, secrets, NOW).is_ok()
        };
        let secrets = [stored(b"old"), stored(b"new")];
        let plain = |made| made;
        for key in [b"old", b"new"] {
            assert!(verify(&webhook(NOW, key, plain), &secrets));
        }
        // Two, as the specification lists them, and as Supabase does.
        for between in [" ", ", "] {
            let listed = webhook(NOW, b"new", |made| format!("v1,b3RoZXI={between}{made}"));
            assert!(verify(&listed, &secrets), "{between:?}");
            let listed = webhook(NOW, b"new", |made| format!("{made}{between}v1,b3RoZXI="));
            assert!(verify(&listed, &secrets), "{between:?}");
        }
        for edge in [NOW - 300, NOW + 300] {
            assert!(verify(&webhook(edge, b"old", plain), &secrets));
        }
        for late in [NOW - 301, NOW + 301, i64::MIN] {
            assert!(!verify(&webhook(late, b"old", plain), &secrets));
        }
        assert!(!verify(&webhook(NOW, b"none", plain), &secrets));
        assert!(!verify(&webhook(NOW, b"old", plain), &[]));
        assert!(!verify(
            &webhook(NOW, b"old", |_| "v1,".to_owned()),
            &secrets
        ));
        // Signatures by a public key are of version v1a.
        let other = webhook(NOW, b"old", |made| made.replace("v1,", "v1a,"));
        assert!(!verify(&other, &secrets));
        assert!(!verify(&HeaderMap::new(), &secrets));
    }

    #[test]
    fn zitadels_signature_is_verified() {
        let header = |at: i64, key: &[u8]| {
            let made = hex(&sign(key, &format!("{at}.{{\"a\":1}}")));
            headers(&[("zitadel-signature", format!("t={at},v1=00,v1={made}"))])
        };
        let secrets = [Secret::new("key-1"), Secret::new("key-2")];
        let verify =
            |headers: &HeaderMap| verify(Proof::Zitadel, headers, BODY, &secrets, NOW).is_ok();
        assert!(verify(&header(NOW, b"key-1")) && verify(&header(NOW, b"key-2")));
        assert!(!verify(&header(NOW, b"key-3")));
        assert!(!verify(&header(NOW - 301, b"key-1")));
        let cut = headers(&[("zitadel-signature", format!("t={NOW},v1=0"))]);
        assert!(!verify(&cut));
    }
}
