//! TLS for every transport: rustls with one crypto provider, and roots loaded once and late.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

/// A client configuration that trusts the system's roots, or those of `ca_file` alone.
///
/// Reading the system's roots takes 4 to 6 ms, and up to 100 with a cold disk: call it only for an
/// exchange that needs TLS.
pub(super) fn client(ca_file: Option<&Path>) -> Result<ClientConfig, String> {
    let roots = match ca_file {
        Some(file) => roots_of(file)?,
        None => system_roots()?,
    };
    Ok(with_roots(roots))
}

/// A client configuration without roots, for a client that never uses TLS.
pub(super) fn none() -> ClientConfig {
    with_roots(RootCertStore::empty())
}

fn with_roots(roots: RootCertStore) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        // The provider is ring, which has cipher suites for every version that rustls knows.
        .expect("ring serves the default versions")
        .with_root_certificates(roots)
        .with_no_client_auth()
}

fn roots_of(file: &Path) -> Result<RootCertStore, String> {
    let fault = |what: &dyn std::fmt::Display| format!("ca_file {}: {what}", file.display());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(file).map_err(|error| fault(&error))? {
        let certificate = certificate.map_err(|error| fault(&error))?;
        roots.add(certificate).map_err(|error| fault(&error))?;
    }
    if roots.is_empty() {
        return Err(fault(&"there is no certificate in it"));
    }
    Ok(roots)
}

fn system_roots() -> Result<RootCertStore, String> {
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
