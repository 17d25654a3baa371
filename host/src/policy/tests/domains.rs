//! Links and domains: group policy does not cross from one to the next. And groups as directories give them.

use super::{Policies, config, winner};
use crate::policy::warnings;

const EU: &str = "CN=Bea,OU=Staff,DC=eu,DC=example,DC=net";
const NET: &str = "CN=Ada,OU=Staff,DC=example,DC=net";

fn policies(head: &str, lines: &[&str]) -> Policies {
    let head = format!("{head}\n[defaults]\nsender = 'twilio'\npolicy = 'Rest'");
    let rest = [lines, &["Rest"]].concat();
    Policies::new(config(&head, &rest)).unwrap()
}

#[test]
fn a_link_reaches_the_users_of_its_own_domain_alone() {
    let cases = [
        ("DC=example,DC=net", "", [NET, EU], ["Linked", "Rest"]),
        (
            "DC=example,DC=net",
            "; enforced",
            [NET, EU],
            ["Linked", "Rest"],
        ),
        ("DC=eu,DC=example,DC=net", "", [NET, EU], ["Rest", "Linked"]),
        (
            "OU=Staff,DC=eu,DC=example,DC=net",
            "",
            [NET, EU],
            ["Rest", "Linked"],
        ),
        // Without a domain in it, a name is of the one domain that has none.
        (
            "O=Acme",
            "",
            ["CN=Cy,OU=Staff,O=Acme", "CN=Cy,O=Acme,DC=net"],
            ["Linked", "Rest"],
        ),
    ];
    for (container, how, users, expected) in cases {
        let policies = policies("", &[&format!("Linked; at {container}{how}")]);
        let found = users.map(|dn| winner(&policies, dn, &[]));
        assert_eq!(found, expected, "{container}{how}");
    }
}

#[test]
fn a_link_at_a_domain_above_another_gets_a_warning() {
    let at_the_top = "Linked; at DC=example,DC=net";
    let warned = "link.container: the link does not reach the users of dc=eu,dc=example,dc=net, which is a \
                  domain of its own; link the policy to dc=eu,dc=example,dc=net too, if it is for them";
    let cases: [(&[&str], bool); 5] = [
        (&[at_the_top], false),
        (
            &[at_the_top, "Eu; at OU=Staff,DC=eu,DC=example,DC=net"],
            true,
        ),
        (
            &[at_the_top, "Eu; groups CN=VPN,DC=eu,DC=example,DC=net"],
            true,
        ),
        (
            &[
                "Staff; at OU=Staff,DC=example,DC=net",
                "Eu; at DC=eu,DC=example,DC=net",
            ],
            false,
        ),
        (
            &[
                "Linked; at DC=example,DC=net; disabled",
                "Eu; at DC=eu,DC=example,DC=net",
            ],
            false,
        ),
    ];
    for (lines, expected) in cases {
        let found = warnings(&policies("", lines));
        assert_eq!(found.len(), usize::from(expected), "{lines:?}: {found:?}");
        for warning in found {
            assert!(warning.to_string().ends_with(warned), "{warning}");
        }
    }
}

/// Directory libraries give `objectSid` and `tokenGroups` as bytes, which LDIF and JSON carry as Base64.
#[test]
fn a_group_may_be_a_sid_in_base64() {
    let policies = policies(
        "",
        &["Linked; at OU=Staff,DC=example,DC=net; deny S-1-5-21-1-2-3-513"],
    );
    let groups = [
        ("S-1-5-21-1-2-3-513", "Rest"),
        ("AQUAAAAAAAUVAAAAAQAAAAIAAAADAAAAAQIAAA==", "Rest"),
        ("AQUAAAAAAAUVAAAAAQAAAAIAAAADAAAAAgIAAA==", "Linked"),
    ];
    for (group, expected) in groups {
        assert_eq!(winner(&policies, NET, &[group]), expected, "{group}");
    }
    // As a distinguished name of this type and value, a SID that was cut off would be in no filter.
    let cut_off = winner(&policies, NET, &["AQUAAAAAAAUVAAAAAQ=="]);
    assert_eq!(
        cut_off,
        "user.groups[0] names no group: it looks like Base64 or hexadecimal, and is no SID: write S-1-5-21-... or a \
         distinguished name"
    );
}
