//! The images a vault holds.

use crate::Error;
use crate::wire::ImageCard;
use std::io::Read;
use vault::{Kind, Problem, Snapshot, Vault};

/// The disk, byte by byte.
pub(crate) const DISK: &str = "disk.raw";
/// Its chunks, with plain hashes.
pub(crate) const MANIFEST: &str = "manifest.json";
/// What the catalogue needs to know without reading the manifest.
pub(crate) const CARD: &str = "image.json";

/// One OS image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// The id of its snapshot, 32 hex digits.
    pub id: String,
    pub name: String,
    /// Size of the disk it was taken from.
    pub size_bytes: u64,
    /// Logical sector its partition table was written for.
    pub sector_bytes: u32,
    pub imported_ms: i64,
    /// Bytes its import added to the vault.
    pub stored_bytes: u64,
}

/// Oldest first. An image that cannot be read is a problem; the others are listed.
pub fn list(vault: &Vault) -> Result<(Vec<Image>, Vec<Problem>), Error> {
    let (snapshots, mut problems) = vault.snapshots()?;
    let mut images = Vec::new();
    for snapshot in snapshots.iter().filter(|s| s.kind == Kind::Image) {
        match describe(vault, snapshot) {
            Ok(image) => images.push(image),
            Err(error) => problems.push(Problem::new(
                format!("image {}", snapshot.id),
                error.to_string(),
            )),
        }
    }
    Ok((images, problems))
}

/// By name (the newest of that name), or by unique beginning of the id.
pub fn find(vault: &Vault, which: &str) -> Result<Image, Error> {
    let (images, _) = list(vault)?;
    pick(&images, which).cloned()
}

/// `images` oldest first.
pub fn pick<'a>(images: &'a [Image], which: &str) -> Result<&'a Image, Error> {
    let which = which.trim();
    if let Some(image) = images.iter().rev().find(|image| image.name == which) {
        return Ok(image);
    }
    let mut by_id = images
        .iter()
        .filter(|image| !which.is_empty() && image.id.starts_with(which));
    match (by_id.next(), by_id.next()) {
        (Some(image), None) => Ok(image),
        (Some(_), Some(_)) => Err(Error::Ambiguous {
            which: which.to_owned(),
        }),
        (None, _) => Err(Error::Unknown {
            which: which.to_owned(),
        }),
    }
}

pub(crate) fn snapshot_of(vault: &Vault, image: &Image) -> Result<Snapshot, Error> {
    Ok(vault.snapshot(&image.id)?)
}

fn describe(vault: &Vault, snapshot: &Snapshot) -> Result<Image, Error> {
    let text = read_small(vault, snapshot, CARD, 64 * 1024)?;
    let card: ImageCard = serde_json::from_slice(&text).map_err(|error| Error::Damaged {
        image: snapshot.plan.clone(),
        object: CARD,
        what: error.to_string(),
    })?;
    Ok(from_card(card, snapshot))
}

pub(crate) fn from_card(card: ImageCard, snapshot: &Snapshot) -> Image {
    Image {
        id: snapshot.id.to_string(),
        name: card.name,
        size_bytes: card.size_bytes,
        sector_bytes: card.sector_bytes,
        imported_ms: snapshot.finished_ms,
        stored_bytes: snapshot.stored_bytes,
    }
}

/// A whole file of an image, refused beyond `limit` bytes: what a vault says about itself is
/// believed only within bounds.
pub(crate) fn read_small(
    vault: &Vault,
    snapshot: &Snapshot,
    name: &'static str,
    limit: u64,
) -> Result<Vec<u8>, Error> {
    let damaged = |what: String| Error::Damaged {
        image: snapshot.plan.clone(),
        object: name,
        what,
    };
    let node = vault.node(snapshot, name.as_bytes())?;
    if node.size > limit {
        return Err(damaged(format!(
            "{} bytes, more than the {limit} it may have",
            node.size
        )));
    }
    let mut bytes = Vec::new();
    vault
        .open_file(&node)?
        .take(limit)
        .read_to_end(&mut bytes)
        .map_err(|error| damaged(error.to_string()))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_found_by_newest_name_or_by_id() {
        let image = |id: &str, name: &str| Image {
            id: id.into(),
            name: name.into(),
            size_bytes: 1,
            sector_bytes: 512,
            imported_ms: 0,
            stored_bytes: 0,
        };
        let images = [
            image("aa01", "debian"),
            image("aa02", "windows"),
            image("bb03", "debian"),
            image("bb04", "aa02"),
        ];
        let found = |which: &str| pick(&images, which).map(|image| image.id.as_str());
        assert_eq!(found("debian").unwrap(), "bb03");
        assert_eq!(found(" windows ").unwrap(), "aa02");
        assert_eq!(found("aa01").unwrap(), "aa01");
        assert_eq!(found("aa02").unwrap(), "bb04", "a name wins over an id");
        assert!(matches!(found("aa"), Err(Error::Ambiguous { .. })));
        assert!(matches!(found(""), Err(Error::Unknown { .. })));
        assert!(matches!(found("cc"), Err(Error::Unknown { .. })));
    }
}
