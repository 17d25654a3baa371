//! Which peer was not reached or not trusted, and why, in words that an administrator can act on.

use std::{
    error::Error,
    fmt, io,
    net::{Ipv4Addr, UdpSocket},
};

use jiff::Timestamp;
use rustls::{CertificateError, pki_types::UnixTime};

use super::tls::SelfSigned;
use crate::{budget::Limit, os::limits};

/// A connection that was not made. It shows host, port and cause.
///
/// Its words may hold what a peer said, such as the names in its certificate: clean them before
/// they are shown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{peer}: {cause}")]
pub struct NetError {
    peer: String,
    cause: Cause,
}

/// A peer as errors name it: `HOST:PORT`.
pub fn peer(host: &str, port: u16) -> String {
    match host.contains(':') && !host.starts_with('[') {
        true => format!("[{host}]:{port}"),
        false => format!("{host}:{port}"),
    }
}

impl NetError {
    /// An error with this peer.
    pub fn new(peer: impl Into<String>, cause: Cause) -> Self {
        Self {
            peer: peer.into(),
            cause,
        }
    }

    /// Why.
    pub fn cause(&self) -> &Cause {
        &self.cause
    }
}

/// Why a connection was not made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// What was given is neither a name nor an address.
    #[error("this is not a host name")]
    NotAHost,
    /// The system's resolver has no address, for the reason that it gives.
    #[error("the name does not resolve ({0})")]
    NameNotFound(String),
    /// It has addresses, and none is allowed.
    #[error(
        "the name resolves only to this machine or to link-local addresses, where a plugin may not connect"
    )]
    AddressNotAllowed,
    /// Nothing listens there.
    #[error("the connection was refused")]
    Refused,
    /// No packet gets there.
    #[error("there is no route to it")]
    Unreachable,
    /// None of its addresses answered in time.
    #[error("it does not answer in time")]
    TimedOut,
    /// It was not this sender's turn to make a connection, for all the time that there was.
    #[error("no new connection was made: there are {}", Limit::NewConnections)]
    NoTurn,
    /// A mail server that was silent, to begin with.
    #[error(
        "it says nothing in time: a port on which TLS begins with the first byte, usually 465, needs security = \"tls\""
    )]
    NoGreeting,
    /// A server that was silent when TLS was to begin.
    #[error("it does not begin TLS in time: check that port and security fit each other")]
    NoHandshake,
    /// The peer ended the connection.
    #[error("it ended the connection")]
    Cut,
    /// This process may open no more files.
    #[error("this process has no file descriptor left: raise its limit (LimitNOFILE, ulimit -n)")]
    NoDescriptors,
    /// This machine does not let this process connect, whatever the peer.
    #[error(
        "this machine forbids the connection: a sandbox around textsender (SystemCallFilter=, \
         RestrictAddressFamilies= of its service), or a filter of its own"
    )]
    Forbidden,
    /// Another fault of the network.
    #[error("{0}")]
    Network(String),
    /// Its certificate is not to be trusted.
    #[error("its certificate {0}")]
    Certificate(CertificateFault),
    /// What it says is not TLS.
    #[error("it does not speak TLS on this port: check that port and security fit each other")]
    NotTls,
    /// Another fault of TLS.
    #[error("TLS failed ({0})")]
    Tls(String),
    /// A mail server that does not offer it, or whose offer was taken out on the way.
    #[error(
        "it does not offer STARTTLS: check that port and security fit each other, and that nothing in between removes it"
    )]
    StartTlsNotOffered,
    /// A reply in the clear that was to be believed as if it had come protected.
    #[error("it sent more behind its reply to STARTTLS, before TLS began")]
    SaidBeforeTls,
    /// A proxy that wants to know who asks (RFC 9110, 15.5.8).
    #[error(
        "the proxy wants a user and a password (407): write them as http://USER:PASSWORD@HOST:PORT"
    )]
    ProxyAuthentication,
    /// A proxy that does not connect.
    #[error("the proxy does not connect to {0}")]
    ProxyRefused(String),
    /// What `[http] proxy` holds is no address of a proxy.
    #[error("[http] proxy is not the address of a proxy")]
    BadProxy,
    /// There is nothing to trust: the file of roots can't be read, or the system has none.
    #[error("{0}")]
    Roots(String),
}

