//! Six steps from what a model was sure of to what surprised it.
//!
//! Owns where the steps of surprisal begin, so that a token has the same step on every surface. Never
//! owns a colour: a surface may as well draw a step as an underline or a digit.

use crate::core::probability::surprisal_bits;

/// One of six steps, 0 for what the model was sure of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Level(u8);

/// Surprisal in bits from which the levels 1 to 5 begin.
const SURPRISAL: [f64; 5] = [0.5, 1.0, 2.0, 3.5, 5.5];

/// What is written in a legend of surprisal for each level: the bits from which it begins.
pub const SURPRISAL_LEGEND: [&str; 6] = ["0", "½", "1", "2", "3½", "5½"];

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

    /// Returns the level of so many steps, the hottest at most.
    #[must_use]
    pub fn of(steps: usize) -> Self {
        Self(u8::try_from(steps).unwrap_or(Self::COUNT).min(Self::COUNT - 1))
    }

    /// Returns the level of a value among the beginnings of the levels 1 to 5.
    #[must_use]
    pub fn from_steps(steps: &[f64; 5], value: f64) -> Self {
        Self::of(steps.iter().filter(|from| value >= **from).count())
    }

    /// Returns the level of the surprisal of a logprob.
    #[must_use]
    pub fn of_surprisal(logprob: f64) -> Self {
        Self::from_steps(&SURPRISAL, surprisal_bits(logprob))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_begin_where_the_legend_says() {
        let level = |bits: f64| Level::of_surprisal(-bits * std::f64::consts::LN_2).index();
        assert_eq!([0.0, 0.49, 0.51, 1.01, 2.01, 3.51, 5.51, 99.0].map(level), [0, 0, 1, 2, 3, 4, 5, 5]);
        assert_eq!(Level::of_surprisal(f64::NEG_INFINITY), Level::of(5));
        assert_eq!(Level::all().count(), SURPRISAL_LEGEND.len());
    }
}
