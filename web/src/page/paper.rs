//! The sheet of recovery words: shown once, to be printed; nothing of it is kept.

use super::{Frame, render};
use crate::auth::permit::Act;
use crate::desk::Desk;
use crate::error::Error;
use askama::Template;
use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::post;
use continuity::keys;
use qrcode::{Color, EcLevel, QrCode};
use std::fmt::Write;

pub(super) fn router() -> Router<Desk> {
    // By POST only: each sheet is a new way into the vault, and no address leads back to its words.
    Router::new().route("/account/keys/paper", post(make))
}

/// White border around a code, in modules (ISO/IEC 18004 asks for four).
const BORDER: usize = 4;

struct Word {
    number: usize,
    word: &'static str,
}

#[derive(Template)]
#[template(path = "paper.html")]
struct Page {
    f: Frame,
    /// Where the vault lies.
    place: String,
    made: String,
    words: Vec<Word>,
    /// Side of the code in modules, border included, and the path that draws its dark ones.
    side: usize,
    path: String,
}

async fn make(State(desk): State<Desk>, Act { reader, fields }: Act) -> Result<Response, Error> {
    let target = fields.get("target");
    let Some(known) = desk.app.config.target(target) else {
        return Err(Error::NotFound(target.to_owned()));
    };
    let place = match &known.place {
        config::Place::Folder { path, .. } => {
            crate::path::shown(path.as_os_str().as_encoded_bytes())
        }
        config::Place::Sftp(there) => there.url.to_string(),
    };
    let key = keys::paper(&desk.app.continuity, target, &reader.name).await?;
    let words = key.words();
    let (side, path) = code(&words.join(" "))?;
    let title = reader.words.t1("paper-title", "target", target);
    render(&Page {
        place,
        made: reader.words.date(desk.app.clock.now()),
        words: (1..)
            .zip(words)
            .map(|(number, word)| Word { number, word })
            .collect(),
        side,
        path,
        f: Frame::new(&desk, &reader, "account", title),
    })
}

/// A QR code as one SVG path, a rectangle for each run of dark modules of a row.
fn code(text: &str) -> Result<(usize, String), Error> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).map_err(Error::inside)?;
    let (width, colours) = (code.width(), code.to_colors());
    let mut path = String::new();
    for (row, line) in colours.chunks(width).enumerate() {
        let mut column = 0;
        for run in line.chunk_by(|a, b| a == b) {
            if run.first() == Some(&Color::Dark) {
                let (x, y, long) = (column + BORDER, row + BORDER, run.len());
                write!(path, "M{x} {y}h{long}v1h-{long}z").map_err(Error::inside)?;
            }
            column += run.len();
        }
    }
    Ok((width + 2 * BORDER, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_drawn_module_by_module() {
        let (side, path) = code("abandon art").expect("a code");
        let drawn = QrCode::with_error_correction_level("abandon art", EcLevel::M).expect("a code");
        assert_eq!(side, drawn.width() + 2 * BORDER);
        let dark = drawn
            .to_colors()
            .iter()
            .filter(|c| **c == Color::Dark)
            .count();
        let runs = path.split('M').skip(1);
        let drawn: usize = runs
            .map(|run| {
                let (_, rest) = run.split_once('h').expect("a run");
                rest.split('v')
                    .next()
                    .expect("its length")
                    .parse::<usize>()
                    .expect("a number")
            })
            .sum();
        assert_eq!(drawn, dark);
        // The finder pattern begins with seven dark modules in the first row.
        assert!(path.starts_with("M4 4h7v1h-7z"), "{path}");
    }
}
