//! The figures of samples and cells in words, as people read them.
//!
//! Owns which of them are told and in which order; the statistics are called and written as on screen, which is
//! [`Measure`]'s to say.

use crate::core::bench::{Bench, Slot, State};
use crate::core::diversity::{Agreement, Divergence, Diversity, Measure, Unit};
use crate::core::figure;
use crate::core::request::{Request, Role};
use crate::core::run::RunStatus;
use crate::core::text::fit;
use crate::export::record::{fault, rate};
use crate::export::sweep::Report;
use std::ops::Range;

/// Most values of few answers that stand in a line.
const MAX_VALUES: usize = 10;

/// Widest value of a field that is shown, in cells.
const VALUE_CELLS: usize = 40;

/// Returns what a cell is called: its value on each axis.
#[must_use]
pub fn cell_name(bench: &Bench, cell: usize) -> String {
    let axes = bench.sweep().axes().iter().zip(bench.sweep().labels(cell));
    let parts: Vec<String> = axes.map(|(axis, label)| format!("{} {label}", axis.parameter())).collect();
    if parts.is_empty() { "all answers".to_owned() } else { parts.join(" · ") }
}

/// Returns what a cell is called, with the mark of the best.
#[must_use]
pub fn cell_heading(report: &Report<'_>, cell: usize) -> String {
    let name = cell_name(report.bench, cell);
    if report.is_best(cell) { name + " ★" } else { name }
}

/// Returns what all cells with one value of the first axis are called.
#[must_use]
pub fn column_name(bench: &Bench, column: usize) -> String {
    let axis = bench.sweep().axes().first();
    let named = axis.and_then(|axis| Some((axis.parameter(), axis.values().get(column)?)));
    named.map_or_else(String::new, |(parameter, value)| {
        format!("{parameter} {} · all {} cells", value.label, bench.column_of(column).len())
    })
}

/// Returns how often each value of the first axis was chosen in blind votes, where any was cast.
#[must_use]
pub fn votes(report: &Report<'_>) -> Option<String> {
    let each: Vec<String> =
        report.voted().map(|(value, votes)| format!("{} {votes}", fit(&value.label, VALUE_CELLS))).collect();
    (!each.is_empty()).then(|| format!("Blind votes: {}", each.join(" · ")))
}

/// Returns how a sample ended, in a word or two.
#[must_use]
pub fn ending(slot: &Slot) -> String {
    match slot.run.as_ref().map(|run| &run.status) {
        Some(RunStatus::Done(reason)) => fit(reason.name(), 40),
        Some(
            RunStatus::Queued
            | RunStatus::Connecting
            | RunStatus::Waiting { .. }
            | RunStatus::Streaming
            | RunStatus::Failed(_)
            | RunStatus::Cancelled,
        )
        | None => match slot.state() {
            State::Waiting => "not asked",
            state @ (State::Refused | State::Running | State::Done | State::Failed | State::Stopped) => {
                state.name()
            }
        }
        .to_owned(),
    }
}

/// Returns the figures of one sample.
#[must_use]
pub fn figures(slot: &Slot) -> Vec<String> {
    let mut figures = vec![ending(slot)];
    let Some(run) = &slot.run else { return figures };
    if run.first_token_ms().is_some() {
        figures.extend(run.output_tokens().map(|count| format!("{} tok", figure::count(count))));
    }
    figures.extend(run.first_token_ms().map(|ms| format!("{} first", figure::duration_ms(ms))));
    figures.extend(rate(run).map(figure::rate));
    figures.extend(run.tally().perplexity().map(|value| format!("ppl {}", figure::perplexity(value))));
    figures.extend(slot.dollars.filter(|dollars| *dollars > 0.0).map(figure::dollars));
    figures.extend((run.attempts > 1).then(|| format!("{} attempts", run.attempts)));
    figures
}

/// Returns what can be said of the answers of a cell together.
#[must_use]
pub fn together(bench: &Bench, cell: usize) -> Vec<String> {
    of_cells(bench, cell..cell + 1, bench.statistics(cell))
}

/// Returns what can be said of all answers of a column together.
#[must_use]
pub fn column(bench: &Bench, column: usize) -> Vec<String> {
    of_cells(bench, bench.column_of(column), bench.column_statistics(column))
}

/// Returns what can be said of the answers of some cells next to each other.
fn of_cells(bench: &Bench, cells: Range<usize>, diversity: Option<&Diversity>) -> Vec<String> {
    let slots = || cells.clone().flat_map(|cell| &bench.slots()[bench.samples_of(cell)]);
    let done = slots().filter(|slot| slot.state() == State::Done).count();
    let mut words = vec![format!("{done} of {} complete", slots().count())];
    let Some(diversity) = diversity else { return words };
    words.push(format!("{} distinct", diversity.distinct));
    // Few answers stand below, and their figures in the table.
    if diversity.length.is_few() {
        return words;
    }
    words.extend(Measure::ALL.into_iter().skip(2).filter_map(|measure| {
        let told = measure.told(diversity)?;
        Some(match (measure, diversity.divergence) {
            (Measure::PartsAt, Some(Divergence { at: None, .. })) => told,
            (Measure::PartsAt, Some(Divergence { unit: Unit::Cluster, .. })) => format!("part at {told}"),
            _ => format!("{} {told}", measure.name()),
        })
    }));
    words
}

/// Returns how far answers in JSON agree: a line per field with its values and their shares.
#[must_use]
pub fn agreement(agreement: &Agreement) -> Vec<String> {
    let mut lines = Vec::new();
    for field in &agreement.fields {
        let values = field.values.iter().take(MAX_VALUES);
        let of = |count: usize| format!("{count}/{}", agreement.read);
        let mut shown: Vec<String> =
            values.map(|value| format!("{} {}", fit(&value.value, VALUE_CELLS), of(value.count))).collect();
        if field.values.len() > MAX_VALUES {
            shown.push(format!("and {} more", field.values.len() - MAX_VALUES));
        }
        if field.missing > 0 {
            shown.push(format!("missing {}", of(field.missing)));
        }
        lines.push(format!("{}: {}", fit(&field.path, 2 * VALUE_CELLS), shown.join(" · ")));
    }
    if agreement.unread > 0 {
        lines.push(format!("no JSON: {} of {}", agreement.unread, agreement.unread + agreement.read));
    }
    lines
}

/// Returns the last user message of a request, which is its question.
#[must_use]
pub fn question(request: &Request) -> &str {
    let asked = request.messages.iter().rev().find(|message| message.role == Role::User);
    asked.map_or("", |message| &message.content)
}

/// Returns why a run has no complete answer.
#[must_use]
pub fn failure(slot: &Slot) -> Option<String> {
    match (&slot.refusal, slot.run.as_ref()) {
        (Some(reason), _) => Some(format!("not sent: {reason}")),
        (None, Some(run)) => fault(run).map(ToString::to_string),
        (None, None) => None,
    }
}
