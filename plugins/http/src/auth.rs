//! How a request proves whose it is. Signatures are those of named schemes: there is no language to
//! describe others.

mod aws;
mod azure;
mod ovh;
mod token;

use std::{
    sync::OnceLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine, prelude::BASE64_STANDARD};
use textsender_plugin_api::{AccessToken, Host, RequestBuilder, SendError};

use token::Client;

use crate::{
    definition::{Auth, Scheme},
    render::{Composed, Values, header_value, push_query},
    template::Template,
};

/// What a process has asked a provider for, and keeps.
#[derive(Default)]
pub struct Kept {
    pub token: AccessToken,
    /// How far the provider's clock is ahead, in seconds.
    clock: OnceLock<i64>,
}

/// Adds what a scheme asks for, and makes the request of it.
///
/// # Errors
///
/// A value is missing or can't stand where it should; a token or the provider's clock can't be had.
pub async fn authenticated(
    mut request: Composed,
    auth: Option<&Auth>,
    values: Values<'_>,
    host: &Host,
    kept: &Kept,
) -> Result<RequestBuilder, SendError> {
    if let Some(auth) = auth {
        prove(&mut request, auth, values, host, kept).await?;
    }
    let mut builder = host.http().request(request.method, request.url);
    for (name, value) in request.headers {
        builder = builder.header(name, value);
    }
    Ok(match request.body {
        Some((media_type, body)) => builder.body(&media_type, body),
        None => builder,
    })
}

async fn prove(
    request: &mut Composed,
    auth: &Auth,
    values: Values<'_>,
    host: &Host,
    kept: &Kept,
) -> Result<(), SendError> {
    let value = |source: &Option<String>| text(source, values);
    match auth.scheme {
        Scheme::Basic => {
            let pair = format!("{}:{}", value(&auth.user)?, value(&auth.password)?);
            header(
                request,
                "authorization",
                format!("Basic {}", BASE64_STANDARD.encode(pair)),
            )?;
        }
        Scheme::Bearer => {
            header(
                request,
                "authorization",
                format!("Bearer {}", value(&auth.token)?),
            )?;
        }
        Scheme::Header => {
            let name = auth.name.as_deref().unwrap_or_default();
            header(request, name, value(&auth.value)?)?;
        }
        Scheme::Query => {
            let name = auth.name.as_deref().unwrap_or_default();
            push_query(&mut request.url, name, &value(&auth.value)?);
        }
        Scheme::Oauth2 => {
            let client = Client {
                id: value(&auth.client_id)?,
                secret: value(&auth.client_secret)?,
                assertion: auth
                    .assertion
                    .as_ref()
                    .map(|_| value(&auth.assertion))
                    .transpose()?,
            };
            let token = kept.token.get(host, token::request(host, auth, &client));
            let token = token.await?;
            header(
                request,
                "authorization",
                format!("Bearer {}", token.expose()),
            )?;
        }
        Scheme::AwsSigv4 => {
            let key = aws::Key {
                id: &value(&auth.access_key)?,
                secret: &value(&auth.secret_key)?,
                region: &value(&auth.region)?,
                service: &value(&auth.service)?,
            };
            aws::sign(request, &key, host.now());
        }
        Scheme::AzureHmac => {
            let key = BASE64_STANDARD.decode(value(&auth.secret_key)?);
            let key = key.map_err(|_| SendError::misconfigured("the access key is not base64"))?;
            azure::sign(request, &key, host.now());
        }
        Scheme::Ovh => {
            let now = ovh::server_time(host, auth.time_url.as_deref().unwrap_or_default(), kept);
            let now = now.await?;
            let (secret, consumer) = (value(&auth.application_secret)?, value(&auth.consumer_key)?);
            let signature = ovh::signature(&secret, &consumer, request, now);
            header(request, "x-ovh-application", value(&auth.application_key)?)?;
            header(request, "x-ovh-consumer", consumer)?;
            header(request, "x-ovh-timestamp", now.to_string())?;
            header(request, "x-ovh-signature", signature)?;
        }
    }
    Ok(())
}

fn text(source: &Option<String>, values: Values) -> Result<String, SendError> {
    let template = Template::parse(source.as_deref().unwrap_or_default());
    let text = template
        .ok()
        .and_then(|it| it.plain(&|name: &str| values.get(name)));
    text.ok_or_else(|| SendError::misconfigured("a setting that proves the account is missing"))
}

fn header(request: &mut Composed, name: &str, value: String) -> Result<(), SendError> {
    let value = header_value(value).map_err(SendError::misconfigured)?;
    request.headers.push((name.to_owned(), value));
    Ok(())
}

/// Host, path and query of an address.
fn parts(url: &str) -> (&str, &str, &str) {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let (host, rest) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    (host, if path.is_empty() { "/" } else { path }, query)
}

/// Year, month, day, hour, minute, second and day of the week (0 is Thursday), in UTC.
fn civil(time: SystemTime) -> [u64; 7] {
    let seconds = time
        .duration_since(UNIX_EPOCH)
        .unwrap_or(Duration::ZERO)
        .as_secs();
    let (days, left) = (seconds / 86_400, seconds % 86_400);
    // Eras of 400 years that begin in March, after H. Hinnant's `civil_from_days`.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    [
        year,
        month,
        day,
        left / 3600,
        left / 60 % 60,
        left % 60,
        days % 7,
    ]
}

/// Bytes in hexadecimal digits.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
