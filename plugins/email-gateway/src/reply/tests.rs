use super::*;

fn reply(command: SmtpCommand, code: u16, text: &str) -> SmtpReply {
    SmtpReply {
        code,
        command,
        text: text.into(),
    }
}

/// One line of the table.
struct Row {
    line: &'static str,
    reply: SmtpReply,
    verdict: &'static str,
    told: &'static str,
}

fn rows() -> Vec<Row> {
    let lines = include_str!("replies.txt").lines();
    lines
        .filter(|line| !line.starts_with('#'))
        .map(row)
        .collect()
}

fn row(line: &'static str) -> Row {
    let columns: Vec<_> = line.split(" | ").collect();
    let [_, step, said, verdict, told] = columns[..] else {
        panic!("five columns: {line}");
    };
    let command = match step {
        "connect" | "ehlo" => SmtpCommand::Connect,
        "auth" => SmtpCommand::Auth,
        "mail" => SmtpCommand::Mail,
        "rcpt" => SmtpCommand::Rcpt,
        "data" => SmtpCommand::Data,
        "dot" => SmtpCommand::Dot,
        _ => panic!("no step: {line}"),
    };
    let (code, text) = said.split_once(' ').unwrap();
    Row {
        line,
        reply: reply(command, code.parse().unwrap(), text),
        verdict,
        told,
    }
}

fn verdict_of(error: &SendError) -> &'static str {
    match error.verdict {
        Verdict::Misconfigured if error.recipient_in_doubt => "in_doubt",
        Verdict::Misconfigured => "misconfigured",
        Verdict::Unauthorized => "unauthorized",
        Verdict::UndeliverableHere => "undeliverable_here",
        Verdict::Exhausted => "exhausted",
        Verdict::Throttled => "throttled",
        Verdict::Unavailable => "unavailable",
        Verdict::Unknown => "unknown",
        _ => "another",
    }
}

#[test]
fn replies_of_real_servers_and_what_they_come_to() {
    let rows = rows();
    assert!(rows.len() >= 60, "{}", rows.len());
    for row in rows {
        let error = refusal(&row.reply, false);
        assert_eq!(verdict_of(&error), row.verdict, "{}", row.line);
        assert!(error.message.contains(row.told), "{}: {error}", row.line);
    }
}

/// One number is not there; that the relay takes none at all is not known yet.
#[test]
fn a_bare_refusal_is_the_numbers_only_where_the_server_took_another() {
    let bare = |text| reply(SmtpCommand::Rcpt, 550, text);
    for text in ["", "no", "Unrouteable address", "rejected"] {
        let said = bare(text);
        assert_eq!(verdict_of(&refusal(&said, false)), "in_doubt", "{text}");
        let after_another = refusal(&said, true);
        assert_eq!(verdict_of(&after_another), "undeliverable_here", "{text}");
    }
    // The words are about us, and no recipient before changes that.
    let of_us = [
        "relay not permitted",
        "authentication required",
        "5.7.1 no",
        "#5.7.1 no",
        "192.0.2.1 is listed at zen.spamhaus.org",
        "not authorized",
        "too many messages",
        "relay for unknown user",
    ];
    for text in of_us {
        let error = refusal(&bare(text), true);
        assert_eq!(verdict_of(&error), "misconfigured", "{text}");
    }
    let of_content = refusal(&bare("this looks like spam"), true);
    assert_eq!(verdict_of(&of_content), "in_doubt");
    // Only at RCPT is a code without more about an address.
    let at_dot = reply(SmtpCommand::Dot, 550, "no");
    assert_eq!(verdict_of(&refusal(&at_dot, true)), "in_doubt");
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
