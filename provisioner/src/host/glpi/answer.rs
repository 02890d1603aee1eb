//! What an inventory server answers. Pure; hostile until parsed. The protocol is that of GLPI's agent: `ok`,
//! `pending` (ask again by the same request id) or `error`, as JSON, perhaps compressed.

use super::Fault;
use serde_json::Value;
use std::io::Read;
use std::time::Duration;

/// Of an answer, unpacked.
const MOST: u64 = 256 * 1024;
/// Shown of it.
const SHOWN: usize = 200;
/// The bounds of what a server may ask us to wait.
const SHORTEST: Duration = Duration::from_secs(1);
pub(super) const LONGEST: Duration = Duration::from_secs(24 * 3600);
/// Where it does not say how long.
const A_MINUTE: Duration = Duration::from_secs(60);

/// An answer as it came.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Raw {
    pub(crate) status: u16,
    pub(crate) request_id: Option<String>,
    /// The header, in seconds.
    pub(crate) retry_after: Option<u64>,
    pub(crate) location: Option<String>,
    pub(crate) body: Vec<u8>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answer {
    Accepted,
    /// It is still at work: to be asked again after that time, by this id.
    Pending {
        after: Duration,
        request: String,
    },
    /// The fault, and how long the server wants to be left alone.
    Refused(Fault, Option<Duration>),
}

/// `asked` is the id of the request.
pub(crate) fn read(raw: &Raw, asked: &str) -> Answer {
    let text = unpacked(&raw.body);
    let message = text
        .as_deref()
        .and_then(|text| serde_json::from_slice::<Value>(text).ok())
        .filter(Value::is_object);
    let word = |name: &str| -> Option<&str> { message.as_ref()?.get(name)?.as_str() };
    let said = match word("message") {
        Some(message) => shown(message),
        None => shown(&String::from_utf8_lossy(
            text.as_deref().unwrap_or_default(),
        )),
    };
    let expiration = message.as_ref().and_then(|m| expiration(&m["expiration"]));
    let wait = raw
        .retry_after
        .map(Duration::from_secs)
        .or(expiration)
        .map(|wait| wait.clamp(SHORTEST, LONGEST));
    let status = raw.status;
    match (status, word("status")) {
        (300..400, _) => {
            let location = raw.location.as_deref().unwrap_or("nowhere");
            Answer::Refused(Fault::Elsewhere(shown(location)), None)
        }
        (401 | 403 | 407, _) => Answer::Refused(Fault::Login { status, said }, None),
        (404 | 405, _) => Answer::Refused(Fault::NoPage(status), None),
        (429 | 503, _) => Answer::Refused(Fault::Busy { status, said }, wait),
        (500.., _) => Answer::Refused(Fault::Server { status, said }, None),
        (200..300, Some("ok")) => Answer::Accepted,
        (200..300, Some("pending")) => Answer::Pending {
            after: wait.unwrap_or(A_MINUTE),
            request: raw
                .request_id
                .as_deref()
                .filter(|id| is_request_id(id))
                .unwrap_or(asked)
                .to_owned(),
        },
        (_, Some("error")) | (400..500, _) => Answer::Refused(Fault::Inventory(said), None),
        _ => Answer::Refused(Fault::NoGlpi { status, said }, None),
    }
}

/// Eight digits, as agents make them.
fn is_request_id(text: &str) -> bool {
    text.len() == 8
        && text
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'A'..=b'F').contains(&b))
}

/// A number is hours; a text may end in its unit.
fn expiration(value: &Value) -> Option<Duration> {
    let text = match value {
        Value::Number(number) => number.to_string(),
        Value::String(text) => text.clone(),
        _ => return None,
    };
    let (count, seconds) = match text.strip_suffix(['s', 'm', 'h', 'd']) {
        None => (text.as_str(), 3600),
        Some(count) => match text.as_bytes().last() {
            Some(b's') => (count, 1),
            Some(b'm') => (count, 60),
            Some(b'd') => (count, 86_400),
            _ => (count, 3600),
        },
    };
    let count: u32 = count.parse().ok()?;
    Some(Duration::from_secs(u64::from(count) * seconds))
}

/// By its first bytes: what a server says of its own compression is not always so. `None`: it is damaged.
fn unpacked(body: &[u8]) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let done = match body {
        [0x1f, 0x8b, ..] => flate2::read::GzDecoder::new(body)
            .take(MOST)
            .read_to_end(&mut out),
        [0x78, 0x01 | 0x5e | 0x9c | 0xda, ..] => flate2::read::ZlibDecoder::new(body)
            .take(MOST)
            .read_to_end(&mut out),
        _ => body.take(MOST).read_to_end(&mut out),
    };
    done.ok().map(|_| out)
}

