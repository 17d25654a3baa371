//! The way to the database: one connection, made anew where it is lost, and steps that are done once however
//! often they are sent.

use std::cell::{Cell, OnceCell, RefCell};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures_util::future::poll_fn;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::runtime::{self, Runtime};
use tokio::time::{Instant, sleep, timeout_at};
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::{DbError, Severity};
use tokio_postgres::tls::{MakeTlsConnect, NoTls, TlsConnect};
use tokio_postgres::types::Type;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Error};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::address::{address, port_of, server};
use super::trouble::{BUSY, Failed, Trouble, judged, passing};
use super::wire::{Answer, Hello, json};
use crate::config;
use crate::ledger::error::LedgerError;
use crate::ledger::keys::Proof;
use crate::net::{self, Lookups, Resolver};
use crate::os::socket;
use crate::secrets;

/// Steps go through here, one at a time.
pub(super) struct Link {
    shared: config::Shared,
    /// Where the password is.
    state: PathBuf,
    proof: Proof,
    runtime: Runtime,
    connected: RefCell<Option<Rc<Connected>>>,
    /// Why no connection was made in the time that there was, and when that was said.
    in_vain: RefCell<Option<(Instant, String)>>,
    tls: OnceCell<rustls::ClientConfig>,
    /// The host that could be written to last.
    host: Cell<usize>,
}

/// A connection to a server that can be written to.
pub(super) struct Connected {
    pub client: Client,
    pub hello: Hello,
    /// A commit was reported that a standby may not have.
    is_local_only: Arc<AtomicBool>,
}

