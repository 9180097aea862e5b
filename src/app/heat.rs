//! How answers are coloured by what the model thought of their tokens.

use crate::core::probability::surprisal_bits;
use crate::core::token::Token;

/// What the colour stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heat {
    /// Nothing: markdown is rendered.
    Off,
    /// The token's surprisal.
    Surprisal,
    /// The token's probability relative to the most probable candidate.
    Relative,
}

/// One of six steps, 0 for what the model was sure of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Level(u8);

impl Level {
    /// How many there are.
    pub const COUNT: u8 = 6;

    /// Returns all levels, the coolest first.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..Self::COUNT).map(Self)
    }

    /// Returns the number of the level, 0 to 5.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// Surprisal in bits from which the levels 1 to 5 begin.
const BITS: [f64; 5] = [0.5, 1.0, 2.0, 3.5, 5.5];

/// Probability relative to the best candidate below which the levels 1 to 5 begin.
const SHARES: [f64; 5] = [0.999, 0.5, 0.2, 0.05, 0.01];

impl Heat {
    /// Returns the level of a token; `None` where it has no logprob or nothing is coloured.
    #[must_use]
    pub fn level(self, token: &Token) -> Option<Level> {
        let logprob = token.logprob?;
        let steps = match self {
            Self::Off => return None,
            Self::Surprisal => {
                let bits = surprisal_bits(logprob);
                BITS.iter().filter(|from| bits >= **from).count()
            }
            Self::Relative => {
                let best = token.candidates.iter().filter_map(|c| c.logprob).fold(logprob, f64::max);
                let share = (logprob - best).exp();
                SHARES.iter().filter(|below| share < **below).count()
            }
        };
        u8::try_from(steps).ok().map(Level)
    }

    /// Returns what is written in the legend for each level, and the unit.
    #[must_use]
    pub fn legend(self) -> Option<(&'static str, [&'static str; 6])> {
        match self {
            Self::Off => None,
            Self::Surprisal => Some(("surprisal, bits", ["0", "½", "1", "2", "3½", "5½"])),
            Self::Relative => Some(("of the best candidate", ["1", "<1", "<½", "<⅕", "<5 %", "<1 %"])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::token::{Candidate, Piece};

    fn token(p: f64, best: f64) -> Token {
        let candidate = Candidate { piece: Piece::new("best", None), logprob: Some(best.ln()), id: None };
        Token {
            piece: Piece::new("x", None),
            logprob: Some(p.ln()),
            candidates: Box::new([candidate]),
            id: None,
        }
    }

    #[test]
    fn surprisal_and_relative_probability_have_six_levels() {
        let levels = |heat: Heat| {
            [0.99, 0.6, 0.31, 0.15, 0.05, 0.01].map(|p| heat.level(&token(p, 0.6)).unwrap().index())
        };
        assert_eq!(levels(Heat::Surprisal), [0, 1, 2, 3, 4, 5]);
        assert_eq!(levels(Heat::Relative), [0, 0, 1, 2, 3, 4]);
        assert_eq!(Heat::Off.level(&token(0.5, 0.5)), None);
    }
}
