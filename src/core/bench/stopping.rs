//! Stopping samples of a bench, and going on with them.
//!
//! Owns what waits again after it was stopped. What had come of an answer stands until its sample is asked again.

use super::{Bench, State};
use crate::core::id::RunId;
use crate::core::time::Timestamp;

impl Bench {
    /// Stops one sample, waiting or under way; returns the run to be cancelled.
    pub fn stop(&mut self, sample: usize, now: Timestamp) -> Option<RunId> {
        match self.slots[sample].state() {
            State::Waiting => {
                let slot = &mut self.slots[sample];
                (slot.is_stopped, slot.is_wanted) = (true, false);
                self.unqueue(sample);
                self.touch(sample);
                None
            }
            State::Running => {
                let run = self.slots[sample].run.as_mut()?;
                run.cancel(now);
                let id = run.id;
                self.land(id, now);
                Some(id)
            }
            State::Refused | State::Done | State::Failed | State::Stopped => None,
        }
    }

    /// Stops everything; returns the samples that were under way, with the runs to be cancelled.
    pub fn stop_all(&mut self, now: Timestamp) -> Vec<(usize, RunId)> {
        // Nothing is left that a pause could hold back.
        self.is_paused = false;
        (0..self.slots.len()).filter_map(|sample| Some((sample, self.stop(sample, now)?))).collect()
    }

    /// Lets everything that was stopped wait for its turn again, and goes on; returns how many samples.
    pub fn go_on(&mut self) -> usize {
        self.is_paused = false;
        let is_stopped = |sample: &usize| self.slots[*sample].state() == State::Stopped;
        let mut stopped: Vec<usize> = (0..self.slots.len()).filter(is_stopped).collect();
        // Every cell once before any is asked twice, as at the beginning.
        stopped.sort_by_key(|sample| self.slots[*sample].sample.repeat);
        for sample in &stopped {
            let slot = &mut self.slots[*sample];
            (slot.is_stopped, slot.is_wanted) = (false, true);
            self.touch(*sample);
            self.enqueue(*sample);
        }
        stopped.len()
    }
}
