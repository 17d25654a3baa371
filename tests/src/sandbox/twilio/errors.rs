//! Twilio's refusals: status, code and wording, and the numbers that call them up.
//!
//! # Magic numbers
//! The first rows are Twilio's own, documented for test credentials. The others are the sandbox's: the last four
//! digits are those of the code (`21608` is `+15005551608`, `20429` is `+15005550429`), except where Twilio's own
//! table has that number already (`2000x` is `900x`) and for what goes wrong after acceptance (`30003` is `3003`).
//!
//! | parameter | value | answer |
//! |---|---|---|
//! | From | +15005550006 | accepted |
//! | From | +15005550001 | 400 21212 |
//! | From | +15005550007 | 400 21606 |
//! | From | +15005550008 | 400 21611 |
//! | From | +15005551659 +15005551660 +15005551661 +15005551662 | 400 21659 ... 21662 |
//! | From | any other number that the account does not own | 400 21606 |
//! | To | +15005550001 | 400 21211 |
//! | To | +15005550002 | 400 21612 |
//! | To | +15005550003 | 400 21408 |
//! | To | +15005550004 | 400 21610 |
//! | To | +15005550009 | 400 21614 |
//! | To | +15005551608 | 400 21608 |
//! | To | +15005551219 | 400 21219 |
//! | To | +15005551611 | 400 21611 |
//! | To | +15005559003 | 401 20003 |
//! | To | +15005559005 +15005559006 +15005559008 | 403 20005, 20006, 20008 |
//! | To | +15005550404 | 404 20404 |
//! | To | +15005550429 | 429 20429 |
//! | To | +15005550500 +15005550503 +15005550504 | 500 20500, 503 20503, 504 20504 |
//! | To | +15005553003 ... (see [`LATER`]) | accepted, later `undelivered` with 30003 ... |
//! | MessagingServiceSid | `MG` + 27 zeros + `21701`, `21703`, `21704` | 404 21701, 400 21703, 400 21704 |
//! | AccountSid | `AC` + 27 zeros + `20005`, `20006` | 403 20005, 20006 |

use serde::Serialize;

use crate::sandbox::http::Answer;

/// What a magic number stands for: parameter, value, code.
pub(super) const MAGIC: &[(&str, &str, u32)] = &[
    ("From", "+15005550001", 21212),
    ("From", "+15005550007", 21606),
    ("From", "+15005550008", 21611),
    ("From", "+15005551659", 21659),
    ("From", "+15005551660", 21660),
    ("From", "+15005551661", 21661),
    ("From", "+15005551662", 21662),
    ("To", "+15005550001", 21211),
    ("To", "+15005550002", 21612),
    ("To", "+15005550003", 21408),
    ("To", "+15005550004", 21610),
    ("To", "+15005550009", 21614),
    ("To", "+15005551608", 21608),
    ("To", "+15005551219", 21219),
    ("To", "+15005551611", 21611),
    ("To", "+15005559003", 20003),
    ("To", "+15005559005", 20005),
    ("To", "+15005559006", 20006),
    ("To", "+15005559008", 20008),
    ("To", "+15005550404", 20404),
    ("To", "+15005550429", 20429),
    ("To", "+15005550500", 20500),
    ("To", "+15005550503", 20503),
    ("To", "+15005550504", 20504),
    (
        "MessagingServiceSid",
        "MG00000000000000000000000000021701",
        21701,
    ),
    (
        "MessagingServiceSid",
        "MG00000000000000000000000000021703",
        21703,
    ),
    (
        "MessagingServiceSid",
        "MG00000000000000000000000000021704",
        21704,
    ),
];

/// Numbers that are accepted and fail later: the `error_code` that a fetch of the message then shows.
pub const LATER: &[(&str, u32)] = &[
    ("+15005553001", 30001),
    ("+15005553002", 30002),
    ("+15005553003", 30003),
    ("+15005553004", 30004),
    ("+15005553005", 30005),
    ("+15005553006", 30006),
    ("+15005553007", 30007),
    ("+15005553008", 30008),
    ("+15005553017", 30017),
    ("+15005553034", 30034),
    ("+15005553036", 30036),
    ("+15005553410", 30410),
    ("+15005553450", 30450),
];

