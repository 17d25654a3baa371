//! The echo, asked over a socket.

#![allow(clippy::unwrap_used)]

use crate::sandbox::Sandbox;
use crate::sandbox::client::Client;
use crate::sandbox::echo::Script;

const SCRIPT: &str = r#"
faults = ["drop,path=/cut"]
[[answer]]
path = "/oauth/token"
status = 200
json = { access_token = "t" }
[[answer]]
method = "POST"
times = 1
status = 429
headers = { Retry-After = "7" }
[[answer]]
method = "POST"
status = 200
body = "taken"
"#;

fn ask(sandbox: &Sandbox, head: &str, body: &str) -> Option<(u16, String)> {
    let mut client = Client::new(sandbox.echo().address());
    let length = body.len();
    client.write(
        format!("{head}\r\nHost: api.acme.example\r\nContent-Length: {length}\r\n\r\n{body}")
            .as_bytes(),
    );
    let reply = client.read().ok()?;
    Some((
        reply.status,
        format!("{}{}", reply.head, String::from_utf8(reply.body).unwrap()),
    ))
}

#[test]
fn answers_as_scripted_and_shows_what_was_asked() {
    let sandbox = Sandbox::start();
    sandbox.echo().script(Script::parse(SCRIPT).unwrap());
    let form = "POST /sms?x=1 HTTP/1.1\r\nAuthorization: Basic bWU6cGFzcw==\r\nContent-Type: application/x-www-form-urlencoded";

    let (status, token) = ask(&sandbox, "GET /oauth/token HTTP/1.1", "").unwrap();
    assert_eq!(status, 200);
    assert!(token.ends_with(r#"{"access_token":"t"}"#), "{token}");
    let (status, slower) = ask(&sandbox, form, "to=%2B447700900123&text=k%C3%B6d+1").unwrap();
    assert_eq!(status, 429);
    assert!(slower.contains("Retry-After: 7"), "{slower}");
    assert_eq!(ask(&sandbox, form, "to=1").unwrap().0, 200);
    assert!(ask(&sandbox, "POST /cut HTTP/1.1", "").is_none());
    assert_eq!(ask(&sandbox, "PUT /sms HTTP/1.1", "").unwrap().0, 501);

    assert_eq!(
        sandbox.echo().shown()[1],
        "\
POST https://api.acme.example/sms?x=1
  authorization: Basic, for me:pass
  content-type: application/x-www-form-urlencoded
  ?x = 1
  to = +447700900123
  text = köd 1
-> 429 
"
    );
}

#[test]
fn a_script_that_is_none_says_where() {
    let cases = [
        ("[[answer]]\nstatus = \"ok\"", "invalid type"),
        (
            "[[answer]]\nstatus = 200\nbodi = \"x\"",
            "unknown field `bodi`",
        ),
        (
            "faults = [\"stat=1\"]",
            "\"stat=1\" is not part of such a fault",
        ),
    ];
    for (script, expected) in cases {
        let error = Script::parse(script).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }
}
