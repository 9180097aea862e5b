//! Messages: select, edit, insert, delete, copy; variants; recall.

use crate::app::chord::Chord;
use crate::app::command::{Command, Place};
use crate::app::msg::{Effect, Effects};
use crate::app::removed::Instead;
use crate::app::{App, Continued, Drafting, Screen};
use crate::core::conversation::{Body, Message};
use crate::core::figure;
use crate::core::request::Role;

impl App {
    /// Returns the position of the selected message, or of the last one.
    fn current(&self) -> Option<usize> {
        let selected = self.transcript.selected.and_then(|id| self.conversation.position(id));
        selected.or(self.conversation.messages.len().checked_sub(1))
    }

    pub(super) fn select(&mut self, step: isize) {
        let last = match self.conversation.messages.len() {
            0 => return,
            count => count - 1,
        };
        let at = match self.transcript.selected.and_then(|id| self.conversation.position(id)) {
            Some(at) => at.saturating_add_signed(step).min(last),
            None => self.last_on_screen().unwrap_or(last),
        };
        let id = self.conversation.messages[at].id;
        self.transcript.selected = Some(id);
        self.transcript.reveal(id, None);
    }

    fn last_on_screen(&self) -> Option<usize> {
        self.transcript.lines().last().map(|line| line.message)
    }

    pub(super) fn on_new_conversation(&mut self) -> Effects {
        if self.conversation.messages.is_empty() {
            self.say("this conversation is new already");
            return Effects::none();
        }
        let running: Vec<_> =
            self.conversation.messages.iter().filter_map(Message::run).map(|run| run.id).collect();
        let effects =
            running.into_iter().fold(Effects::one(self.keep()), |all, run| all.then(self.cancel(run)));
        // The system message belongs to the way of working, not to one conversation.
        let system =
            self.conversation.messages.first().filter(|message| message.role == Role::System).cloned();
        let kept = usize::from(system.is_some());
        let messages: Vec<Message> = self.conversation.messages.drain(kept..).collect();
        self.removed.note(&self.conversation.messages, kept, Instead::Rest, messages);
        self.screen = Screen::Chat;
        self.focus = Place::Composer;
        self.transcript.selected = None;
        self.transcript.follow();
        self.history_changed = true;
        let sampling = match self.end_continued() {
            Some(Continued { before: Some(before), .. }) => {
                format!(" at temperature {}", figure::parameter(before))
            }
            Some(Continued { before: None, .. }) => " with the temperature omitted".to_owned(),
            None => String::new(),
        };
        let key = self.key(Command::UndoDelete, Place::Transcript);
        self.say(format!("new conversation{sampling}; {key} in the empty pane brings the last one back"));
        effects.and(Effect::BeginConversation)
    }

    pub(super) fn on_edit_system(&mut self) {
        self.begin_drafting(Drafting::System);
        let system = self.conversation.messages.first().filter(|message| message.role == Role::System);
        let text = system.map(|message| message.text().to_owned()).unwrap_or_default();
        self.composer.set_text(&text);
    }

    /// Puts the draft aside for another kind of writing.
    fn begin_drafting(&mut self, drafting: Drafting) {
        if self.drafting == Drafting::New {
            self.stashed = self.composer.take();
        }
        self.drafting = drafting;
        self.screen = Screen::Chat;
        self.focus = Place::Composer;
    }

    pub(super) fn on_edit(&mut self) {
        let Some(message) = self.current().map(|at| &self.conversation.messages[at]) else { return };
        let (id, role, text) = (message.id, message.role, message.text().to_owned());
        self.begin_drafting(Drafting::Edit(id));
        self.draft_role = role;
        self.composer.set_text(&text);
    }

    pub(super) fn on_insert(&mut self) {
        let Some(id) = self.current().map(|at| self.conversation.messages[at].id) else { return };
        self.begin_drafting(Drafting::InsertAfter(id));
        self.draft_role = Role::System;
    }

    pub(super) fn on_delete(&mut self) -> Effects {
        let Some(at) = self.current() else { return Effects::none() };
        let running =
            self.conversation.messages[at].run().filter(|run| !run.status.is_ended()).map(|run| run.id);
        let effects = running.map_or_else(Effects::none, |run| self.cancel(run));
        let message = self.conversation.messages.remove(at);
        self.removed.note(&self.conversation.messages, at, Instead::Nothing, vec![message]);
        let next = at.min(self.conversation.messages.len().saturating_sub(1));
        self.transcript.selected = self.conversation.messages.get(next).map(|message| message.id);
        self.history_changed = true;
        let key = self.key(Command::UndoDelete, Place::Transcript);
        self.say(format!("deleted; {key} brings it back"));
        effects.and(self.keep())
    }

