//! What Notify shows of notifications and templates.

#![allow(clippy::unwrap_used)]

use super::*;

#[test]
fn notifications_are_found_by_id_and_reference() {
    let sandbox = Sandbox::start();
    let other = Service::new("5e41ce00-0000-4000-8000-00000000000c")
        .key("5ec2e700-0000-4000-8000-00000000000d", KeyKind::Live);
    sandbox.notify().add_service(other);
    let other_key = "n-5e41ce00-0000-4000-8000-00000000000c-5ec2e700-0000-4000-8000-00000000000d";
    let ids: Vec<String> = ["r1", "r2", "r1"]
        .iter()
        .map(|reference| {
            post(&sandbox, &with(json!({ "reference": reference }))).json()["id"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    let list = |query: &str| -> Vec<String> {
        let body = get(&sandbox, API_KEY, &format!("/v2/notifications{query}")).json();
        body["notifications"]
            .as_array()
            .unwrap()
            .iter()
            .map(|sent| sent["id"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        list("?reference=r1&template_type=sms"),
        [ids[2].as_str(), &ids[0]]
    );
    assert_eq!(list("?reference=r3"), [""; 0]);
    assert_eq!(list("?template_type=email"), [""; 0]);
    assert_eq!(
        list(&format!("?older_than={}", ids[2])),
        [ids[1].as_str(), &ids[0]]
    );
    assert_eq!(list("?status=delivered").len(), 3);
    let links = get(&sandbox, API_KEY, "/v2/notifications?reference=r2").json()["links"].clone();
    assert_eq!(
        links,
        json!({
            "current": "http://127.0.0.1/v2/notifications?reference=r2",
            "next": format!("http://127.0.0.1/v2/notifications?reference=r2&older_than={}", ids[1]),
        })
    );

    let found = get(&sandbox, API_KEY, &format!("/v2/notifications/{}", ids[0])).json();
    let facts =
        ["body", "phone_number", "reference", "status", "type"].map(|name| found[name].clone());
    assert_eq!(
        facts,
        [
            "Your verification code is 123456.",
            "+447700900123",
            "r1",
            "delivered",
            "sms"
        ]
    );

    let bad_status = "status elephant is not one of [cancelled, created, sending, sent, delivered, pending, failed, technical-failure, temporary-failure, permanent-failure, pending-virus-check, validation-failed, virus-scan-failed, returned-letter, accepted, received]";
    for (key, target, expected) in [
        (
            API_KEY,
            "/v2/notifications/f95a500e-43e6-4101-992f-f1672caddbac".to_owned(),
            one(404, "NoResultFound", "No result found"),
        ),
        (
            other_key,
            format!("/v2/notifications/{}", ids[0]),
            one(404, "NoResultFound", "No result found"),
        ),
        (
            API_KEY,
            "/v2/notifications/xyz".to_owned(),
            one(
                400,
                "ValidationError",
                "notification_id is not a valid UUID",
            ),
        ),
        (
            API_KEY,
            "/v2/notifications?status=elephant".to_owned(),
            one(400, "ValidationError", bad_status),
        ),
    ] {
        assert_eq!(errors(&get(&sandbox, key, &target)), expected, "{target}");
    }
}

#[test]
fn templates_are_shown_and_previewed() {
    let sandbox = Sandbox::start();
    let path = format!("/v2/template/{CODE_TEMPLATE_ID}");
    let template = get(&sandbox, API_KEY, &path).json();
    assert_eq!(
        (&template["body"], &template["personalisation"]),
        (
            &json!("Your verification code is ((code))."),
            &json!({ "code": { "required": true } })
        )
    );
    assert_eq!(
        get(&sandbox, API_KEY, &format!("{path}/version/1")).json(),
        template
    );
    let list = get(&sandbox, API_KEY, "/v2/templates?type=sms").json();
    assert_eq!(
        (
            list["templates"][0].clone(),
            list["templates"].as_array().unwrap().len()
        ),
        (template, 3)
    );
    assert_eq!(
        get(&sandbox, API_KEY, "/v2/templates?type=email").json(),
        json!({ "templates": [] })
    );

    let preview = |body: Value| {
        send(
            &sandbox,
            "POST",
            &format!("{path}/preview"),
            Some(&bearer(API_KEY)),
            &body.to_string(),
        )
    };
    assert_eq!(
        preview(json!({ "personalisation": { "code": "1" } })).json(),
        json!({ "body": "Your verification code is 1.", "html": null, "id": CODE_TEMPLATE_ID, "postage": null, "subject": null, "type": "sms", "version": 1 })
    );
    assert_eq!(
        errors(&preview(json!({}))),
        one(400, "BadRequestError", "Missing personalisation: code")
    );
    assert_eq!(
        errors(&get(&sandbox, API_KEY, "/v2/template/x")),
        one(400, "ValidationError", "id is not a valid UUID")
    );
    assert_eq!(
        get(
            &sandbox,
            API_KEY,
            "/v2/template/7e3b1a7e-0000-4000-8000-00000000000f"
        )
        .status,
        404
    );
}

#[test]
fn unknown_paths_and_methods_have_a_shape_of_their_own() {
    let sandbox = Sandbox::start();
    for (method, target, status) in [
        ("GET", "/v2/nothing", 404),
        ("GET", "/", 404),
        ("PUT", SMS, 405),
        ("DELETE", "/v2/templates", 405),
    ] {
        let reply = send(&sandbox, method, target, None, "");
        assert_eq!(
            (reply.status, &reply.json()["result"]),
            (status, &json!("error")),
            "{method} {target}"
        );
    }
    let reply = send(&sandbox, "PUT", SMS, None, "");
    assert_eq!(
        (reply.header("content-type"), reply.header("allow")),
        (
            Some("text/html; charset=utf-8"),
            Some("OPTIONS, POST, HEAD, GET")
        )
    );
}
