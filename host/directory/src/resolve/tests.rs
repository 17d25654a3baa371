use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::*;
use crate::{descriptor::Entry, snapshot::FORMAT};

/// What administrators of group policy expect: the same table runs against Samba, and against policies with links
/// of their own.
const CASES: &str = include_str!("../../../../tests/data/group-policy-cases.jsonl");

const BASE: &str = "DC=example,DC=org";
const DOMAIN: &str = "S-1-5-21-1-2-3";

#[derive(Deserialize)]
struct Case {
    name: String,
    gpos: BTreeMap<String, Object>,
    links: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    block: Vec<String>,
    user: String,
    #[serde(default)]
    groups: Vec<String>,
    winner: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Object {
    allow: Vec<String>,
    deny: Vec<String>,
    flags: i64,
    gone: bool,
    hidden: bool,
    wmi: bool,
}

fn guid(letter: &str) -> Guid {
    format!("{{11111111-0000-4000-8000-00000000000{letter}}}")
        .parse()
        .unwrap()
}

/// A SID for a name, the same each time.
fn sid(name: &str) -> Sid {
    let number = match name {
        "Domain Users" => 513,
        name => 1000 + name.bytes().map(u32::from).sum::<u32>(),
    };
    format!("{DOMAIN}-{number}").parse().unwrap()
}

fn at(path: &str) -> String {
    format!("{path},{BASE}")
}

impl Case {
    fn snapshot(&self) -> Snapshot {
        let containers = self
            .links
            .keys()
            .chain(&self.block)
            .collect::<BTreeSet<_>>();
        Snapshot {
            format: FORMAT,
            server: String::new(),
            taken: Timestamp::now(),
            base: BASE.to_owned(),
            containers: containers
                .into_iter()
                .map(|path| self.container(path))
                .collect(),
            gpos: self
                .gpos
                .iter()
                .map(|(letter, object)| object.gpo(letter))
                .collect(),
            trustees: BTreeMap::new(),
        }
    }

    fn container(&self, path: &str) -> Container {
        let links = self.links.get(path).into_iter().flatten();
        let links = (1..).zip(links).map(|(order, link)| Link {
            gpo: guid(&link[..1]),
            order,
            enabled: !link.contains("disabled"),
            enforced: link.contains("enforced"),
        });
        Container {
            dn: at(path),
            block_inheritance: self.block.iter().any(|block| block == path),
            links: links.collect(),
            unreadable: false,
            kept_since: None,
        }
    }

    fn subject(&self) -> Subject {
        let groups = self
            .groups
            .iter()
            .flat_map(|chain| chain.split('<'))
            .chain(["Domain Users"]);
        Subject {
            dn: Dn::parse(&at(&format!("CN=Ada,{}", self.user))).unwrap(),
            token: groups.map(sid).chain(Sid::HELD_BY_ALL).collect(),
            is_complete: true,
        }
    }

