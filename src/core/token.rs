//! Tokens as the provider reported them: text, bytes, logprob, candidates.
//!
//! Owns what a reported value means. Never judges a text against its tokens, which is
//! [`crate::core::alignment`]'s, and never joins tokens, which is [`crate::core::group`]'s.

pub use crate::core::group::{Group, groups};

use serde::Serialize;
use std::fmt::Write as _;

/// At or below this natural logarithm a value means "outside the returned list", not a probability.
/// OpenAI's API sends -9999.0 for such tokens.
pub const OUTSIDE_LIST: f64 = -9999.0;

/// From here on a positive value is more than rounding.
const ROUNDING: f64 = 1e-3;

/// The text of a token together with its exact bytes.
///
/// Servers print a token that holds part of a character in different ways; only the bytes can be
/// joined. Most tokens are whole text, so equal bytes are not stored twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    text: Box<str>,
    bytes: Bytes,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Bytes {
    /// The server sent none; the text stands for them.
    NotGiven,
    /// The server sent them and they are the text's.
    SameAsText,
    Other(Box<[u8]>),
}

impl Piece {
    /// Returns a piece with the text as sent and the bytes, where the server sent them.
    pub fn new(text: impl Into<Box<str>>, bytes: Option<Vec<u8>>) -> Self {
        let text = text.into();
        let bytes = match bytes {
            None => Bytes::NotGiven,
            Some(bytes) if bytes == text.as_bytes() => Bytes::SameAsText,
            Some(bytes) => Bytes::Other(bytes.into()),
        };
        Self { text, bytes }
    }

    /// Returns the text as the server sent it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns the bytes; those of the text where the server sent none.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        match &self.bytes {
            Bytes::NotGiven | Bytes::SameAsText => self.text.as_bytes(),
            Bytes::Other(bytes) => bytes,
        }
    }

    /// Returns the bytes as text, with those that are no whole character written as `\xeb`.
    #[must_use]
    pub fn shown(&self) -> String {
        let mut out = String::new();
        for chunk in self.bytes().utf8_chunks() {
            out.push_str(chunk.valid());
            for byte in chunk.invalid() {
                let _ = write!(out, "\\x{byte:02x}");
            }
        }
        out
    }

    /// Returns the bytes only if the server sent them.
    #[must_use]
    pub fn given_bytes(&self) -> Option<&[u8]> {
        match &self.bytes {
            Bytes::NotGiven => None,
            Bytes::SameAsText | Bytes::Other(_) => Some(self.bytes()),
        }
    }
}

/// A token the model could have produced at a position.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    /// Text and bytes.
    pub piece: Piece,
    /// Natural logarithm of the probability; `None` when not offered or outside the list.
    pub logprob: Option<f64>,
    /// The server's number for the token, where it says.
    pub id: Option<u32>,
}

/// A token of the answer, as reported by the provider.
#[derive(Debug, Clone, PartialEq)]
pub struct Token {
    /// Text and bytes.
    pub piece: Piece,
    /// Natural logarithm of the probability; `None` when not offered or outside the list.
    pub logprob: Option<f64>,
    /// What the model could have produced here, most probable first; at most as many as asked for.
    pub candidates: Box<[Candidate]>,
    /// The server's number for the token, where it says.
    pub id: Option<u32>,
}

impl Token {
    /// Returns which candidate is the token that was chosen: by number where the server gives both, else
    /// by bytes, as two candidates can print alike.
    ///
    /// Where a server replaces bytes, several have the same: the one with the token's own logprob is
    /// taken, the nearest where none has it, and the first where nothing tells them apart. So there is
    /// one at most.
    #[must_use]
    pub fn chosen(&self) -> Option<usize> {
        let distance = |candidate: &Candidate| match (self.logprob, candidate.logprob) {
            (Some(own), Some(other)) => (own - other).abs(),
            (None, _) | (_, None) => f64::INFINITY,
        };
        let alike = self.candidates.iter().enumerate().filter(|(_, candidate)| self.reads_like(candidate));
        alike.min_by(|(_, a), (_, b)| distance(a).total_cmp(&distance(b))).map(|(index, _)| index)
    }

    /// Whether this candidate may be the token that was chosen, by its number or its bytes alone.
    #[must_use]
    pub(super) fn reads_like(&self, candidate: &Candidate) -> bool {
        match (self.id, candidate.id) {
            (Some(own), Some(other)) => own == other,
            (None, _) | (_, None) => self.piece.bytes() == candidate.piece.bytes(),
        }
    }

    /// Whether the text reported for the token is not the token's own: the server left out the tokens
    /// before it and gave their text to this one, with the probability of this one alone.
    ///
    /// llama.cpp does so with the pieces of a character and with text held back for a stop text. It
    /// shows only where the token's number is among the candidates.
    #[must_use]
    pub fn stands_for_more(&self) -> bool {
        let own = self.candidates.iter().find(|candidate| self.id.is_some() && candidate.id == self.id);
        own.is_some_and(|own| own.piece.bytes() != self.piece.bytes())
    }
}

