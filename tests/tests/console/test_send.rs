//! *Test Send*: asked once more, sent once, and the number and the code in no page.

use std::thread;

use textsender_tests::harness::random_code;

use crate::page::{Form, Reply};
use crate::served::Served;

const PHONE: &str = "+447700900123";

/// The question, for a code that no response may show.
fn asked(served: &Served, code: &str) -> Reply {
    for hidden in [code, PHONE, "447700900123", "%2B447700900123"] {
        served.hide(hidden);
    }
    let form = served.get("/test?sender=twilio").form("/test");
    let form = form.set("phone", PHONE).set("code", code);
    served.submit(&form).status(200)
}

#[test]
fn it_asks_once_more_naming_number_and_sender() {
    let served = Served::ready().opened();
    let code = random_code();
    let asked = asked(&served, &code);
    let asked = asked.says("+44*******123").says("the sender twilio");
    assert!(served.sandbox.texts().is_empty(), "nothing is sent yet");

    let sent = served.submit_and_follow(&question(&asked));
    sent.says("accepted by twilio")
        .says("segments: 1")
        .says("attempt by twilio");
    let texts = served.sandbox.texts();
    assert_eq!(texts.len(), 1);
    assert!(texts[0].body.contains(&code) && texts[0].to == PHONE);
}

#[test]
fn pressed_again_and_again_it_sends_one_text() {
    let served = Served::ready().opened();
    let form = question(&asked(&served, &random_code()));
    let (port, headers, body) = (served.port(), served.post_headers(), form.body());
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| crate::served::send(port, "POST", "/test", &headers, &body).status(303));
        }
    });
    served.submit(&form).status(303);
    assert_eq!(served.sandbox.texts().len(), 1);
}

#[test]
fn a_browser_that_goes_away_has_sent_it_all_the_same_and_once() {
    use std::io::Write;
    let served = Served::ready().opened();
    let form = question(&asked(&served, &random_code()));
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", served.port())).unwrap();
    let mut head = "POST /test HTTP/1.1\r\n".to_owned();
    for (name, value) in served.post_headers() {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    let body = form.body();
    let request = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    stream.write_all(request.as_bytes()).unwrap();
    drop(stream);
    textsender_tests::harness::wait_for("the text", || {
        (!served.sandbox.texts().is_empty()).then_some(())
    });
    served.submit_and_follow(&form).says("accepted");
    assert_eq!(served.sandbox.texts().len(), 1);
}

#[test]
fn a_refusal_of_the_provider_is_told_whole() {
    use textsender_tests::sandbox::{Fault, When};
    let served = Served::ready().opened();
    served
        .sandbox
        .twilio()
        .fault(When::always(), Fault::status(401));
    let form = question(&asked(&served, &random_code()));
    let sent = served.submit_and_follow(&form);
    sent.says("misconfigured")
        .says("unauthorized")
        .says("what to do");
}

#[test]
fn a_number_that_is_none_is_told_without_it() {
    let served = Served::ready().opened();
    served.hide("+4412");
    let form = served.get("/test").form("/test");
    let form = form.set("phone", "+4412").set("code", "test-1234");
    served.submit(&form).status(409);
    assert!(served.sandbox.texts().is_empty());
}

fn question(asked: &Reply) -> Form {
    asked.form("/test")
}
