//! The head of a request, out of the bytes that have come so far. Pure; the grammar is httparse's.
//!
//! Firmware, iPXE and GRUB ask by GET and HEAD, without a body: one that comes is never read, and the connection ends
//! with the answer (RFC 9112 §9.3).

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};

/// The longest head; what is longer is refused.
pub(super) const HEAD_BYTES: usize = 16 << 10;
const MOST_HEADERS: usize = 64;

#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: Method,
    pub(super) uri: Uri,
    pub(super) headers: HeaderMap,
    /// More requests may follow on its connection.
    pub(super) keep: bool,
    /// Bytes of the head.
    pub(super) len: usize,
}

#[derive(Debug)]
pub(super) enum Head {
    /// Its end has not come yet.
    Unfinished,
    Whole(Box<Request>),
    /// Not HTTP, or more than anybody needs: this answer, and the end of the connection.
    Refused(StatusCode),
}

pub(super) fn head(bytes: &[u8]) -> Head {
    let mut fields = [httparse::EMPTY_HEADER; MOST_HEADERS];
    let mut parsed = httparse::Request::new(&mut fields);
    let len = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(len)) if len <= HEAD_BYTES => len,
        Ok(httparse::Status::Partial) if bytes.len() < HEAD_BYTES => return Head::Unfinished,
        Ok(_) | Err(httparse::Error::TooManyHeaders) => {
            return Head::Refused(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);
        }
        Err(httparse::Error::Version) => {
            return Head::Refused(StatusCode::HTTP_VERSION_NOT_SUPPORTED);
        }
        Err(_) => return Head::Refused(StatusCode::BAD_REQUEST),
    };
    match request(&parsed, len) {
        Some(request) => Head::Whole(Box::new(request)),
        None => Head::Refused(StatusCode::BAD_REQUEST),
    }
}

fn request(parsed: &httparse::Request, len: usize) -> Option<Request> {
    let mut headers = HeaderMap::new();
    for field in &*parsed.headers {
        let name = HeaderName::from_bytes(field.name.as_bytes()).ok()?;
        headers.append(name, HeaderValue::from_bytes(field.value).ok()?);
    }
    let says = |token: &str| {
        let values = headers.get_all(header::CONNECTION).iter();
        let mut tokens = values
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','));
        tokens.any(|found| found.trim().eq_ignore_ascii_case(token))
    };
    let stays = match parsed.version? {
        0 => says("keep-alive"),
        _ => !says("close"),
    };
    let body = headers.contains_key(header::TRANSFER_ENCODING)
        || headers
            .get_all(header::CONTENT_LENGTH)
            .iter()
            .any(|length| length != "0");
    Some(Request {
        method: Method::from_bytes(parsed.method?.as_bytes()).ok()?,
        uri: Uri::try_from(parsed.path?).ok()?,
        headers,
        keep: stays && !body,
        len,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_are_read_whole_or_not_at_all() {
        let text = b"GET //b/x?y HTTP/1.1\r\nHost: a\r\nRANGE: bytes=0-\r\n\r\nGET /next";
        let end = text.len() - b"GET /next".len();
        for cut in 0..end {
            assert!(
                matches!(head(&text[..cut]), Head::Unfinished),
                "cut at {cut}"
            );
        }
        let Head::Whole(request) = head(text) else {
            panic!("not read");
        };
        assert_eq!((request.len, request.keep), (end, true));
        assert_eq!(request.uri.path(), "//b/x");
        assert_eq!(request.headers["range"], "bytes=0-");
    }

    #[test]
    fn who_ends_the_connection() {
        let table = [
            ("1.1", "", true),
            ("1.1", "Connection: close\r\n", false),
            ("1.1", "Connection: Upgrade, Close\r\n", false),
            ("1.0", "", false),
            ("1.0", "Connection: Keep-Alive\r\n", true),
            // A body would be taken for the next request.
            ("1.1", "Content-Length: 5\r\n", false),
            ("1.1", "Content-Length: 0\r\n", true),
            ("1.1", "Content-Length: 0\r\nContent-Length: 7\r\n", false),
            ("1.1", "Transfer-Encoding: chunked\r\n", false),
        ];
        for (version, fields, keep) in table {
            let text = format!("GET / HTTP/{version}\r\n{fields}\r\n");
            match head(text.as_bytes()) {
                Head::Whole(request) => assert_eq!(request.keep, keep, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn what_is_no_request_is_refused() {
        let many = format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(65));
        let long = format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(HEAD_BYTES));
        let table = [
            ("\0\u{1}\r\n\r\n", 400),
            ("GET / HTTP/9.9\r\n\r\n", 505),
            ("GET {} HTTP/1.1\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nno colon\r\n\r\n", 400),
            (&many, 431),
            (&long, 431),
            (&long[..HEAD_BYTES], 431),
        ];
        for (text, code) in table {
            match head(text.as_bytes()) {
                Head::Refused(status) => assert_eq!(status, code, "{text}"),
                other => panic!("{text}: {other:?}"),
            }
        }
    }

    #[test]
    fn no_cut_and_no_flipped_bit_harms() {
        let good = b"HEAD /b/525400123456/kernel HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut broken = good.to_vec();
                broken[at] ^= 1 << bit;
                if let Head::Whole(request) = head(&broken) {
                    assert!(request.len <= broken.len());
                }
            }
        }
    }
}

/// For fuzzing: whatever comes, reading it ends, and never passes its own end.
#[cfg(fuzzing)]
pub fn fuzz(bytes: &[u8]) {
    if let Head::Whole(request) = head(bytes) {
        assert!(request.len <= bytes.len());
    }
}
