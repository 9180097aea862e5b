//! What holds a bench back besides its lanes: the quotas of endpoints and the limits of their servers.
//!
//! Owns when it goes on by itself. The reckoning is [`limiter`](super::limiter)'s. Never sends.

use crate::core::bench::Bench;
use crate::core::bench::limiter::{Hold, Quota};
use crate::core::time::Timestamp;

impl Bench {
    /// Keeps to what may be sent to each endpoint in any minute.
    pub fn keep_to(&mut self, quota_of: impl Fn(&str) -> Quota) {
        for (endpoint, gate) in &mut self.gates {
            gate.limiter.keep_to(quota_of(endpoint));
        }
    }

    /// Goes on with the reckoning of limits of a bench before, which has nothing under way any more: the
    /// same servers are asked.
    pub fn follow(&mut self, before: &Self) {
        for (endpoint, gate) in &mut self.gates {
            if let Some(before) = before.gates.get(endpoint) {
                gate.limiter = before.limiter.clone();
            }
        }
    }

    /// Whether something is under way, or will be without the user's doing.
    #[must_use]
    pub fn is_going(&self) -> bool {
        !self.flights.is_empty() || !self.is_paused && !self.is_over()
    }

    /// Returns when [`Self::due`] has something although nothing happens until then.
    #[must_use]
    pub fn wake(&self) -> Option<Timestamp> {
        if self.is_paused || self.bound.is_some() {
            return None;
        }
        let held = self.gates.values().filter(|gate| !gate.queue.is_empty()).filter_map(|gate| gate.held);
        held.filter_map(|hold| match hold {
            Hold::Until(moment) | Hold::Quota(moment) => Some(moment),
            Hold::Answer => None,
        })
        .min()
    }
}