impl Link {
    pub fn new(shared: config::Shared, state: PathBuf, proof: Proof) -> Result<Link, LedgerError> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| LedgerError::from_io(&error, &state, &state))?;
        Ok(Link {
            shared,
            state,
            proof,
            runtime,
            connected: RefCell::default(),
            in_vain: RefCell::default(),
            tls: OnceCell::new(),
            host: Cell::new(0),
        })
    }

    /// The connection, made if there is none.
    pub fn connect(&self) -> Result<Rc<Connected>, LedgerError> {
        let deadline = self.deadline();
        self.runtime.block_on(self.connected(deadline))
    }

    /// Another connection to the same place.
    pub fn another(&self) -> Result<Link, LedgerError> {
        Link::new(self.shared.clone(), self.state.clone(), self.proof.clone())
    }

    /// Whether a transaction can be begun here, of more than one statement.
    pub fn can_begin(&self) -> bool {
        let begun = self.connect().is_ok_and(|connected| {
            let begun = self.runtime.block_on(async {
                timeout_at(self.deadline(), connected.client.batch_execute("BEGIN")).await
            });
            matches!(begun, Ok(Ok(())))
        });
        self.roll_back();
        begun
    }

    /// Sends a step until it is answered, or the time is up. If `holds`, it stands in a transaction that
    /// keeps its locks where it turns out to be stale, so that the next try is not.
    pub fn step(&self, request: &str, holds: bool) -> Result<Answer, Failed> {
        let deadline = self.deadline();
        self.runtime.block_on(async {
            let mut holds = holds;
            loop {
                let connected = self.connected(deadline).await.map_err(Failed::Error)?;
                let step = connected.step(request, holds);
                let trouble = match timeout_at(deadline, step).await {
                    Ok(Ok(answer)) => return Ok(answer),
                    Ok(Err(trouble)) => trouble,
                    Err(_) => {
                        // Whether it is done is not known; the server may wait for a standby.
                        self.drop_connection();
                        return Err(Failed::Error(self.unreachable(SILENT)));
                    }
                };
                // What a transaction held is gone with it.
                holds = false;
                match trouble {
                    Trouble::Failed(failed) => {
                        self.drop_connection_if(!matches!(failed, Failed::Stale));
                        return Err(failed);
                    }
                    Trouble::Passing(reason) => {
                        self.drop_connection();
                        self.pause(deadline, reason).await.map_err(Failed::Error)?;
                    }
                }
            }
        })
    }

    /// Gives up a transaction that holds locks.
    pub fn roll_back(&self) {
        let Some(connected) = self.connected.borrow().clone() else {
            return;
        };
        let deadline = self.deadline();
        let done = self.runtime.block_on(async {
            timeout_at(deadline, connected.client.batch_execute("ROLLBACK")).await
        });
        self.drop_connection_if(!matches!(done, Ok(Ok(()))));
    }

    /// Asks something that changes nothing.
    pub fn ask(
        &self,
        sql: &str,
        parameters: &[(&(dyn tokio_postgres::types::ToSql + Sync), Type)],
    ) -> Result<Vec<tokio_postgres::Row>, LedgerError> {
        let deadline = self.deadline();
        self.runtime.block_on(async {
            loop {
                let connected = self.connected(deadline).await?;
                let asked = connected.client.query_typed(sql, parameters);
                let reason = match timeout_at(deadline, asked).await {
                    Ok(Ok(rows)) => return Ok(rows),
                    Ok(Err(error)) => match self.judged(&error) {
                        Trouble::Failed(Failed::Error(error)) => return Err(error),
                        Trouble::Failed(Failed::Stale) => "it was too slow".to_owned(),
                        Trouble::Passing(reason) => reason,
                    },
                    Err(_) => SILENT.to_owned(),
                };
                self.drop_connection();
                self.pause(deadline, reason).await?;
            }
        })
    }

    /// How the server is named in messages.
    pub fn server(&self) -> String {
        server(&self.shared)
    }

    pub fn unreachable(&self, reason: &str) -> LedgerError {
        LedgerError::Unreachable {
            server: self.server(),
            reason: reason.to_owned(),
        }
    }

    fn deadline(&self) -> Instant {
        Instant::now() + self.shared.timeout
    }

    fn drop_connection(&self) {
        *self.connected.borrow_mut() = None;
    }

    fn drop_connection_if(&self, broken: bool) {
        if broken {
            self.drop_connection();
        }
    }

    /// Waits a little, or gives the reason if there is no time left.
    async fn pause(&self, deadline: Instant, reason: String) -> Result<(), LedgerError> {
        let until = Instant::now() + PAUSE;
        if until >= deadline {
            // It is there, and has too much to do: no reason to go on without it.
            return Err(match reason == BUSY {
                true => LedgerError::Late,
                false => self.unreachable(&reason),
            });
        }
        sleep(PAUSE).await;
        Ok(())
    }

    async fn connected(&self, deadline: Instant) -> Result<Rc<Connected>, LedgerError> {
        if let Some(connected) = &*self.connected.borrow()
            && !connected.client.is_closed()
        {
            return Ok(Rc::clone(connected));
        }
        // A step may be given up just before its time is over, and the next one has the rest of it.
        let before = self.in_vain.take();
        let before = before.filter(|(at, _)| at.elapsed() < 2 * PAUSE);
        let mut last = before.map(|(_, reason)| reason);
        loop {
            let reason = match timeout_at(deadline, self.try_hosts(deadline)).await {
                Ok(Ok(connected)) => {
                    let connected = Rc::new(connected);
                    *self.connected.borrow_mut() = Some(Rc::clone(&connected));
                    return Ok(connected);
                }
                Ok(Err(Trouble::Failed(Failed::Error(error)))) => return Err(error),
                Ok(Err(Trouble::Failed(Failed::Stale))) => "it was too slow".to_owned(),
                Ok(Err(Trouble::Passing(reason))) => reason,
                Err(_) => SILENT.to_owned(),
            };
            // What a try before it said tells more than that there was no time for another.
            let reason = match last {
                Some(last) if reason == SILENT => last,
                _ => reason,
            };
            last = Some(reason.clone());
            self.in_vain.replace(Some((Instant::now(), reason.clone())));
            self.pause(deadline, reason).await?;
        }
    }

    /// Connects to the first host that can be written to, beginning with the one that could last time.
    async fn try_hosts(&self, deadline: Instant) -> Result<Connected, Trouble> {
        let address = address(&self.shared);
        let mut address =
            address.map_err(|error| self.refused(error.to_string(), URL.to_owned()))?;
        let password = secrets::stored(&self.state, secrets::LEDGER);
        let password = password.map_err(|error| self.refused(error.what(), error.remedy()))?;
        // Without one the server says what it lacks, where it wants one.
        let password = password.get(secrets::PASSWORD);
        address.password(password.map_or("", |password| password.expose()));
        address.application_name("textsender");
        let (hosts, ports) = (address.get_hosts().to_vec(), address.get_ports().to_vec());
        let mut reason = String::new();
        for turn in 0..hosts.len() {
            let index = (self.host.get() + turn) % hosts.len();
            let port = port_of(&ports, index);
            // A host that is silent leaves time for the next.
            let left = deadline.saturating_duration_since(Instant::now());
            let share = left / u32::try_from(hosts.len() - turn).unwrap_or(1);
            let host = self.try_host(&address, &hosts[index], port, share);
            match tokio::time::timeout(share, host).await {
                Ok(Ok(connected)) if connected.hello.recovery => {
                    reason = "no server can be written to".to_owned();
                }
                Ok(Ok(connected)) => {
                    self.host.set(index);
                    return self.proven(connected).await;
                }
                Ok(Err(Trouble::Passing(other))) => reason = other,
                Ok(Err(failed)) => return Err(failed),
                Err(_) => reason = SILENT.to_owned(),
            }
        }
        Err(Trouble::Passing(reason))
    }

    async fn try_host(
        &self,
        address: &Config,
        host: &Host,
        port: u16,
        within: Duration,
    ) -> Result<Connected, Trouble> {
        let mut address = address.clone();
        match host {
            Host::Tcp(name) => {
                let resolver = Resolver::new(Arc::new(|_, _| true), &Lookups::default());
                let stream = net::connect(name, port, &resolver, within).await;
                let stream = stream.map_err(|error| Trouble::Passing(error.to_string()))?;
                let tls = self.tls().map_err(Trouble::Passing)?;
                let mut tls = MakeRustlsConnect::new(tls);
                let tls = MakeTlsConnect::<tokio::net::TcpStream>::make_tls_connect(&mut tls, name);
                let tls = tls.map_err(|error| Trouble::Passing(error.to_string()))?;
                address.ssl_mode(SslMode::Require);
                self.begin(&address, stream, tls).await
            }
            Host::Unix(folder) => {
                let path = folder.join(format!(".s.PGSQL.{port}"));
                let stream = socket::Stream::connect(&path).await;
                let stream = stream
                    .map_err(|error| Trouble::Passing(format!("{}: {error}", path.display())))?;
                address.ssl_mode(SslMode::Disable);
                self.begin(&address, stream, NoTls).await
            }
        }
    }

    async fn begin<S, T>(&self, address: &Config, stream: S, tls: T) -> Result<Connected, Trouble>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
        T: TlsConnect<S>,
        T::Stream: Send + 'static,
    {
        let connected = address.connect_raw(stream, tls).await;
        let (client, connection) = connected.map_err(|error| self.judged(&error))?;
        let is_local_only = Arc::new(AtomicBool::new(false));
        // It ends with the client, or with the runtime.
        let drive = drive(connection, Arc::clone(&is_local_only));
        tokio::spawn(drive);
        let rows = client
            .query_typed(
                "SELECT textsender.hello_1($1)",
                &[(&self.proof.own, Type::TEXT)],
            )
            .await;
        let rows = rows.map_err(|error| self.judged(&error))?;
        let hello = json(&rows).ok_or_else(|| Trouble::Passing(NOT_OURS.to_owned()))?;
        Ok(Connected {
            client,
            hello,
            is_local_only,
        })
    }

    /// All machines must have the same key: with another one no id would be known again.
    async fn proven(&self, connected: Connected) -> Result<Connected, Trouble> {
        let Proof { own, before, next } = &self.proof;
        let known = &connected.hello.proof;
        if own.is_empty() || known.as_ref().is_none_or(|known| known == own) || known == next {
            return Ok(connected);
        }
        if known != before {
            return Err(Trouble::Failed(Failed::Error(LedgerError::KeyMismatch {
                server: self.server(),
                key: self.state.join("ledger.key"),
            })));
        }
        // The first machine that writes with a new key: from now on each has to have it.
        let keys = [before, &Some(own.clone())].map(|proof| proof.clone().unwrap_or_default());
        let changed = connected
            .client
            .query_typed(
                "SELECT textsender.key_1($1, $2)",
                &[(&keys[0], Type::TEXT), (&keys[1], Type::TEXT)],
            )
            .await;
        changed.map_err(|error| self.judged(&error))?;
        Ok(connected)
    }

    fn tls(&self) -> Result<rustls::ClientConfig, String> {
        if let Some(tls) = self.tls.get() {
            return Ok(tls.clone());
        }
        let tls = net::client(self.shared.ca_file.as_deref());
        let tls = tls.map_err(|cause| cause.to_string())?;
        Ok(self.tls.get_or_init(|| tls).clone())
    }

    fn refused(&self, reason: String, remedy: String) -> Trouble {
        Trouble::Failed(Failed::Error(LedgerError::Refused {
            server: self.server(),
            reason,
            remedy,
        }))
    }

    fn judged(&self, error: &Error) -> Trouble {
        judged(error).unwrap_or_else(|(reason, remedy)| self.refused(reason, remedy))
    }
}

