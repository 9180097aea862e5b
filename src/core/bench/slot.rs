//! The place of one sample on the bench: what is asked, and what came of it.
//!
//! Owns the states a sample can be in; they follow from its run and are never kept twice.

use crate::core::job::RecordId;
use crate::core::run::{Run, RunStatus};
use crate::core::sweep::Sample;

/// Where a sample stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum State {
    /// It is known to be refused and will not be sent.
    Refused,
    /// It waits for its turn.
    Waiting,
    /// It is under way.
    Running,
    /// Its answer is complete.
    Done,
    /// It failed; what came is kept.
    Failed,
    /// The user stopped it, before or while it was under way.
    Stopped,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Refused, Self::Waiting, Self::Running, Self::Done, Self::Failed, Self::Stopped];

    /// Whether nothing more comes without the user's doing.
    #[must_use]
    pub fn is_ended(self) -> bool {
        match self {
            Self::Waiting | Self::Running => false,
            Self::Refused | Self::Done | Self::Failed | Self::Stopped => true,
        }
    }

    /// Returns the name used on screen and in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Stopped => "stopped",
        }
    }
}

/// The place of one sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Slot {
    /// What is asked.
    pub sample: Sample,
    /// What came of it so far.
    pub run: Option<Run>,
    /// Under which name the run is kept, once it is.
    pub record: Option<RecordId>,
    /// Whether the answer was there before this bench asked anything.
    pub was_kept: bool,
    /// Why it is not sent.
    pub refusal: Option<String>,
    /// What it cost, where that is known.
    pub dollars: Option<f64>,
    pub(super) is_stopped: bool,
    /// Whether it waits again although there is what came before it was stopped.
    pub(super) is_wanted: bool,
}

impl Slot {
    /// Returns a slot in which nothing has happened.
    pub(super) fn new(sample: Sample) -> Self {
        Self {
            sample,
            run: None,
            record: None,
            was_kept: false,
            refusal: None,
            dollars: None,
            is_stopped: false,
            is_wanted: false,
        }
    }

    /// Returns where the sample stands.
    #[must_use]
    pub fn state(&self) -> State {
        match self.run.as_ref().map(|run| &run.status) {
            _ if self.is_wanted => State::Waiting,
            None if self.refusal.is_some() => State::Refused,
            None if self.is_stopped => State::Stopped,
            None => State::Waiting,
            Some(
                RunStatus::Queued | RunStatus::Connecting | RunStatus::Waiting { .. } | RunStatus::Streaming,
            ) => State::Running,
            Some(RunStatus::Done(_)) => State::Done,
            Some(RunStatus::Failed(_)) => State::Failed,
            Some(RunStatus::Cancelled) => State::Stopped,
        }
    }
}
