//! The settings in `gateways.md`, each used for a message.

use serde_json::Value;
use textsender_plugin_api::{
    Sender, SmtpCommand,
    testing::{FakeHost, Reply, block_on, message},
};

use crate::{EmailGateway, gateways::GATEWAYS};

const GUIDE: &str = include_str!("../../gateways.md");

/// What stands between the fences of this kind in a section.
fn block<'a>(section: &'a str, kind: &str) -> Option<&'a str> {
    let (_, block) = section.split_once(&format!("```{kind}\n"))?;
    Some(block.split_once("\n```")?.0)
}

/// What is picked by name is what the guide shows.
#[test]
fn gateways_by_name_are_those_of_the_guide() {
    for (id, name, settings) in GATEWAYS {
        let mut sections = GUIDE.split("\n## ");
        let section = sections.find(|section| section.starts_with(name)).unwrap();
        let shown = format!("{}\n", block(section, "toml").unwrap());
        for (key, value) in settings {
            let written = [format!("{key} = {value:?}\n"), format!("{key} = {value}\n")];
            let is_there = written.iter().any(|line| shown.contains(line));
            assert!(is_there, "{id}: {key} = {value}");
        }
    }
}

#[test]
fn the_guide_shows_what_is_sent() {
    let mut tried = 0;
    for section in GUIDE.split("\n## ").skip(1) {
        let name = section.lines().next().unwrap();
        let Some(settings) = block(section, "toml") else {
            continue;
        };
        let expected = block(section, "mail").unwrap();
        assert_eq!(sent(settings), expected, "{name}");
        tried += 1;
    }
    assert_eq!(tried, 11);
}

/// The mail for a message with these settings.
fn sent(settings: &str) -> String {
    let mut settings: Value = toml::from_str(settings).unwrap();
    let secrets = settings.as_object_mut().unwrap().remove("secrets");
    let secret = secrets
        .as_ref()
        .map(|secrets| secrets["secret"].as_str().unwrap());
    let secrets = secret.map(|secret| ("secret", secret));

    let host = FakeHost::new();
    host.answer(Reply::smtp(
        SmtpCommand::Dot,
        250,
        "2.0.0 Ok: queued as 4F2",
    ));
    let gateway: EmailGateway = host.configure(settings, secrets).unwrap();
    block_on(gateway.send(&message())).unwrap();
    let mail = &host.mails()[0];
    let subject = match mail.subject.as_str() {
        "" => String::new(),
        subject => format!("Subject: {subject}\n"),
    };
    format!("To: {}\n{subject}\n{}", mail.to, mail.body)
}
