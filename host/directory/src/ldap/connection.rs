//! One connection to one server: TLS, bind, searches one after the other.

use std::{io, sync::Arc, time::Duration};

use bytes::BytesMut;
use jiff::Timestamp;
use rasn::types::OctetString;
use rasn_ldap::{
    AuthenticationChoice, BindRequest, ExtendedRequest, Filter, ProtocolOp, SearchRequest,
    SearchRequestDerefAliases, SearchRequestScope,
};
use rustls::{
    CertificateError, ClientConfig,
    pki_types::{ServerName, UnixTime},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use webpki::{EndEntityCert, KeyUsage};

use super::{
    Entry, LdapError, Malformed, Message, Response, Server,
    codec::{access_list, decode, encode, frame_length, paged},
};

/// How many entries a page has.
const PAGE: u32 = 500;
/// The most pages of one search, and messages and bytes of one answer.
const MAX_PAGES: usize = 1_000;
const MAX_MESSAGES: usize = 100_000;
const MAX_BYTES: usize = 64 * 1024 * 1024;
/// Pages without an entry, one after the other.
const MAX_EMPTY_PAGES: usize = 10;

/// `StartTLS` (RFC 4511, 4.14).
const START_TLS: &[u8] = b"1.3.6.1.4.1.1466.20037";

/// A time after the end of every certificate: the year 9999 is the last that one can name (RFC 5280, 4.1.2.5).
const AFTER_ALL: UnixTime = UnixTime::since_unix_epoch(Duration::from_secs(1 << 40));

const SUCCESS: u32 = 0;
const SIZE_LIMIT: u32 = 4;
const REFERRAL: u32 = 10;
const NO_SUCH_OBJECT: u32 = 32;
const INVALID_CREDENTIALS: u32 = 49;
const BUSY: u32 = 51;
const UNAVAILABLE: u32 = 52;

/// How far below its base a search looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// The base itself.
    Base,
    /// The base and all below it.
    Subtree,
}

/// A search.
#[derive(Clone, Debug)]
pub struct Search<'s> {
    /// Where it begins.
    pub base: &'s str,
    /// How far down it looks.
    pub scope: Scope,
    /// What it looks for.
    pub filter: Filter,
    /// What is asked of each entry.
    pub attributes: &'s [&'s str],
    /// Whether access lists are asked for.
    pub access_lists: bool,
    /// The most entries that are of interest: then no pages are asked for.
    pub most: Option<u32>,
}

/// A connection that is protected, and logged in once [`bind`](Self::bind) went well.
pub struct Connection {
    stream: TlsStream<TcpStream>,
    unread: BytesMut,
    last_id: u32,
}

impl Connection {
    /// Protects a connection. A server of `ldap://` is asked for StartTLS first; without TLS nothing else is sent.
    ///
    /// # Errors
    ///
    /// The server does not protect it, or is not who it should be.
    pub async fn open(
        mut stream: TcpStream,
        server: &Server,
        tls: Arc<ClientConfig>,
    ) -> Result<Self, LdapError> {
        if server.start_tls {
            start_tls(&mut stream).await?;
        }
        let name = ServerName::try_from(server.host.clone())
            .map_err(|_| LdapError::Untrusted("its name is not a host name".to_owned()))?;
        let protected = TlsConnector::from(tls).connect(name, stream).await;
        Ok(Self {
            stream: protected.map_err(|error| handshake_failed(&error))?,
            unread: BytesMut::new(),
            last_id: 1,
        })
    }

    /// Until when the server's certificate is good, if it says.
    #[must_use]
    pub fn certificate_until(&self) -> Option<Timestamp> {
        let (_, tls) = self.stream.get_ref();
        let certificate = EndEntityCert::try_from(tls.peer_certificates()?.first()?).ok()?;
        // What webpki finds of one that is looked at after its end: it shows the time nowhere else.
        let usage = KeyUsage::server_auth();
        let judged = certificate.verify_for_usage(&[], &[], &[], AFTER_ALL, usage, None, None);
        match judged.err()? {
            webpki::Error::CertExpired { not_after, .. } => time(not_after),
            _ => None,
        }
    }

    /// Logs in.
    ///
    /// # Errors
    ///
    /// The server refuses, and why as far as it says.
    pub async fn bind(&mut self, name: &str, password: &str) -> Result<(), LdapError> {
        // RFC 4513, 5.1.2: a server takes it for an anonymous bind, and says that all is well.
        if name.is_empty() || password.is_empty() {
            let what = "an empty name or password is never sent: a server would take it for no login at all";
            return Err(LdapError::LoginFailed(what.to_owned()));
        }
        let simple = AuthenticationChoice::Simple(password.as_bytes().to_vec().into());
        let request = BindRequest::new(3, name.into(), simple);
        let id = self
            .send(ProtocolOp::BindRequest(request), Vec::new())
            .await?;
        match self.next(id).await? {
            Response::Done { code: SUCCESS, .. } => Ok(()),
            Response::Done {
                code: BUSY | UNAVAILABLE,
                ..
            } => Err(LdapError::Unreachable("it is too busy".to_owned())),
            Response::Done {
                code: INVALID_CREDENTIALS,
                diagnostic,
                ..
            } => Err(LdapError::NotLetIn(why_not_let_in(&diagnostic))),
            Response::Done { code, .. } => {
                let why = format!("the login is refused with result {code}");
                Err(LdapError::LoginFailed(why))
            }
            _ => Err(LdapError::Malformed(
                "a login was answered with something else",
            )),
        }
    }

