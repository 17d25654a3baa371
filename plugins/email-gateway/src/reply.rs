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
//!
//! What the table of tests beneath holds was seen on real servers or is in their documents.

use textsender_plugin_api::{SendError, SmtpCommand, SmtpReply};

/// Enhanced codes that name the mailbox, whatever is said beside them (RFC 3463, 3.2 and 3.3).
const MAILBOX: [&str; 4] = ["5.1.1", "5.1.3", "5.1.6", "5.2.1"];

/// Enhanced codes that may mean the mailbox or its domain, which is a setting.
const MAILBOX_OR_DOMAIN: [&str; 2] = ["5.1.2", "5.1.10"];

/// What servers say of a mailbox that is not there, in small letters.
const NAMES_MAILBOX: [&str; 14] = [
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
];

/// And of us, without an enhanced code that would say so.
const NAMES_US: [&str; 12] = [
    "relay",
    "sender",
    "authenticat",
    "not permitted",
    "prohibit",
    "denied",
    "not allowed",
    "verified",
    "spf",
    "dkim",
    "block",
    "policy",
];

/// Of how much may be sent. Some say it with a code for what may work later.
const NAMES_QUOTA: [&str; 5] = [
    "quota",
    "credits exceeded",
    "daily user sending",
    "daily message",
    "daily sending",
];

/// And of how fast.
const NAMES_RATE: [&str; 3] = ["throttl", "sending rate", "rate limit"];

/// And of how many connections.
const NAMES_CONNECTIONS: [&str; 3] = [
    "too many connections",
    "too many concurrent",
    "concurrent connections",
];

