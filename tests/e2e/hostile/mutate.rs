//! Seeded mutations: the same seed gives the same packets.

/// A xorshift generator and what it does to bytes.
pub(crate) struct Mutator(u64);

impl Mutator {
    /// The seed is printed; `REPRISE_SEED` chooses another.
    pub(crate) fn seeded() -> Mutator {
        #[expect(
            clippy::disallowed_methods,
            reason = "the seed of a test, not a setting of the product"
        )]
        let chosen = std::env::var("REPRISE_SEED").ok();
        let seed = chosen
            .and_then(|s| s.parse().ok())
            .filter(|s| *s != 0)
            .unwrap_or(0x2545_f491_4f6c_dd1d);
        eprintln!("REPRISE_SEED={seed}");
        Mutator(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(bound.max(1)).expect("fits")).expect("fits")
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }

    /// A station's address of our own making.
    pub(crate) fn mac(&mut self) -> [u8; 6] {
        let [a, b, c, d, e, ..] = self.next().to_le_bytes();
        [0x52, a, b, c, d, e]
    }

    /// One to four changes: a byte, a bit, a length gone wild, a cut, a repeat, noise at the end.
    pub(crate) fn mutate(&mut self, good: &[u8]) -> Vec<u8> {
        let mut bytes = good.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            match self.below(8) {
                0 if !bytes.is_empty() => bytes[at] = self.byte(),
                1 if !bytes.is_empty() => bytes[at] ^= 1 << self.below(8),
                2 if !bytes.is_empty() => bytes[at] = [0, 1, 0x7f, 0x80, 0xff][self.below(5)],
                3 => bytes.truncate(at),
                4 => {
                    let byte = self.byte();
                    bytes.insert(at.min(bytes.len()), byte);
                }
                5 if !bytes.is_empty() => {
                    bytes.remove(at);
                }
                6 => {
                    let end = (at + self.below(64)).min(bytes.len());
                    let slice = bytes[at..end].to_vec();
                    bytes.splice(at..at, slice);
                }
                _ => {
                    for _ in 0..self.below(200) {
                        let byte = self.byte();
                        bytes.push(byte);
                    }
                }
            }
        }
        bytes.truncate(1400);
        bytes
    }
}

#[test]
fn a_seed_gives_the_same_mutations() {
    let run = |seed| {
        let mut mutator = Mutator(seed);
        (0..50)
            .map(|_| mutator.mutate(b"a good packet"))
            .collect::<Vec<_>>()
    };
    assert_eq!(run(7), run(7));
    assert_ne!(run(7), run(8));
    assert!(run(7).iter().filter(|p| *p != b"a good packet").count() > 40);
}
