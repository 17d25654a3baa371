//! Who may send, and what is shown.

#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn credentials_are_checked_first_and_belong_to_one_account() {
    let sandbox = Sandbox::start();
    let other = MESSAGES.replace("0001/", "0009/");
    let cases = [
        (MESSAGES, ACCOUNT_SID, AUTH_TOKEN, 400, 21604),
        (MESSAGES, API_KEY_SID, API_KEY_SECRET, 400, 21604),
        (MESSAGES, ACCOUNT_SID, "wrong", 401, 20003),
        (MESSAGES, API_KEY_SID, AUTH_TOKEN, 401, 20003),
        (
            MESSAGES,
            "AC00000000000000000000000000000009",
            AUTH_TOKEN,
            401,
            20003,
        ),
        (&other, ACCOUNT_SID, AUTH_TOKEN, 401, 20003),
        (MESSAGES, TEST_ACCOUNT_SID, TEST_AUTH_TOKEN, 401, 20003),
        (
            "/2010-04-01/Accounts/AC00000000000000000000000000020005/Messages.json",
            "AC00000000000000000000000000020005",
            AUTH_TOKEN,
            403,
            20005,
        ),
        (
            "/2010-04-01/Accounts/AC00000000000000000000000000020006/Messages.json",
            "AC00000000000000000000000000020006",
            AUTH_TOKEN,
            403,
            20006,
        ),
    ];
    for (path, user, password, status, code) in cases {
        let reply = ask(&sandbox, "POST", path, (user, password), "");
        assert_eq!(
            (reply.status, reply.json()["code"].clone()),
            (status, json!(code)),
            "{user} {path}"
        );
    }
    let bytes = request("POST", MESSAGES, &[FORM], "");
    let reply = Client::new(sandbox.twilio().address()).ask(&bytes).unwrap();
    assert_eq!(
        (reply.status, reply.json()["message"].clone()),
        (401, json!("Authenticate"))
    );
    assert!(reply.header("www-authenticate").is_some());

    sandbox.twilio().set_auth_token("rotated");
    assert_eq!(post(&sandbox, "").status, 401);
    assert_eq!(
        ask(&sandbox, "POST", MESSAGES, (ACCOUNT_SID, "rotated"), "").status,
        400
    );
}

#[test]
fn test_credentials_post_without_delivery_and_do_nothing_else() {
    let sandbox = Sandbox::start();
    let credentials = (TEST_ACCOUNT_SID, TEST_AUTH_TOKEN);
    let messages = format!("/2010-04-01/Accounts/{TEST_ACCOUNT_SID}/Messages.json");
    let account = format!("/2010-04-01/Accounts/{TEST_ACCOUNT_SID}.json");
    let service = format!("To=%2B447700900123&Body=hi&MessagingServiceSid={MESSAGING_SERVICE_SID}");
    for (method, path, body, status) in [
        (
            "POST",
            &messages,
            "To=%2B447700900123&From=%2B15005550006&Body=hi",
            201,
        ),
        (
            "POST",
            &messages,
            "To=%2B447700900123&From=%2B447700900100&Body=hi",
            400,
        ),
        ("POST", &messages, &service, 403),
        ("GET", &messages, "", 403),
        ("GET", &account, "", 403),
    ] {
        assert_eq!(
            ask(&sandbox, method, path, credentials, body).status,
            status,
            "{method} {path} {body}"
        );
    }
    assert_eq!(sandbox.texts(), []);
}

