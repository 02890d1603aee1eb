//! The sorted run in memory: entries in buckets by the first bits of their ids. Ids are keyed hashes, evenly spread, so
//! every bucket is about as long as the others, and where an entry lies in it can be guessed.

use crate::format::index::Entry;
use crate::id::ShortId;

/// A bucket is split before it is much longer than this on average: inserting moves half of it.
const BUCKET: usize = 1024;
const BITS_LEAST: u32 = 4;

pub(crate) struct Table {
    buckets: Vec<Vec<Entry>>,
    /// Number of entries before each bucket.
    before: Vec<u64>,
    bits: u32,
    len: usize,
}

/// The first eight bytes as a number: sorts as the ids do.
pub(crate) fn prefix(id: &ShortId) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *id;
    u64::from_be_bytes([a, b, c, d, e, f, g, h])
}

impl Default for Table {
    fn default() -> Table {
        Table::with_bits(BITS_LEAST)
    }
}

impl Table {
    fn with_bits(bits: u32) -> Table {
        Table {
            buckets: vec![Vec::new(); 1 << bits],
            before: vec![0; 1 << bits],
            bits,
            len: 0,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// What it takes in memory.
    pub(crate) fn bytes(&self) -> usize {
        let entries: usize = self.buckets.iter().map(Vec::capacity).sum();
        entries * size_of::<Entry>() + self.buckets.len() * (size_of::<Vec<Entry>>() + 8)
    }

    fn bucket_of(&self, id: &ShortId) -> usize {
        (prefix(id) >> (64 - self.bits)) as usize
    }

    /// Adds sorted entries.
    pub(crate) fn add(&mut self, mut sorted: &[Entry]) {
        self.widen(self.len + sorted.len());
        self.len += sorted.len();
        while let Some(first) = sorted.first() {
            let at = self.bucket_of(&first.id);
            let end = sorted.partition_point(|entry| self.bucket_of(&entry.id) == at);
            let (here, rest) = sorted.split_at(end);
            if let Some(bucket) = self.buckets.get_mut(at) {
                merge(bucket, here);
            }
            sorted = rest;
        }
        let mut sum = 0;
        for (before, bucket) in self.before.iter_mut().zip(&self.buckets) {
            *before = sum;
            sum += bucket.len() as u64;
        }
    }

    /// Makes room for so many entries by splitting buckets.
    fn widen(&mut self, len: usize) {
        let mut bits = self.bits;
        while len >> bits > BUCKET {
            bits += 1;
        }
        if bits == self.bits {
            return;
        }
        let mut wider = Table::with_bits(bits);
        for bucket in std::mem::take(&mut self.buckets) {
            let of = |entry: &Entry| (prefix(&entry.id) >> (64 - bits)) as usize;
            for part in bucket.chunk_by(|a, b| of(a) == of(b)) {
                if let Some(bucket) = wider.buckets.get_mut(part.first().map_or(0, of)) {
                    *bucket = part.to_vec();
                }
            }
        }
        wider.len = self.len;
        *self = wider;
    }

    /// All entries of that id, and the number of the first.
    pub(crate) fn find(&self, id: &ShortId) -> Option<(u64, &[Entry])> {
        let at = self.bucket_of(id);
        let bucket = self.buckets.get(at)?;
        let first = lower_bound(bucket, self.bits, id);
        let found = bucket.get(first..)?;
        let count = found.iter().take_while(|entry| entry.id == *id).count();
        let before = self.before.get(at)?;
        (count > 0).then(|| (before + first as u64, &found[..count]))
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Entry> {
        self.buckets.iter().flatten()
    }
}

/// Merges from the end, so that nothing but the new entries needs room.
fn merge(bucket: &mut Vec<Entry>, new: &[Entry]) {
    let (mut old, mut left) = (bucket.len(), new.len());
    if bucket.capacity() - old < left {
        bucket.reserve_exact(left + old / 32);
    }
    bucket.extend_from_slice(new);
    let mut to = bucket.len();
    while left > 0 {
        to -= 1;
        if old > 0 && bucket[old - 1] > new[left - 1] {
            bucket[to] = bucket[old - 1];
            old -= 1;
        } else {
            bucket[to] = new[left - 1];
            left -= 1;
        }
    }
}

/// The first place whose id is not below `id`: guessed from the id itself, then corrected by steps that double.
fn lower_bound(bucket: &[Entry], bits: u32, id: &ShortId) -> usize {
    let below = |at: usize| bucket[at].id < *id;
    let share = u128::from(prefix(id) << bits) * bucket.len() as u128;
    let guess = (share >> 64) as usize;
    let (mut low, mut high) = (0, bucket.len());
    let mut step = 4;
    if guess < high && below(guess) {
        low = guess + 1;
        while low + step < high {
            if !below(low + step) {
                high = low + step;
                break;
            }
            low += step + 1;
            step *= 2;
        }
    } else {
        high = guess.min(high);
        while high - low > step {
            if below(high - step) {
                low = high - step + 1;
                break;
            }
            high -= step;
            step *= 2;
        }
    }
    low + bucket[low..high].partition_point(|entry| entry.id < *id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(n: u64, pack: u32) -> Entry {
        let mut id = [0; 16];
        blake3::Hasher::new()
            .update(&n.to_le_bytes())
            .finalize_xof()
            .fill(&mut id);
        Entry {
            id,
            pack,
            frame: 1,
            slot: 2,
        }
    }

    #[test]
    fn what_was_added_in_any_order_is_found_and_numbered_in_order() {
        let mut table = Table::default();
        let mut all = Vec::new();
        for batch in [1u64, 0, 700, 5, 40_000, 1, 3000] {
            let from = all.len() as u64;
            let mut new: Vec<Entry> = (from..from + batch).map(|n| entry(n, 7)).collect();
            new.sort_unstable();
            table.add(&new);
            all.extend(new);
            all.sort_unstable();
            assert!(table.iter().eq(&all), "after {} entries", all.len());
        }
        assert_eq!(table.len(), all.len());
        for (number, wanted) in (0u64..).zip(&all) {
            assert_eq!(table.find(&wanted.id), Some((number, &[*wanted][..])));
        }
        for n in 1_000_000..1_010_000 {
            assert_eq!(table.find(&entry(n, 7).id), None);
        }
    }

    #[test]
    fn ids_at_the_ends_and_in_one_place_are_found() {
        let mut table = Table::default();
        let at = |id: ShortId, pack| Entry {
            id,
            pack,
            frame: 0,
            slot: 0,
        };
        let mut crowd = [0x55; 16];
        let mut all = vec![at([0; 16], 1), at([0; 16], 2), at([0xff; 16], 3)];
        for n in 0..5000u16 {
            crowd[14..].copy_from_slice(&n.to_be_bytes());
            all.push(at(crowd, 4));
        }
        all.sort_unstable();
        table.add(&all);
        for wanted in &all {
            let (_, found) = table.find(&wanted.id).unwrap();
            assert!(found.contains(wanted));
        }
        assert_eq!(table.find(&[0; 16]).unwrap().1.len(), 2);
        assert_eq!(table.find(&[0x55; 16]), None);
        assert_eq!(table.find(&[1; 16]), None);
    }
}
