//! A throw-away certificate authority for `localhost` and `127.0.0.1`, and certificates that are wrong on purpose.
//!
//! Its keys live in memory and die with the sandbox. Clients trust [`Authority::pem`] and nothing else.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio_rustls::TlsAcceptor;

/// The certificate that a sandbox shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Certificate {
    /// For `localhost` and `127.0.0.1`, valid until 2099.
    #[default]
    Valid,
    /// The same, expired in the year 2001.
    Expired,
    /// Valid, but for `wrong.example`.
    WrongName,
}

/// A certificate could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make the sandbox's certificates: {0}")]
pub enum TlsError {
    /// The generator refused.
    Certificate(#[from] rcgen::Error),
    /// The TLS library refused what was generated.
    Tls(#[from] rustls::Error),
}

/// The authority of one sandbox, with the one certificate that it signed.
#[derive(Clone)]
pub struct Authority {
    /// The authority's own certificate, for clients.
    pub pem: String,
    /// The signed certificate, for servers of another kind.
    pub certificate_pem: String,
    /// Its key, PKCS #8.
    pub key_pem: String,
    /// Accepts TLS connections with the signed certificate.
    pub(crate) acceptor: TlsAcceptor,
}

impl Authority {
    /// A new authority and a certificate of this kind.
    ///
    /// # Errors
    /// Only where the machine has no randomness to give.
    pub fn new(kind: Certificate) -> Result<Self, TlsError> {
        let mut params = CertificateParams::default();
        params
            .distinguished_name
            .push(DnType::CommonName, "textsender sandbox CA");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = date_time_ymd(2099, 12, 31);
        let authority = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;

        let names: &[&str] = match kind {
            Certificate::WrongName => &["wrong.example"],
            Certificate::Valid | Certificate::Expired => &["localhost", "127.0.0.1"],
        };
        let mut params = CertificateParams::new(
            names
                .iter()
                .map(|&name| name.to_owned())
                .collect::<Vec<_>>(),
        )?;
        params.distinguished_name.push(DnType::CommonName, names[0]);
        params.not_before = date_time_ymd(2000, 1, 1);
        params.not_after = match kind {
            Certificate::Expired => date_time_ymd(2001, 1, 1),
            Certificate::Valid | Certificate::WrongName => date_time_ymd(2099, 12, 31),
        };
        let key = KeyPair::generate()?;
        let certificate = params.signed_by(&key, &authority)?;

        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_single_cert(
                vec![certificate.der().clone()],
                PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            )?;
        Ok(Self {
            pem: authority.pem(),
            certificate_pem: certificate.pem(),
            key_pem: key.serialize_pem(),
            acceptor: TlsAcceptor::from(Arc::new(config)),
        })
    }
}
