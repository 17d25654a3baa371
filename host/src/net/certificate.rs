//! Until when a certificate is valid.

use std::{
    io::{self, BufReader},
    path::Path,
    time::Duration,
};

use jiff::Timestamp;
use rustls::pki_types::{CertificateDer, UnixTime, pem::PemObject};
use tokio_rustls::client::TlsStream;
use webpki::{EndEntityCert, Error, KeyUsage};

use crate::trust;

/// A time after the end of every certificate: the year 9999 is the last that one can name (RFC 5280, 4.1.2.5).
const AFTER_ALL: UnixTime = UnixTime::since_unix_epoch(Duration::from_secs(1 << 40));

/// When the first of the certificates in a PEM file ceases to be valid. Only root and the running user may be able
/// to change the file.
///
/// # Errors
///
/// It can't be read, or there is no certificate in it.
pub fn valid_until(file: &Path) -> io::Result<Timestamp> {
    ends(file).map(|(first, _)| first)
}

/// When the last of them ceases to be valid.
///
/// # Errors
///
/// As above.
pub fn last_valid_until(file: &Path) -> io::Result<Timestamp> {
    ends(file).map(|(_, last)| last)
}

/// When the certificate of a peer ceases to be valid.
pub fn valid_until_of<S>(stream: &TlsStream<S>) -> Option<Timestamp> {
    let (_, session) = stream.get_ref();
    end_of(session.peer_certificates()?.first()?)
}

fn ends(file: &Path) -> io::Result<(Timestamp, Timestamp)> {
    let wrong = |what: String| io::Error::new(io::ErrorKind::InvalidData, what);
    let mut ends = None;
    for certificate in CertificateDer::pem_reader_iter(BufReader::new(trust::open(file)?)) {
        let certificate = certificate.map_err(|error| wrong(error.to_string()))?;
        let end = end_of(&certificate)
            .ok_or_else(|| wrong("holds something that is not a certificate".into()))?;
        let (first, last) = ends.unwrap_or((end, end));
        ends = Some((first.min(end), last.max(end)));
    }
    ends.ok_or_else(|| wrong("there is no certificate in it".to_owned()))
}

/// What webpki finds of one that is looked at after its end: it shows the time nowhere else.
fn end_of(certificate: &CertificateDer<'_>) -> Option<Timestamp> {
    let certificate = EndEntityCert::try_from(certificate).ok()?;
    let usage = KeyUsage::server_auth();
    let judged = certificate.verify_for_usage(&[], &[], &[], AFTER_ALL, usage, None, None);
    match judged.err()? {
        Error::CertExpired { not_after, .. } => {
            Timestamp::from_second(not_after.as_secs().try_into().ok()?).ok()
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn pem(until: i32) -> String {
        let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
        params.not_before = date_time_ymd(2001, 1, 1);
        params.not_after = date_time_ymd(until, 2, 3);
        params
            .self_signed(&KeyPair::generate().unwrap())
            .unwrap()
            .pem()
    }

    #[test]
    fn the_first_that_ends_is_what_counts() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("chain.pem");
        for (chain, until) in [
            (pem(2031), "2031-02-03T00:00:00Z"),
            (pem(2031) + &pem(2002), "2002-02-03T00:00:00Z"),
            (pem(9999), "9999-02-03T00:00:00Z"),
        ] {
            fs::write(&file, chain).unwrap();
            assert_eq!(valid_until(&file).unwrap().to_string(), until);
            assert!(last_valid_until(&file).unwrap().to_string().as_str() > "2031-02");
        }
        fs::write(&file, "none").unwrap();
        assert!(valid_until(&file).is_err());
        assert!(valid_until(&folder.path().join("away.pem")).is_err());
    }
}
