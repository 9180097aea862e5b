//! Which tokens hold which bytes of an answer, and how sure the model was of them together.
//!
//! Owns the comparison of the tokens' bytes with the text. Where they part (a server lost a piece of a
//! character, or sent no bytes for one), nothing is guessed: what lies before the place is mapped, and
//! what lies after it is not.
//!
//! Owns too what the probability of a value is: that all its tokens are written in a row and that it
//! ends with them. A text ends with its quote, and a word such as `true` by itself; a number ends where
//! something comes that does not go on with it, and the chance of that is counted.

use crate::core::probability::{Position, Range as Interval};
use crate::core::token::Token;
use crate::structured::document::Kind;
use serde::Serialize;
use std::ops::Range;

/// Where each token ends in a text, as far as the tokens are the text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Alignment {
    ends: Vec<usize>,
    is_whole: bool,
}

impl Alignment {
    /// Returns how the tokens lie over the text.
    #[must_use]
    pub fn new(text: &str, tokens: &[Token]) -> Self {
        let mut rest = text.as_bytes();
        let mut ends = Vec::with_capacity(tokens.len());
        for token in tokens {
            let Some(after) = rest.strip_prefix(token.piece.bytes()) else { break };
            rest = after;
            ends.push(text.len() - rest.len());
        }
        let is_whole = ends.len() == tokens.len() && rest.is_empty();
        Self { ends, is_whole }
    }

    /// Whether the tokens' bytes, concatenated, are the text.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Returns the byte up to which the tokens are the text.
    #[must_use]
    pub fn end(&self) -> usize {
        self.ends.last().copied().unwrap_or(0)
    }

    /// Returns the bytes of a token; `None` where the tokens have parted from the text.
    #[must_use]
    pub fn span(&self, token: usize) -> Option<Range<usize>> {
        let end = *self.ends.get(token)?;
        Some(token.checked_sub(1).map_or(0, |before| self.ends[before])..end)
    }

    /// Returns the tokens that overlap a range of bytes, those that straddle its ends included.
    #[must_use]
    pub fn overlapping(&self, bytes: &Range<usize>) -> Option<Range<usize>> {
        if bytes.end > self.end() || bytes.is_empty() {
            return None;
        }
        let first = self.ends.partition_point(|end| *end <= bytes.start);
        let last = self.ends.partition_point(|end| *end < bytes.end);
        Some(first..last + 1)
    }
}

/// The least probable token of a value.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Lowest {
    /// Its index among the answer's tokens.
    pub token: usize,
    /// Its logprob in nats.
    pub logprob: f64,
}

/// How sure the model was of the bytes of a value, as far as the tokens tell.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Confidence {
    /// The tokens that overlap the value.
    pub tokens: Range<usize>,
    /// Whether the first of them also holds bytes before the value, as ` "` and `":` do.
    pub shares_first: bool,
    /// Whether the last of them also holds bytes after the value, as `",` does.
    pub shares_last: bool,
    /// The logarithm of their joint probability in nats; `None` if one of them has none. Of a number,
    /// that the value begins so.
    pub joint_logprob: Option<f64>,
    /// The chance that a number ends with them: that the next token does not go on with it. `None` for
    /// other values, and where the last of the tokens holds what follows the number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ends: Option<Interval>,
    /// The probability that the value is written so and ends there; a point, but for a number after
    /// which some of the mass was not returned.
    pub probability: Option<Interval>,
    /// The least probable of those that have a logprob; the first of equals.
    pub lowest: Option<Lowest>,
}

impl Confidence {
    /// Returns the confidence in the bytes of a value; `None` where the tokens do not reach it.
    #[must_use]
    pub fn new(kind: Kind, bytes: &Range<usize>, tokens: &[Token], alignment: &Alignment) -> Option<Self> {
        let over = alignment.overlapping(bytes)?;
        let own = tokens.get(over.clone())?;
        let lowest = own
            .iter()
            .zip(over.clone())
            .filter_map(|(token, index)| Some(Lowest { token: index, logprob: token.logprob? }))
            .min_by(|a, b| a.logprob.total_cmp(&b.logprob));
        let shares_last = alignment.span(over.end - 1)?.end > bytes.end;
        let joint_logprob: Option<f64> = own.iter().map(|token| token.logprob).sum();
        let ends = (kind == Kind::Number && !shares_last).then(|| ending(&tokens[over.end..]));
        let whole = ends.unwrap_or(Interval::point(1.0));
        Some(Self {
            shares_first: alignment.span(over.start)?.start < bytes.start,
            shares_last,
            probability: joint_logprob
                .map(f64::exp)
                .map(|p| Interval { min: p * whole.min, max: p * whole.max }),
            joint_logprob,
            ends,
            lowest,
            tokens: over,
        })
    }
}

