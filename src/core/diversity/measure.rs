//! The statistics over answers by their names, and how each is written for people.
//!
//! Owns one wording for the screen and for every document, so that they cannot contradict each other. The rule
//! that few values have no mean is [`Spread`]'s: they stand for themselves here too.

use super::{Divergence, Diversity, Spread, Unit};
use crate::core::figure;

/// Most values of few answers that are written next to each other.
const MOST_VALUES: usize = 10;

/// A statistic over some answers to the same request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// How many answers are complete.
    Answers,
    /// How many of them are different.
    Distinct,
    /// The share of the most common one.
    MostCommon,
    /// How alike two of them are.
    Similarity,
    /// Different words by all words.
    DistinctOne,
    /// Different pairs of words by all pairs.
    DistinctTwo,
    /// Length in clusters.
    Characters,
    /// Length in tokens.
    Tokens,
    /// The first token in which they are not the same, counted from 1.
    PartsAt,
    /// The mean logprob.
    MeanLogprob,
    /// The perplexity.
    Perplexity,
}

impl Measure {
    /// All of them, in the order they are shown.
    pub const ALL: [Self; 11] = [
        Self::Answers,
        Self::Distinct,
        Self::MostCommon,
        Self::Similarity,
        Self::DistinctOne,
        Self::DistinctTwo,
        Self::Characters,
        Self::Tokens,
        Self::PartsAt,
        Self::MeanLogprob,
        Self::Perplexity,
    ];

    /// Returns what it is called.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Answers => "answers",
            Self::Distinct => "distinct",
            Self::MostCommon => "most common",
            Self::Similarity => "similarity",
            Self::DistinctOne => "distinct-1",
            Self::DistinctTwo => "distinct-2",
            Self::Characters => "characters",
            Self::Tokens => "tokens",
            Self::PartsAt => "part at token",
            Self::MeanLogprob => "mean logprob",
            Self::Perplexity => "perplexity",
        }
    }

    /// Returns a value of it as it is written.
    #[must_use]
    pub fn write(self, value: f64) -> String {
        match self {
            Self::Answers | Self::Distinct | Self::Characters | Self::Tokens | Self::PartsAt => number(value),
            Self::MostCommon => figure::percent(value),
            Self::Similarity | Self::DistinctOne | Self::DistinctTwo | Self::MeanLogprob => {
                // Adding zero turns -0.0, which would print its sign, into 0.0.
                format!("{:.2}", value + 0.0)
            }
            Self::Perplexity => figure::perplexity(value),
        }
    }

    /// Returns what it says of some answers, as documents have it; `None` where it says nothing.
    #[must_use]
    pub fn told(self, of: &Diversity) -> Option<String> {
        match self {
            Self::Answers => Some(figure::whole(of.answers as u64)),
            Self::Distinct => Some(figure::whole(of.distinct as u64)),
            Self::MostCommon => Some(self.write(of.mode_share)),
            Self::DistinctOne => of.distinct_1.map(|share| self.write(share)),
            Self::DistinctTwo => of.distinct_2.map(|share| self.write(share)),
            Self::PartsAt => of.divergence.map(Divergence::told),
            Self::Similarity => of.similarity.as_ref().and_then(|spread| self.told_spread(spread)),
            Self::Characters => self.told_spread(&of.length),
            Self::Tokens => of.output_tokens.as_ref().and_then(|spread| self.told_spread(spread)),
            Self::MeanLogprob => of.mean_logprob.as_ref().and_then(|spread| self.told_spread(spread)),
            Self::Perplexity => of.perplexity().and_then(|spread| self.told_spread(&spread)),
        }
    }

    /// Returns mean and deviation, or of few answers the values.
    fn told_spread(self, spread: &Spread) -> Option<String> {
        let values = spread.values();
        if values.is_empty() {
            return None;
        }
        let Some(mean) = spread.mean() else {
            let shown = values.iter().take(MOST_VALUES).map(|value| self.write(*value));
            let rest = values.len().checked_sub(MOST_VALUES).filter(|rest| *rest > 0);
            let rest = rest.map(|rest| format!("and {rest} more"));
            return Some(shown.chain(rest).collect::<Vec<_>>().join(", "));
        };
        // What is left of equal values is rounding.
        let deviation = spread.deviation().map(|own| if own > mean.abs() * 1e-9 { own } else { 0.0 });
        let deviation = deviation.map(|deviation| format!(" ± {}", self.write(deviation)));
        Some(self.write(mean) + &deviation.unwrap_or_default())
    }
}

impl Divergence {
    /// Returns where answers part, counted from 1: the number of a token, or of what it is else.
    #[must_use]
    pub fn told(self) -> String {
        match (self.at, self.unit) {
            (None, _) => "all the same".to_owned(),
            (Some(at), Unit::Token) => figure::whole(at as u64 + 1),
            (Some(at), Unit::Cluster) => format!("character {}", figure::whole(at as u64 + 1)),
        }
    }
}

/// Returns a count, or a mean of counts.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts are not negative")]
fn number(value: f64) -> String {
    if value.fract().abs() < 1e-9 || value >= 999.5 {
        figure::whole(value.round() as u64)
    } else {
        format!("{value:.1}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_stand_for_themselves_and_many_have_a_mean() {
        let told =
            |measure: Measure, values: &[f64]| measure.told_spread(&Spread::of_answers(values.to_vec()));
        assert_eq!(told(Measure::Characters, &[31.0, 28.0]).as_deref(), Some("31, 28"));
        assert_eq!(told(Measure::Characters, &[10.0, 12.0, 11.0, 9.0, 13.0]).as_deref(), Some("11 ± 1.6"));
        assert_eq!(told(Measure::Similarity, &[0.1; 6]).as_deref(), Some("0.10 ± 0.00"));
        assert_eq!(told(Measure::Tokens, &[]), None);
        let pairs = Spread::of_pairs(vec![1.0; 12], 4);
        let told = Measure::Similarity.told_spread(&pairs).unwrap();
        assert!(told.ends_with("1.00, and 2 more"), "{told}");
    }

    #[test]
    fn where_answers_part_is_counted_from_one() {
        let told = |unit, at| Divergence { unit, at }.told();
        assert_eq!(told(Unit::Token, Some(46)), "47");
        assert_eq!(told(Unit::Cluster, Some(0)), "character 1");
        assert_eq!(told(Unit::Token, None), "all the same");
    }
}
