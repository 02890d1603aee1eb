//! Where a stream is cut: FastCDC with normalised chunking (Xia et al., USENIX ATC 2016) over a keyed gear table.
//!
//! Cut points are part of the format: another cut means that nothing deduplicates any more. The golden test guards them.

use crate::format::key::Cuts;

pub(crate) struct Chunker {
    gear: [u64; 256],
    min: usize,
    average: usize,
    max: usize,
    /// A cut needs a hash below this: harder before the average length than after it, so that lengths gather around it.
    hard: u64,
    easy: u64,
}

impl Chunker {
    pub(crate) fn new(key: &[u8; 32], cuts: &Cuts) -> Chunker {
        let mut bytes = [0; 256 * 8];
        blake3::Hasher::new_keyed(key)
            .finalize_xof()
            .fill(&mut bytes);
        let mut gear = [0; 256];
        for (value, bytes) in gear.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *value = u64::from_le_bytes(*bytes);
        }
        let bits = cuts.average.max(8).ilog2();
        Chunker {
            gear,
            min: cuts.min as usize,
            average: cuts.average as usize,
            max: cuts.max as usize,
            hard: 1 << (64 - (bits + 2)),
            easy: 1 << (64 - (bits - 2)),
        }
    }

    /// The longest chunk, and the bytes [`Chunker::cut`] must see.
    pub(crate) fn max(&self) -> usize {
        self.max
    }

    /// Length of the first chunk of `bytes`, which must hold [`Chunker::max`] bytes unless the stream ends with them.
    pub(crate) fn cut(&self, bytes: &[u8]) -> usize {
        let (min, average, max) = (self.min, self.average, self.max);
        let bytes = &bytes[..bytes.len().min(max)];
        if bytes.len() <= min {
            return bytes.len();
        }
        let middle = bytes.len().min(average);
        // The top bits of the hash depend on the last 64 bytes only, so hashing may start at the minimum.
        match self.scan(&bytes[min..middle], 0, self.hard) {
            Scanned::Cut(len) => min.wrapping_add(len),
            Scanned::Hash(hash) => match self.scan(&bytes[middle..], hash, self.easy) {
                Scanned::Cut(len) => middle.wrapping_add(len),
                Scanned::Hash(_) => bytes.len(),
            },
        }
    }

    /// The first place where the rolling hash is below `bound`. Eight bytes a turn, and each second hash straight from the
    /// last but one: half the steps that wait for each other.
    #[inline(always)]
    fn scan(&self, bytes: &[u8], mut hash: u64, bound: u64) -> Scanned {
        let gear = |byte: u8| self.gear[usize::from(byte)];
        let step = |hash: u64, value: u64| hash.wrapping_shl(1).wrapping_add(value);
        let two = |hash: u64, first: u64, second: u64| {
            hash.wrapping_shl(2).wrapping_add(step(first, second))
        };
        let (groups, rest) = bytes.as_chunks::<8>();
        for (at, group) in groups.iter().enumerate() {
            let g = group.map(gear);
            let h1 = two(hash, g[0], g[1]);
            let h3 = two(h1, g[2], g[3]);
            let h5 = two(h3, g[4], g[5]);
            let h7 = two(h5, g[6], g[7]);
            let hashes = [
                step(hash, g[0]),
                h1,
                step(h1, g[2]),
                h3,
                step(h3, g[4]),
                h5,
                step(h5, g[6]),
                h7,
            ];
            for (place, hash) in (1usize..).zip(hashes) {
                if hash < bound {
                    return Scanned::Cut(at.wrapping_mul(8).wrapping_add(place));
                }
            }
            hash = h7;
        }
        let done = groups.len().wrapping_mul(8);
        for (place, byte) in (1usize..).zip(rest) {
            hash = step(hash, gear(*byte));
            if hash < bound {
                return Scanned::Cut(done.wrapping_add(place));
            }
        }
        Scanned::Hash(hash)
    }
}

enum Scanned {
    /// So many bytes in.
    Cut(usize),
    /// No cut; the hash so far.
    Hash(u64),
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIN: usize = Cuts::DEFAULT.min as usize;
    const AVERAGE: usize = Cuts::DEFAULT.average as usize;
    const MAX: usize = Cuts::DEFAULT.max as usize;

    fn chunker(key: u8) -> Chunker {
        Chunker::new(&[key; 32], &Cuts::DEFAULT)
    }

    /// Bytes from blake3's output stream: the same everywhere, for ever.
    fn noise(seed: u8, len: usize) -> Vec<u8> {
        let mut bytes = vec![0; len];
        blake3::Hasher::new()
            .update(&[seed])
            .finalize_xof()
            .fill(&mut bytes);
        bytes
    }

