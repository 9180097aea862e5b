//! Tokens joined for display: every group holds whole characters, and whole grapheme clusters.
//!
//! Owns where one cell of a token table ends and the next begins. Tokens are joined by their bytes
//! until these are whole characters, then by the rules for clusters: an emoji with joiners, a base with
//! its marks, conjoining jamo, the two halves of a flag are one group. Never looks past the tokens it
//! is given, and never joins more than [`MAX_PIECES`] because of clusters.
//!
//! Invariant: a group is closed only by what no further token can change, so that the groups do not
//! depend on how the tokens arrived: grouping again from the start of the last group is enough.

use crate::core::token::Token;
use std::ops::Range;
use unicode_segmentation::GraphemeCursor;

/// Most tokens in a group. The longest emoji sequence in use has 41 bytes, so as many tokens where
/// every byte is one; an endless chain of joiners is cut here.
pub const MAX_PIECES: usize = 48;

/// Most characters a piece of a character is tried to be completed to; with more, it stays open.
const MAX_COMPLETIONS: u32 = 4096;

/// Tokens that together hold whole characters: one cell of a token table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Indices of the tokens in it; more than one where a character or cluster was cut into pieces.
    pub tokens: Range<usize>,
    /// The joined text; bytes that are no valid UTF-8 are replaced by U+FFFD.
    pub text: String,
}

/// Returns the tokens grouped so that every group holds whole characters and clusters.
///
/// The groups partition the indices in order. Bytes that never become a character end their group
/// with the token that shows it, so that one broken byte does not swallow the rest.
#[must_use]
pub fn groups(tokens: &[Token]) -> Vec<Group> {
    let mut out = Vec::with_capacity(tokens.len());
    let mut start = 0;
    while start < tokens.len() {
        let group = group_at(tokens, start);
        start = group.tokens.end;
        out.push(group);
    }
    out
}

/// Returns the group that begins with the token at `start`.
fn group_at(tokens: &[Token], start: usize) -> Group {
    let mut joined = Joined::default();
    joined.push(tokens[start].piece.bytes());
    let mut end = start + 1;
    while end < tokens.len() && end - start < MAX_PIECES {
        let next = tokens[end].piece.bytes();
        if joined.tail.is_empty() {
            // A token without text is a cell of its own.
            if next.is_empty() || joined.text.is_empty() {
                break;
            }
            match beginning(&tokens[end..]) {
                Beginning::Whole(c) if !joined.joins(c) => break,
                Beginning::Part(part) if !joined.may_join(&part) => break,
                Beginning::Part(_) => {
                    // Whether it belongs here will show with the next token: all of it stays open.
                    tokens[end..].iter().for_each(|token| joined.push(token.piece.bytes()));
                    end = tokens.len();
                    break;
                }
                Beginning::Whole(_) => {}
            }
        }
        joined.push(next);
        end += 1;
    }
    Group { tokens: start..end, text: joined.finish() }
}

/// Bytes joined so far: whole characters, and the beginning of one.
#[derive(Default)]
struct Joined {
    text: String,
    /// At most three bytes that may begin a character.
    tail: Vec<u8>,
}

impl Joined {
    fn push(&mut self, bytes: &[u8]) {
        if self.tail.is_empty()
            && let Ok(text) = std::str::from_utf8(bytes)
        {
            self.text.push_str(text);
            return;
        }
        self.tail.extend_from_slice(bytes);
        let bytes = std::mem::take(&mut self.tail);
        let mut chunks = bytes.utf8_chunks().peekable();
        while let Some(chunk) = chunks.next() {
            self.text.push_str(chunk.valid());
            if chunks.peek().is_none() && may_begin(chunk.invalid()) {
                self.tail.extend_from_slice(chunk.invalid());
            } else if !chunk.invalid().is_empty() {
                self.text.push(char::REPLACEMENT_CHARACTER);
            }
        }
    }

    /// Whether a character that follows belongs to the last cluster.
    fn joins(&mut self, next: char) -> bool {
        let at = self.text.len();
        self.text.push(next);
        let is_boundary = GraphemeCursor::new(at, self.text.len(), true).is_boundary(&self.text, 0);
        self.text.truncate(at);
        // The whole text is there, so the answer always is.
        is_boundary == Ok(false)
    }

    /// Whether any character that begins with these bytes would belong to the last cluster.
    fn may_join(&mut self, part: &[u8]) -> bool {
        let Some((first, last)) = completions(part) else { return true };
        // What follows may also be no character at all.
        self.joins(char::REPLACEMENT_CHARACTER)
            || last - first >= MAX_COMPLETIONS
            || (first..=last).filter_map(char::from_u32).any(|c| self.joins(c))
    }

