//! A sweep as one page for a browser: a table of the cells, and the answers in columns with their heat
//! and what is different in them.
//!
//! Owns the page's parts. It is one file without scripts; what is different is marked as inserted and
//! deleted text, which says so without any style too.

use super::{Report, markdown, words};
use crate::check::Verdict;
use crate::core::bench::State;
use crate::core::diff::diff;
use crate::core::heat::{Level, SURPRISAL_LEGEND};
use crate::core::run::Run;
use crate::core::stretch::{Stretch, stretches};
use crate::core::text::fit;
use crate::core::token::groups;
use crate::export::page::Page;
use std::ops::Range;

/// How a sweep's page looks beyond what all pages have.
const STYLE: &str = include_str!("page.css");

/// Returns the document.
#[must_use]
pub fn document(report: &Report<'_>) -> String {
    let base = report.bench.sweep().base();
    let mut page = Page::document(&format!("Comparison · {}", fit(&base.model, 60)), STYLE);
    page.open("header", &[]).element("h1", &[], "Comparison").line();
    page.element("p", &[], &format!("{} at {}", base.model, base.endpoint)).line();
    for message in &base.messages {
        page.open("p", &[("class", "said")]).element("b", &[], message.role.name());
        page.text(" ").text(&message.content).close().line();
    }
    page.element("p", &[("class", "dim")], &markdown::how_far(report)).line().close().line();
    table(&mut page, report);
    column_table(&mut page, report);
    checks(&mut page, report);
    columns(&mut page, report);
    page.finish()
}

fn table(page: &mut Page, report: &Report<'_>) {
    let sweep = report.bench.sweep();
    page.open("section", &[]).element("h2", &[], "Figures").line();
    page.open("div", &[("class", "wide")]).open("table", &[]);
    page.element("caption", &[], "Of few answers the values stand in the place of a mean").line();
    page.open("thead", &[]).open("tr", &[]);
    for axis in sweep.axes() {
        page.element("th", &[], &axis.parameter().to_string());
    }
    for heading in markdown::headings() {
        page.element("th", &[("class", "n")], heading);
    }
    page.close().close().line().open("tbody", &[]);
    for cell in 0..sweep.cell_count() {
        page.open("tr", &[]);
        for label in sweep.labels(cell) {
            page.open("td", &[]).element("a", &[("href", &format!("#c{cell}"))], label).close();
        }
        for figure in markdown::of_cell(report, cell) {
            page.element("td", &[("class", "n")], &figure);
        }
        page.close().line();
    }
    page.close().close().close().close().line();
}

/// Writes the figures over all cells of each column, and the votes.
fn column_table(page: &mut Page, report: &Report<'_>) {
    let axis = report.bench.sweep().axes().first().filter(|_| !report.columns().is_empty());
    if let Some(axis) = axis {
        page.open("section", &[]).open("div", &[("class", "wide")]).open("table", &[]);
        page.element("caption", &[], "Over all cells of each column").line();
        page.open("thead", &[]).open("tr", &[]).element("th", &[], &axis.parameter().to_string());
        for heading in markdown::headings() {
            page.element("th", &[("class", "n")], heading);
        }
        page.close().close().line().open("tbody", &[]);
        for (column, value) in report.columns().iter().enumerate() {
            page.open("tr", &[]).element("td", &[], &value.label);
            for figure in markdown::of_answers(report.bench.column_statistics(column)) {
                page.element("td", &[("class", "n")], &figure);
            }
            page.close().line();
        }
        page.close().close().close().close().line();
    }
    if let Some(sentence) = words::votes(report) {
        page.element("p", &[], &sentence).line();
    }
}

fn checks(page: &mut Page, report: &Report<'_>) {
    if report.checks.is_empty() {
        return;
    }
    page.open("section", &[]).element("h2", &[], "Checks").line().open("ul", &[]);
    for (check, tally) in report.checks.iter().zip(report.tallies(0..report.bench.slots().len())) {
        let judged = tally.passed + tally.failed;
        let required = if check.required { "required" } else { "optional" };
        page.element("li", &[], &format!("{check}: {required}, {} of {judged} passed", tally.passed));
    }
    page.close().close().line();
}

