//! What the answers of a sweep are held to, and what came of it.
//!
//! Owns the verdicts and when they are made: at once by the examiner, and once all is answered by the
//! programs that checks name.

use crate::access::program::{self, MAX_LANES};
use crate::check::{Answer, Check, Examiner, Verdict};
use crate::cli::failure::Failure;
use crate::core::bench::{Bench, State};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// The checks, made ready, and what came of them.
pub(super) struct Judge {
    examiner: Examiner,
    /// For each sample a verdict per check.
    pub(super) verdicts: Vec<Vec<Verdict>>,
}

impl Judge {
    /// Returns a judge by some checks, for so many samples.
    pub(super) fn new(checks: Vec<Check>, samples: usize) -> Result<Self, Failure> {
        let examiner = Examiner::new(checks).map_err(Failure::Wrong)?;
        Ok(Self { examiner, verdicts: vec![Vec::new(); samples] })
    }

    /// Returns the checks.
    pub(super) fn checks(&self) -> impl ExactSizeIterator<Item = &Check> {
        self.examiner.checks()
    }

    /// Whether a check runs a program.
    pub(super) fn runs_programs(&self) -> bool {
        self.examiner.commands().next().is_some()
    }

    /// Judges the answer of a sample, but for what programs have to say.
    pub(super) fn judge(&mut self, bench: &Bench, sample: usize) {
        if let Some(run) = &bench.slots()[sample].run {
            self.verdicts[sample] = self.examiner.examine(&Answer::of(run));
        }
    }

    /// Asks the programs about all answers, several at once.
    pub(super) fn ask_programs(&mut self, bench: &Bench, lanes: usize) {
        let commands: Vec<(usize, &[String])> = self.examiner.commands().collect();
        let done = |sample: &usize| bench.slots()[*sample].state() == State::Done;
        let samples = (0..bench.slots().len()).filter(done);
        let tasks: Vec<(usize, &(usize, &[String]))> =
            samples.flat_map(|sample| commands.iter().map(move |command| (sample, command))).collect();
        let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        let is_over = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for _ in 0..lanes.clamp(1, MAX_LANES).min(tasks.len()) {
                scope.spawn(|| {
                    while let Some((sample, (check, words))) = tasks.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        let Some(run) = &bench.slots()[*sample].run else { continue };
                        let said = program::judge(words, &run.text.as_str().into(), &is_over);
                        let verdict = said.map_or_else(Verdict::Failed, |()| Verdict::Passed);
                        let mut found = found.lock().unwrap_or_else(PoisonError::into_inner);
                        found.push((*sample, *check, verdict));
                    }
                });
            }
        });
        for (sample, check, verdict) in found.into_inner().unwrap_or_else(PoisonError::into_inner) {
            if let Some(place) = self.verdicts[sample].get_mut(check) {
                *place = verdict;
            }
        }
    }

    /// Returns how many answers a required check fails, with the first of them in a sentence.
    pub(super) fn refused(&self) -> Option<(usize, String)> {
        let fails = |verdicts: &&Vec<Verdict>| !self.examiner.accepts(verdicts);
        let refused: Vec<&Vec<Verdict>> = self.verdicts.iter().filter(fails).collect();
        let first = self.checks().zip(*refused.first()?).find_map(|(check, verdict)| match verdict {
            Verdict::Failed(reason) if check.required => Some(format!("{check}: {reason}")),
            Verdict::Failed(_) | Verdict::Passed | Verdict::Open => None,
        });
        Some((refused.len(), first.unwrap_or_default()))
    }
}
