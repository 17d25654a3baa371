//! `plugins/email-gateway/gateways.md`: each service is set up by the commands that stand there, passes every look
//! that an administrator has, and gets the mail that stands there.

use textsender_tests::harness::each;
use textsender_tests::sandbox::{Sandbox, smtp::Security};

use super::Admin;

const GUIDE: &str = include_str!("../../../../plugins/email-gateway/gateways.md");

/// What stands between the fences of this kind in a section.
fn block<'a>(section: &'a str, kind: &str) -> Option<&'a str> {
    let (_, block) = section.split_once(&format!("```{kind}\n"))?;
    Some(block.split_once("\n```")?.0)
}

#[test]
fn every_gateway_is_set_up_by_the_commands_of_the_guide() {
    let sections: Vec<&str> = GUIDE
        .split("\n## ")
        .skip(1)
        .filter(|section| block(section, "mail").is_some())
        .collect();
    assert_eq!(sections.len(), 11);
    each(sections, set_up);
}

fn set_up(section: &str) {
    let sandbox = Sandbox::start();
    let admin = Admin::at_work();
    let settings: toml::Table = toml::from_str(block(section, "toml").unwrap()).unwrap();
    let secret = settings
        .get("secrets")
        .map(|secrets| secrets["secret"].as_str().unwrap());
    let commands = block(section, "sh").unwrap();
    admin.shell(commands, secret.unwrap_or_default()).ok();
    // A real administrator's mail server has a name.
    let port = sandbox.smtp().port(Security::None);
    let here = format!("sender set gateway server=127.0.0.1 security=none port={port}");
    let here: Vec<&str> = here.split(' ').collect();
    admin.run(&here).ok();

    admin.run(&["select-sender", "gateway"]).ok();
    admin.run(&["check"]).ok();
    admin.run(&["sender", "check", "gateway"]).ok();
    admin.run(&["doctor"]).ok();
    let request = r#"{"purpose":"verification_code","code":"beK989vc","expires_in":600,"event":"reset",
        "user":{"name":"ada","dn":"CN=Ada,DC=example,DC=org","phone":"+447700900123"}}"#;
    admin.feed(&["send"], request).ok();

    let [mail] = &sandbox.smtp().mails()[..] else {
        panic!("not one mail: {section}");
    };
    let subject = mail.header("Subject");
    let subject = subject.map(|subject| format!("Subject: {subject}\n"));
    let sent = format!(
        "To: {}\n{}\n{}",
        mail.to[0],
        subject.unwrap_or_default(),
        mail.text()
    );
    assert_eq!(sent, block(section, "mail").unwrap());
}
