//! How answers are coloured by what the model thought of their tokens.
//!
//! Owns what a colour stands for and where its steps begin. A [`Heating`] is put together once for an
//! answer and asked for each token; while a what-if is on, it colours what would have been.

pub use crate::core::heat::Level;

use crate::core::heat::SURPRISAL_LEGEND;
use crate::core::probability::{Position, Range};
use crate::core::token::Token;
use crate::core::what_if::WhatIf;

/// What the colour stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heat {
    /// Nothing: markdown is rendered.
    Off,
    /// The token's surprisal.
    Surprisal,
    /// The token's probability relative to the most probable candidate.
    Relative,
    /// The entropy of the position.
    Entropy,
}

/// The colour of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shade {
    /// Grey: the values leave too much open to say.
    Open,
    /// A heat step.
    Level(Level),
}

/// Probability relative to the best candidate below which the levels 1 to 5 begin.
const SHARES: [f64; 5] = [0.999, 0.5, 0.2, 0.05, 0.01];

/// Entropy in bits from which the levels 1 to 5 begin.
const ENTROPY: [f64; 5] = [0.25, 0.75, 1.5, 2.5, 4.0];

impl Heat {
    /// Returns what comes after it in the round.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Off => Self::Surprisal,
            Self::Surprisal => Self::Relative,
            Self::Relative => Self::Entropy,
            Self::Entropy => Self::Off,
        }
    }

    /// Returns what is written in the legend for each level, and the unit.
    #[must_use]
    pub fn legend(self) -> Option<(&'static str, [&'static str; 6])> {
        let steps = match self {
            Self::Off => return None,
            Self::Surprisal => SURPRISAL_LEGEND,
            Self::Relative => ["1", "<1", "<½", "<⅕", "<5%", "<1%"],
            Self::Entropy => ["0", "¼", "¾", "1½", "2½", "4"],
        };
        Some((self.units().first()?, steps))
    }

    /// Returns the names of the unit, the longest first, for a legend that must have one.
    #[must_use]
    pub fn units(self) -> &'static [&'static str] {
        match self {
            Self::Off => &[],
            Self::Surprisal => &["surprisal, bits", "surprisal", "bits"],
            Self::Relative => &["relative to the best", "relative", "rel."],
            Self::Entropy => &["entropy, bits", "entropy", "bits"],
        }
    }
}

/// What an answer is coloured by, and the what-if that applies to it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Heating {
    heat: Heat,
    what_if: Option<WhatIf>,
    vocabulary: usize,
}

impl Heating {
    /// No colour.
    pub const OFF: Self = Self { heat: Heat::Off, what_if: None, vocabulary: 0 };

    /// Returns colours for an answer of a model with so many tokens in its vocabulary.
    #[must_use]
    pub fn new(heat: Heat, what_if: Option<WhatIf>, vocabulary: usize) -> Self {
        Self { heat, what_if, vocabulary }
    }

    /// Returns the same for a pane that shows colours in any case: surprisal where none is chosen.
    #[must_use]
    pub fn always(self) -> Self {
        match self.heat {
            Heat::Off => Self { heat: Heat::Surprisal, ..self },
            Heat::Surprisal | Heat::Relative | Heat::Entropy => self,
        }
    }

    /// Whether nothing is coloured.
    #[must_use]
    pub fn is_off(&self) -> bool {
        self.heat == Heat::Off
    }

    /// Returns the what-if that has a say in it.
    #[must_use]
    pub fn what_if(&self) -> Option<WhatIf> {
        self.what_if
    }

    /// Returns the colour of a token; `None` where it has no logprob or nothing is coloured.
    #[must_use]
    pub fn shade(&self, token: &Token) -> Option<Shade> {
        match (self.heat, self.what_if) {
            (Heat::Surprisal, Some(what_if)) => what_if.chosen_band(token).ok().map(reshaped),
            _ => self.reported(token),
        }
    }