impl Connected {
    async fn step(&self, request: &str, holds: bool) -> Result<Answer, Trouble> {
        if holds {
            // One that stands already says so, and goes on.
            let begun = self.client.batch_execute("BEGIN").await;
            begun.map_err(passing)?;
        }
        self.is_local_only.store(false, Ordering::Relaxed);
        let rows = self
            .client
            .query_typed("SELECT textsender.step_1($1)", &[(&request, Type::TEXT)])
            .await;
        let rows = match rows {
            Ok(rows) => rows,
            Err(error) => {
                if holds {
                    // Nothing more can be done in it. Where the connection is gone, so is the transaction.
                    let _ = self.client.batch_execute("ROLLBACK").await;
                }
                return Err(judged(&error).unwrap_or_else(|(reason, _)| Trouble::Passing(reason)));
            }
        };
        let answer: Option<Answer> = json(&rows);
        let answer = answer.ok_or_else(|| Trouble::Passing(NOT_OURS.to_owned()))?;
        if holds && !answer.stale {
            let committed = self.client.batch_execute("COMMIT").await;
            committed.map_err(passing)?;
        }
        // "committed locally, but might not have been replicated": not done, as far as anyone may rely on it.
        if self.is_local_only.load(Ordering::Relaxed) {
            return Err(Trouble::Passing(
                "it could not hand a commit to a standby".to_owned(),
            ));
        }
        Ok(answer)
    }
}

