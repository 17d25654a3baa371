//! A played server: what it sends is whatever a test wants, be it LDAP or not.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::ldap::{Entry, Scope, Search, codec::frame_length, present};

/// An authority, and a server's configuration with a certificate of it.
struct Authority {
    pem: String,
    tls: Arc<ServerConfig>,
}

impl Authority {
    fn new(name: &str) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &authority).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let tls = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .unwrap();
        Self {
            pem: authority.pem(),
            tls: Arc::new(tls),
        }
    }
}

/// What a played server does with a request.
enum Reply {
    Send(Vec<u8>),
    /// This again and again.
    Endless(Vec<u8>),
    Hang,
    Close,
}

/// What a played server does with the request of this number, which is this frame.
type Script = fn(u32, &[u8]) -> Reply;

/// How often a server was asked that must not be, or was given a password that it must not see.
static WRONGLY_ASKED: AtomicUsize = AtomicUsize::new(0);

/// A server that must not be asked.
fn never(_: u32, _: &[u8]) -> Reply {
    WRONGLY_ASKED.fetch_add(1, Relaxed);
    Reply::Close
}

fn no_server_was_wrongly_asked() {
    assert_eq!(WRONGLY_ASKED.load(Relaxed), 0);
}

/// A server that speaks TLS from the start.
async fn played(authority: &Authority, script: Script) -> String {
    let acceptor = TlsAcceptor::from(Arc::clone(&authority.tls));
    let (listener, port) = listen().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    play(stream, script).await;
                }
            });
        }
    });
    format!("ldaps://localhost:{port}")
}

/// A server that never speaks TLS.
async fn unprotected(script: Script) -> String {
    let (listener, port) = listen().await;
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            play(stream, script).await;
        }
    });
    format!("ldap://localhost:{port}")
}

async fn listen() -> (TcpListener, u16) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    (listener, port)
}

async fn play<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, script: Script) {
    let mut unread = Vec::new();
    loop {
        let length = match frame_length(&unread) {
            Ok(Some(length)) if unread.len() >= length => length,
            // TLS, for one that does not speak it.
            Err(_) => {
                let _ = stream.write_all(&end(0, EXTENDED_END, 2, "")).await;
                return;
            }
            _ => match stream.read_buf(&mut unread).await {
                Ok(1..) => continue,
                _ => return,
            },
        };
        let frame: Vec<u8> = unread.drain(..length).collect();
        // These requests are short, and their numbers small.
        let id = u32::from(frame[frame.iter().position(|byte| *byte == 2).unwrap() + 2]);
        match script(id, &frame) {
            Reply::Send(bytes) => {
                if stream.write_all(&bytes).await.is_err() || stream.flush().await.is_err() {
                    return;
                }
            }
            Reply::Endless(bytes) => {
                while stream.write_all(&bytes).await.is_ok() {}
                return;
            }
            Reply::Hang => std::future::pending().await,
            Reply::Close => return,
        }
    }
}

/// A message of this number: an operation's tag, and its contents.
fn message(id: u32, tag: u8, contents: &[u8]) -> Vec<u8> {
    tlv(0x30, &[tlv(2, &[id as u8]), tlv(tag, contents)].concat())
}

fn tlv(tag: u8, contents: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag, 0x83];
    bytes.extend(&(contents.len() as u32).to_be_bytes()[1..]);
    bytes.extend(contents);
    bytes
}

/// The end of an operation: its result, no name, and words.
fn end(id: u32, tag: u8, code: u8, words: &str) -> Vec<u8> {
    message(
        id,
        tag,
        &[tlv(10, &[code]), tlv(4, b""), tlv(4, words.as_bytes())].concat(),
    )
}

const BIND_END: u8 = 0x61;
const SEARCH_END: u8 = 0x65;
const REFERENCE: u8 = 0x73;
const EXTENDED_END: u8 = 0x78;

fn entry(id: u32) -> Vec<u8> {
    entry_with(id, "mobile", "1")
}

fn entry_with(id: u32, attribute: &str, value: &str) -> Vec<u8> {
    let value = tlv(0x31, &tlv(4, value.as_bytes()));
    let attribute = [tlv(4, attribute.as_bytes()), value].concat();
    let attributes = tlv(0x30, &tlv(0x30, &attribute));
    message(id, 0x64, &[tlv(4, b"CN=Ada"), attributes].concat())
}

