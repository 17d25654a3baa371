//! `textsender numbers check --directory`: all users of a domain, as a send would find each.

use serde_json::{Value, json};
use textsender_tests::peers::samba::Domain;

use crate::sending::{bound_to, synced, to, to_by};

const ID: &str = "44444444-0000-4000-8000-000000000002";
const CONTAINER: &str = "OU=Census,DC=example,DC=org";

#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_numbers_of_all_users_are_counted_by_the_policy_that_a_group_policy_object_gives_them()
{
    let domain = Domain::shared();
    domain.edit(&["gpo", ID, "Textsender Census"]);
    domain.edit(&["link", CONTAINER, ID]);
    for (name, attribute) in [
        ("census-one", "mobile=+447700900123"),
        ("census-same", "mobile=07700 900123"),
        ("census-second", "telephoneNumber=+447700900124"),
        ("census-landline", "mobile=+442071234567"),
        ("census-abroad", "mobile=+33612345678"),
        ("census-words", "mobile=ask reception"),
        ("census-none", "displayName=None"),
        ("census-hidden", "mobile=+447700900125"),
    ] {
        domain.edit(&["user-at", CONTAINER, name, attribute]);
    }
    // Those who are sent nothing are no part of it.
    let (off, mobile) = ("userAccountControl=546", "mobile=+447700900124");
    domain.edit(&["user-at", CONTAINER, "census-off", mobile, off]);
    let hidden = format!("CN=census-hidden,{CONTAINER}");
    domain.edit(&["deny", &hidden, "tokenGroups"]);

    let test = bound_to(to(json!({ "name": "ada" })), &[ID]);
    synced(&test);
    let words = ["numbers", "check", "--directory", "example"];
    let run = test.beside().command(words).args(["--json"]).run();
    run.exit(0);
    let shown: Value = serde_json::from_str(run.stdout.as_ref().unwrap()).unwrap();
    let counts = &shown["policies"][ID];
    for (count, expected) in [
        ("users", 7),
        ("textable", 3),
        ("shared", 2),
        ("none", 1),
        ("landline", 1),
        ("other_country", 1),
        ("unreadable", 1),
    ] {
        assert_eq!(counts[count], expected, "{count}: {shown:#}");
    }
    // Whose groups can't be read is for no policy; an account that is off is nobody.
    let below = format!("[directories.example]\nbase = {CONTAINER:?}\n");
    let run = to(json!({ "name": "ada" })).config(&below).command(words);
    let run = run.args(["--json"]).run();
    let shown: Value = serde_json::from_str(run.stdout.as_ref().unwrap()).unwrap();
    let users = |policy: &str| shown["policies"][policy]["users"].as_u64();
    assert_eq!(users("Everyone"), Some(7), "{shown:#}");
    assert_eq!(users("(no policy)"), Some(1), "{shown:#}");
    assert_eq!(
        shown["policies"]["(no policy)"]["unreadable"], 1,
        "{shown:#}"
    );
}

#[test]
#[cfg_attr(not(has_samba), ignore = "needs Samba")]
fn directory_numbers_of_one_that_can_not_be_asked_are_not_shown_as_none() {
    let check = |name: &str, servers: &[&str]| {
        let words = ["numbers", "check", "--directory", name];
        to_by(json!({ "name": "ada" }), servers)
            .command(words)
            .run()
    };
    let alive = Domain::shared().setting("LDAPS");
    for (name, server, said) in [
        (
            "other",
            alive,
            "there is no directory other; there are: example",
        ),
        (
            "example",
            "ldaps://127.0.0.1:1",
            "no server of the directory answers in time",
        ),
    ] {
        let run = check(name, &[server]);
        assert_ne!(run.exit, 0, "{run}");
        assert!(run.stderr.contains(said), "{run}");
    }
}
