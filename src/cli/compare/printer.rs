//! What is printed of a sweep: sections as cells become complete, lines as samples do, the progress.
//!
//! Owns the order: sections come in that of the cells, lines in that of the answers.

use crate::check;
use crate::cli::failure::Failure;
use crate::cli::output::Output;
use crate::core::bench::limiter::Hold;
use crate::core::bench::{Bench, Slot, State};
use crate::core::figure;
use crate::core::text::printable;
use crate::core::time::Timestamp;
use crate::export::sweep::{Report, SampleDocument, Shapes, words};
use crate::structured::shape::Verdict;

/// Most lines that are told of an answer that is not as asked.
const MAX_TOLD: usize = 20;

/// Cells of the bar of progress.
const BAR: usize = 24;

/// How the answers are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// A section per cell.
    Text,
    /// One object with everything.
    Json,
    /// One object per sample, a line each.
    Lines,
}

/// What was printed so far.
pub(super) struct Printer {
    /// How.
    pub(super) form: Form,
    /// Whether nothing is printed before all is judged.
    pub(super) waits: bool,
    sections: usize,
}

impl Printer {
    /// Returns a printer that has printed nothing.
    pub(super) fn new(form: Form, waits: bool) -> Self {
        Self { form, waits, sections: 0 }
    }

    /// Prints what an ended sample makes complete.
    pub(super) fn ended(
        &mut self,
        report: &Report<'_>,
        shapes: &Shapes,
        sample: usize,
        output: &mut Output,
    ) -> Result<(), Failure> {
        if self.waits {
            return Ok(());
        }
        match self.form {
            Form::Lines => output.json(&SampleDocument { report, shapes, sample })?,
            Form::Text => {
                let cells = report.bench.sweep().cell_count();
                let is_over = |slot: &Slot| slot.state().is_ended();
                while self.sections < cells
                    && report.bench.slots()[report.bench.samples_of(self.sections)].iter().all(is_over)
                {
                    self.section(report, shapes, output)?;
                }
            }
            Form::Json => {}
        }
        output.flush()
    }

    /// Prints what is left once all is over.
    pub(super) fn rest(
        &mut self,
        report: &Report<'_>,
        shapes: &Shapes,
        output: &mut Output,
    ) -> Result<(), Failure> {
        match self.form {
            Form::Lines => {
                for sample in 0..report.bench.slots().len() {
                    let slot = report.slot(sample);
                    // Lines of answers were printed as they came, unless they had to wait.
                    if slot.run.is_none() || slot.was_kept || self.waits {
                        output.json(&SampleDocument { report, shapes, sample })?;
                    }
                }
            }
            Form::Text => {
                while self.sections < report.bench.sweep().cell_count() {
                    self.section(report, shapes, output)?;
                }
                columns(report, output)?;
                checks(report, output)?;
            }
            Form::Json => output.json(&crate::export::sweep::SweepDocument(report))?,
        }
        output.clear_progress();
        output.flush()
    }

    /// Prints the answers of the next cell.
    fn section(&mut self, report: &Report<'_>, shapes: &Shapes, output: &mut Output) -> Result<(), Failure> {
        let (cell, bench) = (self.sections, report.bench);
        self.sections += 1;
        if cell > 0 {
            output.line("")?;
        }
        let samples = bench.samples_of(cell);
        let is_single = samples.len() == 1;
        let mut heading = vec![printable(&words::cell_name(bench, cell)).into_owned()];
        if is_single {
            heading.extend(words::figures(report.slot(samples.start)));
        } else {
            heading.extend(words::together(bench, cell));
        }
        output.line(&format!("── {}", heading.join(" · ")))?;
        for sample in samples {
            let slot = report.slot(sample);
            if !is_single {
                let number = slot.sample.repeat + 1;
                output.line(&format!("[{number}] {}", words::figures(slot).join(" · ")))?;
            }
            if let Some(run) = &slot.run {
                output.lines(&run.text)?;
            }
            if let Some(failure) = words::failure(slot) {
                output.line(&printable(&failure))?;
            }
            let breaches = slot.run.as_ref().and_then(|run| shapes.of(sample).verdict(run));
            let breaches: Vec<String> = breaches.iter().flat_map(Verdict::lines).collect();
            for line in breaches.iter().take(MAX_TOLD) {
                output.line(&format!("not as asked: {}", printable(line)))?;
            }
            for (check, verdict) in report.verdicts_on(sample) {
                if let check::Verdict::Failed(reason) = verdict {
                    output.line(&printable(&format!("✗ {check}: {reason}")))?;
                }
            }
        }
        if let Some(agreement) = bench.agreement(cell).filter(|agreement| agreement.read > 1) {
            for line in words::agreement(&agreement) {
                output.line(&format!("agreement {}", printable(&line)))?;
            }
        }
        Ok(())
    }
}

/// Prints what can be said of each column, where columns have several cells.
fn columns(report: &Report<'_>, output: &mut Output) -> Result<(), Failure> {
    for column in 0..report.columns().len() {
        if column == 0 {
            output.line("")?;
        }
        let mut line = vec![words::column_name(report.bench, column)];
        line.extend(words::column(report.bench, column));
        output.line(&printable(&format!("── {}", line.join(" · "))))?;
    }
    Ok(())
}

/// Prints how the answers kept to the checks.
fn checks(report: &Report<'_>, output: &mut Output) -> Result<(), Failure> {
    let tallies = report.tallies(0..report.bench.slots().len());
    for (number, (check, tally)) in report.checks.iter().zip(tallies).enumerate() {
        if number == 0 {
            output.line("")?;
        }
        let (passed, judged) = (tally.passed, tally.passed + tally.failed);
        let required = if check.required { "required" } else { "optional" };
        output.line(&printable(&format!("check {check}: {passed} of {judged} passed, {required}")))?;
    }
    Ok(())
}

/// Shows how far a sweep is.
pub(super) fn progress(bench: &Bench, now: Timestamp, output: &mut Output) {
    let progress = bench.progress(now);
    let (ended, all) = (progress.counts.ended(), progress.samples);
    let filled = (ended * BAR).checked_div(all).unwrap_or(0);
    let mut parts =
        vec![format!("{}{} {ended} of {all} answers", "█".repeat(filled), "░".repeat(BAR - filled))];
    let counted = [(State::Running, "under way"), (State::Failed, "failed"), (State::Refused, "refused")];
    for (state, name) in counted {
        let count = progress.counts.of(state);
        parts.extend((count > 0).then(|| format!("{count} {name}")));
    }
    if progress.spent.dollars > 0.0 {
        parts.push(format!("≤ {}", figure::dollars(progress.spent.dollars)));
    }
    parts.extend(progress.held.map(|hold| match hold {
        Hold::Quota(_) => "waiting for the configured limits".to_owned(),
        Hold::Until(_) | Hold::Answer => "waiting for the server's limits".to_owned(),
    }));
    let left = progress.remaining.filter(|_| ended < all);
    parts.extend(left.map(figure::time_left));
    output.progress(&parts.join(" · "));
}
