//! Counting tokens: which texts are counted after a message.
//!
//! Owns when that is asked for, once for each text and revision; [`crate::app::counter`] owns the counts.

use crate::app::App;
use crate::app::msg::{Effect, Effects};

impl App {
    /// Asks for the counts that the last message made necessary.
    pub(super) fn count(&mut self) -> Effects {
        let mut effects = Effects::none();
        let sent = self.sent();
        self.history_changed |= std::mem::replace(&mut self.counted_with, sent) != sent;
        self.history_changed |= self.counter.offer(self.offered().map(|(question, _)| question));
        if std::mem::take(&mut self.history_changed)
            && let Some(effect) = self.counter.add_up(&self.conversation, sent)
        {
            effects = effects.and(effect);
        }
        let revision = self.composer.revision();
        if revision != self.counted_revision {
            self.counted_revision = revision;
            let text = self.composer.text();
            effects = effects.and(Effect::KeepDraft(text.clone()));
            if self.counter.wants_draft(revision, self.composer.len_bytes()) {
                effects =
                    effects.and(Effect::CountDraft { revision, text, encoding: self.counter.encoding() });
            }
        }
        effects
    }
}
