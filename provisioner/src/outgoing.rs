//! HTTP to servers of the company: which certificates are trusted, and bounds on everything. Blocking.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use ureq::tls::{Certificate, PemItem, RootCerts, TlsConfig};

/// The certificates of `ca_file` cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct BadCertificates {
    pub why: String,
}

/// For `url`, trusting the system's certificates and those of `ca_file` (PEM). `limit` is from the first packet
/// to the last. No redirect is followed, and no status is an error: the caller knows what it asked.
pub fn agent(
    url: &str,
    ca_file: Option<&Path>,
    limit: Duration,
) -> Result<ureq::Agent, BadCertificates> {
    let mut config = ureq::Agent::config_builder()
        .timeout_global(Some(limit))
        .max_redirects(0)
        .http_status_as_error(false)
        .user_agent("reprise");
    if url.starts_with("https:") {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::from(roots(ca_file)?))
            .unversioned_rustls_crypto_provider(provider)
            .build();
        config = config.tls_config(tls);
    }
    Ok(config.build().new_agent())
}

/// The system's, and those of the company.
fn roots(ca_file: Option<&Path>) -> Result<Vec<Certificate<'static>>, BadCertificates> {
    let system = rustls_native_certs::load_native_certs().certs;
    let mut all: Vec<Certificate<'static>> = system
        .iter()
        .map(|der| Certificate::from_der(der).to_owned())
        .collect();
    if let Some(path) = ca_file {
        let pem = std::fs::read(path).map_err(bad)?;
        for item in ureq::tls::parse_pem(&pem) {
            if let PemItem::Certificate(certificate) = item.map_err(bad)? {
                all.push(certificate);
            }
        }
    }
    Ok(all)
}

fn bad(why: impl std::fmt::Display) -> BadCertificates {
    BadCertificates {
        why: why.to_string(),
    }
}
