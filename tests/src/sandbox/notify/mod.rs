//! GOV.UK Notify, as its real server was recorded to answer.
//!
//! | request | answer |
//! |---|---|
//! | `POST /v2/notifications/sms` | 201 and the text, or an error |
//! | `GET /v2/notifications?reference=&status=&template_type=&older_than=` | what keys of this kind sent |
//! | `GET /v2/notifications/{id}` | one of them, or 404 |
//! | `GET /v2/templates?type=`, `GET /v2/template/{id}`, `POST /v2/template/{id}/preview` | templates |
//!
//! There is one service to begin with, [`SERVICE_ID`], with a live, a team and a test key; [`Notify::change`]
//! changes it and [`Notify::add_service`] adds others. Texts sent with a test key, and those to the smoke-test
//! numbers ([`SMOKE_NUMBERS`]), are answered as accepted and reach no phone.

mod content;
mod error;
mod form;
mod limits;
mod notification;
mod phone;
mod read;
mod send;
mod service;
mod token;

#[cfg(test)]
mod replay;
#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::{Arc, Mutex};

use self::error::{failure, no_such_method, no_such_path};
use self::limits::Limits;
use self::notification::Notification;
pub use self::service::{ApiKey, KeyKind, Service, SmsSender, Template};
use super::clock::Clock;
use super::http::{self, Answer, Endpoint, Request};
use super::journal::{Journal, Provider};
use super::lock;

/// The service that is there to begin with.
pub const SERVICE_ID: &str = "5e41ce00-0000-4000-8000-000000000001";
/// Its live key: texts reach the phones.
pub const API_KEY: &str =
    "sandbox-live-5e41ce00-0000-4000-8000-000000000001-5ec2e700-0000-4000-8000-00000000000a";
/// Its team key: texts reach [`GUEST`] only.
pub const TEAM_API_KEY: &str =
    "sandbox-team-5e41ce00-0000-4000-8000-000000000001-5ec2e700-0000-4000-8000-00000000000b";
/// Its test key: texts are accepted and reach nobody.
pub const TEST_API_KEY: &str =
    "sandbox-test-5e41ce00-0000-4000-8000-000000000001-5ec2e700-0000-4000-8000-00000000000c";
/// The number on the service's guest list.
pub const GUEST: &str = "+447700900123";
/// A template with the text `Your verification code is ((code)).`
pub const CODE_TEMPLATE_ID: &str = "7e3b1a7e-0000-4000-8000-000000000001";
/// A template with the text `((message))`
pub const MESSAGE_TEMPLATE_ID: &str = "7e3b1a7e-0000-4000-8000-000000000002";
/// A template with the text `Your new password is ((password))`
pub const PASSWORD_TEMPLATE_ID: &str = "7e3b1a7e-0000-4000-8000-000000000003";
/// A sender of texts that is not the default; phones show `RESETS`.
pub const SENDER_ID: &str = "5e3de200-0000-4000-8000-000000000002";
/// Numbers that are answered as accepted with any key; nothing is kept of them.
pub const SMOKE_NUMBERS: [&str; 3] = ["+447700900000", "+447700900111", "+447700900222"];

/// Length of a UUID at the end of an API key.
const UUID: usize = 36;

/// GOV.UK Notify on loopback.
pub type Notify = Endpoint<Api>;

/// Notify's services and what they sent.
pub struct Api {
    journal: Arc<Journal>,
    clock: Arc<Clock>,
    state: Mutex<State>,
}

struct State {
    services: Vec<Service>,
    sent: Vec<Notification>,
    limits: Limits,
}

impl Notify {
    /// Changes the settings of the service that is there to begin with.
    ///
    /// ```
    /// # use textsender_tests::sandbox::Sandbox;
    /// let sandbox = Sandbox::start();
    /// sandbox.notify().change(|service| service.trial = true);
    /// ```
    pub fn change(&self, change: impl FnOnce(&mut Service)) {
        if let Some(service) = lock(&self.api().state).services.first_mut() {
            change(service);
        }
    }

