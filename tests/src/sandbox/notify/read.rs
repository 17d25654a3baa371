//! The requests that change nothing: notifications, templates and previews.

use serde_json::{Value, json};

use super::content::fill;
use super::error::{bad_request, invalid, not_found};
use super::service::Template;
use super::token::authenticate;
use super::{Api, form, notification, root};
use crate::sandbox::http::{Answer, Request};
use crate::sandbox::ids::is_uuid;
use crate::sandbox::lock;

impl Api {
    /// Answers a request for one of the resources that the routes let through; `Err` is a refusal.
    pub(super) fn read(&self, request: &Request, resource: &[&str]) -> Result<Answer, Answer> {
        let state = lock(&self.state);
        let (service, key) = authenticate(
            request.header("authorization"),
            &state.services,
            self.clock.now(),
        )?;
        let root = root(request);
        match resource {
            ["notifications"] => Ok(notification::list(
                &state.sent,
                &service.id,
                key.kind,
                request,
                &root,
            )),
            ["notifications", id] if !is_uuid(id) => {
                Err(invalid(&["notification_id is not a valid UUID".to_owned()]))
            }
            ["notifications", id] => {
                let found = state
                    .sent
                    .iter()
                    .rev()
                    .find(|sent| sent.id == *id && sent.service == service.id);
                found
                    .map(|sent| Answer::json(200, &sent.resource(&root)))
                    .ok_or_else(not_found)
            }
            ["template", id, ..] if !is_uuid(id) => {
                Err(invalid(&["id is not a valid UUID".to_owned()]))
            }
            ["template", id, rest @ ..] => {
                let template = service
                    .templates
                    .iter()
                    .find(|template| template.id == *id)
                    .ok_or_else(not_found)?;
                match rest {
                    ["preview"] => preview(template, request),
                    [] | ["version", "1"] => {
                        Ok(Answer::json(200, &notification::template(template)))
                    }
                    _ => Err(not_found()),
                }
            }
            _ => {
                let query = request.query();
                let wanted = query
                    .iter()
                    .find(|(name, _)| name == "type")
                    .map(|(_, kind)| kind.as_str());
                let templates: Vec<Value> = service
                    .templates
                    .iter()
                    .filter(|template| !template.archived)
                    .filter(|template| wanted.is_none_or(|kind| (kind == "sms") == template.sms))
                    .map(notification::template)
                    .collect();
                Ok(Answer::json(200, &json!({ "templates": templates })))
            }
        }
    }
}

fn preview(template: &Template, request: &Request) -> Result<Answer, Answer> {
    let values = form::values(&form::object(request.body())?);
    let body = fill(template, &values).map_err(|fault| bad_request(&fault.message()))?;
    Ok(Answer::json(
        200,
        &json!({
            "id": template.id,
            "type": if template.sms { "sms" } else { "email" },
            "version": 1,
            "body": body,
            "html": null,
            "subject": null,
            "postage": null,
        }),
    ))
}
