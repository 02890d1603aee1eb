//! What the target holds → the index: index objects first, then the directories of packs that none of them names.
//!
//! Nothing here holds the index while it waits for the target, and several requests are under way at once.

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::mpsc::sync_channel;
use std::sync::{Mutex, PoisonError, RwLock};

use super::{Index, PACK_KINDS, PackName, State};
use crate::Problem;
use crate::format::index::IndexObject;
use crate::format::pack::{self, Directory};
use crate::format::{Bad, envelope, index};
use crate::id::parse_hex;
use crate::inner::hex_name;
use crate::keys::{Keys, TAG_LEN};
use crate::target::{self, ObjectKind, Target};

/// Requests under way at once.
const READERS: usize = 8;
/// One read from the end of a pack usually holds its whole directory.
const TAIL: u64 = 64 * 1024;
/// What follows the sealed directory: its length, and the object's trailer.
const TAIL_LEAST: u64 = (pack::DIRECTORY_LEN_LEN + envelope::TRAILER_LEN) as u64;

/// What to believe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reading {
    /// Index objects, and directories of packs without one.
    Usual,
    /// Only the packs' own directories; index objects are only looked at.
    Directories,
}

/// Learns packs that appeared, forgets packs that went away. What cannot be understood is a problem of the index.
pub(crate) fn refresh(
    index: &RwLock<Index>,
    target: &dyn Target,
    keys: &Keys,
    reading: Reading,
) -> Result<(), target::Error> {
    let write = || index.write().unwrap_or_else(PoisonError::into_inner);
    let (known, objects): (HashSet<PackName>, HashSet<[u8; 16]>) = {
        let index = index.read().unwrap_or_else(PoisonError::into_inner);
        let names = index.packs().map(|pack| pack.name).collect();
        (names, index.objects.clone())
    };
    let mut problems = Vec::new();
    let mut size = HashMap::new();
    for kind in PACK_KINDS {
        for (id, bytes) in list(target, kind, &mut problems)? {
            size.insert((kind, id), bytes);
        }
    }
    let mut gone: Vec<PackName> = known.iter().copied().collect();
    gone.retain(|name| !size.contains_key(name));
    // A listing may lag behind: what is said to be gone is asked for by name.
    gone.retain(|(kind, id)| !matches!(target.size(*kind, &hex_name(id)), Ok(Some(_))));
    gone.iter().for_each(|name| write().set(name, State::Gone));

    let unread = list(target, ObjectKind::Index, &mut problems)?;
    let unread = unread.into_iter().map(|(id, _)| id);
    let unread: Vec<[u8; 16]> = unread.filter(|id| !objects.contains(id)).collect();
    let read = |id| (id, read_object(target, keys, &id));
    gather(unread, read, |(id, object)| match (object, reading) {
        (Ok(object), Reading::Usual) => write().add_object(id, object, &size),
        (Ok(_), Reading::Directories) => {
            write().objects.insert(id);
        }
        (Err(error), _) => {
            let object = ObjectKind::Index.object(&hex_name(&id));
            problems.push(Problem::new(object, error.to_string()));
        }
    });

    let unread: Vec<(PackName, u64)> = {
        let index = write();
        let new = |name: &PackName| {
            index
                .pack(name)
                .is_none_or(|pack| pack.state == State::Gone)
        };
        let all = size.iter().map(|(name, size)| (*name, *size));
        all.filter(|(name, _)| new(name)).collect()
    };
    let read = |(name, size)| (name, size, read_directory(target, keys, name, size));
    gather(unread, read, |(name, size, directory)| match directory {
        Ok(directory) => write().add(name, size, &directory),
        Err(error) => {
            let object = name.0.object(&hex_name(&name.1));
            problems.push(Problem::new(object, error.to_string()));
        }
    });
    let mut index = write();
    for pack in index.packs() {
        if pack.state == State::Suspect {
            let object = pack.name.0.object(&hex_name(&pack.name.1));
            problems.push(Problem::new(object, Bad::Length.to_string()));
        }
    }
    index.problems = problems;
    Ok(())
}

