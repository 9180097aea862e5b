//! `compare`: one question at several temperatures, all at once.
//!
//! Owns the form of the report. A section is printed when all its answers are there, in the order of
//! the temperatures; one that failed stops no other.

use crate::cli::ask::tell_retry;
use crate::cli::failure::Failure;
use crate::cli::flags::Flags;
use crate::cli::input;
use crate::cli::interrupt::block_on;
use crate::cli::output::Output;
use crate::cli::record::{RunRecord, fault, rate};
use crate::cli::session::{Answer, Session, Step};
use crate::cli::shape::{MAX_TOLD, Shape, Verdict};
use crate::core::fault::{Fault, FaultKind};
use crate::core::figure;
use crate::core::run::{Run, RunStatus};
use crate::core::sweep::{MAX_CELLS, Sample, Sweep, parse_temperatures};
use crate::core::text::printable;
use serde::Serialize;
use std::collections::HashSet;

/// From how many answers on a mean says more than the values.
const FEW: usize = 5;

/// One answer of the comparison, written down.
#[derive(Serialize)]
struct CellRecord<'a> {
    temperature: f64,
    repeat: u32,
    seed: Option<i64>,
    #[serde(flatten)]
    run: RunRecord<'a>,
}

/// The whole comparison, written down.
#[derive(Serialize)]
struct CompareRecord<'a> {
    model: &'a str,
    endpoint: &'a str,
    temperatures: Vec<f64>,
    repeats: u32,
    cells: Vec<CellRecord<'a>>,
}

/// How the answers are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Json,
    /// One answer a line, as it is complete.
    Lines,
}

/// Asks and prints the report.
pub(super) fn run(flags: &Flags<'_>, output: &mut Output) -> Result<(), Failure> {
    let mut session = Session::new(flags, output)?;
    let temperatures = temperatures(flags, &session.known.config.compare.temperatures)?;
    let repeats = flags.one::<u32>("repeat").unwrap_or(session.known.config.compare.repeats);
    let requests = temperatures.len().saturating_mul(repeats as usize);
    if requests > MAX_CELLS {
        let message = format!("{requests} requests are too many: at most {MAX_CELLS}");
        return Err(Failure::wrong(message, "Give fewer temperatures or repeats"));
    }
    let concurrency = flags.one::<u64>("concurrency").and_then(|number| usize::try_from(number).ok());
    let concurrency = concurrency.unwrap_or(session.known.config.compare.concurrency);
    let shape = Shape::new(flags, output)?;
    let prompt = input::prompt(flags.own(), output)?;
    let form = match (flags.is_on("json"), flags.is_on("jsonl")) {
        (true, _) => Form::Json,
        (false, true) => Form::Lines,
        (false, false) => Form::Text,
    };
    block_on(async |interrupt| {
        let client = session.client(interrupt).await?;
        let mut base = session.request(prompt, true, interrupt).await?;
        base.sampling.response_format = shape.format();
        let sweep = Sweep::of_temperatures(base, &temperatures, repeats);
        let cells = sweep.samples();
        let requests = cells.iter().map(|cell| cell.request.as_ref().clone()).collect();
        let repeat = repeats as usize;
        let mut report =
            Report { output, form, shape: &shape, cells: &cells, repeats: repeat, printed: 0, ended: 0 };
        let each = |step: Step<'_>| report.step(&step);
        let answers = session.ask(&client, requests, concurrency, interrupt, each).await?;
        let Report { printed, .. } = report;
        let all: Vec<&Answer> = answers.answers.iter().collect();
        match form {
            Form::Text => {
                let sections = cells.chunks(repeat).zip(all.chunks(repeat));
                for (number, (cells, answers)) in sections.enumerate().skip(printed) {
                    section(number, cells, answers, &shape, output)?;
                }
            }
            Form::Json => {
                let base = sweep.base();
                output.json(&CompareRecord {
                    model: &base.model,
                    endpoint: &base.endpoint,
                    temperatures: cells
                        .chunks(repeats as usize)
                        .map(|cells| temperature(&cells[0]))
                        .collect(),
                    repeats,
                    cells: cells.iter().zip(&answers.answers).map(|pair| record(pair, &shape)).collect(),
                })?;
            }
            Form::Lines => {}
        }
        output.clear_progress();
        output.flush()?;
        if answers.is_interrupted {
            return Err(Failure::Interrupted);
        }
        failures(&answers.answers)?;
        breaches(&answers.answers, &shape)
    })
}

/// Returns the temperatures of the flag, wherever it stands, else the configured ones.
fn temperatures(flags: &Flags<'_>, configured: &[f64]) -> Result<Vec<f64>, Failure> {
    match flags.one::<String>("temperature") {
        Some(list) => parse_temperatures(&list).map_err(|message| Failure::wrong(message, "")),
        // Before the command's name it is the one number that all commands know.
        None => Ok(flags.one::<f64>("temperature").map_or_else(|| configured.to_vec(), |one| vec![one])),
    }
}

/// Returns the temperature of a request of the sweep.
fn temperature(cell: &Sample) -> f64 {
    cell.request.sampling.temperature.unwrap_or_default()
}

fn record<'a>((cell, answer): (&Sample, &'a Answer), shape: &Shape) -> CellRecord<'a> {
    CellRecord {
        temperature: temperature(cell),
        repeat: cell.repeat,
        seed: cell.request.sampling.seed,
        run: RunRecord::new(answer, shape),
    }
}

/// What is printed while answers arrive.
struct Report<'a> {
    output: &'a mut Output,
    form: Form,
    shape: &'a Shape,
    cells: &'a [Sample],
    repeats: usize,
    /// Sections printed.
    printed: usize,
    /// Runs that ended.
    ended: usize,
}

