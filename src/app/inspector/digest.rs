//! What follows from an answer's tokens: the rows of the table, the close calls, the positions read
//! for reshaping, and where another temperature would have changed the answer.
//!
//! Kept up incrementally while an answer streams: a token is looked at once. Never holds a token
//! itself. Invariant: the groups partition the tokens that were taken in.

use crate::app::heat::{Level, Shade};
use crate::core::group::{Group, groups};
use crate::core::id::RunId;
use crate::core::ladder::Ladders;
use crate::core::probability::Position;
use crate::core::reshaping::{Reshaping, Source};
use crate::core::run::Run;
use crate::core::what_if::WhatIf;

/// Temperatures at which a token that fell under one half by then is shown ever cooler. What is under
/// one half at temperature 0 is the hottest.
const TIPPING: [f64; 4] = [0.7, 1.0, 1.4, 2.0];

/// Positions that are read for reshaping in one frame, so that a long answer opens at once and a key
/// beside it costs little more than without: a tenth of a frame.
const READ_AT_ONCE: usize = 1_000;

/// What follows from the tokens of one answer.
#[derive(Debug)]
pub(super) struct Digest {
    pub(super) run: Option<RunId>,
    pub(super) groups: Vec<Group>,
    pub(super) close_calls: Vec<usize>,
    pub(super) ladders: Ladders,
    /// Tokens that are in the groups; the ladders follow, a part for each frame.
    taken: usize,
    /// For each token how early another temperature would have changed it.
    pub(super) tipping: Vec<Option<Shade>>,
    is_expanded: bool,
    pub(super) source: Option<Source>,
}

impl Default for Digest {
    fn default() -> Self {
        Self {
            run: None,
            groups: Vec::new(),
            close_calls: Vec::new(),
            ladders: Ladders::new(0),
            taken: 0,
            tipping: Vec::new(),
            is_expanded: false,
            source: None,
        }
    }
}

/// What the digest of an answer depends on besides its tokens.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// Tokens in the model's vocabulary.
    pub vocabulary: usize,
    /// Whether each piece of a character has its own row.
    pub is_expanded: bool,
    /// What the values stand for; `None` where that cannot be taken back.
    pub source: Option<Source>,
}

impl Digest {
    /// Takes in the tokens that came since.
    pub(super) fn take_in(&mut self, run: &Run, reading: Reading) {
        let is_same = self.run == Some(run.id)
            && self.taken <= run.tokens.len()
            && self.ladders.vocabulary() == reading.vocabulary
            && self.is_expanded == reading.is_expanded
            && self.source == reading.source;
        if !is_same {
            *self = Self {
                run: Some(run.id),
                ladders: Ladders::new(reading.vocabulary),
                is_expanded: reading.is_expanded,
                source: reading.source,
                ..Self::default()
            };
        }
        if self.taken < run.tokens.len() {
            if self.is_expanded {
                self.take_pieces(run);
            } else {
                self.take_groups(run);
            }
            self.taken = run.tokens.len();
        }
        if self.is_behind() {
            let upto = self.taken.min(self.ladders.len() + READ_AT_ONCE);
            self.ladders.extend_to(&run.tokens[..upto]);
            self.take_tipping();
        }
    }

    /// Whether positions of a long answer are still to be read for reshaping.
    pub(super) fn is_behind(&self) -> bool {
        self.ladders.len() < self.taken
    }

    fn take_groups(&mut self, run: &Run) {
        // The last group may have been waiting for the rest of a character.
        let from = self.groups.pop().map_or(0, |group| group.tokens.start);
        while self.close_calls.last().is_some_and(|call| *call >= self.groups.len()) {
            self.close_calls.pop();
        }
        for mut group in groups(&run.tokens[from..]) {
            group.tokens = group.tokens.start + from..group.tokens.end + from;
            self.take(run, group);
        }
    }

    fn take_pieces(&mut self, run: &Run) {
        for index in self.groups.len()..run.tokens.len() {
            let text = run.tokens[index].piece.shown();
            self.take(run, Group { tokens: index..index + 1, text });
        }
    }

    fn take(&mut self, run: &Run, group: Group) {
        if run.tokens[group.tokens.clone()].iter().any(|token| Position::new(token).is_close_call()) {
            self.close_calls.push(self.groups.len());
        }
        self.groups.push(group);
    }

    fn take_tipping(&mut self) {
        let at = |temperature| {
            let reshaping = Reshaping { temperature, ..Reshaping::default() };
            WhatIf::new(self.source?, reshaping, self.ladders.vocabulary()).ok()
        };
        let cold = at(0.0);
        let steps = TIPPING.map(at);
        for index in self.tipping.len()..self.ladders.len() {
            let ladder = self.ladders.get(index);
            let falls =
                |what_if: &Option<WhatIf>| Some(what_if.as_ref()?.chosen_of(ladder.as_ref()?)?.min < 0.5);
            let level = match falls(&cold) {
                None => None,
                Some(true) => Some(5),
                // What falls falls for good, so the first step that it falls at is found by halving.
                Some(false) => {
                    let first = steps.partition_point(|step| falls(step) == Some(false));
                    Some(TIPPING.len() - first)
                }
            };
            self.tipping.push(level.map(|steps| Shade::Level(Level::of(steps))));
        }
    }

    /// Returns the index of the group that holds a token.
    pub(super) fn group_of(&self, token: usize) -> usize {
        self.groups.partition_point(|group| group.tokens.end <= token)
    }
}

/// Returns what the steps of the second strip mean: the temperature by which another token would have
/// been as likely as not.
pub const TIPPING_LEGEND: [&str; 6] = ["never", "2", "1.4", "1", "0.7", "any"];
