//! A directory: `textsender` and `textsender-directory` against Samba's domain controller, one domain for the whole
//! run. Without Samba these are ignored by name.
//!
//! | file | what it tries |
//! |---|---|
//! | this one | the commands `textsender directory check`, `sync` and `user`, and `policy bind` |
//! | [`sending`] | requests that leave their user to the directory: `send`, a stream, `explain` |
//! | [`numbers`] | `numbers check` of a whole domain |
//! | [`held`] | numbers that were changed too recently |
//! | [`several`] | several directories, the program that is missing, the hub |
//! | [`refused`] | an account that is refused, which is not tried again and again |
//! | [`oncall`] | the directory's incident of docs/oncall.md |
//! | [`server`] | a domain controller that a test switches off, holds back, or gives another certificate |
//! | [`closed`] | what is missing or cut stops the message, and never becomes another user's |

#![allow(clippy::unwrap_used)]
#![cfg_attr(not(has_samba), allow(dead_code, unused_imports))]

mod closed;
mod held;
mod numbers;
mod oncall;
mod refused;
mod sending;
mod server;
mod several;

use std::fmt::Write;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;
use textsender_tests::harness::artifacts;
use textsender_tests::peers::samba::Domain;

const CASES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/group-policy-cases.jsonl");

/// The seeded objects.
const EVERYONE: &str = "11111111-0000-4000-8000-000000000001";
const STAFF: &str = "11111111-0000-4000-8000-000000000002";
const NOT_VPN: &str = "11111111-0000-4000-8000-000000000004";
const HIDDEN: &str = "11111111-0000-4000-8000-000000000005";
const GONE: &str = "11111111-0000-4000-8000-0000000000FF";

/// A configuration with a directory, in a folder of its own.
struct Site {
    folder: TempDir,
}

/// How a command ended.
struct Ended {
    code: i32,
    text: String,
    errors: String,
}

impl Ended {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("{}{}", self.text, self.errors))
    }
}

impl Site {
    /// The domain over LDAPS, with policies bound to these objects, each named by its id.
    fn bound_to(ids: &[&str]) -> Site {
        let domain = Domain::shared();
        let servers = json!([domain.setting("LDAPS")]).to_string();
        Site::with(
            &servers,
            domain.setting("CA"),
            domain.setting("BIND_PASSWORD"),
            ids,
        )
    }

    fn with(servers: &str, ca_file: &str, password: &str, ids: &[&str]) -> Site {
        let site = Site {
            folder: tempfile::tempdir().unwrap(),
        };
        let path = |name: &str| site.folder.path().join(name);
        let secrets = path("state").join("secrets");
        fs::create_dir_all(&secrets).unwrap();
        let mut text = format!(
            "[state]\nfolder = \"state\"\n[directories.example]\nservers = {servers}\nca_file = {ca_file:?}\n\
             bind = \"svc-textsender@example.org\"\nphone = [\"mobile\", \"telephoneNumber\"]\ntimeout = \"30s\"\n"
        );
        for id in ids {
            write!(
                text,
                "[[policies]]\nname = \"{id}\"\ngpo = {{ id = \"{{{id}}}\" }}\n"
            )
            .unwrap();
        }
        let files = [
            (secrets.join("directories.example.password"), password),
            (path("textsender.toml"), &text),
        ];
        for (file, text) in files {
            fs::write(&file, text).unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        }
        site
    }

    fn snapshot(&self) -> PathBuf {
        self.folder.path().join("state/directories/example.json")
    }

    fn run(&self, arguments: &[&str]) -> Ended {
        let mut command = Command::new(&artifacts().textsender);
        command
            .arg("--config")
            .arg(self.folder.path().join("textsender.toml"));
        let done = command.args(arguments).output().unwrap();
        Ended {
            code: done.status.code().unwrap(),
            text: String::from_utf8(done.stdout).unwrap(),
            errors: String::from_utf8(done.stderr).unwrap(),
        }
    }

    fn synced(self, code: i32) -> Site {
        let ended = self.run(&["directory", "sync"]);
        assert_eq!(ended.code, code, "{}{}", ended.text, ended.errors);
        self
    }

    fn user(&self, name: &str) -> Value {
        let ended = self.run(&["directory", "--json", "user", "--", name]);
        assert_eq!(ended.code, 0, "{}", ended.errors);
        ended.json()["decided"].clone()
    }