    fn finish(mut self) -> String {
        if !self.tail.is_empty() {
            self.text.push(char::REPLACEMENT_CHARACTER);
        }
        self.text
    }
}

/// How a run of tokens begins.
enum Beginning {
    /// With this character; U+FFFD where it is none.
    Whole(char),
    /// With a part of a character, and there is no more.
    Part(Vec<u8>),
}

fn beginning(tokens: &[Token]) -> Beginning {
    let mut bytes: Vec<u8> = Vec::new();
    for token in tokens {
        let more = token.piece.bytes();
        if more.is_empty() {
            return Beginning::Whole(char::REPLACEMENT_CHARACTER);
        }
        bytes.extend_from_slice(&more[..more.len().min(4)]);
        let Some(chunk) = bytes.utf8_chunks().next() else { break };
        match chunk.valid().chars().next() {
            Some(c) => return Beginning::Whole(c),
            None if may_begin(chunk.invalid()) && chunk.invalid().len() == bytes.len() => {}
            None => return Beginning::Whole(char::REPLACEMENT_CHARACTER),
        }
    }
    Beginning::Part(bytes)
}

/// Whether bytes that are no character are the beginning of one.
fn may_begin(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_err_and(|error| error.error_len().is_none())
}

/// Returns the first and the last character that begin with these bytes.
fn completions(part: &[u8]) -> Option<(u32, u32)> {
    let (lead, length) = match *part.first()? {
        lead @ 0xc2..=0xdf => (u32::from(lead & 0x1f), 2),
        lead @ 0xe0..=0xef => (u32::from(lead & 0x0f), 3),
        lead @ 0xf0..=0xf4 => (u32::from(lead & 0x07), 4),
        _ => return None,
    };
    let known = part[1..].iter().fold(lead, |known, byte| (known << 6) | u32::from(byte & 0x3f));
    let missing = 6 * u32::try_from(length - part.len().min(length)).ok()?;
    let first = known << missing;
    Some((first, first + (1 << missing) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::token::Piece;
    use proptest::prelude::*;

    fn token(bytes: &[u8]) -> Token {
        Token {
            piece: Piece::new(String::from_utf8_lossy(bytes).into_owned(), Some(bytes.to_vec())),
            logprob: None,
            candidates: Box::new([]),
            id: None,
        }
    }

    fn cut(bytes: &[u8], sizes: &[usize]) -> Vec<Token> {
        let (mut rest, mut sizes, mut tokens) = (bytes, sizes.iter().cycle(), Vec::new());
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rest.len().min(*sizes.next().unwrap_or(&1)));
            tokens.push(token(piece));
            rest = after;
        }
        tokens
    }

    /// Groups tokens that arrive in parts, the way a screen does: again from the last group's start.
    fn arriving(tokens: &[Token], sizes: &[usize]) -> Vec<Group> {
        let (mut out, mut sizes, mut arrived): (Vec<Group>, _, _) = (Vec::new(), sizes.iter().cycle(), 0);
        while arrived < tokens.len() {
            arrived = (arrived + sizes.next().unwrap_or(&1)).min(tokens.len());
            let from = out.pop().map_or(0, |group| group.tokens.start);
            out.extend(groups(&tokens[from..arrived]).into_iter().map(|group| Group {
                tokens: group.tokens.start + from..group.tokens.end + from,
                text: group.text,
            }));
        }
        out
    }

    fn texts(tokens: &[Token]) -> Vec<String> {
        groups(tokens).into_iter().map(|group| group.text).collect()
    }

    #[test]
    fn pieces_of_one_character_are_one_group() {
        let emoji = "🙂".as_bytes();
        let tokens =
            [token(b"ok "), token(&emoji[..2]), token(&emoji[2..3]), token(&emoji[3..]), token(b"!")];
        assert_eq!(texts(&tokens), ["ok ", "🙂", "!"]);
        assert_eq!(groups(&tokens)[1].tokens, 1..4);
    }

    #[test]
    fn pieces_of_one_cluster_are_one_group() {
        for (cluster, pieces) in [
            ("👩\u{200d}👩\u{200d}👧\u{200d}👦", 7),
            ("👍🏽", 2),
            ("e\u{301}", 2),
            ("\u{1112}\u{1161}\u{11ab}", 3),
            ("한\u{11ab}", 2),
            ("🇰🇷", 2),
            ("❤\u{fe0f}", 2),
            ("\u{915}\u{94d}\u{937}", 3),
        ] {
            let by_character: Vec<Token> = cluster.chars().map(|c| token(c.to_string().as_bytes())).collect();
            let by_byte = cut(cluster.as_bytes(), &[1]);
            assert_eq!(by_character.len(), pieces, "{cluster}");
            for (tokens, pieces) in [(by_character, pieces), (by_byte, cluster.len())] {
                let around = [vec![token(b"a ")], tokens, vec![token(b" b")]].concat();
                let found = groups(&around);
                let found: Vec<_> = found.iter().map(|group| (&*group.text, group.tokens.len())).collect();
                assert_eq!(found, [("a ", 1), (cluster, pieces), (" b", 1)]);
            }
        }
    }

    #[test]
    fn flags_are_joined_by_twos() {
        let tokens: Vec<Token> = "🇰🇷🇯🇵🇫🇷".chars().map(|c| token(c.to_string().as_bytes())).collect();
        assert_eq!(texts(&tokens), ["🇰🇷", "🇯🇵", "🇫🇷"]);
    }

    #[test]
    fn a_broken_byte_does_not_swallow_the_rest() {
        let tokens = [token(b"\xff"), token(b"a"), token(b"\xf0\x9f"), token(b"b"), token(b"c")];
        let sizes: Vec<_> = groups(&tokens).iter().map(|group| group.tokens.len()).collect();
        assert_eq!(sizes, [1, 1, 2, 1]);
    }

    #[test]
    fn a_piece_that_can_join_nothing_is_a_cell_of_its_own_at_once() {
        let found = groups(&[token(b"a"), token(&"한".as_bytes()[..1])]);
        assert_eq!(found.iter().map(|group| group.tokens.clone()).collect::<Vec<_>>(), [0..1, 1..2]);
        // This one may become a mark on the letter.
        assert_eq!(groups(&[token(b"e"), token(&"\u{301}".as_bytes()[..1])]).len(), 1);
    }

    #[test]
    fn tokens_without_text_are_cells_of_their_own() {
        let tokens =
            [token(b""), token("한".as_bytes()), token(b""), token("\u{301}".as_bytes()), token(b"")];
        assert_eq!(texts(&tokens), ["", "한", "", "\u{301}", ""]);
    }

    #[test]
    fn an_endless_chain_is_cut() {
        let chain: Vec<Token> =
            "👩\u{200d}".repeat(1000).chars().map(|c| token(c.to_string().as_bytes())).collect();
        let found = groups(&chain);
        assert!(found.iter().all(|group| group.tokens.len() <= MAX_PIECES));
        assert_eq!(found.len(), 2000usize.div_ceil(MAX_PIECES));
    }

    proptest! {
        /// However a text is cut into tokens, the groups hold whole clusters and the same text.
        #[test]
        fn groups_partition_and_join(
            parts in prop::collection::vec(prop::sample::select(vec![
                "a", " the", "한", "\u{1112}", "\u{1161}", "\u{11ab}", "e\u{301}", "👩\u{200d}👧", "🏽", "🇰", "🇷",
                "\u{200d}", "\u{fe0f}", "\u{94d}", "\u{915}", "\r", "\n", "\u{600}", "漢",
            ]), 0..20),
            sizes in prop::collection::vec(1usize..6, 1..8),
            arrivals in prop::collection::vec(1usize..5, 1..8),
        ) {
            let text = parts.concat();
            let tokens = cut(text.as_bytes(), &sizes);
            let found = groups(&tokens);
            prop_assert_eq!(found.iter().map(|group| group.text.as_str()).collect::<String>(), text.clone());
            let (mut next, mut at) = (0, 0);
            for group in &found {
                prop_assert_eq!(group.tokens.start, next);
                (next, at) = (group.tokens.end, at + group.text.len());
                let mut cursor = GraphemeCursor::new(at, text.len(), true);
                let is_cut = group.tokens.len() == MAX_PIECES;
                prop_assert!(is_cut || cursor.is_boundary(&text, 0) == Ok(true), "{:?}", group);
            }
            prop_assert_eq!(next, tokens.len());
            prop_assert_eq!(arriving(&tokens, &arrivals), found);
        }

        /// Any bytes in any pieces arriving in any parts give the same groups as all at once.
        #[test]
        fn arrival_does_not_matter(
            pieces in prop::collection::vec(
                prop_oneof![
                    prop::collection::vec(any::<u8>(), 0..4),
                    prop::sample::select(vec![
                        vec![0xf0], vec![0x9f], vec![0x9f, 0x91], vec![0xa9], vec![0xe2, 0x80], vec![0x8d], vec![0xcc],
                        vec![0x81], vec![0xed], vec![0x95], vec![0x9c], b"e".to_vec(),
                    ]),
                ],
                0..120,
            ),
            arrivals in prop::collection::vec(1usize..5, 1..8),
        ) {
            let tokens: Vec<Token> = pieces.iter().map(|bytes| token(bytes)).collect();
            prop_assert_eq!(arriving(&tokens, &arrivals), groups(&tokens));
        }
    }
}
