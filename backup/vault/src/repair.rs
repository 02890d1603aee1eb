//! What can be done about damage: packs that went bad are named in a tomb, so that nothing new counts on them and the next
//! backup stores again what it still can; the index is built anew from the packs themselves.
//!
//! Nothing is taken away here but index objects that are replaced: a bad pack may still give what is sound in it, and
//! goes with the first prune that finds all that is needed elsewhere.

use std::collections::BTreeSet;

use crate::check::packs;
use crate::format::pack::{self, DirFrame, Directory};
use crate::format::{envelope, frame};
use crate::id::parse_hex;
use crate::index::{self, PACK_KINDS, PackName};
use crate::inner::{Inner, hex_name};
use crate::keys::random;
use crate::target::ObjectKind;
use crate::tombs::{Burial, Tombs};
use crate::writers::{Purpose, Sessions, Writer, alone, this_host};
use crate::{Error, Problem, Vault, Watch, deep};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    pub packs: u64,
    /// Bytes of packs that were read and verified.
    pub bytes_read: u64,
    /// Packs that nothing new counts on any more; those known as bad before are among them.
    pub packs_bad: u64,
    /// Of these, packs whose directory is lost, with the chunks that were found without it.
    pub packs_searched: u64,
    pub chunks_found: u64,
    /// Index objects before and after.
    pub indexes_before: u64,
    pub indexes_after: u64,
    pub problems: Vec<Problem>,
}

impl Vault {
    /// Reads every pack, notes the bad ones, and writes the index anew. Runs beside backups; not beside a prune.
    pub fn repair(&self, now_ms: i64, watch: &Watch) -> Result<Report, Error> {
        deep::run(|| {
            let purpose = Purpose {
                what: "repair".to_owned(),
                sweeps: true,
                now_ms,
            };
            let writer = Writer::begin(&self.inner, &purpose)?;
            alone(
                &self.inner,
                &writer,
                &Sessions::read(&self.inner)?,
                false,
                &|| {},
            )?;
            let mut report = Report::default();
            repair(&self.inner, &mut report, now_ms, watch)?;
            writer.vanish()?;
            Ok(report)
        })
    }
}

fn repair(inner: &Inner, report: &mut Report, now_ms: i64, watch: &Watch) -> Result<(), Error> {
    let old = inner.target.names(ObjectKind::Index)?;
    let old: Vec<&str> = old
        .iter()
        .map(String::as_str)
        .filter(|name| parse_hex::<16>(name).is_some())
        .collect();
    inner.learn_directories()?;
    let mut there = Vec::new();
    for kind in PACK_KINDS {
        let names = inner.target.names(kind)?;
        there.extend(
            names
                .iter()
                .filter_map(|name| Some((kind, parse_hex(name)?))),
        );
    }
    report.packs = there.len() as u64;
    let damage = packs::read(inner, there, watch)?;
    report.bytes_read = damage.bytes_read;
    report.problems.clone_from(&damage.problems);
    for name in damage.lost.intersection(&damage.rotten) {
        let (size, directory) = search(inner, *name)?;
        report.packs_searched += 1;
        let frames = directory.frames.iter();
        report.chunks_found += frames.map(|frame| frame.chunks.len() as u64).sum::<u64>();
        if !directory.frames.is_empty() {
            inner.index_mut().add(*name, size, &directory);
        }
    }
    let tombs = Tombs::read(inner)?;
    let mut rotten: BTreeSet<PackName> = tombs.rotten.clone();
    rotten.extend(&damage.rotten);
    report.packs_bad = rotten.len() as u64;
    if rotten != tombs.rotten {
        let burial = Burial {
            host: this_host(),
            made_ms: now_ms,
            forgotten: tombs.forgotten.clone(),
            packs: tombs.packs.clone(),
            rotten: rotten.clone(),
            sessions: tombs.sessions.clone(),
        };
        tombs.replace(inner, &burial)?;
    }
    index::publish(inner.index_lock(), &*inner.target, &inner.keys, random()?)?;
    inner.target.remove(ObjectKind::Index, &old)?;
    report.indexes_before = old.len() as u64;
    report.indexes_after = inner.target.names(ObjectKind::Index)?.len() as u64;
    Ok(())
}

/// The frames of a pack whose directory is lost, found by their magic. One that is destroyed leaves a gap of its length.
fn search(inner: &Inner, (kind, id): PackName) -> Result<(u64, Directory), Error> {
    let bytes = inner.target.get(kind, &hex_name(&id))?;
    let header = envelope::encode_header(kind, &id);
    let sealer = inner.keys.object(&header);
    let mut directory = Directory::default();
    let mut end = envelope::HEADER_LEN as u32;
    for (offset, head) in pack::scan(&bytes) {
        let number = directory.frames.len() as u32;
        let (from, len) = (offset as usize, head.frame_len());
        let (Some(sealed), true) = (bytes.get(from..from + len), offset >= end) else {
            continue;
        };
        let Ok((head, plain)) = frame::open(&sealer, &header, head.number, sealed) else {
            continue;
        };
        let Ok(chunks) = frame::split_table(&plain, head.chunks) else {
            continue;
        };
        let Some(missing) = head.number.checked_sub(number) else {
            continue;
        };
        directory.frames.extend(gap(end, offset, missing));
        let chunk = |range: std::ops::Range<usize>| {
            let plain = &plain[range];
            (inner.keys.chunk_id(plain).short(), plain.len() as u32)
        };
        directory.frames.push(DirFrame {
            offset,
            len: len as u32,
            chunks: chunks.into_iter().map(chunk).collect(),
        });
        end = offset + len as u32;
    }
    Ok((bytes.len() as u64, directory))
}

/// So many frames that cannot be read, between two places.
fn gap(from: u32, to: u32, missing: u32) -> Vec<DirFrame> {
    let least = frame::HEADER_LEN as u32 + 1;
    let mut at = from;
    let mut frames = Vec::new();
    for left in (0..missing).rev() {
        let len = match left {
            0 => to - at,
            _ => least.min(to - at),
        };
        frames.push(DirFrame {
            offset: at,
            len,
            chunks: Vec::new(),
        });
        at += len;
    }
    frames
}