    /// What is said of a user who gets nothing: exit code, and error code.
    fn refusal(&self, name: &str) -> (i32, String) {
        let ended = self.run(&["directory", "user", "--", name]);
        let code = ended
            .errors
            .strip_prefix("error: ")
            .unwrap_or(&ended.errors);
        (
            ended.code,
            code.split(':').next().unwrap_or_default().to_owned(),
        )
    }
}

fn program() -> PathBuf {
    artifacts()
        .textsender
        .with_file_name("textsender-directory")
}

/// The id of the first link that applies, or `undecidable`.
fn winner(decided: &Value) -> Option<String> {
    for one in decided["considered"].as_array().unwrap() {
        match one["result"].as_str().unwrap() {
            "applies" => {
                return Some(
                    one["gpo"]
                        .as_str()
                        .unwrap()
                        .trim_matches(['{', '}'])
                        .to_owned(),
                );
            }
            "unreadable" | "wmi_filter" => return Some("undecidable".to_owned()),
            _ => {}
        }
    }
    None
}

#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_cases_of_group_policy_have_the_winners_of_the_table() {
    let domain = Domain::shared();
    domain.put_cases(Path::new(CASES));
    let cases = fs::read_to_string(CASES).unwrap();
    let cases: Vec<Value> = cases
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert!(cases.len() >= 30);
    let id = |number: usize, letter: &str| {
        format!("33333333-0000-4000-8{number:03}-00000000000{letter}")
    };
    let ids = cases.iter().enumerate().flat_map(|(number, case)| {
        let letters = case["gpos"].as_object().unwrap().keys();
        letters.map(move |letter| id(number, letter))
    });
    let ids: Vec<_> = ids.collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    // Some of the objects are hidden or gone on purpose.
    let site = Site::bound_to(&ids).synced(78);
    let asked: Vec<_> = (0..cases.len())
        .map(|number| format!("case-{number}"))
        .collect();
    for (number, (case, decided)) in cases.iter().zip(orders(&site, &ids, &asked)).enumerate() {
        let expected = case["winner"].as_str().map(|letter| match letter {
            "undecidable" => letter.to_owned(),
            letter => id(number, letter),
        });
        let decided = &decided["decided"];
        assert_eq!(winner(decided), expected, "{}: {decided:#}", case["name"]);
    }
}

/// Asks about many users over one kept connection.
fn orders(site: &Site, ids: &[&str], users: &[String]) -> Vec<Value> {
    let domain = Domain::shared();
    let settings = json!({
        "servers": [domain.setting("LDAPS")], "ca_pem": fs::read_to_string(domain.setting("CA")).unwrap(),
        "bind": domain.setting("BIND"), "password": domain.setting("BIND_PASSWORD"),
        "phone": ["mobile"], "locale": "preferredLanguage", "timeout_ms": 30_000,
    });
    let bound: Vec<_> = ids.iter().map(|id| json!({ "id": id })).collect();
    let mut input = format!("{settings}\n");
    for name in users {
        let order = json!({ "decide": {
            "user": { "name": name }, "bound": bound, "snapshot": site.snapshot(), "stale_after_s": 600,
        } });
        writeln!(input, "{order}").unwrap();
    }
    let mut child = Command::new(program())
        .arg("orders")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    let lines = output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    lines
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect()
}

#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_users_are_found_by_every_form_of_name_and_by_no_pattern() {
    let site = Site::bound_to(&[]);
    let ada = site.user("ada")["user"].clone();
    assert_eq!(ada["dn"], "CN=Ada Lovelace,OU=Staff,DC=example,DC=org");
    assert_eq!(
        (&ada["locale"], &ada["phone_from"]),
        (&json!("cy-GB"), &json!("mobile"))
    );
    for name in [
        "ADA",
        r"EXAMPLE\ada",
        r"example\ADA",
        "ada@example.org",
        ada["sid"].as_str().unwrap(),
    ] {
        assert_eq!(site.user(name)["user"]["dn"], ada["dn"], "{name}");
    }
    for name in [
        "*",
        "a*",
        "ada)(objectClass=*",
        r"OTHER\ada",
        "zoe",
        "",
        "S-1-5-21-1-2-3-4",
        "ada@other.org",
    ] {
        assert_eq!(
            site.refusal(name),
            (77, "user_unknown".to_owned()),
            "{name}"
        );
    }
    for name in ["zoë", "par(en)", "cyd"] {
        assert_eq!(site.user(name)["user"]["account"], name);
    }
}

