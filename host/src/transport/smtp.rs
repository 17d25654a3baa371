//! E-mail submission: lettre's connection, driven command by command.
//!
//! lettre's own transports neither tell how far a mail came nor set TCP_NODELAY, without which
//! every mail waits 40 ms: its content and its final dot are two writes. So [`connect`] makes the
//! connection, with our TLS, and lettre takes it over; [`dialogue`] says the commands, and notes
//! *written* right before the final dot, for without it no server keeps a mail (RFC 5321,
//! 4.1.1.4); [`outgoing`] has lettre write the mail.
//!
//! A connection on which a mail was accepted is kept for the next one. Whether it still works
//! shows at MAIL, of which the server keeps nothing, so that one that went stale can be replaced
//! without a doubt about the message.

mod connect;
mod dialogue;
mod outgoing;
#[cfg(test)]
mod tests;

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};

use lettre::transport::smtp::client::AsyncSmtpConnection;
use rustls::ClientConfig;
use textsender_plugin_api::{FailureKind, Mail, Secret, SmtpCommand, SmtpReply, SmtpSecurity};
use tokio::{sync::Semaphore, time::Instant};

use super::{Egress, Progress, egress::is_loopback, tls};
use outgoing::OutgoingMail;

/// Connections of one sender at a time. Servers refuse more than 10 or 20 from one client; at 20 ms
/// a mail, 8 carry 400 mails a second.
const CONNECTIONS: usize = 8;

/// How long a connection is kept. Servers wait for at least five minutes (RFC 5321, 4.5.3.2.7), and
/// busy ones for less.
const IDLE: Duration = Duration::from_secs(60);

/// How long a server may take to answer QUIT.
const GOODBYE: Duration = Duration::from_secs(1);

/// The SMTP transport of one sender.
pub struct Smtp {
    /// A PEM file of roots to trust in place of the system's.
    ca_file: Option<PathBuf>,
    tls: OnceLock<Result<Arc<ClientConfig>, ()>>,
    kept: Mutex<Vec<Kept>>,
    free: Semaphore,
}

/// A connection that may serve another mail of the same account.
struct Kept {
    connection: AsyncSmtpConnection,
    account: Account,
    since: Instant,
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

/// Why a dialogue did not come to its end.
#[derive(Debug)]
enum Stop {
    /// The server refused a command.
    Refused(SmtpReply),
    /// No answer, or none that could be asked for.
    Failed(FailureKind),
}

impl From<FailureKind> for Stop {
    fn from(kind: FailureKind) -> Self {
        Self::Failed(kind)
    }
}

impl Smtp {
    /// A transport that trusts the system's roots, or those of `ca_file` alone.
    pub fn new(ca_file: Option<PathBuf>) -> Self {
        Self {
            ca_file,
            tls: OnceLock::new(),
            kept: Mutex::default(),
            free: Semaphore::new(CONNECTIONS),
        }
    }

    /// Submits one mail, and brings the server's last reply. One without a recipient is a question: the server hears no more
    /// than its sender.
    ///
    /// `progress` reaches *written* with the final dot. Dropping the future ends the connection.
    pub(super) async fn carry(
        &self,
        mail: Mail,
        egress: &Egress,
        progress: &Progress,
    ) -> Result<SmtpReply, FailureKind> {
        let outgoing = checked(&mail, egress)?;
        match self.submit(&mail, &outgoing, egress, progress).await {
            Ok(answer) | Err(Stop::Refused(answer)) => Ok(answer),
            Err(Stop::Failed(kind)) => Err(kind),
        }
    }

    /// Takes leave of the servers whose connections are kept. Not needed, but polite (RFC 5321,
    /// 4.1.1.10).
    pub async fn close(&self) {
        let kept: Vec<Kept> = self.kept().drain(..).collect();
        for Kept { mut connection, .. } in kept {
            let _ = tokio::time::timeout(GOODBYE, connection.quit()).await;
        }
    }

