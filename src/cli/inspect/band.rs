//! How the reshaped probability of a token is written: a figure, an interval, or what a cut does.

use crate::core::cut::Fate;
use crate::core::figure;
use crate::core::probability::Range;
use crate::core::what_if::{Outcome, Share};

/// Returns an interval of probabilities, one figure where its ends read alike.
pub(super) fn interval(band: Range) -> String {
    let (low, high) = (figure::percent(band.min), figure::percent(band.max));
    if low == high { high } else { format!("{} – {high}", low.trim_end_matches(" %")) }
}

/// Returns what a token's probability would be: `12.3 – 45.6 %`, `cut`, or `≤ 4.5 % or cut` where the
/// values allow both.
pub(super) fn share(share: Share) -> String {
    match share.fate {
        Fate::Cut => "cut".to_owned(),
        Fate::Kept => interval(share.band),
        Fate::Unknown => format!("≤ {} or cut", figure::percent(share.band.max).trim_start_matches('<')),
    }
}

/// Returns the word for what the cuts do with a token.
pub(super) fn fate(fate: Fate) -> &'static str {
    match fate {
        Fate::Kept => "kept",
        Fate::Cut => "cut",
        Fate::Unknown => "open",
    }
}

/// Returns how exact the figures of a position are: `exact`, or half the width of its widest band.
pub(super) fn exactness(outcome: &Outcome) -> String {
    if outcome.is_exact() {
        return "exact".to_owned();
    }
    let shares = outcome.candidates.iter().chain([&outcome.chosen]);
    let points = shares.map(|share| share.band.width()).fold(outcome.tail.width(), f64::max) * 50.0;
    if points < 0.05 { "±<0.1 points".to_owned() } else { format!("±{points:.1} points") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bands_are_figures_intervals_or_words() {
        let of =
            |min, max, fate| share(Share { band: Range { min, max }, cumulative: Range::point(1.0), fate });
        assert_eq!(of(0.123, 0.456, Fate::Kept), "12.3 – 45.6 %");
        assert_eq!(of(0.5, 0.500_001, Fate::Kept), "50.0 %");
        assert_eq!(of(0.0, 0.0, Fate::Cut), "cut");
        assert_eq!(of(0.0, 0.045, Fate::Unknown), "≤ 4.5 % or cut");
        assert_eq!(of(0.0, 0.000_1, Fate::Unknown), "≤ 0.1 % or cut");
    }

    #[test]
    fn exactness_is_the_widest_band_the_tail_included() {
        let kept =
            |min, max| Share { band: Range { min, max }, cumulative: Range::point(1.0), fate: Fate::Kept };
        let outcome = |width, tail| Outcome {
            candidates: vec![kept(0.5, 0.5 + width)],
            chosen: kept(0.5, 0.5 + width),
            tail: Range { min: 0.0, max: tail },
        };
        assert_eq!(exactness(&outcome(0.0, 0.0)), "exact");
        assert_eq!(exactness(&outcome(0.02, 0.3)), "±15.0 points");
        assert_eq!(exactness(&outcome(0.0001, 0.0)), "±<0.1 points");
    }
}
