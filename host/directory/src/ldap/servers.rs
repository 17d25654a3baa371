//! Several servers of one domain: in their order, the next one beside a slow one, a dead one left out for a while.

use std::{
    fmt,
    path::Path,
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::{StreamExt, future::join_all, stream::FuturesUnordered};
use jiff::Timestamp;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio::{
    net::TcpStream,
    time::{Instant, sleep, timeout},
};

use super::{Connection, LdapError, refusals::Refusals};

/// How long a server may take before the next one is asked beside it.
const HEAD_START: Duration = Duration::from_millis(500);
/// The same for the addresses of one server (RFC 8305).
const ADDRESS_HEAD_START: Duration = Duration::from_millis(250);
/// How long one that was dead is asked last.
const REST: Duration = Duration::from_secs(30);
/// Addresses of one name that are tried.
const MAX_ADDRESSES: usize = 8;

/// A server, `ldaps://HOST[:PORT]`, or `ldap://HOST[:PORT]` with StartTLS.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Server {
    /// Its name, which its certificate must have.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Whether the connection begins unprotected, and protection is asked for before anything else.
    pub start_tls: bool,
}

/// The text is no address of a server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a server: write ldaps://HOST, or ldap://HOST for StartTLS, with a port if it is not the usual one"
)]
pub struct NotAServer(String);

impl FromStr for Server {
    type Err = NotAServer;

    fn from_str(text: &str) -> Result<Self, NotAServer> {
        let wrong = || NotAServer(text.to_owned());
        let (place, start_tls) = match (text.strip_prefix("ldaps://"), text.strip_prefix("ldap://"))
        {
            (Some(place), _) => (place, false),
            (_, Some(place)) => (place, true),
            _ => return Err(wrong()),
        };
        let place = place.strip_suffix('/').unwrap_or(place);
        let usual = if start_tls { 389 } else { 636 };
        let (host, port) = match place.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => {
                (host, port.parse().map_err(|_| wrong())?)
            }
            _ => (place, usual),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let is_host = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        match !host.is_empty() && host.chars().all(is_host) {
            true => Ok(Server {
                host: host.to_owned(),
                port,
                start_tls,
            }),
            false => Err(wrong()),
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.start_tls { "ldap" } else { "ldaps" };
        match self.host.contains(':') {
            true => write!(f, "{scheme}://[{}]:{}", self.host, self.port),
            false => write!(f, "{scheme}://{}:{}", self.host, self.port),
        }
    }
}

/// A server, and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{server}: {error}")]
pub struct ServerError {
    /// Which.
    pub server: String,
    /// What.
    pub error: LdapError,
}

/// Whose certificates are trusted.
#[derive(Clone, Debug)]
pub enum Roots {
    /// The system's.
    System,
    /// Those in this PEM text alone.
    Pem(String),
}

/// The servers of one domain, and how they are entered.
pub struct Servers {
    servers: Vec<Server>,
    tls: Arc<ClientConfig>,
    bind: String,
    password: String,
    timeout: Duration,
    /// Until when each is asked last.
    resting: Mutex<Vec<Option<Instant>>>,
    refusals: Refusals,
}

impl Servers {
    /// Servers in the order in which they are asked. `timeout` is each one's, for all of opening and for one search.
    ///
    /// # Errors
    ///
    /// There is nothing to trust.
    pub fn new(
        servers: Vec<Server>,
        roots: &Roots,
        bind: String,
        password: String,
        timeout: Duration,
    ) -> Result<Self, LdapError> {
        Ok(Self {
            tls: Arc::new(client(roots)?),
            resting: Mutex::new(vec![None; servers.len()]),
            refusals: Refusals::of((&bind, &password, &servers)),
            servers,
            bind,
            password,
            timeout,
        })
    }

    /// Keeps refusals of the account in files whose names begin so: other processes go by them, too.
    pub fn keep_refusals(&mut self, name: &Path) {
        self.refusals.keep(name, self.servers.len());
    }

    /// Lets an account be tried that was refused lately: an administrator wants to know.
    pub fn try_anyway(&mut self) {
        self.refusals.try_anyway();
    }

    /// A connection to the first server that lets this account in, and which it is.
    ///
    /// # Errors
    ///
    /// None does; what is wrong with the one that says most. Or the account was refused lately, and no server is asked.
    pub async fn open(&self) -> Result<(Connection, &Server), ServerError> {
        self.refusals.none()?;
        let attempts = self
            .in_order()
            .into_iter()
            .map(|index| self.open_one(index));
        let opened = race(attempts, HEAD_START, |error: &ServerError| {
            error.error.is_final()
        })
        .await;
        opened.map_err(most_telling)
    }

    /// The account.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.bind
    }

    /// Each server, and until when its certificate is good, if it says. Nothing is logged in to.
    pub async fn certificates(&self) -> Vec<(String, Result<Option<Timestamp>, LdapError>)> {
        let looks = self.servers.iter().map(|server| async move {
            let looking = async {
                let stream = connect(server).await?;
                let connection = Connection::open(stream, server, Arc::clone(&self.tls)).await?;
                Ok(connection.certificate_until())
            };
            let found = timeout(self.timeout, looking).await;
            (
                server.to_string(),
                found.unwrap_or(Err(LdapError::TimedOut)),
            )
        });
        join_all(looks).await
    }