/// Why the mail was not taken. The reply's own words are left out: they like to quote the address.
/// `rcpt_taken`: the server took another recipient before.
pub fn refusal(reply: &SmtpReply, rcpt_taken: bool) -> SendError {
    let words = reply.text.to_ascii_lowercase();
    let said = Said {
        enhanced: enhanced(&reply.text),
        words: &words,
    };
    let error = match reply.code {
        400..500 => transient(reply, &said),
        500..600 => permanent(reply, &said, rcpt_taken),
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

    if said.is(&["5.4.5", "5.2.2"]) || said.names(&NAMES_QUOTA) {
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
        Some(_) if said.is(&MAILBOX) => true,
        Some(_) => said.is(&MAILBOX_OR_DOMAIN) && said.names(&NAMES_MAILBOX),
        None if said.names(&NAMES_MAILBOX) => true,
        None => {
            let is_bare = (reply.command, reply.code) == (SmtpCommand::Rcpt, 550);
            is_bare && rcpt_taken && !said.names(&NAMES_US)
        }
    }
}

/// The enhanced status code: at the start of the reply's text (RFC 2034, 4), or at its end as qmail
/// writes it, `(#5.1.1)`.
fn enhanced(text: &str) -> Option<&str> {
    let first = text.split([' ', '-']).next()?;
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
mod tests {
    use textsender_plugin_api::Verdict;

    use super::*;

    fn reply(command: SmtpCommand, code: u16, text: &str) -> SmtpReply {
        SmtpReply {
            code,
            command,
            text: text.into(),
        }
    }

    /// Replies by server and step, and whom each is about. A server's name is in the first column.
    #[test]
    fn replies_and_their_verdicts() {
        use SmtpCommand::*;
        use Verdict::*;
        let cases = [
            // Exim, of which most replies have no enhanced code.
            (
                "Exim",
                Connect,
                554,
                "SMTP synchronization error",
                Misconfigured,
            ),
            (
                "Exim",
                Connect,
                421,
                "Too many concurrent SMTP connections; please try again later",
                Unavailable,
            ),
            (
                "Exim",
                Connect,
                501,
                "Syntactically invalid HELO argument(s)",
                Misconfigured,
            ),
            (
                "Exim",
                Auth,
                535,
                "Incorrect authentication data",
                Unauthorized,
            ),
            ("Exim", Mail, 550, "Sender verify failed", Misconfigured),
            ("Exim", Rcpt, 550, "relay not permitted", Misconfigured),
            ("Exim", Rcpt, 550, "Unrouteable address", Misconfigured),
            ("Exim", Rcpt, 550, "Unknown user", UndeliverableHere),
            (
                "Exim",
                Rcpt,
                550,
                "Administrative prohibition",
                Misconfigured,
            ),
            (
                "Exim",
                Rcpt,
                451,
                "Temporary local problem - please try later",
                Unavailable,
            ),
            (
                "Exim",
                Dot,
                550,
                "This message was classified as SPAM",
                Misconfigured,
            ),
            (
                "Exim",
                Dot,
                552,
                "Message size exceeds maximum permitted",
                Misconfigured,
            ),
            // Postfix.
            (
                "Postfix",
                Connect,
                421,
                "4.7.0 mail.example.org Error: too many connections",
                Unavailable,
            ),
            (
                "Postfix",
                Connect,
                554,
                "5.7.1 Client host rejected: Access denied",
                Misconfigured,
            ),
            (
                "Postfix",
                Connect,
                504,
                "5.5.2 <x>: Helo command rejected: need fully-qualified hostname",
                Misconfigured,
            ),
            (
                "Postfix",
                Auth,
                535,
                "5.7.8 Error: authentication failed: UGFzc3dvcmQ6",
                Unauthorized,
            ),
            (
                "Postfix",
                Auth,
                454,
                "4.7.0 Temporary authentication failure: Connection lost",
                Unavailable,
            ),
            (
                "Postfix",
                Mail,
                530,
                "5.7.0 Must issue a STARTTLS command first",
                Unauthorized,
            ),
            (
                "Postfix",
                Mail,
                452,
                "4.3.1 Insufficient system storage",
                Unavailable,
            ),
            (
                "Postfix",
                Rcpt,
                550,
                "5.1.1 <a@b>: Recipient address rejected: User unknown in local recipient table",
                UndeliverableHere,
            ),
            (
                "Postfix",
                Rcpt,
                501,
                "5.1.3 Bad recipient address syntax",
                UndeliverableHere,
            ),
            (
                "Postfix",
                Rcpt,
                554,
                "5.7.1 <a@b>: Relay access denied",
                Misconfigured,
            ),
            (
                "Postfix",
                Rcpt,
                554,
                "5.7.1 <a@b>: Recipient address rejected: Access denied",
                Misconfigured,
            ),
            (
                "Postfix",
                Rcpt,
                553,
                "5.7.1 <a@b>: Sender address rejected: not owned by user",
                Misconfigured,
            ),
            (
                "Postfix",
                Rcpt,
                550,
                "5.1.2 <a@b>: Recipient address rejected: Domain not found",
                Misconfigured,
            ),
            (
                "Postfix",
                Rcpt,
                450,
                "4.2.0 <a@b>: Recipient address rejected: Greylisted",
                Unavailable,
            ),
            (
                "Postfix",
                Rcpt,
                550,
                "5.0.0 Error: command failed",
                Misconfigured,
            ),
            (
                "Postfix",
                Data,
                554,
                "5.5.1 Error: no valid recipients",
                Misconfigured,
            ),
            (
                "Postfix",
                Dot,
                550,
                "5.7.1 Message content rejected",
                Misconfigured,
            ),
            // Microsoft 365.
            (
                "Microsoft",
                Auth,
                535,
                "5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant.",
                Unauthorized,
            ),
            (
                "Microsoft",
                Auth,
                535,
                "5.7.3 Authentication unsuccessful",
                Unauthorized,
            ),
            (
                "Microsoft",
                Mail,
                530,
                "5.7.57 Client not authenticated to send mail",
                Unauthorized,
            ),
            (
                "Microsoft",
                Mail,
                432,
                "4.3.2 Concurrent connections limit exceeded",
                Unavailable,
            ),
            (
                "Microsoft",
                Rcpt,
                550,
                "5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
                UndeliverableHere,
            ),
            (
                "Microsoft",
                Rcpt,
                550,
                "5.1.10 no route to that domain",
                Misconfigured,
            ),
            (
                "Microsoft",
                Rcpt,
                550,
                "5.4.1 Recipient address rejected: Access denied",
                Misconfigured,
            ),
            (
                "Microsoft",
                Rcpt,
                550,
                "5.1.8 Access denied, bad outbound sender",
                Misconfigured,
            ),
            (
                "Microsoft",
                Dot,
                554,
                "5.2.252 SendAsDenied; a@b not allowed to send as c@d",
                Misconfigured,
            ),
            (
                "Microsoft",
                Dot,
                554,
                "5.2.0 STOREDRV.Submission.Exception:SendAsDeniedException",
                Misconfigured,
            ),
            (
                "Microsoft",
                Dot,
                550,
                "5.7.60 SMTP; Client does not have permissions to send as this sender",
                Misconfigured,
            ),
            // Gmail and Google Workspace.
            (
                "Gmail",
                Connect,
                421,
                "4.7.0 Try again later, closing connection. (EHLO)",
                Misconfigured,
            ),
            (
                "Gmail",
                Auth,
                535,
                "5.7.8 Username and Password not accepted",
                Unauthorized,
            ),
            (
                "Gmail",
                Auth,
                534,
                "5.7.9 Application-specific password required",
                Unauthorized,
            ),
            (
                "Gmail",
                Rcpt,
                550,
                "5.1.1 The email account that you tried to reach does not exist",
                UndeliverableHere,
            ),
            (
                "Gmail",
                Rcpt,
                550,
                "5.2.1 The email account that you tried to reach is disabled",
                UndeliverableHere,
            ),
            (
                "Gmail",
                Dot,
                550,
                "5.4.5 Daily user sending limit exceeded",
                Exhausted,
            ),
            (
                "Gmail",
                Dot,
                550,
                "5.7.26 This message does not pass SPF checks",
                Misconfigured,
            ),
            (
                "Gmail",
                Dot,
                552,
                "5.2.2 The email account that you tried to reach is over quota",
                Exhausted,
            ),
            // Amazon SES.
            (
                "SES",
                Auth,
                535,
                "Authentication Credentials Invalid",
                Unauthorized,
            ),
            (
                "SES",
                Dot,
                454,
                "Throttling failure: Maximum sending rate exceeded.",
                Throttled,
            ),
            (
                "SES",
                Dot,
                454,
                "Throttling failure: Daily message quota exceeded.",
                Exhausted,
            ),
            (
                "SES",
                Dot,
                554,
                "Message rejected: Email address is not verified.",
                Misconfigured,
            ),
            // SendGrid.
            (
                "SendGrid",
                Auth,
                535,
                "Authentication failed: Bad username / password",
                Unauthorized,
            ),
            (
                "SendGrid",
                Auth,
                451,
                "Authentication failed: Maximum credits exceeded",
                Exhausted,
            ),
            (
                "SendGrid",
                Dot,
                550,
                "The from address does not match a verified Sender Identity",
                Misconfigured,
            ),
            // qmail.
            (
                "qmail",
                Mail,
                550,
                "sorry, your envelope sender is in my badmailfrom list (#5.7.1)",
                Misconfigured,
            ),
            (
                "qmail",
                Rcpt,
                553,
                "sorry, that domain isn't in my list of allowed rcpthosts (#5.7.1)",
                Misconfigured,
            ),
            (
                "qmail",
                Rcpt,
                550,
                "sorry, no mailbox here by that name (#5.1.1)",
                UndeliverableHere,
            ),
            (
                "qmail",
                Dot,
                552,
                "sorry, that message size exceeds my databytes limit (#5.3.4)",
                Misconfigured,
            ),
            // Sendmail.
            (
                "Sendmail",
                Mail,
                553,
                "5.1.8 Domain of sender address a@b does not exist",
                Misconfigured,
            ),
            (
                "Sendmail",
                Rcpt,
                550,
                "5.7.1 <a@b>... Relaying denied. IP name lookup failed",
                Misconfigured,
            ),
            (
                "Sendmail",
                Rcpt,
                550,
                "5.1.1 <a@b>... User unknown",
                UndeliverableHere,
            ),
            (
                "Sendmail",
                Rcpt,
                551,
                "5.1.6 <a@b>... User has moved",
                UndeliverableHere,
            ),
            (
                "Sendmail",
                Rcpt,
                452,
                "4.5.3 Too many recipients",
                Unavailable,
            ),
            ("Sendmail", Dot, 554, "5.6.0 content refused", Misconfigured),
            // No server's own.
            ("", Connect, 571, "refused", Misconfigured),
            (
                "",
                Auth,
                504,
                "the server offers AUTH XOAUTH2 only",
                Misconfigured,
            ),
            ("", Dot, 451, "4.3.0 try again", Unavailable),
            ("", Dot, 354, "go on", Unknown),
        ];
        assert!(cases.len() >= 60, "{}", cases.len());
        for (server, command, code, text, verdict) in cases {
            let said = reply(command, code, text);
            let judged = refusal(&said, false).verdict;
            assert_eq!(judged, verdict, "{server}: {code} {text} to {command:?}");
        }
    }

    /// One number is not there; that the relay takes none at all is not known yet.
    #[test]
    fn a_bare_refusal_is_the_numbers_only_where_the_server_took_another() {
        let bare = |text| reply(SmtpCommand::Rcpt, 550, text);
        for text in ["", "no", "Unrouteable address", "rejected"] {
            let said = bare(text);
            assert_eq!(
                refusal(&said, false).verdict,
                Verdict::Misconfigured,
                "{text}"
            );
            assert_eq!(
                refusal(&said, true).verdict,
                Verdict::UndeliverableHere,
                "{text}"
            );
        }
        // The words are about us, and no recipient before changes that.
        for text in ["relay not permitted", "authentication required", "5.7.1 no"] {
            assert_eq!(
                refusal(&bare(text), true).verdict,
                Verdict::Misconfigured,
                "{text}"
            );
        }
        // Only at RCPT is a code without more about an address.
        let at_dot = reply(SmtpCommand::Dot, 550, "no");
        assert_eq!(refusal(&at_dot, true).verdict, Verdict::Misconfigured);
    }

    #[test]
    fn keeps_the_codes_and_not_the_words() {
        let said = |text: &str| reply(SmtpCommand::Rcpt, 550, text);
        let error = refusal(&said("5.1.1 <447700900123@sms.example>: unknown"), false);
        assert_eq!(error.provider_code.as_deref(), Some("550/5.1.1"));
        assert!(!error.to_string().contains("447700900123"));
        let error = refusal(&said("447700900123 unknown"), false);
        assert_eq!(error.provider_code.as_deref(), Some("550"));
        let error = refusal(&said("sorry, no mailbox here (#5.1.1)"), false);
        assert_eq!(error.provider_code.as_deref(), Some("550/5.1.1"));
    }
}
