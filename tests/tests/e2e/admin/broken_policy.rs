//! A broken policy file costs exactly the users for whom it would decide, as long as it can be read whose
//! these are; else everyone.

use std::fs;

use serde_json::json;
use textsender_tests::harness::each;
use textsender_tests::sandbox::Sandbox;

use super::Admin;
use super::changes::sending;

const STAFF: &str = "CN=Ada,OU=Staff,DC=example";
const OTHER: &str = "CN=Bob,OU=Other,DC=example";
const VPN: &str = "CN=VPN,DC=example";

/// A block with a value that is out of range.
const BROKEN: &str = "[verification_code]\ntext = \"%code%\"\nmax_segments = 99\n";
const GOOD: &str = "[verification_code]\ntext = \"%code%\"\n";

struct Case {
    name: &'static str,
    /// The file `broken.toml`, without its name.
    broken: String,
    /// Another policy, whole.
    other: String,
    /// Users by DN and group, and whether they get a text.
    users: Vec<(Option<&'static str>, Option<&'static str>, bool)>,
}

fn link(container: &str, more: &str) -> String {
    format!("[[link]]\ncontainer = \"{container}\"\n{more}")
}

fn cases() -> Vec<Case> {
    let to_staff = || link("OU=Staff,DC=example", "");
    let everyone = vec![
        (None, None, false),
        (Some(STAFF), None, false),
        (Some(OTHER), None, false),
    ];
    let case = |name, broken: String, other: &str, users| Case {
        name,
        broken,
        other: other.to_owned(),
        users,
    };
    vec![
        case(
            "its container",
            to_staff() + BROKEN,
            "",
            vec![
                (None, None, true),
                (Some(STAFF), None, false),
                (Some(OTHER), None, true),
            ],
        ),
        case(
            "an enforced link above wins",
            to_staff() + BROKEN,
            &(link("DC=example", "enforced = true\n") + GOOD),
            vec![(Some(STAFF), None, true), (Some(OTHER), None, true)],
        ),
        case(
            "a closer link wins",
            link("DC=example", "") + BROKEN,
            &(to_staff() + GOOD),
            vec![
                (Some(STAFF), None, true),
                (Some(OTHER), None, false),
                (None, None, true),
            ],
        ),
        case(
            "its filter",
            to_staff() + &format!("[filter]\ngroups = [\"{VPN}\"]\n") + BROKEN,
            "",
            vec![(Some(STAFF), Some(VPN), false), (Some(STAFF), None, true)],
        ),
        case(
            "a filter of another type",
            to_staff() + "[filter]\ngroups = 5\n" + GOOD,
            "",
            vec![
                (Some(STAFF), Some(VPN), false),
                (Some(STAFF), None, false),
                (Some(OTHER), None, true),
            ],
        ),
        case(
            "a filter that names no group",
            to_staff() + "[filter]\ngroups = [\"Managers\"]\n" + GOOD,
            "",
            vec![
                (Some(STAFF), None, false),
                (Some(OTHER), None, true),
                (None, None, true),
            ],
        ),
        case(
            "a link that can't be read",
            "[[link]]\ncontainer = 5\n".to_owned() + GOOD,
            "",
            everyone.clone(),
        ),
        case(
            "a link that names no container",
            link("Staff", "") + GOOD,
            "",
            everyone.clone(),
        ),
        case(
            "a link that is misspelt",
            to_staff().replace("[[link]]", "[[lnik]]") + GOOD,
            "",
            everyone.clone(),
        ),
        case("no TOML", to_staff() + "[verification_code\n", "", everyone),
    ]
}

#[test]
fn a_broken_policy_costs_its_own_users_only() {
    each(cases(), |case| {
        let sandbox = Sandbox::start();
        let admin = sending(&sandbox);
        let policies = admin.folder().join("policies");
        let write = |name: &str, text: &str| {
            let head = format!("name = \"{name}\"\nregion = \"GB\"\nevents = [\"reset\"]\n");
            fs::write(policies.join(format!("{name}.toml")), head + text).unwrap();
        };
        if !case.other.is_empty() {
            write("other", &case.other);
        }
        write("broken", &case.broken);
        for (dn, group, gets_it) in case.users {
            let ran = admin.feed(&["send"], &request(dn, group));
            let expected = if gets_it { 0 } else { 78 };
            assert_eq!(ran.exit, expected, "{}: {dn:?} {group:?}: {ran}", case.name);
            if !gets_it {
                ran.says("broken.toml");
            }
        }
        // Helpdesk messages are no policy's.
        if case.name == "its container" {
            helpdesk(&admin);
        }
    });
}

fn request(dn: Option<&str>, group: Option<&str>) -> String {
    let groups: Vec<&str> = group.into_iter().collect();
    let mut user = json!({ "phone": "+447700900123", "groups": groups });
    if let Some(dn) = dn {
        user["dn"] = dn.into();
    }
    json!({ "purpose": "verification_code", "event": "reset", "user": user, "code": "beK989vc" })
        .to_string()
}

fn helpdesk(admin: &Admin) {
    let request = json!({
        "purpose": "helpdesk_code",
        "user": { "phone": "+447700900123" },
        "code": "beK989vc",
    });
    admin.feed(&["send"], &request.to_string()).ok();
}
