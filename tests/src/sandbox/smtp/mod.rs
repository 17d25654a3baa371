//! A mail server as an e-mail to SMS gateway runs it. It speaks SMTP, takes mails and texts whom they are for.
//!
//! | port | TLS | login |
//! |---|---|---|
//! | [`Security::None`] | none | `PLAIN`, `LOGIN`; offered at once |
//! | [`Security::StartTls`] | demanded before `MAIL` | offered after `STARTTLS` |
//! | [`Security::Tls`] | from the first byte | offered at once |
//!
//! A login is needed only after [`Smtp::require_login`]; after [`Smtp::require_token`] no password is taken, and the
//! only login is `XOAUTH2`. Recipients such as `451@sms.example` and `550@sms.example`
//! steer the reply to `RCPT`; other replies, and worse, come from [`Smtp::fault`]. A client that sends the next
//! command before the reply is cut off: `PIPELINING` is not offered.

mod auth;
mod dialogue;
mod fault;
mod mail;
mod wire;

#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use self::dialogue::{Dialogue, Ending, Envelope};
pub use self::fault::{Command, SmtpFault};
pub use self::mail::Mail;
use self::mail::phone;
use super::clock::Clock;
use super::ids::hex32;
use super::journal::{Journal, Provider, Text, TooFew};
use super::lock;
use super::when::{Facts, Rules, When};

/// The user who may log in.
pub const USER: &str = "resets";
/// Its password, until [`Smtp::set_password`].
pub const PASSWORD: &str = "sandbox-smtp-password";
/// Largest mail, in bytes.
pub const MAX_MAIL: usize = 1 << 20;

/// How a port is secured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Not at all.
    None,
    /// By `STARTTLS`.
    StartTls,
    /// By TLS from the first byte.
    Tls,
}

/// The mail server on loopback.
pub struct Smtp {
    /// Without TLS, with STARTTLS, with TLS.
    ports: [SocketAddr; 3],
    shared: Arc<Shared>,
}

/// What all dialogues share.
pub(crate) struct Shared {
    faults: Rules<(Command, SmtpFault)>,
    journal: Arc<Journal>,
    clock: Arc<Clock>,
    acceptor: TlsAcceptor,
    login_required: AtomicBool,
    password: Mutex<String>,
    /// Taken in place of a password, if there is one.
    token: Mutex<Option<String>>,
    taken: Mutex<Taken>,
    news: Condvar,
}

#[derive(Default)]
struct Taken {
    mails: Vec<Mail>,
    commands: Vec<String>,
}

impl Smtp {
    /// `127.0.0.1` and the port that is secured so.
    pub fn address(&self, security: Security) -> SocketAddr {
        let [none, start_tls, tls] = self.ports;
        match security {
            Security::None => none,
            Security::StartTls => start_tls,
            Security::Tls => tls,
        }
    }

    /// The port that is secured so; with TLS, call it as `localhost` and trust the sandbox's authority.
    pub fn port(&self, security: Security) -> u16 {
        self.address(security).port()
    }

    /// Sets a fault at a command. `When::to` looks at the recipient of `RCPT`, and of the mail from `DATA` on.
    pub fn fault(&self, at: Command, when: When, fault: SmtpFault) {
        self.shared.faults.add(when, (at, fault));
    }

    /// Removes all faults.
    pub fn clear_faults(&self) {
        self.shared.faults.clear();
    }

    /// Whether mail is taken only from [`USER`], logged in.
    pub fn require_login(&self, required: bool) {
        self.shared
            .login_required
            .store(required, Ordering::Relaxed);
    }

    /// Replaces the password of [`USER`].
    pub fn set_password(&self, password: &str) {
        password.clone_into(&mut lock(&self.shared.password));
    }

    /// From now on takes mail only from [`USER`], logged in with this access token: `AUTH XOAUTH2` alone is offered.
    pub fn require_token(&self, token: &str) {
        *lock(&self.shared.token) = Some(token.to_owned());
        self.require_login(true);
    }

    /// Every mail that was taken, oldest first.
    pub fn mails(&self) -> Vec<Mail> {
        lock(&self.shared.taken).mails.clone()
    }

    /// Every command line that came, oldest first, without the responses of a login.
    pub fn commands(&self) -> Vec<String> {
        lock(&self.shared.taken).commands.clone()
    }

