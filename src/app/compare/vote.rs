//! A blind vote: the columns of a comparison shuffled and unnamed, and how often each value was chosen.
//!
//! Owns the order the columns stand in, and the count. The order follows from a number alone, so a
//! session can be replayed. Never says what a column is called: that is the view's, once a vote was cast.
//!
//! Invariant: the order is a permutation of the columns, and a vote counts for the value of the column
//! that stands in the chosen place.

use crate::core::sweep::Axis;

/// Places that have a digit of their own to vote with.
pub const DIGITS: usize = 9;

/// Columns in an order that says nothing about them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blind {
    /// The column in each place.
    order: Vec<usize>,
    chosen: Option<usize>,
}

impl Blind {
    /// Returns the columns shuffled as a number says.
    #[must_use]
    pub fn new(columns: usize, number: u64) -> Self {
        let mut order: Vec<usize> = (0..columns).collect();
        let mut state = number;
        for last in (1..columns).rev() {
            order.swap(last, below(&mut state, last + 1));
        }
        Self { order, chosen: None }
    }

    /// Returns the column in a place.
    #[must_use]
    pub fn column(&self, place: usize) -> Option<usize> {
        self.order.get(place).copied()
    }

    /// Returns the place a column stands in.
    #[must_use]
    pub fn place(&self, column: usize) -> usize {
        self.order.iter().position(|own| *own == column).unwrap_or(column)
    }

    /// Returns the place that was chosen, once one was: then nothing is hidden any more.
    #[must_use]
    pub fn chosen(&self) -> Option<usize> {
        self.chosen
    }

    /// Chooses a place, once; returns the column that stands there.
    pub fn choose(&mut self, place: usize) -> Option<usize> {
        let column = self.column(place).filter(|_| self.chosen.is_none())?;
        self.chosen = Some(place);
        Some(column)
    }
}

/// Returns the next number below a bound, of a sequence that goes on from a state (SplitMix64).
fn below(state: &mut u64, bound: usize) -> usize {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    // The high half of the product is even but for one part in 2^64 for each column.
    let product = u128::from(mixed) * bound as u128;
    usize::try_from(product >> 64).unwrap_or(0)
}

/// Returns what a place is called: `A` to `Z`, then `AA`.
#[must_use]
pub fn letter(place: usize) -> String {
    let own = char::from(b'A' + u8::try_from(place % 26).unwrap_or(0));
    match place / 26 {
        0 => own.to_string(),
        rest => letter(rest - 1) + &own.to_string(),
    }
}

/// How often each value of an axis was chosen.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Votes {
    axis: Option<Axis>,
    counts: Vec<u32>,
}

impl Votes {
    /// Counts the values of an axis from here on; votes on the same values go on being counted.
    pub fn begin(&mut self, axis: Option<&Axis>) {
        if self.axis.as_ref() != axis {
            self.counts = vec![0; axis.map_or(0, |axis| axis.values().len())];
            self.axis = axis.cloned();
        }
    }

    /// Counts a vote for a value.
    pub fn add(&mut self, value: usize) {
        if let Some(count) = self.counts.get_mut(value) {
            *count = count.saturating_add(1);
        }
    }

    /// Returns how often a value of an axis was chosen; nothing for an axis that was not voted on.
    #[must_use]
    pub fn of(&self, axis: &Axis, value: usize) -> u32 {
        let count = self.counts.get(value).filter(|_| self.axis.as_ref() == Some(axis));
        count.copied().unwrap_or(0)
    }

    /// Returns how often each value of an axis was chosen; nothing where no vote was cast on it.
    #[must_use]
    pub fn counts(&self, axis: &Axis) -> &[u32] {
        if self.axis.as_ref() == Some(axis) && self.total() > 0 { &self.counts } else { &[] }
    }

    /// Returns how many votes were cast.
    #[must_use]
    pub fn total(&self) -> u32 {
        self.counts.iter().sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    #[test]
    fn places_are_called_by_letters() {
        assert_eq!(
            [0, 1, 25, 26, 27, 52, 701, 702].map(letter),
            ["A", "B", "Z", "AA", "AB", "BA", "ZZ", "AAA"]
        );
    }

    #[test]
    fn numbers_in_a_row_give_every_order() {
        let orders: HashSet<Vec<usize>> = (0..200).map(|number| Blind::new(4, number).order).collect();
        assert_eq!(orders.len(), 24);
    }

    #[test]
    fn votes_are_of_the_values_they_were_cast_on() {
        let axis = Axis::of_temperatures(&[0.3, 1.0]);
        let mut votes = Votes::default();
        votes.begin(Some(&axis));
        votes.add(1);
        votes.begin(Some(&axis));
        votes.add(1);
        votes.add(7);
        assert_eq!((votes.of(&axis, 0), votes.of(&axis, 1), votes.total()), (0, 2, 2));
        let other = Axis::of_temperatures(&[0.3, 1.8]);
        assert_eq!(votes.of(&other, 1), 0);
        assert_eq!((votes.counts(&axis), votes.counts(&other)), (&[0, 2][..], &[][..]));
        votes.begin(Some(&other));
        assert_eq!(votes.total(), 0);
    }

    proptest! {
        #[test]
        fn an_order_is_a_permutation(columns in 0usize..60, number: u64) {
            let blind = Blind::new(columns, number);
            let mut seen: Vec<usize> = blind.order.clone();
            seen.sort_unstable();
            prop_assert_eq!(seen, (0..columns).collect::<Vec<_>>());
            for column in 0..columns {
                prop_assert_eq!(blind.column(blind.place(column)), Some(column));
            }
            prop_assert_eq!(Blind::new(columns, number), blind);
        }

        /// Whatever the order, each vote counts for the value that stands in its place, and only once.
        #[test]
        fn a_vote_counts_for_the_right_value(columns in 1usize..12, ballots in prop::collection::vec(any::<(u64, prop::sample::Index)>(), 0..30)) {
            let temperatures: Vec<f64> = (0u32..).take(columns).map(|number| f64::from(number) / 10.0).collect();
            let axis = Axis::of_temperatures(&temperatures);
            let (mut votes, mut expected) = (Votes::default(), vec![0; columns]);
            votes.begin(Some(&axis));
            for (number, place) in ballots {
                let mut blind = Blind::new(columns, number);
                let place = place.index(columns);
                let column = blind.order[place];
                prop_assert_eq!(blind.choose(place), Some(column));
                prop_assert_eq!((blind.choose(place), blind.chosen()), (None, Some(place)));
                prop_assert_eq!(blind.choose(columns), None);
                votes.add(column);
                expected[column] += 1;
            }
            for (value, count) in expected.iter().enumerate() {
                prop_assert_eq!(votes.of(&axis, value), *count);
            }
        }
    }
}
