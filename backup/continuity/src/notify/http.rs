//! The webhook of a chat, and the ping. Addresses are secrets: no error repeats one.

use super::Error;
use std::path::Path;
use std::time::Duration;

/// From the first packet to the last.
const LIMIT: Duration = Duration::from_secs(20);
/// Of an answer, what is read; of that, what is shown.
const READ: u64 = 64 * 1024;
const SHOWN: usize = 200;

const WEBHOOK: &str = "the webhook";
const PING: &str = "the address of the ping";

/// Mattermost's incoming webhook: `POST {"text", "username"}`, answered 200 `ok`.
pub(super) fn post(url: &str, markdown: &str, ca_file: Option<&Path>) -> Result<String, Error> {
    let body = serde_json::json!({"text": markdown, "username": "Reprise"}).to_string();
    let answer = agent(url, ca_file)?
        .post(url)
        .content_type("application/json")
        .send(body.as_str());
    answered(WEBHOOK, url, answer)
}

pub(super) fn get(url: &str, ca_file: Option<&Path>) -> Result<String, Error> {
    answered(PING, url, agent(url, ca_file)?.get(url).call())
}

fn agent(url: &str, ca_file: Option<&Path>) -> Result<ureq::Agent, Error> {
    provisioner::outgoing::agent(url, ca_file, LIMIT)
        .map_err(|error| bad_certificates(ca_file.unwrap_or(Path::new("")), error))
}

pub(super) fn pem(path: &Path) -> Result<Vec<u8>, Error> {
    std::fs::read(path).map_err(|error| bad_certificates(path, error))
}

pub(super) fn bad_certificates(path: &Path, why: impl std::fmt::Display) -> Error {
    Error::Certificates {
        path: path.display().to_string(),
        why: why.to_string(),
    }
}

fn answered(
    what: &'static str,
    url: &str,
    answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Result<String, Error> {
    let mut answer = answer.map_err(|error| Error::Http {
        what,
        why: without(&error.to_string(), url),
    })?;
    let said = answer
        .body_mut()
        .with_config()
        .limit(READ)
        .lossy_utf8(true)
        .read_to_string()
        .unwrap_or_default();
    let status = answer.status();
    let said = shown(&without(&said, url));
    if status.is_success() {
        return Ok(format!("{} {said}", status.as_u16()).trim_end().to_owned());
    }
    Err(Error::Answer {
        what,
        status: status.as_u16(),
        said,
    })
}

/// A server may repeat what it was asked; a log must not.
fn without(text: &str, url: &str) -> String {
    let path = url
        .split_once("://")
        .and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..]))
        .filter(|path| path.len() > 1);
    let clean = text.replace(url, "(its address)");
    match path {
        Some(path) => clean.replace(path, "(its address)"),
        None => clean,
    }
}

pub(super) fn shown(text: &str) -> String {
    text.chars()
        .take(SHOWN)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_never_repeated() {
        let url = "https://chat.example.net/hooks/s3cret";
        for text in [
            "bad uri https://chat.example.net/hooks/s3cret",
            "no route /hooks/s3cret here",
        ] {
            assert!(!without(text, url).contains("s3cret"), "{text}");
        }
        let answer = get("http://", None).expect_err("no address");
        assert!(!answer.to_string().is_empty());
        assert_eq!(shown("a\r\nb\n"), "a  b");
        assert_eq!(shown(&"x".repeat(1000)).len(), SHOWN);
    }
}
