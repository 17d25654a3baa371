//! A connection to a mail server, protected as the mail wants it, up to its answer to EHLO.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use rustls::ClientConfig;
use textsender_plugin_api::{FailureKind, Mail, SmtpCommand, SmtpSecurity};
use tokio::time::{Instant, timeout_at};

use super::{
    Stop,
    session::{Session, Wire},
};
use crate::net::{self, Cause, NetError, Resolver};

/// Connects and says EHLO.
///
/// `tls` is there unless the mail wants no protection. A server that does not offer STARTTLS where
/// it is wanted, or whose offer was taken out on its way, gets nothing.
pub async fn open(
    mail: &Mail,
    tls: Option<Arc<ClientConfig>>,
    resolver: &Resolver,
    within: Duration,
) -> Result<Session, Stop> {
    let failed = |cause| NetError::new(net::peer(&mail.server, mail.port), cause);
    let by = Instant::now() + within;
    let stream = net::connect(&mail.server, mail.port, resolver, within).await?;
    let stream = match (mail.security, tls) {
        (SmtpSecurity::Tls, Some(tls)) => {
            let protected = net::handshake(stream, &mail.server, mail.port, tls);
            let protected = timeout_at(by, protected).await;
            let protected = protected.map_err(|_| failed(Cause::NoHandshake))??;
            return greeted(Wire::Tls(Box::new(protected)), mail, by, failed).await;
        }
        (SmtpSecurity::StartTls, Some(tls)) => {
            let mut session = greeted(Wire::Plain(stream), mail, by, failed).await?;
            if !session.offers().start_tls {
                return Err(failed(Cause::StartTlsNotOffered).into());
            }
            session.ask(SmtpCommand::Connect, "STARTTLS").await?;
            // What follows the reply in the clear was put there by a third party.
            let Some(Wire::Plain(stream)) = session.into_wire() else {
                return Err(failed(Cause::SaidBeforeTls).into());
            };
            net::handshake(stream, &mail.server, mail.port, tls).await?
        }
        (_, _) => return greeted(Wire::Plain(stream), mail, by, failed).await,
    };
    // After STARTTLS there is no second greeting (RFC 3207, 4.2).
    let mut session = Session::new(Wire::Tls(Box::new(stream)));
    introduce(&mut session, mail).await?;
    Ok(session)
}

/// Waits for the greeting, and says EHLO. A server that says nothing waits for TLS, as far as can be
/// told.
async fn greeted(
    wire: Wire,
    mail: &Mail,
    by: Instant,
    failed: impl Fn(Cause) -> NetError,
) -> Result<Session, Stop> {
    let mut session = Session::new(wire);
    let greeting = timeout_at(by, session.read()).await;
    let greeting = greeting.map_err(|_| failed(Cause::NoGreeting))??;
    greeting.expect(SmtpCommand::Connect)?;
    introduce(&mut session, mail).await?;
    Ok(session)
}

/// A client that has no name in the DNS names itself by its address (RFC 5321, 4.1.4). The server
/// knows that anyway; this machine's name stays here, unless a setting gives one.
async fn introduce(session: &mut Session, mail: &Mail) -> Result<(), Stop> {
    if let Some(name) = &mail.hello {
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(FailureKind::Malformed.into());
        }
        return session.hello(name).await;
    }
    let local = session.local_addr().map_err(|_| FailureKind::Connect)?;
    let name = match local {
        SocketAddr::V4(address) => format!("[{}]", address.ip()),
        SocketAddr::V6(address) => format!("[IPv6:{}]", address.ip()),
    };
    session.hello(&name).await
}
