//! The tokens of a run as one compact blob.
//!
//! ```text
//! version 1, flags, number of tokens, then for each token
//!   number of candidates, the candidates, and which of them was chosen
//!   (1 for the first; 0 if it is none of them, and the token follows)
//! candidate or token: text, bytes where they differ from it, logprob,
//!   and with the flag for them its number, 0 for none and else one more
//! ```
//!
//! Owns that form. A logprob comes back bit by bit: servers write most of them with few decimals, or
//! as single precision, and each is kept in the shortest of the forms that is exact.

use crate::core::token::{Candidate, Piece, Token};
use crate::store::bytes::{Reader, put_length, put_number};
use crate::store::error::StoreError;

const VERSION: u8 = 1;

/// The flag that tokens have numbers of their own.
const NUMBERED: u8 = 1;

/// How the bytes of a piece are kept, in the lowest bits of its length.
mod piece_kind {
    pub(super) const NOT_GIVEN: u64 = 0;
    pub(super) const SAME_AS_TEXT: u64 = 1;
    pub(super) const OTHER: u64 = 2;
    pub(super) const BITS: u32 = 2;
}

/// How a logprob is kept. From `DECIMAL` on, the rest is the number of decimals.
mod form {
    pub(super) const NONE: u8 = 0;
    pub(super) const ZERO: u8 = 1;
    pub(super) const SINGLE: u8 = 2;
    pub(super) const DOUBLE: u8 = 3;
    pub(super) const DECIMAL: u8 = 8;
}

/// Most decimals of a logprob that is kept as a decimal number.
const MAX_DECIMALS: u8 = 16;

/// Whole numbers below this are exact as floating-point numbers.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// Returns the tokens as a blob.
pub(super) fn encode(tokens: &[Token]) -> Vec<u8> {
    let mut out = Vec::with_capacity(16 + tokens.len() * 48);
    let has_id = |token: &Token| token.id.is_some() || token.candidates.iter().any(|c| c.id.is_some());
    let flags = if tokens.iter().any(has_id) { NUMBERED } else { 0 };
    out.extend([VERSION, flags]);
    put_length(&mut out, tokens.len());
    for Token { piece, logprob, candidates, id } in tokens {
        put_length(&mut out, candidates.len());
        for Candidate { piece, logprob, id } in candidates {
            put_entry(&mut out, piece, *logprob, *id, flags);
        }
        let is_same = |candidate: &Candidate| {
            candidate.piece == *piece
                && candidate.logprob.map(f64::to_bits) == logprob.map(f64::to_bits)
                && candidate.id == *id
        };
        match candidates.iter().position(is_same) {
            Some(at) => put_length(&mut out, at + 1),
            None => {
                put_length(&mut out, 0);
                put_entry(&mut out, piece, *logprob, *id, flags);
            }
        }
    }
    out
}

/// Returns the tokens of a blob.
pub(super) fn decode(blob: &[u8]) -> Result<Vec<Token>, StoreError> {
    let mut reader = Reader::new(blob, "the tokens of an answer");
    let (version, flags) = (reader.byte()?, reader.byte()?);
    if version != VERSION || flags & !NUMBERED != 0 {
        return Err(reader.broken());
    }
    let count = reader.count(2)?;
    let mut tokens = Vec::with_capacity(count);
    for _ in 0..count {
        let candidates = (0..reader.count(2)?)
            .map(|_| entry(&mut reader, flags))
            .collect::<Result<Box<[Candidate]>, StoreError>>()?;
        let Candidate { piece, logprob, id } = match reader.number()? {
            0 => entry(&mut reader, flags)?,
            number => {
                let at = usize::try_from(number - 1).map_err(|_| reader.broken())?;
                candidates.get(at).ok_or_else(|| reader.broken())?.clone()
            }
        };
        tokens.push(Token { piece, logprob, candidates, id });
    }
    reader.end()?;
    Ok(tokens)
}

fn put_entry(out: &mut Vec<u8>, piece: &Piece, logprob: Option<f64>, id: Option<u32>, flags: u8) {
    put_piece(out, piece);
    put_logprob(out, logprob);
    if flags & NUMBERED != 0 {
        put_number(out, id.map_or(0, |id| u64::from(id) + 1));
    }
}

fn entry(reader: &mut Reader<'_>, flags: u8) -> Result<Candidate, StoreError> {
    let (piece, logprob) = (piece(reader)?, logprob(reader)?);
    let number = if flags & NUMBERED == 0 { 0 } else { reader.number()? };
    let id = number.checked_sub(1).map(u32::try_from).transpose().map_err(|_| reader.broken())?;
    Ok(Candidate { piece, logprob, id })
}

