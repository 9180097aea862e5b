//! T*, the temperature at which a token stops being the likelier half.
//!
//! Owns the search for it. Never says a temperature where the values allow several: the unseen tail
//! makes it an interval.
//!
//! Only the most probable token has one. Its share falls as the temperature rises, for every tail
//! the values allow: relative to it, it is 1/(1 + g) with g = Σ (q/q_c)^a, no base above 1 and a falling.
//! So it may be down to one half where the lower end of its band is, and surely is where the upper end
//! is. Both ends are monotone in a, and a bracketed secant finds them.

use crate::core::ladder::Ladder;
use crate::core::probability::Range;
use crate::core::reshaping::{Refusal, Source};
use crate::core::token::Token;
use serde::Serialize;

/// The highest temperature looked at.
pub const LIMIT: f64 = 5.0;

/// The lowest temperature told from 0.
const LEAST: f64 = 1e-3;

/// Relative exactness of the temperatures found, and the most steps to it. What is left is added to
/// the interval.
const EXACT: f64 = 1e-6;
const STEPS: usize = 200;

/// From where on the chosen token is no more than half of the distribution.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Tipping {
    /// From temperature 0 on: another token is at least as probable.
    Always,
    /// Not up to [`LIMIT`].
    Never,
    /// From a temperature in an interval on. It begins at 0 where the values do not say whether the
    /// token is the most probable one.
    At {
        /// From here on it may be.
        from: f64,
        /// From here on it surely is; `None` when that is above [`LIMIT`].
        to: Option<f64>,
    },
}

impl Tipping {
    /// Returns the temperature at which it may first be down to one half; `None` where it always or
    /// never is.
    #[must_use]
    pub fn earliest(self) -> Option<f64> {
        match self {
            Self::Always | Self::Never => None,
            Self::At { from, .. } => Some(from),
        }
    }

    /// Returns T* of a token, from a model with so many tokens in its vocabulary.
    ///
    /// # Errors
    /// Refuses a token without candidates, or without a value of its own.
    pub fn of(token: &Token, source: Source, vocabulary: usize) -> Result<Self, Refusal> {
        Ladder::of(token, vocabulary, |ladder| Self::at(&ladder, source).ok_or(Refusal::NoLogprob))
            .ok_or(Refusal::NoCandidates)?
    }

    /// Returns T* of the token at a position that was read before; `None` without a value of its own.
    #[must_use]
    pub fn at(ladder: &Ladder<'_>, source: Source) -> Option<Self> {
        let own = ladder.rest.chosen?;
        let others = Others { ladder, own };
        if others.has_better() {
            return Some(Self::Always);
        }
        let powers = Powers { low: source.temperature() / LIMIT, high: source.temperature() / LEAST };
        // The most the others can weigh brings the token down first.
        let Some(first) = powers.down(|power| others.weight(power).max) else { return Some(Self::Never) };
        let last = powers.down(|power| others.weight(power).min);
        let temperature = |power: f64| source.temperature() / power;
        // As probable as the only one known, and perhaps another one than that.
        let from = match first {
            Root::Between { high, .. } if !ladder.rest.is_unmatched => temperature(high),
            Root::Between { .. } | Root::Beyond => 0.0,
        };
        let to = last.map(|last| match last {
            Root::Between { low, .. } => temperature(low),
            Root::Beyond => LEAST,
        });
        Some(Self::At { from, to })
    }
}

/// All tokens but the chosen one.
struct Others<'a> {
    ladder: &'a Ladder<'a>,
    own: f64,
}

impl Others<'_> {
    /// Returns the candidates of the head: without one of the chosen token's value, as that is itself.
    fn head(&self) -> impl Iterator<Item = f64> + '_ {
        let mut is_met = self.is_stray();
        self.ladder.head.iter().copied().filter(move |logprob| {
            let is_own = !is_met && (logprob - self.own).abs() <= 0.0;
            is_met |= is_own;
            !is_own
        })
    }

    fn is_stray(&self) -> bool {
        self.ladder.rest.stray == Some(self.own)
    }

    fn has_better(&self) -> bool {
        self.head().next().is_some_and(|best| best >= self.own)
    }

    /// Returns the interval of their weight relative to the chosen token.
    fn weight(&self, power: f64) -> Range {
        let known: f64 = self.head().map(|logprob| (power * (logprob - self.own)).exp()).sum();
        // Only the chosen token can be the stray.
        let tail = self.ladder.rest.tail.powers(power, self.own);
        Range { min: known + tail.min, max: known + tail.max }
    }
}

/// The powers between which a root is looked for.
#[derive(Clone, Copy)]
struct Powers {
    low: f64,
    high: f64,
}

