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

/// Zeroed blocks in pages of their own.
struct Blocks {
    start: NonNull<c_void>,
    count: usize,
}

impl Blocks {
    fn new(count: usize) -> Result<Blocks, Error> {
        let len = count.max(1).saturating_mul(Block::SIZE);
        let (rights, flags) = (ProtFlags::READ | ProtFlags::WRITE, MapFlags::PRIVATE);
        // SAFETY: no address is asked for, so no memory in use is mapped over.
        let start = unsafe { mmap_anonymous(std::ptr::null_mut(), len, rights, flags) };
        let start = start.map_err(|error| Error::Derive(format!("no memory: {error}")))?;
        let start =
            NonNull::new(start).ok_or_else(|| Error::Derive("no memory was given".to_owned()))?;
        // 64 MiB in pages of 4 KiB are 16,384 faults, a third of what opening a vault took. Advice only: without it the same
        // happens more slowly.
        // SAFETY: mapped just now with this length; nothing refers to it, and the advice does not change what it holds.
        let _ = unsafe { madvise(start.as_ptr(), len, Advice::LinuxHugepage) };
        Ok(Blocks { start, count })
    }
}

impl AsMut<[Block]> for Blocks {
    fn as_mut(&mut self) -> &mut [Block] {
        // SAFETY: the mapping is this value's alone, `count` blocks long, aligned to a page (a block asks for 64 bytes), and
        // its zeros are what a new block holds; it lives as long as the borrow of this value.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr().cast::<Block>(), self.count) }
    }
}

impl Drop for Blocks {
    fn drop(&mut self) {
        let len = self.count.max(1) * Block::SIZE;
        // SAFETY: mapped by `new` with this length, and nobody holds a reference into it any more.
        let _ = unsafe { munmap(self.start.as_ptr(), len) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_argon2s_own() {
        let cost = KdfCost {
            memory_kib: 64,
            passes: 2,
            lanes: 2,
        };
        let params = argon2::Params::new(64, 2, 2, Some(32)).unwrap();
        let argon =
            argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
        let mut want = [0; 32];
        argon
            .hash_password_into(b"a password", &[7; 16], &mut want)
            .unwrap();
        let secret = Secret::new(b"a password".to_vec());
        assert_eq!(from_password(&secret, cost, &[7; 16]).unwrap(), want);
    }
}
