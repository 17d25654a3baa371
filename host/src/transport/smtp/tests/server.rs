//! A small mail server on loopback, which fails as it is told.

use std::{
    io::Write,
    path::Path,
    sync::{Arc, Mutex},
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::{
    io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufStream},
    net::{TcpListener, TcpStream},
    sync::Notify,
};
use tokio_rustls::TlsAcceptor;

/// What the server does in place of its usual reply to a command. `.` is the final dot.
#[derive(Clone, Copy, PartialEq)]
pub enum Fault {
    /// Replies this.
    Reply(&'static str),
    /// Closes the connection.
    Close,
    /// Says nothing any more.
    Silence,
    /// Replies this again and again, without an end.
    Endless(&'static str),
}

/// How the server protects connections.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Protection {
    None,
    StartTls,
    Tls,
}

/// How a server is to be.
#[derive(Clone)]
pub struct Config {
    pub protection: Protection,
    /// The mechanisms that it offers; `user` and `pass` are right.
    pub auth: &'static str,
    /// At which command what goes wrong, and how often at most.
    pub fault: Option<(&'static str, Fault)>,
    pub faults: usize,
    /// At which of these commands it begins to, counted from 1.
    pub fault_from: usize,
    /// Names its extensions in small letters.
    pub lower_case: bool,
    /// Closes a connection after so many mails.
    pub mails: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            protection: Protection::None,
            auth: "",
            fault: None,
            faults: usize::MAX,
            fault_from: 1,
            lower_case: false,
            mails: usize::MAX,
        }
    }
}

/// What the server saw.
#[derive(Default)]
pub struct Seen {
    pub connections: usize,
    /// How many of them are open.
    pub open: usize,
    pub most_open: usize,
    pub commands: Vec<String>,
    /// The contents of the mails that it took.
    pub mails: Vec<String>,
}

pub struct Server {
    pub port: u16,
    pub ca: tempfile::NamedTempFile,
    shared: Arc<Shared>,
}

struct Shared {
    config: Config,
    acceptor: TlsAcceptor,
    seen: Mutex<Seen>,
    /// How often the fault's command was said.
    asked: Mutex<usize>,
    /// A fault happened.
    failed: Notify,
}

impl Server {
    pub async fn start(config: Config) -> Self {
        let (acceptor, ca) = certificate();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let shared = Arc::new(Shared {
            asked: Mutex::default(),
            config,
            acceptor,
            seen: Mutex::default(),
            failed: Notify::new(),
        });
        let accepting = shared.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let shared = accepting.clone();
                shared.opened();
                tokio::spawn(async move {
                    shared.welcome(stream).await;
                    shared.seen.lock().unwrap().open -= 1;
                });
            }
        });
        Self { port, ca, shared }
    }

    pub fn ca_file(&self) -> &Path {
        self.ca.path()
    }

    pub fn seen<T>(&self, look: impl FnOnce(&Seen) -> T) -> T {
        look(&self.shared.seen.lock().unwrap())
    }

    /// Waits until something went wrong.
    pub async fn failed(&self) {
        self.shared.failed.notified().await;
    }
}

impl Shared {
    fn opened(&self) {
        let mut seen = self.seen.lock().unwrap();
        seen.connections += 1;
        seen.open += 1;
        seen.most_open = seen.most_open.max(seen.open);
    }

    async fn welcome(&self, stream: TcpStream) -> Option<()> {
        if self.config.protection == Protection::Tls {
            let mut stream = BufStream::new(self.acceptor.accept(stream).await.ok()?);
            self.reply(&mut stream, "connect", "220 test").await?;
            return self.converse(&mut stream, false).await;
        }
        let mut stream = BufStream::new(stream);
        self.reply(&mut stream, "connect", "220 test").await?;
        let starttls = self.config.protection == Protection::StartTls;
        self.converse(&mut stream, starttls).await?;
        let stream = self.acceptor.accept(stream.into_inner()).await.ok()?;
        self.converse(&mut BufStream::new(stream), false).await
    }

