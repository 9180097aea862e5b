//! The statistics there are, what they are called and how a value of each is written.

use crate::app::figures::Scale;
use crate::core::diversity::Measure;
use crate::core::figure;

/// A statistic over the answers of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statistic {
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
    Clusters,
    /// Length in tokens.
    Tokens,
    /// The first token in which they are not the same.
    PartsAt,
    /// The mean logprob.
    MeanLogprob,
    /// The perplexity.
    Perplexity,
    /// The time until the first token.
    FirstToken,
    /// Tokens per second after it.
    Rate,
    /// What an answer costs.
    Cost,
    /// Why they ended.
    Finish,
    /// The share that passes all checks.
    Passed,
    /// The share that passes the check of this number.
    Check(usize),
    /// How often the column was chosen in blind votes.
    Votes,
}

impl Statistic {
    /// All that are of answers, in the order they are shown.
    pub const ALL: [Self; 15] = [
        Self::Answers,
        Self::Distinct,
        Self::MostCommon,
        Self::Similarity,
        Self::DistinctOne,
        Self::DistinctTwo,
        Self::Clusters,
        Self::Tokens,
        Self::PartsAt,
        Self::MeanLogprob,
        Self::Perplexity,
        Self::FirstToken,
        Self::Rate,
        Self::Cost,
        Self::Finish,
    ];

    /// Those over all answers of a column whatever their cell, as documents have them.
    pub const WHOLE: [Self; 11] = [
        Self::Answers,
        Self::Distinct,
        Self::MostCommon,
        Self::Similarity,
        Self::DistinctOne,
        Self::DistinctTwo,
        Self::Clusters,
        Self::Tokens,
        Self::PartsAt,
        Self::MeanLogprob,
        Self::Perplexity,
    ];

    /// Returns the name in the table.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Answers => Measure::Answers.name(),
            Self::Distinct => Measure::Distinct.name(),
            Self::MostCommon => Measure::MostCommon.name(),
            Self::Similarity => Measure::Similarity.name(),
            Self::DistinctOne => Measure::DistinctOne.name(),
            Self::DistinctTwo => Measure::DistinctTwo.name(),
            Self::Clusters => Measure::Characters.name(),
            Self::Tokens => Measure::Tokens.name(),
            Self::PartsAt => Measure::PartsAt.name(),
            Self::MeanLogprob => Measure::MeanLogprob.name(),
            Self::Perplexity => Measure::Perplexity.name(),
            Self::FirstToken => "first token",
            Self::Rate => "rate",
            Self::Cost => "cost",
            Self::Finish => "finish",
            Self::Passed => "pass rate",
            Self::Check(_) => "check",
            Self::Votes => "blind votes",
        }
    }

    /// Returns what it says, in a line.
    #[must_use]
    pub fn meaning(self) -> &'static str {
        match self {
            Self::Answers => "complete answers; all figures are of these",
            Self::Distinct => "different answers, white space folded",
            Self::MostCommon => "share of the answer given most often",
            Self::Similarity => "1 less the edits between two answers by their length; a dot per pair",
            Self::DistinctOne => "different words by all words of a cell",
            Self::DistinctTwo => "different pairs of words by all pairs of a cell",
            Self::Clusters => "length in characters as people count them",
            Self::Tokens => "length in tokens as the provider counts",
            Self::PartsAt => "the first token that is not the same in all answers",
            Self::MeanLogprob => "mean logprob of an answer's tokens, in nats",
            Self::Perplexity => "exp of the mean of -logprob; 1 is certain",
            Self::FirstToken => "from sending to the first token",
            Self::Rate => "tokens per second after the first one",
            Self::Cost => "what an answer costs",
            Self::Finish => "why the answers ended, and those that did not",
            Self::Passed => "answers that pass all checks, of those that were judged",
            Self::Check(_) => "answers that pass it, of those that were judged",
            Self::Votes => "how often it was chosen unseen, also in comparisons before this one",
        }
    }

    /// Returns a value of it as it is written.
    #[must_use]
    pub fn write(self, value: f64) -> String {
        match self {
            Self::Answers | Self::Distinct | Self::Clusters | Self::Tokens | Self::PartsAt | Self::Votes => {
                Measure::Answers.write(value)
            }
            Self::MostCommon | Self::Passed | Self::Check(_) => Measure::MostCommon.write(value),
            Self::Similarity | Self::DistinctOne | Self::DistinctTwo | Self::MeanLogprob => {
                Measure::Similarity.write(value)
            }
            Self::Perplexity => Measure::Perplexity.write(value),
            Self::FirstToken => figure::duration_ms(value),
            Self::Rate => figure::rate(value),
            Self::Cost => figure::dollars(value),
            Self::Finish => String::new(),
        }
    }

    /// Returns the scale of a chart of some values: a share from 0 to 1, all else from or to 0, so that
    /// heights compare as the values do.
    #[must_use]
    pub fn scale(self, values: impl IntoIterator<Item = f64>) -> Scale {
        match self {
            Self::MostCommon
            | Self::Similarity
            | Self::DistinctOne
            | Self::DistinctTwo
            | Self::Passed
            | Self::Check(_) => Scale::SHARE,
            Self::Answers
            | Self::Distinct
            | Self::Clusters
            | Self::Tokens
            | Self::PartsAt
            | Self::MeanLogprob
            | Self::Perplexity
            | Self::FirstToken
            | Self::Rate
            | Self::Cost
            | Self::Finish
            | Self::Votes => Scale::with_zero(values),
        }
    }
}