impl Report<'_> {
    fn step(&mut self, step: &Step<'_>) -> Result<(), Failure> {
        match step {
            Step::Event { event, .. } => tell_retry(event, self.output),
            Step::Ended { number, answers } => {
                self.ended += 1;
                match self.form {
                    Form::Lines => {
                        if let Some(answer) = &answers[*number] {
                            self.output.json(&record((&self.cells[*number], answer), self.shape))?;
                        }
                    }
                    Form::Text => self.sections(answers)?,
                    Form::Json => {}
                }
                self.output.flush()?;
                let (done, all) = (self.ended, self.cells.len());
                self.output.progress(&format!("{done} of {all} answers"));
            }
        }
        Ok(())
    }

    /// Prints the next sections that are complete.
    fn sections(&mut self, answers: &[Option<Answer>]) -> Result<(), Failure> {
        for (cells, answers) in
            self.cells.chunks(self.repeats).zip(answers.chunks(self.repeats)).skip(self.printed)
        {
            let Some(answers) = answers.iter().map(Option::as_ref).collect::<Option<Vec<_>>>() else { break };
            section(self.printed, cells, &answers, self.shape, self.output)?;
            self.printed += 1;
        }
        Ok(())
    }
}

/// Prints the answers at one temperature.
fn section(
    number: usize,
    cells: &[Sample],
    answers: &[&Answer],
    shape: &Shape,
    output: &mut Output,
) -> Result<(), Failure> {
    if number > 0 {
        output.line("")?;
    }
    let temperature = cells.first().map_or(0.0, temperature);
    let mut heading = vec![format!("temperature {}", figure::parameter(temperature))];
    let is_single = answers.len() == 1;
    if is_single {
        heading.extend(answers.iter().flat_map(|answer| figures(&answer.run)));
    } else {
        heading.extend(shared(answers));
    }
    output.line(&format!("── {}", heading.join(" · ")))?;
    for (cell, answer) in cells.iter().zip(answers) {
        if !is_single {
            output.line(&format!("[{}] {}", cell.repeat + 1, figures(&answer.run).join(" · ")))?;
        }
        output.lines(&answer.run.text)?;
        if let Some(fault) = fault(&answer.run) {
            output.line(&fault.to_string())?;
        }
        for line in shape.verdict(&answer.run).iter().flat_map(Verdict::lines).take(MAX_TOLD) {
            output.line(&format!("not as asked: {}", printable(&line)))?;
        }
    }
    Ok(())
}

/// Returns the figures of one answer.
fn figures(run: &Run) -> Vec<String> {
    let state = match &run.status {
        RunStatus::Done(reason) => crate::core::text::fit(reason.name(), 40),
        RunStatus::Failed(_) => "failed".to_owned(),
        RunStatus::Queued
        | RunStatus::Connecting
        | RunStatus::Waiting { .. }
        | RunStatus::Streaming
        | RunStatus::Cancelled => "stopped".to_owned(),
    };
    let mut figures = vec![state];
    if run.first_token_ms().is_some() {
        figures.extend(run.output_tokens().map(|count| format!("{} tok", figure::count(count))));
    }
    figures.extend(run.first_token_ms().map(|ms| format!("{} first", figure::duration_ms(ms))));
    figures.extend(rate(run).map(figure::rate));
    figures.extend(run.tally().perplexity().map(|value| format!("ppl {}", figure::perplexity(value))));
    figures
}

/// Returns what can be said of several answers together. Few answers have no mean: their own figures
/// stand beside them.
fn shared(answers: &[&Answer]) -> Vec<String> {
    let whole: Vec<&Run> = answers
        .iter()
        .map(|answer| &answer.run)
        .filter(|run| matches!(run.status, RunStatus::Done(_)))
        .collect();
    let folded = |run: &&Run| run.text.split_whitespace().collect::<Vec<_>>().join(" ");
    let distinct = whole.iter().map(folded).collect::<HashSet<_>>().len();
    let mut shared =
        vec![format!("{} of {} complete", whole.len(), answers.len()), format!("{distinct} distinct")];
    let perplexities: Vec<f64> = whole.iter().filter_map(|run| run.tally().perplexity()).collect();
    if perplexities.len() >= FEW {
        #[expect(clippy::cast_precision_loss, reason = "there are at most some thousand")]
        let mean = perplexities.iter().sum::<f64>() / perplexities.len() as f64;
        shared.push(format!("mean ppl {}", figure::perplexity(mean)));
    }
    shared
}

/// Returns how the command ends: failed, if any answer did.
fn failures(answers: &[Answer]) -> Result<(), Failure> {
    let mut faults = answers.iter().filter_map(|answer| fault(&answer.run));
    let Some(first) = faults.next() else { return Ok(()) };
    let failed = 1 + faults.count();
    let message = format!("{failed} of {} requests failed; the first: {}", answers.len(), first.message);
    Err(Failure::Failed(Fault { message, kind: FaultKind::Refused, ..first.clone() }))
}

/// Returns how the command ends where an answer does not have the form asked for.
fn breaches(answers: &[Answer], shape: &Shape) -> Result<(), Failure> {
    let verdicts = answers.iter().filter_map(|answer| shape.verdict(&answer.run));
    let broken: Vec<_> = verdicts.filter(|verdict| !verdict.is_valid()).collect();
    let Some(first) = broken.first() else { return Ok(()) };
    let first = first.lines().next().unwrap_or_default();
    let message =
        format!("{} of {} answers are not as asked; the first: {first}", broken.len(), answers.len());
    Err(Failure::Failed(Fault::new(FaultKind::Malformed, message)))
}
