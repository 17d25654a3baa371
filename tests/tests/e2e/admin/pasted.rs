//! What is pasted along: characters that are not seen, in texts; quotes and spaces of word processors, in the configuration.

use std::fs;

use textsender_tests::harness::each;
use textsender_tests::sandbox::Sandbox;

use super::Admin;
use super::changes::{sending, sends};
use super::edits::snapshot;

#[test]
fn a_text_with_a_character_that_can_not_be_seen_is_not_saved() {
    let admin = Admin::at_work();
    let set = ["text", "set", "--policy", "Everyone"];
    let before = snapshot(&admin.folder());
    each(
        [
            ("\u{0}", "U+0000"),
            ("\u{1b}[2J", "U+001B"),
            ("\u{200b}", "U+200B"),
            ("\u{202e}", "U+202E"),
            ("\u{feff}", "U+FEFF"),
        ],
        |(hidden, named)| {
            let text = format!("Your{hidden} code: %code%");
            let refused = admin.feed(&set, &text);
            refused.failed(1).says(&format!("{named} can't be read"));
            // The caret is under it.
            refused.says("take it out");
        },
    );
    let long = format!("%code%{}", "x".repeat(16 * 1024));
    admin.feed(&set, &long).failed(1).says("longer than 16 KiB");
    assert_eq!(snapshot(&admin.folder()), before);
}

#[test]
fn a_text_that_needs_what_is_not_seen_is_saved_and_sent() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    for text in [
        "👩\u{200d}💻 ❤\u{fe0f}: %code%",
        "کد شما را می\u{200c}فرستیم: %code%",
        "הקוד: \u{200e}%code%\u{200f}",
        "Hello \u{2068}%name|there%\u{2069}, %code%",
        "Two lines\r\nof text: %code%\r\n",
    ] {
        admin
            .feed(&["text", "set", "--policy", "Everyone"], text)
            .ok();
        admin.run(&["check"]).failed(0);
        sends(&admin);
    }
}

#[test]
fn check_points_at_a_character_that_was_saved_by_hand_and_messages_are_sent() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let text = fs::read_to_string(admin.everyone()).unwrap();
    fs::write(
        admin.everyone(),
        text.replace("Please", "Please\\u200b")
            .replace("enter", "\u{200b}enter"),
    )
    .unwrap();
    let report = admin.run(&["check", "--json"]).failed(78).json();
    let faults = report["faults"].as_array().unwrap();
    assert_eq!(faults.len(), 1, "{report}");
    assert_eq!(faults[0]["key"], "verification_code.text");
    let line = text.lines().position(|line| line.contains("Please"));
    assert_eq!(faults[0]["line"], line.unwrap() + 1);
    sends(&admin);
    // Folding takes it out.
    let folded = fs::read_to_string(admin.everyone()).unwrap();
    let folded = folded.replace("[verification_code]", "[verification_code]\nfold = true");
    fs::write(admin.everyone(), folded).unwrap();
    admin.run(&["check"]).failed(0);
}

#[test]
fn curly_quotes_and_odd_spaces_are_one_fault_each() {
    let sandbox = Sandbox::start();
    let admin = sending(&sandbox);
    let main = admin.config_text();
    let policy = fs::read_to_string(admin.everyone()).unwrap();
    for (from, to, character) in [
        ("name = \"Everyone\"", "name = “Everyone”", '“'),
        ("name = \"Everyone\"", "name = ‘Everyone’", '‘'),
        ("name = \"Everyone\"", "“name” = \"Everyone\"", '“'),
        ("name = \"Everyone\"", "name = \"Everyone”", '”'),
        ("region = \"GB\"", "region =\u{a0}\"GB\"", '\u{a0}'),
    ] {
        assert!(policy.contains(from), "{policy}");
        fs::write(admin.everyone(), policy.replace(from, to)).unwrap();
        let report = admin.run(&["check", "--json"]).failed(78).json();
        let faults = report["faults"].as_array().unwrap();
        assert_eq!(faults.len(), 1, "{to}: {report}");
        let number = format!("U+{:04X}", u32::from(character));
        let message = faults[0]["message"].as_str().unwrap();
        assert!(message.contains(&number), "{to}: {report}");
        assert!(faults[0]["line"].as_u64() > Some(0), "{to}: {report}");
    }
    fs::write(admin.everyone(), &policy).unwrap();
    for (from, to) in [
        ("sender = \"twilio\"", "sender = “twilio”"),
        ("[senders.twilio]", "[senders.“twilio”]"),
        ("plugin = \"twilio\"", "plugin = «twilio»"),
    ] {
        assert!(main.contains(from), "{main}");
        admin.write_config(&main.replace(from, to));
        let report = admin.run(&["check", "--json"]).failed(78).json();
        assert_eq!(
            report["faults"].as_array().unwrap().len(),
            1,
            "{to}: {report}"
        );
    }
    admin.write_config(&main);
    sends(&admin);
}
