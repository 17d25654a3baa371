//! GOV.UK Notify, the UK public sector's service for text messages.
//!
//! Notify owns the text: a message names one of the service's *templates* and fills its
//! `((placeholders))`. The `personalisation` setting says with what; a template that is only
//! `((message))` shows the texts of our policies, one like `Your code is ((code))` its own.
//!
//! | here | is |
//! |---|---|
//! | `settings` | what an administrator fills in, and the API key taken apart |
//! | `token` | the bearer token, new for each request |
//! | `personalisation` | what goes into the template |
//! | `arriving` | which characters Notify changes on the way |
//! | `pause` | the wait of the whole sender after a refusal for its rate |
//! | `answer` | what Notify's answers mean |
//! | `template` | what a check finds in the template |
//!
//! Source for all of it: <https://docs.notifications.service.gov.uk/rest-api.html>, and exchanges
//! recorded with the real API, which `tests` holds as a table.

mod answer;
mod arriving;
mod pause;
mod personalisation;
mod settings;
mod template;
#[cfg(test)]
mod tests;
mod token;

use std::time::SystemTime;

use serde_json::{Value, json};
use textsender_plugin_api::{
    Capabilities, DeliveryStatus, Finding, Found, Host, Message, Phone, PluginInfo, Provider,
    Purpose, Receipt, RequestBuilder, Secret, SendError, Sender, SettingsError, TextSource,
};

use pause::Pause;
use settings::{ApiKey, Settings, is_uuid};
use template::Template;

/// What a text may hold after personalisation, in UTF-16 units ("Message is too long").
const MAX_TEXT: u32 = 918;

/// Takes texts and keeps none of them, whatever the API key.
const SMOKE_NUMBER: &str = "+447700900000";

struct GovukNotify {
    settings: Settings,
    key: ApiKey,
    pause: Pause,
    host: Host,
}

/// What becomes of texts at the provider.
const KEPT: &str = "GOV.UK Notify keeps texts for 7 days, or what the service's settings say, from 3 to 90 (notifications.service.gov.uk, data retention period).";

impl Sender for GovukNotify {
    type Settings = Settings;

    fn info() -> PluginInfo {
        PluginInfo::new("govuk-notify", "GOV.UK Notify", env!("CARGO_PKG_VERSION"))
            .with_host("api.notifications.service.gov.uk")
            .with_capabilities(
                Capabilities::everything()
                    .with_text(TextSource::Settings)
                    .with_max_characters(MAX_TEXT)
                    .with_altered(arriving::ALTERED),
            )
    }

    fn providers() -> Vec<Provider> {
        vec![Provider::of(&Self::info()).with_note(KEPT)]
    }

    fn configure(settings: Settings, host: Host) -> Result<Self, SettingsError> {
        let key = settings.check()?;
        Ok(Self {
            settings,
            key,
            pause: Pause::default(),
            host,
        })
    }

    async fn send(&self, message: &Message) -> Result<Receipt, SendError> {
        if let Some(left) = self.pause.left(&self.host) {
            return Err(pause::throttled(left));
        }
        let request = self.host.http().post(self.url("/v2/notifications/sms"));
        let request = request.json(&self.body(message)?);
        let answer = self.authenticated(request).send().await?;
        if answer.status != 201 {
            let refusal = answer::refusal(&answer, self.host.now());
            return Err(match refusal.provider_code.as_deref() {
                Some(answer::RATE_LIMIT) => self.pause.begin(&self.host, refusal),
                _ => refusal,
            });
        }
        let Some(created) = answer.json::<answer::Created>() else {
            return Err(SendError::unknown(
                "the answer does not name the message: is it from Notify?",
            ));
        };
        if !created.shows(message) {
            textsender_plugin_api::warn!(
                self.host,
                "the text that Notify made of its template does not show what was to be sent"
            );
        }
        Ok(Receipt::new(created.id))
    }

    async fn status(&self, provider_id: &str) -> Result<DeliveryStatus, SendError> {
        // It becomes part of a URL: nothing but an id may.
        if !is_uuid(provider_id) {
            return Ok(answer::cannot_tell(
                "this is not the id of a message of Notify's",
            ));
        }
        let answer = self
            .get(&format!("/v2/notifications/{provider_id}"))
            .send()
            .await?;
        match answer.status {
            200 => answer::delivery(&answer),
            404 => Ok(answer::cannot_tell(
                "Notify has no such message: it keeps them for 7 days, and none to smoke-test numbers",
            )),
            _ => Err(answer::unread(&answer, self.host.now())),
        }
    }

