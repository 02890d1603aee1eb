//! Password → key, in memory that is given back to the system at once: 64 MiB kept by the allocator would count in all that
//! follows.

use std::ffi::c_void;
use std::ptr::NonNull;

use argon2::Block;
use rustix::mm::{Advice, MapFlags, ProtFlags, madvise, mmap_anonymous, munmap};

use crate::vault::KdfCost;
use crate::{Error, Secret};

pub(crate) fn from_password(
    secret: &Secret,
    cost: KdfCost,
    salt: &[u8; 16],
) -> Result<[u8; 32], Error> {
    let derive = |error: argon2::Error| Error::Derive(error.to_string());
    let params =
        argon2::Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32)).map_err(derive)?;
    let mut blocks = Blocks::new(params.block_count())?;
    let argon = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
    let mut key = [0; 32];
    argon
        .hash_password_into_with_memory(secret.expose(), salt, &mut key, &mut blocks)
        .map_err(derive)?;
    Ok(key)
}

/// A page of the larger kind: blocks are read all over the memory, and 16,384 small pages cost more than a third of the time.
const LARGE_PAGE: usize = 2 * 1024 * 1024;

/// Zeroed blocks in pages of their own.
struct Blocks {
    start: NonNull<c_void>,
    /// Of the mapping.
    len: usize,
    /// From the start to where a large page begins.
    skipped: usize,
    count: usize,
}

impl Blocks {
    fn new(count: usize) -> Result<Blocks, Error> {
        let wanted = count.max(1).saturating_mul(Block::SIZE);
        // What is smaller than a large page gains nothing by one.
        let room = if wanted < LARGE_PAGE { 0 } else { LARGE_PAGE };
        let len = wanted.saturating_add(room);
        let (rights, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
        // SAFETY: no address is asked for, so no memory in use is mapped over.
        let start = unsafe { mmap_anonymous(std::ptr::null_mut(), len, rights, flags) };
        let start = start.map_err(|error| Error::Derive(format!("no memory: {error}")))?;
        let start =
            NonNull::new(start).ok_or_else(|| Error::Derive("no memory was given".to_owned()))?;
        let skipped = match room {
            0 => 0,
            _ => start.as_ptr().align_offset(LARGE_PAGE).min(room),
        };
        // SAFETY: the range was just mapped; the advice changes no byte of it. A kernel that knows no large pages refuses.
        let _ = unsafe { madvise(start.as_ptr(), len, Advice::LinuxHugepage) };
        Ok(Blocks {
            start,
            len,
            skipped,
            count,
        })
    }
}

impl AsMut<[Block]> for Blocks {
    fn as_mut(&mut self) -> &mut [Block] {
        // SAFETY: the mapping is this value's alone, `count` blocks long behind what is skipped, aligned to a page (a block
        // asks for 64 bytes), and its zeros are what a new block holds; it lives as long as the borrow of this value.
        unsafe {
            let first = self.start.as_ptr().byte_add(self.skipped).cast::<Block>();
            std::slice::from_raw_parts_mut(first, self.count)
        }
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        // SAFETY: mapped by `new` with this length, and nobody holds a reference into it any more.
        let _ = unsafe { munmap(self.start.as_ptr(), self.len) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_argon2s_own() {
        let secret = Secret::new(b"a password".to_vec());
        // With one lane as vaults were made once, with several, and in memory of large pages.
        for (memory_kib, passes, lanes) in [(64, 2, 1), (64, 2, 2), (3000, 1, 4)] {
            let cost = KdfCost {
                memory_kib,
                passes,
                lanes,
            };
            let params = argon2::Params::new(memory_kib, passes, lanes, Some(32)).unwrap();
            let argon =
                argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
            let mut want = [0; 32];
            argon
                .hash_password_into(b"a password", &[7; 16], &mut want)
                .unwrap();
            let key = from_password(&secret, cost, &[7; 16]).unwrap();
            assert_eq!(key, want, "{cost:?}");
        }
    }

    #[test]
    fn blocks_are_aligned_and_as_many_as_asked_for() {
        for count in [1, 8, 2048, 5000] {
            let mut blocks = Blocks::new(count).unwrap();
            let blocks = blocks.as_mut();
            assert_eq!(blocks.len(), count);
            if count * Block::SIZE >= LARGE_PAGE {
                assert_eq!(blocks.as_ptr().align_offset(LARGE_PAGE), 0);
            }
            assert!(
                blocks
                    .last()
                    .unwrap()
                    .as_ref()
                    .iter()
                    .all(|word| *word == 0)
            );
        }
    }
}
