//! The procedures that administrators know from the window, step for step, from an empty configuration to the text on
//! the phone. Each step's page is a picture of the guide (`docs/console.md`), where `TEXTSENDER_PICTURES` is set.

use textsender_tests::sandbox::smtp::Security;
use textsender_tests::sandbox::{notify, twilio};

use crate::accessible::violations;
use crate::browser::{Browser, Hand};
use crate::served::Served;

const PHONE: &str = "+447700900123";
const CODE: &str = "beK989vc";

/// The steps that differ by provider.
const OWN_STEPS: [&str; 3] = ["edit", "secret", "sent"];

/// A sender in the words of the procedure.
struct Provider<'p> {
    /// The name of its sender, and the beginning of its pictures.
    name: &'p str,
    /// As the drop-down has it.
    title: &'p str,
    /// Fields of *Edit*, in their order.
    settings: Vec<(&'p str, String)>,
    /// The key of its secret, and the secret.
    secret: Option<(&'p str, &'p str)>,
}

fn twilio_of(served: &Served) -> Provider<'static> {
    Provider {
        name: "twilio",
        title: "Twilio",
        settings: vec![
            ("#set-account_sid", twilio::ACCOUNT_SID.to_owned()),
            ("#set-from", twilio::FROM_NUMBER.to_owned()),
            ("#set-base_url", served.sandbox.twilio().url()),
        ],
        secret: Some(("auth_token", twilio::AUTH_TOKEN)),
    }
}

fn notify_of(served: &Served) -> Provider<'static> {
    Provider {
        name: "notify",
        title: "GOV.UK Notify",
        settings: vec![
            ("#set-template_id", notify::MESSAGE_TEMPLATE_ID.to_owned()),
            ("#set-sender_id", notify::SENDER_ID.to_owned()),
            ("#set-base_url", served.sandbox.notify().url()),
        ],
        secret: Some(("api_key", notify::API_KEY)),
    }
}

fn gateway_of(served: &Served) -> Provider<'static> {
    let port = served.sandbox.smtp().port(Security::None);
    Provider {
        name: "gateway",
        title: "E-mail to SMS Gateway",
        settings: vec![
            ("#set-server", "127.0.0.1".to_owned()),
            ("#set-port", port.to_string()),
            ("#set-security", "none".to_owned()),
            ("#set-from", "resets@example.com".to_owned()),
            ("#set-to", "%digits%@sms.example".to_owned()),
        ],
        secret: None,
    }
}

