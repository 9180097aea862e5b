//! Hashing for tables that are asked thousands of times per token.
//!
//! Owns one cheap hasher for numbers and one stable hash for letters. Neither resists an attacker: the
//! keys come from the corpus, not from requests.

use std::hash::{BuildHasherDefault, Hasher};

/// Builds [`Mixed`] hashers.
pub(super) type Mix = BuildHasherDefault<Mixed>;

/// An odd number without a pattern: 2^64 divided by the golden ratio.
const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;

/// Mixes numbers by a multiplication each.
#[derive(Debug, Default)]
pub(super) struct Mixed(u64);

impl Hasher for Mixed {
    fn finish(&self) -> u64 {
        // The table takes the lowest and the highest bits; the product's lowest ones are mixed least.
        self.0 ^ (self.0 >> 32)
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u32(&mut self, key: u32) {
        self.write_u64(u64::from(key));
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = (self.0.rotate_left(26) ^ key).wrapping_mul(FACTOR);
    }
}

/// Returns the FNV-1a hash of letters of a kind; it is the same in every release and process.
pub(super) fn stable(kind: u8, letters: impl IntoIterator<Item = char>) -> u64 {
    std::iter::once(u32::from(kind))
        .chain(letters.into_iter().map(u32::from))
        .fold(0xcbf2_9ce4_8422_2325, |hash, unit| (hash ^ u64::from(unit)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;
    use std::hash::{BuildHasher, Hash};

    fn mixed(key: impl Hash) -> u64 {
        Mix::default().hash_one(key)
    }

    #[test]
    fn small_numbers_and_their_pairs_spread() {
        let hashes: HashSet<u64> =
            (0..100u32).flat_map(|a| (0..100u32).map(move |b| mixed((a, b)) & 0xffff)).collect();
        assert!(hashes.len() > 8000, "{} of 10000 pairs apart in 16 bits", hashes.len());
        let tags: HashSet<u64> = (0..1000u64).map(|key| mixed(key) >> 57).collect();
        assert_eq!(tags.len(), 128);
    }

    #[test]
    fn letters_have_the_published_hash() {
        assert_eq!(stable(b'f', "oobar".chars()), 0x8594_4171_f739_67e8);
    }
}
