//! How fast models answered so far: what is kept of earlier sessions, and what this one sees.
//!
//! Owns the latest timings of each model at each endpoint, and what was asked of the archive: each model once.
//! Where nothing was seen there is no pace.

use crate::core::request::Request;
use crate::core::sweep::Cell;
use crate::core::sweep::pace::{LATEST, Pace, Timing};
use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

/// An endpoint and a model there.
pub type Speaker = (Arc<str>, Arc<str>);

/// Returns the models some cells ask, and where each is.
#[must_use]
pub fn speakers_of(cells: &[Cell]) -> HashSet<Speaker> {
    cells.iter().map(|cell| speaker_of(&cell.request)).collect()
}

/// Returns the model a request asks, and where it is.
#[must_use]
pub fn speaker_of(request: &Request) -> Speaker {
    (Arc::clone(&request.endpoint), Arc::clone(&request.model))
}

/// The paces of the models that were used.
#[derive(Debug, Default)]
pub struct Paces {
    /// The latest timing first.
    timings: HashMap<Speaker, VecDeque<Timing>>,
    asked: HashSet<Speaker>,
    revision: u64,
}

impl Paces {
    /// Returns the pace of a model, where it has answered.
    #[must_use]
    pub fn of(&self, speaker: &Speaker) -> Option<Pace> {
        let timings: Vec<Timing> = self.timings.get(speaker)?.iter().copied().collect();
        Pace::of(&timings)
    }

    /// Returns a number that is another one once any pace may have changed.
    #[must_use]
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Returns whether the archive is to be asked for a model: the first time it is.
    pub fn wants(&mut self, speaker: &Speaker) -> bool {
        self.asked.insert(speaker.clone())
    }

    /// Takes in how long a run took that has ended, where it has come to a good end.
    pub fn learn(&mut self, speaker: Speaker, timing: Option<Timing>) {
        let Some(timing) = timing else { return };
        let timings = self.timings.entry(speaker).or_default();
        timings.push_front(timing);
        timings.truncate(LATEST);
        self.revision += 1;
    }

    /// Takes in what was kept before this session, the latest first.
    pub fn told(&mut self, speaker: Speaker, earlier: &[Timing]) {
        let timings = self.timings.entry(speaker).or_default();
        timings.extend(earlier);
        timings.truncate(LATEST);
        self.revision += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn timing(output_tokens: u64) -> Timing {
        Timing { first_token_ms: 100.0, rest_ms: 1_000.0, output_tokens }
    }

    #[test]
    fn a_model_is_asked_for_once_and_its_latest_answers_count() {
        let (here, there): (Speaker, Speaker) = (("e".into(), "m".into()), ("e".into(), "n".into()));
        let mut paces = Paces::default();
        assert!(paces.wants(&here) && !paces.wants(&here) && paces.wants(&there));
        assert_eq!((paces.of(&here), paces.revision()), (None, 0));
        paces.told(here.clone(), &[timing(10); LATEST]);
        let pace = Pace::of(&[timing(10)]);
        assert_eq!(paces.of(&here), pace);
        // What is older than the latest ones says nothing any more.
        paces.told(here.clone(), &[timing(900); 2 * LATEST]);
        assert_eq!((paces.of(&here), paces.of(&there)), (pace, None));
        paces.told(there.clone(), &[]);
        assert_eq!(paces.of(&there), None);
    }
}
