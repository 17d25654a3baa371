//! Twilio Programmable Messaging, as far as a sender of texts meets it.
//!
//! | request | answer |
//! |---|---|
//! | `POST /2010-04-01/Accounts/{AccountSid}/Messages.json` | 201 and the message, or a refusal |
//! | `GET .../Messages.json?To=&From=&DateSent>=&PageSize=` | the account's messages, newest first |
//! | `GET .../Messages/{Sid}.json` | the message, or 404 20404 |
//! | `GET /2010-04-01/Accounts/{AccountSid}.json` | the account; 401 for an API key |
//!
//! The account's credentials are constants here; [`Twilio`] changes what a test needs changed. The numbers that
//! call up each error are a table in [`errors`]. Test credentials ([`TEST_ACCOUNT_SID`]) post messages that nobody
//! receives, and may do nothing else (403 20008).

pub mod errors;
mod message;
mod segments;
mod send;

#[cfg(test)]
mod tests;

use std::borrow::Cow;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use self::errors::{failure, refusal};
use self::message::{Message, list, rfc2822};
use super::clock::Clock;
use super::http::{self, Answer, Endpoint, Request};
use super::journal::{Journal, Provider, Text};
use super::lock;

/// The account.
pub const ACCOUNT_SID: &str = "AC00000000000000000000000000000001";
/// Its token, until [`Twilio::set_auth_token`].
pub const AUTH_TOKEN: &str = "5ec2e700000000000000000000000001";
/// An API key of the account.
pub const API_KEY_SID: &str = "SK00000000000000000000000000000001";
/// The API key's secret.
pub const API_KEY_SECRET: &str = "5andb0xApiKeySecret0000000000001";
/// A Messaging Service of the account; it sends from [`FROM_NUMBER`].
pub const MESSAGING_SERVICE_SID: &str = "MG00000000000000000000000000000001";
/// A number that the account owns; `+15005550006` is another.
pub const FROM_NUMBER: &str = "+447700900100";
/// Test credentials: nothing they post is delivered.
pub const TEST_ACCOUNT_SID: &str = "AC00000000000000000000000000000002";
/// The token of the test credentials.
pub const TEST_AUTH_TOKEN: &str = "5ec2e700000000000000000000000002";
/// The one number that test credentials may send from.
pub const TEST_FROM_NUMBER: &str = "+15005550006";

/// Accounts that exist, have [`AUTH_TOKEN`] and may do nothing: SID and code.
const CLOSED_ACCOUNTS: [(&str, u32); 2] = [
    ("AC00000000000000000000000000020005", 20005),
    ("AC00000000000000000000000000020006", 20006),
];

/// Twilio on loopback.
pub type Twilio = Endpoint<Api>;

/// Twilio's accounts and messages.
pub struct Api {
    journal: Arc<Journal>,
    clock: Arc<Clock>,
    account: Mutex<Account>,
}

struct Account {
    auth_token: String,
    numbers: Vec<String>,
    messages: Vec<Message>,
}

impl Twilio {
    /// Replaces the account's token; the old one is refused from now on.
    pub fn set_auth_token(&self, token: &str) {
        token.clone_into(&mut lock(&self.api().account).auth_token);
    }

    /// Gives the account one more number to send from.
    pub fn own_number(&self, number: &str) {
        lock(&self.api().account).numbers.push(number.to_owned());
    }

    /// Changes what a fetch of this message shows. Without such a call a message is `delivered`.
    ///
    /// Returns whether there is such a message.
    pub fn set_status(&self, sid: &str, status: &str, error_code: Option<u32>) -> bool {
        let mut account = lock(&self.api().account);
        let Some(message) = account
            .messages
            .iter_mut()
            .find(|message| message.sid == sid)
        else {
            return false;
        };
        message.status = Cow::Owned(status.to_owned());
        message.error = error_code;
        true
    }
}

/// Whose credentials a request carries.
struct Caller {
    account: &'static str,
    /// An API key's, not the account's own SID and token.
    is_key: bool,
}

impl Api {
    pub(super) fn new(journal: Arc<Journal>, clock: Arc<Clock>) -> Self {
        let account = Mutex::new(Account {
            auth_token: AUTH_TOKEN.to_owned(),
            numbers: vec![FROM_NUMBER.to_owned(), TEST_FROM_NUMBER.to_owned()],
            messages: Vec::new(),
        });
        Self {
            journal,
            clock,
            account,
        }
    }

