//! What would end work under way is said first, and done when it is wanted once more.
//!
//! Owns what was said last. Nothing is lost either way, as answers are kept and the rest can be asked later;
//! but nobody ends a hundred requests by a key that does something else on every other day.

use crate::app::App;
use crate::app::command::{Command, Place};
use crate::core::bench::State;
use crate::core::figure;
use crate::core::job::RecordId;

/// What would take the place of a comparison under way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Successor {
    /// Another one, of the draft with this revision.
    Draft(u64),
    /// An earlier one.
    Opened(RecordId),
}

impl App {
    /// Whether a comparison under way keeps its place for now; says so once for each that would take it.
    pub(super) fn keeps_place(&mut self, successor: Successor) -> bool {
        let Some(bench) = self.compare.bench.as_ref().filter(|bench| bench.is_going()) else { return false };
        let is_question = matches!(successor, Successor::Draft(_));
        let wanted = Some((self.compare.record, successor));
        if self.succeeding == wanted {
            return false;
        }
        let progress = bench.progress(self.now);
        let (done, all) = (progress.counts.of(State::Done) as u64, progress.samples as u64);
        let key = |command| self.key(command, Place::Composer);
        // Whoever asks from the board does not press what sends a draft.
        let is_written = !is_question || self.focus == Place::Composer;
        let (send, open) =
            (key(if is_written { Command::Send } else { Command::Again }), key(Command::OpenSweep));
        let then = if is_question {
            format!("asks this; {open} goes on with it later")
        } else {
            "opens this".to_owned()
        };
        let (done, all) = (figure::whole(done), figure::whole(all));
        self.say(format!("{done} / {all} answered: {send} again stops the rest and {then}"));
        self.succeeding = wanted;
        true
    }

    /// Whether a plain letter must not quit yet, as it would end what is under way; says so.
    pub(super) fn holds_back(&mut self) -> bool {
        let what = if self.is_comparing() || self.running() > 0 {
            "answers are under way"
        } else if self.compare.is_voting() {
            "no vote was cast yet"
        } else {
            return false;
        };
        let quit = self.key(Command::Quit, Place::Composer);
        self.say(format!("{what}: q again quits all the same, as {quit} does"));
        self.interrupted = true;
        true
    }
}
