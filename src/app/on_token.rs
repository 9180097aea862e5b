//! What can be done with an answer's tokens: walking, looking for text, sorting, asking what if.

use crate::app::command::Place;
use crate::app::heat::{Heat, Heating};
use crate::app::inspector::{Inspector, Measure, Sheet, Slider, Target, reads_like_json};
use crate::app::layout::TABLE_HEAD;
use crate::app::msg::{Mouse, MouseKind};
use crate::app::overlay::{Overlay, Prompt};
use crate::app::{App, Screen, inspected};
use crate::core::id::{MessageId, RunId};
use crate::core::meaning::{self, Meaning};
use crate::core::provenance::Provenance;
use crate::core::request::Means;
use crate::core::reshaping::Refusal;
use crate::core::run::Run;
use crate::core::what_if::WhatIf;

/// Steps of a slider for the key with shift.
pub(super) const FAST: f64 = 5.0;

impl App {
    /// Moves the slider of the what-if that is in hand.
    pub(super) fn slide(&mut self, steps: f64) {
        let asked = self.asked_temperature();
        self.inspector.sliders.step(steps, asked);
    }

    /// Shows the next sheet that has something to show.
    pub(super) fn next_sheet(&mut self) {
        let Some(run) = self.inspected() else { return };
        let has_endings = self.siblings(run.id).len() > 1;
        let is_json = reads_like_json(run);
        self.inspector.sheet = match self.inspector.sheet {
            Sheet::Tokens if is_json => Sheet::Json,
            Sheet::Tokens | Sheet::Json if has_endings => Sheet::Endings,
            Sheet::Tokens => {
                self.say("the tokens are all there is: no JSON, and one ending so far");
                Sheet::Tokens
            }
            Sheet::Json | Sheet::Endings => Sheet::Tokens,
        };
    }

    pub(super) fn toggle_pieces(&mut self) {
        if let Some(run) = inspected(&self.conversation, &self.compare, &self.inspector) {
            self.inspector.toggle_pieces(run);
        }
    }

    /// Returns the temperature the inspected answer was asked with; 1 where the server decided.
    #[must_use]
    pub fn asked_temperature(&self) -> f64 {
        self.inspected().and_then(|run| run.request.sampling.temperature).unwrap_or(1.0)
    }

    /// Returns where the values of a run stand, and how that is known.
    #[must_use]
    pub fn provenance(&self, run: &Run) -> Provenance {
        let (endpoint, model) = (&run.request.endpoint, &run.request.model);
        let configured = self.knowledge.logprobs_before_temperature(endpoint);
        meaning::provenance(configured, self.finding(endpoint, model), &self.knowledge.card(model))
    }

    /// Returns the number of tokens in the vocabulary of the model that gave an answer, or more than it
    /// has where that is not known.
    #[must_use]
    pub fn vocabulary(&self, run: &Run) -> usize {
        self.meaning(run).vocabulary
    }

    /// Returns what the values of a run stand for.
    fn meaning(&self, run: &Run) -> Meaning {
        let (encoding, is_exact) = self.knowledge.encoding(&run.request.model);
        Meaning::new(self.provenance(run), &run.request.sampling, is_exact.then_some(encoding))
    }

    /// Returns the what-if in force for a run; `None` while nothing is asked.
    pub fn what_if(&self, run: &Run) -> Option<Result<WhatIf, Refusal>> {
        let reshaping = self.inspector.sliders.reshaping()?;
        Some(self.meaning(run).what_if(reshaping))
    }

    /// Returns the colours of an answer. A what-if colours the answer that is inspected.
    #[must_use]
    pub fn heating(&self, run: &Run) -> Heating {
        if !run.has_logprobs() {
            return Heating::OFF;
        }
        let is_inspected = self.inspector.run() == Some(run.id);
        let what_if = if is_inspected { self.what_if(run).and_then(Result::ok) } else { None };
        Heating::new(self.heat, what_if, self.vocabulary(run))
    }

    pub(super) fn on_cycle_heat(&mut self) {
        self.heat = self.heat.next();
        let has_logprobs = self.inspected().is_none_or(Run::has_logprobs);
        if self.heat != Heat::Off && !has_logprobs {
            self.say("this answer has no logprobs to colour by: see the inspector");
        }
    }

    /// Measures the inspector for the next frame.
    pub(super) fn settle_inspector(&mut self) {
        let run = inspected(&self.conversation, &self.compare, &self.inspector);
        // As many as were asked for, so that the parts keep their place from token to token.
        let candidates = run.map_or(0, |run| {
            let asked = run.request.sampling.top_logprobs.map_or(0, usize::from);
            asked.max(run.tokens.last().map_or(0, |token| token.candidates.len()))
        });
        self.areas = crate::app::layout::inspector_areas(&self.layout, candidates);
        let measure = self.measure(run);
        let run = inspected(&self.conversation, &self.compare, &self.inspector);
        self.inspector.settle(run, &measure);
    }

    pub(super) fn measure(&self, run: Option<&Run>) -> Measure {
        let meaning = run.map(|run| self.meaning(run));
        Measure {
            rows: self.areas.table_rows(),
            cells: usize::from(self.areas.strips.width),
            vocabulary: meaning.map_or(0, |meaning| meaning.vocabulary),
            source: meaning.and_then(|meaning| meaning.source.ok()),
            heating: run.map_or(Heating::OFF, |run| self.heating(run).always()),
            // Servers that go on from a given beginning are those that mask before they report.
            after_grammar_mask: run.is_some_and(|run| {
                run.request.sampling.response_format.is_some() && self.means(run) != Means::Asked
            }),
        }
    }

