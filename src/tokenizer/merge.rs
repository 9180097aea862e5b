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
//! would also be the first one in those two neighbours alone. So two results may be joined where they
//! share a token: by (1) all neighbours are stable, by (2) the joined sequence is the result.

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
    parts: Vec<Part>,
    nodes: Vec<Node>,
    heap: BinaryHeap<Reverse<(u32, usize)>>,
    merged: Vec<Merged>,
}

impl<'a> Merger<'a> {
    pub(super) fn new(vocabulary: &'a Vocabulary) -> Self {
        Self { vocabulary, parts: Vec::new(), nodes: Vec::new(), heap: BinaryHeap::new(), merged: Vec::new() }
    }

    /// Hands out the tokens of a pre-token in order.
    pub(super) fn each(&mut self, bytes: &[u8], sink: &mut impl FnMut(u32)) {
        if bytes.len() > WINDOW {
            return self.each_by_windows(bytes, sink);
        }
        self.merge(bytes);
        self.merged.iter().for_each(|token| sink(token.id));
    }

    fn each_by_windows(&mut self, bytes: &[u8], sink: &mut impl FnMut(u32)) {
        let (mut start, mut end) = (0, WINDOW);
        let mut tokens = self.window(bytes, start, end);
        // Tokens at the window's beginning that the window before has handed out.
        let mut done = 0;
        while end < bytes.len() {
            // What the cut-off end leads to is not to be trusted: the last eighth is left to the next window.
            let trusted = end - (end - start) / 8;
            let shared = tokens.partition_point(|token| token.end <= trusted).saturating_sub(1);
            let from = if shared == 0 { start } else { tokens[shared - 1].end };
            let to = bytes.len().min(from + WINDOW);
            let next = self.window(bytes, from, to);
            if shared > 0 && next.first() == tokens.get(shared) {
                tokens[done..=shared].iter().for_each(|token| sink(token.id));
                (start, end, tokens, done) = (from, to, next, 1);
            } else {
                end = bytes.len().min(start + 2 * (end - start));
                tokens = self.window(bytes, start, end);
            }
        }
        tokens[done..].iter().for_each(|token| sink(token.id));
    }

    /// Returns the tokens of a part of the bytes, with the ends counted in all of them.
    fn window(&mut self, bytes: &[u8], start: usize, end: usize) -> Vec<Merged> {
        self.merge(&bytes[start..end]);
        self.merged.iter().map(|token| Merged { end: start + token.end, ..*token }).collect()
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
