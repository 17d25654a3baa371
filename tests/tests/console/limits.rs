//! *Limits*: changed as the command changes them, and tried out on what the ledger has.

use rusqlite::{Connection, params};

use crate::changes::same_bytes;
use crate::page::Form;
use crate::served::Served;

fn form_of(served: &Served, limit: &str) -> Form {
    let path = format!("/limits/{limit}");
    served.get(&path).status(200).form(&path)
}

#[test]
fn a_limit_is_changed_as_its_command_changes_it() {
    let (page, command) = (Served::empty().opened(), Served::empty());
    let same = |form: Form| same_bytes(&page, &command, &form);
    same(form_of(&page, "recipient").set("limits", "3/10m, 9/1d"));
    same(form_of(&page, "recipient").set("mode", "record"));
    same(form_of(&page, "prefix").set("limits", ""));
    same(form_of(&page, "unused").set("mode", "enforce"));
    let reset = page
        .get("/limits/recipient")
        .form("/limits/recipient/reset");
    same(reset);
    let shown = page.get("/limits").status(200);
    shown.says("5/10m, 20/1d").says("is sent and recorded");
}

#[test]
fn figures_that_are_none_are_refused_with_what_was_typed() {
    let served = Served::ready().opened();
    let before = served.files();
    let form = form_of(&served, "all").set("limits", "many");
    for action in ["/limits/all", "/limits/all/try"] {
        let mut form = form.clone();
        action.clone_into(&mut form.action);
        let refused = served.submit(&form).status(409);
        assert!(refused.body.contains("value=\"many\""));
        refused.says("is not a limit");
    }
    assert_eq!(served.files(), before);
    served.get("/limits/none").status(404);
}

/// Ten texts to one number, a minute apart, and two to another; all within the last hours.
fn seeded() -> Served {
    let served = Served::ready().opened();
    served
        .send_test("+447700900123", "test-1234")
        .says("accepted by");
    let ledger = Connection::open(served.site.state().join("ledger.sqlite3")).unwrap();
    for (number, rows) in [(1_u8, 10_u32), (2, 2)] {
        let written = ledger.execute(
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?2)
             INSERT INTO decisions (at, id, live, uid, purpose, recipient_hash, replayed, outcome)
             SELECT (SELECT max(at) FROM decisions WHERE purpose = 'test') - 3600000 + i * 60000,
                    'seeded-' || ?1 || '-' || i, 0, 0, 'verification_code', ?3, 0, 'accepted'
             FROM n",
            params![number, rows, [number; 16]],
        );
        assert_eq!(written.unwrap(), rows as usize);
    }
    served
}

#[test]
fn what_other_figures_would_have_refused_is_told_to_the_text() {
    let served = seeded();
    // One that is let through every three minutes leaves room again: minutes 1, 2, then 5, 6, then 9, 10.
    for (figures, refused) in [("2/4m", 4), ("20/1d", 0), ("1/1d", 10), ("5/10m, 6/1d", 5)] {
        let form = form_of(&served, "recipient").set("limits", figures);
        let form = Form {
            action: "/limits/recipient/try".to_owned(),
            ..form
        };
        let page = served.submit(&form).status(200);
        let page = page.says(&format!("it would have refused {refused} of 12 texts"));
        let told = served.run(&page.command(), "");
        assert!(told.contains(&format!("{refused} of 12")), "{told}");
    }
    served.get("/limits").says("enforced, it refuses 5 of 12");
}
