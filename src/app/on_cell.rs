//! One cell of a comparison: stopping it, asking again, marking it, going on from it.

use crate::app::command::{Command, Place};
use crate::app::compare::lens::Lens;
use crate::app::inspector::Target;
use crate::app::line_edit::LineEdit;
use crate::app::msg::Effects;
use crate::app::on_answer::is_usable;
use crate::app::on_compare::NO_CELL;
use crate::app::overlay::{Overlay, Prompt};
use crate::app::{App, Continued, Home, Screen};
use crate::core::bench::{Bench, State};
use crate::core::conversation::{Answer, Body, Message};
use crate::core::figure;
use crate::core::request::{Request, Role};
use crate::core::run::Run;
use crate::core::sweep::Parameter;
use std::sync::Arc;

/// Longest note, in bytes.
const MAX_NOTE: usize = 600;

impl App {
    /// Stops the answer that the cell under the cursor shows.
    pub(super) fn stop_cell(&mut self) -> Effects {
        let Some(shown) = self.compare.current() else { return Effects::none() };
        // One that waits again shows what came before it was stopped.
        let is_waiting = shown.slot.is_some_and(|slot| slot.state() == State::Waiting);
        let run = shown.run.filter(|_| !is_waiting).map(|run| run.id);
        match (run, self.compare.current_sample(), &mut self.compare.bench) {
            (Some(run), _, _) => self.cancel(run),
            (None, Some(sample), Some(bench)) => {
                bench.stop(sample, self.now);
                Effects::none()
            }
            (None, _, _) => Effects::none(),
        }
    }

    /// Asks for the current answer again; one that says something is kept, and the new one stands beside it.
    pub(super) fn retry_cell(&mut self) -> Effects {
        let Some(shown) = self.compare.current() else {
            self.say(NO_CELL);
            return Effects::none();
        };
        if let Some(reason) = shown.slot.and_then(|slot| slot.refusal.as_deref()) {
            let reason = format!("not sent: {reason}");
            self.say(reason);
            return Effects::none();
        }
        let is_waiting = shown.slot.is_some_and(|slot| slot.state() == State::Waiting);
        let Some(run) = shown.run.filter(|_| !is_waiting) else {
            // One that was stopped before its turn.
            let sample = self.compare.current_sample();
            let asked =
                sample.zip(self.compare.bench.as_mut()).is_some_and(|(sample, bench)| bench.retry(sample));
            return if asked { self.ask_due() } else { Effects::none() };
        };
        let (old, request) = (run.id, Arc::clone(&run.request));
        let says_something = !run.text.is_empty() || !run.reasoning.is_empty();
        let stop = self.cancel(old);
        let cell = self.compare.cursor;
        if let (false, Some(sample), Some(bench)) =
            (says_something, self.compare.current_sample(), self.compare.bench.as_mut())
        {
            bench.retry(sample);
            self.compare.follow(cell);
            return stop.then(self.ask_due());
        }
        let aside = self.new_run(&request);
        let id = aside.id;
        self.compare.add_aside(cell, aside);
        let (before, after) =
            (self.key(Command::PreviousSample, Place::Grid), self.key(Command::NextSample, Place::Grid));
        self.say(format!("asked again; {before} and {after} walk the answers of this cell"));
        if self.compare.inspecting {
            self.inspector.show(Target::Run(id));
        }
        stop.then(self.start(id, Home::Compare, request))
    }

    /// Marks the cell as best, or takes the mark away.
    pub(super) fn mark_best(&mut self) -> Effects {
        if self.compare.is_empty() {
            self.say(NO_CELL);
            return Effects::none();
        }
        self.compare.toggle_best();
        self.keep_mark()
    }

    /// Asks for a note on the cell in the bottom line, where it covers no answer.
    pub(super) fn note_cell(&mut self) {
        match self.compare.pane(self.compare.cursor) {
            Some(pane) => {
                let line = LineEdit::new(pane.note.clone()).at_most(MAX_NOTE);
                self.overlay = Some(Overlay::Note(Prompt::new(line)));
            }
            None => self.say(NO_CELL),
        }
    }

    /// Takes the note that was written.
    pub(super) fn accept_note(&mut self) -> Effects {
        if let Some(Overlay::Note(prompt)) = self.overlay.take() {
            self.compare.set_note(self.compare.cursor, prompt.text().trim());
            return self.keep_mark();
        }
        Effects::none()
    }

    pub(super) fn step_sample(&mut self, by: isize) -> Effects {
        self.compare.step_sample(self.compare.cursor, by);
        self.step_cell(0, 0)
    }

    /// Moves to another cell; an open inspector follows.
    pub(super) fn step_cell(&mut self, columns: isize, rows: isize) -> Effects {
        if matches!(self.compare.whole(), Some(Lens::Statistics | Lens::Fields)) {
            let count = self.compare.board.column_count();
            self.compare.lenses.cursor.page(columns, count);
        }
        self.compare.step(columns, rows);
        let run = self.compare.current().and_then(|shown| shown.run).map(|run| run.id);
        if let (true, Some(run)) = (self.compare.inspecting, run) {
            self.inspector.show(Target::Run(run));
        }
        self.load_light()
    }