/// What is wrong with a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateFault {
    /// It ended then, in seconds since 1970, where that is known.
    Expired(Option<u64>),
    /// It begins then.
    NotYetValid(Option<u64>),
    /// It is for other names.
    OtherName(Vec<String>),
    /// No trusted root leads to it.
    UnknownAuthority,
    /// It vouches for itself.
    SelfSigned,
    /// Something else.
    Other(String),
}

impl fmt::Display for CertificateFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let date = |at: &Option<u64>| match at.and_then(|at| Timestamp::from_second(at as i64).ok())
        {
            Some(at) => format!(" {}", at.strftime("%Y-%m-%d %H:%M UTC")),
            None => String::new(),
        };
        match self {
            Self::Expired(at) => write!(f, "expired{}", date(at).replacen(' ', " on ", 1)),
            Self::NotYetValid(at) => write!(
                f,
                "is not valid before{}: is this machine's clock right?",
                match at {
                    Some(_) => date(at),
                    None => " a later time".into(),
                }
            ),
            Self::OtherName(names) if names.is_empty() => f.write_str("names no host"),
            Self::OtherName(names) => write!(f, "is for another name: {}", names.join(", ")),
            Self::UnknownAuthority => f.write_str(
                "is from an authority that is not trusted here: name the right one in ca_file",
            ),
            Self::SelfSigned => f.write_str(
                "is self-signed: let an authority sign it, and name that one in ca_file if it is your own",
            ),
            Self::Other(words) => write!(f, "is not valid ({words})"),
        }
    }
}

impl Cause {
    /// What stands behind an error of a connector or a stream.
    pub fn of(error: &(dyn Error + 'static)) -> Self {
        let mut network = None;
        for error in chain(error) {
            if let Some(cause) = error.downcast_ref::<Self>() {
                return cause.clone();
            }
            if let Some(error) = error.downcast_ref::<rustls::Error>() {
                return Self::of_tls(error);
            }
            // The outer one may only wrap what tells more.
            match error.downcast_ref::<io::Error>().map(Self::of_io) {
                Some(Self::Network(words)) => {
                    network.get_or_insert(Self::Network(words));
                }
                Some(known) => network = Some(known),
                None => {}
            }
        }
        network.unwrap_or_else(|| Self::Network(error.to_string()))
    }

    pub(super) fn of_lookup(error: &io::Error) -> Self {
        match limits::is_out_of_descriptors(error) {
            true => Self::NoDescriptors,
            // The system's resolver says nothing of it.
            false if may_not_ask() => Self::Forbidden,
            false => {
                let words = limits::explained(error);
                let known = "failed to lookup address information: ";
                Self::NameNotFound(words.strip_prefix(known).unwrap_or(&words).to_owned())
            }
        }
    }

    fn of_io(error: &io::Error) -> Self {
        use io::ErrorKind as Kind;
        match error.kind() {
            _ if limits::is_out_of_descriptors(error) => Self::NoDescriptors,
            _ if limits::is_connection_forbidden(error) => Self::Forbidden,
            Kind::ConnectionRefused => Self::Refused,
            Kind::HostUnreachable | Kind::NetworkUnreachable => Self::Unreachable,
            Kind::TimedOut => Self::TimedOut,
            Kind::ConnectionReset
            | Kind::ConnectionAborted
            | Kind::BrokenPipe
            | Kind::UnexpectedEof
            | Kind::NotConnected => Self::Cut,
            _ => Self::Network(error.to_string()),
        }
    }

    fn of_tls(error: &rustls::Error) -> Self {
        match error {
            rustls::Error::InvalidCertificate(fault) => {
                Self::Certificate(CertificateFault::of(fault))
            }
            // The first bytes are a greeting, or an answer in plain HTTP.
            rustls::Error::InvalidMessage(_) => Self::NotTls,
            other => Self::Tls(other.to_string()),
        }
    }

    /// When a certificate ended that is refused for that.
    pub fn expired_at(&self) -> Option<Timestamp> {
        match self {
            Self::Certificate(CertificateFault::Expired(Some(at))) => {
                Timestamp::from_second(i64::try_from(*at).ok()?).ok()
            }
            _ => None,
        }
    }

    /// What to do about it.
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NotAHost | Self::NameNotFound(_) | Self::AddressNotAllowed => {
                "correct the host's name, or this machine's DNS (/etc/resolv.conf)"
            }
            Self::Refused | Self::Unreachable | Self::TimedOut | Self::Cut | Self::Network(_) => {
                "check that this machine can reach it: firewall, [http] proxy, host and port in the sender's settings"
            }
            Self::NoTurn => {
                "use a provider, or a gateway, that keeps its connections (HTTP keep-alive), or send less at a time"
            }
            Self::Forbidden => "allow it there: AF_INET, AF_INET6 and the system call connect",
            Self::NoDescriptors => "raise LimitNOFILE in the service's unit, or `ulimit -n`",
            Self::Certificate(
                CertificateFault::UnknownAuthority | CertificateFault::SelfSigned,
            ) => "name the authority's certificate in ca_file of [http] or [senders.NAME.http]",
            Self::Certificate(CertificateFault::OtherName(_)) => {
                "name the host in the sender's settings as its certificate does"
            }
            Self::Certificate(CertificateFault::NotYetValid(_)) => "set this machine's clock",
            Self::Certificate(_) | Self::Tls(_) | Self::SaidBeforeTls => {
                "report it to the server's administrator; no text is handed over without a trusted connection"
            }
            Self::NotTls | Self::NoGreeting | Self::NoHandshake | Self::StartTlsNotOffered => {
                "correct port and security in the sender's settings: 587 with starttls, 465 with tls"
            }
            Self::BadProxy | Self::ProxyAuthentication | Self::ProxyRefused(_) => {
                "correct proxy in [http] or [senders.NAME.http], or ask the proxy's administrator"
            }
            Self::Roots(_) => {
                "correct ca_file in [http] or [senders.NAME.http], or install ca-certificates"
            }
        }
    }

    /// Whether the configuration is wrong: no peer can do anything about it.
    pub fn is_ours(&self) -> bool {
        matches!(
            self,
            Self::Roots(_)
                | Self::StartTlsNotOffered
                | Self::ProxyAuthentication
                | Self::NotAHost
                | Self::BadProxy
        )
    }
}

