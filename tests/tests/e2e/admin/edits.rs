//! Edits of the configuration keep what they do not mean, lose nothing, and break nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use textsender_tests::harness::each;

use super::Admin;

/// A configuration as people leave it: every way of writing a section, and nothing in its usual place.
const LIVED_IN: &str = "\u{feff}# Ours; do not touch before Friday  \r\n\
\r\n\
plugins.folder='PLUGINS'   # where they are\r\n\
\tstate . folder = \"STATE\"\n\
[ senders . twilio ] # the account of 2019\r\n\
  plugin   =   \"twilio\"\r\n\
\r\n\r\n\
[senders.twilio.settings]\n\
# from = \"+447700900999\"\n\
from=\"+447700900100\" # not the old one\r\n\
\"account_sid\" = 'AC00000000000000000000000000000001'\n\
# the end of twilio\n\
\n\
[senders]\n\
uk = { plugin = \"govuk-notify\", settings = { template_id = \"7e3b1a7e-0000-4000-8000-000000000001\" } } # w\u{177}\n\
[defaults]\n\
policy=\"Everyone\"\r\n\
[[policies]] # inline, as it was\r\n\
name = 'Inline'\n\
verification_code = { text = '''Hi %code%''' , sender = \"twilio\" }\n\
link = [ { container = \"OU=A,DC=b\" }, {container=\"OU=B,DC=b\" , order = 7} ]\n\
# no line end at the end";

fn lived_in() -> Admin {
    let admin = Admin::at_work();
    let text = LIVED_IN
        .replace("PLUGINS", &admin.plugins().display().to_string())
        .replace("STATE", &admin.state().display().to_string());
    admin.write_config(&text);
    admin
}

/// A line that goes, and the one that comes for it.
type Change = (&'static str, &'static str);

#[test]
fn every_byte_that_is_not_meant_stays() {
    let cases: [(&[&str], &[Change]); 9] = [
        (
            &["sender", "set", "twilio", "from=+447700900101"],
            &[(
                "from=\"+447700900100\" # not the old one",
                "from=\"+447700900101\" # not the old one",
            )],
        ),
        (
            &["sender", "set", "twilio", "region=ie1"],
            &[("", "region = \"ie1\"")],
        ),
        (
            &["sender", "unset", "twilio", "from"],
            &[("from=\"+447700900100\" # not the old one", "")],
        ),
        (&["select-sender", "twilio"], &[("", "sender = \"twilio\"")]),
        (
            &["helpdesk", "select-sender", "uk"],
            &[("", "[helpdesk]"), ("", "sender = \"uk\"")],
        ),
        (
            &["sender", "set", "uk", "sender_id="],
            &[(
                "uk = { plugin = \"govuk-notify\", settings = { template_id = \"7e3b1a7e-0000-4000-8000-000000000001\" } } # w\u{177}",
                "uk = { plugin = \"govuk-notify\", settings = { template_id = \"7e3b1a7e-0000-4000-8000-000000000001\" , sender_id = \"\" } } # w\u{177}",
            )],
        ),
        (
            &["policy", "set-sender", "Inline", "uk"],
            &[(
                "verification_code = { text = '''Hi %code%''' , sender = \"twilio\" }",
                "verification_code = { text = '''Hi %code%''' , sender = \"uk\" }",
            )],
        ),
        (
            &["policy", "unlink", "Inline", "ou=a,dc=B"],
            &[(
                "link = [ { container = \"OU=A,DC=b\" }, {container=\"OU=B,DC=b\" , order = 7} ]",
                "link = [ {container=\"OU=B,DC=b\" , order = 7} ]",
            )],
        ),
        (
            &["policy", "disable", "Inline", "--link", "OU=B,DC=b"],
            &[(
                "link = [ { container = \"OU=A,DC=b\" }, {container=\"OU=B,DC=b\" , order = 7} ]",
                "link = [ { container = \"OU=A,DC=b\" }, {container=\"OU=B,DC=b\" , order = 7, enabled = false} ]",
            )],
        ),
    ];
    each(cases, |(command, changes)| {
        let admin = lived_in();
        let before = admin.config_text();
        let ran = admin.run(command);
        assert_eq!(ran.exit, 0, "{ran}");
        let after = admin.config_text();

        let (gone, come) = difference(&before, &after);
        let words = |lines: &[&str]| -> Vec<String> {
            let trimmed = lines.iter().map(|line| line.trim().replace(" }", "}"));
            trimmed.filter(|line| !line.is_empty()).collect()
        };
        let wanted =
            |of: fn(&Change) -> &'static str| words(&changes.iter().map(of).collect::<Vec<_>>());
        assert_eq!(
            words(&gone),
            wanted(|change| change.0),
            "{command:?} took:\n{after}"
        );
        assert_eq!(
            words(&come),
            wanted(|change| change.1),
            "{command:?} brought:\n{after}"
        );
    });
}

