//! One folder as it is now: its entries with their stat, without what is left out, beside its list in the parent snapshot.

use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;

use rustix::fs::{FileType, OFlags, RawDir, Stat};

use crate::ahead::Ahead;
use crate::exclude::Patterns;
use crate::folder_list::{AT_ONCE, OldList};
use crate::format::tree;
use crate::inner::Inner;
use crate::source::{self, Extent, FILE, FOLDER, Stretch};
use crate::{ChunkId, deep};

const LIST_BYTES: usize = 64 * 1024;
/// <https://bford.info/cachedir/>
const CACHE_TAG: &[u8] = b"CACHEDIR.TAG";
const CACHE_SIGNATURE: &[u8] = b"Signature: 8a477f597d28d172789f06886806bc55";

/// What is left out below one root.
pub(crate) struct Rules {
    pub(crate) patterns: Patterns,
    /// Leave out what lies beside a tag which says that it can be made again.
    pub(crate) skip_caches: bool,
    /// Leave out what lies beside an entry of one of these names.
    pub(crate) markers: Vec<Vec<u8>>,
    pub(crate) one_file_system: bool,
    /// Bytes of the root's path with the slash that follows it.
    pub(crate) root_len: usize,
}

/// Where a folder is.
pub(crate) struct Place {
    pub(crate) from: From,
    pub(crate) path: Vec<u8>,
    pub(crate) depth: usize,
    /// Its list in the parent snapshot.
    pub(crate) before: Vec<(ChunkId, u32)>,
    pub(crate) rules: Arc<Rules>,
}

pub(crate) enum From {
    /// A root, open already.
    Opened(OwnedFd),
    /// Below an open folder that is on this device.
    Below {
        above: Arc<OwnedFd>,
        name: Vec<u8>,
        device: u64,
    },
}

/// What a folder holds.
pub(crate) struct Looked {
    pub(crate) folder: Arc<OwnedFd>,
    pub(crate) stat: Stat,
    pub(crate) held: Held,
    /// Sorted by name.
    pub(crate) entries: Vec<Entry>,
    /// The parent snapshot's list, if there is one that can be read.
    pub(crate) before: Option<OldList>,
    pub(crate) excluded: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    Entries,
    /// A file system that the kernel makes up: nothing in it is saved.
    MadeUp,
    /// Another file system, which was not asked for.
    Elsewhere,
    /// The vault itself.
    Vault,
}

pub(crate) struct Entry {
    pub(crate) name: Vec<u8>,
    pub(crate) look: Look,
}

pub(crate) enum Look {
    Folder(Arc<Ahead>),
    Other(Box<Stat>),
    /// Not a folder. In a folder of very many entries not all are looked at before their turn.
    Later,
    Failed(io::Error),
}

/// What looking at any folder of a run takes.
pub(crate) struct Eyes<'a> {
    pub(crate) vault: &'a Inner,
    /// The vault's own folder as (device, inode).
    pub(crate) own: Option<(u64, u64)>,
    pub(crate) is_stopped: &'a (dyn Fn() -> bool + Sync),
}