    /// Looks for the message's id, which Notify has as its reference. What is not listed may still
    /// be on its way in, and fake messages to smoke-test numbers never are: absence proves nothing.
    async fn find(&self, message: &Message, _since: SystemTime) -> Result<Found, SendError> {
        let request = self
            .get("/v2/notifications")
            .query("reference", &message.id)
            .query("template_type", "sms");
        let answer = request.send().await?;
        if answer.status != 200 {
            return Err(answer::unread(&answer, self.host.now()));
        }
        Ok(match answer::listed(&answer, &message.id) {
            Some(id) => Found::Accepted(Receipt::new(id)),
            None => Found::CannotTell,
        })
    }

    async fn check(&self) -> Result<Vec<Finding>, SendError> {
        let id = &self.settings.template_id;
        let answer = self.get(&format!("/v2/template/{id}")).send().await?;
        let mut findings = match answer.status {
            200 => match answer.json::<Template>() {
                Some(template) => template.findings(&self.settings.personalisation),
                None => return Err(answer::unread(&answer, self.host.now())),
            },
            404 if answer::is_no_result(&answer) => vec![Finding::fault(
                "template_id: the service has no such template; copy the id from the template's page",
            )],
            _ => return Err(answer::unread(&answer, self.host.now())),
        };
        findings.extend(answer::clock_finding(&answer, self.host.now()));
        if !findings.iter().any(|finding| finding.is_fault) {
            findings.push(self.try_out().await?);
        }
        Ok(findings)
    }
}

impl GovukNotify {
    /// What no other question shows: Notify serves a template that was archived as if it were there, and says
    /// of a sender only when a message is sent. A text to a smoke-test number is looked at like any other, and
    /// neither sent nor kept.
    async fn try_out(&self) -> Result<Finding, SendError> {
        let templates = self
            .get("/v2/templates")
            .query("type", "sms")
            .send()
            .await?;
        if let Some(false) = template::is_listed(&templates, &self.settings.template_id) {
            return Ok(Finding::fault(
                "template_id: the template was archived; restore it, or name another",
            ));
        }
        let Ok(number) = Phone::parse(SMOKE_NUMBER) else {
            return Err(SendError::misconfigured(
                "the smoke-test number is not a number",
            ));
        };
        let mut message = Message::new("check", Purpose::Test, number, "This is a check: 123456");
        message.code = Some(Secret::new("123456"));
        message.password = Some(Secret::new("123456"));
        let request = self.host.http().post(self.url("/v2/notifications/sms"));
        let request = request.json(&self.body(&message)?).read_only();
        let answer = self.authenticated(request).send().await?;
        if answer.status == 201 {
            return Ok(Finding::note(
                "Notify takes a text to its smoke-test number: template, personalisation and sender_id are right",
            ));
        }
        let refusal = answer::unread(&answer, self.host.now());
        match refusal.needs_administrator() {
            true => Ok(Finding::fault(refusal.message)),
            false => Ok(Finding::note(format!(
                "can't tell whether texts will be taken: {}",
                refusal.message
            ))),
        }
    }

    /// The request's body for one message. Optional fields are left out: Notify refuses null and "".
    fn body(&self, message: &Message) -> Result<Value, SendError> {
        let personalisation = personalisation::fill(&self.settings.personalisation, message)?;
        let mut body = json!({
            "phone_number": message.to.e164(),
            "template_id": self.settings.template_id,
            "personalisation": personalisation,
            "reference": message.id,
        });
        if !self.settings.sender_id.is_empty() {
            body["sms_sender_id"] = json!(self.settings.sender_id);
        }
        Ok(body)
    }

    /// A question.
    fn get(&self, path: &str) -> RequestBuilder {
        self.authenticated(self.host.http().get(self.url(path)))
    }

    /// With a new token: one is good for 30 seconds either way.
    fn authenticated(&self, request: RequestBuilder) -> RequestBuilder {
        let version = env!("CARGO_PKG_VERSION");
        request
            .bearer_auth(&token::sign(&self.key, self.host.now()))
            .header("accept", "application/json")
            .header("user-agent", format!("textsender-govuk-notify/{version}"))
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.settings.base_url())
    }
}

textsender_plugin_api::export_sender!(GovukNotify);
