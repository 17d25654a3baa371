//! A domain controller that a test switches off, holds back, or gives another certificate; with one of its own it counts
//! logins.

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use rcgen::{CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName};
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use textsender_tests::peers::samba::Domain;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use tokio_rustls::{TlsAcceptor, TlsConnector};

/// It, in front of Samba's.
pub struct Server {
    port: u16,
    how: Arc<(Mutex<How>, Condvar)>,
    logins: Arc<AtomicUsize>,
    cut: watch::Sender<()>,
}

#[derive(Clone)]
pub enum How {
    /// As Samba has it.
    Alive,
    /// It takes connections, and ends them.
    Away,
    /// It takes requests, and answers once it is something else.
    Held,
    /// With this certificate in place of Samba's.
    Certified(Arc<ServerConfig>),
}

impl Server {
    pub fn start(how: How) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let how = Arc::new((Mutex::new(how), Condvar::new()));
        let shared = Arc::clone(&how);
        let logins = Arc::default();
        let counted = Arc::clone(&logins);
        let (cut, is_cut) = watch::channel(());
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let now = shared.0.lock().unwrap().clone();
                match now {
                    How::Away => {}
                    How::Alive | How::Held => pass_on(client, Arc::clone(&shared)),
                    How::Certified(tls) => {
                        pass_on_as(client, tls, Arc::clone(&counted), is_cut.clone());
                    }
                }
            }
        });
        Self {
            port,
            how,
            logins,
            cut,
        }
    }

    pub fn is(&self, how: How) {
        *self.how.0.lock().unwrap() = how;
        self.how.1.notify_all();
    }

    /// How many logins it has seen with a certificate of its own since this was last asked.
    pub fn logins(&self) -> usize {
        self.logins.swap(0, Relaxed)
    }

    /// Ends the connections with a certificate of its own that there are.
    pub fn cut(&self) {
        let _ = self.cut.send(());
    }

    pub fn url(&self) -> String {
        format!("ldaps://127.0.0.1:{}", self.port)
    }
}

fn samba() -> String {
    let url = Domain::shared().setting("LDAPS");
    url.trim_start_matches("ldaps://").to_owned()
}

fn pass_on(client: TcpStream, how: Arc<(Mutex<How>, Condvar)>) {
    let server = TcpStream::connect(samba()).unwrap();
    let (from, to) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    thread::spawn(move || copy(from, to));
    thread::spawn(move || {
        let held = how.0.lock().unwrap();
        drop(how.1.wait_while(held, |how| matches!(how, How::Held)));
        copy(server, client);
    });
}

fn copy(mut from: TcpStream, mut to: TcpStream) {
    let mut block = [0; 16 * 1024];
    while let Ok(count @ 1..) = from.read(&mut block) {
        if to.write_all(&block[..count]).is_err() {
            break;
        }
    }
    let _ = to.shutdown(std::net::Shutdown::Both);
}

/// Ends the client's TLS, and speaks to Samba over its own.
fn pass_on_as(
    client: TcpStream,
    tls: Arc<ServerConfig>,
    logins: Arc<AtomicUsize>,
    mut is_cut: watch::Receiver<()>,
) {
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        runtime.unwrap().block_on(async move {
            client.set_nonblocking(true).unwrap();
            let client = tokio::net::TcpStream::from_std(client).unwrap();
            let Ok(client) = TlsAcceptor::from(tls).accept(client).await else {
                return;
            };
            let server = tokio::net::TcpStream::connect(samba()).await.unwrap();
            let connector = TlsConnector::from(Arc::new(trusting_samba()));
            let name = ServerName::try_from("127.0.0.1").unwrap();
            let server = connector.connect(name, server).await.unwrap();
            let (mut from_client, mut to_client) = tokio::io::split(client);
            let (mut from_server, mut to_server) = tokio::io::split(server);
            let up = async {
                let mut block = [0; 16 * 1024];
                while let Ok(count @ 1..) = from_client.read(&mut block).await {
                    logins.fetch_add(usize::from(is_login(&block[..count])), Relaxed);
                    to_server.write_all(&block[..count]).await?;
                }
                to_server.shutdown().await
            };
            let down = async {
                let _ = tokio::io::copy(&mut from_server, &mut to_client).await;
                to_client.shutdown().await
            };
            let both = async { tokio::join!(up, down) };
            is_cut.borrow_and_update();
            tokio::select! {
                _ = both => {}
                _ = is_cut.changed() => {}
            }
        });
    });
}

/// Whether a request is a `BindRequest` (RFC 4511, 4.2): one is sent at a time, and its number is small.
fn is_login(request: &[u8]) -> bool {
    let number = request.windows(2).position(|two| two == [2, 1]);
    number.and_then(|at| request.get(at + 3)) == Some(&0x60)
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

fn trusting_samba() -> ClientConfig {
    let mut roots = RootCertStore::empty();
    let pem = fs::read(Domain::shared().setting("CA")).unwrap();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        roots.add(certificate.unwrap()).unwrap();
    }
    let config = ClientConfig::builder_with_provider(provider());
    let config = config.with_safe_default_protocol_versions().unwrap();
    config.with_root_certificates(roots).with_no_client_auth()
}

/// An authority, which makes certificates that are good for so many days.
pub struct Authority {
    pub issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap());
        Self {
            issuer: issuer.unwrap(),
        }
    }

    pub fn for_days(&self, days: i64) -> How {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let now = params.not_before.max(std::time::SystemTime::now().into());
        // An hour more, so that the day is not just over.
        let hours = |hours: i64| std::time::Duration::from_secs(3_600 * hours.unsigned_abs());
        params.not_before = now - hours(24 * 60);
        params.not_after = match days {
            0.. => now + hours(24 * days + 1),
            _ => now - hours(1),
        };
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let config = ServerConfig::builder_with_provider(provider());
        let config = config.with_safe_default_protocol_versions().unwrap();
        let config = config.with_no_client_auth();
        let config = config.with_single_cert(vec![certificate.der().clone()], key);
        How::Certified(Arc::new(config.unwrap()))
    }
}
