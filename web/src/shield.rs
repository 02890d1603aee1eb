//! The headers every answer carries, and the language a reader chose.

use crate::desk::{Desk, LANGUAGE_COOKIE};
use axum::extract::{Request, State};
use axum::http::{HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;

/// Nothing from elsewhere, nothing inline, no frame around us.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
                      connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

pub(crate) async fn headers(State(desk): State<Desk>, request: Request, next: Next) -> Response {
    let (_, asked) = desk.words(request.headers(), request.uri().query());
    let agent = request.uri().path().starts_with("/agent/");
    let mut response = next.run(request).await;
    if agent {
        return response;
    }
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // Forms need an Origin that is not `null`, which `no-referrer` would make it.
        (header::REFERRER_POLICY, "same-origin"),
    ] {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    if let Some(locale) = asked
        && let Ok(cookie) = HeaderValue::from_str(&format!(
            "{LANGUAGE_COOKIE}={}; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=31536000",
            locale.code()
        ))
    {
        headers.append(header::SET_COOKIE, cookie);
    }
    response
}
