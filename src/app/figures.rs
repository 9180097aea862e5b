//! The statistics of a comparison as a table: a row for each statistic, a column for each value of an axis.
//!
//! Owns which figures stand where and how they are written; `core` computes every one of them. All are
//! of complete answers. The rule that few values have no mean is [`Spread`]'s and is kept here: under
//! five answers an entry has the values themselves, and a chart has dots without a line.
//!
//! Invariant: every row has an entry for every column, in the order of the columns.

mod accord;
mod checked;
mod column;
mod cursor;
mod entry;
mod scale;
mod statistic;

pub use accord::{Accord, AccordColumn, PathRow};
pub use column::Column;
pub use cursor::{Cursor, NAMES};
pub use entry::Entry;
pub use scale::Scale;
pub use statistic::Statistic;

use crate::core::bench::{Bench, Slot, State};
use crate::core::diversity::{Diversity, Spread, Unit};
use crate::core::figure;
use crate::core::run::{Run, RunStatus};
use crate::core::text::fit;
use std::cmp::Reverse;
use std::collections::HashMap;

/// Widest reason for an end, in cells; servers send what they like.
const REASON_CELLS: usize = 16;

/// A statistic over the columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// What it is of.
    pub statistic: Statistic,
    /// Its figures, one entry per column.
    pub entries: Vec<Entry>,
}

impl Row {
    /// Returns the statistics over all answers of each column whatever their cell, [`Statistic::WHOLE`] in order.
    ///
    /// All pairs of answers are gone through, which takes longer than a frame has.
    #[must_use]
    pub fn of_columns(columns: &[Option<Diversity>]) -> Vec<Self> {
        let entry = |statistic, column: &Option<Diversity>| {
            column.as_ref().map_or(Entry::Nothing, |diversity| whole_entry(statistic, diversity))
        };
        let row = |statistic| Self {
            statistic,
            entries: columns.iter().map(|column| entry(statistic, column)).collect(),
        };
        Statistic::WHOLE.into_iter().map(row).collect()
    }
}

/// The statistics of a comparison.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Figures {
    /// What varies from column to column.
    pub axis: String,
    /// The columns.
    pub columns: Vec<Column>,
    /// The statistics, [`Statistic::ALL`] in order, and the votes where any was cast.
    pub rows: Vec<Row>,
    /// The statistics over all cells of each column, [`Statistic::WHOLE`] in order; empty where each has one.
    pub whole: Vec<Row>,
    /// What the checks are called, where there are any.
    checks: Vec<String>,
}

impl Figures {
    /// Returns the figures of some columns of a sweep being run.
    ///
    /// Where a column has several cells, what is of each answer is of the answers of all of them, and
    /// what is of a cell, such as how many answers are distinct, has a value for each.
    #[must_use]
    pub fn of(bench: &Bench, axis: impl Into<String>, columns: Vec<Column>) -> Self {
        let sources: Vec<Source<'_>> = columns.iter().map(|column| Source::of(bench, column)).collect();
        let rows = Statistic::ALL
            .into_iter()
            .map(|statistic| Row {
                statistic,
                entries: sources.iter().map(|source| source.entry(statistic)).collect(),
            })
            .collect();
        Self { axis: axis.into(), columns, rows, whole: Vec::new(), checks: Vec::new() }
    }

    /// Adds how often each column was chosen in blind votes, where any vote was cast.
    pub fn add_votes(&mut self, votes: &[u32]) {
        if votes.len() == self.columns.len() && !votes.is_empty() {
            let entries = votes.iter().map(|votes| Entry::one(f64::from(*votes))).collect();
            self.rows.push(Row { statistic: Statistic::Votes, entries });
        }
    }

