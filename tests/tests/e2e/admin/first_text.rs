//! From an empty folder to the first text, as it looks: the transcript is kept beside this file, with
//! the number of commands that it takes.

use std::fmt::Write;

use textsender_tests::harness::artifacts;
use textsender_tests::sandbox::{Sandbox, twilio};

use super::Admin;

const TRANSCRIPT: &str = include_str!("first_text.txt");

/// How many commands it takes. Fewer is better; more needs a reason.
const COMMANDS: usize = 6;

#[test]
fn the_first_text_takes_six_commands_and_looks_as_it_did() {
    let sandbox = Sandbox::start();
    let admin = Admin::new();
    let home = admin.folder();
    let home = home.parent().unwrap().display().to_string();
    let plugin = artifacts().plugin("twilio").display().to_string();
    let steps = [
        (
            "textsender init --region GB --folder ~/textsender".to_owned(),
            "",
        ),
        (format!("textsender plugin install {plugin}"), ""),
        (
            format!(
                "textsender sender add twilio account_sid={} from={} base_url={}",
                twilio::ACCOUNT_SID,
                twilio::FROM_NUMBER,
                sandbox.twilio().url()
            ),
            "",
        ),
        (
            "textsender secret set twilio.auth_token".to_owned(),
            twilio::AUTH_TOKEN,
        ),
        ("textsender select-sender twilio".to_owned(), ""),
        (
            "textsender test-send".to_owned(),
            "07700 900123\nbeK989vc\n",
        ),
    ];
    assert_eq!(steps.len(), COMMANDS);
    let mut transcript = String::new();
    for (command, stdin) in steps {
        let ran = admin.shell(&command, stdin);
        ran.ok();
        writeln!(transcript, "$ {command}\n{}", ran.stdout).unwrap();
    }
    let text = &sandbox.texts()[0];
    let message = format!("{}: {}\n", text.to, text.body);
    let transcript = transcript
        .replace(&home, "/home/ada")
        .replace(&plugin, "libtextsender_twilio.so")
        .replace(&sandbox.twilio().url(), "http://127.0.0.1:PORT")
        .replace(&text.id, "SM...")
        .replace(env!("CARGO_PKG_VERSION"), "VERSION");
    let transcript = without_our_id(&transcript) + &message;
    assert_eq!(transcript, TRANSCRIPT, "\n{transcript}");
}

/// The one line that differs each time.
fn without_our_id(transcript: &str) -> String {
    let lines = transcript
        .lines()
        .map(|line| match line.split_once("our id") {
            Some((before, _)) => format!("{before}our id        ...\n"),
            None => format!("{line}\n"),
        });
    lines.collect()
}
