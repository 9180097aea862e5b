//! The mathematics of one position and of a whole answer.
//!
//! Inputs are natural logarithms as reported. Nothing is renormalised: the mass of candidates that
//! were not returned is kept as the *unseen tail*, and what depends on it is a range.

use crate::core::token::Token;

/// Below this margin in nats a position is a close call: the runner-up is at least half as probable.
pub const CLOSE_MARGIN: f64 = std::f64::consts::LN_2;

/// A closed interval; a point when both ends are equal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// Lower end.
    pub min: f64,
    /// Upper end.
    pub max: f64,
}

/// Returns the surprisal -log₂ p in bits, for a natural logarithm of p.
#[must_use]
pub fn surprisal_bits(logprob: f64) -> f64 {
    -logprob / std::f64::consts::LN_2
}

/// The running sums over an answer's tokens from which mean surprisal and perplexity follow.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Tally {
    sum: f64,
    count: usize,
}

impl Tally {
    /// Adds one token's logprob, if it has one.
    pub fn add(&mut self, logprob: Option<f64>) {
        if let Some(logprob) = logprob {
            self.sum += logprob;
            self.count += 1;
        }
    }

    /// Returns the tally of `count` logprobs with this sum, for an answer whose tokens are elsewhere.
    #[must_use]
    pub fn of(sum: f64, count: usize) -> Self {
        Self { sum, count }
    }

    /// Returns the sum of the logprobs in nats.
    #[must_use]
    pub fn sum(&self) -> f64 {
        self.sum
    }

    /// Returns how many tokens had a logprob.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Returns the mean logprob in nats; `None` without a value.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "token counts are far below 2^52")]
    pub fn mean_logprob(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }

    /// Returns the mean surprisal in bits.
    #[must_use]
    pub fn mean_surprisal_bits(&self) -> Option<f64> {
        self.mean_logprob().map(surprisal_bits)
    }

    /// Returns the perplexity exp(mean of -logprob) over the tokens that have one.
    #[must_use]
    pub fn perplexity(&self) -> Option<f64> {
        self.mean_logprob().map(|mean| (-mean).exp())
    }
}

/// What the returned candidates say about one position.
#[derive(Debug, Clone, Copy)]
pub struct Position<'a> {
    token: &'a Token,
}

impl<'a> Position<'a> {
    /// Returns the position at which `token` was chosen.
    #[must_use]
    pub fn new(token: &'a Token) -> Self {
        Self { token }
    }

    /// Returns the rank of the chosen token among the returned candidates, 1 for the most probable;
    /// `None` when it is not among them.
    ///
    /// Compared by bytes, as two candidates can print alike. Where the server reports other bytes
    /// for the chosen token than for its candidate, an equal logprob does not prove identity, so
    /// such a token has no rank.
    #[must_use]
    pub fn rank(self) -> Option<usize> {
        let chosen = self.token.piece.bytes();
        let at = self.token.candidates.iter().position(|c| c.piece.bytes() == chosen)?;
        let own = self.token.candidates[at].logprob;
        // Servers list in order, but a list that is not sorted must not change the rank.
        let better = self.token.candidates.iter().filter(|c| c.logprob > own).count();
        Some(better + 1)
    }