#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_nested_primary_and_domain_local_groups_are_in_the_token_and_no_distribution_list() {
    let site = Site::bound_to(&[]);
    let groups = |name: &str| site.user(name)["user"]["groups"].as_array().unwrap().len();
    // Inner, middle, outer, Domain Users, and Users of the machine.
    assert_eq!(groups("ada"), 5);
    // VPN, which is of the domain alone.
    assert_eq!(groups("bob"), 3);
}

#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_accounts_that_get_nothing_are_refused_and_no_number_is_shown() {
    let site = Site::bound_to(&[]);
    assert_eq!(site.refusal("dee"), (77, "account_disabled".to_owned()));
    assert_eq!(site.refusal("expired"), (77, "account_disabled".to_owned()));
    assert_eq!(
        site.refusal("svc-textsender"),
        (77, "phone_missing".to_owned())
    );
    assert_eq!(site.user("bob")["user"]["phone_from"], "telephoneNumber");
    let shown = site.run(&["directory", "user", "ada"]);
    assert!(!shown.text.contains("7700"), "{}", shown.text);
}

#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_the_links_of_the_seeded_domain_decide() {
    let site = Site::bound_to(&[EVERYONE, STAFF, NOT_VPN]).synced(0);
    for (name, expected) in [
        ("ada", NOT_VPN),
        // In the group that is denied.
        ("bob", STAFF),
        ("zoë", NOT_VPN),
    ] {
        assert_eq!(
            winner(&site.user(name)).as_deref(),
            Some(expected),
            "{name}"
        );
    }
    let site = Site::bound_to(&[EVERYONE]).synced(0);
    // Below a container that blocks inheritance.
    assert_eq!(winner(&site.user("zoë")), None);
    assert_eq!(winner(&site.user("ada")).as_deref(), Some(EVERYONE));
}

#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_hidden_and_vanished_objects_are_faults_of_check() {
    let site = Site::bound_to(&[STAFF, HIDDEN, GONE]);
    let ended = site.run(&["directory", "check"]);
    assert_eq!(ended.code, 78, "{}", ended.text);
    assert!(
        ended.text.contains(&format!("{{{HIDDEN}}}: unreadable")),
        "{}",
        ended.text
    );
    assert!(
        ended.text.contains(&format!("{{{GONE}}}: gone")),
        "{}",
        ended.text
    );
    assert!(!site.snapshot().exists(), "check writes nothing");
}

#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_both_ways_to_tls_work_and_no_other_certificate_does() {
    let domain = Domain::shared();
    let (ca, password) = (domain.setting("CA"), domain.setting("BIND_PASSWORD"));
    for way in ["LDAP", "LDAPS"] {
        let site = Site::with(&json!([domain.setting(way)]).to_string(), ca, password, &[]);
        assert_eq!(site.user("ada")["user"]["account"], "ada", "{way}");
    }
    let other = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let other_ca = folder.path().join("ca.pem");
    fs::write(&other_ca, other.cert.pem()).unwrap();
    for way in ["LDAP", "LDAPS"] {
        let servers = json!([domain.setting(way)]).to_string();
        let site = Site::with(&servers, &other_ca.display().to_string(), password, &[]);
        assert_eq!(
            site.refusal("ada"),
            (78, "directory_certificate".to_owned()),
            "{way}"
        );
    }
}

#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_a_wrong_password_is_said_and_a_dead_server_is_passed_over() {
    let domain = Domain::shared();
    let (ca, alive) = (domain.setting("CA"), domain.setting("LDAPS"));
    let site = Site::with(&json!([alive]).to_string(), ca, "wrong", &[]);
    let ended = site.run(&["directory", "check"]);
    assert_eq!(ended.code, 78);
    assert!(
        ended.errors.contains("directory_login_failed"),
        "{}",
        ended.errors
    );
    assert!(ended.errors.contains("data 52e"), "{}", ended.errors);
    assert!(!ended.errors.contains("wrong\n"), "{}", ended.errors);
    let password = domain.setting("BIND_PASSWORD");
    let site = Site::with(
        &json!(["ldaps://127.0.0.1:1", alive]).to_string(),
        ca,
        password,
        &[],
    );
    assert_eq!(site.user("ada")["user"]["account"], "ada");
    let site = Site::with(
        &json!(["ldaps://127.0.0.1:1"]).to_string(),
        ca,
        password,
        &[],
    );
    assert_eq!(
        site.refusal("ada"),
        (69, "directory_unreachable".to_owned())
    );
}

