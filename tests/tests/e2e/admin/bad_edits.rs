//! Edits that can't be made say why, and change nothing.

use textsender_tests::harness::each;

use super::Admin;
use super::edits::{lived_in, snapshot};

#[test]
fn an_edit_that_can_not_be_made_changes_nothing() {
    let cases: [(&[&str], &str, i32, &str); 28] = [
        (
            &["sender", "rename", "uk", "twilio"],
            "",
            1,
            "there is a sender twilio already",
        ),
        (
            &["sender", "set", "twilio", "region=ie1", "region=au1"],
            "",
            2,
            "region is given twice",
        ),
        (
            &["policy", "add", "New", "--text", "Your code"],
            "",
            1,
            "`%code%` is missing",
        ),
        (
            &[
                "policy",
                "add",
                "New",
                "--text",
                "Your\u{200b} code: %code%",
            ],
            "",
            1,
            "U+200B can't be read",
        ),
        (
            &["sender", "add", "twilo"],
            "",
            1,
            "can't be used: there is no",
        ),
        (
            &["sender", "add", "uk"],
            "",
            1,
            "there is a sender uk already",
        ),
        (
            &["sender", "add", "a b", "--plugin", "twilio"],
            "",
            1,
            "is not a sender's name",
        ),
        (
            &["sender", "set", "twilo", "from=+447700900100"],
            "",
            1,
            "did you mean twilio?",
        ),
        (
            &["sender", "set", "twilio", "fron=+447700900100"],
            "",
            1,
            "did you mean from?",
        ),
        (
            &["sender", "set", "twilio", "from"],
            "",
            2,
            "write settings as KEY=VALUE",
        ),
        (
            &["sender", "set", "twilio", "smart_encoded=yes"],
            "",
            1,
            "expected true or false",
        ),
        (
            &["sender", "set", "uk", "template_id=VERIFY"],
            "",
            1,
            "does not have the right form",
        ),
        (
            &["sender", "set", "uk", "personalisation.code=%cod%"],
            "",
            1,
            "unknown placeholder",
        ),
        (
            &["sender", "set", "uk", "base_url=http://example.org"],
            "",
            1,
            "only https://",
        ),
        // The good ones before a bad one are not saved either.
        (
            &["sender", "set", "twilio", "region=ie1", "edg=dublin"],
            "",
            1,
            "did you mean edge?",
        ),
        (
            &["sender", "unset", "twilio", "edge"],
            "",
            1,
            "has no edge set",
        ),
        (
            &["sender", "remove", "twilio"],
            "",
            1,
            "is used by policy Inline",
        ),
        (&["select-sender", "twillio"], "", 1, "did you mean twilio?"),
        (
            &["policy", "link", "Inline", "Staff"],
            "",
            2,
            "is not a distinguished name",
        ),
        (
            &["policy", "link", "Inline", "OU=C,DC=b", "--order", "0"],
            "",
            2,
            "0",
        ),
        (
            &["policy", "link", "Inline", "ou=A, dc=B"],
            "",
            1,
            "is linked to ou=A, dc=B already",
        ),
        (
            &["policy", "link", "Everyone", "OU=B,DC=b", "--order", "7"],
            "",
            1,
            "is policy Inline's",
        ),
        (
            &["policy", "unlink", "Inline", "OU=C,DC=b"],
            "",
            1,
            "but to OU=A,DC=b; OU=B,DC=b",
        ),
        (&["policy", "remove", "Everyone"], "", 1, "is the default"),
        (
            &["policy", "set-sender", "Inline", "uk", "--fallback", "none"],
            "",
            1,
            "there is no sender none",
        ),
        (
            &["helpdesk", "enable", "new_password"],
            "",
            1,
            "there is no text for it yet",
        ),
        (
            &["text", "set", "--policy", "Inline"],
            "Hello\n%cod%\n",
            1,
            "2 | %cod%\n  | ^^^^^",
        ),
        (
            &["text", "set", "--policy", "Inline", "--locale", "welsh!"],
            "%code%",
            1,
            "has a name that is not a language tag",
        ),
    ];
    each(cases, |(command, stdin, exit, words)| {
        let admin = lived_in();
        let before = snapshot(&admin.folder());
        let ran = admin.feed(command, stdin);
        ran.failed(exit).says(words);
        assert_eq!(snapshot(&admin.folder()), before, "{ran}");
    });
}

#[test]
fn a_configuration_that_is_no_toml_is_not_edited_and_its_fault_is_told() {
    let admin = Admin::at_work();
    let broken = admin.config_text() + "[senders.\n";
    admin.write_config(&broken);
    let ran = admin.run(&["sender", "add", "twilio"]);
    ran.failed(78).says("fix the file first");
    assert_eq!(admin.config_text(), broken);
}

#[test]
fn an_edit_does_not_ask_for_other_faults_to_be_mended_first() {
    let admin = Admin::at_work();
    admin.write_config(&(admin.config_text() + "[sned]\n"));
    admin.run(&["sender", "add", "twilio"]).ok();
    assert!(admin.config_text().contains("[senders.twilio]"));
}
