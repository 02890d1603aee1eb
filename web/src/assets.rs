//! Style, script and icon, built into the binary and named by their content: caches may keep
//! them for ever.

use crate::desk::Desk;
use crate::error::Error;
use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderName, header};
use axum::response::IntoResponse;
use axum::routing::get;
use rust_embed::RustEmbed;
use std::sync::LazyLock;

#[derive(RustEmbed)]
#[folder = "assets"]
struct Files;

/// Changes whenever one of the files does.
static EDITION: LazyLock<String> = LazyLock::new(|| {
    let mut names: Vec<_> = Files::iter().collect();
    names.sort();
    let mut all = ring::digest::Context::new(&ring::digest::SHA256);
    for file in names.iter().filter_map(|n| Files::get(n)) {
        all.update(&file.data);
    }
    crate::auth::password::hex(&all.finish().as_ref()[..6])
});

/// The address of an asset in a page.
pub(crate) fn url(name: &str) -> String {
    format!("/assets/{}/{name}", *EDITION)
}

pub(crate) fn router() -> Router<Desk> {
    Router::new().route("/assets/{edition}/{name}", get(file))
}

type Headers = [(HeaderName, String); 2];

async fn file(Path((_, name)): Path<(String, String)>) -> Result<impl IntoResponse, Error> {
    let file = Files::get(&name).ok_or_else(|| Error::NotFound(name.clone()))?;
    let kind = file.metadata.mimetype().to_owned();
    let headers: Headers = [
        (header::CONTENT_TYPE, kind),
        (
            header::CACHE_CONTROL,
            "public, max-age=31536000, immutable".to_owned(),
        ),
    ];
    Ok((headers, file.data))
}
