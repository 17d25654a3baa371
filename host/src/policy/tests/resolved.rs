//! From the winner to sender, text and region, and every reason for which there is none.

use super::*;
use crate::config::{OnUnknown, Regions};

const POLICIES: &str = r#"
    [senders.twilio]
    plugin = "twilio"
    [senders.gateway]
    plugin = "gateway"
    [[policies]]
    name = "Staff"
    region = "GB"
    events = ["reset"]
    link = [{ container = "OU=Staff,O=Example,DC=org" }]
    verification_code = { sender = "gateway", fallback = ["twilio"], on_unknown = "stop", max_segments = 2, code_length = 8, origin = "reset.example.com", fold = true, text = "Staff %code%" }
    [[policies]]
    name = "Plain"
    link = [{ container = "OU=Plain,O=Example,DC=org" }]
    verification_code = { text = "Plain %code%" }
    [[policies]]
    name = "Silent"
    link = [{ container = "OU=Silent,O=Example,DC=org" }]
    [[policies]]
    name = "Lost"
    link = [{ container = "OU=Lost,O=Example,DC=org" }]
    verification_code = { sender = "gatway", text = "%code%" }
    [[policies]]
    name = "Rest"
    regions = ["GB", "IE"]
    filter = { deny_groups = ["S-1-5-21-1-2-3-514"] }
    verification_code = { text = "Rest %code%" }
"#;

const SENDER: &str = "[defaults]\nsender = 'twilio'\n";
const BOTH: &str = "[defaults]\nsender = 'twilio'\npolicy = 'Rest'\n";
const STAFF: &str = "CN=Ada,OU=Staff,O=Example,DC=org";
const PLAIN: &str = "CN=Ada,OU=Plain,O=Example,DC=org";

fn load(head: &str) -> Policies {
    let sources = Sources::from_text("textsender.toml", format!("{head}{POLICIES}"));
    let config = Reading::of(sources).into_config().unwrap();
    Policies::new(Arc::new(config)).unwrap()
}

fn asks<'r>(purpose: Purpose, dn: &'r str) -> Query<'r> {
    let event = Some(Event::Reset);
    Query {
        purpose,
        event,
        ..query(dn, &[])
    }
}

fn codes(dn: &str) -> Query<'_> {
    asks(Purpose::VerificationCode, dn)
}

#[test]
fn the_winner_gives_everything() {
    let policies = load(SENDER);
    let found = policies.resolve(&codes(STAFF)).unwrap();
    assert_eq!(found.policy, Some("Staff"));
    assert_eq!(
        (found.sender, found.sender_from),
        ("gateway", SenderFrom::Policy)
    );
    assert_eq!(found.fallback[0].value, "twilio");
    assert_eq!(found.on_unknown, OnUnknown::Stop);
    assert_eq!(found.text.text.value, "Staff %code%");
    assert_eq!(found.reach.region.as_ref().unwrap().value, "GB");
    let Regions::Only(regions) = &found.reach.regions else {
        panic!("{:?}", found.reach.regions);
    };
    assert_eq!(regions[0].value, "GB");
    let options = found.options;
    assert_eq!(
        (options.max_segments, options.code_length),
        (Some(2), Some(8))
    );
    assert_eq!(
        options.origin.as_deref().map(String::as_str),
        Some("reset.example.com")
    );
    assert!(options.fold);
}

#[test]
fn what_the_winner_leaves_out_comes_from_the_defaults() {
    let policies = load(SENDER);
    let found = policies.resolve(&codes(PLAIN)).unwrap();
    assert_eq!(
        (found.sender, found.sender_from),
        ("twilio", SenderFrom::Defaults)
    );
    assert_eq!(found.on_unknown, OnUnknown::FailOver);
    assert_eq!(found.reach.regions, Regions::Any);
    assert!(found.fallback.is_empty() && !found.options.fold);
}

#[test]
fn the_default_policy_is_for_those_whom_no_link_reaches() {
    let policies = load(BOTH);
    for dn in ["", "  ", "CN=Ada,DC=elsewhere"] {
        let found = policies.resolve(&codes(dn)).unwrap();
        assert_eq!(found.policy, Some("Rest"), "{dn:?}");
    }
    let mut of_nobody = codes("");
    of_nobody.user.dn = None;
    assert_eq!(policies.resolve(&of_nobody).unwrap().policy, Some("Rest"));
}

#[test]
fn the_helpdesk_has_its_own_words_whoever_the_user_is() {
    let helpdesk = "[helpdesk]\nregion = 'IE'\nfallback = ['gateway']\nnew_password = true\n\
                    on_unknown = 'fail_over'\n[helpdesk.texts]\nhelpdesk_code = 'H %code%'\n\
                    new_password = 'N %password%'\n";
    let policies = load(&format!("{SENDER}{helpdesk}"));
    let code = asks(Purpose::HelpdeskCode, STAFF);
    let code = policies.resolve(&code).unwrap();
    assert_eq!((code.policy, code.sender), (None, "twilio"));
    assert_eq!(code.text.text.value, "H %code%");
    assert_eq!(code.reach.region.as_ref().unwrap().value, "IE");
    assert_eq!(code.fallback[0].value, "gateway");
    assert_eq!(code.on_unknown, OnUnknown::FailOver);

    let password = asks(Purpose::NewPassword, "");
    let password = policies.resolve(&password).unwrap();
    assert_eq!(password.text.text.value, "N %password%");
    assert_eq!(
        password.on_unknown,
        OnUnknown::Stop,
        "a password is never sent twice"
    );
}

