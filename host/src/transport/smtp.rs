//! E-mail submission, command by command.
//!
//! A library's transport would neither tell how far a mail came nor set TCP_NODELAY, without which
//! every mail waits 40 ms: its content and its final dot are two writes. So [`connect`] makes the
//! connection, with the name look-up, the addresses and the TLS of every protocol; [`session`] says
//! commands and reads replies; [`dialogue`] knows which, and notes *written* right before the final
//! dot, for without it no server keeps a mail (RFC 5321, 4.1.1.4); [`outgoing`] has lettre write
//! the mail.
//!
//! A connection on which a mail was accepted is kept for the next one. Whether it still works
//! shows at MAIL, of which the server keeps nothing, so that one that went stale can be replaced
//! without a doubt about the message.

mod connect;
mod dialogue;
mod outgoing;
mod session;
#[cfg(test)]
mod tests;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use rustls::ClientConfig;
use textsender_plugin_api::{FailureKind, Mail, Secret, SmtpCommand, SmtpReply, SmtpSecurity};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::Instant,
};

use super::{Egress, Fault, Progress, egress::is_loopback, resolver};
use crate::net::{self, NetError, Share};
use outgoing::OutgoingMail;
use session::Session;

/// Connections of one sender at a time. Microsoft 365 takes three from a mailbox.
const CONNECTIONS: usize = 2;

/// Mails on one connection. Exim keeps those after the tenth for its queue's next run, which may be
/// half an hour later (`smtp_accept_queue_per_connection`).
const MAILS: usize = 10;

/// The most that a plugin may set of either.
const MOST: usize = 1000;

/// How long a connection is kept. Servers wait for at least five minutes (RFC 5321, 4.5.3.2.7), and
/// busy ones for less.
const IDLE: Duration = Duration::from_secs(60);

/// How long a server may take to answer the first command on a connection that was kept. A firewall
/// may have forgotten it, and then nothing ever comes back.
const STILL_THERE: Duration = Duration::from_secs(2);

/// How long a server may take to answer QUIT.
const GOODBYE: Duration = Duration::from_secs(1);

/// The SMTP transport of one sender.
pub struct Smtp {
    /// A PEM file of roots to trust in place of the system's.
    ca_file: Option<PathBuf>,
    /// How long a connection may take to be made.
    connect_within: Duration,
    share: Share,
    tls: OnceLock<Arc<ClientConfig>>,
    kept: Mutex<Vec<Kept>>,
    turns: Mutex<Turns>,
}

/// A connection that may serve another mail of the same account.
struct Kept {
    connection: Session,
    account: Account,
    since: Instant,
    /// How many mails it has carried.
    mails: usize,
}

/// What two mails must have in common to share a connection.
#[derive(Clone, PartialEq, Eq)]
struct Account {
    server: String,
    port: u16,
    security: SmtpSecurity,
    user: Option<String>,
    password: Option<Secret>,
}

/// Whose turn it is: a permit for each connection.
struct Turns {
    at_a_time: usize,
    free: Arc<Semaphore>,
}

impl Turns {
    fn of(at_a_time: usize) -> Self {
        Self {
            at_a_time,
            free: Arc::new(Semaphore::new(at_a_time)),
        }
    }
}

/// Why a dialogue did not come to its end.
#[derive(Debug)]
enum Stop {
    /// The server refused a command.
    Refused(SmtpReply),
    /// No answer, or none that could be asked for.
    Failed(Fault),
}

impl From<FailureKind> for Stop {
    fn from(kind: FailureKind) -> Self {
        Self::Failed(kind.into())
    }
}

impl From<NetError> for Stop {
    fn from(error: NetError) -> Self {
        Self::Failed(error.into())
    }
}

impl Smtp {
    /// A transport that trusts the system's roots, or those of `ca_file` alone.
    pub fn new(ca_file: Option<PathBuf>, connect_within: Duration, share: Share) -> Self {
        Self {
            ca_file,
            connect_within,
            share,
            tls: OnceLock::new(),
            kept: Mutex::default(),
            turns: Mutex::new(Turns::of(CONNECTIONS)),
        }
    }

    /// Submits one mail, and brings the server's last reply. One without a recipient is a question: the server hears no more
    /// than its sender.
    ///
    /// `progress` reaches *written* with the final dot. Dropping the future ends the connection.
    pub(super) async fn carry(
        &self,
        mail: Mail,
        egress: &Arc<Egress>,
        progress: &Progress,
    ) -> Result<SmtpReply, Fault> {
        let outgoing = checked(&mail, egress)?;
        match self.submit(&mail, &outgoing, egress, progress).await {
            Ok(answer) | Err(Stop::Refused(answer)) => Ok(answer),
            Err(Stop::Failed(fault)) => Err(fault),
        }
    }

    /// Takes leave of the servers whose connections are kept. Not needed, but polite (RFC 5321,
    /// 4.1.1.10).
    pub async fn close(&self) {
        let kept: Vec<Kept> = self.kept().drain(..).collect();
        for Kept { mut connection, .. } in kept {
            let _ = tokio::time::timeout(GOODBYE, connection.say("QUIT")).await;
        }
    }