/// Returns the joint logprob of tokens that follow each other; `None` unless all have one.
#[must_use]
pub fn joint_logprob(tokens: &[Token]) -> Option<f64> {
    tokens.iter().map(|token| token.logprob).sum()
}

/// Returns the value as a logprob, or `None` for the sentinels and for what is no number.
///
/// A small positive value is rounding in the server (`-0.0`, `1e-7`) and becomes 0; a larger one is
/// no logarithm of a probability.
#[must_use]
pub fn logprob_from(value: f64) -> Option<f64> {
    if value > OUTSIDE_LIST && value < ROUNDING { Some(value.min(0.0)) } else { None }
}

/// The JSON form of a token, with the field names used on every surface.
#[derive(Debug, Serialize)]
pub struct TokenJson<'a> {
    text: &'a str,
    bytes: Option<&'a [u8]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u32>,
    logprob: Option<f64>,
    candidates: Vec<CandidateJson<'a>>,
}

#[derive(Debug, Serialize)]
struct CandidateJson<'a> {
    text: &'a str,
    bytes: Option<&'a [u8]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u32>,
    logprob: Option<f64>,
}

impl<'a> From<&'a Token> for TokenJson<'a> {
    fn from(token: &'a Token) -> Self {
        Self {
            text: token.piece.text(),
            bytes: token.piece.given_bytes(),
            id: token.id,
            logprob: token.logprob,
            candidates: token
                .candidates
                .iter()
                .map(|candidate| CandidateJson {
                    text: candidate.piece.text(),
                    bytes: candidate.piece.given_bytes(),
                    id: candidate.id,
                    logprob: candidate.logprob,
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn candidate(text: &str, bytes: &[u8], id: Option<u32>) -> Candidate {
        Candidate { piece: Piece::new(text, Some(bytes.to_vec())), logprob: Some(-1.0), id }
    }

    #[test]
    fn sentinels_and_nonsense_are_outside_the_list() {
        assert_eq!(logprob_from(-9999.0), None);
        assert_eq!(logprob_from(f64::from(f32::MIN)), None);
        assert_eq!(logprob_from(f64::NEG_INFINITY), None);
        assert_eq!(logprob_from(f64::NAN), None);
        assert_eq!(logprob_from(0.9), None);
        assert_eq!(logprob_from(1e-9), Some(0.0));
        assert_eq!(logprob_from(-0.5), Some(-0.5));
    }

    #[test]
    fn a_token_is_known_by_its_number_before_its_bytes() {
        let whole = candidate("🙂", "🙂".as_bytes(), Some(130));
        let (last, other) = (candidate("", &[0x82], Some(130)), candidate("", &[0x83], Some(131)));
        let token = Token {
            piece: whole.piece.clone(),
            logprob: Some(-0.5),
            candidates: Box::new([last.clone(), other.clone()]),
            id: Some(130),
        };
        assert!(token.chosen() == Some(0) && !token.reads_like(&other) && token.stands_for_more());
        let unnumbered = Token { id: None, ..token.clone() };
        assert!(
            unnumbered.chosen().is_none() && unnumbered.reads_like(&whole) && !unnumbered.stands_for_more()
        );
        let own = Token { candidates: Box::new([whole]), ..token };
        assert!(!own.stands_for_more());
    }

    #[test]
    fn of_candidates_that_read_alike_one_at_most_is_chosen() {
        let lost = |logprob| Candidate { piece: Piece::new("\u{fffd}", None), logprob, id: None };
        let chosen = |own, list: &[Option<f64>]| {
            let candidates = list.iter().map(|logprob| lost(*logprob)).collect();
            Token { piece: Piece::new("\u{fffd}", None), logprob: own, candidates, id: None }.chosen()
        };
        let values = [Some(-0.5), Some(-1.5), Some(-1.5), None];
        assert_eq!(chosen(Some(-1.5), &values), Some(1));
        assert_eq!(chosen(Some(-1.499), &values), Some(1));
        assert_eq!(chosen(None, &values), Some(0));
        assert_eq!(chosen(Some(-9.0), &[]), None);
    }

    #[test]
    fn a_path_has_a_joint_logprob_only_if_every_token_has_one() {
        let token =
            |logprob| Token { piece: Piece::new("x", None), logprob, candidates: Box::new([]), id: None };
        assert_eq!(joint_logprob(&[token(Some(-0.5)), token(Some(-1.0))]), Some(-1.5));
        assert_eq!(joint_logprob(&[token(Some(-0.5)), token(None)]), None);
        assert_eq!(joint_logprob(&[]), Some(0.0));
    }
}
