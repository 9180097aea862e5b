//! Byte-pair merging of one pre-token.
//!
//! Owns the scratch memory of a walk through a text. A short pre-token is merged by looking for the
//! lowest rank each time, a longer one with a heap, and one of any length in windows, so that neither
//! time nor memory grows faster than the text.
//!
//! Invariant: the tokens are those of merging, in the whole pre-token, the leftmost pair of the lowest
//! rank until no pair is a token.
//!
//! # Why windows are exact
//!
//! Merging looks at pairs only, so what happens inside a stretch whose outer bounds no merge crosses
//! is what would happen to the stretch alone. It follows that (1) neighbours in a result, merged
//! alone, give the same two tokens; and (2) tokens of which every two neighbours, merged alone, stay
//! as they are, are the result for their joined bytes: the first merge across one of their bounds
//! would also be the first one in those two neighbours alone.
//!
//! So each window begins with the last token that stands and must give it again: by (1) all neighbours
//! are stable then. Where it gives another, tokens are taken back and a wider window is tried, at
//! worst one as wide as the pre-token. What stands in the end is the result by (2).

use super::vocabulary::{NO_TOKEN, Vocabulary};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Bytes up to which looking for the lowest rank each time beats a heap.
const SHORT: usize = 64;
/// Bytes of a window: a few of the longest tokens, and little enough for the fastest cache.
const WINDOW: usize = 512;

/// A token and the byte at which it ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Merged {
    id: u32,
    end: usize,
}

/// A token in the making.
struct Part {
    start: usize,
    id: u32,
    /// What it makes together with the next one.
    merge: u32,
}

/// A token in the making, found by its first byte.
#[derive(Clone, Copy)]
struct Node {
    previous: usize,
    end: usize,
    id: u32,
    /// What it makes together with the next one.
    merge: u32,
}

/// Merges pre-tokens, one after the other.
pub(super) struct Merger<'a> {
    vocabulary: &'a Vocabulary,
    /// Bytes from which on a pre-token is merged in windows, and of each of them.
    window: usize,
    parts: Vec<Part>,
    nodes: Vec<Node>,
    heap: BinaryHeap<Reverse<(u32, usize)>>,
    merged: Vec<Merged>,
}

impl<'a> Merger<'a> {
    pub(super) fn new(vocabulary: &'a Vocabulary) -> Self {
        Self {
            vocabulary,
            window: WINDOW,
            parts: Vec::new(),
            nodes: Vec::new(),
            heap: BinaryHeap::new(),
            merged: Vec::new(),
        }
    }

    /// Hands out the tokens of a pre-token in order.
    pub(super) fn each(&mut self, bytes: &[u8], sink: &mut impl FnMut(u32)) {
        if bytes.len() > self.window {
            return self.each_by_windows(bytes, sink);
        }
        self.merge(bytes);
        self.merged.iter().for_each(|token| sink(token.id));
    }

    fn each_by_windows(&mut self, bytes: &[u8], sink: &mut impl FnMut(u32)) {
        let vocabulary = self.vocabulary;
        // The tokens that stand, and where they end. A window begins with the last of them.
        let (mut standing, mut end) = (Vec::new(), 0);
        let (mut size, mut reached) = (self.window, 0);
        while end < bytes.len() {
            let last = standing.last().copied();
            let from = end - last.map_or(0, |last| vocabulary.length(last));
            let to = bytes.len().min(from + size);
            self.merge(&bytes[from..to]);
            // A cut-off end leads to other tokens than what follows would: its last eighth is left to the next window.
            let trusted = if to == bytes.len() { size } else { size - size / 8 };
            let kept = self.merged.partition_point(|token| token.end <= trusted);
            let is_confirmed =
                last.is_none_or(|last| self.merged.first().is_some_and(|token| token.id == last));
            let known = usize::from(last.is_some());
            if is_confirmed && kept > known {
                standing.extend(self.merged[known..kept].iter().map(|token| token.id));
                end = from + self.merged[kept - 1].end;
                // Only beyond where a narrow window failed, or else it would fail there again and again.
                if end > reached {
                    (size, reached) = (self.window, end);
                }
                continue;
            }
            if !is_confirmed {
                // Half the window, so that one of twice the size reaches further than this one.
                let back = end.saturating_sub(size.div_ceil(2));
                while end > back
                    && let Some(token) = standing.pop()
                {
                    end -= vocabulary.length(token);
                }
            }
            size *= 2;
        }
        standing.into_iter().for_each(sink);
    }

    fn merge(&mut self, bytes: &[u8]) {
        self.merged.clear();
        if bytes.len() <= SHORT { self.merge_short(bytes) } else { self.merge_long(bytes) }
    }

