//! Other endings: going on from a candidate that was not chosen, and walking between the answers that
//! came of it.

use crate::app::command::{Command, Place};
use crate::app::inspector::{Sheet, Target, endings};
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
    /// Goes on from the candidate in hand, or from the most probable one that was not chosen. In the tree
    /// of endings, where neither is in view, it shows the ending that was chosen unless one is in hand.
    pub(super) fn branch(&mut self) -> Effects {
        if self.inspector.sheet == Sheet::Endings && self.inspector.in_hand().is_none() {
            return self.show_ending();
        }
        let Some(run) = inspected(&self.conversation, &self.compare, &self.inspector) else {
            self.say("nothing to branch from: the inspector shows no answer");
            return Effects::none();
        };
        let Some(family) = self.family(run.id) else { return Effects::none() };
        if self.homes.contains_key(&run.id) || (self.screen == Screen::Chat && self.is_answering()) {
            self.say("still answering: Esc stops it first");
            return Effects::none();
        }
        let Some((at, candidate)) = self.branching().map(|(at, candidate)| (at, candidate.clone())) else {
            self.say("no other candidate is known here: set top_logprobs and ask again");
            return Effects::none();
        };
        let continuation = match Continuation::new(run, at, &candidate, self.means(run)) {
            Ok(continuation) => continuation,
            Err(fault) => {
                self.fault(&fault);
                return Effects::none();
            }
        };
        let request = Arc::new(Request { continuation: Some(continuation), ..(*run.request).clone() });
        let id = self.ids.run();
        let ending = Run::continued(id, Arc::clone(&request), run, at, &candidate, self.now);
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
        let Some(next) = self.step_in(family, step) else { return Effects::none() };
        self.history_changed = true;
        self.inspect_ending(next, token);
        match family {
            Family::Message(_) => Effects::one(self.keep()),
            Family::Cell(_) => Effects::none(),
        }
    }

    /// Shows another variant of a family and returns it.
    fn step_in(&mut self, family: Family, step: isize) -> Option<RunId> {
        match family {
            Family::Message(index) => match &mut self.conversation.messages[index].body {
                Body::Answer(answer) => {
                    answer.step(step);
                    Some(answer.chosen().id)
                }
                Body::Text(_) => None,
            },
            Family::Cell(cell) => {
                self.compare.step_sample(cell, step);
                self.compare.shown(cell)?.run.map(|run| run.id)
            }
        }
    }

    /// Chooses the next ending in the tree, or the one before, without showing it yet.
    pub(super) fn choose_ending(&mut self, step: isize) {
        let Some(shown) = self.inspected().map(|run| run.id) else { return };
        let variants = self.siblings(shown);
        let tree = endings(&variants);
        let chosen = self.inspector.ending.unwrap_or(shown);
        let at = tree.iter().position(|ending| variants[ending.index].id == chosen).unwrap_or(0);
        let next = at.saturating_add_signed(step).min(tree.len().saturating_sub(1));
        let next = tree.get(next).map(|ending| variants[ending.index].id);
        self.inspector.ending = next.filter(|next| *next != shown);
    }

    /// Shows the ending that was chosen in the tree.
    fn show_ending(&mut self) -> Effects {
        let (Some(shown), Some(wanted)) = (self.inspected().map(|run| run.id), self.inspector.ending) else {
            let key = self.key(Command::NextCandidate, Place::Inspector);
            self.say(format!("this ending is shown: {key} takes a candidate to branch from"));
            return Effects::none();
        };
        if let Some(Family::Cell(cell)) = self.family(shown) {
            let token = self.inspector.current().map(|group| group.tokens.start);
            self.compare.show_run(cell, wanted);
            self.history_changed = true;
            self.inspect_ending(wanted, token);
            return Effects::none();
        }
        let siblings = self.siblings(shown);
        let place = |id| siblings.iter().position(|run| run.id == id);
        let (Some(from), Some(to)) = (place(shown), place(wanted)) else { return Effects::none() };
        self.step_ending(isize::try_from(to).unwrap_or(0) - isize::try_from(from).unwrap_or(0))
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
