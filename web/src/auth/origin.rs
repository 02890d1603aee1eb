//! Where a request that changes something may come from: this console's own pages.

use axum::extract::Request;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// What the request's own headers say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    Own,
    Foreign,
    /// Not a browser, or a very old one: the token in the form decides alone.
    Unsaid,
}

/// `Sec-Fetch-Site` cannot be set by a page; `Origin` is the older way.
pub(crate) fn judge(headers: &HeaderMap) -> Origin {
    let value = |name| {
        headers
            .get(name)
            .and_then(|v: &axum::http::HeaderValue| v.to_str().ok())
    };
    match value(header::HeaderName::from_static("sec-fetch-site")) {
        Some("same-origin" | "none") => return Origin::Own,
        Some(_) => return Origin::Foreign,
        None => {}
    }
    match (value(header::ORIGIN), value(header::HOST)) {
        (None, _) => Origin::Unsaid,
        (Some(origin), Some(host)) if origin.strip_prefix("https://") == Some(host) => Origin::Own,
        _ => Origin::Foreign,
    }
}

/// Refuses what another site's page sends. The agents' requests carry their own key, no cookie.
pub(crate) async fn guard(request: Request, next: Next) -> Response {
    let safe = matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS
    );
    let agent = request.uri().path().starts_with("/agent/");
    if !safe && !agent && judge(request.headers()) == Origin::Foreign {
        return crate::error::Error::Forged.into_response();
    }
    next.run(request).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_own_pages() {
        for (given, expected) in [
            (vec![("sec-fetch-site", "same-origin")], Origin::Own),
            (vec![("sec-fetch-site", "none")], Origin::Own),
            (vec![("sec-fetch-site", "same-site")], Origin::Foreign),
            (
                vec![
                    ("sec-fetch-site", "cross-site"),
                    ("origin", "https://box:8443"),
                    ("host", "box:8443"),
                ],
                Origin::Foreign,
            ),
            (
                vec![("origin", "https://box:8443"), ("host", "box:8443")],
                Origin::Own,
            ),
            (
                vec![("origin", "http://box:8443"), ("host", "box:8443")],
                Origin::Foreign,
            ),
            (
                vec![("origin", "https://box:8443.evil"), ("host", "box:8443")],
                Origin::Foreign,
            ),
            (
                vec![("origin", "null"), ("host", "box:8443")],
                Origin::Foreign,
            ),
            (vec![("host", "box:8443")], Origin::Unsaid),
        ] {
            let mut headers = HeaderMap::new();
            for (name, value) in &given {
                headers.insert(*name, value.parse().unwrap());
            }
            assert_eq!(judge(&headers), expected, "{given:?}");
        }
    }
}
