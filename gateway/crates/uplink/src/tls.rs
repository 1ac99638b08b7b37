//! rustls with the ring provider, named for each configuration so that no process-wide default
//! decides.

use crate::config::{ConfigError, TlsConfig};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::path::Path;
use std::sync::Arc;

/// Reads the files and builds the client's side of TLS.
pub(crate) fn client(config: &TlsConfig) -> Result<Arc<rustls::ClientConfig>, ConfigError> {
    let mut roots = rustls::RootCertStore::empty();
    for cert in certificates(&config.ca_file)? {
        roots.add(cert)?;
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots);
    let client = match &config.client {
        None => builder.with_no_client_auth(),
        Some((chain, key)) => {
            let pem = read(key)?;
            let key = PrivateKeyDer::from_pem_slice(&pem)
                .map_err(|_| ConfigError::Pem { path: key.clone(), what: "private key" })?;
            builder.with_client_auth_cert(certificates(chain)?, key)?
        }
    };
    Ok(Arc::new(client))
}

fn read(path: &Path) -> Result<Vec<u8>, ConfigError> {
    std::fs::read(path).map_err(|error| ConfigError::File { path: path.into(), error })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, ConfigError> {
    let certs: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&read(path)?).collect();
    match certs {
        Ok(certs) if !certs.is_empty() => Ok(certs),
        _ => Err(ConfigError::Pem { path: path.into(), what: "certificate" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_certificates_is_named_in_the_error() {
        let dir = tempfile::tempdir().unwrap();
        let ca_file = dir.path().join("ca.pem");
        std::fs::write(&ca_file, "not a certificate").unwrap();
        let error = client(&TlsConfig { ca_file, client: None }).unwrap_err().to_string();
        assert!(error.contains("ca.pem holds no certificate"), "{error}");
    }
}
