//! Values of several answers, and what may be said of them together.
//!
//! Owns the rule that few values have no mean: under [`FEW`] answers a mean says less than the values
//! and looks like more, so it is not to be had.

use serde::ser::{Serialize, SerializeStruct, Serializer};

/// From how many answers on a mean says more than the values.
pub const FEW: usize = 5;

/// One value per answer, or per pair of answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Spread {
    values: Box<[f64]>,
    answers: usize,
}

impl Spread {
    /// Returns the spread of one value per answer.
    #[must_use]
    pub fn of_answers(values: Vec<f64>) -> Self {
        Self { answers: values.len(), values: values.into() }
    }

    /// Returns the spread of one value per pair of `answers` answers.
    ///
    /// Four answers have six pairs and are few all the same, as the pairs are no independent values.
    #[must_use]
    pub fn of_pairs(values: Vec<f64>, answers: usize) -> Self {
        Self { answers, values: values.into() }
    }

    /// Returns the values in the order of the answers, or of the pairs `(0, 1)`, `(0, 2)`, …, `(1, 2)`.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    /// Whether the values must stand for themselves.
    #[must_use]
    pub fn is_few(&self) -> bool {
        self.answers < FEW || self.values.is_empty()
    }

    /// Returns the arithmetic mean; `None` when there are few answers.
    #[must_use]
    pub fn mean(&self) -> Option<f64> {
        (!self.is_few()).then(|| mean(&self.values))
    }

    /// Returns the sample standard deviation (divided by one less than the number of values); `None`
    /// when there are few answers or there is one value.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    pub fn deviation(&self) -> Option<f64> {
        if self.is_few() || self.values.len() < 2 {
            return None;
        }
        let mean = mean(&self.values);
        let squares: f64 = self.values.iter().map(|value| (value - mean).powi(2)).sum();
        Some((squares / (self.values.len() - 1) as f64).sqrt())
    }

    /// Returns the smallest value.
    #[must_use]
    pub fn min(&self) -> Option<f64> {
        self.values.iter().copied().min_by(f64::total_cmp)
    }

    /// Returns the largest value.
    #[must_use]
    pub fn max(&self) -> Option<f64> {
        self.values.iter().copied().max_by(f64::total_cmp)
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

impl Serialize for Spread {
    /// Writes the values and the figures that follow from them, `null` where there are too few.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Spread", 5)?;
        out.serialize_field("values", &self.values)?;
        out.serialize_field("mean", &self.mean())?;
        out.serialize_field("deviation", &self.deviation())?;
        out.serialize_field("min", &self.min())?;
        out.serialize_field("max", &self.max())?;
        out.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_values_have_no_mean() {
        let few = Spread::of_answers(vec![1.0, 2.0, 3.0, 4.0]);
        assert_eq!((few.mean(), few.deviation()), (None, None));
        assert_eq!((few.min(), few.max()), (Some(1.0), Some(4.0)));
        let six_pairs = Spread::of_pairs(vec![0.5; 6], 4);
        assert_eq!(six_pairs.mean(), None);
        assert_eq!(Spread::of_answers(Vec::new()).min(), None);
    }

    #[test]
    fn many_values_have_mean_and_deviation() {
        let many = Spread::of_answers(vec![2.0, 4.0, 4.0, 4.0, 5.0, 5.0, 7.0, 9.0]);
        assert_eq!(many.mean(), Some(5.0));
        assert!((many.deviation().unwrap() - (32.0f64 / 7.0).sqrt()).abs() < 1e-12);
        let json = serde_json::to_value(&many).unwrap();
        assert_eq!((&json["mean"], &json["min"]), (&5.0.into(), &2.0.into()));
    }
}
