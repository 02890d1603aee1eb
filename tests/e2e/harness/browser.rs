//! HTTPS to the console without a browser: one certificate trusted, cookies kept, redirects shown.

use rustls::pki_types::pem::PemObject;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use ureq::tls::{Certificate, RootCerts, TlsConfig};

pub(crate) struct Browser {
    agent: ureq::Agent,
    base: String,
    cookies: BTreeMap<String, String>,
}

/// An answer, whole.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) headers: ureq::http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Page {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).map(|v| v.to_str());
        value.and_then(Result::ok).unwrap_or_default()
    }
}

impl Browser {
    /// Trusts the certificate in the file and no other.
    pub(crate) fn new(base: &str, certificate: &Path) -> Browser {
        let der = rustls::pki_types::CertificateDer::from_pem_file(certificate)
            .expect("the console's certificate");
        let trusted = Certificate::from_der(&der).to_owned();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder()
            .root_certs(RootCerts::Specific(Arc::new(vec![trusted])))
            .unversioned_rustls_crypto_provider(provider)
            .build();
        let agent = ureq::Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .max_redirects(0)
            .timeout_global(Some(Duration::from_secs(120)))
            .build()
            .new_agent();
        Browser {
            agent,
            base: base.to_owned(),
            cookies: BTreeMap::new(),
        }
    }

    pub(crate) fn get(&mut self, path: &str) -> Page {
        let request = self
            .agent
            .get(format!("{}{path}", self.base))
            .header("cookie", self.jar());
        let answer = request.call().unwrap_or_else(|e| panic!("GET {path}: {e}"));
        self.page(answer)
    }

    /// A form, sent as a page of this console would.
    pub(crate) fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let request = self
            .agent
            .post(format!("{}{path}", self.base))
            .header("cookie", self.jar())
            .header("origin", &self.base)
            .header("sec-fetch-site", "same-origin");
        let answer = request.send_form(fields.iter().copied());
        let answer = answer.unwrap_or_else(|e| panic!("POST {path}: {e}"));
        self.page(answer)
    }

    /// Any request, without cookies: what an agent or a program sends.
    pub(crate) fn send_json(&self, path: &str, bearer: &str, body: &serde_json::Value) -> Page {
        self.send(path, bearer, &body.to_string())
    }

    /// As [`Browser::send_json`], of a body that may be anything.
    pub(crate) fn send(&self, path: &str, bearer: &str, body: &str) -> Page {
        let request = self
            .agent
            .post(format!("{}{path}", self.base))
            .header("authorization", format!("Bearer {bearer}"))
            .header("content-type", "application/json");
        let answer = request.send(body);
        read(answer.unwrap_or_else(|e| panic!("POST {path}: {e}")))
    }

    fn jar(&self) -> String {
        let pairs: Vec<String> = self
            .cookies
            .iter()
            .map(|(k, v)| format!("{k}={v}"))
            .collect();
        pairs.join("; ")
    }

    fn page(&mut self, answer: ureq::http::Response<ureq::Body>) -> Page {
        for cookie in answer.headers().get_all("set-cookie") {
            let pair = cookie.to_str().unwrap_or_default().split(';').next();
            if let Some((name, value)) = pair.and_then(|p| p.split_once('=')) {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        read(answer)
    }
}

fn read(mut answer: ureq::http::Response<ureq::Body>) -> Page {
    let body = answer.body_mut().with_config().limit(1 << 30).read_to_vec();
    Page {
        status: answer.status().as_u16(),
        headers: answer.headers().clone(),
        body: body.expect("the whole body"),
    }
}
