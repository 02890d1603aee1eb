//! Chunks on their way into packs of this session: stored as far as the next chunk of the same content is concerned.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hash, Hasher};

use crate::id::ShortId;

#[derive(Default)]
pub(super) struct Claims(HashSet<Claim, BuildHasherDefault<Given>>);

#[derive(PartialEq, Eq)]
struct Claim(ShortId);

/// Ids are keyed hashes already; nobody without the key can choose them.
impl Hash for Claim {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [a, b, c, d, e, f, g, h, ..] = self.0;
        state.write_u64(u64::from_le_bytes([a, b, c, d, e, f, g, h]));
    }
}

#[derive(Default)]
struct Given(u64);

impl Hasher for Given {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

impl Claims {
    pub(super) fn insert(&mut self, id: ShortId) {
        self.0.insert(Claim(id));
    }

    pub(super) fn contains(&self, id: &ShortId) -> bool {
        self.0.contains(&Claim(*id))
    }

    pub(super) fn remove(&mut self, id: &ShortId) {
        self.0.remove(&Claim(*id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_claimed_is_known_until_it_is_removed() {
        let mut claims = Claims::default();
        let id = |n: u16| {
            let mut id = [7; 16];
            id[14..].copy_from_slice(&n.to_le_bytes());
            id
        };
        (0..1000).for_each(|n| claims.insert(id(n)));
        (0..500).for_each(|n| claims.remove(&id(n)));
        assert!((0..500).all(|n| !claims.contains(&id(n))));
        assert!((500..1000).all(|n| claims.contains(&id(n))));
    }
}