#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_without_a_snapshot_or_with_an_old_one_no_policy_is_guessed() {
    let site = Site::bound_to(&[STAFF]);
    assert_eq!(site.refusal("ada"), (78, "directory_stale".to_owned()));
    let site = site.synced(0);
    assert_eq!(winner(&site.user("ada")).as_deref(), Some(STAFF));
    let text = fs::read_to_string(site.snapshot()).unwrap();
    let mut snapshot: Value = serde_json::from_str(&text).unwrap();
    snapshot["taken"] = json!("2020-01-01T00:00:00Z");
    fs::write(site.snapshot(), snapshot.to_string()).unwrap();
    assert_eq!(site.refusal("ada"), (78, "directory_stale".to_owned()));
    fs::write(site.snapshot(), &text[..text.len() / 2]).unwrap();
    assert_eq!(site.refusal("ada"), (78, "directory_stale".to_owned()));
}

/// A hardened domain leaves attributes out without an error: a filter that denies would let the user pass.
#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_what_a_hardened_domain_leaves_out_stops_the_message() {
    let domain = Domain::shared();
    let site = Site::bound_to(&[]);
    for attribute in ["tokenGroups", "userAccountControl", "accountExpires"] {
        let name = format!("hard-{}", attribute.to_lowercase());
        domain.edit(&["user", &name, "mobile=+447700900140"]);
        assert_eq!(site.user(&name)["user"]["account"], *name, "{attribute}");
        domain.edit(&[
            "deny",
            &format!("CN={name},OU=Staff,DC=example,DC=org"),
            attribute,
        ]);
        assert_eq!(
            site.refusal(&name),
            (78, "directory_unreadable".to_owned()),
            "{attribute}"
        );
    }
    domain.edit(&["user", "hard-mobile", "mobile=+447700900141"]);
    domain.edit(&[
        "deny",
        "CN=hard-mobile,OU=Staff,DC=example,DC=org",
        "mobile",
    ]);
    assert_eq!(
        site.refusal("hard-mobile"),
        (77, "phone_missing".to_owned())
    );
}

/// An administrator's edit that makes an object unusable stops no one by surprise.
#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_an_object_that_is_hidden_after_it_worked_is_kept_and_said() {
    let domain = Domain::shared();
    let id = "44444444-0000-4000-8000-000000000001";
    let container = "OU=Kept,DC=example,DC=org";
    domain.edit(&["gpo", id, "Textsender Kept"]);
    domain.edit(&["link", container, id]);
    let site = Site::bound_to(&[id]).synced(0);
    domain.edit(&["hide", id]);
    let site = site.synced(78);
    let text = fs::read_to_string(site.snapshot()).unwrap();
    let kept: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(kept["gpos"][0]["state"], "readable");
    assert!(kept["gpos"][0]["kept_since"].is_string(), "{text}");
    let ended = site.run(&["directory", "sync", "--accept"]);
    assert!(ended.text.contains(container), "{}", ended.text);
    let accepted: Value =
        serde_json::from_str(&fs::read_to_string(site.snapshot()).unwrap()).unwrap();
    assert_eq!(accepted["gpos"][0]["state"], "unreadable");
}

