//! Chance that can be repeated: `REPRISE_SEED=… cargo test`.

/// xorshift64*
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Chance {
        Chance(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Less than `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() >> 11) as usize % bound.max(1)
    }

    pub(crate) fn pick<'a, T>(&mut self, of: &'a [T]) -> Option<&'a T> {
        of.get(self.below(of.len()))
    }
}

/// The seed asked for, or a new one; printed, so that a failure can be repeated.
#[expect(
    clippy::disallowed_methods,
    reason = "a test takes its seed from whoever runs it"
)]
pub(crate) fn seed() -> u64 {
    let seed = std::env::var("REPRISE_SEED")
        .ok()
        .map(|text| text.parse().expect("REPRISE_SEED is a number"))
        .unwrap_or_else(|| {
            let mut random = [0; 4];
            std::io::Read::read_exact(
                &mut std::fs::File::open("/dev/urandom").expect("random numbers"),
                &mut random,
            )
            .expect("random numbers");
            u64::from(u32::from_le_bytes(random))
        });
    eprintln!("REPRISE_SEED={seed}");
    seed
}