    /// All entries that a search finds.
    ///
    /// # Errors
    ///
    /// The server refuses, breaks off, or sends more than an answer may have.
    pub async fn search(&mut self, search: &Search<'_>) -> Result<Vec<Entry>, LdapError> {
        let mut found = Answer::default();
        let mut cookie = Vec::new();
        for _ in 0..MAX_PAGES {
            let before = found.entries.len();
            let next = self.page(search, cookie.clone(), &mut found).await?;
            if next.is_empty() {
                return Ok(found.entries);
            }
            found.empty_pages = match found.entries.len() == before {
                true => found.empty_pages + 1,
                false => 0,
            };
            if found.empty_pages == MAX_EMPTY_PAGES {
                return Err(LdapError::TooMuch("pages come without entries"));
            }
            cookie = next;
        }
        Err(LdapError::TooMuch("it has more than 1,000 pages"))
    }

    /// One page of an answer; returns where the next begins.
    async fn page(
        &mut self,
        search: &Search<'_>,
        cookie: Vec<u8>,
        found: &mut Answer,
    ) -> Result<Vec<u8>, LdapError> {
        let mut controls = Vec::new();
        if search.most.is_none() {
            controls.push(paged(PAGE, cookie)?);
        }
        if search.access_lists {
            controls.push(access_list()?);
        }
        let id = self.send(request(search), controls).await?;
        loop {
            let before = found.bytes;
            let response = self.counted(id, found).await?;
            debug_assert!(found.bytes > before);
            match response {
                Response::Entry(entry) => found.entries.push(entry),
                Response::Referral | Response::Other => {}
                Response::Done { code, cookie, .. } => {
                    return match code {
                        SUCCESS => Ok(cookie),
                        SIZE_LIMIT if search.most.is_some() => Ok(Vec::new()),
                        // The base is of another domain.
                        NO_SUCH_OBJECT | REFERRAL => Err(LdapError::NoSuchEntry),
                        code => Err(LdapError::Refused(code)),
                    };
                }
            }
        }
    }

    /// The next message, which counts towards what an answer may have.
    async fn counted(&mut self, id: u32, found: &mut Answer) -> Result<Response, LdapError> {
        let (message, length) = read(&mut self.stream, &mut self.unread).await?;
        found.messages += 1;
        found.bytes += length;
        if found.messages > MAX_MESSAGES {
            return Err(LdapError::TooMuch("it has more than 100,000 messages"));
        }
        if found.bytes > MAX_BYTES {
            return Err(LdapError::TooMuch("it has more than 64 MiB"));
        }
        of(id, message)
    }

    async fn send(
        &mut self,
        operation: ProtocolOp,
        controls: Vec<rasn_ldap::Control>,
    ) -> Result<u32, LdapError> {
        self.last_id += 1;
        let bytes = encode(self.last_id, operation, controls)?;
        write(&mut self.stream, &bytes).await?;
        Ok(self.last_id)
    }

    async fn next(&mut self, id: u32) -> Result<Response, LdapError> {
        let (message, _) = read(&mut self.stream, &mut self.unread).await?;
        of(id, message)
    }
}

/// What a search found so far, and what it took.
#[derive(Default)]
struct Answer {
    entries: Vec<Entry>,
    messages: usize,
    bytes: usize,
    empty_pages: usize,
}

fn request(search: &Search<'_>) -> ProtocolOp {
    ProtocolOp::SearchRequest(SearchRequest::new(
        search.base.into(),
        match search.scope {
            Scope::Base => SearchRequestScope::BaseObject,
            Scope::Subtree => SearchRequestScope::WholeSubtree,
        },
        SearchRequestDerefAliases::NeverDerefAliases,
        search.most.unwrap_or(0),
        0,
        false,
        search.filter.clone(),
        search
            .attributes
            .iter()
            .map(|name| (*name).into())
            .collect(),
    ))
}

/// The response, if it is to this request: there is one at a time.
fn of(id: u32, message: Message) -> Result<Response, LdapError> {
    match message {
        // Notice of disconnection (RFC 4511, 4.4.1), the only message that comes unasked.
        Message { id: 0, .. } => Err(LdapError::Unreachable("it ended the connection".to_owned())),
        Message {
            id: answered,
            response,
        } if answered == id => Ok(response),
        _ => Err(LdapError::Malformed("it answers what was not asked")),
    }
}

