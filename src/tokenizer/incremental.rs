//! The count of a text that changes as it is typed or arrives.
//!
//! Owns a copy of the text, cut into chunks of about a kilobyte whose counts are known. A change
//! counts only the chunks it touches. Never approximates: chunks end only where text may be cut and
//! both parts counted on their own, see `split::is_border`.
//!
//! Invariant: the chunks partition the text, and the sum of their counts is [`Table::count`] of it.

use super::{Table, split};
use std::ops::Range;

/// Bytes from which on a chunk ends at the next border.
const CHUNK: usize = 1024;
/// Bytes compared at once when looking for where two texts differ.
const BLOCK: usize = 4096;

/// A stretch of the text, counted on its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Chunk {
    bytes: usize,
    tokens: u64,
}

/// Counts a text again after each change.
///
/// A change to a text of a megabyte takes well under a millisecond, unless the text has no border for
/// long: a megabyte of one letter is a single chunk, and each change to it counts it whole. See
/// [`Counter::longest_chunk`].
#[derive(Debug)]
pub struct Counter {
    table: &'static Table,
    text: String,
    chunks: Vec<Chunk>,
    tokens: u64,
}

impl Counter {
    /// Returns a counter of the empty text.
    pub fn new(table: &'static Table) -> Self {
        Self { table, text: String::new(), chunks: Vec::new(), tokens: 0 }
    }

    /// Replaces the text and returns its number of tokens. What differs from the former text is found
    /// by comparing.
    pub fn set_text(&mut self, text: &str) -> u64 {
        let start = common_prefix(&self.text, text);
        let tail = common_suffix(&self.text[start..], &text[start..]);
        self.splice(start..self.text.len() - tail, &text[start..text.len() - tail])
    }

    /// Appends to the text and returns its number of tokens.
    pub fn append(&mut self, text: &str) -> u64 {
        self.splice(self.text.len()..self.text.len(), text)
    }

    /// Returns the number of tokens of the text.
    pub fn tokens(&self) -> u64 {
        self.tokens
    }

    /// Returns the bytes of the longest chunk: about what the most costly small change has to count.
    ///
    /// A caller that must answer within a frame counts on another thread when this is large.
    pub fn longest_chunk(&self) -> usize {
        self.chunks.iter().map(|chunk| chunk.bytes).max().unwrap_or(0)
    }

    fn splice(&mut self, range: Range<usize>, new: &str) -> u64 {
        if range.is_empty() && new.is_empty() {
            return self.tokens;
        }
        let (touched, start) = self.touched(&range);
        let before: usize = self.chunks[touched.clone()].iter().map(|chunk| chunk.bytes).sum();
        let end = start + before - range.len() + new.len();
        self.text.replace_range(range, new);

        let chunks = chunks(self.table, &self.text[start..end]);
        self.tokens += chunks.iter().map(|chunk| chunk.tokens).sum::<u64>();
        self.tokens -= self.chunks.splice(touched, chunks).map(|chunk| chunk.tokens).sum::<u64>();
        self.tokens
    }

    /// Returns which chunks a change of the range touches, and where the first of them begins.
    ///
    /// A chunk that only meets the range at its end counts as touched: whether there is a border
    /// depends on the characters on both sides. So does a neighbour when little is left, or else
    /// deleting would leave ever smaller chunks.
    fn touched(&self, range: &Range<usize>) -> (Range<usize>, usize) {
        let (mut first, mut start) = (0, 0);
        while self.chunks.get(first).is_some_and(|chunk| start + chunk.bytes < range.start) {
            start += self.chunks[first].bytes;
            first += 1;
        }
        let (mut last, mut end) = (first, start);
        while end <= range.end && last < self.chunks.len() {
            end += self.chunks[last].bytes;
            last += 1;
        }
        while end - start - range.len() < CHUNK / 2 && last < self.chunks.len() {
            end += self.chunks[last].bytes;
            last += 1;
        }
        (first..last, start)
    }
}

/// Cuts a text into chunks and counts them.
fn chunks(table: &Table, text: &str) -> Vec<Chunk> {
    let mut chunks = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(chunk_end(rest));
        chunks.push(Chunk { bytes: chunk.len(), tokens: table.count(chunk) });
        rest = after;
    }
    chunks
}

/// Returns where the first chunk of a text ends; a short rest is left to it.
fn chunk_end(text: &str) -> usize {
    if text.len() <= 2 * CHUNK {
        return text.len();
    }
    let bytes = text.as_bytes();
    (CHUNK..text.len() - CHUNK / 2)
        .find(|&at| text.is_char_boundary(at) && split::is_border(bytes, at))
        .unwrap_or(text.len())
}

/// Returns the length of the beginning that two texts share, in whole characters.
fn common_prefix(a: &str, b: &str) -> usize {
    let blocks = a.as_bytes().chunks(BLOCK).zip(b.as_bytes().chunks(BLOCK));
    let same = BLOCK * blocks.take_while(|(a, b)| a == b && a.len() == BLOCK).count();
    let rest = a.as_bytes()[same..].iter().zip(&b.as_bytes()[same..]);
    let mut length = same + rest.take_while(|(a, b)| a == b).count();
    while !(a.is_char_boundary(length) && b.is_char_boundary(length)) {
        length -= 1;
    }
    length
}