    fn cuts(chunker: &Chunker, mut bytes: &[u8]) -> Vec<usize> {
        let mut out = Vec::new();
        while !bytes.is_empty() {
            let cut = chunker.cut(bytes);
            out.push(cut);
            bytes = &bytes[cut..];
        }
        out
    }

    #[test]
    fn cut_points_never_change() {
        let chunker = chunker(1);
        assert_eq!(cuts(&chunker, &noise(7, 1 << 20)), GOLDEN_NOISE);
        assert_eq!(cuts(&chunker, &vec![0; 600 << 10]), [MAX, MAX, 88 << 10]);
    }
    const GOLDEN_NOISE: &[usize] = &[
        71_027, 79_821, 84_221, 81_390, 90_535, 75_827, 42_596, 80_563, 62_835, 83_789, 51_136,
        67_471, 86_683, 90_682,
    ];

    #[test]
    fn lengths_stay_in_bounds_and_near_the_average() {
        let chunker = chunker(2);
        let bytes = noise(8, 16 << 20);
        let cuts = cuts(&chunker, &bytes);
        assert_eq!(cuts.iter().sum::<usize>(), bytes.len());
        let (last, rest) = cuts.split_last().unwrap();
        assert!(rest.iter().all(|cut| (MIN..=MAX).contains(cut)) && *last <= MAX);
        let average = bytes.len() / cuts.len();
        assert!(
            (AVERAGE * 3 / 4..AVERAGE * 3 / 2).contains(&average),
            "average {average}"
        );
    }

    #[test]
    fn an_insertion_moves_only_the_cuts_around_it() {
        let chunker = chunker(3);
        let bytes = noise(9, 4 << 20);
        let mut changed = bytes.clone();
        changed.splice(1_000_000..1_000_000, b"inserted".iter().copied());
        let parts = |mut bytes: &[u8]| {
            let mut parts = std::collections::BTreeSet::new();
            while !bytes.is_empty() {
                let (part, rest) = bytes.split_at(chunker.cut(bytes));
                parts.insert(*blake3::hash(part).as_bytes());
                bytes = rest;
            }
            parts
        };
        let (before, after) = (parts(&bytes), parts(&changed));
        let new = after.difference(&before).count();
        assert!(
            (1..=3).contains(&new) && after.len() > 20,
            "{new} of {} chunks are new",
            after.len()
        );
    }

    #[test]
    fn the_chunks_of_any_stream_join_to_the_stream() {
        let chunker = chunker(7);
        for (seed, len) in (0u8..).zip([
            0,
            1,
            MIN,
            MIN + 1,
            AVERAGE,
            MAX - 1,
            MAX,
            MAX + 1,
            3 * MAX + 12_345,
        ]) {
            for bytes in [
                noise(seed, len),
                vec![seed; len],
                b"period".iter().copied().cycle().take(len).collect(),
            ] {
                let cuts = cuts(&chunker, &bytes);
                assert_eq!(cuts.iter().sum::<usize>(), len);
                assert!(cuts.iter().all(|cut| (1..=MAX).contains(cut)));
                assert!(
                    cuts.iter().rev().skip(1).all(|cut| *cut >= MIN),
                    "only the last may be short"
                );
            }
        }
    }

    #[test]
    fn eight_bytes_at_a_time_cut_where_single_bytes_would() {
        let chunker = chunker(11);
        let plainly = |bytes: &[u8]| {
            let end = bytes.len().min(MAX);
            let mut hash = 0u64;
            for (at, byte) in bytes.iter().enumerate().take(end).skip(MIN) {
                hash = (hash << 1).wrapping_add(chunker.gear[usize::from(*byte)]);
                let bound = if at < AVERAGE {
                    chunker.hard
                } else {
                    chunker.easy
                };
                if hash < bound {
                    return at + 1;
                }
            }
            end
        };
        let bytes = noise(12, 4 << 20);
        for from in (0..2 << 20).step_by(4099) {
            for len in [MAX + 5, MIN + from % 70_000] {
                let part = &bytes[from..from + len];
                assert_eq!(chunker.cut(part), plainly(part), "from {from}, {len} long");
            }
        }
    }

    #[test]
    fn another_key_cuts_elsewhere() {
        let bytes = noise(10, 4 << 20);
        assert_ne!(cuts(&chunker(4), &bytes), cuts(&chunker(5), &bytes));
    }

    #[test]
    fn what_is_shorter_than_the_minimum_is_one_chunk() {
        let chunker = chunker(6);
        for len in [1, 100, MIN - 1, MIN] {
            assert_eq!(chunker.cut(&vec![5; len]), len);
        }
    }
}
