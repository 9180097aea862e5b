//! The tokens of one encoding: bytes of an id, id of bytes.
//!
//! Owns an arena of all tokens' bytes, which stays in the program's image, and a hash table of four
//! bytes a slot over it. Never allocates after loading.
//!
//! Invariant: an id is also the rank of the merge that makes the token; a lower one goes first.

/// What stands for "no token"; no vocabulary is that large.
pub(super) const NO_TOKEN: u32 = u32::MAX;

/// Bits of a slot that hold the id; the others hold a part of the hash, which spares most looks into
/// the arena.
const ID_BITS: u32 = 18;
const ID_MASK: u32 = (1 << ID_BITS) - 1;

/// The tokens of one encoding.
pub(super) struct Vocabulary {
    bytes: &'static [u8],
    /// Where the bytes of each token begin, and where the last ones end.
    starts: Box<[u32]>,
    /// Open addressing with linear probing, at most half full.
    slots: Box<[u32]>,
    /// Ids of the single bytes.
    singles: [u32; 256],
    /// Ids of all pairs of bytes: every merge begins with looking these up.
    pairs: Box<[u32]>,
    longest: usize,
}

impl Vocabulary {
    /// Returns the vocabulary whose tokens have these lengths and joined bytes, in order of the ids.
    pub(super) fn new(lengths: &[u8], bytes: &'static [u8]) -> Self {
        let mut vocabulary = Self {
            bytes,
            starts: std::iter::once(0)
                .chain(lengths.iter().scan(0, |end, &length| {
                    *end += u32::from(length);
                    Some(*end)
                }))
                .collect(),
            slots: vec![NO_TOKEN; (2 * lengths.len()).next_power_of_two()].into(),
            singles: [NO_TOKEN; 256],
            pairs: vec![NO_TOKEN; 1 << 16].into(),
            longest: lengths.iter().copied().max().map_or(0, usize::from),
        };
        for id in 0..ID_MASK {
            let Some(token) = vocabulary.token(id) else { break };
            match *token {
                [byte] => vocabulary.singles[usize::from(byte)] = id,
                [first, second] => vocabulary.pairs[pair_index(first, second)] = id,
                _ => {}
            }
            let (mut at, tag) = vocabulary.probe(token);
            while vocabulary.slots[at] != NO_TOKEN {
                at = (at + 1) & (vocabulary.slots.len() - 1);
            }
            vocabulary.slots[at] = tag | id;
        }
        vocabulary
    }

    /// Returns the number of tokens.
    pub(super) fn len(&self) -> usize {
        self.starts.len() - 1
    }

    /// Returns the bytes of a token.
    #[inline]
    pub(super) fn token(&self, id: u32) -> Option<&'static [u8]> {
        let id = id as usize;
        let (start, end) = (*self.starts.get(id)?, *self.starts.get(id + 1)?);
        self.bytes.get(start as usize..end as usize)
    }

    /// Returns the number of bytes of a token.
    pub(super) fn length(&self, id: u32) -> usize {
        self.token(id).map_or(0, <[u8]>::len)
    }

    /// Returns the id of the token with these bytes, or [`NO_TOKEN`].
    #[inline]
    pub(super) fn id(&self, bytes: &[u8]) -> u32 {
        if bytes.len() > self.longest {
            return NO_TOKEN;
        }
        let (mut at, tag) = self.probe(bytes);
        loop {
            let slot = self.slots[at];
            if slot == NO_TOKEN {
                return NO_TOKEN;
            }
            let id = slot & ID_MASK;
            if slot & !ID_MASK == tag && self.token(id) == Some(bytes) {
                return id;
            }
            at = (at + 1) & (self.slots.len() - 1);
        }
    }

    /// Returns the id of a single byte.
    #[inline]
    pub(super) fn single(&self, byte: u8) -> u32 {
        self.singles[usize::from(byte)]
    }

    /// Returns the id of a pair of bytes, or [`NO_TOKEN`].
    #[inline]
    pub(super) fn pair(&self, first: u8, second: u8) -> u32 {
        self.pairs[pair_index(first, second)]
    }

    /// Returns the slot where the search for the bytes begins, and what its upper bits must be.
    #[inline]
    fn probe(&self, bytes: &[u8]) -> (usize, u32) {
        let hash = hash(bytes);
        ((hash >> 32) as usize & (self.slots.len() - 1), ((hash >> (32 + ID_BITS)) as u32) << ID_BITS)
    }
}

#[inline]
fn pair_index(first: u8, second: u8) -> usize {
    usize::from(first) << 8 | usize::from(second)
}

/// Returns a hash whose upper half is even.
///
/// Nearly all look-ups have at most 16 bytes: two overlapping words cover them without a loop.
#[inline]
fn hash(bytes: &[u8]) -> u64 {
    const FIRST: u64 = 0x9e37_79b9_7f4a_7c15;
    const SECOND: u64 = 0xc2b2_ae3d_27d4_eb4f;
    let length = bytes.len();
    let (head, tail) = if let (Some(head), Some(tail)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        let mut head = u64::from_le_bytes(*head);
        if length > 16 {
            for word in bytes[8..length - 8].as_chunks().0 {
                head = (head.rotate_left(29) ^ u64::from_le_bytes(*word)).wrapping_mul(FIRST);
            }
        }
        (head, u64::from_le_bytes(*tail))
    } else if let (Some(head), Some(tail)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (u64::from(u32::from_le_bytes(*head)), u64::from(u32::from_le_bytes(*tail)))
    } else if let (Some(&head), Some(&tail)) = (bytes.first(), bytes.last()) {
        (u64::from(head) | u64::from(bytes[length / 2]) << 8, u64::from(tail))
    } else {
        (0, 0)
    };
    let mixed = head.wrapping_mul(FIRST) ^ (tail ^ length as u64).wrapping_mul(SECOND);
    (mixed ^ mixed >> 32).wrapping_mul(FIRST)
}
