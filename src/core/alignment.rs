//! Which part of an answer's text each of its tokens is.
//!
//! Owns the comparison of the tokens' bytes with the text. Servers lose pieces: some give a character
//! one entry though it was several tokens, some replace pieces by U+FFFD, some leave them out of the
//! text. So the tokens are laid along the text, and where both part, the nearest place is looked for
//! from which they agree again. Never changes text or tokens: what does not match is told.
//!
//! Invariant: every token has at most one place, in order, and the result does not depend on how text
//! and tokens arrived. A token costs a bounded number of comparisons, whatever a server sends.

use crate::core::token::Token;
use std::ops::Range;

/// Tokens looked over for the place where text and tokens agree again.
const MAX_TOKENS: usize = 16;

/// Bytes of text looked over for it.
const MAX_BYTES: usize = 128;

/// What leaving out a token costs, in bytes of text left out: the usual length of a token.
const TOKEN_COST: usize = 3;

/// How much must agree to be no coincidence, see [`weight`]: two syllables of Korean, six letters.
const EVIDENCE: usize = 6;

/// How much is enough where the answer ends before there is more.
const LAST_EVIDENCE: usize = 3;

/// A place where text and tokens differ. One of the ranges may be empty: tokens without text, or text
/// that no token was reported for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// Indices of the tokens.
    pub tokens: Range<usize>,
    /// Bytes of the text.
    pub text: Range<usize>,
}

/// Where the tokens of one answer stand in its text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Alignment {
    /// Places of the tokens that have one; the rest wait for text or for tokens to compare with.
    spans: Vec<Range<usize>>,
    /// End of the text the placed tokens cover.
    at: usize,
    /// Ends of all tokens where their bytes are concatenated.
    ends: Vec<usize>,
    mismatches: Vec<Mismatch>,
    merged: Vec<usize>,
}

impl Alignment {
    /// Returns the places where text and tokens differ, in order.
    #[must_use]
    pub fn mismatches(&self) -> &[Mismatch] {
        &self.mismatches
    }

    /// Returns how many tokens do not match the text.
    #[must_use]
    pub fn unmatched_tokens(&self) -> usize {
        self.mismatches.iter().map(|mismatch| mismatch.tokens.len()).sum()
    }

    /// Returns how many bytes of the text no token was reported for.
    #[must_use]
    pub fn uncovered_bytes(&self) -> usize {
        let uncovered = self.mismatches.iter().filter(|mismatch| mismatch.tokens.is_empty());
        uncovered.map(|mismatch| mismatch.text.len()).sum()
    }

    /// Returns the indices of the tokens that stand for more than themselves, see
    /// [`Token::stands_for_more`]: their text matches, their probability is that of the last piece.
    #[must_use]
    pub fn merged(&self) -> &[usize] {
        &self.merged
    }