    async fn submit(
        &self,
        mail: &Mail,
        outgoing: &OutgoingMail,
        egress: &Arc<Egress>,
        progress: &Progress,
    ) -> Result<SmtpReply, Stop> {
        // Nothing closes the semaphore, and nothing was sent if it did.
        let turn = self.turns(mail).acquire_owned().await;
        let turn = turn.map_err(|_| FailureKind::Connect)?;

        let Some(to) = &outgoing.to else {
            return self.ask(mail, outgoing, egress, turn).await;
        };
        let account = Account::of(mail);
        let (mut connection, mails) = match self.reuse(&account, outgoing).await {
            Some(kept) => kept,
            None => {
                let mut connection = self.connect(mail, egress).await?;
                dialogue::begin(&mut connection, outgoing).await?;
                (connection, 0)
            }
        };
        let most = bounded(mail.mails_per_connection, MAILS);
        let answer = dialogue::finish(&mut connection, outgoing, to, progress).await;
        match &answer {
            Ok(answer) if answer.is_accepted() && mails + 1 < most => {
                self.keep(connection, account, mails + 1);
            }
            Ok(_) | Err(Stop::Refused(_)) => quit(connection, turn),
            Err(Stop::Failed(_)) => {}
        }
        answer
    }

    /// What the server says to a sender, on a connection of its own: one that was kept would prove less.
    async fn ask(
        &self,
        mail: &Mail,
        outgoing: &OutgoingMail,
        egress: &Arc<Egress>,
        turn: OwnedSemaphorePermit,
    ) -> Result<SmtpReply, Stop> {
        let mut connection = self.connect(mail, egress).await?;
        let answer = dialogue::begin(&mut connection, outgoing).await;
        quit(connection, turn);
        answer
    }

    /// A kept connection that took MAIL, and how many mails it has carried.
    async fn reuse(&self, account: &Account, outgoing: &OutgoingMail) -> Option<(Session, usize)> {
        while let Some(mut kept) = self.take(account) {
            let begun = dialogue::begin(&mut kept.connection, outgoing);
            match tokio::time::timeout(STILL_THERE, begun).await {
                Ok(Ok(_)) => return Some((kept.connection, kept.mails)),
                Ok(Err(_)) => {}
                // What has forgotten this one has forgotten the others, too.
                Err(_) => self.kept().retain(|kept| kept.account != *account),
            }
        }
        None
    }

    async fn connect(&self, mail: &Mail, egress: &Arc<Egress>) -> Result<Session, Stop> {
        let tls = match mail.security {
            SmtpSecurity::None if is_loopback(&mail.server) => None,
            SmtpSecurity::None => return Err(FailureKind::NotAllowed.into()),
            _ => Some(self.tls(mail)?),
        };
        let resolver = resolver(egress, None, &self.share.lookups);
        let turn = self.share.pace.turn_within(self.connect_within).await;
        turn.map_err(|cause| NetError::new(net::peer(&mail.server, mail.port), cause))?;
        let mut connection = connect::open(mail, tls, &resolver, self.connect_within).await?;
        dialogue::authenticate(&mut connection, mail).await?;
        Ok(connection)
    }

    /// What is trusted. What can't be read is tried anew with the next mail.
    fn tls(&self, mail: &Mail) -> Result<Arc<ClientConfig>, NetError> {
        if let Some(tls) = self.tls.get() {
            return Ok(tls.clone());
        }
        let made = net::client(self.ca_file.as_deref());
        let made =
            made.map_err(|cause| NetError::new(net::peer(&mail.server, mail.port), cause))?;
        Ok(self.tls.get_or_init(|| made.into()).clone())
    }

    /// The permits for as many connections as the mail's sender may have.
    fn turns(&self, mail: &Mail) -> Arc<Semaphore> {
        let at_a_time = bounded(mail.connections, CONNECTIONS);
        // No code that holds the lock can panic.
        let mut turns = self.turns.lock().unwrap_or_else(PoisonError::into_inner);
        if turns.at_a_time != at_a_time {
            *turns = Turns::of(at_a_time);
        }
        turns.free.clone()
    }

    /// The connection kept last for this account; those kept too long are given up.
    fn take(&self, account: &Account) -> Option<Kept> {
        let mut kept = self.kept();
        kept.retain(|kept| kept.since.elapsed() < IDLE);
        let at = kept.iter().rposition(|kept| kept.account == *account)?;
        Some(kept.swap_remove(at))
    }

    fn keep(&self, connection: Session, account: Account, mails: usize) {
        let since = Instant::now();
        self.kept().push(Kept {
            connection,
            account,
            since,
            mails,
        });
    }

    /// No code that holds the lock can panic.
    fn kept(&self) -> MutexGuard<'_, Vec<Kept>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A mail as it will be written, if it is well formed and may leave.
pub(super) fn checked(mail: &Mail, egress: &Egress) -> Result<OutgoingMail, FailureKind> {
    if !egress.allows(&mail.server, mail.port) {
        return Err(FailureKind::NotAllowed);
    }
    OutgoingMail::new(mail)
}

impl Account {
    fn of(mail: &Mail) -> Self {
        Self {
            server: mail.server.clone(),
            port: mail.port,
            security: mail.security,
            user: mail.user.clone(),
            password: mail.password.clone(),
        }
    }
}

/// Takes leave without letting the message's answer wait for it. The next one does: until then the
/// server counts this connection.
fn quit(mut connection: Session, turn: OwnedSemaphorePermit) {
    tokio::spawn(async move {
        let _ = tokio::time::timeout(GOODBYE, connection.say("QUIT")).await;
        drop((connection, turn));
    });
}

/// A number that a plugin sets, or the usual one. None is zero: nothing would ever be sent.
fn bounded(set: Option<u32>, usual: usize) -> usize {
    set.map_or(usual, |set| (set as usize).clamp(1, MOST))
}

/// A reply that refuses a command.
fn refused(command: SmtpCommand, code: u16, text: impl Into<String>) -> Stop {
    Stop::Refused(SmtpReply {
        code,
        command,
        text: text.into(),
    })
}