fn put_piece(out: &mut Vec<u8>, piece: &Piece) {
    let text = piece.text();
    let (kind, other) = match piece.given_bytes() {
        None => (piece_kind::NOT_GIVEN, None),
        Some(bytes) if bytes == text.as_bytes() => (piece_kind::SAME_AS_TEXT, None),
        Some(bytes) => (piece_kind::OTHER, Some(bytes)),
    };
    put_number(out, (text.len() as u64) << piece_kind::BITS | kind);
    out.extend(text.as_bytes());
    if let Some(bytes) = other {
        put_length(out, bytes.len());
        out.extend(bytes);
    }
}

fn piece(reader: &mut Reader<'_>) -> Result<Piece, StoreError> {
    let head = reader.number()?;
    let length = usize::try_from(head >> piece_kind::BITS).map_err(|_| reader.broken())?;
    let text = reader.text(length)?;
    let bytes = match head & ((1 << piece_kind::BITS) - 1) {
        piece_kind::NOT_GIVEN => None,
        piece_kind::SAME_AS_TEXT => Some(text.as_bytes().to_vec()),
        piece_kind::OTHER => {
            let length = reader.count(1)?;
            Some(reader.bytes(length)?.to_vec())
        }
        _ => return Err(reader.broken()),
    };
    Ok(Piece::new(text, bytes))
}

fn put_logprob(out: &mut Vec<u8>, logprob: Option<f64>) {
    let Some(value) = logprob else { return out.push(form::NONE) };
    if value.to_bits() == 0 {
        return out.push(form::ZERO);
    }
    #[expect(clippy::cast_possible_truncation, reason = "what is lost is noticed in the next line")]
    let single = value as f32;
    if f64::from(single).to_bits() == value.to_bits() {
        out.push(form::SINGLE);
        out.extend(single.to_le_bytes());
    } else if let Some((decimals, digits)) = decimal(value) {
        out.push(form::DECIMAL + decimals);
        put_number(out, digits);
    } else {
        out.push(form::DOUBLE);
        out.extend(value.to_le_bytes());
    }
}

/// Returns a negative number as decimals and digits, if it has few enough of them to be exactly that.
fn decimal(value: f64) -> Option<(u8, u64)> {
    (1..=MAX_DECIMALS).find_map(|decimals| {
        let digits = (-value * power(decimals)).round();
        // The quotient of two exact numbers is the number nearest to it, as a parser finds it.
        let is_it =
            digits > 0.0 && digits < EXACT && undecimal(decimals, digits).to_bits() == value.to_bits();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "whole, and in the bounds"
        )]
        is_it.then_some((decimals, digits as u64))
    })
}

fn undecimal(decimals: u8, digits: f64) -> f64 {
    -(digits / power(decimals))
}

fn power(decimals: u8) -> f64 {
    10_f64.powi(i32::from(decimals))
}

