//! Running a comparison and what can be done with its columns.

use crate::app::command::{Command, Place};
use crate::app::counter::Sent;
use crate::app::inspector::Target;
use crate::app::msg::Effects;
use crate::app::on_answer::is_usable;
use crate::app::{App, Continued, Drafting, Home, Screen};
use crate::core::conversation::{Answer, Body, Message};
use crate::core::figure;
use crate::core::id::MessageId;
use crate::core::request::{Prompt, Role};
use crate::core::run::RunStatus;
use crate::core::sweep::Sweep;
use std::sync::Arc;

impl App {
    /// Asks the draft, or without one the last question, at every temperature.
    pub(super) fn run_comparison(&mut self) -> Effects {
        let Some((question, origin)) = self.question() else {
            self.say("nothing to compare yet: write a question and press Enter");
            return Effects::none();
        };
        let upto = self.before(origin);
        let mut prompts = self.conversation.prompts(upto);
        if !self.conversation.memory {
            prompts.retain(|prompt| prompt.role == Role::System);
        }
        prompts.push(Prompt::new(Role::User, Arc::clone(&question)));
        let base = self.settings.request_of(prompts);
        let sweep = Sweep::of_temperatures(base, &self.compare.temperatures, self.compare.repeats);
        if !self.composer.is_empty() {
            self.composer.take();
        }
        let mut effects = self.stop_all();
        let mut runs = Vec::new();
        for sample in sweep.samples() {
            let temperature = sample.request.sampling.temperature.unwrap_or_default();
            let run = self.new_run(&sample.request);
            effects = effects.then(self.start(run.id, Home::Compare, sample.request));
            runs.push((temperature, run));
        }
        self.compare.begin(question, origin, runs);
        self.compare.inspecting = false;
        self.focus = Place::Grid;
        effects
    }

    /// Returns what a comparison would ask, and the message it is where it is one already.
    #[must_use]
    pub fn question(&self) -> Option<(Arc<str>, Option<MessageId>)> {
        if !self.composer.is_empty() {
            return Some((self.composer.text().into(), None));
        }
        if let Some(suggestion) = self.suggestion() {
            return Some((suggestion.into(), None));
        }
        if let Some(question) = &self.compare.question {
            return Some((Arc::clone(question), self.compare.origin));
        }
        let last = self.conversation.messages.iter().rev().find(|message| message.role == Role::User)?;
        Some((last.shared_text(), Some(last.id)))
    }

    /// Returns how many messages come before a question: all, unless it is one of them itself.
    fn before(&self, origin: Option<MessageId>) -> usize {
        match origin {
            Some(id) => self.conversation.position(id).unwrap_or(0),
            None => self.conversation.messages.len(),
        }
    }

    /// Returns the question that Enter asks although nothing is typed, and how many messages are sent
    /// before it.
    #[must_use]
    pub fn offered(&self) -> Option<(Arc<str>, usize)> {
        if !self.composer.is_empty() || self.drafting != Drafting::New {
            return None;
        }
        match self.screen {
            Screen::Chat => Some((self.suggestion()?.into(), self.conversation.messages.len())),
            Screen::Compare => {
                let (question, origin) = self.question()?;
                Some((question, self.before(origin)))
            }
        }
    }

    /// Returns which messages are sent with the draft, in the way the composer's title says.
    pub(super) fn sent(&self) -> Sent {
        let is_system = |message: &&Message| message.role == Role::System;
        let messages = &self.conversation.messages;
        match self.drafting {
            Drafting::New => Sent::first(self.offered().map_or(usize::MAX, |(_, upto)| upto)),
            Drafting::InsertAfter(_) => Sent::default(),
            Drafting::System => Sent::without(messages.first().filter(is_system).map(|message| message.id)),
            Drafting::Edit(id) => match self.conversation.position(id) {
                Some(at) if messages[at].role == Role::User => Sent::first(at),
                _ => Sent::without(Some(id)),
            },
        }
    }

    pub(super) fn stop_cell(&mut self) -> Effects {
        match self.compare.current().map(|column| column.run().id) {
            Some(run) => self.cancel(run),
            None => Effects::none(),
        }
    }