pub(super) fn shown(text: &str) -> String {
    let text: String = text
        .trim()
        .chars()
        .take(SHOWN)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    match text.trim() {
        "" => "nothing".to_owned(),
        text => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn raw(status: u16, body: impl Into<Vec<u8>>) -> Raw {
        Raw {
            status,
            body: body.into(),
            ..Raw::default()
        }
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut out = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(text.as_bytes()).unwrap();
        out.finish().unwrap()
    }

    fn zlib(text: &[u8]) -> Vec<u8> {
        let mut out = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        out.write_all(text).unwrap();
        out.finish().unwrap()
    }

    #[test]
    fn the_three_answers_are_read_however_they_are_packed() {
        let ok = r#"{"status":"ok","expiration":24}"#;
        for body in [ok.into(), gzip(ok), zlib(ok.as_bytes())] {
            assert_eq!(read(&raw(200, body), "0A"), Answer::Accepted);
        }
        for (body, seconds) in [
            (r#"{"status":"pending","expiration":"10s"}"#, 10),
            (r#"{"status":"pending","expiration":"2m"}"#, 120),
            (r#"{"status":"pending","expiration":"3"}"#, 3 * 3600),
            (r#"{"status":"pending","expiration":2}"#, 2 * 3600),
            (r#"{"status":"pending","expiration":"9d"}"#, 86_400),
            (r#"{"status":"pending","expiration":"0s"}"#, 1),
            (r#"{"status":"pending","expiration":"soon"}"#, 60),
            (r#"{"status":"pending","expiration":-1}"#, 60),
            (r#"{"status":"pending"}"#, 60),
        ] {
            let after = Duration::from_secs(seconds);
            let request = "0A1B2C3D".to_owned();
            let want = Answer::Pending { after, request };
            assert_eq!(read(&raw(202, body), "0A1B2C3D"), want, "{body}");
        }
        let other = |id: &str| Raw {
            request_id: Some(id.to_owned()),
            ..raw(200, r#"{"status":"pending","expiration":"1s"}"#)
        };
        for (id, want) in [
            ("FFFF0000", "FFFF0000"),
            ("x\r\nEvil: 1", "00"),
            ("ffff0000", "00"),
        ] {
            let Answer::Pending { request, .. } = read(&other(id), "00") else {
                panic!("{id}");
            };
            assert_eq!(request, want);
        }
        let error = r#"{"status":"error","message":"No rule\nmatched","expiration":24}"#;
        let want = Answer::Refused(Fault::Inventory("No rule matched".into()), None);
        assert_eq!(read(&raw(200, error), ""), want);
        assert_eq!(read(&raw(400, error), ""), want);
    }

    #[test]
    fn everything_else_is_a_fault_that_is_named() {
        let html = "<!DOCTYPE html><h1>It works!</h1>";
        let fault = |raw: &Raw| match read(raw, "") {
            Answer::Refused(fault, _) => fault,
            other => panic!("{raw:?}: {other:?}"),
        };
        let said = |text: &str| text.to_owned();
        let login =
            r#"{"status":"error","message":"Authorization header required","expiration":24}"#;
        let table = [
            (
                raw(401, login),
                Fault::Login {
                    status: 401,
                    said: said("Authorization header required"),
                },
            ),
            (
                raw(403, ""),
                Fault::Login {
                    status: 403,
                    said: said("nothing"),
                },
            ),
            (raw(404, html), Fault::NoPage(404)),
            (raw(405, ""), Fault::NoPage(405)),
            (
                raw(500, "boom"),
                Fault::Server {
                    status: 500,
                    said: said("boom"),
                },
            ),
            (
                raw(502, html),
                Fault::Server {
                    status: 502,
                    said: said(html),
                },
            ),
            (
                raw(200, html),
                Fault::NoGlpi {
                    status: 200,
                    said: said(html),
                },
            ),
            (
                raw(200, ""),
                Fault::NoGlpi {
                    status: 200,
                    said: said("nothing"),
                },
            ),
            (
                raw(204, ""),
                Fault::NoGlpi {
                    status: 204,
                    said: said("nothing"),
                },
            ),
            (
                raw(200, "[]"),
                Fault::NoGlpi {
                    status: 200,
                    said: said("[]"),
                },
            ),
            (
                raw(200, "{}"),
                Fault::NoGlpi {
                    status: 200,
                    said: said("{}"),
                },
            ),
            (
                raw(200, [0x1f, 0x8b, 8, 0]),
                Fault::NoGlpi {
                    status: 200,
                    said: said("nothing"),
                },
            ),
            (raw(413, ""), Fault::Inventory(said("nothing"))),
        ];
        for (raw, want) in table {
            assert_eq!(fault(&raw), want);
        }
        let moved = Raw {
            location: Some("https://glpi.lan/".into()),
            ..raw(301, "")
        };
        assert_eq!(fault(&moved), Fault::Elsewhere("https://glpi.lan/".into()));
        // A bomb is unpacked no further than an answer may be long.
        let bomb = zlib(&vec![b' '; 64 << 20]);
        assert!(matches!(fault(&raw(200, bomb)), Fault::NoGlpi { .. }));
        let long = "é".repeat(10_000);
        let Fault::NoGlpi { said, .. } = fault(&raw(200, long)) else {
            panic!("no fault");
        };
        assert_eq!(said.chars().count(), SHOWN);
    }

    #[test]
    fn a_busy_server_says_how_long() {
        let busy = |retry_after: Option<u64>, body: &str| {
            let raw = Raw {
                retry_after,
                ..raw(503, body)
            };
            match read(&raw, "") {
                Answer::Refused(Fault::Busy { .. }, wait) => wait.map(|wait| wait.as_secs()),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(busy(Some(30), ""), Some(30));
        assert_eq!(
            busy(None, r#"{"status":"error","expiration":"5m"}"#),
            Some(300)
        );
        assert_eq!(busy(Some(u64::MAX), ""), Some(86_400));
        assert_eq!(busy(None, ""), None);
    }
}
