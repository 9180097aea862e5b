//! The mathematics of one position and of a whole answer.
//!
//! Inputs are natural logarithms as reported. Nothing is renormalised: the mass of candidates that
//! were not returned is kept as the *unseen tail*, and what depends on it is a range.

use crate::core::ladder::Ladder;
use crate::core::token::{Candidate, Piece, Token};
use serde::Serialize;

/// Below this margin in nats a position is a close call: the runner-up is at least half as probable.
pub const CLOSE_MARGIN: f64 = std::f64::consts::LN_2;

/// A probability whose interval is wider than this, ±10 points, says little.
pub const WIDE: f64 = 0.2;

/// An interval narrower than this is a point: servers round more than that.
const POINT: f64 = 2e-6;

/// A closed interval; a point when both ends are equal.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Range {
    /// Lower end.
    pub min: f64,
    /// Upper end.
    pub max: f64,
}

impl Range {
    /// Returns the interval of one value.
    #[must_use]
    pub fn point(value: f64) -> Self {
        Self { min: value, max: value }
    }

    /// Returns how far its ends are apart.
    #[must_use]
    pub fn width(self) -> f64 {
        self.max - self.min
    }

    /// Whether it is one value, as exactly as servers report any.
    #[must_use]
    pub fn is_point(self) -> bool {
        self.width() <= POINT
    }

    /// Whether it is the interval of a probability that says little: wider than ±10 points.
    #[must_use]
    pub fn is_wide(self) -> bool {
        self.width() > WIDE
    }

    /// Returns the interval of the lesser of two values.
    #[must_use]
    pub(super) fn least(self, other: Self) -> Self {
        Self { min: self.min.min(other.min), max: self.max.min(other.max) }
    }
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
    /// Compared by number or bytes, see [`Token::chosen`]. Where the server gives no numbers and reports
    /// other bytes for the chosen token than for its candidate, an equal logprob does not prove
    /// identity, so such a token has no rank.
    #[must_use]
    pub fn rank(self) -> Option<usize> {
        let at = self.token.chosen()?;
        let own = self.token.candidates[at].logprob;
        // Servers list in order, but a list that is not sorted must not change the rank.
        let better = self.token.candidates.iter().filter(|c| c.logprob > own).count();
        Some(better + 1)
    }

    /// Returns the known probabilities: those of the candidates, and of the chosen token where it
    /// is not among them.
    ///
    /// A chosen token that is at least as probable as the last candidate would be on the list: it
    /// is there, under a spelling its bytes do not match, and is not counted twice.
    fn known(self) -> impl Iterator<Item = f64> + use<'a> {
        let listed = self.token.candidates.iter().filter_map(|c| c.logprob);
        let smallest = listed.clone().fold(f64::INFINITY, f64::min);
        let extra = match self.rank() {
            Some(_) => None,
            None => self.token.logprob.filter(|own| *own < smallest),
        };
        listed.chain(extra).map(f64::exp)
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

    /// Returns the probability mass that is known, 0 or more. More than 1, beyond what a server rounds,
    /// says that the values are no probabilities.
    #[must_use]
    pub fn mass(self) -> f64 {
        self.known().sum()
    }

