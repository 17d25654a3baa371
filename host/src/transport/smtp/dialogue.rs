//! What is said on a connection: AUTH once, then MAIL, RCPT, DATA and the mail, for each.

use std::{error::Error as _, iter};

use lettre::{
    Address,
    transport::smtp::{
        Error,
        authentication::{Credentials, Mechanism},
        client::AsyncSmtpConnection,
        commands,
        response::Response,
    },
};
use textsender_plugin_api::{FailureKind, Mail, SmtpCommand, SmtpReply, Stage};

use super::{Stop, outgoing::OutgoingMail, refused};
use crate::transport::Progress;

/// What is offered to a server, the better one first: LOGIN takes two more round trips.
const MECHANISMS: [Mechanism; 2] = [Mechanism::Plain, Mechanism::Login];

/// Authenticates, where the mail names an account.
///
/// A server without AUTH gets no password: it is reported as the 504 that it would answer (RFC 4954,
/// 4).
pub async fn authenticate(connection: &mut AsyncSmtpConnection, mail: &Mail) -> Result<(), Stop> {
    let Some(user) = &mail.user else {
        return Ok(());
    };
    let offered = connection.server_info().get_auth_mechanism(&MECHANISMS);
    if offered.is_none() {
        let text = "the server offers neither AUTH PLAIN nor AUTH LOGIN";
        return Err(refused(SmtpCommand::Auth, 504, text));
    }
    let password = mail
        .password
        .as_ref()
        .map_or("", |password| password.expose());
    let credentials = Credentials::new(user.clone(), password.to_owned());
    let answer = connection.auth(&MECHANISMS, &credentials).await;
    answer.map_err(|error| stop(SmtpCommand::Auth, &error))?;
    Ok(())
}

/// Names the sender. A server that takes this keeps nothing yet.
pub async fn begin(
    connection: &mut AsyncSmtpConnection,
    outgoing: &OutgoingMail,
) -> Result<SmtpReply, Stop> {
    let mail = commands::Mail::new(Some(outgoing.from.clone()), Vec::new());
    let answer = connection.command(mail).await;
    let answer = answer.map_err(|error| stop(SmtpCommand::Mail, &error))?;
    Ok(smtp_answer(SmtpCommand::Mail, &answer))
}

/// Names the recipient, writes the mail and brings the reply to its final dot.
pub async fn finish(
    connection: &mut AsyncSmtpConnection,
    outgoing: &OutgoingMail,
    to: &Address,
    progress: &Progress,
) -> Result<SmtpReply, Stop> {
    let rcpt = commands::Rcpt::new(to.clone(), Vec::new());
    let answer = connection.command(rcpt).await;
    answer.map_err(|error| stop(SmtpCommand::Rcpt, &error))?;

    let answer = connection.command(commands::Data).await;
    let answer = answer.map_err(|error| stop(SmtpCommand::Data, &error))?;
    if !answer.has_code(354) {
        return Err(FailureKind::Unreadable.into());
    }

    // lettre writes each part, and the final dot when there are no more.
    let no_more = iter::from_fn(|| {
        progress.reach(Stage::Written);
        None
    });
    let parts = iter::once(outgoing.content.as_slice()).chain(no_more);
    let answer = connection.message_iter(parts).await;
    let answer = answer.map_err(|error| stop(SmtpCommand::Dot, &error))?;
    Ok(smtp_answer(SmtpCommand::Dot, &answer))
}

/// What stands behind lettre's error: a reply, or the lack of one.
pub fn stop(command: SmtpCommand, error: &Error) -> Stop {
    let source = error.source().map(ToString::to_string).unwrap_or_default();
    match error.status() {
        Some(code) => refused(command, code.into(), source),
        // lettre says so at the end of the stream, and has no other word for it.
        None if error.is_response() && source != "incomplete response" => {
            FailureKind::Unreadable.into()
        }
        None => FailureKind::Cut.into(),
    }
}

fn smtp_answer(command: SmtpCommand, answer: &Response) -> SmtpReply {
    SmtpReply {
        code: answer.code().into(),
        command,
        text: answer.first_line().unwrap_or_default().to_owned(),
    }
}