/// Carries messages until the connection ends, and looks at what the server says besides.
async fn drive<S, T>(mut connection: Connection<S, T>, is_local_only: Arc<AtomicBool>)
where
    S: AsyncRead + AsyncWrite + Unpin,
    T: AsyncRead + AsyncWrite + Unpin,
{
    while let Some(message) = poll_fn(|context| connection.poll_message(context)).await {
        match message {
            Ok(AsyncMessage::Notice(notice)) if is_commit_warning(&notice) => {
                is_local_only.store(true, Ordering::Relaxed);
            }
            Ok(_) => {}
            Err(_) => return,
        }
    }
}

/// A commit whose wait for a standby was ended warns, and reports success.
fn is_commit_warning(notice: &DbError) -> bool {
    // One that was cancelled has no code of its own, and its words are in the server's language: our functions
    // warn of nothing else.
    notice.parsed_severity() == Some(Severity::Warning)
}

/// What to do about an address that the library does not take.
const URL: &str = "correct [state.shared] url";

/// How long to wait before the next try.
const PAUSE: Duration = Duration::from_millis(50);

const SILENT: &str = "it does not answer in time";

const NOT_OURS: &str = "what it answers is not what this version of textsender knows";

#[cfg(test)]
#[cfg(has_postgresql)]
mod tests {
    use super::*;
    use crate::ledger::postgres::wire::{Expected, Request, SenderRow};
    use crate::ledger::tests::fleet::{database, shared};

    /// A step that writes of one sender, which it read with a version or not at all.
    fn step(number: i64, read: Option<i64>) -> String {
        let expected = read.map(|v| Expected {
            k: "twilio".into(),
            v,
        });
        let row = SenderRow {
            sender: "twilio".to_owned(),
            v: 0,
            failures: 1,
            reason: "timeout".to_owned(),
            failed_at: 0,
            trial_at: None,
            wait_until: None,
            doubts: None,
            unsealed: None,
        };
        let request = Request {
            owner: "one",
            step: number,
            commit: "local",
            wait: "1000".to_owned(),
            senders: expected.into_iter().collect(),
            put_senders: vec![row],
            ..Request::default()
        };
        serde_json::to_string(&request).unwrap()
    }

    #[test]
    fn a_held_step_that_came_second_leaves_a_connection_that_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let proof = Proof {
            own: String::new(),
            before: None,
            next: None,
        };
        let link = Link::new(shared(&database()), folder.path().to_owned(), proof).unwrap();
        let connected = link.connect().unwrap();
        let first = link.step(&step(1, Some(0)), false);
        let version = first.map(|answer| answer.version).ok();
        // What is there and was not read is another's.
        let second = link.step(&step(2, None), true);
        assert!(matches!(second, Err(Failed::Stale)));
        assert!(link.step(&step(3, version), true).is_ok());
        assert!(Rc::ptr_eq(&connected, &link.connect().unwrap()));
    }
}
