//! The rules as a group-policy administrator would check them on paper.
//!
//! The directory of every case is
//!
//! ```text
//! DC=org
//!   O=Example              "domain"
//!     OU=Staff             "Staff"
//!       OU=Sales           "Sales": here is Ada, whom every case is about
//!       OU=Service         "Service"
//!     OU=Groups            groups
//! ```

mod domains;
mod explained;
mod properties;
mod resolved;
mod table;

use std::sync::Arc;

use super::*;
use crate::config::{Config, Reading, Sources};

const ADA: &str = "CN=Ada,OU=Sales,OU=Staff,O=Example,DC=org";

/// A container by its name in the picture above; any other text is a DN.
fn container(name: &str) -> &str {
    match name {
        "org" => "DC=org",
        "domain" => "O=Example,DC=org",
        "Staff" => "OU=Staff,O=Example,DC=org",
        "Sales" => "OU=Sales,OU=Staff,O=Example,DC=org",
        "Service" => "OU=Service,OU=Staff,O=Example,DC=org",
        dn => dn,
    }
}

/// A group by its common name; SIDs and DNs as they are.
fn group(name: &str) -> String {
    match Sid::is_meant(name) || name.contains('=') || name.contains(' ') {
        true => name.to_owned(),
        false => format!("CN={name},OU=Groups,O=Example,DC=org"),
    }
}

/// `NAME; at CONTAINER; order N; enforced; disabled; groups A; deny B; users C` as TOML.
fn policy_toml(line: &str) -> String {
    let mut words = line.split("; ");
    let name = words.next().unwrap();
    let (mut link, mut filter) = (String::new(), String::new());
    for word in words {
        match word.split_once(' ').unwrap_or((word, "")) {
            ("at", at) => {
                let dn = container(at);
                link += &format!("[[policies.link]]\ncontainer = '{dn}'\n");
            }
            ("order", n) => link += &format!("order = {n}\n"),
            ("enforced", _) => link += "enforced = true\n",
            ("disabled", _) => link += "enabled = false\n",
            ("groups", one) => filter += &format!("groups = ['{}']\n", group(one)),
            ("deny", one) => filter += &format!("deny_groups = ['{}']\n", group(one)),
            ("users", one) => filter += &format!("users = ['{one}']\n"),
            _ => panic!("{word}"),
        }
    }
    format!(
        "[[policies]]\nname = '{name}'\n{link}[policies.filter]\n{filter}\
         [policies.verification_code]\ntext = '%code%'\n"
    )
}

/// A configuration with one sender, these policies, and more TOML in front.
fn config(head: &str, lines: &[&str]) -> Arc<Config> {
    let policies: String = lines.iter().map(|line| policy_toml(line)).collect();
    let sender = "[senders.twilio]\nplugin = 'twilio'\n";
    let text = format!("{head}\n{sender}{policies}");
    let reading = Reading::of(Sources::from_text("textsender.toml", text));
    Arc::new(reading.into_config().unwrap())
}

const DEFAULT_SENDER: &str = "[defaults]\nsender = 'twilio'";

fn policies(lines: &[&str], blocked: &[&str]) -> Policies {
    let blocks: String = blocked
        .iter()
        .map(|name| {
            let dn = container(name);
            format!("[containers.'{dn}']\nblock_inheritance = true\n")
        })
        .collect();
    let head = format!("{DEFAULT_SENDER}\n{blocks}");
    Policies::new(config(&head, lines)).unwrap()
}

fn query<'r>(dn: &'r str, groups: &'r [String]) -> Query<'r> {
    let dn = Some(dn);
    Query {
        user: User {
            dn,
            groups,
            links: None,
        },
        event: None,
        purpose: Purpose::VerificationCode,
        sender: None,
        policy: None,
    }
}

/// The policy that wins for Ada, or the reason that none does.
fn winner(policies: &Policies, dn: &str, groups: &[&str]) -> String {
    let groups: Vec<String> = groups.iter().map(|name| group(name)).collect();
    match policies.resolve(&query(dn, &groups)) {
        Ok(resolution) => resolution.policy.unwrap().to_owned(),
        Err(error) => error.to_string(),
    }
}

