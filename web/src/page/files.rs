//! Files and folders out of a snapshot, to the browser's own disk.

use crate::auth::permit::Reader;
use crate::desk::Desk;
use crate::download::{self, Range, range};
use crate::error::Error;
use crate::path::{attachment, in_query};
use crate::shelf::look_in;
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use state::journal;
use state::wire::Fact;
use tokio::sync::OwnedSemaphorePermit;
use vault::Snapshot;

pub(super) fn router() -> Router<Desk> {
    Router::new()
        .route("/snapshots/{target}/{id}/file", get(file))
        .route("/snapshots/{target}/{id}/zip", get(zip))
}

fn place(desk: &Desk) -> Result<OwnedSemaphorePermit, Error> {
    desk.live
        .downloads
        .clone()
        .try_acquire_owned()
        .map_err(|_| Error::TooMany)
}

async fn note(desk: &Desk, reader: &Reader, snapshot: &Snapshot, path: &[u8]) -> Result<(), Error> {
    let fact = Fact::Downloaded {
        snapshot: snapshot.id.to_string(),
        path: String::from_utf8_lossy(path).into_owned(),
        by: reader.name.clone(),
    };
    Ok(journal::record(&desk.app.db, desk.app.clock.now(), fact).await?)
}

fn value(text: &str) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(text).map_err(Error::inside)
}

async fn file(
    State(desk): State<Desk>,
    reader: Reader,
    Path((target, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let wanted = in_query(query.as_deref(), "path").unwrap_or_default();
    let permit = place(&desk)?;
    let (snapshot, node, mut opened) = look_in(&desk, &target, &id, move |vault, snapshot| {
        let node = vault.node(&snapshot, &wanted)?;
        let opened = vault.open_file(&node)?;
        Ok((snapshot, node, opened))
    })
    .await?;
    let size = node.size;
    let asked = range(
        headers.get(header::RANGE).and_then(|v| v.to_str().ok()),
        size,
    );
    let (status, start, length) = match asked {
        Range::Whole => (StatusCode::OK, 0, size),
        Range::Part { start, length } => (StatusCode::PARTIAL_CONTENT, start, length),
        Range::Outside => {
            let mut response = StatusCode::RANGE_NOT_SATISFIABLE.into_response();
            response
                .headers_mut()
                .insert(header::CONTENT_RANGE, value(&format!("bytes */{size}"))?);
            return Ok(response);
        }
    };
    // A download that goes on in pieces is one download.
    if start == 0 {
        note(&desk, &reader, &snapshot, &node.path).await?;
    }
    let body = download::body(permit, move |out| {
        if start > 0 {
            opened.seek_to(start).map_err(|e| e.to_string())?;
        }
        download::copy(&mut opened, length, out)
    });
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    // Never shown by the browser as anything, whatever a saved file claims to be.
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/octet-stream"),
    );
    headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CONTENT_DISPOSITION, value(&attachment(&node.name))?);
    // The same bytes for ever: a browser may resume against it.
    let tag = crate::auth::password::hex(&node.content_tag());
    headers.insert(header::ETAG, value(&format!("\"{tag}\""))?);
    if status == StatusCode::PARTIAL_CONTENT {
        let last = start + length - 1;
        headers.insert(
            header::CONTENT_RANGE,
            value(&format!("bytes {start}-{last}/{size}"))?,
        );
    }
    Ok(response)
}

async fn zip(
    State(desk): State<Desk>,
    reader: Reader,
    Path((target, id)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, Error> {
    let wanted = in_query(query.as_deref(), "path").unwrap_or_default();
    let permit = place(&desk)?;
    let checked = wanted.clone();
    let (snapshot, vault) = look_in(&desk, &target, &id, move |vault, snapshot| {
        // What is not there is an answer, not half a zip.
        if !checked.is_empty() {
            vault.node(&snapshot, &checked)?;
        }
        Ok((snapshot, vault.clone()))
    })
    .await?;
    note(&desk, &reader, &snapshot, &wanted).await?;
    let last = wanted
        .rsplit(|b| *b == b'/')
        .find(|part| !part.is_empty())
        .unwrap_or(snapshot.plan.as_bytes());
    let name = [last, b".zip"].concat();
    let inside = snapshot.clone();
    let body: Body = download::body(permit, move |out| {
        let left_out =
            vault::zip::write(&vault, &inside, &wanted, out).map_err(|e| e.to_string())?;
        for problem in left_out.iter().take(20) {
            tracing::warn!(snapshot = %inside.id, object = %problem.object, what = %problem.what, "left out of a zip");
        }
        Ok(())
    });
    let mut response = Response::new(body);
    response.headers_mut().insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/zip"),
    );
    response
        .headers_mut()
        .insert(header::CONTENT_DISPOSITION, value(&attachment(&name))?);
    Ok(response)
}
