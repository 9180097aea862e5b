//! How far a bench is: counts, what was used, how long the rest will take.
//!
//! Owns nothing that lasts; it is made anew for every look.

use crate::core::bench::limiter::Hold;
use crate::core::bench::slot::State;
use crate::core::sweep::preflight::{Bound, Spent};
use std::time::Duration;

/// How many samples are in each state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts([usize; State::ALL.len()]);

impl Counts {
    /// Returns how many are in a state.
    #[must_use]
    pub fn of(&self, state: State) -> usize {
        self.0[state as usize]
    }

    /// Returns how many have come to an end.
    #[must_use]
    pub fn ended(&self) -> usize {
        State::ALL.into_iter().filter(|state| state.is_ended()).map(|state| self.of(state)).sum()
    }
}

impl FromIterator<State> for Counts {
    fn from_iter<I: IntoIterator<Item = State>>(states: I) -> Self {
        let mut counts = Self::default();
        for state in states {
            counts.0[state as usize] += 1;
        }
        counts
    }
}

/// How far a bench is.
#[derive(Debug, Clone, PartialEq)]
pub struct Progress {
    /// Samples altogether.
    pub samples: usize,
    /// Samples in each state.
    pub counts: Counts,
    /// Those of the complete ones whose answers were there before.
    pub kept: usize,
    /// What was used so far.
    pub spent: Spent,
    /// The bound of the budget that stopped it.
    pub bound: Option<Bound>,
    /// What limits make it wait for, where nothing else keeps it.
    pub held: Option<Hold>,
    /// Whether the user paused it.
    pub is_paused: bool,
    /// How long the rest takes at the pace so far; an estimate, and `None` before anything ended.
    pub remaining: Option<Duration>,
}