/// The procedure, to its end.
async fn follow(hand: Hand, of: fn(&Served) -> Provider<'static>) {
    let served = Served::empty();
    let browser = Browser::start(hand).await;
    let provider = of(&served);
    let name = provider.name;
    let step = async |number: u8, what: &str| {
        // Of the other providers the guide shows what is not as with Twilio.
        if name == "twilio" || OWN_STEPS.contains(&what) {
            browser.picture(&format!("{name}-{number:02}-{what}")).await;
        }
        if hand == Hand::Pointer {
            let found = violations(&browser).await;
            assert_eq!(found, Vec::<String>::new(), "step {number}, {what}");
        }
    };

    browser.goto(&served.address).await;
    step(1, "open").await;
    browser.press("form[action='/open'] button").await;

    // 1 to 3: the tab *Text Message Settings*, the table, *Edit*.
    browser.press("nav a[href='/senders']").await;
    step(2, "text-message-settings").await;
    browser.fill("#name", name).await;
    browser.choose("#plugin", provider.title).await;
    browser.press("#add").await;
    step(3, "add").await;
    browser.press("#save").await;
    browser.says("incomplete").await;
    step(4, "senders").await;
    browser.press(&format!("a[aria-label='Edit {name}']")).await;

    // 4 to 6: the fields, *OK*.
    for (field, value) in &provider.settings {
        match browser
            .element(field)
            .await
            .tag_name()
            .await
            .unwrap()
            .as_str()
        {
            "select" => browser.choose(field, value).await,
            _ => browser.fill(field, value).await,
        }
    }
    step(5, "edit").await;
    browser.press("#ok").await;
    step(6, "what-changes").await;
    browser.press("#save").await;
    browser.says("Done.").await;

    // 7 to 9: *Set Auth Token*, *Set API Key*.
    if let Some((key, secret)) = provider.secret {
        browser
            .press(&format!("a[href='/senders/{name}/secret/{key}']"))
            .await;
        browser.fill("#secret", secret).await;
        step(7, "secret").await;
        browser.press("#ok").await;
        browser.says("Done.").await;
    }
    browser.says("ready").await;

    // 10 to 14: the policy that applies to the users.
    browser.press("nav a[href='/policies']").await;
    browser.fill("#name", "Everyone").await;
    browser.fill("#region", "GB").await;
    step(8, "policies").await;
    browser.press("#add").await;
    browser.press("#save").await;
    browser.says("Done.").await;

    // 15 to 19: its text message, by whom, with the placeholder.
    browser
        .press("a[aria-label='Edit the text message of Everyone']")
        .await;
    browser.choose("#sender", name).await;
    browser
        .fill("#text", "Please enter this verification code: ")
        .await;
    browser.choose("#placeholder", "%code%").await;
    browser.press("#insert").await;
    browser.says("1 segment at most").await;
    let text = browser.element("#text").await.prop("value").await.unwrap();
    assert_eq!(
        text.as_deref(),
        Some("Please enter this verification code: %code%")
    );
    step(9, "text-message").await;
    browser.press("#ok").await;
    browser.press("#save").await;
    browser.says("Done.").await;

    // It is for everyone whom no other policy is linked to.
    browser.press("nav a[href='/policies']").await;
    browser.choose("#default", "Everyone").await;
    browser.press("#ok-default").await;
    browser.press("#save").await;
    browser.says("Done.").await;

    // 20 and 21: *Select Sender*.
    browser.press("nav a[href='/select-sender']").await;
    browser.choose("#sender", name).await;
    step(10, "select-sender").await;
    browser.press("#ok").await;
    browser.press("#save").await;
    browser.says("Done.").await;

    // 23: *Test Send*.
    browser.press("nav a[href='/test']").await;
    browser.fill("#phone", PHONE).await;
    browser.fill("#code", CODE).await;
    step(11, "test-send").await;
    browser.press("#ok").await;
    browser.says("Send one text to +44*******123").await;
    step(12, "asked-once-more").await;
    browser.press("#send").await;
    browser.says("accepted by").await;
    step(13, "sent").await;

    let texts = served.sandbox.texts();
    assert_eq!(texts.len(), 1);
    assert_eq!(
        texts[0].body,
        format!("Please enter this verification code: {CODE}")
    );
    browser.press("nav a[href='/']").await;
    browser.says("No faults.").await;
    step(14, "overview").await;

    // What became of it, and of whom it is decided how.
    browser.press("nav a[href='/log']").await;
    browser.says("+44*******123").await;
    step(15, "log").await;
    browser.press("a[href^='/log/message']").await;
    browser.says("accepted").await;
    step(16, "one-message").await;
    browser.press("nav a[href='/explain']").await;
    browser.fill("#dn", "CN=Ada,DC=example,DC=org").await;
    browser.press("#ok").await;
    browser.says("It would be sent by").await;
    step(17, "explain").await;
}

macro_rules! procedures {
    ($($test:ident: $hand:expr, $of:ident;)*) => {$(
        #[tokio::test]
        #[cfg_attr(not(has_chromium), ignore = "needs chromium and chromium-driver")]
        async fn $test() {
            follow($hand, $of).await;
        }
    )*};
}

procedures! {
    twilio_from_nothing_to_the_phone: Hand::Pointer, twilio_of;
    twilio_without_script: Hand::NoScript, twilio_of;
    twilio_by_keyboard_alone: Hand::Keyboard, twilio_of;
    govuk_notify_from_nothing_to_the_phone: Hand::Pointer, notify_of;
    govuk_notify_without_script: Hand::NoScript, notify_of;
    govuk_notify_by_keyboard_alone: Hand::Keyboard, notify_of;
    the_gateway_from_nothing_to_the_phone: Hand::Pointer, gateway_of;
    the_gateway_without_script: Hand::NoScript, gateway_of;
    the_gateway_by_keyboard_alone: Hand::Keyboard, gateway_of;
}
