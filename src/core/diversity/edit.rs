//! The edit distance of two texts, exactly, on grapheme clusters.
//!
//! Owns the bit-parallel algorithm of Myers (1999) in the block form of Hyyrö (2003): 64 rows of the
//! table of distances are one step. The shorter text is cut into blocks and each is carried over the
//! whole longer text, so that memory grows with the lengths and never with their product.
//!
//! Cost: ⌈m / 64⌉ · n steps for m ≤ n clusters after what both begin and end with is taken off.

use crate::core::text::clusters;
use std::collections::HashMap;

/// Rows of the table in one machine word.
const BLOCK: usize = u64::BITS as usize;

/// Numbers clusters, so that comparing two is comparing two numbers.
#[derive(Debug, Default)]
pub(crate) struct Alphabet<'a> {
    ascii: Vec<u32>,
    others: HashMap<&'a str, u32>,
    count: u32,
}

impl<'a> Alphabet<'a> {
    /// Returns the clusters of a text as numbers.
    pub(crate) fn spell(&mut self, text: &'a str) -> Vec<u32> {
        // A line end of two characters is the only cluster ASCII characters form together.
        if text.is_ascii() && !text.contains('\r') {
            return text.bytes().map(|byte| self.letter(byte)).collect();
        }
        clusters(text)
            .map(|(_, cluster)| match cluster.as_bytes() {
                [byte] => self.letter(*byte),
                _ => *self.others.entry(cluster).or_insert_with(|| {
                    self.count += 1;
                    self.count - 1
                }),
            })
            .collect()
    }

    fn letter(&mut self, byte: u8) -> u32 {
        const NONE: u32 = u32::MAX;
        if self.ascii.is_empty() {
            self.ascii = vec![NONE; 128];
        }
        let number = &mut self.ascii[usize::from(byte & 0x7f)];
        if *number == NONE {
            *number = self.count;
            self.count += 1;
        }
        *number
    }

    /// Returns how many different clusters were seen.
    pub(crate) fn len(&self) -> usize {
        self.count as usize
    }
}

/// Measures distances between texts that were spelled with one alphabet; keeps its buffers.
#[derive(Debug)]
pub(crate) struct Ruler {
    /// For each cluster the rows of the current block it stands in.
    rows: Vec<u64>,
    /// For each column whether the last row of the block above rises, falls or stays.
    carries: Vec<i8>,
}

impl Ruler {
    /// Returns a ruler for texts of an alphabet of `letters` clusters.
    pub(crate) fn new(letters: usize) -> Self {
        Self { rows: vec![0; letters], carries: Vec::new() }
    }

    /// Returns how many clusters must be inserted, deleted or replaced to make one text the other.
    pub(crate) fn distance(&mut self, a: &[u32], b: &[u32]) -> usize {
        let (a, b) = without_ends(a, b);
        let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
        if short.is_empty() {
            return long.len();
        }
        // The row above the table is 0, 1, 2, …: every column rises by one.
        self.carries.clear();
        self.carries.resize(long.len(), 1);
        for block in short.chunks(BLOCK) {
            for (row, letter) in block.iter().enumerate() {
                self.rows[*letter as usize] |= 1 << row;
            }
            self.carry(block.len() - 1, long);
            for letter in block {
                self.rows[*letter as usize] = 0;
            }
        }
        // The carries now tell how the last row moves from column to column, beginning at the length.
        let moved: i64 = self.carries.iter().map(|carry| i64::from(*carry)).sum();
        short.len().saturating_add_signed(isize::try_from(moved).unwrap_or(0))
    }

    /// Carries a block of which `last` is the last row over all columns.
    fn carry(&mut self, last: usize, long: &[u32]) {
        let (mut rises, mut falls) = (u64::MAX, 0_u64);
        for (letter, carry) in long.iter().zip(&mut self.carries) {
            let mut equal = self.rows[*letter as usize];
            let vertical = equal | falls;
            let (comes_rising, comes_falling) = (u64::from(*carry > 0), u64::from(*carry < 0));
            equal |= comes_falling;
            let horizontal = ((equal & rises).wrapping_add(rises) ^ rises) | equal;
            let up = falls | !(horizontal | rises);
            let down = rises & horizontal;
            *carry = i8::from(up >> last & 1 == 1) - i8::from(down >> last & 1 == 1);
            let (up, down) = (up << 1 | comes_rising, down << 1 | comes_falling);
            rises = down | !(vertical | up);
            falls = up & vertical;
        }
    }
}

/// Returns how many steps [`Ruler::distance`] takes at most.
pub(crate) fn steps(a: usize, b: usize) -> usize {
    a.min(b).div_ceil(BLOCK).saturating_mul(a.max(b))
}

/// Returns two sequences without what both begin with and what both end with.
pub(crate) fn without_ends<'a, T: PartialEq>(a: &'a [T], b: &'a [T]) -> (&'a [T], &'a [T]) {
    let head = a.iter().zip(b).take_while(|(a, b)| a == b).count();
    let (a, b) = (&a[head..], &b[head..]);
    let tail = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
    (&a[..a.len() - tail], &b[..b.len() - tail])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn distance(a: &str, b: &str) -> usize {
        let mut alphabet = Alphabet::default();
        let (a, b) = (alphabet.spell(a), alphabet.spell(b));
        Ruler::new(alphabet.len()).distance(&a, &b)
    }

    /// The table of distances, row by row, as in any textbook.
    fn by_table(a: &[u32], b: &[u32]) -> usize {
        let mut row: Vec<usize> = (0..=b.len()).collect();
        for (i, x) in a.iter().enumerate() {
            let mut corner = row[0];
            row[0] = i + 1;
            for (j, y) in b.iter().enumerate() {
                let best = (corner + usize::from(x != y)).min(row[j] + 1).min(row[j + 1] + 1);
                corner = std::mem::replace(&mut row[j + 1], best);
            }
        }
        row[b.len()]
    }

    #[test]
    fn clusters_count_once_in_any_script() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "안녕"), 2);
        assert_eq!(distance("👨‍👩‍👧‍👦 왔다", "👨‍👩‍👧 왔다"), 1);
        assert_eq!(distance("e\u{301}te\u{301}", "été"), 2);
        assert_eq!(distance("a\r\nb", "ab"), 1);
        assert_eq!(distance("same", "same"), 0);
    }

    proptest! {
        /// Lengths on both sides of one, two and three blocks.
        #[test]
        fn blocks_give_what_the_table_gives(
            a in prop::collection::vec(0u32..6, 0..220),
            b in prop::collection::vec(0u32..6, 0..220),
        ) {
            prop_assert_eq!(Ruler::new(6).distance(&a, &b), by_table(&a, &b));
        }

        #[test]
        fn a_few_edits_cost_no_more_than_they_are(
            text in prop::collection::vec(0u32..50, 1..400),
            edits in prop::collection::vec((0usize..400, 0u32..50, 0u8..3), 0..8),
        ) {
            let mut other = text.clone();
            for (at, letter, kind) in &edits {
                let at = at % other.len().max(1);
                match kind {
                    0 => other.insert(at, *letter),
                    1 if other.len() > 1 => { other.remove(at); }
                    _ => other[at] = *letter,
                }
            }
            let mut ruler = Ruler::new(50);
            let distance = ruler.distance(&text, &other);
            prop_assert!(distance <= edits.len());
            prop_assert_eq!(distance, by_table(&text, &other));
            prop_assert_eq!(ruler.distance(&other, &text), distance);
        }
    }
}