/// Where a falling weight of the others comes down to the chosen token's.
#[derive(Clone, Copy)]
enum Root {
    /// Between two powers that are close.
    Between { low: f64, high: f64 },
    /// Above the highest power looked at.
    Beyond,
}

impl Powers {
    /// Returns the power at which a falling function is 1; `None` when it is less already at the lowest.
    fn down(self, weight: impl Fn(f64) -> f64) -> Option<Root> {
        let height = |power: f64| weight(power).ln();
        let (mut low, mut above) = (self.low, height(self.low));
        if above < 0.0 {
            return None;
        }
        // The powers are far apart, and most roots are near the temperature of the values.
        let near = if self.low < 1.0 && self.high > 1.0 { 1.0 } else { self.high };
        let (mut high, mut below) = (near, height(near));
        if below >= 0.0 {
            (low, above) = (high, below);
            (high, below) = (self.high, height(self.high));
        }
        if below >= 0.0 {
            return Some(Root::Beyond);
        }
        // The secant of a convex function keeps one end; halving that end's height moves it (Illinois).
        let mut was_low = None;
        for step in 0..STEPS {
            if high - low <= EXACT * high {
                break;
            }
            let secant = low + (high - low) * above / (above - below);
            // Where the weights vanish the heights are infinite and the secant is none.
            let is_inside = secant > low && secant < high && step % 8 != 7;
            let middle = if is_inside { secant } else { f64::midpoint(low, high) };
            let at = height(middle);
            if at >= 0.0 {
                (low, above) = (middle, at);
                if was_low == Some(true) {
                    below /= 2.0;
                }
                was_low = Some(true);
            } else {
                (high, below) = (middle, at);
                if was_low == Some(false) {
                    above /= 2.0;
                }
                was_low = Some(false);
            }
        }
        Some(Root::Between { low, high })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::truth::{Full, full};
    use proptest::prelude::*;

    /// Returns where the chosen token is down to one half, by bisection over the whole distribution.
    fn by_force(full: &Full) -> Tipping {
        let share = |temperature: f64| full.at(temperature)[full.chosen];
        let is_first = full.chosen == 0 && full.logits.get(1).is_none_or(|next| *next < full.logits[0]);
        if !is_first {
            return Tipping::Always;
        }
        if share(LIMIT) > 0.5 {
            return Tipping::Never;
        }
        let (mut low, mut high) = (0.0, LIMIT);
        for _ in 0..80 {
            let middle = f64::midpoint(low, high);
            if share(middle) > 0.5 { low = middle } else { high = middle }
        }
        Tipping::At { from: high, to: Some(high) }
    }

    #[test]
    fn two_tokens_against_one() {
        // p(T) = x/(x + 2y) with x = 0.8^(1/T): one half where (0.8/0.1)^(1/T) = 2, T = ln 8/ln 2 = 3.
        let logits = vec![0.8f64.ln(), 0.1f64.ln(), 0.1f64.ln()];
        let full = Full { logits, listed: 3, chosen: 0, is_stray_listed: true };
        let Tipping::At { from, to: Some(to) } = Tipping::of(&full.token(1.0), Source::BEFORE, 3).unwrap()
        else {
            panic!("an interval");
        };
        assert!(
            (from - 3.0).abs() < 1e-5 && (to - 3.0).abs() < 1e-5 && from <= 3.0 && 3.0 <= to + 1e-12,
            "{from} {to}"
        );
        let second = Full { chosen: 1, ..full };
        assert_eq!(Tipping::of(&second.token(1.0), Source::BEFORE, 3), Ok(Tipping::Always));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1_000))]

        /// The true temperature lies in the interval.
        #[test]
        fn the_true_tipping_point_is_in_the_interval(full in full(), is_after in any::<bool>(), t in 0.2f64..2.0) {
            let (reported_at, source) = if is_after {
                (t, Source::after(t))
            } else {
                (1.0, Source::BEFORE)
            };
            let found = Tipping::of(&full.token(reported_at), source, full.len()).unwrap();
            let truth = by_force(&full);
            let fits = match (found, truth) {
                (Tipping::Always, Tipping::Always) | (Tipping::Never, Tipping::Never) => true,
                (Tipping::At { from, .. }, Tipping::Always) => from <= 0.0,
                (Tipping::At { to, .. }, Tipping::Never) => to.is_none(),
                (Tipping::At { from, to }, Tipping::At { from: truth, .. }) => {
                    from <= truth * (1.0 + 1e-9) && to.is_none_or(|to| to >= truth * (1.0 - 1e-9))
                }
                // At the limit itself rounding decides.
                (Tipping::Never, Tipping::At { from, .. }) => from >= LIMIT * (1.0 - 1e-9),
                (Tipping::Always, _) | (Tipping::Never, Tipping::Always) => false,
            };
            prop_assert!(fits, "{found:?} does not hold {truth:?}");
        }
    }
}