const NONE: &str = "no policy applies to this user and no default policy is set; link one above \
                    the user, or set [defaults] policy (`textsender explain` shows why each lost)";

#[test]
fn links() {
    struct Case {
        what: &'static str,
        policies: &'static [&'static str],
        blocked: &'static [&'static str],
        wins: &'static str,
    }
    let all = &["Domain; at domain", "Staff; at Staff", "Sales; at Sales"];
    let cases = [
        Case {
            what: "a link at the domain reaches everyone below",
            policies: &["Domain; at domain"],
            blocked: &[],
            wins: "Domain",
        },
        Case {
            what: "a link at another OU does not",
            policies: &["Service; at Service"],
            blocked: &[],
            wins: NONE,
        },
        Case {
            what: "the closest OU wins",
            policies: all,
            blocked: &[],
            wins: "Sales",
        },
        Case {
            what: "a link at the user's own name is closer still",
            policies: &[
                "Sales; at Sales",
                "Own; at CN=Ada,OU=Sales,OU=Staff,O=Example,DC=org",
            ],
            blocked: &[],
            wins: "Own",
        },
        Case {
            what: "a policy linked twice counts at its closest link",
            policies: &["Twice; at domain; at Sales", "Staff; at Staff"],
            blocked: &[],
            wins: "Twice",
        },
        Case {
            what: "enforced at the domain beats everything below",
            policies: &[
                "Domain; at domain; enforced",
                "Staff; at Staff",
                "Sales; at Sales",
            ],
            blocked: &[],
            wins: "Domain",
        },
        Case {
            what: "enforced in the middle beats what is below and above",
            policies: &[
                "Domain; at domain",
                "Staff; at Staff; enforced",
                "Sales; at Sales",
            ],
            blocked: &[],
            wins: "Staff",
        },
        Case {
            what: "enforced at the closest OU wins too",
            policies: &[
                "Domain; at domain",
                "Staff; at Staff",
                "Sales; at Sales; enforced",
            ],
            blocked: &[],
            wins: "Sales",
        },
        Case {
            what: "of two enforced the highest wins",
            policies: &["Domain; at domain; enforced", "Sales; at Sales; enforced"],
            blocked: &[],
            wins: "Domain",
        },
        Case {
            what: "enforced beats a lower order at the same OU",
            policies: &[
                "First; at Sales; order 1",
                "Second; at Sales; order 2; enforced",
            ],
            blocked: &[],
            wins: "Second",
        },
        Case {
            what: "of two enforced at one OU the lower order wins",
            policies: &[
                "Second; at Staff; order 2; enforced",
                "First; at Staff; order 1; enforced",
            ],
            blocked: &[],
            wins: "First",
        },
        Case {
            what: "at one OU the lower order wins",
            policies: &["Ninth; at Sales; order 9", "Tenth; at Sales; order 10"],
            blocked: &[],
            wins: "Ninth",
        },
        Case {
            what: "the order does not count between OUs",
            policies: &["Staff; at Staff; order 1", "Sales; at Sales; order 99"],
            blocked: &[],
            wins: "Sales",
        },
        Case {
            what: "blocked inheritance stops what is above",
            policies: &["Domain; at domain", "Staff; at Staff"],
            blocked: &["Sales"],
            wins: NONE,
        },
        Case {
            what: "but not what is at the block",
            policies: &["Domain; at domain", "Sales; at Sales"],
            blocked: &["Sales"],
            wins: "Sales",
        },
        Case {
            what: "nor what is below it",
            policies: &["Domain; at domain", "Sales; at Sales"],
            blocked: &["Staff"],
            wins: "Sales",
        },
        Case {
            what: "nor what is enforced above it",
            policies: &["Domain; at domain; enforced", "Sales; at Sales"],
            blocked: &["Sales"],
            wins: "Domain",
        },
        Case {
            what: "nor what is enforced at it",
            policies: &["Domain; at domain", "Staff; at Staff; enforced"],
            blocked: &["Staff"],
            wins: "Staff",
        },
        Case {
            what: "of enforced above and at the block the highest wins",
            policies: &["Domain; at domain; enforced", "Sales; at Sales; enforced"],
            blocked: &["Sales"],
            wins: "Domain",
        },
        Case {
            what: "a block at another OU is nothing to Ada",
            policies: &["Domain; at domain"],
            blocked: &["Service"],
            wins: "Domain",
        },
        Case {
            what: "a disabled link is as if it were not there",
            policies: &["Domain; at domain", "Sales; at Sales; disabled"],
            blocked: &[],
            wins: "Domain",
        },
        Case {
            what: "even if it is enforced",
            policies: &["Domain; at domain; enforced; disabled", "Sales; at Sales"],
            blocked: &[],
            wins: "Sales",
        },
        Case {
            what: "a policy with one disabled link counts at its other",
            policies: &["Both; at Sales; disabled; at domain", "Staff; at Staff"],
            blocked: &[],
            wins: "Staff",
        },
        Case {
            what: "equal order at one OU can't be decided",
            policies: &["A; at Sales; order 2", "B; at Sales; order 2"],
            blocked: &[],
            wins: "policies \"A\" and \"B\" both have order 2 at \
                   OU=Sales,OU=Staff,O=Example,DC=org; give one another order",
        },
        Case {
            what: "of several the same two are named, however the files are read",
            policies: &["C; at Sales", "B; at Sales", "A; at Sales"],
            blocked: &[],
            wins: "policies \"A\" and \"B\" both have order 1 at \
                   OU=Sales,OU=Staff,O=Example,DC=org; give one another order",
        },
        Case {
            what: "equal order of what does not apply is no matter",
            policies: &[
                "A; at Sales",
                "B; at Sales; disabled",
                "C; at Sales; groups VPN",
            ],
            blocked: &[],
            wins: "A",
        },
        Case {
            what: "equal order where another wins is no matter",
            policies: &["A; at Staff", "B; at Staff", "Sales; at Sales"],
            blocked: &[],
            wins: "Sales",
        },
    ];
    for case in cases {
        let policies = policies(case.policies, case.blocked);
        assert_eq!(winner(&policies, ADA, &[]), case.wins, "{}", case.what);
    }
}