    pub(super) fn seek(&mut self) {
        if self.inspector.cursor().is_none() {
            self.say("nothing to look through: the inspector shows no answer");
            return;
        }
        let text = self.inspector.sought.clone();
        self.overlay = Some(Overlay::Find(Prompt { text, error: None }));
    }

    /// Looks for what was typed so far, from the cursor on.
    pub(super) fn seek_typed(&mut self) {
        let Some(Overlay::Find(prompt)) = &mut self.overlay else { return };
        self.inspector.sought.clone_from(&prompt.text);
        let Some(run) = inspected(&self.conversation, &self.compare, &self.inspector) else { return };
        let is_found = self.inspector.find(run, true, true);
        prompt.error =
            (!is_found && !prompt.text.is_empty()).then(|| "this answer does not hold it".to_owned());
        self.reveal_token();
    }

    pub(super) fn take_candidate(&mut self, forward: bool) {
        let Some(run) = inspected(&self.conversation, &self.compare, &self.inspector) else { return };
        if !self.inspector.take_candidate(run, forward) {
            self.say("no other candidate is known here: set top_logprobs and ask again");
        }
    }

    pub(super) fn on_inspect(&mut self) {
        match self.screen {
            Screen::Chat => {
                let target = self.current_answer().map_or(Target::Newest, |run| Target::Run(run.id));
                self.inspector.show(target);
            }
            Screen::Compare => {
                let Some(run) = self.compare.current().and_then(|shown| shown.run).map(|run| run.id) else {
                    self.say("nothing to inspect yet: write a question and press Enter");
                    return;
                };
                self.compare.inspecting = true;
                self.inspector.show(Target::Run(run));
            }
        }
        self.focus = Place::Inspector;
        // A complete answer is read from its beginning; one that is arriving is followed.
        let run = inspected(&self.conversation, &self.compare, &self.inspector);
        if !self.inspector.is_pinned() && run.is_some_and(|run| run.status.is_ended()) {
            let measure = self.measure(run);
            self.inspector.settle(run, &measure);
            self.inspector.go_to(0);
            self.reveal_token();
        }
    }

    /// Moves the token cursor; the step says whether there was somewhere to go.
    pub(super) fn walk(&mut self, step: impl FnOnce(&mut Inspector, &Run) -> bool) {
        // From the conversation these keys open the answer they walk through, at its beginning.
        if self.focus == Place::Transcript {
            let is_new = !self.inspector.is_pinned();
            self.on_inspect();
            if is_new {
                self.inspector.follow();
            }
        }
        let Some(run) = inspected(&self.conversation, &self.compare, &self.inspector) else { return };
        let measure = self.measure(Some(run));
        let run = inspected(&self.conversation, &self.compare, &self.inspector);
        self.inspector.settle(run, &measure);
        let Some(run) = run else { return };
        if step(&mut self.inspector, run) {
            self.reveal_token();
        } else {
            self.say("no further one in this answer");
        }
    }

    /// Brings the token under the cursor into view where the answer is shown.
    pub(super) fn reveal_token(&mut self) {
        let run = inspected(&self.conversation, &self.compare, &self.inspector);
        let (Some(run), Some(group)) = (run, self.inspector.current()) else { return };
        let byte = run.span(group.tokens.start).start;
        match (self.screen, self.homes_message(run.id)) {
            (Screen::Chat, Some(message)) => self.transcript.reveal(message, Some(byte)),
            (Screen::Compare, _) => {
                self.compare.reveal(&self.documents, byte, self.layout.transcript.below_axis());
            }
            (Screen::Chat, None) => {}
        }
    }

    /// Returns the message that shows a run.
    fn homes_message(&self, run: RunId) -> Option<MessageId> {
        self.conversation.messages.iter().rev().find(|m| m.run().is_some_and(|r| r.id == run)).map(|m| m.id)
    }

    /// Takes a press or a drag inside the inspector.
    pub(super) fn press_inspector(&mut self, mouse: Mouse) {
        let Mouse { kind, x, y } = mouse;
        let areas = self.areas;
        if areas.what_if.contains(x, y) {
            let asked = self.asked_temperature();
            let column = x - areas.what_if.x;
            if y == areas.what_if.y {
                if let Some(slider) = slider_at(self, column) {
                    self.inspector.sliders.select(slider);
                }
            } else {
                let track = f64::from(areas.what_if.width.saturating_sub(1).max(1));
                self.inspector.sliders.put_at(f64::from(column) / track, asked);
            }
        } else if areas.strips.contains(x, y) {
            self.inspector.go_to_token(self.inspector.strips.token_of(usize::from(x - areas.strips.x)));
            self.reveal_token();
        } else if areas.table.contains(x, y) && y >= areas.table.y + TABLE_HEAD && kind == MouseKind::Press {
            let row = self.inspector.top + usize::from(y - areas.table.y - TABLE_HEAD);
            if let Some(group) = self.inspector.group_in(row) {
                self.inspector.go_to(group);
                self.reveal_token();
            }
        }
    }
}

/// Returns the slider whose name and value stand at a column of the panel's first line.
fn slider_at(app: &App, column: u16) -> Option<Slider> {
    let asked = app.asked_temperature();
    let mut end = 0;
    Slider::ALL.into_iter().find(|slider| {
        let width = slider.name().len() + 1 + app.inspector.sliders.text(*slider, asked).len() + 2;
        end += width;
        usize::from(column) < end
    })
}
