//! How fast a model answered so far, and how long its answers were.
//!
//! Owns the medians over its latest answers, from which the time of what is still to be asked follows.
//! They are figures of the past: what follows from them is an estimate, and without an answer there is none.

use crate::core::run::{Run, RunStatus, Stages};
use crate::core::time::millis;

/// How many of the latest answers of a model are looked at: as many as say something, and as few as a server
/// that has become slower needs to be believed.
pub const LATEST: usize = 32;

/// How long one answer took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timing {
    /// From sending to the first token, in milliseconds.
    pub first_token_ms: f64,
    /// From the first token to the end, in milliseconds.
    pub rest_ms: f64,
    /// Its tokens, by the provider or as estimated.
    pub output_tokens: u64,
}

impl Timing {
    /// Returns how long a complete answer took; `None` where it is not complete or that is not known.
    #[must_use]
    pub fn of(run: &Run) -> Option<Self> {
        let tokens = run.output_tokens()?.tokens();
        matches!(run.status, RunStatus::Done(_)).then(|| Self::of_stages(run.stages(), tokens))?
    }

    /// Returns how long an answer took that came to its stages so; `None` where it lacks one.
    #[must_use]
    pub fn of_stages(stages: Stages, output_tokens: u64) -> Option<Self> {
        let (sent, first, last) = (stages.sent?, stages.first?, stages.last?);
        let between = |from, to: std::time::Duration| millis(to.saturating_sub(from));
        Some(Self { first_token_ms: between(sent, first), rest_ms: between(first, last), output_tokens })
    }

    /// Returns the time of each token after the first one.
    #[expect(clippy::cast_precision_loss, reason = "token counts are far below 2^52")]
    fn token_ms(&self) -> Option<f64> {
        let tokens = self.output_tokens.checked_sub(1).filter(|tokens| *tokens > 0)?;
        Some(self.rest_ms / tokens as f64)
    }
}

/// How fast answers came so far, and how long they were: medians.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Pace {
    /// Time to the first token, in milliseconds.
    pub first_token_ms: f64,
    /// Time of each token after it, in milliseconds.
    pub token_ms: f64,
    /// Tokens of an answer.
    pub output_tokens: f64,
}

impl Pace {
    /// Returns the pace of some answers; `None` where there are none.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "token counts are far below 2^52")]
    pub fn of(timings: &[Timing]) -> Option<Self> {
        let first_token_ms = median(timings.iter().map(|timing| timing.first_token_ms))?;
        let output_tokens = median(timings.iter().map(|timing| timing.output_tokens as f64))?;
        // Where no answer has a second token, none is expected either.
        let token_ms = median(timings.iter().filter_map(Timing::token_ms)).unwrap_or(0.0);
        Some(Self { first_token_ms, token_ms, output_tokens })
    }

    /// Returns how long an answer of at most so many tokens is expected to take, in milliseconds: as long as
    /// those before, unless it must be shorter.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "token counts are far below 2^52")]
    pub fn expected_ms(&self, limit: Option<u64>) -> f64 {
        let tokens = limit.map_or(self.output_tokens, |limit| self.output_tokens.min(limit as f64));
        self.first_token_ms + (tokens - 1.0).max(0.0) * self.token_ms
    }
}

/// Returns the value in the middle, or what lies between the two there; `None` without values.
fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    Some(if values.len() % 2 == 1 { upper } else { values[middle - 1].midpoint(upper) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn timing(first_token_ms: f64, rest_ms: f64, output_tokens: u64) -> Timing {
        Timing { first_token_ms, rest_ms, output_tokens }
    }

    #[test]
    fn a_pace_is_of_the_answer_in_the_middle() {
        let pace =
            Pace::of(&[timing(100.0, 990.0, 100), timing(9_000.0, 0.0, 1), timing(120.0, 3_960.0, 200)]);
        let token_ms = 10.0_f64.midpoint(3_960.0 / 199.0);
        assert_eq!(pace, Some(Pace { first_token_ms: 120.0, token_ms, output_tokens: 100.0 }));
        assert_eq!(Pace::of(&[]), None);
        let one = Pace { first_token_ms: 5.0, token_ms: 0.0, output_tokens: 1.0 };
        assert_eq!(Pace::of(&[timing(5.0, 0.0, 1)]), Some(one));
    }

    #[test]
    fn an_answer_is_expected_as_long_as_those_before_and_no_longer_than_it_may_be() {
        let pace = Pace { first_token_ms: 500.0, token_ms: 10.0, output_tokens: 101.0 };
        let expected =
            [(None, 1_500.0), (Some(400), 1_500.0), (Some(51), 1_000.0), (Some(1), 500.0), (Some(0), 500.0)];
        for (limit, expected) in expected {
            assert!((pace.expected_ms(limit) - expected).abs() < 1e-9, "{limit:?}");
        }
    }

    #[test]
    fn what_came_to_no_end_has_no_timing() {
        let at = |ms| Some(std::time::Duration::from_millis(ms));
        let stages = Stages { sent: at(20), first: at(120), last: at(320) };
        assert_eq!(Timing::of_stages(stages, 21), Some(timing(100.0, 200.0, 21)));
        assert_eq!(Timing::of_stages(Stages { first: None, ..stages }, 21), None);
    }

    proptest! {
        /// Half of the answers are no faster, half no slower, and order does not matter.
        #[test]
        fn a_pace_lies_among_what_it_is_of(
            mut timings in prop::collection::vec((0.0f64..1e6, 0.0f64..1e6, 0u64..100_000), 1..40),
        ) {
            let all = |timings: &[(f64, f64, u64)]| {
                let timings: Vec<Timing> = timings.iter().map(|(first, rest, tokens)| timing(*first, *rest, *tokens)).collect();
                Pace::of(&timings).unwrap()
            };
            let pace = all(&timings);
            let slower = timings.iter().filter(|(first, ..)| *first >= pace.first_token_ms).count();
            let faster = timings.iter().filter(|(first, ..)| *first <= pace.first_token_ms).count();
            prop_assert!(2 * slower >= timings.len() && 2 * faster >= timings.len());
            prop_assert!(pace.expected_ms(None) >= pace.first_token_ms);
            prop_assert!(pace.expected_ms(Some(7)) <= pace.expected_ms(None));
            timings.reverse();
            prop_assert_eq!(all(&timings), pace);
        }
    }
}
