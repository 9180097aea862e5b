//! What can be done with an answer's tokens: walking, looking for text, sorting, asking what if.

use crate::app::command::{Command, Place};
use crate::app::heat::{Heat, Heating};
use crate::app::inspector::{Found, Inspector, Measure, Sheet, Slider, Target, reads_like_json};
use crate::app::layout::TABLE_HEAD;
use crate::app::msg::{Mouse, MouseKind};
use crate::app::overlay::{Overlay, Prompt};
use crate::app::{App, Screen, inspected};
use crate::core::id::{MessageId, RunId};
use crate::core::meaning::{self, Meaning};
use crate::core::provenance::{Provenance, Stage};
use crate::core::request::Means;
use crate::core::reshaping::{Refusal, Reshaping};
use crate::core::run::Run;
use crate::core::text::visible;
use crate::core::token::Candidate;
use crate::core::what_if::WhatIf;

/// Steps of a slider for the key with shift.
pub(super) const FAST: f64 = 5.0;

impl App {
    /// Moves the slider of the what-if that is in hand.
    pub(super) fn slide(&mut self, steps: f64) {
        let asked = self.asked();
        self.inspector.sliders.step(steps, asked);
    }

    /// Shows the next sheet that has something to show.
    pub(super) fn next_sheet(&mut self) {
        let Some(run) = self.inspected() else { return };
        let has_endings = self.siblings(run.id).len() > 1;
        let is_json = reads_like_json(run);
        self.inspector.ending = None;
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

    /// Returns what the inspected answer was asked with; temperature 1 where the server decided.
    #[must_use]
    pub fn asked(&self) -> Reshaping {
        self.inspected().map_or_else(Reshaping::default, asked_of)
    }

    /// Returns the settings whose probabilities stand beside those reported for a run, and the question
    /// they put: what is asked on the sliders, else what the answer was drawn with. `None` where the
    /// reported values are those already, or nobody knows with what the answer was drawn.
    #[must_use]
    pub fn in_force(&self, run: &Run) -> Option<(Reshaping, WhatIf)> {
        let meaning = self.meaning(run);
        let reshaping = self.inspector.sliders.reshaping().or_else(|| {
            let is_drawn_from = meaning.provenance.stage == Stage::AfterTemperature;
            let asked = asked_of(run);
            (!is_drawn_from && asked != Reshaping::default()).then_some(asked)
        })?;
        Some((reshaping, meaning.what_if(reshaping).ok()?))
    }

    /// Returns the question that takes the cuts for off, at the temperature asked on the sliders or of
    /// the answer, and that temperature.
    #[must_use]
    pub fn uncut(&self, run: &Run) -> Option<(f64, WhatIf)> {
        let temperature = self.inspector.sliders.value(asked_of(run)).temperature;
        let reshaping = Reshaping { temperature, ..Reshaping::default() };
        Some((temperature, self.meaning(run).what_if(reshaping).ok()?))
    }

    /// Returns where the endings would part now, and the candidate that would be gone on from: the one in
    /// hand, else the most probable one that was not chosen.
    #[must_use]
    pub fn branching(&self) -> Option<(usize, &Candidate)> {
        let run = self.inspected()?;
        let at = self.inspector.token(run)?;
        let token = run.tokens.get(at)?;
        let other = || (0..token.candidates.len()).find(|at| token.chosen() != Some(*at));
        let candidate = token.candidates.get(self.inspector.in_hand().or_else(other)?)?;
        Some((at, candidate))
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
            self.say("nothing to look through: the inspector shows no tokens");
            return;
        }
        self.overlay = Some(Overlay::Find(Prompt::default()));
    }

    /// Looks for what was typed so far, from the cursor on. What was looked for before is kept until
    /// something else is.
    pub(super) fn seek_typed(&mut self) {
        let Some(Overlay::Find(prompt)) = &mut self.overlay else { return };
        (prompt.error, prompt.found) = (None, None);
        if prompt.text().is_empty() {
            return;
        }
        prompt.text().clone_into(&mut self.inspector.sought);
        let Some(run) = inspected(&self.conversation, &self.compare, &self.inspector) else { return };
        prompt.found = self.inspector.find(run, true, true);
        if prompt.found.is_none() {
            prompt.error = Some("this answer does not hold it".to_owned());
        }
        self.reveal_token();
    }

    /// Says what came of a search when its line is closed.
    pub(super) fn end_seeking(&mut self) {
        let Some(Overlay::Find(prompt)) = self.overlay.take() else { return };
        if !prompt.text().is_empty() {
            self.say_found(prompt.found);
        }
    }

    /// Goes to the next place that holds what was looked for last, or the one before.
    pub(super) fn seek_again(&mut self, forward: bool) {
        if self.inspector.sought.is_empty() {
            let key = self.key(Command::FindToken, Place::Inspector);
            self.say(format!("nothing was looked for yet: {key} looks for text"));
            return;
        }
        let Some(run) = inspected(&self.conversation, &self.compare, &self.inspector) else { return };
        let found = self.inspector.find(run, forward, false);
        self.reveal_token();
        self.say_found(found);
    }

    fn say_found(&mut self, found: Option<Found>) {
        let sought = visible(&self.inspector.sought);
        self.say(match found {
            None => format!("this answer does not hold \"{sought}\""),
            Some(Found { number, of, has_wrapped }) => {
                let around = if has_wrapped { ", around the end of the answer" } else { "" };
                format!("{number} of {of} · \"{sought}\"{around}")
            }
        });
    }

    pub(super) fn walk_close_calls(&mut self, forward: bool) {
        let none = match (self.inspector.close_calls().len(), forward) {
            (0, _) => "no close call in this answer",
            (_, true) => "no further close call",
            (_, false) => "no close call before this one",
        };
        self.walk(none, move |inspector, _| inspector.step_close_call(forward));
    }

    /// Sorts the table of tokens by the next thing and says what that is.
    pub(super) fn sort_tokens(&mut self) {
        if self.inspector.sheet != Sheet::Tokens {
            let key = self.key(Command::NextSheet, Place::Inspector);
            self.say(format!("only the table of tokens is sorted: {key} shows it"));
            return;
        }
        let Some(run) = inspected(&self.conversation, &self.compare, &self.inspector) else { return };
        if self.inspector.cursor().is_none() {
            return;
        }
        self.inspector.sort_next(run);
        self.reveal_token();
        let order = self.inspector.order();
        self.say(format!("sorted by {}: {}", order.name(), order.first()));
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
    ///
    /// `none` is said where there is not.
    pub(super) fn walk(&mut self, none: &str, step: impl FnOnce(&mut Inspector, &Run) -> bool) {
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
            self.say(none);
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
            let asked = self.asked();
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

/// Returns what an answer was drawn with, as far as the request said; temperature 1 where it did not.
fn asked_of(run: &Run) -> Reshaping {
    let sampling = &run.request.sampling;
    Reshaping {
        temperature: sampling.temperature.unwrap_or(1.0),
        // Nothing above 0 keeps fewer tokens than the one that 0 keeps.
        top_p: sampling.top_p.filter(|top_p| *top_p < 1.0).map(|top_p| top_p.max(1e-3)),
        ..Reshaping::default()
    }
}

/// Returns the slider whose name and value stand at a column of the panel's first line.
fn slider_at(app: &App, column: u16) -> Option<Slider> {
    let asked = app.asked();
    let mut end = 0;
    Slider::ALL.into_iter().find(|slider| {
        let width = slider.name().len() + 1 + app.inspector.sliders.text(*slider, asked).len() + 2;
        end += width;
        usize::from(column) < end
    })
}
