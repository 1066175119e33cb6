//! TLS with a certificate that can be replaced while the server runs. The protocol under it is HTTP/1.1: without actix's
//! feature `http2`, no other one is offered.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use parking_lot::RwLock;
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

/// The files of a certificate, both in PEM.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsFiles {
    /// The server's certificate, followed by those of the authorities between it and the root.
    pub certificate: PathBuf,
    /// The private key: PKCS#8, PKCS#1 or SEC1.
    pub key: PathBuf,
}

/// Why a certificate can't be used. The server keeps the one that it has.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("the certificate {} can't be read: {reason}", file.display())]
    Certificate { file: PathBuf, reason: String },
    #[error("the private key {} can't be read: {reason}", file.display())]
    Key { file: PathBuf, reason: String },
    #[error(
        "the private key {} does not belong to the certificate {}: give the two files of one certificate",
        .0.key.display(), .0.certificate.display()
    )]
    Mismatch(TlsFiles),
}

/// A certificate with its key, as new connections use it. Clones share it.
#[derive(Clone)]
pub struct Tls {
    files: TlsFiles,
    current: Arc<RwLock<Arc<CertifiedKey>>>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads the certificate and its key.
    ///
    /// # Errors
    /// [`TlsError`]
    pub fn open(files: TlsFiles) -> Result<Self, TlsError> {
        let certified = read(&files)?;
        Ok(Self {
            files,
            current: Arc::new(RwLock::new(Arc::new(certified))),
        })
    }

    /// Reads the files again, for new connections. Open connections keep the certificate that they began with.
    ///
    /// # Errors
    /// [`TlsError`]. New connections get the former certificate then.
    pub fn reload(&self) -> Result<(), TlsError> {
        let certified = Arc::new(read(&self.files)?);
        *self.current.write() = certified;
        Ok(())
    }

    /// TLS 1.2 and 1.3, without client certificates.
    pub(super) fn server_config(&self) -> ServerConfig {
        ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("ring has the cipher suites of TLS 1.2 and 1.3")
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(Resolver(self.clone())))
    }
}

struct Resolver(Tls);

impl fmt::Debug for Resolver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl ResolvesServerCert for Resolver {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.current.read().clone())
    }
}

fn read(files: &TlsFiles) -> Result<CertifiedKey, TlsError> {
    let TlsFiles { certificate, key } = files;
    let chain = CertificateDer::pem_file_iter(certificate).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let chain = match chain {
        Ok(chain) if chain.is_empty() => Err("it has no certificate in PEM".to_owned()),
        Ok(chain) => Ok(chain),
        Err(error) => Err(reason(error)),
    };
    let of_certificate = |reason| TlsError::Certificate {
        file: certificate.clone(),
        reason,
    };
    let of_key = |reason| TlsError::Key {
        file: key.clone(),
        reason,
    };
    let chain = chain.map_err(of_certificate)?;
    let private = read_key(key).map_err(of_key)?;
    let signer = ring::sign::any_supported_type(&private)
        .map_err(|_| of_key("its algorithm is none of RSA, ECDSA (P-256, P-384) and Ed25519".to_owned()))?;
    let certified = CertifiedKey::new(chain, signer);
    match certified.keys_match() {
        Ok(()) | Err(rustls::Error::InconsistentKeys(rustls::InconsistentKeys::Unknown)) => Ok(certified),
        Err(rustls::Error::InconsistentKeys(_)) => Err(TlsError::Mismatch(files.clone())),
        Err(error) => Err(of_certificate(error.to_string())),
    }
}

fn read_key(file: &Path) -> Result<PrivateKeyDer<'static>, String> {
    match PrivateKeyDer::from_pem_file(file) {
        Err(pem::Error::NoItemsFound) => Err("it has no private key in PEM without a passphrase".to_owned()),
        outcome => outcome.map_err(reason),
    }
}

fn reason(error: pem::Error) -> String {
    match error {
        // Without the operating system's error number.
        pem::Error::Io(error) => error
            .to_string()
            .split(" (os error")
            .next()
            .unwrap_or_default()
            .to_owned(),
        error => error.to_string(),
    }
}