    /// Returns the most probable candidate that was not chosen; `None` without one that has a value.
    #[must_use]
    pub fn runner_up(self) -> Option<&'a Candidate> {
        let own = self.own();
        let others = self.token.candidates.iter().enumerate().filter(|(index, _)| Some(*index) != own);
        let valued = others.filter_map(|(_, candidate)| Some((candidate, candidate.logprob?)));
        // The first of equals, as it is listed.
        valued.reduce(|best, next| if next.1 > best.1 { next } else { best }).map(|(candidate, _)| candidate)
    }

    /// Returns which candidate is the chosen token. Where none has its bytes and the server replaces
    /// some, one that is as probable stands for it, so that a token is no rival of its own.
    fn own(self) -> Option<usize> {
        let Self { token } = self;
        let is_lossy = |piece: &Piece| piece.text().contains(char::REPLACEMENT_CHARACTER);
        let is_same = |candidate: &Candidate| {
            let is_numbered = token.id.is_some() && candidate.id.is_some();
            let is_respelled = !is_numbered && (is_lossy(&token.piece) || is_lossy(&candidate.piece));
            is_respelled && token.logprob.is_some() && candidate.logprob == token.logprob
        };
        token.chosen().or_else(|| token.candidates.iter().position(is_same))
    }

    /// Returns the rank as it is written: the number, `>5` for a token that is not among 5 candidates,
    /// `–` where the server does not say.
    #[must_use]
    pub fn rank_text(self) -> String {
        let listed = self.token.candidates.iter().filter_map(|c| c.logprob);
        let is_below =
            || listed.fold(f64::INFINITY, f64::min) > self.token.logprob.unwrap_or(f64::NEG_INFINITY);
        match (self.rank(), self.token.candidates.len()) {
            (Some(rank), _) => rank.to_string(),
            (None, count) if count > 0 && is_below() => format!(">{count}"),
            (None, _) => "–".to_owned(),
        }
    }

    /// Returns how far the chosen token is ahead of the best other candidate, in nats; negative when
    /// it is behind. `None` when there is nothing to compare with.
    #[must_use]
    pub fn margin(self) -> Option<f64> {
        Some(self.token.logprob? - self.runner_up()?.logprob?)
    }

    /// Returns the margin in bits, see [`Position::margin`].
    #[must_use]
    pub fn margin_bits(self) -> Option<f64> {
        self.margin().map(|nats| nats / std::f64::consts::LN_2)
    }

    /// Whether the answer nearly went elsewhere here: the chosen token was not rank 1, or another
    /// candidate was at least half as probable.
    #[must_use]
    pub fn is_close_call(self) -> bool {
        // The same as a small margin, but nearly all positions are told by their values alone: texts lie
        // elsewhere in memory.
        let Some(own) = self.token.logprob else { return false };
        let is_near = |c: &&Candidate| c.logprob.is_some_and(|logprob| own - logprob < CLOSE_MARGIN);
        let mut near = self.token.candidates.iter().filter(is_near);
        match (near.next(), near.next()) {
            (None, _) => false,
            (Some(_), Some(_)) => true,
            (Some(only), None) if only.logprob == Some(own) && self.token.reads_like(only) => false,
            (Some(_), None) => self.margin().is_some_and(|margin| margin < CLOSE_MARGIN),
        }
    }

    /// Returns the interval in which the entropy of the whole distribution lies, in bits: see
    /// [`Ladder::entropy_bits`]. `None` without candidates.
    #[must_use]
    pub fn entropy_bits(self, vocabulary: usize) -> Option<Range> {
        Ladder::of(self.token, vocabulary, |ladder| ladder.entropy_bits())
    }
}

/// A position where the answer nearly went elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CloseCall {
    /// Which token of the answer.
    pub index: usize,
    /// How far the chosen token is ahead of the best other candidate, in bits; negative when behind.
    pub margin_bits: f64,
}

