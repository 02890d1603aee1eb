//! One request to GLPI: an inventory, or the question about one that is pending. Blocking.

use super::Fault;
use super::answer::{self, Answer, Raw, shown};
use crate::outgoing;
use config::Glpi;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

/// Ours are small; whoever stops the appliance waits for it.
const LIMIT: Duration = Duration::from_secs(30);
/// Of an answer, what is read.
const READ: u64 = 256 * 1024;

/// What is asked.
pub(super) struct Request {
    /// UUID of the sender.
    pub(super) agent: String,
    /// Eight hexadecimal digits, in capitals.
    pub(super) id: String,
    /// The inventory as JSON; `None`: how far is the request of this id?
    pub(super) document: Option<Vec<u8>>,
}

pub(super) fn ask(glpi: &Glpi, request: &Request) -> Answer {
    match exchange(glpi, request) {
        Ok(raw) => answer::read(&raw, &request.id),
        Err(fault) => Answer::Refused(fault, None),
    }
}

fn exchange(glpi: &Glpi, request: &Request) -> Result<Raw, Fault> {
    let ca_file = glpi.ca_file.as_deref();
    let agent =
        outgoing::agent(&glpi.url, ca_file, LIMIT).map_err(|error| Fault::Certificates {
            path: ca_file.unwrap_or(Path::new("")).display().to_string(),
            why: error.to_string(),
        })?;
    let mut headers = vec![
        ("GLPI-Agent-ID", request.agent.clone()),
        ("GLPI-Request-ID", request.id.clone()),
        (
            "Accept",
            "application/json, application/x-compress-zlib, application/x-compress-gzip".to_owned(),
        ),
        ("Pragma", "no-cache".to_owned()),
    ];
    if let Some(login) = &glpi.login {
        let password = password(&login.password_file)?;
        headers.push(("Authorization", basic(&login.user, &password)));
    }
    let answer = match &request.document {
        Some(document) => {
            let packed = packed(document).map_err(|error| Fault::Silent(error.to_string()))?;
            let mut post = agent.post(&glpi.url);
            for (name, value) in &headers {
                post = post.header(*name, value);
            }
            post.content_type("application/x-compress-zlib")
                .send(&packed[..])
        }
        None => {
            let mut get = agent.get(&glpi.url);
            for (name, value) in &headers {
                get = get.header(*name, value);
            }
            get.call()
        }
    };
    let silent = |error: ureq::Error| Fault::Silent(shown(&error.to_string()));
    let mut answer = answer.map_err(silent)?;
    let header = |name: &str| -> Option<String> {
        Some(answer.headers().get(name)?.to_str().ok()?.to_owned())
    };
    let raw = Raw {
        status: answer.status().as_u16(),
        request_id: header("GLPI-Request-ID"),
        retry_after: header("Retry-After").and_then(|text| text.trim().parse().ok()),
        location: header("Location"),
        body: Vec::new(),
    };
    // An answer that is cut off says nothing: whether it was `ok` is asked again.
    let body = answer.body_mut().with_config().limit(READ).read_to_vec();
    match body {
        Ok(body) => Ok(Raw { body, ..raw }),
        Err(ureq::Error::BodyExceedsLimit(_)) => Ok(raw),
        Err(error) => Err(silent(error)),
    }
}

/// RFC 1950, as GLPI's agent does.
fn packed(document: &[u8]) -> std::io::Result<Vec<u8>> {
    let level = flate2::Compression::default();
    let mut out = flate2::write::ZlibEncoder::new(Vec::new(), level);
    out.write_all(document)?;
    out.finish()
}

/// The first line; read each time, so that a changed one needs no restart.
fn password(path: &Path) -> Result<String, Fault> {
    let refused = |why: String| Fault::Password {
        path: path.display().to_string(),
        why,
    };
    let text = std::fs::read_to_string(path).map_err(|error| refused(error.to_string()))?;
    match text.lines().next().unwrap_or_default().trim_end() {
        "" => Err(refused("its first line is empty".to_owned())),
        line => Ok(line.to_owned()),
    }
}

/// RFC 7617, in UTF-8.
fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", base64(format!("{user}:{password}").as_bytes()))
}

/// RFC 4648 §4.
fn base64(bytes: &[u8]) -> String {
    const SIGNS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let of = |at: usize| u32::from(group.get(at).copied().unwrap_or(0));
        let bits = of(0) << 16 | of(1) << 8 | of(2);
        for place in 0..4 {
            match place <= group.len() {
                true => text.push(char::from(SIGNS[(bits >> (18 - 6 * place)) as usize & 63])),
                false => text.push('='),
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_in_is_written_as_the_rfcs_show() {
        // RFC 4648 §10, RFC 7617 §2.
        for (plain, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ] {
            assert_eq!(base64(plain.as_bytes()), text);
        }
        let rfc = basic("Aladdin", "open sesame");
        assert_eq!(rfc, "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        assert_eq!(basic("test", "123\u{a3}"), "Basic dGVzdDoxMjPCow==");
    }
}
