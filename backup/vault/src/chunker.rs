//! Where a stream is cut: FastCDC with normalised chunking (Xia et al., USENIX ATC 2016) over a keyed gear table.
//!
//! Cut points are part of the format: another cut means that nothing deduplicates any more. The golden test guards them.

pub(crate) const MIN: usize = 512 * 1024;
pub(crate) const AVERAGE: usize = 1024 * 1024;
pub(crate) const MAX: usize = 4 * 1024 * 1024;

/// Below the average a cut needs 22 zero bits, above it 18: lengths gather around the average.
const MASK_HARD: u64 = !0 << (64 - 22);
const MASK_EASY: u64 = !0 << (64 - 18);

pub(crate) struct Chunker {
    gear: [u64; 256],
}

impl Chunker {
    pub(crate) fn new(key: &[u8; 32]) -> Chunker {
        let mut bytes = [0; 256 * 8];
        blake3::Hasher::new_keyed(key)
            .finalize_xof()
            .fill(&mut bytes);
        let mut gear = [0; 256];
        for (value, bytes) in gear.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *value = u64::from_le_bytes(*bytes);
        }
        Chunker { gear }
    }

    /// Length of the first chunk of `bytes`, which must hold [`MAX`] bytes unless the stream ends with them.
    pub(crate) fn cut(&self, bytes: &[u8]) -> usize {
        if bytes.len() <= MIN {
            return bytes.len();
        }
        let end = bytes.len().min(MAX);
        let middle = end.min(AVERAGE);
        let mut hash = 0u64;
        // The top bits of the hash depend on the last 64 bytes only, so hashing may start at MIN.
        for (at, byte) in bytes[MIN..middle].iter().enumerate() {
            hash = (hash << 1).wrapping_add(self.gear[usize::from(*byte)]);
            if hash & MASK_HARD == 0 {
                return MIN + at + 1;
            }
        }
        for (at, byte) in bytes[middle..end].iter().enumerate() {
            hash = (hash << 1).wrapping_add(self.gear[usize::from(*byte)]);
            if hash & MASK_EASY == 0 {
                return middle + at + 1;
            }
        }
        end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
        let chunker = Chunker::new(&[1; 32]);
        assert_eq!(cuts(&chunker, &noise(7, 8 << 20)), GOLDEN_NOISE);
        assert_eq!(cuts(&chunker, &vec![0; 9 << 20]), [MAX, MAX, 1 << 20]);
    }
    const GOLDEN_NOISE: &[usize] = &[
        1_388_689, 1_054_177, 1_214_769, 1_225_496, 1_942_368, 1_466_711, 96_398,
    ];

    #[test]
    fn lengths_stay_in_bounds_and_near_the_average() {
        let chunker = Chunker::new(&[2; 32]);
        let bytes = noise(8, 64 << 20);
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
        let chunker = Chunker::new(&[3; 32]);
        let bytes = noise(9, 32 << 20);
        let mut changed = bytes.clone();
        changed.splice(10_000_000..10_000_000, b"inserted".iter().copied());
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
        let chunker = Chunker::new(&[7; 32]);
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
    fn another_key_cuts_elsewhere() {
        let bytes = noise(10, 16 << 20);
        assert_ne!(
            cuts(&Chunker::new(&[4; 32]), &bytes),
            cuts(&Chunker::new(&[5; 32]), &bytes)
        );
    }

    #[test]
    fn what_is_shorter_than_the_minimum_is_one_chunk() {
        let chunker = Chunker::new(&[6; 32]);
        for len in [1, 100, MIN - 1, MIN] {
            assert_eq!(chunker.cut(&vec![5; len]), len);
        }
    }
}
