//! Few index objects, and none that speaks of packs that are gone.

use std::collections::BTreeSet;

use crate::Error;
use crate::format::index::{self, Entry, IndexObject};
use crate::id::parse_hex;
use crate::index::{PACK_KINDS, PackName};
use crate::inner::{Inner, damaged, hex_name};
use crate::target::ObjectKind;

/// Entries of an object: about 10 MB.
const ENTRIES: usize = 500_000;
/// Objects smaller than this are put together…
const SMALL: usize = ENTRIES / 4;
/// …once there are so many.
const MANY: usize = 8;

/// Writes those anew that name packs which are `gone` (or not there), and puts small ones together. New ones first.
pub(super) fn tidy(inner: &Inner, gone: &BTreeSet<PackName>) -> Result<(), Error> {
    let mut there = BTreeSet::new();
    for kind in PACK_KINDS {
        let names = inner.target.names(kind)?;
        there.extend(
            names
                .iter()
                .filter_map(|name| Some((kind, parse_hex(name)?))),
        );
    }
    there.retain(|pack| !gone.contains(pack));
    let (mut stale, mut small) = (Vec::new(), Vec::new());
    let mut named = BTreeSet::new();
    let names = inner.target.names(ObjectKind::Index)?;
    for id in names.iter().filter_map(|name| parse_hex::<16>(name)) {
        // What cannot be read stays: a check names it, a repair replaces it.
        let Ok(object) = read(inner, &id) else {
            continue;
        };
        let stays = |pack: &PackName| there.contains(pack);
        let mut packs = object.packs.iter().map(|pack| (pack.kind, pack.id));
        if !packs.all(|pack| stays(&pack)) {
            stale.push(id);
        } else if object.entries.len() < SMALL {
            small.push(id);
        } else {
            named.extend(object.packs.iter().map(|pack| (pack.kind, pack.id)));
        }
    }
    if stale.is_empty() && small.len() < MANY {
        return Ok(());
    }
    stale.append(&mut small);
    // A pack that another object names, or that was written already, is not written again.
    let mut open = IndexObject::default();
    for id in &stale {
        let object = read(inner, id)?;
        add(&mut open, object, |pack| {
            there.contains(pack) && named.insert(*pack)
        });
        if open.entries.len() >= ENTRIES {
            put(inner, std::mem::take(&mut open))?;
        }
    }
    if !open.packs.is_empty() {
        open.supersedes.clone_from(&stale);
        put(inner, open)?;
    }
    let names: Vec<String> = stale.iter().map(hex_name).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    Ok(inner.target.remove(ObjectKind::Index, &names)?)
}

fn read(inner: &Inner, id: &[u8; 16]) -> Result<IndexObject, Error> {
    let name = hex_name(id);
    let (inside, plain) = inner.get_named(ObjectKind::Index, &name)?;
    let object = match inside == *id {
        true => index::decode(&plain),
        false => Err(crate::format::Bad::Value("name")),
    };
    object.map_err(|bad| damaged(ObjectKind::Index, &name, bad))
}

/// Moves the `wanted` packs of an object, with their entries, into another.
fn add(to: &mut IndexObject, from: IndexObject, mut wanted: impl FnMut(&PackName) -> bool) {
    let mut numbers = Vec::with_capacity(from.packs.len());
    for pack in from.packs {
        let number = wanted(&(pack.kind, pack.id)).then_some(to.packs.len() as u32);
        if number.is_some() {
            to.packs.push(pack);
        }
        numbers.push(number);
    }
    to.entries
        .extend(from.entries.into_iter().filter_map(|entry| {
            let pack = (*numbers.get(entry.pack as usize)?)?;
            Some(Entry { pack, ..entry })
        }));
}

fn put(inner: &Inner, mut object: IndexObject) -> Result<(), Error> {
    object.entries.sort_unstable();
    inner.put_small(ObjectKind::Index, &index::encode(&object))?;
    Ok(())
}
