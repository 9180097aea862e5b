//! Ways to read the answers of a comparison: which is in use, and what is compared with what.

use crate::app::App;
use crate::app::archive::ArchiveJob;
use crate::app::command::{Command, Place};
use crate::app::compare::lens::Lens;
use crate::app::line_edit::LineEdit;
use crate::app::msg::{Effect, Effects};
use crate::app::on_compare::NO_CELL;
use crate::app::overlay::{Overlay, Prompt};

impl App {
    /// Asks for what the lens in use needs and no frame has the time for.
    pub(super) fn look_closer(&mut self) -> Effects {
        let sums = self.compare.sum_columns();
        let effects: Effects = sums.map(|(number, columns)| Effect::SumColumns { number, columns }).into();
        let Some(sweep) = self.compare.record else { return effects };
        let wanted = self.compare.wanted_tokens(self.layout.transcript.below_axis()).into_iter();
        let load = |wanted| Effect::Archive(ArchiveJob::LoadToken { sweep, wanted });
        wanted.map(load).fold(effects, Effects::and)
    }

    /// Reads the answers in a way, or as they are again.
    pub(super) fn read_as(&mut self, lens: Lens) {
        if self.compare.is_empty() {
            self.say(NO_CELL);
            return;
        }
        self.compare.toggle_lens(lens);
        let base = self.compare.lenses.base * self.compare.board.rows;
        let name = self
            .compare
            .bench
            .as_ref()
            .and_then(|bench| bench.sweep().labels(base).first().map(|label| (*label).to_owned()));
        if self.compare.lenses.lens == Lens::Difference {
            let key = self.key(Command::SetBase, Place::Grid);
            self.say(format!(
                "what differs from {}: {key} makes another column the base",
                name.unwrap_or_default()
            ));
        }
    }

    /// Asks in the bottom line for words that labels must have.
    pub(super) fn ask_filter(&mut self) {
        if self.compare.is_empty() {
            self.say(NO_CELL);
            return;
        }
        let text = self.compare.filter.text().to_owned();
        self.overlay = Some(Overlay::Filter(Prompt::new(LineEdit::new(text))));
    }

    /// Shows what has the words typed so far.
    pub(super) fn filter_typed(&mut self) {
        let Some(Overlay::Filter(prompt)) = &mut self.overlay else { return };
        let is_found = self.compare.set_filter(prompt.text());
        prompt.error = (!is_found).then(|| "no label has these words".to_owned());
    }

    /// Goes on with what is shown; words that nothing has are not taken.
    pub(super) fn accept_filter(&mut self) {
        if matches!(&self.overlay, Some(Overlay::Filter(prompt)) if prompt.error.is_none()) {
            self.overlay = None;
        }
    }

    /// Makes the column under the cursor the one that the others are compared with.
    pub(super) fn set_base(&mut self) {
        if self.compare.is_empty() {
            self.say(NO_CELL);
            return;
        }
        self.compare.set_base();
    }

    pub(super) fn toggle_only_different(&mut self) {
        let lenses = &mut self.compare.lenses;
        lenses.is_only_different = !lenses.is_only_different;
        let is_text = lenses.lens == Lens::Text;
        let only = lenses.is_only_different;
        let (show, share) =
            (self.key(Command::ShowDifference, Place::Grid), self.key(Command::ShowConsensus, Place::Grid));
        self.say(match (is_text, only) {
            (true, true) => format!("only what differs: {show} and {share} show it"),
            (false, true) => "only what differs".to_owned(),
            (_, false) => "all of the text".to_owned(),
        });
    }

    pub(super) fn toggle_together(&mut self) {
        self.compare.lenses.is_together = !self.compare.lenses.is_together;
        self.say(if self.compare.lenses.is_together {
            "all cells scroll together"
        } else {
            "each cell scrolls alone"
        });
    }

    pub(super) fn step_difference(&mut self, forward: bool) {
        if !matches!(self.compare.lenses.lens, Lens::Difference | Lens::Consensus) {
            self.read_as(Lens::Difference);
        } else if self.compare.is_on_base() {
            self.say("this is the base: the other columns show what differs from it");
        } else if !self.compare.step_difference(forward) {
            self.say("no further difference");
        }
    }
}
