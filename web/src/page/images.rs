//! The images of system disks.

use super::{Frame, render};
use crate::auth::permit::Reader;
use crate::desk::Desk;
use crate::error::Error;
use crate::path::shown;
use crate::words::Words;
use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;
use state::Timestamp;

pub(super) fn router() -> Router<Desk> {
    Router::new().route("/images", get(list))
}

pub(super) struct Row {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) size: String,
    pub(super) added: String,
    pub(super) when: String,
}

/// Newest first, and why there is no list, if there is none.
pub(super) async fn rows(desk: &Desk, words: &Words) -> Result<(Vec<Row>, Option<String>), Error> {
    use continuity::image::Error as Image;
    match desk.app.continuity.images().await {
        Ok((images, _)) => Ok((
            images
                .iter()
                .rev()
                .map(|i| Row {
                    id: i.id.clone(),
                    name: shown(i.name.as_bytes()),
                    size: words.size(i.size_bytes),
                    added: words.size(i.stored_bytes),
                    when: words.date(Timestamp(i.imported_ms)),
                })
                .collect(),
            None,
        )),
        Err(Image::Db(e)) => Err(e.into()),
        Err(Image::Crashed(e)) => Err(e.into()),
        Err(refused) => Ok((Vec::new(), Some(format!("failed to {refused}")))),
    }
}

#[derive(Template)]
#[template(path = "images.html")]
struct Page {
    f: Frame,
    images: Vec<Row>,
    closed: Option<String>,
}

async fn list(State(desk): State<Desk>, reader: Reader) -> Result<Response, Error> {
    let (images, closed) = rows(&desk, &reader.words).await?;
    let title = reader.words.t("nav-images");
    render(&Page {
        images,
        closed,
        f: Frame::new(&desk, &reader, "images", title),
    })
}
