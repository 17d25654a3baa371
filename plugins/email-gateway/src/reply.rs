//! What a mail server's replies mean for a message (RFC 5321, 4.2; RFC 3463; RFC 4954).
//!
//! A relay refuses for many reasons, and most of them are ours: the account, the address in
//! `from`, a quota, relaying. *The number* is blamed only where the reply proves it:
//!
//! | reply | is about |
//! |---|---|
//! | an enhanced code that names the mailbox: 5.1.1, 5.1.3, 5.1.6, 5.2.1 | the number |
//! | 5.1.2, 5.1.10, or a code without an enhanced one, in words that name the mailbox | the number |
//! | a bare 550 at RCPT, after the server took another recipient of this process | the number |
//! | any other 5xx | this sender's settings or account: `misconfigured` |
//! | one of these without a code or words that tell whom it is about | the same, the recipient in doubt |
//!
//! `reply/replies.txt` has what real servers say, and what each reply comes to.

use textsender_plugin_api::{SendError, SmtpCommand, SmtpReply, Verdict};

/// Enhanced codes that name the mailbox, whatever is said beside them (RFC 3463, 3.2 and 3.3).
const MAILBOX: [&str; 4] = ["5.1.1", "5.1.3", "5.1.6", "5.2.1"];

/// Enhanced codes that may mean the mailbox or its domain, which is a setting.
const MAILBOX_OR_DOMAIN: [&str; 2] = ["5.1.2", "5.1.10"];

/// What servers say of a mailbox that is not there, in small letters.
const NAMES_MAILBOX: [&str; 29] = [
    "user unknown",
    "unknown user",
    "no such user",
    "no such number",
    "no such recipient",
    "no such mailbox",
    "no such address",
    "no mailbox here",
    "unknown recipient",
    "recipient unknown",
    "recipientnotfound",
    "recipient not found",
    "unknown local part",
    "mailbox does not exist",
    "user does not exist",
    "recipient does not exist",
    "user not found",
    "mailbox not found",
    "unknown mailbox",
    "invalid recipient",
    "invalid mailbox",
    "no such person",
    "no such account",
    "no such local user",
    "mailbox unknown",
    "account does not exist",
    "user doesn't exist",
    "mailbox doesn't exist",
    "recipient doesn't exist",
];

/// What a reply says that is about the address in `from`, whatever else it names.
const NAMES_FROM: [&str; 3] = ["sender verify", "sender address", "envelope sender"];

/// And of us, without an enhanced code that would say so.
const NAMES_US: [&str; 24] = [
    RELAY,
    "sender",
    "authenticat",
    "authoriz",
    "authoris",
    "log in",
    "login",
    "not permitted",
    "permission",
    "prohibit",
    "denied",
    "not allowed",
    "verified",
    "spf",
    "dkim",
    "block",
    "black",
    "listed",
    "reputation",
    "reverse dns",
    "tls",
    "too many",
    "policy",
    "suspended",
];

/// Of what is in the mail.
const NAMES_CONTENT: [&str; 2] = ["spam", "unsolicited"];

/// Where it is said, no recipient is looked for: that one is unknown is then about its domain.
const RELAY: &str = "relay";

/// Of how much may be sent. Some say it with a code for what may work later.
const NAMES_QUOTA: [&str; 7] = [
    "quota",
    "credits exceeded",
    "daily user sending",
    "daily message",
    "daily sending",
    "daily limit",
    "messaging limits",
];

/// Quotas by their enhanced code: Gmail's of a day, a full mailbox, and Microsoft's of recipients.
const QUOTA: [&str; 3] = ["5.4.5", "5.2.2", "5.1.90"];

/// And of how fast.
const NAMES_RATE: [&str; 3] = ["throttl", "sending rate", "rate limit"];

/// And of how many connections.
const NAMES_CONNECTIONS: [&str; 3] = [
    "too many connections",
    "too many concurrent",
    "concurrent connections",
];

/// Why the mail was not taken. The reply's own words are left out: they like to quote the address, and
/// the host logs them itself.
/// `rcpt_taken`: the server took another recipient before.
pub fn refusal(reply: &SmtpReply, rcpt_taken: bool) -> SendError {
    let words = reply.text.to_ascii_lowercase();
    let said = Said {
        enhanced: enhanced(&reply.text),
        words: &words,
    };
    let error = match reply.code {
        400..500 => transient(reply, &said),
        500..600 => match permanent(reply, &said, rcpt_taken) {
            error if error.verdict == Verdict::Misconfigured && said.is_silent(reply.command) => {
                error.with_recipient_in_doubt()
            }
            error => error,
        },
        _ => SendError::unknown("the mail server's reply makes no sense"),
    };
    match said.enhanced {
        Some(enhanced) => error.with_provider_code(format!("{}/{enhanced}", reply.code)),
        None => error.with_provider_code(reply.code),
    }
}

/// What stands behind a reply's code.
struct Said<'a> {
    enhanced: Option<&'a str>,
    /// In small letters.
    words: &'a str,
}

