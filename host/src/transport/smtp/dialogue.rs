//! What is said on a connection: AUTH once, then MAIL, RCPT, DATA and the mail, for each.

use base64::{Engine, engine::general_purpose::STANDARD};
use lettre::Address;
use textsender_plugin_api::{FailureKind, Mail, Secret, SmtpCommand, SmtpReply, Stage};

use super::{Stop, outgoing::OutgoingMail, refused, session::Session};
use crate::transport::Progress;

/// Authenticates, where the mail names an account: with an access token, or else with PLAIN, or
/// LOGIN, which takes two more round trips.
///
/// A server that offers none of them gets no password: it is reported as the 504 that it would answer (RFC
/// 4954, 4).
pub async fn authenticate(session: &mut Session, mail: &Mail) -> Result<(), Stop> {
    let Some(user) = &mail.user else {
        return Ok(());
    };
    let offered = match session.offers().auth.as_slice() {
        [] => "no AUTH".to_owned(),
        mechanisms => format!("AUTH {} only", mechanisms.join(" ")),
    };
    if let Some(token) = &mail.access_token {
        return match offers(session, "XOAUTH2") {
            true => with_token(session, user, token).await,
            false => {
                let text = format!("the server offers {offered}, and no login with a token");
                Err(refused(SmtpCommand::Auth, 504, text))
            }
        };
    }
    let password = mail
        .password
        .as_ref()
        .map_or("", |password| password.expose());
    if offers(session, "PLAIN") {
        let credentials = STANDARD.encode(format!("\0{user}\0{password}"));
        let command = &format!("AUTH PLAIN {credentials}");
        session.ask(SmtpCommand::Auth, command).await?;
        return Ok(());
    }
    if offers(session, "LOGIN") {
        let mut reply = session.ask(SmtpCommand::Auth, "AUTH LOGIN").await?;
        for word in [user.as_str(), password] {
            // Whatever the server calls it, the user comes first and the password after it.
            if reply.code != 334 {
                return Err(FailureKind::Unreadable.into());
            }
            reply = session
                .ask(SmtpCommand::Auth, &STANDARD.encode(word))
                .await?;
        }
        return Ok(());
    }
    let text = format!("the server offers {offered}, and neither PLAIN nor LOGIN");
    Err(refused(SmtpCommand::Auth, 504, text))
}

fn offers(session: &Session, mechanism: &str) -> bool {
    session.offers().auth.iter().any(|known| known == mechanism)
}

/// XOAUTH2, as Microsoft and Google describe it. A server that refuses the token says why in a
/// challenge, and refuses after an empty answer to it.
async fn with_token(session: &mut Session, user: &str, token: &Secret) -> Result<(), Stop> {
    let credentials = format!("user={user}\u{1}auth=Bearer {}\u{1}\u{1}", token.expose());
    let command = format!("AUTH XOAUTH2 {}", STANDARD.encode(credentials));
    let mut reply = session.ask(SmtpCommand::Auth, &command).await?;
    if reply.code == 334 {
        reply = session.ask(SmtpCommand::Auth, "").await?;
    }
    match reply.code {
        200..300 => Ok(()),
        _ => Err(FailureKind::Unreadable.into()),
    }
}

/// Names the sender. A server that takes this keeps nothing yet.
pub async fn begin(session: &mut Session, outgoing: &OutgoingMail) -> Result<SmtpReply, Stop> {
    let body = match outgoing.needs_eight_bit(session.offers()) {
        true => " BODY=8BITMIME",
        false => "",
    };
    let command = &format!("MAIL FROM:<{}>{body}", outgoing.from);
    let reply = session.ask(SmtpCommand::Mail, command).await?;
    Ok(reply.answer(SmtpCommand::Mail))
}

/// Names the recipient, writes the mail and brings the reply to its final dot.
pub async fn finish(
    session: &mut Session,
    outgoing: &OutgoingMail,
    to: &Address,
    progress: &Progress,
) -> Result<SmtpReply, Stop> {
    let command = &format!("RCPT TO:<{to}>");
    session.ask(SmtpCommand::Rcpt, command).await?;
    let reply = session.ask(SmtpCommand::Data, "DATA").await?;
    if reply.code != 354 {
        return Err(FailureKind::Unreadable.into());
    }
    let content = outgoing.content(session.offers())?;
    session.write(&stuffed(&content)).await?;
    progress.reach(Stage::Written);
    let reply = session.say(".").await?.expect(SmtpCommand::Dot)?;
    Ok(reply.answer(SmtpCommand::Dot))
}

/// The content with its last line ended, and a dot more before each that begins with one (RFC 5321,
/// 4.5.2).
fn stuffed(content: &[u8]) -> Vec<u8> {
    let mut stuffed = Vec::with_capacity(content.len() + 16);
    for line in content.split_inclusive(|byte| *byte == b'\n') {
        if line.starts_with(b".") {
            stuffed.push(b'.');
        }
        stuffed.extend_from_slice(line);
    }
    stuffed.extend_from_slice(b"\r\n");
    stuffed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_a_mail_ends_it() {
        let cases = [
            ("a", "a\r\n"),
            ("a\r\n", "a\r\n\r\n"),
            (".", "..\r\n"),
            ("a\r\n.\r\n..b", "a\r\n..\r\n...b\r\n"),
        ];
        for (content, expected) in cases {
            let stuffed = String::from_utf8(stuffed(content.as_bytes())).unwrap();
            assert_eq!(stuffed, expected, "{content:?}");
        }
    }
}
