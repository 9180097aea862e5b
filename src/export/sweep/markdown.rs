//! A sweep as Markdown: the question, a table of the cells, and every answer.
//!
//! Owns what a model's text may do in it: an answer stands in a fence longer than any of its own, so it
//! ends nothing and begins nothing.

use super::{Report, words};
use crate::core::diversity::{Diversity, Measure};
use crate::core::figure;
use crate::core::text::{fit, printable, printable_lines};
use std::fmt::Write as _;

/// Most cells of a label in the table.
const LABEL_CELLS: usize = 60;

/// Stands where a figure is not known.
const NONE: &str = "–";

/// Returns the document.
#[must_use]
pub fn document(report: &Report<'_>) -> String {
    let (bench, base) = (report.bench, report.bench.sweep().base());
    let mut out = String::from("# Comparison\n\n");
    // Writing into memory cannot fail.
    let _ = writeln!(out, "{} at {}\n", in_line(&base.model), in_line(&base.endpoint));
    for message in &base.messages {
        let _ = writeln!(out, "{}:\n", message.role.name());
        fenced(&mut out, &message.content);
    }
    let _ = writeln!(out, "{}\n", how_far(report));
    table(&mut out, report);
    columns(&mut out, report);
    votes(&mut out, report);
    for (number, check) in report.tallies(0..bench.slots().len()).iter().enumerate() {
        let (judged, required) =
            (check.passed + check.failed, if report.checks[number].required { "required, " } else { "" });
        let name = in_line(&report.checks[number].to_string());
        let _ = writeln!(out, "- {name}: {required}{} of {judged} passed", check.passed);
    }
    for cell in 0..bench.sweep().cell_count() {
        let _ = writeln!(out, "\n## {}\n", in_line(&words::cell_heading(report, cell)));
        if let Some(note) = report.note(cell) {
            let _ = writeln!(out, "> {}\n", in_line(note));
        }
        if bench.sweep().repeats() > 1 {
            let _ = writeln!(out, "{}\n", words::together(bench, cell).join(" · "));
        }
        if let Some(agreement) = bench.agreement(cell).filter(|agreement| agreement.read > 1) {
            for line in words::agreement(&agreement) {
                let _ = writeln!(out, "- {}", in_line(&line));
            }
            out.push('\n');
        }
        for sample in bench.samples_of(cell) {
            answer(&mut out, report, sample);
        }
    }
    out
}

/// Returns how far a sweep is, in a sentence.
pub(super) fn how_far(report: &Report<'_>) -> String {
    let progress = &report.progress;
    let done = progress.counts.of(crate::core::bench::State::Done);
    let mut parts = vec![format!("{done} of {} answers", progress.samples)];
    if progress.spent.dollars > 0.0 {
        parts.push(figure::dollars(progress.spent.dollars));
    }
    parts.extend(progress.bound.map(|bound| bound.to_string()));
    parts.join(" · ")
}

fn table(out: &mut String, report: &Report<'_>) {
    let bench = report.bench;
    let mut head: Vec<String> =
        bench.sweep().axes().iter().map(|axis| in_cell(&axis.parameter().to_string())).collect();
    head.extend(headings().map(str::to_owned));
    let _ = writeln!(out, "| {} |", head.join(" | "));
    let _ = writeln!(out, "|{}", "---|".repeat(head.len()));
    for cell in 0..bench.sweep().cell_count() {
        let mut row: Vec<String> = bench.sweep().labels(cell).into_iter().map(in_cell).collect();
        row.extend(of_cell(report, cell));
        let _ = writeln!(out, "| {} |", row.join(" | "));
    }
    out.push('\n');
}

/// Adds the figures over all cells of each column.
fn columns(out: &mut String, report: &Report<'_>) {
    let axis = report.bench.sweep().axes().first().filter(|_| !report.columns().is_empty());
    let Some(axis) = axis else { return };
    let name = in_cell(&axis.parameter().to_string());
    let _ = writeln!(out, "Over all cells of each {name}:\n");
    let _ = writeln!(out, "| {name} | {} |", headings().join(" | "));
    let _ = writeln!(out, "|{}", "---|".repeat(headings().len() + 1));
    for (column, value) in report.columns().iter().enumerate() {
        let figures = of_answers(report.bench.column_statistics(column));
        let _ = writeln!(out, "| {} | {} |", in_cell(&value.label), figures.join(" | "));
    }
    out.push('\n');
}

fn votes(out: &mut String, report: &Report<'_>) {
    if let Some(sentence) = words::votes(report) {
        let _ = writeln!(out, "{}\n", in_line(&sentence));
    }
}

/// Returns the headings of the figures of a cell.
pub(super) fn headings() -> [&'static str; Measure::ALL.len()] {
    Measure::ALL.map(Measure::name)
}

/// Returns the figures of a cell, under those headings.
pub(super) fn of_cell(report: &Report<'_>, cell: usize) -> Vec<String> {
    of_answers(report.bench.statistics(cell))
}

/// Returns the figures of some answers, under those headings.
pub(super) fn of_answers(diversity: Option<&Diversity>) -> Vec<String> {
    let told = |measure: Measure| measure.told(diversity?);
    Measure::ALL.into_iter().map(|measure| told(measure).unwrap_or_else(|| NONE.to_owned())).collect()
}

fn answer(out: &mut String, report: &Report<'_>, sample: usize) {
    let slot = report.slot(sample);
    let _ = writeln!(out, "**{}** {}\n", slot.sample.repeat + 1, words::figures(slot).join(" · "));
    for (check, verdict) in report.verdicts_on(sample) {
        if let crate::check::Verdict::Failed(reason) = verdict {
            let _ = writeln!(out, "- {}: {}\n", in_line(&check.to_string()), in_line(reason));
        }
    }
    if let Some(failure) = words::failure(slot) {
        let _ = writeln!(out, "{}\n", in_line(&failure));
    }
    if let Some(run) = slot.run.as_ref().filter(|run| !run.text.is_empty()) {
        fenced(out, &run.text);
    }
}

/// Adds a text as it is, in a fence that it cannot end.
fn fenced(out: &mut String, text: &str) {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat((longest + 1).max(3));
    let _ = writeln!(out, "{fence}text\n{}\n{fence}\n", printable_lines(text.trim_end_matches('\n')));
}

/// Returns a text as part of a line, where nothing in it is markup.
fn in_line(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in printable(text).chars() {
        if c.is_ascii_punctuation()
            && !matches!(c, '.' | ',' | ':' | ';' | '-' | '/' | '(' | ')' | '\'' | '=')
        {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn in_cell(text: &str) -> String {
    in_line(&fit(text, LABEL_CELLS))
}
