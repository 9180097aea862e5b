//! Holding answers to the checks of a comparison, and asking before a program is run.
//!
//! Nothing is judged here: a schema takes longer than a frame, and a program as long as it likes. Invariant:
//! a program is named for judging only after the user saw it with its arguments and said yes, once in a
//! session for each.

use crate::app::App;
use crate::app::command::{Command, Place};
use crate::app::msg::{Effect, Effects, JudgeJob};
use crate::app::on_compare::NO_CELL;
use crate::app::overlay::{Allowing, Overlay, Then};
use crate::check::{Answer, Check, Verdict};
use crate::core::id::RunId;

impl App {
    /// Asks whether the programs of some checks may be run; returns whether the user has to say.
    pub(super) fn asks_leave(&mut self, checks: &[Check], then: Then) -> bool {
        let mut commands: Vec<Vec<String>> = Vec::new();
        for words in checks.iter().filter_map(|check| check.rule.command()) {
            if !self.allowed.contains(words) && !commands.iter().any(|own| own == words) {
                commands.push(words.to_vec());
            }
        }
        if commands.is_empty() {
            return false;
        }
        self.overlay = Some(Overlay::Allow(Allowing { commands, then, scroll: 0 }));
        true
    }

    /// Takes the answer to that: a yes goes for the session, a no for this once.
    pub(super) fn answer_leave(&mut self, is_yes: bool) -> Effects {
        let Some(Overlay::Allow(asked)) = self.overlay.take() else { return Effects::none() };
        if is_yes {
            self.allowed.extend(asked.commands);
        }
        match asked.then {
            Then::Ask => self.ask_comparison(),
            Then::Judge => {
                let checks = self.compare.checks.checks().to_vec();
                self.begin_judging(checks)
            }
        }
    }

    /// Holds the comparison to some checks from here on, what is answered already included.
    pub(super) fn begin_judging(&mut self, checks: Vec<Check>) -> Effects {
        let runs_programs =
            checks.iter().filter_map(|check| check.rule.command()).all(|words| self.allowed.contains(words));
        self.hold_to(checks, runs_programs)
    }

    fn hold_to(&mut self, checks: Vec<Check>, runs_programs: bool) -> Effects {
        let Some(bench) = &self.compare.bench else { return Effects::none() };
        let is_idle = checks.is_empty() && self.compare.checks.checks().is_empty();
        let samples = bench.slots().len();
        let lanes = bench.terms().lanes;
        self.compare.checks.begin(checks.clone(), samples);
        self.compare.checks.runs_programs = runs_programs;
        if is_idle {
            return Effects::none();
        }
        let number = self.compare.checks.number();
        let begin = Effect::Judge(JudgeJob::Begin { number, checks, runs_programs, lanes });
        Effects::one(begin).then(self.judge(0..samples))
    }

    /// Has the answers of some samples judged that have ended.
    pub(super) fn judge(&self, samples: impl IntoIterator<Item = usize>) -> Effects {
        let (Some(bench), checks) = (&self.compare.bench, &self.compare.checks) else {
            return Effects::none();
        };
        if checks.checks().is_empty() {
            return Effects::none();
        }
        let ended = |sample: usize| {
            let run = bench.slots().get(sample)?.run.as_ref().filter(|run| run.status.is_ended())?;
            Some((sample, run.id, Answer::of(run)))
        };
        let answers: Vec<_> = samples.into_iter().filter_map(ended).collect();
        if answers.is_empty() {
            return Effects::none();
        }
        Effects::one(Effect::Judge(JudgeJob::Answers { number: checks.number(), answers }))
    }

    /// Takes verdicts, unless the answer or the checks are others by now.
    pub(super) fn on_judged(&mut self, number: u64, verdicts: Vec<(usize, RunId, Vec<Verdict>)>) {
        let compare = &mut self.compare;
        if number != compare.checks.number() {
            return;
        }
        for (sample, run, verdicts) in verdicts {
            let slot = compare.bench.as_ref().and_then(|bench| bench.slots().get(sample));
            if slot.and_then(|slot| slot.run.as_ref()).is_some_and(|own| own.id == run) {
                compare.checks.judged(sample, verdicts);
            }
        }
    }

    /// Judges all answers once more, by programs too where the user says so.
    pub(super) fn judge_again(&mut self) -> Effects {
        if self.compare.is_empty() {
            self.say(NO_CELL);
            return Effects::none();
        }
        let checks = self.compare.checks.checks().to_vec();
        if checks.is_empty() {
            let edit = self.key(Command::EditSweep, Place::Grid);
            self.say(format!("there are no checks: {edit} adds some"));
            return Effects::none();
        }
        if self.asks_leave(&checks, Then::Judge) {
            return Effects::none();
        }
        self.say("the answers are judged again");
        self.begin_judging(checks)
    }

    /// Puts other checks in the place of those the comparison on screen is held to. Its answers are judged by all of
    /// them but programs: those are run for what is answered already only where that is asked for.
    pub(super) fn use_checks(&mut self, checks: &[Check]) -> Effects {
        if self.compare.bench.is_none() {
            return Effects::none();
        }
        let judged = self.hold_to(checks.to_vec(), false);
        if checks.iter().any(|check| check.rule.command().is_some()) {
            let (pane, key) =
                (self.key(Command::NextPane, Place::Composer), self.key(Command::JudgeAgain, Place::Grid));
            // The next Enter asks anew, so the keyboard is at the question.
            self.say(format!("judged by all but programs: {pane}, then {key} runs them for these answers"));
        }
        judged.then(self.keep_checks())
    }
}