#[test]
fn resources_are_found_or_404() {
    let sandbox = Sandbox::start();
    let account = format!("/2010-04-01/Accounts/{ACCOUNT_SID}");
    for (method, target, status, code) in [
        (
            "GET",
            format!("{account}/Messages/SM00000000000000000000000000000000.json"),
            404,
            json!(20404),
        ),
        ("GET", format!("{account}/Calls.json"), 404, json!(20404)),
        ("GET", "/".to_owned(), 404, json!(20404)),
        ("PUT", format!("{account}/Messages.json"), 405, json!(20004)),
        ("GET", format!("{account}.json"), 200, Value::Null),
    ] {
        let reply = ask(&sandbox, method, &target, (ACCOUNT_SID, AUTH_TOKEN), "");
        assert_eq!(
            (reply.status, reply.json()["code"].clone()),
            (status, code),
            "{method} {target}"
        );
    }
    let key = ask(
        &sandbox,
        "GET",
        &format!("{account}.json"),
        (API_KEY_SID, API_KEY_SECRET),
        "",
    );
    assert_eq!(
        (key.status, key.json()["code"].clone()),
        (401, json!(20003))
    );
    let body = get(&sandbox, &format!("{account}.json")).json();
    assert_eq!(
        (body["sid"].clone(), body["status"].clone()),
        (json!(ACCOUNT_SID), json!("active"))
    );
}

#[test]
fn the_list_filters_by_number_and_time_newest_first() {
    let sandbox = Sandbox::start();
    for (to, body) in [
        ("%2B447700900123", "one"),
        ("%2B447700900456", "two"),
        ("%2B447700900123", "three"),
    ] {
        assert_eq!(
            post(
                &sandbox,
                &format!("To={to}&From=%2B447700900100&Body={body}")
            )
            .status,
            201
        );
    }
    let bodies = |query: &str| -> Vec<String> {
        let page = get(&sandbox, &format!("{MESSAGES}?{query}")).json();
        let messages = page["messages"].as_array().unwrap();
        messages
            .iter()
            .map(|message| message["body"].as_str().unwrap().to_owned())
            .collect()
    };
    let today = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
    assert_eq!(bodies(""), ["three", "two", "one"]);
    assert_eq!(bodies("To=%2B447700900123"), ["three", "one"]);
    assert_eq!(bodies("To=%2B447700900123&PageSize=1&Page=1"), ["one"]);
    assert_eq!(bodies("From=%2B15005550006"), [""; 0]);
    assert_eq!(bodies("To=%2B447700900456&DateSent%3E=2026-01-01"), ["two"]);
    assert_eq!(bodies("DateSent%3E=2999-01-01T00:00:00Z"), [""; 0]);
    assert_eq!(bodies("DateSent%3C=2020-01-01"), [""; 0]);
    assert_eq!(bodies(&format!("DateSent={today}")).len(), 3);
}

#[test]
fn a_message_can_fail_later() {
    let sandbox = Sandbox::start();
    let sid = |reply: Reply| reply.json()["sid"].as_str().unwrap().to_owned();
    let fate = |sid: &str| {
        let body = get(
            &sandbox,
            &format!("/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/{sid}.json"),
        )
        .json();
        (body["status"].clone(), body["error_code"].clone())
    };
    for (number, code) in errors::LATER {
        let number = number.replace('+', "%2B");
        let sid = sid(post(
            &sandbox,
            &format!("To={number}&From=%2B447700900100&Body=hi"),
        ));
        assert_eq!(fate(&sid), (json!("undelivered"), json!(code)), "{number}");
    }
    let sid = sid(post(
        &sandbox,
        "To=%2B447700900123&From=%2B447700900100&Body=hi",
    ));
    assert!(sandbox.twilio().set_status(&sid, "failed", Some(30036)));
    assert_eq!(fate(&sid), (json!("failed"), json!(30036)));
    assert!(!sandbox.twilio().set_status("SM0", "failed", None));
}

#[test]
fn requests_are_kept_as_the_client_wrote_them() {
    let sandbox = Sandbox::start();
    post(
        &sandbox,
        "To=%2B447700900123&From=%2B447700900100&Body=a+b%20c",
    );
    let requests = sandbox.requests();
    let request = &requests[0];
    assert_eq!(
        (request.provider(), request.method(), request.path()),
        (Provider::Twilio, "POST", MESSAGES)
    );
    assert_eq!(request.form()[2], ("Body".to_owned(), "a b c".to_owned()));
    assert_eq!(request.header("CONTENT-TYPE"), Some(FORM.1));
    assert!(!request.is_secure());
    sandbox.forget();
    assert!(sandbox.requests().is_empty() && sandbox.texts().is_empty());
}