/// A caller who brings name and groups needs no server.
#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_a_user_who_is_given_whole_is_decided_for_without_a_server() {
    let site = Site::bound_to(&[EVERYONE, NOT_VPN]).synced(0);
    let settings = json!({
        "servers": ["ldaps://127.0.0.1:1"], "ca_pem": fs::read_to_string(Domain::shared().setting("CA")).unwrap(),
        "bind": "x", "password": "x", "phone": ["mobile"], "locale": "preferredLanguage", "timeout_ms": 1000,
    });
    let decide = |groups: Value| {
        let order = json!({ "decide": {
            "user": { "dn": "CN=Bob,OU=Staff,DC=example,DC=org", "groups": groups },
            "bound": [{ "id": EVERYONE }, { "id": NOT_VPN }], "snapshot": site.snapshot(), "stale_after_s": 600,
        } });
        let mut child = Command::new(program())
            .arg("orders")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        write!(stdin, "{settings}\n{order}\n").unwrap();
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        winner(&serde_json::from_slice::<Value>(&output.stdout).unwrap()["decided"])
    };
    assert_eq!(
        decide(json!(["CN=VPN,OU=Groups,DC=example,DC=org"])).as_deref(),
        Some(EVERYONE)
    );
    assert_eq!(
        decide(json!(["CN=Other,OU=Groups,DC=example,DC=org"])).as_deref(),
        Some(NOT_VPN)
    );
}

/// By default `mobile` is in a set of properties that SELF may write.
#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_check_and_doctor_warn_of_numbers_that_users_may_change_themselves() {
    let site = Site::bound_to(&[]);
    let ended = site.run(&["directory", "check"]);
    assert!(
        ended
            .text
            .contains("mobile: users may change it themselves"),
        "{}",
        ended.text
    );
    assert_eq!(ended.code, 0, "a warning is no fault: {}", ended.text);
    let ended = site.run(&["doctor"]);
    assert!(
        ended
            .text
            .contains("example: mobile: users may change it themselves"),
        "{}",
        ended.text
    );
}

#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_a_policy_is_bound_by_name_and_one_with_a_wmi_filter_is_refused() {
    let site = Site::bound_to(&[]);
    let main = site.folder.path().join("textsender.toml");
    let mut text = fs::read_to_string(&main).unwrap();
    text += "[[policies]]\nname = \"Staff\"\n[[policies]]\nname = \"Linked\"\nlink = [{ container = \"OU=A,DC=b\" }]\n";
    fs::write(&main, &text).unwrap();
    let bind = |policy: &str, gpo: &str, more: &[&str]| {
        let words = ["policy", "bind", policy, "--gpo", gpo, "--force"];
        site.run(&[&words[..], more].concat())
    };
    for (policy, gpo, words) in [
        ("Staff", "No Such Object", "has no group policy object"),
        ("Staff", "Textsender WMI", "has a WMI filter"),
        ("Staff", HIDDEN, "can't be read"),
        ("Linked", "Textsender Staff", "has links of its own"),
        ("Nobody", "Textsender Staff", "there is no policy Nobody"),
    ] {
        let ended = bind(policy, gpo, &[]);
        assert!(
            ended.code != 0 && ended.errors.contains(words),
            "{gpo}: {}",
            ended.errors
        );
    }
    assert_eq!(fs::read_to_string(&main).unwrap(), text);
    let ended = bind("Staff", "Textsender WMI", &["--ignore-wmi-filter"]);
    assert_eq!(ended.code, 0, "{}", ended.errors);
    let text = fs::read_to_string(&main).unwrap();
    assert!(text.contains("wmi_filter = \"treat_as_passed\""), "{text}");
    let ended = bind("Staff", "textsender staff", &[]);
    assert_eq!(ended.code, 0, "{}", ended.errors);
    let text = fs::read_to_string(&main).unwrap();
    assert!(text.contains(&format!("id = \"{{{STAFF}}}\"")), "{text}");
    assert!(text.contains("name = \"Textsender Staff\""), "{text}");
    assert!(!text.contains("wmi_filter"), "{text}");
}

/// What `check` says without a server: it is asked before an edit goes live.
#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_check_of_the_configuration_reads_the_snapshot_and_asks_no_server() {
    let site = Site::bound_to(&[STAFF, GONE]);
    let dead = site.folder.path().join("textsender.toml");
    let check = || {
        let ended = site.run(&["check"]);
        format!("{}{}", ended.text, ended.errors)
    };
    assert!(check().contains("there is no snapshot yet"), "{}", check());
    site.run(&["directory", "sync"]);
    let text = fs::read_to_string(&dead).unwrap();
    let servers = Domain::shared().setting("LDAPS");
    fs::write(&dead, text.replace(servers, "ldaps://127.0.0.1:1")).unwrap();
    let said = check();
    assert!(
        said.contains("there is no such object in the domain"),
        "{said}"
    );
    assert!(!said.contains("snapshot"), "{said}");
}