impl CertificateFault {
    fn of(fault: &CertificateError) -> Self {
        use CertificateError as Fault;
        let seconds = |at: &UnixTime| Some(at.as_secs());
        match fault {
            Fault::Expired => Self::Expired(None),
            Fault::ExpiredContext { not_after, .. } => Self::Expired(seconds(not_after)),
            Fault::NotValidYet => Self::NotYetValid(None),
            Fault::NotValidYetContext { not_before, .. } => Self::NotYetValid(seconds(not_before)),
            Fault::NotValidForName => Self::OtherName(Vec::new()),
            Fault::NotValidForNameContext { presented, .. } => {
                Self::OtherName(presented.iter().take(3).map(|name| plain(name)).collect())
            }
            Fault::UnknownIssuer => Self::UnknownAuthority,
            Fault::Other(other) if other.0.is::<SelfSigned>() => Self::SelfSigned,
            other => Self::Other(other.to_string()),
        }
    }
}

/// Whether a server of names could not even be asked. Nothing is sent.
fn may_not_ask() -> bool {
    let socket = UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0));
    // An address of no machine (RFC 5737).
    let asked = socket.and_then(|socket| socket.connect((Ipv4Addr::new(192, 0, 2, 1), 53)));
    asked.is_err_and(|error| limits::is_connection_forbidden(&error))
}

/// `DnsName("a.example")` is how rustls shows a name.
fn plain(name: &str) -> String {
    name.split('"').nth(1).unwrap_or(name).to_owned()
}

/// An error and what is behind it. An I/O error's source is not what it holds but that one's source,
/// and TLS errors come in two such shells.
pub fn chain<'a>(
    error: &'a (dyn Error + 'static),
) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| behind(*error))
}

fn behind<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a (dyn Error + 'static)> {
    let held = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref);
    match held {
        Some(held) => Some(held),
        None => error.source(),
    }
}
