//! An answer's text in stretches: what its tokens tell, and where they tell something else.
//!
//! Owns how groups of tokens and the places where text and tokens differ are put in one order, for
//! whoever writes an answer with what is known of its tokens. Decides nothing about looks.
//!
//! Invariant: the texts of all stretches in order are the answer's text.

use crate::core::alignment::{Alignment, Mismatch};
use crate::core::group::Group;
use std::ops::Range;

/// A stretch of an answer's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stretch<'a> {
    /// This group of tokens is the text here.
    Told(&'a Group),
    /// The text differs from these tokens, or has none where their range is empty.
    Differs {
        /// Indices of the tokens.
        tokens: Range<usize>,
        /// Bytes of the text.
        text: Range<usize>,
    },
}

/// Returns the stretches of an answer's text, whose tokens were laid along it and grouped. Of a group that differs in part,
/// nothing is told.
#[must_use]
pub fn stretches<'a>(text: &str, alignment: &Alignment, groups: &'a [Group]) -> Vec<Stretch<'a>> {
    let mut out: Vec<Stretch<'a>> = Vec::with_capacity(groups.len());
    let mut mismatches = alignment.mismatches().iter().peekable();
    let mut open: Option<Mismatch> = None;
    for group in groups {
        let range = group.tokens.clone();
        let whole = Mismatch {
            tokens: range.clone(),
            text: alignment.span(range.start, text).start..alignment.span(range.end - 1, text).end,
        };
        let is_apart =
            |open: &Mismatch| open.tokens.end <= range.start && text.is_char_boundary(whole.text.start);
        if open.as_ref().is_none_or(is_apart) {
            out.extend(open.take().map(Stretch::from));
            while let Some(mismatch) = mismatches.next_if(|mismatch| mismatch.tokens.end <= range.start) {
                out.push(mismatch.clone().into());
            }
        } else {
            open = open.map(|open| joined(&open, &whole));
        }
        let is_within = |mismatch: &&Mismatch| {
            mismatch.tokens.start < range.end
                || mismatch.tokens.start == range.end && !text.is_char_boundary(mismatch.text.start)
        };
        while let Some(mismatch) = mismatches.next_if(is_within) {
            open = Some(joined(open.as_ref().unwrap_or(&whole), mismatch));
        }
        match open {
            None if text.get(whole.text.clone()) == Some(&*group.text) => out.push(Stretch::Told(group)),
            // Part of a character, and the text has another.
            None => open = Some(whole),
            Some(_) => {}
        }
    }
    out.extend(open.map(Stretch::from));
    out.extend(mismatches.map(|mismatch| mismatch.clone().into()));
    out
}

impl From<Mismatch> for Stretch<'_> {
    fn from(Mismatch { tokens, text }: Mismatch) -> Self {
        Self::Differs { tokens, text }
    }
}

/// Returns what covers both.
fn joined(one: &Mismatch, other: &Mismatch) -> Mismatch {
    let cover = |one: &Range<usize>, other: &Range<usize>| one.start.min(other.start)..one.end.max(other.end);
    Mismatch { tokens: cover(&one.tokens, &other.tokens), text: cover(&one.text, &other.text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::group::groups;
    use crate::core::token::{Piece, Token};
    use proptest::prelude::*;

    /// Returns the stretches as texts, those that differ in brackets with the number of their tokens.
    fn told(tokens: &[&[u8]], text: &str) -> Vec<String> {
        let token = |bytes: &&[u8]| Token {
            piece: Piece::new(String::from_utf8_lossy(bytes).into_owned(), Some(bytes.to_vec())),
            logprob: None,
            candidates: Box::new([]),
            id: None,
        };
        let tokens: Vec<Token> = tokens.iter().map(token).collect();
        let mut alignment = Alignment::default();
        alignment.advance(&tokens, text, true);
        let differs = |tokens: usize, range: Range<usize>| {
            format!("[{tokens} {}]", String::from_utf8_lossy(&text.as_bytes()[range]))
        };
        let groups = groups(&tokens);
        let stretches = stretches(text, &alignment, &groups).into_iter();
        let words = stretches.map(|stretch| match stretch {
            Stretch::Told(group) => group.text.clone(),
            Stretch::Differs { tokens, text } => differs(tokens.len(), text),
        });
        words.collect()
    }

    #[test]
    fn what_differs_stands_in_its_place() {
        assert_eq!(told(&[b"Hi", b" there"], "Hi there"), ["Hi", " there"]);
        let broken: [&[u8]; 4] = [b"cool", &[0xea, 0xb2], b" nights", b" and"];
        assert_eq!(told(&broken, "cool\u{fffd} nights and"), ["cool", "[2 \u{fffd} nights]", " and"]);
        assert_eq!(
            told(&[b"Hello", b" there you"], "Hello 세상 there you"),
            ["Hello", "[0  세상]", " there you"]
        );
        assert_eq!(told(&[b"a", b"</s>"], "a"), ["a", "[1 ]"]);
        assert_eq!(told(&[b"a"], "a and more"), ["a", "[0  and more]"]);
    }

    #[test]
    fn a_character_of_which_a_piece_differs_is_told_by_none() {
        // The second piece of the emoji came as another one.
        let tokens: [&[u8]; 4] = [b"so ", &[0xf0, 0x9f], &[0x98, 0x80], b" it is now"];
        assert_eq!(told(&tokens, "so 🙂 it is now"), ["so ", "[2 🙂]", " it is now"]);
    }

    proptest! {
        #[test]
        fn all_stretches_are_the_whole_text(
            pieces in prop::collection::vec(
                (prop::sample::select(vec!["the", " cat", " 안녕", "한", ".", "🙂", "e\u{301}"]), 0u8..8),
                0..40,
            ),
        ) {
            let (mut tokens, mut text): (Vec<&[u8]>, String) = (Vec::new(), String::new());
            for (piece, fate) in &pieces {
                let (start, end) = piece.as_bytes().split_at(1);
                match fate {
                    0 => text.push_str(piece),
                    1 => tokens.push(piece.as_bytes()),
                    2 => tokens.push(start),
                    3 => { text.push_str(piece); tokens.extend([start, end]); }
                    _ => { text.push_str(piece); tokens.push(piece.as_bytes()); }
                }
            }
            let plain = |stretch: String| match stretch.strip_prefix('[') {
                Some(differs) => differs.trim_end_matches(']').split_once(' ').unwrap().1.to_owned(),
                None => stretch,
            };
            let all: String = told(&tokens, &text).into_iter().map(plain).collect();
            prop_assert_eq!(all, if tokens.is_empty() { String::new() } else { text });
        }
    }
}
