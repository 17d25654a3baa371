//! The log, one message's story and the files of both, and who wins for a user: what the commands tell, too.

use textsender_tests::harness::random_code;

use crate::served::Served;

const PHONE: &str = "+447700900123";

/// One that was accepted. From here on no response may show its number or its code.
fn sent() -> Served {
    let served = Served::ready().opened();
    let code = random_code();
    for hidden in [&*code, PHONE, "447700900123"] {
        served.hide(hidden);
    }
    served.send_test(PHONE, &code).says("accepted by");
    served
}

#[test]
fn the_log_has_a_row_for_each_decision_and_leads_to_its_story() {
    let served = sent();
    let log = served.get("/log").status(200);
    let (_, id) = log.body.split_once("/log/message?id=").unwrap();
    let id = id.split('"').next().unwrap().to_owned();
    log.says("accepted").says("+44*******123").says(&id);

    let story = served.get(&format!("/log/message?id={id}")).status(200);
    let told = served.run(&story.command(), "");
    story.says(told.lines().next().unwrap()).says("accepted");
    let none = served.get("/log/message?id=none").status(404);
    none.says("There is no message with this id");
}

#[test]
fn the_log_shows_what_is_asked_for() {
    let served = sent();
    for (query, is_there) in [
        ("outcome=accepted", true),
        ("outcome=unknown", false),
        ("sender=twilio", true),
        ("sender=another", false),
        ("policy=Everyone", true),
        ("since=1h", true),
        ("user=ada", false),
    ] {
        let log = served.get(&format!("/log?{query}")).status(200);
        assert_eq!(log.words().contains("+44*******123"), is_there, "{query}");
        let told = served.run(&log.command(), "");
        assert_eq!(told.contains("+44*******123"), is_there, "{query}: {told}");
    }
}

#[test]
fn texts_to_a_number_are_found_and_the_number_is_in_no_page() {
    let served = sent();
    served.hide("447700900124");
    for (number, is_there) in [(PHONE, true), ("+447700900124", false)] {
        let form = served
            .get("/log")
            .form_with("id=\"phone\"")
            .set("phone", number);
        let found = served.submit(&form).status(200);
        let rows = found.body.matches("/log/message?id=").count();
        assert_eq!(rows, usize::from(is_there), "{number}");
        let told = served.run(&found.command(), number);
        assert_eq!(told.contains("+44*******123"), is_there, "{told}");
    }
    let form = served
        .get("/log")
        .form_with("id=\"phone\"")
        .set("phone", "none");
    served
        .submit(&form)
        .status(409)
        .says("not a number that can be looked for");
}

#[test]
fn the_files_of_the_log_are_what_the_command_writes() {
    let served = sent();
    let command = served.get("/log").command();
    for (format, option, name) in [
        ("csv", "--csv", "textsender-log.csv"),
        ("json", "--json", "textsender-log.jsonl"),
    ] {
        let file = served.get(&format!("/log/export?since=24h&format={format}"));
        let file = file.status(200);
        let disposition = file.header("content-disposition").unwrap();
        assert_eq!(disposition, format!("attachment; filename=\"{name}\""));
        assert_eq!(file.body, served.run(&format!("{command} {option}"), ""));
        assert!(file.body.contains("+44*******123"));
    }
}

#[test]
fn who_wins_for_a_user_is_told_with_the_policies_that_lost() {
    let served = Served::ready().opened();
    let add = served.get("/policies").form("/policies/add");
    served.change(
        &add.set("name", "Staff")
            .set("region", "GB")
            .set("link", "OU=Staff,DC=example,DC=org"),
    );
    served.hide(PHONE);
    let form = served.get("/explain").form("/explain");
    for (dn, winner) in [
        ("CN=Ada,OU=Staff,DC=example,DC=org", "Staff"),
        ("CN=Ada,OU=Others,DC=example,DC=org", "Everyone"),
    ] {
        let form = form.clone().set("dn", dn).set("phone", PHONE);
        let page = served.submit(&form).status(200);
        let page = page
            .says("It would be sent by twilio")
            .says("+44*******123");
        let (_, won) = page.body.split_once("<ol><li><strong>").unwrap();
        assert!(won.starts_with(winner), "{won}");
        let told = served.run(&page.command(), PHONE);
        assert!(told.contains(winner), "{told}");
    }
    let unreadable = form.set("dn", "no DN");
    served.submit(&unreadable).status(200).says("no DN");
}