    /// Waits until at least `wanted` mails have been taken.
    ///
    /// # Errors
    /// If they are not there when `patience` is over; the error holds those that are.
    pub fn wait_for_mails(
        &self,
        wanted: usize,
        patience: Duration,
    ) -> Result<Vec<Mail>, TooFew<Mail>> {
        let end = Instant::now() + patience;
        let mut taken = lock(&self.shared.taken);
        while taken.mails.len() < wanted {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let got = taken.mails.clone();
                return Err(TooFew {
                    what: "mails",
                    wanted,
                    got,
                    waited: patience,
                });
            }
            taken = match self.shared.news.wait_timeout(taken, left) {
                Ok((taken, _)) => taken,
                Err(poisoned) => poisoned.into_inner().0,
            };
        }
        Ok(taken.mails.clone())
    }

    /// Starts the server on three ports. Must be called inside the runtime.
    pub(super) fn start(
        journal: &Arc<Journal>,
        clock: &Arc<Clock>,
        acceptor: TlsAcceptor,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            faults: Rules::default(),
            journal: Arc::clone(journal),
            clock: Arc::clone(clock),
            acceptor,
            login_required: AtomicBool::new(false),
            password: Mutex::new(PASSWORD.to_owned()),
            token: Mutex::default(),
            taken: Mutex::default(),
            news: Condvar::new(),
        });
        let open = |security| {
            let (listener, address) = super::bind()?;
            tokio::spawn(accept(listener, Arc::clone(&shared), security));
            Ok::<_, io::Error>(address)
        };
        let ports = [
            open(Security::None)?,
            open(Security::StartTls)?,
            open(Security::Tls)?,
        ];
        Ok(Self { ports, shared })
    }
}

impl Shared {
    /// The fault that strikes at this command.
    fn fault(&self, at: Command, recipient: Option<&str>) -> Option<SmtpFault> {
        let facts = Facts {
            to: recipient,
            ..Facts::default()
        };
        self.faults
            .pick(&facts, |(command, _)| *command == at)
            .map(|(_, fault)| fault)
    }

    fn note_command(&self, line: &str) {
        lock(&self.taken).commands.push(line.to_owned());
    }

    fn requires_login(&self) -> bool {
        self.login_required.load(Ordering::Relaxed)
    }

    /// The logins that are offered.
    fn mechanisms(&self) -> &'static str {
        match lock(&self.token).is_some() {
            true => "XOAUTH2",
            false => "PLAIN LOGIN",
        }
    }

    fn offers(&self, mechanism: &str) -> bool {
        let mut offered = self.mechanisms().split(' ');
        offered.any(|offered| offered.eq_ignore_ascii_case(mechanism))
    }

    fn admits_token(&self, user: &str, token: &str) -> bool {
        user == USER && lock(&self.token).as_deref() == Some(token)
    }

    fn admits(&self, user: &str, password: &str) -> bool {
        user == USER && password == *lock(&self.password)
    }

    /// Takes a mail: one text for each recipient. Returns the mail's id.
    fn take(&self, envelope: Envelope, security: Security, raw: Bytes) -> String {
        let mail = Mail {
            id: hex32(),
            at: self.clock.now(),
            security,
            helo: envelope.helo,
            user: envelope.user,
            from: envelope.from,
            parameters: envelope.parameters,
            to: envelope.to,
            raw,
        };
        let (id, body) = (mail.id.clone(), mail.text());
        for address in &mail.to {
            self.journal.text(Text {
                provider: Provider::Gateway,
                to: phone(address),
                from: mail.from.clone(),
                body: body.clone(),
                at: mail.at,
                id: id.clone(),
            });
        }
        lock(&self.taken).mails.push(mail);
        self.news.notify_all();
        id
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, security: Security) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                tokio::spawn(serve(stream, Arc::clone(&shared), security));
            }
            // Out of file descriptors, most likely: connections end and give some back.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

/// Serves one connection. A client that goes away is an end like any other.
async fn serve(stream: TcpStream, shared: Arc<Shared>, security: Security) {
    // Failing to switch Nagle off costs time, not correctness.
    let _ = stream.set_nodelay(true);
    if security == Security::Tls {
        return encrypted(stream, &shared, security, true).await;
    }
    let mut dialogue = Dialogue::new(stream, &shared, security, false);
    let ending = dialogue.serve(true).await.unwrap_or(Ending::Close);
    let stream = dialogue.into_stream();
    match ending {
        Ending::StartTls => encrypted(stream, &shared, security, false).await,
        // With no time to linger, the kernel sends RST. If it cannot, the client sees a plain end.
        Ending::Reset => drop(stream.set_zero_linger()),
        Ending::Close => {}
    }
}

async fn encrypted(stream: TcpStream, shared: &Shared, security: Security, greet: bool) {
    // A client that does not trust the certificate is the client's affair.
    let Ok(stream) = shared.acceptor.accept(stream).await else {
        return;
    };
    let mut dialogue = Dialogue::new(stream, shared, security, true);
    let ending = dialogue.serve(greet).await.unwrap_or(Ending::Close);
    let mut stream = dialogue.into_stream();
    if ending == Ending::Reset {
        drop(stream.get_ref().0.set_zero_linger());
    } else {
        // Says goodbye; the client may have gone already.
        let _ = tokio::io::AsyncWriteExt::shutdown(&mut stream).await;
    }
}
