//! Answers written beforehand, with tokens, probabilities and candidates, as a server would send them.
//!
//! An answer is its text. Braces mark a position that matters, with what could have stood there and
//! how likely each was in percent, the chosen one first: `The{ best 44| nicest 17| point 9} thing`.
//! All other positions get probabilities from a fixed row of numbers, so the same text always gives
//! the same tokens.

use tokenscope::core::model::Encoding;
use tokenscope::core::token::{Candidate, Piece, Token};
use tokenscope::tokenizer;

/// How sure the model was of positions that are not marked, at temperature 0.3.
const SURE: [f64; 13] =
    [0.992, 0.9995, 0.97, 0.998, 0.93, 0.9999, 0.985, 0.88, 0.996, 0.999, 0.95, 0.9997, 0.98];

/// What else could have stood at positions that are not marked, and its share of what is left.
const OTHERS: [(&str, &str, f64); 5] = [
    (" the", " 그", 0.42),
    (" a", " 더", 0.21),
    (",", "는", 0.12),
    (" and", " 좋은", 0.08),
    (" it", "을", 0.05),
];

/// Candidates a server sends for each token.
const CANDIDATES: usize = 5;

/// Returns the text of an answer and its tokens; the probability of unmarked positions is raised to
/// the power `heat`, so that a larger number is a less certain model.
pub(crate) fn tokens(answer: &str, heat: f64) -> Vec<Token> {
    let mut out = Vec::new();
    let mut rest = answer;
    while !rest.is_empty() {
        let (plain, marked, after) = match rest.split_once('{') {
            None => (rest, None, ""),
            Some((plain, rest)) => {
                let (marked, after) = rest.split_once('}').unwrap();
                (plain, Some(marked), after)
            }
        };
        for piece in tokenizer::table(Encoding::O200kBase).pieces(plain) {
            let bytes = &plain.as_bytes()[piece];
            let sure = SURE[(out.len() * 5 + bytes.len() * 3) % SURE.len()].powf(heat);
            out.push(unmarked(bytes, sure));
        }
        out.extend(marked.map(position));
        rest = after;
    }
    out
}

fn unmarked(bytes: &[u8], sure: f64) -> Token {
    let piece = Piece::new(String::from_utf8_lossy(bytes).into_owned(), Some(bytes.to_vec()));
    let is_korean = bytes.first().is_some_and(|byte| *byte >= 0xe0)
        || bytes.get(1).is_some_and(|byte| bytes[0] == b' ' && *byte >= 0xe0);
    let others = OTHERS.iter().map(|(latin, korean, share)| (if is_korean { korean } else { latin }, share));
    let others = others
        .filter(|(other, _)| other.as_bytes() != bytes)
        .map(|(other, share)| (Piece::new(*other, Some(other.as_bytes().to_vec())), (1.0 - sure) * share));
    token(piece.clone(), sure, others.chain([(piece, sure)]).collect())
}

fn position(marked: &str) -> Token {
    let candidates: Vec<(Piece, f64)> = marked
        .split('|')
        .map(|entry| {
            let (text, percent) = entry.rsplit_once(' ').unwrap();
            (Piece::new(text, Some(text.as_bytes().to_vec())), percent.parse::<f64>().unwrap() / 100.0)
        })
        .collect();
    let (piece, share) = candidates[0].clone();
    token(piece, share, candidates)
}

fn token(piece: Piece, share: f64, mut candidates: Vec<(Piece, f64)>) -> Token {
    candidates.sort_by(|a, b| b.1.total_cmp(&a.1));
    candidates.truncate(CANDIDATES);
    let candidates =
        candidates.into_iter().map(|(piece, share)| Candidate { piece, logprob: Some(share.ln()), id: None });
    Token { piece, logprob: Some(share.ln()), candidates: candidates.collect(), id: None }
}
