//! TLS for every protocol: rustls with one crypto provider, and roots loaded once and late.

use std::{
    env,
    io::{self, BufReader},
    path::{Path, PathBuf},
    sync::Arc,
};

use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, OtherError, RootCertStore, ServerConfig,
    SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime, pem::PemObject},
};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::{TlsConnector, client::TlsStream};
use webpki::EndEntityCert;

use super::{Cause, NetError, peer};
use crate::trust;

/// A client configuration that trusts the system's roots, or those of `ca_file` alone.
///
/// Reading the system's roots takes 4 to 6 ms, and up to 100 with a cold disk: call it only for an
/// exchange that needs TLS.
///
/// # Errors
///
/// There is nothing to trust, and what to do about it.
pub fn client(ca_file: Option<&Path>) -> Result<ClientConfig, Cause> {
    let roots = match ca_file {
        Some(file) => roots_of(file),
        None => system_roots(),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier =
        WebPkiServerVerifier::builder_with_provider(roots.map_err(Cause::Roots)?.into(), provider)
            .build()
            .map_err(|error| Cause::Roots(error.to_string()))?;
    let mut config = without_roots();
    config
        .dangerous()
        .set_certificate_verifier(Arc::new(Verifier(verifier)));
    Ok(config)
}

/// A client configuration without roots, for a client that never uses TLS.
pub fn without_roots() -> ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        // The provider is ring, which has cipher suites for every version that rustls knows.
        .expect("ring serves the default versions")
        .with_root_certificates(RootCertStore::empty())
        .with_no_client_auth()
}

/// A server configuration with the certificate and the key in these PEM files, which only root and the
/// running user can change. HTTP/1.1 is all it speaks.
///
/// # Errors
///
/// A file can't be read or used, and which.
pub fn server(certificate: &Path, key: &Path) -> io::Result<ServerConfig> {
    let wrong = |file: &Path, what: String| {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{}: {what}", file.display()),
        )
    };
    let open = |file: &Path| {
        let opened = trust::open(file).map_err(|error| wrong(file, error.to_string()));
        opened.map(BufReader::new)
    };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_reader_iter(open(certificate)?).collect();
    let chain = chain.map_err(|error| wrong(certificate, error.to_string()))?;
    if chain.is_empty() {
        return Err(wrong(
            certificate,
            "there is no certificate in it".to_owned(),
        ));
    }
    let secret = PrivateKeyDer::from_pem_reader(open(key)?)
        .map_err(|error| wrong(key, error.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        // The provider is ring, which has cipher suites for every version that rustls knows.
        .expect("ring serves the default versions")
        .with_no_client_auth()
        .with_single_cert(chain, secret)
        .map_err(|error| wrong(key, format!("it does not fit the certificate: {error}")))?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

/// Protects a connection to `host`, which must prove that it is.
///
/// # Errors
///
/// It does not speak TLS, or its certificate is not to be trusted.
pub async fn handshake<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    host: &str,
    port: u16,
    tls: Arc<ClientConfig>,
) -> Result<TlsStream<S>, NetError> {
    let failed = |cause| NetError::new(peer(host, port), cause);
    let name = ServerName::try_from(host.to_owned()).map_err(|_| failed(Cause::NotAHost))?;
    let protected = TlsConnector::from(tls).connect(name, stream).await;
    protected.map_err(|error| failed(Cause::of(&error)))
}

fn roots_of(file: &Path) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    add(file, &mut roots).map_err(|what| format!("ca_file {}: {what}", file.display()))?;
    Ok(roots)
}

/// Adds the certificates in a file that only root and the running user can change: an account that writes to it
/// can be any provider.
fn add(file: &Path, roots: &mut RootCertStore) -> Result<(), String> {
    let opened = trust::open(file).map_err(|error| error.to_string())?;
    let before = roots.len();
    for certificate in CertificateDer::pem_reader_iter(BufReader::new(opened)) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    match roots.len() > before {
        true => Ok(()),
        false => Err("there is no certificate in it".to_owned()),
    }
}

/// The roots that `SSL_CERT_FILE` and `SSL_CERT_DIR` name in place of the system's, as for OpenSSL; `None`
/// where neither is set. What is no certificate in such a folder is left out, as OpenSSL does; what
/// others can write to is an error.
fn roots_of_environment() -> Option<Result<RootCertStore, String>> {
    let (file, folders) = (env::var_os("SSL_CERT_FILE"), env::var_os("SSL_CERT_DIR"));
    if file.is_none() && folders.is_none() {
        return None;
    }
    let mut roots = RootCertStore::empty();
    if let Some(file) = file.map(PathBuf::from)
        && let Err(what) = add(&file, &mut roots)
    {
        return Some(Err(format!("$SSL_CERT_FILE {}: {what}", file.display())));
    }
    let folders = folders.unwrap_or_default();
    let folders = env::split_paths(&folders).filter(|folder| !folder.as_os_str().is_empty());
    let entries = folders.flat_map(|folder| folder.read_dir().into_iter().flatten());
    let files = entries.filter_map(|entry| Some(entry.ok()?.path()));
    for file in files.filter(|file| file.is_file()) {
        if let Err(error) = trust::open(&file)
            && error.kind() == io::ErrorKind::Other
        {
            return Some(Err(format!("$SSL_CERT_DIR: {error}")));
        }
        // No certificate, or one twice.
        let _ = add(&file, &mut roots);
    }
    match roots.is_empty() {
        true => Some(Err(
            "$SSL_CERT_FILE and $SSL_CERT_DIR name no certificate: correct or unset them"
                .to_owned(),
        )),
        false => Some(Ok(roots)),
    }
}

fn system_roots() -> Result<RootCertStore, String> {
    if let Some(roots) = roots_of_environment() {
        return roots;
    }
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found.certs);
    if roots.is_empty() {
        return Err(
            "this system has no trusted roots: install ca-certificates, or set ca_file".into(),
        );
    }
    Ok(roots)
}

/// rustls's own verifier, which judges alone. Beside its word this tells a certificate that vouches
/// for itself from one of an authority that is not known: what to do about them is not the same.
#[derive(Debug)]
struct Verifier(Arc<WebPkiServerVerifier>);

/// A certificate whose issuer is its subject.
#[derive(Debug, thiserror::Error)]
#[error("self-signed")]
pub(super) struct SelfSigned;

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verified = self
            .0
            .verify_server_cert(certificate, intermediates, name, ocsp, now);
        verified.map_err(|error| {
            let is_untrusted = matches!(
                error,
                rustls::Error::InvalidCertificate(
                    CertificateError::UnknownIssuer | CertificateError::Other(_)
                )
            );
            match is_untrusted && is_self_signed(certificate) {
                true => CertificateError::Other(OtherError(Arc::new(SelfSigned))).into(),
                false => error,
            }
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.0
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

fn is_self_signed(certificate: &CertificateDer<'_>) -> bool {
    EndEntityCert::try_from(certificate)
        .is_ok_and(|certificate| certificate.issuer() == certificate.subject())
}
