//! *Plugins*: what can be used and why not, and approvals as the command makes them.

use std::fs;

use crate::changes::same_bytes;
use crate::page::Form;
use crate::served::Served;

fn approval_of(served: &Served, plugin: &str) -> Form {
    let path = format!("/plugins/{plugin}/approve");
    served.get("/plugins").status(200).form(&path)
}

#[test]
fn each_file_is_there_with_what_it_is_or_why_it_cannot_be_used() {
    let served = Served::ready().opened();
    let folder = served.site.plugins();
    fs::write(folder.join("libtextsender_torn.so"), "no library").unwrap();
    fs::write(folder.join("readme.txt"), "hello").unwrap();
    let page = served.get("/plugins").status(200);
    let listed = served.run(page.command().lines().next().unwrap(), "");
    let page = page
        .says("libtextsender_twilio.so")
        .says("api.twilio.com")
        .says("libtextsender_torn.so")
        .says("it is not named like a plugin");
    let words = page.words();
    for line in listed.lines() {
        let cells: Vec<&str> = line.split('\t').collect();
        assert!(words.contains(cells[2]), "{line}");
        assert!(cells[3] == "ok" || words.contains(cells[3]), "{line}");
    }
    assert!(listed.contains("it is not a shared library"), "{listed}");
}

#[test]
fn a_plugin_is_approved_as_its_command_approves_it() {
    let (page, command) = (Served::empty().opened(), Served::empty());
    page.get("/plugins").says("not approved");
    same_bytes(&page, &command, &approval_of(&page, "twilio"));
    let lock = page.site.folder().join("plugins.lock");
    let lock = fs::read_to_string(lock).unwrap();
    assert!(lock.contains("api.twilio.com"), "{lock}");
    let shown = page.get("/plugins").status(200);
    assert!(!shown.body.contains("/plugins/twilio/approve"));
}

#[test]
fn a_file_that_was_replaced_after_it_was_looked_at_is_not_approved() {
    let served = Served::ready().opened();
    let shown = served.submit(&approval_of(&served, "twilio")).status(200);
    let file = served.site.plugins().join("libtextsender_twilio.so");
    let mut bytes = fs::read(&file).unwrap();
    bytes.push(0);
    // Another file in its place: the one that is there may be shared with other tests.
    fs::remove_file(&file).unwrap();
    fs::write(&file, bytes).unwrap();
    let refused = served.submit(&shown.confirmation()).status(409);
    refused.says("the file has changed since");
    assert!(!served.site.folder().join("plugins.lock").exists());
}
