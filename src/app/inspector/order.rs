//! The order of the token table: as they stand, or what strikes most first.

use crate::core::group::Group;
use crate::core::probability::Position;
use crate::core::run::Run;

/// What the table is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// As in the answer.
    #[default]
    Position,
    /// The least probable first.
    Surprisal,
    /// The closest calls first.
    Margin,
    /// The least certain positions first.
    Entropy,
}

impl Order {
    /// Returns the next one in the round.
    #[must_use]
    pub fn next(self) -> Self {
        match self {
            Self::Position => Self::Surprisal,
            Self::Surprisal => Self::Margin,
            Self::Margin => Self::Entropy,
            Self::Entropy => Self::Position,
        }
    }

    /// Returns the name on screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Position => "position",
            Self::Surprisal => "surprisal",
            Self::Margin => "margin",
            Self::Entropy => "entropy",
        }
    }

    /// Returns what stands first, for a sentence.
    #[must_use]
    pub fn first(self) -> &'static str {
        match self {
            Self::Position => "as in the answer",
            Self::Surprisal => "the least probable first",
            Self::Margin => "the closest first",
            Self::Entropy => "the least certain first",
        }
    }

    /// Returns the groups' indices in this order, those without a value last; `None` for the answer's
    /// own order.
    #[must_use]
    pub fn sorted(self, run: &Run, groups: &[Group], vocabulary: usize) -> Option<Vec<usize>> {
        let value = |group: &Group| -> Option<f64> {
            let tokens = &run.tokens[group.tokens.clone()];
            match self {
                Self::Position => None,
                Self::Surprisal => tokens.iter().map(|token| token.logprob).sum::<Option<f64>>(),
                Self::Margin => {
                    tokens.iter().filter_map(|t| Position::new(t).margin()).min_by(f64::total_cmp)
                }
                Self::Entropy => tokens
                    .iter()
                    .filter_map(|token| Position::new(token).entropy_bits(vocabulary))
                    .map(|range| -f64::midpoint(range.min, range.max))
                    .min_by(f64::total_cmp),
            }
        };
        if self == Self::Position {
            return None;
        }
        let values: Vec<f64> = groups.iter().map(|group| value(group).unwrap_or(f64::INFINITY)).collect();
        let mut order: Vec<usize> = (0..groups.len()).collect();
        order.sort_by(|a, b| values[*a].total_cmp(&values[*b]).then(a.cmp(b)));
        Some(order)
    }
}
