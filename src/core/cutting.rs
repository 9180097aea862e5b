//! A text cut into the tokens of each vocabulary: what it costs, and where the cuts are.
//!
//! Owns the figures and the ranges. Never cuts itself: the ends of the tokens are handed in by who knows
//! the vocabularies.
//!
//! Invariant: the pieces of each cut partition the text, and anchors are piece numbers at which a line
//! may begin whatever its width, so that a part of a large text can be laid out by itself.

use crate::core::model::Encoding;
use crate::core::mojibake::CodePage;
use crate::core::text::{clusters, visible, word_pieces};
use crate::core::token::Piece;
use std::ops::Range;
use std::sync::Arc;

/// Most bytes of a text that are cut for display.
pub const MOST_BYTES: usize = 1024 * 1024;

/// Most pieces between two anchors.
const STRETCH: usize = 512;

/// A text in the tokens of one vocabulary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cut {
    /// The vocabulary.
    pub encoding: Encoding,
    ends: Box<[u32]>,
    anchors: Box<[u32]>,
}

impl Cut {
    /// Returns a cut with tokens of these byte ranges, which must partition the text.
    #[must_use]
    pub fn new(encoding: Encoding, text: &str, pieces: &[Range<usize>]) -> Self {
        let ends = pieces.iter().map(|piece| u32::try_from(piece.end).unwrap_or(u32::MAX)).collect();
        let mut anchors = vec![0];
        let mut last = 0;
        for (number, piece) in pieces.iter().enumerate().skip(1) {
            let after_line = piece.start.checked_sub(1).is_some_and(|at| text.as_bytes()[at] == b'\n');
            if after_line || number - last >= STRETCH {
                last = number;
                anchors.push(u32::try_from(number).unwrap_or(u32::MAX));
            }
        }
        Self { encoding, ends, anchors: anchors.into() }
    }

    /// Returns the number of tokens.
    #[must_use]
    pub fn tokens(&self) -> usize {
        self.ends.len()
    }

    /// Returns the byte range of a token.
    #[must_use]
    pub fn piece(&self, number: usize) -> Range<usize> {
        let end = |number: usize| self.ends.get(number).map_or(0, |end| *end as usize);
        number.checked_sub(1).map_or(0, end)..end(number)
    }

    /// Returns the number of anchors; there is at least one.
    #[must_use]
    pub fn anchors(&self) -> usize {
        self.anchors.len()
    }

    /// Returns the pieces from an anchor to the next.
    #[must_use]
    pub fn stretch(&self, anchor: usize) -> Range<usize> {
        let at = |anchor: usize| self.anchors.get(anchor).map_or(self.ends.len(), |piece| *piece as usize);
        at(anchor)..at(anchor + 1)
    }

    /// Returns the last anchor at or before a byte.
    #[must_use]
    pub fn anchor_at(&self, byte: usize) -> usize {
        self.anchors.partition_point(|piece| self.piece(*piece as usize).start <= byte).saturating_sub(1)
    }
}

/// That a text looks garbled, and what that costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Garbled {
    /// What it was read as.
    pub page: CodePage,
    /// Tokens of the text as it was meant, in the order of the cuts; about so many where not all of it
    /// is known.
    pub tokens: [u64; Encoding::ALL.len()],
    /// Whether all of it is known.
    pub is_lossless: bool,
}

/// A text, cut by every vocabulary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cutting {
    /// The text, or its beginning.
    pub text: Arc<str>,
    /// Bytes of the whole text.
    pub whole_bytes: usize,
    /// Grapheme clusters of `text`.
    pub graphemes: usize,
    /// Words of it.
    pub words: usize,
    /// The cuts, in the order of [`Encoding::ALL`].
    pub cuts: [Cut; Encoding::ALL.len()],
    /// That it looks garbled, if it does.
    pub garbled: Option<Garbled>,
}

impl Cutting {
    /// Returns the figures of a text that is cut so.
    #[must_use]
    pub fn new(
        text: Arc<str>,
        whole_bytes: usize,
        cuts: [Cut; Encoding::ALL.len()],
        garbled: Option<Garbled>,
    ) -> Self {
        let graphemes = clusters(&text).count();
        Self { words: words(&text), graphemes, text, whole_bytes, cuts, garbled }
    }

    /// Returns the tokens for each grapheme cluster; `None` for an empty text.
    #[must_use]
    pub fn per_grapheme(&self, cut: usize) -> Option<f64> {
        per(self.cuts[cut].tokens(), self.graphemes)
    }