/// Returns the close calls of an answer, the closest first: whichever way it went, the less the chosen
/// token and the best other one are apart, the closer. Equal ones stand in the order of the answer.
#[must_use]
pub fn ranked_close_calls(tokens: &[Token]) -> Vec<CloseCall> {
    let mut calls: Vec<CloseCall> = tokens
        .iter()
        .enumerate()
        .filter_map(|(index, token)| {
            let position = Position::new(token);
            let margin_bits = position.is_close_call().then(|| position.margin_bits())??;
            Some(CloseCall { index, margin_bits })
        })
        .collect();
    calls.sort_by(|a, b| a.margin_bits.abs().total_cmp(&b.margin_bits.abs()));
    calls
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::truth::{Full, full};
    use proptest::prelude::*;

    fn candidate(text: &str, p: f64) -> Candidate {
        Candidate { piece: Piece::new(text, None), logprob: Some(p.ln()), id: None }
    }

    fn token(chosen: &str, p: f64, list: &[(&str, f64)]) -> Token {
        Token {
            piece: Piece::new(chosen, None),
            logprob: Some(p.ln()),
            candidates: list.iter().map(|(text, p)| candidate(text, *p)).collect(),
            id: None,
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
    fn a_rare_chosen_token_does_not_bound_the_unseen_ones() {
        // Two unseen tokens of 0.12, though the chosen one has 0.01.
        let token = token("z", 0.01, &[("a", 0.5), ("b", 0.25)]);
        let truth: f64 = [0.5f64, 0.25, 0.12, 0.12, 0.01].iter().map(|p| -p * p.log2()).sum();
        let range = Position::new(&token).entropy_bits(5).unwrap();
        assert!(range.min <= truth && truth <= range.max, "{truth} in {range:?}");
    }

    #[test]
    fn a_chosen_token_under_another_spelling_is_not_counted_twice() {
        let token = token("\u{1f642}", 0.7, &[("\u{fffd}", 0.7), ("b", 0.1)]);
        assert!((Position::new(&token).tail().unwrap() - 0.2).abs() < 1e-12);
    }

    #[test]
    fn close_calls_are_ranked_by_how_close_they_are() {
        let tokens = [
            token("a", 0.9, &[("a", 0.9), ("b", 0.05)]),
            token("a", 0.4, &[("a", 0.4), ("b", 0.3)]),
            token("b", 0.1, &[("a", 0.8), ("b", 0.1)]),
            token("a", 0.4, &[("a", 0.4), ("b", 0.3)]),
            token("a", 0.4, &[]),
            token("a", 0.5, &[("b", 0.5)]),
            token("a", 0.45, &[("b", 0.45), ("a", 0.45)]),
        ];
        let calls = ranked_close_calls(&tokens);
        assert_eq!(calls.iter().map(|call| call.index).collect::<Vec<_>>(), [5, 6, 1, 3, 2]);
        assert!((calls[4].margin_bits - (0.1f64 / 0.8).log2()).abs() < 1e-12);
    }

    #[test]
    fn tokens_that_read_alike_have_one_rival_each() {
        let lost = token("\u{fffd}", 0.3, &[("\u{fffd}", 0.6), ("\u{fffd}", 0.3), ("\u{fffd}", 0.1)]);
        let position = Position::new(&lost);
        assert_eq!((position.rank(), position.margin_bits().map(f64::round)), (Some(2), Some(-1.0)));
        assert!(position.is_close_call());
        // Under another spelling it is as probable as itself.
        let respelled = token("안", 0.6, &[("\u{fffd}", 0.6), ("a", 0.1)]);
        assert!(!Position::new(&respelled).is_close_call());
        assert!(Position::new(&respelled).margin().is_some_and(|margin| margin > 1.0));
    }

    #[test]
    fn a_rank_is_written_as_far_as_it_is_known() {
        let list = [("a", 0.5), ("b", 0.25)];
        assert_eq!(Position::new(&token("b", 0.25, &list)).rank_text(), "2");
        assert_eq!(Position::new(&token("z", 0.1, &list)).rank_text(), ">2");
        assert_eq!(Position::new(&Token { logprob: None, ..token("z", 0.1, &list) }).rank_text(), ">2");
        // It is one of the two under another spelling.
        assert_eq!(Position::new(&token("z", 0.25, &list)).rank_text(), "–");
        assert_eq!(Position::new(&token("z", 0.1, &[])).rank_text(), "–");
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
        /// A close call is a small margin, however the values lie and whatever reads alike.
        #[test]
        fn a_close_call_is_a_small_margin(
            own in 1u32..8, chosen in 0usize..3, list in prop::collection::vec((0usize..3, 1u32..8), 0..5),
        ) {
            let text = ["a", "b", "\u{fffd}"];
            let p = |eighths: u32| f64::from(eighths) / 8.0;
            let list: Vec<(&str, f64)> = list.iter().map(|(at, eighths)| (text[*at], p(*eighths))).collect();
            let token = token(text[chosen], p(own), &list);
            let position = Position::new(&token);
            let is_small = position.margin().is_some_and(|margin| margin < CLOSE_MARGIN);
            prop_assert_eq!(position.is_close_call(), is_small);
        }

        /// Whatever was cut off, the true entropy is in the range, and all of it gives a point.
        #[test]
        fn true_entropy_lies_in_the_range(full in full()) {
            let truth: f64 = full.at(1.0).iter().filter(|p| **p > 0.0).map(|p| -p * p.log2()).sum();
            let range = Position::new(&full.token(1.0)).entropy_bits(full.len()).unwrap();
            prop_assert!(range.min <= truth * (1.0 + 1e-9) + 1e-9, "{} > {truth}", range.min);
            prop_assert!(range.max >= truth * (1.0 - 1e-9) - 1e-9, "{} < {truth}", range.max);
            let whole = Full { listed: full.len(), ..full };
            let range = Position::new(&whole.token(1.0)).entropy_bits(whole.len()).unwrap();
            prop_assert!(range.width() <= 0.0 && (range.min - truth).abs() <= 1e-9);
        }
    }
}
