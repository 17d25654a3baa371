//! Dialogues as they are on the wire: `C:` is what the client sends, `S:` how the server's reply begins.

#![allow(clippy::unwrap_used)]

mod faults;

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use super::*;
use crate::sandbox::Sandbox;
use crate::sandbox::client::encrypt;

const PATIENCE: Duration = Duration::from_secs(20);
const HELLO: &str = "S:220 \nC:EHLO client\nS:250-sandbox.localhost";
const MAIL: &str = "C:MAIL FROM:<resets@example.com>\nS:250 2.1.0\nC:RCPT TO:<447700900123@sms.example>\nS:250 2.1.5\nC:DATA\nS:354";
const TEXT: &str =
    "C:From: Resets <resets@example.com>\r\nSubject: x\r\n\r\nYour code is 123456\r\n.";

/// A client that has a dialogue over any stream.
struct Client<T: Read + Write> {
    stream: BufReader<T>,
}

fn connect(sandbox: &Sandbox, security: Security) -> Client<TcpStream> {
    let stream = TcpStream::connect(sandbox.smtp().address(security)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    Client {
        stream: BufReader::new(stream),
    }
}

impl<T: Read + Write> Client<T> {
    /// Plays a dialogue; `S:` alone is the end of the connection.
    fn play(&mut self, script: &str) {
        // A line that names no speaker belongs to the turn before it.
        let mut turns: Vec<String> = Vec::new();
        for line in script.split('\n') {
            match turns.last_mut() {
                Some(last) if !line.starts_with("C:") && !line.starts_with("S:") => {
                    last.push('\n');
                    last.push_str(line);
                }
                _ => turns.push(line.to_owned()),
            }
        }
        for turn in turns {
            let (speaker, words) = turn.split_at(2);
            if speaker == "C:" {
                let sent = self
                    .stream
                    .get_mut()
                    .write_all(format!("{words}\r\n").as_bytes());
                sent.and_then(|()| self.stream.get_mut().flush()).unwrap();
                continue;
            }
            let reply = self.reply().unwrap();
            assert!(
                reply.starts_with(words) && reply.is_empty() == words.is_empty(),
                "{reply:?} instead of {words:?}"
            );
        }
    }

    /// The next reply, all of its lines; empty at the end of the connection.
    fn reply(&mut self) -> io::Result<String> {
        let mut reply = String::new();
        loop {
            let start = reply.len();
            if self.stream.read_line(&mut reply)? == 0
                || reply.as_bytes().get(start + 3) == Some(&b' ')
            {
                return Ok(reply);
            }
        }
    }
}

#[test]
fn a_mail_is_taken_with_its_envelope_and_bytes_and_texts_its_recipients() {
    let sandbox = Sandbox::start();
    connect(&sandbox, Security::None).play(&format!(
        "{HELLO}
C:mail from:<resets@example.com> BODY=8BITMIME SIZE=100
S:250 2.1.0 Ok
C:RCPT TO:<447700900123@sms.example>
S:250 2.1.5 Ok
C:RCPT TO:<447700900456@sms.example>
S:250
C:DATA
S:354
C:From: Resets <resets@example.com>\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n..begins with a dot\r\nends =3D here\r\n.
S:250 2.0.0 Ok: queued as 
C:QUIT
S:221
S:"
    ));
    let mails = sandbox.smtp().wait_for_mails(1, PATIENCE).unwrap();
    let mail = &mails[0];
    assert_eq!(
        (
            mail.from.as_str(),
            mail.parameters.as_str(),
            mail.helo.as_str()
        ),
        ("resets@example.com", "BODY=8BITMIME SIZE=100", "client")
    );
    assert_eq!(
        mail.to,
        ["447700900123@sms.example", "447700900456@sms.example"]
    );
    assert_eq!((mail.security, &mail.user), (Security::None, &None));
    assert!(
        mail.raw
            .ends_with(b"\r\n\r\n.begins with a dot\r\nends =3D here\r\n"),
        "{:?}",
        mail.raw
    );
    let texts = sandbox.texts();
    assert_eq!(
        texts
            .iter()
            .map(|text| text.to.as_str())
            .collect::<Vec<_>>(),
        ["+447700900123", "+447700900456"]
    );
    let text = &texts[0];
    assert_eq!(
        (text.provider, text.body.as_str()),
        (Provider::Gateway, ".begins with a dot\nends = here")
    );
    assert_eq!(
        (text.from.as_str(), &text.id),
        ("resets@example.com", &mail.id)
    );
    assert_eq!(
        sandbox.smtp().commands()[..2],
        [
            "EHLO client",
            "mail from:<resets@example.com> BODY=8BITMIME SIZE=100"
        ]
    );
}

#[test]
fn commands_are_taken_in_order_only() {
    let sandbox = Sandbox::start();
    let long = "x".repeat(20_000);
    for script in [
        "S:220 sandbox.localhost ESMTP\nC:MAIL FROM:<a@b>\nS:503\nC:EHLO\nS:501\nC:HELO c\nS:250 sandbox\nC:MAIL FROM:<a@b>\nS:250",
        "S:220\nC:EHLO c\nS:250-sandbox.localhost\r\n250-8BITMIME\r\n250-SIZE 1048576\r\n250-AUTH PLAIN LOGIN\r\n250 ENHANCEDSTATUSCODES\r\n",
        "S:220\nC:HELO c\nS:250\nC:RCPT TO:<a@b>\nS:503\nC:DATA\nS:503\nC:MAIL a@b\nS:501\nC:MAIL FROM:a@b\nS:501\nC:MAIL FROM:<>\nS:250\nC:MAIL FROM:<a@b>\nS:503",
        "S:220\nC:HELO c\nS:250\nC:MAIL FROM:<a@b>\nS:250\nC:RCPT TO:<>\nS:501\nC:RCPT\nS:501\nC:DATA\nS:503\nC:RSET\nS:250",
        "S:220\nC:HELO c\nS:250\nC:MAIL FROM:<a@b>\nS:250\nC:RSET\nS:250\nC:RCPT TO:<a@b>\nS:503\nC:NOOP\nS:250\nC:VRFY a\nS:252\nC:WIZ\nS:500\nC:\nS:500",
        "S:220\nC:HELO c\nS:250\nC:MAIL FROM:<a@b> size=1048577\nS:552\nC:STARTTLS\nS:502\nC:quit\nS:221\nS:",
        &format!("S:220\nC:{long}\nS:500 5.5.2 Line too long\nC:NOOP\nS:250"),
        // Two commands in one write: PIPELINING was not offered.
        "S:220\nC:NOOP\r\nNOOP\nS:554 5.5.0\nS:",
    ] {
        connect(&sandbox, Security::None).play(script);
    }
    assert_eq!(sandbox.smtp().mails(), []);
}

#[test]
fn logins_are_plain_or_login_with_or_without_an_initial_response() {
    let sandbox = Sandbox::start();
    sandbox.smtp().require_login(true);
    let code =
        |text: &str| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, text);
    let plain = code(&format!("\0{USER}\0{PASSWORD}"));
    let (user, password) = (code(USER), code(PASSWORD));
    let accepted = [
        format!("C:AUTH PLAIN {plain}\nS:235"),
        format!("C:auth plain\nS:334 \nC:{plain}\nS:235"),
        format!(
            "C:AUTH LOGIN\nS:334 VXNlcm5hbWU6\nC:{user}\nS:334 UGFzc3dvcmQ6\nC:{password}\nS:235"
        ),
        format!(
            "C:AUTH LOGIN {user}\nS:334 UGFzc3dvcmQ6\nC:{password}\nS:235\nC:AUTH PLAIN {plain}\nS:503"
        ),
    ];
    for login in &accepted {
        let script = format!("{HELLO}\n{login}\n{MAIL}\n{TEXT}\nS:250\nC:QUIT\nS:221\nS:");
        connect(&sandbox, Security::None).play(&script);
    }
    let mails = sandbox.smtp().mails();
    assert_eq!(mails.len(), accepted.len());
    assert!(mails.iter().all(|mail| mail.user.as_deref() == Some(USER)));

    let wrong = code(&format!("\0{USER}\0wrong"));
    for login in [
        format!("C:AUTH PLAIN {wrong}\nS:535 5.7.8"),
        format!(
            "C:AUTH LOGIN {user}\nS:334\nC:{}\nS:535 5.7.8",
            code("wrong")
        ),
        "C:AUTH PLAIN\nS:334\nC:*\nS:501 5.7.0".to_owned(),
        "C:AUTH PLAIN =\nS:501 5.5.2".to_owned(),
        "C:AUTH PLAIN ?\nS:501 5.5.2".to_owned(),
        "C:AUTH CRAM-MD5\nS:504".to_owned(),
    ] {
        connect(&sandbox, Security::None).play(&format!(
            "{HELLO}\n{login}\nC:MAIL FROM:<a@b>\nS:530 5.7.0 Authentication required"
        ));
    }
    sandbox.smtp().set_password("rotated");
    connect(&sandbox, Security::None).play(&format!("{HELLO}\nC:AUTH PLAIN {plain}\nS:535"));
}