fn columns(page: &mut Page, report: &Report<'_>) {
    page.open("section", &[]).element("h2", &[], "Answers").line();
    legend(page);
    page.open("div", &[("class", "columns")]).line();
    let bench = report.bench;
    let first = |cell: usize| {
        let done = bench.samples_of(cell).find(|sample| bench.slots()[*sample].state() == State::Done);
        done.and_then(|sample| bench.slots()[sample].run.as_ref())
    };
    let base = first(0);
    for cell in 0..bench.sweep().cell_count() {
        page.open("article", &[("id", &format!("c{cell}"))]);
        page.element("h3", &[], &words::cell_heading(report, cell)).line();
        if let Some(note) = report.note(cell) {
            page.element("p", &[("class", "note"), ("dir", "auto")], note).line();
        }
        if bench.sweep().repeats() > 1 {
            page.element("p", &[("class", "dim")], &words::together(bench, cell).join(" · ")).line();
        }
        let mut samples = bench.samples_of(cell);
        if let Some(sample) = samples.next() {
            answer(page, report, sample);
        }
        if !samples.is_empty() {
            page.open("details", &[]);
            page.element("summary", &[], &format!("{} more", samples.len()));
            for sample in samples {
                answer(page, report, sample);
            }
            page.close().line();
        }
        if let Some(agreement) = bench.agreement(cell).filter(|agreement| agreement.read > 1) {
            page.open("details", &[]).element("summary", &[], "agreement by field").open("ul", &[]);
            for line in words::agreement(&agreement) {
                page.element("li", &[], &line);
            }
            page.close().close().line();
        }
        if let (Some(base), Some(run), true) = (base, first(cell), cell > 0) {
            differences(page, base, run);
        }
        page.close().line();
    }
    page.close().close().line();
}

/// Writes what the marks of the heat mean.
fn legend(page: &mut Page) {
    page.open("ul", &[("class", "legend")]).open("li", &[]).text("Surprisal in bits, from").close();
    for (level, from) in Level::all().zip(SURPRISAL_LEGEND) {
        page.open("li", &[]).element("b", &[("class", &class(level))], from).close();
    }
    page.close().line();
}

fn class(level: Level) -> String {
    format!("h{}", level.index())
}

fn answer(page: &mut Page, report: &Report<'_>, sample: usize) {
    let slot = report.slot(sample);
    page.element("p", &[("class", "dim")], &words::figures(slot).join(" · ")).line();
    for (check, verdict) in report.verdicts_on(sample) {
        match verdict {
            Verdict::Passed => page.element("p", &[("class", "passed")], &format!("✓ {check}")),
            Verdict::Failed(reason) => {
                page.element("p", &[("class", "failed")], &format!("✗ {check}: {reason}"))
            }
            Verdict::Open => page,
        };
    }
    if let Some(failure) = words::failure(slot) {
        page.element("p", &[("class", "note")], &failure);
    }
    if let Some(run) = slot.run.as_ref().filter(|run| !run.text.is_empty()) {
        page.open("div", &[("class", "answer"), ("dir", "auto")]);
        heated(page, run);
        page.close();
    }
    page.line();
}

/// Writes an answer with its heat; what no token tells has none.
fn heated(page: &mut Page, run: &Run) {
    if !run.has_logprobs() {
        page.text(&run.text);
        return;
    }
    let groups = groups(&run.tokens);
    for stretch in stretches(&run.text, run.alignment(), &groups) {
        let (text, level) = match stretch {
            Stretch::Told(group) => {
                (&*group.text, run.joint_logprob(group.tokens.clone()).map(Level::of_surprisal))
            }
            Stretch::Differs { text, .. } => (told(run, text), None),
        };
        match level.filter(|level| level.index() > 0) {
            Some(level) => page.element("span", &[("class", &class(level))], text),
            None => page.text(text),
        };
    }
}

/// Returns a part of an answer's text.
fn told(run: &Run, range: Range<usize>) -> &str {
    run.text.get(range).unwrap_or("\u{fffd}")
}

/// Writes what is different between an answer and that of the first column.
fn differences(page: &mut Page, base: &Run, run: &Run) {
    page.open("details", &[]).element("summary", &[], "against the first column");
    page.open("div", &[("class", "answer diff"), ("dir", "auto")]);
    if base.text == run.text {
        page.element("i", &[], "the same");
    } else {
        for hunk in diff(&base.text, &run.text) {
            let (gone, new) = (&base.text[hunk.base.clone()], &run.text[hunk.other.clone()]);
            if hunk.is_same {
                page.text(new);
                continue;
            }
            if !gone.is_empty() {
                page.element("del", &[], gone);
            }
            if !new.is_empty() {
                page.element("ins", &[], new);
            }
        }
    }
    page.close().close().line();
}
