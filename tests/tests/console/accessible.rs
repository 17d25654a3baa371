//! WCAG 2.2 AA on every page and error state, by axe-core; narrow and wide; with the system's own colours.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::browser::{Browser, Hand};
use crate::served::Served;

const AXE: &str = include_str!("../../data/axe-core/axe.min.js");

/// Pages, and what is wrong is shown on some of them.
const PAGES: [&str; 28] = [
    "/",
    "/senders",
    "/senders/twilio",
    "/senders/none",
    "/senders/twilio/secret/auth_token",
    "/senders/twilio/secret/none",
    "/select-sender",
    "/helpdesk",
    "/policies",
    "/text",
    "/text?policy=Everyone",
    "/text?policy=None",
    "/text?helpdesk=new_password",
    "/test",
    "/test?sender=twilio",
    "/?period=week",
    "/explain",
    "/log",
    "/log?since=30d&outcome=unknown",
    "/log/message?id=none",
    "/plugins",
    "/limits",
    "/limits/recipient",
    "/limits/unused",
    "/limits/none",
    "/fleet",
    "/none",
    "/open/none",
];

/// Those whose picture is in the guide and that no procedure goes through.
const PICTURED: [&str; 4] = ["/helpdesk", "/limits", "/plugins", "/fleet"];

/// Everything that axe finds on the page that is shown.
pub async fn violations(browser: &Browser) -> Vec<String> {
    let tags = [
        "wcag2a",
        "wcag2aa",
        "wcag21a",
        "wcag21aa",
        "wcag22aa",
        "best-practice",
    ];
    found(browser, json!({ "type": "tag", "values": tags })).await
}

/// What it finds of what colours alone change.
async fn colour_violations(browser: &Browser) -> Vec<String> {
    let rules = ["color-contrast", "link-in-text-block"];
    found(browser, json!({ "type": "rule", "values": rules })).await
}

async fn found(browser: &Browser, rules: Value) -> Vec<String> {
    browser.client.execute(AXE, Vec::new()).await.unwrap();
    let script = "const [options, done] = arguments; axe.run(document, options).then(done, done);";
    let options = json!({ "runOnly": rules });
    let found = browser
        .client
        .execute_async(script, vec![options])
        .await
        .unwrap();
    let violations = found["violations"].as_array();
    let violations = violations.unwrap_or_else(|| panic!("axe did not run: {found}"));
    let of_one = |violation: &Value| {
        let nodes = violation["nodes"].as_array().unwrap();
        let nodes: Vec<_> = nodes.iter().map(|node| node["html"].to_string()).collect();
        format!("{}: {}", violation["id"], nodes.join(" "))
    };
    violations.iter().map(of_one).collect()
}

/// A console that can send, and a browser that is let in.
async fn opened() -> (Served, Browser) {
    let served = Served::ready();
    let browser = Browser::start(Hand::Pointer).await;
    browser.goto(&served.address).await;
    assert_eq!(violations(&browser).await, Vec::<String>::new(), "the door");
    browser.press("form[action='/open'] button").await;
    // What is gone to while the door still opens would be left for the overview.
    browser.says("End the session").await;
    (served, browser)
}

async fn goto(browser: &Browser, served: &Served, path: &str) {
    browser
        .goto(&format!("http://{}{path}", served.host()))
        .await;
}

#[tokio::test]
#[cfg_attr(not(has_chromium), ignore = "needs chromium and chromium-driver")]
async fn axe_finds_nothing_on_any_page() {
    let (served, browser) = opened().await;
    let mut found = Vec::new();
    for path in PAGES {
        goto(&browser, &served, path).await;
        if PICTURED.contains(&path) {
            browser.picture(path.trim_start_matches('/')).await;
        }
        let all = violations(&browser).await;
        found.extend(all.iter().map(|one| format!("{path}: {one}")));
        for (name, value) in [
            ("prefers-color-scheme", "dark"),
            ("forced-colors", "active"),
            ("prefers-color-scheme", "light"),
        ] {
            let media = json!({ "features": [{ "name": name, "value": value }] });
            browser.chromium("Emulation.setEmulatedMedia", media).await;
            let of_colours = colour_violations(&browser).await;
            found.extend(
                of_colours
                    .iter()
                    .map(|one| format!("{value} {path}: {one}")),
            );
        }
    }
    assert_eq!(found, Vec::<String>::new());
}

#[tokio::test]
#[cfg_attr(not(has_chromium), ignore = "needs chromium and chromium-driver")]
async fn axe_finds_nothing_in_what_is_asked_and_refused() {
    let (served, browser) = opened().await;
    let mut found = Vec::new();

    // A difference, its difference with a fault, and a refusal.
    for (text, button) in [("Another text: %code%", "#save"), ("No placeholder", "#ok")] {
        goto(&browser, &served, "/text?policy=Everyone").await;
        browser.fill("#text", text).await;
        browser.press("#ok").await;
        browser.element(button).await;
        found.extend(violations(&browser).await);
    }
    goto(&browser, &served, "/senders/twilio").await;
    browser.fill("#set-account_sid", "").await;
    browser.press("#ok").await;
    browser.says("The result would have these faults").await;
    found.extend(violations(&browser).await);
    // A question, and an outcome.
    ask_to_send(&browser, &served).await;
    found.extend(violations(&browser).await);
    browser.press("#send").await;
    browser.says("accepted").await;
    found.extend(violations(&browser).await);
    // What is recorded: plots, the log, a message's story; and an explanation.
    for (path, words) in [("/", "Texts by outcome"), ("/log", "accepted")] {
        goto(&browser, &served, path).await;
        browser.says(words).await;
        found.extend(violations(&browser).await);
    }
    browser.press("a[href^='/log/message']").await;
    browser.says("One message").await;
    found.extend(violations(&browser).await);
    goto(&browser, &served, "/explain").await;
    browser.press("#ok").await;
    browser.says("It would be sent by").await;
    found.extend(violations(&browser).await);
    assert_eq!(found, Vec::<String>::new());
}

