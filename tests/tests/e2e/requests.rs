//! Requests that are wrong, large or slow, and those that policy forbids. Nothing of them is sent.

use std::fs::File;
use std::io::{self, Write};

use serde_json::{Value, json};
use textsender_tests::harness::{Run, Test, each, random_code, wait_for};

/// A request as somebody wrote it; `CODE` stands for a code, `OK` for the user of a good request.
fn raw(text: &str) -> Test {
    let test = Test::new();
    let user = r#""user":{"phone":"+447700900123"}"#;
    let text = text.replace("CODE", test.code()).replace("OK", user);
    test.stdin(text)
}

fn invalid(run: &Run, code: &str, words: &str) {
    run.outcome("invalid").error(code).says(words).requests(0);
}

#[test]
fn a_request_that_is_wrong_is_answered_with_the_field() {
    let cases = [
        ("", "bad_json", "it ends too early, at line 1, column 0"),
        (
            r#"{"purpose":"#,
            "bad_json",
            "it ends too early, at line 1, column 11",
        ),
        ("{\n  \"code\": 'CODE' }", "bad_json", "at line 2, column "),
        (
            r#"{OK,"purpose":"test","code":"CODE"} {}"#,
            "bad_json",
            "column ",
        ),
        (
            r#"[{"purpose":"test"}]"#,
            "bad_field",
            "the request: expected an object",
        ),
        (r#"{"purpos":"test"}"#, "unknown_field", ": purpos"),
        (
            r#"{"purpose":"test","code":"CODE","user":{"fone":"1"}}"#,
            "unknown_field",
            ": user.fone",
        ),
        (
            r#"{"code":"CODE","purpose":"test","code":"CODE"}"#,
            "duplicate_field",
            ": code",
        ),
        (
            r#"{"user":{"phone":"+447700900123","phone":"+447700900123"}}"#,
            "duplicate_field",
            ": user.phone",
        ),
        (
            r#"{"code":918273645546372819,OK}"#,
            "bad_field",
            "code: put it in quotes: a number loses leading zeros",
        ),
        (
            r#"{"user":{"phone":447700900123}}"#,
            "bad_field",
            "user.phone: put it in quotes",
        ),
        (
            r#"{"user":null,"purpose":"test","code":"CODE"}"#,
            "missing_field",
            ": user",
        ),
        (
            r#"{"purpose":"test","code":"CODE","user":{}}"#,
            "missing_field",
            ": user.phone",
        ),
        (
            r#"{"purpose":"test","code":"CODE","user":{"phone":""}}"#,
            "missing_field",
            ": user.phone",
        ),
        (r#"{OK,"code":"CODE"}"#, "missing_field", ": purpose"),
        (r#"{OK,"purpose":"test"}"#, "missing_field", ": code"),
        (
            r#"{OK,"purpose":"new_password"}"#,
            "missing_field",
            ": password",
        ),
        (
            r#"{OK,"purpose":"new_password","code":"CODE"}"#,
            "bad_field",
            "code: new_password carries a password",
        ),
        (
            r#"{OK,"purpose":"test","code":"CODE\n"}"#,
            "bad_field",
            "code: expected 4 to 64 printable characters",
        ),
        (
            r#"{OK,"purpose":"gossip","code":"CODE"}"#,
            "bad_field",
            "purpose: expected ",
        ),
        (
            r#"{OK,"purpose":"test","code":"CODE","version":2}"#,
            "unsupported_version",
            ": 2",
        ),
        (
            r#"{OK,"purpose":"test","code":"CODE","id":"a b"}"#,
            "bad_field",
            "id: expected 1 to 128",
        ),
        (
            r#"{OK,"purpose":"test","code":"CODE","expires_in":-1}"#,
            "bad_field",
            "expires_in: expected ",
        ),
        (
            r#"{OK,"purpose":"test","code":"CODE","expires_at":"soon"}"#,
            "bad_field",
            "expires_at: expected a time",
        ),
        (
            r#"{OK,"purpose":"test","code":"CODE","sender":"nobody"}"#,
            "bad_field",
            "there is no sender \"nobody\"",
        ),
        (
            r#"{OK,"purpose":"verification_code","code":"CODE","sender":"twilio"}"#,
            "bad_field",
            "sender: only a test may name its sender",
        ),
        (
            r#"{"purpose":"test","code":"CODE","user":{"phone":"+447700900123","dn":"not a name"}}"#,
            "bad_field",
            "user.dn is not a distinguished name",
        ),
    ];
    each(cases, |(text, code, words)| {
        invalid(&raw(text).run(), code, words);
    });
    let bytes = [br#"{"purpose":"test","code":""#.as_slice(), b"\xff\"}"].concat();
    invalid(
        &Test::new().stdin(bytes).run(),
        "bad_json",
        "byte 27 is not UTF-8",
    );
}

#[test]
fn a_wrong_request_keeps_its_id() {
    raw(r#"{OK,"purpose":"test","code":"CODE","id":"5f0c-1","version":2}"#)
        .run()
        .outcome("invalid")
        .has("/id", "5f0c-1");
}

#[test]
fn a_number_that_is_none_is_invalid_and_not_repeated() {
    each(
        [
            "12",
            "+44 7700 900123 ext. 5",
            "+44770090012",
            "0800 FLOWERS",
            "+447700900123, +447700900124",
        ],
        |phone| {
            let run = Test::new()
                .with(json!({ "user": { "phone": phone } }))
                .run();
            invalid(&run, "invalid_number", "user.phone is not a phone number: ");
        },
    );
}

#[test]
fn what_editors_and_windows_add_is_fine() {
    let text = "\u{feff}\r\n\r\n{OK,\r\n\"purpose\":\"verification_code\",\"event\":\"reset\",\r\n\"code\":\"CODE\"}\r\n\r\n";
    raw(text).run().outcome("accepted").texts(1);
}

#[test]
fn a_request_may_take_one_mebibyte_and_no_more() {
    const MOST: usize = 1024 * 1024;
    let padded = |length: usize| {
        let test = raw("");
        let mut text = json!({
            "purpose": "verification_code",
            "event": "reset",
            "user": { "phone": "+447700900123" },
            "code": test.code(),
        })
        .to_string();
        text.push_str(&" ".repeat(length - text.len()));
        test.stdin(text)
    };
    padded(MOST).run().outcome("accepted").texts(1);
    invalid(&padded(MOST + 1).run(), "too_large", "more than 1 MiB");
    invalid(
        &padded(MOST * 11 / 10).run(),
        "too_large",
        "more than 1 MiB",
    );
}

#[test]
fn a_user_may_be_in_4096_groups() {
    let groups = |count| vec![Value::from("S-1-5-21-1-2-3-513"); count];
    let with = |count| {
        Test::new()
            .with(json!({ "user": { "groups": groups(count) } }))
            .run()
    };
    with(4096).outcome("accepted").texts(1);
    invalid(&with(4097), "too_large", "more than 4,096 groups");
}

#[test]
fn a_request_may_come_slowly() {
    let code = random_code();
    let request = json!({
        "purpose": "verification_code",
        "event": "reset",
        "user": { "phone": "+447700900123" },
        "code": code,
    })
    .to_string();
    let mut running = Test::new().start_silent();
    for part in request.as_bytes().chunks(40) {
        running.write(part);
        running.wait_until_read();
    }
    let run = running.finish();
    run.outcome("accepted")
        .text(&format!("Your verification code is {code}"));
}

#[test]
fn nobody_who_reads_the_response_is_told_by_the_exit_code() {
    let (reader, writer) = io::pipe().unwrap();
    drop(reader);
    let full = File::options().write(true).open("/dev/full").unwrap();
    for test in [Test::new().stdout(writer), Test::new().stdout(full)] {
        let run = test.run();
        // 76 is `unknown`: what a caller relies on without a response.
        run.exit(76).texts(1);
        assert!(!run.stderr.contains("panicked"), "{run}");
    }
}

#[test]
fn a_region_that_the_policy_leaves_out_is_refused() {
    let to = |phone: &str| {
        Test::new()
            .with(json!({ "user": { "phone": phone } }))
            .run()
    };
    to("+33639980123")
        .outcome("refused")
        .error("region_not_allowed")
        .says("the number belongs to FR")
        .has("/recipient", "+33******123")
        .requests(0);
    // The number looks American, and is Jamaican.
    to("+18765550123")
        .outcome("refused")
        .error("region_not_allowed")
        .says("JM");
    to("+12015550123").outcome("accepted").texts(1);
}

#[test]
fn a_number_that_pays_its_holder_is_refused_unless_policy_allows_its_kind() {
    let premium = || Test::new().with(json!({ "user": { "phone": "+449012345678" } }));
    premium()
        .run()
        .outcome("refused")
        .error("kind_not_allowed")
        .says("premium")
        .requests(0);
    let allowed = r#"
        name = "Everyone"
        region = "GB"
        kinds = ["premium"]
        [verification_code]
        text = "%code%"
        "#;
    premium().policy(allowed).run().outcome("accepted").texts(1);
}

#[test]
fn a_new_password_has_to_be_switched_on() {
    Test::new()
        .with(json!({ "purpose": "new_password", "code": null, "password": random_code() }))
        .config("[helpdesk]\nnew_password = false")
        .run()
        .outcome("refused")
        .error("purpose_off")
        .says("switch it on with: textsender helpdesk enable new_password")
        .requests(0);
}

#[test]
fn without_a_policy_nothing_is_sent() {
    let none = || Test::new().change(|site| site.unset("defaults.policy").unwrap());
    none()
        .run()
        .outcome("refused")
        .error("no_policy")
        .says("the request has no user.dn and no default policy is set")
        .requests(0);
    none()
        .with(json!({ "user": { "dn": "CN=Ada,OU=Staff,DC=example,DC=org" } }))
        .run()
        .outcome("refused")
        .error("no_policy")
        .says("no policy applies to this user");
}

#[test]
fn an_event_that_the_policy_does_not_name_is_refused() {
    let only_enroll = r#"
        name = "Everyone"
        region = "GB"
        events = ["enroll"]
        [verification_code]
        text = "%code%"
        "#;
    let test = || Test::new().policy(only_enroll);
    test()
        .run()
        .outcome("refused")
        .error("event_off")
        .says("the event reset")
        .requests(0);
    test()
        .with(json!({ "event": null }))
        .run()
        .outcome("refused")
        .error("event_off")
        .says("send \"event\"");
    test()
        .with(json!({ "event": "enroll" }))
        .run()
        .outcome("accepted");
}

#[test]
fn a_text_longer_than_the_policy_allows_is_not_sent() {
    Test::new()
        .verification_code("max_segments = 1")
        .with(json!({ "code": format!("{}{}", random_code(), "語".repeat(52)) }))
        .run()
        .outcome("misconfigured")
        .error("bad_text")
        .requests(0);
}

/// Callers share descriptors with what they start: one whose pipes do not block hands over such a one.
#[test]
fn standard_input_that_does_not_block_is_waited_for() {
    let test = Test::new();
    let request = test.request_json();
    let (reader, mut writer) = io::pipe().unwrap();
    rustix::io::ioctl_fionbio(&reader, true).unwrap();
    let shared = reader.try_clone().unwrap();
    let running = test.stdin_from(reader).start_silent();
    let (begin, end) = request.as_bytes().split_at(20);
    writer.write_all(begin).unwrap();
    // It comes back for more, and there is none yet.
    wait_for("the beginning to be read", || {
        let unread = rustix::io::ioctl_fionread(&shared).unwrap();
        (unread == 0).then_some(())
    });
    writer.write_all(end).unwrap();
    drop(writer);
    running.wait_for_end().outcome("accepted").texts(1);
}

#[test]
fn standard_input_that_never_ends_is_waited_for_as_long_as_a_message_may_take() {
    let test = Test::new().config("[send]\ntimeout = \"2s\"");
    let request = test.request_json();
    let mut running = test.start_silent();
    running.write(request.as_bytes());
    let run = running.wait_for_end();
    invalid(&run, "input_timeout", "its end did not come in 2s");
}

#[test]
fn the_id_of_a_wrong_request_is_told_after_a_byte_order_mark_too() {
    let run = raw("\u{feff}{\"id\":\"5f0c-9\",\"purpos\":\"test\"}").run();
    run.outcome("invalid").has("/id", "5f0c-9");
}

#[test]
fn a_message_may_stand_in_arguments_and_its_code_alone_on_standard_input() {
    let args = [
        "--phone",
        "+447700900123",
        "--code",
        "-",
        "--id",
        "5f0c-1",
        "--event",
        "reset",
        // As `explain` calls it.
        "--user-dn",
        "CN=Ada,DC=example,DC=org",
    ];
    each(["CODE\n", "CODE", "\u{feff}CODE\r\n"], |written| {
        let test = Test::new().args(args);
        let code = test.code().to_owned();
        let run = test.stdin(written.replace("CODE", &code)).run();
        run.outcome("accepted").has("/id", "5f0c-1");
        run.text(&format!("Your verification code is {code}"));
    });

    // The code is no argument, and a message stands in one place.
    for wrong in [["--code", "beK989vc"], ["--code", "-"], ["--id", "5f0c-1"]] {
        Test::new().args(wrong).run().exit(2);
    }
    let run = Test::new().args(args).stdin("").run();
    run.outcome("invalid").error("bad_field").says("code");
}

#[test]
fn information_needs_no_json_and_no_standard_input() {
    let to = ["send", "--phone", "+447700900123"];
    let words = "opening hours are 9 to 5";
    each([&["--purpose", "information"][..], &[]], |purpose| {
        let args = [&to, purpose, &["--message", words]].concat();
        // Standard input stays open, with nothing on it.
        let run = information().command(args).start_silent().wait_for_end();
        run.outcome("accepted").text(&format!("News: {words}"));
    });
    let code = [&to[..], &["--purpose", "information", "--code", "-"]].concat();
    let run = information().stdin("beK989vc").command(code).run();
    run.outcome("invalid").error("bad_field").says("code");
    let both = ["--message", words, "--purpose", "verification_code"];
    let run = information().command([&to[..], &both].concat()).run();
    run.outcome("invalid").error("bad_field").says("message");
    let both = [&to[..], &["--message", words, "--code", "-"]].concat();
    information().command(both).run().exit(2);
}

/// A policy that sends information, and a request for it.
fn information() -> Test {
    let policy = "name = \"Everyone\"\nregion = \"GB\"\n\
                  [verification_code]\ntext = \"%code%\"\n\
                  [information]\ntext = \"News: %message|your password was changed%\"\n";
    Test::new().policy(policy).request(json!({
        "id": "5f0c-1",
        "purpose": "information",
        "user": { "phone": "+447700900123" },
    }))
}

#[test]
fn information_carries_no_code_and_is_off_until_a_policy_has_a_text() {
    let run = information().run();
    run.outcome("accepted").texts(1);
    let text = run.sandbox().texts().pop().unwrap();
    assert_eq!(text.body, "News: your password was changed");
    let again = run
        .test()
        .beside()
        .with(json!({ "message": "other words" }));
    again.run().outcome("invalid").error("id_reused").texts(1);

    let request = json!({ "purpose": "information", "user": { "phone": "+447700900123" } });
    let off = Test::new()
        .with(json!({ "code": null }))
        .with(request)
        .run();
    off.outcome("refused")
        .error("purpose_off")
        .says("add [information]")
        .requests(0);
}
