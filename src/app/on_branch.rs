//! Other endings: going on from a candidate that was not chosen, and walking between the answers that
//! came of it.

use crate::app::command::Place;
use crate::app::inspector::Target;
use crate::app::msg::Effects;
use crate::app::{App, Home, Screen, inspected};
use crate::core::conversation::Body;
use crate::core::id::RunId;
use crate::core::request::{Continuation, Means, Request};
use crate::core::run::Run;
use std::sync::Arc;

/// Where the variants of an answer are kept.
#[derive(Debug, Clone, Copy)]
enum Family {
    /// In this message of the conversation.
    Message(usize),
    /// In this cell of the comparison.
    Cell(usize),
}

impl App {
    /// Goes on from the candidate in hand, or from the most probable one that was not chosen.
    pub(super) fn branch(&mut self) -> Effects {
        let Some(run) = inspected(&self.conversation, &self.compare, &self.inspector) else {
            self.say("nothing to branch from: the inspector shows no answer");
            return Effects::none();
        };
        let Some(family) = self.family(run.id) else { return Effects::none() };
        if self.homes.contains_key(&run.id) || (self.screen == Screen::Chat && self.is_answering()) {
            self.say("still answering: Esc stops it first");
            return Effects::none();
        }
        let at = self.inspector.current().map_or(0, |group| group.tokens.end.saturating_sub(1));
        let Some(token) = run.tokens.get(at) else { return Effects::none() };
        let other = self
            .inspector
            .in_hand()
            .or_else(|| (0..token.candidates.len()).find(|at| token.chosen() != Some(*at)));
        let Some(candidate) = other.and_then(|index| token.candidates.get(index)) else {
            self.say("no other candidate is known here: set top_logprobs and ask again");
            return Effects::none();
        };
        let continuation = match Continuation::new(run, at, candidate, self.means(run)) {
            Ok(continuation) => continuation,
            Err(fault) => {
                self.fault(&fault);
                return Effects::none();
            }
        };
        let request = Arc::new(Request { continuation: Some(continuation), ..(*run.request).clone() });
        let id = self.ids.run();
        let ending = Run::continued(id, Arc::clone(&request), run, at, candidate, self.now);
        let home = match family {
            Family::Message(index) => {
                let message = &mut self.conversation.messages[index];
                if let Body::Answer(answer) = &mut message.body {
                    answer.add(ending);
                }
                Home::Chat(message.id)
            }
            Family::Cell(cell) => {
                self.compare.add_aside(cell, ending);
                Home::Compare
            }
        };
        self.history_changed = true;
        let effects = self.start(id, home, request);
        // The place where the endings part stays in view, whatever follows it.
        self.inspect_ending(id, Some(at));
        effects
    }

    /// Shows the next or the previous ending of the answer that is inspected.
    pub(super) fn step_ending(&mut self, step: isize) -> Effects {
        let Some(run) = inspected(&self.conversation, &self.compare, &self.inspector) else {
            return Effects::none();
        };
        let Some(family) = self.family(run.id) else { return Effects::none() };
        let token = self.inspector.current().map(|group| group.tokens.start);
        let next = match family {
            Family::Message(index) => match &mut self.conversation.messages[index].body {
                Body::Answer(answer) => {
                    answer.step(step);
                    answer.chosen().id
                }
                Body::Text(_) => return Effects::none(),
            },
            Family::Cell(cell) => {
                self.compare.step_sample(cell, step);
                match self.compare.shown(cell).and_then(|shown| shown.run) {
                    Some(run) => run.id,
                    None => return Effects::none(),
                }
            }
        };
        self.history_changed = true;
        self.inspect_ending(next, token);
        match family {
            Family::Message(_) => Effects::one(self.keep()),
            Family::Cell(_) => Effects::none(),
        }
    }

    /// Shows an ending in the inspector, with the cursor where it was.
    fn inspect_ending(&mut self, run: RunId, token: Option<usize>) {
        self.inspector.show(Target::Run(run));
        self.focus = Place::Inspector;
        let run = inspected(&self.conversation, &self.compare, &self.inspector);
        let measure = self.measure(run);
        self.inspector.settle(run, &measure);
        if let Some(token) = token {
            self.inspector.go_to_token(token);
        }
        self.reveal_token();
    }

    /// Returns the answers that share a place with a run: its variants, in the order they were asked.
    #[must_use]
    pub fn siblings(&self, run: RunId) -> Vec<&Run> {
        match self.family(run) {
            Some(Family::Message(index)) => match &self.conversation.messages[index].body {
                Body::Answer(answer) => answer.variants().iter().collect(),
                Body::Text(_) => Vec::new(),
            },
            Some(Family::Cell(cell)) => self.compare.answers(cell).collect(),
            None => Vec::new(),
        }
    }

    fn family(&self, run: RunId) -> Option<Family> {
        let holds = |runs: &[Run]| runs.iter().any(|own| own.id == run);
        let message = self.conversation.messages.iter().rposition(|message| match &message.body {
            Body::Answer(answer) => holds(answer.variants()),
            Body::Text(_) => false,
        });
        message.map(Family::Message).or_else(|| self.compare.cell_of(run).map(Family::Cell))
    }

    /// Returns how the endpoint that gave an answer is made to go on from a beginning.
    #[must_use]
    pub fn means(&self, run: &Run) -> Means {
        let card = self.settings.endpoints.iter().find(|card| card.name == run.request.endpoint);
        card.map_or(Means::Asked, |card| card.continues)
    }
}