impl Eyes<'_> {
    /// `buffer` is kept from folder to folder.
    pub(crate) fn look(
        &self,
        place: Place,
        buffer: &mut Vec<MaybeUninit<u8>>,
    ) -> io::Result<Looked> {
        let Place {
            from,
            path,
            depth,
            before,
            rules,
        } = place;
        let (folder, device) = match from {
            From::Opened(folder) => (folder, None),
            From::Below {
                above,
                name,
                device,
            } => {
                let flags = FOLDER | OFlags::NOFOLLOW;
                (
                    source::open_quietly(above.as_fd(), &name, flags)?,
                    Some(device),
                )
            }
        };
        let stat = rustix::fs::fstat(&folder)?;
        let mut looked = Looked {
            held: self.held(folder.as_fd(), &stat, device, &rules),
            folder: Arc::new(folder),
            stat,
            entries: Vec::new(),
            before: None,
            excluded: 0,
        };
        // The walk does not go deeper: nobody will ask.
        if looked.held != Held::Entries || depth > deep::LEVELS {
            return Ok(looked);
        }
        if !before.is_empty() {
            looked.before = OldList::read(self.vault, &before, &path);
        }
        let folder = Arc::clone(&looked.folder);
        let mut names = list(folder.as_fd(), buffer)?;
        let listed = names.len();
        if depth > 0
            && let Some(tag) = tag_of(&names, folder.as_fd(), &rules)
        {
            names.swap(0, tag);
            names.truncate(1);
        }
        looked.entries.reserve_exact(names.len());
        for (name, kind) in names {
            if (self.is_stopped)() {
                return Err(io::ErrorKind::Interrupted.into());
            }
            let is_later = looked.entries.len() >= AT_ONCE && kind != FileType::Unknown;
            let look = match kind {
                FileType::Directory => None,
                _ if is_later => Some(Look::Later),
                _ => match source::look(folder.as_fd(), &name) {
                    Err(error) => Some(Look::Failed(error)),
                    Ok(stat) => match FileType::from_raw_mode(stat.st_mode) {
                        FileType::Directory => None,
                        _ => Some(Look::Other(Box::new(stat))),
                    },
                },
            };
            if rules.excludes(&path, &name, look.is_none()) {
                continue;
            }
            let look = match look {
                Some(look) => look,
                None => Look::Folder(Ahead::new(Place {
                    before: subtree(looked.before.as_ref(), &name),
                    path: tree::join(&path, &name),
                    from: From::Below {
                        above: Arc::clone(&folder),
                        name: name.clone(),
                        device: looked.stat.st_dev,
                    },
                    depth: depth + 1,
                    rules: Arc::clone(&rules),
                })),
            };
            looked.entries.push(Entry { name, look });
        }
        looked.excluded = (listed - looked.entries.len()) as u64;
        Ok(looked)
    }

    fn held(&self, folder: BorrowedFd<'_>, stat: &Stat, above: Option<u64>, rules: &Rules) -> Held {
        if self.own == Some((stat.st_dev, stat.st_ino)) {
            return Held::Vault;
        }
        match above.is_some_and(|device| device != stat.st_dev) {
            true if source::is_made_up(folder) => Held::MadeUp,
            true if rules.one_file_system => Held::Elsewhere,
            _ => Held::Entries,
        }
    }
}

impl Rules {
    fn excludes(&self, folder: &[u8], name: &[u8], is_folder: bool) -> bool {
        if self.patterns.is_empty() {
            return false;
        }
        let path = tree::join(folder, name);
        let below = path.get(self.root_len..).unwrap_or(name);
        self.patterns.excluding(below, is_folder).is_some()
    }
}

fn subtree(before: Option<&OldList>, name: &[u8]) -> Vec<(ChunkId, u32)> {
    before.map_or_else(Vec::new, |before| before.subtree(name))
}

/// Names in a folder with what they are, sorted, without `.` and `..`.
///
/// A file that is replaced while its folder is read may be listed twice (btrfs, tmpfs and network shares do so); a list
/// with one name twice would be refused by every reader, and the whole folder lost with it.
fn list(
    folder: BorrowedFd<'_>,
    buffer: &mut Vec<MaybeUninit<u8>>,
) -> io::Result<Vec<(Vec<u8>, FileType)>> {
    buffer.resize(LIST_BYTES, MaybeUninit::uninit());
    let mut dir = RawDir::new(folder, buffer);
    let mut names = Vec::new();
    while let Some(entry) = dir.next() {
        let entry = entry?;
        let name = entry.file_name().to_bytes();
        if name != b"." && name != b".." {
            names.push((name.to_vec(), entry.file_type()));
        }
    }
    Ok(each_once(names))
}

fn each_once(mut names: Vec<(Vec<u8>, FileType)>) -> Vec<(Vec<u8>, FileType)> {
    names.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    names.dedup_by(|a, b| a.0 == b.0);
    names
}

/// The entry that says that what lies beside it is not to be saved.
fn tag_of(names: &[(Vec<u8>, FileType)], folder: BorrowedFd<'_>, rules: &Rules) -> Option<usize> {
    let find = |wanted: &[u8]| {
        names
            .binary_search_by(|(name, _)| name.as_slice().cmp(wanted))
            .ok()
    };
    let tag = find(CACHE_TAG).filter(|_| rules.skip_caches && is_cache(folder));
    tag.or_else(|| rules.markers.iter().find_map(|marker| find(marker)))
}

/// Anybody may call a file so: only its first line makes it a tag.
fn is_cache(folder: BorrowedFd<'_>) -> bool {
    let Ok(tag) = source::open_quietly(folder, CACHE_TAG, FILE) else {
        return false;
    };
    let mut head = Vec::new();
    let end = CACHE_SIGNATURE.len() as u64;
    let read = Stretch::new(&tag, Extent { start: 0, end }).read_to_end(&mut head);
    read.is_ok() && head == CACHE_SIGNATURE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_listed_twice_is_one_entry() {
        let kind = FileType::RegularFile;
        let listed = [&b"b"[..], b"a", b"b", b"c"].map(|name| (name.to_vec(), kind));
        let once = [&b"a"[..], b"b", b"c"].map(|name| (name.to_vec(), kind));
        assert_eq!(each_once(listed.to_vec()), once);
    }
}