    /// Adds the statistics over all cells of each column, those of the columns with these numbers; `known` is what
    /// [`Row::of_columns`] made of all, once it has.
    pub fn add_whole(&mut self, known: Option<&[Row]>, numbers: &[usize]) {
        let entry = |row: &Row, number: &usize| row.entries.get(*number).cloned().unwrap_or(Entry::Nothing);
        self.whole = match known {
            Some(rows) => rows
                .iter()
                .map(|row| Row {
                    statistic: row.statistic,
                    entries: numbers.iter().map(|number| entry(row, number)).collect(),
                })
                .collect(),
            None => Statistic::WHOLE
                .into_iter()
                .map(|statistic| Row {
                    statistic,
                    entries: vec![Entry::Words(vec!["…".to_owned()]); numbers.len()],
                })
                .collect(),
        };
    }

    /// Returns how many lines a table of all of it has: a heading leads what is of all cells.
    #[must_use]
    pub fn lines(&self) -> usize {
        self.rows.len() + if self.whole.is_empty() { 0 } else { 1 + self.whole.len() }
    }

    /// Returns the row in a line; `None` for the heading.
    #[must_use]
    pub fn line(&self, line: usize) -> Option<&Row> {
        self.rows.get(line).or_else(|| self.whole.get(line.checked_sub(self.rows.len() + 1)?))
    }

    /// Returns where the columns stand along the axis, from 0 to 1: by their numbers where all have
    /// one and they rise, else in the middle of equal parts.
    #[must_use]
    pub fn places(&self) -> Vec<f64> {
        let numbers: Option<Vec<f64>> = self.columns.iter().map(|column| column.at).collect();
        let numbers = numbers.filter(|numbers| numbers.windows(2).all(|pair| pair[0] < pair[1]));
        if let Some(numbers) = numbers
            && let [low, .., high] = numbers[..]
        {
            return numbers.into_iter().map(|number| (number - low) / (high - low)).collect();
        }
        let all = self.columns.len();
        (0..all).map(|number| (count(number) + 0.5) / count(all)).collect()
    }
}

/// What the figures of one column are made of.
struct Source<'a> {
    /// The statistics of each cell that has complete answers.
    cells: Vec<&'a Diversity>,
    slots: Vec<&'a Slot>,
    runs: Vec<&'a Run>,
}

impl<'a> Source<'a> {
    fn of(bench: &'a Bench, column: &Column) -> Self {
        let slots: Vec<&Slot> =
            column.cells.iter().flat_map(|cell| &bench.slots()[bench.samples_of(*cell)]).collect();
        let done = slots.iter().filter(|slot| slot.state() == State::Done);
        Self {
            cells: column.cells.iter().filter_map(|cell| bench.statistics(*cell)).collect(),
            runs: done.filter_map(|slot| slot.run.as_ref()).collect(),
            slots,
        }
    }

    fn entry(&self, statistic: Statistic) -> Entry {
        match statistic {
            Statistic::Answers => match self.runs.len() {
                0 => Entry::Nothing,
                answers => Entry::one(count(answers)),
            },
            Statistic::Distinct => self.each_cell(|cell| Some(count(cell.distinct))),
            Statistic::MostCommon => self.each_cell(|cell| Some(cell.mode_share)),
            Statistic::Similarity => self.similarity(),
            Statistic::DistinctOne => self.each_cell(|cell| cell.distinct_1),
            Statistic::DistinctTwo => self.each_cell(|cell| cell.distinct_2),
            Statistic::Clusters => self.each_spread(|cell| Some(&cell.length), |value| value),
            Statistic::Tokens => self.each_spread(|cell| cell.output_tokens.as_ref(), |value| value),
            Statistic::PartsAt => self.parting(),
            Statistic::MeanLogprob => self.each_spread(|cell| cell.mean_logprob.as_ref(), |value| value),
            Statistic::Perplexity => {
                self.each_spread(|cell| cell.mean_logprob.as_ref(), |mean| (-mean).exp())
            }
            Statistic::FirstToken => self.each_run(Run::first_token_ms),
            Statistic::Rate => self.each_run(Run::tokens_per_s),
            Statistic::Cost => {
                let done = self.slots.iter().filter(|slot| slot.state() == State::Done);
                Entry::of(&Spread::of_answers(done.filter_map(|slot| slot.dollars).collect()))
            }
            Statistic::Finish => self.endings(),
            // Nothing that a bench knows.
            Statistic::Passed | Statistic::Check(_) | Statistic::Votes => Entry::Nothing,
        }
    }

