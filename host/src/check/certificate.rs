//! The certificate that the hub shows to callers on other machines.

use jiff::{SignedDuration, Timestamp};

use crate::{
    config::{Config, Fault},
    net,
};

/// From when on before its end it is warned of.
const SOON: SignedDuration = SignedDuration::from_hours(14 * 24);

/// What is done about one that ends.
const RENEW: &str = "renew it; the hub reads it again by itself";

/// One that can't be used, or has expired: callers that check it send nothing.
pub(super) fn fault(config: &Config, now: Timestamp) -> Option<Fault> {
    let file = &config.serve.tls.as_ref()?.certificate;
    match net::valid_until(file) {
        Ok(until) if until <= now => {
            let words = format!("the certificate expired at {until}");
            Some(Fault::of_file(file, words, RENEW))
        }
        Ok(_) => None,
        Err(error) => {
            let remedy = "name a PEM file with the certificate in [serve.tls] certificate";
            Some(Fault::of_file(file, error.to_string(), remedy))
        }
    }
}

/// One that expires soon.
pub(super) fn expiring(config: &Config, now: Timestamp) -> Option<Fault> {
    let file = &config.serve.tls.as_ref()?.certificate;
    let until = net::valid_until(file).ok()?;
    let is_soon = until > now && until.duration_since(now) < SOON;
    is_soon.then(|| {
        let words = format!("the certificate expires at {until}");
        Fault::of_file(file, words, RENEW)
    })
}
