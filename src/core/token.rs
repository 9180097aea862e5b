//! Tokens as the provider reported them, and how pieces of characters are joined for display.

use serde::Serialize;
use std::ops::Range;

/// At or below this natural logarithm a value means "outside the returned list", not a probability.
/// OpenAI's API sends -9999.0 for such tokens.
pub const OUTSIDE_LIST: f64 = -9999.0;

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
}

/// Returns the value as a logprob, or `None` for the sentinels and for what is no number.
///
/// A small positive value is rounding in the server (`-0.0`, `1e-7`) and becomes 0.
#[must_use]
pub fn logprob_from(value: f64) -> Option<f64> {
    if value.is_finite() && value > OUTSIDE_LIST { Some(value.min(0.0)) } else { None }
}

/// Tokens that together hold whole characters: one cell of a token table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Indices of the tokens in it; more than one where a character was cut into pieces.
    pub tokens: Range<usize>,
    /// The joined text; bytes that are no valid UTF-8 are replaced by U+FFFD.
    pub text: String,
}

/// Returns the tokens grouped so that every group holds whole characters, joined by their bytes.
///
/// The groups partition the indices in order. A run of pieces that never becomes valid UTF-8 is
/// closed after four bytes, the longest a character can be, so that one broken byte does not
/// swallow the rest.
#[must_use]
pub fn groups(tokens: &[Token]) -> Vec<Group> {
    let mut out = Vec::with_capacity(tokens.len());
    let mut start = 0;
    let mut pending: Vec<u8> = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        let bytes = token.piece.bytes();
        if pending.is_empty() && std::str::from_utf8(bytes).is_ok() {
            out.push(Group { tokens: index..index + 1, text: String::from_utf8_lossy(bytes).into_owned() });
            start = index + 1;
            continue;
        }
        pending.extend_from_slice(bytes);
        if !awaits_more(&pending) {
            out.push(Group {
                tokens: start..index + 1,
                text: String::from_utf8_lossy(&pending).into_owned(),
            });
            pending.clear();
            start = index + 1;
        }
    }
    if start < tokens.len() {
        out.push(Group { tokens: start..tokens.len(), text: String::from_utf8_lossy(&pending).into_owned() });
    }
    out
}

/// Whether the bytes end in the beginning of a character that further bytes could complete.
fn awaits_more(bytes: &[u8]) -> bool {
    let mut rest = bytes;
    loop {
        match std::str::from_utf8(rest) {
            Ok(_) => return false,
            Err(error) => match error.error_len() {
                None => return true,
                Some(bad) => rest = &rest[error.valid_up_to() + bad..],
            },
        }
    }
}

/// The JSON form of a token, with the field names used on every surface.
#[derive(Debug, Serialize)]
pub struct TokenJson<'a> {
    text: &'a str,
    bytes: Option<&'a [u8]>,
    logprob: Option<f64>,
    candidates: Vec<CandidateJson<'a>>,
}

#[derive(Debug, Serialize)]
struct CandidateJson<'a> {
    text: &'a str,
    bytes: Option<&'a [u8]>,
    logprob: Option<f64>,
}

impl<'a> From<&'a Token> for TokenJson<'a> {
    fn from(token: &'a Token) -> Self {
        Self {
            text: token.piece.text(),
            bytes: token.piece.given_bytes(),
            logprob: token.logprob,
            candidates: token
                .candidates
                .iter()
                .map(|candidate| CandidateJson {
                    text: candidate.piece.text(),
                    bytes: candidate.piece.given_bytes(),
                    logprob: candidate.logprob,
                })
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn token(bytes: &[u8]) -> Token {
        Token {
            piece: Piece::new(String::from_utf8_lossy(bytes).into_owned(), Some(bytes.to_vec())),
            logprob: None,
            candidates: Box::new([]),
        }
    }

    #[test]
    fn pieces_of_one_character_are_one_group() {
        let emoji = "🙂".as_bytes();
        let tokens =
            [token(b"ok "), token(&emoji[..2]), token(&emoji[2..3]), token(&emoji[3..]), token(b"!")];
        let groups = groups(&tokens);
        let texts: Vec<_> = groups.iter().map(|group| group.text.as_str()).collect();
        assert_eq!(texts, ["ok ", "🙂", "!"]);
        assert_eq!(groups[1].tokens, 1..4);
    }

    #[test]
    fn a_broken_byte_does_not_swallow_the_rest() {
        let tokens = [token(b"\xff"), token(b"a"), token(b"\xf0\x9f"), token(b"b"), token(b"c")];
        let sizes: Vec<_> = groups(&tokens).iter().map(|group| group.tokens.len()).collect();
        assert_eq!(sizes, [1, 1, 2, 1]);
    }

    #[test]
    fn sentinels_are_outside_the_list() {
        assert_eq!(logprob_from(-9999.0), None);
        assert_eq!(logprob_from(f64::NEG_INFINITY), None);
        assert_eq!(logprob_from(f64::NAN), None);
        assert_eq!(logprob_from(1e-9), Some(0.0));
        assert_eq!(logprob_from(-0.5), Some(-0.5));
    }

    proptest! {
        /// However a text is cut into tokens, the groups hold whole characters and the same text.
        #[test]
        fn groups_partition_and_join(text in "\\PC{0,40}", cuts in prop::collection::vec(1usize..5, 0..60)) {
            let bytes = text.as_bytes();
            let (mut tokens, mut at, mut cuts) = (Vec::new(), 0, cuts.into_iter());
            while at < bytes.len() {
                let end = (at + cuts.next().unwrap_or(3)).min(bytes.len());
                tokens.push(token(&bytes[at..end]));
                at = end;
            }
            let groups = groups(&tokens);
            prop_assert_eq!(groups.iter().map(|group| group.text.as_str()).collect::<String>(), text);
            let mut next = 0;
            for group in &groups {
                prop_assert_eq!(group.tokens.start, next);
                next = group.tokens.end;
            }
            prop_assert_eq!(next, tokens.len());
        }
    }
}
