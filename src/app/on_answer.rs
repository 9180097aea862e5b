//! Asking and answering: sending the draft, folding stream events, stopping, asking again.

use crate::app::command::{Command, Place};
use crate::app::inspector::Target;
use crate::app::msg::{Effect, Effects};
use crate::app::paces::speaker_of;
use crate::app::removed::Instead;
use crate::app::{App, Drafting, Home, Screen};
use crate::core::conversation::{Answer, Body, Message};
use crate::core::figure;
use crate::core::id::{MessageId, RunId};
use crate::core::request::{Request, Role};
use crate::core::run::Run;
use crate::core::stream::{FinishReason, StreamEvent};
use crate::core::sweep::pace::Timing;
use std::sync::Arc;

impl App {
    /// Folds a step of a run; a run that is no longer known is stale and only counted.
    pub(super) fn on_run(&mut self, id: RunId, event: StreamEvent) -> Effects {
        let (now, home) = (self.now, self.homes.get(&id).copied());
        let is_exchange = matches!(event, StreamEvent::Exchanged(_));
        let run = match home {
            Some(Home::Chat(message)) => self.answer_mut(message).and_then(|answer| answer.variant_mut(id)),
            Some(Home::Compare) => return self.on_compare_run(id, event),
            None => None,
        };
        let Some(run) = run else {
            self.stale += 1;
            return Effects::none();
        };
        run.apply(event, now);
        if is_exchange || !run.status.is_ended() {
            return Effects::none();
        }
        let (speaker, timing) = (speaker_of(&run.request), Timing::of(run));
        self.paces.learn(speaker, timing);
        self.homes.remove(&id);
        self.history_changed = true;
        Effects::one(self.keep())
    }

    fn answer_mut(&mut self, id: MessageId) -> Option<&mut Answer> {
        // Answers under way are near the end.
        let message = self.conversation.messages.iter_mut().rev().find(|message| message.id == id)?;
        match &mut message.body {
            Body::Answer(answer) => Some(answer),
            Body::Text(_) => None,
        }
    }

    /// Sends what was written, in the way the composer's title says.
    pub(super) fn on_send(&mut self) -> Effects {
        if self.is_too_long_to_send() {
            return Effects::none();
        }
        if self.screen == Screen::Compare && self.drafting == Drafting::New {
            return self.run_comparison();
        }
        if let Some(suggestion) = self.suggestion() {
            self.composer.set_text(suggestion);
        }
        let is_empty = self.composer.is_empty();
        match self.drafting {
            Drafting::New if is_empty => {
                self.say("nothing to send yet: write a message");
                Effects::none()
            }
            Drafting::New if self.draft_role == Role::User && self.is_answering() => {
                self.say("still answering: Esc stops it, then Enter sends");
                Effects::none()
            }
            Drafting::New => {
                let text: Arc<str> = self.composer.take().into();
                let role = self.draft_role;
                self.push(role, text);
                self.after_sending();
                if role == Role::User {
                    self.ask_after(self.conversation.messages.len())
                } else {
                    Effects::one(self.keep())
                }
            }
            Drafting::System => {
                self.set_system();
                Effects::one(self.keep())
            }
            Drafting::InsertAfter(_) | Drafting::Edit(_) if is_empty => {
                self.say("an empty message cannot be sent: Esc leaves it as it was, d deletes it");
                Effects::none()
            }
            Drafting::InsertAfter(id) => {
                let text: Arc<str> = self.composer.take().into();
                let message =
                    Message { id: self.ids.message(), role: self.draft_role, body: Body::Text(text) };
                let at = self.conversation.position(id).map_or(self.conversation.messages.len(), |at| at + 1);
                self.transcript.selected = Some(message.id);
                self.transcript.reveal(message.id, None);
                self.conversation.messages.insert(at, message);
                self.after_sending();
                Effects::one(self.keep())
            }
            Drafting::Edit(id) => self.send_edit(id),
        }
    }

    /// Whether what asks for an answer does not fit the model's window; says so once for each draft, as
    /// the count may be an estimate and the window another than it is known to be.
    fn is_too_long_to_send(&mut self) -> bool {
        let asks = match self.drafting {
            Drafting::New => self.draft_role == Role::User || self.screen == Screen::Compare,
            Drafting::Edit(_) => self.draft_role == Role::User,
            Drafting::InsertAfter(_) | Drafting::System => false,
        };
        let context = self.counter.context(&self.settings.card, self.settings.sampling.max_output_tokens);
        let draft = Some((self.composer.revision(), Arc::clone(&self.settings.model)));
        let (true, Some(window), true) = (asks, context.window, context.share() > Some(1.0)) else {
            return false;
        };
        if self.warned == draft {
            return false;
        }
        self.warned = draft;
        let key = |command| self.key(command, Place::Composer);
        let (send, model) = (key(Command::Send), key(Command::ChooseModel));
        let history = if self.conversation.memory && !self.conversation.messages.is_empty() {
            format!(", leave the history out ({})", key(Command::ToggleMemory))
        } else {
            String::new()
        };
        self.say(format!(
            "this does not fit: {} tokens, and {} takes {}. Shorten it{history}, choose another model ({model}), \
             or press {send} again to send it all the same",
            figure::count(context.used),
            self.settings.model,
            figure::whole(window),
        ));
        true
    }