    /// Returns the known probabilities: those of the candidates, and of the chosen token where it
    /// is not among them.
    fn known(self) -> impl Iterator<Item = f64> + use<'a> {
        let extra = match self.rank() {
            Some(_) => None,
            None => self.token.logprob,
        };
        self.token.candidates.iter().filter_map(|c| c.logprob).chain(extra).map(f64::exp)
    }

    /// Returns the probability mass of the tokens that were not returned, 0 to 1.
    ///
    /// `None` without candidates. Rounding in the server can bring the sum above 1; the tail is then 0.
    #[must_use]
    pub fn tail(self) -> Option<f64> {
        if self.token.candidates.is_empty() {
            return None;
        }
        Some((1.0 - self.known().sum::<f64>()).clamp(0.0, 1.0))
    }

    /// Returns how far the chosen token is ahead of the best other candidate, in nats; negative when
    /// it is behind. `None` when there is nothing to compare with.
    #[must_use]
    pub fn margin(self) -> Option<f64> {
        let own = self.token.logprob?;
        let chosen = self.token.piece.bytes();
        let other = self
            .token
            .candidates
            .iter()
            .filter(|c| c.piece.bytes() != chosen)
            .filter_map(|c| c.logprob)
            .max_by(f64::total_cmp)?;
        Some(own - other)
    }

    /// Whether the answer nearly went elsewhere here: the chosen token was not rank 1, or another
    /// candidate was at least half as probable.
    #[must_use]
    pub fn is_close_call(self) -> bool {
        match self.margin() {
            Some(margin) => margin < CLOSE_MARGIN,
            None => false,
        }
    }

    /// Returns the interval in which the entropy of the whole distribution lies, in bits.
    ///
    /// With p the known probabilities, P their sum, r = 1 - P the tail, m the smallest known
    /// probability (or r if that is smaller), k their number and V the vocabulary's size, in nats:
    /// from `-Σ p ln p - r ln m` (the tail in as few, as large pieces as the list allows) to
    /// `-Σ p ln p + r ln((V-k)/r)` (the tail spread evenly). A point when r is 0.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "vocabulary sizes are far below 2^52")]
    pub fn entropy_bits(self, vocabulary: usize) -> Option<Range> {
        let tail = self.tail()?;
        let (mut sum, mut smallest, mut count) = (0.0, f64::INFINITY, 0usize);
        for p in self.known().filter(|p| *p > 0.0) {
            sum -= p * p.ln();
            smallest = smallest.min(p);
            count += 1;
        }
        if count == 0 {
            return None;
        }
        let (low, high) = if tail <= f64::EPSILON {
            (sum, sum)
        } else {
            let largest_unseen = smallest.min(tail);
            let unseen = vocabulary.saturating_sub(count).max(1) as f64;
            (sum - tail * largest_unseen.ln(), sum + tail * (unseen / tail).ln())
        };
        let bits = |nats: f64| nats / std::f64::consts::LN_2;
        Some(Range { min: bits(low), max: bits(high.max(low)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::token::{Candidate, Piece};
    use proptest::prelude::*;

    fn candidate(text: &str, p: f64) -> Candidate {
        Candidate { piece: Piece::new(text, None), logprob: Some(p.ln()) }
    }

    fn token(chosen: &str, p: f64, list: &[(&str, f64)]) -> Token {
        Token {
            piece: Piece::new(chosen, None),
            logprob: Some(p.ln()),
            candidates: list.iter().map(|(text, p)| candidate(text, *p)).collect(),
        }
    }

    #[test]
    fn known_values() {
        let token = token("b", 0.25, &[("a", 0.5), ("b", 0.25)]);
        let position = Position::new(&token);
        assert_eq!(position.rank(), Some(2));
        assert!((position.tail().unwrap() - 0.25).abs() < 1e-12);
        assert!((position.margin().unwrap() + 2f64.ln()).abs() < 1e-12);
        assert!((surprisal_bits(0.25f64.ln()) - 2.0).abs() < 1e-12);
    }

    #[test]
    fn a_chosen_token_outside_the_list_has_no_rank_and_counts_as_known() {
        let token = token("z", 0.1, &[("a", 0.5), ("b", 0.25)]);
        let position = Position::new(&token);
        assert_eq!(position.rank(), None);
        assert!((position.tail().unwrap() - 0.15).abs() < 1e-12);
    }

    #[test]
    fn perplexity_of_a_fair_coin_is_two() {
        let mut tally = Tally::default();
        for _ in 0..10 {
            tally.add(Some(0.5f64.ln()));
        }
        tally.add(None);
        assert_eq!(tally.count(), 10);
        assert!((tally.perplexity().unwrap() - 2.0).abs() < 1e-12);
        assert!((tally.mean_surprisal_bits().unwrap() - 1.0).abs() < 1e-12);
        assert_eq!(Tally::default().perplexity(), None);
    }

    proptest! {
        /// Cutting a full distribution to its top k never puts the true entropy outside the range.
        #[test]
        fn true_entropy_lies_in_the_range(weights in prop::collection::vec(1e-6f64..1.0, 2..60), k in 1usize..60) {
            let total: f64 = weights.iter().sum();
            let mut p: Vec<f64> = weights.iter().map(|w| w / total).collect();
            p.sort_by(|a, b| b.total_cmp(a));
            let truth: f64 = p.iter().map(|p| -p * p.log2()).sum();
            let names: Vec<String> = (0..p.len()).map(|i| format!("t{i}")).collect();
            let list: Vec<(&str, f64)> =
                names.iter().map(String::as_str).zip(p.iter().copied()).take(k.min(p.len())).collect();
            let token = token("t0", p[0], &list);
            let range = Position::new(&token).entropy_bits(p.len()).unwrap();
            prop_assert!(range.min <= truth + 1e-6, "{} > {truth}", range.min);
            prop_assert!(range.max >= truth - 1e-6, "{} < {truth}", range.max);
        }
    }
}
