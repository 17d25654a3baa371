//! Changes: the same bytes as by command, shown before they are made, and lost to no one.

use std::fs;
use std::thread;

use textsender_tests::sandbox::{notify, twilio};

use crate::page::Form;
use crate::served::Served;

/// Makes a change on a page of one installation, and runs the command that the page shows over its twin.
#[track_caller]
pub fn same_bytes(by_page: &Served, by_command: &Served, form: &Form) {
    let (shown, saved) = by_page.change(form);
    assert_eq!(shown.command(), saved.command(), "before and after");
    let folder = |served: &Served| served.site.folder().display().to_string();
    let command = shown
        .command()
        .replace(&folder(by_page), &folder(by_command));
    by_command.run(&command, "");
    same_files(by_page, by_command);
}

#[track_caller]
fn same_files(one: &Served, other: &Served) {
    // Each has a sandbox of its own.
    let urls = [one, other].map(|served| served.sandbox.twilio().url());
    let files = |served: &Served| {
        let folder = served.site.folder().to_owned();
        let shown = folder.display().to_string();
        let all = served.files().into_iter();
        all.map(|(path, text)| {
            let name = path.strip_prefix(&folder).unwrap().to_owned();
            let text = text.replace(&shown, "FOLDER");
            (name, text.replace(&urls[0], "URL").replace(&urls[1], "URL"))
        })
        .collect::<Vec<_>>()
    };
    assert_eq!(files(one), files(other));
}

#[test]
fn what_a_page_writes_is_what_its_command_writes_to_the_byte() {
    let (page, command) = (Served::empty().opened(), Served::empty());
    let same = |form: Form| same_bytes(&page, &command, &form);
    let base_url = page.sandbox.twilio().url();

    for (name, plugin) in [
        ("twilio", "twilio"),
        ("notify", "govuk-notify"),
        ("gateway", "email-gateway"),
    ] {
        let form = page.get("/senders").form("/senders/add");
        same(form.set("name", name).set("plugin", plugin));
    }
    let form = page.get("/senders/twilio").form("/senders/twilio");
    same(
        form.set("set.account_sid", twilio::ACCOUNT_SID)
            .set("set.from", twilio::FROM_NUMBER)
            .set("set.base_url", &base_url),
    );
    // One is taken out while another is set.
    let form = page.get("/senders/twilio").form("/senders/twilio");
    same(
        form.set("set.base_url", "")
            .set("set.from", "+447700900101"),
    );
    let form = page.get("/senders/notify").form("/senders/notify");
    let mut form = form.set("set.template_id", notify::CODE_TEMPLATE_ID);
    form.fields
        .retain(|(name, _)| !name.ends_with(".personalisation"));
    form.fields
        .push(("key.personalisation".to_owned(), "code".to_owned()));
    form.fields
        .push(("value.personalisation".to_owned(), "%code%".to_owned()));
    same(form);
    let form = page.get("/senders/gateway").form("/senders/gateway");
    same(
        form.set("set.server", "smtp.example.com")
            .set("set.from", "resets@example.com")
            .set("set.to", "%digits%@sms.example.com"),
    );

    let form = page.get("/policies").form("/policies/add");
    same(form.set("name", "Everyone").set("region", "GB"));
    let form = page.get("/text?policy=Everyone").form("/text");
    same(
        form.set("sender", "gateway")
            .set("text", "It's %code%, \"Ada\" & co.\r\nSecond line"),
    );
    // Before it had a sender, this was a fault.
    let form = page.get("/policies").form("/policies/default");
    same(form.set("policy", "Everyone"));
    let form = page.get("/text?policy=Everyone&locale=cy").form("/text");
    same(form.set("text", "Rhowch y cod hwn: %code%"));
    let form = page.get("/text?helpdesk=new_password").form("/text");
    same(form.set("text", "Your new password is %password%"));
    let form = page.get("/helpdesk").form("/helpdesk/sender");
    same(form.set("sender", "gateway"));
}

#[test]
fn a_secret_is_stored_as_its_command_stores_it_and_never_shown() {
    let (page, command) = (Served::ready().opened(), Served::ready());
    let secret = "0123456789abcdef0123456789abcdef";
    page.hide(secret);
    let path = "/senders/twilio/secret/auth_token";
    let form = page
        .get(path)
        .form(path)
        .set("secret", &format!(" \"{secret}\" "));
    let saved = page
        .submit_and_follow(&form)
        .says("Replaced the Auth Token")
        .says("Taken off");
    let folder = |served: &Served| served.site.folder().display().to_string();
    let shown = saved.command().replace(&folder(&page), &folder(&command));
    command.run(&shown, secret);
    let stored = |served: &Served| {
        fs::read_to_string(served.site.state().join("secrets/twilio.auth_token")).unwrap()
    };
    assert_eq!(stored(&page), secret);
    assert_eq!(stored(&page), stored(&command));

    let wrong = page
        .get(path)
        .form(path)
        .set("secret", "not-the-form-of-one");
    page.hide("not-the-form-of-one");
    page.submit(&wrong).status(409).says("form of auth_token");
    assert_eq!(stored(&page), secret);
}