    /// Returns the tokens for each word; `None` where there is none.
    #[must_use]
    pub fn per_word(&self, cut: usize) -> Option<f64> {
        per(self.cuts[cut].tokens(), self.words)
    }

    /// Returns how many times as many tokens a cut has as the other.
    #[must_use]
    pub fn ratio(&self, cut: usize) -> Option<f64> {
        per(self.cuts[cut].tokens(), self.cuts[1 - cut].tokens())
    }

    /// Whether only the beginning of the text was cut.
    #[must_use]
    pub fn is_beginning(&self) -> bool {
        self.text.len() < self.whole_bytes
    }
}

/// Returns the number of words: pieces between word boundaries that hold a letter or a digit.
#[must_use]
pub fn words(text: &str) -> usize {
    word_pieces(text).filter(|piece| piece.chars().any(char::is_alphanumeric)).count()
}

/// Returns a piece as it can be seen, and whether it holds part of a character; such parts are written
/// as their bytes.
#[must_use]
pub fn shown(bytes: &[u8]) -> (String, bool) {
    let is_part = std::str::from_utf8(bytes).is_err();
    (visible(&Piece::new("", Some(bytes.to_vec())).shown()), is_part)
}

/// Returns the beginning of a text that is cut for display.
#[must_use]
pub fn beginning(text: &str) -> &str {
    let end = (0..=text.len().min(MOST_BYTES)).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
    &text[..end]
}

#[expect(clippy::cast_precision_loss, reason = "token counts are far below 2^52")]
fn per(tokens: usize, of: usize) -> Option<f64> {
    (of > 0).then(|| tokens as f64 / of as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str, size: usize) -> Cut {
        let pieces: Vec<_> =
            (0..text.len()).step_by(size).map(|at| at..(at + size).min(text.len())).collect();
        Cut::new(Encoding::O200kBase, text, &pieces)
    }

    #[test]
    fn figures_are_of_graphemes_and_words() {
        let text: Arc<str> = "a 👨‍👩‍👧 가나".into();
        let cutting = Cutting::new(Arc::clone(&text), text.len(), [cut(&text, 3), cut(&text, 6)], None);
        assert_eq!((cutting.graphemes, cutting.words), (6, 2));
        assert_eq!(cutting.cuts[0].tokens(), 9);
        assert_eq!((cutting.per_grapheme(0), cutting.per_word(0)), (Some(1.5), Some(4.5)));
        assert_eq!(cutting.ratio(0).map(|ratio| (ratio * 100.0).round()), Some(180.0));
        assert!(!cutting.is_beginning());
        let empty = Cutting::new("".into(), 0, [cut("", 3), cut("", 6)], None);
        assert_eq!((empty.per_grapheme(0), empty.ratio(1)), (None, None));
    }

    #[test]
    fn stretches_cover_every_piece_once() {
        for text in ["", "one", "a\nb\n\nc", &"x".repeat(5000), &"line\n".repeat(900)] {
            let cut = cut(text, 1);
            let pieces: Vec<usize> = (0..cut.anchors()).flat_map(|anchor| cut.stretch(anchor)).collect();
            assert_eq!(pieces, (0..cut.tokens()).collect::<Vec<_>>());
            assert!((0..cut.anchors()).all(|anchor| cut.stretch(anchor).len() <= STRETCH));
            for number in 0..cut.tokens() {
                let anchor = cut.anchor_at(cut.piece(number).start);
                assert!(cut.stretch(anchor).contains(&number));
            }
        }
    }

    #[test]
    fn pieces_can_be_seen_and_are_harmless() {
        assert_eq!(shown(b" a\n"), ("␣a⏎".to_owned(), false));
        assert_eq!(shown(b" \xf0\x9f"), ("␣\\xf0\\x9f".to_owned(), true));
        let (hostile, _) = shown("\u{1b}[2J\u{202e}".as_bytes());
        assert!(!hostile.contains(['\u{1b}', '\u{202e}']), "{hostile}");
    }

    #[test]
    fn a_large_text_is_cut_at_a_character() {
        let text = "가".repeat(MOST_BYTES / 3 + 10);
        assert_eq!(beginning(&text).len(), MOST_BYTES / 3 * 3);
        assert_eq!(beginning("가나"), "가나");
    }
}