#[test]
fn tls_begins_at_once_or_after_starttls() {
    let sandbox = Sandbox::start();
    let offer = "S:250-sandbox.localhost\r\n250-8BITMIME\r\n250-SIZE 1048576\r\n250-STARTTLS\r\n250 ENHANCEDSTATUSCODES\r\n";
    let mut client = connect(&sandbox, Security::StartTls);
    client.play(&format!(
        "S:220\nC:EHLO client\n{offer}\nC:MAIL FROM:<a@b>\nS:530 5.7.0 Must issue a STARTTLS\nC:AUTH PLAIN x\nS:538\nC:STARTTLS now\nS:501\nC:STARTTLS\nS:220 2.0.0"
    ));
    let mut client = Client {
        stream: BufReader::new(encrypt(&sandbox, client.stream.into_inner())),
    };
    let after = "C:MAIL FROM:<a@b>\nS:503 5.5.1 Say EHLO first\nC:EHLO client\nS:250-sandbox.localhost\r\n250-8BITMIME\r\n250-SIZE 1048576\r\n250-AUTH PLAIN LOGIN";
    client.play(&format!(
        "{after}\nC:STARTTLS\nS:502\n{MAIL}\n{TEXT}\nS:250\nC:QUIT\nS:221\nS:"
    ));

    let stream = connect(&sandbox, Security::Tls).stream.into_inner();
    let mut client = Client {
        stream: BufReader::new(encrypt(&sandbox, stream)),
    };
    client.play(&format!(
        "{HELLO}\n{MAIL}\n{TEXT}\nS:250\nC:QUIT\nS:221\nS:"
    ));
    let ports: Vec<Security> = sandbox
        .smtp()
        .mails()
        .iter()
        .map(|mail| mail.security)
        .collect();
    assert_eq!(ports, [Security::StartTls, Security::Tls]);
}