impl Said<'_> {
    fn names(&self, any_of: &[&str]) -> bool {
        any_of.iter().any(|words| self.words.contains(words))
    }

    fn is(&self, any_of: &[&str]) -> bool {
        self.enhanced.is_some_and(|code| any_of.contains(&code))
    }

    /// Whether neither a code nor words tell whom a refusal of recipient or mail is about.
    fn is_silent(&self, command: SmtpCommand) -> bool {
        let is_late = matches!(command, SmtpCommand::Rcpt | SmtpCommand::Dot);
        let has_code = self.enhanced.is_some_and(|code| code != "5.0.0");
        is_late && !has_code && !self.names(&NAMES_US)
    }

    fn is_of(&self, class: &str) -> bool {
        self.enhanced.is_some_and(|code| code.starts_with(class))
    }
}

fn transient(reply: &SmtpReply, said: &Said<'_>) -> SendError {
    if said.names(&NAMES_QUOTA) {
        return SendError::exhausted("the account's quota at the mail server is used up");
    }
    if reply.command == SmtpCommand::Connect && said.names(&["ehlo", "helo"]) {
        return SendError::misconfigured(HELLO);
    }
    if said.names(&NAMES_RATE) {
        return SendError::throttled("the mail server takes no more at this rate");
    }
    if said.names(&NAMES_CONNECTIONS) {
        return SendError::unavailable(
            "the mail server can't take the mail now: it has too many connections of this account; \
             `connections` limits ours",
        );
    }
    SendError::unavailable("the mail server can't take the mail now")
}

/// Gmail's relay and others know a client by the name that it gives.
const HELLO: &str = "the mail server refuses the name that this machine gives: set `hello` to the name that \
                     its address has in the DNS";

fn permanent(reply: &SmtpReply, said: &Said<'_>, rcpt_taken: bool) -> SendError {
    use SmtpCommand::{Auth, Connect, Data, Dot, Mail, Rcpt};

    if said.is(&QUOTA) || said.names(&NAMES_QUOTA) {
        return SendError::exhausted("the account's quota at the mail server is used up");
    }
    if said.names(&["helo", "ehlo"]) {
        return SendError::misconfigured(HELLO);
    }
    match (reply.command, reply.code) {
        (Auth, 504) if said.names(&["xoauth2"]) => SendError::misconfigured(
            "the mail server takes no password, but access tokens: set token_url and client_id",
        ),
        (Auth, 504) => SendError::misconfigured(
            "the mail server offers no login that these settings have: see security and port",
        ),
        (Auth, 535) if said.names(&["smtpclientauthentication is disabled"]) => {
            SendError::unauthorized(
                "Microsoft 365 takes no password for this mailbox: set token_url and client_id, or \
                 switch authenticated SMTP on",
            )
        }
        (Auth, _) | (_, 534 | 535 | 538) => {
            SendError::unauthorized("the mail server refuses user or password")
        }
        (_, 530) => SendError::unauthorized("the mail server wants a user, or TLS first"),
        (Connect, _) => SendError::misconfigured("the mail server refuses this machine"),
        (Mail, _) => SendError::misconfigured("the mail server refuses the address in `from`"),
        (Rcpt | Data | Dot, _) if names_mailbox(reply, said, rcpt_taken) => {
            SendError::undeliverable_here("the gateway has no such number")
        }
        // 5.7.x is policy: relaying, SPF, an address that is not registered.
        _ if said.is_of("5.7.") || said.is(&["5.1.8", "5.2.252"]) || said.names(&NAMES_US) => {
            SendError::misconfigured(
                "the mail server may not send this to the gateway: see from and user",
            )
        }
        (Rcpt, 500..505) => {
            SendError::misconfigured("the mail server does not understand the address")
        }
        (Rcpt, _) => SendError::misconfigured(
            "the mail server refuses the address, and does not say that it is the number's: see to, \
             from and user",
        ),
        (Data, _) => SendError::misconfigured("the mail server takes no mail of this account"),
        // The final dot, or a command that a later version knows.
        _ => SendError::misconfigured(
            "the gateway refuses the mail, and does not say that it is the number's: see subject \
             and body",
        ),
    }
}

fn names_mailbox(reply: &SmtpReply, said: &Said<'_>, rcpt_taken: bool) -> bool {
    match said.enhanced {
        _ if said.names(&NAMES_FROM) => false,
        Some(_) if said.is(&MAILBOX) => true,
        Some(_) => said.is(&MAILBOX_OR_DOMAIN) && said.names(&NAMES_MAILBOX),
        None if said.names(&NAMES_MAILBOX) => !said.names(&[RELAY]),
        None => {
            let is_bare = (reply.command, reply.code) == (SmtpCommand::Rcpt, 550);
            is_bare && rcpt_taken && !said.names(&NAMES_US) && !said.names(&NAMES_CONTENT)
        }
    }
}

/// The enhanced status code: at the start of the reply's text (RFC 2034, 4), where Cisco writes `#5.1.1`, or at its
/// end as qmail does, `(#5.1.1)`.
fn enhanced(text: &str) -> Option<&str> {
    let first = text.split([' ', '-']).next()?.trim_start_matches('#');
    let in_brackets = text
        .rsplit_once("(#")
        .and_then(|(_, rest)| rest.split(')').next());
    [Some(first), in_brackets]
        .into_iter()
        .flatten()
        .find(|word| is_enhanced(word))
}

fn is_enhanced(word: &str) -> bool {
    let is_number = |part: &str| {
        (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    let numbers = word.split('.');
    numbers.clone().count() == 3 && numbers.clone().all(is_number)
}

#[cfg(test)]
mod tests;
