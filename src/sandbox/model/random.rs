//! The seeded random source of the sampler.
//!
//! Owns nothing but a counter: the same seed gives the same numbers in every process and on every
//! machine. Never reads the system's randomness; a seed comes in from outside.

/// SplitMix64 (Steele, Lea and Flood, 2014): one 64-bit state, every seed is a good seed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Random(u64);

/// The step of the state, 2^64 divided by the golden ratio.
const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

impl Random {
    /// Returns a source for this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Returns a source for the `index`-th of several answers to one request.
    ///
    /// The first one is that of [`Random::new`], so that asking for more answers changes none.
    #[must_use]
    pub fn for_choice(seed: u64, index: u32) -> Self {
        let mut source = Self::new(seed);
        for _ in 0..index {
            source = Self::new(source.bits());
        }
        source
    }

    /// Returns the next 64 bits.
    pub fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(STEP);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns the next number of [0, 1), with 53 random bits.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit the mantissa exactly")]
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first outputs for seed 1234567, as published with the reference implementation.
    #[test]
    fn reference_values() {
        let mut source = Random::new(1_234_567);
        assert_eq!(source.bits(), 6_457_827_717_110_365_317);
        assert_eq!(source.bits(), 3_203_168_211_198_807_973);
        assert_eq!(source.bits(), 9_817_491_932_198_370_423);
    }

    #[test]
    fn units_fill_the_interval() {
        let mut source = Random::new(0);
        let mut bins = [0u32; 10];
        for _ in 0..10_000 {
            let unit = source.unit();
            assert!((0.0..1.0).contains(&unit));
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 9")]
            let bin = (unit * 10.0) as usize;
            bins[bin] += 1;
        }
        assert!(bins.iter().all(|count| (900..1100).contains(count)), "{bins:?}");
    }

    #[test]
    fn choices_of_one_request_differ_and_the_first_is_the_plain_one() {
        let first: Vec<u64> = (0..4).map(|index| Random::for_choice(7, index).bits()).collect();
        assert_eq!(first[0], Random::new(7).bits());
        let distinct: std::collections::BTreeSet<_> = first.iter().collect();
        assert_eq!(distinct.len(), 4);
    }
}
