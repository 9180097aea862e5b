//! What one statistic says of one column: the values themselves, their mean, or nothing.
//!
//! Owns the ways an entry is written, so that a narrow column says less and nothing wrong.

use crate::app::figures::Statistic;
use crate::core::diversity::Spread;

/// Most values that are kept for dots; a chart has no place for more.
const DOTS: usize = 512;

/// Most values that are written next to each other.
const WRITTEN: usize = 8;

/// What a statistic says of a column.
#[derive(Debug, Clone, PartialEq)]
pub enum Entry {
    /// Nothing is known.
    Nothing,
    /// It is said in words: what matters most first.
    Words(Vec<String>),
    /// Too few values for a mean: they stand for themselves.
    Values(Vec<f64>),
    /// A mean.
    Mean {
        /// The arithmetic mean.
        mean: f64,
        /// The sample standard deviation.
        deviation: Option<f64>,
        /// The values, evenly thinned where they are very many.
        values: Vec<f64>,
    },
}

impl Entry {
    /// Returns the entry of a spread; its rule says whether there is a mean.
    #[must_use]
    pub fn of(spread: &Spread) -> Self {
        let values = spread.values();
        let step = values.len().div_ceil(DOTS).max(1);
        let kept = values.iter().copied().step_by(step).collect();
        match spread.mean() {
            _ if values.is_empty() => Self::Nothing,
            Some(mean) => Self::Mean { mean, deviation: spread.deviation(), values: kept },
            None => Self::Values(kept),
        }
    }

    /// Returns the entry of one value.
    pub(super) fn one(value: f64) -> Self {
        Self::Values(vec![value])
    }

    /// Returns the values as dots of a chart.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        match self {
            Self::Nothing | Self::Words(_) => &[],
            Self::Values(values) | Self::Mean { values, .. } => values,
        }
    }

    /// Returns the mean, where there is one.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        match self {
            Self::Mean { mean, .. } => Some(*mean),
            Self::Nothing | Self::Words(_) | Self::Values(_) => None,
        }
    }

    /// Returns the ways it is written, the one that says most first.
    #[must_use]
    pub fn forms(&self, statistic: Statistic) -> Vec<String> {
        let write = |value: f64| statistic.write(value);
        match self {
            Self::Nothing => vec!["–".to_owned()],
            Self::Words(words) => {
                let whole = words.join(" · ");
                let parts = (1..words.len()).rev().map(|shown| words[..shown].join(" · ") + " …");
                std::iter::once(whole).chain(parts).collect()
            }
            Self::Mean { mean, deviation: Some(deviation), .. } => {
                // What is left of equal values is rounding.
                let deviation = if *deviation > mean.abs() * 1e-9 { *deviation } else { 0.0 };
                let (mean, deviation) = (write(*mean), write(deviation));
                // The unit stands once.
                let unit = mean.find(' ').filter(|at| deviation.ends_with(&mean[*at..]));
                let short = unit.map_or(mean.as_str(), |at| &mean[..at]);
                vec![format!("{short} ± {deviation}"), mean]
            }
            Self::Mean { mean, deviation: None, .. } => vec![write(*mean)],
            Self::Values(values) => {
                let written: Vec<String> = values.iter().map(|value| write(*value)).collect();
                let mut forms = Vec::new();
                if written.len() <= WRITTEN {
                    forms.push(joined(&written, "  "));
                    forms.push(joined(&written, " "));
                }
                let by_value = |a: &&f64, b: &&f64| a.total_cmp(b);
                if let (Some(low), Some(high)) =
                    (values.iter().min_by(by_value), values.iter().max_by(by_value))
                {
                    let (low, high) = (write(*low), write(*high));
                    forms.push(if low == high { high } else { joined(&[low, high], " – ") });
                }
                forms.push(format!("{} values", values.len()));
                forms
            }
        }
    }
}

/// Returns figures next to each other, with the unit once where all have the same.
fn joined(written: &[String], between: &str) -> String {
    let unit = written.last().and_then(|last| last.find(' ').map(|at| &last[at..]));
    let unit = unit.filter(|unit| written.len() > 1 && written.iter().all(|figure| figure.ends_with(unit)));
    let Some(unit) = unit else { return written.join(between) };
    let bare: Vec<&str> = written.iter().map(|figure| figure.trim_end_matches(unit)).collect();
    bare.join(between) + unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_are_written_and_many_have_a_mean() {
        let forms =
            |values: &[f64], statistic| Entry::of(&Spread::of_answers(values.to_vec())).forms(statistic);
        assert_eq!(
            forms(&[412.0, 398.0, 455.0], Statistic::FirstToken),
            ["412  398  455 ms", "412 398 455 ms", "398 – 455 ms", "3 values"]
        );
        assert_eq!(forms(&[900.0, 1400.0], Statistic::FirstToken)[0], "900 ms  1.4 s");
        assert_eq!(forms(&[0.5], Statistic::MostCommon)[0], "50.0 %");
        assert_eq!(forms(&[10.0, 12.0, 11.0, 9.0, 13.0], Statistic::Rate), ["11 ± 1.6 tok/s", "11 tok/s"]);
        assert_eq!(forms(&[], Statistic::Rate), ["–"]);
        assert_eq!(forms(&[0.000_21; 6], Statistic::Cost)[0], "$0.00021 ± $0");
        assert_eq!(forms(&[-0.25, -0.5], Statistic::MeanLogprob)[2], "-0.50 – -0.25");
    }

    #[test]
    fn very_many_values_are_thinned_and_keep_their_mean() {
        let values: Vec<f64> = (0..100_000).map(f64::from).collect();
        let entry = Entry::of(&Spread::of_answers(values));
        assert_eq!(entry.mean(), Some(49_999.5));
        assert!(entry.values().len() <= DOTS);
    }
}