    /// The most that one search may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    async fn open_one(&self, index: usize) -> Result<(Connection, &Server), ServerError> {
        let server = &self.servers[index];
        let failed = |error| ServerError {
            server: server.to_string(),
            error,
        };
        let opening = async {
            let tls = Arc::clone(&self.tls);
            let opened = async { Connection::open(connect(server).await?, server, tls).await };
            let mut connection = opened.await.map_err(failed)?;
            let turn = self.refusals.turn(index).await?;
            let entered = connection.bind(&self.bind, &self.password).await;
            match entered.map_err(failed) {
                Ok(()) => self.refusals.let_in(),
                Err(error) => {
                    if let LdapError::NotLetIn(_) = error.error {
                        self.refusals.refused(&turn, index, &error);
                    }
                    return Err(error);
                }
            }
            Ok((connection, server))
        };
        let opened = timeout(self.timeout, opening).await;
        let opened = opened.unwrap_or_else(|_| Err(failed(LdapError::TimedOut)));
        let mut resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        resting[index] = opened.is_err().then(|| Instant::now() + REST);
        opened
    }

    /// Those that were alive first.
    fn in_order(&self) -> Vec<usize> {
        let resting = self.resting.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let rests = |index: &usize| resting[*index].is_some_and(|until| until > now);
        let (last, mut first): (Vec<usize>, Vec<usize>) = (0..self.servers.len()).partition(rests);
        first.extend(last);
        first
    }
}

/// Of what is wrong with several servers, what an administrator must act on before what passes.
fn most_telling(mut errors: Vec<ServerError>) -> ServerError {
    let weight = |error: &LdapError| match error {
        LdapError::NotLetIn(_) | LdapError::LoginFailed(_) => 0,
        LdapError::Untrusted(_) | LdapError::Expired(_) => 1,
        _ => 2,
    };
    errors.sort_by_key(|one| weight(&one.error));
    errors.into_iter().next().unwrap_or(ServerError {
        server: "the directory".to_owned(),
        error: LdapError::Unreachable("it has no servers".to_owned()),
    })
}

/// The first of these that goes well. Each is begun when the one before has failed, or has had its head start.
async fn race<T, E, F: Future<Output = Result<T, E>>>(
    attempts: impl IntoIterator<Item = F>,
    head_start: Duration,
    is_final: impl Fn(&E) -> bool,
) -> Result<T, Vec<E>> {
    let mut waiting = attempts.into_iter();
    let mut running = FuturesUnordered::new();
    let mut errors = Vec::new();
    running.extend(waiting.next());
    loop {
        tokio::select! {
            ended = running.next() => match ended {
                Some(Ok(good)) => return Ok(good),
                Some(Err(error)) => {
                    let ends = is_final(&error);
                    errors.push(error);
                    if ends {
                        return Err(errors);
                    }
                    running.extend(waiting.next());
                }
                None => return Err(errors),
            },
            () = sleep(head_start) => running.extend(waiting.next()),
        }
    }
}

async fn connect(server: &Server) -> Result<TcpStream, LdapError> {
    let unreachable = |what: String| LdapError::Unreachable(what);
    let found = tokio::net::lookup_host((server.host.as_str(), server.port)).await;
    let found =
        found.map_err(|error| unreachable(format!("its name does not resolve ({error})")))?;
    let attempts = found.take(MAX_ADDRESSES).map(TcpStream::connect);
    let stream = race(attempts, ADDRESS_HEAD_START, |_| false).await;
    let stream = stream.map_err(|errors| match errors.first() {
        Some(error) => unreachable(format!("it can't be connected to: {error}")),
        None => unreachable("its name has no address".to_owned()),
    })?;
    // A search is one small packet: Nagle's delay would be most of its time.
    stream
        .set_nodelay(true)
        .map_err(|error| unreachable(error.to_string()))?;
    Ok(stream)
}

fn client(roots: &Roots) -> Result<ClientConfig, LdapError> {
    let wrong = |what: String| LdapError::Untrusted(what);
    let mut store = RootCertStore::empty();
    match roots {
        Roots::System => {
            let found = rustls_native_certs::load_native_certs();
            store.add_parsable_certificates(found.certs);
        }
        Roots::Pem(text) => {
            for certificate in CertificateDer::pem_slice_iter(text.as_bytes()) {
                let certificate =
                    certificate.map_err(|error| wrong(format!("ca_file: {error}")))?;
                store
                    .add(certificate)
                    .map_err(|error| wrong(format!("ca_file: {error}")))?;
            }
        }
    }
    if store.is_empty() {
        let what =
            "there is no certificate to trust: set ca_file to that of the domain's authority";
        return Err(wrong(what.to_owned()));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = config.map_err(|error| wrong(error.to_string()))?;
    Ok(config.with_root_certificates(store).with_no_client_auth())
}

#[cfg(test)]
mod tests;