/// The end of a page, after which there is always another.
fn one_more_page(id: u32) -> Vec<u8> {
    let done = [tlv(10, &[0]), tlv(4, b""), tlv(4, b"")].concat();
    let page = tlv(0x30, &[tlv(2, &[0]), tlv(4, b"same")].concat());
    let control = tlv(
        0x30,
        &[tlv(4, super::super::codec::PAGED), tlv(4, &page)].concat(),
    );
    let parts = [
        tlv(2, &[id as u8]),
        tlv(SEARCH_END, &done),
        tlv(0xa0, &control),
    ];
    tlv(0x30, &parts.concat())
}

/// Lets everyone in, finds one entry.
fn good(id: u32, frame: &[u8]) -> Reply {
    match is_bind(frame) {
        true => Reply::Send(end(id, BIND_END, 0, "")),
        false => Reply::Send([entry(id), end(id, SEARCH_END, 0, "")].concat()),
    }
}

fn is_bind(frame: &[u8]) -> bool {
    frame.contains(&0x60) && frame.windows(3).any(|three| three == b"svc")
}

fn note_password(frame: &[u8]) {
    WRONGLY_ASKED.fetch_add(usize::from(is_bind(frame)), Relaxed);
}

fn servers(urls: &[&str], pem: &str) -> Servers {
    let urls = urls.iter().map(|url| url.parse().unwrap()).collect();
    let (roots, within) = (Roots::Pem(pem.to_owned()), Duration::from_secs(20));
    Servers::new(urls, &roots, "svc".to_owned(), "secret".to_owned(), within).unwrap()
}

async fn open_error(url: &str, pem: &str) -> LdapError {
    match servers(&[url], pem).open().await {
        Ok(_) => panic!("{url} lets in"),
        Err(error) => error.error,
    }
}

/// What a search gets of a server that lets in, and does this then.
async fn search(script: Script) -> Result<Vec<Entry>, LdapError> {
    let authority = Authority::new("localhost");
    let servers = servers(&[&played(&authority, script).await], &authority.pem);
    let (mut connection, _) = servers.open().await.unwrap();
    let everything = Search {
        base: "DC=example,DC=org",
        scope: Scope::Subtree,
        filter: present("objectClass"),
        attributes: &["mobile"],
        access_lists: false,
        most: None,
    };
    let found = timeout(Duration::from_secs(60), connection.search(&everything));
    found.await.expect("an answer or an error")
}

#[tokio::test]
async fn a_good_server_is_entered_and_searched() {
    let found = search(good).await.unwrap();
    assert_eq!(found[0].text("mobile"), Some("1"));
}

#[tokio::test]
async fn a_server_with_another_name_or_authority_is_not_entered() {
    let (one, other) = (
        Authority::new("dc1.example.org"),
        Authority::new("localhost"),
    );
    let url = played(&one, never).await;
    assert!(matches!(
        open_error(&url, &one.pem).await,
        LdapError::Untrusted(_)
    ));
    let url = played(&other, never).await;
    assert!(matches!(
        open_error(&url, &one.pem).await,
        LdapError::Untrusted(_)
    ));
}

#[tokio::test]
async fn without_tls_no_password_is_sent() {
    let pem = Authority::new("localhost").pem;
    // A proxy that answers StartTLS itself, refuses it, speaks first, or has what follows already said.
    let scripts: [Script; 4] = [
        |id, _| Reply::Send([end(id, EXTENDED_END, 0, ""), end(2, BIND_END, 0, "")].concat()),
        |id, _| Reply::Send(end(id, EXTENDED_END, 2, "")),
        |id, frame| {
            note_password(frame);
            Reply::Send(end(id, EXTENDED_END, 52, ""))
        },
        |_, frame| {
            note_password(frame);
            Reply::Send(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec())
        },
    ];
    for (number, script) in scripts.into_iter().enumerate() {
        let error = open_error(&unprotected(script).await, &pem).await;
        let is_bytes_before =
            matches!(&error, LdapError::Untrusted(what) if what.contains("before"));
        assert_eq!(is_bytes_before, number == 0, "{error:?}");
    }
    no_server_was_wrongly_asked();
    // LDAP where TLS should be.
    let url = unprotected(good).await.replace("ldap://", "ldaps://");
    let error = open_error(&url, &pem).await;
    assert!(matches!(error, LdapError::Untrusted(_)), "{error:?}");
}

