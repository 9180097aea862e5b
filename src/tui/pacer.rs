//! When the next frame is due: plain arithmetic on moments.
//!
//! A frame that a key caused is drawn at once. One that tokens caused waits until the last frame is
//! a sixtieth of a second old. While something animates there is a frame each tenth of a second.
//! Otherwise nothing is due but what ends at a known moment, and the loop sleeps until something happens.

use crate::core::time::Timestamp;
use std::time::Duration;

/// Shortest time between two frames that no key asked for.
const FRAME: Duration = Duration::from_micros(16_667);

/// Time between two frames of an animation.
const ANIMATION: Duration = Duration::from_millis(100);

/// Keeps the pace of frames.
#[derive(Debug, Default)]
pub(crate) struct Pacer {
    last: Option<Timestamp>,
    is_urgent: bool,
}

impl Pacer {
    /// Takes note that the user did something.
    pub(crate) fn hurry(&mut self) {
        self.is_urgent = true;
    }

    /// Whether a frame is to be drawn now.
    pub(crate) fn is_due(&self, is_dirty: bool, now: Timestamp) -> bool {
        is_dirty && (self.is_urgent || self.last.is_none_or(|last| now.since(last) >= FRAME))
    }

    /// Takes note that a frame was drawn.
    pub(crate) fn drawn(&mut self, now: Timestamp) {
        (self.last, self.is_urgent) = (Some(now), false);
    }

    /// Returns the moment to wake up at if nothing happens before; `None` to sleep until something does.
    pub(crate) fn deadline(
        &self,
        is_dirty: bool,
        is_animating: bool,
        wakes_at: Option<Timestamp>,
    ) -> Option<Timestamp> {
        let last = self.last.unwrap_or_default();
        let wait = match (is_dirty, is_animating) {
            (true, _) if self.is_urgent => Duration::ZERO,
            (true, _) => FRAME,
            (false, true) => ANIMATION,
            (false, false) => return wakes_at,
        };
        Some(Timestamp(last.0 + wait))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn a_key_is_drawn_at_once_and_tokens_wait_for_their_frame() {
        let mut pacer = Pacer::default();
        assert!(pacer.is_due(true, at(0)));
        pacer.drawn(at(0));
        assert!(!pacer.is_due(true, at(5)));
        assert_eq!(pacer.deadline(true, true, None), Some(Timestamp(FRAME)));
        assert!(pacer.is_due(true, at(17)));
        pacer.hurry();
        assert!(pacer.is_due(true, at(5)));
        pacer.drawn(at(5));
        assert!(!pacer.is_due(true, at(6)));
    }

    #[test]
    fn nothing_to_do_means_no_deadline() {
        let mut pacer = Pacer::default();
        pacer.drawn(at(0));
        assert_eq!(pacer.deadline(false, false, None), None);
        assert_eq!(pacer.deadline(false, false, Some(at(2000))), Some(at(2000)));
        assert_eq!(pacer.deadline(false, true, Some(at(2000))), Some(Timestamp(ANIMATION)));
    }
}
