//! Notify's answers as tables: what its real server was recorded to say, case by case.

#![allow(clippy::unwrap_used)]

mod access;
mod reading;
mod sending;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::hmac;
use serde_json::{Value, json};

use super::*;
use crate::sandbox::client::{Client, Reply, request};
use crate::sandbox::{Fault, Sandbox, When};

const SMS: &str = "/v2/notifications/sms";

/// A token with this header and these claims, signed with this secret.
pub(super) fn sign(header: &str, claims: &str, secret: &str) -> String {
    let signed = format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims)
    );
    let tag = hmac::sign(
        &hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()),
        signed.as_bytes(),
    );
    format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// What a client sends as `Authorization`, given an API key as the service's page shows it.
fn bearer(api_key: &str) -> String {
    let (rest, secret) = api_key.split_at(api_key.len() - 36);
    let issuer = &rest[rest.len() - 37..rest.len() - 1];
    let claims = json!({ "iss": issuer, "iat": now() }).to_string();
    format!(
        "Bearer {}",
        sign(r#"{"typ":"JWT","alg":"HS256"}"#, &claims, secret)
    )
}

/// Sends a request over a connection of its own.
pub(super) fn send(
    sandbox: &Sandbox,
    method: &str,
    target: &str,
    authorization: Option<&str>,
    body: &str,
) -> Reply {
    let headers: Vec<(&str, &str)> = authorization
        .map(|value| ("Authorization", value))
        .into_iter()
        .collect();
    Client::new(sandbox.notify().address())
        .ask(&request(method, target, &headers, body))
        .unwrap()
}

fn post_as(sandbox: &Sandbox, api_key: &str, body: &Value) -> Reply {
    send(
        sandbox,
        "POST",
        SMS,
        Some(&bearer(api_key)),
        &body.to_string(),
    )
}

fn post(sandbox: &Sandbox, body: &Value) -> Reply {
    post_as(sandbox, API_KEY, body)
}

fn get(sandbox: &Sandbox, api_key: &str, target: &str) -> Reply {
    send(sandbox, "GET", target, Some(&bearer(api_key)), "")
}

/// A request that is accepted, with some members replaced; `null` is a value, not an absence.
fn with(changes: Value) -> Value {
    let mut body = json!({
        "phone_number": "+447700900123",
        "template_id": CODE_TEMPLATE_ID,
        "personalisation": { "code": "123456" },
    });
    for (name, value) in changes.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

fn without(names: &[&str]) -> Value {
    let mut body = with(json!({}));
    for name in names {
        body.as_object_mut().unwrap().remove(*name);
    }
    body
}

/// Status, error name and message of each error.
fn errors(reply: &Reply) -> (u16, Vec<(String, String)>) {
    let body = reply.json();
    assert_eq!(body["status_code"], reply.status, "{body}");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let errors = body["errors"].as_array().unwrap().iter();
    (
        reply.status,
        errors
            .map(|error| (text(&error["error"]), text(&error["message"])))
            .collect(),
    )
}

fn one(status: u16, name: &str, message: &str) -> (u16, Vec<(String, String)>) {
    (status, vec![(name.to_owned(), message.to_owned())])
}
