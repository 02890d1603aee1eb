//! File names of snapshots: any bytes, from any machine, possibly hostile.

/// Percent-encodes everything but unreserved characters and `/`.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for &byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                text.push(char::from(byte));
            }
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

/// Undoes [`encode`]; `+` stays `+`. A broken escape is kept as it stands.
pub(crate) fn decode(text: &str) -> Vec<u8> {
    let hex = |b: u8| {
        char::from(b)
            .to_digit(16)
            .and_then(|d| u8::try_from(d).ok())
    };
    let bytes = text.as_bytes();
    let (mut out, mut i) = (Vec::with_capacity(bytes.len()), 0);
    while i < bytes.len() {
        let escaped = (bytes[i] == b'%')
            .then(|| Some(hex(*bytes.get(i + 1)?)? * 16 + hex(*bytes.get(i + 2)?)?))
            .flatten();
        match escaped {
            Some(byte) => {
                out.push(byte);
                i += 3;
            }
            None => {
                out.push(bytes[i]);
                i += 1;
            }
        }
    }
    out
}

/// The raw value of `name` in a query string, decoded to bytes.
pub(crate) fn in_query(query: Option<&str>, name: &str) -> Option<Vec<u8>> {
    query?.split('&').find_map(|pair| {
        let (key, value) = pair.split_once('=')?;
        (key == name).then(|| decode(value))
    })
}

/// The same as text, as a form sends it; `None`: empty, or no text.
pub(crate) fn text(query: Option<&str>, name: &str) -> Option<String> {
    let plain = query.map(|q| q.replace('+', "%20"));
    in_query(plain.as_deref(), name)
        .and_then(|v| String::from_utf8(v).ok())
        .filter(|v| !v.is_empty())
}

/// A name for the eye: what is not UTF-8, not printable, or reverses the reading direction becomes
/// `�`, so that `cod\u{202e}fdp.exe` does not read `codexe.pdf`.
pub(crate) fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .chars()
        .map(|c| match c {
            '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{61c}' => '\u{fffd}',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

/// Content-Disposition for a download: an ASCII name for old clients, the real one by RFC 5987.
pub(crate) fn attachment(name: &[u8]) -> String {
    let shown = shown(name);
    let ascii: String = shown
        .chars()
        .map(|c| match c {
            '"' | '\\' | '/' | '%' | ';' => '_',
            c if c.is_ascii_graphic() || c == ' ' => c,
            _ => '_',
        })
        .collect();
    let exact: String = encode(shown.as_bytes()).replace('/', "%2F");
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{exact}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_bytes_survive_a_url() {
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(decode(&encode(&all)), all);
        assert_eq!(decode("a%2"), b"a%2");
        assert_eq!(decode("%zz%"), b"%zz%");
        assert_eq!(decode("a+b"), b"a+b");
        assert_eq!(
            in_query(Some("lang=fr&path=a%26b%FF"), "path").unwrap(),
            b"a&b\xff"
        );
        assert_eq!(in_query(Some("paths=x"), "path"), None);
    }

    #[test]
    fn names_for_the_eye_do_not_lie() {
        assert_eq!(shown(b"a\nb\xffc"), "a\u{fffd}b\u{fffd}c");
        assert_eq!(shown("cod\u{202e}fdp.exe".as_bytes()), "cod\u{fffd}fdp.exe");
        assert_eq!(shown("été <b>".as_bytes()), "été <b>");
    }

    #[test]
    fn a_download_keeps_its_name_and_no_header_is_forged() {
        let header = attachment("devis \"été\"\r\nX: 1.pdf".as_bytes());
        assert!(!header.contains(['\r', '\n']));
        assert!(
            header.starts_with("attachment; filename=\"devis __t____X: 1.pdf\"; "),
            "{header}"
        );
        assert!(
            header.ends_with(
                "filename*=UTF-8''devis%20%22%C3%A9t%C3%A9%22%EF%BF%BD%EF%BF%BDX%3A%201.pdf"
            ),
            "{header}"
        );
    }
}
