//! The scale of a chart: round ends with everything between them.

/// Steps a round number may be of its power of ten.
const ROUND: [f64; 4] = [1.0, 2.0, 4.0, 10.0];

/// The ends of an axis.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scale {
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

impl Scale {
    /// From nothing to everything.
    pub const SHARE: Self = Self { low: 0.0, high: 1.0 };

    /// Returns the scale that begins or ends at zero and holds some values.
    #[must_use]
    pub fn with_zero(values: impl IntoIterator<Item = f64>) -> Self {
        let (low, high) = values
            .into_iter()
            .filter(|value| value.is_finite())
            .fold((0.0_f64, 0.0_f64), |(low, high), value| (low.min(value), high.max(value)));
        let (low, high) = (-round_up(-low), round_up(high));
        if high > low { Self { low: low + 0.0, high } } else { Self { low: 0.0, high: 1.0 } }
    }

    /// Returns where a value stands, 0 at the lower end and 1 at the upper one.
    #[must_use]
    pub fn place(self, value: f64) -> f64 {
        ((value - self.low) / (self.high - self.low)).clamp(0.0, 1.0)
    }

    /// Returns the value in the middle.
    #[must_use]
    pub fn middle(self) -> f64 {
        self.low.midpoint(self.high)
    }
}

/// Returns the next round number, whose half is one too.
fn round_up(value: f64) -> f64 {
    if value <= 0.0 || !value.is_finite() {
        return 0.0;
    }
    let power = 10.0_f64.powf(value.log10().floor());
    let step = ROUND.into_iter().find(|step| step * power >= value * (1.0 - 1e-9));
    step.unwrap_or(10.0) * power
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn ends_are_round() {
        let ends = |values: &[f64]| {
            let scale = Scale::with_zero(values.iter().copied());
            (scale.low, scale.high)
        };
        assert_eq!(ends(&[3.0, 37.0]), (0.0, 40.0));
        assert_eq!(ends(&[1200.0]), (0.0, 2000.0));
        assert_eq!(ends(&[-0.7, -0.1]), (-1.0, 0.0));
        assert_eq!(ends(&[]), (0.0, 1.0));
        assert_eq!(ends(&[f64::NAN, 1.0]), (0.0, 1.0));
    }

    proptest! {
        #[test]
        fn every_value_has_its_place(values in prop::collection::vec(-1e9f64..1e9, 1..20)) {
            let scale = Scale::with_zero(values.iter().copied());
            prop_assert!(scale.high > scale.low);
            for value in values {
                let slack = 1e-6 * (scale.high - scale.low);
                prop_assert!(value >= scale.low - slack && value <= scale.high + slack);
                prop_assert!((0.0..=1.0).contains(&scale.place(value)));
            }
        }
    }
}
