//! What the answers of a sweep are held to: the checks, with schemas made ready and programs run.
//!
//! Owns the programs that checks start: they get the answer on standard input, what they print is
//! nobody's, and one that does not end is ended.

use crate::cli::failure::Failure;
use crate::core::bench::{Bench, State};
use crate::core::run::Run;
use crate::core::text::fit;
use crate::plan::{Check, Examiner, Rule, Verdict};
use crate::structured::document::Document;
use crate::structured::schema::Schema;
use serde_json::Value;
use std::io::{self, Write};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Longest time a program may take for one answer.
const LONGEST: Duration = Duration::from_secs(60);

/// How often is looked whether a program has ended.
const LOOK: Duration = Duration::from_millis(5);

/// The checks, made ready, and what came of them.
pub(super) struct Judge {
    examiner: Examiner,
    schemas: Vec<(Value, Schema)>,
    /// For each sample a verdict per check.
    pub(super) verdicts: Vec<Vec<Verdict>>,
}

impl Judge {
    /// Returns a judge by some checks, for so many samples.
    pub(super) fn new(checks: Vec<Check>, samples: usize) -> Result<Self, Failure> {
        let mut schemas = Vec::new();
        for check in &checks {
            if let Rule::JsonSchema(value) = &check.rule {
                let schema = Schema::from_text(&value.to_string()).map_err(Failure::Wrong)?;
                schemas.push((value.clone(), schema));
            }
        }
        let examiner = Examiner::new(checks).map_err(|message| Failure::wrong(message, ""))?;
        Ok(Self { examiner, schemas, verdicts: vec![Vec::new(); samples] })
    }

    /// Returns the checks.
    pub(super) fn checks(&self) -> impl ExactSizeIterator<Item = &Check> {
        self.examiner.checks()
    }

    /// Whether a check runs a program.
    pub(super) fn runs_programs(&self) -> bool {
        self.checks().any(|check| matches!(check.rule, Rule::Command(_)))
    }

    /// Judges the answer of a sample, but for what programs have to say.
    pub(super) fn judge(&mut self, bench: &Bench, sample: usize) {
        if let Some(run) = &bench.slots()[sample].run {
            self.verdicts[sample] = self.examiner.examine(run, &|schema, text| self.keeps_to(schema, text));
        }
    }

    fn keeps_to(&self, wanted: &Value, text: &str) -> Result<(), String> {
        let known = self.schemas.iter().find(|(value, _)| value == wanted);
        let Some((_, schema)) = known else { return Err("the schema is not known".to_owned()) };
        let document = Document::read(text);
        if let Some(fault) = &document.fault {
            return Err(format!("it is no JSON: {fault}"));
        }
        let verdict = schema.verdict(text, &document).unwrap_or_default();
        verdict.violations.first().map_or(Ok(()), |violation| Err(violation.to_string()))
    }

    /// Asks the programs about all answers, several at once.
    pub(super) fn ask_programs(&mut self, bench: &Bench, lanes: usize) {
        let commands: Vec<(usize, Vec<String>)> = self
            .checks()
            .enumerate()
            .filter_map(|(number, check)| match &check.rule {
                Rule::Command(words) => Some((number, words.clone())),
                Rule::Contains(_) | Rule::Regex(_) | Rule::JsonSchema(_) | Rule::MaxTokens(_) => None,
            })
            .collect();
        let done = |sample: &usize| bench.slots()[*sample].state() == State::Done;
        let samples = (0..bench.slots().len()).filter(done);
        let tasks: Vec<(usize, &(usize, Vec<String>))> =
            samples.flat_map(|sample| commands.iter().map(move |command| (sample, command))).collect();
        let (next, found) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
        std::thread::scope(|scope| {
            for _ in 0..lanes.clamp(1, 16).min(tasks.len()) {
                scope.spawn(|| {
                    while let Some((sample, (check, words))) = tasks.get(next.fetch_add(1, Ordering::Relaxed))
                    {
                        let Some(run) = &bench.slots()[*sample].run else { continue };
                        let verdict = program(words, run).map_or_else(Verdict::Failed, |()| Verdict::Passed);
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

/// Gives an answer to a program and waits for what it says.
fn program(words: &[String], run: &Run) -> Result<(), String> {
    let (name, arguments) = words.split_first().ok_or("a command begins with a program")?;
    let shown = fit(name, 40);
    let failed = |error: io::Error| format!("{shown} could not be run: {error}");
    let mut child = Command::new(name)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .map_err(failed)?;
    let stdin = child.stdin.take();
    let text = run.text.clone();
    // A program that does not read must not hold this one up, so the answer is written beside.
    let writer = std::thread::spawn(move || {
        if let Some(mut stdin) = stdin {
            // One that has seen enough closes its input.
            let _ = stdin.write_all(text.as_bytes());
        }
    });
    let start = Instant::now();
    let status = loop {
        match child.try_wait().map_err(failed)? {
            Some(status) => break Some(status),
            None if start.elapsed() > LONGEST => break None,
            None => std::thread::sleep(LOOK),
        }
    };
    let Some(status) = status else {
        let _ = child.kill();
        let _ = child.wait();
        return Err(format!("{shown} took more than {} s", LONGEST.as_secs()));
    };
    let _ = writer.join();
    match status.code() {
        Some(0) => Ok(()),
        Some(code) => Err(format!("{shown} ended with {code}")),
        None => Err(format!("{shown} was ended by a signal")),
    }
}
