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

/// What is wrong with one, and what is to be warned of.
#[derive(Default)]
pub(super) struct Judged {
    /// It can't be used, or has expired: callers that check it send nothing.
    pub fault: Option<Fault>,
    /// It expires soon.
    pub warning: Option<Fault>,
}

pub(super) fn judge(config: &Config, now: Timestamp) -> Judged {
    let Some(tls) = &config.serve.tls else {
        return Judged::default();
    };
    let file = &tls.certificate;
    let (mut fault, mut warning) = (None, None);
    match net::valid_until(file) {
        Ok(until) if until <= now => {
            let words = format!("the certificate expired at {until}");
            fault = Some(Fault::of_file(file, words, RENEW));
        }
        Ok(until) if until.duration_since(now) < SOON => {
            let words = format!("the certificate expires at {until}");
            warning = Some(Fault::of_file(file, words, RENEW));
        }
        Ok(_) => {}
        Err(error) => {
            let remedy = "name a PEM file with the certificate in [serve.tls] certificate";
            fault = Some(Fault::of_file(file, error.to_string(), remedy));
        }
    }
    Judged { fault, warning }
}