    /// Asks the current column's question again; an answer that says something is kept beside the new one.
    pub(super) fn retry_cell(&mut self) -> Effects {
        let shown = self.compare.current().map(|column| (column.run().id, Arc::clone(&column.run().request)));
        let Some((old, request)) = shown else {
            self.say("no column yet: write a question and press Enter");
            return Effects::none();
        };
        let stop = self.cancel(old);
        let run = self.new_run(&request);
        let id = run.id;
        if self.compare.ask_again(run) {
            let (before, after) =
                (self.key(Command::PreviousSample, Place::Grid), self.key(Command::NextSample, Place::Grid));
            self.say(format!("asked again; {before} and {after} walk the answers of this column"));
        }
        if self.compare.inspecting {
            self.inspector.show(Target::Run(id));
        }
        stop.then(self.start(id, Home::Compare, request))
    }

    pub(super) fn step_sample(&mut self, by: isize) {
        self.compare.step_sample(by);
        self.step_column(0);
    }

    /// Moves to another column; an open inspector follows.
    pub(super) fn step_column(&mut self, by: isize) {
        self.compare.step(by);
        if let (true, Some(column)) = (self.compare.inspecting, self.compare.current()) {
            self.inspector.show(Target::Run(column.run().id));
        }
    }

    /// Stops every answer of the comparison.
    pub(super) fn stop_all(&mut self) -> Effects {
        self.waiting.clear();
        let ids: Vec<_> =
            self.compare.runs().filter(|run| !run.status.is_ended()).map(|run| run.id).collect();
        ids.into_iter().fold(Effects::none(), |effects, id| effects.then(self.cancel(id)))
    }

    /// Takes the current column's answer into the conversation and goes on there.
    pub(super) fn continue_cell(&mut self) -> Effects {
        let Some(column) = self.compare.current() else {
            self.say("no column yet: write a question and press Enter");
            return Effects::none();
        };
        let (mut run, temperature) = (column.run().clone(), column.temperature);
        if !is_usable(&run)
            || matches!(run.status, RunStatus::Queued | RunStatus::Connecting | RunStatus::Streaming)
        {
            self.say("this answer is not complete yet: wait, or stop it with x");
            return Effects::none();
        }
        if self.is_answering() {
            self.say("the conversation is still answering: stop it first");
            return Effects::none();
        }
        // The conversation's copy is a run of its own: the column keeps the original.
        run.id = self.ids.run();
        let question = self.compare.question.clone().unwrap_or_default();
        let at = self.compare.origin.and_then(|id| self.conversation.position(id));
        match at {
            Some(at) => match self.conversation.messages.get_mut(at + 1).map(|message| &mut message.body) {
                Some(Body::Answer(answer)) => answer.add(run),
                _ => self.insert_answer(at + 1, run),
            },
            None => {
                let id = self.ids.message();
                self.conversation.messages.push(Message { id, role: Role::User, body: Body::Text(question) });
                self.compare.origin = Some(id);
                self.insert_answer(self.conversation.messages.len(), run);
            }
        }
        let before = self.settings.sampling.temperature.replace(temperature);
        // A further column does not make the last one's temperature the one to return to.
        let before = self.continued.filter(|last| before == Some(last.at)).map_or(before, |last| last.before);
        self.continued = Some(Continued { at: temperature, before });
        self.history_changed = true;
        self.show(Screen::Chat);
        self.transcript.follow();
        self.focus = Place::Composer;
        let (set, new) = (
            self.key(Command::EditParameters, Place::Composer),
            self.key(Command::NewConversation, Place::Composer),
        );
        self.say(format!(
            "this conversation goes on at temperature {}: {set} sets it, {new} returns to {}",
            figure::parameter(temperature),
            before.map_or("none".to_owned(), figure::parameter)
        ));
        Effects::one(self.keep())
    }

    /// Ends the temperature that came with a column that was continued; returns the one from before it,
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

    fn insert_answer(&mut self, at: usize, run: crate::core::run::Run) {
        let message =
            Message { id: self.ids.message(), role: Role::Assistant, body: Body::Answer(Answer::new(run)) };
        self.conversation.messages.insert(at, message);
    }
}