/// Returns the length of the end that two texts share, in whole characters.
fn common_suffix(a: &str, b: &str) -> usize {
    let blocks = a.as_bytes().rchunks(BLOCK).zip(b.as_bytes().rchunks(BLOCK));
    let same = BLOCK * blocks.take_while(|(a, b)| a == b && a.len() == BLOCK).count();
    let (rest_a, rest_b) = (&a.as_bytes()[..a.len() - same], &b.as_bytes()[..b.len() - same]);
    let rest = rest_a.iter().rev().zip(rest_b.iter().rev());
    let mut length = same + rest.take_while(|(a, b)| a == b).count();
    while !(a.is_char_boundary(a.len() - length) && b.is_char_boundary(b.len() - length)) {
        length -= 1;
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::model::Encoding;
    use crate::tokenizer::{table, testing};
    use proptest::prelude::*;

    /// Fails unless the counter agrees with a whole count and its chunks with the text.
    fn check(counter: &Counter) {
        assert_eq!(counter.tokens(), counter.table.count(&counter.text));
        assert_eq!(counter.chunks.iter().map(|chunk| chunk.tokens).sum::<u64>(), counter.tokens());
        let mut start = 0;
        for chunk in &counter.chunks {
            let end = start + chunk.bytes;
            assert_eq!(chunk.tokens, counter.table.count(&counter.text[start..end]));
            assert!(end == counter.text.len() || split::is_border(counter.text.as_bytes(), end));
            start = end;
        }
        assert_eq!(start, counter.text.len());
    }

    #[test]
    fn an_empty_text_has_no_tokens() {
        for encoding in Encoding::ALL {
            let mut counter = Counter::new(table(encoding));
            assert_eq!((counter.tokens(), counter.set_text(""), counter.append("")), (0, 0, 0));
            assert_eq!(counter.longest_chunk(), 0);
        }
    }

    #[test]
    fn a_change_in_a_long_draft_touches_little() {
        let prose =
            "The river kept its own calendar; nobody wrote 12 of its days down. 강은 자기 달력이 있었다.\n";
        let base64 = "dGhlIHJpdmVyIGtlcHQgaXRzIG93biBjYWxlbmRhcg3Xk9";
        for (sample, longest) in [(prose, 3 * CHUNK), (base64, 3 * CHUNK)] {
            let draft = sample.repeat((1 << 20) / sample.len());
            let mut counter = Counter::new(table(Encoding::O200kBase));
            counter.set_text(&draft);
            check(&counter);
            assert!(counter.longest_chunk() <= longest, "{}", counter.longest_chunk());
            let middle = sample.len() * (draft.len() / sample.len() / 2);
            let (touched, start) = counter.touched(&(middle..middle));
            let bytes: usize = counter.chunks[touched].iter().map(|chunk| chunk.bytes).sum();
            assert!(start <= middle && middle <= start + bytes && bytes <= 2 * longest);
        }
    }

    #[test]
    fn text_without_a_border_is_one_chunk() {
        let mut counter = Counter::new(table(Encoding::O200kBase));
        counter.set_text(&"a".repeat(20_000));
        assert_eq!(counter.longest_chunk(), 20_000);
        counter.set_text(&"a".repeat(10_000));
        counter.append(" and on");
        check(&counter);
    }

    /// Whether a border is one depends on the characters on both sides: each may change alone.
    #[test]
    fn a_change_beside_a_border_moves_it() {
        let draft = "One 2 threes, 44's\n".repeat(300);
        for encoding in Encoding::ALL {
            let mut counter = Counter::new(table(encoding));
            counter.set_text(&draft);
            let ends: Vec<usize> = counter.chunks.iter().map(|chunk| chunk.bytes).take(2).collect();
            let border = ends[0] + ends[1];
            for range in [border - 1..border, border..border, border..border + 1] {
                for new in ["", " ", "\n", "a", "1", "!", "'", "/", "\u{301}"] {
                    let mut text = draft.clone();
                    text.replace_range(range.clone(), new);
                    let mut counter = Counter::new(table(encoding));
                    counter.set_text(&draft);
                    counter.set_text(&text);
                    check(&counter);
                }
            }
        }
    }

    #[test]
    fn deleting_leaves_no_crumbs() {
        let mut text = "word ".repeat(20_000);
        let mut counter = Counter::new(table(Encoding::O200kBase));
        counter.set_text(&text);
        while text.len() > 4000 {
            let at = text.len() / 3;
            text.replace_range(at..at + 700, "");
            counter.set_text(&text);
            assert!(counter.chunks.len() <= 2 + text.len() / (CHUNK / 4), "{}", counter.chunks.len());
        }
        check(&counter);
    }

    #[test]
    fn characters_that_share_bytes_are_not_cut() {
        let mut counter = Counter::new(table(Encoding::O200kBase));
        // The first bytes and the last bytes of these are equal in pairs.
        for text in ["가각", "가갂", "각갂", "é", "è", "\u{4c0}\u{4c1}", "\u{500}\u{4c1}", "🙂🙃", "🙂"]
        {
            counter.set_text(text);
            assert_eq!(counter.text, text);
            check(&counter);
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(120))]

        /// However a text changes, the counter gives the whole count.
        #[test]
        fn any_edit_gives_the_whole_count(
            which in 0..Encoding::ALL.len(),
            start in testing::document(400),
            edits in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..4000, testing::document(12)), 1..12),
        ) {
            let mut counter = Counter::new(table(Encoding::ALL[which]));
            let mut text = start;
            counter.set_text(&text);
            for (at, length, new) in edits {
                let boundary = |mut at: usize| {
                    while !text.is_char_boundary(at) { at -= 1; }
                    at
                };
                let from = boundary(at.index(text.len() + 1));
                let to = boundary(text.len().min(from + length)).max(from);
                text.replace_range(from..to, &new);
                prop_assert_eq!(counter.set_text(&text), counter.tokens());
                prop_assert_eq!(&counter.text, &text);
                text.push_str(&new);
                counter.append(&new);
                prop_assert_eq!(&counter.text, &text);
                check(&counter);
            }
        }
    }
}