    fn after_sending(&mut self) {
        // Another kind of writing had put the draft aside.
        if std::mem::replace(&mut self.drafting, Drafting::New) != Drafting::New {
            self.composer.set_text(&std::mem::take(&mut self.stashed));
        }
        self.draft_role = Role::User;
        self.recalled = None;
        self.history_changed = true;
    }

    fn push(&mut self, role: Role, text: Arc<str>) -> MessageId {
        let id = self.ids.message();
        self.conversation.messages.push(Message { id, role, body: Body::Text(text) });
        self.history_changed = true;
        self.transcript.selected = None;
        self.transcript.follow();
        id
    }

    fn set_system(&mut self) {
        let text = self.composer.take();
        let new = (!text.is_empty()).then(|| text.into());
        let is_set = new.is_some();
        let had_one = self.replace_system(new);
        self.say(match (is_set, had_one) {
            (true, _) => "system message set",
            (false, true) => "system message removed",
            (false, false) => "no system message",
        });
        self.after_sending();
    }

    /// Puts a system message in the place of the first one, or takes that away; returns whether there was
    /// one.
    pub(super) fn replace_system(&mut self, text: Option<Arc<str>>) -> bool {
        let has_system =
            self.conversation.messages.first().is_some_and(|message| message.role == Role::System);
        let end = usize::from(has_system);
        let new =
            text.map(|text| Message { id: self.ids.message(), role: Role::System, body: Body::Text(text) });
        let instead = new.as_ref().map_or(Instead::Nothing, |message| Instead::Message(message.id));
        let messages = self.conversation.messages.splice(..end, new).collect();
        self.removed.note(&self.conversation.messages, 0, instead, messages);
        has_system
    }

    fn send_edit(&mut self, id: MessageId) -> Effects {
        let Some(at) = self.conversation.position(id) else {
            self.drafting = Drafting::New;
            return Effects::none();
        };
        let role = self.conversation.messages[at].role;
        let is_question = role == Role::User;
        if is_question && self.is_answering() {
            self.say("still answering: Esc stops it, then Enter sends");
            return Effects::none();
        }
        let text: Arc<str> = self.composer.take().into();
        let message = Message { id: self.ids.message(), role, body: Body::Text(text) };
        // A question asked again makes what followed it obsolete; undoing brings it back.
        let (end, instead) = if is_question {
            (self.conversation.messages.len(), Instead::Rest)
        } else {
            (at + 1, Instead::Message(message.id))
        };
        let messages = self.conversation.messages.splice(at..end, [message]).collect();
        self.removed.note(&self.conversation.messages, at, instead, messages);
        let key = self.key(Command::UndoDelete, Place::Transcript);
        let (what, old) = if is_question { ("asked again from here", "branch") } else { ("changed", "text") };
        self.say(format!("{what}; {key} in the conversation brings the old {old} back"));
        self.transcript.selected = None;
        self.after_sending();
        if is_question { self.ask_after(at + 1) } else { Effects::one(self.keep()) }
    }

    /// Whether an answer of the conversation is under way.
    pub(super) fn is_answering(&self) -> bool {
        self.homes.values().any(|home| matches!(home, Home::Chat(_)))
    }

    /// Asks for an answer to the first `upto` messages and puts it after them.
    pub(super) fn ask_after(&mut self, upto: usize) -> Effects {
        let request = Arc::new(self.settings.request(&self.conversation, upto));
        let run = self.new_run(&request);
        let (run_id, message) = (run.id, self.ids.message());
        let entry = Message { id: message, role: Role::Assistant, body: Body::Answer(Answer::new(run)) };
        self.conversation.messages.insert(upto, entry);
        self.start(run_id, Home::Chat(message), request)
    }

    pub(super) fn new_run(&mut self, request: &Arc<Request>) -> Run {
        Run::new(self.ids.run(), Arc::clone(request), self.now)
    }

    pub(super) fn start(&mut self, run: RunId, home: Home, request: Arc<Request>) -> Effects {
        self.homes.insert(run, home);
        if matches!(home, Home::Chat(_)) {
            self.transcript.follow();
            self.inspector.show(Target::Newest);
            self.inspector.follow();
        }
        let timeout = self.settings.timeout;
        Effects::one(Effect::Start { run, request, timeout }).and(self.keep())
    }