#[test]
fn recipients_steer_their_replies() {
    let sandbox = Sandbox::start();
    for (recipient, reply) in [
        ("451", "451 4.0.0"),
        ("550", "550 5.0.0"),
        ("552", "552 5.0.0"),
        ("250", "250 2.1.5"),
        ("4510", "250 2.1.5"),
    ] {
        connect(&sandbox, Security::None).play(&format!(
            "{HELLO}\nC:MAIL FROM:<a@b>\nS:250\nC:RCPT TO:<{recipient}@sms.example>\nS:{reply}"
        ));
    }
    connect(&sandbox, Security::None).play(&format!(
        "{HELLO}\nC:MAIL FROM:<a@b>\nS:250\nC:RCPT TO:<421@sms.example>\nS:421 4.0.0\nS:"
    ));
}

#[test]
fn a_token_is_taken_where_no_password_is() {
    let sandbox = Sandbox::start();
    sandbox.smtp().require_token("t0k3n");
    let code =
        |text: &str| base64::Engine::encode(&base64::engine::general_purpose::STANDARD, text);
    let token = |token: &str| code(&format!("user={USER}\u{1}auth=Bearer {token}\u{1}\u{1}"));
    let right = token("t0k3n");
    let offer = "S:220 \nC:EHLO client\nS:250-sandbox.localhost\r\n250-8BITMIME\r\n250-SIZE 1048576\r\n250-AUTH XOAUTH2";
    for login in [
        format!("C:AUTH XOAUTH2 {right}\nS:235"),
        format!("C:auth xoauth2\nS:334 \nC:{right}\nS:235"),
    ] {
        let script = format!("{offer}\n{login}\n{MAIL}\n{TEXT}\nS:250\nC:QUIT\nS:221\nS:");
        connect(&sandbox, Security::None).play(&script);
    }
    assert_eq!(sandbox.smtp().mails().len(), 2);
    let plain = code(&format!("\0{USER}\0{PASSWORD}"));
    for login in [
        format!("C:AUTH XOAUTH2 {}\nS:334 ey\nC:\nS:535 5.7.3", token("old")),
        format!("C:AUTH XOAUTH2 {}\nS:501", code("no token")),
        format!("C:AUTH PLAIN {plain}\nS:504"),
    ] {
        let script = format!("{offer}\n{login}\nC:MAIL FROM:<a@b>\nS:530");
        connect(&sandbox, Security::None).play(&script);
    }
}
