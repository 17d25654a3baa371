//! The tree of containers: links, order, enforced and blocked inheritance, each changed as its command changes it.

use crate::changes::same_bytes;
use crate::page::{Form, Reply};
use crate::served::Served;

const STAFF: &str = "OU=Staff,DC=example,DC=org";

/// The form of a button with this name.
#[track_caller]
fn button(page: &Reply, name: &str) -> Form {
    page.form_with(&format!("aria-label=\"{name}\""))
}

#[test]
fn links_are_changed_as_their_commands_change_them() {
    let (page, command) = (Served::ready().opened(), Served::ready());
    let same = |form: Form| same_bytes(&page, &command, &form);
    let policies = || page.get("/policies").status(200);
    let of = |verb: &str| format!("{verb} the link of Staff to {STAFF}");

    let add = policies().form("/policies/add");
    same(add.set("name", "Staff").set("region", "GB"));
    let link = policies().form("/policies/link");
    same(link.set("policy", "Staff").set("container", STAFF));
    let link = policies().form("/policies/link").set("policy", "Everyone");
    same(
        link.set("container", "OU=Others,DC=example,DC=org")
            .set("order", "7")
            .set("enforced", "yes"),
    );
    same(button(&policies(), &of("Enforce")));
    policies().says("enforced");
    same(button(&policies(), &of("No longer enforce")));
    same(button(&policies(), &of("Set the order of")).set("order", "3"));
    same(button(&policies(), &of("Disable")));
    policies().says("disabled");
    same(button(&policies(), &of("Enable")));
    same(button(
        &policies(),
        &format!("Block inheritance at {STAFF}"),
    ));
    policies().says("blocks inheritance");
    same(button(&policies(), &format!("Take inheritance at {STAFF}")));
    policies().says_not("blocks inheritance");
    same(button(&policies(), &of("Remove")));
    policies().says_not("3. Staff");
}

#[test]
fn containers_are_nested_and_lead_to_who_wins_there() {
    let served = Served::ready().opened();
    let below = format!("OU=Night,{STAFF}");
    for container in [STAFF, &below] {
        let link = served.get("/policies").form("/policies/link");
        served.change(&link.set("policy", "Everyone").set("container", container));
    }
    let page = served.get("/policies").status(200);
    let (_, tree) = page.body.split_once("<ul class=\"tree\">").unwrap();
    let (outer, inner) = tree.split_once("<ul class=\"tree\">").unwrap();
    assert!(outer.contains(STAFF) && !outer.contains(&below));
    assert!(inner.contains(&below));
    let (_, way) = inner.split_once("href=\"/explain?dn=").unwrap();
    let way = way.split('"').next().unwrap();
    let explain = served.get(&format!("/explain?dn={way}")).status(200);
    assert!(explain.body.contains(&format!("value=\"CN=user,{below}\"")));
}

#[test]
fn a_link_that_makes_no_sense_is_refused_and_changes_nothing() {
    let served = Served::ready().opened();
    let before = served.files();
    let form = served.get("/policies").form("/policies/link");
    let form = form.set("policy", "Everyone");
    for (container, order, says) in [
        ("no DN", "", "is not a distinguished name"),
        (STAFF, "0", "whole number"),
        ("", "", "is not a distinguished name"),
    ] {
        let form = form.clone().set("container", container).set("order", order);
        served.submit(&form).status(409).says(says);
    }
    assert_eq!(served.files(), before);
}
