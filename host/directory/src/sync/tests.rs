use super::*;
use crate::descriptor::Entry as AccessEntry;

const ID: &str = "{11111111-0000-4000-8000-000000000002}";

fn id() -> Guid {
    ID.parse().unwrap()
}

fn bound() -> HashMap<Guid, Binding> {
    HashMap::from([(id(), Binding::default())])
}

fn good() -> Gpo {
    Gpo {
        user_half: true,
        version: 2,
        entries: vec![AccessEntry {
            allow: true,
            trustee: "S-1-5-11".parse().unwrap(),
            read: true,
            apply: true,
        }],
        ..Gpo::unknown(id(), GpoState::Readable)
    }
}

/// A snapshot with this object, taken so many hours after the first.
fn snapshot(gpo: Gpo, hours: i64) -> Snapshot {
    Snapshot {
        format: FORMAT,
        server: "ldaps://dc1.example.org".to_owned(),
        taken: Timestamp::UNIX_EPOCH + SignedDuration::from_hours(hours),
        base: "DC=example,DC=org".to_owned(),
        containers: vec![Container {
            dn: "OU=Staff,DC=example,DC=org".to_owned(),
            block_inheritance: false,
            links: gplink::parse(&format!("[LDAP://CN={ID},DC=example,DC=org;0]"))
                .unwrap()
                .into_iter()
                .map(|named| named.link)
                .collect(),
            unreadable: false,
            kept_since: None,
        }],
        gpos: vec![gpo],
        trustees: BTreeMap::new(),
    }
}

#[test]
fn an_object_that_became_unreadable_is_kept_for_a_day_and_said() {
    let mut last = snapshot(good(), 0);
    for hours in [1, 10, 24] {
        let mut new = snapshot(Gpo::unknown(id(), GpoState::Unreadable), hours);
        let findings = keep_last_good(&mut new, Some(&last), &bound());
        assert_eq!(new.gpos[0].state, GpoState::Readable, "{hours}");
        assert_eq!(findings.len(), 1);
        assert!(
            findings[0].is_fault && findings[0].what.contains("OU=Staff"),
            "{findings:?}"
        );
        last = new;
    }
    let mut new = snapshot(Gpo::unknown(id(), GpoState::Unreadable), 26);
    let findings = keep_last_good(&mut new, Some(&last), &bound());
    assert_eq!(new.gpos[0].state, GpoState::Unreadable);
    assert!(findings[0].what.contains("nothing is sent"), "{findings:?}");
}

#[test]
fn a_wmi_filter_that_is_new_counts_after_a_day_and_after_accept_at_once() {
    let with_filter = Gpo {
        wmi_filter: true,
        ..good()
    };
    let mut new = snapshot(with_filter.clone(), 1);
    assert_eq!(
        keep_last_good(&mut new, Some(&snapshot(good(), 0)), &bound()).len(),
        1
    );
    assert!(!new.gpos[0].wmi_filter);
    // `--accept`: there is no last one to go by.
    let mut new = snapshot(with_filter.clone(), 1);
    assert_eq!(keep_last_good(&mut new, None, &bound()).len(), 1);
    assert!(new.gpos[0].wmi_filter);
    let taken_as_passed = HashMap::from([(
        id(),
        Binding {
            ignore_wmi_filter: true,
        },
    )]);
    let mut new = snapshot(with_filter, 1);
    assert_eq!(
        keep_last_good(&mut new, Some(&snapshot(good(), 0)), &taken_as_passed),
        []
    );
}

/// A denial, a link that is off, an object that is gone: an administrator meant it.
#[test]
fn what_can_be_read_counts_at_once() {
    let denied = Gpo {
        entries: Vec::new(),
        ..good()
    };
    let mut new = snapshot(denied.clone(), 1);
    assert_eq!(
        keep_last_good(&mut new, Some(&snapshot(good(), 0)), &bound()),
        []
    );
    assert_eq!(new.gpos[0], denied);

    let mut new = snapshot(Gpo::unknown(id(), GpoState::Gone), 1);
    let findings = keep_last_good(&mut new, Some(&snapshot(good(), 0)), &bound());
    assert_eq!(new.gpos[0].state, GpoState::Gone);
    assert!(
        findings[0].is_fault && findings[0].what.contains("no effect"),
        "{findings:?}"
    );
}

#[test]
fn a_container_whose_links_became_unreadable_is_kept_for_a_day() {
    let last = snapshot(good(), 0);
    let mut new = snapshot(good(), 1);
    new.containers[0].unreadable = true;
    new.containers[0].links.clear();
    keep_last_good(&mut new, Some(&last), &bound());
    assert_eq!(new.containers[0].links, last.containers[0].links);
    let mut later = snapshot(good(), 30);
    later.containers[0].unreadable = true;
    keep_last_good(&mut later, Some(&new), &bound());
    assert!(later.containers[0].unreadable);
}

/// A hardened domain leaves out what this account may not read, without an error.
#[test]
fn an_object_without_what_decides_is_unreadable() {
    let descriptor = crate::tests::hex("0100048000000000000000000000000014000000 0400080000000000");
    let all: [(&str, &[u8]); 4] = [
        ("flags", b"0"),
        ("gPCFunctionalityVersion", b"2"),
        ("nTSecurityDescriptor", &descriptor),
        ("displayName", b"Staff"),
    ];
    assert_eq!(
        read_gpo(&id(), &Entry::of("", &all)).state,
        GpoState::Readable
    );
    for left_out in ["flags", "gPCFunctionalityVersion", "nTSecurityDescriptor"] {
        let some: Vec<_> = all
            .iter()
            .copied()
            .filter(|(name, _)| *name != left_out)
            .collect();
        let gpo = read_gpo(&id(), &Entry::of("", &some));
        assert_eq!(gpo.state, GpoState::Unreadable, "{left_out}");
        assert_eq!(gpo.name.as_deref(), Some("Staff"));
    }
}

#[test]
fn links_of_another_domain_are_no_links_here() {
    let domain = Dn::parse("DC=example,DC=org").unwrap();
    let links = |suffix: &str| {
        let link = format!("[LDAP://CN={ID},CN=Policies,CN=System,{suffix};0]");
        let entry = Entry::of("OU=Staff,DC=example,DC=org", &[("gPLink", link.as_bytes())]);
        container(&entry, &domain, &mut Vec::new()).map_or(0, |one| one.links.len())
    };
    assert_eq!(links("DC=example,DC=org"), 1);
    assert_eq!(links("DC=eu,DC=example,DC=org"), 0);
}
