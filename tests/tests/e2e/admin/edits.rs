//! Edits of the configuration keep what they do not mean, lose nothing, and break nothing.

use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use textsender_tests::harness::each;
use textsender_tests::sandbox::{notify, twilio};

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

/// An administrator with such a configuration.
pub fn lived_in() -> Admin {
    let admin = Admin::at_work();
    let text = LIVED_IN
        .replace("PLUGINS", &admin.plugins().display().to_string())
        .replace("STATE", &admin.state().display().to_string());
    admin.write_config(&text);
    for (name, secret) in [
        ("twilio.auth_token", twilio::AUTH_TOKEN),
        ("uk.api_key", notify::API_KEY),
    ] {
        let file = admin.state().join("secrets").join(name);
        fs::write(&file, secret).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    }
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
            &["sender", "set", "twilio", "region=ie1", "edge=dublin"],
            &[("", "region = \"ie1\""), ("", "edge = \"dublin\"")],
        ),
        (
            &["sender", "unset", "twilio", "from", "--force"],
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
        .run(&[
            "sender",
            "add",
            "gateway",
            "--plugin",
            "email-gateway",
            "server=smtp.example.org",
            "from=reset@example.org",
            "to=%digits%@sms.example.com",
            "body=%message%",
        ])
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
    admin
        .run(&["policy", "set-sender", "Staff", "twilio", "--force"])
        .failed(0);
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

/// The system ends a process that writes a file past its limit, which is just what a crash does.
#[test]
fn a_write_that_fails_in_the_middle_leaves_the_old_file() {
    let admin = Admin::at_work();
    admin.run(&["sender", "add", "twilio"]).ok();
    let before = admin.config_text();
    assert!(
        before.len() > 1024,
        "too short to be cut by a limit of 1,024 bytes"
    );

    let failed = admin.shell(
        "ulimit -f 1; exec textsender select-sender twilio --force",
        "",
    );
    failed.failed(1).says("File too large");
    assert_eq!(admin.config_text(), before);

    admin.run(&["select-sender", "twilio", "--force"]).ok();
    assert!(admin.config_text().contains("sender = \"twilio\""));
    let left: Vec<_> = snapshot(&admin.folder()).into_keys().collect();
    let left = left
        .iter()
        .filter(|path| path.to_string_lossy().ends_with(".new"));
    assert_eq!(left.count(), 0);
}

/// Every file below a folder, but for the lock's, which every edit makes.
pub fn snapshot(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
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