    /// Adds a service.
    pub fn add_service(&self, service: Service) {
        lock(&self.api().state).services.push(service);
    }

    /// Changes the status that a fetch of this notification shows. Returns whether there is such a notification.
    pub fn set_status(&self, id: &str, status: &str) -> bool {
        let mut state = lock(&self.api().state);
        let Some(sent) = state.sent.iter_mut().find(|sent| sent.id == id) else {
            return false;
        };
        sent.status = Cow::Owned(status.to_owned());
        true
    }
}

impl Api {
    pub(super) fn new(journal: Arc<Journal>, clock: Arc<Clock>) -> Self {
        let secret = |key: &'static str| &key[key.len() - UUID..];
        let mut service = Service::new(SERVICE_ID)
            .key(secret(API_KEY), KeyKind::Live)
            .key(secret(TEAM_API_KEY), KeyKind::Team)
            .key(secret(TEST_API_KEY), KeyKind::Test)
            .template(
                CODE_TEMPLATE_ID,
                "Code",
                "Your verification code is ((code)).",
            )
            .template(MESSAGE_TEMPLATE_ID, "Any message", "((message))")
            .template(
                PASSWORD_TEMPLATE_ID,
                "New password",
                "Your new password is ((password))",
            )
            .sender("5e3de200-0000-4000-8000-000000000001", "GOVUK")
            .sender(SENDER_ID, "RESETS");
        service.guest_list.push(GUEST.to_owned());
        let state = Mutex::new(State {
            services: vec![service],
            sent: Vec::new(),
            limits: Limits::default(),
        });
        Self {
            journal,
            clock,
            state,
        }
    }
}

impl http::Api for Api {
    const PROVIDER: Provider = Provider::Notify;
    const STANDING: &'static str = "Server: gunicorn\r\n\
        Access-Control-Allow-Origin: *\r\n\
        Access-Control-Allow-Headers: Content-Type,Authorization\r\n\
        Access-Control-Allow-Methods: GET,PUT,POST,DELETE\r\n\
        X-Content-Type-Options: nosniff\r\n\
        X-Frame-Options: SAMEORIGIN\r\n\
        X-Permitted-Cross-Domain-Policies: none\r\n\
        Strict-Transport-Security: max-age=31536000; includeSubDomains; preload\r\n\
        Cache-Control: no-store, no-cache, private, must-revalidate\r\n";

    fn answer(&self, request: &Request, take: bool) -> Answer {
        let Some(rest) = request.path().strip_prefix("/v2/") else {
            return no_such_path();
        };
        let path: Vec<&str> = rest.split('/').collect();
        let outcome = match (request.method(), &path[..]) {
            ("POST", ["notifications", "sms"]) => self.send(request, take),
            ("POST", ["template", _, "preview"]) => self.read(request, &path),
            (
                "GET" | "HEAD",
                ["notifications" | "templates"]
                | ["notifications" | "template", _]
                | ["template", _, "version", _],
            ) => self.read(request, &path),
            (_, ["notifications", "sms"]) => Err(no_such_method("OPTIONS, POST, HEAD, GET")),
            (_, ["notifications" | "templates"] | ["notifications" | "template", _]) => {
                Err(no_such_method("OPTIONS, HEAD, GET"))
            }
            (_, ["template", _, "preview"]) => Err(no_such_method("OPTIONS, POST")),
            _ => Err(no_such_path()),
        };
        outcome.unwrap_or_else(|refusal| refusal)
    }

    fn failure(&self, status: u16) -> Answer {
        failure(status)
    }

    fn recipient(&self, request: &Request) -> Option<String> {
        Some(request.json()?.get("phone_number")?.as_str()?.to_owned())
    }
}

/// The beginning of the URLs in an answer: the host as the client called it.
fn root(request: &Request) -> String {
    let scheme = if request.is_secure() { "https" } else { "http" };
    format!(
        "{scheme}://{}",
        request.header("host").unwrap_or("localhost")
    )
}