#[tokio::test]
async fn a_refused_login_says_why_and_no_other_server_is_asked() {
    let authority = Authority::new("localhost");
    let refuses: Script = |id, _| Reply::Send(end(id, BIND_END, 49, "comment: x, data 775, v4563"));
    let first = played(&authority, refuses).await;
    // One more wrong password would count towards a lock.
    let second = played(&authority, never).await;
    let servers = servers(&[&first, &second], &authority.pem);
    let error = servers.open().await.err().unwrap();
    assert_eq!(
        error.error,
        LdapError::NotLetIn("it is locked out (data 775)".to_owned())
    );
    assert_eq!(error.server, first);
    no_server_was_wrongly_asked();
}

/// Processes of one machine: each with the servers, and the same files.
struct Machine {
    folder: tempfile::TempDir,
    urls: Vec<String>,
    pem: String,
}

impl Machine {
    async fn asks(scripts: &[Script]) -> Self {
        let authority = Authority::new("localhost");
        let mut urls = Vec::new();
        for script in scripts {
            urls.push(played(&authority, *script).await);
        }
        Self {
            folder: tempfile::tempdir().unwrap(),
            urls,
            pem: authority.pem,
        }
    }

    fn process(&self, password: &str) -> Servers {
        let urls = self.urls.iter().map(|url| url.parse().unwrap()).collect();
        let (roots, within) = (Roots::Pem(self.pem.clone()), Duration::from_secs(20));
        let servers = Servers::new(urls, &roots, "svc".into(), password.into(), within);
        let mut servers = servers.unwrap();
        // The folder may be missing.
        servers.keep_refusals(&self.folder.path().join("new/example.refused"));
        servers
    }

    fn kept(&self) -> std::path::PathBuf {
        self.folder.path().join("new/example.refused.0")
    }
}