/// Ids and sizes of the objects of a kind; whatever else lies there is a problem.
fn list(
    target: &dyn Target,
    kind: ObjectKind,
    problems: &mut Vec<Problem>,
) -> Result<Vec<([u8; 16], u64)>, target::Error> {
    let mut found = Vec::new();
    for entry in target.list(kind)? {
        match parse_hex::<16>(&entry.name) {
            Some(id) => found.push((id, entry.size)),
            None => problems.push(Problem::new(
                kind.object(&entry.name),
                "is not an object of this vault; it is left alone",
            )),
        }
    }
    Ok(found)
}

/// Does `work` for all items on a few threads and hands over what comes out, in any order.
fn gather<T: Send, R: Send>(items: Vec<T>, work: impl Fn(T) -> R + Sync, mut each: impl FnMut(R)) {
    if items.len() <= 1 {
        return items.into_iter().map(work).for_each(each);
    }
    let threads = items.len().min(READERS);
    let items = Mutex::new(items.into_iter());
    let next = || items.lock().unwrap_or_else(PoisonError::into_inner).next();
    std::thread::scope(|scope| {
        let (done, results) = sync_channel(1);
        for _ in 0..threads {
            let (done, next, work) = (done.clone(), &next, &work);
            scope.spawn(move || {
                while let Some(item) = next() {
                    if done.send(work(item)).is_err() {
                        return;
                    }
                }
            });
        }
        drop(done);
        results.into_iter().for_each(&mut each);
    });
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum Unreadable {
    #[error(transparent)]
    Bad(#[from] Bad),
    #[error(transparent)]
    Target(#[from] target::Error),
}

fn read_object(target: &dyn Target, keys: &Keys, id: &[u8; 16]) -> Result<IndexObject, Unreadable> {
    let bytes = target.get(ObjectKind::Index, &hex_name(id))?;
    let plain = keys.open_object(ObjectKind::Index, id, &bytes)?;
    Ok(index::decode(&plain)?)
}

/// Where the sealed directory of a pack of `size` bytes lies, from its last bytes.
fn directory_range(tail: &[u8], size: u64) -> Result<Range<u64>, Bad> {
    let split = tail.len().checked_sub(envelope::TRAILER_LEN);
    let (body, trailer) = split
        .and_then(|split| tail.split_at_checked(split))
        .ok_or(Bad::Short)?;
    let body_len = envelope::parse_trailer(trailer, size)?.body_len;
    let range = pack::directory_range(body, body_len)?;
    match range.start < envelope::HEADER_LEN as u64 || range.end - range.start < TAG_LEN as u64 {
        true => Err(Bad::Value("length of the directory")),
        false => Ok(range),
    }
}

/// The directory from the sealed bytes at `range`.
fn open_directory(
    keys: &Keys,
    (kind, id): PackName,
    sealed: &[u8],
    range: &Range<u64>,
) -> Result<Directory, Bad> {
    let header = envelope::encode_header(kind, &id);
    let sealer = keys.object(&header);
    let plain = sealer.open(pack::DIRECTORY, &header, sealed.to_vec())?;
    pack::decode_directory(&plain, envelope::HEADER_LEN as u64, range.start)
}

/// The directory of a pack of `size` bytes, from its end.
pub(crate) fn read_directory(
    target: &dyn Target,
    keys: &Keys,
    (kind, id): PackName,
    size: u64,
) -> Result<Directory, Unreadable> {
    let name = hex_name(&id);
    if size < TAIL_LEAST + envelope::HEADER_LEN as u64 {
        return Err(Bad::Short.into());
    }
    let read = |from: u64, to: u64| {
        let len = usize::try_from(to - from).unwrap_or(usize::MAX);
        target.get_range(kind, &name, from, len)
    };
    let mut start = size.saturating_sub(TAIL);
    let mut tail = read(start, size)?;
    let range = directory_range(&tail, size)?;
    if range.start < start {
        start = range.start;
        tail = read(start, size)?;
    }
    let at = |offset: u64| usize::try_from(offset - start).unwrap_or(usize::MAX);
    let sealed = tail.get(at(range.start)..at(range.end));
    Ok(open_directory(
        keys,
        (kind, id),
        sealed.ok_or(Bad::Short)?,
        &range,
    )?)
}