#[test]
fn filters() {
    const DOMAIN_USERS: &str = "S-1-5-21-1-2-3-513";
    const OWN_SID: &str = "S-1-5-21-1-2-3-1104";
    // Ada holds these; the policy "Filtered" is linked closer than "Domain", which is for everyone.
    let held = ["VPN", "Temps", DOMAIN_USERS, OWN_SID];
    let cases = [
        ("a group that is held", "groups VPN", "Filtered"),
        ("a group that is not", "groups Nurses", "Domain"),
        (
            "the group in another spelling",
            "groups cn=vpn, ou=GROUPS,o=example, dc=org",
            "Filtered",
        ),
        (
            "one group of the same name elsewhere",
            "groups CN=VPN,OU=Old,O=Example,DC=org",
            "Domain",
        ),
        (
            "a SID that is held",
            "groups S-1-5-21-1-2-3-513",
            "Filtered",
        ),
        (
            "a SID in small letters",
            "groups s-1-5-21-1-2-3-513",
            "Filtered",
        ),
        (
            "a SID that is not held",
            "groups S-1-5-21-1-2-3-512",
            "Domain",
        ),
        (
            "a SID of another domain",
            "groups S-1-5-21-9-9-9-513",
            "Domain",
        ),
        ("deny of a group that is held", "deny VPN", "Domain"),
        ("deny of a group that is not", "deny Nurses", "Filtered"),
        ("deny of a SID", "deny S-1-5-21-1-2-3-513", "Domain"),
        ("deny beats allow", "groups VPN; deny Temps", "Domain"),
        (
            "allow, and deny of what is not held",
            "groups VPN; deny Nurses",
            "Filtered",
        ),
        ("neither", "groups Nurses; deny Doctors", "Domain"),
        (
            "everyone is an authenticated user",
            "groups S-1-5-11",
            "Filtered",
        ),
        ("by name", "groups authenticated users", "Filtered"),
        (
            "no user passes where they are denied",
            "deny S-1-5-11",
            "Domain",
        ),
        (
            "Domain Users by name, held as a SID",
            "groups Domain Users",
            "Filtered",
        ),
        (
            "deny of Domain Users by name",
            "deny Domain Users",
            "Domain",
        ),
        (
            "the user",
            "users cn=ada,ou=sales,ou=staff,o=example,dc=org",
            "Filtered",
        ),
        (
            "another user",
            "users CN=Bob,OU=Sales,OU=Staff,O=Example,DC=org",
            "Domain",
        ),
        ("the user by SID", "users S-1-5-21-1-2-3-1104", "Filtered"),
        (
            "a group is no user",
            "users CN=VPN,OU=Groups,O=Example,DC=org",
            "Domain",
        ),
        (
            "a user is no group",
            "groups CN=Ada,OU=Sales,OU=Staff,O=Example,DC=org",
            "Domain",
        ),
        (
            "the user, though in none of the groups",
            "groups Nurses; users CN=Ada,OU=Sales,OU=Staff,O=Example,DC=org",
            "Filtered",
        ),
        (
            "the user, but in a denied group",
            "users CN=Ada,OU=Sales,OU=Staff,O=Example,DC=org; deny VPN",
            "Domain",
        ),
    ];
    for (what, filter, wins) in cases {
        let filtered = format!("Filtered; at Sales; {filter}");
        let policies = policies(&["Domain; at domain", &filtered], &[]);
        assert_eq!(winner(&policies, ADA, &held), wins, "{what}");
    }
}