    /// Answers commands, to the end or to STARTTLS.
    async fn converse<S>(&self, stream: &mut BufStream<S>, starttls: bool) -> Option<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let mut mails = 0;
        loop {
            let line = read_line(stream).await?;
            let verb = line.split([' ', ':']).next()?.to_ascii_lowercase();
            self.seen.lock().unwrap().commands.push(line.clone());
            let reply = match verb.as_str() {
                "ehlo" => self.offers(starttls),
                "auth" => self.authenticate(stream, &line).await?,
                "data" => "354 go on".into(),
                "starttls" => "220 go on".into(),
                _ => "250 ok".into(),
            };
            self.reply(stream, &verb, &reply).await?;
            match verb.as_str() {
                "starttls" => return Some(()),
                "quit" => return None,
                "data" => {
                    let mail = read_mail(stream).await?;
                    self.reply(stream, ".", "250 2.0.0 queued as 4F2").await?;
                    self.seen.lock().unwrap().mails.push(mail);
                    mails += 1;
                    if mails == self.config.mails {
                        return None;
                    }
                }
                _ => {}
            }
        }
    }

    fn offers(&self, starttls: bool) -> String {
        let mut offers = "250-test\r\n".to_owned();
        if starttls {
            offers += "250-STARTTLS\r\n";
        } else if !self.config.auth.is_empty() {
            offers += &format!("250-AUTH {}\r\n", self.config.auth);
        }
        offers += "250 8BITMIME";
        match self.config.lower_case {
            true => offers.to_lowercase(),
            false => offers,
        }
    }

    async fn authenticate<S>(&self, stream: &mut BufStream<S>, line: &str) -> Option<String>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let right = match line.split(' ').nth(1)? {
            // "\0user\0pass"
            "PLAIN" => line.ends_with(" AHVzZXIAcGFzcw=="),
            // "user=user^Aauth=Bearer t0k3n^A^A"; one that is wrong gets its reason as a challenge.
            "XOAUTH2" => {
                let right = line.ends_with(" dXNlcj11c2VyAWF1dGg9QmVhcmVyIHQwazNuAQE=");
                if !right {
                    say(stream, "334 eyJzdGF0dXMiOiI0MDEifQ==").await?;
                    read_line(stream).await?;
                }
                right
            }
            _ => {
                let mut given = Vec::new();
                for asked in ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6"] {
                    say(stream, asked).await?;
                    given.push(read_line(stream).await?);
                }
                given == ["dXNlcg==", "cGFzcw=="]
            }
        };
        let reply = if right {
            "235 welcome"
        } else {
            "535 5.7.8 who are you"
        };
        Some(reply.into())
    }

    /// Replies as usual, or as the fault wants it. `None` ends the connection.
    async fn reply<S>(&self, stream: &mut BufStream<S>, verb: &str, usual: &str) -> Option<()>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let Some(fault) = self.fault(verb) else {
            return say(stream, usual).await;
        };
        match fault {
            Fault::Reply(reply) => say(stream, reply).await,
            Fault::Close => None,
            Fault::Endless(part) => loop {
                stream.write_all(part.as_bytes()).await.ok()?;
                stream.flush().await.ok()?;
            },
            Fault::Silence => {
                self.failed.notify_one();
                std::future::pending().await
            }
        }
    }

    fn fault(&self, verb: &str) -> Option<Fault> {
        let (at, fault) = self.config.fault?;
        if at != verb {
            return None;
        }
        let mut asked = self.asked.lock().unwrap();
        *asked += 1;
        let Config {
            fault_from, faults, ..
        } = self.config;
        let happens = *asked >= fault_from && *asked - fault_from < faults;
        happens.then_some(fault)
    }
}

async fn say<S>(stream: &mut BufStream<S>, reply: &str) -> Option<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    stream
        .write_all(format!("{reply}\r\n").as_bytes())
        .await
        .ok()?;
    stream.flush().await.ok()
}

async fn read_line<S>(stream: &mut BufStream<S>) -> Option<String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut line = String::new();
    let read = stream.read_line(&mut line).await.ok()?;
    (read > 0).then(|| line.trim_end().to_owned())
}

/// Reads to the final dot, and takes away the dots that were doubled.
async fn read_mail<S>(stream: &mut BufStream<S>) -> Option<String>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut mail = Vec::new();
    loop {
        let line = read_line(stream).await?;
        if line == "." {
            return Some(mail.join("\n"));
        }
        mail.push(line.strip_prefix('.').unwrap_or(&line).to_owned());
    }
}

/// A certificate for 127.0.0.1, and the authority that vouches for it.
fn certificate() -> (TlsAcceptor, tempfile::NamedTempFile) {
    let key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::default();
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // Another name for each: one of the same name would be taken for this one, with a broken key.
    let name = format!("authority {}", key.public_key_pem());
    authority.distinguished_name.push(DnType::CommonName, name);
    let ca = authority.self_signed(&key).unwrap();
    let issuer = Issuer::new(authority, key);

    let key = KeyPair::generate().unwrap();
    let names = vec!["127.0.0.1".to_owned()];
    let leaf = CertificateParams::new(names).unwrap();
    let leaf = leaf.signed_by(&key, &issuer).unwrap();

    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(ca.pem().as_bytes()).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.der().clone()], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), file)
}