async fn why(servers: &Servers) -> String {
    let error = servers.open().await.err().map(|one| one.error);
    match error {
        Some(LdapError::NotLetIn(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_refused_account_is_tried_once_by_all_processes_until_the_password_changes() {
    static LOGINS: AtomicUsize = AtomicUsize::new(0);
    let logins = || LOGINS.swap(0, Relaxed);
    let machine = Machine::asks(&[|id, frame| {
        LOGINS.fetch_add(1, Relaxed);
        match frame.windows(5).any(|five| five == b"right") {
            true => good(id, frame),
            false => Reply::Send(end(id, BIND_END, 49, "data 52e")),
        }
    }])
    .await;
    let processes: Vec<_> = (0..20).map(|_| machine.process("wrong")).collect();
    for said in join_all(processes.iter().map(why)).await {
        assert!(said.contains("data 52e"), "{said}");
    }
    assert_eq!(logins(), 1, "of many at once");
    let said = why(&machine.process("wrong")).await;
    assert!(said.contains("it is tried again after"), "{said}");
    assert_eq!(logins(), 0);
    let text = std::fs::read_to_string(machine.kept()).unwrap();
    assert!(!text.contains("wrong\""), "{text}");
    // Another password, which is no better: each has a pause of its own.
    why(&machine.process("other")).await;
    assert_eq!(logins(), 1);
    for password in ["wrong", "other"] {
        why(&machine.process(password)).await;
    }
    assert_eq!(logins(), 0);
    machine.process("right").open().await.unwrap();
    assert_eq!(logins(), 1);
    why(&machine.process("wrong")).await;
    assert_eq!(logins(), 0);
    // Ten minutes later.
    let mut kept: serde_json::Value = serde_json::from_str(&text).unwrap();
    let at: Timestamp = kept[0]["at"].as_str().unwrap().parse().unwrap();
    kept[0]["at"] = (at - jiff::SignedDuration::from_mins(10))
        .to_string()
        .into();
    std::fs::write(machine.kept(), kept.to_string()).unwrap();
    why(&machine.process("wrong")).await;
    assert_eq!(logins(), 1);
}

#[tokio::test]
async fn an_account_that_is_mended_is_let_in_again_once_an_administrator_has_tried() {
    static IS_LOCKED: AtomicUsize = AtomicUsize::new(1);
    let script: Script = |id, frame| match IS_LOCKED.load(Relaxed) {
        1 => Reply::Send(end(id, BIND_END, 49, "data 775")),
        _ => good(id, frame),
    };
    let machine = Machine::asks(&[script, script]).await;
    why(&machine.process("right")).await;
    let mut asked = machine.process("right");
    asked.try_anyway();
    why(&asked).await;
    IS_LOCKED.store(0, Relaxed);
    why(&machine.process("right")).await;
    let mut asked = machine.process("right");
    asked.try_anyway();
    asked.open().await.unwrap();
    machine.process("right").open().await.unwrap();
}

#[tokio::test]
async fn where_nothing_can_be_kept_a_process_goes_by_what_it_met() {
    static LOGINS: AtomicUsize = AtomicUsize::new(0);
    let machine = Machine::asks(&[|id, _| {
        LOGINS.fetch_add(1, Relaxed);
        Reply::Send(end(id, BIND_END, 49, "data 52e"))
    }])
    .await;
    std::fs::create_dir_all(machine.kept()).unwrap();
    let process = machine.process("wrong");
    for _ in 0..3 {
        why(&process).await;
    }
    assert_eq!(LOGINS.load(Relaxed), 1);
}

#[tokio::test]
async fn a_server_that_takes_no_login_just_now_is_asked_again() {
    static LOGINS: AtomicUsize = AtomicUsize::new(0);
    let machine = Machine::asks(&[|id, _| {
        LOGINS.fetch_add(1, Relaxed);
        // operationsError, as of one that starts.
        Reply::Send(end(id, BIND_END, 1, ""))
    }])
    .await;
    for _ in 0..3 {
        let error = machine.process("right").open().await.err().unwrap();
        assert!(matches!(error.error, LdapError::LoginFailed(_)));
    }
    assert_eq!(LOGINS.load(Relaxed), 3);
}

#[tokio::test]
async fn an_empty_password_is_never_sent() {
    let authority = Authority::new("localhost");
    let url = played(&authority, never).await;
    let roots = Roots::Pem(authority.pem);
    let within = Duration::from_secs(20);
    let servers = Servers::new(
        vec![url.parse().unwrap()],
        &roots,
        "svc".into(),
        String::new(),
        within,
    );
    let error = servers.unwrap().open().await.err().unwrap();
    assert!(matches!(error.error, LdapError::LoginFailed(_)));
    no_server_was_wrongly_asked();
}

#[tokio::test]
async fn garbage_is_an_error_and_no_panic() {
    let scripts: [Script; 6] = [
        |_, _| Reply::Send(vec![0x30, 0x80, 0, 0]),
        |_, _| Reply::Send(vec![0x30, 0x84, 0xff, 0xff, 0xff, 0xff]),
        |_, _| Reply::Send(vec![0; 100]),
        |_, _| Reply::Send(vec![0x30, 3, 2, 1, 2]),
        |id, _| Reply::Send(message(id, 0x63, &[0xa2; 10_000])),
        |id, _| Reply::Send(end(id + 1, SEARCH_END, 0, "")),
    ];
    for script in scripts {
        let authority = Authority::new("localhost");
        let url = played(&authority, script).await;
        let error = open_error(&url, &authority.pem).await;
        assert!(matches!(error, LdapError::Malformed(_)), "{error:?}");
    }
}

#[tokio::test]
async fn a_connection_that_is_cut_or_hangs_is_an_error_in_time() {
    let cut: Script = |id, frame| match is_bind(frame) {
        true => Reply::Send(end(id, BIND_END, 0, "")),
        false => Reply::Close,
    };
    assert!(matches!(search(cut).await, Err(LdapError::Unreachable(_))));
    let half: Script = |id, frame| match is_bind(frame) {
        true => Reply::Send(end(id, BIND_END, 0, "")),
        false => Reply::Send(entry(id)[..20].to_vec()),
    };
    let authority = Authority::new("localhost");
    for script in [half, |_, _| Reply::Hang] {
        let url = played(&authority, script).await;
        let mut servers = servers(&[&url], &authority.pem);
        servers.timeout = Duration::from_millis(200);
        let mut directory = crate::directory::Directory::new(servers, None);
        let error = directory.base().await.unwrap_err();
        assert_eq!(error.code, crate::error::Code::DirectoryUnreachable);
    }
}

#[tokio::test]
async fn endless_answers_and_paging_loops_have_an_end() {
    // Each has the number of the first search.
    let endless_referrals: Script = |id, frame| match is_bind(frame) {
        true => Reply::Send(end(id, BIND_END, 0, "")),
        false => Reply::Endless(message(id, REFERENCE, &tlv(4, b"ldap://x")).repeat(1000)),
    };
    assert!(matches!(
        search(endless_referrals).await,
        Err(LdapError::TooMuch(_))
    ));
    let empty_pages: Script = |id, frame| match is_bind(frame) {
        true => Reply::Send(end(id, BIND_END, 0, "")),
        false => Reply::Send(one_more_page(id)),
    };
    assert!(matches!(
        search(empty_pages).await,
        Err(LdapError::TooMuch(_))
    ));
}

/// Active Directory finds the account "zoe" for "zoë".
#[tokio::test]
async fn a_user_whose_name_only_looks_alike_is_not_taken_for_the_one_asked_for() {
    let looks_alike: Script = |id, frame| {
        let found = match (is_bind(frame), id) {
            (true, _) => return good(id, frame),
            (_, 3) => entry_with(id, "defaultNamingContext", "DC=example,DC=org"),
            _ => entry_with(id, "sAMAccountName", "zoe"),
        };
        Reply::Send([found, end(id, SEARCH_END, 0, "")].concat())
    };
    let authority = Authority::new("localhost");
    let url = played(&authority, looks_alike).await;
    let attributes = crate::user::Attributes {
        phone: vec!["mobile".to_owned()],
        locale: "preferredLanguage".to_owned(),
        hold_after_change: None,
    };
    for (name, expected) in [
        ("zoë", crate::error::Code::UserUnknown),
        // Found, and nothing of it can be read.
        ("zoe", crate::error::Code::DirectoryUnreadable),
    ] {
        let servers = servers(&[&url], &authority.pem);
        let mut directory = crate::directory::Directory::new(servers, None);
        let error = directory.user(&name.parse().unwrap(), &attributes).await;
        assert_eq!(error.unwrap_err().code, expected, "{name}");
    }
}

#[tokio::test]
async fn the_second_server_is_asked_beside_a_slow_first_one() {
    let authority = Authority::new("localhost");
    let slow = played(&authority, |_, _| Reply::Hang).await;
    let fast = played(&authority, good).await;
    let servers = servers(&[&slow, &fast], &authority.pem);
    let began = Instant::now();
    let (_, server) = servers.open().await.unwrap();
    assert_eq!(server.to_string(), fast);
    // Not after the first one's time.
    assert!(began.elapsed() < servers.timeout);
}

#[tokio::test]
async fn a_dead_server_is_asked_last_for_a_while() {
    let authority = Authority::new("localhost");
    let dead = played(&authority, |_, _| Reply::Close).await;
    let alive = played(&authority, good).await;
    let servers = servers(&[&dead, &alive], &authority.pem);
    assert_eq!(servers.in_order(), [0, 1]);
    assert_eq!(servers.open().await.unwrap().1.to_string(), alive);
    assert_eq!(servers.in_order(), [1, 0]);
}

#[test]
fn addresses_of_servers_are_read() {
    for (text, host, port, start_tls) in [
        ("ldaps://dc1.example.org", "dc1.example.org", 636, false),
        ("ldap://dc1.example.org", "dc1.example.org", 389, true),
        (
            "ldaps://dc1.example.org:3269/",
            "dc1.example.org",
            3269,
            false,
        ),
        ("ldaps://[::1]:1636", "::1", 1636, false),
        ("ldaps://[::1]", "::1", 636, false),
    ] {
        let server: Server = text.parse().unwrap();
        assert_eq!(
            (server.host.as_str(), server.port, server.start_tls),
            (host, port, start_tls)
        );
    }
    for text in [
        "",
        "dc1",
        "http://dc1",
        "ldaps://",
        "ldaps://dc1:x",
        "ldaps://a b",
        "ldaps://u@dc1",
    ] {
        assert!(text.parse::<Server>().is_err(), "{text}");
    }
}
