//! A sweep as CSV: a row for each sample, with the figures of its cell and of its column beside it.
//!
//! Owns the columns. Numbers have all their digits and no unit, what is not known is empty, and a mean
//! of few answers is not known.

use super::Report;
use crate::check::Verdict;
use crate::core::diversity::{Diversity, Spread};
use crate::core::run::{Count, Run};
use crate::core::text::clusters;
use crate::export::csv::push_row;
use crate::export::record::{fault, rate};

/// Columns of every sample, after those of the axes.
const COLUMNS: [&str; 26] = [
    "repeat",
    "seed",
    "state",
    "kept",
    "endpoint",
    "model",
    "finish_reason",
    "text",
    "reasoning",
    "characters",
    "input_tokens",
    "cached_input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "usage_source",
    "dollars",
    "first_token_ms",
    "total_ms",
    "tokens_per_s",
    "attempts",
    "perplexity",
    "mean_logprob",
    "fault",
    "cell_answers",
    "cell_distinct",
    "cell_most_common",
];

/// Columns of the cell's spreads, each as mean, deviation, smallest and largest.
const SPREADS: [&str; 4] = ["similarity", "characters", "tokens", "mean_logprob"];

/// Returns the document.
#[must_use]
pub fn document(report: &Report<'_>) -> String {
    let sweep = report.bench.sweep();
    let mut head = vec!["cell".to_owned()];
    head.extend(sweep.axes().iter().map(|axis| axis.parameter().to_string()));
    head.extend(COLUMNS.map(str::to_owned));
    let of_cell = ["distinct_1", "distinct_2", "parts_at"];
    head.extend(of_cell.map(|name| format!("cell_{name}")));
    head.extend(spreads("cell"));
    head.extend(["best", "note"].map(str::to_owned));
    if !report.columns().is_empty() {
        let of_column = ["answers", "distinct", "most_common"].into_iter().chain(of_cell);
        head.extend(of_column.map(|name| format!("column_{name}")));
        head.extend(spreads("column"));
    }
    if !report.votes.is_empty() {
        head.push("column_votes".to_owned());
    }
    head.extend(report.checks.iter().map(|check| format!("check {check}")));
    let mut out = String::new();
    push_row(&mut out, &head);
    let columns: Vec<Vec<String>> = (0..report.columns().len())
        .map(|column| of_answers(report.bench.column_statistics(column)))
        .collect();
    for sample in 0..report.bench.slots().len() {
        push_row(&mut out, &row(report, &columns, sample));
    }
    out
}

/// Returns the names of the spreads of a cell or a column.
fn spreads(of: &'static str) -> impl Iterator<Item = String> {
    let figures = ["mean", "deviation", "min", "max"];
    SPREADS.into_iter().flat_map(move |name| figures.map(|figure| format!("{of}_{name}_{figure}")))
}

fn row(report: &Report<'_>, columns: &[Vec<String>], sample: usize) -> Vec<String> {
    let slot = report.slot(sample);
    let (asked, cell) = (&slot.sample.request, slot.sample.cell);
    let mut row = vec![cell.to_string()];
    row.extend(report.bench.sweep().labels(cell).into_iter().map(str::to_owned));
    row.extend([
        slot.sample.repeat.to_string(),
        maybe(asked.sampling.seed),
        slot.state().name().to_owned(),
        slot.was_kept.to_string(),
        asked.endpoint.to_string(),
        asked.model.to_string(),
    ]);
    let answer = slot.run.as_ref().map_or_else(|| vec![String::new(); 17], |run| of_run(report, run));
    row.extend(answer);
    if let Some(dollars) = slot.dollars {
        let at = row.len() - 17 + 9;
        row[at] = dollars.to_string();
    }
    if let (Some(refusal), Some(last)) = (&slot.refusal, row.last_mut()) {
        last.clone_from(refusal);
    }
    row.extend(of_answers(report.bench.statistics(cell)));
    row.extend([report.is_best(cell).to_string(), report.note(cell).unwrap_or_default().to_owned()]);
    let column = report.bench.sweep().coordinates(cell).first().copied().unwrap_or(0);
    row.extend(columns.get(column).into_iter().flatten().cloned());
    row.extend(report.votes.get(column).map(u32::to_string));
    let mut verdicts: Vec<String> = report
        .verdicts_on(sample)
        .map(|(_, verdict)| match verdict {
            Verdict::Passed => "passed".to_owned(),
            Verdict::Failed(reason) => format!("failed: {reason}"),
            Verdict::Open => String::new(),
        })
        .collect();
    verdicts.resize(report.checks.len(), String::new());
    row.extend(verdicts);
    row
}

/// Returns the fields of an answer, from the reason it finished for to its fault; the dollars are the slot's.
fn of_run(report: &Report<'_>, run: &Run) -> Vec<String> {
    let usage = (report.usage)(run);
    let source = match run.output_tokens() {
        Some(Count::Exact(_)) => "provider",
        Some(Count::Estimate(_)) | None => "estimate",
    };
    let finish = match &run.status {
        crate::core::run::RunStatus::Done(reason) => reason.name().to_owned(),
        crate::core::run::RunStatus::Queued
        | crate::core::run::RunStatus::Connecting
        | crate::core::run::RunStatus::Waiting { .. }
        | crate::core::run::RunStatus::Streaming
        | crate::core::run::RunStatus::Failed(_)
        | crate::core::run::RunStatus::Cancelled => String::new(),
    };
    vec![
        finish,
        run.text.clone(),
        run.reasoning.clone(),
        clusters(&run.text).count().to_string(),
        usage.input_tokens.to_string(),
        usage.cached_input_tokens.to_string(),
        usage.output_tokens.to_string(),
        usage.reasoning_tokens.to_string(),
        source.to_owned(),
        String::new(),
        maybe(run.first_token_ms()),
        maybe(run.total_ms()),
        maybe(rate(run)),
        run.attempts.to_string(),
        maybe(run.tally().perplexity()),
        maybe(run.tally().mean_logprob()),
        fault(run).map(ToString::to_string).unwrap_or_default(),
    ]
}

/// Returns the fields of the answers of a cell or a column together.
fn of_answers(diversity: Option<&Diversity>) -> Vec<String> {
    let Some(diversity) = diversity else { return vec![String::new(); 6 + 4 * SPREADS.len()] };
    let mut fields = vec![
        diversity.answers.to_string(),
        diversity.distinct.to_string(),
        diversity.mode_share.to_string(),
        maybe(diversity.distinct_1),
        maybe(diversity.distinct_2),
        maybe(diversity.divergence.and_then(|divergence| divergence.at)),
    ];
    let spreads = [
        diversity.similarity.as_ref(),
        Some(&diversity.length),
        diversity.output_tokens.as_ref(),
        diversity.mean_logprob.as_ref(),
    ];
    for spread in spreads {
        fields.extend([
            maybe(spread.and_then(Spread::mean)),
            maybe(spread.and_then(Spread::deviation)),
            maybe(spread.and_then(Spread::min)),
            maybe(spread.and_then(Spread::max)),
        ]);
    }
    fields
}

fn maybe<T: ToString>(value: Option<T>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}
