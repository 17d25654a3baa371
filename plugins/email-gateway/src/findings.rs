//! What a check can tell without sending.
//!
//! A mail server can be asked whether it takes mail of an account; the gateway behind it can't be
//! asked anything. What a check shows beside is what would be sent, the secrets hidden.

use textsender_plugin_api::{
    Finding, Message, Phone, Purpose, Secret,
    template::{Placeholder, Template},
};

use crate::{
    mail::Filling,
    settings::{Settings, is_address},
};

/// Gateways of carriers that are gone.
const GONE: [(&str, &str); 2] = [
    (
        "tmomail.net",
        "T-Mobile closed this gateway in December 2024",
    ),
    ("txt.att.net", "AT&T closed this gateway on 17 June 2025"),
];

/// And one that will be.
const GOING: (&str, &str) = ("vtext.com", "Verizon closes this gateway on 31 March 2027");

/// What an administrator should know of these settings.
pub fn of(settings: &Settings) -> Vec<Finding> {
    let sample = sample();
    let hidden = settings.secret.as_ref().map(|_| Secret::new("SECRET"));
    let address = |secret: Option<&Secret>| {
        let message = &sample;
        let filled = settings.to.render(&Filling { message, secret });
        filled.unwrap_or_default()
    };
    let to = address(hidden.as_ref());

    let mut findings = Vec::new();
    match is_address(&address(settings.secret.as_ref())) {
        true => findings.push(Finding::note(format!(
            "a text to +447700900123 goes to {to}, by {}:{}",
            settings.server,
            settings.port()
        ))),
        false => findings.push(Finding::fault(format!(
            "to: it gives {to}, which is not an address, at least with this secret"
        ))),
    }
    let domain = to.rsplit_once('@').map_or("", |(_, domain)| domain);
    let is_domain = |(known, _): &(&str, &str)| domain.eq_ignore_ascii_case(known);
    if let Some((_, gone)) = GONE.into_iter().find(is_domain) {
        findings.push(Finding::fault(format!("to: {gone}")));
    }
    if is_domain(&GOING) {
        findings.push(Finding::note(format!("to: {}", GOING.1)));
    }
    let subject = settings.subject.as_ref();
    for (key, template) in [("to", Some(&settings.to)), ("subject", subject)] {
        if template.is_some_and(holds_secret) {
            findings.push(Finding::note(format!(
                "{key}: it holds the secret, and mail servers write it to their logs"
            )));
        }
    }
    if !shows_text(&settings.body) && !subject.is_some_and(shows_text) {
        findings.push(Finding::fault(
            "body: neither text nor code is in the mail: put %message% into it",
        ));
    }
    findings
}

/// What is known when the mail server took user and sender.
pub fn of_server(settings: &Settings) -> [Finding; 2] {
    let from = &settings.from;
    let taken = match &settings.user {
        Some(user) => format!("the mail server knows {user}, and takes mail from {from}"),
        None => format!("the mail server takes mail from {from}"),
    };
    let unknown =
        "whether the gateway knows the account, and makes a text of a mail, a test message tells";
    [Finding::note(taken), Finding::note(unknown)]
}

fn sample() -> Message {
    // A constant of the right form.
    let number = Phone::parse("+447700900123").unwrap_or_else(|_| unreachable!());
    let mut sample = Message::new("sample", Purpose::Test, number, "TEXT");
    sample.national = "07700900123".into();
    sample
}

fn holds_secret(template: &Template) -> bool {
    template.uses().contains(Placeholder::Secret)
}

fn shows_text(template: &Template) -> bool {
    let texts = [
        Placeholder::Message,
        Placeholder::Code,
        Placeholder::Password,
    ];
    texts.into_iter().any(|text| template.uses().contains(text))
}
