//! Twilio's answers, as the providers' page and the recorded clients give them.

#![allow(clippy::unwrap_used)]

mod access;
mod sending;

use serde_json::{Value, json};

use super::*;
use crate::sandbox::Sandbox;
use crate::sandbox::client::{Client, Reply, basic, request};

const MESSAGES: &str = "/2010-04-01/Accounts/AC00000000000000000000000000000001/Messages.json";
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

fn ask(
    sandbox: &Sandbox,
    method: &str,
    target: &str,
    credentials: (&str, &str),
    body: &str,
) -> Reply {
    let authorization = basic(credentials.0, credentials.1);
    let bytes = request(
        method,
        target,
        &[("Authorization", &authorization), FORM],
        body,
    );
    Client::new(sandbox.twilio().address()).ask(&bytes).unwrap()
}

/// Posts a form with the account's own credentials.
fn post(sandbox: &Sandbox, body: &str) -> Reply {
    ask(sandbox, "POST", MESSAGES, (ACCOUNT_SID, AUTH_TOKEN), body)
}

fn get(sandbox: &Sandbox, target: &str) -> Reply {
    ask(sandbox, "GET", target, (ACCOUNT_SID, AUTH_TOKEN), "")
}
