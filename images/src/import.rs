//! A raw disk into the vault.

use crate::Error;
use crate::catalogue::{CARD, DISK, Image, MANIFEST, from_card};
use crate::wire::{ImageCard, StoredChunk, StoredManifest};
use std::io::Read;
use std::sync::atomic::Ordering;
use vault::writer::{Chunking, Meta, SnapshotWriter};
use vault::{Kind, Vault, Watch};

/// One chunk of an image. Disks of one system differ in places, not in shifts: fixed cuts find what
/// is equal, and the agent can write chunks in any order.
pub const CHUNK_BYTES: u32 = 1 << 20;

/// Enough for both places of a partition table and the marks of other formats.
const HEAD_BYTES: u64 = 8192;

/// Stores the raw disk that `source` yields as image `name`. `size_hint` only feeds the progress;
/// `now_ms` is asked at the start and at the end. An image of the same name stays: the newer one is
/// found first.
pub fn import(
    vault: &Vault,
    name: &str,
    source: &mut dyn Read,
    size_hint: Option<u64>,
    now_ms: &dyn Fn() -> i64,
    watch: &Watch,
) -> Result<Image, Error> {
    judge_name(name)?;
    let mut head = Vec::new();
    source
        .take(HEAD_BYTES)
        .read_to_end(&mut head)
        .map_err(Error::Source)?;
    let sector_bytes = judge_head(name, &head)?;
    if let Some(size) = size_hint {
        watch.bytes_total.store(size, Ordering::Relaxed);
        judge_size(name, size, sector_bytes)?;
    }
    let mut writer = SnapshotWriter::begin(
        vault,
        Meta {
            kind: Kind::Image,
            plan: name.to_owned(),
            host: String::new(),
            started_ms: now_ms(),
        },
        watch,
    )?;
    let mut disk = head.as_slice().chain(source);
    let stored = writer.add_stream(DISK, &mut disk, Chunking::Fixed(CHUNK_BYTES), 0o600)?;
    judge_size(name, stored.size, sector_bytes)?;
    let card = ImageCard {
        name: name.to_owned(),
        size_bytes: stored.size,
        sector_bytes,
    };
    let manifest = StoredManifest {
        size_bytes: stored.size,
        chunk_bytes: CHUNK_BYTES,
        chunks: stored
            .chunks
            .iter()
            .map(|chunk| StoredChunk {
                id: *chunk.id.as_bytes(),
                plain: chunk.plain,
                zero: chunk.zero,
            })
            .collect(),
    };
    writer.add_bytes(MANIFEST, &json(name, MANIFEST, &manifest)?)?;
    writer.add_bytes(CARD, &json(name, CARD, &card)?)?;
    let snapshot = writer.finish(now_ms())?;
    Ok(from_card(card, &snapshot))
}

fn json<T: serde::Serialize>(
    name: &str,
    object: &'static str,
    value: &T,
) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(value).map_err(|error| Error::Damaged {
        image: name.to_owned(),
        object,
        what: error.to_string(),
    })
}

/// May an image be called so?
pub fn judge_name(name: &str) -> Result<(), Error> {
    match is_good_name(name) {
        true => Ok(()),
        false => Err(Error::BadName {
            name: name.to_owned(),
        }),
    }
}

fn is_good_name(name: &str) -> bool {
    (1..=64).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

/// Refuses what is surely not a raw disk; returns the sector size of its partition table.
fn judge_head(name: &str, head: &[u8]) -> Result<u32, Error> {
    if head.is_empty() {
        return Err(Error::Empty {
            name: name.to_owned(),
        });
    }
    const CONVERT: &str = "qemu-img convert -O raw IMAGE disk.raw";
    const MARKS: [(usize, &[u8], &str, &str); 8] = [
        (0, b"QFI\xfb", "a qcow2 image", CONVERT),
        (0, b"KDMV", "a VMDK image", CONVERT),
        (0, b"vhdxfile", "a VHDX image", CONVERT),
        (0, b"conectix", "a VHD image", CONVERT),
        (
            64,
            &[0x7f, 0x10, 0xda, 0xbe],
            "a VirtualBox VDI image",
            CONVERT,
        ),
        (0, &[0x1f, 0x8b, 0x08], "a gzip file", "gunzip"),
        (0, b"\xfd7zXZ\0", "an xz file", "unxz"),
        (0, &[0x28, 0xb5, 0x2f, 0xfd], "a zstd file", "unzstd"),
    ];
    for (at, mark, found, remedy) in MARKS {
        if head.get(at..).is_some_and(|rest| rest.starts_with(mark)) {
            return Err(Error::NotRaw {
                name: name.to_owned(),
                found,
                remedy,
            });
        }
    }
    let gpt_at = |at: usize| {
        head.get(at..)
            .is_some_and(|rest| rest.starts_with(b"EFI PART"))
    };
    Ok(if gpt_at(4096) && !gpt_at(512) {
        4096
    } else {
        512
    })
}

fn judge_size(name: &str, size_bytes: u64, sector_bytes: u32) -> Result<(), Error> {
    if size_bytes.is_multiple_of(u64::from(sector_bytes)) {
        Ok(())
    } else {
        Err(Error::NotWhole {
            name: name.to_owned(),
            size_bytes,
            sector_bytes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        for name in ["debian", "Poste-Compta_2.1", "0", &"a".repeat(64)] {
            assert!(is_good_name(name), "{name}");
        }
        for name in [
            "",
            " ",
            "a b",
            "-x",
            ".x",
            "a/b",
            "a@latest",
            "é",
            "a\n",
            &"a".repeat(65),
        ] {
            assert!(!is_good_name(name), "{name:?}");
        }
    }

    #[test]
    fn what_is_not_a_raw_disk_is_refused_with_the_remedy() {
        let with = |at: usize, mark: &[u8]| {
            let mut head = vec![0; 8192];
            head[at..at + mark.len()].copy_from_slice(mark);
            head
        };
        assert_eq!(judge_head("x", &[0; 100]).unwrap(), 512);
        assert_eq!(judge_head("x", &with(510, &[0x55, 0xaa])).unwrap(), 512);
        assert_eq!(judge_head("x", &with(512, b"EFI PART")).unwrap(), 512);
        assert_eq!(judge_head("x", &with(4096, b"EFI PART")).unwrap(), 4096);
        assert!(matches!(judge_head("x", &[]), Err(Error::Empty { .. })));
        for (at, mark) in [
            (0, b"QFI\xfb".as_slice()),
            (0, b"KDMV"),
            (64, &[0x7f, 0x10, 0xda, 0xbe]),
            (0, &[0x28, 0xb5, 0x2f, 0xfd]),
        ] {
            let refused = judge_head("win", &with(at, mark)).unwrap_err().to_string();
            assert!(
                refused.starts_with("import image win: it looks like a"),
                "{refused}"
            );
        }
        assert!(judge_size("x", 1 << 20, 512).is_ok());
        assert!(judge_size("x", 1000, 512).is_err());
        assert!(judge_size("x", 512 * 9, 4096).is_err());
    }
}
