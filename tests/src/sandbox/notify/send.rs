//! `POST /v2/notifications/sms`: Notify's checks, in its order, and what it keeps of a text.

use std::borrow::Cow;

use super::content::fill;
use super::error::{bad_request, error};
use super::form::Form;
use super::notification::Notification;
use super::phone::Kind;
use super::service::{KeyKind, Service};
use super::token::authenticate;
use super::{Api, SMOKE_NUMBERS, State, root};
use crate::sandbox::http::{Answer, Request};
use crate::sandbox::ids::uuid;
use crate::sandbox::journal::{Provider, Text};
use crate::sandbox::lock;

impl Api {
    /// Answers a request to send; `Err` is a refusal.
    pub(super) fn send(&self, request: &Request, take: bool) -> Result<Answer, Answer> {
        let now = self.clock.now();
        let mut state = lock(&self.state);
        let State {
            services,
            sent,
            limits,
        } = &mut *state;
        let (service, key) = authenticate(request.header("authorization"), services, now)?;
        let form = Form::read(request.body())?;
        let international = form.number.kind == Kind::International;
        let is_smoke_test = SMOKE_NUMBERS.contains(&form.number.e164.as_str());
        limits.request(service, key.kind, now, take)?;
        let template = service
            .templates
            .iter()
            .find(|template| template.sms && template.id.eq_ignore_ascii_case(&form.template_id))
            .ok_or_else(|| bad_request("Template not found"))?;
        if template.archived {
            return Err(bad_request("Template has been deleted"));
        }
        if !service.texts {
            return Err(bad_request("Service is not allowed to send text messages"));
        }
        let body =
            fill(template, &form.personalisation).map_err(|fault| bad_request(&fault.message()))?;
        let from = sender(service, form.sms_sender_id.as_deref())?;
        if !is_smoke_test {
            may_text(service, key.kind, &form)?;
            limits.text(service, key.kind, international, now, take)?;
        }

        let notification = Notification {
            id: uuid(),
            service: service.id.clone(),
            kind: key.kind,
            reference: form.reference,
            phone_number: form.phone_number,
            body,
            template: template.id.clone(),
            created: now,
            status: Cow::Borrowed(Notification::fate(
                &form.number.e164,
                form.number.kind,
                key.kind,
            )),
        };
        let answer = notification.created(&from, &root(request));
        if take && !is_smoke_test {
            if key.kind != KeyKind::Test {
                self.journal.text(Text {
                    provider: Provider::Notify,
                    to: form.number.e164,
                    from,
                    body: notification.body.clone(),
                    at: now,
                    id: notification.id.clone(),
                });
            }
            sent.push(notification);
        }
        Ok(answer)
    }
}

/// What the phone will show as the sender.
fn sender(service: &Service, id: Option<&str>) -> Result<String, Answer> {
    let Some(id) = id else {
        return Ok(service
            .senders
            .first()
            .map_or_else(|| "GOVUK".to_owned(), |sender| sender.name.clone()));
    };
    let found = service
        .senders
        .iter()
        .find(|sender| sender.id.eq_ignore_ascii_case(id));
    found.map(|sender| sender.name.clone()).ok_or_else(|| {
        let service = &service.id;
        bad_request(&format!(
            "sms_sender_id {id} does not exist in database for service id {service}"
        ))
    })
}

/// Whether this key of this service may text this number.
fn may_text(service: &Service, key: KeyKind, form: &Form) -> Result<(), Answer> {
    let is_guest = service.guest_list.contains(&form.number.e164);
    if key == KeyKind::Team && !is_guest {
        return Err(bad_request(
            "Can’t send to this recipient using a team-only API key",
        ));
    }
    if key == KeyKind::Live && service.trial && !is_guest {
        return Err(bad_request(
            "Can’t send to this recipient when service is in trial mode – see https://www.notifications.service.gov.uk/trial-mode",
        ));
    }
    match form.number.kind {
        Kind::International if !service.international => {
            Err(bad_request("Cannot send to international mobile numbers"))
        }
        Kind::UkLandline => Err(error(400, "InvalidPhoneError", "Not a UK mobile number")),
        _ => Ok(()),
    }
}
