//! *Fleet*: what the shared ledger knows of machines, and nothing more.

use textsender_tests::harness::artifacts;
use textsender_tests::peers::postgres::Postgres;
use textsender_tests::peers::shared_ledger::{prepare, section};
use textsender_tests::sandbox::{Sandbox, site::Site};

use crate::served::Served;

#[test]
fn a_ledger_of_ones_own_knows_of_no_other_machine() {
    let served = Served::ready().opened();
    let page = served.get("/fleet").status(200);
    page.says("has a ledger of its own");
}

#[test]
#[cfg_attr(not(has_postgresql), ignore = "needs PostgreSQL")]
fn machines_that_share_a_ledger_are_shown_with_its_server() {
    let server = Postgres::start(&["fsync=off"]);
    prepare(&server);

    let sandbox = Sandbox::start();
    let mut site = Site::for_sandbox(&sandbox, &artifacts().twilio).unwrap();
    let url = server.url("textsender", "textsender");
    site.merge(&section(&url, "none", "30s")).unwrap();
    let served = Served::over(site, sandbox, &[]).opened();
    served.get("/fleet").says("has not sent yet");

    served
        .send_test("+447700900123", "test-1234")
        .says("accepted by");
    let page = served.get("/fleet").status(200);
    let command = page.command();
    let page = page.says("(this machine)").says("fsync is off");
    let told = served.run(command.lines().next().unwrap(), "");
    let name = told.split('\t').next().unwrap();
    page.says(name);

    server.sql(
        "textsender",
        "UPDATE textsender.decisions SET node = 'second', at = at - 172800000",
    );
    served.get("/fleet").says("second").says("not for a day");
}
