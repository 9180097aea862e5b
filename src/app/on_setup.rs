//! What Enter asks next in a comparison: the setup with a draft's lines in it, and what is said of it.
//!
//! Owns how the setup, the draft and the board belong together: which of them the next comparison is made
//! of, and whether the board is one of that. Invariant: header, form and Enter go by the same setup.

use crate::app::command::{Command, Place};
use crate::app::compare::outlook::unfilled;
use crate::app::compare::planned::setup_of;
use crate::app::compare::setup::{Line, Setup};
use crate::app::{App, Drafting};
use crate::check::Check;
use crate::core::bench::Bench;
use crate::core::request::Role;
use crate::core::sweep::{Axis, Known, Parameter, Sweep};
use std::borrow::Cow;

impl App {
    /// Returns what Enter asks: the setup, with the lines of a draft that is newer as its prompts.
    #[must_use]
    pub fn next_setup(&self) -> Cow<'_, Setup> {
        match self.drafted() {
            Some(Ok(setup)) => Cow::Owned(setup),
            Some(Err(_)) | None => Cow::Borrowed(&self.compare.setup),
        }
    }

    /// Returns the setup whose prompts are the lines of the draft; `None` where no prompts vary, or the
    /// draft was there when they were chosen.
    pub(super) fn drafted(&self) -> Option<Result<Setup, String>> {
        let setup = &self.compare.setup;
        let at = setup.axes.iter().position(|axis| *axis.parameter() == Parameter::Prompt)?;
        let is_newer = self.composer.revision() != self.prompted && !self.composer.is_empty();
        if !is_newer || self.drafting != Drafting::New {
            return None;
        }
        let text = self.composer.text();
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty()).peekable();
        lines.peek()?;
        let axis = Axis::of_texts(Parameter::Prompt, lines, &Known::default());
        Some(axis.map(|axis| {
            let mut setup = setup.clone();
            if let Some(line) = setup.lines.get_mut(at) {
                *line = Line::of(&axis, None, &self.shelf());
            }
            setup.axes[at] = axis;
            setup
        }))
    }

    /// Takes note that the prompts of the setup were chosen with the draft as it is.
    pub(super) fn choose_prompts(&mut self) {
        self.prompted = self.composer.revision();
    }

    /// Takes the setup of a comparison that is on the board, with the budget in force.
    pub(super) fn adopt(&mut self, sweep: &Sweep, checks: &[Check]) {
        let Setup { budget, budget_line, lanes, .. } = self.compare.setup.clone();
        let setup = setup_of(sweep, &[], checks, &self.shelf());
        self.compare.setup = Setup { budget, budget_line, lanes, ..setup };
        self.choose_prompts();
    }

    /// Says what is sent otherwise than one might think: lines as prompts, places that nothing fills.
    pub(super) fn say_asked(&mut self, is_drafted: bool) {
        let Some(sweep) = self.compare.bench.as_ref().map(Bench::sweep) else { return };
        let axis = |parameter: &Parameter| sweep.axes().iter().find(|axis| axis.parameter() == parameter);
        let lines = axis(&Parameter::Prompt).filter(|_| is_drafted).map(|axis| match axis.values().len() {
            1 => "the draft is the prompt".to_owned(),
            count => format!("the {count} lines of the draft are the prompts"),
        });
        let unfilled = unfilled(sweep).map(|name| {
            let edit = self.key(Command::EditSweep, Place::Composer);
            format!("{{{{{name}}}}} is sent as it is: {edit} can give it values")
        });
        let said: Vec<String> = lines.into_iter().chain(unfilled).collect();
        if !said.is_empty() {
            self.say(said.join(" · "));
        }
    }

    /// Whether the board is one of this setup.
    #[must_use]
    pub fn is_on_board(&self, setup: &Setup) -> bool {
        let sweep = self.compare.bench.as_ref().map(Bench::sweep);
        sweep.is_some_and(|sweep| sweep.repeats() == setup.repeats && sweep.axes() == setup.axes)
    }

    /// Returns what the question of a comparison is called: how many there are in the draft, and what every
    /// cell is asked after.
    #[must_use]
    pub fn question_title(&self) -> String {
        let prompts = self.drafted().and_then(Result::ok).map_or(1, |setup| {
            let prompts = setup.axes.iter().find(|axis| *axis.parameter() == Parameter::Prompt);
            prompts.map_or(1, |axis| axis.values().len())
        });
        let name = match prompts {
            1 => "question".to_owned(),
            count => format!("{count} questions, a line each"),
        };
        let is_sent = |role: Role| self.conversation.memory || role == Role::System;
        let is_silent = |role: Role, text: &str| role == Role::Assistant && text.is_empty();
        let messages = &self.conversation.messages;
        let upto = self.offered().map_or(messages.len(), |(_, upto)| upto);
        let before = messages.iter().take(upto);
        let sent = before.filter(|own| is_sent(own.role) && !is_silent(own.role, own.text()));
        let (system, others): (Vec<_>, Vec<_>) = sent.partition(|message| message.role == Role::System);
        // An axis puts its own in the place of the first one.
        let is_replaced = |axis: &Axis| matches!(axis.parameter(), Parameter::Persona | Parameter::System);
        let replaced = usize::from(self.compare.setup.axes.iter().any(is_replaced));
        let messages = |count: usize| match count {
            1 => "1 message".to_owned(),
            count => format!("{count} messages"),
        };
        match (system.len().saturating_sub(replaced), others.len()) {
            (0, 0) => name,
            (0, others) => format!("{name} · after {}", messages(others)),
            (1, 0) => format!("{name} · after a system message"),
            (1, others) => format!("{name} · after a system message and {}", messages(others)),
            (system, others) => format!("{name} · after {}", messages(system + others)),
        }
    }
}