    /// Who calls, if the credentials are right.
    fn caller(&self, request: &Request) -> Option<Caller> {
        let header = request.header("authorization")?;
        let (scheme, encoded) = header.split_once(' ')?;
        let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
        let (user, password) = decoded.split_once(':')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        if (user, password) == (API_KEY_SID, API_KEY_SECRET) {
            return Some(Caller {
                account: ACCOUNT_SID,
                is_key: true,
            });
        }
        let closed = CLOSED_ACCOUNTS.map(|(sid, _)| sid);
        let account = [ACCOUNT_SID, TEST_ACCOUNT_SID]
            .into_iter()
            .chain(closed)
            .find(|sid| *sid == user)?;
        let is_right = match account {
            ACCOUNT_SID => password == lock(&self.account).auth_token,
            TEST_ACCOUNT_SID => password == TEST_AUTH_TOKEN,
            _ => password == AUTH_TOKEN,
        };
        is_right.then_some(Caller {
            account,
            is_key: false,
        })
    }

    fn send(&self, request: &Request, sid: &str, take: bool) -> Answer {
        let mut account = lock(&self.account);
        let message = match send::compose(request, sid, &account.numbers, self.clock.now()) {
            Ok(message) => message,
            Err(refusal) => return refusal,
        };
        let answer = message.created();
        // What test credentials post is checked and answered, and goes nowhere.
        if take && sid != TEST_ACCOUNT_SID {
            self.journal.text(Text {
                provider: Provider::Twilio,
                to: message.to.clone(),
                from: message
                    .from
                    .clone()
                    .unwrap_or_else(|| FROM_NUMBER.to_owned()),
                body: message.body.clone(),
                at: message.created,
                id: message.sid.clone(),
            });
            account.messages.push(message);
        }
        answer
    }

    fn fetch(&self, account: &str, sid: &str) -> Answer {
        lock(&self.account)
            .messages
            .iter()
            .rev()
            .find(|message| message.sid == sid && message.account == account)
            .map_or_else(|| refusal(20404), Message::fetched)
    }

    /// The account resource; like the real one it shows the token.
    fn account(&self, sid: &str) -> Answer {
        let created = rfc2822(jiff::Timestamp::UNIX_EPOCH);
        Answer::json(
            200,
            &json!({
                "sid": sid,
                "owner_account_sid": sid,
                "friendly_name": "Sandbox",
                "status": "active",
                "type": "Full",
                "auth_token": lock(&self.account).auth_token,
                "date_created": created,
                "date_updated": created,
                "uri": format!("/2010-04-01/Accounts/{sid}.json"),
                "subresource_uris": { "messages": format!("/2010-04-01/Accounts/{sid}/Messages.json") },
            }),
        )
    }
}

impl http::Api for Api {
    const PROVIDER: Provider = Provider::Twilio;
    const STANDING: &'static str = "Twilio-Concurrent-Requests: 1\r\nX-Home-Region: us1\r\n";

    fn answer(&self, request: &Request, take: bool) -> Answer {
        let Some(Caller { account, is_key }) = self.caller(request) else {
            return refusal(20003);
        };
        let Some(rest) = request.path().strip_prefix("/2010-04-01/Accounts/") else {
            return refusal(20404);
        };
        let (named, resource) = rest.split_once('/').unwrap_or((rest, ""));
        if named.strip_suffix(".json").unwrap_or(named) != account {
            return refusal(20003);
        }
        if let Some((_, code)) = CLOSED_ACCOUNTS.iter().find(|(sid, _)| *sid == account) {
            return refusal(*code);
        }
        if account == TEST_ACCOUNT_SID && (request.method(), resource) != ("POST", "Messages.json")
        {
            return refusal(20008);
        }
        match (request.method(), resource) {
            ("POST", "Messages.json") => self.send(request, account, take),
            ("GET", "Messages.json") => list(&lock(&self.account).messages, account, request),
            ("GET", "") if is_key => refusal(20003),
            ("GET", "") if named.ends_with(".json") => self.account(account),
            (_, "Messages.json") => refusal(20004),
            (method, resource) => match resource
                .strip_prefix("Messages/")
                .and_then(|rest| rest.strip_suffix(".json"))
            {
                Some(sid) if method == "GET" => self.fetch(account, sid),
                Some(_) => refusal(20004),
                None => refusal(20404),
            },
        }
    }

    fn failure(&self, status: u16) -> Answer {
        failure(status)
    }

    fn recipient(&self, request: &Request) -> Option<String> {
        let named_to = |pairs: Vec<(String, String)>| {
            pairs
                .into_iter()
                .find(|(name, _)| name == "To")
                .map(|(_, to)| to)
        };
        named_to(request.form()).or_else(|| named_to(request.query()))
    }
}
