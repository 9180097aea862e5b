//! The layer of a truth probe: what it will cost, how far it is, what it found out.
//!
//! Owns what is shown and nothing else. Sending is an effect, and what comes of it is kept outside.

use crate::core::fault::Fault;
use crate::core::figure::{dollars, whole};
use crate::core::probe::{Cost, Finding, Question, Subject};

/// Lines of the layer that hold nothing of what was found out: its frame, the hint and a blank.
pub const AROUND: u16 = 4;

/// Where a probe is.
#[derive(Debug, Clone, PartialEq)]
pub enum Phase {
    /// What was found out the last time is shown.
    Kept(Box<Finding>),
    /// The user is asked whether it may begin.
    Offered,
    /// Requests are sent.
    Running {
        /// Requests that have ended.
        done: usize,
        /// What is being asked, once a request is on its way.
        question: Option<Question>,
        /// Number of the try.
        attempt: u32,
    },
    /// It is over.
    Done(Box<Finding>),
    /// Nothing was found out.
    Failed(Fault),
}

/// A probe that is laid over the screen.
#[derive(Debug, Clone, PartialEq)]
pub struct Probing {
    /// What is probed.
    pub subject: Subject,
    /// What it costs at most.
    pub cost: Cost,
    /// What was found out the last time.
    pub before: Option<String>,
    /// Where it is.
    pub phase: Phase,
    /// First line shown of what was found out.
    pub scroll: usize,
}

impl Probing {
    /// Returns a probe that may begin, after what was found out the last time.
    #[must_use]
    pub fn new(subject: Subject, cost: Cost, before: Option<&Finding>) -> Self {
        let phase = before.map_or(Phase::Offered, |finding| Phase::Kept(Box::new(finding.clone())));
        Self { subject, cost, before: before.map(Finding::summary), phase, scroll: 0 }
    }

    /// Whether requests are under way.
    #[must_use]
    pub fn is_running(&self) -> bool {
        matches!(self.phase, Phase::Running { .. })
    }

    /// Moves what is shown by lines, of which `page` fit; it stays inside.
    pub fn scroll_by(&mut self, lines: isize, page: usize) {
        let all = match &self.phase {
            Phase::Kept(finding) | Phase::Done(finding) => finding.lines().len(),
            Phase::Offered | Phase::Running { .. } | Phase::Failed(_) => 0,
        };
        self.scroll = self.scroll.saturating_add_signed(lines).min(all.saturating_sub(page));
    }
}

/// Returns what a probe costs at most, in words.
#[must_use]
pub fn cost_in_words(cost: &Cost) -> String {
    let price = match cost.dollars {
        Some(amount) => format!("at most {}", dollars(amount)),
        None => "no price is known for this model".to_owned(),
    };
    format!(
        "up to {} requests, one after the other; at most {} tokens in and {} out; {price}",
        cost.requests,
        whole(cost.input_tokens),
        whole(cost.output_tokens),
    )
}