#[test]
fn a_filter_counts_before_enforcement_and_order() {
    let policies = policies(
        &[
            "Domain; at domain; enforced; groups Nurses",
            "First; at Sales; order 1; groups Nurses",
            "Second; at Sales; order 2",
        ],
        &[],
    );
    assert_eq!(winner(&policies, ADA, &[]), "Second");
    assert_eq!(winner(&policies, ADA, &["Nurses"]), "Domain");
}

#[test]
fn domain_users_by_name_are_those_of_any_domain_and_only_if_held() {
    let policies = policies(&["All; at domain; groups Domain Users"], &[]);
    assert_eq!(winner(&policies, ADA, &["S-1-5-21-9-9-9-513"]), "All");
    assert_eq!(winner(&policies, ADA, &["S-1-5-21-9-9-9-514"]), NONE);
    assert_eq!(winner(&policies, ADA, &[]), NONE);
}

#[test]
fn any_spelling_of_the_users_name_is_the_same_user() {
    let policies = policies(
        &[
            "Øst; at ou=Øst\\, Vest , o=Example,DC=ORG",
            "Domain; at domain",
        ],
        &[],
    );
    let cases = [
        ("CN=Ada,OU=Øst\\, Vest,O=Example,DC=org", "Øst"),
        ("cn=ada, ou=ØST\\2c  vest, o=EXAMPLE, dc=Org", "Øst"),
        ("CN=Ada+UID=al,OU=\"øst, vest\";O=Example;DC=org", "Øst"),
        (
            "CN=Ada,2.5.4.11=\\c3\\98st\\,\\20Vest,O=Example,DC=org",
            "Øst",
        ),
        (
            "CN=Ada,OU=#0C0AC39873742C2056657374,O=Example,DC=org",
            "Øst",
        ),
        ("CN=Ada,OU=O\u{308}st\\, Vest,O=Example,DC=org", "Domain"),
        ("CN=Ada\\,OU=Øst\\, Vest,O=Example,DC=org", "Domain"),
    ];
    for (dn, wins) in cases {
        assert_eq!(winner(&policies, dn, &[]), wins, "{dn}");
    }
}
