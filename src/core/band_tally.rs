//! The perplexity of an answer whose probabilities are known in bands only.
//!
//! Owns the running sums over the bands of the chosen tokens. Never takes a token that is cut for an
//! improbable one: an answer with such a token could not have been given, and its perplexity is infinite.

use crate::core::probability::Range;

/// Sums over the bands of an answer's chosen tokens.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct BandTally {
    least: f64,
    most: f64,
    count: usize,
    cut: usize,
}

impl BandTally {
    /// Adds the band of a chosen token's probability.
    pub fn add(&mut self, band: Range) {
        self.least += band.min.ln();
        self.most += band.max.ln();
        self.count += 1;
        self.cut += usize::from(band.max <= 0.0);
    }

    /// Returns how many tokens were added.
    #[must_use]
    pub fn count(&self) -> usize {
        self.count
    }

    /// Returns how many of them could not have been chosen at all.
    #[must_use]
    pub fn cut(&self) -> usize {
        self.cut
    }

    /// Returns the interval of the perplexity, infinite where a token may be cut; `None` without tokens.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "token counts are far below 2^52")]
    pub fn perplexity(&self) -> Option<Range> {
        let mean = |sum: f64| (-sum / self.count as f64).exp();
        (self.count > 0).then(|| Range { min: mean(self.most), max: mean(self.least) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(bands: &[(f64, f64)]) -> BandTally {
        let mut tally = BandTally::default();
        for (min, max) in bands {
            tally.add(Range { min: *min, max: *max });
        }
        tally
    }

    #[test]
    fn the_ends_are_the_perplexities_of_the_ends() {
        let range = tally(&[(0.25, 0.5), (0.5, 0.5)]).perplexity().unwrap();
        assert!((range.min - 2.0).abs() < 1e-12, "{range:?}");
        assert!((range.max - 8.0f64.sqrt()).abs() < 1e-12, "{range:?}");
        assert_eq!(tally(&[]).perplexity(), None);
    }

    #[test]
    fn a_token_that_is_cut_makes_it_infinite() {
        let cut = tally(&[(0.0, 0.0), (0.5, 0.5)]);
        assert_eq!((cut.cut(), cut.perplexity()), (1, Some(Range::point(f64::INFINITY))));
        let open = tally(&[(0.0, 0.5)]);
        assert_eq!(open.cut(), 0);
        assert!(open.perplexity().is_some_and(|range| range.min <= 2.0 && range.max.is_infinite()));
    }
}
