//! Where two answers part, in a line or two: both tokens, and how likely each was in both runs.
//!
//! Owns the sentence only; [`Parting`] knows the values. A value that a run does not have is said to
//! be unknown, one that is outside its list is said to be at most something: never a guess.

use crate::core::diff::{Contender, Likelihood, Parting};
use crate::core::figure;
use crate::core::text::{fit, visible, width};

/// Widest token that is shown whole, in cells.
const TOKEN_CELLS: usize = 16;

/// Returns where two runs part in at most two lines of a width: `part at token 7: ␣quiet 41.2 % here, ≤ 3.1 %
/// there · ␣loud …`. *Here* is the first run, *there* the second.
#[must_use]
pub fn parting_lines(parting: &Parting<'_>, cells: usize) -> Vec<String> {
    let head = format!("part at token {}", figure::whole(parting.at as u64 + 1));
    let sides = [("here", parting.first), ("there", parting.second)];
    let [first, second] = sides.map(|(place, side)| match side {
        Some(contender) => told(&contender),
        None => format!("the answer {place} ends"),
    });
    let whole = format!("{head}: {first} · {second}");
    if width(&whole) <= cells {
        return vec![whole];
    }
    let lines = [format!("{head}: {first}"), second];
    if lines.iter().all(|line| width(line) <= cells) {
        return lines.into();
    }
    // Narrow, as a column is: a token in each line, its likelihoods at the right edge, here first.
    sides
        .map(|(place, side)| {
            side.map_or_else(|| fit(&format!("{place} ends"), cells), |own| brief(&own, cells))
        })
        .into()
}

fn brief(contender: &Contender<'_>, cells: usize) -> String {
    let (here, there) = (likelihood(contender.in_first), likelihood(contender.in_second));
    let figures = format!("{} | {there}", here.trim_end_matches(" %"));
    let room = cells.saturating_sub(width(&figures) + 1);
    let token = fit(&visible(&contender.token.piece.shown()), room.min(TOKEN_CELLS));
    let gap = cells.saturating_sub(width(&token) + width(&figures));
    fit(&format!("{token}{}{figures}", " ".repeat(gap)), cells)
}

fn told(contender: &Contender<'_>) -> String {
    let token = fit(&visible(&contender.token.piece.shown()), TOKEN_CELLS);
    let (here, there) = (likelihood(contender.in_first), likelihood(contender.in_second));
    format!("{token} {here} here, {there} there")
}

fn likelihood(likelihood: Likelihood) -> String {
    match likelihood {
        Likelihood::Known(logprob) => figure::percent(logprob.exp()),
        Likelihood::AtMost(logprob) => match figure::percent(logprob.exp()) {
            // It says so itself.
            least if least.starts_with('<') => least,
            most => format!("≤ {most}"),
        },
        Likelihood::NotOffered => "unknown".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::token::{Piece, Token};

    fn token(text: &str) -> Token {
        Token { piece: Piece::new(text, None), logprob: None, candidates: Box::new([]), id: None }
    }

    #[test]
    fn both_tokens_are_told_with_their_likelihood_in_both_runs() {
        let (quiet, loud) = (token(" quiet"), token("\u{1b}loud"));
        let known = |share: f64| Likelihood::Known(share.ln());
        let mut parting = Parting {
            at: 6,
            first: Some(Contender { token: &quiet, in_first: known(0.412), in_second: known(0.031) }),
            second: Some(Contender {
                token: &loud,
                in_first: Likelihood::AtMost(0.004_f64.ln()),
                in_second: Likelihood::NotOffered,
            }),
        };
        assert_eq!(
            parting_lines(&parting, 120),
            ["part at token 7: ␣quiet 41.2 % here, 3.1 % there · ␛loud ≤ 0.4 % here, unknown there"]
        );
        assert_eq!(
            parting_lines(&parting, 52),
            ["part at token 7: ␣quiet 41.2 % here, 3.1 % there", "␛loud ≤ 0.4 % here, unknown there"]
        );
        assert_eq!(
            parting_lines(&parting, 26),
            ["␣quiet       41.2 | 3.1 %", "␛loud    ≤ 0.4 | unknown"].map(|line| {
                let (token, figures) = line.split_once(' ').unwrap();
                format!("{token}{:>1$}", figures.trim_start(), 26 - width(token))
            })
        );
        assert!(parting_lines(&parting, 20).iter().all(|line| width(line) <= 20));
        parting.second = None;
        assert_eq!(
            parting_lines(&parting, 120),
            ["part at token 7: ␣quiet 41.2 % here, 3.1 % there · the answer there ends"]
        );
        assert_eq!(likelihood(Likelihood::AtMost(-12.0)), "<0.1 %");
    }
}
