//! How far a bench is: counts, what was used, how long the rest will take.
//!
//! Owns the moment by which the last answers are expected; all else is made anew for every look. The time left
//! follows from how long answers took here, so neither a pause nor what was answered before has a part in it.
//!
//! Invariant: once nothing waits any more the time left never grows.

use crate::core::bench::limiter::Hold;
use crate::core::bench::slot::{Slot, State};
use crate::core::bench::{Bench, Gate};
use crate::core::sweep::preflight::{Bound, Spent};
use crate::core::time::Timestamp;
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
    /// How long the rest takes at the pace so far; an estimate, and `None` before an answer is complete.
    pub remaining: Option<Duration>,
}

/// How long answers take, by those that are complete.
#[derive(Debug, Clone, Copy)]
struct Usual {
    mean: Duration,
    median: Duration,
}

impl Usual {
    /// Returns what is usual among durations, the shortest first; `None` without any.
    fn of(took: &[Duration]) -> Option<Self> {
        let count = u32::try_from(took.len()).ok().filter(|count| *count > 0)?;
        Some(Self { mean: took.iter().sum::<Duration>() / count, median: took[took.len() / 2] })
    }
}

impl Bench {
    /// Returns how far it is.
    #[must_use]
    pub fn progress(&self, now: Timestamp) -> Progress {
        let counts: Counts = self.slots.iter().map(Slot::state).collect();
        Progress {
            samples: self.slots.len(),
            counts,
            kept: self.slots.iter().filter(|slot| slot.was_kept).count(),
            spent: self.spent(now),
            bound: self.bound,
            held: if self.flights.is_empty() { self.gates.values().find_map(|gate| gate.held) } else { None },
            is_paused: self.is_paused,
            remaining: self.remaining(now),
        }
    }

    /// Returns how long the rest takes, where something is left that will be asked.
    fn remaining(&self, now: Timestamp) -> Option<Duration> {
        // Limits say when one more may be sent, and not how many until the end.
        let is_limited = |gate: &Gate| {
            !gate.queue.is_empty() && matches!(gate.held, Some(Hold::Until(_) | Hold::Quota(_)))
        };
        match self.ends_by {
            _ if self.is_over() || self.bound.is_some() || self.gates.values().any(is_limited) => None,
            Some(moment) => Some(moment.since(now)),
            None => self.expected(now),
        }
    }

    /// Takes in that something was sent or has ended: where only what is under way is left, the moment it is
    /// expected to have ended only comes nearer.
    pub(super) fn foresee(&mut self, now: Timestamp) {
        let is_last = self.gates.values().all(|gate| gate.queue.is_empty());
        let expected = self.expected(now).filter(|_| is_last).map(|left| Timestamp(now.0 + left));
        self.ends_by = expected.map(|moment| self.ends_by.map_or(moment, |before| before.min(moment)));
    }

    /// Returns how long the slowest endpoint needs for what waits and what is under way.
    fn expected(&self, now: Timestamp) -> Option<Duration> {
        let all = || {
            let mut took: Vec<Duration> = self.gates.values().flat_map(|gate| &gate.took).copied().collect();
            took.sort_unstable();
            Usual::of(&took)
        };
        let busy = self.gates.iter().filter(|(_, gate)| gate.running > 0 || !gate.queue.is_empty());
        busy.map(|(name, gate)| {
            // An endpoint of which nothing has come is taken for one like the others.
            let usual = Usual::of(&gate.took).or_else(all)?;
            let flights = self.flights.values().map(|flight| &self.slots[flight.sample]);
            let here = flights.filter(|slot| slot.sample.request.endpoint == *name);
            let begun = here.filter_map(|slot| Some(slot.run.as_ref()?.started()));
            let left = begun.map(|begun| usual.median.saturating_sub(now.since(begun))).collect();
            Some(gate.lasts(usual, left, self.terms.lanes.max(1)))
        })
        .try_fold(Duration::ZERO, |longest, lasts| Some(longest.max(lasts?)))
    }
}

impl Gate {
    /// Returns how long the lanes need that have so much left of what is under way: the next that waits goes to
    /// the lane that is free first.
    fn lasts(&self, usual: Usual, mut left: Vec<Duration>, lanes: usize) -> Duration {
        let lanes = lanes.max(left.len());
        left.resize(lanes, Duration::ZERO);
        left.sort_unstable();
        let (rounds, rest) = (self.queue.len() / lanes, self.queue.len() % lanes);
        let last = left[lanes - 1];
        let further =
            rest.checked_sub(1).map_or(Duration::ZERO, |lane| left[lane].saturating_add(usual.mean));
        let rounds = usual.mean.saturating_mul(u32::try_from(rounds).unwrap_or(u32::MAX));
        rounds.saturating_add(last.max(further))
    }
}