    /// Whether everything compared so far matches, byte by byte.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.mismatches.is_empty()
    }

    /// Whether the tokens are the whole text, byte by byte.
    #[must_use]
    pub fn is_whole(&self, text: &str) -> bool {
        self.is_exact() && self.at == text.len() && self.spans.len() == self.ends.len()
    }

    /// Returns the range of the text's bytes that a token covers.
    ///
    /// Tokens that differ from the text together cover what they stand for together. A token that is
    /// not placed yet has the range its bytes would have.
    #[must_use]
    pub fn span(&self, token: usize, text: &str) -> Range<usize> {
        if let Some(span) = self.spans.get(token) {
            return span.clone();
        }
        let end = self.expected_end(token).unwrap_or(text.len()).min(text.len());
        let start = match token.checked_sub(1) {
            Some(before) if before >= self.spans.len() => self.expected_end(before).unwrap_or(end),
            Some(_) | None => self.at,
        };
        start.min(end)..end
    }

    /// Returns the index of the token that covers a byte of the text, the first where several do.
    #[must_use]
    pub fn token_at(&self, byte: usize, text: &str) -> Option<usize> {
        if byte < self.at {
            let index = self.spans.partition_point(|span| span.end <= byte);
            return self.spans.get(index).is_some_and(|span| span.start <= byte).then_some(index);
        }
        let waiting = self.ends.get(self.spans.len()..)?;
        let reach = byte - self.at + self.placed_bytes();
        let index = self.spans.len() + waiting.partition_point(|end| *end <= reach);
        (byte < text.len() && index < self.ends.len()).then_some(index)
    }

    fn placed_bytes(&self) -> usize {
        self.spans.len().checked_sub(1).map_or(0, |last| self.ends[last])
    }

    fn expected_end(&self, token: usize) -> Option<usize> {
        Some(self.at + self.ends.get(token)? - self.placed_bytes())
    }

    /// Takes in what has arrived; once the answer `has_ended`, nothing is waited for.
    pub(crate) fn advance(&mut self, tokens: &[Token], text: &str, has_ended: bool) {
        for token in tokens.get(self.ends.len()..).unwrap_or_default() {
            let end = self.ends.last().copied().unwrap_or(0) + token.piece.bytes().len();
            self.ends.push(end);
        }
        let sides = Sides { tokens, text: text.as_bytes(), has_ended };
        while let Some(token) = tokens.get(self.spans.len()) {
            let (bytes, rest) = (token.piece.bytes(), &sides.text[self.at..]);
            if rest.starts_with(bytes) {
                if token.stands_for_more() {
                    self.merged.push(self.spans.len());
                }
                self.spans.push(self.at..self.at + bytes.len());
                self.at += bytes.len();
            } else if !has_ended && bytes.starts_with(rest) {
                return;
            } else {
                let Some((lost, bytes)) = sides.resume(self.spans.len(), self.at) else { return };
                self.differ(lost, bytes);
            }
        }
        if has_ended && !tokens.is_empty() && self.at < text.len() {
            self.differ(0, text.len() - self.at);
        }
    }

    /// Notes that the next tokens and bytes differ.
    fn differ(&mut self, tokens: usize, bytes: usize) {
        let first = self.spans.len();
        let text = self.at..self.at + bytes;
        self.spans.extend(std::iter::repeat_n(text.clone(), tokens));
        self.at = text.end;
        match self.mismatches.last_mut() {
            Some(last) if last.tokens.end == first && last.text.end == text.start => {
                last.tokens.end += tokens;
                last.text.end = text.end;
            }
            Some(_) | None => self.mismatches.push(Mismatch { tokens: first..first + tokens, text }),
        }
    }
}

/// Whether text and tokens agree from a place on.
enum Agreement {
    Yes,
    No,
    /// What has arrived agrees, but is too little.
    Open,
}

/// What is compared.
struct Sides<'a> {
    tokens: &'a [Token],
    text: &'a [u8],
    has_ended: bool,
}

impl Sides<'_> {
    /// Returns how many tokens and bytes to leave out so that both agree again; `None` where that
    /// needs more than has arrived.
    ///
    /// Places are tried from the nearest on, and a place that is still open is waited for. So the
    /// choice is the same however text and tokens come.
    fn resume(&self, token: usize, at: usize) -> Option<(usize, usize)> {
        for cost in 1..=TOKEN_COST * MAX_TOKENS + MAX_BYTES {
            for lost in 0..=(cost / TOKEN_COST).min(MAX_TOKENS) {
                let bytes = cost - TOKEN_COST * lost;
                if bytes > MAX_BYTES {
                    continue;
                }
                match self.agree(token + lost, at + bytes) {
                    Agreement::Yes => return Some((lost, bytes)),
                    Agreement::No => {}
                    Agreement::Open => return None,
                }
            }
        }
        // Nothing near agrees: as many bytes as these tokens have are taken for theirs.
        let left = self.tokens.len() - token;
        let (lost, rest) = (left.min(MAX_TOKENS), self.text.len() - at);
        let bytes: usize =
            self.tokens[token..token + lost].iter().map(|token| token.piece.bytes().len()).sum();
        match (self.has_ended, bytes <= rest) {
            (true, _) if lost == left => Some((lost, rest)),
            (_, true) => Some((lost, bytes)),
            (true, false) => Some((lost, rest)),
            (false, false) => None,
        }
    }

    fn agree(&self, token: usize, at: usize) -> Agreement {
        let open = |is_enough: bool| match (self.has_ended, is_enough) {
            (false, _) => Agreement::Open,
            (true, true) => Agreement::Yes,
            (true, false) => Agreement::No,
        };
        let Some(mut rest) = self.text.get(at..) else { return open(false) };
        let Some(first) = self.tokens.get(token) else { return open(rest.is_empty()) };
        if first.piece.bytes().is_empty() {
            return Agreement::No;
        }
        let mut agreed = 0;
        for token in &self.tokens[token..] {
            let bytes = token.piece.bytes();
            if !rest.starts_with(bytes) {
                let is_cut = bytes.starts_with(rest);
                return if is_cut { open(agreed >= LAST_EVIDENCE) } else { Agreement::No };
            }
            rest = &rest[bytes.len()..];
            agreed += weight(bytes);
            if agreed >= EVIDENCE {
                return Agreement::Yes;
            }
        }
        open(agreed >= LAST_EVIDENCE || rest.is_empty())
    }
}

