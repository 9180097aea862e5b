//! JSON numbers between two bounds, digit by digit: which beginnings can still become one.
//!
//! Owns exact arithmetic in units of the last decimal place. There are no exponents: every value has one
//! plain form, and a few digits are all a small model needs.
//!
//! Invariant: a beginning that was accepted can be finished, and a finished one lies in the bounds.

/// Decimal places of a number that is no integer.
const PLACES: u32 = 6;
/// Most digits before the point; a `f64` holds them all.
const MOST_DIGITS: u32 = 15;
/// Bounds beyond this are as good as none.
const LARGEST: f64 = 1e15;
/// The range where a schema names no bound.
const USUAL: f64 = 999_999.0;

/// The values a number may have, in units of its last decimal place, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    least: i128,
    most: i128,
    places: u32,
}

impl Bounds {
    /// Returns the bounds of an integer or a decimal, or `None` where no value lies between them.
    ///
    /// Each end comes with whether it is excluded. An end that is not given is within a few digits.
    #[must_use]
    pub fn new(is_integer: bool, least: Option<(f64, bool)>, most: Option<(f64, bool)>) -> Option<Self> {
        let places = if is_integer { 0 } else { PLACES };
        let unit = 10f64.powi(i32::try_from(places).unwrap_or(0));
        let usual_least = most.map_or(-USUAL, |(most, _)| (-USUAL).min(most - USUAL));
        let (low, without_low) = least.unwrap_or((usual_least, false));
        let usual_most = USUAL.max(low + USUAL);
        let (high, without_high) = most.unwrap_or((usual_most, false));
        let scaled = |value: f64| value.clamp(-LARGEST, LARGEST) * unit;
        let (low, high) = (scaled(low), scaled(high));
        #[expect(clippy::cast_possible_truncation, reason = "at most 10^21")]
        let (mut least, mut most) = (low.ceil() as i128, high.floor() as i128);
        #[expect(clippy::float_cmp, reason = "only an end that is a value itself is left out")]
        {
            least += i128::from(without_low && low.ceil() == low);
            most -= i128::from(without_high && high.floor() == high);
        }
        (least <= most).then_some(Self { least, most, places })
    }

    fn unit(self) -> i128 {
        10i128.pow(self.places)
    }

    /// Whether some value of a sign has a magnitude in this range.
    fn meets(self, is_negative: bool, least: i128, most: i128) -> bool {
        // -0 is no value: it would be read as another type than 0.
        let (least, most) = if is_negative { (-most, -least.max(1)) } else { (least, most) };
        least <= most && least <= self.most && most >= self.least
    }
}

/// A number in the making.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Digits {
    is_negative: bool,
    /// All digits so far as one number.
    value: i128,
    /// How many stand before the point.
    whole: u32,
    /// How many stand after it, once there is one.
    after: Option<u32>,
}

impl Digits {
    /// Returns the number with one more character, if it can still be finished.
    #[must_use]
    pub(super) fn with(self, bounds: Bounds, byte: u8) -> Option<Self> {
        let mut next = self;
        match byte {
            b'-' if self == Self::default() => next.is_negative = true,
            b'.' if bounds.places > 0 && self.whole > 0 && self.after.is_none() => next.after = Some(0),
            b'0'..=b'9' => {
                next.value = self.value * 10 + i128::from(byte - b'0');
                match self.after {
                    Some(after) if after < bounds.places => next.after = Some(after + 1),
                    None if self.whole < MOST_DIGITS && (self.whole == 0 || self.value > 0) => {
                        next.whole = self.whole + 1;
                    }
                    Some(_) | None => return None,
                }
            }
            _ => return None,
        }
        next.is_possible(bounds).then_some(next)
    }

    fn is_possible(self, bounds: Bounds) -> bool {
        let unit = bounds.unit();
        if let Some(after) = self.after {
            let step = 10i128.pow(bounds.places - after);
            return bounds.meets(self.is_negative, self.value * step, (self.value + 1) * step - 1);
        }
        if self.whole == 0 {
            return bounds.meets(self.is_negative, 0, 10i128.pow(MOST_DIGITS) * unit);
        }
        let further = if self.value == 0 { 0 } else { MOST_DIGITS - self.whole };
        (0..=further).any(|digits| {
            let step = 10i128.pow(digits) * unit;
            bounds.meets(self.is_negative, self.value * step, (self.value + 1) * step - 1)
        })
    }

