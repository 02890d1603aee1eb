//! The console's own certificate: made at the first start, kept in `state_dir/tls`, pinned by its
//! fingerprint in the boot scripts.

use crate::file;
use anyhow::{Context, bail};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

/// The certificate as it is served.
#[derive(Clone)]
pub(crate) struct Identity {
    pub(crate) server: Arc<rustls::ServerConfig>,
    /// SHA-256 of the DER certificate, 64 lower-case hex digits.
    pub(crate) fingerprint: String,
}

impl Identity {
    /// As browsers show it: `AB:CD:…`.
    pub(crate) fn shown_fingerprint(&self) -> String {
        let pairs: Vec<String> = self
            .fingerprint
            .as_bytes()
            .chunks(2)
            .map(|pair| String::from_utf8_lossy(pair).to_uppercase())
            .collect();
        pairs.join(":")
    }
}

/// Loads the certificate and key in `folder`, or makes both.
pub(crate) fn open(folder: &Path, name: &str) -> anyhow::Result<Identity> {
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    match (certificate.exists(), key.exists()) {
        (true, true) => {}
        // The key is written first: alone, it is the trace of a first start that was cut off.
        (false, _) => create(folder, name)?,
        (true, false) => bail!(
            "open the console's key {}: it is missing while its certificate is there; put the key back, or remove {} for a new pair (every browser and PC will have to trust it anew)",
            key.display(),
            certificate.display()
        ),
    }
    let read = || {
        format!(
            "read the console's certificate in {}; restore it from a backup, or remove the folder for a new one",
            folder.display()
        )
    };
    let certificate = CertificateDer::from_pem_file(&certificate).with_context(read)?;
    let key = PrivateKeyDer::from_pem_file(&key).with_context(read)?;
    let fingerprint = hex(ring::digest::digest(&ring::digest::SHA256, &certificate).as_ref());
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut server = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .context("set up TLS")?
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .with_context(read)?;
    server.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Identity {
        server: Arc::new(server),
        fingerprint,
    })
}

fn create(folder: &Path, name: &str) -> anyhow::Result<()> {
    let place = || format!("make the console's certificate in {}", folder.display());
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .with_context(place)?;
    let mut parameters = rcgen::CertificateParams::new(names(name)).with_context(place)?;
    parameters
        .distinguished_name
        .push(rcgen::DnType::CommonName, format!("reprise {name}"));
    // The pinned fingerprint is what is trusted, so an early end would only lock people out.
    parameters.not_before = rcgen::date_time_ymd(2025, 1, 1);
    parameters.not_after = rcgen::date_time_ymd(2055, 1, 1);
    parameters.insert_extended_key_usage(rcgen::ExtendedKeyUsagePurpose::ServerAuth);
    let key = rcgen::KeyPair::generate().with_context(place)?;
    let certificate = parameters.self_signed(&key).with_context(place)?;
    file::publish(&folder.join("key.pem"), key.serialize_pem().as_bytes()).with_context(place)?;
    file::publish(
        &folder.join("certificate.pem"),
        certificate.pem().as_bytes(),
    )
    .with_context(place)
}

/// What the certificate is valid for: this box under every name and address it has now.
fn names(name: &str) -> Vec<String> {
    let mut names = vec!["localhost".to_owned()];
    let host = rustix::system::uname();
    let host = host.nodename().to_string_lossy().into_owned();
    names.extend(
        [name, &host]
            .into_iter()
            .filter(|n| is_dns_name(n))
            .map(str::to_owned),
    );
    let addresses = if_addrs::get_if_addrs().unwrap_or_default();
    names.extend(addresses.iter().map(|a| a.ip().to_string()));
    names.sort();
    names.dedup();
    names
}

fn is_dns_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() < 64
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.')
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    struct Temp(std::path::PathBuf);
    impl Drop for Temp {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn the_certificate_is_made_once_and_a_cut_off_first_start_is_taken_up() {
        let dir = Temp(std::env::temp_dir().join(format!("reprise-tls-{}", state::id::new())));
        let first = open(&dir.0, "agen").expect("made");
        let again = open(&dir.0, "agen").expect("found");
        assert_eq!(first.fingerprint, again.fingerprint);
        assert_eq!(first.fingerprint.len(), 64);
        assert_eq!(first.shown_fingerprint().len(), 95);
        let mode = fs::metadata(dir.0.join("key.pem"))
            .expect("key")
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::remove_file(dir.0.join("certificate.pem")).expect("cut off");
        let new = open(&dir.0, "agen").expect("made again");
        assert_ne!(new.fingerprint, first.fingerprint);
        fs::remove_file(dir.0.join("key.pem")).expect("lost");
        let error = open(&dir.0, "agen").err().expect("refused").to_string();
        assert!(
            error.contains("key.pem") && error.contains("put the key back"),
            "{error}"
        );
    }

    #[test]
    fn odd_names_stay_out_of_the_certificate() {
        assert!(is_dns_name("agen-1") && !is_dns_name("agence d'Agen") && !is_dns_name(""));
    }
}