/// Returns how much it says that these bytes agree: letters beyond ASCII are rarely the same by chance.
fn weight(bytes: &[u8]) -> usize {
    bytes.iter().take(EVIDENCE).map(|byte| if byte.is_ascii() { 1 } else { 2 }).sum()
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

    fn tokens(texts: &[&str]) -> Vec<Token> {
        texts.iter().map(|text| token(text.as_bytes())).collect()
    }

    fn aligned(tokens: &[Token], text: &str) -> Alignment {
        let mut alignment = Alignment::default();
        alignment.advance(tokens, text, true);
        alignment
    }

    /// Returns what each token covers.
    fn covered<'a>(alignment: &Alignment, tokens: &[Token], text: &'a str) -> Vec<&'a str> {
        (0..tokens.len()).map(|token| &text[alignment.span(token, text)]).collect()
    }

    #[test]
    fn an_exact_answer_has_no_mismatch() {
        let tokens = tokens(&["가", "bc", "", "!"]);
        let alignment = aligned(&tokens, "가bc!");
        assert!(alignment.is_whole("가bc!"));
        assert_eq!(covered(&alignment, &tokens, "가bc!"), ["가", "bc", "", "!"]);
        let at: Vec<_> = (0..7).map(|byte| alignment.token_at(byte, "가bc!")).collect();
        assert_eq!(at, [Some(0), Some(0), Some(0), Some(1), Some(1), Some(3), None]);
    }

    #[test]
    fn replaced_pieces_stand_for_the_character_together() {
        let tokens = tokens(&["The", " po", " not", " ", "\u{fffd}", "\u{fffd}", " is here", " now"]);
        let text = "The po not 🙂 is here now";
        let alignment = aligned(&tokens, text);
        assert_eq!(alignment.mismatches(), [Mismatch { tokens: 4..6, text: 11..15 }]);
        assert_eq!(
            covered(&alignment, &tokens, text),
            ["The", " po", " not", " ", "🙂", "🙂", " is here", " now"]
        );
        assert_eq!(alignment.token_at(12, text), Some(4));
        assert_eq!(alignment.token_at(16, text), Some(6));
        assert_eq!(alignment.unmatched_tokens(), 2);
    }

    #[test]
    fn text_and_tokens_that_are_missing_are_told() {
        // The character was left out of the text.
        let dropped =
            [token(b" not"), token(&[0xf0, 0x9f]), token(&[0x99]), token(&[0x82]), token(b" there")];
        let alignment = aligned(&dropped, " not there");
        assert_eq!(alignment.mismatches(), [Mismatch { tokens: 1..4, text: 4..4 }]);
        assert_eq!(alignment.span(4, " not there"), 4..10);
        // The tokens were left out.
        let alignment = aligned(&tokens(&["Hello", " there", " you"]), "Hello 세상 there you");
        assert_eq!(alignment.mismatches(), [Mismatch { tokens: 1..1, text: 5..12 }]);
        assert_eq!((alignment.uncovered_bytes(), alignment.token_at(6, "Hello 세상 there you")), (7, None));
    }

    #[test]
    fn what_an_ending_leaves_over_is_a_mismatch() {
        let alignment = aligned(&tokens(&["a", "</s>"]), "a");
        assert_eq!(alignment.mismatches(), [Mismatch { tokens: 1..2, text: 1..1 }]);
        let alignment = aligned(&tokens(&["a"]), "a and more");
        assert_eq!(alignment.mismatches(), [Mismatch { tokens: 1..1, text: 1..10 }]);
        assert!(aligned(&[], "no tokens at all").is_exact());
    }

    #[test]
    fn a_growing_answer_is_placed_as_far_as_it_goes() {
        let tokens = tokens(&["ab", "cd"]);
        let mut alignment = Alignment::default();
        alignment.advance(&tokens, "a", false);
        assert_eq!((alignment.span(0, "a"), alignment.span(1, "a")), (0..1, 1..1));
        alignment.advance(&tokens, "abc", false);
        assert_eq!((alignment.span(0, "abc"), alignment.span(1, "abc")), (0..2, 2..3));
        assert_eq!((alignment.token_at(2, "abc"), alignment.token_at(3, "abc")), (Some(1), None));
        assert!(alignment.is_exact());
    }

    #[test]
    fn a_server_that_matches_nowhere_costs_a_bounded_time() {
        let tokens: Vec<Token> = (0..20_000).map(|_| token(b"abc")).collect();
        let text = "x".repeat(60_000);
        let mut alignment = Alignment::default();
        for arrived in (0..=20_000).step_by(500) {
            alignment.advance(&tokens[..arrived], &text[..arrived * 3], false);
        }
        alignment.advance(&tokens, &text, true);
        assert_eq!(alignment.mismatches(), [Mismatch { tokens: 0..20_000, text: 0..60_000 }]);
    }

    fn pieces() -> impl Strategy<Value = Vec<(&'static str, u8)>> {
        let piece = prop::sample::select(vec![
            "the", " cat", " 안녕", "한", "글", ".", " is", "🙂", " so", "\n", "abcdef",
        ]);
        prop::collection::vec((piece, prop_oneof![8 => Just(0u8), 1 => 1u8..4]), 0..60)
    }

    /// Makes the two sides: 0 is fine, 1 loses the text, 2 the token, 3 replaces the token.
    fn sides(pieces: &[(&str, u8)]) -> (Vec<Token>, String) {
        let (mut tokens, mut text) = (Vec::new(), String::new());
        for (piece, fate) in pieces {
            if *fate != 1 {
                text.push_str(piece);
            }
            match fate {
                2 => {}
                3 => tokens.push(token("\u{fffd}".as_bytes())),
                _ => tokens.push(token(piece.as_bytes())),
            }
        }
        (tokens, text)
    }

    proptest! {
        /// Whatever is lost, places are in order, what is no mismatch matches, and arrival does not matter.
        #[test]
        fn alignments_hold(
            pieces in pieces(),
            arrivals in prop::collection::vec((0usize..6, 0usize..20), 1..10),
        ) {
            let (tokens, text) = sides(&pieces);
            let alignment = aligned(&tokens, &text);
            prop_assert_eq!(alignment.spans.len(), tokens.len());
            let mut at = 0;
            for (index, token) in tokens.iter().enumerate() {
                let span = alignment.span(index, &text);
                let is_mismatch = alignment.mismatches.iter().any(|mismatch| mismatch.tokens.contains(&index));
                prop_assert!(is_mismatch || &text.as_bytes()[span.clone()] == token.piece.bytes());
                prop_assert!(is_mismatch || span.start >= at);
                at = at.max(span.end);
            }
            if pieces.iter().all(|(_, fate)| *fate == 0) {
                prop_assert!(tokens.is_empty() || alignment.is_whole(&text));
            }
            let (mut growing, mut counts, mut bytes) = (Alignment::default(), 0, 0);
            let mut arrivals = arrivals.into_iter().cycle();
            for _ in 0..200 {
                let (more_tokens, more_bytes) = arrivals.next().unwrap_or((1, 1));
                counts = (counts + more_tokens).min(tokens.len());
                bytes = (bytes + more_bytes).min(text.len());
                while !text.is_char_boundary(bytes) {
                    bytes += 1;
                }
                growing.advance(&tokens[..counts], &text[..bytes], false);
            }
            growing.advance(&tokens, &text, true);
            prop_assert_eq!(growing, alignment);
        }
    }
}
