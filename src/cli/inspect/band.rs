//! How the reshaped probability of a token is written: a figure, an interval, or what a cut does.

use crate::core::cut::Fate;
use crate::core::figure;
use crate::core::what_if::Share;

/// Returns what a token's probability would be: `12.3 – 45.6 %`, `cut`, or `≤ 4.5 % or cut` where the
/// values allow both.
pub(super) fn share(share: Share) -> String {
    match share.fate {
        Fate::Cut => "cut".to_owned(),
        Fate::Kept => figure::interval(share.band),
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::core::probability::Range;

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
}