/// Asks for protection. What comes unprotected after the consent is not from who holds the certificate.
async fn start_tls(stream: &mut TcpStream) -> Result<(), LdapError> {
    let mut unread = BytesMut::new();
    let request = ExtendedRequest {
        request_name: OctetString::from_static(START_TLS),
        request_value: None,
    };
    write(
        stream,
        &encode(1, ProtocolOp::ExtendedReq(request), Vec::new())?,
    )
    .await?;
    let (message, _) = read(stream, &mut unread).await?;
    let refused = |code| {
        let what = format!(
            "it refuses StartTLS with result {code}: it may lack a certificate; ldaps:// is the other way"
        );
        Err(LdapError::Untrusted(what))
    };
    match of(1, message)? {
        Response::Done { code: SUCCESS, .. } if unread.is_empty() => Ok(()),
        Response::Done { code: SUCCESS, .. } => Err(LdapError::Untrusted(
            "bytes came before the connection was protected: something is between here and the server".to_owned(),
        )),
        Response::Done { code, .. } => refused(code),
        _ => Err(LdapError::Malformed("StartTLS was answered with something else")),
    }
}

async fn write<S: AsyncWrite + Unpin>(stream: &mut S, bytes: &[u8]) -> Result<(), LdapError> {
    let written = async {
        stream.write_all(bytes).await?;
        stream.flush().await
    };
    written.await.map_err(|error| broken(&error))
}

/// Reads one message, and how many bytes it has.
async fn read<S: AsyncRead + Unpin>(
    stream: &mut S,
    unread: &mut BytesMut,
) -> Result<(Message, usize), LdapError> {
    loop {
        if let Some(length) = frame_length(unread)?
            && unread.len() >= length
        {
            let frame = unread.split_to(length);
            return Ok((decode(&frame)?, length));
        }
        let read = stream
            .read_buf(unread)
            .await
            .map_err(|error| broken(&error))?;
        if read == 0 {
            return Err(LdapError::Unreachable(
                "it closed the connection".to_owned(),
            ));
        }
    }
}

fn time(time: UnixTime) -> Option<Timestamp> {
    Timestamp::from_second(time.as_secs().try_into().ok()?).ok()
}

fn broken(error: &io::Error) -> LdapError {
    LdapError::Unreachable(format!("the connection broke: {error}"))
}

impl From<Malformed> for LdapError {
    fn from(error: Malformed) -> Self {
        LdapError::Malformed(error.0)
    }
}

/// Tells a server that can't be trusted from one that went away.
fn handshake_failed(error: &io::Error) -> LdapError {
    let tls = error
        .get_ref()
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::InvalidCertificate(CertificateError::ExpiredContext {
            not_after,
            ..
        })) => LdapError::Expired(time(*not_after).unwrap_or(Timestamp::UNIX_EPOCH)),
        Some(rustls::Error::InvalidCertificate(error)) => {
            LdapError::Untrusted(format!("its certificate is not to be trusted: {error}"))
        }
        Some(error) => LdapError::Untrusted(format!("it does not speak TLS here: {error}")),
        None => broken(error),
    }
}

/// Why Active Directory refuses a login, from the number that it hides in its words.
fn why_not_let_in(diagnostic: &str) -> String {
    let data = diagnostic.split("data ").nth(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_hexdigit());
        &rest[..end.unwrap_or(rest.len())]
    });
    let data = data.filter(|data| (1..=8).contains(&data.len()));
    let meaning = match data {
        Some("525") => "there is no such account",
        Some("52e") => "the name or the password is wrong",
        Some("530" | "531") => "it may not log in now, or from this machine",
        Some("532") => "its password has expired",
        Some("533") => "it is disabled",
        Some("701") => "it has expired",
        Some("773") => "its password must be changed first",
        Some("775") => "it is locked out",
        Some(_) => "the login is refused",
        None => return "the name or the password is wrong".to_owned(),
    };
    format!("{meaning} (data {})", data.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn active_directory_s_reason_is_shown_and_nothing_else_of_its_words() {
        let words = "80090308: LdapErr: DSID-0C09041C, comment: AcceptSecurityContext error, data 775, v4563";
        assert_eq!(why_not_let_in(words), "it is locked out (data 775)");
        assert_eq!(
            why_not_let_in("data 52e"),
            "the name or the password is wrong (data 52e)"
        );
        assert_eq!(
            why_not_let_in("data 5fe, x"),
            "the login is refused (data 5fe)"
        );
        for words in ["", "data ", "data zz\u{1b}[31m", "data 0123456789abcdef"] {
            assert_eq!(
                why_not_let_in(words),
                "the name or the password is wrong",
                "{words}"
            );
        }
    }
}
