//! Judges answers by the checks of a comparison, off the loop: patterns and schemas first, then programs.
//!
//! Owns the judging in force; a new one ends the programs of the one before, and so does leaving. What
//! needs no program is told at once, and once more when all programs of an answer have spoken.

use crate::access::program::{self, MAX_LANES};
use crate::app::msg::{JudgeJob, Msg};
use crate::check::{Answer, Check, Examiner, Verdict};
use crate::core::id::RunId;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use tokio::runtime::Handle;
use tokio::sync::{Semaphore, mpsc};

/// Judges answers.
pub(super) struct Judge {
    runtime: Handle,
    messages: mpsc::Sender<Msg>,
    current: Option<Arc<Judging>>,
}

/// One judging.
struct Judging {
    number: u64,
    checks: Vec<Check>,
    /// Made ready where the first answer is judged: a schema takes longer than a frame.
    examiner: OnceLock<Option<Examiner>>,
    runs_programs: bool,
    lanes: Semaphore,
    is_over: AtomicBool,
}

impl Judge {
    /// Returns a judge with nothing to judge by.
    pub(super) fn new(runtime: Handle, messages: mpsc::Sender<Msg>) -> Self {
        Self { runtime, messages, current: None }
    }

    /// Does a job, or begins to.
    pub(super) fn run(&mut self, job: JudgeJob) {
        match job {
            JudgeJob::Begin { number, checks, runs_programs, lanes } => {
                self.end();
                self.current = Some(Arc::new(Judging {
                    number,
                    checks,
                    examiner: OnceLock::new(),
                    runs_programs,
                    lanes: Semaphore::new(lanes.clamp(1, MAX_LANES)),
                    is_over: AtomicBool::new(false),
                }));
            }
            JudgeJob::Answers { number, answers } => {
                if let Some(judging) = self.current.clone().filter(|judging| judging.number == number) {
                    self.runtime.spawn(judge(judging, answers, self.messages.clone()));
                }
            }
        }
    }

    /// Ends the programs that are running.
    fn end(&mut self) {
        if let Some(judging) = self.current.take() {
            judging.is_over.store(true, Ordering::Relaxed);
            judging.lanes.close();
        }
    }
}

impl Drop for Judge {
    fn drop(&mut self) {
        self.end();
    }
}

/// Judges some answers and tells the verdicts.
async fn judge(judging: Arc<Judging>, answers: Vec<(usize, RunId, Answer)>, messages: mpsc::Sender<Msg>) {
    let (own, number) = (Arc::clone(&judging), judging.number);
    let examined = tokio::task::spawn_blocking(move || {
        let examined = |(sample, run, answer): (usize, RunId, Answer)| {
            let verdicts = own.examiner()?.examine(&answer);
            Some((sample, run, answer, verdicts))
        };
        answers.into_iter().filter_map(examined).collect::<Vec<_>>()
    });
    let Ok(examined) = examined.await else { return };
    let verdicts = examined.iter().map(|(sample, run, _, verdicts)| (*sample, *run, verdicts.clone()));
    // Nobody listens only once the workbench is left.
    drop(messages.send(Msg::Judged { number, verdicts: verdicts.collect() }).await);
    let has_programs = judging.checks.iter().any(|check| check.rule.command().is_some());
    if !judging.runs_programs || !has_programs {
        return;
    }
    for (sample, run, answer, verdicts) in examined.into_iter().filter(|(_, _, own, _)| own.is_complete()) {
        tokio::spawn(ask_programs(Arc::clone(&judging), (sample, run, answer, verdicts), messages.clone()));
    }
}

/// Asks all programs about an answer, one after the other, and tells the verdicts.
async fn ask_programs(
    judging: Arc<Judging>,
    (sample, run, answer, mut verdicts): (usize, RunId, Answer, Vec<Verdict>),
    messages: mpsc::Sender<Msg>,
) {
    for (number, check) in judging.checks.iter().enumerate() {
        let Some(words) = check.rule.command().map(<[String]>::to_vec) else { continue };
        // It is closed once the judging is over.
        let Ok(_lane) = judging.lanes.acquire().await else { return };
        let (own, text) = (Arc::clone(&judging), Arc::clone(answer.text()));
        let said = tokio::task::spawn_blocking(move || program::judge(&words, &text, &own.is_over)).await;
        let said = said.unwrap_or_else(|_| Err("the program could not be run".to_owned()));
        if let Some(verdict) = verdicts.get_mut(number) {
            *verdict = said.map_or_else(Verdict::Failed, |()| Verdict::Passed);
        }
    }
    let verdicts = vec![(sample, run, verdicts)];
    drop(messages.send(Msg::Judged { number: judging.number, verdicts }).await);
}

impl Judging {
    /// Returns the checks made ready; what cannot be was refused where it was written.
    fn examiner(&self) -> Option<&Examiner> {
        self.examiner.get_or_init(|| Examiner::new(self.checks.iter().cloned()).ok()).as_ref()
    }
}