    /// Returns the colour of a token of which the what-if is known to make `band`.
    #[must_use]
    pub fn shade_in(&self, token: &Token, band: Option<Range>) -> Option<Shade> {
        match (self.heat, self.what_if) {
            (Heat::Surprisal, Some(_)) => band.map(reshaped),
            _ => self.reported(token),
        }
    }

    fn reported(&self, token: &Token) -> Option<Shade> {
        let logprob = token.logprob?;
        match self.heat {
            Heat::Off => None,
            Heat::Surprisal => Some(Shade::Level(Level::of_surprisal(logprob))),
            Heat::Relative => {
                let best = token.candidates.iter().filter_map(|c| c.logprob).fold(logprob, f64::max);
                // At another temperature the ratio is a power of this one, whatever was not returned.
                let power = self.what_if.map_or(1.0, WhatIf::power);
                let share = if logprob >= best { 1.0 } else { (power * (logprob - best)).exp() };
                Some(Shade::Level(Level::of(SHARES.iter().filter(|below| share < **below).count())))
            }
            Heat::Entropy => {
                let range = Position::new(token).entropy_bits(self.vocabulary)?;
                Some(Shade::Level(Level::from_steps(&ENTROPY, f64::midpoint(range.min, range.max))))
            }
        }
    }
}

/// Returns the colour of a token that would have had a probability in this band.
fn reshaped(band: Range) -> Shade {
    if band.is_wide() {
        return Shade::Open;
    }
    Shade::Level(Level::of_surprisal(f64::midpoint(band.min, band.max).ln()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::reshaping::{Reshaping, Source};
    use crate::core::token::{Candidate, Piece};

    fn token(p: f64, best: f64) -> Token {
        let candidate =
            |text: &str, p: f64| Candidate { piece: Piece::new(text, None), logprob: Some(p.ln()), id: None };
        let chosen = candidate("x", p);
        let candidates = Box::new([candidate("best", best), chosen.clone()]);
        Token { piece: chosen.piece, logprob: chosen.logprob, candidates, id: None }
    }

    fn level(heating: Heating, token: &Token) -> usize {
        match heating.shade(token) {
            Some(Shade::Level(level)) => level.index(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn surprisal_and_relative_probability_have_six_levels() {
        let levels = |heat| {
            let heating = Heating::new(heat, None, 1000);
            [0.99, 0.6, 0.31, 0.15, 0.05, 0.01].map(|p| level(heating, &token(p, 0.6)))
        };
        assert_eq!(levels(Heat::Surprisal), [0, 1, 2, 3, 4, 5]);
        assert_eq!(levels(Heat::Relative), [0, 0, 1, 2, 3, 4]);
        assert_eq!(Heating::OFF.shade(&token(0.5, 0.5)), None);
        // The whole vocabulary is listed, so the entropy is a point: 0.08 and 0.97 bits.
        let entropy = |p| level(Heating::new(Heat::Entropy, None, 2), &token(p, 1.0 - p));
        assert_eq!([entropy(0.99), entropy(0.6)], [0, 2]);
    }

    #[test]
    fn a_what_if_colours_what_would_have_been() {
        let sure = token(0.9, 0.1);
        let at = |temperature| {
            let reshaping = Reshaping { temperature, ..Reshaping::default() };
            Heating::new(Heat::Surprisal, WhatIf::new(Source::BEFORE, reshaping, 2).ok(), 2)
        };
        assert_eq!(level(at(1.0), &sure), 0);
        assert_eq!(level(at(3.0), &sure), 1);
        // With an unseen tail nobody knows what heating it makes of it.
        let unseen = token(0.6, 0.1);
        let reshaping = Reshaping { temperature: 2.0, ..Reshaping::default() };
        let what_if = WhatIf::new(Source::BEFORE, reshaping, 200_000).ok();
        assert_eq!(Heating::new(Heat::Surprisal, what_if, 200_000).shade(&unseen), Some(Shade::Open));
        assert_eq!(level(Heating::new(Heat::Relative, what_if, 200_000), &token(0.1, 0.6)), 2);
    }
}
