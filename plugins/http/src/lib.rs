//! Sends text messages by any provider with an HTTP API: one of those that it knows, or one that an
//! administrator writes down. A provider is a definition of some twenty lines, and no code.
//!
//! | file | is about |
//! |---|---|
//! | `definition` | what a definition may say |
//! | `check` | what is wrong with one, and where |
//! | `template`, `render` | a request, from a definition and a message |
//! | `auth` | how it proves whose it is |
//! | `answer` | what an answer means |
//! | `presets` | the providers that are known |

#![forbid(unsafe_code)]

pub mod answer;
mod auth;
pub mod check;
pub mod definition;
pub mod presets;
pub mod render;
mod settings;
pub mod template;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use serde_json::{Value, json};
use textsender_plugin_api::{
    DeliveryState, DeliveryStatus, Description, Finding, Host, HttpResponse, Message, Method,
    PluginInfo, Provider, Receipt, SendError, Sender, SettingsError, export_sender,
};

use answer::{Compiled, judge, scalar};
use auth::{Kept, authenticated};
use definition::Definition;
use render::{Composed, Values, address, compose};
use settings::{Chosen, Settings};

export_sender!(Http);

/// A sender by a definition.
pub struct Http {
    chosen: Chosen,
    rules: Vec<Compiled>,
    kept: Kept,
    host: Host,
}

impl Sender for Http {
    type Settings = Settings;

    fn info() -> PluginInfo {
        let info = PluginInfo::new("http", "HTTP", env!("CARGO_PKG_VERSION"));
        let info = info.with_file_setting("definition");
        // For those who approve plugins by their hosts: those of every provider that is known.
        let mut hosts: Vec<_> = presets::ALL.iter().flat_map(|it| it.hosts).collect();
        hosts.sort();
        hosts.dedup();
        hosts.iter().fold(info, |info, host| info.with_host(host))
    }

    fn providers() -> Vec<Provider> {
        let provider = |(id, definition): (&str, Definition)| {
            let name = definition.name.as_deref().unwrap_or(id);
            let mut provider = Provider::new(id, name, json!({ "provider": id }));
            provider.source = definition.source;
            provider.note = definition.note;
            provider
        };
        presets::definitions().map(provider).collect()
    }

    fn describe(settings: &Value) -> Option<Description> {
        settings::describe(settings)
    }

    fn configured_info(&self) -> PluginInfo {
        self.chosen.info()
    }

    fn configure(settings: Settings, host: Host) -> Result<Self, SettingsError> {
        let chosen = settings.chosen()?;
        let rules = chosen
            .definition
            .answer
            .iter()
            .map(|rule| Compiled::new(rule.as_ref()));
        let rules = rules.collect::<Result<_, _>>();
        let rules = rules.map_err(|fault| SettingsError::new("definition", &fault))?;
        Ok(Self {
            chosen,
            rules,
            kept: Kept::default(),
            host,
        })
    }

    async fn send(&self, message: &Message) -> Result<Receipt, SendError> {
        let definition = &self.chosen.definition;
        if let Some(code) = &definition.calling_code
            && !message.to.digits().starts_with(code.as_ref().as_str())
        {
            return Err(SendError::undeliverable_here(
                "the number is of another country",
            ));
        }
        let values = Values {
            message: Some(message),
            ..self.values()
        };
        let request = compose(definition, values).map_err(SendError::misconfigured)?;
        let answer = self.ask(request, values, true).await?;
        judge(&self.rules, &answer)
    }

    async fn status(&self, provider_id: &str) -> Result<DeliveryStatus, SendError> {
        let cannot_tell = DeliveryStatus::new(DeliveryState::CannotTell);
        let Some(status) = &self.chosen.definition.status else {
            return Ok(cannot_tell);
        };
        let values = Values {
            id: Some(provider_id),
            ..self.values()
        };
        let Ok(request) = get(status.url.as_ref(), values) else {
            return Ok(cannot_tell);
        };
        let answer = self.ask(request, values, false).await?;
        let body: Value = answer.json().unwrap_or_default();
        let word = body
            .pointer(&status.at)
            .and_then(scalar)
            .filter(|_| answer.is_success());
        let Some(word) = word else {
            return Ok(cannot_tell);
        };
        let state = status
            .states
            .get(&word)
            .copied()
            .unwrap_or(DeliveryState::CannotTell);
        let mut delivery = DeliveryStatus::new(state);
        delivery.provider_code = Some(word);
        Ok(delivery)
    }

