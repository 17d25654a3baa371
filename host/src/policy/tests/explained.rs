//! What an administrator reads when the policy that he expected lost, and what `check` says of
//! policies that can't win.

use super::*;
use crate::config::sorted;

fn explained(policies: &Policies, query: &Query) -> Vec<String> {
    let explanation = policies.explain(query);
    let considered = explanation.considered.iter();
    considered.map(|c| c.to_string()).collect()
}

#[test]
fn every_policy_is_listed_with_the_reason() {
    let policies = policies(
        &[
            "Unlinked",
            "Top; at org; enforced",
            "Lower; at Staff; enforced",
            "Later; at org; order 2; enforced",
            "Domain; at domain",
            "Sales; at Sales",
            "Off; at Sales; order 2; disabled",
            "Elsewhere; at Service",
            "Nurses; at Sales; order 3; groups Nurses",
            "Denied; at Sales; order 4; deny VPN",
        ],
        &["Staff"],
    );
    let groups = ["VPN", "Temps", "S-1-5-21-1-2-3-513"].map(group);
    let lines = explained(&policies, &query(ADA, &groups));
    let expected = [
        "Top (at DC=org, order 1, enforced) won: its link is enforced, and no enforced link is higher",
        "Later (at DC=org, order 2, enforced) lost: Top beats it: it has order 1 at the same container",
        "Lower (at OU=Staff,O=Example,DC=org, order 1, enforced) lost: Top beats it: both are enforced, and it is higher, at DC=org",
        "Sales (at OU=Sales,OU=Staff,O=Example,DC=org, order 1) lost: Top beats it: its link is enforced, and this one is not",
        "Denied (at OU=Sales,OU=Staff,O=Example,DC=org, order 4) lost: deny_groups names CN=VPN,OU=Groups,O=Example,DC=org, and the request's groups hold it",
        "Nurses (at OU=Sales,OU=Staff,O=Example,DC=org, order 3) lost: the filter names CN=Nurses,OU=Groups,O=Example,DC=org; the request's 3 groups do not hold it",
        "Domain (at O=Example,DC=org, order 1) lost: OU=Staff,O=Example,DC=org blocks inheritance, and the link is not enforced",
        "Off (at OU=Sales,OU=Staff,O=Example,DC=org, order 2) lost: the link is disabled",
        "Elsewhere (at OU=Service,OU=Staff,O=Example,DC=org, order 1) lost: the container does not hold the user",
        "Unlinked lost: it has no [[link]]",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn the_closest_the_default_and_equal_orders_are_explained() {
    let closest = policies(&["Domain; at domain", "Sales; at Sales"], &[]);
    let expected = [
        "Sales (at OU=Sales,OU=Staff,O=Example,DC=org, order 1) won: its link is the closest to the user, and none is enforced",
        "Domain (at O=Example,DC=org, order 1) lost: Sales beats it: it is linked closer to the user, at OU=Sales,OU=Staff,O=Example,DC=org",
    ];
    assert_eq!(explained(&closest, &query(ADA, &[])), expected);

    let equal = policies(&["A; at Sales", "B; at Sales"], &[]);
    let expected = [
        "A (at OU=Sales,OU=Staff,O=Example,DC=org, order 1) lost: B has the same order at the same container",
        "B (at OU=Sales,OU=Staff,O=Example,DC=org, order 1) lost: A has the same order at the same container",
    ];
    assert_eq!(explained(&equal, &query(ADA, &[])), expected);

    let head = "[defaults]\nsender = 'twilio'\npolicy = 'Rest'";
    let default = Policies::new(config(head, &["Rest", "Sales; at Sales"])).unwrap();
    let mut of_nobody = query("", &[]);
    let expected = [
        "Rest won: no link applies, and it is [defaults] policy",
        "Sales (at OU=Sales,OU=Staff,O=Example,DC=org, order 1) lost: the request has no user.dn",
    ];
    assert_eq!(explained(&default, &of_nobody), expected);
    let expected = "Rest lost: [defaults] policy counts only where no link applies, and Sales does";
    assert_eq!(explained(&default, &query(ADA, &[]))[1], expected);

    of_nobody.purpose = Purpose::HelpdeskCode;
    assert!(explained(&default, &of_nobody).is_empty());
}

#[test]
fn results_are_json_too() {
    let policies = policies(&["Nurses; at Sales; groups Nurses"], &[]);
    let explanation = policies.explain(&query(ADA, &[]));
    let json = serde_json::to_string(&explanation.considered).unwrap();
    let expected = r#"[{"policy":"Nurses","link":{"container":"OU=Sales,OU=Staff,O=Example,DC=org","order":1,"enforced":false},"verdict":{"lost":{"not_held":{"names":["CN=Nurses,OU=Groups,O=Example,DC=org"],"held":0}}}}]"#;
    assert_eq!(json, expected);
}

#[test]
fn check_finds_clashes_and_policies_that_can_never_win() {
    const SHADOWED: &str = "applies to everyone it is linked to, and comes before it; change the \
                            order or the filter of one, or remove it";
    let never =
        |name: &str, by: &str| format!("policy {name:?} can never win: policy {by:?} {SHADOWED}");
    let cases: [(&[&str], Vec<String>); 11] = [
        (&["A; at Sales", "B; at Staff"], vec![]),
        (
            &["A; at Sales; order 1; groups VPN", "B; at Sales; order 2"],
            vec![],
        ),
        (
            &["A; at Sales; order 1", "B; at Sales; order 2"],
            vec![never("B", "A")],
        ),
        (
            &[
                "A; at Sales; order 1; groups S-1-5-11",
                "B; at Sales; order 2",
            ],
            vec![never("B", "A")],
        ),
        (
            &["A; at Sales; order 1", "B; at Sales; order 2; enforced"],
            vec![never("A", "B")],
        ),
        (
            &["A; at Sales", "B; at domain; enforced"],
            vec![never("A", "B")],
        ),
        (
            &["A; at Sales; enforced", "B; at domain; enforced"],
            vec![never("A", "B")],
        ),
        (&["A; at Sales; at org", "B; at domain; enforced"], vec![]),
        (&["A; at Sales; disabled"], vec![]),
        (
            &["A; at Sales; groups VPN; deny VPN"],
            vec![
                "policy \"A\" can never win: deny_groups names everyone whom the filter lets \
                 through; take the group out of deny_groups"
                    .to_owned(),
            ],
        ),
        (
            &[
                "A; at Sales; groups VPN",
                "B; at ou=SALES, ou=Staff,o=example,dc=org; enforced; groups X",
            ],
            vec![
                "order 1 at OU=Sales,OU=Staff,O=Example,DC=org is already that of policy \"A\" \
                 (textsender.toml:8); give each link at a container an order of its own"
                    .to_owned(),
            ],
        ),
    ];
    for (lines, expected) in cases {
        let faults = sorted(check(&policies(lines, &[])));
        let found = faults
            .iter()
            .map(|f| format!("{}; {}", f.message, f.remedy));
        assert_eq!(found.collect::<Vec<_>>(), expected, "{lines:?}");
    }
}