    fn bound(&self) -> HashMap<Guid, Binding> {
        self.gpos
            .keys()
            .map(|letter| (guid(letter), Binding::default()))
            .collect()
    }
}

impl Object {
    fn gpo(&self, letter: &str) -> Gpo {
        let state = match (self.gone, self.hidden) {
            (true, _) => GpoState::Gone,
            (_, true) => GpoState::Unreadable,
            _ => GpoState::Readable,
        };
        let everyone = || "S-1-5-11".parse::<Sid>().unwrap();
        let entry = |allow, trustee, read| Entry {
            allow,
            trustee,
            read,
            apply: true,
        };
        let mut entries: Vec<_> = self
            .deny
            .iter()
            .map(|name| entry(false, sid(name), false))
            .collect();
        entries.push(Entry {
            apply: false,
            ..entry(true, everyone(), true)
        });
        entries.extend(self.allow.iter().map(|name| entry(true, sid(name), true)));
        if self.allow.is_empty() {
            entries.push(entry(true, everyone(), true));
        }
        Gpo {
            state,
            user_half: self.flags & 1 == 0,
            version: VERSION,
            wmi_filter: self.wmi,
            entries,
            ..Gpo::unknown(guid(letter), state)
        }
    }
}

fn cases() -> Vec<Case> {
    CASES
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

/// The letter of the winner, or that it can't be decided.
fn decided(considered: &[GpoLink]) -> Option<String> {
    match winner(considered) {
        Ok(one) => one.map(|one| one.gpo.to_string()[36..37].to_owned()),
        Err(_) => Some("undecidable".to_owned()),
    }
}

#[test]
fn every_case_of_the_table_has_its_winner() {
    let cases = cases();
    assert!(cases.len() >= 30);
    for case in cases {
        let index = Index::new(case.snapshot()).unwrap();
        let considered = index.consider(&case.subject(), &case.bound());
        assert_eq!(
            decided(&considered),
            case.winner,
            "{}: {considered:#?}",
            case.name
        );
    }
}

fn case(json: &str) -> Case {
    serde_json::from_str(json).unwrap()
}

fn simple() -> Case {
    case(
        r#"{"name":"","gpos":{"A":{},"B":{}},"links":{"OU=Low":["A","B"]},"user":"OU=Low","winner":"A"}"#,
    )
}

#[test]
fn links_do_not_cross_domains() {
    let case = case(
        r#"{"name":"","gpos":{"A":{}},"links":{"OU=Low":["A"]},"user":"OU=Low","winner":"A"}"#,
    );
    let mut snapshot = case.snapshot();
    snapshot.containers[0].dn = BASE.to_owned();
    let index = Index::new(snapshot).unwrap();
    let of_domain = |domain: &str| {
        let dn = Dn::parse(&format!("CN=Ada,OU=Low,{domain}")).unwrap();
        let subject = Subject {
            dn,
            ..case.subject()
        };
        decided(&index.consider(&subject, &case.bound()))
    };
    assert_eq!(of_domain("DC=example,DC=org"), Some("A".to_owned()));
    assert_eq!(of_domain("DC=eu,DC=example,DC=org"), None);
}

#[test]
fn another_functionality_version_has_no_effect() {
    let case = simple();
    let mut snapshot = case.snapshot();
    snapshot.gpos[0].version = 1;
    let index = Index::new(snapshot).unwrap();
    assert_eq!(
        decided(&index.consider(&case.subject(), &case.bound())),
        Some("B".to_owned())
    );
}

#[test]
fn an_object_that_no_policy_is_bound_to_is_ignored() {
    let case = simple();
    let index = Index::new(case.snapshot()).unwrap();
    let bound = HashMap::from([(guid("B"), Binding::default())]);
    let considered = index.consider(&case.subject(), &bound);
    assert_eq!(decided(&considered), Some("B".to_owned()));
    assert_eq!((considered.len(), considered[0].order), (1, 2));
}

#[test]
fn a_wmi_filter_may_be_taken_as_passed() {
    let case = simple();
    let mut snapshot = case.snapshot();
    snapshot.gpos[0].wmi_filter = true;
    let index = Index::new(snapshot).unwrap();
    let mut bound = case.bound();
    assert_eq!(
        decided(&index.consider(&case.subject(), &bound)),
        Some("undecidable".to_owned())
    );
    bound.insert(
        guid("A"),
        Binding {
            ignore_wmi_filter: true,
        },
    );
    assert_eq!(
        decided(&index.consider(&case.subject(), &bound)),
        Some("A".to_owned())
    );
}

/// A policy that was bound after the last sync, and a container whose links can't be read.
#[test]
fn what_is_not_known_decides_for_no_other() {
    let case = simple();
    let mut snapshot = case.snapshot();
    snapshot.gpos.remove(0);
    let index = Index::new(snapshot).unwrap();
    assert_eq!(
        decided(&index.consider(&case.subject(), &case.bound())),
        Some("undecidable".to_owned())
    );

    let mut snapshot = case.snapshot();
    snapshot.containers.push(Container {
        dn: BASE.to_owned(),
        block_inheritance: false,
        links: Vec::new(),
        unreadable: true,
        kept_since: None,
    });
    let index = Index::new(snapshot).unwrap();
    assert_eq!(
        decided(&index.consider(&case.subject(), &case.bound())),
        Some("undecidable".to_owned())
    );
}

/// A caller may know groups by name alone; then a filter is judged as far as the names of its groups are known.
#[test]
fn groups_by_name_count_where_the_snapshot_has_their_names() {
    let case = case(
        r#"{"name":"","gpos":{"A":{"deny":["Out"]},"B":{}},"links":{"OU=Low":["A","B"]},"user":"OU=Low","winner":"A"}"#,
    );
    let decide = |snapshot: Snapshot, groups: &[&str]| {
        let index = Index::new(snapshot).unwrap();
        let groups: Vec<String> = groups.iter().map(|group| (*group).to_owned()).collect();
        let subject = index
            .subject("CN=Ada,OU=Low,DC=example,DC=org", &groups)
            .unwrap();
        decided(&index.consider(&subject, &case.bound()))
    };
    let out = "CN=Out,OU=Groups,DC=example,DC=org";
    let mut named = case.snapshot();
    named.trustees.insert(sid("Out"), out.to_owned());
    assert_eq!(decide(named.clone(), &[out]), Some("B".to_owned()));
    assert_eq!(
        decide(named.clone(), &["CN=In,DC=example,DC=org"]),
        Some("A".to_owned())
    );
    assert_eq!(decide(named.clone(), &[]), Some("A".to_owned()));
    assert_eq!(
        decide(named, &[&sid("Out").to_string()]),
        Some("B".to_owned())
    );
    let unnamed = case.snapshot();
    assert_eq!(
        decide(unnamed.clone(), &[out]),
        Some("undecidable".to_owned())
    );
    assert_eq!(decide(unnamed.clone(), &[]), Some("undecidable".to_owned()));
    assert_eq!(
        decide(unnamed, &[&sid("In").to_string()]),
        Some("A".to_owned())
    );
}