fn logprob(reader: &mut Reader<'_>) -> Result<Option<f64>, StoreError> {
    let value = match reader.byte()? {
        form::NONE => return Ok(None),
        form::ZERO => 0.0,
        form::SINGLE => f64::from(f32::from_le_bytes(reader.array()?)),
        form::DOUBLE => f64::from_le_bytes(reader.array()?),
        tag => {
            let decimals = tag.checked_sub(form::DECIMAL).filter(|decimals| *decimals <= MAX_DECIMALS);
            let decimals = decimals.ok_or_else(|| reader.broken())?;
            #[expect(clippy::cast_precision_loss, reason = "larger numbers are never written")]
            let digits = reader.number()? as f64;
            undecimal(decimals, digits)
        }
    };
    if value.is_finite() { Ok(Some(value)) } else { Err(reader.broken()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn token(logprob: Option<f64>) -> Token {
        Token { piece: Piece::new("a", None), logprob, candidates: Box::new([]), id: None }
    }

    #[test]
    fn each_logprob_is_kept_in_its_shortest_form() {
        // Version, flags, count, candidates, choice, text: 7 bytes stand beside the logprob.
        let size = |logprob| encode(&[token(logprob)]).len() - 7;
        assert_eq!([size(None), size(Some(0.0)), size(Some(-0.5))], [1, 1, 5]);
        assert_eq!(size(Some(-0.317_253_05)), 5);
        assert_eq!(size(Some(f64::from(-0.317_253_05_f32))), 5);
        assert_eq!(size(Some(-std::f64::consts::LN_2)), 9);
    }

    #[test]
    fn a_blob_from_a_later_version_is_refused() {
        let blob = encode(&[token(Some(-1.0))]);
        for (at, more) in [(0, 1), (1, NUMBERED + 1)] {
            let mut later = blob.clone();
            later[at] += more;
            assert!(decode(&later).is_err());
        }
    }

    #[test]
    fn hostile_blobs_take_no_memory() {
        // A thousand million tokens, then nothing.
        assert!(decode(&[VERSION, 0, 0xff, 0xff, 0xff, 0xff, 0x0f]).is_err());
        // One token with as many candidates.
        assert!(decode(&[VERSION, 0, 1, 0xff, 0xff, 0xff, 0xff, 0x0f, 0, 0]).is_err());
        // A logprob that is no number, in place of one.
        let mut blob = encode(&[token(Some(-std::f64::consts::LN_2))]);
        let at = blob.len() - 8;
        blob[at..].copy_from_slice(&f64::NAN.to_le_bytes());
        assert!(decode(&blob).is_err());
    }

    fn logprobs() -> impl Strategy<Value = Option<f64>> {
        prop_oneof![
            1 => Just(None),
            1 => Just(Some(0.0)),
            1 => Just(Some(-0.0)),
            3 => (-20.0f64..0.0).prop_map(Some),
            3 => (-20.0f32..0.0).prop_map(|value| Some(f64::from(value))),
            3 => (1u32..2_000_000_000, 0u32..12).prop_map(|(digits, decimals)| {
                format!("-{digits}e-{decimals}").parse().ok()
            }),
            1 => any::<f64>().prop_filter_map("finite", |value| value.is_finite().then_some(Some(value))),
        ]
    }

    fn pieces() -> impl Strategy<Value = Piece> {
        let bytes = prop_oneof![
            Just(None::<Option<Vec<u8>>>),
            Just(Some(None)),
            prop::collection::vec(any::<u8>(), 0..6).prop_map(|bytes| Some(Some(bytes))),
        ];
        ("\\PC{0,6}", bytes).prop_map(|(text, bytes)| {
            let bytes = bytes.map(|bytes| bytes.unwrap_or_else(|| text.clone().into_bytes()));
            Piece::new(text, bytes)
        })
    }

    fn tokens() -> impl Strategy<Value = Vec<Token>> {
        let ids = || prop_oneof![3 => Just(None), 1 => any::<u32>().prop_map(Some)];
        let candidate = || {
            (pieces(), logprobs(), ids()).prop_map(|(piece, logprob, id)| Candidate { piece, logprob, id })
        };
        let others = prop::collection::vec(candidate(), 0..4);
        let token = (candidate(), others, prop::option::of(0usize..4));
        let token = token.prop_map(|(own, candidates, chosen)| {
            let chosen = chosen.and_then(|at| candidates.get(at).cloned());
            let Candidate { piece, logprob, id } = chosen.unwrap_or(own);
            Token { piece, logprob, candidates: candidates.into(), id }
        });
        prop::collection::vec(token, 0..12)
    }

    /// The bits of all logprobs; equality of numbers does not tell -0.0 from 0.0.
    fn bits(tokens: &[Token]) -> Vec<Option<u64>> {
        let own = |token: &Token| {
            let candidates = token.candidates.iter().map(|candidate| candidate.logprob);
            candidates.chain([token.logprob]).map(|value| value.map(f64::to_bits)).collect::<Vec<_>>()
        };
        tokens.iter().flat_map(own).collect()
    }

    proptest! {
        #[test]
        fn tokens_come_back_bit_by_bit(tokens in tokens()) {
            let back = decode(&encode(&tokens)).unwrap();
            prop_assert_eq!(bits(&back), bits(&tokens));
            prop_assert_eq!(back, tokens);
        }

        #[test]
        fn any_bytes_are_tokens_or_broken(
            junk in prop::collection::vec(any::<u8>(), 0..80), tokens in tokens(), at in any::<prop::sample::Index>(), to in any::<u8>(),
        ) {
            let _ = decode(&junk);
            let mut blob = encode(&tokens);
            let at = at.index(blob.len());
            blob[at] = to;
            let _ = decode(&blob);
            prop_assert!(decode(&blob[..at]).is_err() || at == blob.len());
        }
    }
}
