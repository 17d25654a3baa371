//! The table of cases that group policy's administrators would check, by policies with links of their own. The same
//! table runs against Samba, by policies that are bound to group policy objects.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Policies, winner};
use crate::config::{Reading, Sources};

const CASES: &str = include_str!("../../../../tests/data/group-policy-cases.jsonl");

const BASE: &str = "DC=example,DC=org";

#[derive(Deserialize)]
struct Case {
    name: String,
    gpos: BTreeMap<String, Filter>,
    links: BTreeMap<String, Vec<String>>,
    #[serde(default)]
    block: Vec<String>,
    user: String,
    #[serde(default)]
    groups: Vec<String>,
    winner: Option<String>,
    /// `gpo`: about what only a group policy object has.
    #[serde(default)]
    only: String,
}

#[derive(Deserialize)]
struct Filter {
    #[serde(default)]
    allow: Vec<String>,
    #[serde(default)]
    deny: Vec<String>,
}

fn group(name: &str) -> String {
    match name {
        "Domain Users" => name.to_owned(),
        name => format!("CN={name},OU=Groups,{BASE}"),
    }
}

fn list(names: &[String]) -> String {
    let names: Vec<_> = names
        .iter()
        .map(|name| format!("'{}'", group(name)))
        .collect();
    format!("[{}]", names.join(", "))
}

impl Case {
    fn configuration(&self) -> String {
        let mut text =
            "[senders.twilio]\nplugin = 'twilio'\n[defaults]\nsender = 'twilio'\npolicy = 'Rest'\n"
                .to_owned();
        for path in &self.block {
            text += &format!("[containers.'{path},{BASE}']\nblock_inheritance = true\n");
        }
        for (letter, filter) in &self.gpos {
            text += &format!("[[policies]]\nname = '{letter}'\n{}", self.links_of(letter));
            text += "[policies.filter]\n";
            for (key, names) in [("groups", &filter.allow), ("deny_groups", &filter.deny)] {
                if !names.is_empty() {
                    text += &format!("{key} = {}\n", list(names));
                }
            }
            text += "[policies.verification_code]\ntext = '%code%'\n";
        }
        text + "[[policies]]\nname = 'Rest'\n[policies.verification_code]\ntext = '%code%'\n"
    }

    fn links_of(&self, letter: &str) -> String {
        let links = self.links.iter().flat_map(|(path, links)| {
            let links = (1..).zip(links).filter(|(_, link)| link.starts_with(letter));
            links.map(move |(order, link)| {
                let (enabled, enforced) = (!link.contains("disabled"), link.contains("enforced"));
                format!(
                    "[[policies.link]]\ncontainer = '{path},{BASE}'\norder = {order}\nenabled = {enabled}\n\
                     enforced = {enforced}\n"
                )
            })
        });
        links.collect()
    }
}

#[test]
fn links_of_ones_own_have_the_winners_of_the_table() {
    let cases = CASES
        .lines()
        .map(|line| serde_json::from_str::<Case>(line).unwrap());
    let cases: Vec<_> = cases.filter(|case| case.only != "gpo").collect();
    assert!(cases.len() >= 30);
    for case in cases {
        let reading = Reading::of(Sources::from_text("textsender.toml", case.configuration()));
        let policies = Policies::new(reading.into_config().unwrap().into()).unwrap();
        let chains = case.groups.iter().flat_map(|chain| chain.split('<'));
        let groups: Vec<String> = chains.chain(["Domain Users"]).map(group).collect();
        let groups: Vec<&str> = groups.iter().map(String::as_str).collect();
        let found = winner(&policies, &format!("CN=Ada,{},{BASE}", case.user), &groups);
        assert_eq!(
            found,
            case.winner.as_deref().unwrap_or("Rest"),
            "{}",
            case.name
        );
    }
}