/// Status, code and wording. `{to}` and `{from}` stand for what the client sent, as Twilio's own wording has them.
const REFUSALS: &[(u16, u32, &str)] = &[
    (401, 20003, "Authenticate"),
    (405, 20004, "Method not allowed"),
    (403, 20005, "Account not active"),
    (403, 20006, "Access Denied"),
    (
        403,
        20008,
        "Resource not accessible with Test Account Credentials",
    ),
    (404, 20404, "The requested resource was not found"),
    (429, 20429, "Too Many Requests"),
    (500, 20500, "Internal Server Error"),
    (503, 20503, "Service Unavailable"),
    (504, 20504, "Gateway Timeout"),
    (400, 21211, "Invalid 'To' Phone Number: {to}"),
    (400, 21212, "Invalid From Number (caller ID): {from}"),
    (400, 21219, "'To' phone number not verified: {to}"),
    (
        400,
        21266,
        "'To' and 'From' number cannot be the same: {to}",
    ),
    (
        400,
        21408,
        "Permission to send an SMS or MMS has not been enabled for the region indicated by the 'To' number: {to}",
    ),
    (400, 21602, "Message body is required."),
    (400, 21603, "A 'From' phone number is required."),
    (400, 21604, "A 'To' phone number is required."),
    (
        400,
        21606,
        "The 'From' phone number provided ({from}) is not a valid message-capable Twilio phone number for this destination.",
    ),
    (
        400,
        21608,
        "The number {to} is unverified. Trial accounts cannot send messages to unverified numbers.",
    ),
    (400, 21609, "The 'StatusCallback' URL is not a valid URL."),
    (400, 21610, "Attempt to send to unsubscribed recipient"),
    (
        400,
        21611,
        "This 'From' number ({from}) has exceeded the maximum number of queued messages",
    ),
    (
        400,
        21612,
        "Message cannot be sent with the current combination of 'To' ({to}) and/or 'From' ({from}) parameters",
    ),
    (400, 21614, "'To' number is not a valid mobile number: {to}"),
    (
        400,
        21617,
        "The concatenated message body exceeds the 1600 character limit",
    ),
    (400, 21624, "Invalid validity period value"),
    (
        400,
        21659,
        "'From' {from} is not a Twilio phone number or Short Code country mismatch",
    ),
    (
        400,
        21660,
        "Mismatch between the 'From' number {from} and the account",
    ),
    (400, 21661, "'From' number {from} is not SMS-capable"),
    (
        400,
        21662,
        "'From' number {from} cannot be used with this account",
    ),
    (404, 21701, "The Messaging Service does not exist"),
    (
        400,
        21703,
        "The Messaging Service does not have a phone number available to send a message",
    ),
    (
        400,
        21704,
        "The Messaging Service contains no phone numbers",
    ),
];

/// A refusal with Twilio's wording.
pub(super) struct Refusal<'a> {
    /// Twilio's error code.
    pub code: u32,
    /// What the client sent as `To`, for the wording.
    pub to: &'a str,
    /// What the client sent as `From`, for the wording.
    pub from: &'a str,
}

impl Refusal<'_> {
    /// The answer: `{"code":...,"message":...,"more_info":...,"status":...}`.
    pub fn answer(&self) -> Answer {
        let (status, code, wording) = REFUSALS
            .iter()
            .find(|(_, code, _)| *code == self.code)
            .copied()
            .unwrap_or((400, self.code, "Unknown error"));
        body(
            status,
            code,
            &wording
                .replace("{to}", self.to)
                .replace("{from}", self.from),
        )
    }
}

/// A refusal that says nothing about numbers.
pub(super) fn refusal(code: u32) -> Answer {
    Refusal {
        code,
        to: "",
        from: "",
    }
    .answer()
}

/// The failure that goes with a bare status, as faults ask for it.
pub(super) fn failure(status: u16) -> Answer {
    let known = REFUSALS
        .iter()
        .find(|(known, code, _)| *known == status && *code < 21_000);
    match known {
        Some((_, code, _)) => refusal(*code),
        // Twilio numbers its general errors by the status.
        None => body(status, 20_000 + u32::from(status), "Error"),
    }
}

fn body(status: u16, code: u32, message: &str) -> Answer {
    #[derive(Serialize)]
    struct Body<'a> {
        code: u32,
        message: &'a str,
        more_info: String,
        status: u16,
    }
    let more_info = format!("https://www.twilio.com/docs/errors/{code}");
    let answer = Answer::json(
        status,
        &Body {
            code,
            message,
            more_info,
            status,
        },
    );
    match status {
        401 => answer.header("WWW-Authenticate", "Basic realm=\"Twilio API\""),
        _ => answer,
    }
}
