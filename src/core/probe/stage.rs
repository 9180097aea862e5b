//! Before or after temperature: the same question at two temperatures, its probabilities compared.
//!
//! Owns the comparison. Temperature T divides the logits by T, so the *difference* of two logprobs is
//! divided by T too, whatever the rest of the vocabulary does to their level. Values before temperature
//! keep their differences; values after it have differences in the ratio of the temperatures.
//!
//! Invariant: a stage is only stated where at least three in four of the comparable candidates agree on
//! it; everything else is unclear and shows the values.

use crate::core::figure::parameter;
use crate::core::provenance::Stage;
use crate::core::text::{fit, visible};
use crate::core::token::{Candidate, Token};
use serde::{Deserialize, Serialize};

/// Differences below this, in nats, are too small against the rounding of a server to have a ratio.
const SMALL: f64 = 0.05;

/// How far the logarithm of a ratio may lie from what is expected: servers compute in batches, which
/// changes values from run to run.
const NOISE: f64 = 0.25;

/// Values that differ by less are the same but for rounding.
const ROUNDING: f64 = 1e-3;

/// Cells of a candidate in a sentence.
const CELLS: usize = 16;

/// A candidate's natural logarithms of probability at the two temperatures.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Reading {
    /// The candidate, its white space visible.
    pub token: String,
    /// At the lower temperature.
    pub low: f64,
    /// At the higher one.
    pub high: f64,
}

/// Where reported values stand, and how that shows.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Placing {
    /// The stage; `None` where it is unclear or could not be tried.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
    /// How it shows, or why it does not.
    pub reason: String,
    /// The temperatures that were compared.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperatures: Option<(f64, f64)>,
    /// The candidates compared, the most probable first; at most three.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub readings: Vec<Reading>,
}

impl Placing {
    /// Returns a placing that could not be tried.
    pub(super) fn untried(reason: impl Into<String>) -> Self {
        Self { reason: reason.into(), ..Self::default() }
    }
}

/// Returns where the values stand, from the first token of the same question at two temperatures, the
/// lower one first.
pub(super) fn place((low, cool): (f64, &Token), (high, hot): (f64, &Token)) -> Placing {
    let pairs = shared(cool, hot);
    let readings = pairs.iter().take(3).map(|(candidate, low, high)| Reading {
        token: fit(&visible(&candidate.piece.shown()), CELLS),
        low: *low,
        high: *high,
    });
    let told = |stage, reason: String| Placing {
        stage,
        reason,
        temperatures: Some((low, high)),
        readings: readings.clone().collect(),
    };
    let Some((_, first_low, first_high)) = pairs.first() else {
        return told(None, "the two answers have no candidate in common".to_owned());
    };
    let ratios: Vec<f64> = pairs[1..]
        .iter()
        .map(|(_, low, high)| (low - first_low, high - first_high))
        .filter(|(low, high)| low.abs() >= SMALL || high.abs() >= SMALL)
        .map(|(low, high)| (low / high).ln())
        .collect();
    if ratios.is_empty() {
        return told(None, "the candidates that both answers have are too alike to tell".to_owned());
    }
    let agree = |expected: f64| {
        let close = ratios.iter().filter(|ratio| (**ratio - expected).abs() <= NOISE).count();
        close * 4 >= ratios.len() * 3
    };
    let compared = format!("{} candidates compared", ratios.len() + 1);
    let temperatures = format!("T {} and T {}", parameter(low), parameter(high));
    if agree(0.0) {
        let furthest = pairs.iter().map(|(_, low, high)| (low - high).abs()).fold(0.0, f64::max);
        let how = if furthest <= ROUNDING {
            format!("the same at {temperatures}")
        } else {
            format!("alike at {temperatures}, up to {furthest:.3} nats apart")
        };
        told(Some(Stage::BeforeTemperature), format!("{how}; {compared}"))
    } else if agree((high / low).ln()) {
        let how = format!("scaled by 1/T between {temperatures}");
        told(Some(Stage::AfterTemperature), format!("{how}; {compared}"))
    } else {
        told(None, format!("neither the same nor scaled by 1/T between {temperatures}; {compared}"))
    }
}

/// Returns the candidates that stand once in both lists with a value, the most probable at the lower
/// temperature first.
fn shared<'a>(cool: &'a Token, hot: &'a Token) -> Vec<(&'a Candidate, f64, f64)> {
    let is_same = |a: &Candidate, b: &Candidate| match (a.id, b.id) {
        (Some(a), Some(b)) => a == b,
        (None, _) | (_, None) => a.piece.bytes() == b.piece.bytes(),
    };
    // Servers print different pieces of characters alike: what stands twice is not known to be the same.
    let only = |token: &'a Token, sought: &Candidate| {
        let mut found = token.candidates.iter().filter(|candidate| is_same(candidate, sought));
        let first = found.next();
        first.filter(|_| found.next().is_none())
    };
    let mut pairs: Vec<_> = cool
        .candidates
        .iter()
        .filter(|candidate| only(cool, candidate).is_some())
        .filter_map(|candidate| Some((candidate, candidate.logprob?, only(hot, candidate)?.logprob?)))
        .collect();
    pairs.sort_by(|a, b| b.1.total_cmp(&a.1));
    pairs
}