    /// Returns what is of a whole cell: the figure itself where there is one cell.
    fn each_cell(&self, value: impl Fn(&Diversity) -> Option<f64>) -> Entry {
        Entry::of(&Spread::of_answers(self.cells.iter().filter_map(|cell| value(cell)).collect()))
    }

    /// Returns what each answer has a value of.
    fn each_spread(
        &self,
        spread: impl Fn(&'a Diversity) -> Option<&'a Spread>,
        value: impl Fn(f64) -> f64,
    ) -> Entry {
        let spreads = self.cells.iter().filter_map(|cell| spread(cell));
        let values = spreads.flat_map(Spread::values).map(|own| value(*own)).collect();
        Entry::of(&Spread::of_answers(values))
    }

    fn each_run(&self, value: impl Fn(&Run) -> Option<f64>) -> Entry {
        Entry::of(&Spread::of_answers(self.runs.iter().filter_map(|run| value(run)).collect()))
    }

    /// Returns how alike two answers to the same request are, of every pair.
    fn similarity(&self) -> Entry {
        let compared =
            || self.cells.iter().filter_map(|cell| Some((cell.answers, cell.similarity.as_ref()?)));
        let values = compared().flat_map(|(_, spread)| spread.values()).copied();
        let answers = compared().map(|(answers, _)| answers).min().unwrap_or(0);
        Entry::of(&Spread::of_pairs(values.collect(), answers))
    }

    fn parting(&self) -> Entry {
        let partings: Vec<_> = self.cells.iter().filter_map(|cell| cell.divergence).collect();
        if partings.is_empty() {
            return Entry::Nothing;
        }
        if partings.iter().all(|parting| parting.at.is_none()) {
            return Entry::Words(vec!["all the same".to_owned()]);
        }
        let parted = || partings.iter().filter_map(|parting| Some((parting.unit, parting.at? + 1)));
        if parted().all(|(unit, _)| unit == Unit::Token) {
            return Entry::of(&Spread::of_answers(parted().map(|(_, at)| count(at)).collect()));
        }
        // Clusters are no measure beside tokens, so they stand in words and in no chart.
        let written = parted().map(|(unit, at)| match unit {
            Unit::Token => format!("token {}", figure::whole(at as u64)),
            Unit::Cluster => format!("character {}", figure::whole(at as u64)),
        });
        Entry::Words(written.collect())
    }

    /// Returns how the answers ended, and where those stand that did not.
    fn endings(&self) -> Entry {
        let mut counts: Vec<(String, usize)> = Vec::new();
        let mut numbers: HashMap<String, usize> = HashMap::new();
        for slot in &self.slots {
            let name = match slot.run.as_ref().map(|run| &run.status) {
                Some(RunStatus::Done(reason)) => fit(reason.name(), REASON_CELLS),
                Some(
                    RunStatus::Queued
                    | RunStatus::Connecting
                    | RunStatus::Waiting { .. }
                    | RunStatus::Streaming
                    | RunStatus::Failed(_)
                    | RunStatus::Cancelled,
                )
                | None => slot.state().name().to_owned(),
            };
            let at = *numbers.entry(name).or_insert_with_key(|name| {
                counts.push((name.clone(), 0));
                counts.len() - 1
            });
            counts[at].1 += 1;
        }
        counts.sort_by_key(|(_, count)| Reverse(*count));
        let written: Vec<String> = counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
        if written.is_empty() { Entry::Nothing } else { Entry::Words(written) }
    }
}

/// Returns what a statistic says of all answers of a column together.
fn whole_entry(statistic: Statistic, diversity: &Diversity) -> Entry {
    if statistic == Statistic::Answers {
        return Entry::one(count(diversity.answers));
    }
    Source { cells: vec![diversity], slots: Vec::new(), runs: Vec::new() }.entry(statistic)
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn count(number: usize) -> f64 {
    number as f64
}

#[cfg(test)]
pub(crate) mod tests;