    pub(super) fn on_undelete(&mut self) -> Effects {
        if self.is_answering() {
            self.say("still answering: Esc stops it first");
            return Effects::none();
        }
        let Some(back) = self.removed.bring_back(&mut self.conversation.messages) else {
            self.say("nothing to bring back");
            return Effects::none();
        };
        self.transcript.selected = back.first;
        if let Some(id) = back.first {
            self.transcript.reveal(id, None);
        }
        self.history_changed = true;
        let key = self.key(Command::UndoDelete, Place::Transcript);
        self.say(match back.further {
            0 if back.turns => format!("brought back; {key} again returns to what stood here"),
            0 => "brought back".to_owned(),
            1 => format!("brought back; {key} again: one more step"),
            steps => format!("brought back; {key} again: {steps} more steps"),
        });
        Effects::one(self.keep())
    }

    pub(super) fn on_variant(&mut self, step: isize) -> Effects {
        let Some(at) = self.current() else { return Effects::none() };
        let message = &mut self.conversation.messages[at];
        if let Body::Answer(answer) = &mut message.body
            && answer.variants().len() > 1
        {
            let (id, has_changed) = (message.id, answer.step(step));
            self.transcript.selected = Some(id);
            self.transcript.reveal(id, None);
            if has_changed {
                self.history_changed = true;
                return Effects::one(self.keep());
            }
        } else {
            self.say("one answer so far: r asks again and keeps both");
        }
        Effects::none()
    }

    fn copied(&self) -> Option<String> {
        match self.screen {
            Screen::Chat => self.current().map(|at| self.conversation.messages[at].text().to_owned()),
            Screen::Compare => self.compare.current().and_then(|shown| shown.run).map(|run| run.text.clone()),
        }
    }

    pub(super) fn on_copy(&mut self) -> Effects {
        self.copied_code = 0;
        match self.copied().filter(|text| !text.is_empty()) {
            Some(text) => {
                self.say(format!("copied {} characters", text.chars().count()));
                Effects::one(Effect::Copy(text))
            }
            None => {
                self.say("nothing to copy");
                Effects::none()
            }
        }
    }

    pub(super) fn on_copy_code(&mut self) -> Effects {
        let text = self.copied().unwrap_or_default();
        let mut document = crate::markup::Document::markdown();
        document.update(&text, 80);
        let blocks = document.code_blocks();
        if blocks.is_empty() {
            self.say("no code block in this message");
            return Effects::none();
        }
        // Repeating the command goes on to the next block.
        let number = self.copied_code % blocks.len();
        self.copied_code += 1;
        let code = blocks[number].code(&text, 0..blocks[number].lines.len());
        self.say(format!("copied code block {} of {}", number + 1, blocks.len()));
        Effects::one(Effect::Copy(code))
    }

    pub(super) fn on_toggle_reasoning(&mut self) {
        match self.current_answer().filter(|run| !run.reasoning.is_empty()).map(|run| run.id) {
            Some(run) => self.transcript.toggle_reasoning(run),
            None => self.say("this answer has no reasoning text"),
        }
    }

    pub(super) fn on_cycle_role(&mut self) {
        if let Drafting::Edit(_) | Drafting::System = self.drafting {
            self.say("the role of this message stays as it is");
            return;
        }
        self.draft_role = match self.draft_role {
            Role::User => Role::System,
            Role::System => Role::Assistant,
            Role::Assistant => Role::User,
        };
    }

    /// Walks through the user messages while the caret is on the draft's first or last row.
    pub(super) fn on_recall(&mut self, command: Command, chord: Chord) -> Effects {
        let is_up = command == Command::RecallPrevious;
        let at_edge = if is_up { self.composer.is_on_first_row() } else { self.composer.is_on_last_row() };
        let walks = is_up || self.recalled.is_some();
        if !at_edge || !walks || (self.recalled.is_none() && !self.composer.is_empty()) {
            self.composer.on_key(chord);
            return Effects::none();
        }
        let sent = |message: &Message| message.role == Role::User;
        let count = self.conversation.messages.len();
        let from = self.recalled.unwrap_or(count);
        let found = if is_up {
            self.conversation.messages[..from].iter().rposition(sent)
        } else {
            self.conversation.messages[(from + 1).min(count)..].iter().position(sent).map(|at| from + 1 + at)
        };
        match found {
            Some(at) => {
                let text = self.conversation.messages[at].text().to_owned();
                self.composer.set_text(&text);
                self.recalled = Some(at);
            }
            None if !is_up => {
                self.composer.set_text("");
                self.recalled = None;
            }
            None => {}
        }
        Effects::none()
    }
}