/// The lines, ends included, that only one of two texts has, where all others stay in their order.
fn difference<'t>(before: &'t str, after: &'t str) -> (Vec<&'t str>, Vec<&'t str>) {
    let old: Vec<&str> = before.split_inclusive('\n').collect();
    let new: Vec<&str> = after.split_inclusive('\n').collect();
    let same = |a: &&str, b: &&str| a == b;
    let head = old.iter().zip(&new).take_while(|(a, b)| same(a, b)).count();
    let rest = old.len().min(new.len()) - head;
    let tail = old
        .iter()
        .rev()
        .zip(new.iter().rev())
        .take(rest)
        .take_while(|(a, b)| same(a, b))
        .count();
    (
        old[head..old.len() - tail].to_vec(),
        new[head..new.len() - tail].to_vec(),
    )
}

#[test]
fn fallbacks_stay_until_others_or_none_are_named() {
    let admin = lived_in();
    admin
        .run(&["sender", "add", "gateway", "--plugin", "email-gateway"])
        .ok();
    for (options, fallback) in [
        (
            &["--fallback", "uk", "--fallback", "gateway"][..],
            "[\"uk\", \"gateway\"]",
        ),
        (&[], "[\"uk\", \"gateway\"]"),
        (&["--fallback", "gateway"], "[\"gateway\"]"),
        (&["--no-fallback"], "[]"),
    ] {
        let command = [&["policy", "set-sender", "Inline", "twilio"], options].concat();
        admin.run(&command).ok();
        let policy = admin.run(&["policy", "show", "Inline", "--json"]).json();
        let shown = &policy["fallback"];
        assert_eq!(shown.to_string().replace(',', ", "), fallback, "{policy}");
    }
}

#[test]
fn an_edit_keeps_the_mode_and_a_link() {
    use std::os::unix::fs::PermissionsExt;

    let admin = Admin::at_work();
    let real = admin.folder().join("elsewhere.toml");
    fs::rename(admin.config(), &real).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink(&real, admin.config()).unwrap();
    admin.run(&["sender", "add", "twilio"]).ok();
    assert!(admin.config().is_symlink());
    assert_eq!(
        fs::metadata(&real).unwrap().permissions().mode() & 0o7777,
        0o640
    );
    assert!(
        fs::read_to_string(&real)
            .unwrap()
            .contains("[senders.twilio]")
    );
}

#[test]
fn of_many_edits_at_once_none_is_lost() {
    const WRITERS: usize = 12;
    let admin = Admin::at_work();
    admin.run(&["policy", "add", "Staff"]).ok();
    admin.run(&["sender", "add", "twilio"]).ok();
    let containers: Vec<String> = (0..WRITERS).map(|n| format!("OU={n},DC=example")).collect();
    let numbers: Vec<String> = (0..WRITERS).map(|n| format!("gateway{n}")).collect();
    let links = containers
        .iter()
        .map(|dn| vec!["policy", "link", "Staff", dn.as_str()]);
    let senders = numbers
        .iter()
        .map(|name| vec!["sender", "add", name, "--plugin", "email-gateway"]);
    let running: Vec<Child> = links
        .chain(senders)
        .map(|arguments| {
            let mut command = admin.command(&arguments);
            command.stdout(Stdio::null()).stderr(Stdio::null());
            command.spawn().unwrap()
        })
        .collect();
    for mut child in running {
        assert!(child.wait().unwrap().success());
    }
    let policy = admin.run(&["policy", "show", "Staff", "--json"]).json();
    assert_eq!(policy["links"].as_array().unwrap().len(), WRITERS);
    let senders = admin.run(&["sender", "list", "--json"]).json();
    assert_eq!(senders.as_array().unwrap().len(), WRITERS + 1);
}

#[test]
fn an_edit_that_can_not_be_made_changes_nothing() {
    let cases: [(&[&str], &str, i32, &str); 24] = [
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
            "is no distinguished name",
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
            "is not under a language tag",
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
    ran.failed(78).says("mend the file first");
    assert_eq!(admin.config_text(), broken);
}

#[test]
fn an_edit_does_not_ask_for_other_faults_to_be_mended_first() {
    let admin = Admin::at_work();
    admin.write_config(&(admin.config_text() + "[sned]\n"));
    admin.run(&["sender", "add", "twilio"]).ok();
    assert!(admin.config_text().contains("[senders.twilio]"));
}

/// The system ends a process that writes a file past its limit, which is just what a crash does.
#[test]
fn a_crash_in_the_middle_of_a_write_leaves_the_old_file() {
    const SIGXFSZ: i32 = 25;
    let admin = Admin::at_work();
    admin.run(&["sender", "add", "twilio"]).ok();
    let before = admin.config_text();
    assert!(
        before.len() > 1024,
        "too short to be cut by a limit of 1,024 bytes"
    );

    let crashed = admin.shell("ulimit -f 1; exec textsender select-sender twilio", "");
    crashed.failed(-SIGXFSZ);
    assert_eq!(admin.config_text(), before);

    admin.run(&["select-sender", "twilio"]).ok();
    assert!(admin.config_text().contains("sender = \"twilio\""));
    let left: Vec<_> = snapshot(&admin.folder()).into_keys().collect();
    let left = left
        .iter()
        .filter(|path| path.to_string_lossy().ends_with(".new"));
    assert_eq!(left.count(), 0);
}

/// Every file below a folder, but for the lock's, which every edit makes.
fn snapshot(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false if path.ends_with(".textsender.lock") => {}
                false => drop(files.insert(path.clone(), fs::read(&path).unwrap())),
            }
        }
    }
    files
}
