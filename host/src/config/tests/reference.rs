//! The reference, docs/configuration.md, has every key that is read, and no other. What is read is what the reader
//! itself names beside a key that it does not know.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{Reading, Sources};

const REFERENCE: &str = include_str!("../../../../docs/configuration.md");

/// The heading of a policy's file.
const POLICY: &str = "A policy's file";

/// A key that no section knows, and that is near to none.
const UNKNOWN: &str = "zzzzzzzz";

type Keys = BTreeMap<String, BTreeSet<String>>;

/// Sections with what each has to have, and the place where each key of another name stands for all.
const MAIN: &str = r#"
zzzzzzzz = 1
alerts.zzzzzzzz = 1
plugins.zzzzzzzz = 1
state.zzzzzzzz = 1
state.shared.zzzzzzzz = 1
trust.zzzzzzzz = 1
defaults.zzzzzzzz = 1
send.zzzzzzzz = 1
http.zzzzzzzz = 1
limits.zzzzzzzz = 1
limits.recipient.zzzzzzzz = 1
limits.prefix.zzzzzzzz = 1
limits.unused.zzzzzzzz = 1
limits.daily.zzzzzzzz = 1
log.zzzzzzzz = 1
serve.zzzzzzzz = 1
serve.tls.zzzzzzzz = 1
helpdesk.zzzzzzzz = 1
helpdesk.texts.zzzzzzzz = 1
helpdesk.translations.zzzzzzzz = 1
callers.NAME.zzzzzzzz = 1
callers.NAME.fields.zzzzzzzz = 1
callers.NAME.fields.user.zzzzzzzz = 1
callers.NAME.answer.zzzzzzzz = 1
senders.NAME.zzzzzzzz = 1
senders.NAME.http.zzzzzzzz = 1
senders.NAME.network.zzzzzzzz = 1
containers.DN.zzzzzzzz = 1
directories.NAME.zzzzzzzz = 1
"#;

const POLICY_FILE: &str = r#"
zzzzzzzz = 1
filter.zzzzzzzz = 1
gpo.zzzzzzzz = 1
verification_code.zzzzzzzz = 1
[[link]]
zzzzzzzz = 1
"#;

/// What each section of a file knows.
fn known(text: &str, is_policy: bool) -> Keys {
    let main = "/etc/textsender/textsender.toml";
    let sources = match is_policy {
        true => Sources::from_text(main, "").with_text("/etc/textsender/policies/staff.toml", text),
        false => Sources::from_text(main, text),
    };
    let mut sections = Keys::new();
    for fault in Reading::of(sources).faults {
        let Some(section) = fault.key.strip_suffix(UNKNOWN) else {
            continue;
        };
        let keys = fault.remedy.strip_prefix("the keys here are ").unwrap();
        let keys = keys.split(", ").map(str::to_owned).collect();
        let section = section.trim_end_matches('.').replace("[0]", "");
        sections.insert(section, keys);
    }
    sections
}

/// The keys of each heading of the reference, as the reader names the section.
fn documented() -> Keys {
    let mut sections = Keys::new();
    let mut section = String::new();
    for line in REFERENCE.lines() {
        if let Some(heading) = line.trim_start_matches('#').strip_prefix(' ')
            && line.starts_with('#')
        {
            section = heading
                .trim_matches('`')
                .trim_matches(['[', ']'])
                .replace("\"DN\"", "DN");
            continue;
        }
        if let Some(rest) = line.strip_prefix("| `") {
            let key = rest.split('`').next().unwrap().to_owned();
            sections.entry(section.clone()).or_default().insert(key);
        }
    }
    sections
}

#[test]
fn every_key_is_documented_and_every_documented_key_is_read() {
    let documented = documented();
    let mut read = known(MAIN, false);
    // What stands at the top are the sections themselves.
    let top = read.remove("").unwrap();
    for section in top {
        let has = |prefix: &str| documented.keys().any(|known| known.starts_with(prefix));
        assert!(
            has(&section) || section == "policies",
            "[{section}] is not documented"
        );
    }
    // All limits are read alike.
    assert_eq!(
        read.remove("limits.prefix"),
        read.get("limits.recipient").cloned()
    );
    // Its keys are all regions.
    read.insert("prices".to_owned(), ["GB".to_owned()].into());
    let mut policy = known(POLICY_FILE, true);
    let top = policy.remove("").unwrap();
    policy.insert(POLICY.to_owned(), top);
    read.extend(policy);
    for section in read.keys().chain(documented.keys()) {
        assert_eq!(read.get(section), documented.get(section), "[{section}]");
    }
}