    /// Takes the current cell's answer into the conversation and goes on there.
    pub(super) fn continue_cell(&mut self) -> Effects {
        let Some(shown) = self.compare.current() else {
            self.say(NO_CELL);
            return Effects::none();
        };
        let Some(mut run) = shown.run.filter(|run| is_usable(run) && run.status.is_ended()).cloned() else {
            let stop = self.key(Command::StopCell, Place::Grid);
            self.say(format!("this answer is not complete yet: wait, or stop it with {stop}"));
            return Effects::none();
        };
        if self.is_answering() {
            self.say("the conversation is still answering: stop it first");
            return Effects::none();
        }
        let temperature = run.request.sampling.temperature;
        self.take_over(&Arc::clone(&run.request));
        // The conversation's copy is a run of its own: the cell keeps the original.
        run.id = self.ids.run();
        // What was asked, with the texts the axes put in it.
        let question = run.request.messages.last().map(|prompt| Arc::clone(&prompt.content));
        let question = question.or_else(|| self.compare.question.clone()).unwrap_or_default();
        let is_origin = self.compare.question.as_ref() == Some(&question);
        let at = self.compare.origin.filter(|_| is_origin).and_then(|id| self.conversation.position(id));
        match at {
            Some(at) => match self.conversation.messages.get_mut(at + 1).map(|message| &mut message.body) {
                Some(Body::Answer(answer)) => answer.add(run),
                _ => self.insert_answer(at + 1, run),
            },
            None => {
                let id = self.ids.message();
                self.conversation.messages.push(Message { id, role: Role::User, body: Body::Text(question) });
                if is_origin {
                    self.compare.origin = Some(id);
                }
                self.insert_answer(self.conversation.messages.len(), run);
            }
        }
        self.history_changed = true;
        self.show(Screen::Chat);
        self.transcript.follow();
        self.focus = Place::Composer;
        if let Some(temperature) = temperature {
            self.continue_at(temperature);
        }
        Effects::one(self.keep())
    }

    /// Makes the conversation one with what the axes set for a cell besides the temperature: who answers,
    /// and as whom.
    fn take_over(&mut self, request: &Request) {
        let Some(sweep) = self.compare.bench.as_ref().map(Bench::sweep) else { return };
        let varies = |parameters: [Parameter; 2]| parameters.iter().any(|own| sweep.varies(own));
        let new_system = varies([Parameter::Persona, Parameter::System]);
        if varies([Parameter::Model, Parameter::Endpoint]) {
            let mut endpoints = self.settings.endpoints.iter();
            let endpoint = endpoints.position(|card| card.name == request.endpoint);
            let is_other = endpoint != Some(self.settings.endpoint) || self.settings.model != request.model;
            if let (Some(endpoint), true) = (endpoint, is_other) {
                self.settings.endpoint = endpoint;
                self.use_model(&request.model);
            }
        }
        let system = |message: &Message| (message.role == Role::System).then(|| message.shared_text());
        let asked = request.messages.first().filter(|prompt| prompt.role == Role::System);
        let asked = asked.map(|prompt| Arc::clone(&prompt.content));
        if new_system && self.conversation.messages.first().and_then(system) != asked {
            self.replace_system(asked);
        }
    }

    /// Goes on at the temperature of the cell that is continued.
    fn continue_at(&mut self, temperature: f64) {
        let before = self.settings.sampling.temperature.replace(temperature);
        // A further cell does not make the last one's temperature the one to return to.
        let before = self.continued.filter(|last| before == Some(last.at)).map_or(before, |last| last.before);
        self.continued = Some(Continued { at: temperature, before });
        let (set, new) = (
            self.key(Command::EditParameters, Place::Composer),
            self.key(Command::NewConversation, Place::Composer),
        );
        self.say(format!(
            "this conversation goes on at temperature {}: {set} sets it, {new} returns to {}",
            figure::parameter(temperature),
            before.map_or("none".to_owned(), figure::parameter)
        ));
    }

    /// Ends the temperature that came with a cell that was continued; returns the one from before it,
    /// unless the user has set another since.
    pub(super) fn end_continued(&mut self) -> Option<Continued> {
        let continued = self.continued.take()?;
        let Continued { at, before } = continued;
        let is_unchanged = self.settings.sampling.temperature == Some(at) && before != Some(at);
        is_unchanged.then(|| {
            self.settings.sampling.temperature = before;
            continued
        })
    }

    fn insert_answer(&mut self, at: usize, run: Run) {
        let message =
            Message { id: self.ids.message(), role: Role::Assistant, body: Body::Answer(Answer::new(run)) };
        self.conversation.messages.insert(at, message);
    }
}