    /// Whether it is a value of these bounds as it stands.
    #[must_use]
    pub(super) fn is_complete(self, bounds: Bounds) -> bool {
        let magnitude = match self.after {
            None if self.whole > 0 => self.value * bounds.unit(),
            Some(after) if after > 0 => self.value * 10i128.pow(bounds.places - after),
            None | Some(_) => return false,
        };
        bounds.meets(self.is_negative, magnitude, magnitude)
    }

    /// Returns how many digits there are, before the point and after it.
    #[must_use]
    pub(super) fn counts(self) -> (u32, Option<u32>) {
        (self.whole, self.after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(bounds: Bounds, text: &str) -> Option<Digits> {
        text.bytes().try_fold(Digits::default(), |digits, byte| digits.with(bounds, byte))
    }

    fn is_value(bounds: Bounds, text: &str) -> bool {
        read(bounds, text).is_some_and(|digits| digits.is_complete(bounds))
    }

    #[test]
    fn only_values_in_the_bounds_are_complete() {
        let month = Bounds::new(true, Some((1.0, false)), Some((12.0, false))).unwrap();
        for text in ["1", "9", "10", "12"] {
            assert!(is_value(month, text), "{text}");
        }
        for text in ["0", "13", "2.0", "-1", "01", "120", "", "-", "1e1"] {
            assert!(!is_value(month, text), "{text}");
        }
        let share = Bounds::new(false, Some((0.0, true)), Some((1.0, true))).unwrap();
        assert!(is_value(share, "0.5") && is_value(share, "0.000001") && is_value(share, "0.999999"));
        for text in ["0", "0.0", "1", "1.0", "0.", "-0.5", "0.0000001"] {
            assert!(!is_value(share, text), "{text}");
        }
        assert!(read(share, "0.000000").is_none(), "nothing above zero begins so");
        let cold = Bounds::new(false, Some((-40.0, false)), Some((-0.5, false))).unwrap();
        assert!(is_value(cold, "-0.5") && is_value(cold, "-40") && !is_value(cold, "-0.4"));
        assert!(read(cold, "3").is_none() && read(cold, "-41").is_none());
    }

    #[test]
    fn empty_bounds_are_no_bounds() {
        assert!(Bounds::new(true, Some((2.0, false)), Some((1.0, false))).is_none());
        assert!(Bounds::new(true, Some((1.0, true)), Some((2.0, true))).is_none());
        assert!(Bounds::new(true, Some((1.2, false)), Some((1.8, false))).is_none());
        assert!(Bounds::new(false, Some((1.0, true)), None).is_some());
    }

    proptest! {
        /// Whatever is accepted can be finished, and is then what a JSON reader finds within the bounds.
        #[test]
        fn every_beginning_can_be_finished(
            is_integer: bool,
            a in -2000.0f64..2000.0,
            b in -2000.0f64..2000.0,
            choices in prop::collection::vec(0usize..12, 0..12),
        ) {
            let (least, most) = (a.min(b), a.max(b));
            let Some(bounds) = Bounds::new(is_integer, Some((least, false)), Some((most, false))) else {
                return Ok(());
            };
            let (mut digits, mut text) = (Digits::default(), String::new());
            for round in 0..40 {
                let open: Vec<(u8, Digits)> =
                    b"-0123456789.".iter().filter_map(|byte| Some((*byte, digits.with(bounds, *byte)?))).collect();
                if open.is_empty() || (round >= choices.len() && digits.is_complete(bounds)) {
                    break;
                }
                let (byte, next) = open[choices.get(round).copied().unwrap_or(0) % open.len()];
                text.push(char::from(byte));
                digits = next;
            }
            prop_assert!(digits.is_complete(bounds), "{text:?} in {least} to {most}");
            let value: f64 = serde_json::from_str(&text).unwrap();
            prop_assert!((least..=most).contains(&value), "{text} in {least} to {most}");
            prop_assert!(!is_integer || text.parse::<i64>().is_ok());
        }
    }
}