    fn merge_short(&mut self, bytes: &[u8]) {
        let vocabulary = self.vocabulary;
        let parts = &mut self.parts;
        parts.clear();
        parts.extend(bytes.iter().enumerate().map(|(start, &byte)| Part {
            start,
            id: vocabulary.single(byte),
            merge: bytes.get(start + 1).map_or(NO_TOKEN, |&next| vocabulary.pair(byte, next)),
        }));
        while let Some((at, rank)) = lowest(parts) {
            parts[at].id = rank;
            parts.remove(at + 1);
            let end_of = |index: usize| parts.get(index).map_or(bytes.len(), |part| part.start);
            let merge = |from: usize, next: usize| {
                if next < parts.len() {
                    vocabulary.id(&bytes[parts[from].start..end_of(next + 1)])
                } else {
                    NO_TOKEN
                }
            };
            let (before, here) = (at.checked_sub(1).map(|before| merge(before, at)), merge(at, at + 1));
            parts[at].merge = here;
            if let Some(before) = before {
                parts[at - 1].merge = before;
            }
        }
        let ends = parts.iter().skip(1).map(|part| part.start).chain([bytes.len()]);
        self.merged.extend(parts.iter().zip(ends).map(|(part, end)| Merged { id: part.id, end }));
    }

    fn merge_long(&mut self, bytes: &[u8]) {
        let vocabulary = self.vocabulary;
        let nodes = &mut self.nodes;
        nodes.clear();
        nodes.extend(bytes.iter().enumerate().map(|(start, &byte)| Node {
            previous: start.wrapping_sub(1),
            end: start + 1,
            id: vocabulary.single(byte),
            merge: bytes.get(start + 1).map_or(NO_TOKEN, |&next| vocabulary.pair(byte, next)),
        }));
        let mut merges = std::mem::take(&mut self.heap).into_vec();
        merges.clear();
        let possible = nodes.iter().enumerate().filter(|(_, node)| node.merge != NO_TOKEN);
        merges.extend(possible.map(|(start, node)| Reverse((node.merge, start))));
        self.heap = BinaryHeap::from(merges);

        while let Some(Reverse((rank, start))) = self.heap.pop() {
            let Node { previous, end: middle, merge, .. } = nodes[start];
            if merge != rank {
                continue; // one of the two has been merged with another since
            }
            let end = nodes[middle].end;
            nodes[middle].merge = NO_TOKEN;
            nodes[start].id = rank;
            nodes[start].end = end;
            let after = nodes.get_mut(end).map(|next| {
                next.previous = start;
                next.end
            });
            let here = after.map_or(NO_TOKEN, |after| vocabulary.id(&bytes[start..after]));
            nodes[start].merge = here;
            if here != NO_TOKEN {
                self.heap.push(Reverse((here, start)));
            }
            if start > 0 {
                let before = vocabulary.id(&bytes[previous..end]);
                nodes[previous].merge = before;
                if before != NO_TOKEN {
                    self.heap.push(Reverse((before, previous)));
                }
            }
        }
        let mut start = 0;
        while let Some(node) = nodes.get(start) {
            self.merged.push(Merged { id: node.id, end: node.end });
            start = node.end;
        }
    }
}

/// Returns the leftmost part whose merge has the lowest rank.
#[inline]
fn lowest(parts: &[Part]) -> Option<(usize, u32)> {
    let (mut at, mut rank) = (0, NO_TOKEN);
    for (index, part) in parts.iter().enumerate() {
        if part.merge < rank {
            (at, rank) = (index, part.merge);
        }
    }
    (rank != NO_TOKEN).then_some((at, rank))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::model::Encoding;
    use crate::tokenizer::{table, testing};
    use proptest::prelude::*;

    fn merge(encoding: Encoding, window: usize, text: &str) -> Vec<u32> {
        let mut merger = Merger { window, ..Merger::new(&table(encoding).vocabulary) };
        let mut tokens = Vec::new();
        merger.each(text.as_bytes(), &mut |token| tokens.push(token));
        tokens
    }

    /// Windows that are smaller than many tokens disagree often, so that giving up on one is tested too.
    #[test]
    fn windows_of_any_size_give_the_tokens_of_the_whole() {
        let alphabets =
            ["ab", "etaoinshr", "abcdefghijklmnopqrstuvwxyz", "-=", " ", "가각나다", "éa", "🙂👍🏽"];
        let mut random = testing::Random(13);
        for alphabet in alphabets {
            let letters: Vec<char> = alphabet.chars().collect();
            for length in [1, 20, 300, 2000] {
                let text: String = (0..length).map(|_| letters[random.below(letters.len())]).collect();
                for encoding in Encoding::ALL {
                    let whole = merge(encoding, usize::MAX, &text);
                    for window in [2, 8, 11, 16, 40, 100] {
                        assert_eq!(merge(encoding, window, &text), whole, "{alphabet} {length} {window}");
                    }
                }
            }
        }
    }

    /// Neighbours in a result, merged alone, are what the joining of windows relies on.
    #[test]
    fn neighbours_in_a_result_are_stable() {
        let mut random = testing::Random(17);
        let text: String = (0..3000).map(|_| char::from(b'a' + random.byte() % 26)).collect();
        for encoding in Encoding::ALL {
            let table = table(encoding);
            for pair in merge(encoding, usize::MAX, &text).windows(2) {
                let joined = [table.bytes(pair[0]).unwrap(), table.bytes(pair[1]).unwrap()].concat();
                assert_eq!(merge(encoding, usize::MAX, std::str::from_utf8(&joined).unwrap()), pair);
            }
        }
    }

    proptest! {
        #[test]
        fn windows_give_the_tokens_of_the_whole_document(text in testing::document(20), window in 2_usize..80) {
            for encoding in Encoding::ALL {
                prop_assert_eq!(merge(encoding, window, &text), merge(encoding, usize::MAX, &text));
            }
        }
    }
}