#[test]
fn nothing_is_written_before_it_is_confirmed() {
    let served = Served::ready().opened();
    let before = served.files();
    let form = served.get("/text?policy=Everyone").form("/text");
    let form = form.set("text", "Another text: %code%");
    let shown = served.submit(&form).status(200);
    shown
        .says("+ text = \"Another text: %code%\"")
        .says("- text");
    assert_eq!(served.files(), before);
}

#[test]
fn a_change_of_what_changed_meanwhile_is_refused_with_a_fresh_view() {
    let served = Served::ready().opened();
    let form = served.get("/text?policy=Everyone").form("/text");
    let form = form.set("text", "By the page: %code%");
    let shown = served.submit(&form).status(200);
    let policy = served.site.policies().join("everyone.toml");
    let text = fs::read_to_string(&policy).unwrap();
    let text = text.replace("Your verification code", "By hand, the code");
    fs::write(&policy, &text).unwrap();

    for form in [&shown.confirmation(), &form] {
        let reply = served.submit(form).status(409);
        let fresh = reply.says("was changed elsewhere").form("/text");
        let seen = |form: &Form| form.fields.iter().find(|(name, _)| name == "seen").cloned();
        assert_ne!(seen(&fresh), seen(form));
    }
    assert_eq!(
        fs::read_to_string(&policy).unwrap(),
        text,
        "nothing is lost"
    );
    // With the fresh view it can be made.
    let form = served.get("/text?policy=Everyone").form("/text");
    served.change(&form.set("text", "By the page: %code%"));
}

#[test]
fn of_two_at_once_one_is_made_and_the_other_told() {
    let served = Served::ready().opened();
    let shown: Vec<Form> = ["One: %code%", "Two: %code%"]
        .map(|text| {
            let form = served.get("/text?policy=Everyone").form("/text");
            served.submit(&form.set("text", text)).confirmation()
        })
        .into();
    let mut statuses: Vec<u16> = shown
        .iter()
        .map(|form| served.submit(form).status)
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 409]);
}

#[test]
fn of_two_consoles_on_one_file_the_later_one_is_told_and_loses_nothing() {
    let one = Served::ready().opened();
    let other = one.beside().opened();
    let shown = |served: &Served, text: &str| {
        let form = served.get("/text?policy=Everyone").form("/text");
        served
            .submit(&form.set("text", text))
            .status(200)
            .confirmation()
    };
    let (first, second) = (shown(&one, "One: %code%"), shown(&other, "Two: %code%"));
    one.submit(&first).status(303);
    let after = one.files();
    let refused = other.submit(&second).status(409);
    refused.says("was changed elsewhere");
    assert_eq!(one.files(), after);
    let again = shown(&other, "Two: %code%");
    other.submit(&again).status(303);
}

#[test]
fn a_doubled_submit_makes_one_change() {
    let served = Served::ready().opened();
    let form = served.get("/senders").form("/senders/add");
    let form = form.set("name", "second").set("plugin", "twilio");
    let confirmation = served.submit(&form).status(200).confirmation();
    let requests: Vec<_> = (0..4)
        .map(|_| (served.post_headers(), confirmation.body()))
        .collect();
    let port = served.port();
    let locations: Vec<_> = thread::scope(|scope| {
        let sent = requests.iter().map(|(headers, body)| {
            scope.spawn(move || crate::served::send(port, "POST", "/senders/add", headers, body))
        });
        let sent: Vec<_> = sent.collect();
        sent.into_iter()
            .map(|thread| thread.join().unwrap().status(303))
            .map(|reply| reply.header("location").unwrap().to_owned())
            .collect()
    });
    assert!(locations.iter().all(|location| *location == locations[0]));
    let config = fs::read_to_string(served.site.config_file()).unwrap();
    assert_eq!(config.matches("[senders.second]").count(), 1);
    served
        .get(&locations[0])
        .status(200)
        .says("Added the sender second");
}

#[test]
fn an_edit_that_would_break_sending_is_shown_and_made_only_if_wanted() {
    let served = Served::ready().opened();
    let before = served.files();
    let form = served.get("/text?policy=Everyone").form("/text");
    let bad = form.clone().set("text", "No placeholder at all");
    served
        .submit(&bad)
        .status(409)
        .says("%code%")
        .says("No placeholder at all");
    assert_eq!(served.files(), before);

    // A number that is none is a fault of a sender that is used.
    let form = served.get("/senders/twilio").form("/senders/twilio");
    let shown = served.submit(&form.set("set.account_sid", "")).status(422);
    let shown = shown
        .says("The result would have these faults")
        .says("--force");
    assert_eq!(served.files(), before);
    served.submit_and_follow(&shown.confirmation()).says("Done");
    assert_ne!(served.files(), before);
}

#[test]
fn a_field_that_is_left_out_of_a_form_changes_nothing() {
    let served = Served::ready().opened();
    let before = served.files();
    let mut form = served.get("/senders/twilio").form("/senders/twilio");
    form.fields.retain(|(name, _)| !name.starts_with("set."));
    served.submit(&form).status(409).says("Nothing differs");
    assert_eq!(served.files(), before);
}
