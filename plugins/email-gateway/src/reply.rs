//! What a mail server's replies mean for a message (RFC 5321, 4.2; RFC 3463; RFC 4954).
//!
//! A reply has a code, and often an enhanced one: `550 5.7.1 ...`. What is in the way of every
//! message is `misconfigured`: the account, the sender's address, relaying. What is in the way of
//! this one, its number or its text, is in the way at this gateway only.

use textsender_plugin_api::{SendError, SmtpCommand, SmtpReply};

/// Why the mail was not taken. The reply's own words are left out: they like to quote the address.
pub fn refusal(reply: &SmtpReply) -> SendError {
    let enhanced = enhanced(reply);
    let error = match reply.code {
        400..500 => SendError::unavailable("the mail server can't take the mail now"),
        500..600 => permanent(reply, enhanced),
        _ => SendError::unknown("the mail server's reply makes no sense"),
    };
    match enhanced {
        Some(enhanced) => error.with_provider_code(format!("{}/{enhanced}", reply.code)),
        None => error.with_provider_code(reply.code),
    }
}

fn permanent(reply: &SmtpReply, enhanced: Option<&str>) -> SendError {
    use SmtpCommand::{Auth, Connect, Data, Dot, Mail, Rcpt};

    let is = |class| enhanced.is_some_and(|enhanced| enhanced.starts_with(class));
    match (reply.command, reply.code) {
        (Auth, 504) => SendError::misconfigured(
            "the mail server offers neither AUTH PLAIN nor LOGIN here: see security and port",
        ),
        (Auth, _) | (_, 534 | 535 | 538) => {
            SendError::unauthorized("the mail server refuses user or password")
        }
        (_, 530) => SendError::unauthorized("the mail server wants a user, or TLS first"),
        (Connect, _) => SendError::misconfigured("the mail server refuses this machine"),
        (Mail, _) => SendError::misconfigured("the mail server refuses the address in `from`"),
        // Policy, not the number: relaying, SPF, an address that is not registered.
        (Rcpt | Dot, _) if is("5.7.") => SendError::misconfigured(
            "the mail server may not send this to the gateway: see from and user",
        ),
        (Rcpt, 500..505) if !is("5.1.") => {
            SendError::misconfigured("the mail server does not understand the address")
        }
        (Rcpt, _) => SendError::undeliverable_here("the gateway has no such number"),
        (Data, _) => SendError::misconfigured("the mail server takes no mail of this account"),
        _ => SendError::undeliverable_here("the gateway refuses the text"),
    }
}

/// The enhanced status code at the start of the reply's text (RFC 2034, 4).
fn enhanced(reply: &SmtpReply) -> Option<&str> {
    let word = reply.text.split(' ').next()?;
    let numbers = word.split('.');
    let is_number = |part: &str| {
        (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_code = numbers.clone().count() == 3 && numbers.clone().all(is_number);
    is_code.then_some(word)
}

#[cfg(test)]
mod tests {
    use textsender_plugin_api::Verdict;

    use super::*;

    #[test]
    fn replies_and_their_verdicts() {
        use SmtpCommand::*;
        use Verdict::*;
        let cases = [
            (Connect, 421, "4.7.0 too many connections", Unavailable),
            (Connect, 450, "4.3.0 Error: command failed", Unavailable),
            (Connect, 454, "4.7.0 TLS not available", Unavailable),
            (Connect, 554, "5.7.1 no", Misconfigured),
            (
                Connect,
                530,
                "5.7.0 Must issue a STARTTLS command first",
                Unauthorized,
            ),
            (
                Auth,
                535,
                "5.7.8 Authentication credentials invalid",
                Unauthorized,
            ),
            (Auth, 534, "5.7.9 mechanism too weak", Unauthorized),
            (Auth, 538, "5.7.11 encryption required", Unauthorized),
            (Auth, 504, "the server offers neither", Misconfigured),
            (
                Auth,
                454,
                "4.7.0 Temporary authentication failure",
                Unavailable,
            ),
            (Mail, 530, "5.7.0 Authentication required", Unauthorized),
            (Mail, 500, "5.3.0 Error: command failed", Misconfigured),
            (Mail, 550, "5.7.1 sender not owned by user", Misconfigured),
            (
                Mail,
                553,
                "5.1.8 sender's domain does not exist",
                Misconfigured,
            ),
            (Mail, 452, "4.3.1 insufficient storage", Unavailable),
            (Rcpt, 450, "4.2.0 greylisted", Unavailable),
            (Rcpt, 451, "4.3.0 steered", Unavailable),
            (Rcpt, 421, "4.0.0 Server closing connection", Unavailable),
            (Rcpt, 550, "5.1.1 no such user", UndeliverableHere),
            (Rcpt, 550, "No such number", UndeliverableHere),
            (Rcpt, 551, "5.1.6 moved", UndeliverableHere),
            (Rcpt, 553, "5.1.3 bad address", UndeliverableHere),
            (
                Rcpt,
                501,
                "5.1.3 bad recipient address syntax",
                UndeliverableHere,
            ),
            (Rcpt, 552, "5.2.2 mailbox full", UndeliverableHere),
            (Rcpt, 500, "5.3.0 Error: command failed", Misconfigured),
            (Rcpt, 554, "5.7.1 <a@b>: Relay access denied", Misconfigured),
            (Rcpt, 550, "5.7.1 relaying denied", Misconfigured),
            (Data, 554, "5.5.1 no valid recipients", Misconfigured),
            (Data, 450, "4.3.0 Error: command failed", Unavailable),
            (Dot, 451, "4.3.0 try again", Unavailable),
            (Dot, 500, "5.3.0 Error: command failed", UndeliverableHere),
            (Dot, 552, "5.3.4 message too big", UndeliverableHere),
            (Dot, 554, "5.6.0 content refused", UndeliverableHere),
            (Dot, 550, "5.7.1 SPF check failed", Misconfigured),
            (Dot, 354, "go on", Unknown),
        ];
        for (command, code, text, verdict) in cases {
            let reply = SmtpReply {
                code,
                command,
                text: text.into(),
            };
            assert_eq!(
                refusal(&reply).verdict,
                verdict,
                "{code} {text} to {command:?}"
            );
        }
    }

    #[test]
    fn keeps_the_codes_and_not_the_words() {
        let reply = |text: &str| SmtpReply {
            code: 550,
            command: SmtpCommand::Rcpt,
            text: text.into(),
        };
        let error = refusal(&reply("5.1.1 <447700900123@sms.example>: unknown"));
        assert_eq!(error.provider_code.as_deref(), Some("550/5.1.1"));
        assert!(!error.to_string().contains("447700900123"));
        let error = refusal(&reply("447700900123 unknown"));
        assert_eq!(error.provider_code.as_deref(), Some("550"));
    }
}