/// Returns the chance that a number before these tokens ends there, as far as the candidates tell.
fn ending(rest: &[Token]) -> Interval {
    let unknown = Interval { min: 0.0, max: 1.0 };
    let Some(token) = rest.first() else { return unknown };
    let position = Position::new(token);
    // A token without text says nothing while others follow; as the last one it ends the answer.
    let ends = |bytes: &[u8]| if bytes.is_empty() { rest.len() == 1 } else { !goes_on(bytes[0]) };
    let may_go_on = |bytes: &[u8]| bytes.first().is_some_and(|byte| goes_on(*byte));
    let own = (token.piece.bytes(), token.logprob);
    let extra = position.rank().is_none().then_some(own);
    let listed = token.candidates.iter().map(|candidate| (candidate.piece.bytes(), candidate.logprob));
    let (mut ending, mut going_on) = (0.0, 0.0);
    for (bytes, logprob) in listed.chain(extra) {
        let p = logprob.map_or(0.0, f64::exp);
        if ends(bytes) {
            ending += p;
        } else if may_go_on(bytes) {
            going_on += p;
        }
    }
    let max = (1.0 - going_on).clamp(0.0, 1.0);
    Interval { min: f64::min(ending, max), max }
}

/// Whether a byte right after a number is more of the number.
fn goes_on(byte: u8) -> bool {
    matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::token::{Candidate, Piece};
    use proptest::prelude::*;

    fn token(bytes: &[u8], logprob: Option<f64>) -> Token {
        let piece = Piece::new(String::from_utf8_lossy(bytes).into_owned(), Some(bytes.to_vec()));
        Token { piece, logprob, candidates: Box::new([]), id: None }
    }

    fn tokens(pieces: &[&str]) -> Vec<Token> {
        pieces.iter().zip(1..).map(|(piece, n)| token(piece.as_bytes(), Some(-f64::from(n)))).collect()
    }

    #[test]
    fn straddling_tokens_are_included_and_marked() {
        let tokens = tokens(&["{\"", "a", "\":\"", "x", "y", "\",", "\"b\":", "1", "}"]);
        let text = "{\"a\":\"xy\",\"b\":1}";
        let alignment = Alignment::new(text, &tokens);
        assert!(alignment.is_whole());
        let string = Confidence::new(Kind::String, &(5..9), &tokens, &alignment).unwrap();
        assert_eq!((string.tokens.clone(), string.shares_first, string.shares_last), (2..6, true, true));
        assert_eq!(string.joint_logprob, Some(-18.0));
        assert_eq!(string.lowest, Some(Lowest { token: 5, logprob: -6.0 }));
        let number = Confidence::new(Kind::Number, &(14..15), &tokens, &alignment).unwrap();
        assert_eq!((number.tokens, number.shares_first, number.shares_last), (7..8, false, false));
    }

    #[test]
    fn one_token_may_hold_everything_and_empty_ones_hold_nothing() {
        let tokens = tokens(&["[1,", "", "2", "]"]);
        let alignment = Alignment::new("[1,2]", &tokens);
        let first = Confidence::new(Kind::Number, &(1..2), &tokens, &alignment).unwrap();
        assert_eq!((first.tokens, first.shares_first, first.shares_last), (0..1, true, true));
        assert_eq!(Confidence::new(Kind::Number, &(3..4), &tokens, &alignment).unwrap().tokens, 2..3);
    }

    #[test]
    fn a_value_without_every_logprob_has_no_joint_one() {
        let tokens = [token(b"1", Some(-0.5)), token(b"2", None)];
        let confidence =
            Confidence::new(Kind::Number, &(0..2), &tokens, &Alignment::new("12", &tokens)).unwrap();
        assert_eq!(confidence.joint_logprob, None);
        assert_eq!(confidence.lowest, Some(Lowest { token: 0, logprob: -0.5 }));
    }

    #[test]
    fn pieces_of_characters_are_laid_by_their_bytes() {
        let text = "\"가🙂\"";
        let bytes = text.as_bytes();
        let tokens: Vec<Token> = [0..3, 3..4, 4..6, 6..9].map(|r| token(&bytes[r], Some(-1.0))).into();
        let alignment = Alignment::new(text, &tokens);
        assert!(alignment.is_whole());
        assert_eq!(alignment.overlapping(&(0..9)), Some(0..4));
        assert_eq!(alignment.overlapping(&(1..4)), Some(0..2));
    }

    #[test]
    fn nothing_is_mapped_after_the_tokens_part_from_the_text() {
        let tokens = tokens(&["[1,", " ", "\u{fffd}", "]"]);
        let alignment = Alignment::new("[1, \"🙂\"]", &tokens);
        assert!(!alignment.is_whole());
        assert_eq!(alignment.end(), 4);
        assert!(Confidence::new(Kind::Number, &(1..2), &tokens, &alignment).is_some());
        assert_eq!(Confidence::new(Kind::String, &(4..10), &tokens, &alignment), None);
        assert!(!Alignment::new("ab", &self::tokens(&["a"])).is_whole());
    }

    /// Returns tokens of which the last has these candidates, the first of them chosen.
    fn followed(number: &str, candidates: &[(&str, f64)]) -> Vec<Token> {
        let of = |(text, p): &(&str, f64)| Candidate {
            piece: Piece::new(*text, None),
            logprob: Some(p.ln()),
            id: None,
        };
        let list: Box<[Candidate]> = candidates.iter().map(of).collect();
        let next =
            Token { piece: list[0].piece.clone(), logprob: list[0].logprob, candidates: list, id: None };
        vec![token(number.as_bytes(), Some(0.5f64.ln())), next]
    }

    #[test]
    fn a_number_counts_the_chance_that_it_ends() {
        let of = |kind, list: &[(&str, f64)]| {
            let tokens = followed("12", list);
            let text: String = tokens.iter().map(|token| token.piece.text()).collect();
            Confidence::new(kind, &(0..2), &tokens, &Alignment::new(&text, &tokens)).unwrap()
        };
        let near = |range: Option<Interval>, min: f64, max: f64| {
            let range = range.unwrap();
            assert!((range.min - min).abs() < 1e-12 && (range.max - max).abs() < 1e-12, "{range:?}");
        };
        // Half of the mass goes on, and a tenth was not returned.
        let half = of(Kind::Number, &[(",", 0.3), ("3", 0.4), (".5", 0.1), (" ]", 0.1)]);
        near(half.ends, 0.4, 0.5);
        near(half.probability, 0.2, 0.25);
        near(of(Kind::Number, &[(",", 0.75), ("e5", 0.25)]).probability, 0.375, 0.375);
        // Other values end with their own last byte.
        let word = of(Kind::Boolean, &[(",", 0.3), ("3", 0.7)]);
        assert_eq!(word.ends, None);
        near(word.probability, 0.5, 0.5);
    }

    #[test]
    fn how_likely_a_number_ends_is_open_where_nothing_tells() {
        let tokens = [token(b"7", Some(-0.5))];
        let last = Confidence::new(Kind::Number, &(0..1), &tokens, &Alignment::new("7", &tokens)).unwrap();
        assert_eq!(last.ends, Some(Interval { min: 0.0, max: 1.0 }));
        let tokens = [token(b"7", Some(-0.5)), token(b"", Some(0.5f64.ln()))];
        let ended = Confidence::new(Kind::Number, &(0..1), &tokens, &Alignment::new("7", &tokens)).unwrap();
        assert_eq!(ended.ends, Some(Interval { min: 0.5, max: 1.0 }));
        let tokens = [token(b"7,", Some(-0.5))];
        let shared = Confidence::new(Kind::Number, &(0..1), &tokens, &Alignment::new("7,", &tokens)).unwrap();
        assert_eq!((shared.ends, shared.shares_last), (None, true));
    }

    proptest! {
        /// Of a whole distribution of which the first k were returned: the true chance that a number
        /// ends lies in the range, which is a point where all were.
        #[test]
        fn true_endings_lie_in_their_ranges(weights in prop::collection::vec(1e-3f64..1.0, 8), k in 1usize..9) {
            let pieces = [",", "3", "}", ".", " ", "e", "\n", "00"];
            let total: f64 = weights.iter().sum();
            let mut list: Vec<(&str, f64)> = pieces.into_iter().zip(weights.iter().map(|w| w / total)).collect();
            let truth: f64 = list.iter().filter(|(text, _)| !goes_on(text.as_bytes()[0])).map(|(_, p)| p).sum();
            // The first is what was chosen.
            list[1..].sort_by(|a, b| b.1.total_cmp(&a.1));
            let range = ending(&followed("1", &list[..k])[1..]);
            prop_assert!(range.min <= truth + 1e-9 && truth <= range.max + 1e-9, "{truth} in {range:?}");
            prop_assert!(k < 8 || range.width() < 1e-9);
        }

        /// The range of a value is exactly the tokens with a byte in it.
        #[test]
        fn ranges_are_those_a_search_finds(sizes in prop::collection::vec(0usize..4, 1..30), a in 0usize..90, b in 0usize..90) {
            let tokens: Vec<Token> = sizes.iter().map(|size| token(&vec![b'x'; *size], None)).collect();
            let text = "x".repeat(sizes.iter().sum());
            let alignment = Alignment::new(&text, &tokens);
            let bytes = a.min(b)..a.max(b);
            let hit = |index: &usize| {
                let span = alignment.span(*index).unwrap();
                span.start.max(bytes.start) < span.end.min(bytes.end)
            };
            let hits: Vec<usize> = (0..tokens.len()).filter(hit).collect();
            match alignment.overlapping(&bytes) {
                Some(range) => prop_assert_eq!((range.start, range.end - 1), (hits[0], hits[hits.len() - 1])),
                None => prop_assert!(bytes.is_empty() || bytes.end > text.len()),
            }
        }
    }
}