/// The buttons that send a form, with where they send it; what ends the session is left out.
const BUTTONS: &str = "const buttons = [...document.querySelectorAll('form[method=post] button:not([type=button])')]
        .map(button => [button, button.getAttribute('formaction') ?? button.form.getAttribute('action')])
        .filter(([, action]) => action !== '/close');";

/// Presses one of them, with what the form has, be it complete or not.
const PRESS: &str = "document.documentElement.dataset.before = '';
    const [button] = buttons[arguments[0]];
    button.form.noValidate = true;
    button.form.requestSubmit(button);";

/// Every form as it stands on its page: what is asked before a change, what is refused, what came of it.
#[tokio::test]
#[cfg_attr(not(has_chromium), ignore = "needs chromium and chromium-driver")]
async fn axe_finds_nothing_in_what_any_form_is_answered() {
    let (served, browser) = opened().await;
    let mut answered = BTreeSet::new();
    let mut found = Vec::new();
    for path in PAGES {
        goto(&browser, &served, path).await;
        let actions = format!("{BUTTONS} return buttons.map(([, action]) => action);");
        let actions = browser.client.execute(&actions, Vec::new()).await.unwrap();
        let actions: Vec<String> = serde_json::from_value(actions).unwrap();
        for (number, action) in actions.iter().enumerate() {
            if !answered.insert(action.clone()) {
                continue;
            }
            goto(&browser, &served, path).await;
            let press = format!("{BUTTONS} {PRESS}");
            let press = browser.client.execute(&press, vec![number.into()]);
            press.await.unwrap();
            browser.element("html:not([data-before]) h1").await;
            let all = violations(&browser).await;
            found.extend(all.iter().map(|one| format!("{action} of {path}: {one}")));
        }
    }
    assert!(answered.len() > 15, "{answered:?}");
    assert_eq!(found, Vec::<String>::new());
}

/// Up to the question whether it is to be sent.
async fn ask_to_send(browser: &Browser, served: &Served) {
    goto(browser, served, "/test").await;
    browser.fill("#phone", "+447700900123").await;
    browser.fill("#code", "test-1234").await;
    browser.press("#ok").await;
    browser.element("#send").await;
}

async fn send(browser: &Browser, served: &Served) {
    ask_to_send(browser, served).await;
    browser.press("#send").await;
    browser.says("accepted").await;
}

#[tokio::test]
#[cfg_attr(not(has_chromium), ignore = "needs chromium and chromium-driver")]
async fn nothing_is_cut_off_on_narrow_and_on_wide_screens() {
    let (served, browser) = opened().await;
    // So that there is something to draw.
    send(&browser, &served).await;
    for width in [320, 1920] {
        let metrics =
            json!({ "width": width, "height": 900, "deviceScaleFactor": 1, "mobile": false });
        browser
            .chromium("Emulation.setDeviceMetricsOverride", metrics)
            .await;
        for path in PAGES {
            goto(&browser, &served, path).await;
            let script = "return [document.documentElement.scrollWidth, innerWidth];";
            let widths = browser.client.execute(script, Vec::new()).await.unwrap();
            let widths: (u32, u32) = serde_json::from_value(widths).unwrap();
            assert_eq!(widths.1, width, "{path}");
            assert!(widths.0 <= width, "{path} is {} wide at {width}", widths.0);
        }
    }
}

#[tokio::test]
#[cfg_attr(not(has_chromium), ignore = "needs chromium and chromium-driver")]
async fn the_session_is_this_browsers_and_goes_to_no_other_port() {
    let other = Served::ready();
    let (served, browser) = opened().await;
    browser.says("Overview").await;
    // Same machine, another port, another name: no cookie goes along, and the page has none of it.
    for host in [
        other.host().to_owned(),
        format!("127.0.0.1:{}", served.port()),
        format!("localhost:{}", served.port()),
    ] {
        browser.goto(&format!("http://{host}/senders")).await;
        let words = browser.words().await;
        assert!(!words.contains("twilio"), "{host}: {words}");
    }
    let script = "return document.cookie;";
    goto(&browser, &served, "/senders").await;
    browser.says("twilio").await;
    let cookie = browser.client.execute(script, Vec::new()).await.unwrap();
    assert_eq!(cookie, Value::from(""), "no script sees it");
    // The violations of the policy would stand in the log of the browser.
    let framed = "const frame = document.createElement('iframe'); frame.src = '/'; document.body.append(frame);
        return new Promise(done => setTimeout(() => done(frame.contentDocument === null || !frame.contentDocument.body.textContent.includes('Overview')), 0));";
    let is_kept_out = browser.client.execute(framed, Vec::new()).await.unwrap();
    assert_eq!(is_kept_out, Value::Bool(true));
}

#[tokio::test]
#[cfg_attr(not(has_chromium), ignore = "needs chromium and chromium-driver")]
async fn back_and_once_more_sends_nothing_twice() {
    let (served, browser) = opened().await;
    send(&browser, &served).await;
    browser.client.refresh().await.unwrap();
    browser.client.back().await.unwrap();
    browser.client.refresh().await.ok();
    browser.client.forward().await.ok();
    assert_eq!(served.sandbox.texts().len(), 1);
}
