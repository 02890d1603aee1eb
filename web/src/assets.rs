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

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// The colours of the sheet's two palettes: light, then dark.
    fn palettes() -> Vec<BTreeMap<String, [f64; 3]>> {
        let sheet = String::from_utf8(Files::get("style.css").unwrap().data.into_owned()).unwrap();
        sheet
            .split(":root {")
            .skip(1)
            .take(2)
            .map(|block| {
                let block = block.split('}').next().unwrap();
                block
                    .split(';')
                    .filter_map(|line| {
                        let (name, value) = line.trim().strip_prefix("--")?.split_once(": #")?;
                        let part = |at: usize| {
                            f64::from(u8::from_str_radix(&value[at..at + 2], 16).unwrap())
                        };
                        Some((name.to_owned(), [part(0), part(2), part(4)]))
                    })
                    .collect()
            })
            .collect()
    }

    /// WCAG 2.2, relative luminance.
    fn luminance(colour: [f64; 3]) -> f64 {
        let [r, g, b] = colour.map(|c| {
            let c = c / 255.0;
            if c <= 0.04045 {
                c / 12.92
            } else {
                ((c + 0.055) / 1.055).powf(2.4)
            }
        });
        0.2126 * r + 0.7152 * g + 0.0722 * b
    }

    #[test]
    fn text_stands_out_as_wcag_aa_asks_in_light_and_dark() {
        let palettes = palettes();
        assert_eq!(palettes.len(), 2);
        for palette in palettes {
            for (text, ground) in [
                ("ink", "paper"),
                ("ink", "card"),
                ("ink", "plain-bg"),
                ("soft", "paper"),
                ("soft", "card"),
                ("accent", "paper"),
                ("accent", "card"),
                ("accent", "plain-bg"),
                ("on-accent", "accent"),
                ("card", "bad"),
                ("good", "good-bg"),
                ("bad", "bad-bg"),
                ("care", "care-bg"),
                ("plain", "plain-bg"),
            ] {
                let (a, b) = (luminance(palette[text]), luminance(palette[ground]));
                let contrast = (a.max(b) + 0.05) / (a.min(b) + 0.05);
                assert!(contrast >= 4.5, "{text} on {ground}: {contrast:.2}");
            }
        }
    }
}
