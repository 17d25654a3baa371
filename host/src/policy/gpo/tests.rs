use crate::{
    config::{Reading, Sources},
    policy::{Policies, Query, User},
    protocol::{GpoEffect, GpoLink, Purpose},
};

const A: &str = "{11111111-0000-4000-8000-00000000000A}";
const B: &str = "{11111111-0000-4000-8000-00000000000B}";
const ADA: &str = "CN=Ada,OU=Low,OU=Staff,DC=example,DC=org";

/// Two policies that are bound, and one with a link of its own.
fn policies(own: &str) -> Policies {
    let text = format!(
        "[senders.twilio]\nplugin = 'twilio'\n[defaults]\nsender = 'twilio'\n\
         [[policies]]\nname = 'A'\ngpo = {{ id = '{}' }}\n[policies.verification_code]\ntext = '%code%'\n\
         [[policies]]\nname = 'B'\ngpo = {{ id = '{B}' }}\n[policies.verification_code]\ntext = '%code%'\n\
         [[policies]]\nname = 'Own'\n{own}\n[policies.verification_code]\ntext = '%code%'\n",
        A.to_lowercase()
    );
    let reading = Reading::of(Sources::from_text("textsender.toml", text));
    Policies::new(reading.into_config().unwrap().into()).unwrap()
}

fn link(gpo: &str, height: usize, order: u32, enforced: bool, result: GpoEffect) -> GpoLink {
    let container = match height {
        1 => "OU=Low,OU=Staff,DC=example,DC=org",
        2 => "OU=Staff,DC=example,DC=org",
        _ => "DC=example,DC=org",
    };
    GpoLink {
        gpo: gpo.parse().unwrap(),
        container: container.to_owned(),
        height,
        order,
        enforced,
        result,
    }
}

fn query(links: Option<&[GpoLink]>) -> Query<'_> {
    Query {
        user: User {
            dn: Some(ADA),
            groups: &[],
            links,
        },
        event: None,
        purpose: Purpose::VerificationCode,
        sender: None,
        policy: None,
    }
}

fn winner(policies: &Policies, links: &[GpoLink]) -> String {
    match policies.resolve(&query(Some(links))) {
        Ok(resolution) => resolution.policy.unwrap().to_owned(),
        Err(error) => error.to_string(),
    }
}

const AT_STAFF: &str = "link = [{ container = 'OU=Staff,DC=example,DC=org', order = 2 }]";
const AT_STAFF_ENFORCED: &str =
    "link = [{ container = 'ou=staff, dc=example, dc=org', order = 2, enforced = true }]";

#[test]
fn objects_and_links_of_our_own_are_ranked_by_one_set_of_rules() {
    use GpoEffect::{Applies, Filtered};
    let plain = |height, order| link(A, height, order, false, Applies);
    let enforced = |height, order| link(A, height, order, true, Applies);
    for (own, links, expected) in [
        (AT_STAFF, vec![], "Own"),
        (AT_STAFF, vec![plain(1, 9)], "A"),
        (AT_STAFF, vec![plain(3, 1)], "Own"),
        (AT_STAFF, vec![plain(2, 1)], "A"),
        (AT_STAFF, vec![plain(2, 3)], "Own"),
        (AT_STAFF, vec![enforced(3, 9)], "A"),
        (AT_STAFF_ENFORCED, vec![plain(1, 1)], "Own"),
        (AT_STAFF_ENFORCED, vec![enforced(3, 9)], "A"),
        (AT_STAFF_ENFORCED, vec![enforced(1, 1)], "Own"),
        // The strongest that applies, not the first that is there.
        (
            AT_STAFF,
            vec![link(B, 1, 1, false, Filtered), plain(1, 2)],
            "A",
        ),
        // An object that no policy is bound to any more.
        (
            AT_STAFF,
            vec![link(
                "{11111111-0000-4000-8000-00000000000C}",
                1,
                1,
                false,
                Applies,
            )],
            "Own",
        ),
    ] {
        assert_eq!(winner(&policies(own), &links), expected, "{own} {links:?}");
    }
    let clash = winner(&policies(AT_STAFF), &[plain(2, 2)]);
    assert!(clash.contains("both have order 2"), "{clash}");
}

