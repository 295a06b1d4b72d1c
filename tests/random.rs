//! Numbers that look random and are the same for the same seed.

use std::time::{SystemTime, UNIX_EPOCH};

/// A generator (`SplitMix64`).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// The generator of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// A number from 0 to `limit` - 1; `limit` is at least 1.
    pub fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }

    /// The generator of something that this one's owner starts.
    #[must_use]
    pub fn fork(&mut self) -> Self {
        Self(self.next())
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

/// The seed of a test: `NEWTON_SEED`, to repeat a run, or a new one. It is printed, so that a failed test shows it.
pub fn seed() -> u64 {
    let given = std::env::var("NEWTON_SEED").ok().map(|text| text.parse().expect("NEWTON_SEED is a number"));
    let new =
        || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| u64::from(time.subsec_nanos()));
    let seed = given.unwrap_or_else(new);
    println!("NEWTON_SEED={seed}");
    seed
}
