//! The side of a command: blocking HTTP/1.1, one request for each connection.

use anyhow::{Context, anyhow, bail};
use serde_json::Value;
use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::time::Duration;

/// Answers are lists and facts; larger ones are a mistake.
const MOST_BYTES: u64 = 64 * 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(120);

pub(crate) struct Client {
    socket: PathBuf,
}

impl Client {
    pub(crate) fn new(socket: PathBuf) -> Client {
        Client { socket }
    }

    pub(crate) fn get(&self, path: &str) -> anyhow::Result<Value> {
        answer(self.ask("GET", path, None, PATIENCE)?)
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        answer(self.ask("POST", path, Some(body), PATIENCE)?)
    }

    /// As [`Client::post`], for work that is answered when it is done.
    pub(crate) fn post_patiently(&self, path: &str, body: &Value) -> anyhow::Result<Value> {
        answer(self.ask("POST", path, Some(body), Duration::MAX)?)
    }

    /// As [`Client::post`], when the answer is plain text.
    pub(crate) fn post_text(&self, path: &str) -> anyhow::Result<String> {
        let (status, text) = self.ask("POST", path, Some(&Value::Null), PATIENCE)?;
        if status != 200 {
            bail!("{text}");
        }
        Ok(text)
    }

    fn ask(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        patience: Duration,
    ) -> anyhow::Result<(u16, String)> {
        self.exchange(method, path, body, patience)
            .with_context(|| format!("ask the appliance at {}", self.socket.display()))
    }

    fn exchange(
        &self,
        method: &str,
        path: &str,
        body: Option<&Value>,
        patience: Duration,
    ) -> anyhow::Result<(u16, String)> {
        let mut stream = UnixStream::connect(&self.socket)?;
        stream.set_read_timeout((patience != Duration::MAX).then_some(patience))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let body = body.filter(|b| !b.is_null()).map(Value::to_string);
        let body = body.unwrap_or_default();
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: reprise\r\nConnection: close\r\nAccept: application/json\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        // One write: an answer may come, and the connection end, before a body is read.
        stream.write_all(request.as_bytes())?;
        let mut bytes = Vec::new();
        match stream.take(MOST_BYTES).read_to_end(&mut bytes) {
            // A body that nobody read is a reset after the whole answer; `parse` sees to its length.
            Err(e) if e.kind() != ErrorKind::ConnectionReset => Err(e.into()),
            _ => parse(&bytes),
        }
    }
}

/// A name as one segment of an API path.
pub(crate) fn encoded(name: &str) -> String {
    encoded_bytes(name.as_bytes())
}

/// Any bytes, percent-encoded.
pub(crate) fn encoded_bytes(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                text.push(char::from(byte));
            }
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

/// Status and body of a whole HTTP/1.1 answer whose end is the end of the connection.
fn parse(bytes: &[u8]) -> anyhow::Result<(u16, String)> {
    let end = bytes
        .windows(4)
        .position(|w| w == b"\r\n\r\n")
        .ok_or_else(|| anyhow!("the answer was cut off; look at the log of `reprise serve`"))?;
    let head = String::from_utf8_lossy(&bytes[..end]);
    let mut lines = head.lines();
    let status = lines
        .next()
        .and_then(|l| l.split(' ').nth(1))
        .and_then(|s| s.parse().ok())
        .ok_or_else(|| anyhow!("the answer is not HTTP; is another program behind this socket?"))?;
    let body = &bytes[end + 4..];
    for line in lines {
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("content-length")
            && value.trim().parse() != Ok(body.len())
        {
            bail!("the answer was cut off; look at the log of `reprise serve`");
        }
    }
    Ok((status, String::from_utf8_lossy(body).into_owned()))
}

fn answer((status, text): (u16, String)) -> anyhow::Result<Value> {
    let value: Option<Value> = serde_json::from_str(&text).ok();
    if (200..300).contains(&status) {
        return match value {
            Some(value) => Ok(value),
            None if text.is_empty() => Ok(Value::Null),
            None => bail!(
                "the appliance's answer is not JSON; are reprise and the running serve of the same version?"
            ),
        };
    }
    // An error names itself; anything else is shown as it came.
    let said = value.as_ref().and_then(|v| {
        let error = v.get("error").unwrap_or(v);
        let message = error.get("message").unwrap_or(error);
        message.as_str().map(str::to_owned)
    });
    // Its sentence reads `failed to …`, as ours will.
    let said = said.map(|s| s.strip_prefix("failed to ").unwrap_or(&s).to_owned());
    bail!(
        "{}",
        said.unwrap_or_else(|| format!("the appliance answered {status} {text}"))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_its_status_and_whole_body() {
        let good = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
        assert_eq!(parse(good).expect("good"), (200, "{}".to_owned()));
        let cut = b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}";
        assert!(parse(cut).is_err());
        assert!(parse(b"220 smtp ready").is_err());
        assert!(parse(b"nonsense\r\n\r\n").is_err());
    }

    #[test]
    fn errors_are_shown_in_their_own_words() {
        let refused = |body: &str| {
            answer((409, body.to_owned()))
                .expect_err("refused")
                .to_string()
        };
        assert_eq!(
            refused(r#"{"error":"failed to find the plan x"}"#),
            "find the plan x"
        );
        assert_eq!(refused(r#"{"error":{"message":"taken"}}"#), "taken");
        assert_eq!(refused("oops"), "the appliance answered 409 oops");
    }
}