#[cfg(test)]
mod tests {
    use super::super::answers::tests::token;
    use super::*;
    use proptest::prelude::*;

    const NAMES: [&str; 8] = ["cat", " dog", "고양이", "\u{1f43c}", "e", "f", "g", "h"];

    /// Returns the token a server would report for these logits, at a temperature or before it.
    fn at(logits: &[f64], temperature: f64, level: f64) -> Token {
        let scaled: Vec<f64> = logits.iter().map(|logit| logit / temperature).collect();
        let all = scaled.iter().map(|logit| logit.exp()).sum::<f64>().ln() + level;
        let list: Vec<(&str, f64)> =
            scaled.iter().zip(NAMES).map(|(logit, name)| (name, logit - all)).collect();
        token(&list)
    }

    fn placed(cool: &Token, hot: &Token) -> Option<Stage> {
        place((0.2, cool), (2.0, hot)).stage
    }

    const LOGITS: [f64; 5] = [3.0, 2.5, 1.0, 0.2, -1.0];

    #[test]
    fn equal_values_stand_before_temperature() {
        let token = at(&LOGITS, 1.0, 0.3);
        let placing = place((0.2, &token), (2.0, &token));
        assert_eq!(placing.stage, Some(Stage::BeforeTemperature));
        assert_eq!(placing.reason, "the same at T 0.2 and T 2.0; 5 candidates compared");
        assert_eq!(placing.readings.len(), 3);
    }

    #[test]
    fn scaled_values_stand_after_temperature() {
        // The level differs too, as the rest of the vocabulary gets more when it is hot.
        let placing = place((0.2, &at(&LOGITS, 0.2, 0.0)), (2.0, &at(&LOGITS, 2.0, 0.9)));
        assert_eq!(placing.stage, Some(Stage::AfterTemperature), "{placing:?}");
        assert!(placing.reason.starts_with("scaled by 1/T between T 0.2 and T 2.0"), "{placing:?}");
        // Against 1 the ratio is smaller, and still told apart.
        let placing = place((0.2, &at(&LOGITS, 0.2, 0.0)), (1.0, &at(&LOGITS, 1.0, 0.1)));
        assert_eq!(placing.stage, Some(Stage::AfterTemperature));
    }

    #[test]
    fn noise_between_runs_does_not_hide_it() {
        let (a, b) = (at(&LOGITS, 1.0, 0.0), at(&[3.05, 2.45, 1.08, 0.15, -1.1], 1.0, 0.0));
        let placing = place((0.2, &a), (2.0, &b));
        assert_eq!(placing.stage, Some(Stage::BeforeTemperature), "{placing:?}");
        assert!(placing.reason.contains("nats apart"), "{placing:?}");
    }

    #[test]
    fn what_is_neither_is_unclear_and_shows_its_values() {
        let (a, b) = (at(&LOGITS, 1.0, 0.0), at(&LOGITS, 3.0, 0.0));
        let placing = place((0.2, &a), (2.0, &b));
        assert_eq!(placing.stage, None);
        assert!(placing.reason.starts_with("neither") && placing.readings.len() == 3, "{placing:?}");
        // An order that turned round has no ratio.
        let turned = at(&[-1.0, 0.2, 1.0, 2.5, 3.0], 1.0, 0.0);
        assert_eq!(placed(&a, &turned), None);
    }

    #[test]
    fn too_little_is_unclear() {
        let one = token(&[("a", -0.5)]);
        assert_eq!(placed(&one, &one), None);
        let even = token(&[("a", -1.0), ("b", -1.0), ("c", -1.01)]);
        assert_eq!(placed(&even, &even), None);
        assert_eq!(placed(&one, &token(&[("b", -0.5)])), None);
        // Pieces that print alike are not the same candidate.
        let alike = token(&[("\u{fffd}", -0.5), ("\u{fffd}", -1.5), ("a", -3.0)]);
        assert_eq!(placed(&alike, &alike), None);
        // A value outside the list is none.
        let mut outside = token(&[("a", -0.5), ("b", -1.5)]);
        outside.candidates[1].logprob = None;
        assert_eq!(placed(&outside, &outside), None);
    }

    proptest! {
        /// What servers really do is always told apart, whatever the distribution.
        #[test]
        fn both_stages_are_found(
            logits in prop::collection::vec(-6.0f64..6.0, 2..8),
            level in 0.0f64..2.0,
        ) {
            let top = logits.iter().copied().fold(f64::MIN, f64::max);
            // Differences that are too small when hot are no case: they are unclear.
            prop_assume!(logits.iter().filter(|l| **l < top).all(|l| top - l > 0.2));
            prop_assume!(logits.iter().any(|l| *l < top));
            let before = at(&logits, 1.0, level);
            prop_assert_eq!(placed(&before, &before), Some(Stage::BeforeTemperature));
            let (cool, hot) = (at(&logits, 0.2, 0.0), at(&logits, 2.0, level));
            prop_assert_eq!(placed(&cool, &hot), Some(Stage::AfterTemperature));
        }
    }
}