    async fn check(&self) -> Result<Vec<Finding>, SendError> {
        let Some(url) = &self.chosen.definition.check else {
            return Ok(vec![Finding::note(
                "this provider has no question that proves the account without sending",
            )]);
        };
        let values = self.values();
        let request = get(url.as_ref(), values).map_err(SendError::misconfigured)?;
        let answer = self.ask(request, values, false).await?;
        match answer.status {
            200..300 => Ok(vec![Finding::note("the provider knows the account")]),
            401 | 403 => Err(SendError::unauthorized(
                "the provider refuses the credentials",
            )),
            429 => {
                Err(SendError::throttled("too many questions")
                    .with_retry_after(answer.retry_after()))
            }
            500.. => Err(SendError::unavailable("the provider can't be asked now")),
            status => Ok(vec![Finding::note(format!(
                "the provider answered {status}, which proves nothing"
            ))]),
        }
    }
}

impl Http {
    fn values(&self) -> Values<'_> {
        Values {
            settings: &self.chosen.values,
            message: None,
            number: self.chosen.definition.number,
            id: None,
        }
    }

    async fn ask(
        &self,
        request: Composed,
        values: Values<'_>,
        delivers: bool,
    ) -> Result<HttpResponse, SendError> {
        let auth = self
            .chosen
            .definition
            .auth
            .as_ref()
            .map(|auth| auth.as_ref());
        let request = authenticated(request, auth, values, &self.host, &self.kept).await?;
        // A GET that sends is no question: losing its answer leaves a doubt.
        let request = if delivers {
            request.delivering()
        } else {
            request
        };
        let answer = request.send().await?;
        if answer.status == 401 {
            self.kept.token.forget();
        }
        Ok(answer)
    }
}

/// A question.
fn get(url: &str, values: Values) -> Result<Composed, String> {
    Ok(Composed {
        method: Method::Get,
        url: address(url, values)?,
        headers: Vec::new(),
        body: None,
    })
}

/// The hosts that a definition talks to. One that a setting names is looked up there; else `*` stands
/// for a label, and a whole one for itself only once it is known.
fn hosts<'d>(definition: &'d Definition, setting: impl Fn(&str) -> Option<&'d str>) -> Vec<String> {
    let Definition {
        url,
        check,
        status,
        auth,
        ..
    } = definition;
    let urls = [
        Some(url.as_ref()),
        check.as_ref().map(|it| it.as_ref()),
        status.as_ref().map(|it| it.url.as_ref()),
    ];
    let auth = auth.as_ref().map(|auth| auth.as_ref());
    let others = auth
        .into_iter()
        .flat_map(|auth| [auth.token_url.as_ref(), auth.time_url.as_ref()]);
    let mut hosts = Vec::new();
    for url in urls.into_iter().chain(others).flatten() {
        let rest = url.strip_prefix("https://").unwrap_or_default();
        let authority = &rest[..rest.find(['/', '?']).unwrap_or(rest.len())];
        let host = match authority
            .strip_prefix('%')
            .and_then(|it| it.split_once('%'))
        {
            None => Cow::from(authority),
            Some((name, domain)) => match setting(name) {
                Some(value) => format!("{value}{domain}").into(),
                None if domain.is_empty() => continue,
                None => format!("*{domain}").into(),
            },
        };
        let host = host
            .split_once(':')
            .map_or(&*host, |(host, _)| host)
            .to_ascii_lowercase();
        if !host.is_empty() && !hosts.contains(&host) {
            hosts.push(host);
        }
    }
    hosts
}