    async fn submit(
        &self,
        mail: &Mail,
        outgoing: &OutgoingMail,
        egress: &Egress,
        progress: &Progress,
    ) -> Result<SmtpReply, Stop> {
        // Nothing closes the semaphore, and nothing was sent if it did.
        let turn = self.free.acquire().await;
        let _turn = turn.map_err(|_| FailureKind::Connect)?;

        let Some(to) = &outgoing.to else {
            return self.ask(mail, outgoing, egress).await;
        };
        let account = Account::of(mail);
        let mut connection = match self.greeted(&account, outgoing).await {
            Some(connection) => connection,
            None => {
                let mut connection = self.connect(mail, egress).await?;
                dialogue::begin(&mut connection, outgoing).await?;
                connection
            }
        };
        let answer = dialogue::finish(&mut connection, outgoing, to, progress).await;
        match &answer {
            Ok(answer) if answer.is_accepted() => self.keep(connection, account),
            Ok(_) | Err(Stop::Refused(_)) => quit(connection),
            Err(Stop::Failed(_)) => {}
        }
        answer
    }

    /// What the server says to a sender, on a connection of its own: one that was kept would prove less.
    async fn ask(
        &self,
        mail: &Mail,
        outgoing: &OutgoingMail,
        egress: &Egress,
    ) -> Result<SmtpReply, Stop> {
        let mut connection = self.connect(mail, egress).await?;
        let answer = dialogue::begin(&mut connection, outgoing).await;
        quit(connection);
        answer
    }

    /// A kept connection that took MAIL.
    async fn greeted(
        &self,
        account: &Account,
        outgoing: &OutgoingMail,
    ) -> Option<AsyncSmtpConnection> {
        while let Some(mut connection) = self.take(account) {
            if dialogue::begin(&mut connection, outgoing).await.is_ok() {
                return Some(connection);
            }
        }
        None
    }

    async fn connect(&self, mail: &Mail, egress: &Egress) -> Result<AsyncSmtpConnection, Stop> {
        let tls = match mail.security {
            SmtpSecurity::None if is_loopback(&mail.server) => None,
            SmtpSecurity::None => return Err(FailureKind::NotAllowed.into()),
            SmtpSecurity::StartTls | SmtpSecurity::Tls => Some(self.tls()?),
        };
        let mut connection = connect::open(mail, tls, egress).await?;
        dialogue::authenticate(&mut connection, mail).await?;
        Ok(connection)
    }

    fn tls(&self) -> Result<Arc<ClientConfig>, FailureKind> {
        let make = || match tls::client(self.ca_file.as_deref()) {
            Ok(config) => Ok(Arc::new(config)),
            Err(error) => {
                tracing::error!(error, "no mail server can be trusted");
                Err(())
            }
        };
        self.tls
            .get_or_init(make)
            .clone()
            .map_err(|()| FailureKind::Tls)
    }

    /// The connection kept last for this account; those kept too long are given up.
    fn take(&self, account: &Account) -> Option<AsyncSmtpConnection> {
        let mut kept = self.kept();
        kept.retain(|kept| kept.since.elapsed() < IDLE);
        let at = kept.iter().rposition(|kept| kept.account == *account)?;
        Some(kept.swap_remove(at).connection)
    }

    fn keep(&self, connection: AsyncSmtpConnection, account: Account) {
        let since = Instant::now();
        self.kept().push(Kept {
            connection,
            account,
            since,
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

/// Takes leave without letting the message's answer wait for it.
fn quit(mut connection: AsyncSmtpConnection) {
    tokio::spawn(async move { tokio::time::timeout(GOODBYE, connection.quit()).await });
}

/// A reply that refuses a command.
fn refused(command: SmtpCommand, code: u16, text: impl Into<String>) -> Stop {
    Stop::Refused(SmtpReply {
        code,
        command,
        text: text.into(),
    })
}