#[test]
fn a_test_goes_the_users_way_or_to_the_sender_it_names() {
    let policies = load(SENDER);
    let mut of_staff = asks(Purpose::Test, STAFF);
    of_staff.event = None;
    let found = policies.resolve(&of_staff).unwrap();
    assert_eq!(
        (found.sender, found.text.text.value.as_str()),
        ("gateway", "Staff %code%")
    );
    assert_eq!(found.fallback.len(), 1);

    of_staff.sender = Some("twilio");
    let found = policies.resolve(&of_staff).unwrap();
    assert_eq!(
        (found.sender, found.sender_from),
        ("twilio", SenderFrom::Request)
    );
    assert!(
        found.fallback.is_empty(),
        "the result must be that sender's own"
    );

    let of_nobody = asks(Purpose::Test, "");
    let found = policies.resolve(&of_nobody).unwrap();
    assert_eq!((found.policy, found.sender), (None, "twilio"));
    assert_eq!(found.text.text.value, TEST_TEXT);
}

#[test]
fn every_refusal_names_its_rule_and_what_changes_it() {
    let event = |event, dn| Query { event, ..codes(dn) };
    let denied = ["S-1-5-21-1-2-3-514".to_owned()];
    let nonsense = ["CN=VPN".to_owned(), "VPN Users".to_owned()];
    let with_groups = |groups| Query {
        user: User {
            dn: Some("DC=elsewhere"),
            groups,
            links: None,
        },
        ..codes("")
    };
    let test_of = |sender| Query {
        sender: Some(sender),
        ..asks(Purpose::Test, "")
    };
    let lost = "CN=Ada,OU=Lost,O=Example,DC=org";
    let silent = "CN=Ada,OU=Silent,O=Example,DC=org";
    let cases = [
        (
            "invalid",
            SENDER,
            codes("Ada"),
            "user.dn is not a distinguished name: character 1 should start a part such as OU=Staff",
        ),
        (
            "invalid",
            SENDER,
            with_groups(&nonsense),
            "user.groups[1] names no group: it is no SID, and as a distinguished name: character 1 should start a part such as OU=Staff",
        ),
        (
            "invalid",
            SENDER,
            test_of("none"),
            "there is no sender \"none\"; see `textsender sender list`",
        ),
        (
            "refused",
            SENDER,
            codes(""),
            "the request has no user.dn and no default policy is set; send user.dn, or set [defaults] policy",
        ),
        ("refused", SENDER, codes("DC=elsewhere"), NONE),
        (
            "refused",
            BOTH,
            with_groups(&denied),
            "no policy is linked to this user, and the filter of the default policy \"Rest\" leaves the user out (`textsender explain` shows why)",
        ),
        (
            "refused",
            SENDER,
            event(Some(Event::Enroll), STAFF),
            "policy \"Staff\" does not allow the event enroll; add it to the policy's events",
        ),
        (
            "refused",
            SENDER,
            event(None, STAFF),
            "policy \"Staff\" allows some events only, and the request names none; send \"event\"",
        ),
        (
            "refused",
            SENDER,
            codes(silent),
            "policy \"Silent\" does not allow verification_code; add [verification_code] with a text to it",
        ),
        (
            "refused",
            SENDER,
            asks(Purpose::NewPassword, STAFF),
            "texting a new password is switched off; switch it on with: textsender helpdesk enable new_password",
        ),
        (
            "misconfigured",
            SENDER,
            asks(Purpose::HelpdeskCode, STAFF),
            "there is no text for helpdesk_code; add helpdesk_code = \"...\" to [helpdesk.texts]",
        ),
        (
            "misconfigured",
            "[helpdesk]\nnew_password = true\n",
            asks(Purpose::NewPassword, STAFF),
            "there is no text for new_password; add new_password = \"...\" to [helpdesk.texts]",
        ),
        (
            "misconfigured",
            "[defaults]\npolicy = 'Resst'\n",
            codes(""),
            "[defaults] policy names \"Resst\", and there is no such policy; `textsender check` shows where",
        ),
        (
            "misconfigured",
            "",
            codes(PLAIN),
            "no sender is set for verification_code; set one in policy \"Plain\" or in [defaults]",
        ),
        (
            "misconfigured",
            SENDER,
            codes(lost),
            "policy \"Lost\" names the sender \"gatway\", and there is no [senders.gatway]; `textsender check` shows where",
        ),
        (
            "misconfigured",
            "[defaults]\nsender = 'x'\n",
            codes(PLAIN),
            "[defaults] names the sender \"x\", and there is no [senders.x]; `textsender check` shows where",
        ),
    ];
    for (kind, head, query, expected) in cases {
        let error = load(head).resolve(&query).unwrap_err();
        assert_eq!(error.to_string(), expected);
        let found = match (
            error.is_invalid(),
            error.is_refused(),
            error.is_misconfigured(),
        ) {
            (true, false, false) => "invalid",
            (false, true, false) => "refused",
            (false, false, true) => "misconfigured",
            other => panic!("{error}: {other:?}"),
        };
        assert_eq!(found, kind, "{error}");
    }
}
