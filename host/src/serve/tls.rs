//! TLS on the HTTP door, so that it may be open to other machines: a certificate and its key, read again
//! when they change.

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use rustls::ServerConfig;
use tokio_rustls::TlsAcceptor;

use super::sockets::Stream;
use crate::{
    config::{self, Fingerprint},
    net,
};

/// What connections are accepted with.
pub(super) struct Tls {
    files: config::Tls,
    read: Mutex<Read>,
}

struct Read {
    seen: Fingerprint,
    config: Arc<ServerConfig>,
}

impl Tls {
    /// Reads the files.
    ///
    /// # Errors
    ///
    /// They can't be used, and why.
    pub(super) fn open(files: config::Tls) -> io::Result<Self> {
        // Before they are read: a change that comes meanwhile is seen by the next look.
        let seen = fingerprint(&files);
        let config = Arc::new(net::server(&files.certificate, &files.key)?);
        let read = Mutex::new(Read { seen, config });
        Ok(Self { files, read })
    }

    /// Shakes hands with a client.
    pub(super) async fn accept(&self, stream: Stream) -> io::Result<Stream> {
        let protected = TlsAcceptor::from(self.config()).accept(stream).await?;
        Ok(Box::new(protected))
    }

    /// As the files have it now. Where they are wrong, such as half of a change, the last good ones go on.
    fn config(&self) -> Arc<ServerConfig> {
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        if read.seen.changed() {
            read.seen = fingerprint(&self.files);
            match net::server(&self.files.certificate, &self.files.key) {
                Ok(config) => {
                    tracing::info!("the changed certificate is in use");
                    read.config = Arc::new(config);
                }
                Err(error) => {
                    tracing::error!(%error, "the changed certificate is not used, the last good one stays");
                }
            }
        }
        Arc::clone(&read.config)
    }
}

fn fingerprint(files: &config::Tls) -> Fingerprint {
    Fingerprint::of([files.certificate.clone(), files.key.clone()])
}