#[test]
fn what_can_not_be_judged_is_never_passed_over() {
    use GpoEffect::{Applies, Unreadable, WmiFilter};
    let policies = policies(AT_STAFF);
    for effect in [Unreadable, WmiFilter] {
        let before = [link(B, 1, 1, false, effect), link(A, 1, 2, false, Applies)];
        let error = policies.resolve(&query(Some(&before))).unwrap_err();
        assert!(error.is_misconfigured(), "{error}");
        assert!(error.to_string().contains("can't be judged"), "{error}");
        // Behind the winner it changes nothing.
        assert_eq!(winner(&policies, &[link(B, 3, 1, false, effect)]), "Own");
    }
}

#[test]
fn without_a_directory_no_policy_is_guessed() {
    let error = policies(AT_STAFF).resolve(&query(None)).unwrap_err();
    assert!(error.is_misconfigured(), "{error}");
}

#[test]
fn a_bound_policy_is_no_default() {
    let text = format!(
        "[senders.twilio]\nplugin = 'twilio'\n[defaults]\nsender = 'twilio'\npolicy = 'A'\n\
         [[policies]]\nname = 'A'\ngpo = {{ id = '{A}' }}\n[policies.verification_code]\ntext = '%code%'\n"
    );
    let reading = Reading::of(Sources::from_text("textsender.toml", text));
    let policies = Policies::new(reading.into_config().unwrap().into()).unwrap();
    let error = policies.resolve(&query(Some(&[]))).unwrap_err();
    assert!(
        error.to_string().contains("[defaults] policy names \"A\""),
        "{error}"
    );
    assert_eq!(
        winner(&policies, &[link(A, 1, 1, false, GpoEffect::Applies)]),
        "A"
    );
}

#[test]
fn two_policies_of_one_object_are_a_fault() {
    let text = format!(
        "[[policies]]\nname = 'A'\ngpo = {{ id = '{A}' }}\n[[policies]]\nname = 'B'\ngpo = {{ id = '{A}' }}\n"
    );
    let reading = Reading::of(Sources::from_text("textsender.toml", text));
    let faults = Policies::new(reading.into_config().unwrap().into()).unwrap_err();
    assert!(
        faults
            .to_string()
            .contains("bound to the same group policy object"),
        "{faults}"
    );
}

#[test]
fn each_policy_is_explained_beside_the_objects() {
    use GpoEffect::{Applies, Filtered, Unreadable};
    let policies = policies(AT_STAFF);
    let explained = |links: &[GpoLink]| {
        let explanation = policies.explain(&query(Some(links)));
        let lines = explanation.considered.iter().map(ToString::to_string);
        lines.collect::<Vec<_>>()
    };
    assert_eq!(
        explained(&[link(A, 1, 1, false, Applies)]),
        [
            "A (at OU=Low,OU=Staff,DC=example,DC=org, order 1) won: its link is the closest to the user, and none is enforced",
            "Own (at OU=Staff,DC=example,DC=org, order 2) lost: A beats it: it is linked closer to the user, at OU=Low,OU=Staff,DC=example,DC=org",
            "B lost: its group policy object is not linked above the user",
        ]
    );
    assert_eq!(
        explained(&[
            link(A, 3, 1, false, Applies),
            link(B, 1, 1, false, Filtered)
        ]),
        [
            "Own (at OU=Staff,DC=example,DC=org, order 2) won: its link is the closest to the user, and none is enforced",
            "A (at DC=example,DC=org, order 1) lost: Own beats it: it is linked closer to the user, at OU=Staff,DC=example,DC=org",
            "B (at OU=Low,OU=Staff,DC=example,DC=org, order 1) lost: the security filter does not let the user through",
        ]
    );
    assert_eq!(
        explained(&[link(B, 1, 1, false, Unreadable)]),
        [
            "B (at OU=Low,OU=Staff,DC=example,DC=org, order 1) lost: the group policy object or the container's links can't be read",
            "Own (at OU=Staff,DC=example,DC=org, order 2) lost: B comes before it, and can't be judged",
            "A lost: its group policy object is not linked above the user",
        ]
    );
}