    /// Asks again: for the selected message, or for the last one.
    pub(super) fn on_again(&mut self) -> Effects {
        if self.screen == Screen::Compare {
            return self.run_comparison();
        }
        if self.is_answering() {
            self.say("still answering: Esc stops it first");
            return Effects::none();
        }
        let selected = self.transcript.selected.and_then(|id| self.conversation.position(id));
        let Some(at) = selected.or(self.conversation.messages.len().checked_sub(1)) else {
            self.say("nothing to ask again yet: write a message");
            return Effects::none();
        };
        // From a question, its answer is meant.
        let next_is_answer =
            self.conversation.messages.get(at + 1).is_some_and(|message| message.role == Role::Assistant);
        let at = match self.conversation.messages[at].role {
            Role::Assistant => at,
            Role::User | Role::System if next_is_answer => at + 1,
            Role::User | Role::System => return self.ask_after(at + 1),
        };
        let request = Arc::new(self.settings.request(&self.conversation, at));
        let run = self.new_run(&request);
        let run_id = run.id;
        let message_id = self.conversation.messages[at].id;
        let recorded = match &self.conversation.messages[at].body {
            Body::Text(text) => Some(Run::recorded(self.ids.run(), Arc::clone(&request), text.to_string())),
            Body::Answer(_) => None,
        };
        let message = &mut self.conversation.messages[at];
        match (&mut message.body, recorded) {
            (Body::Answer(answer), _) => answer.add(run),
            (body @ Body::Text(_), Some(recorded)) => {
                let mut answer = Answer::new(recorded);
                answer.add(run);
                *body = Body::Answer(answer);
            }
            (Body::Text(_), None) => {}
        }
        let is_last = at + 1 == self.conversation.messages.len();
        let effects = self.start(run_id, Home::Chat(message_id), request);
        if !is_last {
            self.inspector.show(Target::Run(run_id));
            self.transcript.reveal(message_id, None);
        }
        effects
    }

    /// Stops the runs that are under way on this screen; returns none if there was none.
    fn stop_runs(&mut self) -> Option<Effects> {
        let here = |home: &Home| {
            matches!((self.screen, home), (Screen::Chat, Home::Chat(_)) | (Screen::Compare, Home::Compare))
        };
        let runs: Vec<RunId> =
            self.homes.iter().filter(|(_, home)| here(home)).map(|(run, _)| *run).collect();
        if self.screen == Screen::Compare {
            return self.is_comparing().then(|| self.stop_all());
        }
        if runs.is_empty() {
            return None;
        }
        Some(runs.into_iter().fold(Effects::none(), |effects, run| effects.then(self.cancel(run))))
    }

    /// Ends a run and keeps what came.
    pub(super) fn cancel(&mut self, run: RunId) -> Effects {
        let now = self.now;
        match self.homes.remove(&run) {
            Some(Home::Chat(message)) => {
                if let Some(run) = self.answer_mut(message).and_then(|answer| answer.variant_mut(run)) {
                    run.cancel(now);
                }
                self.history_changed = true;
                Effects::one(Effect::Cancel(run)).and(self.keep())
            }
            Some(Home::Compare) => self.cancel_compared(run),
            None => Effects::none(),
        }
    }

    pub(super) fn on_interrupt(&mut self) -> Effects {
        self.interrupted = true;
        match self.stop_runs() {
            Some(effects) if self.screen == Screen::Compare => {
                let key = self.key(Command::PauseSweep, Place::Grid);
                self.say(format!("stopped; {key} asks for the rest, Ctrl-C again quits"));
                effects
            }
            Some(effects) => {
                self.say("stopped; Ctrl-C again quits");
                effects
            }
            None => {
                self.say("Ctrl-C again quits");
                Effects::none()
            }
        }
    }

    /// Stops what is under way; with nothing under way, steps back one level. On the board what is laid over
    /// it goes first: nobody who closes something means to stop a hundred answers.
    pub(super) fn on_stop(&mut self) -> Effects {
        if self.focus != Place::Composer && self.close_nearest() {
            return Effects::none();
        }
        if self.screen == Screen::Compare && self.is_comparing() {
            return self.stop_comparison();
        }
        if let Some(effects) = self.stop_runs() {
            self.say("stopped; the text is kept");
            return effects;
        }
        if self.drafting != Drafting::New {
            self.drafting = Drafting::New;
            self.draft_role = Role::User;
            self.composer.set_text(&std::mem::take(&mut self.stashed));
        } else if self.zoomed {
            self.zoomed = false;
        } else if self.close_nearest() {
            return Effects::none();
        } else if self.transcript.selected.take().is_none() {
            self.focus = Place::Composer;
        }
        Effects::none()
    }

    /// Returns the answer that is selected, or the last one.
    pub(super) fn current_answer(&self) -> Option<&Run> {
        let selected = self.transcript.selected.and_then(|id| self.conversation.position(id));
        match selected {
            Some(at) => self.conversation.messages[at..].iter().find_map(Message::run),
            None => None,
        }
        .or_else(|| self.conversation.messages.iter().rev().find_map(Message::run))
    }
}

/// Returns whether an answer is worth continuing from: it has text and was not refused.
pub(super) fn is_usable(run: &Run) -> bool {
    !run.text.is_empty() && !matches!(run.status, crate::core::run::RunStatus::Done(FinishReason::Filter))
}
